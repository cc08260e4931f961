//! What an admin sends by hand, and what became of it.
use axum::Json;
use axum::extract::State;
use chrono::TimeDelta;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Answer;
use super::asked::{Change, Of, address, condition, invalid, language, slug, step};
use super::bodies::{SendDue, SendNext, SendTest, TestOutcome};
use crate::actions::ActionError;
use crate::actions::trigger::{self, Audience, TestSent, Triggered};
use crate::web::AppState;
use crate::web::caller::{May, rights};

pub(super) fn reading() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(test_outcome))
}

pub(super) fn changing() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(send_next)).routes(routes!(send_due)).routes(routes!(send_test))
}

/// Send one reader's next step now
///
/// The scheduled copy is made due, and none is added, so nobody gets a step twice. A paused series or reader stays paused.
#[utoipa::path(post, path = "/send/next", tag = "send", request_body = SendNext,
    responses((status = 200, description = "The run, or for a dry run how many it would reach", body = Triggered),
        (status = 404, description = "There is no such series or subscriber"),
        (status = 409, description = "No step waits")))]
async fn send_next(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Change(body, cause): Change<SendNext>,
) -> Answer<Triggered> {
    let audience = Audience::Reader(address("address", &body.address)?);
    Ok(Json(trigger::trigger(&state.service, &slug(&body.series)?, &audience, &cause.of(&by), body.dry_run).await?))
}

/// Send now what falls due soon
///
/// As for one reader, for all whose next step is due within a span of time.
#[utoipa::path(post, path = "/send/due", tag = "send", request_body = SendDue,
    responses((status = 200, description = "The run, or for a dry run how many it would reach", body = Triggered),
        (status = 404, description = "There is no such series")))]
async fn send_due(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Change(body, cause): Change<SendDue>,
) -> Answer<Triggered> {
    let within = humantime::parse_duration(&body.within).ok().and_then(|span| TimeDelta::from_std(span).ok());
    let within = within.filter(|span| *span <= TimeDelta::days(366));
    let within = within.ok_or_else(|| invalid("within", "a span of time such as 12h or 2d, at most 366d"))?;
    let audience = Audience::DueWithin(within);
    Ok(Json(trigger::trigger(&state.service, &slug(&body.series)?, &audience, &cause.of(&by), body.dry_run).await?))
}

/// Send a test of a step to an editor
///
/// It is marked as a test and stands outside the books.
#[utoipa::path(post, path = "/send/test", tag = "send", request_body = SendTest,
    responses((status = 200, description = "It will be sent; ask for it by this id", body = TestSent),
        (status = 404, description = "There is no such series, step or condition"),
        (status = 409, description = "The address is no editor's")))]
async fn send_test(
    State(state): State<AppState>,
    by: May<rights::Preview>,
    Change(body, cause): Change<SendTest>,
) -> Answer<TestSent> {
    let (to, condition) = (address("to", &body.to)?, condition(&body.condition)?);
    let (series, step) = (slug(&body.series)?, step(&body.step)?);
    let of = (&step, &condition, language(body.language.as_deref())?);
    Ok(Json(trigger::test_send(&state.service, &series, of, &to, &cause.of(&by)).await?))
}

/// What became of a test send
#[utoipa::path(get, path = "/send/test/{id}", tag = "send", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The relay's answer, or null while it waits", body = TestOutcome),
        (status = 404, description = "There is no such test send")))]
async fn test_outcome(State(state): State<AppState>, _may: May<rights::Preview>, Of(id): Of) -> Answer<TestOutcome> {
    let id: Uuid = id.parse().map_err(|_| ActionError::NotFound("test send"))?;
    Ok(Json(TestOutcome { id, outcome: trigger::test_send_outcome(&state.service, id).await? }))
}
