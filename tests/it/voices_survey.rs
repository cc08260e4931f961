//! The survey: counted by day, and joined with nobody.
use regimen::actions::voices::survey;
use regimen::model::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::admins::Browser;
use crate::support::{App, SERIES, TOKEN, days};
use crate::voices::{ballot_in, rows};

const SURVEY: &str = "/survey/fighting-cancer-with-immunotherapy";
const FIGURES: &str = "/admin/survey/fighting-cancer-with-immunotherapy";

async fn fill_in(app: &App, answers: &[(&str, &str)]) {
    let page = app.get(SURVEY).await.text().await.unwrap();
    let ballot = ballot_in(&page);
    assert_eq!(submit(app, &ballot, answers).await, StatusCode::SEE_OTHER);
}

async fn submit(app: &App, ballot: &str, answers: &[(&str, &str)]) -> StatusCode {
    let mut fields = vec![("ballot", ballot)];
    fields.extend_from_slice(answers);
    app.post_form(SURVEY, &fields).await.status()
}

/// Four other forms, with which one that waits is written.
async fn four_others(app: &App) {
    for _ in 0..4 {
        fill_in(app, &[("q-answered", "some")]).await;
    }
}

async fn count(app: &App, question: &str, answer: &str) -> i64 {
    sqlx::query_scalar(
        "select coalesce(sum(answers), 0)::bigint from survey_counts where question = $1 and answer = $2",
    )
    .bind(question)
    .bind(answer)
    .fetch_one(app.db())
    .await
    .unwrap()
}

