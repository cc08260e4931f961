//! The JSON API of admins: the same verbs as the command line, behind a bearer token. Each handler names the right that it
//! needs ([`caller::May`]).
//!
//! Addresses are in bodies, never in paths or queries, since those end up in logs. A call goes through [`caller::known`],
//! [`limits`] and, if it changes something, [`once`]; [`asked`] takes it apart. What there is, is written beside each handler
//! and put together by [`document`].
mod asked;
mod audit;
mod bodies;
mod content;
mod document;
mod figures;
mod imports;
mod limits;
mod once;
mod page;
mod people;
mod runs;
mod search;
mod send;
mod series;
mod subscribers;
mod watch;
mod webhooks;

use axum::middleware;
use axum::{Json, Router};
use utoipa_axum::router::OpenApiRouter;

use super::error::{Problem, WebError};
use super::{AppState, caller};
pub(super) use limits::Limits;

type Answer<T> = Result<Json<T>, Problem>;

pub(super) fn router(state: AppState) -> Router<AppState> {
    let (calls, described) = calls(&state).split_for_parts();
    calls
        .fallback(async || Problem(WebError::NotFound("There is no such address in this API.".into())))
        .method_not_allowed_fallback(async || Problem(WebError::MethodNotAllowed))
        .layer(middleware::from_fn_with_state(state.clone(), limits::limited))
        .layer(middleware::from_fn_with_state(state, caller::known))
        // They say what the API can do and nothing of what is in it.
        .merge(document::router(&described))
}

fn calls(state: &AppState) -> OpenApiRouter<AppState> {
    let once = middleware::from_fn_with_state(state.clone(), once::once);
    let reading = OpenApiRouter::with_openapi(document::opening())
        .merge(watch::reading())
        .merge(subscribers::reading())
        .merge(series::reading())
        .merge(content::reading())
        .merge(send::reading())
        .merge(runs::reading())
        .merge(search::reading())
        .merge(imports::reading())
        .merge(imports::taking_files(state))
        .merge(webhooks::reading())
        .merge(people::reading())
        .merge(audit::reading());
    let mut changing = OpenApiRouter::default()
        .merge(subscribers::changing())
        .merge(series::changing())
        .merge(send::changing())
        .merge(runs::changing())
        .merge(imports::changing())
        .merge(webhooks::changing())
        .merge(people::changing());
    document::with_keys(changing.get_openapi_mut());
    reading.merge(changing.route_layer(once))
}
