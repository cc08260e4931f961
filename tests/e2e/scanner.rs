//! A mail scanner opens every link of every mail, with HEAD, with GET and in a browser whose scripts run: nothing changes.
use std::collections::{BTreeMap, BTreeSet};

use reqwest::Url;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::browser::Browser;
use crate::demo::Demo;
use crate::eventually;

/// So that a reminder comes at once.
const HASTE: [(&str, &str); 2] =
    [("REGIMEN__SIGN_UP__REMINDER_AFTER", "1s"), ("REGIMEN__SCHEDULE__REMINDERS", "* * * * * *")];
/// In these the service itself notes that it lives; no request writes into them.
const OWN_LIFE: [&str; 2] = ["nodes", "installation"];
const READER: &str = "reader@example.com";
const LATE: &str = "late@example.org";
/// Answers when the page is loaded and its scripts have nothing to do.
const AT_REST: &str = "
    const done = arguments[0];
    const rest = () => requestIdleCallback(() => setTimeout(() => done(document.readyState), 0));
    if (document.readyState === 'complete') rest(); else addEventListener('load', rest);";

#[tokio::test]
async fn a_scanner_with_a_browser_changes_nothing() {
    let (demo, browser) = tokio::join!(Demo::start_with("1h", &HASTE), Browser::start());
    provoke_every_mail(&demo).await;
    let links = links_of(&demo).await;
    for kind in ["/confirm/", "/never/", "/manage/", "/unsubscribe/", "/fresh/", "/helpful/", "/privacy", "/terms"] {
        assert!(links.iter().any(|link| link.path().starts_with(kind)), "{kind} is in no mail: {links:?}");
    }
    let mut db = PgConnection::connect(&demo.database()).await.unwrap();
    at_rest(&demo, &mut db).await;
    let before = rows(&mut db).await;

    let http = reqwest::Client::new();
    for link in &links {
        for request in [http.head(link.clone()), http.get(link.clone())] {
            let status = request.send().await.unwrap().status();
            assert!(status.is_success(), "{status} for {}", link.path());
        }
        browser.open(link).await;
        let state = browser.client.execute_async(AT_REST, vec![]).await.unwrap();
        assert_eq!(state, "complete");
    }
    // What such a visit had set off would have been written by now.
    at_rest(&demo, &mut db).await;
    let after = rows(&mut db).await;
    for (table, rows) in &before {
        assert_eq!(&after[table], rows, "{table} has changed");
    }
    assert_eq!(before.len(), after.len());
    browser.check_quiet(&[]).await;

    // The comparison sees a press.
    browser.open(demo.mail_to(LATE, 0).await.link("confirm")).await;
    browser.press("Yes, send me the series").await;
    browser.see("You are signed up").await;
    assert_ne!(rows(&mut db).await, before);
}

/// A confirmation, a step, the note to who is signed up already, a fresh link; and, to somebody else, a reminder.
async fn provoke_every_mail(demo: &Demo) {
    demo.sign_up(READER).await;
    let confirmation = demo.mail_to(READER, 0).await;
    demo.press(&confirmation.link("confirm")).await;
    let step = demo.mail_to(READER, 1).await;
    demo.sign_up(READER).await;
    demo.mail_to(READER, 2).await;
    let mut ask = step.link("manage");
    ask.set_path(&format!("{}/fresh-link", ask.path()));
    demo.press(&ask).await;
    demo.mail_to(READER, 3).await.link("fresh");
    demo.sign_up(LATE).await;
    let reminder = demo.mail_to(LATE, 1).await;
    assert_ne!(reminder.subject, demo.mail_to(LATE, 0).await.subject);
}

/// Every link of ours, in the text and in the HTML of each mail.
async fn links_of(demo: &Demo) -> BTreeSet<Url> {
    let mut links = BTreeSet::new();
    for address in [READER, LATE] {
        for mail in demo.mails_to(address).await {
            let html = demo.html_of(&mail).await.replace("&amp;", "&");
            let hrefs = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
            let words = mail.text.split_whitespace();
            let all = hrefs.chain(words).filter(|link| link.starts_with(&demo.pages));
            links.extend(all.map(|link| Url::parse(link).unwrap()));
        }
    }
    links
}

/// Waits until what was sent is settled, nothing is on its way and what the guards counted in memory is written.
async fn at_rest(demo: &Demo, db: &mut PgConnection) {
    let moving = "select count(*) from deliveries
                  where state in ('claimed', 'sending') or (state = 'pending' and kind <> 'step')";
    eventually("the mails to be settled", async || {
        let moving: i64 = sqlx::query_scalar(moving).fetch_one(&mut *db).await.unwrap();
        (moving == 0).then_some(())
    })
    .await;
    // Whoever asks for the counts has them written first.
    demo.refused().await;
}

/// How many rows each table has, and a hash of them.
async fn rows(db: &mut PgConnection) -> BTreeMap<String, (i64, Option<String>)> {
    let tables = "select tablename::text from pg_tables where schemaname = 'public'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut *db).await.unwrap();
    let mut all = BTreeMap::new();
    for table in tables.into_iter().filter(|table| !OWN_LIFE.contains(&table.as_str())) {
        let sql = format!("select count(*), md5(string_agg(t::text, '|' order by t::text)) from {table} t");
        let rows = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&mut *db).await.unwrap();
        all.insert(table, rows);
    }
    all
}
