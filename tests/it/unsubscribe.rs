//! Leaving, and pausing, from the links in a mail.
use reqwest::{Method, StatusCode};

use crate::support::relay::At;
use crate::support::{App, days};

#[tokio::test]
async fn one_click_as_a_mail_provider_does_it() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let mail = app.relay.last_to("reader@example.org");
    assert_eq!(mail.header("List-Unsubscribe-Post").unwrap(), "List-Unsubscribe=One-Click");
    let header = mail.header("List-Unsubscribe").unwrap();
    let url = header.trim_start_matches('<').trim_end_matches('>');
    let path = url.strip_prefix("https://series.example.org").expect("our own address");
    // RFC 8058 3.2: a POST with this body, without cookies or other context.
    let bare = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let post = bare
        .post(format!("{}{path}", app.base))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("List-Unsubscribe=One-Click");
    let response = post.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    app.live_through(days(30)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), 2, "confirmation and the first part");
    assert_eq!(app.step_states().await["skipped"], 1);
}

#[tokio::test]
async fn the_header_also_takes_a_multipart_body_and_looking_changes_nothing() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let link = app.relay.last_to("reader@example.org").link("unsubscribe");
    for method in [Method::GET, Method::HEAD] {
        let response = app.http.request(method, format!("{}{link}", app.base)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert_eq!(app.count("select count(*) from enrollments where state = 'active'").await, 1);
    let body = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    let post = app
        .http
        .post(format!("{}{link}", app.base))
        .header("content-type", "multipart/form-data; boundary=x")
        .body(body);
    assert_eq!(post.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(app.post(&link).await.status(), StatusCode::OK, "again is the same as once");
    assert_eq!(app.count("select count(*) from enrollments where state = 'unsubscribed'").await, 1);
    assert_eq!(app.count("select count(*) from consents where action = 'unsubscribe'").await, 1);
}

#[tokio::test]
async fn it_has_effect_on_a_mail_that_is_already_claimed() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let link = app.relay.last_to("reader@example.org").link("unsubscribe");
    app.advance(days(4));
    // Another node holds the claim.
    let hands = app.service.hands();
    let series = vec![crate::support::SERIES.to_owned()];
    let head = regimen::store::queue::look(app.db(), &series, &[1], hands).await.unwrap().due.remove(0);
    let until = hands.real + chrono::TimeDelta::seconds(30);
    let claimed = regimen::store::queue::claim(app.db(), &head, hands, until, app.node(), 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    app.post(&link).await;
    let batch: Vec<_> = claimed.iter().collect();
    let marked = regimen::store::queue::mark_sending(app.db(), head.bucket, &batch, until).await.unwrap();
    assert!(marked.is_empty(), "the mark asks again and refuses");
    assert_eq!(app.step_states().await["skipped"], 1);
}

#[tokio::test]
async fn leaving_while_a_mail_is_on_the_wire_stops_all_that_follow() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let link = app.relay.last_to("reader@example.org").link("unsubscribe");
    app.advance(days(4));
    app.relay.reply_next(At::Message, 451, "4.3.0 later");
    app.dispatch_all_due().await;
    app.post(&link).await;
    app.live_through(days(30)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), 2);
    assert_eq!(app.count("select count(*) from deliveries where state in ('pending', 'claimed', 'sending')").await, 0);
}

#[tokio::test]
async fn a_reader_pauses_and_resumes_and_misses_nothing() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let link = app.relay.last_to("reader@example.org").link("manage");
    let html = app.get(&link).await.text().await.unwrap();
    assert!(html.contains("America/New_York") && html.contains("5 March") || html.contains("March 5"), "{html}");
    assert!(!html.contains("reader@example.org") && !html.to_lowercase().contains("melanoma"), "it can be forwarded");
    assert_eq!(app.post(&format!("{link}/pause")).await.status(), StatusCode::SEE_OTHER);
    app.live_through(days(20)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), 2);
    assert_eq!(app.post(&format!("{link}/resume")).await.status(), StatusCode::SEE_OTHER);
    app.live_through(days(2)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), 2, "what is left is shifted, not sent in a burst");
    app.live_through(days(2)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), 3);
    app.live_through(days(30)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), 7);
}

#[tokio::test]
async fn who_leaves_while_a_lost_mail_is_put_back_is_sent_nothing_and_leaves_nothing_behind() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    app.advance(days(3));
    // Its dispatcher died while it was being sent.
    sqlx::query("update deliveries set state = 'sending', attempt = 1, lease_until = $1 where state = 'pending'")
        .bind(app.service.clock().real() - chrono::TimeDelta::seconds(1))
        .execute(app.db())
        .await
        .unwrap();
    let mut leaving = app.db().begin().await.unwrap();
    sqlx::query("update enrollments set state = 'unsubscribed'").execute(&mut *leaving).await.unwrap();
    let reaping = async { app.reap().await };
    let committing = async {
        let waits = "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'";
        let looked = std::time::Instant::now();
        while app.count(waits).await == 0 && looked.elapsed() < std::time::Duration::from_secs(1) {}
        leaving.commit().await.unwrap();
    };
    let (reaped, ()) = tokio::join!(reaping, committing);
    assert_eq!(reaped, (0, 1));
    assert_eq!(app.count("select count(*) from deliveries where state = 'pending'").await, 0, "it would stay for ever");
    assert_eq!(app.count("select count(*) from deliveries where reason = 'ended_meanwhile'").await, 1);
}
