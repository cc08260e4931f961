//! The main job: a reader signs up, confirms and receives the six parts, each at the right hour.
use chrono::{NaiveTime, Timelike as _};
use regimen::model::Zone;
use reqwest::StatusCode;

use crate::support::{App, SERIES, days};

#[tokio::test]
async fn a_reader_receives_the_six_parts_each_at_nine_three_days_apart() {
    let app = App::start().await;
    app.sign_up("reader@example.org").await;
    assert!(app.mails_to("reader@example.org").is_empty(), "nothing is sent before the dispatcher runs");
    app.dispatch_all_due().await;
    assert_eq!(app.subjects("reader@example.org").len(), 1, "the confirmation");

    app.live_through(days(2)).await;
    assert_eq!(app.count("select count(*) from deliveries where kind = 'step'").await, 0, "not before confirming");

    app.confirm("reader@example.org").await;
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("reader@example.org").len(), 2, "the first part goes at once");

    app.live_through(days(42)).await;
    let subjects = app.subjects("reader@example.org");
    assert_eq!(subjects.len(), 7, "{subjects:?}");
    let expected: Vec<String> =
        app.service.library().series.values().next().unwrap().steps.iter().map(|step| step.subject.clone()).collect();
    assert_eq!(subjects[1..], expected);

    let settled: Vec<chrono::DateTime<chrono::Utc>> =
        sqlx::query_scalar("select series_settled_at from deliveries where kind = 'step' order by series_settled_at")
            .fetch_all(app.db())
            .await
            .unwrap();
    let zone = Zone::parse("America/New_York").unwrap();
    for pair in settled.windows(2) {
        let (before, after) = (zone.local(pair[0]), zone.local(pair[1]));
        assert_eq!((after.date() - before.date()).num_days(), 3);
        assert_eq!(after.time().with_second(0).unwrap(), NaiveTime::from_hms_opt(9, 0, 0).unwrap());
    }
    let state: String = sqlx::query_scalar("select state from enrollments").fetch_one(app.db()).await.unwrap();
    assert_eq!(state, "completed");
}

#[tokio::test]
async fn each_reader_has_their_own_nine_oclock_and_their_own_passage() {
    let app = App::start().await;
    let readers = [
        ("kathmandu@example.org", "kidney", "Asia/Kathmandu"),
        ("sydney@example.org", "lymphoma", "Australia/Sydney"),
        ("honolulu@example.org", "other", "Pacific/Honolulu"),
    ];
    for (email, condition, zone) in readers {
        app.sign_up_as(email, condition, zone).await;
    }
    app.dispatch_all_due().await;
    for (email, _, _) in readers {
        app.confirm(email).await;
    }
    app.live_through(days(3)).await;
    app.live_through(days(1)).await;
    for (email, _, zone) in readers {
        let due: chrono::DateTime<chrono::Utc> = sqlx::query_scalar(
            "select d.due_at from deliveries d join subscribers s on s.bucket = d.bucket and s.id = d.subscriber
             where s.address = $1 and d.step = 'antibodies'",
        )
        .bind(email)
        .fetch_one(app.db())
        .await
        .unwrap();
        let local = Zone::parse(zone).unwrap().local(due);
        assert_eq!((local.hour(), local.minute()), (9, 0), "{zone}");
        assert_eq!(app.mails_to(email).len(), 3, "confirmation and two parts");
    }
    let texts: Vec<String> = readers.iter().map(|(email, _, _)| app.relay.last_to(email).text).collect();
    assert!(texts[0] != texts[1] && texts[1] != texts[2], "each has a passage of its own");
}

#[tokio::test]
async fn the_books_close() {
    let app = App::start().await;
    for number in 0..7 {
        app.enroll(&format!("reader{number}@example.org")).await;
    }
    app.live_through(days(4)).await;
    let books = app.api_get(&format!("/series/{SERIES}")).await;
    let total: i64 = books["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["kind"] == "step" && line["due"] == true)
        .map(|line| line["count"].as_i64().unwrap())
        .sum();
    assert_eq!(total, 14, "two parts are due for each of seven readers: {books}");
    assert_eq!(app.step_states().await["accepted"], 14);
}

#[tokio::test]
async fn the_front_page_shows_article_and_box() {
    let app = App::start().await;
    let response = app.get("/").await;
    assert_eq!(response.status(), StatusCode::OK);
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
    let html = response.text().await.unwrap();
    for part in
        ["name=\"email\"", "name=\"condition\"", "name=\"timezone\"", "Get started", "/privacy", "/terms", "melanoma"]
    {
        assert!(html.contains(part), "{part} is missing");
    }
    for page in ["/privacy", "/terms", &format!("/articles/{SERIES}")] {
        assert_eq!(app.get(page).await.status(), StatusCode::OK, "{page}");
    }
    assert_eq!(app.get("/articles/nothing-here").await.status(), StatusCode::NOT_FOUND);
}
