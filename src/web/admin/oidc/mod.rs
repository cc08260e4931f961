//! Signing in at an identity provider (OpenID Connect, the code flow with PKCE), for admins who were invited here.
//!
//! On the way there a row and a cookie are made, and only both together lead back: the `state` of another browser finds no row,
//! and one that was used finds none any more. That the way back is a GET which signs somebody in breaks no promise about links:
//! it is in no mail, and does nothing without the cookie that a form set a few minutes before.
//!
//! Tokens are looked at with the cryptography that all else here uses. The crate `openidconnect` would bring another one along, with
//! an implementation of RSA that has an open advisory (RUSTSEC-2023-0071), for little more than the two files beside this.
mod id_token;
mod provider;

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use serde::Deserialize;

pub(in crate::web) use provider::Provider;

use super::gate::Visitor;
use super::route::{Needs, Route};
use super::{AppState, cookie, shell, sign_in};
use crate::actions::ActionError;
use crate::actions::admins::elsewhere::{self, Back};
use crate::actions::admins::sessions::Begun;
use crate::actions::admins::sign_in::{Refused, vouched_for};
use crate::messages::{self, Values};
use crate::web::error::WebError;
use crate::web::pages::admin::{ProviderPage, SignInPage};
use id_token::Expected;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/admin/sign-in/elsewhere", Needs::Nobody, go),
        Route::get("/admin/sign-in/back", Needs::Nobody, back),
    ]
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
enum Fault {
    /// The provider does not answer, or not as it should. The text names no address and no secret.
    #[error("the identity provider {0}")]
    Provider(String),
    /// What came back is none of ours, or is not to be trusted.
    #[error("{0}")]
    Untrusted(&'static str),
    #[error(transparent)]
    Failed(#[from] ActionError),
}

#[derive(Deserialize)]
struct Wish {
    #[serde(default)]
    next: String,
}

/// A page that leads there, and no redirect: the policy of our pages lets forms lead nowhere else.
async fn go(State(state): State<AppState>, visitor: Visitor, Form(wish): Form<Wish>) -> Response {
    let Some(provider) = state.provider.clone() else { return not_here(&visitor) };
    let gone = async {
        let metadata = provider.metadata().await?;
        let away = elsewhere::begin(&state.service, &sign_in::inside(&wish.next)).await?;
        let url = provider.sign_in_url(metadata, &away, &redirect_uri(&state));
        Ok((url, cookie::of_elsewhere(&state, &away.secret)))
    };
    let (url, cookie) = match gone.await {
        Ok(both) => both,
        Err(fault) => return again(&visitor, &provider, &fault),
    };
    let page = ProviderPage { provider: provider.label().to_owned(), url: url.to_string() };
    let mut response = shell::page_for(&visitor, StatusCode::OK, &page, None);
    if let Ok(refresh) = HeaderValue::from_str(&format!("0; url={url}")) {
        response.headers_mut().insert(HeaderName::from_static("refresh"), refresh);
    }
    shell::add_cookies(response.headers_mut(), [cookie]);
    response
}

/// What the provider sends the browser back with.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
}

async fn back(
    State(state): State<AppState>,
    visitor: Visitor,
    method: Method,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Response {
    let Some(provider) = state.provider.clone().filter(|_| method == Method::GET) else { return not_here(&visitor) };
    let secret = cookie::elsewhere(&state, &headers).unwrap_or_default();
    let mut response = match signed_in(&state, &provider, &visitor, &answer, &secret).await {
        Ok((begun, next)) => sign_in::signed_in(&state, visitor.language, begun, &next).await,
        Err(fault) => again(&visitor, &provider, &fault),
    };
    shell::add_cookies(response.headers_mut(), [cookie::not_elsewhere(&state)]);
    response
}

async fn signed_in(
    state: &AppState,
    provider: &Provider,
    visitor: &Visitor,
    answer: &Answer,
    secret: &str,
) -> Result<(Begun, String), Fault> {
    let back = elsewhere::come_back(&state.service, &answer.state, secret).await?;
    let Back { next, nonce, verifier } =
        back.ok_or(Fault::Untrusted("somebody came back who had not gone from here, or had been back before"))?;
    if answer.code.is_empty() {
        return Err(Fault::Untrusted("the identity provider let somebody not in"));
    }
    let metadata = provider.metadata().await?;
    let token = provider.id_token(metadata, &answer.code, &verifier, &redirect_uri(state)).await?;
    let keys = provider.keys(metadata).await?;
    let (issuer, client) = provider.names();
    let expected = Expected { issuer, client, nonce: &nonce, now: state.service.clock().real() };
    let address = id_token::address(&token, &keys, &expected)?;
    let trusted = provider.is_trusted_for_second_factor();
    match vouched_for(&state.service, &address, trusted, visitor.session.as_ref(), visitor.origin).await {
        Ok(begun) => Ok((begun, next)),
        Err(Refused::Failed(error)) => Err(Fault::Failed(error)),
        Err(Refused::Wrong | Refused::Wait(_)) => {
            Err(Fault::Untrusted("this address is no admin's, or a disabled one's"))
        }
    }
}

/// The sign-in page with what to do. It does not say what was wrong, which the log does.
fn again(visitor: &Visitor, provider: &Provider, fault: &Fault) -> Response {
    let (status, message) = match fault {
        Fault::Provider(_) => (StatusCode::BAD_GATEWAY, "sign-in-elsewhere-away"),
        Fault::Untrusted(_) => (StatusCode::UNPROCESSABLE_ENTITY, "sign-in-elsewhere-failed"),
        Fault::Failed(error) => {
            tracing::error!(%error, "a sign-in at the identity provider could not be finished");
            return shell::failed(visitor.language, &WebError::Internal);
        }
    };
    tracing::warn!(%fault, "nobody was signed in by the identity provider");
    let label = provider.label().to_owned();
    let problem = messages::filled(visitor.language, message, &Values::new().with("provider", label.as_str()));
    let page =
        SignInPage { address: String::new(), next: String::new(), problem: Some(problem), provider: Some(label) };
    shell::page_for(visitor, status, &page, None)
}

fn not_here(visitor: &Visitor) -> Response {
    let text = "There is no sign-in by an identity provider here.".to_owned();
    shell::failed(visitor.language, &WebError::NotFound(text))
}

fn redirect_uri(state: &AppState) -> String {
    format!("{}/admin/sign-in/back", state.service.public_url())
}
