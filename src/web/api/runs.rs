//! Runs: prepared, looked at, started with the number that the dry run found, paused, resumed, cancelled.
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use super::asked::{Ask, Change, Of, address, condition, limit, step};
use super::bodies::{Items, PrepareRun, Reason, StartRun, TestRun};
use crate::actions::once::Done;
use crate::actions::runs::{self, PAGE, Prepared, RunView, Sampled, TestOf};
use crate::actions::trigger::TestSent;
use crate::actions::{ActionError, Page};
use crate::web::AppState;
use crate::web::caller::{May, rights};

pub(super) fn reading() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_runs)).routes(routes!(show_run)).routes(routes!(sample_run))
}

pub(super) fn changing() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(prepare_run))
        .routes(routes!(test_run))
        .routes(routes!(start_run))
        .routes(routes!(pause_run))
        .routes(routes!(resume_run))
        .routes(routes!(cancel_run))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RunsQuery {
    /// The `next` of the page before.
    after: Option<String>,
    /// 50 if it is not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<i64>,
}

/// A run in the list: what was sent by hand.
#[derive(Serialize, ToSchema)]
struct RunLine {
    id: i64,
    kind: String,
    series: String,
    /// `draft`, `running`, `paused`, `cancelled` or `finished`.
    state: String,
    who: String,
    why: String,
    at: DateTime<Utc>,
    /// How many it reaches, as its dry run counted.
    readers: i64,
    /// How many of its deliveries have been accepted.
    accepted: i64,
}

impl From<RunView> for RunLine {
    fn from(run: RunView) -> Self {
        let RunView { id, kind, series, state, who, why, at, readers, accepted, .. } = run;
        Self { id, kind, series, state: state.to_string(), who, why, at, readers, accepted }
    }
}

/// What was sent by hand, by whom and why
///
/// The newest first.
#[utoipa::path(get, path = "/runs", tag = "runs", params(RunsQuery),
    responses((status = 200, description = "A page of runs", body = Page<RunLine>)))]
async fn list_runs(
    State(state): State<AppState>,
    _may: May<rights::Figures>,
    Ask(query): Ask<RunsQuery>,
) -> Answer<Page<RunLine>> {
    let limit = limit(query.limit)?.unwrap_or(PAGE);
    let page = runs::list(&state.service, query.after.as_deref(), limit).await?;
    Ok(Json(Page { items: page.items.into_iter().map(RunLine::from).collect(), next: page.next }))
}

/// One run, with its dry run and how far it is
#[utoipa::path(get, path = "/runs/{run}", tag = "runs", params(("run" = i64, Path)),
    responses((status = 200, description = "The run", body = Value),
        (status = 404, description = "There is no such run")))]
async fn show_run(State(state): State<AppState>, _may: May<rights::Operate>, Of(run): Of) -> Answer<Value> {
    let view = runs::show(&state.service, number(&run)?).await?;
    Ok(Json(serde_json::to_value(view).unwrap_or_default()))
}

/// Some of the readers whom a dry run found
///
/// None where a condition was asked for. Who has looked is in the audit log.
#[utoipa::path(get, path = "/runs/{run}/sample", tag = "runs", params(("run" = i64, Path)),
    responses((status = 200, description = "A few of them", body = Items<Sampled>),
        (status = 404, description = "There is no such run")))]
async fn sample_run(State(state): State<AppState>, by: May<rights::Operate>, Of(run): Of) -> Answer<Items<Sampled>> {
    let view = runs::show(&state.service, number(&run)?).await?;
    Ok(Json(Items { items: runs::sample(&state.service, &view, &by.actor()).await? }))
}

/// Prepare a run
///
/// It sends nothing. Its dry run goes on in the background; then it is started with the number that was found.
#[utoipa::path(post, path = "/runs", tag = "runs", request_body = PrepareRun,
    responses((status = 200, description = "A draft", body = Prepared),
        (status = 404, description = "There is no such series, step or subscriber"),
        (status = 409, description = "What is asked for cannot be read, or cannot be done")))]
