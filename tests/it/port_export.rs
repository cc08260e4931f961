//! Readers as a file: for a spreadsheet, for a program, for another server.
use std::collections::{BTreeMap, BTreeSet};

use regimen::actions::audit::{self, Search};
use regimen::actions::readers::export::{Ask, Export};
use regimen::model::{EnrollmentState, Format, Role};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::admins::{Browser, by};
use crate::support::process::{Environment, Process};
use crate::support::readers::{enroll, readers};
use crate::support::{App, SERIES, days};

const FILE: &str = "/admin/readers/export";

/// The lines of a CSV, each by its columns.
fn lines(csv: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

async fn file(app: &App, admin: &Browser, query: &str) -> String {
    let response = admin.request(app, Method::GET, &format!("{FILE}?{query}")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.content_length().is_none(), "it is sent while it is made");
    assert_eq!(response.headers()["cache-control"], "no-store");
    response.text().await.unwrap()
}

#[tokio::test]
async fn an_operator_takes_readers_out_and_every_column_reads_back() {
    let app = App::start().await;
    app.enroll("ana@example.org").await;
    app.advance(days(1));
    app.sign_up("+tag@example.com").await;
    let admin = &mut Browser::signed_in(&app, Role::Operator).await;
    admin.get(&app, "/admin/readers?state=active").await;
    let csv = admin.between("As a file: <a href=\"", "\"").unwrap().replace("&amp;", "&").replace("&#x3D;", "=");
    assert_eq!(csv, format!("{FILE}?state=active&format=csv"));

    let text = file(&app, admin, "state=active").await;
    let [ana] = &lines(&text)[..] else { panic!("{text}") };
    for (column, value) in [
        ("address", "ana@example.org"),
        ("series", SERIES),
        ("state", "active"),
        ("suppressed", "no"),
        ("zone", "America/New_York"),
        ("language", "en"),
        ("hour", ""),
        ("parts", "what-is-immunotherapy"),
        ("signed_up_at", "2026-03-02T17:00:00Z"),
        ("confirmed_at", "2026-03-02T17:00:00Z"),
        ("ended_at", ""),
        ("consent_at", "2026-03-02T17:00:00Z"),
        ("consent_channel", "form"),
        ("consent_source", "form"),
    ] {
        assert_eq!(ana[column], value, "{column}");
    }
    for column in ["privacy_version", "terms_version", "confirmed_privacy_version", "confirmed_terms_version"] {
        assert!(!ana[column].is_empty(), "{column}");
    }
    assert!(!ana.contains_key("condition") && !text.contains("melanoma") && !text.contains("lung"), "{text}");

    let all = lines(&file(&app, admin, "").await);
    let addresses: BTreeSet<&str> = all.iter().map(|line| line["address"].as_str()).collect();
    assert_eq!(addresses, ["'+tag@example.com", "ana@example.org"].into(), "no cell is a formula");
    let json = file(&app, admin, "format=json-lines&state=pending").await;
    let reader: Value = serde_json::from_str(json.trim_end()).unwrap();
    assert_eq!((&reader["address"], &reader["parts"]), (&"+tag@example.com".into(), &Value::Array(vec![])));
    assert!(reader.get("condition").is_none() && reader["confirmed_at"].is_null(), "{reader}");

    for wrong in ["state=gone", "series=No Such", "format=xml"] {
        assert_eq!(admin.get(&app, &format!("{FILE}?{wrong}")).await.0, StatusCode::BAD_REQUEST, "{wrong}");
    }
    assert_eq!(admin.get(&app, &format!("{FILE}?series=none")).await.0, StatusCode::NOT_FOUND);
    let ask = Search { action: Some("export readers".into()), ..Search::default() };
    let told = audit::search(&app.service, &ask).await.unwrap().items;
    assert_eq!(told.len(), 3, "each is written down");
    assert_eq!(told[2].details, serde_json::json!({ "state": "active", "condition": false, "format": "csv" }));

    let viewer = &mut Browser::signed_in(&app, Role::Editor).await;
    assert_eq!(viewer.get(&app, FILE).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_file_comes_in_pieces_with_no_transaction_open_between_them_and_has_each_reader_once() {
    let app = App::start().await;
    let some = readers(0..3_000, 2);
    enroll(app.db(), &some).await.unwrap();
    let ask = Ask { state: Some(EnrollmentState::Active), ..Ask::default() };
    let mut export = Export::begin(&app.service, ask, Format::JsonLines, &by()).await.unwrap();
    let mut addresses = Vec::new();
    let mut pieces = 0;
    while let Some(piece) = export.next().await.unwrap() {
        pieces += 1;
        for line in String::from_utf8(piece).unwrap().lines() {
            addresses.push(serde_json::from_str::<Value>(line).unwrap()["address"].as_str().unwrap().to_owned());
        }
        let open =
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
                      and xact_start is not null";
        assert_eq!(app.count(open).await, 0, "nothing is held between two pieces");
    }
    assert_eq!(pieces, 2, "one of each bucket");
    let different: BTreeSet<&String> = addresses.iter().collect();
    assert_eq!((addresses.len(), different.len()), (some.len(), some.len()));
}

#[tokio::test]
async fn a_program_with_the_right_takes_readers_out_and_hears_when_a_file_breaks_off() {
    let app = App::start().await;
    enroll(app.db(), &readers(0..50, 64)).await.unwrap();
    let ask = |query: &str| app.api(Method::GET, &format!("/export?{query}")).send();
    let text = ask(&format!("series={SERIES}&state=active")).await.unwrap().text().await.unwrap();
    assert_eq!(lines(&text).len(), 50);
    assert_eq!(ask("state=gone").await.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);

    sqlx::query(
        r#"insert into consents (bucket, id, subscriber, enrollment, action, privacy_version, terms_version, channel, at, evidence)
           select bucket, id, subscriber, id, 'sign-up', '1', '1', 'form', created_at, '{"at": "damaged"}' from enrollments
           order by bucket desc, id limit 1"#,
    )
    .execute(app.db())
    .await
    .unwrap();
    let broken = ask("format=json-lines").await.unwrap();
    assert_eq!(broken.status(), StatusCode::OK, "it had begun");
    assert!(broken.text().await.is_err(), "what breaks off is not taken for a whole file");
}

#[tokio::test]
async fn the_command_line_writes_the_condition_when_it_is_asked_to() {
    let app = App::start().await;
    enroll(app.db(), &readers(0..20, 64)).await.unwrap();
    let environment = Environment::production(&app.database_url, &app.relay.url());
    let export = ["export", "--series", SERIES, "--why", "another server"];
    let plain = Process::run(&export, &environment).await;
    assert_eq!((plain.code, lines(&plain.out).len()), (Some(0), 20), "{}", plain.err);
    assert!(!plain.out.contains("lung"), "{}", plain.out);
    let whole = Process::run(&[&export[..], &["--with-condition"]].concat(), &environment).await;
    let conditions: BTreeSet<String> =
        lines(&whole.out).into_iter().map(|mut line| line.remove("condition").unwrap()).collect();
    assert_eq!(conditions, ["lung".to_owned()].into(), "{}", whole.err);
    let told = "select count(*) from audit_log where action = 'export readers' and details->>'condition' = 'true'
                  and reason = 'another server'";
    assert_eq!(app.count(told).await, 1);
}
