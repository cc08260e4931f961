//! Old history is pruned, and nobody can tell from the books, nor from what a reader gets.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use regimen::actions::retention::{self, Pruned};
use regimen::local::smtp::Verdict;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::support::process::until;
use crate::support::relay::At;
use crate::support::{App, SERIES, days, hours, minutes, why};

async fn prune(app: &App) -> Pruned {
    retention::prune(&app.service, || true).await.unwrap()
}

/// The books as an admin sees them.
async fn books(app: &App) -> Value {
    app.api_get(&format!("/series/{SERIES}")).await["lines"].clone()
}

/// All that the books count.
async fn counted(app: &App) -> i64 {
    app.count("select (select count(*) from deliveries) + (select coalesce(sum(count), 0)::bigint from step_totals)")
        .await
}

async fn leave(app: &App, email: &str) {
    let link = app.relay.last_to(email).link("unsubscribe");
    assert_eq!(app.post(&link).await.status(), StatusCode::OK);
}

async fn pause(app: &App, email: &str) {
    let mut body = why();
    (body["series"], body["address"]) = (json!(SERIES), json!(email));
    assert_eq!(app.api_post("/subscribers/pause", body).await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_books_are_the_same_and_nothing_of_an_open_enrollment_goes() {
    let app = App::start().await;
    for reader in ["done", "left", "never", "open"] {
        app.enroll(&format!("{reader}@example.org")).await;
    }
    app.live_through(days(4)).await;
    leave(&app, "left@example.org").await;
    let mut body = why();
    body["address"] = json!("never@example.org");
    assert_eq!(app.api_post("/subscribers/suppress", body).await.0, StatusCode::OK);
    // The open one waits with a part that was tried once.
    app.relay.always(At::Rcpt, "open", Verdict::Reply(450, "4.2.1 later".into()));
    pause(&app, "done@example.org").await;
    app.live_through(days(3)).await;
    pause(&app, "open@example.org").await;
    app.relay.accept_all();
    let mut body = why();
    (body["series"], body["address"]) = (json!(SERIES), json!("done@example.org"));
    assert_eq!(app.api_post("/subscribers/resume", body).await.0, StatusCode::OK);
    app.live_through(days(40)).await;
    let open = "select count(*) from deliveries d join enrollments e on e.bucket = d.bucket and e.id = d.enrollment
                where e.state = 'paused'";
    let attempts_of_open =
        "select count(*) from attempts a join deliveries d on d.bucket = a.bucket and d.id = a.delivery
                            where d.state = 'paused'";
    let (kept, before) = (app.count(open).await, books(&app).await);
    assert_eq!(prune(&app).await, Pruned::default(), "nothing is old yet");

    app.advance(days(181));
    let now = books(&app).await;
    let attempts = app.count("select count(*) from attempts").await;
    let tried = app.count(attempts_of_open).await;
    assert!(tried > 0, "what waits was tried once");
    let pruned = prune(&app).await;
    assert!(pruned.attempts > 0 && pruned.deliveries == 0, "{pruned:?}");
    assert_eq!(app.count("select count(*) from attempts").await, attempts - i64::try_from(pruned.attempts).unwrap());
    assert_eq!(app.count("select count(*) from attempts").await, tried, "only what is owed keeps its attempts");
    assert_eq!(books(&app).await, now);

    app.advance(days(220));
    let (now, all) = (books(&app).await, counted(&app).await);
    let pruned = prune(&app).await;
    assert_eq!(pruned.enrollments, 3, "{pruned:?}");
    assert_eq!(books(&app).await, now, "the books close, line by line");
    assert_eq!(before.as_array().unwrap().len(), now.as_array().unwrap().len());
    assert_eq!(counted(&app).await, all);
    assert_eq!(app.count(open).await, kept);
    assert_eq!(app.count("select count(*) from deliveries").await, kept, "only the open one's are left");
    assert_eq!(app.count("select count(*) from subscribers").await, 4);
    assert_eq!(app.count("select count(*) from consents where action = 'confirm'").await, 4);
    assert_eq!(prune(&app).await, Pruned::default(), "once");
}

#[tokio::test]
async fn a_reader_who_comes_back_after_the_prune_goes_on_or_starts_again() {
    let app = App::start().await;
    for reader in ["done", "left"] {
        app.enroll(&format!("{reader}@example.org")).await;
    }
    app.live_through(days(4)).await;
    leave(&app, "left@example.org").await;
    app.live_through(days(30)).await;
    let (done, left) = (app.subjects("done@example.org"), app.subjects("left@example.org"));
    assert_eq!((done.len(), left.len()), (7, 3), "a confirmation and parts");
    app.advance(days(400));
    assert_eq!(prune(&app).await.enrollments, 2);
    // Old links still say what they said.
    let link = app.relay.last_to("left@example.org").link("unsubscribe");
    assert_eq!(app.get(&link).await.status(), StatusCode::OK);

    for reader in ["done@example.org", "left@example.org"] {
        app.enroll(reader).await;
    }
    app.live_through(days(40)).await;
    let done_again = app.subjects("done@example.org").split_off(done.len());
    assert_eq!(done_again[1..], done[1..], "who had all begins anew");
    let left_again = app.subjects("left@example.org").split_off(left.len());
    assert_eq!(left_again[1..], done[3..], "who left goes on with the third part");
    // What they got since is young, and stays until it is old, too.
    assert_eq!(prune(&app).await.enrollments, 0);
    app.advance(days(401));
    assert_eq!(prune(&app).await.enrollments, 2);
}

#[tokio::test]
async fn a_copy_that_was_sent_lately_keeps_all_of_its_enrollment() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let mut body = why();
    (body["series"], body["within"]) = (json!(SERIES), json!("4d"));
    assert_eq!(app.api_post("/send/due", body).await.0, StatusCode::OK);
    app.live_through(days(40)).await;
    app.advance(days(390));
    let copy = "insert into deliveries (bucket, id, subscriber, enrollment, series, kind, step, occasion, state, due_at,
            not_before, run, created_at, settled_at, series_settled_at)
        select bucket, gen_random_uuid(), subscriber, id, series, 'correction', 'antibodies', 1, 'accepted', $1, $1, 1, $1, $1, $1
        from enrollments";
    sqlx::query(copy).bind(app.service.clock().real()).execute(app.db()).await.unwrap();
    app.advance(days(30));
    assert_eq!(prune(&app).await.enrollments, 0, "a run that is repeated would send it again");
    let runs = app.api_get("/runs").await;
    assert_eq!(runs["items"][0]["accepted"], 2);
    app.advance(days(371));
    assert_eq!(prune(&app).await.enrollments, 1);
    assert_eq!(app.api_get("/runs").await, runs, "a run's progress says what it said");
}

