//! Programs' tokens for the API.
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use chrono::TimeDelta;
use url::form_urlencoded;
use uuid::Uuid;

use super::gate::SignedIn;
use super::route::{Needs, Route};
use super::shell::{self, minute};
use super::{AppState, Said};
use crate::actions::ActionError;
use crate::actions::admins::tokens::{self, Token};
use crate::model::{Right, UnknownWord};
use crate::web::error::WebError;
use crate::web::pages::admin::{Notice, TokenRow, TokensPage};

const HERE: &str = "/admin/tokens";
const NEEDS: Needs = Needs::Right(Right::People);
/// Ten years.
const MOST_DAYS: i64 = 3650;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(HERE, NEEDS, show).in_nav("admin-nav-tokens"),
        Route::post(HERE, NEEDS, make),
        Route::post("/admin/tokens/{id}/revoke", NEEDS, revoke),
    ]
}

async fn show(State(state): State<AppState>, by: SignedIn, Query(said): Query<Said>) -> Response {
    let notice = shell::said(by.visitor.language, said.said.as_deref());
    list(&state, &by, notice, None).await
}

async fn list(state: &AppState, by: &SignedIn, notice: Option<Notice>, made: Option<String>) -> Response {
    match tokens::list(&state.service).await {
        Ok(list) => {
            let rights = Right::ALL.iter().map(|right| right.as_str()).collect();
            let tokens = list.into_iter().map(row).collect();
            shell::page(by, &TokensPage { tokens, rights, made }, notice)
        }
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

fn row(token: Token) -> TokenRow {
    let rights: Vec<&str> = token.rights.iter().map(|right| right.as_str()).collect();
    TokenRow {
        id: token.id.to_string(),
        rights: rights.join(", "),
        made_by: token.made_by,
        made: minute(token.made_at),
        used: token.used_at.map(minute),
        expires: token.expires_at.map(minute),
        revoked: token.revoked_at.map(minute),
        name: token.name,
    }
}

/// A right comes as often as there are boxes that are ticked, which is more than a plain form's struct can take.
async fn make(State(state): State<AppState>, by: SignedIn, body: Bytes) -> Response {
    let made = match wish(&body) {
        Ok(wish) => tokens::make(&state.service, &wish.name, &wish.rights, wish.good_for, &by.actor()).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => list(&state, &by, None, Some(made.token)).await,
        Err(error) => refused(&state, &by, error).await,
    }
}

struct Wish {
    name: String,
    rights: Vec<Right>,
    good_for: Option<TimeDelta>,
}

fn wish(body: &[u8]) -> Result<Wish, ActionError> {
    let refused = |text: String| ActionError::Refused(text);
    let mut wish = Wish { name: String::new(), rights: Vec::new(), good_for: None };
    for (field, value) in form_urlencoded::parse(body) {
        match &*field {
            "name" => wish.name = value.into_owned(),
            "right" => wish.rights.push(value.parse().map_err(|error: UnknownWord| refused(error.to_string()))?),
            "days" if !value.trim().is_empty() => {
                let days = value.trim().parse().ok().filter(|days| (1..=MOST_DAYS).contains(days));
                let days = days.ok_or_else(|| refused("a token is good for 1 to 3650 days".into()))?;
                wish.good_for = Some(TimeDelta::days(days));
            }
            _ => {}
        }
    }
    Ok(wish)
}

async fn revoke(State(state): State<AppState>, by: SignedIn, Path(id): Path<Uuid>) -> Response {
    match tokens::revoke(&state.service, id, &by.actor()).await {
        Ok(_) | Err(ActionError::NotFound(_)) => shell::done(HERE, "tokens-gone"),
        Err(error) => refused(&state, &by, error).await,
    }
}

async fn refused(state: &AppState, by: &SignedIn, error: ActionError) -> Response {
    match shell::refusal(by.visitor.language, error) {
        Ok(notice) => list(state, by, Some(notice), None).await,
        Err(error) => shell::failed(by.visitor.language, &error),
    }
}
