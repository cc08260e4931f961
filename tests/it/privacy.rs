//! Address and condition stay where they belong.
use sqlx::Row as _;

use crate::support::{App, days};

#[tokio::test]
async fn no_row_names_the_condition_and_only_subscribers_the_address() {
    let app = App::start().await;
    app.sign_up_as("reader@example.org", "head-and-neck", "UTC").await;
    app.dispatch_all_due().await;
    app.confirm("reader@example.org").await;
    app.live_through(days(4)).await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select tablename::text from pg_tables where schemaname = 'public' and tablename <> 'content_versions'",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    assert!(tables.len() > 8);
    for table in tables {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("select to_jsonb(t)::text as row from {table} t")))
            .fetch_all(app.db())
            .await
            .unwrap();
        for row in rows {
            let row: String = row.get("row");
            assert!(!row.contains("head-and-neck"), "{table} names the condition");
            // As hexadecimal octets too.
            assert!(!row.contains("686561642d616e642d6e65636b"), "{table} holds the condition unsealed");
            assert!(table == "subscribers" || !row.contains("reader@"), "{table} names the address");
        }
    }
    let sealed: Vec<Vec<u8>> =
        sqlx::query_scalar("select condition from deliveries where kind = 'step' and state = 'accepted'")
            .fetch_all(app.db())
            .await
            .unwrap();
    assert_eq!(sealed.len(), 2, "each sent part keeps its sealed copy");
}

#[tokio::test]
async fn no_link_subject_or_header_but_to_names_address_or_condition() {
    let app = App::start().await;
    app.sign_up_as("reader@example.org", "leukemia", "UTC").await;
    app.dispatch_all_due().await;
    app.confirm("reader@example.org").await;
    app.live_through(days(30)).await;
    let mails = app.mails_to("reader@example.org");
    assert_eq!(mails.len(), 7);
    for mail in mails {
        let head = mail.raw.split("\r\n\r\n").next().unwrap().to_lowercase();
        assert!(!head.contains("leukemia"));
        assert_eq!(head.matches("reader@example.org").count(), 1, "in To only: {head}");
        for link in mail.html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            let ours = link.starts_with("https://series.example.org");
            assert!(!ours || !(link.contains("leukemia") || link.contains("reader")), "{link}");
        }
        assert!(!mail.html.contains("<img") && !mail.html.contains("<script"), "no pixel, no script");
    }
}
