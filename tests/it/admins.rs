//! Getting in: sign-in, the throttle, the second factor, sessions and forms.
use regimen::actions::admins;
use regimen::model::Role;
use reqwest::StatusCode;

use crate::support::admins::{Browser, PASSWORD, by, code, create};
use crate::support::{App, address, minutes};

const EMAIL: &str = "ada@example.org";

/// Somebody who has the second factor on, signed in; with the app's key and the recovery codes.
pub async fn with_second_factor(app: &App) -> (Browser, String, Vec<String>) {
    let mut browser = Browser::default();
    assert_eq!(browser.sign_in(app, EMAIL, PASSWORD).await, StatusCode::SEE_OTHER);
    browser.get(app, "/admin/account").await;
    let (status, offer) = browser.post(app, "/admin/account/second-factor", &[("password", PASSWORD)]).await;
    assert_eq!((status, browser.follow(app, &offer).await), (StatusCode::SEE_OTHER, StatusCode::OK));
    assert!(browser.html.contains("<svg"), "{}", browser.html);
    let key = browser.between("<code>", "</code>").unwrap();
    let wrong = browser.post(app, "/admin/account/second-factor/confirm", &[("code", "000000")]).await;
    assert_eq!(wrong.0, StatusCode::UNPROCESSABLE_ENTITY);
    let now = code(app, &key);
    let (status, _) = browser.post(app, "/admin/account/second-factor/confirm", &[("code", &now)]).await;
    assert_eq!(status, StatusCode::OK);
    let codes: Vec<String> = browser.html.split("<code>").skip(1).map(|rest| rest[..19].to_owned()).collect();
    assert_eq!(codes.len(), 10);
    (browser, key, codes)
}

#[tokio::test]
async fn an_admin_signs_in_and_comes_to_the_page_that_was_asked_for() {
    let app = App::start().await;
    create(&app.service, EMAIL, Role::Owner).await;
    let mut browser = Browser::default();
    let (status, location) = browser.get(&app, "/admin/audit?who=Ada").await;
    assert_eq!(
        (status, location.as_str()),
        (StatusCode::SEE_OTHER, "/admin/sign-in?next=%2Fadmin%2Faudit%3Fwho%3DAda")
    );
    assert_eq!(browser.follow(&app, &location).await, StatusCode::OK);
    let next = browser.between("name=\"next\" value=\"", "\"").unwrap();
    assert_eq!(next, "/admin/audit?who&#x3D;Ada");
    let fields = [("address", "Ada@Example.org"), ("password", PASSWORD), ("next", "/admin/audit?who=Ada")];
    let (status, location) = browser.post(&app, "/admin/sign-in", &fields).await;
    assert_eq!((status, location.as_str()), (StatusCode::SEE_OTHER, "/admin/audit?who=Ada"));
    assert_eq!(browser.follow(&app, &location).await, StatusCode::OK);
    assert!(browser.html.contains("<strong>sign in</strong>") && browser.html.contains("127.0.0.1"));
}

