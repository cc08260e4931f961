//! An admin asks who got what, when, and why not.
use regimen::actions::readers::search::{self, Search};
use regimen::actions::readers::story::{self, What};
use regimen::model::{EnrollmentState, Role};
use reqwest::{Method, StatusCode};

use crate::support::admins::{Browser, PASSWORD, by};
use crate::support::relay::At;
use crate::support::{App, SERIES, days, minutes, why};

const LIST: &str = "/admin/readers";

/// What the form leads to, without following it.
async fn find(app: &App, admin: &mut Browser, fields: &[(&str, &str)]) -> String {
    admin.get(app, LIST).await;
    let (status, location) = admin.post(app, LIST, fields).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    location
}

/// The addresses on the page that the form leads to.
async fn found(app: &App, admin: &mut Browser, fields: &[(&str, &str)]) -> Vec<String> {
    let path = find(app, admin, fields).await;
    assert_eq!(admin.get(app, &path).await.0, StatusCode::OK);
    let rows = admin.html.split("<th scope=\"row\">").skip(1);
    rows.map(|row| row.split(['>', '<']).nth(2).unwrap().to_owned()).collect()
}

#[tokio::test]
async fn readers_are_found_by_a_part_of_the_address_state_progress_and_day() {
    let app = App::start().await;
    let admin = &mut Browser::signed_in(&app, Role::Operator).await;
    admin.get(&app, LIST).await;
    assert!(admin.html.contains("Nobody has signed up yet"));
    app.enroll("ana@example.org").await;
    app.advance(days(1));
    app.sign_up("Ben_x@Example.com").await;
    app.advance(minutes(1));
    app.sign_up("benax@example.com").await;

    admin.sign_in(&app, "operator@example.org", PASSWORD).await;
    let all = ["benax@example.com", "Ben_x@Example.com", "ana@example.org"];
    assert_eq!(found(&app, admin, &[]).await, all, "the newest first");
    assert_eq!(found(&app, admin, &[("part", "EXAMPLE.com")]).await, all[..2]);
    assert_eq!(found(&app, admin, &[("part", "n_x")]).await, all[1..2], "an underscore is a letter");
    assert_eq!(found(&app, admin, &[("state", "active")]).await, all[2..]);
    assert_eq!(found(&app, admin, &[("state", "active"), ("part", "@example.com")]).await, [""; 0]);
    assert_eq!(found(&app, admin, &[("parts", "1")]).await, all[2..]);
    let second = app.service.library().series.values().next().unwrap().steps[1].key.to_string();
    assert_eq!(found(&app, admin, &[("next", &second)]).await, all[2..], "that is what Ana waits for");
    assert_eq!(found(&app, admin, &[("next", "cancer-vaccines")]).await, [""; 0]);
    assert_eq!(found(&app, admin, &[("until", "2026-03-02")]).await, all[2..], "the whole day counts");
    assert_eq!(found(&app, admin, &[("since", "2026-03-03"), ("until", "2026-03-03")]).await, all[..2]);

    assert_eq!(admin.get(&app, &format!("{LIST}?since=yesterday")).await.0, StatusCode::CONFLICT);
    assert!(admin.html.contains("A day is written like"));
    assert_eq!(admin.get(&app, &format!("{LIST}?find=altered")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn no_address_is_in_a_url_and_a_whole_one_leads_to_its_reader() {
    let app = App::start().await;
    let admin = &mut Browser::signed_in(&app, Role::Operator).await;
    app.sign_up("ana@example.org").await;
    let part = find(&app, admin, &[("part", "ana@exam")]).await;
    assert!(part.starts_with("/admin/readers?find=") && !part.contains("ana"), "{part}");
    assert_eq!(found(&app, admin, &[("part", "ana@exam")]).await, ["ana@example.org"]);
    let reader = find(&app, admin, &[("part", " Ana@example.ORG ")]).await;
    assert!(!reader.contains("find=") && !reader.contains("ana"), "{reader}");
    let page = admin.request(&app, Method::GET, &reader).send().await.unwrap();
    assert_eq!(page.headers()["cache-control"], "no-store");
    let page = page.text().await.unwrap();
    assert!(page.contains("ana@example.org") && page.contains("The confirmation is due now."));
    assert!(!page.contains("<title>ana"), "the title stays in the browser's history");
    for unknown in ["/admin/readers/1.00000000000000000000000000000000", "/admin/readers/x", "/admin/readers/99.1"] {
        assert_eq!(admin.get(&app, unknown).await.0, StatusCode::NOT_FOUND, "{unknown}");
    }
}

#[tokio::test]
async fn the_list_goes_on_where_the_page_before_ended() {
    let app = App::start().await;
    for number in 0..120 {
        app.sign_up(&format!("reader{number}@example.org")).await;
    }
    let mut ask = Search { part: Some("reader".into()), state: Some(EnrollmentState::Pending), ..Search::default() };
    let mut pages = Vec::new();
    loop {
        let page = search::search(&app.service, &ask, &by()).await.unwrap();
        pages.push(page.items.into_iter().map(|row| row.address).collect::<Vec<_>>());
        match page.next {
            Some(next) => ask.after = Some(next),
            None => break,
        }
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 20]);
    let mut all = pages.concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 120, "each is on one page");
}

async fn standing(app: &App, address: &str) -> String {
    let id = search::exactly(&app.service, address).await.unwrap().unwrap();
    story::story(&app.service, &id, &by()).await.unwrap().chapters.remove(0).standing
}

#[tokio::test]
async fn a_story_tells_each_try_with_the_relays_words_and_what_comes_next() {
    let app = App::start().await;
    let address = "ana@example.org";
    app.sign_up(address).await;
    app.dispatch_all_due().await;
    app.advance(minutes(1));
    app.confirm(address).await;
    app.dispatch_all_due().await;
    let id = search::exactly(&app.service, address).await.unwrap().unwrap();
    let told = story::story(&app.service, &id, &by()).await.unwrap().chapters.remove(0);
    let ahead = told.steps.iter().filter(|part| part.is_ahead()).count();
    assert_eq!((told.received, told.steps.len(), ahead), (1, 6, 5));
    assert!(told.standing.starts_with("Part 2 is due on Thu 5 Mar 2026, 09:00"), "{}", told.standing);
    let kinds: Vec<&str> = told
        .events
        .iter()
        .map(|event| match &event.what {
            What::Consent(consent) => consent.action.as_str(),
            What::Mail(mail) => mail.delivery.kind.as_str(),
        })
        .collect();
    assert_eq!(kinds, ["sign-up", "confirmation", "confirm", "step"]);

    app.relay.reply_next(At::Rcpt, 450, "4.2.1 come back later");
    app.advance(days(3));
    app.dispatch_all_due().await;
    let admin = &mut Browser::signed_in(&app, Role::Operator).await;
    let path = format!("{LIST}/{id}");
    admin.get(&app, &path).await;
    let page = admin.html.clone();
    assert!(page.contains("put off by the relay (tries: 1)"), "what comes next, and why");
    assert!(page.contains("Try 1: deferred") && page.contains("come back later"), "the relay's words");

    let mail = page.split("href=\"").find(|link| link.contains("/mails/")).unwrap().split('"').next().unwrap();
    admin.get(&app, mail).await;
    let sent = &admin.html;
    assert!(sent.contains("Part 1 of 6") && !sent.contains("lung"), "the passage about the condition is left out");
    let unknown = format!("{path}/mails/00000000-0000-0000-0000-000000000000");
    assert_eq!(admin.get(&app, &unknown).await.0, StatusCode::NOT_FOUND);
    let looked = "select count(*) from audit_log where action in ('show reader', 'read sent mail')";
    assert_eq!(app.count(looked).await, 3, "who looks at a reader is written down");

    app.advance(minutes(30));
    app.dispatch_all_due().await;
    assert!(standing(&app, address).await.starts_with("Part 3 is due on"));
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_with_who_and_why() {
    let app = App::start().await;
    let address = "ana@example.org";
    app.enroll(address).await;
    let series = format!("/series/{SERIES}/pause");
    app.api_post(&series, why()).await;
    assert!(standing(&app, address).await.contains("The whole series is paused since"));
    app.api_post(&series.replace("pause", "resume"), why()).await;
    assert!(standing(&app, address).await.starts_with("Part 2 is due"));
    let mut body = why();
    body["address"] = address.into();
    let (status, answer) = app.api_post("/subscribers/suppress", body).await;
    assert!(status.is_success(), "{answer}");
    let told = standing(&app, address).await;
    assert!(told.contains("suppressed (admin)") && told.contains(why()["why"].as_str().unwrap()), "{told}");
}

#[tokio::test]
async fn what_is_done_for_a_reader_needs_a_reason_and_is_written_down() {
    let app = App::start().await;
    app.enroll("ana@example.org").await;
    let admin = &mut Browser::signed_in(&app, Role::Operator).await;
    let reader = find(&app, admin, &[("part", "ana@example.org")]).await;
    admin.get(&app, &reader).await;
    let ask = |deed: &'static str, why: &'static str| [("deed", deed), ("series", SERIES), ("why", why)];
    assert_eq!(admin.post(&app, &reader, &ask("pause", " ")).await.0, StatusCode::CONFLICT);
    assert!(admin.html.contains("Say why"));
    assert_eq!(admin.post(&app, &reader, &ask("dance", "a reason")).await.0, StatusCode::CONFLICT);

    for (deed, state) in [("pause", "Paused since"), ("resume", "Part 2 is due"), ("send-next", "Part 2 is due now")] {
        let (status, location) = admin.post(&app, &reader, &ask(deed, "they asked by phone")).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{deed}");
        admin.follow(&app, &location).await;
        assert!(admin.html.contains("It is done") && admin.html.contains(state), "{deed}");
    }
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("ana@example.org").len(), 3, "the confirmation and two parts");
    let (_, location) = admin.post(&app, &reader, &ask("suppress", "they asked by phone")).await;
    admin.follow(&app, &location).await;
    assert!(admin.html.contains("suppressed (admin)"));
    let why = "select count(*) from audit_log where reason = 'they asked by phone' and actor_kind = 'admin'";
    assert_eq!(app.count(why).await, 5, "a part that is sent now is a run, which is prepared and started");
}
