//! The sign-up box on other people's sites: a page of its own that stands in a frame there, and the script that puts it
//! there. Only sites that the configuration names may frame it.
//!
//! Whatever the form is answered with stays in the frame's own shell. The site around it can see how high the box is and
//! that another page was loaded in it, and nothing else.
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use super::AppState;
use super::guards::Client;
use super::language::Lang;
use super::public::{as_public, html, sign_up_box};
use super::subscribe::{Faults, Form, Typed, form_fields};
use crate::content::Series;
use crate::messages::{self, Language};
use crate::model::{EmbedOrigin, SeriesSlug};
use crate::web::pages::{EmbedPage, ErrorPage, Frame};
use crate::web::{assets, guard};

pub(super) fn router(state: AppState) -> Router<AppState> {
    Router::new()
        .route("/embed/{series}", get(show).post(submit))
        .route_layer(middleware::from_fn_with_state(state, framed))
        .route("/embed.js", get(script))
}

/// Who may frame the box.
#[derive(Debug)]
pub(super) struct Embeds {
    pub(super) origins: Vec<EmbedOrigin>,
    policy: HeaderValue,
}

impl Embeds {
    /// Our own pages may always: the admin's preview is one.
    pub(super) fn on(origins: Vec<EmbedOrigin>) -> Arc<Self> {
        let named = std::iter::once("'self'").chain(origins.iter().map(EmbedOrigin::as_str));
        let policy = guard::policy(&format!("frame-ancestors {}", named.collect::<Vec<&str>>().join(" ")));
        Arc::new(Self { origins, policy })
    }
}

/// How the box looks, as its address says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) language: Option<Language>,
    pub(super) theme: Option<Theme>,
}

/// A choice of colours; without one they are as the reader's system has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub(super) const ALL: [Self; 2] = [Self::Light, Self::Dark];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

impl Look {
    /// Where the box of a series is in this look.
    pub(super) fn path(self, series: &SeriesSlug) -> String {
        let wishes = [("lang", self.language.map(Language::tag)), ("theme", self.theme.map(Theme::word))];
        let wishes = wishes.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        let query = wishes.collect::<Vec<String>>().join("&");
        if query.is_empty() { format!("/embed/{series}") } else { format!("/embed/{series}?{query}") }
    }
}

/// What the address of the box may ask for. What it does not know is as if it were not there.
#[derive(Debug, Default, Deserialize)]
struct Wishes {
    #[serde(default)]
    lang: String,
    #[serde(default)]
    theme: String,
}

impl Wishes {
    fn look(&self) -> Look {
        Look { language: Language::parse(&self.lang), theme: Theme::parse(&self.theme) }
    }
}

