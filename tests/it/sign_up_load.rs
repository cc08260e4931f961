//! Very many sign up at once, and things go wrong meanwhile: whoever is told "check your inbox" has signed up, once.
use std::time::Duration;

use chrono::Utc;
use regimen::actions::sign_up::Limits;
use regimen::model::{Language, SeriesSlug, Zone};
use regimen::store::queue::Hands;
use regimen::store::sign_up::{NewSignUp, Written, is_written, write};
use regimen::web::{self, AppState};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::process::{PATIENCE, until};
use crate::support::{App, SERIES, Setup, address, database};

/// Somebody presses the button; the answer comes later.
fn press(app: &App, base: &str, email: &str) -> JoinHandle<Response> {
    let fields = [("series", SERIES), ("email", email), ("condition", "kidney"), ("timezone", "Asia/Tokyo")];
    let request = app.http.post(format!("{base}/subscribe")).form(&fields);
    tokio::spawn(async move { request.send().await.unwrap() })
}

async fn statuses(presses: Vec<JoinHandle<Response>>) -> Vec<StatusCode> {
    let answers = futures::future::join_all(presses).await;
    answers.into_iter().map(|answer| answer.unwrap().status()).collect()
}

async fn run(db: &PgPool, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(db).await.unwrap();
}

/// Stops every sign-up in the middle of its statement, and nothing that is sent.
async fn hold_sign_ups(app: &App) -> PgConnection {
    let mut holder = PgConnection::connect(&app.database_url).await.unwrap();
    sqlx::raw_sql("begin; lock table consents in access exclusive mode").execute(&mut holder).await.unwrap();
    holder
}

async fn let_go(mut holder: PgConnection) {
    sqlx::raw_sql("commit").execute(&mut holder).await.unwrap();
    holder.close().await.unwrap();
}

/// Waits until so many statements are stopped and so many sign-ups wait behind them.
async fn stopped_and_waiting(app: &App, stopped: i64, waiting: usize) {
    let mut seen = (0, 0);
    until("the sign-ups are where the story needs them", async || {
        let locked =
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        seen = (app.count(locked).await, app.service.sign_ups().waiting());
        (seen == (stopped, waiting)).then_some(())
    })
    .await;
}

async fn each_has_signed_up_once(app: &App, readers: i64) {
    for (what, sql) in [
        ("subscribers", "select count(*) from subscribers"),
        ("pending enrollments", "select count(*) from enrollments where state = 'pending' and request = 1"),
        ("consents", "select count(*) from consents where action = 'sign-up' and channel = 'form'"),
        (
            "confirmations of their own",
            "select count(distinct d.enrollment) from deliveries d join enrollments e on e.bucket = d.bucket
               and e.id = d.enrollment and e.subscriber = d.subscriber
             where d.kind = 'confirmation' and d.occasion = 1 and d.priority = 0 and d.state = 'pending'",
        ),
        ("deliveries", "select count(*) from deliveries"),
    ] {
        assert_eq!(app.count(sql).await, readers, "{what}");
    }
}

fn one_writer() -> Setup {
    Setup { sign_ups: Limits { connections: 2, longest_wait: PATIENCE, ..Limits::default() }, ..Setup::default() }
}

#[tokio::test]
async fn two_hundred_at_once_are_all_there_with_one_confirmation_each() {
    let app = App::start().await;
    let presses = (0..200).map(|number| press(&app, &app.base, &format!("reader-{number}@example.org"))).collect();
    assert!(statuses(presses).await.iter().all(|status| *status == StatusCode::OK));
    each_has_signed_up_once(&app, 200).await;
    assert!(app.count("select count(distinct bucket) from subscribers").await > 50);
    let commits = app.count("select count(distinct xmin::text) from subscribers").await;
    assert!(commits < 200, "none shared a commit with another");
    app.dispatch_all_due().await;
    assert_eq!(app.relay.taken().len(), 200);
    app.confirm("reader-7@example.org").await;
    app.dispatch_all_due().await;
    assert!(app.relay.last_to("reader-7@example.org").text.to_lowercase().contains("kidney"), "the seal opens");
}

