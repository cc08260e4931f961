//! Readers from a file that is sent in over the web: looked at first, taken in by whoever types the number, once, whatever breaks
//! off; and nothing of the file is kept in the clear, or longer than it is needed.
use std::fmt::Write as _;

use regimen::actions::imports::{self, Ask, Importing, Source, Upload};
use regimen::model::{EnrollmentState, Role, SeriesSlug};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::post_under;
use crate::support::admins::{Browser, by};
use crate::support::process::{Environment, Folder, Process, Site, until};
use crate::support::{App, SERIES, Setup, database, days, hours, why};

const HERE: &str = "/admin/imports";
/// What can be done with a dry run that was sent in.
pub const CALLS: [&str; 2] = ["start", "cancel"];

/// Readers who confirmed long ago.
fn file(readers: usize) -> String {
    let mut text = "address,condition,consent_at,consent_source,consent_text,confirmed_at\n".to_owned();
    for number in 0..readers {
        let rest = "2025-01-01T10:00:00Z,https://example.com/box,2025-01,2025-01-02T10:00:00Z";
        writeln!(text, "reader{number}@example.org,head-and-neck,{rest}").unwrap();
    }
    text
}

fn with_file(form: Form, text: impl Into<String>) -> Form {
    form.part("file", Part::text(text.into()).file_name("readers.csv"))
}

/// The form as the page has it.
fn form(token: &str, text: impl Into<String>) -> Form {
    let fields = [("form_token", token), ("series", SERIES), ("state", "active"), ("why", "our old program")];
    let form = fields.into_iter().fold(Form::new(), |form, (name, value)| form.text(name, value.to_owned()));
    with_file(form, text)
}

async fn send(app: &App, browser: &Browser, form: Form) -> (StatusCode, String, String) {
    let response = browser.request(app, Method::POST, HERE).multipart(form).send().await.unwrap();
    let location = response.headers().get("location").map_or("", |one| one.to_str().unwrap()).to_owned();
    (response.status(), location, response.text().await.unwrap())
}

async fn work(app: &App) {
    imports::work(&app.service, || true).await.unwrap();
}

/// Who is enrolled, and how many files and pieces are kept.
async fn kept(app: &App) -> [i64; 3] {
    [
        app.count("select count(*) from enrollments").await,
        app.count("select count(*) from uploads").await,
        app.count("select count(*) from upload_pieces").await,
    ]
}

async fn upload(app: &App, text: &str) -> i64 {
    let mut upload = Upload::begin(&app.service).await.unwrap();
    upload.take(text.as_bytes()).await.unwrap();
    let ask = Ask { series: SeriesSlug::parse(SERIES).unwrap(), state: EnrollmentState::Active, dry_run: true };
    upload.finish(&ask, &by()).await.unwrap()
}

