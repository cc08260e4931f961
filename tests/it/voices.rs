//! The article, those related to it, and "Was this helpful?".
use regimen::actions::{guards, voices};
use regimen::content::Bundle;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{App, SERIES, Setup, days, hours};

const ARTICLE: &str = "/helpful/fighting-cancer-with-immunotherapy/articles/article";
const PART: &str = "/helpful/fighting-cancer-with-immunotherapy/antibodies";

async fn text(app: &App, path: &str) -> String {
    let response = app.get(path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.text().await.unwrap()
}

/// The ballot that a page carries.
pub fn ballot_in(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"ballot\" value=\"").expect("the page has a ballot");
    rest.split('"').next().unwrap().to_owned()
}

/// Every row that readers' voices have made.
pub async fn rows(app: &App) -> Vec<Value> {
    let mut all = Vec::new();
    for table in ["helpful_votes", "survey_counts", "spent_ballots"] {
        let sql = format!("select to_jsonb(t) from {table} t order by to_jsonb(t)::text");
        all.extend(sqlx::query_scalar::<_, Value>(sqlx::AssertSqlSafe(sql)).fetch_all(app.db()).await.unwrap());
    }
    all
}

/// Yes and no.
async fn votes(app: &App) -> (i64, i64) {
    let sum = async |answer: &str| -> i64 {
        sqlx::query_scalar("select coalesce(sum(votes), 0)::bigint from helpful_votes where answer = $1")
            .bind(answer)
            .fetch_one(app.db())
            .await
            .unwrap()
    };
    (sum("yes").await, sum("no").await)
}

