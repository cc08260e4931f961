//! Who may do what: every page and every verb with every role, the last owner, tokens, and the log of it all.
use std::collections::BTreeSet;

use regimen::actions::admins::tokens;
use regimen::actions::audit::{self, Search};
use regimen::actions::once::Done;
use regimen::actions::{ActionError, admins};
use regimen::model::{Right, Role};
use regimen::web::{Needs, declared};
use reqwest::{Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

use crate::support::admins::{Browser, by, create};
use crate::support::{App, SERIES, address, days, minutes, why};

const HANDBOOK: &str = include_str!("../../docs/ADMINS.md");

#[test]
fn the_handbook_shows_the_rights_that_there_are() {
    let rows = HANDBOOK.lines().filter(|line| line.starts_with("| `") && line.contains("`: "));
    let shown: Vec<(String, Vec<bool>)> = rows
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let right = cells[1].split('`').nth(1).unwrap().to_owned();
            (right, cells[2..6].iter().map(|cell| *cell == "yes").collect())
        })
        .collect();
    let real: Vec<(String, Vec<bool>)> = Right::ALL
        .iter()
        .map(|right| (right.to_string(), Role::ALL.iter().map(|role| role.may(*right)).collect()))
        .collect();
    assert_eq!(shown, real);
    assert!(HANDBOOK.contains("| | viewer | editor | operator | owner |"), "the columns are the roles");
}

fn filled_in(path: &str) -> String {
    path.replace("{series}", SERIES).replace("{id}", &Uuid::nil().to_string()).replace("{token}", "none")
}

