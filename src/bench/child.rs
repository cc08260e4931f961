//! Processes that end with us, however we end.
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A running program. When this is dropped the program is gone; when our process is killed, a guard of its own kills it.
pub(super) struct Program {
    name: &'static str,
    child: Child,
    guard: Child,
    log: PathBuf,
}

/// Kills the process it is told of once our end of its input is closed, which the kernel does also after `kill -9`.
const GUARD: &str = r#"read -r _; kill -KILL "$1" 2>/dev/null"#;

/// A dispatcher that is asked to stop first sends what it holds.
const STOPS_WITHIN: Duration = Duration::from_secs(30);

impl Program {
    /// Starts a program whose standard error goes to `log`. Ctrl-C does not reach it: we end it ourselves.
    pub(super) fn start(name: &'static str, command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let file = std::fs::File::options().create(true).append(true).open(log)?;
        let child = command.stderr(file).process_group(0).spawn();
        let mut child = child.with_context(|| format!("{name} cannot be started"))?;
        let guard = Command::new("/bin/sh")
            .args(["-c", GUARD, "bench-guard", &child.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let guard = guard.context("cannot run /bin/sh").inspect_err(|_| {
            child.kill().ok();
            child.wait().ok();
        })?;
        Ok(Self { name, child, guard, log: log.to_owned() })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Fails with the end of its log when it has ended.
    pub(super) fn must_run(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended ({status}):\n{}", self.name, self.log_end()),
        }
    }

    /// Waits until it has ended by itself, and answers how long that took from now.
    pub(super) async fn ended_well(mut self, patience: Duration) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let status = self.ended(patience).await?;
        if !status.success() {
            bail!("{} failed ({status}):\n{}", self.name, self.log_end());
        }
        Ok(began.elapsed())
    }

    /// Asks it to end, and waits until it has.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        let pid = Pid::from_raw(self.child.id().cast_signed()).context("a process has a number")?;
        // It may have ended meanwhile.
        kill_process(pid, Signal::TERM).ok();
        self.ended(STOPS_WITHIN).await.map(drop)
    }

    async fn ended(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if began.elapsed() > patience {
                bail!("{} did not end within {patience:?}:\n{}", self.name, self.log_end());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn log_end(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The guard goes first: once the child is waited for, its number may be another's.
        self.guard.kill().ok();
        self.guard.wait().ok();
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