#[tokio::test]
async fn an_operator_sends_a_file_looks_and_takes_its_readers_in_once() {
    let app = App::start().await;
    let mut operator = Browser::signed_in(&app, Role::Operator).await;
    operator.get(&app, HERE).await;
    assert!(operator.html.contains("href=\"/admin/imports/new\""));
    operator.get(&app, "/admin/imports/new").await;
    let text = file(2) + "nobody,lung,2025-01-01,x,x,\n";
    let (status, location, _) = send(&app, &operator, form(&operator.form_token(), text)).await;
    assert_eq!((status, location.as_str()), (StatusCode::SEE_OTHER, "/admin/imports/1?said=imports-sent#said"));
    assert_eq!(operator.follow(&app, &location).await, StatusCode::OK);
    assert!(operator.html.contains("A dry run looks at every line now") && operator.html.contains("data-watch"));
    // None of it can be read in the database.
    let sealed: Vec<u8> = sqlx::query_scalar("select sealed from upload_pieces").fetch_one(app.db()).await.unwrap();
    let readable = String::from_utf8_lossy(&sealed).into_owned();
    assert!(!readable.contains("example.org") && !readable.contains("head-and-neck"));

    work(&app).await;
    operator.get(&app, "/admin/imports/1").await;
    assert!(operator.html.contains("It is done, and has taken nobody in"), "{}", operator.html);
    assert!(operator.html.contains("that are to be taken in: 2") && !operator.html.contains("data-watch"));
    assert_eq!(kept(&app).await, [0, 1, 1]);
    for (readers, why) in [("3", "a test"), ("2", ""), ("two", "a test")] {
        let fields = [("readers", readers), ("why", why)];
        assert_eq!(operator.post(&app, "/admin/imports/1/start", &fields).await.0, StatusCode::CONFLICT);
    }
    let fields = [("readers", "2"), ("why", "a test")];
    let (status, location) = operator.post(&app, "/admin/imports/1/start", &fields).await;
    assert_eq!((status, location.as_str()), (StatusCode::SEE_OTHER, "/admin/imports/2?said=imports-started#said"));
    operator.get(&app, "/admin/imports/1").await;
    assert!(operator.html.contains("href=\"/admin/imports/2\"") && !operator.html.contains("to be taken in"));
    assert_eq!(operator.post(&app, "/admin/imports/1/start", &fields).await.0, StatusCode::CONFLICT, "pressed again");

    work(&app).await;
    operator.get(&app, "/admin/imports/2").await;
    assert!(operator.html.contains("<p>It is done.</p>"), "{}", operator.html);
    assert_eq!(kept(&app).await, [2, 0, 0], "nobody needs the file any more");
    assert_eq!(app.count("select count(*) from enrollments where state = 'active'").await, 2);
    let who = "select count(*) from audit_log where actor_name = 'Ada Example' and reason is not null
               and action = 'import readers'";
    assert_eq!(app.count(who).await, 2);
}

#[tokio::test]
async fn what_is_not_sent_as_the_page_does_leaves_nothing() {
    let app = App::start_with(Setup { largest_import: 2_000_000, ..Setup::default() }).await;
    let mut operator = Browser::signed_in(&app, Role::Operator).await;
    operator.get(&app, "/admin/imports/new").await;
    let token = operator.form_token();
    let fields = |form: Form| form.text("series", SERIES).text("state", "active").text("why", "a test");
    let no_token = with_file(fields(Form::new()), file(2));
    let file_first = with_file(Form::new(), file(2)).text("form_token", token.clone());
    let without_file = fields(Form::new().text("form_token", token.clone()));
    let two = with_file(form(&token, file(2)), file(3));
    let long = Form::new().text("form_token", token.clone()).text("why", "x".repeat(5_000));
    let many = (0..9).fold(Form::new().text("form_token", token.clone()), |form, at| form.text(format!("x{at}"), "x"));
    let of_nothing =
        with_file(Form::new().text("form_token", token.clone()).text("series", "none").text("why", "x"), file(2));
    for (form, says) in [
        (no_token, "no token"),
        (file_first, "no token"),
        (form("another", file(2)), "no token"),
        (without_file, "Choose a file"),
        (form(&token, ""), "Choose a file"),
        (two, "one file at a time"),
        (long, "too long"),
        (many, "more fields"),
        (form(&token, "address,condition\na@example.org,lung\n"), "consent_at"),
        (form(&token, file(30_000)), "admin.import_megabytes"),
        (of_nothing, "no such series"),
    ] {
        let (status, _, html) = send(&app, &operator, form).await;
        assert_eq!(status, StatusCode::CONFLICT, "{says}: {html}");
        assert!(html.contains(says), "{says}: {html}");
        assert_eq!(kept(&app).await, [0, 0, 0], "{says}");
    }
    let elsewhere = operator.request(&app, Method::POST, HERE).header("origin", "https://evil.example.com");
    let elsewhere = elsewhere.multipart(form(&token, file(2))).send().await.unwrap();
    assert_eq!(elsewhere.status(), StatusCode::FORBIDDEN);
    let mut editor = Browser::signed_in(&app, Role::Editor).await;
    editor.get(&app, "/admin").await;
    assert_eq!(send(&app, &editor, form(&editor.form_token(), file(2))).await.0, StatusCode::FORBIDDEN);
    assert_eq!(kept(&app).await, [0, 0, 0]);
    assert_eq!(app.count("select count(*) from imports").await, 0);
}

