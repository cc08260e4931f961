//! Mail scanners open every link, with GET and HEAD, and their robots follow what they find: nothing changes.
use std::collections::BTreeSet;

use reqwest::Method;

use crate::manage::{READER, own_page};
use crate::manage_fresh::{all_rows, fresh_link};
use crate::support::{App, days};

const SLOW: &str = "slow@example.org";

/// Every address of ours in a text: links of a mail, links and forms of a page.
fn addresses(text: &str) -> BTreeSet<String> {
    let text = text.replace("https://series.example.org/", "/").replace("&amp;", "&");
    let mut found = BTreeSet::new();
    for mark in ["href=\"/", "action=\"/", "href=\"?"] {
        for rest in text.split(mark).skip(1) {
            let start = mark.rsplit('"').next().unwrap();
            found.insert(format!("{start}{}", rest.split('"').next().unwrap()));
        }
    }
    found.into_iter().filter(|path| path.starts_with('/')).collect()
}

#[tokio::test]
async fn whatever_is_opened_nothing_changes() {
    let app = App::start().await;
    app.enroll(READER).await;
    app.sign_up(SLOW).await;
    // The reminder to who has not confirmed, and the note to who is signed up already.
    app.advance(days(2));
    regimen::actions::tidy::remind(&app.service).await.unwrap();
    app.live_through(days(2)).await;
    app.sign_up(READER).await;
    app.dispatch_all_due().await;
    let fresh = fresh_link(&app, READER).await;
    let kinds = "select count(distinct kind) from deliveries where state = 'accepted'";
    assert_eq!(app.count(kinds).await, 5, "a mail of every kind has come");
    let before = all_rows(&app).await;
    let mails = [READER, SLOW].into_iter().flat_map(|address| app.mails_to(address));
    let mut waiting: Vec<String> = mails.flat_map(|mail| addresses(&mail.html)).collect();
    waiting.push(format!("{}/calendar.ics", own_page(&app, READER)));
    let mut seen = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        if !seen.insert(path.clone()) || path.starts_with("/assets/") {
            continue;
        }
        for method in [Method::HEAD, Method::GET] {
            let response = app.http.request(method, format!("{}{path}", app.base)).send().await.unwrap();
            assert!(!response.status().is_server_error(), "{path}");
            waiting.extend(addresses(&response.text().await.unwrap()));
        }
    }
    for page in ["/confirm/", "/unsubscribe/", "/manage/", "/fresh/", "/never/", "/helpful/"] {
        assert!(seen.iter().any(|path| path.starts_with(page)), "{page}: {seen:?}");
    }
    for verb in ["/pause", "/now", "/clock", "/spacing", "/fresh-link", "/export", "/erase", "/address", "/condition"] {
        assert!(seen.iter().any(|path| path.ends_with(verb)), "{verb}: {seen:?}");
    }
    assert!(seen.iter().any(|path| path.contains("/parts/")) && seen.contains(&fresh));
    app.dispatch_all_due().await;
    assert_eq!(all_rows(&app).await, before);
}
