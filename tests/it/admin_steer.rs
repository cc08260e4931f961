//! An admin sees to one reader: sends a part again, moves them on, stops the series, takes out what is stored, erases.
use std::collections::BTreeMap;

use regimen::actions::readers::{self, search};
use regimen::actions::{ActionError, Actor};
use regimen::model::{Role, SeriesSlug, StepKey};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::manage::{READER, own_page, page, path_of, press};
use crate::support::admins::Browser;
use crate::support::process::{Environment, Process};
use crate::support::relay::At;
use crate::support::{App, SERIES, address, days, why};

const FIRST: &str = "what-is-immunotherapy";
const SECOND: &str = "antibodies";
const FOURTH: &str = "cancer-vaccines";

fn by() -> Actor {
    Actor::command_line("the tests", "asked by phone")
}

async fn move_to(app: &App, email: &str, step: &str) -> Result<(), ActionError> {
    let (series, step) = (SeriesSlug::parse(SERIES).unwrap(), StepKey::parse(step).unwrap());
    readers::move_to(&app.service, &address(email), &series, &step, &by()).await.map(drop)
}

fn of_reader() -> Value {
    let mut body = why();
    (body["address"], body["series"]) = (json!(READER), json!(SERIES));
    body
}

fn of_step(step: &str) -> Value {
    let mut body = of_reader();
    body["step"] = json!(step);
    body
}

fn of_address() -> Value {
    let mut body = why();
    body["address"] = json!(READER);
    body
}

/// The scheduled parts, in the order of writing: each with its state and reason.
async fn parts(app: &App) -> BTreeMap<String, String> {
    let sql = "select step, state || coalesce(' ' || reason, '') from deliveries where kind = 'step' and occasion = 0";
    let rows: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(app.db()).await.unwrap();
    rows.into_iter().collect()
}

#[tokio::test]
async fn a_reader_who_is_moved_on_goes_on_from_there_and_the_books_close() {
    let app = App::start().await;
    app.enroll(READER).await;
    let due = "select (extract(epoch from due_at))::bigint from deliveries where kind = 'step' and state = 'pending'";
    let before = app.count(due).await;
    move_to(&app, READER, FOURTH).await.unwrap();
    assert_eq!(app.count(due).await, before, "it comes when the part that waited would have come");
    let told = parts(&app).await;
    let states: Vec<&str> = [FIRST, SECOND, "checkpoint-inhibitors", FOURTH].map(|step| told[step].as_str()).into();
    assert_eq!(states, ["accepted", "skipped passed_over", "skipped passed_over", "pending"]);
    let calendar = page(&app, &own_page(&app, READER)).await;
    assert_eq!(calendar.matches("Left out; the series went on").count(), 2, "{calendar}");
    app.live_through(days(40)).await;
    assert_eq!(app.mails_to(READER).len(), 5, "the confirmation and parts 1, 4, 5, 6");
    assert_eq!(app.count("select count(*) from enrollments where state = 'completed'").await, 1);
    assert_eq!(parts(&app).await.len(), 6, "each part counts once");
    let logged = "select count(*) from audit_log where action = 'move to step' and reason = 'asked by phone'
        and details->>'from' = 'antibodies' and details->>'to' = 'cancer-vaccines'";
    assert_eq!(app.count(logged).await, 1);
}

