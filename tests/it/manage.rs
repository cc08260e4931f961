//! The reader's calendar: what it shows, and what whoever has the link may change.
use chrono::{DateTime, Utc};
use regimen::actions::manage::change;
use regimen::actions::service;
use regimen::content::Bundle;
use regimen::local::smtp::Verdict;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::relay::At;
use crate::support::{App, SERIES, Setup, days, hours, minutes, why};

pub const READER: &str = "reader@example.org";

/// The path of the reader's own page, from the newest mail that has it.
pub fn own_page(app: &App, email: &str) -> String {
    let mail = app.mails_to(email).into_iter().rev().find(|mail| mail.text.contains("/manage/"));
    path_of(&mail.expect("a mail with the link").text, "manage")
}

/// `/page/token`, whatever follows it.
pub fn path_of(text: &str, page: &str) -> String {
    let start = text.find(&format!("/{page}/")).unwrap_or_else(|| panic!("no link to {page} in: {text}"));
    let end = |letter: char| letter.is_whitespace() || "<>()\"".contains(letter);
    let path = text[start..].split(end).next().unwrap();
    path.split('/').take(3).collect::<Vec<_>>().join("/")
}

pub async fn page(app: &App, path: &str) -> String {
    let response = app.get(path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    assert!(response.headers()["cache-control"].to_str().unwrap().contains("no-store"));
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    assert_eq!(response.headers()["x-robots-tag"], "noindex, nofollow");
    response.text().await.unwrap()
}

/// Presses a button, and sees the page that follows.
pub async fn press(app: &App, path: &str, fields: &[(&str, &str)]) -> String {
    let response = app.post_form(path, fields).await;
    if response.status() != StatusCode::SEE_OTHER {
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        return response.text().await.unwrap();
    }
    let next = response.headers()["location"].to_str().unwrap().to_owned();
    page(app, &next).await
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// When the step that is owed falls due.
async fn due(app: &App) -> DateTime<Utc> {
    sqlx::query_scalar("select due_at from deliveries where kind = 'step' and state in ('pending', 'paused')")
        .fetch_one(app.db())
        .await
        .unwrap()
}

fn has(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(html.contains(part), "{part} is not in: {html}");
    }
}

#[tokio::test]
async fn the_calendar_shows_what_came_what_comes_and_a_forecast_that_holds() {
    let app = App::start().await;
    app.enroll(READER).await;
    let own = own_page(&app, READER);
    let html = page(&app, &own).await;
    has(
        &html,
        &[
            "1 of 6 parts received",
            "Received Monday, March 2",
            "Part 2 arrives Thursday, March 5, about 9:00, your time (America/New_York)",
            // The clocks go forward on that day.
            "Expected Sunday, March 8, about 9:00",
            "Expected Wednesday, March 11, about 9:00",
            "Expected Tuesday, March 17, about 9:00",
            &format!("{own}/parts/what-is-immunotherapy"),
        ],
    );
    assert!(!html.contains(READER) && !html.to_lowercase().contains("melanoma"), "it can be forwarded");
    assert!(!html.contains("/parts/antibodies"), "what has not come cannot be read");
    app.live_through(days(30)).await;
    let came: Vec<DateTime<Utc>> =
        sqlx::query_scalar("select due_at from deliveries where kind = 'step' order by due_at")
            .fetch_all(app.db())
            .await
            .unwrap();
    let said = ["2026-03-05T14:00:00Z", "2026-03-08T13:00:00Z", "2026-03-11T13:00:00Z"].map(at);
    assert_eq!(came[1..4], said, "what was said is what came");
    has(&page(&app, &own).await, &["You have had every part", "6 of 6 parts received"]);
}

#[tokio::test]
async fn it_speaks_the_readers_language() {
    let app = App::start().await;
    app.enroll(READER).await;
    let own = own_page(&app, READER);
    let html = page(&app, &format!("{own}?lang=es")).await;
    has(&html, &["La parte 2 llega el jueves 5 de marzo, hacia las 9:00", "Prevista para el domingo 8 de marzo"]);
}

#[tokio::test]
async fn a_pause_until_a_day_ends_by_itself_once_and_over_a_clock_change() {
    let app = App::start().await;
    app.enroll(READER).await;
    let own = own_page(&app, READER);
    assert_eq!(due(&app).await, at("2026-03-05T14:00:00Z"));
    let html = press(&app, &format!("{own}/pause"), &[("until", "2026-03-20")]).await;
    has(&html, &["Paused until Friday, March 20", "Arrives Monday, March 23, about 8:00", "Your change is saved."]);
    app.live_through(days(17)).await;
    assert_eq!(change::end_pauses(&app.service).await.unwrap(), 0, "it is the nineteenth");
    app.advance(hours(12));
    let (one, other) = tokio::join!(change::end_pauses(&app.service), change::end_pauses(&app.service));
    assert_eq!(one.unwrap() + other.unwrap(), 1, "two processes end it once");
    // Seventeen days and eleven hours after Thursday, 9:00: Sunday, 21:00, which waits for the window.
    assert_eq!(due(&app).await, at("2026-03-23T12:00:00Z"));
    has(&page(&app, &own).await, &["The series is on its way to you", "Arrives Monday, March 23, about 8:00"]);
    assert_eq!(app.mails_to(READER).len(), 2);
    app.live_through(days(4)).await;
    assert_eq!(app.mails_to(READER).len(), 3);
}

#[tokio::test]
async fn a_pause_counts_until_its_day_also_when_nobody_was_there_to_end_it() {
    let app = App::start().await;
    app.enroll(READER).await;
    let own = own_page(&app, READER);
    press(&app, &format!("{own}/pause"), &[("until", "2026-03-06")]).await;
    // Ten days later somebody looks: what was due meanwhile comes in the next window, and not ten days later still.
    app.advance(days(10));
    assert_eq!(change::end_pauses(&app.service).await.unwrap(), 1);
    assert_eq!(due(&app).await, at("2026-03-12T17:00:00Z"));
    assert_eq!(change::end_pauses(&app.service).await.unwrap(), 0);
}

#[tokio::test]
async fn pauses_that_cannot_end_keep_nobody_behind_them_waiting() {
    let app = App::start().await;
    app.enroll(READER).await;
    press(&app, &format!("{}/pause", own_page(&app, READER)), &[("until", "2026-03-06")]).await;
    // More than are looked at together, all due before, in a series that is gone from the content.
    sqlx::query(
        "with others as (
             insert into subscribers (bucket, id, address, normalised, created_at)
             select bucket, gen_random_uuid(), number || address, number || normalised, created_at
             from subscribers, generate_series(1, 501) as number returning id
         )
         insert into enrollments
         select (jsonb_populate_record(one, jsonb_build_object('id', gen_random_uuid(), 'subscriber', others.id,
             'series', 'gone', 'paused_until', '2026-03-05T05:00:00Z'))).* from enrollments as one, others",
    )
    .execute(app.db())
    .await
    .unwrap();
    app.advance(days(10));
    assert_eq!(change::end_pauses(&app.service).await.unwrap(), 1);
    has(&page(&app, &own_page(&app, READER)).await, &["The series is on its way to you"]);
}

