//! What every line stands on: a private PostgreSQL with its defaults (and so with fsync), a folder, keys and secrets made
//! for this run, and the real programs as processes.
use std::fs::{DirBuilder, File, Permissions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use sqlx::{ConnectOptions as _, PgPool};

use super::child::Program;
use super::keys::Signing;
use super::sink::SinkOptions;
use super::sink_process::SinkProcess;
use crate::app::demo::new_secrets;
use crate::clock::Clock;
use crate::content::{Bundle, Library, Series, compile};
use crate::local::postgres::PrivatePostgres;
use crate::seal::Keyring;
use crate::store;
use crate::store::installation::{self, Purpose};

/// Removed with everything in it at the end, also when we are killed.
pub(super) struct Ground {
    pub(super) clock: Clock,
    pub(super) keyring: Keyring,
    pub(super) series: Arc<Series>,
    program: PathBuf,
    secrets: Vec<(String, String)>,
    url: String,
    next: AtomicU32,
    // Dropped in this order: PostgreSQL stops, then its folder goes.
    postgres: Option<PrivatePostgres>,
    folder: Folder,
}

/// A migrated database of its own.
pub(super) struct Database {
    pub(super) url: String,
    pub(super) pool: PgPool,
}

impl Ground {
    /// Starts PostgreSQL below `parent` and makes keys.
    pub(super) async fn open(parent: &Path, clock: Clock) -> anyhow::Result<Self> {
        let folder = Folder::make(parent)?;
        let cluster = folder.path.join("database");
        let postgres = tokio::task::spawn_blocking(move || PrivatePostgres::start(&cluster, &[])).await?;
        let postgres = postgres.context("the benchmark needs a PostgreSQL of its own")?;
        write_keys(&folder.path)?;
        let secrets: Vec<(String, String)> = new_secrets(&clock, None)
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let seal_keys = secrets.iter().find(|(name, _)| name == "SEAL_KEYS").context("there are seal keys")?;
        let ground = Self {
            keyring: Keyring::parse(&seal_keys.1)?,
            series: embedded_series()?,
            program: std::env::current_exe()?,
            secrets,
            url: postgres.url(),
            next: AtomicU32::new(1),
            postgres: Some(postgres),
            folder,
            clock,
        };
        run_sql(&ground.url, "create database template_bench").await?;
        let template = store::pool(&named(&ground.url, "template_bench")?, 1)?;
        installation::migrate(&template, Purpose::Production, ground.clock.real()).await?;
        template.close().await;
        Ok(ground)
    }

    /// Stops PostgreSQL in good order and removes the folder.
    pub(super) async fn close(mut self) -> anyhow::Result<()> {
        if let Some(postgres) = self.postgres.take() {
            tokio::task::spawn_blocking(move || postgres.stop()).await?;
        }
        Ok(())
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// A new database with today's schema and nothing in it.
    pub(super) async fn database(&self) -> anyhow::Result<Database> {
        let name = format!("bench_{}", self.next.fetch_add(1, Ordering::Relaxed));
        run_sql(&self.url, &format!("create database {name} template template_bench")).await?;
        let url = named(&self.url, &name)?;
        let pool = store::pool(&url, 4)?;
        // A checkpoint is slow, and so is counting 300,000 mails: that is no news here.
        pool.set_connect_options(pool.connect_options().as_ref().clone().disable_statement_logging());
        Ok(Database { url, pool })
    }

    /// `regimen dispatch`, once it has said in the database that it lives.
    pub(super) async fn dispatch(
        &self,
        database: &Database,
        sink_port: u16,
        connections: usize,
        signing: Signing,
    ) -> anyhow::Result<Program> {
        let config = self.config(connections, signing)?;
        let mut command = self.regimen(&config, database);
        command.arg("dispatch").env("SMTP_URL", format!("smtp://127.0.0.1:{sink_port}?tls=none"));
        sqlx::query!("delete from nodes").execute(&database.pool).await?;
        let mut program = Program::start("regimen dispatch", &mut command, &self.folder.path.join("dispatch.log"))?;
        let began = Instant::now();
        while sqlx::query_scalar!(r#"select count(*) as "count!" from nodes"#).fetch_one(&database.pool).await? == 0 {
            program.must_run()?;
            if began.elapsed() > Duration::from_mins(1) {
                bail!("regimen dispatch was not there within a minute");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(program)
    }

    /// `regimen web`, and where it serves.
    pub(super) async fn web(&self, database: &Database) -> anyhow::Result<(Program, SocketAddr)> {
        let config = self.config(4, Signing::Ed25519)?;
        let log = self.folder.path.join(format!("web-{}.log", self.next.fetch_add(1, Ordering::Relaxed)));
        let mut command = self.regimen(&config, database);
        let mut program = Program::start("regimen web", command.arg("web"), &log)?;
        let began = Instant::now();
        loop {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let address = said.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse().ok());
            if let Some(address) = address {
                return Ok((program, address));
            }
            program.must_run()?;
            if began.elapsed() > Duration::from_mins(1) {
                bail!("regimen web did not say within a minute where it serves:\n{said}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A sink of our own.
    pub(super) fn sink(&self, options: SinkOptions) -> anyhow::Result<SinkProcess> {
        let mut command = Command::new(&self.program);
        self.bare(&mut command);
        SinkProcess::start(&mut command, options, &self.folder.path)
    }

    /// What production sets, and nothing that tunes: the figures are those of the defaults. Only what a benchmark's twenty
    /// recipients' domains may be sent is counted against a limit that is never met.
    fn config(&self, connections: usize, signing: Signing) -> anyhow::Result<PathBuf> {
        let path = self.folder.path.join(format!("regimen-{connections}-{signing:?}.toml"));
        let key = self.folder.path.join(signing.file());
        let domain = self.series.from.address.domain();
        let key = key.to_str().context("the folder of the benchmark has a name in UTF-8")?;
        let text = format!(
            "[smtp]\nconnections = {connections}\n\n\
             [web]\ntrusted_proxies = [\"127.0.0.1\"]\n\n\
             [guards]\nper_domain = 1000000000\n\n\
             [[mail.dkim]]\ndomain = {domain:?}\nselector = \"bench\"\nkey_file = {key:?}\n"
        );
        std::fs::write(&path, text)?;
        Ok(path)
    }

    fn regimen(&self, config: &Path, database: &Database) -> Command {
        let mut command = Command::new(&self.program);
        self.bare(&mut command);
        command
            .arg("--config")
            .arg(config)
            .env("DATABASE_URL", &database.url)
            .env("PUBLIC_URL", "https://series.example.org")
            .env("BIND", "127.0.0.1:0")
            .envs(self.secrets.iter().map(|(name, value)| (name, value)))
            // A figure with another setting is one command away; the report says so.
            .envs(std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"REGIMEN__")));
        command
    }

    fn bare(&self, command: &mut Command) {
        command.env_clear().current_dir(&self.folder.path).stdin(Stdio::null()).stdout(Stdio::null());
        for name in ["PATH", "HOME", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
    }
}

fn embedded_series() -> anyhow::Result<Arc<Series>> {
    let library: Library = compile(&Bundle::embedded())
        .map_err(|faults| anyhow::anyhow!("the built-in content has {} faults", faults.len()))?;
    library.series.into_values().next().context("the built-in content has a series")
}

fn write_keys(folder: &Path) -> anyhow::Result<()> {
    for signing in [Signing::Ed25519, Signing::Rsa2048] {
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(folder.join(signing.file()))?;
        file.write_all(signing.new_key()?.as_bytes())?;
    }
    Ok(())
}

async fn run_sql(url: &str, sql: &str) -> anyhow::Result<()> {
    let pool = store::pool(url, 1)?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&pool).await?;
    pool.close().await;
    Ok(())
}

/// The same server, another database.
fn named(url: &str, database: &str) -> anyhow::Result<String> {
    let mut url = url::Url::parse(url)?;
    url.set_path(database);
    Ok(url.to_string())
}

/// A folder that is gone at the end; one that we cannot remove ourselves is removed by a sweeper.
struct Folder {
    path: PathBuf,
    sweeper: Child,
}

const SWEEPER: &str =
    r#"read -r _; while [ -e "$1/database/cluster/postmaster.pid" ]; do sleep 0.1; done; rm -rf "$1""#;

impl Folder {
    fn make(parent: &Path) -> anyhow::Result<Self> {
        let path = parent.join(format!("regimen-bench-{}", std::process::id()));
        // As root, PostgreSQL runs as another user, who must get to its folder in here.
        DirBuilder::new().mode(0o755).create(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o755))?;
        let path = path.canonicalize()?;
        let sweeper = Command::new("/bin/sh")
            .args(["-c", SWEEPER, "bench-sweeper"])
            .arg(&path)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot run /bin/sh")?;
        Ok(Self { path, sweeper })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.sweeper.stdin.take());
        self.sweeper.wait().ok();
    }
}
