//! A run to some thousand readers, while processes are killed: it goes on where it was, and its books close.
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::process::{Environment, Process, Site, until};
use crate::support::readers::owe_first_part;
use crate::support::slow_relay::SlowRelay;
use crate::support::{SERIES, database};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_survives_kills_while_it_is_counted_written_sent_and_paused() {
    survive_kills(3_000).await;
}

/// `cargo test --release --test it -- --ignored a_hundred_thousand --nocapture`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn and_so_does_one_to_a_hundred_thousand_readers() {
    survive_kills(100_000).await;
}

async fn survive_kills(readers: usize) {
    let (database_url, relay) = (database::fresh().await, SlowRelay::start().await);
    let db = database::connect(&database_url);
    let due = due_in_a_week(&db, readers).await;
    // What a kill hits is held, so that whatever came twice would have been written twice.
    let environment = Environment::production(&database_url, &relay.url())
        .with("REGIMEN__DISPATCH__LEASE", "5s")
        .with("REGIMEN__SCHEDULE__REAP", "* * * * * *")
        .with("REGIMEN__ADMIN__CALLS_PER_MINUTE", "0")
        .with("REGIMEN__DISPATCH__ON_UNCERTAIN", "hold");

    let mut process = Process::start(&["serve"], &environment);
    let site = process.pages().await;
    let run = prepared(&site).await;
    until("the dry run goes on", async || (work(&db, "at_bucket").await > 0).then_some(())).await;
    process.kill();

    let mut process = Process::start(&["serve"], &environment);
    let site = process.pages().await;
    let counted = until("it is counted", async || {
        let view = site.api_get(&format!("/runs/{run}")).await;
        view["counted_at"].is_string().then(|| view["readers"].as_u64().unwrap())
    })
    .await;
    assert_eq!(counted, readers as u64, "each was counted once");
    tell(&site, &format!("/runs/{run}/start"), readers).await;
    until("it is being written", async || (work(&db, "placed").await > 0).then_some(())).await;
    process.kill();

    let mut process = Process::start(&["serve"], &environment);
    let site = process.pages().await;
    until("it is being sent", async || (relay.count() > 100).then_some(())).await;
    tell(&site, &format!("/runs/{run}/pause"), 0).await;
    process.kill();

    let mut process = Process::start(&["serve"], &environment);
    let site = process.pages().await;
    let open = "select count(*) from deliveries where run is not null and state in ('pending', 'claimed', 'sending')";
    until("it is held", async || (count(&db, open).await == 0).then_some(())).await;
    let (held, sent) = (site.api_get(&format!("/runs/{run}")).await, relay.count());
    assert_eq!(held["state"], "paused");
    assert!(sent < readers, "it was paused after its end: the test shows nothing");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(relay.count(), sent, "a paused run hands nothing to a relay");
    tell(&site, &format!("/runs/{run}/resume"), 0).await;
    until("it goes on", async || (relay.count() > sent + 100).then_some(())).await;
    process.kill();

    let mut process = Process::start(&["serve"], &environment);
    let site = process.pages().await;
    let began = Instant::now();
    let over = sent_to_the_end(&site, run).await;
    let (rest, seconds) = (readers - sent, began.elapsed().as_secs_f64());
    println!("{readers} readers: none twice; about {rest} after the last kill, in {seconds:.0} s");
    assert_eq!(process.stop(Signal::TERM).await.code, Some(0));
    the_books_close(&over);
    each_once(&relay, &due);
    let followed = "select count(*) from deliveries where step = 'antibodies' and state = 'pending' and run is null";
    assert_eq!(
        count(&db, followed).await,
        i64::try_from(readers).unwrap(),
        "each is owed the next part, in its own time"
    );
}

/// However long it takes, as long as it goes on.
async fn sent_to_the_end(site: &Site, run: i64) -> Value {
    let mut settled = 0;
    loop {
        let view = until("it goes on, or has ended", async || {
            let view = site.api_get(&format!("/runs/{run}")).await;
            let counts = &view["counts"];
            let now = counts["accepted"].as_i64().unwrap() + counts["uncertain"].as_i64().unwrap();
            (view["state"] == "finished" || now > settled).then(|| {
                settled = now;
                view
            })
        })
        .await;
        if view["state"] == "finished" {
            return view;
        }
    }
}

fn the_books_close(over: &Value) {
    let counts = &over["counts"];
    let of = |state: &str| counts[state].as_i64().unwrap();
    assert_eq!(of("pending") + of("paused") + of("rejected") + of("skipped"), 0, "{over}");
    assert_eq!(of("accepted") + of("uncertain"), over["readers"].as_i64().unwrap(), "{over}");
    assert_eq!(over["placed"], over["readers"], "{over}");
}

fn each_once(relay: &SlowRelay, due: &[Uuid]) {
    let taken = relay.taken();
    let different: BTreeSet<Uuid> = taken.iter().copied().collect();
    assert_eq!(taken.len(), different.len(), "none twice");
    assert!(different.is_subset(&due.iter().copied().collect()), "a mail that nobody was owed");
}

/// Their first part is due in a week: nothing is sent but by the run.
async fn due_in_a_week(db: &PgPool, number: usize) -> Vec<Uuid> {
    let due = owe_first_part(db, number).await;
    sqlx::query("update deliveries set due_at = due_at + interval '7 days'").execute(db).await.unwrap();
    due
}

async fn prepared(site: &Site) -> i64 {
    let ask = json!({ "series": SERIES, "for": "due_within", "within": "8d", "what": "next", "why": "a test" });
    let answer = site.api(Method::POST, "/runs").json(&ask).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json::<Value>().await.unwrap()["id"].as_i64().unwrap()
}

async fn tell(site: &Site, path: &str, readers: usize) {
    let mut body = json!({ "why": "a test" });
    if path.ends_with("/start") {
        body["readers"] = json!(readers);
    }
    let answer = site.api(Method::POST, path).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
}

/// A column of the only run's work.
async fn work(db: &PgPool, column: &str) -> i64 {
    let sql = format!("select {column}::bigint from run_work");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(db).await.unwrap()
}

async fn count(db: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}
