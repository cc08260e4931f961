//! What owners do, done by a program: it lets people in, keeps tokens and webhooks, and reads the log of it all.
use regimen::actions::admins::{self, links, tokens};
use regimen::actions::{Actor, webhooks};
use regimen::model::{Event, MessageState, Right, Role};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::post_under;
use crate::support::admins::{by, create};
use crate::support::{App, address, days, why};

/// Where something is done about people and tokens, and about webhooks; a name stands for an id.
pub const CALLS: [&str; 8] = [
    "/admins",
    "/admins/ADMIN/role",
    "/admins/ADMIN/invite",
    "/admins/ADMIN/disable",
    "/admins/ADMIN/enable",
    "/admins/ADMIN/second-factor/off",
    "/tokens",
    "/tokens/TOKEN/revoke",
];
pub const CALLS_OF_WEBHOOKS: [&str; 8] = [
    "/webhooks",
    "/webhooks/WEBHOOK/test",
    "/webhooks/WEBHOOK/disable",
    "/webhooks/WEBHOOK/enable",
    "/webhooks/WEBHOOK/rotate",
    "/webhooks/WEBHOOK/again",
    "/webhooks/WEBHOOK/messages/MESSAGE/again",
    "/webhooks/WEBHOOK/delete",
];

/// Makes each call twice under a key: it is done once. What was shown once is in the first answer alone, and nowhere in the
/// database.
async fn done_once(app: &App, path: &str, body: &Value, shown_once: Option<&str>) -> Value {
    let first = post_under(app, path, path, body).await;
    assert_eq!((first.status(), first.headers().get("idempotency-replayed")), (StatusCode::OK, None), "{path}");
    let first: Value = first.json().await.unwrap();
    let again = post_under(app, path, path, body).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true", "{path}");
    let mut again: Value = again.json().await.unwrap();
    if let Some(field) = shown_once {
        let secret = first[field].as_str().unwrap();
        assert!(again[field].is_null(), "{path}");
        let kept = "select count(*) from once_keys where answer like '%' || $1 || '%'";
        let kept: i64 = sqlx::query_scalar(kept).bind(secret).fetch_one(app.db()).await.unwrap();
        assert_eq!(kept, 0, "{path}");
        again[field] = json!(secret);
    }
    assert_eq!(again, first, "{path}");
    first
}