#[tokio::test]
async fn nobody_is_moved_back_or_to_where_they_are_and_a_pause_stays_one() {
    let app = App::start().await;
    app.enroll(READER).await;
    let why_not = async |step: &str| match move_to(&app, READER, step).await {
        Err(ActionError::Refused(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(why_not(FIRST).await.contains("sent again"));
    assert!(why_not(SECOND).await.contains("comes next"));
    assert!(matches!(move_to(&app, READER, "no-such-step").await, Err(ActionError::NotFound(_))));

    assert_eq!(app.api_post("/subscribers/pause", of_reader()).await.0, StatusCode::OK);
    app.advance(days(10));
    move_to(&app, READER, FOURTH).await.unwrap();
    assert_eq!(parts(&app).await[FOURTH], "paused");
    assert!(why_not(SECOND).await.contains("behind the reader"), "it was passed over");
    app.live_through(days(10)).await;
    assert_eq!(app.mails_to(READER).len(), 2, "a pause is a pause");
    assert_eq!(app.api_post("/subscribers/resume", of_reader()).await.0, StatusCode::OK);
    app.live_through(days(4)).await;
    assert_eq!(parts(&app).await[FOURTH], "accepted");

    // What was passed over can be sent by hand.
    assert_eq!(app.api_post("/subscribers/resend", of_step(SECOND)).await.0, StatusCode::OK);
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to(READER).len(), 4);
    app.live_through(days(40)).await;
    assert_eq!(app.mails_to(READER).len(), 6, "and nothing comes twice");
    assert_eq!(app.api_post("/subscribers/move", of_step(FOURTH)).await.0, StatusCode::CONFLICT, "it has ended");
}

#[tokio::test]
async fn what_the_relay_may_have_is_not_taken_back() {
    let app = App::start().await;
    app.enroll(READER).await;
    app.advance(days(4));
    let (http, url, body) = (app.http.clone(), format!("{}/api/v1/subscribers/move", app.base), of_step(FOURTH));
    let token = app.api(Method::POST, "/x").build().unwrap().headers()["authorization"].clone();
    let (said, seen) = tokio::sync::oneshot::channel();
    app.relay.meanwhile(At::Message, async move {
        let answer = http.post(url).header("authorization", token).json(&body).send().await.unwrap();
        said.send(answer.status()).ok();
    });
    app.dispatch_all_due().await;
    assert_eq!(seen.await.unwrap(), StatusCode::CONFLICT);
    assert_eq!(parts(&app).await[SECOND], "accepted");
    move_to(&app, READER, FOURTH).await.unwrap();
}

#[tokio::test]
async fn a_move_and_a_dispatcher_at_the_same_moment_double_and_lose_nothing() {
    let app = App::start().await;
    let readers: Vec<String> = (0..24).map(|number| format!("reader{number}@example.org")).collect();
    for email in &readers {
        app.enroll(email).await;
    }
    app.advance(days(4));
    let moves = futures::future::join_all(readers.iter().map(|email| move_to(&app, email, FOURTH)));
    let (results, ()) = tokio::join!(moves, app.dispatch_all_due());
    for result in results {
        assert!(matches!(result, Ok(()) | Err(ActionError::Refused(_))), "{result:?}");
    }
    app.live_through(days(60)).await;
    for email in &readers {
        let mut subjects = app.subjects(email);
        let all = subjects.len();
        subjects.sort();
        subjects.dedup();
        assert_eq!(subjects.len(), all, "{email} got something twice");
    }
    let open = "select count(*) from deliveries where state not in ('accepted', 'skipped')";
    assert_eq!(app.count(open).await, 0);
    assert_eq!(app.count("select count(*) from enrollments where state = 'completed'").await, 24, "nobody is stranded");
    assert_eq!(app.count("select count(*) from deliveries where kind = 'step'").await, 24 * 6, "each part counts once");
}

#[tokio::test]
async fn a_part_is_sent_again_once_however_often_the_form_is_sent() {
    let app = App::start().await;
    app.enroll(READER).await;
    let admin = &mut Browser::signed_in(&app, Role::Operator).await;
    let id = search::exactly(&app.service, READER).await.unwrap().unwrap();
    let reader = format!("/admin/readers/{id}");
    admin.get(&app, &reader).await;
    let request = admin.between("name=\"request\" value=\"", "\"").unwrap();
    let ask = |step: &'static str| {
        let request = request.clone();
        [
            ("deed", "resend".to_owned()),
            ("series", SERIES.to_owned()),
            ("step", step.to_owned()),
            ("why", "asked by phone".to_owned()),
            ("request", request),
        ]
    };
    let send = async |admin: &mut Browser, step| {
        let fields = ask(step);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        admin.post(&app, &reader, &fields).await.0
    };
    assert_eq!(send(admin, FOURTH).await, StatusCode::CONFLICT);
    assert!(admin.html.contains("has not come to this reader yet"));
    assert_eq!(send(admin, SECOND).await, StatusCode::CONFLICT);
    assert!(admin.html.contains("send the next part now instead"));
    assert_eq!(send(admin, "").await, StatusCode::CONFLICT, "which part?");
    for _ in 0..2 {
        assert_eq!(send(admin, FIRST).await, StatusCode::SEE_OTHER);
        app.dispatch_all_due().await;
    }
    assert_eq!(app.mails_to(READER).len(), 3, "the confirmation, part 1, and part 1 again");
    assert_eq!(send(admin, SECOND).await, StatusCode::CONFLICT);
    assert!(admin.html.contains("used for something else"), "another wish from an old page");
    assert_eq!(
        app.count("select count(*) from runs where why = 'asked by phone'").await,
        0,
        "only the audit log has it"
    );
    app.live_through(days(40)).await;
    assert_eq!(app.mails_to(READER).len(), 8, "the series goes on as it would have");
}

#[tokio::test]
async fn an_admin_stops_a_series_as_its_reader_would() {
    let app = App::start().await;
    app.enroll(READER).await;
    assert_eq!(app.api_post("/subscribers/unsubscribe", of_reader()).await.0, StatusCode::OK);
    assert_eq!(app.api_post("/subscribers/unsubscribe", of_reader()).await.0, StatusCode::CONFLICT);
    app.live_through(days(30)).await;
    assert_eq!(app.mails_to(READER).len(), 2);
    assert_eq!(app.count("select count(*) from enrollments where state = 'unsubscribed'").await, 1);
    assert_eq!(app.count("select count(*) from consents where action = 'unsubscribe' and channel = 'admin'").await, 1);
    assert_eq!(app.count("select count(*) from audit_log where action = 'unsubscribe'").await, 1);
    assert_eq!(app.count("select count(*) from suppressions").await, 0, "who leaves may come back");
}

#[tokio::test]
async fn a_suppression_is_lifted_also_when_the_series_had_ended_before() {
    let app = App::start().await;
    app.enroll(READER).await;
    app.api_post("/subscribers/unsubscribe", of_reader()).await;
    app.api_post("/subscribers/suppress", of_address()).await;
    let admin = &mut Browser::signed_in(&app, Role::Operator).await;
    let reader = format!("/admin/readers/{}", search::exactly(&app.service, READER).await.unwrap().unwrap());
    admin.get(&app, &reader).await;
    assert!(admin.html.contains("Lift the suppression") && !admin.html.contains("value=\"suppress\""));
    let (status, _) = admin.post(&app, &reader, &[("deed", "unsuppress"), ("why", "asked by phone")]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    app.enroll(READER).await;
}

#[tokio::test]
async fn all_that_is_stored_is_taken_out_and_that_is_written_down() {
    let app = App::start().await;
    app.enroll(READER).await;
    app.api_post("/subscribers/suppress", of_address()).await;
    let admin = &mut Browser::signed_in(&app, Role::Operator).await;
    let id = search::exactly(&app.service, READER).await.unwrap().unwrap();
    let path = format!("/admin/readers/{id}/export");
    admin.get(&app, &format!("/admin/readers/{id}")).await;
    assert!(!admin.html.contains("melanoma"));
    assert_eq!(admin.post(&app, &path, &[("why", " ")]).await.0, StatusCode::CONFLICT);
    assert_eq!(app.count("select count(*) from audit_log where action = 'export reader'").await, 0);
    assert_eq!(admin.post(&app, &path, &[("why", "asked by letter")]).await.0, StatusCode::OK);
    let page: Value = serde_json::from_str(&admin.html).unwrap();
    let (status, by_api) = app.api_post("/subscribers/export", of_address()).await;
    assert_eq!(status, StatusCode::OK);
    for all in [page, by_api] {
        assert_eq!(all["subscriber"]["address"], READER);
        assert_eq!(all["enrollments"][0]["condition"], "melanoma");
        assert_eq!(all["suppression"]["why"], why()["why"]);
        let part = all["enrollments"][0]["deliveries"].as_array().unwrap().iter().find(|one| one["part"] == FIRST);
        assert_eq!((&part.unwrap()["tries"], &part.unwrap()["times_uncertain"]), (&json!(1), &json!(0)));
    }
    assert_eq!(app.count("select count(*) from audit_log where action = 'export reader'").await, 2);
    let log = "select count(*) from audit_log where details::text like '%reader@%' or details::text like '%melanoma%'";
    assert_eq!(app.count(log).await, 0);
}

#[tokio::test]
async fn an_erased_reader_is_gone_from_all_but_the_log_and_the_promise_not_to_write() {
    let app = App::start().await;
    app.enroll("other@example.org").await;
    app.enroll(READER).await;
    app.api_post("/subscribers/suppress", of_address()).await;
    let admin = &mut Browser::signed_in(&app, Role::Operator).await;
    let reader = format!("/admin/readers/{}", search::exactly(&app.service, READER).await.unwrap().unwrap());
    admin.get(&app, &reader).await;
    let path = format!("{reader}/erase");
    for fields in [[("confirm", "yes"), ("why", "asked by letter")], [("confirm", "erase"), ("why", "")]] {
        assert_eq!(admin.post(&app, &path, &fields).await.0, StatusCode::CONFLICT);
    }
    assert_eq!(app.count("select count(*) from subscribers").await, 2);
    let (status, location) = admin.post(&app, &path, &[("confirm", "Erase "), ("why", "asked by letter")]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(admin.follow(&app, &location).await, StatusCode::GONE);
    assert!(admin.html.contains("This reader was erased"));
    assert_eq!(admin.get(&app, "/admin/readers/1.00000000000000000000000000000000").await.0, StatusCode::NOT_FOUND);
    assert!(admin.html.contains("There is no such reader"));
    for (table, rows) in crate::manage_fresh::all_rows(&app).await {
        let named = rows.iter().filter(|row| row.to_string().contains(READER)).count();
        assert_eq!(named, usize::from(table == "suppressions"), "{table}");
    }
    assert_eq!(app.count("select count(*) from audit_log where action = 'erase reader'").await, 1);
    assert_eq!(app.api_post("/subscribers/erase", of_address()).await.0, StatusCode::NOT_FOUND);
    let mails = app.mails_to(READER).len();
    app.sign_up(READER).await;
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to(READER).len(), mails, "it stays suppressed");
    let mut other = of_address();
    other["address"] = json!("other@example.org");
    assert_eq!(app.api_post("/subscribers/erase", other).await.0, StatusCode::OK);
    assert_eq!(app.count("select count(*) from subscribers").await, 0);
}

#[tokio::test]
async fn a_suppressed_reader_takes_out_and_erases_what_is_stored_and_gets_nothing_else() {
    let app = App::start().await;
    app.enroll(READER).await;
    app.api_post("/subscribers/suppress", of_address()).await;
    let own = own_page(&app, READER);
    let before = app.mails_to(READER).len();
    for _ in 0..4 {
        press(&app, &format!("{own}/fresh-link"), &[]).await;
        app.dispatch_all_due().await;
        app.advance(days(1));
    }
    assert_eq!(app.mails_to(READER).len(), before + 2, "two a week");
    app.advance(days(7));
    press(&app, &format!("{own}/fresh-link"), &[]).await;
    app.live_through(days(1)).await;
    assert_eq!(app.mails_to(READER).len(), before + 3, "and no part");
    press(&app, &format!("{own}/fresh-link"), &[]).await;
    app.dispatch_all_due().await;
    let fresh = path_of(&app.relay.last_to(READER).text, "fresh");
    let all: Value = app.post(&format!("{fresh}/export")).await.json().await.unwrap();
    assert_eq!(all["suppression"]["reason"], "admin");
    assert!(press(&app, &format!("{fresh}/erase"), &[]).await.contains("Everything is erased"));
    assert_eq!(app.count("select count(*) from subscribers").await, 0);
    assert_eq!(app.count("select count(*) from suppressions").await, 1, "it is never mailed again");
    let mails = app.mails_to(READER).len();
    app.sign_up(READER).await;
    app.live_through(days(3)).await;
    assert_eq!(app.mails_to(READER).len(), mails);
}

#[tokio::test]
async fn where_nobody_reads_the_mail_not_even_a_fresh_link_is_sent() {
    let app = App::start().await;
    app.enroll(READER).await;
    app.api_post("/subscribers/suppress", of_address()).await;
    sqlx::query("update suppressions set reason = 'no_such_user'").execute(app.db()).await.unwrap();
    let before = app.mails_to(READER).len();
    press(&app, &format!("{}/fresh-link", own_page(&app, READER)), &[]).await;
    app.live_through(days(1)).await;
    assert_eq!(app.mails_to(READER).len(), before);
}

#[tokio::test]
async fn the_command_line_has_the_same_deeds() {
    let app = App::start().await;
    app.enroll(READER).await;
    let environment = Environment::production(&app.database_url, &app.relay.url());
    let run = async |deed: &str, more: &[&str]| {
        let arguments = [&["subscribers", deed, READER, "--why", "asked by phone"], more].concat();
        Process::run_with(&arguments, &environment, "").await
    };
    for (deed, more) in [
        ("resend", &["--series", SERIES, "--step", FIRST][..]),
        ("move", &["--series", SERIES, "--step", FOURTH]),
        ("unsubscribe", &["--series", SERIES]),
    ] {
        let ended = run(deed, more).await;
        assert_eq!(ended.code, Some(0), "{deed}: {}", ended.err);
    }
    assert_eq!(parts(&app).await[FOURTH], "skipped unsubscribed");
    let all: Value = serde_json::from_str(&run("export", &[]).await.out).unwrap();
    assert_eq!(all["enrollments"][0]["condition"], "melanoma");
    let refused = run("erase", &[]).await;
    assert!(refused.code == Some(1) && refused.err.contains("--yes"), "{}", refused.err);
    assert_eq!(app.count("select count(*) from subscribers").await, 1);
    assert_eq!(run("erase", &["--yes"]).await.code, Some(0));
    assert_eq!(app.count("select count(*) from subscribers").await, 0);
    let log = "select count(*) from audit_log where actor_kind = 'command line' and reason = 'asked by phone'";
    assert_eq!(app.count(log).await, 6, "a part that is sent again is a run, which is prepared and started");
}
