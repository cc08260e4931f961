//! What a change of address must not become: a leak, a way to mail strangers, a doubled series, another's sign-up, or a
//! series that its reader cannot stop.
use regimen::model::EmailAddress;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::manage::{READER, own_page, page, press};
use crate::manage_address::{NEW, ask, enrollments, moved};
use crate::manage_fresh::fresh_link;
use crate::support::{App, Setup, days, hours, why};

async fn active(app: &App) -> Vec<String> {
    let all = enrollments(app).await;
    all.into_iter().filter(|(_, state)| state == "active").map(|(address, _)| address).collect()
}

async fn suppress(app: &App, address: &str) {
    let mut body = why();
    body["address"] = json!(address);
    app.api_post("/subscribers/suppress", body).await;
}

#[tokio::test]
async fn an_older_wish_is_forgotten_whatever_is_known_of_the_newer_address() {
    const VICTIM: &str = "victim@example.org";
    for known in ["new", "active", "pending", "suppressed", "capped", "own"] {
        let app = App::start().await;
        app.enroll(READER).await;
        let victim = if known == "own" { READER } else { VICTIM };
        match known {
            "active" => app.enroll(VICTIM).await,
            "suppressed" => suppress(&app, VICTIM).await,
            "pending" => {
                app.sign_up(VICTIM).await;
            }
            "capped" => {
                for _ in 0..3 {
                    app.sign_up(VICTIM).await;
                    app.dispatch_all_due().await;
                }
            }
            _ => {}
        }
        let fresh = fresh_link(&app, READER).await;
        ask(&app, &fresh, NEW).await;
        app.dispatch_all_due().await;
        let link = app.relay.last_to(NEW).link("confirm");
        ask(&app, &fresh, victim).await;
        app.dispatch_all_due().await;
        assert_eq!(app.get(&link).await.status(), StatusCode::NOT_FOUND, "{known}");
        assert_eq!(app.post(&link).await.status(), StatusCode::NOT_FOUND, "{known}");
        assert!(active(&app).await.contains(&READER.to_owned()), "{known}");
    }
}

#[tokio::test]
async fn wishes_at_the_same_moment_bring_three_mails_a_day_and_no_more() {
    let app = App::start().await;
    app.enroll(READER).await;
    let fresh = fresh_link(&app, READER).await;
    let mut presses = tokio::task::JoinSet::new();
    for number in 0..16 {
        let (http, url) = (app.http.clone(), format!("{}{fresh}/address", app.base));
        presses.spawn(async move {
            let address = format!("stranger{number}@example.org");
            http.post(url).form(&[("address", address)]).send().await.unwrap().status()
        });
    }
    for status in presses.join_all().await {
        assert_eq!(status, StatusCode::SEE_OTHER);
    }
    assert_eq!(app.count("select count(*) from consents where action = 'change-address'").await, 3);
    assert_eq!(app.count("select count(*) from enrollments where state = 'pending'").await, 1, "the newest counts");
    app.dispatch_all_due().await;
    assert_eq!(app.count("select count(*) from deliveries where kind = 'move'").await, 1);
}

#[tokio::test]
async fn a_wish_is_one_more_sign_up_for_the_domain_of_the_new_address() {
    let mut setup = Setup::default();
    setup.guards.limits.domain = 1;
    let app = App::start_with(setup).await;
    app.enroll(READER).await;
    let fresh = fresh_link(&app, READER).await;
    let first = ask(&app, &fresh, "one@example.net").await;
    app.dispatch_all_due().await;
    let second = ask(&app, &fresh, "two@example.net").await;
    assert_eq!(first, second);
    app.dispatch_all_due().await;
    assert_eq!((app.mails_to("one@example.net").len(), app.mails_to("two@example.net").len()), (1, 0));
    assert_eq!(
        app.count("select count(*) from enrollments where state = 'pending'").await,
        0,
        "nor does the first wait"
    );
}

