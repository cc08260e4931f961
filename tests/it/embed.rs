//! The sign-up box on other sites: who may frame it, and that whatever it is answered with stays in the frame.
use chrono::TimeDelta;
use regimen::actions::guards::{Limits, Settings};
use regimen::actions::sign_up;
use regimen::model::Role;
use reqwest::{Method, Response, StatusCode};

use crate::guards::{guarded, hidden};
use crate::support::admins::Browser;
use crate::support::{App, SERIES, Setup};
use crate::voices::two_series;

const BOX: &str = "/embed/fighting-cancer-with-immunotherapy";
const NEWS: &str = "https://news.example.org";

async fn start(guards: Settings) -> App {
    App::start_with(Setup { embed_origins: vec![NEWS], guards, ..Setup::default() }).await
}

/// Whom an answer lets frame it.
fn ancestors(response: &Response) -> String {
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self';"), "{policy}");
    policy.split("; ").find_map(|one| one.strip_prefix("frame-ancestors ")).unwrap().to_owned()
}

/// The page, after a look at what every answer in a frame has.
async fn in_frame(response: Response, status: StatusCode) -> String {
    assert_eq!(response.status(), status);
    assert_eq!(ancestors(&response), format!("'self' {NEWS}"));
    assert!(!response.headers().contains_key("set-cookie"));
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    let html = response.text().await.unwrap();
    assert!(html.contains("class=\"framed\"") && !html.contains("<header class=\"top\">"), "{html}");
    html
}

async fn subscribers(app: &App) -> i64 {
    app.count("select count(*) from subscribers").await
}

#[tokio::test]
async fn only_the_box_can_be_framed_and_only_by_whom_the_configuration_names() {
    let app = start(guarded()).await;
    in_frame(app.get(BOX).await, StatusCode::OK).await;
    in_frame(app.get("/embed/no-such-series?theme=dark").await, StatusCode::NOT_FOUND).await;
    for path in [
        "/",
        "/privacy",
        "/nowhere",
        "/confirm/x",
        "/admin",
        "/embed.js",
        "/embed",
        "/survey/nothing",
        "/subscribe/token",
    ] {
        assert_eq!(ancestors(&app.get(path).await), "'none'", "{path}");
    }
    let page = app.post_form("/subscribe", &[("series", SERIES)]).await;
    assert_eq!((page.status(), ancestors(&page).as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "'none'"));

    let nobody = App::start().await;
    assert_eq!(ancestors(&nobody.get(BOX).await), "'self'", "without a setting no other site may");
}

