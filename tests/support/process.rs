//! The real binary as a process of its own: started with an environment, watched through what it prints, ended by its id.
use std::collections::BTreeMap;
use std::io::{Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use regimen::seal::Keyring;
use reqwest::Method;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use serde_json::Value;

use super::TOKEN;

/// Longer than anything here takes, also on a machine with much else to do. What a kill hit is sent again only when its lease
/// of half a minute has run out, and then a good minute later.
pub const PATIENCE: Duration = Duration::from_mins(3);
pub const LINK_KEY: &str = "a-link-key-for-the-tests-only-0123456789";

/// The ring that the processes seal with.
pub fn keyring() -> Keyring {
    Keyring::parse(&Keyring::generate(1, [1; 32])).unwrap()
}

/// Looks until there is an answer: another process can only be watched.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What a process finds in its environment; nothing is handed on from the tests' own but where programs are.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Nothing is set.
    pub fn bare() -> Self {
        Self::default()
    }

    /// All that a production process needs.
    pub fn production(database_url: &str, smtp_url: &str) -> Self {
        Self::bare()
            .with("DATABASE_URL", database_url)
            .with("SMTP_URL", smtp_url)
            .with("PUBLIC_URL", "https://series.example.org")
            .with("BIND", "127.0.0.1:0")
            .with("ADMIN_TOKEN", TOKEN)
            .with("LINK_KEY", LINK_KEY)
            .with("SEAL_KEYS", &Keyring::generate(1, [1; 32]))
            // A story posts a sign-up without having looked at the form, and many from one address: tests/it/guards.rs does not.
            .with("REGIMEN__GUARDS__FORM_TOKEN", "false")
            .with("REGIMEN__GUARDS__PER_NETWORK", "0")
            .with("REGIMEN__GUARDS__PER_RANGE", "0")
            .with("REGIMEN__GUARDS__PER_DOMAIN", "0")
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }
}

/// A running `regimen`; killed when it is dropped.
pub struct Process {
    child: Child,
    out: Arc<Mutex<String>>,
    err: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// None when a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Process {
    pub fn start(arguments: &[&str], environment: &Environment) -> Self {
        Self::start_reading(arguments, environment, Stdio::null())
    }

    fn start_reading(arguments: &[&str], environment: &Environment, input: Stdio) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regimen"));
        command.args(arguments).env_clear();
        for name in ["PATH", "HOME", "TMPDIR", "PG_BIN", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(&environment.0);
        let mut child = command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (Arc::default(), Arc::default());
        let readers = vec![
            collect(child.stdout.take().unwrap(), Arc::clone(&out)),
            collect(child.stderr.take().unwrap(), Arc::clone(&err)),
        ];
        Self { child, out, err, readers }
    }

    /// A command that ends by itself.
    pub async fn run(arguments: &[&str], environment: &Environment) -> Ended {
        Self::start(arguments, environment).ended().await
    }

    /// The same for one that reads what is typed.
    pub async fn run_with(arguments: &[&str], environment: &Environment, typed: &str) -> Ended {
        let mut process = Self::start_reading(arguments, environment, Stdio::piped());
        // One that reads nothing may have ended already.
        process.child.stdin.take().unwrap().write_all(typed.as_bytes()).ok();
        process.ended().await
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn out(&self) -> String {
        self.out.lock().unwrap().clone()
    }

    /// What it logged.
    pub fn err(&self) -> String {
        self.err.lock().unwrap().clone()
    }

    /// Waits until it has printed or logged `text`.
    pub async fn says(&mut self, text: &str) {
        self.word_after("", text).await;
    }

    /// The word that follows `text` in a line with `line` that it prints or logs, as soon as it is there. A field's name
    /// gives its value, in text (`name=value`) and JSON (`"name":"value"`).
    async fn word_after(&mut self, line: &str, text: &str) -> String {
        let began = Instant::now();
        loop {
            let gone = self.child.try_wait().unwrap().is_some();
            if gone {
                self.read_to_the_end();
            }
            let all = format!("{}\n{}", self.out(), self.err());
            let found = all.lines().filter(|one| one.contains(line)).find_map(|one| one.split_once(text));
            if let Some((_, rest)) = found {
                let start = rest.trim_start_matches(['=', '"', ':']);
                return start.split([' ', '"', ',', ')']).next().unwrap_or_default().to_owned();
            }
            assert!(!gone, "it ended and did not say {text:?}: {all}");
            assert!(began.elapsed() < PATIENCE, "it does not say {text:?}: {all}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Where the pages of `serve` and `web` are, once they are there.
    pub async fn pages(&mut self) -> Site {
        let address = self.word_after("pages and API are served", "address").await;
        Site::at(&format!("http://{address}"), TOKEN)
    }

    /// Where the metrics are, once they are there.
    pub async fn metrics(&mut self) -> Site {
        let address = self.word_after("metrics are served", "address").await;
        Site::at(&format!("http://{address}"), "")
    }

    /// Where the pages and the inbox of `demo` are.
    pub async fn demo(&mut self) -> (Site, Site) {
        let pages = self.demo_pages().await;
        let inbox = self.word_after("2. Read the mail", "http://").await;
        (pages, Site::at(&format!("http://{}", inbox.trim_end_matches('/')), ""))
    }

    /// The same when there is no inbox.
    pub async fn demo_pages(&mut self) -> Site {
        let token = self.word_after("Admin API", "Bearer ").await;
        let pages = self.word_after("1. Sign up", "http://").await;
        Site::at(&format!("http://{}", pages.trim_end_matches('/')), &token)
    }

    /// Whether it has ended by itself.
    pub fn is_gone(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id().cast_signed()).unwrap(), signal).unwrap();
    }

    /// Stops it where it is. It stands still when this returns: until its last thread has heard of the signal it goes on.
    pub async fn freeze(&self) {
        self.signal(Signal::STOP);
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        until("it stands still", async || {
            waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED | WaitIdOptions::NOHANG).unwrap().map(drop)
        })
        .await;
    }

    /// `kill -9`, and it is gone.
    pub fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        self.read_to_the_end();
        Ended { code: status.code(), out: self.out(), err: self.err() }
    }

