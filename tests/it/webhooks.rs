//! Other programs are told what happens to readers: what they are told, when it is tried again, and what a crash leaves.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use chrono::TimeDelta;
use hmac::{Hmac, Mac as _};
use regimen::actions::webhooks::{self, Asked, Health, tell};
use regimen::actions::{Actor, Service};
use regimen::clock::Clock;
use regimen::hooks::Hooks;
use regimen::model::{Disabled, Event, MessageState, Role};
use serde_json::Value;
use sha2::Sha256;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::support::admins::Browser;
use crate::support::process::{Environment, Process};
use crate::support::relay::At;
use crate::support::{App, SERIES, Setup, address, days, hours, minutes};

const READER: &str = "reader@example.org";

/// Another program, which keeps what it is told and answers as its script says, else 204.
struct Receiver {
    url: String,
    told: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    script: Arc<Mutex<VecDeque<Response>>>,
    _stop: DropGuard,
}

type Shared = (Arc<Mutex<Vec<(HeaderMap, String)>>>, Arc<Mutex<VecDeque<Response>>>);

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks/a-path-with-a-secret", listener.local_addr().unwrap());
        let shared: Shared = Shared::default();
        let router = Router::new().fallback(take).with_state(shared.clone());
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(axum::serve(listener, router).with_graceful_shutdown(stopped).into_future());
        Self { url, told: shared.0, script: shared.1, _stop: stop.drop_guard() }
    }

    fn answer_next(&self, answer: impl IntoResponse) {
        self.script.lock().unwrap().push_back(answer.into_response());
    }

    fn told(&self) -> Vec<(HeaderMap, String)> {
        self.told.lock().unwrap().clone()
    }

    fn ids(&self) -> Vec<String> {
        self.told().iter().map(|(headers, _)| header(headers, "webhook-id")).collect()
    }

    /// What it was told, by type.
    fn types(&self) -> Vec<String> {
        self.bodies().iter().map(|body| body["type"].as_str().unwrap().to_owned()).collect()
    }

    fn bodies(&self) -> Vec<Value> {
        self.told().iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect()
    }
}

async fn take(State((told, script)): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    told.lock().unwrap().push((headers, String::from_utf8(body.to_vec()).unwrap()));
    script.lock().unwrap().pop_front().unwrap_or_else(|| StatusCode::NO_CONTENT.into_response())
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers[name].to_str().unwrap().to_owned()
}

/// As a receiver checks it, with nothing of ours.
fn is_signed(secret: &str, headers: &HeaderMap, body: &str) -> bool {
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let signed = format!("{}.{}.{body}", header(headers, "webhook-id"), header(headers, "webhook-timestamp"));
    header(headers, "webhook-signature").split(' ').any(|one| {
        let mac = BASE64_STANDARD.decode(one.strip_prefix("v1,").unwrap()).unwrap();
        Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(&signed).verify_slice(&mac).is_ok()
    })
}

fn owner() -> Actor {
    Actor::command_line("an owner", "a test")
}

async fn subscribe(app: &App, url: &str, events: &[Event]) -> (Uuid, String) {
    let asked = Asked { name: url, url, events, series: &[], with_address: false };
    let made = webhooks::make(&app.service, &asked, &owner()).await.unwrap();
    (made.id, made.secret)
}

fn hooks(service: &Service) -> Hooks {
    Hooks::new(service.clone()).unwrap()
}

/// Sends all that is due now.
async fn send(app: &App) -> usize {
    hooks(&app.service).drain().await.unwrap()
}

async fn health(app: &App, id: Uuid) -> Health {
    webhooks::get(&app.service, id).await.unwrap().health()
}

/// How many messages are in this state, and the pending ones' next try in seconds from now.
async fn state(app: &App, id: Uuid) -> (String, i16, i64) {
    let log = webhooks::log(&app.service, id, None, None).await.unwrap().items;
    let newest = log.first().expect("something was told");
    (newest.state.clone(), newest.tries, (newest.next_try_at - app.service.clock().real()).num_seconds())
}