#[tokio::test]
async fn a_form_is_counted_once_and_every_question_can_be_left_out() {
    let app = App::start().await;
    let page = app.get(SURVEY).await.text().await.unwrap();
    assert!(
        page.matches("<fieldset").count() >= 4 && page.contains("type=\"radio\"") && page.contains("type=\"checkbox\"")
    );
    assert!(!page.contains(" required"));
    let ballot = ballot_in(&page);
    let answers = [("q-clear", "5"), ("q-more", "trials"), ("q-more", "cost"), ("q-nothing", "x"), ("q-reason", "x")];
    for _ in 0..2 {
        assert_eq!(submit(&app, &ballot, &answers).await, StatusCode::SEE_OTHER, "reloaded, or pressed twice");
    }
    tokio::join!(submit(&app, &ballot, &answers), submit(&app, &ballot, &answers));
    assert_eq!(count(&app, "", "").await, 0, "it waits for others");
    four_others(&app).await;
    assert_eq!(submit(&app, &ballot, &answers).await, StatusCode::SEE_OTHER, "also when it has been written");
    assert_eq!((count(&app, "clear", "5").await, count(&app, "more", "trials").await), (1, 1));
    assert_eq!((count(&app, "more", "cost").await, count(&app, "", "").await), (1, 5));
    assert_eq!((count(&app, "reason", "x").await, count(&app, "nothing", "x").await), (0, 0));
    let before = rows(&app).await;
    fill_in(&app, &[]).await;
    assert_eq!(rows(&app).await, before, "an empty form leaves no trace");
    let thanks = app.get(&format!("{SURVEY}/thanks")).await.text().await.unwrap();
    assert!(thanks.contains("Thank you"));
    assert_eq!(app.get("/survey/nothing").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_form_that_was_open_too_long_keeps_what_was_chosen() {
    let app = App::start().await;
    let ballot = ballot_in(&app.get(SURVEY).await.text().await.unwrap());
    app.advance(days(3));
    let response = app.post_form(SURVEY, &[("ballot", &ballot), ("q-reason", "close")]).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = response.text().await.unwrap();
    assert!(page.contains("value=\"close\" checked") && page.contains("once more"));
    assert_eq!(count(&app, "reason", "close").await, 0);
    assert_eq!(submit(&app, &ballot_in(&page), &[("q-reason", "close")]).await, StatusCode::SEE_OTHER);
    four_others(&app).await;
    assert_eq!(count(&app, "reason", "close").await, 1);
}

/// Five readers, each of whom signs up and answers, in one order and in the other.
async fn five_readers(order: [usize; 5]) -> (App, Vec<Value>) {
    let app = App::start().await;
    let reasons = ["patient", "work", "close", "learning", "patient"];
    for number in order {
        app.sign_up_as(&format!("reader{number}@example.org"), "melanoma", "UTC").await;
        fill_in(&app, &[("q-reason", reasons[number]), ("q-clear", &(number + 1).to_string())]).await;
    }
    let counts = sqlx::query_scalar("select to_jsonb(t) from survey_counts t order by ctid").fetch_all(app.db());
    let counts = counts.await.unwrap();
    (app, counts)
}

#[tokio::test]
async fn answers_cannot_be_joined_with_sign_ups() {
    let (app, counts) = five_readers([0, 1, 2, 3, 4]).await;
    let (_, other_way) = five_readers([3, 4, 1, 0, 2]).await;
    assert_eq!(counts, other_way, "who answered first cannot be told, also not from the order of the rows");
    assert!(counts.len() > 20);
    // Nothing but the survey's own words, a day, and a count; in particular no time, no id, no network.
    let columns: Vec<(String, String)> = sqlx::query_as(
        "select column_name::text, data_type::text from information_schema.columns
         where table_schema = 'public' and table_name = 'survey_counts' order by ordinal_position",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    let columns: Vec<(&str, &str)> = columns.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).collect();
    assert_eq!(
        columns,
        [("series", "text"), ("day", "date"), ("question", "text"), ("answer", "text"), ("answers", "bigint")]
    );
    // One transaction wrote all that there is of the five forms, after all five sign-ups: neither the numbers of transactions
    // nor old versions of rows tell which form came after which of them.
    let written: Vec<(String, bool)> = sqlx::query_as(
        "select distinct xmin::text, xmin::text::bigint > (select max(xmin::text::bigint) from consents)
         from (select xmin from survey_counts union all select xmin from spent_ballots) as t",
    )
    .fetch_all(app.db())
    .await
    .unwrap();
    assert_eq!(written.len(), 1);
    assert!(written[0].1);
    let old: i64 = app.count("select count(*) from survey_counts where answers > 0 and xmax::text <> '0'").await;
    assert_eq!(old, 0);
    // What is kept of a form itself says only that there was one.
    let marks: Vec<Value> =
        sqlx::query_scalar("select to_jsonb(t) - 'ballot' from spent_ballots t").fetch_all(app.db()).await.unwrap();
    assert_eq!(marks, vec![json!({ "day": "2026-03-02", "vote": null }); 5]);
    let keys: i64 = app
        .count(
            "select count(*) from pg_constraint where contype = 'f' and conrelid in
               ('survey_counts'::regclass, 'helpful_votes'::regclass, 'spent_ballots'::regclass)",
        )
        .await;
    assert_eq!(keys, 0);
}

/// All figures of one question, by answer.
async fn figures(app: &App, question: &str) -> Vec<(String, Option<i64>)> {
    let all = app.api_get(&format!("/series/{SERIES}/survey")).await;
    let question = all["questions"].as_array().unwrap().iter().find(|one| one["key"] == question).unwrap().clone();
    let answers = question["answers"].as_array().unwrap().iter();
    answers.map(|one| (one["key"].as_str().unwrap().to_owned(), one["count"].as_i64())).collect()
}

#[tokio::test]
async fn admins_see_no_count_under_five_nor_what_one_form_adds() {
    let app = App::start().await;
    for number in 0..13 {
        let reason = if number < 9 { "patient" } else { "work" };
        fill_in(&app, &[("q-reason", reason)]).await;
    }
    assert!(figures(&app, "reason").await.iter().all(|(_, count)| count.is_none()), "today is not over");
    app.advance(days(1));
    let seen = figures(&app, "reason").await;
    let of = |key: &str| seen.iter().find(|one| one.0 == key).unwrap().1;
    assert_eq!((of("patient"), of("work"), of("close")), (Some(5), None, None));
    // The whole is in fives, too, so that nothing is left over for the small ones.
    assert_eq!(app.api_get(&format!("/series/{SERIES}/survey")).await["forms"], 10);
    // A tenth: today it changes nothing, and tomorrow one step, whose size says nothing about one form. Three wait already.
    for reason in ["patient", "close"] {
        fill_in(&app, &[("q-reason", reason)]).await;
    }
    assert_eq!(figures(&app, "reason").await, seen);
    app.advance(days(1));
    let patient = figures(&app, "reason").await.into_iter().find(|one| one.0 == "patient").unwrap();
    assert_eq!(patient.1, Some(10));
}

#[tokio::test]
async fn figures_come_as_a_page_and_as_csv_and_only_to_admins() {
    let app = App::start().await;
    for _ in 0..5 {
        fill_in(&app, &[("q-reason", "patient"), ("q-more", "cost"), ("q-more", "trials")]).await;
    }
    app.advance(days(1));
    let before = rows(&app).await;
    let admin = Browser::signed_in(&app, Role::Viewer).await;
    for path in [FIGURES.to_owned(), format!("{FIGURES}/answers.csv")] {
        let ask = || app.http.get(format!("{}{path}", app.base));
        for refused in [ask(), ask().basic_auth("anybody", Some(TOKEN)), ask().bearer_auth(TOKEN)] {
            assert_eq!(refused.send().await.unwrap().status(), StatusCode::SEE_OTHER);
        }
        let response = admin.request(&app, Method::GET, &path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let text = response.text().await.unwrap();
        if path.ends_with("csv") {
            assert!(text.starts_with("question,question_text,answer,answer_text,count\r\n"), "{text}");
            assert!(text.contains("\"patient\",\"I have or had cancer\",5\r\n"), "{text}");
            assert!(text.contains("\"work\",\"I work in health care\",\r\n"), "{text}");
        } else {
            assert!(text.contains("5 or more") && text.contains("fewer than 5") && text.contains("<svg class=\"bar\""));
            assert!(!text.contains("style=") && !text.contains("<script"));
        }
    }
    let csv = app.api(Method::GET, &format!("/series/{SERIES}/survey.csv")).send().await.unwrap();
    assert_eq!(csv.status(), StatusCode::OK);
    assert!(csv.headers()["content-type"].to_str().unwrap().starts_with("text/csv"));
    let stranger = app.http.get(format!("{}/api/v1/series/{SERIES}/survey", app.base)).send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    let posted = admin.request(&app, Method::POST, FIGURES).send().await.unwrap();
    assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(rows(&app).await, before, "looking changes nothing");
}

#[tokio::test]
async fn forms_that_wait_when_a_process_ends_are_counted_on_the_first_of_the_month() {
    let app = App::start().await;
    for _ in 0..2 {
        fill_in(&app, &[("q-reason", "work")]).await;
    }
    assert_eq!(rows(&app).await, Vec::<Value>::new());
    for _ in 0..2 {
        survey::flush(&app.service).await.unwrap();
    }
    assert_eq!(count(&app, "reason", "work").await, 2);
    assert_eq!(app.count("select count(*) from survey_counts where day <> '2026-03-01'").await, 0);
}
