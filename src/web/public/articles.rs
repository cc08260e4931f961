//! The article beside which readers sign up, those related to it, and the policies.
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use chrono::Datelike as _;

use super::{AppState, error_page, html};
use crate::actions::Service;
use crate::actions::voices::helpful::{self, Tally, Text};
use crate::content::{MAIN_ARTICLE, Policy, Related, Series};
use crate::messages::Language;
use crate::model::SeriesSlug;
use crate::web::guards;
use crate::web::language::Lang;
use crate::web::pages::{
    AfterArticle, ArticleHead, ArticlePage, Card, ConditionOption, HelpfulBox, PolicyPage, RelatedPage, Review,
    SeriesListPage, Share, SignUpBox, Source, SurveyOffer,
};
use crate::web::subscribe::{Faults, Typed};

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(front))
        .route("/articles/{slug}", get(article_of))
        .route("/articles/{slug}/{related}", get(related_of))
        .route("/privacy", get(async |state, lang| policy(state, lang, Policy::Privacy)))
        .route("/terms", get(async |state, lang| policy(state, lang, Policy::Terms)))
}

/// The article of the only series, or a list of several.
async fn front(State(state): State<AppState>, lang: Lang) -> Response {
    let language = lang.get();
    let library = state.service.library();
    let series = || library.series.keys().filter_map(|slug| library.series_in(slug, language));
    match library.series.len() {
        0 => error_page(language, StatusCode::NOT_FOUND, "error-nothing-published"),
        1 => match series().next() {
            Some(series) => main_article(&state, &series, language).await,
            None => error_page(language, StatusCode::NOT_FOUND, "error-nothing-published"),
        },
        _ => {
            let card = |series: std::sync::Arc<Series>| Card {
                title: series.title.clone(),
                description: series.article.description.clone(),
                path: article_path(&series, MAIN_ARTICLE),
            };
            let canonical = format!("{}/", state.service.public_url());
            let page = SeriesListPage { series: series().map(card).collect(), canonical };
            as_public(html(StatusCode::OK, page.render(language)))
        }
    }
}

async fn article_of(State(state): State<AppState>, lang: Lang, Path(slug): Path<String>) -> Response {
    let language = lang.get();
    let library = state.service.library();
    match SeriesSlug::parse(&slug).ok().and_then(|slug| library.series_in(&slug, language)) {
        Some(series) => main_article(&state, &series, language).await,
        None => error_page(language, StatusCode::NOT_FOUND, "error-no-article"),
    }
}

async fn main_article(state: &AppState, series: &Series, language: Language) -> Response {
    let mut page = article(&state.service, series, language, &Typed::default(), &Faults::default());
    page.after = Some(after(&state.service, series, MAIN_ARTICLE, &page.head, language).await);
    as_public(html(StatusCode::OK, page.render(language)))
}

async fn related_of(
    State(state): State<AppState>,
    lang: Lang,
    Path((slug, related)): Path<(String, String)>,
) -> Response {
    let language = lang.get();
    let library = state.service.library();
    let series = SeriesSlug::parse(&slug).ok().and_then(|slug| library.series_in(&slug, language));
    match series.as_ref().and_then(|series| Some((series, series.related(&related)?))) {
        Some((series, related)) => related_article(&state.service, series, related, language).await,
        None => error_page(language, StatusCode::NOT_FOUND, "error-no-article"),
    }
}

async fn related_article(service: &Service, series: &Series, related: &Related, language: Language) -> Response {
    let Related { slug, title, description, byline, html: text, sources } = related;
    let head = head(service, series, slug, [title, description, byline]);
    let after = after(service, series, slug, &head, language).await;
    let page = RelatedPage {
        head,
        html: text.clone(),
        sources: sources_of(sources),
        series_title: series.title.clone(),
        parts: series.steps.len(),
        sign_up_path: format!("{}#sign-up", article_path(series, MAIN_ARTICLE)),
        language: language.tag().to_owned(),
        after: Some(after),
    };
    as_public(html(StatusCode::OK, page.render(language)))
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
    ArticlePage {
        head: head(service, series, MAIN_ARTICLE, [&article.title, &article.description, &article.byline]),
        before_sign_up_html: article.before_sign_up.clone(),
        after_sign_up_html: article.after_sign_up.clone(),
        sources: sources_of(&article.sources),
        sign_up: sign_up_box(service, series, language, typed, faults, "/subscribe"),
        language: language.tag().to_owned(),
        after: None,
    }
}