#[tokio::test]
async fn what_is_not_due_yet_in_series_time_waits() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    leave(&app, "reader@example.org").await;
    app.service.clock().advance_real(days(401));
    assert_eq!(prune(&app).await.enrollments, 0, "the books tell what is due from what comes later");
    app.service.clock().advance_series(days(5));
    assert_eq!(prune(&app).await.enrollments, 1);
}

/// Readers who completed the series at `at`, each with seven deliveries and as many attempts.
async fn add_ended(app: &App, bucket: i16, readers: i32, at: DateTime<Utc>) {
    let sql = "with reader as (
            select gen_random_uuid() as subscriber, gen_random_uuid() as enrollment from generate_series(1, $2)
        ), s as (
            insert into subscribers select $1, subscriber, subscriber || '@example.org', subscriber || '@example.org', $3 from reader
        ), e as (
            insert into enrollments (bucket, id, subscriber, series, state, condition, zone, created_at, requested_at, ended_at)
            select $1, enrollment, subscriber, $4, 'completed', '\\x00', 'UTC', $3, $3, $3 from reader
        ), d as (
            insert into deliveries (bucket, id, subscriber, enrollment, series, kind, step, state, due_at, not_before, attempt,
                created_at, settled_at, series_settled_at)
            select $1, gen_random_uuid(), subscriber, enrollment, $4, 'step', 'part-' || n, 'accepted', $3, $3, 1, $3, $3, $3
            from reader, generate_series(1, 7) n returning id
        )
        insert into attempts select $1, id, 1, id, 'accepted', 250, 'ok', $3 from d";
    sqlx::query(sql).bind(bucket).bind(readers).bind(at).bind(SERIES).execute(app.db()).await.unwrap();
}

#[tokio::test]
async fn the_books_close_before_during_and_after_also_when_it_is_stopped_between_two_batches() {
    let app = Arc::new(App::start().await);
    let long_ago = app.service.clock().real() - days(401);
    for (bucket, readers) in [(0, 30), (5, 250), (63, 30)] {
        add_ended(&app, bucket, readers, long_ago).await;
    }
    add_ended(&app, 5, 20, long_ago + days(2)).await;
    let before = books(&app).await;
    let over = Arc::new(AtomicBool::new(false));
    let watcher = tokio::spawn({
        let (app, over, before) = (app.clone(), over.clone(), before.clone());
        async move {
            let mut looks = 0;
            while !over.load(Ordering::Relaxed) {
                assert_eq!(books(&app).await, before);
                looks += 1;
            }
            looks
        }
    });
    // In bucket 0 one batch and an empty look at attempts and at messages, the same for four empty ones, then two of bucket 5.
    let left = AtomicUsize::new(3 * 5 + 2);
    let go_on = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
    let first = retention::prune(&app.service, go_on).await.unwrap();
    assert_eq!(first.enrollments, 230, "it stopped in the middle of a bucket");
    let orphans = "select count(*) from attempts a
                   where not exists (select from deliveries d where d.bucket = a.bucket and d.id = a.delivery)";
    assert_eq!(app.count(orphans).await, 0, "attempts go with their deliveries");
    assert_eq!(books(&app).await, before);
    let rest = prune(&app).await;
    assert_eq!((rest.enrollments, rest.deliveries), (80, 80 * 7));
    over.store(true, Ordering::Relaxed);
    assert!(watcher.await.unwrap() > 0);
    assert_eq!(books(&app).await, before);
    assert_eq!(app.count("select count(*) from deliveries").await, 20 * 7, "the younger ones are kept");
}

