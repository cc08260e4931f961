//! Readers: their list, one reader's history, and what an admin changes for one.
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use super::asked::{Ask, Body, Change, address, limit, slug, word};
use super::bodies::{OfAddress, OfReader, OneAddress};
use crate::actions::once::Done;
use crate::actions::readers::export::{self, Export};
use crate::actions::readers::{self, Dossier, ListReaders, Reader};
use crate::actions::{Page, suppress};
use crate::model::{EnrollmentState, Format};
use crate::web::caller::{May, rights};
use crate::web::error::Problem;
use crate::web::{AppState, files};

pub(super) fn reading() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_subscribers))
        .routes(routes!(show_subscriber))
        .routes(routes!(export_subscribers))
}

pub(super) fn changing() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(pause_subscriber))
        .routes(routes!(resume_subscriber))
        .routes(routes!(suppress_address))
        .routes(routes!(unsuppress_address))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SubscribersQuery {
    /// `pending`, `active`, `paused`, `completed`, `unsubscribed`, `suppressed`, `erased` or `expired`.
    state: Option<String>,
    series: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// 100 if it is not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<i64>,
}

/// Enrollments, page by page
///
/// The condition is shown nowhere, since no admin's task needs it.
#[utoipa::path(get, path = "/subscribers", tag = "subscribers", params(SubscribersQuery),
    responses((status = 200, description = "A page of enrollments", body = Page<Reader>)))]
async fn list_subscribers(
    State(state): State<AppState>,
    by: May<rights::Readers>,
    Ask(query): Ask<SubscribersQuery>,
) -> Answer<Page<Reader>> {
    let ask = ListReaders {
        state: word::<EnrollmentState>("state", query.state.as_deref())?,
        series: query.series.as_deref().map(slug).transpose()?,
        after: query.after,
        limit: limit(query.limit)?,
    };
    Ok(Json(readers::list(&state.service, &ask, &by.actor()).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// As for the list.
    state: Option<String>,
    series: Option<String>,
    /// `csv` or `json-lines`; `csv` if it is not said.
    format: Option<String>,
}

/// Enrollments as a file
///
/// It is sent while it is made, so it may be as long as it likes; one that breaks off is not whole. The condition is not in it.
#[utoipa::path(get, path = "/subscribers/export", tag = "subscribers", params(ExportQuery),
    responses((status = 200, description = "A line for each enrollment", body = String, content_type = "text/csv"),
        (status = 404, description = "There is no such series")))]
async fn export_subscribers(
    State(state): State<AppState>,
    by: May<rights::Export>,
    Ask(query): Ask<ExportQuery>,
) -> Result<Response, Problem> {
    let ask = export::Ask {
        series: query.series.as_deref().map(slug).transpose()?,
        state: word::<EnrollmentState>("state", query.state.as_deref())?,
        condition: false,
    };
    let format = word::<Format>("format", query.format.as_deref())?.unwrap_or(Format::Csv);
    let export = Export::begin(&state.service, ask, format, &by.actor()).await?;
    Ok(files::of_readers(&state, export, format).await?)
}

/// All about one address
///
/// It changes nothing. It is a POST so that the address stands in no path.
#[utoipa::path(post, path = "/subscribers/show", tag = "subscribers", request_body = OneAddress,
    responses((status = 200, description = "Enrollments, deliveries, attempts and consents", body = Dossier),
        (status = 404, description = "The address is no subscriber's")))]
async fn show_subscriber(
    State(state): State<AppState>,
    by: May<rights::Readers>,
    Body(body): Body<OneAddress>,
) -> Answer<Dossier> {
    Ok(Json(readers::show(&state.service, &address("address", &body.address)?, &by.actor()).await?))
}

/// Pause one reader's series
#[utoipa::path(post, path = "/subscribers/pause", tag = "subscribers", request_body = OfReader,
    responses((status = 200, description = "It is paused", body = Done),
        (status = 404, description = "There is no such subscriber, or enrollment"),
        (status = 409, description = "It is not active")))]
async fn pause_subscriber(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Change(body, cause): Change<OfReader>,
) -> Answer<Done> {
    let (address, series) = (address("address", &body.address)?, slug(&body.series)?);
    Ok(Json(readers::pause(&state.service, &address, &series, &cause.of(&by)).await?))
}

/// Let one reader's series go on
///
/// What is left comes as much later as the pause was long.
#[utoipa::path(post, path = "/subscribers/resume", tag = "subscribers", request_body = OfReader,
    responses((status = 200, description = "It goes on", body = Done),
        (status = 404, description = "There is no such subscriber, or enrollment"),
        (status = 409, description = "It is not paused")))]
async fn resume_subscriber(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Change(body, cause): Change<OfReader>,
) -> Answer<Done> {
    let (address, series) = (address("address", &body.address)?, slug(&body.series)?);
    Ok(Json(readers::resume(&state.service, &address, &series, &cause.of(&by)).await?))
}

/// Never mail an address again
///
/// Ends what it has open, whether or not it is a subscriber's.
#[utoipa::path(post, path = "/subscribers/suppress", tag = "subscribers", request_body = OfAddress,
    responses((status = 200, description = "It is suppressed", body = Done)))]
async fn suppress_address(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Change(body, cause): Change<OfAddress>,
) -> Answer<Done> {
    Ok(Json(suppress::suppress(&state.service, &address("address", &body.address)?, &cause.of(&by)).await?))
}

/// Lift a suppression
///
/// Nothing starts again by itself: the reader signs up anew.
#[utoipa::path(post, path = "/subscribers/unsuppress", tag = "subscribers", request_body = OfAddress,
    responses((status = 200, description = "It is lifted", body = Done),
        (status = 404, description = "The address is not suppressed")))]
async fn unsuppress_address(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Change(body, cause): Change<OfAddress>,
) -> Answer<Done> {
    Ok(Json(suppress::unsuppress(&state.service, &address("address", &body.address)?, &cause.of(&by)).await?))
}