#[tokio::test]
async fn the_box_speaks_the_language_of_the_page_around_it_and_keeps_no_cookie() {
    let app = start(guarded()).await;
    let spanish = app.get(&format!("{BOX}?lang=es&theme=dark")).await;
    assert_eq!(spanish.headers()["cache-control"], "public, max-age=60");
    let spanish = in_frame(spanish, StatusCode::OK).await;
    assert!(spanish.contains("<html lang=\"es\" data-theme=\"dark\">") && spanish.contains("Comenzar"));
    assert!(app.get("/?lang=es").await.headers().contains_key("set-cookie"), "as our own pages do");
    let asked = app.http.get(format!("{}{BOX}", app.base)).header("accept-language", "es").send().await.unwrap();
    assert!(in_frame(asked, StatusCode::OK).await.contains("<html lang=\"es\">"));

    // What answers the form goes on in that language and in those colours.
    let path = format!("{BOX}?lang=es&theme=dark");
    let faulty = in_frame(app.post_form(&path, &[("language", "es")]).await, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(faulty.contains("<html lang=\"es\" data-theme=\"dark\">"), "{faulty}");
    assert_eq!(faulty.matches("role=\"alert\"").count(), 1);
}

#[tokio::test]
async fn a_sign_up_through_the_box_is_one_and_its_consent_says_where_it_came_from() {
    let app = start(guarded()).await;
    let html = in_frame(app.get(BOX).await, StatusCode::OK).await;
    let token = hidden(&html, "token");
    let fields = [
        ("series", "another-that-the-address-does-not-name"),
        ("email", "reader@example.org"),
        ("condition", "kidney"),
        ("timezone", "Asia/Tokyo"),
        ("language", "en"),
        ("token", &token),
    ];
    let fast = in_frame(app.post_form(BOX, &fields).await, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(fast.contains("That was fast!") && fast.contains(&format!("action=\"{BOX}\"")), "{fast}");
    app.advance(TimeDelta::seconds(2));
    let done = in_frame(app.post_form(BOX, &fields).await, StatusCode::OK).await;
    assert!(done.contains("Check your inbox") && done.contains(&format!("<a href=\"{BOX}\">")), "{done}");
    let channels: Vec<String> = sqlx::query_scalar("select channel from consents").fetch_all(app.db()).await.unwrap();
    assert_eq!(channels, ["embed"]);
    app.dispatch_all_due().await;
    app.confirm("reader@example.org").await;

    // Whether somebody is known is told in no frame, either.
    let again = in_frame(app.post_form(BOX, &fields).await, StatusCode::OK).await;
    assert_eq!(again, done);
}

#[tokio::test]
async fn a_robot_without_a_token_gets_one_button_and_one_in_the_trap_what_all_get() {
    let app = start(guarded()).await;
    let fields = [("email", "reader@example.org"), ("condition", "lung"), ("language", "es")];
    let html =
        in_frame(app.post_form(&format!("{BOX}?theme=light"), &fields).await, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(html.matches("type=\"submit\"").count(), 1);
    assert!(html.contains("Pulse una vez más") && html.contains("<html lang=\"es\" data-theme=\"light\">"), "{html}");
    assert_eq!(hidden(&html, "email"), "reader@example.org");
    let trapped = [&fields[..], &[("reader_remark", "hello")]].concat();
    let html = in_frame(app.post_form(BOX, &trapped).await, StatusCode::OK).await;
    assert!(html.contains("class=\"steps\""), "{html}");
    assert_eq!(subscribers(&app).await, 0);
}

#[tokio::test]
async fn who_has_to_wait_is_told_so_in_the_frame_and_keeps_what_was_typed() {
    let limits = Limits { network: 1, ..Limits::default() };
    let app = start(Settings { form_token: false, limits, ..guarded() }).await;
    let fields = [("email", "reader@example.org"), ("condition", "kidney")];
    in_frame(app.post_form(BOX, &fields).await, StatusCode::OK).await;
    let page = app.post_form(BOX, &fields).await;
    assert!(page.headers().contains_key("retry-after"));
    let html = in_frame(page, StatusCode::TOO_MANY_REQUESTS).await;
    assert!(html.contains("value=\"reader@example.org\"") && html.contains("another connection"), "{html}");

    let sign_ups = sign_up::Limits { most_waiting: 0, ..sign_up::Limits::default() };
    let guards = Settings { form_token: false, ..guarded() };
    let busy = App::start_with(Setup { embed_origins: vec![NEWS], sign_ups, guards, ..Setup::default() }).await;
    let page = busy.post_form(BOX, &fields).await;
    assert!(page.headers().contains_key("retry-after"));
    let html = in_frame(page, StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(html.contains("value=\"reader@example.org\"") && html.contains("You are not signed up yet"), "{html}");
}

#[tokio::test]
async fn the_script_has_one_address_and_may_be_used_by_any_page() {
    let app = start(guarded()).await;
    let script = app.get("/embed.js").await;
    assert_eq!(script.status(), StatusCode::OK);
    for (name, value) in [
        ("content-type", "text/javascript; charset=utf-8"),
        ("cache-control", "public, max-age=3600"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(script.headers()[name], value);
    }
    let etag = script.headers()["etag"].to_str().unwrap().to_owned();
    assert!(script.text().await.unwrap().contains("Inscríbase en una serie"));
    let url = format!("{}/embed.js", app.base);
    let kept = app.http.get(url).header("if-none-match", etag).send().await.unwrap();
    assert_eq!(kept.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(kept.headers()["cross-origin-resource-policy"], "cross-origin");
}

#[tokio::test]
async fn admins_find_what_publishers_copy_and_nobody_else_does() {
    let app = start(guarded()).await;
    let snippets = format!("/admin/embed/{SERIES}");
    let admin = Browser::signed_in(&app, Role::Viewer).await;
    let ask = async |path: &str| admin.request(&app, Method::GET, path).send().await.unwrap();
    for path in ["/admin", "/admin/embed", &snippets] {
        let response = app.get(path).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}");
        assert!(response.headers()["location"].to_str().unwrap().starts_with("/admin/sign-in?next="));
    }
    let index = ask("/admin").await.text().await.unwrap();
    assert!(
        index.contains(&format!("href=\"{snippets}\"")) && index.contains(&format!("href=\"/admin/survey/{SERIES}\""))
    );
    assert_eq!(ask("/admin/embed").await.headers()["location"], snippets.as_str(), "there is one series");
    assert_eq!(ask("/admin/embed/nothing").await.status(), StatusCode::NOT_FOUND);

    let page = ask(&format!("{snippets}?language=es&theme=dark")).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(!page.headers().contains_key("set-cookie"), "it is the box whose language was chosen");
    assert_eq!(ancestors(&page), "'none'");
    assert!(page.headers()["content-security-policy"].to_str().unwrap().ends_with("; frame-src 'self'"));
    let html = page.text().await.unwrap();
    assert!(html.contains("<html lang=\"en\">") && html.contains(NEWS));
    assert!(html.contains(&format!(
        "<script src=\"/embed.js\" data-series=\"{SERIES}\" data-lang=\"es\" data-theme=\"dark\" async>"
    )));
    for copied in [
        "https://series.example.org/embed.js",
        "https://series.example.org/embed/",
        "https://series.example.org/subscribe",
    ] {
        assert!(html.contains(copied), "{copied}");
    }

    let two = App::start_with(Setup { bundle: two_series(), ..Setup::default() }).await;
    let mut admin = Browser::signed_in(&two, Role::Viewer).await;
    admin.get(&two, "/admin/embed").await;
    let list = admin.html;
    assert_eq!(list.matches("<li class=\"card\">").count(), 2);
}