#[tokio::test]
async fn a_reader_who_goes_all_the_way_is_told_of_from_the_sign_up_to_the_last_part() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    let (_, secret) = subscribe(&app, &receiver.url, &[]).await;
    app.enroll(READER).await;
    send(&app).await;
    assert_eq!(receiver.types(), ["reader.subscribed", "reader.confirmed", "reader.delivered"]);
    app.live_through(days(40)).await;
    send(&app).await;
    let types = receiver.types();
    assert_eq!(types.iter().filter(|one| *one == "reader.delivered").count(), 6, "{types:?}");
    assert_eq!(types.iter().filter(|one| *one == "reader.completed").count(), 1, "{types:?}");
    let enrollment: Uuid = sqlx::query_scalar("select id from enrollments").fetch_one(app.db()).await.unwrap();
    for (headers, text) in receiver.told() {
        assert!(is_signed(&secret, &headers, &text), "{text}");
        assert!(!is_signed(&secret, &headers, &format!("{text} ")));
        assert!(!text.contains("melanoma") && !text.contains(READER), "{text}");
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&body["data"]["series"], &body["data"]["enrollment"]),
            (&SERIES.into(), &enrollment.to_string().into())
        );
        assert_eq!(body["data"]["step"].is_string(), body["type"] == "reader.delivered", "{text}");
    }
    let (mut ids, all) = (receiver.ids(), receiver.ids().len());
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "each message has an id of its own");
    assert_eq!(app.count("select count(*) from webhook_messages where state <> 'sent'").await, 0);
}

#[tokio::test]
async fn who_leaves_bounces_or_is_erased_is_told_of() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    let ends = [Event::Bounced, Event::Unsubscribed, Event::Erased];
    subscribe(&app, &receiver.url, &ends).await;
    for email in [READER, "gone@example.org", "erased@example.org"] {
        app.enroll(email).await;
    }
    let link = app.relay.last_to(READER).link("unsubscribe");
    for _ in 0..2 {
        app.post(&link).await;
    }
    app.relay.always(At::Rcpt, "gone@", regimen::local::smtp::Verdict::Reply(550, "5.1.1 no such user".into()));
    app.live_through(days(4)).await;
    let fresh = crate::manage_fresh::fresh_link(&app, "erased@example.org").await;
    app.post(&format!("{fresh}/erase")).await;
    send(&app).await;
    let mut told: Vec<(String, String)> = receiver
        .bodies()
        .iter()
        .map(|body| (body["type"].as_str().unwrap().into(), body["data"]["reason"].as_str().unwrap_or_default().into()))
        .collect();
    told.sort();
    let expected = [
        ("reader.bounced", "no_such_user"),
        ("reader.erased", ""),
        ("reader.unsubscribed", "suppressed"),
        ("reader.unsubscribed", "unsubscribed"),
    ];
    assert_eq!(told, expected.map(|(event, reason)| (event.to_owned(), reason.to_owned())));
    let about = "select count(*) from webhook_messages m where not exists (select from subscribers s where s.id = m.subscriber)";
    assert_eq!(app.count(about).await, 1, "of the erased reader only that is left");
}

#[tokio::test]
async fn without_a_webhook_nothing_is_written_and_with_one_only_what_it_asked_for() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    app.enroll(READER).await;
    assert_eq!(app.count("select count(*) from webhook_messages").await, 0);
    let (id, _) = subscribe(&app, &receiver.url, &[Event::Confirmed]).await;
    app.enroll("other@example.org").await;
    assert_eq!(app.count("select count(*) from webhook_messages where event <> 'reader.confirmed'").await, 0);
    webhooks::disable(&app.service, id, &owner()).await.unwrap();
    app.enroll("third@example.org").await;
    assert_eq!(send(&app).await, 0);
    webhooks::enable(&app.service, id, &owner()).await.unwrap();
    assert_eq!(send(&app).await, 1, "what waited is sent, and what happened meanwhile is not known");
}

#[tokio::test]
async fn the_address_is_told_only_where_the_webhook_was_made_so() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    let asked = Asked { name: "crm", url: &receiver.url, events: &[Event::Confirmed], series: &[], with_address: true };
    webhooks::make(&app.service, &asked, &owner()).await.unwrap();
    app.enroll(READER).await;
    send(&app).await;
    assert_eq!(receiver.bodies()[0]["data"]["address"], READER);
    let stored: String =
        sqlx::query_scalar("select to_jsonb(m)::text from webhook_messages m").fetch_one(app.db()).await.unwrap();
    assert!(!stored.contains(READER), "{stored}");
}

