//! Another address: the new one confirms, takes the place of the old one, and the old one gets one note.
use regimen::model::EmailAddress;
use reqwest::StatusCode;
use serde_json::json;

use crate::manage::{READER, own_page, page, press};
use crate::manage_fresh::fresh_link;
use crate::support::relay::At;
use crate::support::{App, days, hours, minutes, why};

pub const NEW: &str = "new@example.org";

pub async fn ask(app: &App, fresh: &str, address: &str) -> String {
    press(app, &format!("{fresh}/address"), &[("address", address)]).await
}

/// Asks for another address, and lets the mails out.
pub async fn moved(app: &App, from: &str, to: &str) -> String {
    let fresh = fresh_link(app, from).await;
    let html = ask(app, &fresh, to).await;
    app.dispatch_all_due().await;
    html
}

pub async fn enrollments(app: &App) -> Vec<(String, String)> {
    sqlx::query_as(
        "select s.address, e.state from enrollments e join subscribers s on s.bucket = e.bucket and s.id = e.subscriber
         order by s.created_at, s.address <> 'reader@example.org', e.created_at, e.id",
    )
    .fetch_all(app.db())
    .await
    .unwrap()
}

#[tokio::test]
async fn the_new_address_confirms_and_goes_on_where_the_old_one_was() {
    // Whichever of the two buckets comes first, both are locked in one order.
    let old_bucket = EmailAddress::parse(READER).unwrap().bucket();
    let name = |number: u32| format!("new{number}@example.org");
    let buckets = |new: &String| EmailAddress::parse(new).unwrap().bucket();
    let before = (0..1_000).map(name).find(|new| buckets(new) < old_bucket).unwrap();
    let after = (0..1_000).map(name).find(|new| buckets(new) > old_bucket).unwrap();
    for new in [before, after] {
        let app = App::start().await;
        app.enroll(READER).await;
        let own = own_page(&app, READER);
        press(&app, &format!("{own}/clock"), &[("zone", "Europe/Berlin"), ("hour", "15:00")]).await;
        press(&app, &format!("{own}/spacing"), &[("days", "7")]).await;
        let html = moved(&app, READER, &new).await;
        assert!(html.contains("If this address can get the series") && !html.contains(&new), "{html}");
        let old_mails = app.mails_to(READER).len();
        // Until the new one confirms, all is as it was.
        assert_eq!(enrollments(&app).await[0], (READER.to_owned(), "active".to_owned()));
        let due = "select due_at from deliveries where kind = 'step' and state = 'pending'";
        let planned: chrono::DateTime<chrono::Utc> = sqlx::query_scalar(due).fetch_one(app.db()).await.unwrap();
        let mail = app.relay.last_to(&new);
        assert!(
            !mail.raw.contains(READER) && !mail.text.to_lowercase().contains("melanoma"),
            "it tells nothing of the old"
        );
        assert!(mail.subject.contains("Shall the series come to this address?"), "{}", mail.subject);
        let html = page(&app, &mail.link("confirm")).await;
        assert!(html.contains("Get the series here?") && !html.contains(READER), "{html}");
        let html = app.post(&mail.link("confirm")).await.text().await.unwrap();
        assert!(html.contains("The series goes on here") && !html.contains("The first part comes now"), "{html}");
        app.confirm(&new).await;
        assert_eq!(
            enrollments(&app).await,
            [(READER.to_owned(), "unsubscribed".to_owned()), (new.clone(), "active".to_owned())]
        );
        let html = page(&app, &own).await;
        assert!(html.contains("The series goes to another address now") && !html.contains(&new), "{html}");
        let kept: chrono::DateTime<chrono::Utc> = sqlx::query_scalar(due).fetch_one(app.db()).await.unwrap();
        assert_eq!(kept, planned, "the next part comes when it was to come");
        app.live_through(days(60)).await;
        assert_eq!(app.mails_to(READER).len(), old_mails + 1, "the old address gets one note, and nothing more");
        let note = app.relay.last_to(READER);
        assert!(note.subject.contains("The series goes to another address now"), "{}", note.subject);
        assert!(!note.raw.contains(&new) && !note.text.to_lowercase().contains("melanoma"), "it names neither");
        let subjects = app.subjects(&new);
        assert_eq!(subjects.len(), 1 + 5, "the confirmation and parts two to six: {subjects:?}");
        assert!(app.relay.last_to(&new).text.to_lowercase().contains("melanoma"), "the condition came along");
        let local: Vec<String> = sqlx::query_scalar(
            "select to_char(due_at at time zone 'Europe/Berlin', 'HH24:MI') from deliveries d
             join subscribers s on s.bucket = d.bucket and s.id = d.subscriber where s.address = $1 and kind = 'step'",
        )
        .bind(&new)
        .fetch_all(app.db())
        .await
        .unwrap();
        assert_eq!(local, ["15:00"; 5], "and so did the clock");
        let html = page(&app, &own_page(&app, &new)).await;
        assert!(html.contains("6 of 6 parts received"), "{html}");
        let html = page(&app, &own).await;
        assert!(html.contains("Stopped") && !html.contains(&new), "after the last part it goes on nowhere: {html}");
    }
}

