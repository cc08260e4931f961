//! The language of the stories: a whole regimen on a database of its own, a relay that is scripted, and a clock that is
//! moved by hand.
#![allow(dead_code)]
pub mod admins;
pub mod database;
pub mod dns;
pub mod own_postgres;
pub mod process;
pub mod provider;
pub mod readers;
pub mod relay;
pub mod rough;
pub mod slow_relay;
pub mod small_disk;
pub mod statements;
pub mod wrong_clock;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use regimen::actions::sign_up::Limits;
use regimen::actions::tidy::{self, OnUncertain};
use regimen::actions::{Service, Settings, guards, service};
use regimen::clock::Clock;
use regimen::config::{Oidc, Secret};
use regimen::content::Bundle;
use regimen::dispatch;
use regimen::links::LinkKey;
use regimen::model::{EmailAddress, EmbedOrigin};
use regimen::seal::Keyring;
use regimen::web::{self, AppState};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use relay::{Mail, Relay};

pub const SERIES: &str = "fighting-cancer-with-immunotherapy";
pub const TOKEN: &str = "an-admin-token-for-the-tests-only-0123456789";

pub fn days(number: i64) -> TimeDelta {
    TimeDelta::days(number)
}

pub fn hours(number: i64) -> TimeDelta {
    TimeDelta::hours(number)
}

pub fn minutes(number: i64) -> TimeDelta {
    TimeDelta::minutes(number)
}

pub fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// Addresses of one bucket, so that one micro-batch carries them all.
pub fn neighbours(count: usize) -> Vec<String> {
    let bucket = address("reader@example.org").bucket();
    let all = (0..).map(|number| format!("reader{number}@example.org"));
    all.filter(|one| address(one).bucket() == bucket).take(count).collect()
}

/// What a story may set.
pub struct Setup {
    /// Where the story begins: a Monday noon in New York by default.
    pub start: DateTime<Utc>,
    /// A clock that runs by itself instead.
    pub clock: Option<Clock>,
    pub on_uncertain: OnUncertain,
    pub connections: usize,
    pub bundle: Bundle,
    pub sign_ups: Limits,
    /// The sites that the sign-up box may stand on.
    pub embed_origins: Vec<&'static str>,
    /// By default all come from loopback and are counted, and none is refused: a story signs up without a form.
    pub guards: guards::Settings,
    /// Calls of the API; 0 is no limit.
    pub calls_per_minute: u32,
    /// An identity provider for admins.
    pub oidc: Option<Oidc>,
    /// What admins compare with the content that is published.
    pub content_folder: Option<PathBuf>,
    /// Octets of a file of readers that comes over the web.
    pub largest_import: u64,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            start: "2026-03-02T17:00:00Z".parse().unwrap(),
            clock: None,
            on_uncertain: OnUncertain::Resend,
            connections: 2,
            bundle: Bundle::embedded(),
            // A machine with much else to do is no reason to refuse somebody in a story about something else.
            sign_ups: Limits { longest_wait: process::PATIENCE, ..Limits::default() },
            embed_origins: Vec::new(),
            guards: guards::Settings { spare_loopback: true, ..guards::Settings::default() },
            calls_per_minute: 0,
            oidc: None,
            content_folder: None,
            largest_import: 200_000_000,
        }
    }
}

pub struct App {
    pub service: Service,
    pub relay: Relay,
    pub database_url: String,
    pub base: String,
    pub http: reqwest::Client,
    on_uncertain: OnUncertain,
    connections: usize,
    _stop: DropGuard,
}

impl App {
    pub async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    pub async fn start_with(setup: Setup) -> Self {
        let database_url = database::fresh().await;
        Self::start_on(database_url, Relay::start().await, setup).await
    }

