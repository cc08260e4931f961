//! The admins: who they are and how they get in.
//!
//! `sign_in` is the way from an address and a password to a session, past `throttle` and, if it is on, `second_factor`;
//! `elsewhere` is the way by an identity provider; `sessions` says who is signed in; `links` is how a password is chosen without
//! an old one; `tokens` are for programs.
pub mod elsewhere;
pub mod links;
pub mod mails;
pub mod password;
pub mod second_factor;
pub mod sessions;
pub mod sign_in;
pub mod throttle;
pub mod tokens;
pub mod totp;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use chrono::TimeDelta;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::audit::{self, Target};
use super::once::{self, Done};
use super::{ActionError, Actor, Service};
use crate::model::{EmailAddress, Role};
pub use crate::store::people::Admin;
use crate::store::{people as store, sign_ins};

/// How long somebody stays signed in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Without doing anything.
    pub session_idle: TimeDelta,
    /// At the longest.
    pub session_longest: TimeDelta,
}

impl Default for Settings {
    fn default() -> Self {
        Self { session_idle: TimeDelta::minutes(30), session_longest: TimeDelta::hours(12) }
    }
}

pub async fn list(service: &Service) -> Result<Vec<Admin>, ActionError> {
    Ok(store::all(service.db()).await?)
}

pub async fn show(service: &Service, id: Uuid) -> Result<Admin, ActionError> {
    store::by_id(service.db(), id).await?.ok_or(ActionError::NotFound("admin"))
}

pub async fn by_address(service: &Service, address: &EmailAddress) -> Result<Admin, ActionError> {
    store::by_address(service.db(), address).await?.ok_or(ActionError::NotFound("admin"))
}

/// Adds an admin, who has no password yet: a link of [`links::make`] chooses one.
pub async fn create(
    service: &Service,
    address: &EmailAddress,
    name: &str,
    role: Role,
    by: &Actor,
) -> Result<Uuid, ActionError> {
    let mut tx = service.db().begin().await?;
    let id = create_in(service, &mut tx, (address, name, role), by).await?;
    tx.commit().await?;
    Ok(id)
}

async fn create_in(
    service: &Service,
    tx: &mut PgConnection,
    (address, name, role): (&EmailAddress, &str, Role),
    by: &Actor,
) -> Result<Uuid, ActionError> {
    let name = name.trim();
    if name.is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
        return Err(ActionError::Refused("a name has 1 to 100 characters".into()));
    }
    let id = service.clock().uuid();
    if !store::add(&mut *tx, id, address, name, role, service.clock().real()).await? {
        return Err(ActionError::Refused("there is an admin of this address already".into()));
    }
    audit::record_with(service, &mut *tx, by, "create admin", Target::Admin(id), &json!({ "role": role })).await?;
    Ok(id)
}

/// Takes effect with the next page that the admin opens.
pub async fn set_role(service: &Service, id: Uuid, role: Role, by: &Actor) -> Result<Done, ActionError> {
    let mut tx = service.db().begin().await?;
    if role != Role::Owner {
        refuse_for_last_owner(&mut tx, id).await?;
    }
    let before = store::by_id(&mut *tx, id).await?.ok_or(ActionError::NotFound("admin"))?;
    store::set_role(&mut *tx, id, role).await?;
    let details = json!({ "from": before.role, "to": role });
    audit::record_with(service, &mut *tx, by, "set role", Target::Admin(id), &details).await?;
    let done = once::answer(&mut tx, by, Done { done: true }).await?;
    tx.commit().await?;
    Ok(done)
}

/// Signs an admin out everywhere, and lets them in no more. Tokens that they made are refused, too.
pub async fn disable(service: &Service, id: Uuid, by: &Actor) -> Result<Done, ActionError> {
    let mut tx = service.db().begin().await?;
    refuse_for_last_owner(&mut tx, id).await?;
    let admin = store::by_id(&mut *tx, id).await?.ok_or(ActionError::NotFound("admin"))?;
    if admin.disabled_at.is_some() {
        return Err(ActionError::Refused("this admin is disabled already".into()));
    }
    store::set_disabled(&mut *tx, id, Some(service.clock().real())).await?;
    sign_ins::end_all(&mut *tx, id, None).await?;
    store::forget_links(&mut *tx, id).await?;
    audit::record(service, &mut *tx, by, "disable admin", Target::Admin(id)).await?;
    let done = once::answer(&mut tx, by, Done { done: true }).await?;
    tx.commit().await?;
    Ok(done)
}

pub async fn enable(service: &Service, id: Uuid, by: &Actor) -> Result<Done, ActionError> {
    let mut tx = service.db().begin().await?;
    let admin = store::by_id(&mut *tx, id).await?.ok_or(ActionError::NotFound("admin"))?;
    if admin.disabled_at.is_none() {
        return Err(ActionError::Refused("this admin is not disabled".into()));
    }
    store::set_disabled(&mut *tx, id, None).await?;
    audit::record(service, &mut *tx, by, "enable admin", Target::Admin(id)).await?;
    let done = once::answer(&mut tx, by, Done { done: true }).await?;
    tx.commit().await?;
    Ok(done)
}

/// Somebody must be left who can let others in. The owners' rows stay locked, so that two cannot take the right from one
/// another at the same moment.
async fn refuse_for_last_owner(tx: &mut PgConnection, id: Uuid) -> Result<(), ActionError> {
    match store::lock_owners(tx).await?[..] {
        [only] if only == id => {
            Err(ActionError::Refused("this is the last owner: make somebody else an owner first".into()))
        }
        _ => Ok(()),
    }
}

/// Whoever finds an admin's screen open must not get past the password that the admin's own page asks for.
fn refuse_for_oneself(admin: Uuid, by: &Actor) -> Result<(), ActionError> {
    match by.admin_id() {
        Some(id) if id == admin => {
            Err(ActionError::Refused("this is your own account: change it on the page “Your account”".into()))
        }
        _ => Ok(()),
    }
}

/// What has ended, expired or is long past.
pub async fn tidy(service: &Service) -> Result<(), ActionError> {
    let real = service.clock().real();
    let idle_since = real - service.settings().admins.session_idle;
    Ok(sign_ins::tidy(service.db(), real, idle_since, real - throttle::REMEMBERED).await?)
}

/// A new secret for a link, a cookie or a program. It is long and random, so a plain SHA-256 of it is as good as any.
fn new_secret(service: &Service) -> (String, [u8; 32]) {
    let secret = BASE64_URL_SAFE_NO_PAD.encode(service.clock().random_bytes::<32>());
    let hash = hash(&secret);
    (secret, hash)
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}
