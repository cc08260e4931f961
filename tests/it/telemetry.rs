//! An operator with a collector of traces sees where the time of a mail and of a page goes, and nobody's address. A collector
//! that is slow or away costs no mail.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use reqwest::StatusCode;
use rustix::process::Signal;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::process::{Environment, Process, Site, until};
use crate::support::relay::Relay;
use crate::support::{SERIES, TOKEN, database};

const READER: &str = "zebulon.quagmire@example.org";

type Post = (HeaderMap, Vec<u8>);

#[derive(Clone, Default)]
struct Told {
    posts: Arc<Mutex<Vec<Post>>>,
    /// Whether it ever answers.
    is_silent: bool,
}

/// What takes traces.
struct Collector {
    url: String,
    told: Told,
    _stop: DropGuard,
}

impl Collector {
    async fn start(is_silent: bool) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Told { is_silent, ..Told::default() };
        let router = Router::new().route("/v1/traces", axum::routing::post(take)).with_state(told.clone());
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(axum::serve(listener, router).with_graceful_shutdown(stopped).into_future());
        Self { url, told, _stop: stop.drop_guard() }
    }

    /// All spans, and the octets that they came in.
    fn spans(&self) -> (Vec<Span>, Vec<u8>) {
        let (mut spans, mut all) = (Vec::new(), Vec::new());
        for (headers, body) in self.told.posts.lock().unwrap().iter() {
            assert_eq!(headers["content-type"], "application/x-protobuf");
            assert_eq!(headers["authorization"], "Bearer of-the-collector");
            let request = ExportTraceServiceRequest::decode(&**body).unwrap();
            let of_scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
            spans.extend(of_scopes.flat_map(|scope| scope.spans));
            all.extend_from_slice(body);
        }
        (spans, all)
    }
}

async fn take(State(told): State<Told>, headers: HeaderMap, body: Bytes) -> StatusCode {
    told.posts.lock().unwrap().push((headers, body.to_vec()));
    if told.is_silent {
        std::future::pending::<()>().await;
    }
    StatusCode::OK
}

fn attributes(span: &Span) -> BTreeMap<&str, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let of = |one: &'_ opentelemetry_proto::tonic::common::v1::KeyValue| one.value.as_ref()?.value.as_ref().map(text);
    span.attributes.iter().filter_map(|one| Some((one.key.as_str(), of(one)?))).collect()
}

/// A reader signs up and confirms, over a process that tells this collector.
async fn a_reader_gets_the_first_part(collector: &str, level: &str) -> (Process, Site, String) {
    let (database_url, relay) = (database::fresh().await, Relay::start().await);
    let environment = Environment::production(&database_url, &relay.url())
        .with("REGIMEN__TELEMETRY__OTLP_ENDPOINT", collector)
        .with("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer of-the-collector")
        .with("REGIMEN__LOG__LEVEL", level);
    let mut process = Process::start(&["serve"], &environment);
    let site = process.pages().await;
    assert_eq!(site.sign_up(READER, "head-and-neck").await.status(), StatusCode::OK);
    let mail = async |number: usize| {
        until(&format!("mail {number} is at the relay"), async || relay.mails_to(READER).into_iter().nth(number - 1))
            .await
    };
    let link = mail(1).await.link("confirm");
    assert_eq!(site.post(&link).await.status(), StatusCode::OK);
    mail(2).await;
    let db = database::connect(&database_url);
    until("the books say so, too", async || {
        let accepted = "select count(*) from deliveries where state = 'accepted'";
        let accepted: i64 = sqlx::query_scalar(accepted).fetch_one(&db).await.unwrap();
        (accepted == 2).then_some(())
    })
    .await;
    (process, site, link.rsplit('/').next().unwrap().to_owned())
}

