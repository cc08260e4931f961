//! Processes that stand still, relays that never answer, clocks that are wrong.
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use regimen::local::smtp::Verdict;
use rustix::process::Signal;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::database;
use crate::support::own_postgres::OwnPostgres;
use crate::support::process::{Environment, Process, until};
use crate::support::readers::{enroll, owe_first_part, readers, spare_them_the_back_off};
use crate::support::relay::{At, Relay, delivery_of};
use crate::support::slow_relay::SlowRelay;
use crate::support::wrong_clock::WrongClock;

/// The shortest lease that the configuration allows, and a look at leases each second.
fn environment(database_url: &str, relay_url: &str) -> Environment {
    Environment::production(database_url, relay_url)
        .with("REGIMEN__DISPATCH__LEASE", "5s")
        .with("REGIMEN__DISPATCH__FAREWELL", "1s")
        .with("REGIMEN__SCHEDULE__REAP", "* * * * * *")
}

async fn count(db: &PgPool, sql: &'static str) -> usize {
    let count: i64 = sqlx::query_scalar(sql).fetch_one(db).await.unwrap();
    usize::try_from(count).unwrap()
}

async fn instant(db: &PgPool, sql: &'static str) -> Option<DateTime<Utc>> {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

const SENDING: &str = "select count(*) from deliveries where state = 'sending'";
const OWED: &str = "select count(*) from deliveries where step = 'what-is-immunotherapy'
    and state in ('pending', 'claimed', 'sending') and due_at <= clock_timestamp()";
/// How long the leases of what is sent hold.
const LEASES: &str = "select min(lease_until) from deliveries where state = 'sending'";

/// When a process says that it is, on its machine.
async fn its_time(process: &mut Process) -> DateTime<Utc> {
    process.says("WARN").await;
    let log = process.err();
    let line = log.lines().find(|line| line.contains("WARN")).unwrap();
    line.split_ascii_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_dispatchers_whose_clocks_are_ten_minutes_off_agree_on_what_is_due_and_on_leases() {
    let Some(clock) = WrongClock::build() else { return };
    let (database_url, relay) = (database::fresh().await, SlowRelay::start().await);
    let db = database::connect(&database_url);
    let right = environment(&database_url, &relay.url());
    let [mut behind, mut ahead] =
        [-10, 10].map(|minutes| Process::start(&["dispatch"], &clock.wrong_by(&right, TimeDelta::minutes(minutes))));
    let began = regimen::store::server_time(&db).await.unwrap();
    assert!((its_time(&mut behind).await - began).num_minutes() < -8, "its clock is wrong, or the test shows nothing");
    assert!((its_time(&mut ahead).await - began).num_minutes() > 8, "its clock is wrong, or the test shows nothing");

    relay.shut();
    let mut due = owe_first_part(&db, 300).await;
    // One is due in five minutes, which the one ahead must not take for past.
    let early = due.pop().unwrap();
    sqlx::query("update deliveries set due_at = due_at + interval '5 minutes', state = 'pending' where id = $1")
        .bind(early)
        .execute(&db)
        .await
        .unwrap();
    let nodes = "select count(distinct node) from deliveries where state in ('claimed', 'sending')";
    until("both hold some", async || (count(&db, nodes).await == 2 && count(&db, SENDING).await > 0).then_some(()))
        .await;
    // The heartbeat has renewed each lease since, and each has looked for leases that ran out.
    let first = instant(&db, LEASES).await.unwrap();
    until("the leases were renewed", async || {
        instant(&db, LEASES).await.filter(|lease| *lease > first + TimeDelta::seconds(4))
    })
    .await;
    assert_eq!(count(&db, "select count(*) from attempts").await, 0, "nobody took anything from the other");
    relay.open();
    until("all is sent", async || (count(&db, OWED).await == 0).then_some(())).await;
    let now = regimen::store::server_time(&db).await.unwrap();
    for process in [behind, ahead] {
        assert_eq!(process.stop(Signal::TERM).await.code, Some(0));
    }
    let mut taken = relay.taken();
    taken.sort_unstable();
    assert_eq!(taken, due, "each once, and none before its time");
    assert_eq!(count(&db, "select count(*) from deliveries where uncertain_count > 0").await, 0);
    assert_eq!(count(&db, "select count(distinct node) from attempts").await, 2, "both had a part in it");
    let (first, last) = (
        instant(&db, "select min(ended_at) from attempts").await.unwrap(),
        instant(&db, "select max(ended_at) from attempts").await.unwrap(),
    );
    assert!(began - TimeDelta::seconds(1) < first && last < now + TimeDelta::seconds(1), "{first} {last} {now}");
}

/// All that another process could change of a delivery.
async fn state_of_all(db: &PgPool) -> Vec<(Uuid, String, i32, i16, Option<DateTime<Utc>>)> {
    sqlx::query_as("select id, state, attempt, tries, settled_at from deliveries order by id")
        .fetch_all(db)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_frozen_past_its_lease_sends_and_changes_nothing_when_it_wakes() {
    let (database_url, relay) = (database::fresh().await, Relay::start().await);
    let db = database::connect(&database_url);
    let environment = environment(&database_url, &relay.url()).with("REGIMEN__SMTP__CONNECTIONS", "1");
    let mut frozen = Process::start(&["dispatch"], &environment);
    let (reached, at_the_relay) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
    relay.meanwhile(At::Message, async move {
        reached.send(()).unwrap();
        may_go_on.await.unwrap();
    });
    // All of one bucket, so that it marks many.
    let some = readers(0..2_500, 1);
    enroll(&db, &some).await.unwrap();
    let _retrying = spare_them_the_back_off(&db);
    at_the_relay.await.unwrap();
    until("others wait for the connection", async || (count(&db, SENDING).await >= 10).then_some(())).await;
    frozen.freeze().await;
    let at_work = "select count(*) from pg_stat_activity
        where datname = current_database() and state = 'active' and pid <> pg_backend_pid()";
    until("what it had asked PostgreSQL is done", async || (count(&db, at_work).await == 0).then_some(())).await;
    let marked = count(&db, SENDING).await;
    // The relay takes the one that it has; whoever should hear of it does not.
    go_on.send(()).unwrap();
    until("the relay has it", async || (relay.taken().len() == 1).then_some(())).await;

    let other = Process::start(&["dispatch"], &environment);
    until("the other one has sent all", async || (count(&db, OWED).await == 0).then_some(())).await;
    let (sent, states) = (relay.taken().len(), state_of_all(&db).await);
    frozen.signal(Signal::CONT);
    frozen.says("results came after their lease had run out").await;
    for process in [frozen, other] {
        let ended = process.stop(Signal::TERM).await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
    }
    assert_eq!(relay.taken().len(), sent, "it sent nothing more");
    assert_eq!(state_of_all(&db).await, states, "and changed nothing");
    // What it learned is told of its own attempt.
    assert_eq!(count(&db, "select count(*) from attempts where attempt = 1 and outcome = 'accepted'").await, 1);
    assert_eq!(count(&db, "select count(*) from deliveries where state = 'accepted'").await, some.len());

    let uncertain = count(&db, "select count(*) from deliveries where uncertain_count > 0").await;
    assert_eq!(uncertain, marked, "each that it had marked is listed");
    let mut taken: Vec<Uuid> = relay.taken().iter().map(|mail| delivery_of(&mail.data)).collect();
    taken.sort_unstable();
    let all = taken.len();
    taken.dedup();
    assert_eq!((taken.len(), all), (some.len(), some.len() + 1), "only the one at the relay went out twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_never_answers_holds_up_one_mail_keeps_its_lease_and_does_not_stop_the_stop() {
    for stage in [At::Data, At::Message] {
        let (database_url, relay) = (database::fresh().await, Relay::start().await);
        let db = database::connect(&database_url);
        let process = Process::start(&["dispatch"], &environment(&database_url, &relay.url()));
        relay.next(stage, Verdict::Stall);
        let (reached, at_the_relay) = tokio::sync::oneshot::channel();
        relay.meanwhile(stage, async move { reached.send(()).unwrap() });
        // The others come when it is there: a mail that is next in line is announced right behind it, and waits with it.
        owe_first_part(&db, 1).await;
        at_the_relay.await.unwrap();
        let due = owe_first_part(&db, 100).await;
        until("the others are sent", async || (count(&db, OWED).await == 1).then_some(())).await;
        let first = instant(&db, LEASES).await.unwrap();
        until("its lease was renewed", async || {
            instant(&db, LEASES).await.filter(|lease| *lease > first + TimeDelta::seconds(6))
        })
        .await;
        assert_eq!(count(&db, "select count(*) from attempts where outcome <> 'accepted'").await, 0, "nobody took it");

        let asked = Instant::now();
        let ended = process.stop(Signal::TERM).await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert!(asked.elapsed() < Duration::from_secs(8), "its farewell is one second: {:?}", asked.elapsed());
        assert_eq!(count(&db, "select count(*) from deliveries where state in ('claimed', 'sending')").await, 0);
        // Of what had not been handed over, that is known.
        let uncertain = usize::from(stage != At::Data);
        assert_eq!(count(&db, "select count(*) from deliveries where uncertain_count = 1").await, uncertain);

        let _retrying = spare_them_the_back_off(&db);
        let process = Process::start(&["dispatch"], &environment(&database_url, &relay.url()));
        until("all is sent", async || (count(&db, OWED).await == 0).then_some(())).await;
        assert_eq!(process.stop(Signal::TERM).await.code, Some(0));
        let mut taken: Vec<Uuid> = relay.taken().iter().map(|mail| delivery_of(&mail.data)).collect();
        taken.sort_unstable();
        assert_eq!(taken, due, "each once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_wait_for_a_database_that_is_away() {
    let (mut postgres, relay) = (OwnPostgres::start().await, SlowRelay::start().await);
    let db = database::connect(&postgres.url());
    let process = Process::start(&["dispatch"], &environment(&postgres.url(), &relay.url()));
    relay.shut();
    owe_first_part(&db, 100).await;
    until("mails are at the relay", async || (count(&db, SENDING).await >= 10).then_some(())).await;
    postgres.shut(Signal::INT).await;
    relay.open();
    until("the relay has some", async || (relay.count() >= 4).then_some(())).await;
    let asked = Instant::now();
    let ended = process.stop(Signal::TERM).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(asked.elapsed() < Duration::from_secs(20), "a supervisor would have killed it: {:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_wait_for_a_relay_that_never_answers_a_test_send() {
    let (database_url, relay) = (database::fresh().await, Relay::start().await);
    let db = database::connect(&database_url);
    let process = Process::start(&["dispatch"], &environment(&database_url, &relay.url()));
    let (reached, at_the_relay) = tokio::sync::oneshot::channel();
    relay.meanwhile(At::Message, async move {
        reached.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    sqlx::query(
        "insert into test_sends (id, series, step, condition, recipient, who, why, created_at)
         values ($1, $2, 'antibodies', 'lung', 'editor@example.org', 'an editor', 'a test', clock_timestamp())",
    )
    .bind(Uuid::from_u128(1))
    .bind(crate::support::SERIES)
    .execute(&db)
    .await
    .unwrap();
    at_the_relay.await.unwrap();
    let asked = Instant::now();
    let ended = process.stop(Signal::TERM).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(asked.elapsed() < Duration::from_secs(20), "a supervisor would have killed it: {:?}", asked.elapsed());
}
