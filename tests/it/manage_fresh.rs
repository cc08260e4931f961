//! What a forwarded mail must not do: it needs a fresh link, which goes to the address.
use std::collections::BTreeMap;

use regimen::actions::retention;
use regimen::local::smtp::Verdict;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::manage::{READER, copy_of, own_page, page, path_of, press};
use crate::support::relay::At;
use crate::support::{App, SERIES, days, hours, minutes, why};

/// Asks for a fresh link, and takes it from the mail.
pub async fn fresh_link(app: &App, email: &str) -> String {
    let own = own_page(app, email);
    let before = app.mails_to(email).len();
    press(app, &format!("{own}/fresh-link"), &[]).await;
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to(email).len(), before + 1);
    path_of(&app.relay.last_to(email).text, "fresh")
}

/// Every row of every table but the texts, as JSON.
pub async fn all_rows(app: &App) -> BTreeMap<String, Vec<Value>> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select tablename::text from pg_tables where schemaname = 'public' and tablename <> 'content_versions'",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    let mut all = BTreeMap::new();
    for table in tables {
        let sql = format!("select to_jsonb(t) from {table} t order by to_jsonb(t)::text");
        let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(app.db()).await.unwrap();
        all.insert(table, rows);
    }
    all
}

#[tokio::test]
async fn a_forwarded_link_can_do_none_of_it() {
    let app = App::start().await;
    app.enroll(READER).await;
    let own = own_page(&app, READER);
    let html = page(&app, &own).await;
    for verb in ["condition", "address", "export", "erase", "again"] {
        assert!(!html.contains(&format!("/{verb}\"")), "{verb}");
        assert_eq!(app.post(&format!("{own}/{verb}")).await.status(), StatusCode::NOT_FOUND, "{verb}");
        let mistaken = own.replace("/manage/", "/fresh/");
        assert_eq!(app.post(&format!("{mistaken}/{verb}")).await.status(), StatusCode::NOT_FOUND, "{verb}");
    }
    assert_eq!(app.get(&own.replace("/manage/", "/fresh/")).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_fresh_link_works_for_a_quarter_of_an_hour_and_its_page_sends_a_new_one() {
    let app = App::start().await;
    app.enroll(READER).await;
    let fresh = fresh_link(&app, READER).await;
    let html = page(&app, &fresh).await;
    assert!(!html.contains(READER) && html.contains("Melanoma"), "the list names all, and none as the reader's");
    assert!(!html.contains("value=\"melanoma\" selected"));
    app.advance(minutes(15));
    assert!(page(&app, &fresh).await.contains("More settings"), "several times");
    app.advance(minutes(1));
    let html = page(&app, &fresh).await;
    assert!(html.contains("This link is too old") && html.contains(&format!("{fresh}/new-link")), "{html}");
    let before = all_rows(&app).await;
    for (verb, fields) in [
        ("condition", vec![("condition", "lung")]),
        ("address", vec![("address", "new@example.org")]),
        ("again", vec![]),
        ("export", vec![]),
        ("erase", vec![]),
    ] {
        let html = press(&app, &format!("{fresh}/{verb}"), &fields).await;
        assert!(html.contains("This link is too old") && !html.contains(READER), "{verb}: {html}");
    }
    assert_eq!(all_rows(&app).await, before);
    press(&app, &format!("{fresh}/new-link"), &[]).await;
    app.dispatch_all_due().await;
    let newer = path_of(&app.relay.last_to(READER).text, "fresh");
    assert_ne!(newer, fresh);
    assert!(page(&app, &newer).await.contains("More settings"));
}

#[tokio::test]
async fn the_quarter_of_an_hour_begins_when_the_mail_is_made() {
    let app = App::start().await;
    app.enroll(READER).await;
    press(&app, &format!("{}/fresh-link", own_page(&app, READER)), &[]).await;
    app.relay.reply_next(At::Message, 451, "4.7.1 greylisted");
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to(READER).len(), 2);
    // Nobody tries again for a long time.
    app.advance(hours(5));
    app.dispatch_all_due().await;
    let mail = app.relay.last_to(READER);
    app.advance(minutes(14));
    assert!(page(&app, &path_of(&mail.text, "fresh")).await.contains("More settings"));
}

#[tokio::test]
async fn an_address_gets_few_of_them_and_the_answer_tells_nothing() {
    let app = App::start().await;
    app.enroll(READER).await;
    let own = own_page(&app, READER);
    let ask = async || {
        let html = press(&app, &format!("{own}/fresh-link"), &[]).await;
        app.dispatch_all_due().await;
        (html, app.mails_to(READER).len() - 2)
    };
    let (first, sent) = ask().await;
    assert_eq!(sent, 1);
    assert_eq!(ask().await, (first.clone(), 1), "a second press is not a second mail");
    for expected in [2, 3, 3, 3] {
        app.advance(minutes(6));
        assert_eq!(ask().await, (first.clone(), expected));
    }
    app.advance(days(1));
    assert_eq!(ask().await.1, 4, "the next day");
    let mut body = why();
    body["address"] = json!(READER);
    app.api_post("/subscribers/suppress", body).await;
    assert_eq!(ask().await, (first.clone(), 4), "who is suppressed gets two a week");
    app.advance(days(8));
    assert_eq!(ask().await, (first, 5));
    assert_eq!(app.count("select count(*) from deliveries where state in ('pending', 'claimed')").await, 0);
}

#[tokio::test]
async fn another_condition_holds_from_the_next_part_on_and_is_agreed_to() {
    let app = App::start().await;
    app.enroll(READER).await;
    let fresh = fresh_link(&app, READER).await;
    let html = press(&app, &format!("{fresh}/condition"), &[("condition", "kidney")]).await;
    assert!(html.contains("Your condition is changed.") && !html.contains("selected>Kidney"), "{html}");
    for wrong in ["", "Kidney", "elbow"] {
        let html = press(&app, &format!("{fresh}/condition"), &[("condition", wrong)]).await;
        assert!(html.contains("please choose from the list"), "{html}");
    }
    assert_eq!(app.count("select count(*) from consents where action = 'change-condition'").await, 1);
    app.live_through(days(4)).await;
    let mail = app.relay.last_to(READER).text.to_lowercase();
    assert!(mail.contains("kidney") && !mail.contains("melanoma"), "{mail}");
    // What was sent is still what was sent.
    let own = own_page(&app, READER);
    assert!(page(&app, &copy_of(&app, 1)).await.to_lowercase().contains("melanoma"));
    assert!(page(&app, &copy_of(&app, 3)).await.to_lowercase().contains("kidney"));
    // Whoever was forwarded the first part learns nothing of the new condition.
    for step in ["what-is-immunotherapy", "antibodies"] {
        let html = page(&app, &format!("{own}/parts/{step}")).await.to_lowercase();
        assert!(!html.contains("melanoma") && !html.contains("kidney"), "{html}");
    }
}

#[tokio::test]
async fn everything_that_is_stored_can_be_taken_and_nothing_of_others() {
    let app = App::start().await;
    app.enroll("other@example.org").await;
    app.enroll(READER).await;
    app.relay.reply_next(At::Message, 451, "4.3.0 later");
    app.live_through(days(4)).await;
    let fresh = fresh_link(&app, READER).await;
    let before = all_rows(&app).await;
    let response = app.post(&format!("{fresh}/export")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-disposition"], "attachment; filename=\"my-data.json\"");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-robots-tag"], "noindex, nofollow");
    let text = response.text().await.unwrap();
    assert!(!text.contains("other@example.org"));
    let all: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(all["subscriber"]["address"], READER);
    let enrollment = &all["enrollments"][0];
    assert_eq!((&enrollment["condition"], &enrollment["zone"]), (&json!("melanoma"), &json!("America/New_York")));
    let actions = all["consents"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap());
    assert_eq!(actions.collect::<std::collections::BTreeSet<_>>(), ["confirm", "sign-up"].into());
    let deliveries = enrollment["deliveries"].as_array().unwrap();
    let mut kinds: Vec<&str> = deliveries.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["confirmation", "fresh_link", "step", "step", "step"]);
    assert_eq!(
        deliveries.iter().filter(|one| one["condition"] == "melanoma").count(),
        2,
        "of the parts that were sent"
    );
    let tries: usize = deliveries.iter().map(|one| one["attempts"].as_array().unwrap().len()).sum();
    let counted = app
        .count(
            "select count(*) from attempts a join deliveries d on d.bucket = a.bucket and d.id = a.delivery
             join subscribers s on s.bucket = d.bucket and s.id = d.subscriber where s.address = 'reader@example.org'",
        )
        .await;
    assert_eq!(i64::try_from(tries).unwrap(), counted);
    assert_eq!(all["suppression"], Value::Null);
    assert_eq!(all_rows(&app).await, before, "taking changes nothing");
}

