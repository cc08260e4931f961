//! Series: their list, books and texts, and the switch of each.
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use super::asked::{Body, Change, Of, condition, language, slug, step, word};
use super::bodies::{Items, Preview, PreviewOf, Reason, ResumeSeries};
use super::figures::SeriesFigures;
use crate::actions::once::Done;
use crate::actions::series::{self, Moved, SeriesBooks, SeriesLine};
use crate::actions::voices::survey::{self, Figures};
use crate::actions::{dashboard, preview};
use crate::model::Overdue;
use crate::web::AppState;
use crate::web::admin::as_csv;
use crate::web::caller::{May, rights};
use crate::web::error::Problem;

pub(super) fn reading() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_series))
        .routes(routes!(show_series))
        .routes(routes!(show_figures))
        .routes(routes!(show_survey))
        .routes(routes!(survey_as_csv))
        .routes(routes!(preview_step))
}

pub(super) fn changing() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(pause_series)).routes(routes!(resume_series))
}

/// The series that are published
#[utoipa::path(get, path = "/series", tag = "series",
    responses((status = 200, description = "All of them", body = Items<SeriesLine>)))]
async fn list_series(State(state): State<AppState>, _may: May<rights::Figures>) -> Answer<Items<SeriesLine>> {
    Ok(Json(Items { items: series::list(&state.service).await? }))
}

/// The books of a series
///
/// Each delivery counts once, by its current state.
#[utoipa::path(get, path = "/series/{slug}", tag = "series", params(("slug" = String, Path, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")),
    responses((status = 200, description = "The books", body = SeriesBooks),
        (status = 404, description = "There is no such series")))]
async fn show_series(State(state): State<AppState>, _may: May<rights::Figures>, Of(of): Of) -> Answer<SeriesBooks> {
    Ok(Json(series::books(&state.service, &slug(&of)?).await?))
}

/// How a series does: funnel, books, days, what comes next
///
/// All of one moment, which `as_of` tells: it may be a little while ago.
#[utoipa::path(get, path = "/series/{slug}/figures", tag = "series", params(("slug" = String, Path, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")),
    responses((status = 200, description = "As the overview shows it", body = SeriesFigures),
        (status = 404, description = "There is no such series")))]
async fn show_figures(State(state): State<AppState>, _may: May<rights::Figures>, Of(of): Of) -> Answer<SeriesFigures> {
    let figures = dashboard::look(&state.service, &slug(&of)?).await?;
    Ok(Json(SeriesFigures::from(&*figures)))
}

/// What readers said in the survey
///
/// Figures are in steps of five, and of days that are over.
#[utoipa::path(get, path = "/series/{slug}/survey", tag = "series", params(("slug" = String, Path, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")),
    responses((status = 200, description = "The figures", body = Figures),
        (status = 404, description = "There is no such series, or it has no survey")))]
async fn show_survey(State(state): State<AppState>, _may: May<rights::Figures>, Of(of): Of) -> Answer<Figures> {
    Ok(Json(survey::figures(&state.service, &slug(&of)?).await?))
}

/// The same as a table
#[utoipa::path(get, path = "/series/{slug}/survey.csv", tag = "series", params(("slug" = String, Path, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")),
    responses((status = 200, description = "A line for each answer", body = String, content_type = "text/csv"),
        (status = 404, description = "There is no such series, or it has no survey")))]
async fn survey_as_csv(
    State(state): State<AppState>,
    _may: May<rights::Figures>,
    Of(of): Of,
) -> Result<Response, Problem> {
    Ok(as_csv(&survey::figures(&state.service, &slug(&of)?).await?))
}

/// How a step looks
///
/// It changes nothing. It is a POST so that the condition stands in no query.
#[utoipa::path(post, path = "/series/{slug}/preview", tag = "series", params(("slug" = String, Path, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")),
    request_body = PreviewOf,
    responses((status = 200, description = "Subject, HTML and plain text", body = Preview),
        (status = 404, description = "There is no such series, step or condition")))]
async fn preview_step(
    State(state): State<AppState>,
    _may: May<rights::Preview>,
    Of(of): Of,
    Body(body): Body<PreviewOf>,
) -> Answer<Preview> {
    let step = step(&body.step)?;
    let condition = body.condition.as_deref().map(condition).transpose()?;
    let slug = slug(&of)?;
    let language = match language(body.language.as_deref())? {
        Some(language) => language,
        None => state.service.series(&slug)?.words,
    };
    let mail = preview::preview_in(&state.service, &slug, language, &step, condition.as_ref())?.mail;
    let (html_bytes, text) = (mail.html.len(), mail.text);
    Ok(Json(Preview { subject: mail.subject, preheader: mail.preheader, html: mail.html, text, html_bytes }))
}

/// Pause a series
///
/// Nothing of it is handed to a relay any more, confirmations included.
#[utoipa::path(post, path = "/series/{slug}/pause", tag = "series", params(("slug" = String, Path, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")),
    request_body = Reason,
    responses((status = 200, description = "It is paused", body = Done),
        (status = 404, description = "There is no such series"),
        (status = 409, description = "It is paused already")))]
async fn pause_series(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Of(of): Of,
    Change(_reason, cause): Change<Reason>,
) -> Answer<Done> {
    Ok(Json(series::pause(&state.service, &slug(&of)?, &cause.of(&by)).await?))
}

/// Let a series go on
///
/// What fell due meanwhile is sent, shifted or skipped, as `overdue` says.
#[utoipa::path(post, path = "/series/{slug}/resume", tag = "series", params(("slug" = String, Path, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")),
    request_body = ResumeSeries,
    responses((status = 200, description = "It goes on; so many deliveries it was about", body = Moved),
        (status = 404, description = "There is no such series"),
        (status = 409, description = "It is not paused")))]
async fn resume_series(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Of(of): Of,
    Change(body, cause): Change<ResumeSeries>,
) -> Answer<Moved> {
    let overdue = word::<Overdue>("overdue", body.overdue.as_deref())?.unwrap_or(Overdue::Shift);
    Ok(Json(series::resume(&state.service, &slug(&of)?, overdue, &cause.of(&by)).await?))
}
