//! How the installation does: overdue work, deliveries, and what the guards refused.
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use super::asked::{Ask, invalid, limit, within, word};
use super::bodies::Items;
use crate::actions::Page;
use crate::actions::deliveries::{self, DeliveryLine, ListDeliveries};
use crate::actions::guards::{self, Refused};
use crate::actions::health::{self, Health};
use crate::model::DeliveryState;
use crate::web::AppState;
use crate::web::caller::{May, rights};

pub(super) fn reading() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(show_health)).routes(routes!(list_deliveries)).routes(routes!(list_refused))
}

/// What is overdue, and which processes live
#[utoipa::path(get, path = "/health", tag = "watch",
    responses((status = 200, description = "As `regimen health` says it", body = Health)))]
async fn show_health(State(state): State<AppState>, _may: May<rights::Figures>) -> Answer<Health> {
    Ok(Json(health::health(&state.service).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeliveriesQuery {
    /// `pending`, `claimed`, `sending`, `paused`, `accepted`, `rejected`, `uncertain` or `skipped`.
    state: Option<String>,
    /// `uncertain`: those that were so at some time, also when they were sent again since.
    was: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// 100 if it is not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<i64>,
}

/// Deliveries, page by page
///
/// Names no address and no condition.
#[utoipa::path(get, path = "/deliveries", tag = "watch", params(DeliveriesQuery),
    responses((status = 200, description = "A page of deliveries", body = Page<DeliveryLine>)))]
async fn list_deliveries(
    State(state): State<AppState>,
    _may: May<rights::Readers>,
    Ask(query): Ask<DeliveriesQuery>,
) -> Answer<Page<DeliveryLine>> {
    let was_uncertain = match query.was.as_deref() {
        None => false,
        Some("uncertain") => true,
        Some(_) => return Err(invalid("was", "the only value is `uncertain`")),
    };
    let ask = ListDeliveries {
        state: word::<DeliveryState>("state", query.state.as_deref())?,
        was_uncertain,
        after: query.after,
        limit: limit(query.limit)?,
    };
    Ok(Json(deliveries::list(&state.service, &ask).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RefusedQuery {
    /// 30 if it is not said.
    #[param(minimum = 1, maximum = 400)]
    days: Option<i64>,
}

/// What the guards of sign-up refused
///
/// By day (UTC) and reason, the newest first: numbers, no address and no IP.
#[utoipa::path(get, path = "/guards", tag = "watch", params(RefusedQuery),
    responses((status = 200, description = "The counts", body = Items<Refused>)))]
async fn list_refused(
    State(state): State<AppState>,
    _may: May<rights::Figures>,
    Ask(query): Ask<RefusedQuery>,
) -> Answer<Items<Refused>> {
    let days = within("days", query.days, 1, 400)?.unwrap_or(30);
    Ok(Json(Items { items: guards::refused(&state.service, days).await? }))
}
