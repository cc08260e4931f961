//! A large import: killed again and again it goes on where it was; and how fast it is, with how much memory.
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sqlx::PgPool;

use crate::support::process::{Environment, Folder, Process, until};
use crate::support::{SERIES, database};

/// Some who confirmed long ago, some whose line is worth nothing, some twice.
fn file(folder: &Folder, lines: usize) -> PathBuf {
    let mut text = "address,condition,consent_at,consent_source,consent_text,confirmed_at,zone\n".to_owned();
    for number in 0..lines {
        let condition = if number % 100 == 7 { "cold" } else { "lung" };
        // Each thousandth is one who stands there already, far above.
        let reader = if number % 1_000 == 999 { number / 2_000 * 1_000 + 1 } else { number };
        let rest = "2025-01-01T10:00:00Z,https://example.com/box,2025-01,2025-01-02T10:00:00Z,America/New_York";
        writeln!(text, "reader{reader}@example.org,{condition},{rest}").unwrap();
    }
    folder.write("readers.csv", &text)
}

async fn count(db: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

fn import(file: &std::path::Path) -> [&str; 9] {
    let file = file.to_str().unwrap();
    ["import", file, "--series", SERIES, "--state", "active", "--json", "--why", "a new list"]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_again_and_again_goes_on_and_takes_each_in_once() {
    const LINES: usize = 20_000;
    let database_url = database::fresh().await;
    let db = database::connect(&database_url);
    let environment = Environment::production(&database_url, "smtp://127.0.0.1:9");
    let migrated = Process::run(&["migrate"], &environment).await;
    assert_eq!(migrated.code, Some(0), "{}", migrated.err);
    let published = Process::run(&["series", "list"], &environment).await;
    assert_eq!(published.code, Some(0), "{}", published.err);
    let folder = Folder::new();
    let file = file(&folder, LINES);
    for at_least in [1, 3_000, 9_000, 15_000] {
        let process = Process::start(&import(&file), &environment);
        until("it is under way", async || {
            let done = "select coalesce(max(active + refused), 0) from imports";
            (count(&db, done).await >= at_least).then_some(())
        })
        .await;
        process.kill();
        assert_eq!(
            count(&db, "select count(*) from imports where ended_at is null").await,
            1,
            "it was killed too late"
        );
    }
    let last = Process::run(&import(&file), &environment).await;
    assert_eq!(last.code, Some(0), "{}", last.err);
    assert!(last.err.contains("this import was broken off: it goes on after"), "{}", last.err);

    let readers = count(&db, "select count(*) from enrollments").await;
    for (sql, what) in [
        ("select active from imports", "the import's own count"),
        ("select count(*) from subscribers", "subscribers"),
        ("select count(*) from deliveries where kind = 'step'", "each is owed one part"),
        ("select count(distinct enrollment) from deliveries", "each is owed one part"),
        ("select count(*) / 2 from consents", "each has a consent and a confirmation"),
    ] {
        assert_eq!(count(&db, sql).await, readers, "{what}");
    }
    assert_eq!(count(&db, "select active + pending + refused from imports").await, i64::try_from(LINES).unwrap());
    assert_eq!(count(&db, "select count(*) from import_refusals where reason = 'twice'").await, 20);
    assert_eq!(count(&db, "select count(*) from import_refusals where reason = 'condition'").await, 200);
    assert_eq!(count(&db, "select refused from imports").await, 220);
}

/// A million lines against ten thousand: `cargo test --release --test it -- --ignored a_million_lines --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn a_million_lines_take_no_more_memory_than_ten_thousand() {
    let mut peaks = Vec::new();
    for lines in [10_000, 1_000_000] {
        let database_url = database::fresh().await;
        let environment = Environment::production(&database_url, "smtp://127.0.0.1:9");
        Process::run(&["series", "list"], &environment).await;
        let folder = Folder::new();
        let file = file(&folder, lines);
        let imported = measured(&format!("import of {lines}"), lines, &import(&file), &environment).await;
        let export = ["export", "--series", SERIES, "--why", "measured"];
        let exported = measured(&format!("export of {lines}"), lines, &export, &environment).await;
        peaks.push((imported, exported));
    }
    let [(import_few, export_few), (import_many, export_many)] = peaks[..] else { panic!() };
    assert!(import_many <= import_few + 32 * 1_024, "{import_many} KiB against {import_few} KiB");
    assert!(export_many <= export_few + 32 * 1_024, "{export_many} KiB against {export_few} KiB");
}

/// Carries out a command, prints its rate, and answers its peak memory in KiB.
async fn measured(what: &str, lines: usize, command: &[&str], environment: &Environment) -> u64 {
    let begun = Instant::now();
    let mut process = Process::start(command, environment);
    let (status, mut peak) = (format!("/proc/{}/status", process.pid()), 0);
    while !process.is_gone() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(peak);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = begun.elapsed();
    let ended = process.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let rate = lines as u128 * 1_000 / took.as_millis();
    println!("{what}: {took:.1?}, {rate} lines a second, {} MiB at most", peak / 1_024);
    peak
}