/// The books as an admin sees them, summed over states.
async fn books(app: &App) -> i64 {
    let lines = app.api_get(&format!("/series/{SERIES}")).await["lines"].clone();
    lines.as_array().unwrap().iter().map(|line| line["count"].as_i64().unwrap()).sum()
}

#[tokio::test]
async fn erasing_leaves_nothing_that_names_the_reader_and_the_books_close() {
    let app = App::start().await;
    app.enroll("other@example.org").await;
    app.enroll(READER).await;
    let mut body = why();
    (body["series"], body["within"]) = (json!(SERIES), json!("4d"));
    assert_eq!(app.api_post("/send/due", body).await.0, StatusCode::OK);
    app.live_through(days(4)).await;
    let runs = app.api_get("/runs").await;
    let fresh = fresh_link(&app, READER).await;
    let subscriber: uuid::Uuid = sqlx::query_scalar("select id from subscribers where address = $1")
        .bind(READER)
        .fetch_one(app.db())
        .await
        .unwrap();
    let counted = books(&app).await;
    let others = app.count("select count(*) from deliveries").await;
    let html = press(&app, &format!("{fresh}/erase"), &[]).await;
    assert!(html.contains("Everything is erased"), "{html}");
    assert_eq!(books(&app).await, counted, "each delivery counts once, before and after");
    assert_eq!(app.api_get("/runs").await, runs);
    for (table, rows) in all_rows(&app).await {
        for row in rows {
            let row = row.to_string();
            assert!(!row.contains(READER) && !row.contains(&subscriber.to_string()), "{table}: {row}");
        }
    }
    assert!(app.count("select count(*) from deliveries").await < others);
    assert_eq!(
        app.count("select count(*) from step_totals where reason = 'erased' and state = 'skipped'").await,
        1,
        "what was owed is skipped"
    );
    let orphans = "select count(*) from attempts a
                   where not exists (select from deliveries d where d.bucket = a.bucket and d.id = a.delivery)";
    assert_eq!(app.count(orphans).await, 0);
    // Again is the same as once, and the old links say that nothing is here.
    assert!(press(&app, &format!("{fresh}/erase"), &[]).await.contains("Everything is erased"));
    assert_eq!(app.get(&own_page(&app, READER)).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(app.get(&fresh).await.status(), StatusCode::NOT_FOUND);
    let mails = app.mails_to(READER).len();
    app.live_through(days(30)).await;
    assert_eq!(app.mails_to(READER).len(), mails);
    assert_eq!(app.mails_to("other@example.org").len(), 7, "nobody else is touched");
    // Who comes back is new.
    app.enroll(READER).await;
    assert_eq!(app.mails_to(READER).len(), mails + 2);
}

#[tokio::test]
async fn erasing_while_a_mail_is_on_the_wire_disturbs_nobody() {
    let app = App::start().await;
    app.enroll(READER).await;
    let fresh = fresh_link(&app, READER).await;
    let own = own_page(&app, READER);
    press(&app, &format!("{own}/now"), &[]).await;
    let (http, url) = (app.http.clone(), format!("{}{fresh}/erase", app.base));
    let (said, seen) = tokio::sync::oneshot::channel();
    app.relay.meanwhile(At::Message, async move {
        said.send(http.post(url).send().await.unwrap().status()).ok();
    });
    let counted = books(&app).await;
    app.dispatch_all_due().await;
    assert_eq!(seen.await.unwrap(), StatusCode::OK);
    assert_eq!(app.count("select count(*) from subscribers").await, 0);
    assert_eq!(app.count("select count(*) from deliveries").await, 0, "its settle wrote no next part");
    assert_eq!(app.count("select count(*) from attempts").await, 0);
    assert_eq!(books(&app).await, counted);
    let wire = "select sum(count)::bigint from step_totals where state = 'uncertain' and reason = 'erased'";
    assert_eq!(app.count(wire).await, 1, "nobody will say any more what became of it");
    assert_eq!(app.reap().await, (0, 0));
    retention::prune(&app.service, || true).await.unwrap();
}

#[tokio::test]
async fn a_suppression_outlives_the_erasing() {
    let app = App::start().await;
    app.enroll(READER).await;
    let fresh = fresh_link(&app, READER).await;
    let mut body = why();
    body["address"] = json!(READER);
    app.api_post("/subscribers/suppress", body).await;
    let export: Value =
        serde_json::from_str(&app.post(&format!("{fresh}/export")).await.text().await.unwrap()).unwrap();
    assert_eq!(export["suppression"]["reason"], "admin");
    press(&app, &format!("{fresh}/erase"), &[]).await;
    assert_eq!(app.count("select count(*) from subscribers").await, 0);
    assert_eq!(app.count("select count(*) from suppressions").await, 1);
    app.sign_up(READER).await;
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to(READER).len(), 3, "the promise not to write is kept");
}

