//! Who calls the API, and what they may do. The token is one of the admins' page, with its own rights, or the
//! configuration's, which may do everything.
use std::marker::PhantomData;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use subtle::ConstantTimeEq as _;

use super::AppState;
use super::error::{Problem, WebError};
use super::guards::Client;
use crate::actions::Actor;
use crate::actions::admins::tokens;
use crate::model::Right;

/// A program with a token that is good.
#[derive(Debug, Clone)]
struct Caller {
    actor: Actor,
    rights: Vec<Right>,
}

/// Which token a call has, as a keyed hash. What is counted and remembered of calls is each token's own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token(pub(super) [u8; 16]);

/// Stands before every verb.
pub(super) async fn known(State(state): State<AppState>, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let (caller, token) = caller(&state, &mut parts).await?;
    parts.extensions.insert(caller);
    parts.extensions.insert(token);
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// Compares in constant time, so that the configuration's token cannot be guessed octet by octet.
async fn caller(state: &AppState, parts: &mut Parts) -> Result<(Caller, Token), Problem> {
    let Ok(Client(origin)) = Client::from_request_parts(parts, state).await;
    let given = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().trim();
    let known = Token(state.service.link_key().mac(b"api-caller", given.as_bytes()));
    if let Some(token) = &state.admin_token
        && bool::from(token.0.as_bytes().ct_eq(given.as_bytes()))
    {
        return Ok((Caller { actor: Actor::config_token(origin), rights: Right::ALL.to_vec() }, known));
    }
    let holder = tokens::holder(&state.service, given, origin).await?;
    let (actor, rights) = holder.ok_or(Problem(WebError::Unauthorised))?;
    Ok((Caller { actor, rights }, known))
}

/// A caller who has the right that a handler names: `May<rights::Readers>`.
pub(super) struct May<R> {
    actor: Actor,
    right: PhantomData<R>,
}

impl<R> May<R> {
    /// Who calls; a reason comes with what is done.
    pub(super) fn actor(&self) -> Actor {
        self.actor.clone()
    }
}

impl<R: rights::Named> FromRequestParts<AppState> for May<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        match parts.extensions.get::<Caller>() {
            Some(caller) if caller.rights.contains(&R::RIGHT) => {
                Ok(Self { actor: caller.actor.clone(), right: PhantomData })
            }
            Some(_) => Err(Problem(WebError::Forbidden(R::RIGHT))),
            None => Err(Problem(WebError::Unauthorised)),
        }
    }
}

/// The rights as types, so that a handler's signature says which one it needs.
pub(super) mod rights {
    use crate::model::Right;

    pub(in crate::web) trait Named: Send + Sync {
        const RIGHT: Right;
    }

    macro_rules! named {
        ($($right:ident),+) => {
            $(pub(in crate::web) struct $right;

            impl Named for $right {
                const RIGHT: Right = Right::$right;
            })+
        };
    }

    named!(Figures, Preview, Readers, Operate, Export, Erase, People, Audit);
}
