//! The API as a program meets it: it says what it can do, tells what is wrong, does a call once, and bounds what one token
//! may ask.
use std::collections::BTreeSet;

use regimen::actions::{Actor, once, series};
use regimen::model::SeriesSlug;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{App, SERIES, Setup, days, why};
use crate::{api_people, port_upload};

async fn problem(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{status}");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status, "{body}");
    assert!(body["title"].is_string() && body["detail"].is_string(), "{body}");
    (status, body.to_string())
}

pub async fn post_under(app: &App, key: &str, path: &str, body: &Value) -> Response {
    app.api(Method::POST, path).header("Idempotency-Key", key).json(body).send().await.unwrap()
}

#[tokio::test]
async fn the_description_lists_every_call_and_every_status() {
    let app = App::start().await;
    let document: Value = app.get("/api/v1/openapi.json").await.json().await.unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let mut calls = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, call) in methods.as_object().unwrap() {
            calls += 1;
            let answers: BTreeSet<&str> = call["responses"].as_object().unwrap().keys().map(String::as_str).collect();
            for status in ["200", "401", "403", "429", "500", "503"] {
                assert!(answers.contains(status), "{method} {path} has no {status}");
            }
            let has_key = call["parameters"].to_string().contains("Idempotency-Key");
            let changes = method == "post"
                && !["/preview", "/show", "/export", "/search", "/mail", "/upload"]
                    .iter()
                    .any(|end| path.ends_with(end));
            assert_eq!(has_key, changes, "{method} {path}");
            // What is described is there: without a token each of them says so, and nothing else.
            let url = format!("{}/api/v1{path}", app.base).replace("{slug}", SERIES).replace("{id}", "x");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            assert_eq!(
                app.http.request(method, url).send().await.unwrap().status(),
                StatusCode::UNAUTHORIZED,
                "{path}"
            );
        }
    }
    assert_eq!(calls, 69);
    let text = document.to_string();
    for (at, _) in text.match_indices("\"$ref\":\"#/components/schemas/") {
        let name = text[at..].split('"').nth(3).unwrap().rsplit('/').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name} is described nowhere");
    }
}