#[tokio::test]
async fn a_pause_moves_along() {
    let app = App::start().await;
    app.enroll(READER).await;
    press(&app, &format!("{}/pause", own_page(&app, READER)), &[("until", "2026-03-10")]).await;
    moved(&app, READER, NEW).await;
    app.confirm(NEW).await;
    assert_eq!(enrollments(&app).await[1], (NEW.to_owned(), "paused".to_owned()));
    app.live_through(days(9)).await;
    assert_eq!(app.mails_to(NEW).len(), 1);
    assert_eq!(regimen::actions::manage::change::end_pauses(&app.service).await.unwrap(), 1);
    app.live_through(days(4)).await;
    assert_eq!(app.mails_to(NEW).len(), 2);
}

#[tokio::test]
async fn a_wish_works_for_a_day_and_nothing_makes_it_longer() {
    let app = App::start().await;
    app.enroll(READER).await;
    moved(&app, READER, NEW).await;
    let link = app.relay.last_to(NEW).link("confirm");
    app.advance(hours(23));
    app.post(&format!("{link}/new-link")).await;
    regimen::actions::tidy::remind(&app.service).await.unwrap();
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to(NEW).len(), 1, "neither a new link nor a reminder");
    assert!(page(&app, &own_page(&app, READER)).await.contains("Keep it at this address"));
    app.advance(hours(2));
    let own = page(&app, &own_page(&app, READER)).await;
    assert!(!own.contains("Keep it at this address"), "{own}");
    for response in [app.get(&link).await, app.post(&link).await] {
        let html = response.text().await.unwrap();
        assert!(html.contains("Nothing has changed") && !html.contains("new-link"), "{html}");
    }
    regimen::actions::tidy::remind(&app.service).await.unwrap();
    app.live_through(days(10)).await;
    assert_eq!(app.mails_to(NEW).len(), 1);
    assert_eq!(enrollments(&app).await[0].1, "active", "the old address goes on");
    assert_eq!(regimen::actions::tidy::forget_unconfirmed(&app.service).await.unwrap(), 1);
    assert_eq!(app.count("select count(*) from subscribers").await, 1);
}

