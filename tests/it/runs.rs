//! Runs: counted before anything is sent, started once, paused, resumed, cancelled, and worked off through a crash.
use regimen::actions::runs::{self, NewDraft, RunView, work};
use regimen::actions::{ActionError, tidy};
use regimen::model::{ConditionKey, DeliveryState, EmailAddress, RunState, StepKey, What, Who};
use reqwest::StatusCode;
use serde_json::json;

use crate::support::admins::by;
use crate::support::{App, SERIES, address, days, why};

fn step(key: &str) -> StepKey {
    StepKey::parse(key).unwrap()
}

fn draft(who: Who, what: What) -> NewDraft {
    NewDraft {
        series: regimen::model::SeriesSlug::parse(SERIES).unwrap(),
        who,
        what,
        condition: None,
        addresses: Vec::new(),
    }
}

fn due_soon() -> NewDraft {
    draft(Who::due_within(days(4)), What::Next)
}

/// A run that is counted.
async fn prepared(app: &App, draft: &NewDraft) -> RunView {
    let run = runs::prepare(&app.service, draft, &by()).await.unwrap().id;
    work_off(app).await;
    runs::show(&app.service, run).await.unwrap()
}

/// A run that is counted and started; nothing of it is worked off yet.
async fn started(app: &App, draft: &NewDraft) -> RunView {
    let run = prepared(app, draft).await;
    runs::start(&app.service, run.id, run.readers, &by()).await.unwrap();
    runs::show(&app.service, run.id).await.unwrap()
}

/// What the ticker does.
async fn work_off(app: &App) {
    work::work(&app.service, || true).await.unwrap();
}

async fn show(app: &App, run: i64) -> RunView {
    runs::show(&app.service, run).await.unwrap()
}

async fn enrolled(app: &App, number: usize) -> Vec<String> {
    let readers: Vec<String> = (0..number).map(|number| format!("reader{number}@example.org")).collect();
    for reader in &readers {
        app.enroll(reader).await;
    }
    readers
}