#[tokio::test]
async fn a_failure_is_tried_again_later_under_the_same_id_until_it_is_given_up_and_sent_by_hand() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    let (id, _) = subscribe(&app, &receiver.url, &[Event::Confirmed]).await;
    app.enroll(READER).await;
    for tries in 1..10 {
        receiver.answer_next(StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(send(&app).await, 1);
        let (word, tried, wait) = state(&app, id).await;
        assert_eq!((word.as_str(), tried), ("pending", tries));
        assert!(matches!(health(&app, id).await, Health::Fails(_)));
        app.service.clock().advance_real(TimeDelta::seconds(wait - 1));
        assert_eq!(send(&app).await, 0, "it waits after {tries} tries");
        app.service.clock().advance_real(TimeDelta::seconds(2));
    }
    receiver.answer_next(StatusCode::INTERNAL_SERVER_ERROR);
    send(&app).await;
    assert_eq!(state(&app, id).await.0, "failed");
    app.service.clock().advance_real(days(2));
    assert_eq!(send(&app).await, 0);
    let since = app.service.clock().real() - days(20);
    assert_eq!(webhooks::send_failed_again(&app.service, id, since, &owner()).await.unwrap().messages, 1);
    send(&app).await;
    assert_eq!((state(&app, id).await.0.as_str(), health(&app, id).await), ("sent", Health::Works));
    let ids = receiver.ids();
    assert_eq!((ids.len(), ids.iter().all(|one| *one == ids[0])), (11, true));
    let message = webhooks::log(&app.service, id, Some(MessageState::Sent), None).await.unwrap().items[0].id;
    webhooks::send_again(&app.service, id, message, &owner()).await.unwrap();
    send(&app).await;
    assert_eq!(receiver.ids().len(), 12);
}

#[tokio::test]
async fn a_webhook_that_fails_for_five_days_is_disabled_and_one_that_is_gone_at_once() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    let (id, _) = subscribe(&app, &receiver.url, &[Event::Confirmed]).await;
    app.enroll(READER).await;
    receiver.answer_next(StatusCode::FOUND);
    send(&app).await;
    app.service.clock().advance_real(days(5) + hours(1));
    receiver.answer_next(StatusCode::BAD_REQUEST);
    send(&app).await;
    assert_eq!(health(&app, id).await, Health::Disabled(Disabled::Failing));
    webhooks::enable(&app.service, id, &owner()).await.unwrap();
    assert_eq!(health(&app, id).await, Health::Works);
    app.service.clock().advance_real(days(1));
    receiver.answer_next(StatusCode::GONE);
    send(&app).await;
    assert_eq!(health(&app, id).await, Health::Disabled(Disabled::Gone));
    app.enroll("other@example.org").await;
    assert_eq!(app.count("select count(*) from webhook_messages").await, 1);
}

#[tokio::test]
async fn a_webhook_that_asks_for_a_rest_gets_it() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    subscribe(&app, &receiver.url, &[Event::Confirmed]).await;
    let in_another_bucket = |email: &String| address(email).bucket() != address(READER).bucket();
    let other = (0..100).map(|number| format!("other{number}@example.org")).find(in_another_bucket).unwrap();
    for email in [READER, &other] {
        app.enroll(email).await;
    }
    let sender = hooks(&app.service);
    receiver.answer_next((StatusCode::TOO_MANY_REQUESTS, [("retry-after", "600")]));
    assert_eq!(sender.drain().await.unwrap(), 1, "the other message is in another bucket");
    assert_eq!(sender.drain().await.unwrap(), 0);
    app.service.clock().advance_real(minutes(11));
    assert_eq!(sender.drain().await.unwrap(), 2);
    assert_eq!(receiver.ids().len(), 3);
}

#[tokio::test]
async fn a_crash_between_sending_and_settling_sends_once_more_under_the_same_id() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    let (id, _) = subscribe(&app, &receiver.url, &[Event::Confirmed]).await;
    app.enroll(READER).await;
    // The process dies before it settles: what it held stays as a claim wrote it.
    let before: Vec<Value> = rows(&app).await;
    send(&app).await;
    let dies = "update webhook_messages set state = 'pending', tries = 0, done_at = null, next_try_at = $1";
    let lease = app.service.clock().real() + minutes(1);
    sqlx::query(dies).bind(lease).execute(app.db()).await.unwrap();
    assert_eq!(send(&app).await, 0, "its claim holds");
    app.service.clock().advance_real(minutes(1));
    assert_eq!(send(&app).await, 1);
    let ids = receiver.ids();
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]));
    assert_eq!(before[0]["id"], ids[0].as_str());
    assert_eq!(state(&app, id).await.0, "sent");
}

