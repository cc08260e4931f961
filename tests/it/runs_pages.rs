//! Runs in the browser of an operator: prepared in a form, seen, tested, started by typing the number, watched, cancelled.
use regimen::actions::runs::work;
use regimen::model::Role;
use reqwest::StatusCode;

use crate::support::admins::Browser;
use crate::support::{App, SERIES};

const NEW: &str = "/admin/runs/new";

async fn operator(app: &App) -> Browser {
    let mut browser = Browser::signed_in(app, Role::Operator).await;
    assert_eq!(browser.get(app, NEW).await.0, StatusCode::OK);
    browser
}

/// Fills the form in, and goes to where it leads.
async fn prepare(app: &App, browser: &mut Browser, fields: &[(&str, &str)]) -> String {
    browser.get(app, NEW).await;
    let always = [("series", SERIES), ("why", "somebody asked for it")];
    let fields: Vec<(&str, &str)> = fields.iter().copied().chain(always).collect();
    let (status, path) = browser.post(app, "/admin/runs", &fields).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{}", browser.html);
    work::work(&app.service, || true).await.unwrap();
    assert_eq!(browser.follow(app, &path).await, StatusCode::OK);
    path
}

#[tokio::test]
async fn an_operator_prepares_a_run_sees_whom_it_reaches_tests_it_and_starts_it_with_the_number() {
    let app = App::start().await;
    for reader in ["ana@example.org", "bo@example.com", "cy@example.com"] {
        app.enroll(reader).await;
    }
    let mut browser = operator(&app).await;
    let path = prepare(&app, &mut browser, &[("for", "due_within"), ("within", "4d"), ("what", "next")]).await;
    assert!(browser.html.contains("3 readers") && browser.html.contains("<dt>example.com</dt><dd>2</dd>"));
    assert!(!browser.html.contains("ana@example.org"), "an address is shown to who asks for it");
    browser.post(&app, &format!("{path}/sample"), &[]).await;
    assert!(browser.html.contains("ana@example.org"));
    assert_eq!(app.count("select count(*) from audit_log where action = 'see sample of run'").await, 1);

    let test = [("step", "antibodies"), ("condition", "lung"), ("to", "editor@example.org")];
    let (_, said) = browser.post(&app, &format!("{path}/test"), &test).await;
    assert!(said.contains("runs-test-sent"), "{said}");
    app.dispatch_all_due().await;
    assert!(app.relay.last_to("editor@example.org").subject.to_lowercase().contains("test"));

    for wrong in ["", "three", "4"] {
        browser.get(&app, &path).await;
        assert_eq!(browser.post(&app, &format!("{path}/start"), &[("readers", wrong)]).await.0, StatusCode::CONFLICT);
    }
    let (_, said) = browser.post(&app, &format!("{path}/start"), &[("readers", " 3 ")]).await;
    assert_eq!(browser.follow(&app, &said).await, StatusCode::OK);
    assert!(browser.html.contains("data-watch") && browser.html.contains("<progress id=\"progress\" max=\"3\""));
    work::work(&app.service, || true).await.unwrap();
    app.dispatch_all_due().await;
    work::work(&app.service, || true).await.unwrap();
    browser.get(&app, &path).await;
    assert!(browser.html.contains("3 of 3 have come to an end") && !browser.html.contains("data-watch"));
    browser.get(&app, "/admin/runs").await;
    assert!(browser.html.contains("3 / 3") && browser.html.contains("somebody asked for it"));
}

#[tokio::test]
async fn what_was_typed_is_still_there_when_something_of_it_is_wrong() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let mut browser = operator(&app).await;
    for (fields, fault) in [
        (vec![("for", "reader"), ("address", "nobody@example.org"), ("what", "next")], "there is no such subscriber"),
        (vec![("for", "due_within"), ("within", "soon"), ("what", "next")], "12h or 2d"),
        (vec![("for", "filter"), ("what", "step")], "choose the step to send"),
        (vec![("for", "list"), ("addresses", "reader@example.org\nnonsense"), ("what", "next")], "no address: 2"),
        (vec![("what", "next")], "whom the run is for"),
    ] {
        browser.get(&app, NEW).await;
        let fields: Vec<(&str, &str)> = fields.into_iter().chain([("series", SERIES), ("why", "my reason")]).collect();
        assert_eq!(browser.post(&app, "/admin/runs", &fields).await.0, StatusCode::CONFLICT);
        assert!(browser.html.contains(fault) && browser.html.contains("value=\"my reason\""), "{fault}");
    }
    assert_eq!(app.count("select count(*) from runs").await, 0);
}

#[tokio::test]
async fn a_run_is_paused_resumed_and_cancelled_and_a_draft_thrown_away_on_its_page() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let mut browser = operator(&app).await;
    let reader = [("for", "reader"), ("address", "reader@example.org"), ("what", "next")];
    let path = prepare(&app, &mut browser, &reader).await;
    let (status, _) = browser.post(&app, &format!("{path}/cancel"), &[]).await;
    assert_eq!((status, app.count("select count(*) from runs").await), (StatusCode::SEE_OTHER, 0));

    let path = prepare(&app, &mut browser, &reader).await;
    browser.post(&app, &format!("{path}/start"), &[("readers", "1")]).await;
    for (verb, state) in [("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")] {
        browser.get(&app, &path).await;
        assert_eq!(browser.post(&app, &format!("{path}/{verb}"), &[]).await.0, StatusCode::CONFLICT, "say why");
        let (status, said) = browser.post(&app, &format!("{path}/{verb}"), &[("why", "a test")]).await;
        assert_eq!((status, browser.follow(&app, &said).await), (StatusCode::SEE_OTHER, StatusCode::OK));
        assert!(browser.html.contains(&format!("<span class=\"state\">{state}</span>")), "{verb}");
    }
}

#[tokio::test]
async fn a_series_is_paused_and_asks_what_becomes_of_what_fell_due() {
    let app = App::start().await;
    let mut browser = operator(&app).await;
    browser.get(&app, "/admin/runs").await;
    let path = format!("/admin/runs/series/{SERIES}");
    let (_, said) = browser.post(&app, &format!("{path}/pause"), &[("why", "a slip in part 2")]).await;
    browser.follow(&app, &said).await;
    assert!(browser.html.contains("The series is paused.") && browser.html.contains("value=\"skip\""));
    assert_eq!(browser.post(&app, &format!("{path}/resume"), &[("why", "it is mended")]).await.0, StatusCode::CONFLICT);
    let fields = [("why", "it is mended"), ("overdue", "send")];
    let (_, said) = browser.post(&app, &format!("{path}/resume"), &fields).await;
    browser.follow(&app, &said).await;
    assert!(browser.html.contains("The series goes on."));
}

#[tokio::test]
async fn looking_changes_nothing() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let mut browser = operator(&app).await;
    let path = prepare(&app, &mut browser, &[("for", "filter"), ("what", "next")]).await;
    let logged = "select count(*) from audit_log";
    let before = app.count(logged).await;
    for page in ["/admin/runs", NEW, &path] {
        assert_eq!(browser.get(&app, page).await.0, StatusCode::OK);
    }
    assert_eq!(app.count(logged).await, before);
    assert_eq!(browser.get(&app, "/admin/runs/999").await.0, StatusCode::NOT_FOUND);
}
