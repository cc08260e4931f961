//! The reader's pages, a file for each theme. Whatever changes something is a POST from a real button; a GET or HEAD only
//! shows.
mod articles;
mod calendar;
mod calendar_file;
mod fresh;
mod helpful;
mod links;
mod survey;

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::compression::CompressionLayer;

use super::error::WebError;
use super::language::Lang;
use super::subscribe::subscribe;
use super::{AppState, assets};
use crate::actions::ActionError;
use crate::messages::{self, Language};
use crate::web::pages::ErrorPage;

pub(super) use articles::{article, as_public, sign_up_box};

/// Pages behind a token are nobody's to find.
const ROBOTS: &str = "User-agent: *\nDisallow: /confirm/\nDisallow: /unsubscribe/\nDisallow: /manage/\nDisallow: /fresh/\n\
     Disallow: /never/\nDisallow: /helpful/\nDisallow: /survey/\nDisallow: /admin/\n";

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .merge(compressed())
        .merge(calendar::router())
        .merge(fresh::router())
        .merge(links::router())
        .merge(helpful::router())
        .merge(survey::router())
        .merge(super::guards::router())
        .route("/subscribe", post(subscribe))
        .route("/robots.txt", get(async || ROBOTS))
        .fallback(async |lang: Lang| error_page(lang.get(), StatusCode::NOT_FOUND, "error-no-page"))
        .method_not_allowed_fallback(async |lang: Lang| {
            error_page(lang.get(), StatusCode::METHOD_NOT_ALLOWED, "error-method")
        })
        .layer(middleware::from_fn(in_our_words))
}

/// A path or query that cannot be read is refused before a handler sees it, in words for programmers. Readers get a page.
async fn in_our_words(lang: Lang, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    match response.status() {
        StatusCode::BAD_REQUEST if kind.is_some_and(|kind| kind.starts_with("text/plain")) => {
            error_page(lang.get(), StatusCode::BAD_REQUEST, "error-link-incomplete")
        }
        _ => response,
    }
}

/// What is the same for everybody. A page that answers what somebody typed, or stands behind a token, is never compressed:
/// from the length of such an answer its secret could be guessed.
fn compressed() -> Router<AppState> {
    articles::router().route("/assets/{name}", get(asset)).layer(CompressionLayer::new())
}

async fn asset(lang: Lang, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = assets::get(&name) else {
        return error_page(lang.get(), StatusCode::NOT_FOUND, "error-no-file");
    };
    // The name changes with the content.
    let mut response = assets::answer(&asset, &headers, assets::CACHE_CONTROL);
    // The sign-up box may stand in a site that isolates itself, and a worker of it must say that it would, too.
    let isolated = HeaderName::from_static("cross-origin-embedder-policy");
    response.headers_mut().insert(isolated, HeaderValue::from_static("require-corp"));
    response
}

pub(super) fn html(status: StatusCode, page: String) -> Response {
    (status, axum::response::Html(page)).into_response()
}

/// A page behind a token: kept by nobody, told to nobody, found by nobody.
fn private<T>(lang: Lang, view: Result<T, ActionError>, page: impl FnOnce(T) -> String) -> Response {
    unlisted(match view {
        Ok(view) => html(StatusCode::OK, page(view)),
        Err(error) => failed(lang.get(), &WebError::from(error)),
    })
}

/// An answer behind a token: search engines are told to pass it over. What no answer of ours leaves out is said by
/// `guard.rs`: it is kept by nobody, and tells nobody where it was.
fn unlisted(mut response: Response) -> Response {
    let robots = HeaderName::from_static("x-robots-tag");
    response.headers_mut().insert(robots, HeaderValue::from_static("noindex, nofollow"));
    response
}

/// The page that says what went wrong.
pub(super) fn failed(language: Language, error: &WebError) -> Response {
    error_page(language, error.status(), error.message())
}

/// `detail` is a message.
pub(super) fn error_page(language: Language, status: StatusCode, detail: &str) -> Response {
    let title = match status {
        StatusCode::NOT_FOUND => "error-not-here",
        StatusCode::SERVICE_UNAVAILABLE => "error-later",
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::UNSUPPORTED_MEDIA_TYPE => "error-not-so",
        _ => "error-wrong",
    };
    let [title, detail] = [title, detail].map(|key| messages::text(language, key));
    let mut response = html(status, ErrorPage { status: status.as_u16(), title, detail }.render(language));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}
