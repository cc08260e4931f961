//! A publisher's own server signs its readers up.
use chrono::TimeDelta;
use regimen::actions::Actor;
use regimen::actions::guards::{Limits, tokens};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::{counted, guarded, start};
use crate::support::process::{Environment, Process};
use crate::support::{App, SERIES};

fn actor() -> Actor {
    Actor::command_line("an admin", "a test")
}

fn body(email: &str) -> Value {
    json!({
        "series": SERIES, "email": email, "condition": "lung", "timezone": "Europe/Berlin",
        "consent": { "privacy_version": "p-7", "terms_version": "t-3", "at": "2026-03-02T16:59:00Z", "page": "https://news.example.org/cancer?utm=x" },
    })
}

async fn post(app: &App, token: &str, body: &Value) -> Response {
    app.http.post(format!("{}/subscribe", app.base)).bearer_auth(token).json(body).send().await.unwrap()
}

#[tokio::test]
async fn a_token_replaces_the_form_and_not_the_consent() {
    let limits = Limits { network: 1, domain: 3, ..Limits::default() };
    let app = start(regimen::actions::guards::Settings { limits, ..guarded() }).await;
    let token = tokens::create(&app.service, "a publisher", &actor()).await.unwrap();
    for email in ["a@example.org", "b@example.org"] {
        assert_eq!(post(&app, &token, &body(email)).await.status(), StatusCode::ACCEPTED, "no limit by network");
    }
    let (channel, privacy, terms, source, evidence): (String, String, String, String, Value) = sqlx::query_as(
        "select c.channel, c.privacy_version, c.terms_version, c.source, c.evidence
         from consents c join subscribers s on s.bucket = c.bucket and s.id = c.subscriber where s.address = 'a@example.org'",
    )
    .fetch_one(app.db())
    .await
    .unwrap();
    assert_eq!((channel.as_str(), privacy.as_str(), terms.as_str()), ("publisher", "p-7", "t-3"));
    assert_eq!(source, "a publisher");
    assert_eq!(evidence["page"], "https://news.example.org/cancer");
    assert_eq!(evidence["at"], "2026-03-02T16:59:00Z");
    let shown = app.api_post("/subscribers/show", json!({ "address": "a@example.org" })).await.1;
    assert_eq!(shown["consents"][0]["source"], "a publisher", "{shown}");

    let mut without = body("c@example.org");
    without.as_object_mut().unwrap().remove("consent");
    let refused = post(&app, &token, &without).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json::<Value>().await.unwrap()["errors"][0]["field"], "consent");
    let mut stale = body("c@example.org");
    stale["consent"]["at"] = json!("2026-01-01T00:00:00Z");
    let refused: Value = post(&app, &token, &stale).await.json().await.unwrap();
    assert_eq!(refused["errors"][0]["field"], "consent.at", "{refused}");
    let mut faulty = body("nobody");
    faulty["condition"] = json!("sadness");
    let refused: Value = post(&app, &token, &faulty).await.json().await.unwrap();
    assert_eq!(refused["errors"].as_array().unwrap().len(), 2, "{refused}");

    // The reader confirms as everybody does.
    app.dispatch_all_due().await;
    app.confirm("a@example.org").await;
    assert_eq!(app.count("select count(*) from enrollments where state = 'active'").await, 1);
    assert_eq!(
        app.count("select count(*) from consents where source is not null").await,
        2,
        "evidence is of the sign-up"
    );
}

#[tokio::test]
async fn a_domain_and_an_address_are_kept_to_their_limits() {
    let limits = Limits { domain: 5, ..Limits::default() };
    let app = start(regimen::actions::guards::Settings { limits, ..guarded() }).await;
    let token = tokens::create(&app.service, "a publisher", &actor()).await.unwrap();
    for _ in 0..5 {
        assert_eq!(post(&app, &token, &body("a@example.org")).await.status(), StatusCode::ACCEPTED);
    }
    let refused = post(&app, &token, &body("b@example.org")).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(app.count("select count(*) from deliveries").await, 3, "the day's confirmations to one address");
}

#[tokio::test]
async fn a_token_that_is_none_or_was_revoked_is_refused() {
    let app = start(guarded()).await;
    let token = tokens::create(&app.service, "a publisher", &actor()).await.unwrap();
    let stored: Vec<Value> =
        sqlx::query_scalar("select to_jsonb(t) from api_tokens t").fetch_all(app.db()).await.unwrap();
    assert!(!stored[0].to_string().contains(&token[8..]), "only its hash is there");
    assert_eq!(post(&app, &token, &body("a@example.org")).await.status(), StatusCode::ACCEPTED);
    let other = format!("{}x", &token[..token.len() - 1]);
    for wrong in ["", "x", other.as_str(), crate::support::TOKEN] {
        let refused = post(&app, wrong, &body("b@example.org")).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(refused.headers()["www-authenticate"], "Bearer");
    }
    let admin = app.http.get(format!("{}/api/v1/series", app.base)).bearer_auth(&token).send().await.unwrap();
    assert_eq!(admin.status(), StatusCode::UNAUTHORIZED, "it may sign up and nothing else");
    let list = tokens::list(&app.service).await.unwrap();
    assert_eq!((list[0].name.as_str(), list[0].last_used.unwrap().to_string().as_str()), ("a publisher", "2026-03-02"));

    tokens::revoke(&app.service, "a publisher", &actor()).await.unwrap();
    tokens::revoke(&app.service, "a publisher", &actor()).await.unwrap_err();
    app.advance(TimeDelta::seconds(30));
    assert_eq!(post(&app, &token, &body("b@example.org")).await.status(), StatusCode::UNAUTHORIZED);
    tokens::create(&app.service, "a publisher", &actor()).await.unwrap_err();
    assert_eq!(app.count("select count(*) from subscribers").await, 1);
    assert_eq!(app.count("select count(*) from audit_log").await, 2, "who made and revoked it");
    assert_eq!(counted(&app).await, [("unknown-api-token".to_owned(), 5)]);
}

#[tokio::test]
async fn tokens_and_counts_are_on_the_command_line() {
    let app = start(guarded()).await;
    let environment = Environment::production(&app.database_url, "smtp://127.0.0.1:9");
    let run = async |arguments: &[&str]| Process::run(arguments, &environment).await;
    let made = run(&["token", "create", "--name", "news", "--why", "a test"]).await;
    assert_eq!(made.code, Some(0), "{}", made.err);
    let token = made.out.split_whitespace().find(|word| word.starts_with("regimen_")).unwrap().to_owned();
    assert_eq!(post(&app, &token, &body("a@example.org")).await.status(), StatusCode::ACCEPTED);
    let listed = run(&["token", "list"]).await;
    assert!(
        listed.out.contains("news") && listed.out.contains("sign_up") && !listed.out.contains(&token),
        "{}",
        listed.out
    );
    assert_eq!(run(&["token", "revoke", "--name", "news", "--why", "a test"]).await.code, Some(0));
    assert_eq!(run(&["token", "revoke", "--name", "news", "--why", "a test"]).await.code, Some(1));
    assert!(run(&["token", "list"]).await.out.contains("revoked"));
    assert_eq!(post(&app, "wrong", &body("a@example.org")).await.status(), StatusCode::UNAUTHORIZED);
    regimen::actions::guards::flush(&app.service).await.unwrap();
    // The command's own clock is today's, the test's is in March 2026.
    let counts = run(&["guards", "--days", "3650"]).await;
    assert!(counts.out.contains("unknown-api-token"), "{} {}", counts.out, counts.err);
}