#[tokio::test]
async fn a_pause_has_an_end_that_can_be_and_its_end_can_be_changed() {
    let app = App::start().await;
    app.enroll(READER).await;
    let own = own_page(&app, READER);
    for wrong in ["2026-03-02", "2026-03-01", "2027-03-04", "soon"] {
        let html = press(&app, &format!("{own}/pause"), &[("until", wrong)]).await;
        has(&html, &["please choose a day after today", "The series is on its way to you"]);
    }
    has(&press(&app, &format!("{own}/pause"), &[("until", "2027-03-03")]).await, &["Paused until Wednesday, March 3"]);
    has(&press(&app, &format!("{own}/pause"), &[("until", "2026-03-10")]).await, &["Paused until Tuesday, March 10"]);
    let html = press(&app, &format!("{own}/pause"), &[]).await;
    has(&html, &["No part is sent while the series is paused", "Still to come"]);
    app.advance(days(400));
    assert_eq!(change::end_pauses(&app.service).await.unwrap(), 0, "without an end it does not end");
    has(&press(&app, &format!("{own}/resume"), &[]).await, &["The series is on its way to you"]);
    has(&press(&app, &format!("{own}/resume"), &[]).await, &["There was nothing to change."]);
}

#[tokio::test]
async fn the_next_part_comes_now_once_and_never_while_paused() {
    // Three in the morning, outside the window.
    let app = App::start().await;
    app.enroll(READER).await;
    app.advance(hours(15));
    let own = own_page(&app, READER);
    has(&page(&app, &own).await, &[&format!("{own}/now")]);
    press(&app, &format!("{own}/pause"), &[]).await;
    has(&press(&app, &format!("{own}/now"), &[]).await, &["There was nothing to change.", "Paused"]);
    press(&app, &format!("{own}/resume"), &[]).await;
    has(&press(&app, &format!("{own}/now"), &[]).await, &["Part 2 is on its way to you."]);
    press(&app, &format!("{own}/now"), &[]).await;
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to(READER).len(), 3);
    let html = press(&app, &format!("{own}/now"), &[]).await;
    assert!(
        !html.contains(&format!("action=\"{own}/now\"")) && html.contains("There was nothing to change."),
        "{html}"
    );
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to(READER).len(), 3, "a second press is not a second part");
    app.advance(minutes(61));
    press(&app, &format!("{own}/now"), &[]).await;
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to(READER).len(), 4);
    app.live_through(days(30)).await;
    assert_eq!(app.mails_to(READER).len(), 7, "and each part comes once");
}