#[tokio::test]
async fn who_completed_the_series_starts_again_and_who_left_may_choose_where() {
    let app = App::start().await;
    app.enroll(READER).await;
    let fresh = fresh_link(&app, READER).await;
    let again = format!("{fresh}/again");
    assert!(!page(&app, &fresh).await.contains("Start again"), "while it goes on there is nothing to start");
    assert!(press(&app, &again, &[]).await.contains("There was nothing to change."));
    app.live_through(days(30)).await;
    let fresh = fresh_link(&app, READER).await;
    let html = page(&app, &fresh).await;
    assert!(html.contains("Start with the first part") && !html.contains("Go on where I stopped"), "{html}");
    let had = app.subjects(READER);
    let again = format!("{fresh}/again");
    assert!(press(&app, &again, &[("from", "start")]).await.contains("The series starts again."));
    assert!(press(&app, &again, &[("from", "start")]).await.contains("There was nothing to change."));
    app.live_through(days(4)).await;
    let new = app.subjects(READER).split_off(had.len());
    assert_eq!(new, had[1..2].iter().chain(&had[3..4]).cloned().collect::<Vec<_>>(), "parts one and two, once each");
    assert_eq!(app.count("select count(*) from enrollments").await, 2);
    assert_eq!(app.count("select count(*) from consents where action = 'confirm'").await, 2);

    // Left after two parts.
    let leave = app.relay.last_to(READER).link("unsubscribe");
    app.post(&leave).await;
    let fresh = fresh_link(&app, READER).await;
    let sent = app.mails_to(READER).len();
    for _ in 0..2 {
        app.advance(minutes(6));
        press(&app, &format!("{}/fresh-link", own_page(&app, READER)), &[]).await;
        app.dispatch_all_due().await;
    }
    assert_eq!(app.mails_to(READER).len(), sent, "who has left gets no more than two a week");
    assert!(page(&app, &fresh).await.contains("Go on where I stopped"));
    let had = app.subjects(READER);
    press(&app, &format!("{fresh}/again"), &[("from", "there")]).await;
    app.dispatch_all_due().await;
    let new = app.subjects(READER).split_off(had.len());
    let third = app.subjects(READER)[4].clone();
    assert_eq!(new, [third]);
}

