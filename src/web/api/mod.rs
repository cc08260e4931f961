//! The JSON API of admins: the same verbs as the command line, behind a bearer token.
//!
//! Addresses are in bodies, never in paths or queries, since those end up in logs. A call goes through [`authorised`],
//! [`limits`] and, if it changes something, [`once`]; [`asked`] takes it apart. What there is, is written beside each handler
//! and put together by [`document`].
mod asked;
mod bodies;
mod document;
mod limits;
mod once;
mod page;
mod send;
mod series;
mod subscribers;
mod watch;

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::{Json, Router};
use subtle::ConstantTimeEq as _;
use utoipa_axum::router::OpenApiRouter;

use super::AppState;
use super::error::{Problem, WebError};
pub(super) use limits::Limits;

type Answer<T> = Result<Json<T>, Problem>;

pub(super) fn router(state: AppState) -> Router<AppState> {
    let (calls, described) = calls(&state).split_for_parts();
    calls
        .fallback(async || Problem(WebError::NotFound("There is no such address in this API.".into())))
        .method_not_allowed_fallback(async || Problem(WebError::MethodNotAllowed))
        .layer(middleware::from_fn_with_state(state.clone(), limits::limited))
        .layer(middleware::from_fn_with_state(state, authorised))
        // They say what the API can do and nothing of what is in it.
        .merge(document::router(&described))
}

fn calls(state: &AppState) -> OpenApiRouter<AppState> {
    let once = middleware::from_fn_with_state(state.clone(), once::once);
    let reading = OpenApiRouter::with_openapi(document::opening())
        .merge(watch::reading())
        .merge(subscribers::reading())
        .merge(series::reading())
        .merge(send::reading());
    let mut changing =
        OpenApiRouter::default().merge(subscribers::changing()).merge(series::changing()).merge(send::changing());
    document::with_keys(changing.get_openapi_mut());
    reading.merge(changing.route_layer(once))
}

/// Who makes a call, as a keyed hash. What is counted and remembered of calls is each caller's own.
#[derive(Clone, Copy)]
struct Caller([u8; 16]);

/// Compares in constant time, so that a token cannot be guessed octet by octet. Without a token the API is off.
async fn authorised(State(state): State<AppState>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().trim();
    match &state.admin_token {
        Some(token) if bool::from(token.0.as_bytes().ct_eq(given.as_bytes())) => {
            let caller = Caller(state.service.link_key().mac(b"api-caller", given.as_bytes()));
            request.extensions_mut().insert(caller);
            Ok(next.run(request).await)
        }
        _ => Err(Problem(WebError::Unauthorised)),
    }
}
