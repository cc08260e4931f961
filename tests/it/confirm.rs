//! The link of the confirmation mail.
use reqwest::{Method, StatusCode};

use crate::support::{App, days, hours};

#[tokio::test]
async fn looking_changes_nothing_and_pressing_twice_is_pressing_once() {
    let app = App::start().await;
    app.sign_up("reader@example.org").await;
    app.dispatch_all_due().await;
    let mail = app.relay.last_to("reader@example.org");
    let link = mail.link("confirm");
    for method in [Method::GET, Method::HEAD] {
        for path in [&link, &mail.link("never")] {
            let response = app.http.request(method.clone(), format!("{}{path}", app.base)).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()["cache-control"], "no-store");
            assert_eq!(response.headers()["referrer-policy"], "no-referrer");
            assert!(response.headers()["x-robots-tag"].to_str().unwrap().contains("noindex"));
        }
    }
    assert_eq!(app.count("select count(*) from enrollments where state = 'pending'").await, 1);
    assert_eq!(app.count("select count(*) from suppressions").await, 0);
    let html = app.get(&link).await.text().await.unwrap();
    assert!(html.contains("method=\"post\"") && html.contains("<button"), "a real button");

    for _ in 0..2 {
        assert_eq!(app.post(&link).await.status(), StatusCode::OK);
    }
    assert_eq!(app.count("select count(*) from deliveries where kind = 'step'").await, 1);
    assert_eq!(app.count("select count(*) from consents where action = 'confirm'").await, 1);
}

#[tokio::test]
async fn pressing_from_two_windows_at_once_owes_one_first_part() {
    let app = App::start().await;
    app.sign_up("reader@example.org").await;
    app.dispatch_all_due().await;
    let link = app.relay.last_to("reader@example.org").link("confirm");
    let pressed = futures::future::join_all((0..8).map(|_| app.post(&link))).await;
    assert!(pressed.iter().all(|response| response.status() == StatusCode::OK));
    assert_eq!(app.count("select count(*) from deliveries where kind = 'step'").await, 1);
}

#[tokio::test]
async fn an_expired_link_offers_a_new_one() {
    let app = App::start().await;
    app.sign_up("reader@example.org").await;
    app.dispatch_all_due().await;
    let link = app.relay.last_to("reader@example.org").link("confirm");
    app.advance(days(3) + hours(1));
    let html = app.post(&link).await.text().await.unwrap();
    assert!(html.contains("/new-link"), "it offers a new link");
    assert_eq!(app.count("select count(*) from enrollments where state = 'active'").await, 0);
    assert_eq!(app.post(&format!("{link}/new-link")).await.status(), StatusCode::OK);
    app.dispatch_all_due().await;
    app.confirm("reader@example.org").await;
    assert_eq!(app.count("select count(*) from enrollments where state = 'active'").await, 1);
}

#[tokio::test]
async fn who_does_not_confirm_is_reminded_once_and_then_forgotten() {
    let app = App::start().await;
    app.sign_up("reader@example.org").await;
    app.dispatch_all_due().await;
    let remind = async || regimen::actions::tidy::remind(&app.service).await.unwrap();
    assert_eq!(remind().await, 0, "not at once");
    app.advance(days(1) + hours(1));
    assert_eq!(remind().await, 1);
    assert_eq!(remind().await, 0, "once");
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("reader@example.org").len(), 2);
    let link = app.relay.last_to("reader@example.org").link("confirm");
    assert!(app.get(&link).await.text().await.unwrap().contains("<button"), "the reminder's link works");

    app.advance(days(30));
    assert_eq!(regimen::actions::tidy::forget_unconfirmed(&app.service).await.unwrap(), 1);
    assert_eq!(app.count("select count(*) from subscribers").await, 0, "nothing of them is kept");
    assert_eq!(app.count("select count(*) from consents").await, 0);
    assert_eq!(
        app.count("select coalesce(sum(count), 0)::bigint from step_totals").await,
        2,
        "but the books still close"
    );
    assert_eq!(app.get(&link).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_link_that_was_altered_says_what_to_do() {
    let app = App::start().await;
    for (path, button) in [
        ("/confirm/nonsense", ""),
        ("/unsubscribe/nonsense", ""),
        ("/manage/nonsense", "/pause"),
        ("/never/nonsense", ""),
    ] {
        let response = app.get(path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(response.text().await.unwrap().contains("link"), "{path}");
        assert_eq!(app.post(&format!("{path}{button}")).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn this_was_not_me_means_never_again() {
    let app = App::start().await;
    app.sign_up("victim@example.org").await;
    app.dispatch_all_due().await;
    let link = app.relay.last_to("victim@example.org").link("never");
    assert_eq!(app.post(&link).await.status(), StatusCode::OK);
    app.sign_up("victim@example.org").await;
    app.live_through(days(9)).await;
    assert_eq!(app.mails_to("victim@example.org").len(), 1);
    let reason: String = sqlx::query_scalar("select reason from suppressions").fetch_one(app.db()).await.unwrap();
    assert_eq!(reason, "not_me");
}

#[tokio::test]
async fn nobody_who_confirms_while_the_address_is_signed_up_again_is_refused() {
    let app = App::start().await;
    let readers: Vec<String> = (0..20).map(|number| format!("reader{number}@example.org")).collect();
    for reader in &readers {
        app.sign_up(reader).await;
    }
    app.dispatch_all_due().await;
    let statuses = futures::future::join_all(readers.iter().map(async |reader| {
        let link = app.relay.last_to(reader).link("confirm");
        let again = || app.sign_up_as(reader, "lung", "UTC");
        let (confirmed, one, other) = tokio::join!(app.post(&link), again(), again());
        [confirmed.status(), one.status(), other.status()]
    }))
    .await;
    // A link that a sign-up has replaced in this moment is told so; nothing fails.
    assert_eq!(statuses.concat(), vec![StatusCode::OK; 60]);
}
