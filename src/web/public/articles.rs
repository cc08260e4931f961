//! The article beside which readers sign up, and the policies.
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;

use super::{AppState, error_page, html};
use crate::actions::Service;
use crate::content::{Policy, Series};
use crate::messages::Language;
use crate::model::SeriesSlug;
use crate::web::guards;
use crate::web::language::Lang;
use crate::web::pages::{ArticlePage, ConditionOption, PolicyPage, SignUpBox, Source};
use crate::web::subscribe::{Faults, Typed};

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(front))
        .route("/articles/{slug}", get(article_of))
        .route("/privacy", get(async |state, lang| policy(state, lang, Policy::Privacy)))
        .route("/terms", get(async |state, lang| policy(state, lang, Policy::Terms)))
}

async fn front(State(state): State<AppState>, lang: Lang) -> Response {
    let language = lang.get();
    let library = state.service.library();
    match library.series.keys().next().and_then(|slug| library.series_in(slug, language)) {
        Some(series) => public(html(StatusCode::OK, plain(&state, &series, language))),
        None => error_page(language, StatusCode::NOT_FOUND, "error-nothing-published"),
    }
}

async fn article_of(State(state): State<AppState>, lang: Lang, Path(slug): Path<String>) -> Response {
    let language = lang.get();
    let library = state.service.library();
    match SeriesSlug::parse(&slug).ok().and_then(|slug| library.series_in(&slug, language)) {
        Some(series) => public(html(StatusCode::OK, plain(&state, &series, language))),
        None => error_page(language, StatusCode::NOT_FOUND, "error-no-article"),
    }
}

fn plain(state: &AppState, series: &Series, language: Language) -> String {
    article(&state.service, series, language, &Typed::default(), &Faults::default()).render(language)
}

/// The article with its sign-up box; what was typed is kept, and what is wrong stands beside its field.
pub(in crate::web) fn article(
    service: &Service,
    series: &Series,
    language: Language,
    typed: &Typed,
    faults: &Faults,
) -> ArticlePage {
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
        text_language: series.language.clone(),
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
            language: language.tag().to_owned(),
            guards: guards::fields(service, &series.slug, &typed.token),
        },
    }
}

fn policy(State(state): State<AppState>, lang: Lang, policy: Policy) -> Response {
    let language = lang.get();
    let library = state.service.library();
    let page = library.policy_in(policy, language);
    let page = PolicyPage { title: page.title.clone(), version: page.version.clone(), html: page.html.clone() };
    public(html(StatusCode::OK, page.render(language)))
}

/// A page that may be kept for a while by whoever fetched it.
fn public(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language, cookie"));
    response
}
