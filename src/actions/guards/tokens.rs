//! Publishers' tokens: with one of them a publisher's own server signs its readers up.
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};

use super::{Refusal, refuse};
use crate::actions::audit::{self, Target};
use crate::actions::{ActionError, Actor, Service};
use crate::store::guards as store;
pub use crate::store::guards::TokenLine;

/// What every token begins with, so that a program that looks for secrets in public places knows it.
const PREFIX: &str = "regimen_";
const SIGN_UP: &str = "sign_up";
/// So long a process believes what it has found out, which is how long a revoked token may still work.
const BELIEVED: TimeDelta = TimeDelta::seconds(30);

/// A publisher whose token was right: the token's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher(pub String);

/// Tokens that were right not long ago, by their hash. There are no more of them than there are tokens.
#[derive(Default)]
pub(super) struct Known(Mutex<Names>);

/// The name of each, and since when it is known.
type Names = HashMap<[u8; 32], (String, DateTime<Utc>)>;

impl Known {
    fn all(&self) -> MutexGuard<'_, Names> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes a token, which is shown once and stored nowhere: only its hash is. It is long and random, so a plain SHA-256 is
/// as good as any.
pub async fn create(service: &Service, name: &str, by: &Actor) -> Result<String, ActionError> {
    let name = name.trim();
    if name.is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
        return Err(ActionError::Refused("a token's name has 1 to 100 characters".into()));
    }
    let token = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(service.clock().random_bytes::<32>()));
    let real = service.clock().real();
    let mut tx = service.db().begin().await?;
    if !store::add_token(&mut *tx, service.clock().uuid(), name, SIGN_UP, &hash(&token), real).await? {
        return Err(ActionError::Refused("there is, or was, a token of this name: choose another".into()));
    }
    audit::record(service, &mut *tx, by, "create publisher's token", Target::Token(name)).await?;
    tx.commit().await?;
    Ok(token)
}

pub async fn list(service: &Service) -> Result<Vec<TokenLine>, ActionError> {
    Ok(store::tokens(service.db()).await?)
}

/// From now on the token is refused; by processes that have just seen it, half a minute later.
pub async fn revoke(service: &Service, name: &str, by: &Actor) -> Result<(), ActionError> {
    let real = service.clock().real();
    let mut tx = service.db().begin().await?;
    if !store::revoke_token(&mut *tx, name, real).await? {
        return Err(ActionError::NotFound("token that is still good"));
    }
    audit::record(service, &mut *tx, by, "revoke publisher's token", Target::Token(name)).await?;
    tx.commit().await?;
    Ok(())
}

/// Whose token it is, if it is one that may sign readers up.
pub async fn publisher(service: &Service, token: &str) -> Result<Option<Publisher>, ActionError> {
    let real = service.clock().real();
    let hash = hash(token);
    let known = service.guards().tokens.all().get(&hash).cloned();
    if let Some((name, since)) = known
        && (TimeDelta::zero()..BELIEVED).contains(&(real - since))
    {
        return Ok(Some(Publisher(name)));
    }
    // What cannot be one of ours is not looked for.
    let found = match token.strip_prefix(PREFIX) {
        Some(rest) if rest.len() == 43 => store::token_name(service.db(), &hash, SIGN_UP).await?,
        _ => None,
    };
    let Some(name) = found else {
        service.guards().tokens.all().remove(&hash);
        refuse(service, Refusal::UnknownToken, None).ok();
        return Ok(None);
    };
    store::token_used(service.db(), &hash, real.date_naive()).await?;
    service.guards().tokens.all().insert(hash, (name.clone(), real));
    Ok(Some(Publisher(name)))
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}