#[tokio::test]
async fn a_long_file_lies_in_pieces_of_one_size_and_reads_back_as_it_was() {
    let app = App::start().await;
    let text = file(40_000);
    let import = upload(&app, &text).await;
    let pieces = i64::try_from(text.len().div_ceil(256 * 1024)).unwrap();
    assert_eq!(kept(&app).await, [0, 1, pieces]);
    assert_eq!(
        app.count("select max(octet_length(sealed))::bigint from upload_pieces").await,
        256 * 1024 + 1 + 24 + 16
    );
    // The same file again is the same dry run, also twice at once.
    let (one, other) = tokio::join!(upload(&app, &text), upload(&app, &text));
    assert_eq!([one, other], [import; 2]);
    let text_of_two = file(2);
    let (one, other) = tokio::join!(upload(&app, &text_of_two), upload(&app, &text_of_two));
    assert_eq!(one, other);
    imports::cancel(&app.service, one, &by()).await.unwrap();
    assert_eq!(kept(&app).await, [0, 1, pieces]);
    work(&app).await;
    let found = imports::show(&app.service, import).await.unwrap().progress;
    assert_eq!((found.ended, found.active, found.refused, found.octets_done), (true, 40_000, 0, found.octets));
}

#[tokio::test]
async fn two_processes_and_two_admins_take_nobody_in_twice() {
    let app = App::start().await;
    let import = upload(&app, &file(3_000)).await;
    work(&app).await;
    let actor = by();
    let start = || imports::start(&app.service, import, 3_000, &actor);
    let (one, other) = tokio::join!(start(), start());
    assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|started| **started).count(), 1);
    // Neither knows anything of the other.
    let go = || imports::work(&app.service, || true);
    let (one, other) = tokio::join!(go(), go());
    for worked in [one, other] {
        worked.unwrap();
    }
    // Whoever stopped for the other leaves nothing undone.
    work(&app).await;
    assert_eq!(kept(&app).await, [3_000, 0, 0]);
    assert_eq!(app.count("select count(*) from deliveries").await, 3_000);
    assert_eq!(app.count("select count(*) from imports where ended_at is not null").await, 2);
}

#[tokio::test]
async fn a_cancelled_import_keeps_whom_it_has_taken_in_and_its_file_is_gone() {
    let app = App::start().await;
    let import = upload(&app, &file(3_000)).await;
    work(&app).await;
    let next = imports::start(&app.service, import, 3_000, &by()).await.unwrap().import;
    let steps = std::sync::atomic::AtomicUsize::new(0);
    let a_few = || steps.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 5;
    imports::work(&app.service, a_few).await.unwrap();
    let taken_in = kept(&app).await[0];
    assert!(0 < taken_in && taken_in < 3_000, "{taken_in}");
    imports::cancel(&app.service, next, &by()).await.unwrap();
    work(&app).await;
    assert_eq!(kept(&app).await, [taken_in, 0, 0]);
    let view = imports::show(&app.service, next).await.unwrap().progress;
    assert!(view.cancelled && view.ended);
    imports::cancel(&app.service, next, &by()).await.unwrap_err();
    imports::start(&app.service, import, 3_000, &by()).await.unwrap_err();
}

