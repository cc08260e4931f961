//! What a run that was killed leaves behind: a postgres without its watchdog, a pid file, the folder of the socket.
//! All of it is looked at with the data folder's lock held, so none of it can belong to a run that is alive.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

const STOPS_WITHIN: Duration = Duration::from_secs(30);
const SOCKET_BASE: &str = "/tmp";
const SOCKET_PREFIX: &str = "regimen-pg-";

/// A name for the folder of a socket. No two runs share one, as a run removes the one noted by the run before it: the
/// inode tells data folders apart, and the data folder's lock its runs.
pub(super) fn new_socket_folder(data: &Path) -> Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let inode = fs::metadata(data)?.ino();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Ok(Path::new(SOCKET_BASE).join(format!("{SOCKET_PREFIX}{inode:x}-{}-{number}", std::process::id())))
}

/// Writes down where the socket is, for the run that may have to clean up after us.
pub(super) fn note_sockets(data: &Path, folder: &Path) -> Result<()> {
    fs::write(data.join("sockets"), folder.as_os_str().as_encoded_bytes()).context("cannot note the socket's folder")
}

/// Removes the folder of the last run's socket, if it is still there.
pub(super) fn remove_sockets(data: &Path) {
    let Ok(noted) = fs::read_to_string(data.join("sockets")) else { return };
    let folder = Path::new(noted.trim());
    let name = folder.file_name().unwrap_or_default().as_encoded_bytes();
    // What the file says is not trusted any further than to name a folder that we could have made.
    if folder.parent() == Some(Path::new(SOCKET_BASE)) && name.starts_with(SOCKET_PREFIX.as_bytes()) {
        let _ = fs::remove_dir_all(folder);
    }
}

/// What `postmaster.pid` says about a server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: i32,
    pub(super) sockets: PathBuf,
    pub(super) ready: bool,
}

impl PidFile {
    pub(super) fn read(cluster: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(cluster.join("postmaster.pid")).ok()?)
    }

    /// Line 1 is the process, line 5 the folder of the socket, line 8 the state; it is written bit by bit.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok()?;
        let sockets = PathBuf::from(lines.nth(3).unwrap_or_default());
        let ready = lines.nth(2).is_some_and(|it| it.trim() == "ready");
        Some(Self { pid, sockets, ready })
    }
}

/// Stops a postgres that still runs on `cluster`: its watchdog was killed as well, or is just stopping it.
pub(super) fn stop_orphan(cluster: &Path) -> Result<()> {
    let Some(PidFile { pid, .. }) = PidFile::read(cluster) else { return Ok(()) };
    let begun = Instant::now();
    while runs_on(pid, cluster) {
        if begun.elapsed() > STOPS_WITHIN {
            bail!("a postgres of an earlier run (process {pid}) does not stop; stop it and try again");
        }
        if let Some(pid) = Pid::from_raw(pid) {
            let _ = kill_process(pid, Signal::INT);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    // PostgreSQL would refuse to start if the number in the file were some other process's by now, as it often is in a
    // container that was started again.
    let _ = fs::remove_file(cluster.join("postmaster.pid"));
    Ok(())
}

/// Whether that process is a postgres that was started on `cluster`, which its command line says.
pub(super) fn runs_on(pid: i32, cluster: &Path) -> bool {
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).or_else(|error| {
        // Only Linux has /proc.
        if Path::new("/proc/self").exists() {
            return Err(error);
        }
        Command::new("ps").args(["-o", "args=", "-p", &pid.to_string()]).output().map(|it| it.stdout)
    });
    let command_line = command_line.map(|it| String::from_utf8_lossy(&it).replace('\0', " ")).unwrap_or_default();
    command_line.contains("postgres") && command_line.contains(&*cluster.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_is_ready_only_when_it_says_so() {
        let whole = "4711\n/data/cluster\n1790000000\n5432\n/tmp/regimen-pg-1-0\n\n  1234 5\nready   \n";
        let file = PidFile::parse(whole).unwrap();
        assert_eq!(file, PidFile { pid: 4711, sockets: "/tmp/regimen-pg-1-0".into(), ready: true });
        assert!(!PidFile::parse(&whole.replace("ready   ", "starting")).unwrap().ready);
        assert!(!PidFile::parse("4711\n/data/cluster\n").unwrap().ready, "half written");
        assert_eq!(PidFile::parse(""), None);
    }

    #[test]
    fn only_folders_that_we_could_have_made_are_removed() {
        let data = tempfile::tempdir().unwrap();
        let precious = data.path().join("regimen-pg-1-0");
        fs::create_dir(&precious).unwrap();
        note_sockets(data.path(), &precious).unwrap();
        remove_sockets(data.path());
        assert!(precious.exists());

        let left = Path::new(SOCKET_BASE).join(format!("{SOCKET_PREFIX}{}-left", std::process::id()));
        fs::create_dir(&left).unwrap();
        note_sockets(data.path(), &left).unwrap();
        remove_sockets(data.path());
        assert!(!left.exists());
    }
}
