//! PostgreSQL goes away in the middle of a send, in each way that it can: nobody is left out, nobody gets a part twice, and
//! what the relay did meanwhile is in the books.
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rustix::process::Signal;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::database;
use crate::support::own_postgres::OwnPostgres;
use crate::support::process::{Environment, Folder, Process, until};
use crate::support::readers::{enroll, owe_first_part, readers, spare_them_the_back_off};
use crate::support::slow_relay::SlowRelay;
use crate::support::small_disk::SmallDisk;

/// The shortest lease that the configuration allows, and a look at leases each second.
fn environment(database_url: &str, relay: &SlowRelay) -> Environment {
    Environment::production(database_url, &relay.url())
        .with("REGIMEN__DISPATCH__LEASE", "5s")
        .with("REGIMEN__SCHEDULE__REAP", "* * * * * *")
}

async fn count(db: &PgPool, sql: &'static str) -> usize {
    let count: i64 = sqlx::query_scalar(sql).fetch_one(db).await.unwrap();
    usize::try_from(count).unwrap()
}

/// First parts that have not come to an end; nothing while PostgreSQL is away.
async fn owed(db: &PgPool) -> Option<i64> {
    let sql = "select count(*) from deliveries where step = 'what-is-immunotherapy'
        and state in ('pending', 'claimed', 'sending')";
    sqlx::query_scalar(sql).fetch_one(db).await.ok()
}

async fn until_all_is_sent(db: &PgPool) {
    until("all is sent", async || (owed(db).await == Some(0)).then_some(())).await;
}