async fn rows(app: &App) -> Vec<Value> {
    sqlx::query_scalar("select to_jsonb(m) from webhook_messages m").fetch_all(app.db()).await.unwrap()
}

#[tokio::test]
async fn two_processes_send_each_message_once() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    subscribe(&app, &receiver.url, &[Event::Subscribed]).await;
    for number in 0..30 {
        app.sign_up(&format!("reader{number}@example.org")).await;
    }
    let (one, other) = (hooks(&app.service), hooks(&app.service));
    let (one, other) = tokio::join!(one.drain(), other.drain());
    assert_eq!(one.unwrap() + other.unwrap(), 30);
    let mut ids = receiver.ids();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), receiver.ids().len()), (30, 30));
}

#[tokio::test]
async fn another_process_hears_of_a_webhook_when_it_looks() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    let relay = crate::support::relay::Relay::start().await;
    let other = App::start_on(app.database_url.clone(), relay, crate::support::Setup::default()).await;
    other.sign_up(READER).await;
    subscribe(&app, &receiver.url, &[Event::Subscribed]).await;
    tell::refresh(&other.service).await.unwrap();
    other.sign_up("other@example.org").await;
    assert_eq!(app.count("select count(*) from webhook_messages").await, 1);
}

#[tokio::test]
async fn a_new_secret_signs_beside_the_old_one_for_a_day() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    let (id, old) = subscribe(&app, &receiver.url, &[Event::Confirmed]).await;
    let new = webhooks::rotate(&app.service, id, &owner()).await.unwrap().secret;
    webhooks::test(&app.service, id, &owner()).await.unwrap();
    send(&app).await;
    app.service.clock().advance_real(days(1));
    webhooks::test(&app.service, id, &owner()).await.unwrap();
    send(&app).await;
    let told = receiver.told();
    let signed = |secret: &str| told.iter().map(|(headers, body)| is_signed(secret, headers, body)).collect::<Vec<_>>();
    assert_eq!((signed(&old), signed(&new)), (vec![true, false], vec![true, true]));
    assert_eq!(receiver.types(), ["webhook.test", "webhook.test"]);
    let stored: Vec<String> =
        sqlx::query_scalar("select to_jsonb(w)::text from webhooks w").fetch_all(app.db()).await.unwrap();
    assert!(!stored.concat().contains(&new["whsec_".len()..]));
}

#[tokio::test]
async fn what_is_old_goes_and_so_does_all_of_a_webhook_that_is_deleted() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    let (id, _) = subscribe(&app, &receiver.url, &[Event::Confirmed]).await;
    app.enroll(READER).await;
    app.service.clock().advance_real(days(29));
    let prune = async || regimen::actions::retention::prune(&app.service, || true).await.unwrap().webhook_messages;
    assert_eq!(prune().await, 0);
    app.service.clock().advance_real(days(2));
    assert_eq!(prune().await, 1);
    app.enroll("other@example.org").await;
    webhooks::delete(&app.service, id, &owner()).await.unwrap();
    assert_eq!(app.count("select count(*) from webhook_messages").await, 0);
    assert_eq!(app.count("select count(*) from audit_log where target_kind = 'webhook'").await, 2);
}