#[tokio::test]
async fn who_leaves_and_starts_again_is_not_moved_by_an_older_wish() {
    let app = App::start().await;
    app.enroll(READER).await;
    moved(&app, READER, NEW).await;
    let link = app.relay.last_to(NEW).link("confirm");
    app.post(&app.mails_to(READER)[1].link("unsubscribe")).await;
    app.advance(hours(1));
    let fresh = fresh_link(&app, READER).await;
    press(&app, &format!("{fresh}/again"), &[("from", "there")]).await;
    assert_eq!(app.post(&link).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(active(&app).await, [READER]);
    app.live_through(days(60)).await;
    assert_eq!(app.mails_to(NEW).len(), 1);
}

#[tokio::test]
async fn two_wishes_that_both_got_through_move_the_series_once() {
    let app = App::start().await;
    app.enroll(READER).await;
    let fresh = fresh_link(&app, READER).await;
    ask(&app, &fresh, NEW).await;
    app.dispatch_all_due().await;
    let first = app.relay.last_to(NEW).link("confirm");
    // As if the first wish had not been forgotten.
    sqlx::query("update enrollments set moved_to_bucket = null, moved_to = null where state = 'active'")
        .execute(app.db())
        .await
        .unwrap();
    ask(&app, &fresh, "second@example.org").await;
    app.dispatch_all_due().await;
    app.confirm("second@example.org").await;
    let html = app.post(&first).await.text().await.unwrap();
    assert!(html.contains("Nothing has changed"), "{html}");
    assert_eq!(active(&app).await, ["second@example.org"]);
}

#[tokio::test]
async fn a_suppression_forgets_the_wish() {
    let app = App::start().await;
    app.enroll(READER).await;
    moved(&app, READER, NEW).await;
    let link = app.relay.last_to(NEW).link("confirm");
    suppress(&app, READER).await;
    assert_eq!(app.post(&link).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(active(&app).await, [""; 0]);
}

#[tokio::test]
async fn the_links_of_old_mails_stop_the_series_wherever_it_has_gone() {
    for (chain, one_click) in [(1, false), (2, true)] {
        let app = App::start().await;
        app.enroll(READER).await;
        let (leave, own) = (app.relay.last_to(READER).link("unsubscribe"), own_page(&app, READER));
        let mut last = READER.to_owned();
        for number in 0..chain {
            let next = format!("new{number}@example.org");
            app.live_through(days(4)).await;
            moved(&app, &last, &next).await;
            app.confirm(&next).await;
            app.live_through(hours(1)).await;
            last = next;
        }
        let html = page(&app, &leave).await;
        assert!(html.contains("Stop the series?") && !html.contains(&last), "{html}");
        let html = page(&app, &own).await;
        assert!(html.contains("The series goes to another address now") && html.contains("/unsubscribe/"), "{html}");
        assert!(!html.contains(&last), "{html}");
        let had = app.mails_to(&last).len();
        let html = if one_click {
            app.post_form(&leave, &[("List-Unsubscribe", "One-Click")]).await.text().await.unwrap()
        } else {
            let start = html.find("/unsubscribe/").unwrap();
            let path = html[start..].split('"').next().unwrap().to_owned();
            app.post(&path).await.text().await.unwrap()
        };
        assert!(html.contains("You are unsubscribed"), "{html}");
        assert_eq!(active(&app).await, [""; 0]);
        app.live_through(days(60)).await;
        assert_eq!(app.mails_to(&last).len(), had);
        assert!(page(&app, &own).await.contains("Stopped"));
    }
}

#[tokio::test]
async fn this_was_not_me_in_the_note_stops_it_there_and_then_it_can_start_again_only_after_leaving() {
    let app = App::start().await;
    app.enroll(READER).await;
    moved(&app, READER, NEW).await;
    app.confirm(NEW).await;
    app.dispatch_all_due().await;
    app.advance(hours(1));
    let note = app.relay.last_to(READER);
    let fresh = fresh_link(&app, READER).await;
    assert!(!page(&app, &fresh).await.contains("Start again"), "it would come twice");
    assert!(press(&app, &format!("{fresh}/again"), &[]).await.contains("There was nothing to change."));
    app.post(&note.link("never")).await;
    assert_eq!(active(&app).await, [""; 0]);
    assert_eq!(app.count("select count(*) from suppressions").await, 1, "only the address that said so");
}

#[tokio::test]
async fn erasing_at_either_end_erases_both_and_the_books_close() {
    for end in [NEW, READER] {
        let app = App::start().await;
        app.enroll(READER).await;
        app.live_through(days(4)).await;
        moved(&app, READER, NEW).await;
        app.confirm(NEW).await;
        app.live_through(days(4)).await;
        let fresh = fresh_link(&app, end).await;
        // A wish that waits at the newest address goes, too.
        if end == NEW {
            ask(&app, &fresh, "third@example.org").await;
        }
        let all =
            "select (select count(*) from deliveries) + (select coalesce(sum(count), 0)::bigint from step_totals)";
        let counted = app.count(all).await;
        press(&app, &format!("{fresh}/erase"), &[]).await;
        let left = "select (select count(*) from subscribers) + (select count(*) from enrollments)
            + (select count(*) from deliveries) + (select count(*) from attempts) + (select count(*) from consents)";
        assert_eq!(app.count(left).await, 0);
        assert_eq!(app.count(all).await, counted);
    }
}

#[tokio::test]
async fn what_waits_under_an_address_leads_nobody_to_erase_another() {
    let app = App::start().await;
    for email in [READER, NEW] {
        app.enroll(email).await;
    }
    app.post(&app.relay.last_to(NEW).link("unsubscribe")).await;
    let own = own_page(&app, NEW);
    moved(&app, READER, NEW).await;
    press(&app, &format!("{own}/fresh-link"), &[]).await;
    app.dispatch_all_due().await;
    let fresh = crate::manage::path_of(&app.relay.last_to(NEW).text, "fresh");
    press(&app, &format!("{fresh}/erase"), &[]).await;
    assert_eq!(enrollments(&app).await, [(READER.to_owned(), "active".to_owned())]);
}

#[tokio::test]
async fn an_export_has_all_addresses_and_names_none_that_came_later() {
    let app = App::start().await;
    app.enroll(READER).await;
    moved(&app, READER, NEW).await;
    app.confirm(NEW).await;
    app.live_through(days(4)).await;
    let export = async |email: &str| -> Value {
        let fresh = fresh_link(&app, email).await;
        serde_json::from_str(&app.post(&format!("{fresh}/export")).await.text().await.unwrap()).unwrap()
    };
    let there = export(NEW).await;
    assert_eq!(there["subscriber"]["address"], NEW);
    assert_eq!(there["other_addresses"][0]["subscriber"]["address"], READER);
    assert_eq!(there["other_addresses"][0]["enrollments"][0]["state"], "unsubscribed");
    let here = export(READER).await;
    assert_eq!(here["subscriber"]["address"], READER);
    assert_eq!(here["other_addresses"][0]["enrollments"][0]["state"], "active");
    assert!(!here.to_string().contains(NEW));
}

#[tokio::test]
async fn a_sign_up_that_waits_is_its_own_readers() {
    let app = App::start().await;
    app.enroll(READER).await;
    app.sign_up(NEW).await;
    app.dispatch_all_due().await;
    let link = app.relay.last_to(NEW).link("confirm");
    let of_new = "select to_jsonb(e)::text from enrollments e where state = 'pending'";
    let before: String = sqlx::query_scalar(of_new).fetch_one(app.db()).await.unwrap();
    let fresh = fresh_link(&app, READER).await;
    ask(&app, &fresh, NEW).await;
    ask(&app, &fresh, "third@example.org").await;
    ask(&app, &fresh, READER).await;
    app.dispatch_all_due().await;
    let after: String = sqlx::query_scalar(of_new).fetch_one(app.db()).await.unwrap();
    assert_eq!(after, before);
    assert_eq!(app.mails_to(NEW).len(), 1);
    let html = app.post(&link).await.text().await.unwrap();
    assert!(html.contains("You are signed up"), "{html}");
    let mut both = active(&app).await;
    both.sort();
    assert_eq!(both, [NEW, READER]);
}

#[tokio::test]
async fn what_either_address_has_had_is_not_sent_again() {
    let app = App::start().await;
    app.enroll(NEW).await;
    app.live_through(days(4)).await;
    app.post(&app.relay.last_to(NEW).link("unsubscribe")).await;
    assert_eq!(app.subjects(NEW).len(), 3, "parts one and two");
    app.enroll(READER).await;
    app.advance(hours(1));
    moved(&app, READER, NEW).await;
    app.confirm(NEW).await;
    app.live_through(days(60)).await;
    let mut subjects = app.subjects(NEW);
    assert_eq!(subjects.len(), 3 + 1 + 4, "{subjects:?}");
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 3 + 1 + 4, "none twice");
    assert_eq!(EmailAddress::parse(NEW).unwrap().normalised(), NEW);
}
