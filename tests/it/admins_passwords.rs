//! Passwords: chosen with a link, changed, lost and asked for anew by mail.
use chrono::TimeDelta;
use regimen::actions::admins::{self, links};
use regimen::model::Role;
use reqwest::StatusCode;

use crate::support::admins::{Browser, PASSWORD, by, create};
use crate::support::{App, address, days, hours, minutes};

const EMAIL: &str = "ada@example.org";

#[tokio::test]
async fn a_password_link_works_once_and_ends_all_sessions() {
    let app = App::start().await;
    let mut before = Browser::signed_in(&app, Role::Viewer).await;
    let id = admins::by_address(&app.service, &address("viewer@example.org")).await.unwrap().id;
    let link = links::make(&app.service, id, &by()).await.unwrap();
    let path = link.strip_prefix("https://series.example.org").unwrap();
    let mut browser = Browser::default();
    assert_eq!(browser.get(&app, path).await.0, StatusCode::OK);
    assert_eq!(browser.get(&app, path).await.0, StatusCode::OK, "looking does not use it");
    let (status, _) = browser.post(&app, path, &[("new", "short")]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.html.contains("at least 12 characters"));
    let (status, location) = browser.post(&app, path, &[("new", "another long password")]).await;
    assert_eq!((status, location.as_str()), (StatusCode::SEE_OTHER, "/admin/sign-in?said=choose-done#said"));
    assert_eq!(browser.get(&app, path).await.0, StatusCode::NOT_FOUND, "it is used");
    assert_eq!(before.get(&app, "/admin").await.0, StatusCode::SEE_OTHER, "all sessions have ended");
    assert_eq!(before.sign_in(&app, "viewer@example.org", PASSWORD).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(before.sign_in(&app, "viewer@example.org", "another long password").await, StatusCode::SEE_OTHER);
    let late = links::make(&app.service, id, &by()).await.unwrap();
    app.advance(days(7));
    let path = late.strip_prefix("https://series.example.org").unwrap();
    assert_eq!(browser.get(&app, path).await.0, StatusCode::NOT_FOUND, "it is too old");
}

#[tokio::test]
async fn two_with_the_same_link_choose_one_password() {
    let app = App::start().await;
    let id = create(&app.service, EMAIL, Role::Viewer).await;
    let link = links::make(&app.service, id, &by()).await.unwrap();
    let path = link.strip_prefix("https://series.example.org").unwrap();
    let choose = |password: &'static str| {
        let app = &app;
        async move {
            let mut browser = Browser::default();
            browser.get(app, path).await;
            browser.post(app, path, &[("new", password)]).await.0
        }
    };
    let (one, other) = tokio::join!(choose("the first password"), choose("the second password"));
    let mut both = [one, other];
    both.sort();
    assert_eq!(both, [StatusCode::SEE_OTHER, StatusCode::NOT_FOUND]);
}

#[tokio::test]
async fn a_password_is_changed_by_whoever_knows_it() {
    let app = App::start().await;
    let mut admin = Browser::signed_in(&app, Role::Viewer).await;
    let mut elsewhere = Browser::default();
    elsewhere.sign_in(&app, "viewer@example.org", PASSWORD).await;
    admin.get(&app, "/admin/account").await;
    for (present, new, said) in [
        ("not the password", "another long password", "present password is another"),
        (PASSWORD, "short", "at least 12 characters"),
        (PASSWORD, "viewerviewerviewer", "too easy to guess"),
    ] {
        let (status, _) = admin.post(&app, "/admin/account/password", &[("present", present), ("new", new)]).await;
        assert!(status == StatusCode::CONFLICT && admin.html.contains(said), "{said}: {}", admin.html);
    }
    let fields = [("present", PASSWORD), ("new", "another long password")];
    let (_, location) = admin.post(&app, "/admin/account/password", &fields).await;
    assert_eq!(admin.follow(&app, &location).await, StatusCode::OK, "signed in here still");
    assert!(admin.html.contains("Your password is changed."));
    assert_eq!(elsewhere.get(&app, "/admin").await.0, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_lost_password_is_answered_by_a_mail_and_says_nothing_of_who_is_an_admin() {
    let app = App::start().await;
    create(&app.service, EMAIL, Role::Owner).await;
    let mut browser = Browser::default();
    let mut answers = Vec::new();
    for email in [EMAIL, "nobody@example.org", "no address"] {
        browser.get(&app, "/admin/forgot").await;
        let (status, _) = browser.post(&app, "/admin/forgot", &[("address", email)]).await;
        answers.push((status, browser.html.clone()));
    }
    assert_eq!(answers[0].0, StatusCode::OK);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    app.dispatch_all_due().await;
    let mails = app.mails_to(EMAIL);
    assert_eq!((mails.len(), app.relay.taken().len()), (1, 1));
    let path = mails[0].link("admin");
    assert_eq!(browser.get(&app, &path).await.0, StatusCode::OK, "{path}");
    browser.post(&app, &path, &[("new", "another long password")]).await;
    assert_eq!(browser.sign_in(&app, EMAIL, "another long password").await, StatusCode::SEE_OTHER);
    // Whoever asks again and again fills nobody's inbox.
    for _ in 0..9 {
        browser.get(&app, "/admin/forgot").await;
        browser.post(&app, "/admin/forgot", &[("address", EMAIL)]).await;
    }
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to(EMAIL).len(), 4);
    app.advance(hours(2) + TimeDelta::seconds(1));
    let path = app.relay.last_to(EMAIL).link("admin");
    assert_eq!(Browser::default().get(&app, &path).await.0, StatusCode::NOT_FOUND, "it is good for an hour");
}

#[tokio::test]
async fn a_link_that_no_relay_took_is_tried_again_and_so_is_one_whose_dispatcher_died() {
    let app = App::start().await;
    create(&app.service, EMAIL, Role::Owner).await;
    let mut browser = Browser::default();
    browser.get(&app, "/admin/forgot").await;
    browser.post(&app, "/admin/forgot", &[("address", EMAIL)]).await;
    // A dispatcher takes it and dies.
    let real = app.service.clock().real();
    let taken = regimen::store::admin_mails::take(app.db(), real).await.unwrap().unwrap();
    assert_eq!((taken.address.as_str(), taken.tries), (EMAIL, 1));
    app.dispatch_all_due().await;
    assert_eq!(app.relay.taken().len(), 0, "it is in somebody's hands");
    app.advance(minutes(3));
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to(EMAIL).len(), 1);
    app.advance(minutes(3));
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to(EMAIL).len(), 1, "once it is accepted it is over");
    let admin = admins::by_address(&app.service, &address(EMAIL)).await.unwrap();
    browser.get(&app, "/admin/forgot").await;
    browser.post(&app, "/admin/forgot", &[("address", EMAIL)]).await;
    create(&app.service, "other@example.org", Role::Owner).await;
    admins::disable(&app.service, admin.id, &by()).await.unwrap();
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to(EMAIL).len(), 1, "nor does one go to who is disabled");
}
