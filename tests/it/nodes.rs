//! Nodes come and go under load: one is added, one is killed, and nobody is left out or gets a part twice.
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use regimen::local::smtp::Received;
use regimen::model::{ConditionKey, EmailAddress};
use rustix::process::Signal;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::process::{Environment, Process, keyring, until};
use crate::support::relay::Relay;
use crate::support::{SERIES, database};

/// Confirmed readers whose first part is due; answers its deliveries.
async fn owe_first_part(db: &PgPool, readers: usize) -> BTreeSet<Uuid> {
    let mut random = StdRng::seed_from_u64(11);
    let condition = ConditionKey::parse("lung").unwrap();
    let now: DateTime<Utc> = regimen::store::server_time(db).await.unwrap();
    let mut due = BTreeSet::new();
    let mut tx = db.begin().await.unwrap();
    for number in 0..readers {
        let address = EmailAddress::parse(&format!("reader{number}@example.org")).unwrap();
        let [subscriber, enrollment, delivery] = [(); 3].map(|()| Uuid::from_u128(random.random()));
        sqlx::query(
            "with s as (insert into subscribers values ($1, $2, $3, $3, $6)),
                 e as (insert into enrollments (bucket, id, subscriber, series, state, condition, zone, created_at, requested_at)
                       values ($1, $4, $2, $7, 'active', $8, 'UTC', $6, $6))
             insert into deliveries (bucket, id, subscriber, enrollment, series, kind, step, due_at, created_at)
             values ($1, $5, $2, $4, $7, 'step', 'what-is-immunotherapy', $6, $6)",
        )
        .bind(address.bucket().get())
        .bind(subscriber)
        .bind(address.normalised())
        .bind(enrollment)
        .bind(delivery)
        .bind(now)
        .bind(SERIES)
        .bind(keyring().seal(&condition, subscriber, random.random()))
        .execute(&mut *tx)
        .await
        .unwrap();
        due.insert(delivery);
    }
    tx.commit().await.unwrap();
    due
}

async fn count(db: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

/// The delivery that a mail is of, which its Message-ID says.
fn delivery_of(mail: &Received) -> Uuid {
    let text = String::from_utf8_lossy(&mail.data);
    let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with("message-id:")).expect("a Message-ID");
    line.split(['<', '@']).nth(1).expect("<delivery@domain>").parse().expect("a delivery's id")
}

/// What `regimen nodes` says.
async fn listed(environment: &Environment) -> Vec<Value> {
    let ended = Process::run(&["nodes", "--json"], environment).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    serde_json::from_str(&ended.out).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dispatcher_that_is_added_and_one_that_is_killed_under_load_lose_and_double_nothing() {
    const READERS: usize = 1_500;
    let (database_url, relay) = (database::fresh().await, Relay::start().await);
    let db = database::connect(&database_url);
    let due = owe_first_part(&db, READERS).await;
    // What a kill leaves unknown is held and not sent again, so that a double would be a fault of the nodes.
    let environment = Environment::production(&database_url, &relay.url())
        .with("REGIMEN__DISPATCH__LEASE", "5s")
        .with("REGIMEN__SCHEDULE__REAP", "* * * * * *")
        .with("REGIMEN__DISPATCH__ON_UNCERTAIN", "hold");
    let taken = || relay.taken().iter().map(delivery_of).collect::<Vec<_>>();
    let goes_on = async |by: usize| {
        let enough = relay.taken().len() + by;
        until("the send goes on", async || (relay.taken().len() >= enough).then_some(())).await;
    };
    let first = Process::start(&["dispatch"], &environment);
    goes_on(50).await;
    let second = Process::start(&["dispatch"], &environment);
    let both = "select count(distinct node) from attempts";
    until("the one that was added has its part", async || (count(&db, both).await == 2).then_some(())).await;
    let nodes = listed(&environment).await;
    assert_eq!(nodes.len(), 2);
    assert!(nodes.iter().all(|node| node["role"] == "dispatch" && node["alive"] == true), "{nodes:?}");

    first.kill();
    let left = "select count(*) from deliveries where step = 'what-is-immunotherapy' and state in ('pending', 'claimed', 'sending')";
    assert!(count(&db, left).await > 0, "it was killed after the end: the test shows nothing");
    until("the other sends what is left", async || (count(&db, left).await == 0).then_some(())).await;
    assert_eq!(second.stop(Signal::TERM).await.code, Some(0));
    // The one that ended in order has taken itself off the list; the one that was killed is still on it.
    let nodes = listed(&environment).await;
    assert_eq!(nodes.len(), 1, "{nodes:?}");
    assert_eq!((&nodes[0]["role"], &nodes[0]["holds"]), (&"dispatch".into(), &0.into()));

    let mut times: BTreeMap<Uuid, usize> = due.iter().map(|id| (*id, 0)).collect();
    for id in taken() {
        *times.get_mut(&id).expect("a mail that nobody was owed") += 1;
    }
    let which = |wanted: fn(usize) -> bool| times.iter().filter(move |(_, times)| wanted(**times)).map(|(id, _)| *id);
    assert_eq!(which(|times| times > 1).count(), 0, "nobody gets it twice");
    let held: Vec<Uuid> =
        sqlx::query_scalar("select id from deliveries where state = 'uncertain'").fetch_all(&db).await.unwrap();
    assert!(which(|times| times == 0).all(|id| held.contains(&id)), "a loss that nobody is told of");
    assert_eq!(
        count(&db, "select count(*) from deliveries where state = 'accepted'").await,
        i64::try_from(READERS - held.len()).unwrap()
    );
    let next = "select count(*) from deliveries where step <> 'what-is-immunotherapy' and state = 'pending'";
    assert_eq!(count(&db, next).await, i64::try_from(READERS).unwrap(), "each reader is owed the next part, once");
}
