//! Two floods against a service that is in use: ten thousand sign-ups from one range of addresses, and ten thousand for one
//! victim's domain from everywhere. No more confirmations leave than was configured, and real readers get in all the while.
use futures::stream::{self, StreamExt as _};
use regimen::actions::guards;
use regimen::clock::Clock;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{App, SERIES, Setup, minutes};

const FLOOD: usize = 10_000;
/// What a process lets in by itself before it asks what the others have let in.
const ALONE: usize = 20;

/// As in production, behind a proxy that is on this machine.
fn guarded() -> guards::Settings {
    guards::Settings { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..guards::Settings::default() }
}

struct Press<'a> {
    app: &'a App,
    from: String,
    email: String,
    /// A form costs the server a page where a program gets a line, so most of the flood are programs.
    form: bool,
}

impl Press<'_> {
    async fn send(self, token: &str) -> StatusCode {
        let request = self.app.http.post(format!("{}/subscribe", self.app.base)).header("x-forwarded-for", &self.from);
        let request = if self.form {
            let fields = [("series", SERIES), ("email", &self.email), ("condition", "lung"), ("token", token)];
            request.form(&fields)
        } else {
            request.json(&json!({ "series": SERIES, "email": self.email, "condition": "lung", "token": token }))
        };
        request.send().await.unwrap().status()
    }
}

/// A real reader, whose address and network are nobody else's.
fn reader(app: &App, number: usize) -> Press<'_> {
    Press {
        app,
        from: format!("203.0.113.{number}"),
        email: format!("reader{number}@readers{number}.example.org"),
        form: true,
    }
}

/// Sends the flood with a real reader among each five hundred, and answers how many of it got in.
async fn flood<'a>(
    presses: impl Iterator<Item = Press<'a>>,
    mut reader: impl FnMut() -> Press<'a>,
    token: &'a str,
) -> usize {
    let mut all: Vec<(bool, Press<'a>)> = Vec::new();
    for (number, press) in presses.enumerate() {
        if number % 500 == 250 {
            all.push((true, reader()));
        }
        all.push((false, press));
    }
    let answers = stream::iter(all).map(async |(real, press)| (real, press.send(token).await)).buffer_unordered(64);
    let answers: Vec<(bool, StatusCode)> = answers.collect().await;
    let mut let_in = 0;
    for (real, status) in answers {
        let good = matches!(status, StatusCode::OK | StatusCode::ACCEPTED);
        assert!(good || status == StatusCode::TOO_MANY_REQUESTS, "{status}");
        assert!(good || !real, "a real reader was refused in the flood");
        let_in += usize::from(good && !real);
    }
    let_in
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_floods_no_more_leaves_than_was_configured_and_real_readers_get_in() {
    let app = App::start_with(Setup { guards: guarded(), connections: 4, ..Setup::default() }).await;
    // Another process on the same database, as in a larger installation.
    let other = App::start_on(
        app.database_url.clone(),
        crate::support::relay::Relay::start().await,
        Setup { guards: guarded(), clock: Some(Clock::manual(Setup::default().start, 2)), ..Setup::default() },
    )
    .await;
    let limits = guarded().limits;
    let (range, domain) = (limits.range as usize, limits.domain as usize);
    let token: serde_json::Value = app.get("/subscribe/token").await.json().await.unwrap();
    let token = token["token"].as_str().unwrap();
    app.advance(minutes(1));
    other.advance(minutes(1));
    let mut readers = 0;
    let mut next = || {
        readers += 1;
        readers
    };
    assert_eq!(reader(&app, next()).send(token).await, StatusCode::OK, "before");

    // One range of 256 addresses, each a little; recipients everywhere.
    let one_range = (0..FLOOD).map(|number| Press {
        app: &app,
        from: format!("198.51.100.{}", number % 256),
        email: format!("somebody@company{number}.example"),
        form: number % 20 == 0,
    });
    let from_range = flood(one_range, || reader(&app, next()), token).await;
    assert_eq!(from_range, range, "one process lets in what is configured, and no more");
    assert_eq!(reader(&app, next()).send(token).await, StatusCode::OK, "between");

    // One domain, from everywhere, through both processes.
    let one_domain = (0..FLOOD).map(|number| Press {
        app: if number % 2 == 0 { &app } else { &other },
        from: format!("10.{}.{}.{}", number / 256, number % 256, number % 250),
        email: format!("nurse{number}@victim.example"),
        form: number % 20 == 1,
    });
    let for_domain = flood(one_domain, || reader(&other, next()), token).await;
    assert!((domain..=domain + 2 * ALONE).contains(&for_domain), "{for_domain}");
    assert_eq!(reader(&other, next()).send(token).await, StatusCode::OK, "after");

    app.dispatch_all_due().await;
    let mails = app.relay.taken();
    let victims = mails.iter().filter(|mail| mail.to.iter().any(|to| to.ends_with("@victim.example"))).count();
    let company = mails.iter().filter(|mail| mail.to.iter().any(|to| to.starts_with("somebody@"))).count();
    let real = mails.iter().filter(|mail| mail.to.iter().any(|to| to.starts_with("reader"))).count();
    assert_eq!((company, victims, real), (from_range, for_domain, readers));
    for one in [&app, &other] {
        guards::flush(&one.service).await.unwrap();
    }
    let counted = async |reason: &str| {
        let count: i64 =
            sqlx::query_scalar("select coalesce(sum(count), 0)::bigint from guard_refusals where reason = $1")
                .bind(reason)
                .fetch_one(app.db())
                .await
                .unwrap();
        usize::try_from(count).unwrap()
    };
    assert_eq!(counted("range").await, FLOOD - from_range);
    assert_eq!(counted("domain").await, FLOOD - for_domain);
}