    /// Waits until it has ended by itself.
    pub async fn ended(mut self) -> Ended {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end: {}\n{}", self.out(), self.err());
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        self.read_to_the_end();
        Ended { code: status.code(), out: self.out(), err: self.err() }
    }

    /// Asks it to stop, and waits until it has.
    pub async fn stop(self, signal: Signal) -> Ended {
        self.signal(signal);
        self.ended().await
    }

    fn read_to_the_end(&mut self) {
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads on a thread of its own, so that a full pipe stops nobody.
fn collect(mut from: impl Read + Send + 'static, into: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut part = [0; 4096];
        let mut rest = Vec::new();
        while let Ok(length @ 1..) = from.read(&mut part) {
            rest.extend_from_slice(&part[..length]);
            // Whole lines only: nobody should see half a port.
            if let Some(end) = rest.iter().rposition(|octet| *octet == b'\n') {
                let lines: Vec<u8> = rest.drain(..=end).collect();
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&lines));
            }
        }
        into.lock().unwrap().push_str(&String::from_utf8_lossy(&rest));
    })
}

/// The pages and the API of a process, as a browser and an admin's program use them.
pub struct Site {
    pub base: String,
    pub token: String,
    http: reqwest::Client,
}

impl Site {
    fn at(base: &str, token: &str) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { base: base.to_owned(), token: token.to_owned(), http }
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    pub async fn json(&self, path: &str) -> Value {
        self.get(path).await.json().await.unwrap()
    }

    pub async fn post(&self, path: &str) -> reqwest::Response {
        self.http.post(format!("{}{path}", self.base)).send().await.unwrap()
    }

    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::Response {
        self.http.post(format!("{}{path}", self.base)).form(fields).send().await.unwrap()
    }

    /// Fills in the form.
    pub async fn sign_up(&self, email: &str, condition: &str) -> reqwest::Response {
        let fields = [("series", super::SERIES), ("email", email), ("condition", condition), ("timezone", "UTC")];
        self.post_form("/subscribe", &fields).await
    }

    pub fn api(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}/api/v1{path}", self.base)).bearer_auth(&self.token)
    }

    pub async fn api_get(&self, path: &str) -> Value {
        let response = self.api(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    /// All items of a list, page by page.
    pub async fn api_all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.api_get(&format!("{path}{after}")).await;
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return items,
            }
        }
    }
}

/// A folder that any user may look into, as the demo's PostgreSQL must when the tests run as root. Removed when it is
/// dropped, once no process works in it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Short, since the path of a Unix socket is; canonical, since that is how processes name it.
        let path = std::env::temp_dir().join(format!("regimen-it-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self(path.canonicalize().unwrap())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn text(&self) -> &str {
        self.0.to_str().unwrap()
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let began = Instant::now();
        while !processes_naming(self.text()).is_empty() && began.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::fs::remove_dir_all(&self.0).ok();
    }
}

pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::write(target, std::fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// The processes whose command line names `text`, other than this one.
pub fn processes_naming(text: &str) -> Vec<String> {
    let lines: Vec<String> = if Path::new("/proc/self").exists() {
        std::fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().bytes().all(|octet| octet.is_ascii_digit()))
            .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
            .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
            .collect()
    } else {
        // Only Linux has /proc.
        let listed = Command::new("ps").args(["-axww", "-o", "args="]).output().unwrap();
        String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect()
    };
    lines.into_iter().filter(|line| line.contains(text)).collect()
}
