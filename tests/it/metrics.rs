//! What whoever watches a process is told: as docs/METRICS.md has it, and nothing of any reader.
use std::collections::BTreeSet;

use regimen::actions::watch;
use regimen::local::smtp::Verdict;
use regimen::metrics::Metrics;
use reqwest::StatusCode;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::process::{Environment, Process};
use crate::support::relay::{At, Relay};
use crate::support::{App, SERIES, database, days};

const HANDBOOK: &str = include_str!("../../docs/METRICS.md");
const ALERTS: &str = include_str!("../../docs/monitoring/alerts.yml");
const DASHBOARD: &str = include_str!("../../docs/monitoring/grafana.json");

/// The value of one line, such as `regimen_queue_overdue` or `regimen_sign_ups_total{result="written"}`.
fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    line.split(' ').next()?.parse().ok()
}

/// Every name of ours that a text mentions, without what a histogram adds to it.
fn names(text: &str) -> BTreeSet<String> {
    let is_of_a_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let words = text.split(|letter: char| !is_of_a_name(letter)).filter(|word| word.starts_with("regimen_"));
    let plain =
        |word: &str| ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end)).map(str::to_owned);
    words.map(|word| plain(word).unwrap_or_else(|| word.to_owned())).collect()
}

fn described() -> BTreeSet<String> {
    Metrics::default().described().iter().map(|one| one.name.clone()).collect()
}

#[test]
fn the_handbook_lists_what_there_is() {
    let rows: Vec<&str> = HANDBOOK.lines().filter(|line| line.starts_with("| `regimen_")).collect();
    let row = |one: &regimen::metrics::Described| {
        let labels: Vec<String> = one.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!(" {}", labels.join(", ")) };
        format!("| `{}` | {} |{labels} | {} |", one.name, one.kind, one.help)
    };
    let expected: Vec<String> = Metrics::default().described().iter().map(row).collect();
    assert_eq!(rows, expected);
}

#[test]
fn alerts_and_dashboard_ask_for_nothing_that_is_not_there() {
    let there = described();
    for (what, text) in [("alerts.yml", ALERTS), ("grafana.json", DASHBOARD)] {
        let asked = names(text);
        assert!(asked.len() > 10, "{what}: {asked:?}");
        let unknown: Vec<_> = asked.difference(&there).collect();
        assert!(unknown.is_empty(), "{what} names {unknown:?}");
    }
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() > 10);
    let unseen: Vec<_> = there.difference(&names(DASHBOARD)).cloned().collect();
    assert_eq!(unseen, Vec::<String>::new(), "the dashboard leaves these out");
}