#[tokio::test]
async fn a_fresh_link_is_sent_to_who_has_left_too_and_leaving_does_not_stop_it() {
    let app = App::start().await;
    app.enroll(READER).await;
    let own = own_page(&app, READER);
    press(&app, &format!("{own}/fresh-link"), &[]).await;
    let leave = app.relay.last_to(READER).link("unsubscribe");
    app.post(&leave).await;
    app.relay.next(At::Message, Verdict::Reply(451, "4.3.0 later".into()));
    app.live_through(hours(1)).await;
    let fresh = path_of(&app.relay.last_to(READER).text, "fresh");
    let html = page(&app, &fresh).await;
    assert!(html.contains("Erase everything about me") || html.contains("This link is too old"), "{html}");
}

#[tokio::test]
async fn a_series_is_not_started_again_without_end() {
    let app = App::start().await;
    app.enroll(READER).await;
    let fresh = fresh_link(&app, READER).await;
    for more in [true, true, false] {
        let leave = app.mails_to(READER).into_iter().rev().find(|mail| mail.text.contains("/unsubscribe/")).unwrap();
        app.post(&leave.link("unsubscribe")).await;
        let html = press(&app, &format!("{fresh}/again"), &[("from", "start")]).await;
        assert_eq!(html.contains("The series starts again."), more, "{html}");
        app.dispatch_all_due().await;
    }
    assert_eq!(app.count("select count(*) from enrollments where state = 'active'").await, 0);
}
