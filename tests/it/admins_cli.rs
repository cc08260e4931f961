//! The admins on the command line: the first owner, and help for whoever has lost everything else.
use regimen::model::Role;
use reqwest::StatusCode;
use serde_json::Value;

use crate::support::App;
use crate::support::admins::{Browser, create};
use crate::support::process::{Ended, Environment, Process};

const EMAIL: &str = "ada@example.org";

async fn admin(app: &App, arguments: &[&str], typed: &str) -> Ended {
    let environment = Environment::production(&app.database_url, &app.relay.url());
    Process::run_with(&[&["admin"], arguments].concat(), &environment, typed).await
}

#[tokio::test]
async fn the_first_owner_is_made_with_a_password_from_a_pipe() {
    let app = App::start().await;
    let arguments = ["create", EMAIL, "--name", "Ada Example", "--role", "owner", "--password-stdin"];
    let refused = admin(&app, &arguments, "short\n").await;
    assert!(refused.code == Some(1) && refused.err.contains("at least 12 characters"), "{}", refused.err);
    assert_eq!(app.count("select count(*) from admins").await, 0, "nobody is left without a password");
    let made = admin(&app, &arguments, "from the command line\n").await;
    assert!(made.code == Some(0) && !made.out.contains("from the command line"), "{} {}", made.out, made.err);
    let mut browser = Browser::default();
    assert_eq!(browser.sign_in(&app, EMAIL, "from the command line").await, StatusCode::SEE_OTHER);
    let again = admin(&app, &arguments, "from the command line\n").await;
    assert!(again.code == Some(1) && again.err.contains("an admin of this address"), "{}", again.err);
    let log = "select count(*) from audit_log where actor_kind = 'command line'";
    assert_eq!(app.count(log).await, 2, "made, and given a password");
}

#[tokio::test]
async fn who_is_shut_out_is_helped_and_the_last_owner_stays() {
    let app = App::start().await;
    create(&app.service, EMAIL, Role::Owner).await;
    let link = admin(&app, &["reset-password", EMAIL, "--why", "forgotten"], "").await;
    let path = link.out.lines().next().unwrap().strip_prefix("https://series.example.org").unwrap().to_owned();
    let mut browser = Browser::default();
    assert_eq!(browser.get(&app, &path).await.0, StatusCode::OK, "{path}");
    browser.post(&app, &path, &[("new", "another long password")]).await;
    assert_eq!(browser.sign_in(&app, EMAIL, "another long password").await, StatusCode::SEE_OTHER);
    for refused in [&["disable", EMAIL][..], &["set-role", EMAIL, "--role", "viewer"]] {
        let ended = admin(&app, refused, "").await;
        assert!(ended.code == Some(1) && ended.err.contains("the last owner"), "{}", ended.err);
    }
    create(&app.service, "other@example.org", Role::Owner).await;
    for done in [
        &["set-role", EMAIL, "--role", "viewer"][..],
        &["reset-second-factor", EMAIL],
        &["disable", EMAIL],
        &["enable", EMAIL],
        &["disable", EMAIL],
    ] {
        assert_eq!(admin(&app, done, "").await.code, Some(0), "{done:?}");
    }
    let list = admin(&app, &["list", "--json"], "").await;
    let list: Value = serde_json::from_str(&list.out).unwrap();
    let ada = list.as_array().unwrap().iter().find(|one| one["address"] == EMAIL).unwrap().clone();
    assert_eq!((&ada["role"], ada["disabled_at"].is_null()), (&Value::from("viewer"), false));
    assert!(!list.to_string().contains("argon2"), "{list}");
    assert_eq!(app.count("select count(*) from audit_log where reason = 'forgotten'").await, 1);
}
