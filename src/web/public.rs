//! The reader's pages. Whatever changes something is a POST from a real button; a GET or HEAD only shows.
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::error::WebError;
use super::subscribe::{Faults, Typed, subscribe};
use super::{AppState, assets};
use crate::actions::confirm::{self, LinkState, LinkView};
use crate::actions::unsubscribe::{self, ManageView, UnsubscribeView};
use crate::actions::{ActionError, suppress};
use crate::content::{Policy, Series};
use crate::model::{EnrollmentState, SeriesSlug};
use crate::web::pages::{
    AlreadyConfirmedPage, ArticlePage, ConditionOption, ConfirmPage, ConfirmedPage, ErrorPage, ExpiredPage, ManagePage,
    ManageState, NeverDonePage, NeverPage, NewLinkSentPage, PolicyPage, SignUpBox, Source, SupersededPage,
    UnsubscribePage, UnsubscribedPage,
};

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(front))
        .route("/articles/{slug}", get(article_of))
        .route("/subscribe", post(subscribe))
        .route("/confirm/{token}", get(show_confirm).post(press_confirm))
        .route("/confirm/{token}/new-link", post(new_link))
        .route("/unsubscribe/{token}", get(show_unsubscribe).post(press_unsubscribe))
        .route("/manage/{token}", get(show_manage))
        .route("/manage/{token}/pause", post(press_pause))
        .route("/manage/{token}/resume", post(press_resume))
        .route("/never/{token}", get(show_never).post(press_never))
        .route("/privacy", get(async |state| policy(state, Policy::Privacy)))
        .route("/terms", get(async |state| policy(state, Policy::Terms)))
        .route("/assets/{name}", get(asset))
        .route("/robots.txt", get(async || "User-agent: *\nDisallow: /confirm/\nDisallow: /unsubscribe/\nDisallow: /manage/\nDisallow: /never/\n"))
        .fallback(async || error_page(StatusCode::NOT_FOUND, "There is no page at this address. Start from the front page."))
        .method_not_allowed_fallback(async || {
            error_page(StatusCode::METHOD_NOT_ALLOWED, "This page cannot be used that way. Start from the front page.")
        })
}

async fn front(State(state): State<AppState>) -> Response {
    match state.service.library().series.values().next() {
        Some(series) => public(html(StatusCode::OK, article(series, &Typed::default(), &Faults::default()).render())),
        None => error_page(StatusCode::NOT_FOUND, "Nothing is published here yet."),
    }
}

async fn article_of(State(state): State<AppState>, Path(slug): Path<String>) -> Response {
    let library = state.service.library();
    match SeriesSlug::parse(&slug).ok().and_then(|slug| library.series.get(&slug)) {
        Some(series) => public(html(StatusCode::OK, article(series, &Typed::default(), &Faults::default()).render())),
        None => error_page(StatusCode::NOT_FOUND, "There is no such article. Start from the front page."),
    }
}

/// The article with its sign-up box; what was typed is kept, and what is wrong stands beside its field.
pub(super) fn article(series: &Series, typed: &Typed, faults: &Faults) -> ArticlePage {
    let article = &series.article;
    let condition = |one: &crate::content::Condition| ConditionOption {
        key: one.key.as_str().to_owned(),
        name: one.name.clone(),
        selected: one.key.as_str() == typed.condition,
    };
    let source = |one: &crate::content::Source| Source {
        publisher: one.publisher.clone(),
        title: one.title.clone(),
        url: one.url.clone(),
    };
    ArticlePage {
        title: article.title.clone(),
        description: article.description.clone(),
        byline: article.byline.clone(),
        language: series.language.clone(),
        before_sign_up_html: article.before_sign_up.clone(),
        after_sign_up_html: article.after_sign_up.clone(),
        sources: article.sources.iter().map(source).collect(),
        review_line: series.review_line(),
        sponsor: series.sponsor.clone(),
        sign_up: SignUpBox {
            series_slug: series.slug.to_string(),
            series_title: series.title.clone(),
            parts: series.steps.len(),
            conditions: series.conditions.iter().map(condition).collect(),
            // Kept for correcting: what no address has, and no page can carry, is left out.
            email: typed.email.chars().filter(|one| !one.is_control()).take(254).collect(),
            email_error: faults.email.clone(),
            condition_error: faults.condition.clone(),
            passing_error: faults.passing.clone(),
            timezone: typed.timezone.chars().filter(|one| !one.is_control()).take(64).collect(),
        },
    }
}

async fn show_confirm(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    private(confirm::look(&state.service, &token).await.map(|view| match view.state {
        LinkState::Ready => {
            ConfirmPage { series_title: view.series_title, post_to: format!("/confirm/{token}") }.render()
        }
        _ => link_page(view, &token),
    }))
}

async fn press_confirm(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    match confirm::confirm(&state.service, &token).await {
        Ok(view) if view.state == LinkState::Ready => {
            private(Ok(ConfirmedPage { series_title: view.series_title, parts: view.parts }.render()))
        }
        other => private(other.map(|view| link_page(view, &token))),
    }
}

