//! A whole story, with everything in it that goes wrong, and then a look at the log: it names nobody, no illness, no token.
use std::collections::BTreeSet;

use regimen::local::smtp::{Options, Verdict};
use regimen::seal::Keyring;
use reqwest::{Method, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::process::{Environment, LINK_KEY, Process, Site, until};
use crate::support::relay::{At, Mail, Relay};
use crate::support::{SERIES, TOKEN, database};

/// Nobody else in a log has these names.
const READER: &str = "Zebulon.Quagmire@example.org";
const GONE: &str = "xanthippe-gone@example.com";
const STRANGER: &str = "quirin.stranger@example.org";
const MOVED: &str = "ulrika-moved@example.net";
const EDITOR: &str = "wilhelmina-editor@example.org";
const SECRET: &str = "hunter2-hunter2";

#[tokio::test]
async fn at_trace_the_text_log_names_nobody_no_condition_and_no_token() {
    look_at_the_log_of_a_whole_story("trace", "text").await;
}

#[tokio::test]
async fn at_trace_the_json_log_names_nobody_no_condition_and_no_token() {
    let log = look_at_the_log_of_a_whole_story("trace", "json").await;
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        assert!(line["level"].is_string() && line["target"].is_string(), "{line}");
    }
}

async fn look_at_the_log_of_a_whole_story(level: &str, format: &str) -> String {
    let database_url = database::fresh().await;
    let db = database::connect(&database_url);
    let relay = Relay::start_with(Options { auth: true, ..Options::default() }).await;
    let smtp_url = relay.url().replace("smtp://", &format!("smtp://relay-user:{SECRET}@"));
    let environment = Environment::production(&database_url, &smtp_url)
        .with("REGIMEN__LOG__LEVEL", level)
        .with("REGIMEN__LOG__FORMAT", format)
        .with("REGIMEN__ADMIN__EDITORS", EDITOR);
    let mut process = Process::start(&["serve"], &environment);
    let site = process.pages().await;
    let mut tokens = BTreeSet::new();
    a_reader_comes_and_goes(&site, &relay, &db, &mut tokens).await;
    strangers_and_mistakes(&site, &tokens).await;
    an_admin_looks_and_acts(&site, &relay).await;
    the_database_refuses(&site, &db).await;
    let ended = process.stop(Signal::TERM).await;
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.out, "", "nothing but the log is written");

    for expected in [
        "answered a request",
        "/confirm/{token}",
        "/subscribe",
        "nobody can say whether the relay took a mail",
        "the database refused",
        "stopping",
    ] {
        assert!(ended.err.contains(expected), "the story left no {expected:?} in the log: {}", end_of(&ended.err));
    }
    assert!(!ended.err.contains('\u{1b}'), "no escape sequences in a log that goes to a file");
    names_nothing_private(&ended.err, &tokens);
    ended.err
}

fn end_of(log: &str) -> String {
    let letters: Vec<char> = log.chars().collect();
    letters[letters.len().saturating_sub(4_000)..].iter().collect()
}

fn names_nothing_private(log: &str, tokens: &BTreeSet<String>) {
    assert!(tokens.len() >= 6, "the story met too few tokens: {tokens:?}");
    let mut private: Vec<String> = tokens.iter().cloned().collect();
    for address in [READER, GONE, STRANGER, MOVED, EDITOR] {
        private.push(address.split('@').next().unwrap().to_owned());
    }
    private.extend(["head-and-neck", "Head and neck", "leukemia", "686561642d616e642d6e65636b"].map(str::to_owned));
    private.extend([TOKEN, LINK_KEY, SECRET].map(str::to_owned));
    private.push(Keyring::generate(1, [1; 32]).split(':').nth(1).unwrap().to_owned());
    let lines: Vec<(&str, String)> = log.lines().map(|line| (line, line.to_lowercase())).collect();
    let named: Vec<String> = private
        .iter()
        .filter_map(|word| {
            let word = word.to_lowercase();
            let found: Vec<&str> = lines.iter().filter(|(_, low)| low.contains(&word)).map(|(line, _)| *line).collect();
            (!found.is_empty()).then(|| {
                let first: String = found[0].chars().take(600).collect();
                format!("{word} in {} lines, first: {first}", found.len())
            })
        })
        .collect();
    assert!(named.is_empty(), "the log names:\n{}", named.join("\n"));
}

/// Notes the tokens of all links in a mail.
fn note_tokens(mail: &Mail, tokens: &mut BTreeSet<String>) {
    for page in ["confirm", "unsubscribe", "manage", "never", "fresh"] {
        if mail.text.contains(&format!("/{page}/")) {
            tokens.insert(mail.link(page).rsplit('/').next().unwrap().to_owned());
        }
    }
}

