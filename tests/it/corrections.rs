//! A part had a mistake: it is mended, and those who received it as it was get a correction, once.
use regimen::actions::runs::{self, RunView, work};
use regimen::actions::service;
use regimen::content::Bundle;
use regimen::model::{Role, RunState};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::admins::Browser;
use crate::support::{App, SERIES, address, days, why};

const FIRST: &str = "what-is-immunotherapy";
const SUBJECT: &str = "A correction to part 1";

/// The first part mended, and the correction for those who had it before.
fn mended() -> Bundle {
    let mut files: Vec<(String, String)> = Bundle::embedded()
        .files()
        .map(|(path, text)| {
            let mends = path == format!("{SERIES}/01-{FIRST}/body.md");
            (path.to_owned(), if mends { format!("{text}\nThis sentence was missing.\n") } else { text.to_owned() })
        })
        .collect();
    let body = |subject: &str, words: &str| {
        format!(
            "+++\nsubject = \"{subject}\"\npreheader = \"One sentence was missing\"\n+++\n{words} [Leave]({{{{unsubscribe_url}}}}).\n"
        )
    };
    let folder = format!("{SERIES}/corrections/first-part");
    files.push((format!("{folder}/body.md"), body(SUBJECT, "One sentence was missing.")));
    files.push((
        format!("{SERIES}/es/corrections/first-part/body.md"),
        body("Una corrección de la parte 1", "Faltaba una frase."),
    ));
    Bundle::from_files(files).unwrap()
}

async fn publish(app: &App, bundle: &Bundle) {
    service::publish(app.db(), app.service.clock(), bundle).await.unwrap();
    app.service.refresh_content().await.unwrap();
}

async fn work_off(app: &App) {
    work::work(&app.service, || true).await.unwrap();
}

/// The correction for whoever had the first part in `version`, counted.
async fn prepared(app: &App, version: &str) -> RunView {
    let mut ask = why();
    for (key, value) in [
        ("series", SERIES),
        ("for", "received"),
        ("had", FIRST),
        ("version", version),
        ("what", "correction"),
        ("correction", "first-part"),
    ] {
        ask[key] = json!(value);
    }
    let (status, run): (StatusCode, Value) = app.api_post("/runs", ask).await;
    assert_eq!(status, StatusCode::OK, "{run}");
    work_off(app).await;
    runs::show(&app.service, run["id"].as_i64().unwrap()).await.unwrap()
}

async fn send(app: &App, run: &RunView) -> RunView {
    let mut body = why();
    body["readers"] = json!(run.readers);
    assert_eq!(app.api_post(&format!("/runs/{}/start", run.id), body).await.0, StatusCode::OK);
    work_off(app).await;
    app.dispatch_all_due().await;
    work_off(app).await;
    runs::show(&app.service, run.id).await.unwrap()
}

fn corrections(app: &App, reader: &str) -> usize {
    app.subjects(reader).iter().filter(|subject| subject.contains("orrec")).count()
}

#[tokio::test]
async fn a_correction_goes_once_to_exactly_those_who_received_that_version() {
    let app = App::start().await;
    let [had, rests, left, speaks_spanish, came_later] =
        ["had", "rests", "left", "spanish", "later"].map(|name| format!("{name}@example.org"));
    for reader in [&had, &rests, &left, &speaks_spanish] {
        app.enroll(reader).await;
    }
    sqlx::query(
        "update enrollments e set language = 'es' from subscribers s where s.id = e.subscriber and s.normalised = $1",
    )
    .bind(&speaks_spanish)
    .execute(app.db())
    .await
    .unwrap();
    let wrong = app.service.library().version.clone();
    publish(&app, &mended()).await;
    app.enroll(&came_later).await;
    assert!(app.mails_to(&came_later)[1].text.contains("This sentence was missing."));
    assert!(app.post(&app.mails_to(&left)[1].link("unsubscribe")).await.status().is_success());
    let mut rest = why();
    rest["address"] = json!(rests);
    rest["series"] = json!(SERIES);
    assert_eq!(app.api_post("/subscribers/pause", rest).await.0, StatusCode::OK);

    let run = prepared(&app, &wrong).await;
    let found = run.dry_run.as_ref().unwrap();
    assert_eq!((run.readers, found.by_state.get("active"), found.by_state.get("paused")), (3, Some(&2), Some(&1)));

    // An editor sees it first, on the run's own page.
    let admin = &mut Browser::signed_in(&app, Role::Operator).await;
    admin.get(&app, &format!("/admin/runs/{}", run.id)).await;
    admin.post(&app, &format!("/admin/runs/{}/test", run.id), &[("to", "editor@example.org")]).await;
    app.dispatch_all_due().await;
    let test = app.mails_to("editor@example.org").pop().expect("a test");
    assert!(test.subject.contains(SUBJECT) && test.subject != SUBJECT, "it is marked: {}", test.subject);
    assert_eq!(corrections(&app, &had), 0);

    let over = send(&app, &run).await;
    assert_eq!((over.state, over.accepted), (RunState::Finished, 3));
    for (reader, times) in [(&had, 1), (&rests, 1), (&speaks_spanish, 1), (&left, 0), (&came_later, 0)] {
        assert_eq!(corrections(&app, reader), times, "{reader}");
    }
    let mail = app.mails_to(&had).pop().unwrap();
    assert_eq!(mail.subject, SUBJECT);
    assert!(mail.text.contains("One sentence was missing.") && mail.header("List-Unsubscribe-Post").is_some());
    assert!(app.mails_to(&speaks_spanish).pop().unwrap().text.contains("Faltaba una frase."));
    assert!(!mail.raw.contains("lung"), "it is the same for all");

    // Whoever asks again reaches nobody, and the series goes on as if nothing had been.
    let again = prepared(&app, &wrong).await;
    assert_eq!((again.readers, again.dry_run.unwrap().left_out.get("received")), (0, Some(&3)));
    app.live_through(days(60)).await;
    assert_eq!(app.mails_to(&had).len(), 8);
    assert_eq!(app.mails_to(&came_later).len(), 7);
    assert_eq!(app.mails_to(&rests).len(), 3, "a correction does not end a pause");
}

#[tokio::test]
async fn a_reader_who_completed_the_series_is_corrected_and_a_suppressed_one_is_not() {
    let app = App::start().await;
    for reader in ["completed@example.org", "suppressed@example.org"] {
        app.enroll(reader).await;
    }
    app.live_through(days(60)).await;
    let wrong = app.service.library().version.clone();
    publish(&app, &mended()).await;
    let mut body = why();
    body["address"] = json!(address("suppressed@example.org").normalised());
    assert_eq!(app.api_post("/subscribers/suppress", body).await.0, StatusCode::OK);
    let run = prepared(&app, &wrong).await;
    assert_eq!(run.readers, 1);
    assert_eq!(send(&app, &run).await.accepted, 1);
    assert_eq!((corrections(&app, "completed@example.org"), corrections(&app, "suppressed@example.org")), (1, 0));
}
