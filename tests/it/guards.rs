//! What keeps robots and list-bombers out, and lets readers in.
mod proofs;
mod publishers;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use regimen::actions::guards::{self, Limits, Mx, Settings};
use regimen::clock::Clock;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::dns::Dns;
use crate::support::{App, SERIES, Setup, days, hours, minutes};

/// As in production, with the test's own hand as the proxy.
pub(super) fn guarded() -> Settings {
    Settings { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..Settings::default() }
}

pub(super) async fn start(guards: Settings) -> App {
    App::start_with(Setup { guards, ..Setup::default() }).await
}

/// Without the form's token, for stories about something else.
fn limited(limits: Limits) -> Settings {
    Settings { form_token: false, limits, ..guarded() }
}

const NO_LIMITS: fn() -> Limits = Limits::default;

pub(super) async fn post_from(app: &App, from: &str, fields: &[(&str, &str)]) -> Response {
    let request = app.http.post(format!("{}/subscribe", app.base)).header("x-forwarded-for", from);
    request.form(fields).send().await.unwrap()
}

async fn sign_up_from(app: &App, from: &str, email: &str) -> StatusCode {
    post_from(app, from, &[("series", SERIES), ("email", email), ("condition", "lung")]).await.status()
}

/// The value of a hidden field of a page.
pub(super) fn hidden(html: &str, name: &str) -> String {
    let field = html.split("<input ").find(|field| field.contains(&format!("name=\"{name}\"")));
    let field = field.unwrap_or_else(|| panic!("{name} is not in {html}"));
    field.split_once("value=\"").unwrap().1.split('"').next().unwrap().to_owned()
}

pub(super) async fn counted(app: &App) -> Vec<(String, i64)> {
    let body = app.api_get("/guards").await;
    let items = body["items"].as_array().unwrap().iter();
    let mut all: Vec<(String, i64)> =
        items.map(|one| (one["reason"].as_str().unwrap().to_owned(), one["count"].as_i64().unwrap())).collect();
    all.sort();
    all
}