/// Presses, and answers where that leads.
async fn press(app: &App, path: &str, ballot: &str, answer: &str) -> String {
    let response = app.post_form(path, &[("ballot", ballot), ("answer", answer)]).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    response.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_article_leads_to_others_and_those_lead_back_to_the_box() {
    let app = App::start().await;
    let page = text(&app, "/").await;
    assert!(page.contains("You might also like") && page.contains("Who pays for this:"));
    assert!(page.contains(&format!("<link rel=\"canonical\" href=\"https://series.example.org/articles/{SERIES}\">")));
    for slug in ["side-effects", "clinical-trials", "questions-for-your-doctor"] {
        let path = format!("/articles/{SERIES}/{slug}");
        assert!(page.contains(&format!("<a href=\"{path}\">")), "{slug}");
        let response = app.get(&path).await;
        assert_eq!(response.headers()["cache-control"], "public, max-age=60");
        let related = response.text().await.unwrap();
        assert!(related.contains(&format!("href=\"/articles/{SERIES}#sign-up\"")), "{slug} has an invitation");
        assert!(related.contains(&format!("<a href=\"/articles/{SERIES}\">")), "{slug} leads to the main article");
        assert!(!related.contains(&format!("<a href=\"{path}\">")), "{slug} does not lead to itself");
        assert!(related.contains("class=\"sources\"") && related.contains("<time datetime=\""), "{slug}");
        assert!(related.contains(&format!("action=\"/helpful/{SERIES}/articles/{slug}\"")), "{slug} is asked about");
        assert!(text(&app, &format!("{path}?lang=es")).await.contains("También le puede interesar"), "{slug}");
    }
    assert_eq!(app.get(&format!("/articles/{SERIES}/1-side-effects")).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(app.get("/articles/nothing/side-effects").await.status(), StatusCode::NOT_FOUND);
}

/// A new folder, and no code.
pub fn two_series() -> Bundle {
    let mut files: Vec<(String, String)> =
        Bundle::embedded().files().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    let second: Vec<_> = files
        .iter()
        .filter_map(|(path, text)| {
            let rest = path.strip_prefix(SERIES)?;
            let text = text.replace("Fighting Cancer With Immunotherapy", "Another Series");
            Some((format!("another{rest}"), text.replace("What is immunotherapy, and how", "Another article: how")))
        })
        .collect();
    files.extend(second);
    Bundle::from_files(files).unwrap()
}

#[tokio::test]
async fn a_second_series_is_a_folder_and_the_start_page_then_lists_both() {
    let app = App::start_with(Setup { bundle: two_series(), ..Setup::default() }).await;
    let list = text(&app, "/").await;
    for path in ["/articles/another", "/articles/fighting-cancer-with-immunotherapy"] {
        assert!(list.contains(&format!("<a href=\"{path}\">")), "{path}");
    }
    assert!(list.contains("Another Series") && list.contains("Fighting Cancer With Immunotherapy"));
    let article = text(&app, "/articles/another").await;
    assert!(article.contains("Another article: how") && article.contains("name=\"series\" value=\"another\""));
    assert!(text(&app, "/articles/another/side-effects").await.contains("href=\"/articles/another#sign-up\""));
    assert!(text(&app, "/survey/another").await.contains("action=\"/survey/another\""));
    // What one is told is not counted for the other.
    let ballot = ballot_in(&text(&app, "/helpful/another/articles/article").await);
    assert_eq!(app.post_form(ARTICLE, &[("ballot", &ballot), ("answer", "yes")]).await.status(), StatusCode::OK);
    assert_eq!(votes(&app).await, (0, 0));
    press(&app, "/helpful/another/articles/article", &ballot, "yes").await;
    assert!(!text(&app, ARTICLE).await.contains("found it helpful"));
}

#[tokio::test]
async fn a_vote_is_counted_once_and_moves_when_the_reader_thinks_again() {
    let app = App::start().await;
    for path in [ARTICLE, PART] {
        sqlx::query("delete from helpful_votes").execute(app.db()).await.unwrap();
        let ballot = ballot_in(&text(&app, path).await);
        let there = press(&app, path, &ballot, "yes").await;
        for _ in 0..2 {
            let page = text(&app, &there).await;
            assert!(page.contains("Thank you") && page.contains("One reader has answered, and found it helpful."));
        }
        // Pressed again, reloaded, sent twice at once.
        let again = || press(&app, path, &ballot, "yes");
        tokio::join!(again(), again(), again());
        assert_eq!(votes(&app).await, (1, 0), "{path}");
        press(&app, path, &ballot, "no").await;
        assert_eq!(votes(&app).await, (0, 1), "{path}");
        assert!(text(&app, &there).await.contains("I meant yes"));
        press(&app, path, &ballot, "yes").await;
        assert_eq!(votes(&app).await, (1, 0), "{path}");
        // Another visit.
        let other = ballot_in(&text(&app, path).await);
        press(&app, path, &other, "no").await;
        assert_eq!(votes(&app).await, (1, 1), "{path}");
        assert!(text(&app, path).await.contains("1 of 2 readers found this helpful."), "{path}");
    }
}

#[tokio::test]
async fn the_count_is_shown_on_the_article() {
    let app = App::start().await;
    assert!(!text(&app, "/").await.contains("found this helpful"));
    for answer in ["yes", "yes", "no"] {
        let ballot = ballot_in(&text(&app, ARTICLE).await);
        press(&app, ARTICLE, &ballot, answer).await;
    }
    assert!(text(&app, "/").await.contains("2 of 3 readers found this helpful."));
    assert!(text(&app, "/?lang=es").await.contains("A 2 de 3 personas les fue útil."));
}

/// The article's page is the same for all and cannot carry a ballot.
#[tokio::test]
async fn a_press_on_the_article_without_a_script_needs_one_more() {
    let app = App::start().await;
    let page = text(&app, "/").await;
    assert!(page.contains(&format!("<form method=\"post\" action=\"{ARTICLE}\"")) && !page.contains("name=\"ballot\""));
    let response = app.post_form(ARTICLE, &[("answer", "no")]).await;
    assert_eq!(
        (response.status(), &response.headers()["cache-control"]),
        (StatusCode::OK, &"no-store".parse().unwrap())
    );
    let page = response.text().await.unwrap();
    assert!(page.contains("You chose <strong>No</strong>"));
    assert_eq!(rows(&app).await, Vec::<Value>::new(), "nothing is counted yet");
    press(&app, ARTICLE, &ballot_in(&page), "no").await;
    assert_eq!(votes(&app).await, (0, 1));
}

#[tokio::test]
async fn the_script_votes_with_one_press() {
    let app = App::start().await;
    let ask = |method: Method| {
        app.http.request(method, format!("{}{ARTICLE}", app.base)).header("accept", "application/json")
    };
    let view: Value = ask(Method::GET).send().await.unwrap().json().await.unwrap();
    assert_eq!((&view["said"], &view["tally"]), (&Value::Null, &json!({ "yes": 0, "all": 0 })));
    let form = [("answer", "yes"), ("ballot", view["ballot"].as_str().unwrap())];
    for _ in 0..2 {
        let done: Value = ask(Method::POST).form(&form).send().await.unwrap().json().await.unwrap();
        assert_eq!((&done["said"], &done["ballot"]), (&json!("yes"), &view["ballot"]));
        assert_eq!(done["count"], "One reader has answered, and found it helpful.");
    }
    let none = app.http.get(format!("{}/helpful/{SERIES}/nothing", app.base)).header("accept", "application/json");
    assert_eq!(none.send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn no_ballot_but_a_fresh_one_of_ours_counts() {
    let app = App::start().await;
    let ballot = ballot_in(&text(&app, ARTICLE).await);
    let part = ballot_in(&text(&app, PART).await);
    let altered = format!("{}{}", if ballot.starts_with('B') { "A" } else { "B" }, &ballot[1..]);
    for wrong in ["", "x", &altered, &part] {
        let response = app.post_form(ARTICLE, &[("ballot", wrong), ("answer", "yes")]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_ne!(ballot_in(&response.text().await.unwrap()), wrong);
    }
    for answer in ["", "maybe", "YES"] {
        assert_eq!(app.post_form(ARTICLE, &[("ballot", &ballot), ("answer", answer)]).await.status(), StatusCode::OK);
    }
    for path in ["/helpful/nothing/antibodies", "/helpful/fighting-cancer-with-immunotherapy/nothing"] {
        assert_eq!(app.get(path).await.status(), StatusCode::NOT_FOUND);
        let response = app.post_form(path, &[("ballot", &ballot), ("answer", "yes")]).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(rows(&app).await, Vec::<Value>::new());
    app.advance(days(2));
    assert_eq!(app.post_form(ARTICLE, &[("ballot", &ballot), ("answer", "yes")]).await.status(), StatusCode::OK);
    assert_eq!(votes(&app).await, (0, 0), "it was too old");
}

#[tokio::test]
async fn a_used_ballot_is_forgotten_only_when_it_could_not_be_used_again() {
    let app = App::start().await;
    let ballot = ballot_in(&text(&app, ARTICLE).await);
    press(&app, ARTICLE, &ballot, "yes").await;
    app.advance(days(1));
    assert_eq!(voices::forget_ballots(&app.service).await.unwrap(), 0);
    press(&app, ARTICLE, &ballot, "yes").await;
    press(&app, ARTICLE, &ballot, "no").await;
    assert_eq!(votes(&app).await, (0, 1), "it is the same ballot, and the same vote");
    let days_counted: Vec<chrono::NaiveDate> =
        sqlx::query_scalar("select distinct day from helpful_votes").fetch_all(app.db()).await.unwrap();
    assert_eq!(days_counted, ["2026-03-02".parse().unwrap()], "on the day of the first press");
    app.advance(days(1));
    assert_eq!(voices::forget_ballots(&app.service).await.unwrap(), 1);
    assert_eq!(app.post_form(ARTICLE, &[("ballot", &ballot), ("answer", "yes")]).await.status(), StatusCode::OK);
    assert_eq!(votes(&app).await, (0, 1));
}

#[tokio::test]
async fn opening_anything_changes_nothing() {
    let app = App::start().await;
    let used = ballot_in(&text(&app, ARTICLE).await);
    let there = press(&app, ARTICLE, &used, "yes").await;
    let before = rows(&app).await;
    let fresh = ballot_in(&text(&app, ARTICLE).await);
    let survey = format!("/survey/{SERIES}");
    let paths = [
        "/".to_owned(),
        format!("/articles/{SERIES}"),
        format!("/articles/{SERIES}/side-effects"),
        ARTICLE.to_owned(),
        PART.to_owned(),
        there,
        format!("{ARTICLE}?ballot={fresh}&answer=yes"),
        format!("{ARTICLE}?answer=no&ballot={used}"),
        survey.clone(),
        format!("{survey}?q-clear=5&ballot={fresh}"),
        format!("{survey}/thanks"),
    ];
    for path in paths {
        for method in [Method::GET, Method::HEAD] {
            let response = app.http.request(method.clone(), format!("{}{path}", app.base)).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{method} {path}");
        }
    }
    assert_eq!(rows(&app).await, before);
    let robots = text(&app, "/robots.txt").await;
    assert!(robots.contains("Disallow: /helpful/") && robots.contains("Disallow: /survey/"));
}

#[tokio::test]
async fn the_first_view_is_under_sixty_kilobytes() {
    let app = App::start().await;
    for path in ["/", "/?lang=es", "/articles/fighting-cancer-with-immunotherapy/side-effects"] {
        let page = text(&app, path).await;
        let mut octets = page.len();
        let assets = page.split("\"/assets/").skip(1).map(|rest| rest.split('"').next().unwrap());
        let assets: std::collections::BTreeSet<&str> = assets.collect();
        assert!(assets.len() >= 3, "{path}: style, script and icon");
        for asset in assets {
            octets += text(&app, &format!("/assets/{asset}")).await.len();
        }
        assert!(octets < 60_000, "{path}: {octets} octets");
    }
}

#[tokio::test]
async fn one_client_has_so_many_ballots_an_hour() {
    let limits = guards::Limits { network: 2, ..guards::Limits::default() };
    let app = crate::guards::start(guards::Settings { limits, ..guards::Settings::default() }).await;
    for status in [StatusCode::SEE_OTHER, StatusCode::SEE_OTHER, StatusCode::TOO_MANY_REQUESTS] {
        let ballot = ballot_in(&text(&app, PART).await);
        assert_eq!(app.post_form(PART, &[("ballot", &ballot), ("answer", "no")]).await.status(), status);
    }
    assert_eq!(app.count("select count(*) from spent_ballots").await, 2);
    let survey = format!("/survey/{SERIES}");
    let ballot = ballot_in(&text(&app, &survey).await);
    let refused = app.post_form(&survey, &[("ballot", &ballot), ("q-clear", "5")]).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    // A press that only leads to a ballot takes none.
    assert_eq!(app.post_form(PART, &[("answer", "no")]).await.status(), StatusCode::OK);
    app.advance(hours(1));
    let ballot = ballot_in(&text(&app, PART).await);
    assert_eq!(app.post_form(PART, &[("ballot", &ballot), ("answer", "no")]).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn what_cannot_be_read_of_an_address_is_answered_with_a_page_in_the_readers_language() {
    let app = App::start().await;
    for path in [format!("{PART}?ballot=a&ballot=b&lang=es"), "/manage/%ff?lang=es".to_owned()] {
        let response = app.get(&path).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}");
        let html = response.text().await.unwrap();
        assert!(html.contains("<html lang=\"es\">") && html.contains("está incompleto"), "{html}");
    }
}
