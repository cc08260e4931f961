//! Programs' tokens for the admins' API, each with its own rights.
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{ActionError, Actor, Service, audit, hash, new_secret};
use crate::actions::audit::Target;
use crate::actions::once::{self, Done};
use crate::model::Right;
pub use crate::store::tokens::Token;
use crate::store::tokens::{self as store, NewToken};

/// What every token begins with, so that a program that looks for secrets in public places knows it.
const PREFIX: &str = "regimen_admin_";
/// A token's last use is written no more often.
const USED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// A new token, which is shown once.
#[derive(Debug)]
pub struct Made {
    pub id: Uuid,
    pub token: String,
}

pub async fn list(service: &Service) -> Result<Vec<Token>, ActionError> {
    Ok(store::all(service.db()).await?)
}

/// Makes a token. `good_for` of none is for ever.
pub async fn make(
    service: &Service,
    name: &str,
    rights: &[Right],
    good_for: Option<TimeDelta>,
    by: &Actor,
) -> Result<Made, ActionError> {
    let name = name.trim();
    if name.is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
        return Err(ActionError::Refused("a token's name has 1 to 100 characters".into()));
    }
    if rights.is_empty() {
        return Err(ActionError::Refused("a token needs at least one right".into()));
    }
    let secret = format!("{PREFIX}{}", new_secret(service).0);
    let real = service.clock().real();
    let expires_at: Option<DateTime<Utc>> = good_for.map(|span| real + span);
    let hash = hash(&secret);
    let mut tx = service.db().begin().await?;
    // What a token makes is good no longer than itself, and ends with whoever made that.
    let (made_by, expires_at) = match by.token_id() {
        Some(maker) => {
            let (made_by, until) = store::origin(&mut *tx, maker).await?.ok_or(ActionError::NotFound("token"))?;
            (made_by, until.map_or(expires_at, |until| Some(expires_at.map_or(until, |at| at.min(until)))))
        }
        None => (by.admin_id(), expires_at),
    };
    let token = NewToken { id: service.clock().uuid(), name, hash: &hash, rights, made_by, expires_at };
    if !store::add(&mut *tx, &token, real).await? {
        return Err(ActionError::Refused("there is, or was, a token of this name: choose another".into()));
    }
    audit::record_with(service, &mut *tx, by, "make token", Target::Token(name), &json!({ "rights": rights })).await?;
    once::answer(&mut tx, by, json!({ "id": token.id, "token": null })).await?;
    tx.commit().await?;
    Ok(Made { id: token.id, token: secret })
}

/// From now on it is refused.
pub async fn revoke(service: &Service, id: Uuid, by: &Actor) -> Result<Done, ActionError> {
    let mut tx = service.db().begin().await?;
    let all = store::all(&mut *tx).await?;
    let token = all.iter().find(|one| one.id == id).ok_or(ActionError::NotFound("token"))?;
    if !store::revoke(&mut *tx, id, service.clock().real()).await? {
        return Err(ActionError::NotFound("token that is still good"));
    }
    audit::record(service, &mut *tx, by, "revoke token", Target::Token(&token.name)).await?;
    let done = once::answer(&mut tx, by, Done { done: true }).await?;
    tx.commit().await?;
    Ok(done)
}

/// Who has this token, and what it may do; nothing when it is good no more.
pub async fn holder(
    service: &Service,
    token: &str,
    origin: IpAddr,
) -> Result<Option<(Actor, Vec<Right>)>, ActionError> {
    // What cannot be one of ours is not looked for.
    if !token.starts_with(PREFIX) {
        return Ok(None);
    }
    let real = service.clock().real();
    let Some(good) = store::find(service.db(), &hash(token), real).await? else { return Ok(None) };
    if good.used_at.is_none_or(|used| real - used >= USED_EVERY) {
        store::used(service.db(), good.id, real).await?;
    }
    Ok(Some((Actor::token(good.id, &good.name, origin), good.rights)))
}
