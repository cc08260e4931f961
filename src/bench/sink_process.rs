//! Our end of the sink's standard input and output.
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::child::Program;
use super::sink::{Report, SinkOptions};

/// A running `regimen bench-sink`.
pub(super) struct SinkProcess {
    program: Program,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    port: u16,
    dump: PathBuf,
}

/// A mail that the sink remembers: its id, and microseconds since 1970.
pub(super) type Taken = (u128, i64);

impl SinkProcess {
    /// `command` is our own program, without arguments.
    pub(super) fn start(command: &mut Command, options: SinkOptions, folder: &Path) -> anyhow::Result<Self> {
        command.arg("bench-sink").arg("--delay").arg(humantime::format_duration(options.delay).to_string());
        command.args(options.ids.then_some("--ids")).args(options.times.then_some("--times"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = Program::start("regimen bench-sink", command, &folder.join("sink.log"))?;
        let requests = program.child().stdin.take().context("its input is a pipe")?;
        let mut answers = BufReader::new(program.child().stdout.take().context("its output is a pipe")?);
        let mut line = String::new();
        answers.read_line(&mut line)?;
        let Ok(port) = line.trim().parse() else {
            program.must_run()?;
            bail!("the sink did not say its port");
        };
        let dump = folder.join(format!("sink-{port}.dump"));
        Ok(Self { program, requests, answers, port, dump })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn reset(&mut self) -> anyhow::Result<()> {
        self.ask("reset").map(drop)
    }

    pub(super) fn report(&mut self) -> anyhow::Result<Report> {
        Ok(serde_json::from_str(&self.ask("report")?)?)
    }

    /// All that it remembers.
    pub(super) fn taken(&mut self) -> anyhow::Result<Vec<Taken>> {
        let path = self.dump.clone();
        self.ask(&format!("dump {}", path.display()))?;
        let octets = std::fs::read(&path)?;
        std::fs::remove_file(&path)?;
        let taken = octets.chunks_exact(24).map(|one| {
            let (id, at) = one.split_at(16);
            (
                u128::from_be_bytes(id.try_into().unwrap_or_default()),
                i64::from_be_bytes(at.try_into().unwrap_or_default()),
            )
        });
        Ok(taken.collect())
    }

    /// Waits until it has taken so many mails, while `sender` must live.
    pub(super) async fn wait_for(
        &mut self,
        mails: u64,
        patience: Duration,
        sender: &mut Program,
    ) -> anyhow::Result<Report> {
        let began = Instant::now();
        loop {
            let report = self.report()?;
            if report.mails >= mails {
                return Ok(report);
            }
            sender.must_run()?;
            if began.elapsed() > patience {
                bail!("{} of {mails} mails came within {patience:?}", report.mails);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn ask(&mut self, request: &str) -> anyhow::Result<String> {
        writeln!(self.requests, "{request}")?;
        self.requests.flush()?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            self.program.must_run()?;
            bail!("the sink has closed its output");
        }
        Ok(line)
    }
}