#[tokio::test]
async fn a_day_of_the_service_is_told_in_figures_that_name_nobody() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    app.sign_up("late@example.org").await;
    app.get("/no-such-page/reader@example.org").await;
    app.api_get("/health").await;
    app.advance(days(4));
    let text = watch::metrics(&app.service).await;
    for (series, expected) in [
        (r#"regimen_sign_ups_total{result="written"}"#, 2.0),
        (r#"regimen_http_requests_total{method="POST",route="/subscribe",status="200"}"#, 2.0),
        (r#"regimen_http_requests_total{method="GET",route="/api/v1/health",status="200"}"#, 1.0),
        (r#"regimen_http_requests_total{method="GET",route="(none)",status="404"}"#, 1.0),
        (r#"regimen_claimed_deliveries_total{lane="urgent"}"#, 1.0),
        (r#"regimen_queue_due{lane="urgent"}"#, 1.0),
        (r#"regimen_queue_due{lane="steps"}"#, 1.0),
        ("regimen_queue_overdue", 2.0),
        ("regimen_queue_held", 0.0),
        // A story has no process that says so; alerts wait for this very 0.
        (r#"regimen_nodes{role="dispatch"}"#, 0.0),
        ("regimen_database_up", 1.0),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series} in\n{text}");
    }
    for outcome in ["confirmation", "step"] {
        let start = format!("regimen_attempts_total{{kind=\"{outcome}\",outcome=\"accepted\",relay=");
        assert!(text.lines().any(|line| line.starts_with(&start)), "{start} in\n{text}");
    }
    for secret in ["reader", "example.org", "melanoma", SERIES] {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
    // All that is exposed is described, and each line is one that a scraper can read.
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let unknown: Vec<_> = names(&lines.join("\n")).difference(&described()).cloned().collect();
    assert_eq!(unknown, Vec::<String>::new());
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[tokio::test]
async fn the_database_is_asked_once_in_a_while_and_its_silence_is_told() {
    let app = App::start().await;
    app.sign_up("reader@example.org").await;
    assert_eq!(value(&watch::metrics(&app.service).await, r#"regimen_queue_due{lane="urgent"}"#), Some(1.0));
    app.sign_up("other@example.org").await;
    let at_once = watch::metrics(&app.service).await;
    assert_eq!(value(&at_once, r#"regimen_queue_due{lane="urgent"}"#), Some(1.0), "it is not asked again so soon");
    app.advance(chrono::TimeDelta::seconds(6));
    let later = watch::metrics(&app.service).await;
    assert_eq!(value(&later, r#"regimen_queue_due{lane="urgent"}"#), Some(2.0));
    app.db().close().await;
    app.advance(chrono::TimeDelta::seconds(6));
    let silent = watch::metrics(&app.service).await;
    assert_eq!(value(&silent, "regimen_database_up"), Some(0.0), "{silent}");
    assert!(!silent.contains("\nregimen_queue_due"), "what was true before is not shown as if it were new: {silent}");
    assert_eq!(value(&silent, r#"regimen_sign_ups_total{result="written"}"#), Some(2.0));
}

#[tokio::test]
async fn a_paused_series_is_not_due() {
    let app = App::start().await;
    app.sign_up("reader@example.org").await;
    let path = format!("/series/{SERIES}/pause");
    assert_eq!(app.api_post(&path, crate::support::why()).await.0, StatusCode::OK);
    let text = watch::metrics(&app.service).await;
    assert_eq!(value(&text, r#"regimen_queue_due{lane="urgent"}"#), Some(0.0), "{text}");
}

#[tokio::test]
async fn a_relay_that_fails_and_mails_that_nobody_knows_of_are_told() {
    let app = App::start().await;
    app.sign_up("reader@example.org").await;
    app.relay.next(At::Message, Verdict::AcceptThenDrop);
    app.dispatch_all_due().await;
    let text = watch::metrics(&app.service).await;
    assert_eq!(value(&text, "regimen_uncertain_total"), Some(1.0), "{text}");
    assert!(text.contains(r#"regimen_attempts_total{kind="confirmation",outcome="uncertain""#), "{text}");
    assert!(text.contains(r#"state="working"} 1"#) && text.contains(r#"state="resting"} 0"#), "{text}");
    app.relay.always(At::Connect, "", Verdict::Reply(421, "4.3.2 not today".into()));
    app.advance(days(1));
    app.dispatch_all_due().await;
    let text = watch::metrics(&app.service).await;
    assert!(text.contains(r#"state="working"} 0"#) && text.contains(r#"state="resting"} 1"#), "{text}");
    assert!(text.lines().any(|line| line.starts_with("regimen_relay_connections{") && line.ends_with(" 0")), "{text}");
}

#[tokio::test]
async fn leases_that_ran_out_are_told() {
    let app = App::start().await;
    app.sign_up("reader@example.org").await;
    let taken = "update deliveries set state = 'claimed', attempt = 1, lease_until = '2026-01-01T00:00:00Z', node = id";
    sqlx::query(taken).execute(app.db()).await.unwrap();
    assert_eq!(value(&watch::metrics(&app.service).await, "regimen_queue_held"), Some(1.0));
    app.reap().await;
    let text = watch::metrics(&app.service).await;
    assert_eq!(value(&text, r#"regimen_leases_expired_total{state="claimed"}"#), Some(1.0), "{text}");
    assert_eq!(value(&text, r#"regimen_leases_expired_total{state="sending"}"#), Some(0.0), "{text}");
}

#[tokio::test]
async fn a_process_that_only_dispatches_is_watched_on_a_port_of_its_own_and_others_on_none() {
    let (database_url, relay) = (database::fresh().await, Relay::start().await);
    let quiet = Environment::production(&database_url, &relay.url());
    let watched = quiet.clone().with("REGIMEN__METRICS__BIND", "127.0.0.1:0");
    let mut process = Process::start(&["dispatch"], &watched);
    let site = process.metrics().await;
    let response = site.get("/metrics").await;
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    assert!(response.text().await.unwrap().contains("regimen_build_info{version="));
    assert_eq!(site.get("/").await.status(), StatusCode::NOT_FOUND, "nothing else is there");
    process.stop(Signal::TERM).await;

    let mut process = Process::start(&["serve"], &quiet);
    let pages = process.pages().await;
    assert_eq!(pages.get("/metrics").await.status(), StatusCode::NOT_FOUND);
    assert!(!process.err().contains("metrics are served"), "{}", process.err());
}
