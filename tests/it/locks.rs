//! Statements that lock the same deliveries at the same time: the heartbeat, the markers and the settler of one process.
use std::time::Duration;

use chrono::TimeDelta;
use regimen::actions::tidy::{OnUncertain, settle_uncertain};
use regimen::model::SeriesSlug;
use regimen::store::hot_pool;
use regimen::store::queue::{self, Claimed, Fence, Head};
use uuid::Uuid;

use crate::support::process::until;
use crate::support::{App, SERIES, address, neighbours};

/// Three claimed confirmations of one bucket, the greatest identity first.
async fn claimed(app: &App) -> Vec<Claimed> {
    let bucket = address("reader@example.org").bucket();
    let head = Head { bucket, series: SeriesSlug::parse(SERIES).unwrap(), priority: 0 };
    let hands = app.service.hands();
    let until = hands.real + TimeDelta::seconds(30);
    let mut claimed = queue::claim(app.db(), &head, hands, until, app.node(), 10).await.unwrap();
    assert_eq!(claimed.len(), 3);
    claimed.sort_by_key(|one| std::cmp::Reverse(one.id));
    claimed
}

/// Holds the delivery with the smallest identity while `statement` runs, and looks which others it has locked by then.
async fn locks_nothing_before_the_first<T>(app: &App, first: Uuid, statement: impl Future<Output = T>) -> T {
    let mut other = app.db().begin().await.unwrap();
    let hold = sqlx::query("select from deliveries where id = $1 for update").bind(first);
    hold.execute(&mut *other).await.unwrap();
    let look = async {
        until("the statement waits for the first", async || {
            let waiting = "select count(*) from pg_stat_activity where datname = current_database()
                and wait_event_type = 'Lock' and query like '%update deliveries d%'";
            (app.count(waiting).await == 1).then_some(())
        })
        .await;
        let free = "select count(*) from (select from deliveries for update skip locked) as free";
        assert_eq!(app.count(free).await, 2, "whoever waits for the first holds no other");
        other.rollback().await.unwrap();
    };
    tokio::join!(statement, look).0
}

#[tokio::test]
async fn statements_that_lock_several_deliveries_lock_them_in_one_order() {
    let app = App::start().await;
    for reader in neighbours(3) {
        app.sign_up(&reader).await;
    }
    let hot = hot_pool(app.db());
    let (bucket, real) = (address("reader@example.org").bucket(), app.service.clock().real());
    let fences = |claimed: &[Claimed]| claimed.iter().map(Claimed::fence).collect::<Vec<Fence>>();

    let batch = claimed(&app).await;
    let first = batch[2].id;
    let held = fences(&batch);
    let renewed = queue::renew(&hot, bucket, &held, real + TimeDelta::minutes(1));
    assert_eq!(locks_nothing_before_the_first(&app, first, renewed).await.unwrap().len(), 3);
    let back: Vec<_> = held.into_iter().map(|fence| (fence, None)).collect();
    let released = queue::release(&hot, bucket, &back);
    assert_eq!(locks_nothing_before_the_first(&app, first, released).await.unwrap(), 3);

    let batch = claimed(&app).await;
    let marked = batch.iter().collect::<Vec<_>>();
    let marked = queue::mark_sending(&hot, bucket, &marked, real + TimeDelta::minutes(1));
    assert_eq!(locks_nothing_before_the_first(&app, first, marked).await.unwrap().len(), 3);
    let fences = fences(&batch);
    let settled = settle_uncertain(&app.service, bucket, &fences, OnUncertain::Hold, real, app.node(), "a test");
    assert_eq!(locks_nothing_before_the_first(&app, first, settled).await.unwrap(), 3);
}

#[tokio::test]
async fn a_mark_that_postgres_undoes_for_another_statement_is_made_again_at_once() {
    let app = App::start().await;
    app.sign_up("reader@example.org").await;
    sqlx::raw_sql(
        "create sequence marks;
         create function deadlock() returns trigger language plpgsql as $$ begin
             if nextval('marks') = 1 then raise 'deadlock detected' using errcode = '40P01'; end if;
             return new;
         end $$;
         create trigger deadlock before update on deliveries for each row when (new.state = 'sending')
             execute function deadlock()",
    )
    .execute(app.db())
    .await
    .unwrap();
    tokio::time::timeout(Duration::from_secs(30), app.dispatch_all_due()).await.unwrap();
    assert_eq!(app.mails_to("reader@example.org").len(), 1);
    assert_eq!(app.count("select last_value from marks").await, 2, "the first was undone");
    assert_eq!(app.count("select count(*) from deliveries where state = 'accepted' and attempt = 1").await, 1);
}
