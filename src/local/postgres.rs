//! The private PostgreSQL behind `regimen demo` and the tests.
//!
//! It is an ordinary PostgreSQL, made of the programs found on this machine, whose data lies in one folder and which
//! listens on a Unix socket that only its own user may enter: no port that could clash, nothing on the network. It lives
//! exactly as long as the [`PrivatePostgres`] that started it, however that ends (see `watchdog.sh`).
//!
//! The folder holds `lock` (who uses it), `cluster/` (PostgreSQL's data), `postgres.log` and `sockets` (where the socket
//! is). It belongs to this module alone.

mod account;
mod leftovers;
mod programs;
#[cfg(test)]
mod tests;

use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use account::Account;
use leftovers::PidFile;
pub use programs::{Programs, find_programs};

/// How long a server may take to become ready; recovery after a crash is what takes time.
const READY_WITHIN: Duration = Duration::from_mins(1);
const WATCHDOG: &str = include_str!("postgres/watchdog.sh");

/// Settings that are not up to the caller's taste: nothing on the network, and no values of rows in the log, since those
/// hold addresses.
const SETTINGS: [(&str, &str); 7] = [
    ("listen_addresses", ""),
    ("port", "5432"),
    ("unix_socket_permissions", "0700"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_error_verbosity", "terse"),
    ("log_min_error_statement", "panic"),
];

/// A running PostgreSQL of our own; it stops when this value is dropped, and when our process ends in whatever way.
#[derive(Debug)]
pub struct PrivatePostgres {
    watchdog: Child,
    sockets: PathBuf,
    /// Held as long as the server may run; the kernel frees it when we end.
    #[cfg_attr(not(test), expect(dead_code, reason = "it is held, not read"))]
    lock: Lock,
}

impl PrivatePostgres {
    /// Starts the server whose data is in `data`, a folder that is made at the first start. `settings` are PostgreSQL
    /// settings beyond its defaults, such as `("max_connections", "200")`; only tests should pass `("fsync", "off")`.
    ///
    /// This blocks until the server takes connections: use `spawn_blocking`.
    ///
    /// Every error says what its reader can do about it.
    pub fn start(data: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        let data = own_folder(data)?;
        let lock = Lock::take(&data)?;
        let cluster = data.join("cluster");
        let account = Account::for_cluster(&cluster)?;
        account.take_over(&data)?;
        let programs = programs::choose(&programs::folders()?, version_of(&cluster)?, |it| account.may_run(it))
            .with_context(|| format!("no PostgreSQL for the data in {}", data.display()))?;
        leftovers::stop_orphan(&cluster)?;
        leftovers::remove_sockets(&data);
        if !cluster.exists() {
            make_cluster(&programs, &account, &data, &cluster, settings)?;
        }
        let log = new_log(&data)?;
        let sockets = make_socket_folder(&data, &account)?;

        let mut command = account.command(Path::new("/bin/sh"), &data);
        command.args(["-c", WATCHDOG, "postgres-watchdog"]).arg(&sockets);
        command.arg(programs.path("postgres")).arg("-D").arg(&cluster);
        command.arg("-c").arg(format!("unix_socket_directories={}", sockets.display()));
        for (name, value) in SETTINGS.iter().chain(settings) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        // A group of its own, so that Ctrl-C reaches us alone and we can finish our work before postgres stops.
        let watchdog = command.process_group(0).spawn().context("cannot run /bin/sh")?;

        let mut server = Self { watchdog, sockets, lock };
        server.wait_until_ready(&data, &cluster)?;
        Ok(server)
    }

    /// Where to connect: the superuser `postgres`, the database `postgres`, by way of the Unix socket.
    pub fn url(&self) -> String {
        let folder = self.sockets.to_string_lossy();
        let host: String = url::form_urlencoded::byte_serialize(folder.as_bytes()).collect();
        // The port is named so that a PGPORT in the environment does not change it.
        format!("postgresql://postgres@localhost:5432/postgres?host={host}")
    }

    /// Stops the server in good order and returns when it is gone. Dropping it does the same.
    pub fn stop(self) {
        drop(self);
    }

    fn wait_until_ready(&mut self, data: &Path, cluster: &Path) -> Result<()> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.watchdog.try_wait()? {
                bail!("PostgreSQL ended at once ({status}). The end of its log:\n{}", log_end(data));
            }
            // A file left by an earlier run also says "ready", but it names another socket folder.
            if PidFile::read(cluster).is_some_and(|it| it.ready && it.sockets == self.sockets) {
                return Ok(());
            }
            if begun.elapsed() > READY_WITHIN {
                bail!("PostgreSQL was not ready within {READY_WITHIN:?}. The end of its log:\n{}", log_end(data));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        // The end of its input is what makes the watchdog stop postgres.
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
        let _ = fs::remove_dir_all(&self.sockets);
    }
}

/// Makes the folder, or makes sure that it is ours: its owner and mode are going to be changed.
fn own_folder(data: &Path) -> Result<PathBuf> {
    let explain = || format!("cannot use the folder {}; choose another with --data-dir", data.display());
    DirBuilder::new().recursive(true).mode(0o700).create(data).with_context(explain)?;
    let data = data.canonicalize().with_context(explain)?;
    let empty = fs::read_dir(&data).with_context(explain)?.next().is_none();
    if !empty && !data.join("lock").exists() {
        bail!("{} holds files that are not the private PostgreSQL's; choose an empty folder", data.display());
    }
    Ok(data)
}

/// The folder's lock. It is given back by name, not by closing the file alone: a child that another thread is just
/// starting holds every open file of ours until it has become its own program, and with the file a lock not given back.
#[derive(Debug)]
struct Lock(File);

impl Lock {
    fn take(data: &Path) -> Result<Self> {
        let path = data.join("lock");
        let file = File::options().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                bail!("the private PostgreSQL in {} is in use by another process; stop that one first", data.display())
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// The major version of the PostgreSQL that made the cluster, if there is one.
fn version_of(cluster: &Path) -> Result<Option<u32>> {
    let path = cluster.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse() {
            Ok(major) => Ok(Some(major)),
            Err(_) => bail!("{} does not hold a version; remove {} to start anew", path.display(), cluster.display()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Makes the cluster aside and renames it, so that one that was interrupted is never taken for a whole one.
fn make_cluster(
    programs: &Programs,
    account: &Account,
    data: &Path,
    cluster: &Path,
    settings: &[(&str, &str)],
) -> Result<()> {
    let unfinished = data.join("cluster.unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).with_context(|| format!("cannot remove {}", unfinished.display()))?;
    }
    let mut initdb = account.command(&programs.path("initdb"), data);
    initdb.arg("-D").arg(&unfinished);
    initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions"]);
    if settings.contains(&("fsync", "off")) {
        initdb.arg("--no-sync");
    }
    let output = initdb.output().with_context(|| format!("cannot run {}", programs.path("initdb").display()))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("initdb could not make {}: {}", unfinished.display(), explain_initdb(complaint.trim()));
    }
    fs::rename(&unfinished, cluster).with_context(|| format!("cannot make {}", cluster.display()))?;
    File::open(data)?.sync_all()?;
    Ok(())
}

/// Adds what to do about the one complaint of initdb that puzzles people: a container that runs under a bare number.
fn explain_initdb(complaint: &str) -> String {
    if complaint.contains("could not look up effective user ID") {
        return format!(
            "{complaint}\nThis user has no entry in /etc/passwd, and PostgreSQL needs one: run as a user that has, or set \
             DATABASE_URL to a PostgreSQL you have"
        );
    }
    complaint.to_owned()
}

/// The path of a Unix socket has at most 103 bytes on some systems, so its folder is a short one outside of `data`.
fn make_socket_folder(data: &Path, account: &Account) -> Result<PathBuf> {
    loop {
        let folder = leftovers::new_socket_folder(data)?;
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => {
                leftovers::note_sockets(data, &folder)?;
                account.take_over(&folder)?;
                return Ok(folder);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("cannot make {}", folder.display())),
        }
    }
}

/// Begins a log for this run and keeps the last one beside it.
fn new_log(data: &Path) -> Result<File> {
    let path = data.join("postgres.log");
    let _ = fs::rename(&path, data.join("postgres.log.1"));
    let log = File::options().create(true).append(true).open(&path);
    let log = log.with_context(|| format!("cannot write {}", path.display()))?;
    log.set_permissions(Permissions::from_mode(0o600))?;
    Ok(log)
}

fn log_end(data: &Path) -> String {
    let log = fs::read(data.join("postgres.log")).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(6)..].join("\n")
}