#[tokio::test]
async fn cookies_are_bound_to_the_host_and_out_of_reach_of_scripts() {
    let app = App::start().await;
    create(&app.service, EMAIL, Role::Viewer).await;
    let mut browser = Browser::default();
    browser.get(&app, "/admin/sign-in").await;
    let fields = [("address", EMAIL), ("password", PASSWORD), ("form_token", &browser.form_token())];
    let request = browser.request(&app, reqwest::Method::POST, "/admin/sign-in").form(&fields);
    let response = request.send().await.unwrap();
    let cookies: Vec<&str> = response.headers().get_all("set-cookie").iter().map(|one| one.to_str().unwrap()).collect();
    assert_eq!(cookies.len(), 2);
    for cookie in cookies {
        assert!(cookie.starts_with("__Host-regimen"), "{cookie}");
        for rule in ["; Path=/; ", "; HttpOnly; ", "; Secure", "SameSite="] {
            assert!(cookie.contains(rule), "{cookie} lacks {rule}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let app = App::start().await;
    let id = create(&app.service, EMAIL, Role::Viewer).await;
    let answer = async |email: &str, password: &str| {
        let mut browser = Browser::default();
        let status = browser.sign_in(&app, email, password).await;
        let token = browser.form_token();
        (status, browser.html.replace(email, "…").replace(&token, "…"))
    };
    let wrong = answer(EMAIL, "not the password").await;
    assert_eq!(wrong.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer("nobody@example.org", PASSWORD).await, wrong);
    assert_eq!(answer("no address", PASSWORD).await, wrong);
    admins::create(&app.service, &address("owner@example.org"), "Owner", Role::Owner, &by()).await.unwrap();
    assert_eq!(answer("owner@example.org", PASSWORD).await, wrong, "who has no password yet");
    admins::disable(&app.service, id, &by()).await.unwrap();
    assert_eq!(answer(EMAIL, PASSWORD).await, wrong, "who is disabled");
    let refused = "select count(*) from audit_log where action = 'sign-in refused' and target_kind = 'admin'";
    assert_eq!(app.count(refused).await, 3, "of nobody there is nothing to write down");
}

#[tokio::test]
async fn whoever_guesses_is_slowed_down_and_nobody_is_shut_out() {
    let app = App::start().await;
    create(&app.service, EMAIL, Role::Viewer).await;
    create(&app.service, "other@example.org", Role::Viewer).await;
    let mut known = Browser::default();
    assert_eq!(known.sign_in(&app, EMAIL, PASSWORD).await, StatusCode::SEE_OTHER);
    let mut guesser = Browser::default();
    for _ in 0..6 {
        assert_eq!(guesser.sign_in(&app, EMAIL, "a wild guess 1").await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(guesser.sign_in(&app, EMAIL, PASSWORD).await, StatusCode::TOO_MANY_REQUESTS, "not even the right one");
    assert!(guesser.html.contains("Please wait"), "{}", guesser.html);
    assert_eq!(known.sign_in(&app, EMAIL, PASSWORD).await, StatusCode::SEE_OTHER, "a browser that is known");
    assert_eq!(guesser.sign_in(&app, "other@example.org", PASSWORD).await, StatusCode::SEE_OTHER, "the office goes on");
    // The more guesses, the longer the wait, up to a quarter of an hour.
    for _ in 0..12 {
        app.advance(minutes(16));
        guesser.cookies.clear();
        assert_eq!(guesser.sign_in(&app, EMAIL, "a wild guess 2").await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    app.advance(minutes(14));
    assert_eq!(guesser.sign_in(&app, EMAIL, PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
    app.advance(minutes(2));
    assert_eq!(guesser.sign_in(&app, EMAIL, PASSWORD).await, StatusCode::SEE_OTHER, "never shut for good");
}

#[tokio::test]
async fn many_guesses_at_the_same_moment_are_counted_one_by_one() {
    let app = App::start().await;
    create(&app.service, EMAIL, Role::Viewer).await;
    let guess = || async {
        let mut browser = Browser::default();
        browser.sign_in(&app, EMAIL, "a wild guess 3").await
    };
    let all = futures::future::join_all((0..12).map(|_| guess())).await;
    let looked_at = all.iter().filter(|status| **status == StatusCode::UNPROCESSABLE_ENTITY).count();
    assert_eq!(looked_at, 6, "{all:?}");
}

#[tokio::test]
async fn the_second_factor_is_asked_for_and_a_code_is_good_once() {
    let app = App::start().await;
    create(&app.service, EMAIL, Role::Owner).await;
    let (_, key, codes) = with_second_factor(&app).await;
    app.advance(minutes(5));
    let mut browser = Browser::default();
    browser.get(&app, "/admin/sign-in").await;
    let fields = [("address", EMAIL), ("password", PASSWORD), ("next", "/admin/people")];
    let (_, location) = browser.post(&app, "/admin/sign-in", &fields).await;
    assert_eq!(location, "/admin/second-factor?next=%2Fadmin%2Fpeople");
    let before = browser.session().cloned();
    for path in ["/admin", "/admin/people", "/admin/account"] {
        let (status, location) = browser.get(&app, path).await;
        assert!(status == StatusCode::SEE_OTHER && location.starts_with("/admin/second-factor"), "{path}: {location}");
    }
    browser.follow(&app, &location).await;
    let now = code(&app, &key);
    let (status, location) =
        browser.post(&app, "/admin/second-factor", &[("code", &now), ("next", "/admin/people")]).await;
    assert_eq!((status, location.as_str()), (StatusCode::SEE_OTHER, "/admin/people"));
    assert_ne!(browser.session().cloned(), before, "the session is another");
    assert_eq!(browser.get(&app, "/admin/people").await.0, StatusCode::OK);

    // Somebody looked over the shoulder.
    let mut thief = Browser::default();
    thief.sign_in(&app, EMAIL, PASSWORD).await;
    thief.get(&app, "/admin/second-factor").await;
    let (status, _) = thief.post(&app, "/admin/second-factor", &[("code", &now)]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "the same code again");
    assert_eq!(thief.get(&app, "/admin").await.0, StatusCode::SEE_OTHER);

    // The app is lost: a recovery code works, once.
    let mut browser = Browser::default();
    for expected in [StatusCode::SEE_OTHER, StatusCode::UNPROCESSABLE_ENTITY] {
        browser.sign_in(&app, EMAIL, PASSWORD).await;
        browser.get(&app, "/admin/second-factor").await;
        assert_eq!(browser.post(&app, "/admin/second-factor", &[("code", &codes[3].to_uppercase())]).await.0, expected);
    }
    assert_eq!(app.count("select count(*) from audit_log where action = 'use recovery code'").await, 1);
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it_and_anyhow_after_half_a_day() {
    let app = App::start().await;
    let mut browser = Browser::signed_in(&app, Role::Viewer).await;
    let is_in = async |browser: &mut Browser| browser.get(&app, "/admin").await.0 == StatusCode::OK;
    for _ in 0..3 {
        app.advance(minutes(29));
        assert!(is_in(&mut browser).await);
    }
    app.advance(minutes(31));
    assert!(!is_in(&mut browser).await, "half an hour idle");
    browser.sign_in(&app, "viewer@example.org", PASSWORD).await;
    for _ in 0..24 {
        app.advance(minutes(29));
        assert!(is_in(&mut browser).await);
    }
    app.advance(minutes(29));
    assert!(!is_in(&mut browser).await, "12 hours");
    admins::tidy(&app.service).await.unwrap();
    assert_eq!(app.count("select count(*) from admin_sessions").await, 0);
}

#[tokio::test]
async fn signing_out_ends_the_session_here_there_or_everywhere() {
    let app = App::start().await;
    let mut one = Browser::signed_in(&app, Role::Viewer).await;
    let mut other = Browser::default();
    other.sign_in(&app, "viewer@example.org", PASSWORD).await;
    let stolen = Browser { cookies: other.cookies.clone(), html: String::new() };
    other.get(&app, "/admin").await;
    assert_eq!(other.post(&app, "/admin/sign-out", &[]).await.1, "/admin/sign-in");
    assert_eq!(other.session(), None);
    let again = stolen.request(&app, reqwest::Method::GET, "/admin").send().await.unwrap();
    assert_eq!(again.status(), StatusCode::SEE_OTHER, "the cookie is worth nothing any more");
    let mut third = Browser::default();
    for browser in [&mut other, &mut third] {
        browser.sign_in(&app, "viewer@example.org", PASSWORD).await;
    }
    one.get(&app, "/admin/account").await;
    assert_eq!(one.html.matches("/end\"").count(), 2, "{}", one.html);
    let path = one.between("action=\"/admin/account/sessions/", "/end\"").unwrap();
    one.post(&app, &format!("/admin/account/sessions/{path}/end"), &[]).await;
    let is_in = async |browser: &mut Browser| browser.get(&app, "/admin").await.0 == StatusCode::OK;
    assert_ne!(is_in(&mut other).await, is_in(&mut third).await, "one of them");
    one.post(&app, "/admin/account/sessions/end-all", &[]).await;
    assert!(!is_in(&mut other).await && !is_in(&mut third).await);
    assert_eq!(one.get(&app, "/admin").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_form_without_its_token_or_from_elsewhere_does_nothing() {
    let app = App::start().await;
    let mut admin = Browser::signed_in(&app, Role::Owner).await;
    admin.get(&app, "/admin/people").await;
    let token = admin.form_token();
    let fields = |token: &'static str| {
        [("name", "Mallory"), ("address", "m@example.com"), ("role", "owner"), ("form_token", token)]
    };
    let ours: [(&str, &str); 4] =
        [("name", "Mallory"), ("address", "m@example.com"), ("role", "owner"), ("form_token", &token)];
    for (fields, headers) in [
        (&fields("")[..3], vec![]),
        (&fields("wrong")[..], vec![]),
        (&ours[..], vec![("origin", "https://evil.example.com")]),
        (&ours[..], vec![("origin", "null")]),
        (&ours[..], vec![("sec-fetch-site", "cross-site")]),
    ] {
        let (status, _) = admin.post_raw(&app, "/admin/people", fields, &headers).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    let mut stranger = Browser::default();
    stranger.get(&app, "/admin/sign-in").await;
    let fields = [("address", "owner@example.org"), ("password", PASSWORD), ("form_token", token.as_str())];
    let (status, _) = stranger.post_raw(&app, "/admin/sign-in", &fields, &[]).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "nobody is signed in by another's form");
    assert_eq!(app.count("select count(*) from admins").await, 1);
    let (status, _) = admin.post_raw(&app, "/admin/people", &ours, &[("origin", "https://series.example.org")]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(app.count("select count(*) from admins").await, 2);
}

#[tokio::test]
async fn an_open_screen_is_not_enough_to_take_an_account_over() {
    let app = App::start().await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let id = admins::by_address(&app.service, &address("owner@example.org")).await.unwrap().id;
    owner.get(&app, "/admin/people").await;
    for verb in ["link", "second-factor/off"] {
        let (status, _) = owner.post(&app, &format!("/admin/people/{id}/{verb}"), &[]).await;
        assert!(status == StatusCode::CONFLICT && owner.html.contains("your own account"), "{verb}: {}", owner.html);
    }
    owner.get(&app, "/admin/account").await;
    for path in ["/admin/account/second-factor", "/admin/account/second-factor/off", "/admin/account/recovery-codes"] {
        let (status, _) = owner.post(&app, path, &[("password", "not the password")]).await;
        assert_eq!(status, StatusCode::CONFLICT, "{path}");
    }
    assert_eq!(app.count("select count(*) from admin_links").await, 0);
}

#[tokio::test]
async fn whoever_signs_in_again_leaves_no_session_behind() {
    let app = App::start().await;
    let mut browser = Browser::signed_in(&app, Role::Viewer).await;
    browser.get(&app, "/admin/sign-in").await;
    assert!(!browser.html.contains("/admin/sign-out"), "a form that would carry another token");
    let before = Browser { cookies: browser.cookies.clone(), html: String::new() };
    assert_eq!(browser.sign_in(&app, "viewer@example.org", PASSWORD).await, StatusCode::SEE_OTHER);
    let answer = before.request(&app, reqwest::Method::GET, "/admin").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(app.count("select count(*) from admin_sessions").await, 1);
}
