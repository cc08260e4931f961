//! "Was this helpful?": a page with two buttons for each article and each part.
//!
//! An article's page is kept by caches and shared by all its readers, so it cannot carry a ballot of its own. A press there
//! without one is answered with this page and a fresh ballot, to be pressed once more; the script fetches the ballot first,
//! so that one press is enough. A ballot is made by a GET, which stores nothing, and counts only when it is posted.
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::{AppState, error_page, failed, private};
use crate::actions::ActionError;
use crate::actions::voices::helpful::{self, HelpfulView, Text, Vote};
use crate::content::MAIN_ARTICLE;
use crate::messages::Language;
use crate::model::{SeriesSlug, StepKey};
use crate::web::error::Problem;
use crate::web::guards::{Client, let_vote};
use crate::web::language::Lang;
use crate::web::pages::{HelpfulPage, helpful_count};

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/helpful/{series}/{*text}", get(show).post(press))
}

/// What a press brings.
#[derive(Debug, Default, Deserialize)]
struct Pressed {
    #[serde(default)]
    answer: String,
    #[serde(default)]
    ballot: String,
}

/// A part by its key, or an article as `articles/` and its slug.
fn text_of(series: &str, text: &str) -> Option<Text> {
    let series = SeriesSlug::parse(series).ok()?;
    Some(match text.strip_prefix("articles/") {
        Some(slug) => Text::Article(series, slug.to_owned()),
        None => Text::Part(series, StepKey::parse(text).ok()?),
    })
}

async fn show(
    State(state): State<AppState>,
    lang: Lang,
    Path((series, text)): Path<(String, String)>,
    Query(query): Query<Pressed>,
    head: HeaderMap,
) -> Response {
    let Some(text) = text_of(&series, &text) else { return no_such(lang) };
    let language = lang.get();
    let view = helpful::look(&state.service, &text, language, Some(&query.ballot)).await;
    answer(lang, view, &text, None, &head)
}

async fn press(
    State(state): State<AppState>,
    lang: Lang,
    client: Client,
    Path((series, text)): Path<(String, String)>,
    head: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(text) = text_of(&series, &text) else { return no_such(lang) };
    let language = lang.get();
    let mut pressed = Pressed::default();
    for (name, value) in url::form_urlencoded::parse(&body) {
        match name.as_ref() {
            "answer" => pressed.answer = value.into_owned(),
            "ballot" => pressed.ballot = value.into_owned(),
            _ => {}
        }
    }
    let vote = Vote::parse(&pressed.answer);
    // A press without a ballot only leads to one.
    let vote_now = vote.filter(|_| !pressed.ballot.is_empty());
    if vote_now.is_some()
        && let Err(error) = let_vote(&state.service, client).await
    {
        return if wants_json(&head) { Problem(error).into_response() } else { failed(language, &error) };
    }
    let counted = match vote_now {
        Some(vote) => helpful::vote(&state.service, &text, &pressed.ballot, vote).await,
        None => Ok(false),
    };
    match counted {
        // The ballot is in the query, which is not logged, and is worth nothing any more but to change one's mind.
        Ok(true) if !wants_json(&head) => see_other(&format!("{}?ballot={}", text.path(), pressed.ballot)),
        Ok(_) => {
            let view = helpful::look(&state.service, &text, language, Some(&pressed.ballot)).await;
            answer(lang, view, &text, vote, &head)
        }
        Err(error) => answer(lang, Err(error), &text, None, &head),
    }
}

fn answer(
    lang: Lang,
    view: Result<HelpfulView, ActionError>,
    text: &Text,
    pressed: Option<Vote>,
    head: &HeaderMap,
) -> Response {
    let language = lang.get();
    if wants_json(head) {
        return match view {
            Ok(view) => Json(as_json(&view, language)).into_response(),
            Err(error) => Problem::from(error).into_response(),
        };
    }
    private(lang, view, |view| page(view, text, pressed).render(language))
}

fn as_json(view: &HelpfulView, language: Language) -> serde_json::Value {
    let count = helpful_count(language, view.tally.yes, view.tally.all);
    json!({ "ballot": view.ballot, "said": view.said, "tally": view.tally, "count": count })
}

fn page(view: HelpfulView, text: &Text, pressed: Option<Vote>) -> HelpfulPage {
    HelpfulPage {
        series_title: view.series_title,
        title: view.title,
        post_to: text.path(),
        ballot: view.ballot,
        pressed: pressed.map(Vote::as_str),
        said: view.said.map(Vote::as_str),
        yes: view.tally.yes,
        all: view.tally.all,
        read_at: match text {
            Text::Part(..) => None,
            Text::Article(series, slug) if slug == MAIN_ARTICLE => Some(format!("/articles/{series}")),
            Text::Article(series, slug) => Some(format!("/articles/{series}/{slug}")),
        },
    }
}

fn no_such(lang: Lang) -> Response {
    error_page(lang.get(), StatusCode::NOT_FOUND, "error-no-page")
}

/// Where a press leads: a reload of what comes then asks for nothing again.
pub(super) fn see_other(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// Only the script asks so.
fn wants_json(head: &HeaderMap) -> bool {
    head.get(header::ACCEPT).is_some_and(|accept| accept == "application/json")
}
