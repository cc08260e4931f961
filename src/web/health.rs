//! Liveness and readiness. 503 only for what stops this process's own role; overdue work shows in the body.
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::TimeDelta;
use serde_json::json;

use super::AppState;
use crate::actions::health::health;

/// A dispatcher that has not moved for so long does not dispatch.
const STALLED: TimeDelta = TimeDelta::minutes(2);

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready))
}

async fn ready(State(state): State<AppState>) -> Response {
    let service = &state.service;
    let seen = service.vitals().dispatcher();
    let stalled = state.dispatches && seen.is_none_or(|seen| service.clock().real() - seen > STALLED);
    match health(service).await {
        Ok(health) => {
            let status = if stalled { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
            let body = json!({
                "ready": !stalled,
                "database": "up",
                "dispatcher": if !state.dispatches { "elsewhere" } else if stalled { "stalled" } else { "moving" },
                "nodes": health.alive(),
                "dispatchers": health.dispatchers(),
                "overdue": health.overdue,
                "last_tick_seconds": health.last_tick_seconds,
                "content_version": health.content_version,
            });
            (status, Json(body)).into_response()
        }
        Err(error) => {
            tracing::warn!(%error, "not ready: the database cannot be read");
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "database": "down" }))).into_response()
        }
    }
}
