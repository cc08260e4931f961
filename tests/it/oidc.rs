//! Admins who sign in at an identity provider, and everybody who must not get in that way.
use std::collections::BTreeMap;

use regimen::actions::admins;
use regimen::model::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::support::admins::{Browser, by, code, create};
use crate::support::provider::{CLIENT, Provider, Signed};
use crate::support::{App, Setup, minutes};

const ADA: &str = "ada@example.org";

async fn start(trust_second_factor: bool) -> (App, Provider) {
    let provider = Provider::start().await;
    let setup = Setup { oidc: Some(provider.settings(trust_second_factor)), ..Setup::default() };
    (App::start_with(setup).await, provider)
}

/// What the browser brings to the provider.
async fn go(app: &App, browser: &mut Browser, next: &str) -> BTreeMap<String, String> {
    browser.get(app, "/admin/sign-in").await;
    assert!(browser.html.contains("Sign in with Example Login"));
    let token = browser.form_token();
    let fields = [("form_token", token.as_str()), ("next", next)];
    let request = browser.request(app, Method::POST, "/admin/sign-in/elsewhere").form(&fields);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let refresh = response.headers()["refresh"].to_str().unwrap().to_owned();
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly; SameSite=Lax; Max-Age=600; Secure"), "{cookie}");
    let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
    browser.cookies.insert(name.to_owned(), value.to_owned());
    let url = Url::parse(refresh.strip_prefix("0; url=").unwrap()).unwrap();
    let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    let plain = [("realm", "one"), ("response_type", "code"), ("client_id", CLIENT), ("code_challenge_method", "S256")];
    assert!(plain.iter().all(|(name, value)| asked[*name] == *value), "{asked:?}");
    asked
}

/// What the provider says of somebody.
fn claims(app: &App, provider: &Provider, asked: &BTreeMap<String, String>) -> Value {
    let now = app.service.clock().real().timestamp();
    json!({
        "iss": provider.issuer, "aud": CLIENT, "sub": "1", "nonce": asked["nonce"], "iat": now, "exp": now + 300,
        "email": ADA, "email_verified": true,
    })
}

async fn back(app: &App, browser: &mut Browser, state: &str, code: &str) -> (StatusCode, String) {
    let query =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs([("state", state), ("code", code)]).finish();
    browser.get(app, &format!("/admin/sign-in/back?{query}")).await
}

/// The whole way with altered claims.
async fn tried(app: &App, provider: &Provider, signed: Signed, alter: impl Fn(&mut Value)) -> StatusCode {
    let browser = &mut Browser::default();
    let asked = go(app, browser, "/admin").await;
    let mut claims = claims(app, provider, &asked);
    alter(&mut claims);
    let code = provider.code_for(&asked["code_challenge"], claims, signed);
    let (status, _) = back(app, browser, &asked["state"], &code).await;
    assert_eq!(browser.session().is_some(), status == StatusCode::SEE_OTHER);
    status
}

#[tokio::test]
async fn an_admin_who_was_invited_signs_in_and_comes_to_the_page_they_wanted() {
    let (app, provider) = start(false).await;
    // No password was ever chosen.
    admins::create(&app.service, &crate::support::address(ADA), "Ada Example", Role::Operator, &by()).await.unwrap();
    let browser = &mut Browser::default();
    let asked = go(&app, browser, "/admin/readers").await;
    let code = provider.code_for(&asked["code_challenge"], claims(&app, &provider, &asked), Signed::Well);
    let head = browser.request(&app, Method::HEAD, &format!("/admin/sign-in/back?state={}&code=x", asked["state"]));
    assert_eq!(head.send().await.unwrap().status(), StatusCode::NOT_FOUND, "only a GET uses it up");
    let (status, location) = back(&app, browser, &asked["state"], &code).await;
    assert_eq!((status, location.as_str()), (StatusCode::SEE_OTHER, "/admin/readers"));
    assert_eq!(browser.get(&app, "/admin/readers").await.0, StatusCode::OK);
    let log = "select count(*) from audit_log where action in ('identity provider vouches', 'sign in')";
    assert_eq!(app.count(log).await, 2);
    let rows = format!("{:?}", crate::manage_fresh::all_rows(&app).await);
    assert!(!rows.contains(&asked["nonce"]) && !rows.contains(&asked["state"]), "no row holds what goes along");
    assert_eq!(app.count("select count(*) from admin_elsewhere").await, 0);
}