#[tokio::test]
async fn another_clock_moves_what_waits() {
    let app = App::start().await;
    app.enroll(READER).await;
    let own = own_page(&app, READER);
    let clock = format!("{own}/clock");
    let html = press(&app, &clock, &[("zone", "Europe/Berlin"), ("hour", "18:00")]).await;
    has(&html, &["Part 2 arrives Thursday, March 5, about 18:00, your time (Europe/Berlin)"]);
    has(&html, &["<option value=\"Europe/Berlin\" selected>", "<option value=\"18:00\" selected>"]);
    assert_eq!(due(&app).await, at("2026-03-05T17:00:00Z"));
    for wrong in [("Europe/Atlantis", "9:00"), ("Europe/Berlin", "22:00"), ("Europe/Berlin", "soon"), ("", "")] {
        let html = press(&app, &clock, &[("zone", wrong.0), ("hour", wrong.1)]).await;
        has(&html, &["please choose from the list", "about 18:00"]);
    }
    press(&app, &clock, &[("zone", "Asia/Kathmandu"), ("hour", "")]).await;
    assert_eq!(due(&app).await, at("2026-03-05T03:15:00Z"), "9:00 there, at 5:45 before UTC");
    app.live_through(days(30)).await;
    let local: Vec<String> = sqlx::query_scalar(
        "select to_char(due_at at time zone 'Asia/Kathmandu', 'HH24:MI') from deliveries
         where kind = 'step' and step <> 'what-is-immunotherapy'",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    assert_eq!(local, ["09:00"; 5]);
}

#[tokio::test]
async fn a_clock_that_is_changed_during_a_pause_holds_after_it() {
    let app = App::start().await;
    app.enroll(READER).await;
    let own = own_page(&app, READER);
    press(&app, &format!("{own}/pause"), &[("until", "2026-03-12")]).await;
    press(&app, &format!("{own}/clock"), &[("zone", "America/New_York"), ("hour", "15:00")]).await;
    assert_eq!(due(&app).await, at("2026-03-05T20:00:00Z"), "as it was to be");
    let html = page(&app, &own).await;
    app.advance(days(10));
    assert_eq!(change::end_pauses(&app.service).await.unwrap(), 1);
    let due = due(&app).await;
    has(
        &html,
        &[&due.with_timezone(&chrono_tz::America::New_York).format("Arrives %A, %B %-d, about %-H:%M").to_string()],
    );
}

#[tokio::test]
async fn slower_and_faster_hold_for_what_waits_and_for_all_that_follows() {
    let app = App::start().await;
    app.enroll(READER).await;
    let own = own_page(&app, READER);
    let html = press(&app, &format!("{own}/spacing"), &[("days", "7")]).await;
    has(&html, &["Part 2 arrives Monday, March 9, about 9:00", "Expected Monday, March 16, about 9:00"]);
    has(&press(&app, &format!("{own}/spacing"), &[("days", "2")]).await, &["please choose from the list"]);
    app.live_through(days(8)).await;
    assert_eq!(app.mails_to(READER).len(), 3);
    assert_eq!(due(&app).await, at("2026-03-16T13:00:00Z"));
    press(&app, &format!("{own}/spacing"), &[("days", "1")]).await;
    // It is the tenth, noon: the day after the part before is past.
    assert_eq!(due(&app).await, at("2026-03-11T13:00:00Z"));
    app.live_through(days(2)).await;
    assert_eq!(app.mails_to(READER).len(), 5);
    press(&app, &format!("{own}/spacing"), &[("days", "")]).await;
    assert_eq!(due(&app).await, at("2026-03-15T13:00:00Z"), "three days after the twelfth");
}

#[tokio::test]
async fn a_series_that_offers_no_spacing_shows_none() {
    let bundle = Bundle::embedded();
    let files = bundle.files().map(|(path, text)| {
        let text = text.lines().filter(|line| !line.starts_with("spacings")).collect::<Vec<_>>().join("\n");
        (path.to_owned(), text)
    });
    let bundle = Bundle::from_files(files).unwrap();
    let app = App::start_with(Setup { bundle, ..Setup::default() }).await;
    app.enroll(READER).await;
    let own = own_page(&app, READER);
    assert!(!page(&app, &own).await.contains("Slower or faster"));
    has(&press(&app, &format!("{own}/spacing"), &[("days", "7")]).await, &["please choose from the list"]);
}

/// The path behind "view in browser" of the reader's mail with this number, from 0.
pub fn copy_of(app: &App, mail: usize) -> String {
    let text = &app.mails_to(READER)[mail].text;
    let path = text.split_whitespace().find(|word| word.contains("/parts/")).unwrap();
    path.strip_prefix("https://series.example.org").unwrap().to_owned()
}

#[tokio::test]
async fn a_part_can_be_read_in_the_browser_as_soon_as_it_can_be_read_at_all() {
    let app = App::start().await;
    app.enroll(READER).await;
    let own = own_page(&app, READER);
    let part = format!("{own}/parts/antibodies");
    assert_eq!(app.get(&part).await.status(), StatusCode::NOT_FOUND, "it has not come");
    app.advance(days(4));
    // The relay has it, and nobody has written that down yet.
    let (http, url) = (app.http.clone(), format!("{}{part}", app.base));
    let (said, seen) = tokio::sync::oneshot::channel();
    app.relay.meanwhile(At::Message, async move {
        let response = http.get(url).send().await.unwrap();
        said.send((response.status(), response.text().await.unwrap())).ok();
    });
    app.dispatch_all_due().await;
    let (status, html) = seen.await.unwrap();
    assert_eq!(status, StatusCode::OK);
    // Whoever was forwarded another part sees no passage; the link in the mail itself shows it.
    has(&html, &["This passage is left out here"]);
    assert!(!html.to_lowercase().contains("melanoma"), "{html}");
    let copy = copy_of(&app, 2);
    let html = page(&app, &copy).await;
    let calendar = format!("href=\"{}\"", copy.split("/parts/").next().unwrap());
    has(&html, &["Part 2 of 6", "melanoma", "Sources", &calendar]);
    assert!(!html.contains("style="), "our pages have no style of their own");
    let title = html.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
    assert_eq!(title, "Your series", "a browser's history tells nobody");
    assert_eq!(page(&app, &part).await.matches("<h1").count(), 1);
    // The proof is good for its own part only.
    let proof = copy_of(&app, 1).rsplit('/').next().unwrap().to_owned();
    for wrong in [proof.as_str(), &proof[1..], "A"] {
        let html = page(&app, &format!("{part}/{wrong}")).await;
        assert!(!html.to_lowercase().contains("melanoma"), "{wrong}");
    }
    for nonsense in ["no-such-part", "A", "..%2F"] {
        assert_eq!(app.get(&format!("{own}/parts/{nonsense}")).await.status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_part_is_read_as_it_was_sent_and_from_what_is_current_when_that_is_gone() {
    let app = App::start().await;
    app.enroll(READER).await;
    let own = own_page(&app, READER);
    let part = format!("{own}/parts/what-is-immunotherapy");
    let sent = page(&app, &part).await;
    let files = Bundle::embedded();
    let files = files.files().map(|(path, text)| {
        let changed = path.ends_with("01-what-is-immunotherapy/body.md") && !path.contains("/es/");
        let text = if changed { format!("{text}\nThis was written later.\n") } else { text.to_owned() };
        (path.to_owned(), text)
    });
    let later = Bundle::from_files(files).unwrap();
    app.advance(minutes(1));
    service::publish(app.db(), app.service.clock(), &later).await.unwrap();
    app.service.refresh_content().await.unwrap();
    assert_eq!(page(&app, &part).await.len(), sent.len(), "as it was sent");
    assert!(!page(&app, &part).await.contains("This was written later."));
    sqlx::query("update content_versions set files = '{\"files\": {}}' where version <> $1")
        .bind(later.version())
        .execute(app.db())
        .await
        .unwrap();
    // Another process has not looked at it before.
    let other = App::start_on(app.database_url.clone(), app.relay.clone(), Setup { bundle: later, ..Setup::default() });
    has(&page(&other.await, &part).await, &["This was written later."]);
}

#[tokio::test]
async fn what_went_wrong_is_said_as_it_is() {
    let app =
        App::start_with(Setup { on_uncertain: regimen::actions::tidy::OnUncertain::Hold, ..Setup::default() }).await;
    app.enroll(READER).await;
    let own = own_page(&app, READER);
    app.relay.reply_next(At::Message, 554, "5.7.1 refused");
    app.live_through(days(3)).await;
    has(&page(&app, &own).await, &["Your e-mail provider did not accept this part", "Part 3 arrives"]);
    assert_eq!(app.get(&format!("{own}/parts/antibodies")).await.status(), StatusCode::NOT_FOUND);
    app.relay.next(At::Message, Verdict::AcceptThenDrop);
    app.live_through(days(3)).await;
    has(&page(&app, &own).await, &["We could not find out whether this part reached you", "Part 4 arrives"]);
    assert_eq!(app.get(&format!("{own}/parts/checkpoint-inhibitors")).await.status(), StatusCode::OK);

    assert_eq!(app.api_post(&format!("/series/{SERIES}/pause"), why()).await.0, StatusCode::OK);
    let html = page(&app, &own).await;
    has(&html, &["The editors have paused the series for everyone", "Still to come"]);
    assert!(!html.contains(&format!("{own}/now")) && !html.contains("arrives"), "{html}");
    has(&press(&app, &format!("{own}/now"), &[]).await, &["There was nothing to change."]);
    assert_eq!(app.api_post(&format!("/series/{SERIES}/resume"), why()).await.0, StatusCode::OK);
    let leave = app.relay.last_to(READER).link("unsubscribe");
    assert_eq!(app.post(&leave).await.status(), StatusCode::OK);
    let html = page(&app, &own).await;
    has(&html, &["Stopped", "Not planned"]);
    assert!(!html.contains("/pause") && !html.contains("calendar.ics"));
    let mut body = why();
    body["address"] = json!(READER);
    assert_eq!(app.api_post("/subscribers/suppress", body).await.0, StatusCode::OK);
    has(&page(&app, &own).await, &["Stopped"]);
}

#[tokio::test]
async fn an_old_link_shows_what_is_open_now() {
    let app = App::start().await;
    app.enroll(READER).await;
    let old = own_page(&app, READER);
    let leave = app.relay.last_to(READER).link("unsubscribe");
    app.post(&leave).await;
    app.enroll(READER).await;
    assert_ne!(own_page(&app, READER), old);
    has(&page(&app, &old).await, &["The series is on its way to you", "2 of 6 parts received"]);
    let part = page(&app, &format!("{old}/parts/antibodies")).await;
    has(&part, &["Part 2 of 6"]);
    has(&press(&app, &format!("{old}/pause"), &[]).await, &["Paused"]);
}

/// The lines of a calendar file by name, unfolded.
fn lines(ics: &str) -> Vec<(String, String)> {
    assert!(ics.ends_with("\r\n") && !ics.replace("\r\n", "").contains('\n'), "{ics:?}");
    assert!(ics.split("\r\n").all(|line| line.len() <= 75));
    let unfolded = ics.replace("\r\n ", "");
    let lines = unfolded.trim_end().split("\r\n").map(|line| line.split_once(':').unwrap());
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
async fn the_coming_parts_are_a_calendar_file_that_tells_others_nothing() {
    let app = App::start().await;
    app.enroll(READER).await;
    let own = own_page(&app, READER);
    let file = format!("{own}/calendar.ics");
    let response = app.get(&file).await;
    assert_eq!(response.headers()["content-type"], "text/calendar; charset=utf-8");
    assert_eq!(response.headers()["x-robots-tag"], "noindex, nofollow");
    let ics = response.text().await.unwrap();
    let all = lines(&ics);
    assert_eq!((all[0].0.as_str(), all[1].1.as_str()), ("BEGIN", "2.0"));
    let of = |name: &str| -> Vec<String> {
        all.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    };
    assert_eq!(
        of("DTSTART"),
        ["20260305T140000Z", "20260308T130000Z", "20260311T130000Z", "20260314T130000Z", "20260317T130000Z"]
    );
    assert_eq!(of("SUMMARY")[0], "E-mail series: part 2 of 6");
    assert_eq!((of("BEGIN").len(), of("END").len(), of("DTSTAMP").len()), (6, 6, 5));
    let uids = of("UID");
    assert_eq!(uids.iter().collect::<std::collections::BTreeSet<_>>().len(), 5);
    let token = own.rsplit('/').next().unwrap();
    for private in ["cancer", "immunotherapy", "melanoma", "example.org", "antibodies", token] {
        assert!(!ics.to_lowercase().contains(&private.to_lowercase()), "{private} in {ics}");
    }
    // The same parts keep their names when they move, so that a calendar replaces them.
    press(&app, &format!("{own}/spacing"), &[("days", "7")]).await;
    let moved = lines(&app.get(&file).await.text().await.unwrap());
    let moved: Vec<String> = moved.into_iter().filter(|(name, _)| name == "UID").map(|(_, value)| value).collect();
    assert_eq!(moved, uids);
    let spanish = app.get(&format!("{file}?lang=es")).await.text().await.unwrap();
    has(&spanish, &["SUMMARY:Serie por correo: parte 2 de 6"]);
    // An empty calendar is none.
    press(&app, &format!("{own}/pause"), &[]).await;
    assert_eq!(app.get(&file).await.headers()["location"], own.as_str());
}