/// The form of a series, which posts to a path of ours.
pub(in crate::web) fn sign_up_box(
    service: &Service,
    series: &Series,
    language: Language,
    typed: &Typed,
    faults: &Faults,
    post_to: &str,
) -> SignUpBox {
    let condition = |one: &crate::content::Condition| ConditionOption {
        key: one.key.as_str().to_owned(),
        name: one.name.clone(),
        selected: one.key.as_str() == typed.condition,
    };
    SignUpBox {
        post_to: post_to.to_owned(),
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
    }
}

/// Where an article of a series is.
pub(super) fn article_path(series: &Series, slug: &str) -> String {
    let series = &series.slug;
    if slug == MAIN_ARTICLE { format!("/articles/{series}") } else { format!("/articles/{series}/{slug}") }
}

/// `says` are title, description and byline.
fn head(service: &Service, series: &Series, slug: &str, says: [&String; 3]) -> ArticleHead {
    let [title, description, byline] = says.map(Clone::clone);
    let edited = series.last_edited;
    ArticleHead {
        title,
        description,
        byline,
        text_language: series.language.clone(),
        review: Review {
            date: edited.to_string(),
            day: edited.day(),
            month: edited.month(),
            year: edited.year(),
            reviewer: series.reviewer.as_ref().map(|name| name.trim_end_matches('.').to_owned()),
        },
        sponsor: series.sponsor.clone(),
        canonical: format!("{}{}", service.public_url(), article_path(series, slug)),
    }
}

async fn after(service: &Service, series: &Series, slug: &str, head: &ArticleHead, language: Language) -> AfterArticle {
    let text = Text::Article(series.slug.clone(), slug.to_owned());
    let tally = known_tally(service, &text).await;
    let card = |slug: &str, title: &str, description: &str| Card {
        title: title.to_owned(),
        description: description.to_owned(),
        path: article_path(series, slug),
    };
    let main = card(MAIN_ARTICLE, &series.article.title, &series.article.description);
    let others = series.related.iter().filter(|one| one.slug != slug);
    let others = others.map(|one| card(&one.slug, &one.title, &one.description));
    AfterArticle {
        helpful: HelpfulBox { post_to: text.path(), yes: tally.yes, all: tally.all },
        share: Share::new(language, &head.title, &head.canonical),
        related: (slug != MAIN_ARTICLE).then_some(main).into_iter().chain(others).collect(),
        survey: series
            .survey
            .as_ref()
            .map(|survey| SurveyOffer { path: format!("/survey/{}", series.slug), minutes: survey.minutes }),
    }
}

/// The article is there also when the database is away or slow; then it shows no count.
async fn known_tally(service: &Service, text: &Text) -> Tally {
    let tally = tokio::time::timeout(Duration::from_millis(250), helpful::tally(service, text)).await;
    tally.ok().and_then(Result::ok).unwrap_or_default()
}

fn sources_of(sources: &[crate::content::Source]) -> Vec<Source> {
    let source = |one: &crate::content::Source| Source {
        publisher: one.publisher.clone(),
        title: one.title.clone(),
        url: one.url.clone(),
    };
    sources.iter().map(source).collect()
}

fn policy(State(state): State<AppState>, lang: Lang, policy: Policy) -> Response {
    let language = lang.get();
    let library = state.service.library();
    let page = library.policy_in(policy, language);
    let page = PolicyPage { title: page.title.clone(), version: page.version.clone(), html: page.html.clone() };
    as_public(html(StatusCode::OK, page.render(language)))
}

/// A page that may be kept for a while by whoever fetched it.
pub(in crate::web) fn as_public(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language, cookie"));
    response
}