#[tokio::test]
async fn a_mail_is_seen_on_its_way_and_names_nobody() {
    let collector = Collector::start(false).await;
    let (process, site, token) = a_reader_gets_the_first_part(&collector.url, "info").await;
    site.api_get("/subscribers?limit=1").await;
    assert_eq!(site.get("/manage/none?from=somewhere").await.status(), StatusCode::NOT_FOUND);
    let ended = process.stop(Signal::TERM).await;
    assert_eq!(ended.code, Some(0));
    let (spans, octets) = collector.spans();

    let mails: Vec<&Span> = spans.iter().filter(|span| span.name == "mail").collect();
    assert_eq!(mails.len(), 2, "the confirmation and the first part");
    for mail in mails {
        let mut parts: Vec<&Span> = spans.iter().filter(|span| span.parent_span_id == mail.span_id).collect();
        parts.sort_by_key(|span| span.start_time_unix_nano);
        let names: Vec<&str> = parts.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, ["prepare", "mark", "send", "settle"]);
        assert!(mail.parent_span_id.is_empty() && parts.iter().all(|part| part.trace_id == mail.trace_id));
        assert!(parts.iter().all(|part| part.end_time_unix_nano <= mail.end_time_unix_nano));
        let about = attributes(mail);
        assert_eq!((about["regimen.outcome"].as_str(), about["regimen.series"].as_str()), ("accepted", SERIES));
        assert_eq!(
            about.get("regimen.step").map(String::as_str),
            (about["regimen.kind"] == "step").then_some("what-is-immunotherapy")
        );
        assert_eq!(attributes(parts[2])["network.protocol.name"], "smtp");
    }
    let request = |name: &str| spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name}"));
    let confirmed = attributes(request("POST /confirm/{token}"));
    assert_eq!(
        (confirmed["http.request.method"].as_str(), confirmed["http.response.status_code"].as_str()),
        ("POST", "200")
    );
    request("POST /subscribe");
    request("GET /api/v1/subscribers");
    assert!(spans.iter().any(|span| span.name == "claim" && attributes(span)["regimen.deliveries"] != "0"));

    let text = String::from_utf8_lossy(&octets).to_lowercase();
    let private = ["zebulon", "quagmire", "example.org", "head-and-neck", &TOKEN.to_lowercase(), &token.to_lowercase()];
    for word in private.into_iter().chain(["somewhere"]) {
        assert!(!text.contains(word), "{word}");
    }
    // The relay's name is its host's here; who asked for a page is nowhere.
    let addresses = |span: &Span| {
        attributes(span).into_iter().any(|(key, value)| key != "regimen.relay" && value.contains("127.0.0.1"))
    };
    assert!(!spans.iter().any(addresses));
    assert!(spans.iter().all(|span| span.events.is_empty()), "no line of the log goes out");
    assert!(!ended.err.contains("regimen.delivery"), "nor is a span in the log: {}", ended.err);
}

#[tokio::test]
async fn a_silent_log_takes_no_traces_away() {
    let collector = Collector::start(false).await;
    // So that it says where its pages are.
    let (process, ..) = a_reader_gets_the_first_part(&collector.url, "error,regimen::web=info,regimen::app=info").await;
    assert_eq!(process.stop(Signal::TERM).await.code, Some(0));
    assert_eq!(collector.spans().0.iter().filter(|span| span.name == "mail").count(), 2);
}

#[tokio::test]
async fn a_collector_that_never_answers_holds_up_neither_mail_nor_the_end() {
    let collector = Collector::start(true).await;
    let (process, ..) = a_reader_gets_the_first_part(&collector.url, "info").await;
    assert_eq!(process.stop(Signal::TERM).await.code, Some(0));
    assert!(!collector.told.posts.lock().unwrap().is_empty(), "it was asked");
}

#[tokio::test]
async fn one_that_is_not_there_is_told_of_once() {
    let nobody = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let (mut process, site, _) = a_reader_gets_the_first_part(&nobody, "info").await;
    process.says("the collector takes no traces").await;
    site.get("/").await;
    let ended = process.stop(Signal::TERM).await;
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.err.matches("the collector takes no traces").count(), 1, "{}", ended.err);
}