#[tokio::test]
async fn a_batch_that_dies_half_way_leaves_the_old_truth() {
    let app = App::start().await;
    add_ended(&app, 7, 50, app.service.clock().real() - days(401)).await;
    let before = books(&app).await;
    // Somebody holds a total's row, so that the batch stops after it has deleted and before it has added.
    let mut holder = PgConnection::connect(&app.database_url).await.unwrap();
    let mut tx = holder.begin().await.unwrap();
    let total = "insert into step_totals values (7, $1, 'step', 'part-3', 'accepted', '', false, 0)";
    sqlx::query(total).bind(SERIES).execute(&mut *tx).await.unwrap();
    let pruning = tokio::spawn({
        let service = app.service.clone();
        async move { retention::prune(&service, || true).await }
    });
    let killed = until("the batch waits", async || {
        let kill = "select pg_terminate_backend(pid) from pg_stat_activity
                    where datname = current_database() and wait_event_type = 'Lock' and query like '%step_totals%'";
        sqlx::query_scalar::<_, bool>(kill).fetch_optional(app.db()).await.unwrap()
    })
    .await;
    assert!(killed);
    pruning.await.unwrap().unwrap_err();
    tx.rollback().await.unwrap();
    assert_eq!(books(&app).await, before);
    assert_eq!(app.count("select count(*) from deliveries").await, 350);
    assert_eq!(app.count("select count(*) from step_totals").await, 0);
    assert_eq!(app.count("select count(*) from enrollments where pruned_at is not null").await, 0);
    assert_eq!(prune(&app).await.deliveries, 350);
    assert_eq!(books(&app).await, before);
}

#[tokio::test]
async fn several_processes_that_prune_at_once_share_the_work() {
    let app = App::start().await;
    let long_ago = app.service.clock().real() - days(401);
    for bucket in 0..8 {
        add_ended(&app, bucket, 150, long_ago).await;
    }
    let before = books(&app).await;
    let (one, two, three) = tokio::join!(prune(&app), prune(&app), prune(&app));
    // What one of them had locked the others passed over.
    let rest = prune(&app).await;
    assert_eq!(one.enrollments + two.enrollments + three.enrollments + rest.enrollments, 8 * 150);
    assert_eq!(one.deliveries + two.deliveries + three.deliveries + rest.deliveries, 8 * 150 * 7);
    assert_eq!(books(&app).await, before);
}

#[tokio::test]
async fn old_test_sends_go_and_nodes_that_died_are_forgotten() {
    let app = App::start().await;
    let mut body = why();
    (body["series"], body["step"]) = (json!(SERIES), json!("antibodies"));
    (body["condition"], body["to"]) = (json!("lung"), json!("editor@example.org"));
    assert_eq!(app.api_post("/send/test", body).await.0, StatusCode::OK);
    app.dispatch_all_due().await;
    app.advance(days(179));
    assert_eq!(prune(&app).await.test_sends, 0);
    app.advance(days(2));
    assert_eq!(prune(&app).await.test_sends, 1);
    assert_eq!(app.count("select count(*) from audit_log where action = 'test send'").await, 1, "who did it is kept");

    let node = |id: u128| uuid::Uuid::from_u128(id);
    let seen = async |id, at| {
        regimen::store::installation::node_seen(app.db(), node(id), "dispatch", at, None).await.unwrap();
    };
    let now = app.service.clock().real();
    seen(1, now - hours(25)).await;
    seen(2, now - minutes(2)).await;
    seen(3, now).await;
    let nodes = app.api_get("/health").await["nodes"].clone();
    let alive: Vec<bool> = nodes.as_array().unwrap().iter().map(|node| node["alive"].as_bool().unwrap()).collect();
    assert_eq!(alive, [false, false, true]);
    let ready: Value = app.get("/readyz").await.json().await.unwrap();
    assert_eq!((&ready["nodes"], &ready["dispatchers"]), (&json!(1), &json!(1)));
    regimen::actions::tidy::forget_unconfirmed(&app.service).await.unwrap();
    assert_eq!(app.count("select count(*) from nodes").await, 2, "long dead");
}