/// These pages alone may stand in a frame. A site that isolates itself (COEP) may hold them, too.
async fn framed(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, state.embeds.policy.clone());
    headers.insert(HeaderName::from_static("cross-origin-embedder-policy"), HeaderValue::from_static("require-corp"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    response
}

async fn show(
    State(state): State<AppState>,
    lang: Lang,
    Path(slug): Path<String>,
    Query(wishes): Query<Wishes>,
) -> Response {
    let (language, look) = (lang.get(), wishes.look());
    let Some(series) = series_of(&state, &slug, language) else { return not_there(language, look) };
    let (frame, typed) = (frame(&series, look), Typed::default());
    let form = Form { service: &state.service, series: &series, language, typed: &typed, frame: Some(&frame) };
    as_public(html(StatusCode::OK, again(&form, &frame, &Faults::default())))
}

async fn submit(
    State(state): State<AppState>,
    lang: Lang,
    client: Client,
    Path(slug): Path<String>,
    Query(wishes): Query<Wishes>,
    body: Bytes,
) -> Response {
    let (typed, look) = (form_fields(&body), wishes.look());
    let language = typed.language(lang);
    let Some(series) = series_of(&state, &slug, language) else { return not_there(language, look) };
    let frame = frame(&series, look);
    Form { service: &state.service, series: &series, language, typed: &typed, frame: Some(&frame) }.answer(client).await
}

fn series_of(state: &AppState, slug: &str, language: Language) -> Option<Arc<Series>> {
    state.service.library().series_in(&SeriesSlug::parse(slug).ok()?, language)
}

fn frame(series: &Series, look: Look) -> Frame {
    let other = |language: Language| (language, Look { language: Some(language), ..look }.path(&series.slug));
    Frame {
        theme: look.theme.map(Theme::word),
        path: look.path(&series.slug),
        article_path: format!("/articles/{}", series.slug),
        text_language: series.language.clone(),
        sponsor: series.sponsor.clone(),
        languages: Language::ALL.map(other).to_vec(),
    }
}

fn not_there(language: Language, look: Look) -> Response {
    let frame = Frame { theme: look.theme.map(Theme::word), ..Frame::default() };
    let [title, detail] = ["error-not-here", "error-no-series"].map(|key| messages::text(language, key));
    let page = ErrorPage { status: StatusCode::NOT_FOUND.as_u16(), title, detail };
    html(StatusCode::NOT_FOUND, page.render_in(language, Some(&frame)))
}

/// The box with what was typed, and what is wrong with it.
pub(super) fn again(form: &Form<'_>, frame: &Frame, faults: &Faults) -> String {
    let page = EmbedPage {
        sign_up: sign_up_box(form.service, form.series, form.language, form.typed, faults, &frame.path),
        frame: frame.clone(),
    };
    page.render(form.language)
}

/// The script has one address, which is written in other people's pages, so that is kept for an hour and then asked for
/// again.
async fn script(headers: HeaderMap) -> Response {
    let mut response = assets::answer(&SCRIPT, &headers, "public, max-age=3600");
    let anywhere = HeaderValue::from_static("cross-origin");
    response.headers_mut().insert(HeaderName::from_static("cross-origin-resource-policy"), anywhere);
    response
}

static SCRIPT: LazyLock<assets::Asset> = LazyLock::new(|| {
    let words = |language: Language| {
        let say = |key| messages::text(language, key);
        (language.tag().to_owned(), serde_json::json!({ "title": say("embed-title"), "link": say("embed-link") }))
    };
    let words: serde_json::Map<String, serde_json::Value> = Language::ALL.into_iter().map(words).collect();
    let source =
        include_str!("assets/embed.js").replacen("{/* words */}", &serde_json::Value::Object(words).to_string(), 1);
    assets::asset("text/javascript; charset=utf-8", Box::leak(source.into_boxed_str()).as_bytes())
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_in_the_address_and_nothing_else_is() {
        let series = SeriesSlug::parse("a-series").unwrap();
        let path = |lang: &str, theme: &str| Wishes { lang: lang.into(), theme: theme.into() }.look().path(&series);
        assert_eq!(path("", ""), "/embed/a-series");
        assert_eq!(path("es-MX", "dark"), "/embed/a-series?lang=es&theme=dark");
        assert_eq!(path("tlh", "light"), "/embed/a-series?theme=light");
        assert_eq!(path("en", "auto"), "/embed/a-series?lang=en");
        assert_eq!(path("\"><script>", "x"), "/embed/a-series");
    }

    #[test]
    fn the_script_has_its_words_in_every_language_and_is_small() {
        let script = std::str::from_utf8(SCRIPT.bytes).unwrap();
        for language in Language::ALL {
            for key in ["embed-title", "embed-link"] {
                assert!(script.contains(&messages::text(language, key)), "{language}: {key}");
            }
        }
        assert!(!script.contains("/* words */") && script.len() < 8 * 1024, "{} octets", script.len());
        // What a page with a strict policy would refuse, or what would send something somewhere.
        for word in [
            "innerHTML",
            "cssText",
            "setAttribute(\"style\"",
            "eval(",
            "fetch(",
            "XMLHttpRequest",
            "sendBeacon",
            "cookie",
            "Storage",
        ] {
            assert!(!script.contains(word), "{word}");
        }
    }

    #[test]
    fn the_policy_names_who_may_frame_the_box() {
        let ancestors = |origins: &[&str]| {
            let origins = origins.iter().map(|one| EmbedOrigin::parse(one).unwrap()).collect();
            let policy = Embeds::on(origins).policy.to_str().unwrap().to_owned();
            policy.split("frame-ancestors ").nth(1).unwrap().to_owned()
        };
        assert_eq!(ancestors(&[]), "'self'");
        let both = ["https://news.example.org", "https://*.example.com"];
        assert_eq!(ancestors(&both), "'self' https://news.example.org https://*.example.com");
    }
}
