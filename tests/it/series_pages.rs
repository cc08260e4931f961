//! A series as admins see it before its readers do.
use chrono::{DateTime, Utc};
use regimen::actions::rehearsal::{self, Ask, When};
use regimen::content::Bundle;
use regimen::model::{Role, SeriesSlug, Zone};
use reqwest::{Method, StatusCode};

use crate::support::admins::Browser;
use crate::support::{App, SERIES, Setup, days};

const HERE: &str = "/admin/series/fighting-cancer-with-immunotherapy";

#[tokio::test]
async fn what_a_rehearsal_says_is_what_the_dispatcher_does() {
    // Ten to midnight in New York, a week before the clocks go forward.
    let start = "2026-03-02T04:50:00Z".parse().unwrap();
    let app = App::start_with(Setup { start, ..Setup::default() }).await;
    app.enroll("reader@example.org").await;
    app.live_through(days(20)).await;
    let sent: Vec<(String, DateTime<Utc>)> = sqlx::query_as(
        "select step, series_settled_at from deliveries where kind = 'step' and state = 'accepted' order by due_at",
    )
    .fetch_all(app.db())
    .await
    .unwrap();

    let series = app.service.series(&SeriesSlug::parse(SERIES).unwrap()).unwrap();
    let zones = vec![Zone::parse("America/New_York").unwrap()];
    let from = "2026-01-12".parse().unwrap();
    let found = rehearsal::rehearse(&series, &Ask { from, zones, hour: None, spacing: None });
    let reader = found.readers.iter().find(|reader| reader.when == When::BeforeForward).unwrap();
    assert_eq!(reader.confirmed, start);
    let said: Vec<(String, DateTime<Utc>)> = reader.parts.iter().map(|part| (part.step.clone(), part.due)).collect();
    assert_eq!(said.len(), 6);
    assert_eq!(said, sent);
}

