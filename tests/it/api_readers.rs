//! Who got what, when, and why not, asked by a program; and a series before its readers have it.
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{App, SERIES, days};

async fn found(app: &App, ask: Value) -> Vec<String> {
    let (status, page) = app.api_post("/subscribers/search", ask).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    page["items"].as_array().unwrap().iter().map(|one| one["address"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn readers_are_looked_for_and_a_mail_is_read_as_it_was_sent() {
    let app = App::start().await;
    app.enroll("ana@example.org").await;
    app.advance(days(1));
    app.sign_up("ben@example.com").await;
    assert_eq!(found(&app, json!({})).await, ["ben@example.com", "ana@example.org"], "the newest first");
    assert_eq!(found(&app, json!({ "part": "@EXAMPLE.org" })).await, ["ana@example.org"]);
    assert_eq!(found(&app, json!({ "waits_for": "cancer-vaccines" })).await, [""; 0]);
    let second = app.service.library().series.values().next().unwrap().steps[1].key.to_string();
    assert_eq!(found(&app, json!({ "waits_for": second, "parts": 1, "state": "active" })).await, ["ana@example.org"]);
    assert_eq!(found(&app, json!({ "since": "2026-03-03", "until": "2026-03-03" })).await, ["ben@example.com"]);
    for (wrong, status) in [
        (json!({ "state": "asleep" }), 422),
        (json!({ "parts": -1 }), 422),
        (json!({ "part": "\u{0}" }), 422),
        (json!({ "after": "x" }), 422),
        (json!({ "after": "-8000000000000000000.00000000000000000000000000000000" }), 422),
        (json!({ "since": "-9999-01-01" }), 422),
        (json!({ "address": "ana@example.org" }), 400),
    ] {
        assert_eq!(app.api_post("/subscribers/search", wrong.clone()).await.0.as_u16(), status, "{wrong}");
    }

    let (_, dossier) = app.api_post("/subscribers/show", json!({ "address": "ana@example.org" })).await;
    let sent = dossier["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["state"] == "accepted" && one["kind"] == "step");
    let mail = json!({ "address": "Ana@example.org", "delivery": sent.unwrap()["id"] });
    let (status, read) = app.api_post("/subscribers/mail", mail.clone()).await;
    assert_eq!((status, &read["part"], &read["language"]), (StatusCode::OK, &json!(1), &json!("en")));
    assert!(read["html"].as_str().unwrap().contains("immun"), "{read}");
    assert_eq!(app.count("select count(*) from audit_log where action = 'read sent mail'").await, 1);
    let other = json!({ "address": "ben@example.com", "delivery": mail["delivery"] });
    assert_eq!(app.api_post("/subscribers/mail", other).await.0, StatusCode::NOT_FOUND, "it was not sent to them");
}

#[tokio::test]
async fn a_series_is_outlined_rehearsed_previewed_and_counted() {
    let app = App::start().await;
    app.enroll("ana@example.org").await;
    let of = |what: &str| format!("/series/{SERIES}/{what}");
    let outline = app.api_get(&of("outline")).await;
    assert_eq!((outline["parts"].as_array().unwrap().len(), &outline["languages"]), (6, &json!(["en", "es"])));
    assert_eq!((&outline["parts"][5]["day"], &outline["parts"][1]["delay"]), (&json!(15), &json!("3d")));
    assert!(outline["findings"].to_string().contains("example address"));

    let found = app.api_get(&of("rehearsal?from=2026-03-22&zone=Europe/Berlin&spacing=1")).await;
    let reader = &found["readers"][0];
    assert_eq!(reader["parts"][1]["local"], "2026-03-24T09:00:00", "{reader}");
    assert_eq!(reader["parts"][1]["moved"], json!([{ "why": "gap" }]));
    for wrong in ["zone=Moon/Crater", "hour=late", "spacing=2", "spacing=0", "from=%2B262142-12-31", "from=-9999-01-01"]
    {
        let answer = app.api(Method::GET, &of(&format!("rehearsal?{wrong}"))).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 422, "{wrong}");
    }

    let figures = app.api_get(&of("figures")).await;
    assert_eq!(figures["funnel"][0], json!({ "stage": "signed_up", "part": null, "readers": 1 }));
    assert_eq!(figures["funnel"][2], json!({ "stage": "received", "part": 1, "readers": 1 }));
    let books = figures["books"].as_array().unwrap();
    assert_eq!(books.iter().map(|one| one["due"].as_i64().unwrap()).sum::<i64>(), 2, "the confirmation and a part");

    let spanish = json!({ "step": "antibodies", "language": "es" });
    let (status, preview) = app.api_post(&of("preview"), spanish).await;
    assert_eq!(status, StatusCode::OK);
    assert!(preview["subject"].as_str().unwrap().contains("Anticuerpos"), "{preview}");
    assert_eq!(preview["html_bytes"], preview["html"].as_str().unwrap().len());
    let wrong = json!({ "step": "antibodies", "language": "xx" });
    assert_eq!(app.api_post(&of("preview"), wrong).await.0.as_u16(), 422);
    let changes = app.api_get("/content/changes").await;
    assert_eq!((&changes["faults"], &changes["series"][0]["kind"]), (&json!([]), &json!("same")));
}
