//! `regimen demo` as somebody meets it who has just started it: the whole series in seconds, stopped and started again,
//! killed, and kept apart from everything that is in earnest.
use chrono::{DateTime, Utc};
use regimen::clock::Clock;
use regimen::store::installation::{self, Purpose};
use rustix::process::Signal;
use serde_json::Value;
use sqlx::PgPool;

use crate::support::database;
use crate::support::process::{Environment, Folder, Process, Site, processes_naming, until};
use crate::support::relay::{Mail, Relay};

const DEMO: [&str; 7] = ["demo", "--day", "200ms", "--port", "0", "--inbox-port", "0"];

fn demo(folder: &Folder, environment: &Environment) -> Process {
    let folder = folder.join("data");
    let arguments = [&DEMO[..], &["--data-dir", folder.to_str().unwrap()]].concat();
    Process::start(&arguments, environment)
}

/// The subjects of the mails to an address, oldest first, once there are `number` of them.
async fn subjects(inbox: &Site, email: &str, number: usize) -> Vec<String> {
    until(&format!("{number} mails are in the inbox"), async || {
        let list = inbox.json(&format!("/api/mails?to={email}")).await;
        let items = list["items"].as_array().unwrap();
        let subject = |one: &Value| one["subject"].as_str().unwrap().to_owned();
        (items.len() >= number).then(|| items.iter().rev().map(subject).collect())
    })
    .await
}

/// The path of the link to one of our pages in the newest mail to an address.
async fn link(inbox: &Site, pages: &Site, email: &str, page: &str) -> String {
    let list = inbox.json(&format!("/api/mails?to={email}")).await;
    let mail = inbox.json(&format!("/api/mails/{}", list["items"][0]["id"])).await;
    let text = mail["text"].as_str().unwrap();
    let start = text.find(&format!("{}/{page}/", pages.base)).unwrap_or_else(|| panic!("no link to {page}: {text}"));
    let url: String =
        text[start..].chars().take_while(|letter| !letter.is_whitespace() && !")>".contains(*letter)).collect();
    url[pages.base.len()..].to_owned()
}

/// The demo's own database, by way of its socket.
fn its_database(folder: &Folder) -> PgPool {
    let sockets = std::fs::read_to_string(folder.join("data/database/sockets")).unwrap();
    database::connect(&format!("postgresql://postgres@localhost:5432/postgres?host={}", sockets.trim()))
}

async fn instant(folder: &Folder, sql: &'static str) -> DateTime<Utc> {
    let db = its_database(folder);
    let instant: Option<DateTime<Utc>> = sqlx::query_scalar(sql).fetch_one(&db).await.unwrap();
    db.close().await;
    instant.expect("there is one")
}

/// Where the demo's clock was kept last.
async fn series_now(folder: &Folder) -> DateTime<Utc> {
    instant(folder, "select series_now from installation").await
}

#[tokio::test]
async fn a_series_in_seconds_goes_on_after_a_stop_and_leaves_nothing_behind_when_it_is_killed() {
    let folder = Folder::new();
    let mut process = demo(&folder, &Environment::bare());
    let (pages, inbox) = process.demo().await;
    assert_eq!(pages.get("/").await.status(), 200);
    assert_eq!(pages.sign_up("reader@example.org", "kidney").await.status(), 200);
    assert_eq!(subjects(&inbox, "reader@example.org", 1).await.len(), 1, "the confirmation, and no part before it");
    let confirm = link(&inbox, &pages, "reader@example.org", "confirm").await;
    assert_eq!(pages.get(&confirm).await.status(), 200);
    assert_eq!(pages.post(&confirm).await.status(), 200);
    let got = subjects(&inbox, "reader@example.org", 7).await;
    let steps = pages.api_get("/series").await["items"][0]["steps"].as_array().unwrap().len();
    assert_eq!((got.len(), steps), (7, 6));
    until("the series is completed", async || {
        let list = pages.api_get("/subscribers").await;
        (list["items"][0]["state"] == "completed").then_some(())
    })
    .await;
    assert_eq!(pages.sign_up("second@example.org", "lung").await.status(), 200);
    subjects(&inbox, "second@example.org", 1).await;
    let before = series_now(&folder).await;
    let token = pages.token.clone();

    let ended = process.stop(Signal::INT).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(processes_naming(folder.text()), Vec::<String>::new(), "Ctrl-C stops PostgreSQL too");
    assert!(!ended.out.contains("reader@") && !ended.err.contains("example.org"));

    let mut process = demo(&folder, &Environment::bare());
    let (pages, inbox) = process.demo().await;
    assert_eq!(pages.token, token, "its secrets are kept");
    assert!(series_now(&folder).await >= before, "its clock does not go back");
    assert_eq!(subjects(&inbox, "reader@example.org", 7).await, got, "its mails are kept");
    assert_eq!(pages.api_get("/subscribers").await["items"].as_array().unwrap().len(), 2);
    // Who signed up before the stop goes on after it; the page is on another port, the token is as good as before.
    let list = inbox.json("/api/mails?to=second@example.org").await;
    let mail = inbox.json(&format!("/api/mails/{}", list["items"][0]["id"])).await;
    let text = mail["text"].as_str().unwrap();
    let token: String =
        text.split("/confirm/").nth(1).unwrap().chars().take_while(|letter| !letter.is_whitespace()).collect();
    assert_eq!(pages.post(&format!("/confirm/{token}")).await.status(), 200);
    subjects(&inbox, "second@example.org", 3).await;

    let cluster = folder.join("data/database/cluster");
    assert!(processes_naming(cluster.to_str().unwrap()).iter().any(|line| line.contains("postgres")));
    let settled = instant(&folder, "select max(series_settled_at) from deliveries").await;
    process.kill();
    until("PostgreSQL is gone", async || processes_naming(folder.text()).is_empty().then_some(())).await;

    // And after a kill it still starts, at no earlier time than what was done last.
    let mut process = demo(&folder, &Environment::bare());
    let (pages, inbox) = process.demo().await;
    assert_eq!(pages.sign_up("third@example.org", "other").await.status(), 200);
    assert!(instant(&folder, "select max(due_at) from deliveries where kind = 'confirmation'").await >= settled);
    subjects(&inbox, "second@example.org", 7).await;
    until("both are completed", async || {
        let list = pages.api_get("/subscribers?state=completed").await;
        (list["items"].as_array().unwrap().len() == 2).then_some(())
    })
    .await;
    assert_eq!(process.stop(Signal::TERM).await.code, Some(0));
}