#[tokio::test]
async fn a_file_that_nobody_goes_on_with_is_deleted_and_one_that_cannot_be_read_says_why() {
    let app = App::start().await;
    upload(&app, &file(2)).await;
    work(&app).await;
    let mut unfinished = Upload::begin(&app.service).await.unwrap();
    unfinished.take(&vec![b'x'; 300_000]).await.unwrap();
    work(&app).await;
    assert_eq!(kept(&app).await, [0, 2, 2]);
    // Who goes on sending is waited for.
    app.advance(hours(1));
    unfinished.take(&vec![b'x'; 300_000]).await.unwrap();
    app.advance(hours(1));
    work(&app).await;
    assert_eq!(kept(&app).await, [0, 2, 3]);
    app.advance(chrono::TimeDelta::seconds(1));
    work(&app).await;
    assert_eq!(kept(&app).await, [0, 1, 1], "its sender is gone");
    let too_late = unfinished.take(&vec![b'x'; 300_000]).await.unwrap_err().to_string();
    assert!(too_late.contains("nothing came for an hour"), "{too_late}");
    app.advance(days(1));
    work(&app).await;
    assert_eq!(kept(&app).await, [0, 0, 0]);
    let refused = imports::start(&app.service, 1, 2, &by()).await.unwrap_err().to_string();
    assert!(refused.contains("not kept any more"), "{refused}");

    let open = file(2) + "\"never closed" + &"x".repeat(5 << 20);
    let import = upload(&app, &open).await;
    work(&app).await;
    let view = imports::show(&app.service, import).await.unwrap().progress;
    assert!(view.ended && view.fault.as_deref().is_some_and(|why| why.contains("never closed")), "{view:?}");
    assert_eq!(kept(&app).await[1], 0);
    let mut operator = Browser::signed_in(&app, Role::Operator).await;
    operator.get(&app, &format!("{HERE}/{import}")).await;
    assert!(operator.html.contains("It could not go on") && operator.html.contains("never closed"));
}

#[tokio::test]
async fn one_that_broke_off_on_the_command_line_goes_on_when_its_file_is_sent_in() {
    let app = App::start().await;
    let folder = Folder::new();
    let file_there = folder.write("readers.csv", &file(3_000));
    let ask = Ask { series: SeriesSlug::parse(SERIES).unwrap(), state: EnrollmentState::Active, dry_run: true };
    let mut importing =
        Importing::begin(&app.service, Source::open(&file_there).await.unwrap(), &ask, &by()).await.unwrap();
    importing.step().await.unwrap();
    work(&app).await;
    let broken_off = importing.progress();
    assert_eq!(imports::show(&app.service, broken_off.id).await.unwrap().progress.lines, broken_off.lines);
    assert_eq!(upload(&app, &file(3_000)).await, broken_off.id);
    work(&app).await;
    let view = imports::show(&app.service, broken_off.id).await.unwrap().progress;
    assert_eq!((view.ended, view.active), (true, 3_000));
    assert_eq!(app.count("select count(*) from audit_log where action = 'import readers'").await, 2, "both have asked");
}

#[tokio::test]
async fn what_can_never_be_stored_is_told_and_tried_no_more() {
    let app = App::start().await;
    // No database can hold that day.
    let text = file(1) + "old@example.org,lung,-9999-01-01,x,x,-9999-01-01\n";
    let import = upload(&app, &text).await;
    work(&app).await;
    let view = imports::show(&app.service, import).await.unwrap().progress;
    assert_eq!((view.active, view.refused), (1, 1));
    let next = imports::start(&app.service, import, 1, &by()).await.unwrap().import;
    sqlx::query("alter table consents add check (channel <> 'import')").execute(app.db()).await.unwrap();
    work(&app).await;
    let view = imports::show(&app.service, next).await.unwrap().progress;
    assert_eq!(view.fault.as_deref(), Some("a line of it cannot be stored"));
    assert_eq!(kept(&app).await, [0, 0, 0]);
    assert_eq!(app.count("select count(*) from import_addresses").await, 0);
}

