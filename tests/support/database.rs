//! One private PostgreSQL for the whole test run, one database a test, made from a migrated template.
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use regimen::clock::Clock;
use regimen::local::postgres::PrivatePostgres;
use regimen::store;
use regimen::store::installation::{self, Purpose};
use sqlx::PgPool;
use tokio::sync::OnceCell;

static SERVER: OnceCell<Server> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(1);
const TEMPLATE: &str = "regimen_template";

struct Server {
    url: String,
    /// Kept until the process ends; its watchdog stops it then.
    _postgres: PrivatePostgres,
}

/// The server's address, up to the name of the database.
async fn server() -> &'static Server {
    SERVER.get_or_init(start).await
}

async fn start() -> Server {
    let folder = std::env::temp_dir().join(format!("regimen-tests-{}", std::process::id()));
    let settings =
        [("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"), ("max_connections", "400")];
    let made = folder.clone();
    let postgres = tokio::task::spawn_blocking(move || PrivatePostgres::start(&made, &settings))
        .await
        .unwrap()
        .expect("the tests need PostgreSQL's server programs; `./dev test` installs them");
    remove_afterwards(&folder);
    let server = Server { url: postgres.url(), _postgres: postgres };
    run_sql(&server.url, &format!("create database {TEMPLATE}")).await;
    let template = store::pool(&named(&server.url, TEMPLATE), 2).unwrap();
    installation::migrate(&template, Purpose::Production, Clock::system().real()).await.unwrap();
    template.close().await;
    server
}

/// A static is never dropped: this waits for the end of the process, then for PostgreSQL's, and removes the folder.
fn remove_afterwards(folder: &PathBuf) {
    const SCRIPT: &str = r#"read -r _; while [ -e "$1/cluster/postmaster.pid" ]; do sleep 0.1; done; rm -rf "$1""#;
    let child = Command::new("sh")
        .args(["-c", SCRIPT, "sh"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::mem::forget(child);
}

/// A database of a test's own; dropped with the server.
pub async fn fresh() -> String {
    from_template(TEMPLATE).await
}

/// A database without any schema.
pub async fn empty() -> String {
    from_template("template0").await
}

async fn from_template(template: &str) -> String {
    let server = server().await;
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    run_sql(&server.url, &format!("create database {name} template {template}")).await;
    named(&server.url, &name)
}

pub fn connect(url: &str) -> PgPool {
    store::pool(url, 4).unwrap()
}

async fn run_sql(url: &str, sql: &str) {
    let pool = store::pool(url, 1).unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&pool).await.unwrap();
    pool.close().await;
}

/// The same server, another database.
fn named(url: &str, database: &str) -> String {
    let mut url = url::Url::parse(url).unwrap();
    url.set_path(database);
    url.to_string()
}