/// As whoever has a shell makes one, tries it, sees why nothing comes, and sends again what was given up.
#[tokio::test]
async fn on_the_command_line_a_webhook_is_made_tried_looked_at_and_deleted() {
    // The command line's clock is the machine's.
    let setup = Setup { clock: Some(Clock::system()), ..Setup::default() };
    let (app, receiver) = (App::start_with(setup).await, Receiver::start().await);
    let environment =
        Environment::production(&app.database_url, &app.relay.url()).with("REGIMEN__WEBHOOKS__ALLOW_PRIVATE", "true");
    let run = async |arguments: &[&str]| {
        let ended = Process::run_with(&[&["webhook"], arguments].concat(), &environment, "").await;
        (ended.code, format!("{}{}", ended.out, ended.err))
    };
    let (code, said) = run(&["list"]).await;
    assert!(code == Some(0) && said.contains("there is no webhook"), "{said}");
    let new = ["make", "crm", &receiver.url, "--event", "reader.confirmed", "--why", "the CRM"];
    let (code, made) = run(&new).await;
    assert!(code == Some(0) && made.contains("whsec_"), "{made}");
    let (code, again) = run(&new).await;
    assert!(code == Some(1) && again.contains("a webhook of this name"), "{again}");
    let (code, wrong) = run(&["make", "other", "nowhere", "--why", "a slip"]).await;
    assert!(code == Some(1) && wrong.contains("should look like https://"), "{wrong}");

    receiver.answer_next(StatusCode::GONE);
    assert_eq!(run(&["test", "crm", "--why", "does it come?"]).await.0, Some(0));
    webhooks::tell::refresh(&app.service).await.unwrap();
    assert_eq!(send(&app).await, 1);
    let (_, list) = run(&["list"]).await;
    assert!(list.contains("disabled: gone") && !list.contains("whsec_"), "{list}");
    let (_, log) = run(&["log", "crm", "--state", "failed"]).await;
    assert!(log.contains("webhook.test") && log.contains("410 gone"), "{log}");
    assert_eq!(run(&["enable", "crm", "--why", "it is back"]).await.0, Some(0));
    let (_, said) = run(&["again", "crm", "--since", "2026-03-01T00:00:00Z", "--why", "it is back"]).await;
    assert!(said.contains("1 messages are sent once more"), "{said}");
    webhooks::tell::refresh(&app.service).await.unwrap();
    assert_eq!(send(&app).await, 1);
    assert_eq!(run(&["delete", "crm", "--why", "not needed"]).await.0, Some(0));
    assert_eq!(app.count("select count(*) from webhook_messages").await, 0);
    let (code, said) = run(&["log", "crm"]).await;
    assert!(code == Some(1) && said.contains("webhook"), "{said}");
    let deeds = "select count(*) from audit_log where target_kind = 'webhook' and actor_kind = 'command line'";
    assert_eq!(app.count(deeds).await, 5);
}

/// The same on the pages, by an owner; nobody else comes to them.
#[tokio::test]
async fn on_the_pages_a_webhook_is_made_watched_and_sent_to_again() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    let owner = &mut Browser::signed_in(&app, Role::Owner).await;
    owner.get(&app, "/admin/webhooks").await;
    let form = [("name", "crm"), ("url", receiver.url.as_str()), ("event", "reader.confirmed"), ("why", "")];
    let (status, _) = owner.post(&app, "/admin/webhooks", &form).await;
    assert!(status == StatusCode::CONFLICT && owner.html.contains("say why"), "{}", owner.html);
    assert!(
        owner.html.contains("value=\"crm\"") && owner.html.contains(&receiver.url),
        "what was typed is still there"
    );
    owner.post(&app, "/admin/webhooks", &[&form[..3], &[("why", "the CRM")]].concat()).await;
    assert!(owner.html.contains("whsec_"), "{}", owner.html);
    let id: Uuid = sqlx::query_scalar("select id from webhooks").fetch_one(app.db()).await.unwrap();
    let page = format!("/admin/webhooks/{id}");

    receiver.answer_next(StatusCode::GONE);
    app.enroll(READER).await;
    send(&app).await;
    owner.get(&app, &page).await;
    assert!(owner.html.contains("it answered that it is gone") && owner.html.contains("410 gone"), "{}", owner.html);
    assert!(!owner.html.contains("whsec_") && !owner.html.contains(READER), "neither the secret nor who");
    let why = [("why", "it is back")];
    for deed in ["enable", "again"] {
        let (status, location) = owner.post(&app, &format!("{page}/{deed}"), &why).await;
        assert_eq!((status, location), (StatusCode::SEE_OTHER, format!("{page}?said=webhooks-done#said")), "{deed}");
        owner.get(&app, &page).await;
    }
    assert_eq!(send(&app).await, 1);
    owner.get(&app, &format!("{page}?state=sent")).await;
    assert!(owner.html.contains("reader.confirmed"), "{}", owner.html);
    owner.post(&app, &format!("{page}/rotate"), &why).await;
    assert!(owner.html.contains("whsec_"), "{}", owner.html);
    owner.post(&app, &format!("{page}/delete"), &why).await;
    assert_eq!(app.count("select count(*) from webhooks").await, 0);
    let deeds = "select count(*) from audit_log where target_kind = 'webhook' and actor_kind = 'admin'";
    assert_eq!(app.count(deeds).await, 5);
}