async fn prepare_run(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Change(body, cause): Change<PrepareRun>,
) -> Answer<Prepared> {
    let draft = body.choice().draft(&state.service).await?;
    Ok(Json(runs::prepare(&state.service, &draft, &cause.of(&by)).await?))
}

/// Send an editor what a run sends
///
/// Of a correction there is only one mail; else say which step is to be shown, and for which condition.
#[utoipa::path(post, path = "/runs/{run}/test", tag = "runs", params(("run" = i64, Path)), request_body = TestRun,
    responses((status = 200, description = "It will be sent; ask for it at `/send/test/{id}`", body = TestSent),
        (status = 404, description = "There is no such run, step or condition"),
        (status = 409, description = "The address is no editor's, or the step or the condition is not said")))]
async fn test_run(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Of(run): Of,
    Change(body, cause): Change<TestRun>,
) -> Answer<TestSent> {
    let of = TestOf {
        step: body.step.as_deref().map(step).transpose()?,
        condition: body.condition.as_deref().map(condition).transpose()?,
    };
    let to = address("to", &body.to)?;
    Ok(Json(runs::test(&state.service, number(&run)?, &of, &to, cause.of(&by)).await?))
}

/// Start a run
///
/// With the number of readers that its dry run found: whoever has seen another, or comes second, starts nothing.
#[utoipa::path(post, path = "/runs/{run}/start", tag = "runs", params(("run" = i64, Path)), request_body = StartRun,
    responses((status = 200, description = "It goes on by itself now", body = Done),
        (status = 404, description = "There is no such run"),
        (status = 409, description = "It is no draft, is not counted yet, or the number is another")))]
async fn start_run(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Of(run): Of,
    Change(body, cause): Change<StartRun>,
) -> Answer<Done> {
    Ok(Json(runs::start(&state.service, number(&run)?, body.readers, &cause.of(&by)).await?))
}

/// Pause a run
///
/// Nothing of it that is not with a relay yet is handed to one until it is resumed.
#[utoipa::path(post, path = "/runs/{run}/pause", tag = "runs", params(("run" = i64, Path)), request_body = Reason,
    responses((status = 200, description = "It is paused", body = Done),
        (status = 404, description = "There is no such run"),
        (status = 409, description = "It is not running")))]
async fn pause_run(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Of(run): Of,
    Change(_reason, cause): Change<Reason>,
) -> Answer<Done> {
    Ok(Json(runs::pause(&state.service, number(&run)?, &cause.of(&by)).await?))
}

/// Let a run go on
#[utoipa::path(post, path = "/runs/{run}/resume", tag = "runs", params(("run" = i64, Path)), request_body = Reason,
    responses((status = 200, description = "It goes on", body = Done),
        (status = 404, description = "There is no such run"),
        (status = 409, description = "It is not paused")))]
async fn resume_run(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Of(run): Of,
    Change(_reason, cause): Change<Reason>,
) -> Answer<Done> {
    Ok(Json(runs::resume(&state.service, number(&run)?, &cause.of(&by)).await?))
}

/// Cancel a run
///
/// What is not with a relay is taken back: copies are skipped, and a scheduled step comes when it would have come by itself.
#[utoipa::path(post, path = "/runs/{run}/cancel", tag = "runs", params(("run" = i64, Path)), request_body = Reason,
    responses((status = 200, description = "It is cancelled", body = Done),
        (status = 404, description = "There is no such run"),
        (status = 409, description = "It is over")))]
async fn cancel_run(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Of(run): Of,
    Change(_reason, cause): Change<Reason>,
) -> Answer<Done> {
    Ok(Json(runs::cancel(&state.service, number(&run)?, &cause.of(&by)).await?))
}

fn number(run: &str) -> Result<i64, ActionError> {
    run.parse().map_err(|_| ActionError::NotFound("run"))
}