#[tokio::test]
async fn somebody_is_let_in_given_a_role_and_shut_out_and_each_is_done_once() {
    let app = App::start().await;
    let [invite, role, again, disable, enable, off, add_token, revoke] = CALLS;
    let who = json!({ "address": "grace@example.org", "name": "Grace", "role": "viewer", "why": "a test" });
    let invited = done_once(&app, invite, &who, Some("link")).await;
    let id = invited["id"].as_str().unwrap();
    let of = |call: &str| call.replace("ADMIN", id);
    let link = invited["link"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
    assert_eq!(links::look(&app.service, &link).await.unwrap().unwrap().address, "grace@example.org");
    assert_eq!(app.api_post(invite, who).await.0, StatusCode::CONFLICT, "the address is taken");
    done_once(&app, &of(role), &json!({ "role": "editor", "why": "a test" }), None).await;
    done_once(&app, &of(again), &why(), Some("link")).await;
    done_once(&app, &of(disable), &why(), None).await;
    assert!(links::look(&app.service, &link).await.unwrap().is_none(), "no link is good any more");
    done_once(&app, &of(enable), &why(), None).await;
    done_once(&app, &of(off), &why(), None).await;
    let people = app.api_get("/admins").await;
    assert_eq!((&people["items"][0]["role"], &people["items"][0]["disabled_at"]), (&json!("editor"), &Value::Null));
    assert_eq!(app.api_post(&of(role), json!({ "role": "king", "why": "a test" })).await.0.as_u16(), 422);
    assert_eq!(app.api_post("/admins/x/disable", why()).await.0, StatusCode::NOT_FOUND);

    let asked = json!({ "name": "the statistics", "rights": ["figures"], "days": 30, "why": "a test" });
    let made = done_once(&app, add_token, &asked, Some("token")).await;
    let call = async || {
        let request = app.http.get(format!("{}/api/v1/series", app.base)).bearer_auth(made["token"].as_str().unwrap());
        request.send().await.unwrap().status()
    };
    assert_eq!(call().await, StatusCode::OK);
    let listed = app.api_get("/tokens").await.to_string();
    assert!(listed.contains("the statistics") && !listed.contains(made["token"].as_str().unwrap()), "{listed}");
    done_once(&app, &revoke.replace("TOKEN", made["id"].as_str().unwrap()), &why(), None).await;
    assert_eq!(call().await, StatusCode::UNAUTHORIZED);
    for (asked, status) in [
        (json!({ "name": "x", "rights": ["everything"], "why": "a test" }), 422),
        (json!({ "name": "x", "rights": [], "why": "a test" }), 409),
        (json!({ "name": "x", "rights": ["figures"], "days": 0, "why": "a test" }), 422),
    ] {
        assert_eq!(app.api_post(add_token, asked).await.0.as_u16(), status);
    }
}

#[tokio::test]
async fn what_a_token_makes_ends_with_the_one_who_made_the_token() {
    let app = App::start().await;
    let maker = create(&app.service, "maker@example.org", Role::Owner).await;
    create(&app.service, "other@example.org", Role::Owner).await;
    let actor = Actor::admin(maker, "Ada Example", [127, 0, 0, 1].into());
    let first = tokens::make(&app.service, "a program", &[Right::People], Some(days(2)), &actor).await.unwrap().token;
    let call = async |token: &str, method: Method, path: &str, body: Value| {
        let request = app.http.request(method, format!("{}/api/v1{path}", app.base)).bearer_auth(token).json(&body);
        request.send().await.unwrap()
    };
    let asked = json!({ "name": "its own", "rights": ["people"], "days": 30, "why": "a test" });
    let made: Value = call(&first, Method::POST, "/tokens", asked).await.json().await.unwrap();
    let second = made["token"].as_str().unwrap();
    let is_good = async || call(second, Method::GET, "/tokens", json!({})).await.status() == StatusCode::OK;
    assert!(is_good().await);
    assert_eq!(app.count("select count(distinct expires_at) from admin_tokens").await, 1, "no longer than the first");
    admins::disable(&app.service, maker, &by()).await.unwrap();
    assert!(!is_good().await);
}

#[tokio::test]
async fn a_webhook_is_made_tried_given_a_new_secret_and_deleted_and_each_is_done_once() {
    let app = App::start().await;
    let [add, test, disable, enable, rotate, again, message_again, delete] = CALLS_OF_WEBHOOKS;
    let asked = json!({ "name": "our CRM", "url": "https://crm.example.org/hooks", "events": ["reader.confirmed"], "why": "a test" });
    let made = done_once(&app, add, &asked, Some("secret")).await;
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let id = made["id"].as_str().unwrap();
    let of = |call: &str| call.replace("WEBHOOK", id);
    done_once(&app, &of(test), &why(), None).await;
    let log = app.api_get(&format!("/webhooks/{id}/messages?state=pending")).await;
    let [message] = log["items"].as_array().unwrap().as_slice() else { panic!("{log}") };
    assert_eq!(message["event"], "webhook.test");
    done_once(&app, &of(disable), &why(), None).await;
    let listed = app.api_get(&format!("/webhooks/{id}")).await;
    assert_eq!((&listed["disabled_because"], &listed["pending"]), (&json!("admin"), &json!(1)));
    done_once(&app, &of(enable), &why(), None).await;
    let rotated = done_once(&app, &of(rotate), &why(), Some("secret")).await;
    assert_ne!(rotated["secret"], made["secret"]);
    // It was given up.
    sqlx::query("update webhook_messages set state = 'failed', done_at = at").execute(app.db()).await.unwrap();
    assert_eq!(done_once(&app, &of(again), &why(), None).await["messages"], 1);
    sqlx::query("update webhook_messages set state = 'failed', done_at = at").execute(app.db()).await.unwrap();
    let one = of(message_again).replace("MESSAGE", message["id"].as_str().unwrap());
    assert_eq!(done_once(&app, &one, &why(), None).await["messages"], 1);
    let log = webhooks::log(&app.service, id.parse().unwrap(), Some(MessageState::Pending), None).await.unwrap();
    assert_eq!(log.items[0].event, Event::Test.as_str());
    done_once(&app, &of(delete), &why(), None).await;
    assert!(app.api_get("/webhooks").await["items"].as_array().unwrap().is_empty());
    assert_eq!(app.api(Method::GET, &of("/webhooks/WEBHOOK")).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    for (asked, status) in [
        (json!({ "name": "x", "url": "ftp://crm.example.org", "why": "a test" }), 409),
        (json!({ "name": "x", "url": "https://crm.example.org", "events": ["reader.sneezed"], "why": "a test" }), 422),
        (json!({ "name": "x", "url": "https://crm.example.org", "series": ["none"], "why": "a test" }), 404),
    ] {
        let (answered, body) = app.api_post(add, asked).await;
        assert_eq!(answered.as_u16(), status, "{body}");
    }
}

#[tokio::test]
async fn the_audit_log_is_searched_page_by_page() {
    let app = App::start().await;
    for number in 0..60 {
        let body = json!({ "address": format!("reader{number}@example.org"), "who": "an operator", "why": "a test" });
        assert_eq!(app.api_post("/subscribers/suppress", body).await.0, StatusCode::OK);
    }
    tokens::make(&app.service, "other", &[Right::Figures], None, &by()).await.unwrap();
    let first = app.api_get("/audit?who=an+op&action=suppress&from=2026-03-02&until=2026-03-02").await;
    assert_eq!(first["items"].as_array().unwrap().len(), 50);
    assert_eq!(
        (&first["items"][0]["actor_name"], &first["items"][0]["reason"]),
        (&json!("an operator"), &json!("a test"))
    );
    let next = first["next"].as_str().unwrap();
    let second = app.api_get(&format!("/audit?who=an+op&action=suppress&after={next}")).await;
    assert_eq!((second["items"].as_array().unwrap().len(), &second["next"]), (10, &Value::Null));
    assert!(app.api_get("/audit?from=2026-03-03").await["items"].as_array().unwrap().is_empty());
    for (query, status) in
        [("after=x", 422), ("who=%00", 422), ("from=yesterday", 400), ("until=-9999-01-01", 422), ("whom=x", 400)]
    {
        let answered = app.api(Method::GET, &format!("/audit?{query}")).send().await.unwrap();
        assert_eq!(answered.status().as_u16(), status, "{query}");
    }
    assert!(address("reader0@example.org").as_typed().contains('@') && !first.to_string().contains("reader0@"));
}
