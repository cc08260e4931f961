//! The proof of work, as a browser and as a program bring it.
use chrono::TimeDelta;
use regimen::actions::guards::proof::{Challenge, solve};
use regimen::actions::guards::{self, Limits, Proof, Settings};
use reqwest::StatusCode;
use serde_json::json;

use super::{counted, guarded, post_from, start};
use crate::support::{App, SERIES, hours, minutes};

fn proved(without_script: u32) -> Settings {
    let proof = Proof { required: true, effort: 1_000, without_script, ..Settings::default().proof };
    Settings { form_token: false, limits: Limits::default(), proof, ..guarded() }
}

async fn challenge(app: &App) -> Challenge {
    let answer = app.get("/subscribe/challenge").await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    answer.json().await.unwrap()
}

async fn press(app: &App, email: &str, proof: &str) -> (StatusCode, String) {
    let fields = [("series", SERIES), ("email", email), ("condition", "lung"), ("altcha", proof)];
    let page = post_from(app, "192.0.2.1", &fields).await;
    (page.status(), page.text().await.unwrap())
}

#[tokio::test]
async fn a_proof_is_good_for_one_sign_up_and_a_few_get_in_without() {
    let app = start(proved(2)).await;
    let html = app.get("/").await.text().await.unwrap();
    assert!(html.contains("data-challenge=\"/subscribe/challenge\"") && html.contains("/assets/pow."), "{html}");
    let solved = solve(&challenge(&app).await).unwrap();
    assert_eq!(press(&app, "a@example.org", &solved).await.0, StatusCode::OK);
    let (status, html) = press(&app, "b@example.org", &solved).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "used before");
    assert!(
        html.contains("value=\"b@example.org\"") && html.contains("data-challenge"),
        "one press, and it is solved anew"
    );
    let late = solve(&challenge(&app).await).unwrap();
    app.advance(minutes(20) + TimeDelta::seconds(1));
    assert_eq!(press(&app, "b@example.org", &late).await.0, StatusCode::UNPROCESSABLE_ENTITY, "expired");
    assert_eq!(press(&app, "b@example.org", "e30=").await.0, StatusCode::UNPROCESSABLE_ENTITY, "made up");

    for email in ["c@example.org", "d@example.org"] {
        assert_eq!(press(&app, email, "").await.0, StatusCode::OK, "a browser without scripts");
    }
    let (status, html) = press(&app, "e@example.org", "").await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(html.contains("turn on JavaScript") && html.contains("value=\"e@example.org\""), "{html}");
    app.advance(hours(1));
    assert_eq!(press(&app, "e@example.org", "").await.0, StatusCode::OK, "another hour");
    assert_eq!(
        counted(&app).await,
        [("no-script", 1), ("proof-expired", 1), ("proof-used", 1), ("proof-wrong", 1)]
            .map(|(word, count)| (word.to_owned(), count))
    );
    assert_eq!(app.count("select count(*) from spent_proofs").await, 1);
    guards::tidy(&app.service).await.unwrap();
    assert_eq!(app.count("select count(*) from spent_proofs").await, 0, "an expired one need not be remembered");
}

#[tokio::test]
async fn a_program_brings_it_too_and_without_it_being_asked_for_there_is_none() {
    let app = start(proved(0)).await;
    let post = async |proof: &str| {
        let body = json!({ "series": SERIES, "email": "api@example.org", "condition": "lung", "altcha": proof });
        app.http.post(format!("{}/subscribe", app.base)).json(&body).send().await.unwrap().status()
    };
    assert_eq!(post("").await, StatusCode::TOO_MANY_REQUESTS, "none is let in without");
    assert_eq!(post("x").await, StatusCode::UNPROCESSABLE_ENTITY);
    let solved = solve(&challenge(&app).await).unwrap();
    assert_eq!(post(&solved).await, StatusCode::ACCEPTED);

    let app = start(guarded()).await;
    assert_eq!(app.get("/subscribe/challenge").await.status(), StatusCode::NOT_FOUND);
    assert!(!app.get("/").await.text().await.unwrap().contains("/assets/pow."));
}