/// A link that can no longer confirm.
fn link_page(view: LinkView, token: &str) -> String {
    let series_title = view.series_title;
    match view.state {
        LinkState::Ready | LinkState::AlreadyDone => AlreadyConfirmedPage { series_title }.render(),
        LinkState::Expired => ExpiredPage { series_title, post_to: format!("/confirm/{token}/new-link") }.render(),
        LinkState::Superseded => SupersededPage { series_title }.render(),
        LinkState::Left => UnsubscribedPage { series_title }.render(),
    }
}

async fn new_link(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    private(confirm::send_new_link(&state.service, &token).await.map(|()| NewLinkSentPage {}.render()))
}

async fn show_unsubscribe(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    private(unsubscribe::look(&state.service, &token).await.map(|view| unsubscribe_page(view, &token)))
}

/// The page's button and one-click (RFC 8058) alike: no cookie, no token in the body, no Origin, and no redirect. The
/// body is not looked at.
async fn press_unsubscribe(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    private(unsubscribe::unsubscribe(&state.service, &token).await.map(|view| unsubscribe_page(view, &token)))
}

fn unsubscribe_page(view: UnsubscribeView, token: &str) -> String {
    let series_title = view.series_title;
    if view.done {
        UnsubscribedPage { series_title }.render()
    } else {
        UnsubscribePage { series_title, post_to: format!("/unsubscribe/{token}") }.render()
    }
}

async fn show_manage(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    private(unsubscribe::manage_look(&state.service, &token).await.map(|view| manage_page(&view, &token)))
}

async fn press_pause(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    let paused = unsubscribe::pause_by_reader(&state.service, &token).await;
    manage_after(&state, &token, paused).await
}

async fn press_resume(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    let resumed = unsubscribe::resume_by_reader(&state.service, &token).await;
    manage_after(&state, &token, resumed).await
}

async fn manage_after(state: &AppState, token: &str, done: Result<(), ActionError>) -> Response {
    let view = match done {
        Ok(()) => unsubscribe::manage_look(&state.service, token).await,
        Err(error) => Err(error),
    };
    private(view.map(|view| manage_page(&view, token)))
}

fn manage_page(view: &ManageView, token: &str) -> String {
    let state = match view.state {
        EnrollmentState::Active => ManageState::Active,
        EnrollmentState::Paused => ManageState::Paused,
        _ => ManageState::Ended,
    };
    let next = view.next.filter(|_| view.state == EnrollmentState::Active).map(|(part, due_at)| {
        let local = view.zone.local(due_at);
        format!(
            "Part {part} arrives {}, about {}, your time ({}).",
            local.format("%A, %B %-d"),
            local.format("%-H:%M"),
            view.zone
        )
    });
    ManagePage {
        series_title: view.series_title.clone(),
        state,
        next,
        received: view.received as usize,
        parts: view.parts as usize,
        pause_to: (view.state == EnrollmentState::Active).then(|| format!("/manage/{token}/pause")),
        resume_to: (view.state == EnrollmentState::Paused).then(|| format!("/manage/{token}/resume")),
        unsubscribe_to: view.unsubscribe_path.clone(),
        contact: view.contact.clone(),
    }
    .render()
}

async fn show_never(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    private(
        suppress::never_look(&state.service, &token)
            .await
            .map(|()| NeverPage { post_to: format!("/never/{token}") }.render()),
    )
}

async fn press_never(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    private(suppress::never(&state.service, &token).await.map(|()| NeverDonePage {}.render()))
}

fn policy(State(state): State<AppState>, policy: Policy) -> Response {
    let library = state.service.library();
    let page = library.policy(policy);
    let page = PolicyPage { title: page.title.clone(), version: page.version.clone(), html: page.html.clone() };
    public(html(StatusCode::OK, page.render()))
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = assets::get(&name) else {
        return error_page(StatusCode::NOT_FOUND, "There is no such file.");
    };
    let unchanged = headers.get(header::IF_NONE_MATCH).is_some_and(|given| given == asset.etag);
    let mut response = if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { asset.bytes.into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    if let Ok(etag) = HeaderValue::from_str(asset.etag) {
        headers.insert(header::ETAG, etag);
    }
    // The name changes with the content.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    response
}

pub(super) fn html(status: StatusCode, page: String) -> Response {
    (status, axum::response::Html(page)).into_response()
}

/// A page that may be kept for a while by whoever fetched it.
fn public(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    response
}

/// A page behind a token: kept by nobody, told to nobody, found by nobody.
fn private(page: Result<String, ActionError>) -> Response {
    let mut response = match page {
        Ok(page) => html(StatusCode::OK, page),
        Err(error) => {
            let error = WebError::from(error);
            error_page(error.status(), &error.detail())
        }
    };
    let robots = HeaderName::from_static("x-robots-tag");
    response.headers_mut().insert(robots, HeaderValue::from_static("noindex, nofollow"));
    response
}

pub(super) fn error_page(status: StatusCode, detail: &str) -> Response {
    let title = match status {
        StatusCode::NOT_FOUND => "This page is not here",
        StatusCode::SERVICE_UNAVAILABLE => "Please try again in a minute",
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::UNSUPPORTED_MEDIA_TYPE => "That does not work here",
        _ => "Something went wrong",
    };
    let page = ErrorPage { status: status.as_u16(), title: title.to_owned(), detail: detail.to_owned() };
    let mut response = html(status, page.render());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}
