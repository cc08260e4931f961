//! A page in the admins' frame, and what is said on it.
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};

use super::gate::{SignedIn, Visitor};
use super::route;
use crate::actions::ActionError;
use crate::messages::{self, Language, Values};
use crate::web::error::WebError;
use crate::web::pages::admin::{AdminErrorPage, AdminPage, Notice, Shell};
use crate::web::public::html;

/// What a page may say after a form: the only words that `?said=` can put on it.
const SAID: [&str; 23] = [
    "imports-sent",
    "imports-started",
    "imports-cancelled",
    "webhooks-done",
    "webhooks-deleted",
    "reader-done",
    "choose-done",
    "password-changed",
    "second-factor-turned-off",
    "session-ended",
    "sessions-ended",
    "people-invited",
    "people-changed",
    "tokens-gone",
    "runs-started",
    "runs-paused",
    "runs-resumed",
    "runs-cancelled",
    "runs-thrown-away",
    "runs-test-sent",
    "step-test-sent",
    "series-paused",
    "series-resumed",
];

/// What a page of somebody who is signed in answers.
pub(in crate::web) fn page(by: &SignedIn, page: &impl AdminPage, notice: Option<Notice>) -> Response {
    let status = match &notice {
        Some(notice) if notice.problem => StatusCode::CONFLICT,
        _ => StatusCode::OK,
    };
    page_for(&by.visitor, status, page, notice)
}

pub(super) fn page_for(
    visitor: &Visitor,
    status: StatusCode,
    page: &impl AdminPage,
    notice: Option<Notice>,
) -> Response {
    // A page that leads to a session shows nothing of one that there is: its forms go by another token.
    let session = visitor.session.as_ref();
    let session = session.filter(|session| !session.waits && session.form_token == visitor.form_token);
    let shell = Shell {
        name: session.map(|session| session.name.clone()),
        nav: session.map(|session| route::nav(session, &visitor.path, visitor.language)).unwrap_or_default(),
        form_token: visitor.form_token.clone(),
        notice,
    };
    let mut response = html(status, page.render(visitor.language, &shell));
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow"));
    // Without this a browser would not say where a form was sent from.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// After a form: another page, which says what was done. `said` is a message of [`SAID`].
pub(in crate::web) fn done(path: &str, said: &'static str) -> Response {
    debug_assert!(SAID.contains(&said), "{said}");
    Redirect::to(&format!("{path}?said={said}#said")).into_response()
}

/// What `?said=` asks a page to say.
pub(in crate::web) fn said(language: Language, key: Option<&str>) -> Option<Notice> {
    let key = SAID.into_iter().find(|one| Some(*one) == key)?;
    Some(Notice { text: messages::text(language, key), problem: false })
}

pub(in crate::web) fn problem(language: Language, key: &str) -> Notice {
    Notice { text: messages::text(language, key), problem: true }
}

/// Why something was not done, to be said on the page it was asked on; what is no refusal is a page of its own.
pub(in crate::web) fn refusal(language: Language, error: ActionError) -> Result<Notice, WebError> {
    match error {
        ActionError::Refused(why) => {
            let text = messages::filled(language, "refused", &Values::new().with("why", why.as_str()));
            Ok(Notice { text, problem: true })
        }
        other => Err(WebError::from(other)),
    }
}

/// A page that says what went wrong; it stands without navigation, since it may be the database that did.
pub(in crate::web) fn failed(language: Language, error: &WebError) -> Response {
    let page = AdminErrorPage { status: error.status().as_u16(), detail: messages::text(language, error.message()) };
    let mut response = html(error.status(), page.render(language, &Shell::default()));
    if let Some(seconds) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

pub(super) fn add_cookies(headers: &mut HeaderMap, cookies: impl IntoIterator<Item = Option<HeaderValue>>) {
    for cookie in cookies.into_iter().flatten() {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// `2026-03-02 17:00`, in UTC.
pub(in crate::web) fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}