async fn mail_number(relay: &Relay, to: &str, number: usize) -> Mail {
    until(&format!("mail {number} is at the relay"), async || relay.mails_to(to).into_iter().nth(number - 1)).await
}

async fn settled(db: &PgPool) {
    until("the books say so too", async || {
        let open: i64 = sqlx::query_scalar("select count(*) from deliveries where state in ('claimed', 'sending')")
            .fetch_one(db)
            .await
            .unwrap();
        (open == 0).then_some(())
    })
    .await;
}

async fn a_reader_comes_and_goes(site: &Site, relay: &Relay, db: &PgPool, tokens: &mut BTreeSet<String>) {
    assert_eq!(site.sign_up(READER, "head-and-neck").await.status(), StatusCode::OK);
    let mail = mail_number(relay, READER, 1).await;
    note_tokens(&mail, tokens);
    settled(db).await;
    assert_eq!(site.get(&mail.link("confirm")).await.status(), StatusCode::OK);
    assert_eq!(site.post(&mail.link("confirm")).await.status(), StatusCode::OK);
    note_tokens(&mail_number(relay, READER, 2).await, tokens);
    settled(db).await;
    for (number, at, verdict) in [
        (3, None, Verdict::Accept),
        // Put off with the address in the reply; the next run then waits for its back-off.
        (3, Some(At::Rcpt), Verdict::Reply(450, format!("4.2.1 <{READER}> is busy, {READER}"))),
    ] {
        if let Some(at) = at {
            relay.next(at, verdict);
        }
        let next = json!({ "series": SERIES, "address": READER, "who": EDITOR, "why": format!("{READER} asked") });
        assert_eq!(site.api(Method::POST, "/send/next").json(&next).send().await.unwrap().status(), StatusCode::OK);
        note_tokens(&mail_number(relay, READER, number).await, tokens);
        settled(db).await;
    }
    until("it was put off", async || {
        let put_off: i64 =
            sqlx::query_scalar("select count(*) from attempts where outcome = 'deferred'").fetch_one(db).await.unwrap();
        (put_off == 1).then_some(())
    })
    .await;
    let manage = mail_number(relay, READER, 2).await.link("manage");
    for path in [manage.clone(), format!("{manage}/pause"), format!("{manage}/resume")] {
        site.post(&path).await;
        site.get(&path).await;
    }
    a_reader_steers(site, relay, &manage, tokens).await;
    settled(db).await;
    let leave = mail_number(relay, READER, 2).await.link("unsubscribe");
    assert_eq!(site.post_form(&leave, &[("List-Unsubscribe", "One-Click")]).await.status(), StatusCode::OK);

    // The relay knows nobody of this name, and says so with the name; and takes a mail without saying so.
    relay.always(At::Rcpt, GONE, Verdict::Reply(550, format!("5.1.1 <{GONE}>: no such user {GONE}")));
    assert_eq!(site.sign_up(GONE, "leukemia").await.status(), StatusCode::OK);
    until("it was refused", async || {
        let refused: i64 = sqlx::query_scalar("select count(*) from suppressions").fetch_one(db).await.unwrap();
        (refused == 1).then_some(())
    })
    .await;
    relay.next(At::Message, Verdict::AcceptThenDrop);
    assert_eq!(site.sign_up(STRANGER, "leukemia").await.status(), StatusCode::OK);
    let mail = mail_number(relay, STRANGER, 1).await;
    note_tokens(&mail, tokens);
    until("it is uncertain", async || {
        let uncertain: i64 = sqlx::query_scalar("select count(*) from deliveries where uncertain_count > 0")
            .fetch_one(db)
            .await
            .unwrap();
        (uncertain == 1).then_some(())
    })
    .await;
    let never = mail.link("never");
    assert_eq!(site.get(&never).await.status(), StatusCode::OK);
    assert_eq!(site.post(&never).await.status(), StatusCode::OK);
}

/// The buttons of the reader's own page and of the one behind a fresh link.
async fn a_reader_steers(site: &Site, relay: &Relay, manage: &str, tokens: &mut BTreeSet<String>) {
    for (verb, field) in [("clock", "zone"), ("clock", "hour"), ("spacing", "days"), ("pause", "until"), ("now", "x")] {
        site.post_form(&format!("{manage}/{verb}"), &[(field, READER)]).await;
    }
    for path in ["parts/what-is-immunotherapy", "parts/antibodies", "parts/leukemia", "calendar.ics"] {
        site.get(&format!("{manage}/{path}")).await;
    }
    site.post(&format!("{manage}/fresh-link")).await;
    let mail = mail_number(relay, READER, 4).await;
    note_tokens(&mail, tokens);
    let fresh = mail.link("fresh");
    assert_eq!(site.get(&fresh).await.status(), StatusCode::OK);
    for (verb, field, value) in [
        ("condition", "condition", "leukemia"),
        ("condition", "condition", READER),
        ("address", "address", MOVED),
        ("address", "address", "quirin.stranger"),
        ("export", "x", ""),
        ("again", "from", "start"),
    ] {
        site.post_form(&format!("{fresh}/{verb}"), &[(field, value)]).await;
    }
    note_tokens(&mail_number(relay, MOVED, 1).await, tokens);
}