#[tokio::test]
async fn the_second_step_is_asked_for_unless_the_provider_is_trusted_with_it() {
    for trusted in [false, true] {
        let (app, provider) = start(trusted).await;
        create(&app.service, ADA, Role::Owner).await;
        let (_, secret, _) = crate::admins::with_second_factor(&app).await;
        let browser = &mut Browser::default();
        let asked = go(&app, browser, "/admin/people").await;
        let given = provider.code_for(&asked["code_challenge"], claims(&app, &provider, &asked), Signed::Well);
        let (_, location) = back(&app, browser, &asked["state"], &given).await;
        if trusted {
            assert_eq!(location, "/admin/people");
        } else {
            assert_eq!(location, "/admin/second-factor?next=%2Fadmin%2Fpeople");
            assert_eq!(browser.get(&app, "/admin/people").await.0, StatusCode::SEE_OTHER, "not yet");
            app.advance(minutes(1));
            browser.follow(&app, &location).await;
            let (_, on) = browser.post(&app, "/admin/second-factor", &[("code", &code(&app, &secret))]).await;
            assert_eq!(on, "/admin");
        }
        assert_eq!(browser.get(&app, "/admin/people").await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_token_that_is_not_for_this_sign_in_lets_nobody_in() {
    let (app, provider) = start(false).await;
    create(&app.service, ADA, Role::Owner).await;
    let well = Signed::Well;
    assert_eq!(tried(&app, &provider, well, |_| {}).await, StatusCode::SEE_OTHER);
    let now = app.service.clock().real().timestamp();
    let alterations: [(&str, Value); 13] = [
        ("nonce", json!("another")),
        ("nonce", Value::Null),
        ("aud", json!("another")),
        ("aud", json!([CLIENT, "another"])),
        ("azp", json!("another")),
        ("iss", json!("https://login.example.org")),
        ("iss", Value::Null),
        ("exp", json!(now - 120)),
        ("iat", json!(now + 120)),
        ("email_verified", json!(false)),
        ("email_verified", Value::Null),
        ("email", json!("nobody@example.org")),
        ("email", Value::Null),
    ];
    for (claim, value) in alterations {
        let status = tried(&app, &provider, well, |claims| match &value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
            value => claims[claim] = value.clone(),
        });
        assert_eq!(status.await, StatusCode::UNPROCESSABLE_ENTITY, "{claim} {value}");
    }
    for signed in [Signed::WithAnotherKey, Signed::Not, Signed::WithThePublicKey] {
        assert_eq!(tried(&app, &provider, signed, |_| {}).await, StatusCode::UNPROCESSABLE_ENTITY, "{signed:?}");
    }
    let both = |claims: &mut Value| (claims["aud"], claims["azp"]) = (json!([CLIENT, "another"]), json!(CLIENT));
    assert_eq!(tried(&app, &provider, well, both).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_state_is_good_once_in_the_browser_that_has_it_and_for_ten_minutes() {
    let (app, provider) = start(false).await;
    create(&app.service, ADA, Role::Owner).await;
    let code_for = |asked: &BTreeMap<String, String>| {
        provider.code_for(&asked["code_challenge"], claims(&app, &provider, asked), Signed::Well)
    };
    let (mut ada, mut eve) = (Browser::default(), Browser::default());
    let asked = go(&app, &mut ada, "/admin").await;
    let of_eve = go(&app, &mut eve, "/admin").await;
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    assert_eq!(back(&app, &mut Browser::default(), &asked["state"], &code_for(&asked)).await.0, refused, "no cookie");
    assert_eq!(back(&app, &mut eve, &asked["state"], &code_for(&asked)).await.0, refused, "another browser's state");
    // Whoever has another's code put into a browser of theirs gets no further: the verifier is another.
    let asked_anew = go(&app, &mut eve, "/admin").await;
    assert_ne!(asked_anew["state"], of_eve["state"]);
    assert_eq!(back(&app, &mut eve, &asked_anew["state"], &code_for(&asked)).await.0, StatusCode::BAD_GATEWAY);

    let cookies = ada.cookies.clone();
    assert_eq!(back(&app, &mut ada, &asked["state"], &code_for(&asked)).await.0, StatusCode::SEE_OTHER);
    ada.cookies = cookies;
    assert_eq!(back(&app, &mut ada, &asked["state"], &code_for(&asked)).await.0, refused, "a second time");

    let asked = go(&app, &mut ada, "/admin").await;
    app.advance(minutes(10));
    assert_eq!(back(&app, &mut ada, &asked["state"], &code_for(&asked)).await.0, refused, "too late");
    assert_eq!(app.count("select count(*) from admin_elsewhere").await, 2);
    app.advance(minutes(1));
    admins::tidy(&app.service).await.unwrap();
    assert_eq!(app.count("select count(*) from admin_elsewhere").await, 0);
}

#[tokio::test]
async fn a_disabled_admin_stays_out_and_that_is_written_down() {
    let (app, provider) = start(true).await;
    create(&app.service, "other@example.org", Role::Owner).await;
    let id = create(&app.service, ADA, Role::Owner).await;
    admins::disable(&app.service, id, &by()).await.unwrap();
    assert_eq!(tried(&app, &provider, Signed::Well, |_| {}).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(app.count("select count(*) from audit_log where action = 'sign-in refused'").await, 1);
}

#[tokio::test]
async fn without_a_provider_there_is_no_button_and_with_one_that_is_away_the_password_works() {
    let app = App::start().await;
    let browser = &mut Browser::default();
    browser.get(&app, "/admin/sign-in").await;
    assert!(!browser.html.contains("elsewhere"));
    assert_eq!(browser.post(&app, "/admin/sign-in/elsewhere", &[]).await.0, StatusCode::NOT_FOUND);
    assert_eq!(browser.get(&app, "/admin/sign-in/back?state=x&code=y").await.0, StatusCode::NOT_FOUND);

    let (app, provider) = start(false).await;
    drop(provider);
    let browser = &mut Browser::default();
    browser.get(&app, "/admin/sign-in").await;
    assert_eq!(browser.post(&app, "/admin/sign-in/elsewhere", &[]).await.0, StatusCode::BAD_GATEWAY);
    assert!(browser.html.contains("does not answer just now") && browser.html.contains("name=\"password\""));
}