#[tokio::test]
async fn the_calendar_shows_that_a_wish_waits_and_takes_it_back() {
    let app = App::start().await;
    app.enroll(READER).await;
    moved(&app, READER, NEW).await;
    let own = own_page(&app, READER);
    let html = page(&app, &own).await;
    assert!(html.contains("send the series to another address") && !html.contains(NEW), "{html}");
    let html = press(&app, &format!("{own}/stay"), &[]).await;
    assert!(html.contains("The series stays at this address.") && !html.contains("/stay"), "{html}");
    assert!(press(&app, &format!("{own}/stay"), &[]).await.contains("There was nothing to change."));
    let link = app.relay.last_to(NEW).link("confirm");
    assert_eq!(app.post(&link).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(enrollments(&app).await, [(READER.to_owned(), "active".to_owned())]);
}

#[tokio::test]
async fn the_answer_is_the_same_whatever_is_known_of_the_address() {
    let app = App::start().await;
    for email in [READER, "taken@example.org"] {
        app.enroll(email).await;
    }
    let mut body = why();
    body["address"] = json!("never@example.org");
    app.api_post("/subscribers/suppress", body).await;
    let fresh = fresh_link(&app, READER).await;
    let mut answers = Vec::new();
    for address in ["taken@example.org", "never@example.org", READER, "Reader@Example.ORG", NEW, "fourth@example.org"] {
        answers.push(ask(&app, &fresh, address).await);
        app.dispatch_all_due().await;
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert_eq!(app.mails_to("never@example.org").len(), 0);
    let taken = app.subjects("taken@example.org");
    assert_eq!(taken.len(), 3);
    assert_eq!(taken[2], "You are signed up already");
    assert_eq!(app.mails_to(NEW).len(), 1);
    assert_eq!(app.mails_to("fourth@example.org").len(), 0, "three strangers a day and no more");
    let own: Vec<(String, String)> = enrollments(&app).await;
    assert!(own.iter().filter(|(_, state)| state == "active").count() == 2, "{own:?}");
    // What is no address is said so, and what was typed is kept.
    let response = app.post_form(&format!("{fresh}/address"), &[("address", "new@")]).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let html = response.text().await.unwrap();
    assert!(html.contains("value=\"new@\"") && html.contains("aria-invalid"), "{html}");
}

#[tokio::test]
async fn the_newest_wish_counts_and_a_plain_sign_up_takes_nobodys_place() {
    let app = App::start().await;
    app.enroll(READER).await;
    let fresh = fresh_link(&app, READER).await;
    ask(&app, &fresh, "first@example.org").await;
    ask(&app, &fresh, "second@example.org").await;
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("first@example.org").len(), 0, "it was forgotten before it left");
    // Somebody signs the new address up by the form before it has confirmed: then that is what is confirmed.
    app.sign_up("second@example.org").await;
    app.dispatch_all_due().await;
    app.confirm("second@example.org").await;
    let mut all = enrollments(&app).await;
    all.sort();
    assert_eq!(all, [(READER.to_owned(), "active".to_owned()), ("second@example.org".to_owned(), "active".to_owned())]);
}

#[tokio::test]
async fn a_part_on_the_wire_is_waited_for() {
    let app = App::start().await;
    app.enroll(READER).await;
    moved(&app, READER, NEW).await;
    let link = app.relay.last_to(NEW).link("confirm");
    app.advance(minutes(6));
    press(&app, &format!("{}/now", own_page(&app, READER)), &[]).await;
    let (http, url) = (app.http.clone(), format!("{}{link}", app.base));
    let (said, seen) = tokio::sync::oneshot::channel();
    app.relay.meanwhile(At::Message, async move {
        said.send(http.post(url).send().await.unwrap().status()).ok();
    });
    app.dispatch_all_due().await;
    assert_eq!(seen.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
    let old = app.mails_to(READER).len();
    app.confirm(NEW).await;
    app.live_through(days(60)).await;
    assert_eq!(app.mails_to(READER).len(), old + 1, "the note");
    assert_eq!(app.mails_to(NEW).len(), 1 + 4, "neither lost nor doubled");
}

#[tokio::test]
async fn who_left_or_was_erased_meanwhile_is_not_brought_back() {
    // Left: the wish is forgotten with the series.
    let app = App::start().await;
    app.enroll(READER).await;
    app.live_through(days(4)).await;
    moved(&app, READER, NEW).await;
    let link = app.relay.last_to(NEW).link("confirm");
    let leave = app.mails_to(READER)[2].link("unsubscribe");
    app.post(&leave).await;
    assert_eq!(app.post(&link).await.status(), StatusCode::NOT_FOUND);
    app.live_through(days(60)).await;
    assert_eq!(app.mails_to(NEW).len(), 1);
    assert_eq!(enrollments(&app).await, [(READER.to_owned(), "unsubscribed".to_owned())]);

    // Left, and the process fell over before it forgot the wish: the link says so, and moves nothing.
    let app = App::start().await;
    app.enroll(READER).await;
    moved(&app, READER, NEW).await;
    let link = app.relay.last_to(NEW).link("confirm");
    sqlx::query("update enrollments set state = 'unsubscribed', ended_at = '2026-03-02' where state = 'active'")
        .execute(app.db())
        .await
        .unwrap();
    for response in [app.get(&link).await, app.post(&link).await] {
        let html = response.text().await.unwrap();
        assert!(html.contains("Nothing has changed") && html.contains("stopped at the old address"), "{html}");
    }
    assert_eq!(app.post(&link).await.status(), StatusCode::NOT_FOUND, "it is forgotten");
    app.live_through(days(60)).await;
    assert_eq!(app.mails_to(NEW).len(), 1);
    assert_eq!(enrollments(&app).await, [(READER.to_owned(), "unsubscribed".to_owned())]);

    let app = App::start().await;
    app.enroll(READER).await;
    let fresh = fresh_link(&app, READER).await;
    ask(&app, &fresh, NEW).await;
    app.dispatch_all_due().await;
    let link = app.relay.last_to(NEW).link("confirm");
    press(&app, &format!("{fresh}/erase"), &[]).await;
    assert_eq!(app.count("select count(*) from subscribers").await, 0, "the new address, too");
    assert_eq!(app.post(&link).await.status(), StatusCode::NOT_FOUND);
}
