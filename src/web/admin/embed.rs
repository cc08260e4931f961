//! What a publisher copies into a page of theirs: the sign-up box as a script, as a frame or as a plain form, with a
//! live preview.
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::gate::SignedIn;
use super::route::{Needs, Route};
use super::{AppState, shell};
use crate::content::Series;
use crate::messages::Language;
use crate::model::{EmbedOrigin, Right, SeriesSlug};
use crate::web::embed::{Look, Theme};
use crate::web::error::WebError;
use crate::web::guard;
use crate::web::pages::{Card, ConditionOption, EmbedListPage, EmbedSnippetsPage, Snippets};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/admin/embed", Needs::Right(Right::Figures), list).in_nav("admin-nav-embed"),
        Route::get("/admin/embed/{series}", Needs::Right(Right::Figures), show),
    ]
}

/// Where the snippets of a series are.
pub(super) fn path(series: &SeriesSlug) -> String {
    format!("/admin/embed/{series}")
}

/// The snippets of the only series, or a list of several.
async fn list(State(state): State<AppState>, by: SignedIn) -> Response {
    let library = state.service.library();
    let slugs: Vec<&SeriesSlug> = library.series.keys().collect();
    if let [only] = slugs[..] {
        return Redirect::to(&path(only)).into_response();
    }
    let card = |series: &std::sync::Arc<Series>| Card {
        title: series.title.clone(),
        description: series.article.description.clone(),
        path: path(&series.slug),
    };
    shell::page(&by, &EmbedListPage { series: library.series.values().map(card).collect() }, None)
}

/// The box's look as the form above the preview asks for it; not under `lang`, which is the admin's own language.
#[derive(Debug, Default, Deserialize)]
struct Options {
    #[serde(default)]
    language: String,
    #[serde(default)]
    theme: String,
}

async fn show(
    State(state): State<AppState>,
    by: SignedIn,
    Path(slug): Path<String>,
    Query(options): Query<Options>,
) -> Response {
    let look = Look { language: Language::parse(&options.language), theme: Theme::parse(&options.theme) };
    // The words of the snippets are for readers, those around them for the admin.
    let words = look.language.unwrap_or(by.visitor.language);
    let Some(series) = SeriesSlug::parse(&slug).ok().and_then(|slug| state.service.library().series_in(&slug, words))
    else {
        return shell::failed(by.visitor.language, &WebError::NotFound("There is no such series.".into()));
    };
    let snippets = snippets(state.service.public_url(), &series, words, look);
    let page = EmbedSnippetsPage {
        series_slug: series.slug.to_string(),
        series_title: series.title.clone(),
        language: look.language.map(Language::tag),
        theme: look.theme.map(Theme::word),
        languages: Language::ALL.iter().map(|one| (one.tag(), one.own_name(), look.language == Some(*one))).collect(),
        themes: Theme::ALL.iter().map(|one| (one.word(), look.theme == Some(*one))).collect(),
        frame_path: look.path(&series.slug),
        origins: state.embeds.origins.iter().map(EmbedOrigin::to_string).collect(),
        site: snippets.site.clone(),
        script: snippets.script(words),
        frame: snippets.frame(words),
        form: snippets.form(words),
    };
    let mut response = shell::page(&by, &page, None);
    // The preview is a frame of our own.
    let policy = guard::policy("frame-ancestors 'none'; frame-src 'self'");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

fn snippets(public_url: &str, series: &Series, words: Language, look: Look) -> Snippets {
    let condition = |one: &crate::content::Condition| ConditionOption {
        key: one.key.as_str().to_owned(),
        name: one.name.clone(),
        selected: false,
    };
    Snippets {
        site: public_url.to_owned(),
        series_slug: series.slug.to_string(),
        series_title: series.title.clone(),
        language: look.language.map(Language::tag),
        theme: look.theme.map(Theme::word),
        // As HTML: nothing else in it needs to be escaped.
        frame_path: look.path(&series.slug).replace('&', "&amp;"),
        form_language: words.tag(),
        conditions: series.conditions.iter().map(condition).collect(),
    }
}