    /// Another process on the same database and relay would look like this.
    pub async fn start_on(database_url: String, relay: Relay, setup: Setup) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let local: SocketAddr = listener.local_addr().unwrap();
        let clock = setup.clock.unwrap_or_else(|| Clock::manual(setup.start, 1));
        let db = database::connect(&database_url);
        let (library, _) = service::publish(&db, &clock, &setup.bundle).await.unwrap();
        let keyring = Keyring::parse(&Keyring::generate(1, [1; 32])).unwrap();
        let link_key = LinkKey::parse(&"a link key for the tests only ".repeat(2)).unwrap();
        let settings = Settings { sign_ups: setup.sign_ups, guards: setup.guards, ..settings() };
        let service = Service::new(db, clock, library, keyring, link_key, settings);
        let origins = setup.embed_origins.iter().map(|origin| EmbedOrigin::parse(origin).unwrap()).collect();
        let state = AppState::new(service.clone(), Some(Secret(TOKEN.into())), true)
            .embedded_on(origins)
            .with_calls_per_minute(setup.calls_per_minute)
            .with_messages(Arc::new(|service, preview| dispatch::sample(service, &[], None, preview)))
            .with_content_folder(setup.content_folder)
            .with_largest_import(setup.largest_import)
            .with_provider(setup.oidc)
            .unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(web::serve(listener, state, stop.clone()));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self {
            service,
            relay,
            database_url,
            base: format!("http://{local}"),
            http,
            on_uncertain: setup.on_uncertain,
            connections: setup.connections,
            _stop: stop.drop_guard(),
        }
    }

    pub fn db(&self) -> &PgPool {
        self.service.db()
    }

    #[allow(clippy::unused_self)]
    pub fn node(&self) -> Uuid {
        Uuid::from_u128(42)
    }

    // What a reader does.

    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.http.post(format!("{}{path}", self.base)).form(fields).send().await.unwrap()
    }

    pub async fn post(&self, path: &str) -> Response {
        self.http.post(format!("{}{path}", self.base)).send().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    /// Fills in the form; answers the page.
    pub async fn sign_up_as(&self, email: &str, condition: &str, zone: &str) -> Response {
        let fields = [("series", SERIES), ("email", email), ("condition", condition), ("timezone", zone)];
        self.post_form("/subscribe", &fields).await
    }

    pub async fn sign_up(&self, email: &str) {
        let response = self.sign_up_as(email, "melanoma", "America/New_York").await;
        assert_eq!(response.status(), StatusCode::OK);
    }

    /// Presses the button of the newest confirmation mail.
    pub async fn confirm(&self, email: &str) {
        let link = self.relay.last_to(email).link("confirm");
        assert_eq!(self.post(&link).await.status(), StatusCode::OK);
    }

    /// Signs up, confirms and receives the first part.
    pub async fn enroll(&self, email: &str) {
        self.sign_up(email).await;
        self.dispatch_all_due().await;
        self.confirm(email).await;
        self.dispatch_all_due().await;
    }

    // What time and the machine do.

    pub fn advance(&self, by: TimeDelta) {
        self.service.clock().advance(by);
    }

    pub fn dispatch_settings(&self) -> dispatch::Settings {
        let mut relay: regimen::transport::Relay = self.relay.url().parse().unwrap();
        relay.hello_name = "series.example.org".into();
        dispatch::Settings {
            relays: vec![dispatch::RelaySettings::new(relay, self.connections)],
            domains: Vec::new(),
            batch: 100,
            micro_batch: 10,
            lease: TimeDelta::seconds(30),
            poll: Duration::from_millis(50),
            max_tries: 12,
            on_uncertain: self.on_uncertain,
            bounce_domain: None,
            unsubscribe_mailto: None,
            signers: Vec::new(),
            farewell: Duration::from_secs(5),
        }
    }

    /// Runs a dispatcher until nothing is due any more.
    pub async fn dispatch_all_due(&self) {
        dispatch::drain(self.service.clone(), self.dispatch_settings(), self.node()).await;
    }

    pub async fn reap(&self) -> (u64, u64) {
        tidy::reap(&self.service, self.on_uncertain, self.node()).await.unwrap()
    }

    /// Goes on from due time to due time for `span`, and sends what falls due.
    pub async fn live_through(&self, span: TimeDelta) {
        let end = self.service.clock().series() + span;
        loop {
            self.dispatch_all_due().await;
            let now = self.service.clock().series();
            let next: Option<DateTime<Utc>> = sqlx::query_scalar(
                "select min(greatest(due_at, not_before)) from deliveries where state = 'pending' and greatest(due_at, not_before) > $1",
            )
            .bind(now)
            .fetch_one(self.db())
            .await
            .unwrap();
            match next {
                Some(next) if next <= end => self.advance(next - now),
                _ => {
                    self.advance(end - now);
                    return self.dispatch_all_due().await;
                }
            }
        }
    }

    // What an admin does.

    pub fn api(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/api/v1{path}", self.base)).bearer_auth(TOKEN)
    }

    pub async fn api_post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let response = self.api(Method::POST, path).json(&body).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    pub async fn api_get(&self, path: &str) -> Value {
        let response = self.api(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    /// How often each state occurs among the scheduled steps.
    pub async fn step_states(&self) -> std::collections::BTreeMap<String, i64> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("select state, count(*) from deliveries where kind = 'step' and occasion = 0 group by 1")
                .fetch_all(self.db())
                .await
                .unwrap();
        rows.into_iter().collect()
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.db()).await.unwrap()
    }

    pub fn mails_to(&self, email: &str) -> Vec<Mail> {
        self.relay.mails_to(email)
    }

    pub fn subjects(&self, email: &str) -> Vec<String> {
        self.mails_to(email).into_iter().map(|mail| mail.subject).collect()
    }
}

pub fn settings() -> Settings {
    Settings {
        public_url: "https://series.example.org".into(),
        confirm_expires: days(3),
        reminder_after: days(1),
        pending_kept: days(30),
        attempts_kept: days(180),
        ended_kept: days(400),
        confirmations_per_day: 3,
        already_cooldown: days(1),
        sign_ups: Limits::default(),
        guards: guards::Settings::default(),
        admins: regimen::actions::admins::Settings::default(),
        // A story's receivers are on this machine.
        webhooks: regimen::actions::webhooks::Settings { allow_private: true, kept: days(30) },
        sends_per_minute: None,
        editors: vec![address("editor@example.org")],
    }
}

pub fn why() -> Value {
    json!({ "who": "an editor", "why": "a test" })
}
