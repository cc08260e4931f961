//! The overview: books that add up, a funnel, and an alarm when something is overdue.
use regimen::actions::dashboard::{self, Stage};
use regimen::model::{Role, SeriesSlug};
use reqwest::{Method, StatusCode};

use crate::support::admins::Browser;
use crate::support::{App, SERIES, days, hours};

fn series() -> SeriesSlug {
    SeriesSlug::parse(SERIES).unwrap()
}

/// Two readers who are confirmed, one of whom left, and one who is not.
async fn three_readers(app: &App) {
    for address in ["ana@example.org", "ben@example.org"] {
        app.enroll(address).await;
    }
    app.sign_up("cyn@example.org").await;
    app.dispatch_all_due().await;
    let leave = app.relay.last_to("ben@example.org").link("unsubscribe");
    assert_eq!(app.post(&leave).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_books_add_up_and_the_funnel_counts_each_reader_once() {
    let app = App::start().await;
    three_readers(&app).await;
    let figures = dashboard::count(&app.service, &series()).await.unwrap();
    let funnel: Vec<i64> = figures.funnel.iter().map(|(_, count)| *count).collect();
    assert_eq!(funnel, [3, 2, 2, 0, 0, 0, 0, 0, 0], "signed up, confirmed, part 1 … 6, completed");
    assert_eq!(figures.funnel[2].0, Stage::Received(1));

    let all: i64 = figures.books.iter().map(|one| one.due() + one.later).sum();
    assert_eq!(all, app.count("select count(*) from deliveries").await, "each delivery counts once");
    let part = |number| figures.books.iter().find(|one| one.part == Some(number)).unwrap();
    assert_eq!((part(1).due(), part(1).accepted), (2, 2));
    assert_eq!(part(2).skipped.get("unsubscribed"), Some(&1));
    assert_eq!((part(2).due() - 1, part(2).later), (0, 1), "the other is not due yet");
    let confirmations = figures.books.iter().find(|one| one.kind == "confirmation").unwrap();
    assert_eq!(confirmations.accepted, 3);

    assert_eq!(figures.days.len(), 30);
    assert_eq!(figures.days.last().unwrap().accepted, 5);
    assert_eq!((figures.next_hour, figures.coming.iter().map(|one| one.count).sum::<i64>()), (0, 1));
}

#[tokio::test]
async fn the_overview_tells_what_is_overdue_and_that_nobody_sends() {
    let app = App::start().await;
    let admin = &mut Browser::signed_in(&app, Role::Viewer).await;
    admin.get(&app, "/admin").await;
    assert!(admin.html.contains("Nobody has signed up yet") && admin.html.contains("No process sends mail"));
    assert!(!admin.html.contains("overdue:"));

    three_readers(&app).await;
    app.advance(days(3) + hours(1));
    admin.sign_in(&app, "viewer@example.org", crate::support::admins::PASSWORD).await;
    admin.get(&app, "/admin").await;
    assert!(admin.html.contains("One mail is overdue"), "the second part, for one of them");
    for address in ["ana@", "ben@", "lung"] {
        assert!(!admin.html.contains(address), "figures tell of no reader");
    }
}

#[tokio::test]
async fn news_come_while_one_looks_and_only_to_admins() {
    let app = App::start().await;
    three_readers(&app).await;
    let stranger = app.http.get(format!("{}/admin/live", app.base)).send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::SEE_OTHER, "led to where one signs in");
    let admin = Browser::signed_in(&app, Role::Viewer).await;
    let mut news = admin.request(&app, Method::GET, "/admin/live").send().await.unwrap();
    assert_eq!(news.headers()["content-type"], "text/event-stream");
    let mut octets = Vec::new();
    while !octets.ends_with(b"\n\n") {
        octets.extend(news.chunk().await.unwrap().expect("it goes on"));
    }
    let text = String::from_utf8(octets).unwrap();
    assert!(text.starts_with("event: figures\ndata: ") && text.contains("How far readers come"), "{text}");
}