#[tokio::test]
async fn fifty_at_once_of_one_address_make_one_enrollment_and_the_days_confirmations() {
    let app = App::start().await;
    let presses = (0..50).map(|_| press(&app, &app.base, "reader@example.org")).collect();
    assert!(statuses(presses).await.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(app.count("select count(*) from subscribers").await, 1);
    assert_eq!(app.count("select request::bigint from enrollments").await, 3, "the newest link is the third");
    assert_eq!(app.count("select count(*) from consents").await, 3);
    assert_eq!(app.count("select count(*) from deliveries where state = 'skipped' and reason = 'superseded'").await, 2);
    assert_eq!(app.count("select count(*) from deliveries where state = 'pending' and occasion = 3").await, 1);
    assert_eq!(app.count("select count(*) from deliveries").await, 3);
}

#[tokio::test]
async fn a_row_that_the_database_refuses_fails_alone() {
    let app = App::start_with(one_writer()).await;
    run(
        app.db(),
        "create function refuse() returns trigger language plpgsql as
         $$ begin raise exception 'the test refuses this row'; end $$;
         create trigger refuse before insert on subscribers for each row
         when (new.normalised = 'refused@example.org') execute function refuse()",
    )
    .await;
    let holder = hold_sign_ups(&app).await;
    let mut presses = vec![press(&app, &app.base, "first@example.org")];
    stopped_and_waiting(&app, 1, 0).await;
    presses.extend((0..12).map(|number| press(&app, &app.base, &format!("reader-{number}@example.org"))));
    let refused = press(&app, &app.base, "refused@example.org");
    stopped_and_waiting(&app, 1, 13).await;
    let_go(holder).await;
    assert_eq!(refused.await.unwrap().status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(statuses(presses).await.iter().all(|status| *status == StatusCode::OK));
    each_has_signed_up_once(&app, 13).await;
    run(app.db(), "drop trigger refuse on subscribers").await;
    app.sign_up("refused@example.org").await;
    each_has_signed_up_once(&app, 14).await;
}

#[tokio::test]
async fn who_finds_no_place_is_told_to_come_back_and_neither_the_accepted_nor_what_is_sent_suffer() {
    let sign_ups = Limits { connections: 2, most_waiting: 6, longest_wait: PATIENCE, ..Limits::default() };
    let app = App::start_with(Setup { sign_ups, ..Setup::default() }).await;
    app.sign_up("earlier@example.org").await;
    let holder = hold_sign_ups(&app).await;
    // The first alone, or the writer might take two of them together.
    let mut accepted = vec![press(&app, &app.base, "reader-0@example.org")];
    stopped_and_waiting(&app, 1, 0).await;
    accepted.extend((1..6).map(|number| press(&app, &app.base, &format!("reader-{number}@example.org"))));
    stopped_and_waiting(&app, 1, 5).await;

    let page = app.sign_up_as("late@example.org", "kidney", "Asia/Tokyo").await;
    assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.headers()["retry-after"], "5");
    let html = page.text().await.unwrap();
    for kept in ["value=\"late@example.org\"", "value=\"kidney\" selected", "value=\"Asia/Tokyo\""] {
        assert!(html.contains(kept), "{kept} was typed and is lost");
    }
    assert!(html.contains("not signed up yet") && html.contains("try again in a few seconds"));
    let body = json!({ "email": "late@example.org", "condition": "kidney" });
    let problem = app.http.post(format!("{}/subscribe", app.base)).json(&body).send().await.unwrap();
    assert_eq!(
        (problem.status(), &problem.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"5".parse().unwrap())
    );
    assert_eq!(problem.headers()["content-type"], "application/problem+json");
    assert!(problem.json::<Value>().await.unwrap()["detail"].as_str().unwrap().contains("try again"));

    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("earlier@example.org").len(), 1, "what is owed is sent meanwhile");

    let_go(holder).await;
    assert!(statuses(accepted).await.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(app.count("select count(*) from subscribers where address like 'reader-%'").await, 6);
    assert_eq!(app.count("select count(*) from subscribers where address like 'late%'").await, 0);
    app.sign_up("late@example.org").await;
}

#[tokio::test]
async fn who_would_wait_too_long_is_told_so_and_is_not_signed_up_behind_their_back() {
    let sign_ups = Limits { connections: 2, longest_wait: Duration::from_millis(50), ..Limits::default() };
    let app = App::start_with(Setup { sign_ups, ..Setup::default() }).await;
    let holder = hold_sign_ups(&app).await;
    let first = press(&app, &app.base, "first@example.org");
    stopped_and_waiting(&app, 1, 0).await;
    let second = app.sign_up_as("second@example.org", "lung", "UTC").await;
    assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
    let_go(holder).await;
    assert_eq!(first.await.unwrap().status(), StatusCode::OK, "what is being written is waited for");
    each_has_signed_up_once(&app, 1).await;
}

/// The backend that stands at the gate, once one other than `not` does.
async fn at_the_gate(app: &App, not: i32) -> i32 {
    until("a statement is at the gate", async || {
        let waiting = "select pid from pg_stat_activity where datname = current_database() and wait_event = 'advisory'";
        let pid: Option<i32> = sqlx::query_scalar(waiting).fetch_optional(app.db()).await.unwrap();
        pid.filter(|pid| *pid != not)
    })
    .await
}

#[tokio::test]
async fn a_connection_that_is_killed_in_the_middle_of_a_batch_leaves_no_half_sign_up_and_nobody_is_lost() {
    let app = App::start_with(one_writer()).await;
    run(
        app.db(),
        "create function wait_at_the_gate() returns trigger language plpgsql as
         $$ begin perform pg_advisory_xact_lock(7); return new; end $$;
         create trigger gate before insert on subscribers for each row
         when (new.normalised = 'gate@example.org') execute function wait_at_the_gate()",
    )
    .await;
    let mut gate = PgConnection::connect(&app.database_url).await.unwrap();
    sqlx::raw_sql("select pg_advisory_lock(7)").execute(&mut gate).await.unwrap();
    let holder = hold_sign_ups(&app).await;
    let mut presses = vec![press(&app, &app.base, "first@example.org")];
    stopped_and_waiting(&app, 1, 0).await;
    presses.extend((0..9).map(|number| press(&app, &app.base, &format!("reader-{number}@example.org"))));
    let unlucky = press(&app, &app.base, "gate@example.org");
    stopped_and_waiting(&app, 1, 10).await;
    let_go(holder).await;

    let whole_batch = at_the_gate(&app, 0).await;
    assert_eq!(app.count("select count(*) from subscribers").await, 1, "the batch is not committed");
    run(app.db(), &format!("select pg_terminate_backend({whole_batch})")).await;
    let alone = at_the_gate(&app, whole_batch).await;
    run(app.db(), &format!("select pg_terminate_backend({alone})")).await;
    assert_eq!(unlucky.await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE, "killed twice: it is told so");
    assert!(statuses(presses).await.iter().all(|status| *status == StatusCode::OK), "the others were tried again");
    each_has_signed_up_once(&app, 10).await;

    gate.close().await.unwrap();
    app.sign_up("gate@example.org").await;
    each_has_signed_up_once(&app, 11).await;
}

#[tokio::test]
async fn without_a_database_the_answer_is_to_come_back_and_nothing_is_written() {
    let app = App::start_with(Setup::default()).await;
    app.sign_up("before@example.org").await;
    let url = url::Url::parse(&app.database_url).unwrap();
    let name = url.path().trim_start_matches('/').to_owned();
    let mut elsewhere = url.clone();
    elsewhere.set_path("postgres");
    let server = database::connect(elsewhere.as_str());
    run(&server, &format!("alter database {name} with allow_connections false")).await;
    let kill = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
    run(&server, &kill).await;
    for _ in 0..2 {
        let page = app.sign_up_as("meanwhile@example.org", "kidney", "UTC").await;
        assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(page.headers().contains_key("retry-after"));
        let html = page.text().await.unwrap();
        assert!(html.contains("value=\"meanwhile@example.org\"") && html.contains("not signed up yet"), "{html}");
    }
    run(&server, &format!("alter database {name} with allow_connections true")).await;
    each_has_signed_up_once(&app, 1).await;
    app.sign_up("meanwhile@example.org").await;
    each_has_signed_up_once(&app, 2).await;
}

#[tokio::test]
async fn a_stop_waits_for_what_was_taken_in_also_from_a_client_that_has_gone() {
    let app = App::start_with(one_writer()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let served = tokio::spawn(web::serve(listener, AppState::new(app.service.clone(), None, true), stop.clone()));
    let holder = hold_sign_ups(&app).await;
    let mut presses = vec![press(&app, &base, "first@example.org")];
    stopped_and_waiting(&app, 1, 0).await;
    let gone = press(&app, &base, "gone@example.org");
    stopped_and_waiting(&app, 1, 1).await;
    presses.extend((0..4).map(|number| press(&app, &base, &format!("reader-{number}@example.org"))));
    stopped_and_waiting(&app, 1, 5).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    stop.cancel();
    let_go(holder).await;
    assert!(statuses(presses).await.iter().all(|status| *status == StatusCode::OK));
    served.await.unwrap().unwrap();
    each_has_signed_up_once(&app, 6).await;
}

fn new_sign_up(email: &str, number: u128) -> NewSignUp {
    let address = address(email);
    NewSignUp {
        bucket: address.bucket(),
        address,
        subscriber: Uuid::from_u128(number),
        enrollment: Uuid::from_u128(number),
        consent: Uuid::from_u128(number),
        delivery: Uuid::from_u128(number),
        series: SeriesSlug::parse(SERIES).unwrap(),
        condition: vec![1; 90],
        zone: Zone::parse("UTC").unwrap(),
        privacy_version: "1".into(),
        terms_version: "1".into(),
        channel: "form",
        language: Language::English,
    }
}

#[tokio::test]
async fn the_statement_answers_for_each_row_and_tells_a_lost_answer_from_a_known_address() {
    let db = database::connect(&database::fresh().await);
    run(&db, "insert into suppressions select 40, 'b@example.com', 'admin', 'a test', 'an editor', '2026-03-01'").await;
    let at: chrono::DateTime<Utc> = "2026-03-02T17:00:00Z".parse().unwrap();
    let hands = Hands { real: at, series: at };
    let mut db = db.acquire().await.unwrap();
    let (a, b) = (new_sign_up("a@example.com", 1), new_sign_up("b@example.com", 2));
    let again = new_sign_up("A@example.com", 3);
    let mut rows = vec![&a, &b, &again];
    rows.sort_by(|one, other| one.order().cmp(&other.order()));
    assert_eq!(write(&mut db, &rows, hands).await.unwrap(), [Written::New, Written::Known, Written::Suppressed]);
    assert_eq!(write(&mut db, &rows, hands).await.unwrap(), [Written::Known, Written::Known, Written::Suppressed]);
    assert_eq!(write(&mut db, &[&a], hands).await.unwrap(), [Written::Known], "a second try writes nothing");
    assert!(is_written(&mut *db, &a).await.unwrap(), "and can tell that the first was written");
    assert!(!is_written(&mut *db, &again).await.unwrap() && !is_written(&mut *db, &b).await.unwrap());
    assert_eq!(write(&mut db, &[&b], hands).await.unwrap(), [Written::Suppressed]);
    assert_eq!(all_rows_without_ids(&mut db).await.len(), 4, "a row in each of four tables");
}

/// What there is of sign-ups, whoever it is of.
async fn all_rows_without_ids(db: &mut PgConnection) -> Vec<(String, Value)> {
    sqlx::query_as(
        "select 'subscribers', to_jsonb(s) - array['bucket', 'id', 'address', 'normalised'] from subscribers s
         union all select 'enrollments', to_jsonb(e) - array['bucket', 'id', 'subscriber'] from enrollments e
         union all select 'consents', to_jsonb(c) - array['bucket', 'id', 'subscriber', 'enrollment'] from consents c
         union all select 'deliveries', to_jsonb(d) - array['bucket', 'id', 'subscriber', 'enrollment'] from deliveries d
         order by 1",
    )
    .fetch_all(db)
    .await
    .unwrap()
}

#[tokio::test]
async fn one_alone_and_many_together_write_the_same() {
    let at: chrono::DateTime<Utc> = "2026-03-02T17:00:00Z".parse().unwrap();
    let hands = Hands { real: at, series: at + chrono::TimeDelta::days(1) };
    let (alone, one) = (new_sign_up("a@example.com", 1), new_sign_up("a@example.com", 2));
    let other = new_sign_up("reader@example.org", 3);
    let db = database::connect(&database::fresh().await);
    let mut db = db.acquire().await.unwrap();
    assert_eq!(write(&mut db, &[&alone], hands).await.unwrap(), [Written::New]);
    let by_one = all_rows_without_ids(&mut db).await;
    sqlx::raw_sql("delete from subscribers").execute(&mut *db).await.unwrap();
    assert_eq!(write(&mut db, &[&one, &other], hands).await.unwrap(), [Written::New, Written::New]);
    let together = all_rows_without_ids(&mut db).await;
    assert_eq!(by_one.len(), 4);
    assert_eq!(together, by_one.into_iter().flat_map(|row| [row.clone(), row]).collect::<Vec<_>>());
}

#[test]
fn every_table_of_the_statement_for_many_is_written_and_joined_by_its_rows_bucket() {
    let sql = include_str!("../../src/store/sql/sign_ups.sql");
    let sql: String = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join(" ");
    let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let written: Vec<&str> = sql.split("insert into ").skip(1).collect();
    assert_eq!(written.len(), 4);
    for one in &written {
        let (table, columns) = one.split_once(' ').unwrap();
        assert!(columns.starts_with("(bucket, "), "{table} is written without its bucket");
        let values = columns.split_once("select ").unwrap().1;
        assert!(values.starts_with("a.bucket, ") || values.starts_with("f.bucket, "), "{table}: {values}");
    }
    let joined: Vec<&str> = sql.split(" join ").skip(1).collect();
    assert!(joined.len() >= 6);
    for one in joined {
        let condition = one.split_once(" on ").unwrap().1;
        assert!(condition.split(' ').next().unwrap().ends_with(".bucket"), "joined without its bucket: {one}");
    }
    assert!(sql.contains("on conflict (bucket, normalised)"));
}