#[tokio::test]
async fn with_a_database_and_a_relay_given_it_uses_those() {
    let (folder, relay, database_url) = (Folder::new(), Relay::start().await, database::empty().await);
    let environment = Environment::bare().with("SMTP_URL", &relay.url()).with("DATABASE_URL", &database_url);
    let mut process = demo(&folder, &environment);
    process.says("Stop with Ctrl-C").await;
    assert!(process.out().contains("where SMTP_URL points to"), "{}", process.out());
    let pages = process.demo_pages().await;
    assert_eq!(pages.sign_up("reader@example.org", "lymphoma").await.status(), 200);
    let mail = until("the mail is at the relay", async || relay.mails_to("reader@example.org").pop()).await;
    assert_eq!(pages.post(&mail.link("confirm")).await.status(), 200);
    let mails: Vec<Mail> = until("all parts are at the relay", async || {
        Some(relay.mails_to("reader@example.org")).filter(|mails| mails.len() == 7)
    })
    .await;
    assert_ne!(mails[1].subject, mails[2].subject);
    assert!(
        !folder.join("data/database").exists() && !folder.join("data/inbox").exists(),
        "nothing of its own is made"
    );
    assert_eq!(process.stop(Signal::INT).await.code, Some(0));
    let purpose: String = sqlx::query_scalar("select purpose from installation")
        .fetch_one(&database::connect(&database_url))
        .await
        .unwrap();
    assert_eq!(purpose, "demo");
}

/// All rows of all tables, with the transaction that wrote each.
async fn all_rows(db: &PgPool) -> Vec<String> {
    let tables: Vec<String> =
        sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public' order by 1")
            .fetch_all(db)
            .await
            .unwrap();
    let mut rows = Vec::new();
    for table in tables {
        let sql = format!("select '{table} ' || xmin::text || ' ' || to_jsonb(t)::text from {table} t order by 1");
        let found: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(db).await.unwrap();
        rows.extend(found);
        rows.push(table);
    }
    rows
}

#[tokio::test]
async fn it_refuses_a_production_database_before_it_writes_anything() {
    let (folder, database_url) = (Folder::new(), database::fresh().await);
    let db = database::connect(&database_url);
    let before = all_rows(&db).await;
    let ended = demo(&folder, &Environment::bare().with("DATABASE_URL", &database_url)).ended().await;
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(ended.err.contains("this database is marked production"), "{}", ended.err);
    assert_eq!(all_rows(&db).await, before);
    assert!(before.len() > 10, "the test looks at no table any more");
}

#[tokio::test]
async fn it_refuses_a_database_of_another_program() {
    let (folder, database_url) = (Folder::new(), database::empty().await);
    let db = database::connect(&database_url);
    sqlx::raw_sql("create table invoices (number int); insert into invoices values (1)").execute(&db).await.unwrap();
    let before = all_rows(&db).await;
    let ended = demo(&folder, &Environment::bare().with("DATABASE_URL", &database_url)).ended().await;
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(ended.err.contains("tables of another program"), "{}", ended.err);
    assert_eq!(all_rows(&db).await, before);
}

#[tokio::test]
async fn no_other_command_works_on_a_demo_database() {
    let (database_url, relay) = (database::empty().await, Relay::start().await);
    let db = database::connect(&database_url);
    installation::migrate(&db, Purpose::Demo, Clock::system().real()).await.unwrap();
    let before = all_rows(&db).await;
    let environment = Environment::production(&database_url, &relay.url());
    for command in [
        &["migrate"][..],
        &["serve"],
        &["web"],
        &["dispatch"],
        &["subscribers", "list"],
        &["deliveries"],
        &["health"],
        &["recover", "--since", "2026-01-01T00:00:00Z"],
        &["send", "due", "--series", crate::support::SERIES, "--within", "1d", "--why", "a test"],
    ] {
        let ended = Process::run(command, &environment).await;
        assert_eq!(ended.code, Some(1), "{command:?}: {}", ended.err);
        assert!(ended.err.contains("this database is marked demo"), "{command:?}: {}", ended.err);
        assert_eq!(all_rows(&db).await, before, "{command:?}");
    }
}
