//! Nodes come and go under load: one is added, one is killed, and nobody is left out or gets a part twice.
use std::collections::BTreeMap;

use rustix::process::Signal;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::database;
use crate::support::process::{Environment, Process, until};
use crate::support::readers::owe_first_part;
use crate::support::slow_relay::SlowRelay;

async fn count(db: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
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
    let (database_url, relay) = (database::fresh().await, SlowRelay::start().await);
    let db = database::connect(&database_url);
    let due = owe_first_part(&db, READERS).await;
    // What a kill leaves unknown is held and not sent again, so that a double would be a fault of the nodes.
    let environment = Environment::production(&database_url, &relay.url())
        .with("REGIMEN__DISPATCH__LEASE", "5s")
        .with("REGIMEN__SCHEDULE__REAP", "* * * * * *")
        .with("REGIMEN__DISPATCH__ON_UNCERTAIN", "hold");
    let goes_on = async |by: usize| {
        let enough = relay.count() + by;
        until("the send goes on", async || (relay.count() >= enough).then_some(())).await;
    };
    let first = Process::start(&["dispatch"], &environment);
    goes_on(50).await;
    // The relay waits until the one that is added has its share, and we have seen it.
    relay.shut();
    let second = Process::start(&["dispatch"], &environment);
    let holders = "select count(distinct node) from deliveries where lease_until is not null";
    until("the one that was added has its share", async || (count(&db, holders).await == 2).then_some(())).await;
    let nodes = listed(&environment).await;
    assert_eq!(nodes.len(), 2);
    for node in &nodes {
        assert_eq!((&node["role"], &node["alive"]), (&"dispatch".into(), &true.into()), "{node}");
        assert!(node["holds"].as_i64() > Some(0), "{node}");
    }
    relay.open();
    goes_on(50).await;

    relay.shut();
    first.kill();
    let left = "select count(*) from deliveries where step = 'what-is-immunotherapy' and state in ('pending', 'claimed', 'sending')";
    assert!(count(&db, left).await > 0, "it was killed after the end: the test shows nothing");
    relay.open();
    until("the other sends what is left", async || (count(&db, left).await == 0).then_some(())).await;
    assert_eq!(second.stop(Signal::TERM).await.code, Some(0));
    // The one that ended in order has taken itself off the list; the one that was killed is still on it.
    let nodes = listed(&environment).await;
    assert_eq!(nodes.len(), 1, "{nodes:?}");
    assert_eq!((&nodes[0]["role"], &nodes[0]["holds"]), (&"dispatch".into(), &0.into()));

    let mut times: BTreeMap<Uuid, usize> = due.iter().map(|id| (*id, 0)).collect();
    for id in relay.taken() {
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