#[tokio::test]
async fn every_page_lets_in_those_who_have_its_right_and_nobody_else() {
    let app = App::start().await;
    let mut looked_at = 0;
    let mut visitors = vec![(None, Browser::default())];
    for role in Role::ALL {
        visitors.push((Some(*role), Browser::signed_in(&app, *role).await));
    }
    for (role, browser) in &mut visitors {
        // A fresh token for forms: the account is everybody's who is signed in.
        browser.get(&app, if role.is_some() { "/admin/account" } else { "/admin/sign-in" }).await;
        let cookies = browser.cookies.clone();
        for route in declared().iter().filter(|route| route.path != "/admin/sign-out") {
            let html = browser.html.clone();
            let path = filled_in(route.path);
            let (status, location) = match route.method {
                // Its answer goes on for minutes.
                Method::GET if route.path == "/admin/live" => browser.begin(&app, &path).await,
                Method::GET => browser.get(&app, &path).await,
                _ => browser.post(&app, &path, &[]).await,
            };
            // What a page without a token answers is no use for the next form.
            (browser.html, browser.cookies) = (html, cookies.clone());
            let may = role.map(|role| route.needs.is_met_by(role));
            let to_sign_in = status == StatusCode::SEE_OTHER && location.starts_with("/admin/sign-in?next=");
            let what = format!("{role:?} {} {}: {status} {location}", route.method, route.path);
            match (route.needs, may) {
                // Whoever is signed in carries the token of their own forms, not of those before.
                (Needs::Nobody, _) => assert!(!to_sign_in, "{what}"),
                (_, None) => assert!(to_sign_in, "{what}"),
                (Needs::SecondFactor, _) => assert_eq!(location, "/admin", "{what}"),
                (_, Some(true)) => {
                    assert!(!to_sign_in && status != StatusCode::FORBIDDEN && !status.is_server_error(), "{what}");
                }
                (_, Some(false)) => assert_eq!(status, StatusCode::FORBIDDEN, "{what}"),
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 5 * 30, "only {looked_at}");
    assert_eq!(app.count("select count(*) from admins where disabled_at is not null").await, 0);
}

/// Each verb of the API, and the right that it needs.
const VERBS: [(Method, &str, Right); 69] = [
    (Method::GET, "/health", Right::Figures),
    (Method::GET, "/series", Right::Figures),
    (Method::GET, "/series/{series}", Right::Figures),
    (Method::GET, "/series/{series}/survey", Right::Figures),
    (Method::GET, "/series/{series}/survey.csv", Right::Figures),
    (Method::GET, "/runs", Right::Figures),
    (Method::POST, "/runs", Right::Operate),
    (Method::GET, "/runs/{run}", Right::Operate),
    (Method::POST, "/runs/{run}/start", Right::Operate),
    (Method::POST, "/runs/{run}/pause", Right::Operate),
    (Method::POST, "/runs/{run}/resume", Right::Operate),
    (Method::POST, "/runs/{run}/cancel", Right::Operate),
    (Method::GET, "/guards", Right::Figures),
    (Method::GET, "/deliveries", Right::Readers),
    (Method::GET, "/subscribers", Right::Readers),
    (Method::GET, "/export", Right::Export),
    (Method::POST, "/subscribers/show", Right::Readers),
    (Method::POST, "/subscribers/pause", Right::Operate),
    (Method::POST, "/subscribers/resume", Right::Operate),
    (Method::POST, "/subscribers/resend", Right::Operate),
    (Method::POST, "/subscribers/move", Right::Operate),
    (Method::POST, "/subscribers/unsubscribe", Right::Operate),
    (Method::POST, "/subscribers/suppress", Right::Operate),
    (Method::POST, "/subscribers/unsuppress", Right::Operate),
    (Method::POST, "/subscribers/export", Right::Export),
    (Method::POST, "/subscribers/erase", Right::Erase),
    (Method::POST, "/series/{series}/pause", Right::Operate),
    (Method::POST, "/series/{series}/resume", Right::Operate),
    (Method::POST, "/series/{series}/preview", Right::Preview),
    (Method::POST, "/send/next", Right::Operate),
    (Method::POST, "/send/due", Right::Operate),
    (Method::POST, "/send/test", Right::Preview),
    (Method::GET, "/send/test/{id}", Right::Preview),
    (Method::GET, "/series/{series}/outline", Right::Figures),
    (Method::GET, "/series/{series}/figures", Right::Figures),
    (Method::GET, "/series/{series}/rehearsal", Right::Figures),
    (Method::GET, "/content/changes", Right::Preview),
    (Method::GET, "/runs/{run}/sample", Right::Operate),
    (Method::POST, "/runs/{run}/test", Right::Operate),
    (Method::POST, "/subscribers/search", Right::Readers),
    (Method::POST, "/subscribers/mail", Right::Readers),
    (Method::GET, "/webhooks", Right::People),
    (Method::POST, "/webhooks", Right::People),
    (Method::GET, "/webhooks/{id}", Right::People),
    (Method::GET, "/webhooks/{id}/messages", Right::People),
    (Method::POST, "/webhooks/{id}/test", Right::People),
    (Method::POST, "/webhooks/{id}/again", Right::People),
    (Method::POST, "/webhooks/{id}/messages/{id}/again", Right::People),
    (Method::POST, "/webhooks/{id}/rotate", Right::People),
    (Method::POST, "/webhooks/{id}/disable", Right::People),
    (Method::POST, "/webhooks/{id}/enable", Right::People),
    (Method::POST, "/webhooks/{id}/delete", Right::People),
    (Method::GET, "/admins", Right::People),
    (Method::POST, "/admins", Right::People),
    (Method::POST, "/admins/{id}/role", Right::People),
    (Method::POST, "/admins/{id}/invite", Right::People),
    (Method::POST, "/admins/{id}/disable", Right::People),
    (Method::POST, "/admins/{id}/enable", Right::People),
    (Method::POST, "/admins/{id}/second-factor/off", Right::People),
    (Method::GET, "/tokens", Right::People),
    (Method::POST, "/tokens", Right::People),
    (Method::POST, "/tokens/{id}/revoke", Right::People),
    (Method::GET, "/audit", Right::Audit),
    (Method::GET, "/imports", Right::Operate),
    (Method::GET, "/imports/{import}", Right::Operate),
    (Method::GET, "/imports/{import}/refused.csv", Right::Operate),
    (Method::POST, "/imports/upload", Right::Operate),
    (Method::POST, "/imports/{import}/start", Right::Operate),
    (Method::POST, "/imports/{import}/cancel", Right::Operate),
];

#[tokio::test]
async fn a_token_does_what_its_rights_allow_and_the_configurations_does_all() {
    let app = App::start().await;
    for right in Right::ALL {
        let token = tokens::make(&app.service, right.as_str(), &[*right], None, &by()).await.unwrap().token;
        for (method, path, needs) in &VERBS {
            let url = format!("{}/api/v1{}", app.base, filled_in(path));
            let request = app.http.request(method.clone(), url).bearer_auth(&token).json(&json!({}));
            let status = request.send().await.unwrap().status();
            assert_eq!(status == StatusCode::FORBIDDEN, needs != right, "{right}: {method} {path}: {status}");
            assert_ne!(status, StatusCode::UNAUTHORIZED);
        }
    }
    for (method, path, _) in &VERBS {
        let request = app.api(method.clone(), &filled_in(path)).json(&json!({}));
        assert_ne!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{method} {path}");
    }
}

#[tokio::test]
async fn a_token_is_made_on_the_page_shown_once_and_revoked() {
    let app = App::start().await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    owner.get(&app, "/admin/tokens").await;
    let fields = [("name", "the statistics"), ("right", "figures"), ("right", "readers"), ("days", "30")];
    assert_eq!(owner.post(&app, "/admin/tokens", &fields).await.0, StatusCode::OK);
    let token = owner.between("<code id=\"token\">", "</code>").unwrap();
    assert_eq!(owner.post(&app, "/admin/tokens", &fields).await.0, StatusCode::CONFLICT, "the name is taken");
    assert_eq!(owner.post(&app, "/admin/tokens", &fields[..1]).await.0, StatusCode::CONFLICT, "no right");
    owner.get(&app, "/admin/tokens").await;
    assert!(!owner.html.contains(&token) && owner.html.contains("figures, readers"));
    let ask = async || {
        let url = format!("{}/api/v1/series", app.base);
        app.http.get(url).bearer_auth(&token).send().await.unwrap().status()
    };
    assert_eq!(ask().await, StatusCode::OK);
    let used = "select (extract(epoch from used_at))::bigint from admin_tokens";
    let first = app.count(used).await;
    app.advance(chrono::TimeDelta::seconds(59));
    assert_eq!((ask().await, app.count(used).await), (StatusCode::OK, first), "written at most once a minute");
    app.advance(chrono::TimeDelta::seconds(1));
    assert_eq!((ask().await, app.count(used).await), (StatusCode::OK, first + 60));
    app.advance(minutes(1));
    let id = owner.between("action=\"/admin/tokens/", "/revoke\"").unwrap();
    owner.post(&app, &format!("/admin/tokens/{id}/revoke"), &[]).await;
    assert_eq!(ask().await, StatusCode::UNAUTHORIZED);
    let short = tokens::make(&app.service, "for a day", &[Right::Figures], Some(days(1)), &by()).await.unwrap().token;
    app.advance(days(1));
    let url = format!("{}/api/v1/series", app.base);
    let late = app.http.get(url).bearer_auth(&short).send().await.unwrap();
    assert_eq!(late.status(), StatusCode::UNAUTHORIZED, "it has expired");
}

#[tokio::test]
async fn the_last_owner_stays_one() {
    let app = App::start().await;
    let one = create(&app.service, "one@example.org", Role::Owner).await;
    let is_refused = |result: Result<Done, ActionError>| matches!(result, Err(ActionError::Refused(_)));
    assert!(is_refused(admins::disable(&app.service, one, &by()).await));
    assert!(is_refused(admins::set_role(&app.service, one, Role::Editor, &by()).await));
    admins::set_role(&app.service, one, Role::Owner, &by()).await.unwrap();
    let other = create(&app.service, "other@example.org", Role::Owner).await;
    // Two who take the right from each other at the same moment.
    let (actor, service) = (by(), &app.service);
    let (first, second) =
        tokio::join!(admins::disable(service, one, &actor), admins::set_role(service, other, Role::Viewer, &actor));
    assert_eq!([is_refused(first), is_refused(second)].iter().filter(|refused| **refused).count(), 1);
    assert_eq!(app.count("select count(*) from admins where role = 'owner' and disabled_at is null").await, 1);
}

#[tokio::test]
async fn somebody_is_invited_gets_a_role_and_is_disabled() {
    let app = App::start().await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    owner.get(&app, "/admin/people").await;
    let fields = [("name", "Grace"), ("address", "grace@example.org"), ("role", "operator")];
    owner.post(&app, "/admin/people", &fields).await;
    let link = owner.between("<code id=\"link\">", "</code>").unwrap();
    let path = link.strip_prefix("https://series.example.org").unwrap().to_owned();
    assert_eq!(owner.post(&app, "/admin/people", &fields).await.0, StatusCode::CONFLICT, "the address is taken");
    let mut grace = Browser::default();
    grace.get(&app, &path).await;
    grace.post(&app, &path, &[("new", "another long password")]).await;
    assert_eq!(grace.sign_in(&app, "grace@example.org", "another long password").await, StatusCode::SEE_OTHER);
    assert_eq!(grace.get(&app, "/admin/people").await.0, StatusCode::FORBIDDEN);
    let token = tokens::make(&app.service, "of an owner", &[Right::Figures], None, &by()).await.unwrap().token;
    let id = admins::by_address(&app.service, &address("grace@example.org")).await.unwrap().id;
    owner.get(&app, "/admin/people").await;
    let (_, said) = owner.post(&app, &format!("/admin/people/{id}/role"), &[("role", "owner")]).await;
    assert_eq!(said, "/admin/people?said=people-changed#said");
    assert_eq!(grace.get(&app, "/admin/people").await.0, StatusCode::OK, "at once");
    owner.post(&app, &format!("/admin/people/{id}/disable"), &[]).await;
    assert_eq!(grace.get(&app, "/admin").await.0, StatusCode::SEE_OTHER, "signed out at once");
    let url = format!("{}/api/v1/series", app.base);
    assert_eq!(app.http.get(url).bearer_auth(&token).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn the_log_says_who_did_what_and_names_no_reader() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let token =
        tokens::make(&app.service, "a program", &[Right::Operate, Right::Readers], None, &by()).await.unwrap().token;
    let shown = json!({ "address": "reader@example.org" });
    let mut address = why();
    address["address"] = json!("reader@example.org");
    let mut reader = address.clone();
    reader["series"] = json!(SERIES);
    for (path, body) in [
        ("/subscribers/show", &shown),
        ("/subscribers/pause", &reader),
        ("/subscribers/resume", &reader),
        ("/send/next", &reader),
        ("/subscribers/suppress", &address),
    ] {
        let url = format!("{}/api/v1{path}", app.base);
        let done = app.http.post(url).bearer_auth(&token).json(body).send().await.unwrap();
        assert_eq!(done.status(), StatusCode::OK, "{path}");
    }
    app.api_post("/subscribers/unsuppress", address).await;
    app.api_get("/subscribers").await;
    let log = audit::search(&app.service, &Search::default()).await.unwrap().items;
    let seen: Vec<(&str, &str, &str)> =
        log.iter().rev().map(|one| (&*one.actor_kind, &*one.actor_name, &*one.action)).collect();
    assert_eq!(
        seen,
        [
            ("command line", "the tests", "make token"),
            ("token", "a program", "show reader"),
            ("token", "a program", "pause enrollment"),
            ("token", "a program", "resume enrollment"),
            ("token", "a program", "prepare run"),
            ("token", "a program", "start run"),
            ("token", "a program", "suppress"),
            ("config token", "an editor", "unsuppress"),
            ("config token", "api", "list readers"),
        ]
    );
    let subscriber: Uuid = sqlx::query_scalar("select id from subscribers").fetch_one(app.db()).await.unwrap();
    assert!(log[1..7].iter().all(|one| one.target.as_deref() == Some(&subscriber.to_string())));
    assert!(log[..7].iter().all(|one| one.origin.as_deref() == Some("127.0.0.1")));
    let text = serde_json::to_string(&log).unwrap();
    assert!(!text.contains("reader@") && !text.contains("melanoma"), "{text}");
}

#[tokio::test]
async fn the_log_is_only_added_to() {
    let app = App::start().await;
    create(&app.service, "ada@example.org", Role::Owner).await;
    for sql in ["update audit_log set actor_name = 'nobody'", "delete from audit_log", "truncate audit_log"] {
        let refused = sqlx::query(sql).execute(app.db()).await.unwrap_err().to_string();
        assert!(refused.contains("only added to"), "{refused}");
    }
    assert_eq!(app.count("select count(*) from audit_log").await, 2);
}

#[tokio::test]
async fn the_log_is_searched_page_by_page_and_taken_out_as_a_file() {
    let app = App::start().await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    for number in 0..60 {
        tokens::make(&app.service, &format!("token {number}"), &[Right::Figures], None, &by()).await.unwrap();
    }
    let mut seen = BTreeSet::new();
    let mut path = "/admin/audit?action=make+token".to_owned();
    loop {
        owner.get(&app, &path).await;
        for row in owner.html.split("· token ").skip(1) {
            assert!(seen.insert(row.split('<').next().unwrap().to_owned()), "none twice");
        }
        match owner.between("<a href=\"/admin/audit?", "\"") {
            Some(next) => path = format!("/admin/audit?{}", next.replace("&amp;", "&").replace("&#x3D;", "=")),
            None => break,
        }
    }
    assert_eq!(seen.len(), 60);
    for (query, fits) in [
        ("who=ADA", true),
        ("who=nobody", false),
        ("until=2026-03-01", false),
        ("from=2026-03-02&until=2026-03-02", true),
    ] {
        owner.get(&app, &format!("/admin/audit?action=sign+in&{query}")).await;
        assert_eq!(owner.html.contains("<strong>sign in</strong>"), fits, "{query}");
    }
    let (status, _) = owner.get(&app, "/admin/audit/log.csv?action=sign+in").await;
    assert_eq!((status, owner.html.lines().count()), (StatusCode::OK, 2), "{}", owner.html);
    assert!(owner.html.contains("\"Ada Example\",\"admin\",\"127.0.0.1\",\"sign in\""), "{}", owner.html);
    assert_eq!(app.count("select count(*) from audit_log where action = 'export audit log'").await, 1);
}