fn refused<T: std::fmt::Debug>(result: Result<T, ActionError>) -> String {
    match result {
        Err(ActionError::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_run_says_whom_it_reaches_is_started_with_that_number_and_says_how_far_it_is() {
    let app = App::start().await;
    let readers = enrolled(&app, 4).await;
    let slug = regimen::model::SeriesSlug::parse(SERIES).unwrap();
    regimen::actions::readers::pause(&app.service, &address(&readers[3]), &slug, &by()).await.unwrap();
    let run = prepared(
        &app,
        &draft(Who::Filter { state: None, parts: Some(1), language: None, since: None, before: None }, What::Next),
    )
    .await;
    let found = run.dry_run.clone().unwrap();
    assert_eq!((run.state, run.readers, found.reached), (RunState::Draft, 3, 3));
    assert_eq!(found.left_out.get("not_active"), Some(&1));
    assert_eq!(found.by_domain.get("example.org"), Some(&3));
    assert_eq!(found.by_state.get("active"), Some(&3));
    app.dispatch_all_due().await;
    assert_eq!(app.relay.taken().len(), 8, "a draft sends nothing");

    assert!(refused(runs::start(&app.service, run.id, 4, &by()).await).contains("the number"));
    runs::start(&app.service, run.id, 3, &by()).await.unwrap();
    work_off(&app).await;
    assert_eq!(show(&app, run.id).await.counts.pending, 3);
    app.dispatch_all_due().await;
    work_off(&app).await;
    let run = show(&app, run.id).await;
    assert_eq!((run.state, run.accepted, run.placed), (RunState::Finished, 3, 3));
    assert_eq!(app.relay.taken().len(), 11);
    // The rest of the series follows, and nobody gets a part twice.
    app.live_through(days(60)).await;
    for reader in &readers[..3] {
        assert_eq!(app.mails_to(reader).len(), 7);
    }
    assert_eq!(show(&app, run.id).await.accepted, 3, "it says what it said at its end");
    let actions = app
        .count("select count(*) from audit_log where target_kind = 'run' and action in ('prepare run', 'start run')");
    assert_eq!(actions.await, 2);
}

#[tokio::test]
async fn of_two_who_press_at_once_one_starts_the_run_and_each_reader_gets_one_mail() {
    let app = App::start().await;
    enrolled(&app, 3).await;
    let run = prepared(&app, &due_soon()).await;
    let actor = by();
    let press = || runs::start(&app.service, run.id, 3, &actor);
    let (one, other) = tokio::join!(press(), press());
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
    // And two processes work on it at the same time.
    let service = &app.service;
    let (one, other) = tokio::join!(work::work(service, || true), work::work(service, || true));
    one.unwrap();
    other.unwrap();
    work_off(&app).await;
    app.dispatch_all_due().await;
    assert_eq!(app.relay.taken().len(), 9);
    assert_eq!(show(&app, run.id).await.placed, 3);
}

#[tokio::test]
async fn two_runs_that_send_the_same_step_do_not_double_it() {
    let app = App::start().await;
    enrolled(&app, 2).await;
    let again = || {
        let first = step("what-is-immunotherapy");
        draft(Who::Received { step: first.clone(), version: None }, What::Step { step: first, again: true })
    };
    let (one, other) = (prepared(&app, &again()).await, prepared(&app, &again()).await);
    runs::start(&app.service, one.id, 2, &by()).await.unwrap();
    assert!(refused(runs::start(&app.service, other.id, 2, &by()).await).contains("another run has sent the same"));
    app.advance(chrono::TimeDelta::seconds(1));
    let late = prepared(&app, &again()).await;
    work_off(&app).await;
    assert!(refused(runs::start(&app.service, late.id, late.readers, &by()).await).contains("not over"));
    app.dispatch_all_due().await;
    work_off(&app).await;
    assert_eq!(show(&app, one.id).await.state, RunState::Finished);
    assert_eq!(app.relay.taken().len(), 6, "a confirmation, the part, and the part again");
    app.live_through(days(60)).await;
    assert_eq!(app.relay.taken().len(), 16, "the series goes on as if nothing had been");
}

#[tokio::test]
async fn a_given_step_goes_to_those_who_missed_it_and_counts_as_received_then() {
    let app = App::start().await;
    let readers = enrolled(&app, 2).await;
    sqlx::query(
        "update deliveries d set state = 'rejected', reason = 'refused' from subscribers s
         where s.id = d.subscriber and s.normalised = $1 and d.step = 'what-is-immunotherapy'",
    )
    .bind(&readers[0])
    .execute(app.db())
    .await
    .unwrap();
    sqlx::query(
        "update enrollments e set done_steps = '{}' from subscribers s where s.id = e.subscriber and s.normalised = $1",
    )
    .bind(&readers[0])
    .execute(app.db())
    .await
    .unwrap();
    let first = step("what-is-immunotherapy");
    let missed = draft(Who::NotReceived { step: first.clone() }, What::Step { step: first, again: false });
    let run = started(&app, &missed).await;
    assert_eq!(run.readers, 1);
    work_off(&app).await;
    app.dispatch_all_due().await;
    assert_eq!((app.mails_to(&readers[0]).len(), app.mails_to(&readers[1]).len()), (3, 2));
    assert_eq!(app.count("select count(*) from enrollments where 'what-is-immunotherapy' = any(done_steps)").await, 2);
    let later = step("antibodies");
    let not_yet = draft(
        Who::NotReceived { step: later.clone() },
        What::Step { step: step("checkpoint-inhibitors"), again: false },
    );
    let found = prepared(&app, &not_yet).await.dry_run.unwrap();
    assert_eq!((found.reached, found.left_out.get("not_yet")), (0, Some(&2)), "the order of a series is kept");
}

#[tokio::test]
async fn a_paused_run_hands_nothing_to_a_relay_and_goes_on_when_it_is_resumed() {
    let app = App::start().await;
    enrolled(&app, 3).await;
    let run = started(&app, &due_soon()).await;
    work_off(&app).await;
    runs::pause(&app.service, run.id, &by()).await.unwrap();
    work_off(&app).await;
    app.dispatch_all_due().await;
    assert_eq!(app.relay.taken().len(), 6);
    let paused = show(&app, run.id).await;
    assert_eq!((paused.state, paused.counts.paused), (RunState::Paused, 3));
    assert_eq!(app.api_get("/health").await["overdue"], 0, "a pause is not silence");
    runs::resume(&app.service, run.id, &by()).await.unwrap();
    work_off(&app).await;
    app.dispatch_all_due().await;
    work_off(&app).await;
    assert_eq!(app.relay.taken().len(), 9);
    assert_eq!(show(&app, run.id).await.state, RunState::Finished);
    assert!(refused(runs::pause(&app.service, run.id, &by()).await).contains("finished"));
}

#[tokio::test]
async fn a_run_that_is_paused_half_way_is_written_to_the_end_after_it_is_resumed() {
    let app = App::start().await;
    enrolled(&app, 8).await;
    let run = started(&app, &due_soon()).await;
    while show(&app, run.id).await.placed < 3 {
        assert_eq!(work::step(&app.service, run.id).await.unwrap(), work::Step::Went);
    }
    runs::pause(&app.service, run.id, &by()).await.unwrap();
    work_off(&app).await;
    let placed = show(&app, run.id).await.placed;
    assert!((3..8).contains(&placed), "{placed}");
    runs::resume(&app.service, run.id, &by()).await.unwrap();
    work_off(&app).await;
    app.dispatch_all_due().await;
    work_off(&app).await;
    let run = show(&app, run.id).await;
    assert_eq!((run.state, run.placed, run.accepted), (RunState::Finished, 8, 8));
    assert_eq!(app.relay.taken().len(), 24);
}

#[tokio::test]
async fn a_cancelled_run_gives_scheduled_steps_their_own_time_back_and_skips_its_copies() {
    let app = App::start().await;
    let readers = enrolled(&app, 3).await;
    let due = "select (extract(epoch from min(due_at)))::bigint from deliveries where step = 'antibodies' and state = 'pending'";
    let before = app.count(due).await;
    let run = started(&app, &due_soon()).await;
    work_off(&app).await;
    assert!(app.count(due).await < before);
    runs::cancel(&app.service, run.id, &by()).await.unwrap();
    work_off(&app).await;
    assert_eq!(app.count(due).await, before);
    let cancelled = show(&app, run.id).await;
    assert_eq!((cancelled.state, cancelled.taken_back), (RunState::Cancelled, 3));
    assert!(cancelled.ended_at.is_some());

    let first = step("what-is-immunotherapy");
    let list = addresses(&readers[..2]);
    let again = NewDraft { addresses: list, ..draft(Who::List, What::Step { step: first, again: true }) };
    let run = started(&app, &again).await;
    work_off(&app).await;
    runs::cancel(&app.service, run.id, &by()).await.unwrap();
    work_off(&app).await;
    app.dispatch_all_due().await;
    assert_eq!(app.relay.taken().len(), 6);
    assert_eq!(show(&app, run.id).await.counts.skipped, 2);
    assert_eq!(app.count("select count(*) from deliveries where state = 'skipped' and reason = 'cancelled'").await, 2);
    assert_eq!(app.count("select count(*) from run_readers").await, 0, "the list is not kept");
    app.live_through(days(60)).await;
    assert_eq!(app.relay.taken().len(), 3 * 7);
}

fn addresses(readers: &[String]) -> Vec<EmailAddress> {
    readers.iter().map(|reader| address(reader)).collect()
}

/// What readers told of an illness is in no row that says whom a run was for, and never known of four or fewer.
#[tokio::test]
async fn a_run_for_one_condition_names_nobody_and_is_not_for_fewer_than_five() {
    let app = App::start().await;
    for (condition, readers) in [("melanoma", 5), ("breast", 4)] {
        for number in 0..readers {
            let reader = format!("{condition}{number}@example.org");
            app.sign_up_as(&reader, condition, "Europe/Berlin").await;
            app.dispatch_all_due().await;
            app.confirm(&reader).await;
        }
    }
    app.dispatch_all_due().await;
    let sent = app.relay.taken().len();
    let of = |condition: &str| {
        let all = Who::Filter { state: None, parts: None, language: None, since: None, before: None };
        NewDraft { condition: Some(ConditionKey::parse(condition).unwrap()), ..draft(all, What::Next) }
    };
    let few = prepared(&app, &of("breast")).await;
    assert_eq!((few.readers, few.dry_run.unwrap().by_domain.len()), (0, 0));
    for number in [0, 4] {
        refused(runs::start(&app.service, few.id, number, &by()).await);
    }
    let enough = prepared(&app, &of("melanoma")).await;
    let found = enough.dry_run.as_ref().unwrap();
    assert_eq!((enough.readers, found.by_domain.get("example.org"), found.sample.len()), (5, Some(&5), 0));
    let kept: Vec<String> =
        sqlx::query_scalar("select to_jsonb(r)::text from runs r").fetch_all(app.db()).await.unwrap();
    assert!(kept.len() == 2 && kept.iter().all(|row| !row.contains("melanoma") && !row.contains("breast")), "{kept:?}");
    assert!(!app.api_get(&format!("/runs/{}", enough.id)).await.to_string().contains("melanoma"));
    runs::start(&app.service, enough.id, 5, &by()).await.unwrap();
    work_off(&app).await;
    app.dispatch_all_due().await;
    assert_eq!(app.relay.taken().len(), sent + 5);
    for number in 0..5 {
        assert_eq!(app.mails_to(&format!("melanoma{number}@example.org")).len(), 3);
    }
    let mut ask = why();
    for (key, value) in [("series", SERIES), ("for", "filter"), ("condition", "no-such"), ("what", "next")] {
        ask[key] = json!(value);
    }
    assert_eq!(app.api_post("/runs", ask).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_list_reaches_its_subscribers_and_says_how_many_are_none() {
    let app = App::start().await;
    let readers = enrolled(&app, 3).await;
    let mut list = addresses(&readers[..2]);
    list.extend([address("nobody@example.org"), address("READER0@example.org")]);
    let run = prepared(&app, &NewDraft { addresses: list, ..draft(Who::List, What::Next) }).await;
    let found = run.dry_run.unwrap();
    assert_eq!((run.readers, found.not_subscribers), (2, 1), "whoever is named twice is one");
    runs::cancel(&app.service, run.id, &by()).await.unwrap();
    assert_eq!(app.count("select count(*) from runs").await, 0, "a draft that is thrown away leaves nothing");
    assert_eq!(app.count("select count(*) from run_readers").await, 0);
}

#[tokio::test]
async fn a_draft_that_nobody_starts_is_thrown_away_after_a_week_and_a_run_is_not() {
    let app = App::start().await;
    let readers = enrolled(&app, 2).await;
    let list = NewDraft { addresses: addresses(&readers), ..draft(Who::List, What::Next) };
    let (forgotten, kept) = (prepared(&app, &list).await, started(&app, &due_soon()).await);
    app.advance(days(8));
    let fresh = prepared(&app, &due_soon()).await;
    tidy::forget_unconfirmed(&app.service).await.unwrap();
    assert!(matches!(runs::show(&app.service, forgotten.id).await, Err(ActionError::NotFound(_))));
    assert_eq!(app.count("select count(*) from run_readers").await, 0);
    assert_eq!(
        (show(&app, kept.id).await.state, show(&app, fresh.id).await.state),
        (RunState::Running, RunState::Draft)
    );
}

#[tokio::test]
async fn a_run_goes_on_from_where_a_dead_process_left_it() {
    let app = App::start().await;
    enrolled(&app, 6).await;
    let run = started(&app, &due_soon()).await;
    work::step(&app.service, run.id).await.unwrap();
    // A process that dies in the middle of a step takes the step with it.
    let mut dying = app.db().begin().await.unwrap();
    let held = regimen::store::run_work::take(&mut *dying, run.id).await.unwrap().unwrap();
    assert_eq!(held.at_bucket, 1);
    assert_eq!(work::step(&app.service, run.id).await.unwrap(), work::Step::NotOurs, "nobody else comes between");
    dying.rollback().await.unwrap();
    work_off(&app).await;
    app.dispatch_all_due().await;
    work_off(&app).await;
    assert_eq!(show(&app, run.id).await.accepted, 6);
    assert_eq!(app.relay.taken().len(), 18);
}

#[tokio::test]
async fn resuming_a_series_sends_shifts_or_skips_what_is_overdue() {
    for (overdue, at_once, in_all) in [("send", 1, 7), ("shift", 0, 7), ("skip", 0, 6)] {
        let app = App::start().await;
        app.enroll("reader@example.org").await;
        let path = format!("/series/{SERIES}");
        assert_eq!(app.api_post(&format!("{path}/pause"), why()).await.0, StatusCode::OK);
        app.advance(days(10));
        let mut body = why();
        body["overdue"] = json!("later");
        assert_eq!(app.api_post(&format!("{path}/resume"), body.clone()).await.0, StatusCode::UNPROCESSABLE_ENTITY);
        body["overdue"] = json!(overdue);
        let (status, answer) = app.api_post(&format!("{path}/resume"), body).await;
        assert_eq!((status, &answer["deliveries"]), (StatusCode::OK, &json!(1)), "{overdue}");
        app.dispatch_all_due().await;
        assert_eq!(app.relay.taken().len(), 2 + at_once, "{overdue}");
        app.live_through(days(60)).await;
        assert_eq!(app.relay.taken().len(), in_all, "{overdue}");
        let skipped = app.step_states().await.get(DeliveryState::Skipped.as_str()).copied().unwrap_or(0);
        assert_eq!(skipped, i64::from(overdue == "skip"));
        let completed = app.count("select count(*) from enrollments where state = 'completed'").await;
        assert_eq!(completed, 1, "{overdue}: nobody is stranded");
    }
}

#[tokio::test]
async fn a_run_is_made_over_the_api_by_the_same_words() {
    let app = App::start().await;
    enrolled(&app, 2).await;
    let mut body = why();
    for (key, value) in [("series", SERIES), ("for", "reader"), ("address", "reader1@example.org"), ("what", "next")] {
        body[key] = json!(value);
    }
    let (status, run) = app.api_post("/runs", body.clone()).await;
    assert_eq!((status, &run["state"]), (StatusCode::OK, &json!("draft")), "{run}");
    work_off(&app).await;
    let path = format!("/runs/{}", run["id"]);
    assert_eq!(app.api_get(&path).await["readers"], 1);
    let mut start = why();
    start["readers"] = json!(2);
    assert_eq!(app.api_post(&format!("{path}/start"), start.clone()).await.0, StatusCode::CONFLICT);
    start["readers"] = json!(1);
    assert_eq!(app.api_post(&format!("{path}/start"), start.clone()).await.0, StatusCode::OK);
    assert_eq!(app.api_post(&format!("{path}/start"), start).await.0, StatusCode::CONFLICT);
    assert_eq!(app.api_post(&format!("{path}/pause"), why()).await.0, StatusCode::OK);
    assert_eq!(app.api_post(&format!("{path}/resume"), why()).await.0, StatusCode::OK);
    assert_eq!(app.api_post(&format!("{path}/cancel"), why()).await.0, StatusCode::OK);
    body["for"] = json!("everybody");
    assert_eq!(app.api_post("/runs", body).await.0, StatusCode::CONFLICT);
    assert_eq!(app.api_post("/runs/999/cancel", why()).await.0, StatusCode::NOT_FOUND);
    let list = app.api_get("/runs").await;
    assert_eq!(list["items"][0]["state"], "cancelled");
    assert!(!list.to_string().contains("example.org") && !list.to_string().contains("subscriber"), "{list}");
}
