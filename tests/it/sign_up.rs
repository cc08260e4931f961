//! Signing up: well, badly, twice, and by somebody whom we must not mail.
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{App, SERIES, address, days, hours, why};

async fn page(app: &App, fields: &[(&str, &str)]) -> (StatusCode, String) {
    let response = app.post_form("/subscribe", fields).await;
    (response.status(), response.text().await.unwrap())
}

#[tokio::test]
async fn the_answer_tells_nobody_whether_an_address_is_known() {
    let app = App::start().await;
    let fields =
        |email: &'static str| [("series", SERIES), ("email", email), ("condition", "lung"), ("timezone", "UTC")];
    let new = page(&app, &fields("known@example.org")).await;
    app.dispatch_all_due().await;
    let pending = page(&app, &fields("known@example.org")).await;
    app.dispatch_all_due().await;
    app.confirm("known@example.org").await;
    let active = page(&app, &fields("known@example.org")).await;
    regimen::actions::suppress::suppress(&app.service, &address("bad@example.org"), &actor()).await.unwrap();
    let suppressed = page(&app, &fields("bad@example.org")).await;
    for _ in 0..5 {
        page(&app, &fields("often@example.org")).await;
    }
    let capped = page(&app, &fields("often@example.org")).await;
    assert_eq!(new.0, StatusCode::OK);
    for other in [pending, active, suppressed, capped] {
        assert_eq!(other, new);
    }
    app.dispatch_all_due().await;
    assert!(app.mails_to("bad@example.org").is_empty(), "a suppressed address gets nothing");
    assert_eq!(app.mails_to("often@example.org").len(), 1, "what was not yet sent is superseded");
    assert_eq!(
        app.count("select count(*) from deliveries d join subscribers s using (bucket) where s.id = d.subscriber and s.address = 'often@example.org'").await,
        3,
        "three confirmations a day at most"
    );
}

fn actor() -> regimen::actions::Actor {
    regimen::actions::Actor::command_line("an editor", "a test")
}

#[tokio::test]
async fn bad_input_is_answered_beside_the_field_and_nothing_typed_is_lost() {
    let app = App::start().await;
    let (status, html) =
        page(&app, &[("series", SERIES), ("email", "reader@"), ("condition", "kidney"), ("timezone", "Asia/Tokyo")])
            .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(html.contains("value=\"reader@\""), "the address is kept");
    assert!(
        html.contains("aria-invalid") && html.contains("is not a domain that mail can be sent to"),
        "the message is there"
    );
    let kidney = html.split("kidney").nth(1).unwrap();
    assert!(
        kidney[..60].contains("selected") || kidney[..60].contains("checked"),
        "the choice is kept: {}",
        &kidney[..60]
    );

    for (email, condition) in [("reader@example.org", ""), ("reader@example.org", "sadness"), ("", "lung")] {
        let (status, _) = page(&app, &[("series", SERIES), ("email", email), ("condition", condition)]).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{email} {condition}");
    }
    assert_eq!(app.count("select count(*) from subscribers").await, 0);
    assert_eq!(app.count("select count(*) from deliveries").await, 0);
}

#[tokio::test]
async fn an_unknown_zone_is_no_obstacle() {
    let app = App::start().await;
    let response = app.sign_up_as("reader@example.org", "lung", "Mars/Olympus").await;
    assert_eq!(response.status(), StatusCode::OK);
    let zone: String = sqlx::query_scalar("select zone from enrollments").fetch_one(app.db()).await.unwrap();
    assert_eq!(zone, "America/New_York", "the series' own");
}