#[tokio::test]
async fn the_description_can_be_read_as_a_page_without_scripts() {
    let app = App::start().await;
    let response = app.get("/api/v1/docs").await;
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    let html = response.text().await.unwrap();
    assert!(!html.contains("<script") && !html.contains("style="), "{html}");
    for words in ["Pause one reader", "POST /api/v1/subscribers/pause", "Idempotency-Key", "query, integer, 1 to 500"] {
        assert!(html.contains(words), "{words} in {html}");
    }
    let targets: Vec<&str> = html.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(targets.len() > 100 && targets.contains(&"shape-DeliveryLine"), "{targets:?}");
    for target in targets {
        assert!(html.contains(&format!("id=\"{target}\"")), "{target} is nowhere");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_told_as_a_problem() {
    let app = App::start().await;
    let with_more = json!({ "address": "a@example.org", "series": SERIES, "why": "a test", "adress": "b@example.org" });
    let pause = |body: Value| app.api(Method::POST, "/subscribers/pause").json(&body).send();
    let (status, text) = problem(pause(with_more).await.unwrap()).await;
    assert_eq!(status, 400);
    assert!(text.contains("unknown field `adress`") && text.contains("expected one of"), "{text}");
    let (status, text) = problem(pause(json!({ "address": "a@example.org", "series": SERIES })).await.unwrap()).await;
    assert!(status == 422 && text.contains(r#""field":"why""#), "{text}");
    let (status, text) = problem(pause(json!({ "address": "nobody", "why": "a test" })).await.unwrap()).await;
    assert!(status == 422 && text.contains(r#""field":"address""#), "{text}");

    let as_list = pause(json!(["reader@example.org", SERIES, "an operator", "a test"])).await.unwrap();
    let (status, text) = problem(as_list).await;
    assert!(status == 400 && text.contains("expected an object"), "{text}");
    let twice = r#"{ "address": "a@example.org", "address": "b@example.org", "why": "a test" }"#;
    let twice = app.api(Method::POST, "/subscribers/suppress").header("content-type", "application/json").body(twice);
    let (status, text) = problem(twice.send().await.unwrap()).await;
    assert!(status == 400 && text.contains("duplicate field"), "{text}");

    let plain = app.api(Method::POST, "/subscribers/pause").body("{}").send().await.unwrap();
    assert_eq!(problem(plain).await.0, 415);
    let broken = app.api(Method::POST, "/send/due").header("content-type", "application/json").body("{").send().await;
    assert_eq!(problem(broken.unwrap()).await.0, 400);
    let large = json!({ "address": "a".repeat(40_000) });
    assert_eq!(problem(pause(large).await.unwrap()).await.0, 413);

    for (path, expected) in [
        ("/deliveries?limit=0", 422),
        ("/deliveries?limit=501", 422),
        ("/deliveries?limit=-1", 422),
        ("/deliveries?limit=many", 400),
        ("/deliveries?state=lost", 422),
        ("/deliveries?status=pending", 400),
        ("/deliveries?after=x", 422),
        ("/subscribers?after=x", 422),
        ("/runs?after=x", 422),
        ("/guards?days=0", 422),
        ("/series/none-such", 404),
        ("/series/%ff", 400),
        ("/send/test/00000000-0000-0000-0000-000000000000", 404),
        ("/none-such", 404),
    ] {
        let answered = problem(app.api(Method::GET, path).send().await.unwrap()).await;
        assert_eq!(answered.0, expected, "{path}: {}", answered.1);
    }
    let wrong = app.api(Method::DELETE, "/series").send().await.unwrap();
    assert_eq!(wrong.headers()["allow"], "GET,HEAD");
    assert_eq!(problem(wrong).await.0, 405);
}

#[tokio::test]
async fn runs_go_on_page_by_page() {
    let app = App::start().await;
    let body = json!({ "series": SERIES, "within": "1d", "why": "a test" });
    for _ in 0..5 {
        assert_eq!(app.api_post("/send/due", body.clone()).await.0, StatusCode::OK);
    }
    let (mut path, mut seen) = ("/runs?limit=2".to_owned(), Vec::new());
    loop {
        let page = app.api_get(&path).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|run| run["id"].as_i64().unwrap()));
        match page["next"].as_str() {
            Some(next) => path = format!("/runs?limit=2&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn a_call_under_a_key_is_done_once_and_answered_alike() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let body = json!({ "series": SERIES, "address": "reader@example.org", "why": "a test" });
    let first = post_under(&app, "\"one\"", "/send/next", &body).await;
    assert_eq!((first.status(), first.headers().get("idempotency-replayed")), (StatusCode::OK, None));
    let first = first.text().await.unwrap();
    app.dispatch_all_due().await;
    // Its answer was lost; made again, it would send the step after that.
    let again = post_under(&app, "one", "/send/next", &body).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.headers()["content-type"], "application/json");
    assert_eq!(again.text().await.unwrap(), first);
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("reader@example.org").len(), 3);
    assert_eq!(app.count("select count(*) from runs").await, 1);

    let other = json!({ "series": SERIES, "address": "other@example.org", "why": "a test" });
    let (status, text) = problem(post_under(&app, "one", "/send/next", &other).await).await;
    assert!(status == 422 && text.contains("Idempotency-Key"), "{text}");
    assert_eq!(problem(post_under(&app, "one", "/subscribers/pause", &body).await).await.0, 422, "another call");
    assert_eq!(problem(post_under(&app, "a b", "/send/next", &body).await).await.0, 400);
    // Another key is another call, and so is the same one a day later.
    assert_eq!(post_under(&app, "two", "/send/next", &body).await.status(), StatusCode::OK);
    app.advance(days(1) + chrono::TimeDelta::seconds(1));
    regimen::actions::tidy::forget_unconfirmed(&app.service).await.unwrap();
    assert_eq!(app.count("select count(*) from once_keys").await, 0);
}

#[tokio::test]
async fn every_call_that_changes_something_keeps_to_its_key() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let address = json!({ "address": "reader@example.org", "why": "a test" });
    let reader = json!({ "address": "reader@example.org", "series": SERIES, "why": "a test" });
    let step = |step| json!({ "address": "reader@example.org", "series": SERIES, "step": step, "why": "a test" });
    let due = json!({ "series": SERIES, "within": "4d", "why": "a test" });
    let to = json!({ "series": SERIES, "step": "antibodies", "condition": "lung", "to": "editor@example.org", "why": "a test" });
    let (pause, resume) = (format!("/series/{SERIES}/pause"), format!("/series/{SERIES}/resume"));
    let calls = [
        ("/subscribers/pause", &reader),
        ("/subscribers/resume", &reader),
        ("/send/next", &reader),
        ("/send/due", &due),
        ("/send/test", &to),
        (&pause, &why()),
        (&resume, &why()),
        ("/subscribers/resend", &step("what-is-immunotherapy")),
        ("/subscribers/move", &step("cancer-vaccines")),
        ("/subscribers/unsubscribe", &reader),
        ("/subscribers/suppress", &address),
        ("/subscribers/unsuppress", &address),
        ("/subscribers/erase", &address),
    ];
    for (path, body) in calls {
        let first = post_under(&app, path, path, body).await;
        assert_eq!((first.status(), first.headers().get("idempotency-replayed")), (StatusCode::OK, None), "{path}");
        let again = post_under(&app, path, path, body).await;
        assert_eq!(again.headers()["idempotency-replayed"], "true", "{path}");
        assert_eq!(again.text().await.unwrap(), first.text().await.unwrap(), "{path}");
    }
    let document: Value = app.get("/api/v1/openapi.json").await.json().await.unwrap();
    let keys = document.to_string().matches("Idempotency-Key").count();
    assert_eq!(
        keys,
        calls.len()
            + CALLS_OF_RUNS.len()
            + 1
            + api_people::CALLS.len()
            + api_people::CALLS_OF_WEBHOOKS.len()
            + port_upload::CALLS.len(),
        "one is missing here, or there"
    );
    assert_eq!(app.count("select count(*) from test_sends").await, 1);
}

/// What can be done with a run that was prepared.
const CALLS_OF_RUNS: [&str; 5] = ["test", "start", "pause", "resume", "cancel"];

#[tokio::test]
async fn and_so_does_every_call_about_a_run() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let ask = json!({ "series": SERIES, "for": "due_within", "within": "4d", "what": "next", "why": "a test" });
    let first = post_under(&app, "prepare", "/runs", &ask).await;
    assert_eq!(first.status(), StatusCode::OK);
    let again = post_under(&app, "prepare", "/runs", &ask).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    let run: Value = first.json().await.unwrap();
    assert_eq!(again.json::<Value>().await.unwrap(), run);
    let id = run["id"].as_i64().unwrap();
    regimen::actions::runs::work_now(&app.service, id).await.unwrap();
    for call in CALLS_OF_RUNS {
        let mut body = why();
        match call {
            "test" => {
                body["to"] = json!("editor@example.org");
                (body["step"], body["condition"]) = (json!("antibodies"), json!("lung"));
            }
            "start" => body["readers"] = json!(1),
            _ => {}
        }
        let path = format!("/runs/{id}/{call}");
        let first = post_under(&app, call, &path, &body).await;
        assert_eq!((first.status(), first.headers().get("idempotency-replayed")), (StatusCode::OK, None), "{call}");
        let again = post_under(&app, call, &path, &body).await;
        assert_eq!(again.headers()["idempotency-replayed"], "true", "{call}");
    }
    assert_eq!(app.count("select count(*) from runs").await, 1);
    assert_eq!(app.count("select count(*) from test_sends").await, 1);
}

#[tokio::test]
async fn a_key_of_a_call_that_came_to_nothing_is_free_again() {
    let app = App::start().await;
    let path = format!("/series/{SERIES}/resume");
    assert_eq!(problem(post_under(&app, "one", &path, &why()).await).await.0, 409, "it is not paused");
    assert_eq!(app.count("select count(*) from once_keys").await, 0);
    assert_eq!(app.api_post(&format!("/series/{SERIES}/pause"), why()).await.0, StatusCode::OK);
    assert_eq!(post_under(&app, "one", &path, &why()).await.status(), StatusCode::OK);
    assert_eq!(post_under(&app, "one", &path, &why()).await.status(), StatusCode::OK, "the same answer as before");
    let dry = json!({ "series": SERIES, "within": "1d", "why": "a test", "dry_run": true });
    for _ in 0..2 {
        assert_eq!(post_under(&app, "dry", "/send/due", &dry).await.headers().get("idempotency-replayed"), None);
    }
}

/// Of two tries that think they have the call, one writes.
#[tokio::test]
async fn a_try_that_was_taken_over_changes_nothing_any_more() {
    let app = App::start().await;
    let slug = SeriesSlug::parse(SERIES).unwrap();
    let begin = async || once::begin(&app.service, b"a token", "one", b"pause it").await.unwrap();
    let by = |call: once::Call| Actor::command_line("an editor", "a test").under(Some(call));
    let once::Begun::Now(first) = begin().await else { panic!("it is new") };
    assert!(matches!(begin().await, once::Begun::UnderWay), "nobody else is let in meanwhile");
    // The process that had it was killed, or is slower than a request may be.
    app.advance(chrono::TimeDelta::seconds(61));
    let once::Begun::Now(second) = begin().await else { panic!("it was broken off") };
    assert!(series::pause(&app.service, &slug, &by(first)).await.is_err());
    assert_eq!(app.count("select count(*) from series where state = 'paused'").await, 0, "undone with its transaction");
    assert_eq!(app.count("select count(*) from audit_log").await, 0);
    series::pause(&app.service, &slug, &by(second)).await.unwrap();
    let once::Begun::Before(answer) = begin().await else { panic!("it is done") };
    assert_eq!(answer, r#"{"done":true}"#);
}

#[tokio::test]
async fn what_is_kept_of_a_call_names_nobody() {
    let app = App::start().await;
    let body = json!({ "address": "reader@example.org", "why": "a test" });
    assert_eq!(post_under(&app, "reader@example.org", "/subscribers/suppress", &body).await.status(), StatusCode::OK);
    let row: String =
        sqlx::query_scalar("select row_to_json(k)::text from once_keys k").fetch_one(app.db()).await.unwrap();
    assert!(!row.contains("reader") && row.contains(r#"{\"done\":true}"#), "{row}");
}

#[tokio::test]
async fn a_token_has_so_many_calls_in_a_minute() {
    let app = App::start_with(Setup { calls_per_minute: 3, ..Setup::default() }).await;
    let ask = || app.api(Method::GET, "/health").send();
    for left in ["2", "1", "0"] {
        let response = ask().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["ratelimit-policy"], "\"minute\";q=3;w=60");
        assert_eq!(response.headers()["ratelimit"], format!("\"minute\";r={left};t=60").as_str());
    }
    let refused = ask().await.unwrap();
    assert_eq!(refused.headers()["retry-after"], "60");
    assert_eq!(problem(refused).await.0, 429);
    // Who has no token uses up nobody's calls, and readers are not counted.
    assert_eq!(app.get("/api/v1/health").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(app.get("/").await.status(), StatusCode::OK);
    app.advance(chrono::TimeDelta::minutes(1));
    assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
}
