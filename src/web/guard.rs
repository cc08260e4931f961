//! What every answer carries, and the one log line of a request.
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::Instrument as _;
use tracing::field::Empty;

use super::language::kept_choice;
use super::{AppState, upload};

/// No third party, and no inline script or style.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
     img-src 'self' data:; form-action 'self'; base-uri 'none'";
/// What all pages have but the few that have to do with frames.
static NO_FRAME: LazyLock<HeaderValue> = LazyLock::new(|| policy("frame-ancestors 'none'"));

/// The policy of all pages, with what it says about frames.
pub(super) fn policy(frames: &str) -> HeaderValue {
    // Origins were checked when they were read, so this is a header; were it none, nobody could frame the page.
    HeaderValue::from_str(&format!("{CONTENT_SECURITY_POLICY}; {frames}"))
        .unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"))
}

/// No answer takes longer to begin, but that to a file, which is waited for octet by octet ([`super::upload`]).
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn timely(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if request.method() == Method::POST && upload::PATHS.contains(&path) {
        return next.run(request).await;
    }
    let answered = tokio::time::timeout(PATIENCE, next.run(request)).await;
    answered.unwrap_or_else(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())
}

/// Sets the security headers that a handler has not set, and logs, counts and traces route, status and time: never the path itself, which
/// may carry a token, nor a query.
pub(super) async fn headers_and_log(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "(none)".to_owned(), |path| path.as_str().to_owned());
    let choice = kept_choice(&method, request.uri());
    let span = tracing::info_span!(
        parent: None,
        "request",
        otel.name = format!("{} {route}", known(&method)),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = known(&method),
        http.route = route,
        http.response.status_code = Empty,
    );
    let mut response = next.run(request).instrument(span.clone()).await;
    let headers = response.headers_mut();
    if let Some(choice) = choice {
        headers.append(header::SET_COOKIE, choice);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert_with(|| NO_FRAME.clone());
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, header::REFERRER_POLICY, "no-referrer");
    set(headers, header::CACHE_CONTROL, "no-store");
    set(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    let (status, took) = (response.status().as_u16(), began.elapsed());
    state.service.metrics().answered(known(&method), &route, status, took);
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(%method, route, status, millis, "answered a request");
    response
}

/// A method of a label. A client may make up others, as many as it likes.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|one| *one == method.as_str()).unwrap_or("other")
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}
