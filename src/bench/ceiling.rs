//! What the machine could do at most: Postfix's smtp-source into Postfix's smtp-sink, or, where these are not installed, a
//! raw client of our own into our sink. It reads nothing, signs nothing and keeps no books.
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::child::Program;
use super::ground::Ground;
use super::raw;
use super::sink::SinkOptions;
use super::sink_process::SinkProcess;

/// What the headers of smtp-source add to the length that it is given.
const SOURCE_HEADERS: usize = 250;

/// A pair of a client and a sink, measured again and again beside what is judged by it.
pub(super) enum Ceiling {
    Postfix { source: PathBuf, _sink: Program, port: u16 },
    Raw { sink: SinkProcess },
}

impl Ceiling {
    /// The best that is here.
    pub(super) async fn open(ground: &Ground) -> anyhow::Result<Self> {
        let (Some(source), Some(sink)) = (postfix("smtp-source"), postfix("smtp-sink")) else {
            return Ok(Self::Raw { sink: ground.sink(SinkOptions::default())? });
        };
        let port = free_port()?;
        let mut command = Command::new(sink);
        // Started by root, it wants to know whom it should become.
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        command.arg(format!("127.0.0.1:{port}")).arg("1000").stdin(Stdio::null()).stdout(Stdio::null());
        command.current_dir("/");
        let mut sink = Program::start("smtp-sink", &mut command, &ground.folder().join("smtp-sink.log"))?;
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            sink.must_run()?;
            anyhow::ensure!(began.elapsed() < Duration::from_secs(20), "smtp-sink was not there within 20 seconds");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(Self::Postfix { source, _sink: sink, port })
    }

    /// How it is called in the report.
    pub(super) fn name(&self, connections: usize) -> String {
        match self {
            Self::Postfix { .. } => format!("smtp-source -d -s {connections} into smtp-sink"),
            Self::Raw { .. } => {
                format!("raw pipelined client, {connections} connections, into our sink (Postfix's tools are not here)")
            }
        }
    }

    /// Mails of so many octets a second.
    pub(super) async fn measure(
        &mut self,
        ground: &Ground,
        connections: usize,
        mails: usize,
        octets: usize,
    ) -> anyhow::Result<f64> {
        match self {
            Self::Postfix { source, port, .. } => source_rate(ground, source, *port, connections, mails, octets).await,
            Self::Raw { sink } => raw::rate(sink.port(), connections, mails, octets).await,
        }
    }
}

/// smtp-source into any sink.
pub(super) async fn source_rate(
    ground: &Ground,
    source: &PathBuf,
    port: u16,
    connections: usize,
    mails: usize,
    octets: usize,
) -> anyhow::Result<f64> {
    let mut command = Command::new(source);
    command.arg("-d").args(["-s", &connections.to_string()]).args(["-m", &mails.to_string()]);
    command.args(["-l", &octets.saturating_sub(SOURCE_HEADERS).to_string()]);
    command.args(["-f", "series@example.com", "-t", "reader@example.org", "-M", "series.example.org"]);
    command.arg(format!("127.0.0.1:{port}")).stdin(Stdio::null()).stdout(Stdio::null()).current_dir("/");
    let program = Program::start("smtp-source", &mut command, &ground.folder().join("smtp-source.log"))?;
    let took = program.ended_well(Duration::from_mins(5)).await?;
    Ok(super::report::per_second(mails as u64, took))
}

/// One of Postfix's programs, which distributions keep in the folders of the system's administrator.
pub(super) fn postfix(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path);
    let others =
        ["/usr/sbin", "/usr/local/sbin", "/usr/libexec/postfix", "/usr/lib/postfix/sbin", "/usr/lib/postfix/bin"];
    folders.chain(others.map(PathBuf::from)).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// A port that nobody has right now.
fn free_port() -> anyhow::Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("loopback has no free port")?;
    Ok(listener.local_addr()?.port())
}