#[tokio::test]
async fn a_viewer_rehearses_the_series_for_whom_they_like() {
    let app = App::start().await;
    let mut browser = Browser::signed_in(&app, Role::Viewer).await;
    let path = format!("{HERE}/rehearsal");
    assert_eq!(browser.get(&app, &path).await.0, StatusCode::OK);
    assert!(browser.html.contains("Pacific/Kiritimati") && browser.html.contains("clock +30 min"), "{}", browser.html);

    let asked = format!("{path}?from=2026-03-22&zone=Europe/Berlin&spacing=1&hour=");
    assert_eq!(browser.get(&app, &asked).await.0, StatusCode::OK);
    assert!(!browser.html.contains("Pacific/Kiritimati"));
    // The second part may not come on the morning after; from there on they are a day apart.
    assert!(browser.html.contains("2026-03-24 09:00") && browser.html.contains("shortest gap"), "{}", browser.html);

    assert_eq!(browser.get(&app, &format!("{path}?zone=Moon/Crater")).await.0, StatusCode::CONFLICT);
    assert!(browser.html.contains("There is no such time zone"));
    assert_eq!(browser.get(&app, "/admin/series/nothing/rehearsal").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_parts_are_on_a_time_line_with_what_could_be_better() {
    let app = App::start().await;
    let mut browser = Browser::signed_in(&app, Role::Viewer).await;
    browser.get(&app, "/admin").await;
    assert!(browser.html.contains(&format!("href=\"{HERE}\"")), "the overview leads there");
    assert_eq!(browser.get(&app, "/admin/series").await.0, StatusCode::OK);
    assert!(browser.html.contains(&format!("href=\"{HERE}\"")));
    assert_eq!(browser.get(&app, HERE).await.0, StatusCode::OK);
    let html = &browser.html;
    for part in
        ["Day 0 · Part 1: What is immunotherapy?", "Day 15 · Part 6: Is immunotherapy for me?", "English, Español"]
    {
        assert!(html.contains(part), "{part}: {html}");
    }
    // The example content says of itself what it lacks.
    assert!(html.contains("medical review is pending") && html.contains("is an example address"), "{html}");
    assert_eq!(browser.get(&app, "/admin/series/nothing").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_editor_sees_what_the_content_on_the_disk_would_change() {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in Bundle::embedded().files() {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let setup = Setup { content_folder: Some(folder.path().to_owned()), ..Setup::default() };
    let app = App::start_with(setup).await;
    app.enroll("reader@example.org").await;
    let mut browser = Browser::signed_in(&app, Role::Editor).await;
    browser.get(&app, "/admin/series").await;
    assert!(browser.html.contains("href=\"/admin/series-changes\""));
    assert_eq!(browser.get(&app, "/admin/series-changes").await.0, StatusCode::OK);
    assert!(browser.html.contains("Nothing: no step, no text and no rule differs"), "{}", browser.html);

    let file = folder.path().join(SERIES).join("series.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let later =
        text.replacen("delay = \"3d\"", "delay = \"5d\"", 1).replacen("min_gap = \"20h\"", "min_gap = \"18h\"", 1);
    std::fs::write(&file, &later).unwrap();
    browser.get(&app, "/admin/series-changes").await;
    for part in ["re-timed from 3d to 5d", "1200m → 1080m", "Nothing happens to any of them"] {
        assert!(browser.html.contains(part), "{part}: {}", browser.html);
    }

    std::fs::write(&file, later.replace("window", "windows")).unwrap();
    browser.get(&app, "/admin/series-changes").await;
    assert!(
        browser.html.contains("would not be published") && browser.html.contains("series.toml"),
        "{}",
        browser.html
    );
    assert_eq!(app.count("select count(*) from content_versions").await, 1, "nothing was published");

    let mut viewer = Browser::signed_in(&app, Role::Viewer).await;
    assert_eq!(viewer.get(&app, "/admin/series-changes").await.0, StatusCode::FORBIDDEN);
    viewer.get(&app, "/admin/series").await;
    assert!(!viewer.html.contains("series-changes"));
}

#[tokio::test]
async fn an_editor_looks_at_a_part_as_a_reader_would_get_it() {
    let app = App::start().await;
    let mut browser = Browser::signed_in(&app, Role::Editor).await;
    browser.get(&app, HERE).await;
    let path = format!("{HERE}/steps/antibodies");
    assert!(browser.html.contains(&format!("href=\"{path}\"")));
    let asked = format!("{path}?condition=2&language=es&colours=dark&zone=Asia/Kolkata&hour=18:00");
    assert_eq!(browser.get(&app, &asked).await.0, StatusCode::OK);
    let html = &browser.html;
    assert!(html.contains("Anticuerpos") && html.contains("Lung cancer</option>") || html.contains("pulm"), "{html}");
    // It is Monday evening in Kolkata; three days later at the hour that was chosen.
    assert!(html.contains("A reader in Asia/Kolkata who confirms now gets it on Thursday, March 5 at 18:00"), "{html}");
    for header in ["List-Unsubscribe-Post", "Message-ID", "Feedback-ID", "reader@example.com"] {
        assert!(html.contains(header), "{header}");
    }
    assert!(html.contains("this process has no DKIM key") && html.contains("percent of the 102 KB"));
    // No illness stands in an address of ours.
    assert!(!html.contains("condition=lung") && !html.contains("value=\"lung\""));

    assert_eq!(browser.get(&app, &format!("{path}?condition=99&language=xx")).await.0, StatusCode::OK, "the first");
    assert_eq!(browser.get(&app, &format!("{HERE}/steps/nothing")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_test_comes_in_the_language_that_is_looked_at() {
    let app = App::start().await;
    let mut browser = Browser::signed_in(&app, Role::Editor).await;
    let path = format!("{HERE}/steps/antibodies");
    for language in ["es", "en"] {
        browser.get(&app, &format!("{path}?language={language}")).await;
        let sent = browser.between("name=\"language\" value=\"", "\"").unwrap();
        let fields = [("condition", "1"), ("language", sent.as_str()), ("to", "editor@example.org")];
        assert_eq!(browser.post(&app, &format!("{path}/test"), &fields).await.0, StatusCode::SEE_OTHER);
    }
    app.dispatch_all_due().await;
    let subjects: Vec<String> = app.mails_to("editor@example.org").iter().map(|mail| mail.subject.clone()).collect();
    assert!(subjects[0].contains("nticuerpos") && subjects[1].contains("ntibodies"), "{subjects:?}");
}

#[tokio::test]
async fn the_mail_in_the_frame_can_do_nothing_and_is_dark_when_asked() {
    let app = App::start().await;
    let browser = Browser::signed_in(&app, Role::Editor).await;
    let path = format!("{HERE}/steps/antibodies");
    let page = browser.request(&app, Method::GET, &path).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("frame-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let framed = async |query: &str| {
        let path = format!("{path}/html?{query}");
        let response = browser.request(&app, Method::GET, &path).send().await.unwrap();
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("sandbox ") && policy.contains("default-src 'none'"), "{policy}");
        assert!(!policy.contains("script") && policy.contains("frame-ancestors 'self'"), "{policy}");
        response.text().await.unwrap()
    };
    let (light, dark) = (framed("").await, framed("colours=dark").await);
    assert!(light.contains("@media not all") && dark.contains("@media all"));
    assert!(!light.contains("(prefers-color-scheme") && light.contains("<base target=\"_blank\">"));
    assert_ne!(framed("condition=1").await, framed("condition=2").await, "each condition has its passage");
}

#[tokio::test]
async fn a_test_goes_to_an_editor_and_to_nobody_else() {
    let app = App::start().await;
    let mut browser = Browser::signed_in(&app, Role::Editor).await;
    let path = format!("{HERE}/steps/antibodies");
    browser.get(&app, &path).await;
    let to = |to: &'static str| [("condition", "2"), ("to", to)];
    let (status, _) = browser.post(&app, &format!("{path}/test"), &to("reader@example.org")).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(browser.html.contains("test sends go only to editors"), "{}", browser.html);
    let (status, location) = browser.post(&app, &format!("{path}/test"), &to("editor@example.org")).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(browser.follow(&app, &location).await, StatusCode::OK);
    assert!(browser.html.contains("The test will be sent in a moment."));
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("reader@example.org").len(), 0);
    let mails = app.mails_to("editor@example.org");
    assert!(mails.len() == 1 && mails[0].subject.starts_with("[Test] "), "{:?}", app.subjects("editor@example.org"));
    assert_eq!(app.count("select count(*) from audit_log where action = 'test send'").await, 1);
    // A viewer sees the parts and no mail.
    let mut viewer = Browser::signed_in(&app, Role::Viewer).await;
    viewer.get(&app, HERE).await;
    assert!(!viewer.html.contains("/steps/"));
    assert_eq!(viewer.get(&app, &path).await.0, StatusCode::FORBIDDEN);
}