async fn strangers_and_mistakes(site: &Site, tokens: &BTreeSet<String>) {
    let local = READER.split('@').next().unwrap();
    for fields in [
        vec![("email", local), ("condition", "head-and-neck")],
        vec![("email", READER), ("condition", "head-and-neck-and-more")],
        vec![("email", READER), ("condition", "head-and-neck"), ("series", READER)],
        vec![("email", READER), ("condition", "head-and-neck"), ("timezone", READER)],
    ] {
        site.post_form("/subscribe", &fields).await;
    }
    let http = reqwest::Client::new();
    for body in [
        format!("{{\"email\": \"{READER}\", \"condition\": \"leukemia\""),
        format!("{{\"email\": [\"{READER}\"], \"condition\": {{\"leukemia\": 1}}}}"),
        format!("\"{READER}\""),
    ] {
        let request =
            http.post(format!("{}/subscribe", site.base)).header("content-type", "application/json").body(body.clone());
        assert_eq!(request.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
        site.api(Method::POST, "/subscribers/show")
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
    }
    for token in tokens {
        for page in ["confirm", "unsubscribe", "manage", "never", "fresh"] {
            site.get(&format!("/{page}/{token}")).await;
            site.get(&format!("/{page}/{token}x")).await;
            site.get(&format!("/{page}/{token}?to={READER}")).await;
        }
        http.head(format!("{}/confirm/{token}", site.base)).send().await.unwrap();
        http.delete(format!("{}/confirm/{token}", site.base)).send().await.unwrap();
    }
    for path in [format!("/{READER}"), format!("/articles/{READER}"), format!("/?email={READER}&condition=leukemia")] {
        site.get(&path).await;
    }
    let wrong = format!("Bearer {TOKEN}x");
    http.get(format!("{}/api/v1/deliveries", site.base)).header("authorization", wrong).send().await.unwrap();
}

async fn an_admin_looks_and_acts(site: &Site, relay: &Relay) {
    let why = |mut body: Value| {
        body["who"] = json!(EDITOR);
        body["why"] = json!(format!("{READER} has leukemia and asked"));
        body
    };
    let reader = || why(json!({ "address": READER, "series": SERIES }));
    let address = || why(json!({ "address": READER }));
    let test = |step: &str, to: &str| why(json!({ "series": SERIES, "step": step, "condition": "leukemia", "to": to }));
    for (path, body) in [
        ("/subscribers/show", json!({ "address": READER })),
        ("/subscribers/show", json!({ "address": READER.split('@').next().unwrap() })),
        ("/subscribers/show", json!({ READER: "leukemia" })),
        ("/subscribers/pause", reader()),
        ("/subscribers/resume", reader()),
        ("/subscribers/suppress", address()),
        ("/subscribers/unsuppress", address()),
        // Each of another type than it should be.
        ("/send/next", why(json!({ "address": READER, "series": SERIES, "dry_run": READER }))),
        ("/send/due", why(json!({ "series": SERIES, "within": READER }))),
        ("/send/due", why(json!({ "series": READER, "within": "1d" }))),
        ("/send/test", test(READER, EDITOR)),
        ("/send/test", test("antibodies", READER)),
        ("/send/test", test("antibodies", EDITOR)),
        (&format!("/series/{SERIES}/preview"), json!({ "step": "antibodies", "condition": "head-and-neck" })),
        (&format!("/series/{SERIES}/preview"), json!({ "step": "antibodies", "condition": ["head-and-neck"] })),
    ] {
        site.api(Method::POST, path).json(&body).send().await.unwrap();
    }
    for path in ["/deliveries", "/subscribers", "/runs", "/health", "/series"] {
        site.api_get(path).await;
    }
    for path in
        [format!("/deliveries?limit={READER}"), format!("/subscribers?state={READER}"), format!("/send/test/{READER}")]
    {
        assert!(site.api(Method::GET, &path).send().await.unwrap().status().is_client_error());
    }
    until("the test is at the relay", async || relay.mails_to(EDITOR).pop()).await;
}

/// A constraint is violated: PostgreSQL's details then hold the row.
async fn the_database_refuses(site: &Site, db: &PgPool) {
    sqlx::raw_sql("alter table subscribers add constraint none_more check (length(address) < 3) not valid")
        .execute(db)
        .await
        .unwrap();
    let response = site.sign_up(&format!("more.{STRANGER}"), "leukemia").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}
