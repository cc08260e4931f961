//! `kill -9` and SIGTERM in the middle of a send, and two dispatchers at once: nobody is left out, and nobody gets a part
//! twice but those of whom we say that it may be so.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rustix::process::Signal;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::database;
use crate::support::process::{Environment, Process, until};
use crate::support::readers::{owe_first_part, spare_them_the_back_off};
use crate::support::slow_relay::SlowRelay;

/// How a send to 1,000 readers that was killed ten times went.
struct Crashed {
    /// How often the relay took each delivery's mail.
    taken: BTreeMap<Uuid, usize>,
    /// What the API lists as uncertain, now or at some time.
    listed: BTreeSet<Uuid>,
    /// What is held as uncertain: with "resend" only what four kills hit.
    held: BTreeSet<Uuid>,
}

impl Crashed {
    fn doubled(&self) -> BTreeSet<Uuid> {
        self.taken.iter().filter(|(_, times)| **times > 1).map(|(id, _)| *id).collect()
    }

    fn lost(&self) -> BTreeSet<Uuid> {
        self.taken.iter().filter(|(_, times)| **times == 0).map(|(id, _)| *id).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_kills_during_a_send_lose_nobody_and_double_only_what_is_listed_as_uncertain() {
    let crashed = kill_ten_times("resend", 1).await;
    assert!(crashed.lost().is_subset(&crashed.held), "a loss that nobody is told of");
    assert!(crashed.held.len() < 20, "they were to be sent again: {}", crashed.held.len());
    assert!(crashed.doubled().is_subset(&crashed.listed), "a double that is not listed");
    assert!(!crashed.listed.is_empty(), "no kill hit a send: the test shows nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_hold_ten_kills_double_nobody_and_what_may_be_lost_is_listed_as_uncertain() {
    let crashed = kill_ten_times("hold", 2).await;
    assert_eq!(crashed.doubled(), BTreeSet::new());
    assert!(crashed.lost().is_subset(&crashed.held), "a loss that nobody is told of");
    assert_eq!(crashed.held, crashed.listed);
    assert!(!crashed.listed.is_empty(), "no kill hit a send: the test shows nothing");
}

async fn kill_ten_times(on_uncertain: &str, seed: u64) -> Crashed {
    const READERS: usize = 1_000;
    let (database_url, relay) = (database::fresh().await, SlowRelay::start().await);
    let db = database::connect(&database_url);
    let due = owe_first_part(&db, READERS).await;
    let _retrying = spare_them_the_back_off(&db);
    // The shortest lease that there is, and a look at leases each second, so that the test ends soon.
    let environment = Environment::production(&database_url, &relay.url())
        .with("REGIMEN__DISPATCH__LEASE", "5s")
        .with("REGIMEN__SCHEDULE__REAP", "* * * * * *")
        .with("REGIMEN__DISPATCH__ON_UNCERTAIN", on_uncertain);
    let mut random = StdRng::seed_from_u64(seed);
    for kill in 0..10 {
        let process = Process::start(&[if kill % 2 == 0 { "dispatch" } else { "serve" }], &environment);
        // Readers, not mails: what the last kill hit goes out first, and the same mails are not to be hit each time.
        let enough = relay.readers() + random.random_range(10..60);
        until("the send goes on", async || (relay.readers() >= enough).then_some(())).await;
        tokio::time::sleep(Duration::from_micros(random.random_range(0..3_000))).await;
        process.kill();
    }
    assert!(owed(&db).await > 0, "the last kill came after the end");

    let mut process = Process::start(&["serve"], &environment);
    let site = process.pages().await;
    until("all is sent", async || (owed(&db).await == 0).then_some(())).await;
    let list = async |query: &str| -> BTreeSet<Uuid> {
        let items = site.api_all(&format!("/deliveries?{query}&limit=500")).await;
        items.iter().map(|one| one["id"].as_str().unwrap().parse().unwrap()).collect()
    };
    let (listed, held) = (list("was=uncertain").await, list("state=uncertain").await);
    let followed: i64 =
        sqlx::query_scalar("select count(*) from deliveries where step = 'antibodies' and state = 'pending'")
            .fetch_one(&db)
            .await
            .unwrap();
    assert_eq!(followed, 1_000, "each reader is owed the second part, once");
    let unknown =
        count(&db, "select count(*) from deliveries where state not in ('pending', 'accepted', 'uncertain')").await;
    assert_eq!(unknown, 0);
    assert_eq!(process.stop(Signal::TERM).await.code, Some(0));

    let mut taken: BTreeMap<Uuid, usize> = due.into_iter().map(|id| (id, 0)).collect();
    for id in relay.taken() {
        *taken.get_mut(&id).expect("a mail that nobody was owed") += 1;
    }
    let crashed = Crashed { taken, listed, held };
    println!(
        "on_uncertain = {on_uncertain}: of {READERS} readers {} were uncertain after ten kills, {} still are; \
         {} got it twice, {} did not get it",
        crashed.listed.len(),
        crashed.held.len(),
        crashed.doubled().len(),
        crashed.lost().len()
    );
    crashed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_database_share_the_work_and_double_nothing() {
    let (database_url, relay) = (database::fresh().await, SlowRelay::start().await);
    let db = database::connect(&database_url);
    let environment = Environment::production(&database_url, &relay.url());
    let processes = [(); 2].map(|()| Process::start(&["dispatch"], &environment));
    let seen = "select count(*) from nodes where role = 'dispatch'";
    until("both are there", async || (count(&db, seen).await == 2).then_some(())).await;
    // The relay answers nobody until both hold some of the work, which neither can hold all of.
    relay.shut();
    let due = owe_first_part(&db, 300).await;
    let holders = "select count(distinct node) from deliveries where state in ('claimed', 'sending')";
    until("both have claimed", async || (count(&db, holders).await == 2).then_some(())).await;
    relay.open();
    until("all is sent", async || (owed(&db).await == 0).then_some(())).await;
    for process in processes {
        assert_eq!(process.stop(Signal::TERM).await.code, Some(0));
    }
    let mut taken = relay.taken();
    taken.sort_unstable();
    assert_eq!(taken, due, "each once");
    assert_eq!(count(&db, "select count(distinct node) from attempts").await, 2, "both had a part in it");
    assert_eq!(count(&db, "select count(*) from attempts where outcome <> 'accepted'").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_finishes_what_is_in_flight_and_gives_back_what_is_claimed() {
    for (number, role) in ["dispatch", "serve"].into_iter().enumerate() {
        let (database_url, relay) = (database::fresh().await, SlowRelay::start().await);
        let db = database::connect(&database_url);
        let due = owe_first_part(&db, 300).await;
        let environment = Environment::production(&database_url, &relay.url());
        let process = Process::start(&[role], &environment);
        let enough = 40 + 10 * number;
        until("the send goes on", async || (relay.count() >= enough).then_some(())).await;
        let asked = std::time::Instant::now();
        let ended = process.stop(Signal::TERM).await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert!(asked.elapsed() < Duration::from_secs(8), "a supervisor would have killed it: {:?}", asked.elapsed());

        assert_eq!(count(&db, "select count(*) from deliveries where state in ('claimed', 'sending')").await, 0);
        assert_eq!(count(&db, "select count(*) from deliveries where lease_until is not null").await, 0);
        assert_eq!(count(&db, "select count(*) from deliveries where uncertain_count + tries > 1").await, 0);
        assert_eq!(count(&db, "select count(*) from nodes").await, 0, "it took itself off the list");
        let accepted = count(&db, "select count(*) from deliveries where state = 'accepted'").await;
        assert_eq!(usize::try_from(accepted).unwrap(), relay.count(), "what the relay took is in the books");
        assert!(relay.count() < 300, "it was stopped after the end: the test shows nothing");

        let process = Process::start(&[role], &environment);
        until("all is sent", async || (owed(&db).await == 0).then_some(())).await;
        assert_eq!(process.stop(Signal::INT).await.code, Some(0));
        let mut taken = relay.taken();
        taken.sort_unstable();
        assert_eq!(taken, due, "each once");
    }
}

/// First parts that have not come to an end.
async fn owed(db: &PgPool) -> i64 {
    count(db, "select count(*) from deliveries where step = 'what-is-immunotherapy' and state in ('pending', 'claimed', 'sending')")
        .await
}

async fn count(db: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}