#[tokio::test]
async fn json_gets_problem_details() {
    let app = App::start().await;
    let post = async |body: Value| {
        let response = app.http.post(format!("{}/subscribe", app.base)).json(&body).send().await.unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (response.status(), kind, response.json::<Value>().await.unwrap())
    };
    let (status, kind, problem) =
        post(json!({ "email": "a b@example.org", "condition": "x", "timezone": "UTC" })).await;
    assert_eq!((status, kind.as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "application/problem+json"));
    let fields: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["email", "condition"]);
    assert!(!problem.to_string().contains("a b@"), "no address in an error");

    let (status, _, answer) = post(json!({ "email": "api@example.org", "condition": "lung", "timezone": "UTC" })).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("api@example.org").len(), 1);

    let broken = app
        .http
        .post(format!("{}/subscribe", app.base))
        .header("content-type", "application/json")
        .body("{")
        .send()
        .await
        .unwrap();
    assert_eq!(broken.status(), StatusCode::BAD_REQUEST);
    let huge =
        app.http.post(format!("{}/subscribe", app.base)).form(&[("email", "x".repeat(100_000))]).send().await.unwrap();
    assert_eq!(huge.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let strange = app
        .http
        .post(format!("{}/subscribe", app.base))
        .header("content-type", "text/plain")
        .body("x")
        .send()
        .await
        .unwrap();
    assert_eq!(strange.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn no_header_can_be_smuggled_in() {
    let app = App::start().await;
    for email in [
        "a@example.org\r\nBcc: b@example.org",
        "a@example.org%0d%0aBcc:b@example.org",
        "a@example.org\n",
        "a\0@example.org",
    ] {
        let (status, html) = page(&app, &[("series", SERIES), ("email", email), ("condition", "lung")]).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{email:?}");
        assert!(!html.contains('\0'));
    }
    app.sign_up_as("\"><script>alert(1)</script>@example.org", "lung", "UTC").await;
    assert_eq!(app.count("select count(*) from subscribers").await, 0);
}

#[tokio::test]
async fn internationalised_addresses_are_mailed_as_typed() {
    let app = App::start().await;
    app.sign_up("zoë@bücher.example").await;
    app.sign_up("reader@BÜCHER.example").await;
    app.dispatch_all_due().await;
    assert_eq!(app.count("select count(*) from deliveries where state = 'accepted'").await, 2);
    let to: Vec<String> = app.relay.taken().iter().flat_map(|mail| mail.to.clone()).collect();
    assert!(
        to.contains(&"zoë@xn--bcher-kva.example".to_owned()) || to.contains(&"zoë@bücher.example".to_owned()),
        "{to:?}"
    );
    assert!(to.contains(&"reader@xn--bcher-kva.example".to_owned()), "{to:?}");
}

#[tokio::test]
async fn a_second_sign_up_before_confirming_replaces_the_first() {
    let app = App::start().await;
    app.sign_up_as("reader@example.org", "lung", "UTC").await;
    app.dispatch_all_due().await;
    let first = app.relay.last_to("reader@example.org").link("confirm");
    app.sign_up_as("reader@example.org", "breast", "Asia/Tokyo").await;
    app.dispatch_all_due().await;
    let html = app.post(&first).await.text().await.unwrap();
    assert!(html.contains("newer"), "the first link says that a newer one was sent");
    assert_eq!(app.count("select count(*) from enrollments where state = 'active'").await, 0);
    app.confirm("reader@example.org").await;
    let zone: String =
        sqlx::query_scalar("select zone from enrollments where state = 'active'").fetch_one(app.db()).await.unwrap();
    assert_eq!(zone, "Asia/Tokyo", "the newest values are taken");
}

#[tokio::test]
async fn an_open_enrollment_is_never_altered_and_its_reader_is_told_once_a_day() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let before = app.mails_to("reader@example.org").len();
    for _ in 0..3 {
        app.sign_up_as("reader@example.org", "leukemia", "Asia/Tokyo").await;
        app.dispatch_all_due().await;
    }
    assert_eq!(app.mails_to("reader@example.org").len(), before + 1);
    assert!(app.relay.last_to("reader@example.org").text.contains("signed up"));
    let zone: String = sqlx::query_scalar("select zone from enrollments").fetch_one(app.db()).await.unwrap();
    assert_eq!(zone, "America/New_York");
    app.service.clock().advance_real(days(1) + hours(1));
    app.sign_up_as("reader@example.org", "leukemia", "Asia/Tokyo").await;
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("reader@example.org").len(), before + 2);
}

#[tokio::test]
async fn whoever_unsubscribed_comes_back_where_they_left_and_whoever_completed_starts_again() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    app.live_through(days(4)).await;
    let link = app.relay.last_to("reader@example.org").link("unsubscribe");
    app.post(&link).await;
    app.live_through(days(10)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), 3, "confirmation and two parts");
    app.enroll("reader@example.org").await;
    let titles: Vec<String> = app.subjects("reader@example.org");
    let steps: Vec<String> =
        app.service.library().series.values().next().unwrap().steps.iter().map(|step| step.subject.clone()).collect();
    assert_eq!(titles.last().unwrap(), &steps[2], "the third part, at once");
    app.live_through(days(30)).await;
    assert_eq!(app.subjects("reader@example.org").last().unwrap(), &steps[5]);

    app.enroll("reader@example.org").await;
    assert_eq!(app.subjects("reader@example.org").last().unwrap(), &steps[0], "completed: from the beginning");
}

#[tokio::test]
async fn a_suppressed_address_that_is_released_can_sign_up_again() {
    let app = App::start().await;
    let mut body = why();
    body["address"] = json!("reader@example.org");
    app.enroll("reader@example.org").await;
    assert_eq!(app.api_post("/subscribers/suppress", body.clone()).await.0, StatusCode::OK);
    let had = app.mails_to("reader@example.org").len();
    app.live_through(days(9)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), had);
    assert_eq!(app.api_post("/subscribers/unsuppress", body).await.0, StatusCode::OK);
    app.live_through(days(9)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), had, "nothing starts by itself");
    app.enroll("reader@example.org").await;
    assert!(app.mails_to("reader@example.org").len() > had);
}

#[tokio::test]
async fn many_sign_ups_of_one_address_at_once_make_one_enrollment() {
    let app = App::start().await;
    let sign_ups = (0..8).map(|_| app.sign_up_as("reader@example.org", "lung", "UTC"));
    for response in futures::future::join_all(sign_ups).await {
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert_eq!(app.count("select count(*) from subscribers").await, 1);
    assert_eq!(app.count("select count(*) from enrollments").await, 1);
    assert_eq!(app.count("select count(*) from deliveries").await, 3, "the day's confirmations");
}
