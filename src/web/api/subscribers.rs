//! Readers: their list, one reader's history, and what an admin changes for one.
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use super::asked::{Ask, Body, Change, address, limit, slug, step, word};
use super::bodies::{OfAddress, OfReader, OfStep, OneAddress};
use crate::actions::manage::erase;
use crate::actions::manage::export as taken;
use crate::actions::once::Done;
use crate::actions::readers::export::{self, Export};
use crate::actions::readers::{self, Dossier, ListReaders, Reader};
use crate::actions::trigger::{self, Triggered};
use crate::actions::{Page, suppress, unsubscribe};
use crate::model::{EnrollmentState, Format};
use crate::web::caller::{May, rights};
use crate::web::error::Problem;
use crate::web::{AppState, files};

pub(super) fn reading() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_subscribers))
        .routes(routes!(show_subscriber))
        .routes(routes!(export_subscriber))
        .routes(routes!(export_subscribers))
}

pub(super) fn changing() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(pause_subscriber))
        .routes(routes!(resume_subscriber))
        .routes(routes!(resend_step))
        .routes(routes!(move_subscriber))
        .routes(routes!(unsubscribe_subscriber))
        .routes(routes!(suppress_address))
        .routes(routes!(unsuppress_address))
        .routes(routes!(erase_subscriber))
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
#[utoipa::path(get, path = "/export", tag = "subscribers", params(ExportQuery),
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

/// Send one reader a step again
///
/// One that the reader has had, or was passed by. It is another copy, and the reader's place in the series stays as it is. Only
/// while the series is active for the reader.
#[utoipa::path(post, path = "/subscribers/resend", tag = "subscribers", request_body = OfStep,
    responses((status = 200, description = "The run that sends it", body = Triggered),
        (status = 404, description = "There is no such series, step, subscriber or enrollment"),
        (status = 409, description = "The step is still to come, or is on its way")))]
async fn resend_step(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Change(body, cause): Change<OfStep>,
) -> Answer<Triggered> {
    let (address, series, step) = (address("address", &body.address)?, slug(&body.series)?, step(&body.step)?);
    Ok(Json(trigger::resend(&state.service, &series, &address, &step, &cause.of(&by)).await?))
}

/// Move one reader on to a later step
///
/// It takes the place of the step that waits, with its time. Those between are left out, and can be sent by hand later.
#[utoipa::path(post, path = "/subscribers/move", tag = "subscribers", request_body = OfStep,
    responses((status = 200, description = "It is the next step now", body = Done),
        (status = 404, description = "There is no such series, step, subscriber or enrollment"),
        (status = 409, description = "The series has ended, or the step is not behind the one that waits")))]
async fn move_subscriber(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Change(body, cause): Change<OfStep>,
) -> Answer<Done> {
    let (address, series, step) = (address("address", &body.address)?, slug(&body.series)?, step(&body.step)?);
    Ok(Json(readers::move_to(&state.service, &address, &series, &step, &cause.of(&by)).await?))
}

/// End one reader's series
///
/// As the reader does behind the link in each part; also where it has gone to another address.
#[utoipa::path(post, path = "/subscribers/unsubscribe", tag = "subscribers", request_body = OfReader,
    responses((status = 200, description = "It has ended", body = Done),
        (status = 404, description = "There is no such subscriber, or enrollment"),
        (status = 409, description = "Nothing is open")))]
async fn unsubscribe_subscriber(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Change(body, cause): Change<OfReader>,
) -> Answer<Done> {
    let (address, series) = (address("address", &body.address)?, slug(&body.series)?);
    Ok(Json(unsubscribe::by_hand(&state.service, &address, &series, &cause.of(&by)).await?))
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

/// Take out all that is stored about one reader
///
/// What readers can take themselves, with the condition. It changes nothing; that it was taken out is in the audit log.
#[utoipa::path(post, path = "/subscribers/export", tag = "subscribers", request_body = OfAddress,
    responses((status = 200, description = "Everything, also under the reader's earlier and later addresses", body = taken::Export),
        (status = 404, description = "The address is no subscriber's")))]
async fn export_subscriber(
    State(state): State<AppState>,
    by: May<rights::Export>,
    Change(body, cause): Change<OfAddress>,
) -> Answer<taken::Export> {
    let of = readers::key(&state.service, &address("address", &body.address)?).await?;
    Ok(Json(taken::by_hand(&state.service, of, &cause.of(&by)).await?))
}

/// Erase one reader
///
/// Everything that names the reader, in all series and under all addresses that changes of address have tied together. Counts
/// remain, and a suppression.
#[utoipa::path(post, path = "/subscribers/erase", tag = "subscribers", request_body = OfAddress,
    responses((status = 200, description = "Nothing is left", body = Done),
        (status = 404, description = "The address is no subscriber's")))]
async fn erase_subscriber(
    State(state): State<AppState>,
    by: May<rights::Erase>,
    Change(body, cause): Change<OfAddress>,
) -> Answer<Done> {
    let of = readers::key(&state.service, &address("address", &body.address)?).await?;
    Ok(Json(erase::by_hand(&state.service, of, &cause.of(&by)).await?))
}
