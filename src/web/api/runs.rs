//! Runs: prepared, looked at, started with the number that the dry run found, paused, resumed, cancelled.
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::{Answer, AppState, Ask, Body, actor, done, invalid, page};
use crate::actions::runs::choice::Choice;
use crate::actions::runs::{self, RunView};
use crate::web::caller::{May, rights};
use crate::web::error::{Problem, WebError};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/runs", get(list).post(prepare))
        .route("/runs/{run}", get(show))
        .route("/runs/{run}/start", post(start))
        .route("/runs/{run}/pause", post(pause))
        .route("/runs/{run}/resume", post(resume))
        .route("/runs/{run}/cancel", post(cancel))
}

#[derive(Deserialize)]
struct After {
    after: Option<String>,
}

async fn list(State(state): State<AppState>, _: May<rights::Figures>, Ask(query): Ask<After>) -> Answer {
    Ok(page(&runs::list(&state.service, query.after.as_deref()).await?))
}

#[derive(Deserialize)]
struct Prepare {
    #[serde(flatten)]
    choice: Choice,
    who: Option<String>,
    why: Option<String>,
}

/// Answers the draft. Its dry run goes on in the background.
async fn prepare(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Body(body): Body<Prepare>,
) -> Answer<Json<RunView>> {
    let by = actor(&by, body.who.as_deref(), body.why.as_deref())?;
    let run = runs::prepare(&state.service, &body.choice.draft(&state.service).await?, &by).await?;
    Ok(Json(runs::show(&state.service, run).await?))
}

async fn show(
    State(state): State<AppState>,
    _: May<rights::Operate>,
    Path(run): Path<String>,
) -> Answer<Json<RunView>> {
    Ok(Json(runs::show(&state.service, number(&run)?).await?))
}

#[derive(Deserialize)]
struct Why {
    who: Option<String>,
    why: Option<String>,
    /// For the start.
    readers: Option<i64>,
}

async fn start(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Path(run): Path<String>,
    Body(body): Body<Why>,
) -> Answer {
    let readers = body.readers.ok_or_else(|| invalid("readers", "say how many the dry run found"))?;
    let by = actor(&by, body.who.as_deref(), body.why.as_deref())?;
    runs::start(&state.service, number(&run)?, readers, &by).await?;
    Ok(done())
}

async fn pause(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Path(run): Path<String>,
    Body(body): Body<Why>,
) -> Answer {
    let by = actor(&by, body.who.as_deref(), body.why.as_deref())?;
    runs::pause(&state.service, number(&run)?, &by).await?;
    Ok(done())
}

async fn resume(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Path(run): Path<String>,
    Body(body): Body<Why>,
) -> Answer {
    let by = actor(&by, body.who.as_deref(), body.why.as_deref())?;
    runs::resume(&state.service, number(&run)?, &by).await?;
    Ok(done())
}

async fn cancel(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Path(run): Path<String>,
    Body(body): Body<Why>,
) -> Answer {
    let by = actor(&by, body.who.as_deref(), body.why.as_deref())?;
    runs::cancel(&state.service, number(&run)?, &by).await?;
    Ok(done())
}

fn number(run: &str) -> Result<i64, Problem> {
    run.parse().map_err(|_| Problem(WebError::NotFound("There is no such run.".into())))
}
