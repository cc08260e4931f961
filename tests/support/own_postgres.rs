//! A PostgreSQL of a test's own, which the test may stop, restart, crash and freeze while processes work with it: its
//! address stays the same.
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use regimen::clock::Clock;
use regimen::local::postgres::PrivatePostgres;
use regimen::store;
use regimen::store::installation::{self, Purpose};
use rustix::process::{Pid, Signal, kill_process};

use super::process::{Folder, until};

/// Durable against everything but the machine's own end, which a test does not bring about.
const SETTINGS: [(&str, &str); 4] =
    [("fsync", "off"), ("full_page_writes", "off"), ("max_connections", "200"), ("shared_buffers", "64MB")];
const SOCKET: &str = ".s.PGSQL.5432";

pub struct OwnPostgres {
    // Dropped first: its folders wait for it.
    server: Option<PrivatePostgres>,
    data: PathBuf,
    /// Holds a link to the socket, which is elsewhere after each start.
    door: Folder,
    _folder: Folder,
}

impl OwnPostgres {
    /// With the schema of a production database.
    pub async fn start() -> Self {
        let folder = Folder::new();
        Self::start_in(folder.join("data"), folder).await
    }

    /// The same with its data somewhere else, such as on a disk that can be full.
    pub async fn start_in(data: PathBuf, folder: Folder) -> Self {
        let mut this = Self { server: None, data, door: Folder::new(), _folder: folder };
        this.open().await;
        let db = store::pool(&this.url(), 2).unwrap();
        installation::migrate(&db, Purpose::Production, Clock::system().real()).await.unwrap();
        db.close().await;
        this
    }

    /// Where to connect, whatever happens to the server.
    pub fn url(&self) -> String {
        let mut url = url::Url::parse("postgresql://postgres@localhost:5432/postgres").unwrap();
        url.query_pairs_mut().append_pair("host", self.door.text());
        url.to_string()
    }

    /// Starts it after it was stopped.
    pub async fn open(&mut self) {
        drop(self.server.take());
        let server = until("it is there", async || {
            let data = self.data.clone();
            match tokio::task::spawn_blocking(move || PrivatePostgres::start(&data, &SETTINGS)).await.unwrap() {
                Ok(server) => Some(server),
                // A process that somebody starts just now has our lock until it has begun its own program.
                Err(error) if error.to_string().contains("in use by another process") => None,
                Err(error) => panic!("{error:#}"),
            }
        })
        .await;
        let url = url::Url::parse(&server.url()).unwrap();
        let (_, sockets) = url.query_pairs().find(|(name, _)| name == "host").unwrap();
        let (new, link) = (self.door.join("new"), self.door.join(SOCKET));
        symlink(PathBuf::from(&*sockets).join(SOCKET), &new).unwrap();
        std::fs::rename(new, link).unwrap();
        self.server = Some(server);
    }

    /// `INT` is PostgreSQL's fast shutdown, `QUIT` its immediate one, which is a crash. Returns when it is gone.
    pub async fn shut(&mut self, signal: Signal) {
        kill_process(self.postmaster(), signal).unwrap();
        let server = self.server.take().unwrap();
        tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
    }

    pub async fn restart(&mut self, signal: Signal) {
        self.shut(signal).await;
        self.open().await;
    }

    /// Whether it has ended by itself.
    pub fn is_gone(&self) -> bool {
        let Some(pid) = self.postmaster_if_any() else { return true };
        let line = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
        !String::from_utf8_lossy(&line).contains("postgres")
    }

    /// Kills one process that serves a client: PostgreSQL then throws everybody out and recovers. Nothing happens when
    /// nobody is connected.
    pub async fn crash(&self) {
        let Some(backend) = self.processes().into_iter().find(|pid| serves_a_client(*pid)) else { return };
        kill_process(backend, Signal::KILL).ok();
        until("the process is gone", async || (!self.processes().contains(&backend)).then_some(())).await;
    }

    /// Stops the server and all its processes where they are: whoever asks it something waits.
    pub fn freeze(&self) {
        self.signal_all(Signal::STOP);
    }

    pub fn thaw(&self) {
        self.signal_all(Signal::CONT);
    }

    fn signal_all(&self, signal: Signal) {
        kill_process(self.postmaster(), signal).unwrap();
        for pid in self.processes() {
            kill_process(pid, signal).ok();
        }
    }

    fn postmaster(&self) -> Pid {
        self.postmaster_if_any().unwrap()
    }

    fn postmaster_if_any(&self) -> Option<Pid> {
        let file = std::fs::read_to_string(self.data.join("cluster/postmaster.pid")).ok()?;
        Pid::from_raw(file.lines().next()?.trim().parse().ok()?)
    }

    /// The postmaster's own.
    fn processes(&self) -> Vec<Pid> {
        let pid = self.postmaster().as_raw_nonzero();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        children.split_whitespace().filter_map(|one| Pid::from_raw(one.parse().ok()?)).collect()
    }
}

fn serves_a_client(pid: Pid) -> bool {
    let line = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    String::from_utf8_lossy(&line).contains("[local]")
}
