//! Programs that end with the test, however that ends.
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::PATIENCE;

/// Runs a command until its own input ends, which happens when the test drops it, panics, is interrupted or killed. Then
/// the command and what it has started, a group of processes, are asked to end, and made to.
const KEEPER: &str = r#"folder=$1; shift
"$@" </dev/null &
cat >/dev/null
trap '' TERM
kill -TERM 0
wait
rm -rf "$folder"
kill -KILL 0"#;

/// A program with a folder of its own.
pub struct Process {
    keeper: Child,
    name: &'static str,
    lines: UnboundedReceiver<String>,
    folder: TempDir,
}

impl Process {
    /// `build` is given the program's folder. What it writes to its error output is shown if the test fails.
    pub fn start(name: &'static str, build: impl FnOnce(&Path) -> Command) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        // Open to other users, since PostgreSQL does not run as root.
        let open = std::fs::Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new().prefix("regimen-e2e-").permissions(open).tempdir().unwrap();
        let wanted = build(folder.path());
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "sh"]).arg(folder.path()).arg(wanted.get_program()).args(wanted.get_args());
        for (variable, value) in wanted.get_envs() {
            match value {
                Some(value) => keeper.env(variable, value),
                None => keeper.env_remove(variable),
            };
        }
        let errors = std::fs::File::create(folder.path().join("errors.txt")).unwrap();
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors).process_group(0);
        let mut keeper = keeper.spawn().unwrap();
        let output = BufReader::new(keeper.stdout.take().unwrap());
        let (sender, lines) = unbounded_channel();
        std::thread::spawn(move || {
            // Read to the end, so that the program never waits for us.
            output.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
        });
        Self { keeper, name, lines, folder }
    }

    /// The rest of the next line that has `mark` in it.
    pub async fn line_after(&mut self, mark: &str) -> String {
        let found = async {
            loop {
                let line = self.lines.recv().await?;
                if let Some((_, rest)) = line.split_once(mark) {
                    return Some(rest.trim().to_owned());
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        found.ok().flatten().unwrap_or_else(|| panic!("{} did not say {mark:?}", self.name))
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn errors(&self) -> PathBuf {
        self.folder.path().join("errors.txt")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} said:\n{}", self.name, std::fs::read_to_string(self.errors()).unwrap_or_default());
        }
        drop(self.keeper.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(15);
        while let Ok(None) = self.keeper.try_wait() {
            if Instant::now() > deadline {
                kill_process_group(Pid::from_child(&self.keeper), Signal::KILL).ok();
                self.keeper.wait().ok();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
