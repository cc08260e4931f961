//! What admins and their programs did.
use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use super::asked::{Ask, day, given};
use crate::actions::Page;
use crate::actions::audit::{self, Entry, Search};
use crate::model::{end_of_day, midnight};
use crate::web::AppState;
use crate::web::caller::{May, rights};

pub(super) fn reading() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(search_audit_log))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// The beginning of a name.
    who: Option<String>,
    /// The whole of it, such as `pause series`.
    action: Option<String>,
    /// A series, the number of a run, the id of a subscriber …
    target: Option<String>,
    /// Days (UTC).
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Who did what, to what, when, from where, and why
///
/// The newest first, 50 at a time.
#[utoipa::path(get, path = "/audit", tag = "watch", params(AuditQuery),
    responses((status = 200, description = "A page of the log", body = Page<Entry>)))]
async fn search_audit_log(
    State(state): State<AppState>,
    _may: May<rights::Audit>,
    Ask(query): Ask<AuditQuery>,
) -> Answer<Page<Entry>> {
    let ask = Search {
        who: given("who", query.who)?,
        action: given("action", query.action)?,
        target: given("target", query.target)?,
        from: day("from", query.from)?.map(midnight),
        until: day("until", query.until)?.and_then(end_of_day),
        after: query.after,
    };
    Ok(Json(audit::search(&state.service, &ask).await?))
}