async fn nothing_is_written(app: &App) {
    for table in ["subscribers", "enrollments", "consents", "deliveries"] {
        let sql = format!("select count(*) from {table}");
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(app.db()).await.unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test]
async fn whoever_fills_in_the_hidden_field_is_told_what_all_are_told_and_nothing_is_written() {
    let app = start(Settings { form_token: false, ..guarded() }).await;
    let fields =
        [("series", SERIES), ("email", "robot@example.org"), ("condition", "lung"), ("reader_remark", "hello")];
    let trapped = post_from(&app, "192.0.2.1", &fields).await;
    assert_eq!(trapped.status(), StatusCode::OK);
    let trapped = trapped.text().await.unwrap();
    nothing_is_written(&app).await;
    let body = json!({ "email": "robot@example.org", "condition": "lung", "reader_remark": "hello" });
    let program = app.http.post(format!("{}/subscribe", app.base)).json(&body).send().await.unwrap();
    assert_eq!(program.status(), StatusCode::ACCEPTED);
    nothing_is_written(&app).await;
    assert_eq!(counted(&app).await, [("trap".to_owned(), 2)]);

    let real = post_from(&app, "192.0.2.1", &fields[..3]).await.text().await.unwrap();
    assert_eq!(trapped, real, "nobody learns that it was noticed");
    // Out of sight by a class, and left alone by what fills in forms.
    let html = app.get("/").await.text().await.unwrap();
    let field = html.split("<div class=\"set-aside\">").nth(1).unwrap().split("</div>").next().unwrap();
    assert!(field.contains("autocomplete=\"off\"") && field.contains("tabindex=\"-1\""), "{field}");
    assert!(!field.contains("style="), "{field}");
    let sheet = html.split("href=\"/assets/style.").nth(1).unwrap().split('"').next().unwrap();
    let css = app.get(&format!("/assets/style.{sheet}")).await.text().await.unwrap();
    let rule = css.split(".set-aside").nth(1).unwrap().split('}').next().unwrap();
    assert!(rule.contains("display: none"), "{rule}");
}

#[tokio::test]
async fn a_form_of_ours_is_taken_between_two_seconds_and_a_day() {
    let app = start(guarded()).await;
    let page = app.get("/").await;
    assert_eq!(page.headers()["cache-control"], "public, max-age=60", "a token may be shared by who reads a kept copy");
    let token = hidden(&page.text().await.unwrap(), "token");
    let fields = [
        ("series", SERIES),
        ("email", "Reader@example.org"),
        ("condition", "kidney"),
        ("timezone", "Asia/Tokyo"),
        ("token", &token),
    ];
    let fast = app.post_form("/subscribe", &fields).await;
    assert_eq!(fast.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let again = fast.text().await.unwrap();
    assert_eq!(hidden(&again, "token"), token, "its time goes on running");
    assert_eq!(hidden(&again, "email"), "Reader@example.org");
    assert_eq!(hidden(&again, "condition"), "kidney");
    assert_eq!(hidden(&again, "timezone"), "Asia/Tokyo");
    assert_eq!(again.matches("type=\"submit\"").count(), 1);
    nothing_is_written(&app).await;

    app.advance(TimeDelta::seconds(2));
    assert_eq!(app.post_form("/subscribe", &fields).await.status(), StatusCode::OK);
    app.advance(TimeDelta::days(1) - TimeDelta::seconds(2));
    assert_eq!(app.post_form("/subscribe", &fields).await.status(), StatusCode::OK, "a token may be used again");
    app.advance(TimeDelta::seconds(1));
    let old = app.post_form("/subscribe", &fields).await;
    assert_eq!(old.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let fresh = hidden(&old.text().await.unwrap(), "token");
    assert_ne!(fresh, token);
    app.advance(TimeDelta::seconds(3));
    let fields = fields.map(|(name, value)| (name, if name == "token" { fresh.as_str() } else { value }));
    assert_eq!(app.post_form("/subscribe", &fields).await.status(), StatusCode::OK);
    assert_eq!(counted(&app).await, [("form-too-fast".to_owned(), 1), ("form-too-old".to_owned(), 1)]);
}

#[tokio::test]
async fn a_plain_form_on_another_site_gets_a_page_with_one_button_and_no_refusal() {
    let app = start(guarded()).await;
    for (language, words) in [("en", "One more press"), ("es", "Pulse una vez más")] {
        let email = format!("\"><b>{language}@example.org");
        let odd = [("series", SERIES), ("email", &email), ("condition", "lung"), ("language", language)];
        assert_eq!(app.post_form("/subscribe", &odd).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let email = format!("o'{language}&co@example.org");
        let fields = [("series", SERIES), ("email", &email), ("condition", "lung"), ("language", language)];
        let page = app.post_form("/subscribe", &fields).await;
        assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(page.headers()["cache-control"], "no-store");
        let html = page.text().await.unwrap();
        assert!(html.contains(words), "{html}");
        assert_eq!(html.matches("type=\"submit\"").count(), 1);
        nothing_is_written(&app).await;
        app.advance(TimeDelta::seconds(2));
        // What a browser sends when the button is pressed.
        let unescaped = |text: String| text.replace("&#x27;", "'").replace("&amp;", "&");
        let names = ["series", "language", "timezone", "email", "condition", "token", "reader_remark"];
        let values = names.map(|name| (name, unescaped(hidden(&html, name))));
        let fields: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(app.post_form("/subscribe", &fields).await.status(), StatusCode::OK);
        let address: String = sqlx::query_scalar("select address from subscribers").fetch_one(app.db()).await.unwrap();
        assert_eq!(address, email);
        sqlx::query("delete from subscribers").execute(app.db()).await.unwrap();
    }
    // A token for another series, or one that was made elsewhere, is none.
    for token in ["", "19cab.AAAAAAAAAAAAAAAAAAAAAA", "x"] {
        let fields = [("series", SERIES), ("email", "reader@example.org"), ("condition", "lung"), ("token", token)];
        assert_eq!(app.post_form("/subscribe", &fields).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    nothing_is_written(&app).await;
}

#[tokio::test]
async fn a_program_meets_the_same_guards_and_is_told_what_to_do() {
    let app = start(Settings { limits: Limits { network: 2, ..NO_LIMITS() }, ..guarded() }).await;
    let post = async |body: &Value| app.http.post(format!("{}/subscribe", app.base)).json(body).send().await.unwrap();
    let mut body = json!({ "series": SERIES, "email": "api@example.org", "condition": "lung" });
    let refused = post(&body).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["errors"][0]["field"], "token");
    let token: Value = app.get(&format!("/subscribe/token?series={SERIES}")).await.json().await.unwrap();
    assert_eq!(token["series"], SERIES);
    body["token"] = token["token"].clone();
    assert_eq!(post(&body).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "too soon");
    app.advance(TimeDelta::seconds(2));
    for _ in 0..2 {
        assert_eq!(post(&body).await.status(), StatusCode::ACCEPTED);
    }
    let refused = post(&body).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let seconds: i64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=3_600).contains(&seconds), "{seconds}");
    assert_eq!(refused.json::<Value>().await.unwrap()["status"], 429);
    let unknown = app.get("/subscribe/token?series=no-such").await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_network_has_so_many_an_hour_and_its_neighbours_are_not_held_up() {
    let app = start(limited(Limits { network: 3, range: 5, ..NO_LIMITS() })).await;
    let mut number = 0;
    let mut press = async |from: &str| {
        number += 1;
        sign_up_from(&app, from, &format!("reader{number}@example.org")).await
    };
    for _ in 0..3 {
        assert_eq!(press("198.51.100.7").await, StatusCode::OK);
    }
    assert_eq!(press("198.51.100.7").await, StatusCode::TOO_MANY_REQUESTS);
    // What the client itself writes into the header is to the left of what the proxy saw.
    assert_eq!(press("203.0.113.1, 198.51.100.7").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(press("::ffff:198.51.100.7").await, StatusCode::TOO_MANY_REQUESTS);
    for _ in 0..2 {
        assert_eq!(press("198.51.100.8").await, StatusCode::OK);
    }
    assert_eq!(press("198.51.100.9").await, StatusCode::TOO_MANY_REQUESTS, "the range's five");
    assert_eq!(press("198.51.101.9").await, StatusCode::OK);
    for from in ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2:1::5"] {
        assert_eq!(press(from).await, StatusCode::OK);
    }
    assert_eq!(press("2001:db8:1:2:2::8").await, StatusCode::TOO_MANY_REQUESTS, "a /64 is one client");
    assert_eq!(press("2001:db8:1:3::1").await, StatusCode::OK);
    app.advance(hours(1));
    assert_eq!(press("198.51.100.7").await, StatusCode::OK, "another hour");
}

#[tokio::test]
async fn who_is_over_a_limit_is_told_what_to_do_and_keeps_what_was_typed() {
    let app = start(limited(Limits { network: 1, domain: 2, ..NO_LIMITS() })).await;
    let fields = [("series", SERIES), ("email", "reader@example.org"), ("condition", "kidney")];
    assert_eq!(post_from(&app, "198.51.100.7", &fields).await.status(), StatusCode::OK);
    let page = post_from(&app, "198.51.100.7", &fields).await;
    assert_eq!(page.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(page.headers().contains_key("retry-after"));
    let html = page.text().await.unwrap();
    assert!(html.contains("value=\"reader@example.org\"") && html.contains("another connection"), "{html}");
    assert!(html.split("kidney").nth(1).unwrap()[..60].contains("selected"));

    // The second for this domain, and then none, whether the address is known or not.
    assert_eq!(post_from(&app, "198.51.100.8", &fields).await.status(), StatusCode::OK);
    let known = post_from(&app, "198.51.100.9", &fields).await;
    let unknown = [("series", SERIES), ("email", "nobody@example.org"), ("condition", "kidney")];
    let unknown = post_from(&app, "198.51.100.10", &unknown).await;
    assert_eq!((known.status(), unknown.status()), (StatusCode::TOO_MANY_REQUESTS, StatusCode::TOO_MANY_REQUESTS));
    let known = known.text().await.unwrap();
    assert!(known.contains("another address"), "{known}");
    assert_eq!(known.replace("reader@", "nobody@"), unknown.text().await.unwrap(), "it tells nobody who is known");
    assert_eq!(counted(&app).await, [("domain".to_owned(), 2), ("network".to_owned(), 1)]);
}

#[tokio::test]
async fn domains_have_limits_of_their_own() {
    let limits = Limits {
        domain: 1,
        large_domain: 3,
        large_domains: Arc::new(["gmail.com".to_owned()].into()),
        domains: Arc::new([("hospital.example".to_owned(), 2), ("free.example".to_owned(), 0)].into()),
        ..NO_LIMITS()
    };
    let app = start(limited(limits)).await;
    for (domain, let_in) in [("a.example", 1), ("gmail.com", 3), ("Hospital.example", 2), ("free.example", 5)] {
        for number in 0..5 {
            let status = sign_up_from(&app, "198.51.100.7", &format!("reader{number}@{domain}")).await;
            let expected = if number < let_in { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
            assert_eq!(status, expected, "{domain} {number}");
        }
    }
}

#[tokio::test]
async fn processes_keep_to_a_limit_together_and_rows_name_neither_network_nor_domain() {
    let limits = || limited(Limits { domain: 100, ..NO_LIMITS() });
    let app = start(limits()).await;
    let setup =
        || Setup { guards: limits(), clock: Some(Clock::manual(Setup::default().start, 2)), ..Setup::default() };
    let other = App::start_on(app.database_url.clone(), app.relay.clone(), setup()).await;
    let mut let_in = 0;
    for number in 0..200 {
        let one = if number % 2 == 0 { &app } else { &other };
        let status = sign_up_from(one, "198.51.100.7", &format!("reader{number}@victim.example")).await;
        let_in += usize::from(status == StatusCode::OK);
    }
    // Each lets ten in before it asks.
    assert!((100..=120).contains(&let_in), "{let_in}");
    let windows: Vec<Value> =
        sqlx::query_scalar("select to_jsonb(w) from guard_windows w").fetch_all(app.db()).await.unwrap();
    assert_eq!(windows.len(), 1, "{windows:?}");
    assert!(!windows[0].to_string().contains("victim") && !windows[0].to_string().contains("76696374"), "{windows:?}");
    app.advance(hours(2));
    guards::tidy(&app.service).await.unwrap();
    assert_eq!(app.count("select count(*) from guard_windows").await, 0, "it is forgotten");
}

#[tokio::test]
async fn in_a_demo_loopback_is_counted_and_never_refused() {
    let guards =
        Settings { spare_loopback: true, limits: Limits { network: 1, domain: 1, ..NO_LIMITS() }, ..guarded() };
    let app = start(guards).await;
    for number in 0..3 {
        app.sign_up(&format!("reader{number}@example.org")).await;
    }
    assert_eq!(app.count("select count(*) from subscribers").await, 3);
    let counted = counted(&app).await;
    assert_eq!(counted, [("domain".into(), 2), ("form-token-missing".into(), 3), ("network".into(), 2)]);
    assert_eq!(sign_up_from(&app, "198.51.100.7", "a@example.com").await, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn what_was_refused_is_counted_across_processes_and_days() {
    let app = start(Settings { form_token: false, ..guarded() }).await;
    let trapped = [("email", "robot@example.org"), ("condition", "lung"), ("reader_remark", "x")];
    for _ in 0..2 {
        post_from(&app, "192.0.2.1", &trapped).await;
        guards::flush(&app.service).await.unwrap();
    }
    app.advance(days(1));
    post_from(&app, "192.0.2.1", &trapped).await;
    let items = app.api_get("/guards").await;
    let expected = json!({ "items": [
        { "day": "2026-03-03", "reason": "trap", "count": 1 },
        { "day": "2026-03-02", "reason": "trap", "count": 2 },
    ] });
    assert_eq!(items, expected);
    let closed = app.http.get(format!("{}/api/v1/guards", app.base)).send().await.unwrap();
    assert_eq!(closed.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn addresses_that_are_thrown_away_are_asked_to_be_others() {
    let disposable = Arc::new(["gone.example".to_owned()].into());
    let app = start(Settings { disposable, ..limited(NO_LIMITS()) }).await;
    for email in ["a@gone.example", "a@Sub.Gone.Example"] {
        let page = post_from(&app, "192.0.2.1", &[("email", email), ("condition", "lung")]).await;
        assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let html = page.text().await.unwrap();
        assert!(html.contains("aria-invalid") && html.contains("an address that you will keep"), "{html}");
    }
    assert_eq!(sign_up_from(&app, "192.0.2.1", "a@notgone.example").await, StatusCode::OK);
    assert_eq!(counted(&app).await, [("disposable".to_owned(), 2)]);
}

#[tokio::test]
async fn a_domain_that_takes_no_mail_is_told_at_once_and_a_resolver_that_is_down_is_no_obstacle() {
    let dns = Dns::start().await;
    let mx = Mx { timeout: Duration::from_millis(300), server: Some(dns.address) };
    let app = start(Settings { mx: Some(mx), ..limited(NO_LIMITS()) }).await;
    for name in ["null", "gone", "empty"] {
        let page =
            post_from(&app, "192.0.2.1", &[("email", &format!("a@{name}.example")), ("condition", "lung")]).await;
        assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        let html = page.text().await.unwrap();
        assert!(html.contains("aria-invalid") && html.contains("No e-mail can be sent"), "{html}");
    }
    for name in ["mail", "plain", "broken", "silent"] {
        let status = sign_up_from(&app, "192.0.2.1", &format!("a@{name}.example")).await;
        assert_eq!(status, StatusCode::OK, "{name}");
    }
    assert!(dns.asked().iter().any(|name| name == "plain.example"));
    assert_eq!(counted(&app).await, [("no-mail-domain".to_owned(), 3)]);
}

/// Promise: what somebody types about somebody else's address reaches nobody but us.
#[tokio::test]
async fn nothing_that_was_typed_is_in_a_confirmation() {
    let app = start(limited(NO_LIMITS())).await;
    let fields = [
        ("series", SERIES),
        ("email", "win-a-prize.http-evil@example.org"),
        ("condition", "head-and-neck"),
        ("timezone", "Antarctica/Troll"),
        ("name", "Dear winner, go to https://evil.example"),
        ("message", "Cheap pills"),
        ("subject", "Urgent invoice"),
        ("from", "boss@example.com"),
    ];
    assert_eq!(post_from(&app, "192.0.2.1", &fields).await.status(), StatusCode::OK);
    let hostile =
        [("series", SERIES), ("email", "b@example.org"), ("condition", "lung"), ("timezone", "<b>Buy/Now</b>")];
    assert_eq!(post_from(&app, "192.0.2.1", &hostile).await.status(), StatusCode::OK);
    // What would show as a name, or as another address, is no address.
    for email in [
        "Winner <a@example.org>",
        "\"Cheap pills\"@example.org",
        "a@example.org (Winner)",
        "a\u{202e}b@example.org, c@example.org",
    ] {
        let fields = [("series", SERIES), ("email", email), ("condition", "lung")];
        assert_eq!(post_from(&app, "192.0.2.1", &fields).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "{email}");
    }
    app.dispatch_all_due().await;
    app.advance(days(1) + minutes(1));
    assert_eq!(regimen::actions::tidy::remind(&app.service).await.unwrap(), 2);
    app.dispatch_all_due().await;
    let mails = [app.mails_to("win-a-prize.http-evil@example.org"), app.mails_to("b@example.org")].concat();
    assert_eq!((mails.len(), app.relay.taken().len()), (4, 4), "two confirmations and two reminders");
    for mail in &mails {
        let readable = [&mail.subject, &mail.text, &mail.html].map(String::as_str).join("\n").to_lowercase();
        for typed in [
            "prize",
            "evil",
            "head-and-neck",
            "head and neck",
            "lung",
            "troll",
            "antarctica",
            "winner",
            "pills",
            "invoice",
            "boss@",
            "buy/now",
        ] {
            assert!(!readable.contains(typed), "{typed} is in {readable}");
        }
        // The address stands in To, bare, and nowhere else.
        let raw = mail.raw.to_lowercase();
        let (head, _) = raw.split_once("\r\n\r\n").unwrap();
        let to = head.lines().find(|line| line.starts_with("to:")).unwrap();
        assert!(["to: <win-a-prize.http-evil@example.org>", "to: <b@example.org>"].contains(&to.trim()), "{to}");
        assert_eq!(head.matches("prize").count() + head.matches("b@example").count(), 1, "{head}");
    }
}

#[tokio::test]
async fn a_days_mails_to_one_address_are_capped_reminders_included() {
    let app = start(limited(NO_LIMITS())).await;
    for number in 0..5 {
        assert_eq!(sign_up_from(&app, &format!("192.0.2.{number}"), "victim@example.org").await, StatusCode::OK);
        app.dispatch_all_due().await;
    }
    assert_eq!(app.mails_to("victim@example.org").len(), 3, "the first, as a new address, is one of them");
    // A reminder that comes within a day of three others is not sent. (A day later than the last is the ordinary case.)
    sqlx::query("update enrollments set requested_at = requested_at - interval '25 hours'")
        .execute(app.db())
        .await
        .unwrap();
    assert_eq!(regimen::actions::tidy::remind(&app.service).await.unwrap(), 0);
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("victim@example.org").len(), 3);
}
