//! A series as admins see it before its readers do.
use chrono::{DateTime, Utc};
use regimen::actions::rehearsal::{self, Ask, When};
use regimen::model::{Role, SeriesSlug, Zone};
use reqwest::StatusCode;

use crate::support::admins::Browser;
use crate::support::{App, SERIES, Setup, days};

const HERE: &str = "/admin/series/fighting-cancer-with-immunotherapy";

#[tokio::test]
async fn what_a_rehearsal_says_is_what_the_dispatcher_does() {
    // Ten to midnight in New York, a week before the clocks go forward.
    let start = "2026-03-02T04:50:00Z".parse().unwrap();
    let app = App::start_with(Setup { start, ..Setup::default() }).await;
    app.enroll("reader@example.org").await;
    app.live_through(days(20)).await;
    let sent: Vec<(String, DateTime<Utc>)> = sqlx::query_as(
        "select step, series_settled_at from deliveries where kind = 'step' and state = 'accepted' order by due_at",
    )
    .fetch_all(app.db())
    .await
    .unwrap();

    let series = app.service.series(&SeriesSlug::parse(SERIES).unwrap()).unwrap();
    let zones = vec![Zone::parse("America/New_York").unwrap()];
    let from = "2026-01-12".parse().unwrap();
    let found = rehearsal::rehearse(&series, &Ask { from, zones, hour: None, spacing: None });
    let reader = found.readers.iter().find(|reader| reader.when == When::BeforeForward).unwrap();
    assert_eq!(reader.confirmed, start);
    let said: Vec<(String, DateTime<Utc>)> = reader.parts.iter().map(|part| (part.step.clone(), part.due)).collect();
    assert_eq!(said.len(), 6);
    assert_eq!(said, sent);
}

#[tokio::test]
async fn a_viewer_rehearses_the_series_for_whom_they_like() {
    let app = App::start().await;
    let mut browser = Browser::signed_in(&app, Role::Viewer).await;
    let path = format!("{HERE}/rehearsal");
    assert_eq!(browser.get(&app, &path).await.0, StatusCode::OK);
    assert!(browser.html.contains("Pacific/Kiritimati") && browser.html.contains("clock +30 min"), "{}", browser.html);

    let asked = format!("{path}?from=2026-03-22&zone=Europe/Berlin&spacing=1&hour=");
    assert_eq!(browser.get(&app, &asked).await.0, StatusCode::OK);
    assert!(!browser.html.contains("Pacific/Kiritimati"));
    // The second part may not come on the morning after; from there on they are a day apart.
    assert!(browser.html.contains("2026-03-24 09:00") && browser.html.contains("shortest gap"), "{}", browser.html);

    assert_eq!(browser.get(&app, &format!("{path}?zone=Moon/Crater")).await.0, StatusCode::CONFLICT);
    assert!(browser.html.contains("There is no such time zone"));
    assert_eq!(browser.get(&app, "/admin/series/nothing/rehearsal").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_parts_are_on_a_time_line_with_what_could_be_better() {
    let app = App::start().await;
    let mut browser = Browser::signed_in(&app, Role::Viewer).await;
    browser.get(&app, "/admin").await;
    assert!(browser.html.contains(&format!("href=\"{HERE}\"")), "the overview leads there");
    assert_eq!(browser.get(&app, "/admin/series").await.0, StatusCode::OK);
    assert!(browser.html.contains(&format!("href=\"{HERE}\"")));
    assert_eq!(browser.get(&app, HERE).await.0, StatusCode::OK);
    let html = &browser.html;
    for part in
        ["Day 0 · Part 1: What is immunotherapy?", "Day 15 · Part 6: Is immunotherapy for me?", "English, Español"]
    {
        assert!(html.contains(part), "{part}: {html}");
    }
    // The example content says of itself what it lacks.
    assert!(html.contains("medical review is pending") && html.contains("is an example address"), "{html}");
    assert_eq!(browser.get(&app, "/admin/series/nothing").await.0, StatusCode::NOT_FOUND);
}
