//! What admins do: look, trigger, pause, test.
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{App, SERIES, days, why};

fn with(mut body: Value, pairs: &[(&str, Value)]) -> Value {
    for (key, value) in pairs {
        body[*key] = value.clone();
    }
    body
}

#[tokio::test]
async fn without_the_token_nothing_is_shown_or_done() {
    let app = App::start().await;
    for (method, path) in [
        (Method::GET, "/subscribers"),
        (Method::GET, "/deliveries"),
        (Method::POST, "/send/due"),
        (Method::GET, "/nothing"),
    ] {
        for token in ["", "wrong", "an-admin-token-for-the-tests-only-012345678"] {
            let request = app.http.request(method.clone(), format!("{}/api/v1{path}", app.base)).bearer_auth(token);
            assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
        }
    }
}

#[tokio::test]
async fn an_admin_sees_readers_and_their_history_but_not_their_condition() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    app.sign_up("other@example.org").await;
    let list = app.api_get("/subscribers?state=active").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["address"], "reader@example.org");
    let (status, dossier) = app.api_post("/subscribers/show", json!({ "address": "Reader@Example.org" })).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        dossier["deliveries"].as_array().unwrap().len(),
        3,
        "confirmation, first part, and the second that waits"
    );
    assert_eq!(dossier["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(dossier["consents"].as_array().unwrap().len(), 2);
    assert!(!dossier.to_string().contains("melanoma"));
    assert_eq!(
        app.api_post("/subscribers/show", json!({ "address": "nobody@example.org" })).await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn lists_go_on_page_by_page() {
    let app = App::start().await;
    for number in 0..5 {
        app.sign_up(&format!("reader{number}@example.org")).await;
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut path = "/subscribers?limit=2".to_owned();
    loop {
        let page = app.api_get(&path).await;
        for item in page["items"].as_array().unwrap() {
            assert!(seen.insert(item["address"].as_str().unwrap().to_owned()), "none twice");
        }
        match page["next"].as_str() {
            Some(next) => path = format!("/subscribers?limit=2&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 5);
    let bad = app.api(Method::GET, "/subscribers?after=x").send().await.unwrap();
    assert_eq!(bad.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_dry_run_says_how_many_and_changes_nothing_and_the_run_is_recorded() {
    let app = App::start().await;
    for number in 0..3 {
        app.enroll(&format!("reader{number}@example.org")).await;
    }
    let body = with(why(), &[("series", json!(SERIES)), ("within", json!("4d"))]);
    let (_, dry) = app.api_post("/send/due", with(body.clone(), &[("dry_run", json!(true))])).await;
    assert_eq!((&dry["readers"], &dry["run"]), (&json!(3), &json!(null)));
    app.dispatch_all_due().await;
    assert_eq!(app.relay.taken().len(), 6);
    let (_, run) = app.api_post("/send/due", body.clone()).await;
    assert_eq!(run["readers"], 3);
    app.dispatch_all_due().await;
    assert_eq!(app.relay.taken().len(), 9);
    let runs = app.api_get("/runs").await;
    assert_eq!((&runs["items"][0]["who"], &runs["items"][0]["accepted"]), (&json!("an editor"), &json!(3)));
    // The rest of the series follows from these copies; nothing is sent twice.
    app.live_through(days(40)).await;
    assert_eq!(app.relay.taken().len(), 3 * 7);
    assert_eq!(app.api_post("/send/due", with(body, &[("why", json!(""))])).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_next_step_goes_to_one_reader_now_and_never_twice() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    app.enroll("other@example.org").await;
    let body = with(why(), &[("series", json!(SERIES)), ("address", json!("reader@example.org"))]);
    assert_eq!(app.api_post("/send/next", body.clone()).await.0, StatusCode::OK);
    assert_eq!(app.api_post("/send/next", body.clone()).await.0, StatusCode::CONFLICT, "it is on its way");
    app.dispatch_all_due().await;
    assert_eq!((app.mails_to("reader@example.org").len(), app.mails_to("other@example.org").len()), (3, 2));
    app.live_through(days(40)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), 7);
    assert_eq!(app.api_post("/send/next", body).await.0, StatusCode::CONFLICT, "nothing waits any more");
}

#[tokio::test]
async fn a_paused_series_sends_nothing_and_goes_on_later_without_a_burst() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let path = format!("/series/{SERIES}");
    assert_eq!(app.api_post(&format!("{path}/pause"), why()).await.0, StatusCode::OK);
    assert_eq!(app.api_post(&format!("{path}/pause"), why()).await.0, StatusCode::CONFLICT);
    app.sign_up("late@example.org").await;
    app.live_through(days(10)).await;
    assert_eq!(app.relay.taken().len(), 2);
    let body = with(why(), &[("series", json!(SERIES)), ("address", json!("reader@example.org"))]);
    app.api_post("/send/next", body).await;
    app.dispatch_all_due().await;
    assert_eq!(app.relay.taken().len(), 2, "a trigger does not lift a pause");
    assert_eq!(app.api_get("/health").await["overdue"], 0, "a pause is not silence");
    assert_eq!(app.api_post(&format!("{path}/resume"), why()).await.0, StatusCode::OK);
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("late@example.org").len(), 1);
    app.live_through(days(40)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), 7);
}

#[tokio::test]
async fn an_admin_pauses_and_resumes_one_reader() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    app.enroll("other@example.org").await;
    let body = with(why(), &[("series", json!(SERIES)), ("address", json!("reader@example.org"))]);
    assert_eq!(app.api_post("/subscribers/pause", body.clone()).await.0, StatusCode::OK);
    app.live_through(days(10)).await;
    assert_eq!((app.mails_to("reader@example.org").len(), app.mails_to("other@example.org").len()), (2, 5));
    assert_eq!(app.api_post("/subscribers/resume", body.clone()).await.0, StatusCode::OK);
    app.live_through(days(4)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), 3);
    assert_eq!(app.api_post("/subscribers/resume", body).await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_test_goes_only_to_an_editor_and_stands_outside_the_books() {
    let app = App::start().await;
    let test = |to: &str| {
        with(
            why(),
            &[
                ("series", json!(SERIES)),
                ("step", json!("antibodies")),
                ("condition", json!("lung")),
                ("to", json!(to)),
            ],
        )
    };
    assert_eq!(app.api_post("/send/test", test("reader@example.org")).await.0, StatusCode::CONFLICT);
    let (status, sent) = app.api_post("/send/test", test("editor@example.org")).await;
    assert_eq!(status, StatusCode::OK);
    app.dispatch_all_due().await;
    let mail = app.relay.last_to("editor@example.org");
    assert!(mail.subject.to_lowercase().contains("test"), "{}", mail.subject);
    let id = sent["id"].as_str().unwrap();
    let outcome = app.api_get(&format!("/send/test/{id}")).await;
    assert!(outcome["outcome"].as_str().unwrap().starts_with("accepted"), "{outcome}");
    assert_eq!(app.count("select count(*) from deliveries").await, 0);
}

#[tokio::test]
async fn a_step_is_previewed_for_a_condition() {
    let app = App::start().await;
    let preview = async |condition: &str| {
        app.api_post(
            &format!("/series/{SERIES}/preview"),
            json!({ "step": "checkpoint-inhibitors", "condition": condition }),
        )
        .await
    };
    let (status, lung) = preview("lung").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        lung["html"].as_str().unwrap().starts_with("<!DOCTYPE html>")
            || lung["html"].as_str().unwrap().starts_with("<!doctype html>")
    );
    assert_ne!(lung["text"], preview("kidney").await.1["text"]);
    assert_eq!(preview("sadness").await.0, StatusCode::NOT_FOUND);
    assert_eq!(app.api_get("/series").await["items"][0]["steps"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn overdue_work_that_nobody_paused_is_loud() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    assert_eq!(app.api_get("/health").await["overdue"], 0);
    app.advance(days(4));
    assert_eq!(app.api_get("/health").await["overdue"], 1);
    let ready: Value = app.get("/readyz").await.json().await.unwrap();
    assert_eq!(ready["overdue"], 1, "{ready}");
    assert_eq!(app.get("/healthz").await.status(), StatusCode::OK);
}