async fn upload_by_program(site: &Site, text: String) -> Value {
    let form = Form::new().text("series", SERIES).text("state", "active").text("why", "a test");
    let request = site.api(Method::POST, "/imports/upload").multipart(with_file(form, text));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

#[tokio::test]
async fn an_import_that_came_over_the_web_survives_that_its_process_is_killed() {
    const READERS: usize = 20_000;
    let database_url = database::fresh().await;
    let db = database::connect(&database_url);
    let environment = Environment::production(&database_url, "smtp://127.0.0.1:9");
    let count = async |sql: &'static str| -> i64 { sqlx::query_scalar(sql).fetch_one(&db).await.unwrap() };
    let mut process = Process::start(&["serve"], &environment);
    let site = process.pages().await;
    let dry_run = upload_by_program(&site, file(READERS)).await["import"].as_i64().unwrap();
    until("the dry run is under way", async || {
        (count("select coalesce(max(active), 0) from imports").await > 0).then_some(())
    })
    .await;
    process.kill();
    let mut process = Process::start(&["serve"], &environment);
    let site = process.pages().await;
    let ended = async |site: &Site, import: i64| {
        until("it is over", async || {
            let view = site.api_get(&format!("/imports/{import}")).await;
            (view["ended"] == true).then_some(view)
        })
        .await
    };
    assert_eq!(ended(&site, dry_run).await["active"], READERS);
    let start = json!({ "readers": READERS, "why": "a test" });
    let started = site.api(Method::POST, &format!("/imports/{dry_run}/start")).json(&start).send().await.unwrap();
    let import = started.json::<Value>().await.unwrap()["import"].as_i64().unwrap();
    until("readers are taken in", async || (count("select count(*) from enrollments").await > 0).then_some(())).await;
    process.kill();
    assert_eq!(count("select count(*) from imports where ended_at is null").await, 1, "it was killed too late");
    let mut process = Process::start(&["serve"], &environment);
    let site = process.pages().await;
    let view = ended(&site, import).await;
    assert_eq!((&view["active"], &view["follows"]), (&json!(READERS), &json!(dry_run)));
    let enrolled = i64::try_from(READERS).unwrap();
    assert_eq!(count("select count(*) from enrollments").await, enrolled);
    assert_eq!(count("select count(*) from deliveries").await, enrolled);
    assert_eq!(count("select count(*) from uploads").await, 0);
}

#[tokio::test]
async fn a_program_sends_looks_starts_and_cancels_and_each_is_done_once() {
    let app = App::start().await;
    let fields = || Form::new().text("series", SERIES).text("state", "active").text("why", "a test");
    let send = async |form: Form| {
        let response = app.api(Method::POST, "/imports/upload").multipart(form).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let (status, begun) = send(with_file(fields(), file(2))).await;
    assert_eq!((status, &begun), (200, &json!({ "import": 1 })));
    work(&app).await;
    let view = app.api_get("/imports/1").await;
    assert_eq!((&view["ended"], &view["active"], &view["why"]), (&json!(true), &json!(2), &json!("a test")));
    let [start, cancel] = CALLS.map(|call| format!("/imports/1/{call}"));
    for _ in 0..2 {
        let started = post_under(&app, "start", &start, &json!({ "readers": 2, "why": "a test" })).await;
        assert_eq!(started.json::<Value>().await.unwrap(), json!({ "import": 2 }));
    }
    assert_eq!(app.api_post(&cancel, why()).await.0, StatusCode::CONFLICT, "its readers are being taken in");
    for _ in 0..2 {
        assert_eq!(post_under(&app, "cancel", "/imports/2/cancel", &why()).await.status(), StatusCode::OK);
    }
    assert_eq!(kept(&app).await, [0, 0, 0]);
    assert_eq!(app.api_get("/imports").await["items"].as_array().unwrap().len(), 2);

    for (form, status) in [
        (fields(), 409),
        (with_file(Form::new().text("series", SERIES), file(2)), 422),
        (with_file(Form::new().text("state", "asleep").text("series", SERIES).text("why", "a test"), file(2)), 422),
        (with_file(Form::new().text("why", "a test"), file(2)), 404),
        (with_file(fields(), "no heading"), 409),
    ] {
        let answered = send(form).await;
        assert_eq!(answered.0, status, "{}", answered.1);
    }
    let plain = app.api(Method::POST, "/imports/upload").json(&json!({})).send().await.unwrap();
    assert_eq!(plain.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(kept(&app).await, [0, 0, 0]);
}