/// Each delivery was taken once, is in the books as accepted, and has a successor.
async fn each_once(db: &PgPool, relay: &SlowRelay, due: &[Uuid]) {
    let mut taken = relay.taken();
    taken.sort_unstable();
    assert_eq!(taken, due, "each once");
    let accepted = count(db, "select count(*) from deliveries where state = 'accepted'").await;
    let next = count(db, "select count(*) from deliveries where step = 'antibodies' and state = 'pending'").await;
    assert_eq!((accepted, next), (due.len(), due.len()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_and_a_crash_of_postgresql_in_the_middle_of_a_batch_double_and_lose_nothing() {
    let (mut postgres, relay) = (OwnPostgres::start().await, SlowRelay::start().await);
    let db = database::connect(&postgres.url());
    let process = Process::start(&["dispatch"], &environment(&postgres.url(), &relay));
    let due = owe_first_part(&db, 300).await;
    let _retrying = spare_them_the_back_off(&db);
    for (number, signal) in [Some(Signal::INT), Some(Signal::QUIT), None].into_iter().enumerate() {
        let enough = 40 * (number + 1);
        until("the send goes on", async || (relay.count() >= enough).then_some(())).await;
        match signal {
            Some(signal) => postgres.restart(signal).await,
            None => postgres.crash().await,
        }
    }
    assert!(relay.count() < 300, "the last restart came after the end: the test shows nothing");
    until_all_is_sent(&db).await;
    let ended = process.stop(Signal::TERM).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    each_once(&db, &relay, &due).await;
}

/// How PostgreSQL is away.
enum Outage {
    /// Stopped and started: who asks is refused.
    Stopped,
    /// Its processes stand still, as with a machine that is moved or a disk that hangs: who asks waits.
    Frozen,
}

/// A dispatcher has mails at the relay when PostgreSQL goes away for longer than its lease. The relay takes them meanwhile,
/// and another process looks for leases that ran out as soon as PostgreSQL is back.
async fn away_for_longer_than_the_lease(outage: Outage) {
    let (mut postgres, relay) = (OwnPostgres::start().await, SlowRelay::start().await);
    let db = database::connect(&postgres.url());
    let environment = environment(&postgres.url(), &relay);
    let mut sending = Process::start(&["dispatch"], &environment);
    let mut looking = Process::start(&["web"], &environment);
    looking.pages().await;
    relay.shut();
    let due = owe_first_part(&db, 300).await;
    until("mails are at the relay", async || {
        (count(&db, "select count(*) from deliveries where state = 'sending'").await >= 20).then_some(())
    })
    .await;

    match outage {
        Outage::Stopped => postgres.shut(Signal::INT).await,
        Outage::Frozen => postgres.freeze(),
    }
    let away = Instant::now();
    relay.open();
    // It is told of what the relay took, and cannot write it down.
    until("the relay has some", async || (relay.count() >= 4).then_some(())).await;
    // The leases were renewed less than five seconds before, and cannot be any more.
    until("the leases have run out", async || (away.elapsed() > Duration::from_secs(6)).then_some(())).await;
    match outage {
        Outage::Stopped => postgres.open().await,
        Outage::Frozen => postgres.thaw(),
    }
    until_all_is_sent(&db).await;
    for process in [&mut sending, &mut looking] {
        assert!(!process.is_gone(), "{}", process.err());
    }
    each_once(&db, &relay, &due).await;
    assert_eq!(count(&db, "select count(*) from deliveries where uncertain_count > 0").await, 0, "all could be said");
    for process in [sending, looking] {
        assert_eq!(process.stop(Signal::TERM).await.code, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_outage_longer_than_the_lease_whoever_had_mails_at_the_relay_is_heard_first() {
    away_for_longer_than_the_lease(Outage::Stopped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_standstill_longer_than_the_lease_whoever_had_mails_at_the_relay_is_heard_first() {
    away_for_longer_than_the_lease(Outage::Frozen).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_died_during_an_outage_is_reaped_after_the_grace() {
    let (mut postgres, relay) = (OwnPostgres::start().await, SlowRelay::start().await);
    let db = database::connect(&postgres.url());
    let environment = environment(&postgres.url(), &relay);
    let mut looking = Process::start(&["web"], &environment);
    looking.pages().await;
    let sending = Process::start(&["dispatch"], &environment);
    relay.shut();
    enroll(&db, &readers(0..40, 64)).await.unwrap();
    until("mails are at the relay", async || {
        (count(&db, "select count(*) from deliveries where state = 'sending'").await >= 1).then_some(())
    })
    .await;
    postgres.shut(Signal::INT).await;
    sending.kill();
    looking.says("recurring work failed").await;
    postgres.open().await;
    let back: DateTime<Utc> = regimen::store::server_time(&db).await.unwrap();
    let first: DateTime<Utc> = until("its leases are taken back", async || {
        let sql = "select min(ended_at) from attempts where outcome = 'uncertain'";
        sqlx::query_scalar::<_, Option<DateTime<Utc>>>(sql).fetch_one(&db).await.unwrap()
    })
    .await;
    let grace = first - back;
    assert!(grace > chrono::TimeDelta::seconds(5), "a lease and a half is 7.5 s, and it was {grace}");
    assert_eq!(looking.stop(Signal::TERM).await.code, Some(0));
}

/// So many that the send is not over before the disk is full, however long it takes to say so.
const MANY: usize = 1_200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_in_the_middle_of_a_send_loses_nothing() {
    let Some(disk) = SmallDisk::mount(160) else { return };
    let (mut postgres, relay) =
        (OwnPostgres::start_in(disk.join("data"), Folder::new()).await, SlowRelay::start().await);
    let db = database::connect(&postgres.url());
    let mut process = Process::start(&["dispatch"], &environment(&postgres.url(), &relay));
    let due = owe_first_part(&db, MANY).await;
    let _retrying = spare_them_the_back_off(&db);
    until("the send goes on", async || (relay.count() >= 40).then_some(())).await;
    disk.fill();
    until("it is told that there is no room", async || {
        let said = process.err();
        (said.contains("No space left on device") || postgres.is_gone()).then_some(())
    })
    .await;
    assert!(relay.count() < MANY, "the disk was full after the end: the test shows nothing");
    let written = "select count(*) from deliveries where state = 'accepted'";
    let accepted: Option<i64> = sqlx::query_scalar(written).fetch_one(&db).await.ok();
    assert!(
        accepted.is_none_or(|accepted| accepted < i64::try_from(MANY).unwrap()),
        "nothing is missing: the test shows nothing"
    );
    disk.make_room();
    if postgres.is_gone() {
        postgres.open().await;
    }
    until_all_is_sent(&db).await;
    assert!(!process.is_gone(), "{}", process.err());
    assert_eq!(process.stop(Signal::TERM).await.code, Some(0));
    each_once(&db, &relay, &due).await;
    db.close().await;
    drop(postgres);
}
