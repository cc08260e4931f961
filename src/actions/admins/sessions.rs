//! Who is signed in. The token is in the browser's cookie; here is only its hash.
use std::net::IpAddr;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ActionError, Actor, Service, audit, hash, new_secret};
use crate::actions::audit::Target;
use crate::model::Role;
pub use crate::store::sign_ins::Line;
use crate::store::sign_ins::{self as store, Found, NewSession};

/// How long somebody who knows the password has for the second factor.
const FOR_SECOND_FACTOR: TimeDelta = TimeDelta::minutes(10);
/// A session's last use is written no more often.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);

/// A session that is good. `Debug` shows no token.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: Uuid,
    pub admin: Uuid,
    pub name: String,
    pub role: Role,
    /// For the second factor, and may do nothing else.
    pub waits: bool,
    /// What each of its forms must carry.
    pub form_token: String,
}

/// A session that has begun.
pub struct Begun {
    /// For the cookie.
    pub token: String,
    pub admin: Uuid,
    pub waits: bool,
    pub longest: TimeDelta,
}

pub(super) async fn begin(
    service: &Service,
    db: &mut PgConnection,
    admin: Uuid,
    waits: bool,
    origin: IpAddr,
) -> Result<Begun, ActionError> {
    let (token, hash) = new_secret(service);
    let real = service.clock().real();
    let longest = if waits { FOR_SECOND_FACTOR } else { service.settings().admins.session_longest };
    let origin = origin.to_string();
    let session =
        NewSession { id: service.clock().uuid(), hash: &hash, admin, waits, origin: &origin, ends_at: real + longest };
    store::begin(&mut *db, &session, real).await?;
    Ok(Begun { token, admin, waits, longest })
}

/// The session of a cookie, if it is good. That it was used is noted, at most once a minute.
pub async fn look(service: &Service, token: &str) -> Result<Option<Session>, ActionError> {
    let (real, hash) = (service.clock().real(), hash(token));
    let Some(found) = store::find(service.db(), &hash, real, idle_since(service)).await? else { return Ok(None) };
    if real - found.seen_at >= SEEN_EVERY {
        store::seen(service.db(), found.id, real).await?;
    }
    let Found { id, admin, name, role, waits, .. } = found;
    let form_token = BASE64_URL_SAFE_NO_PAD.encode(service.link_key().mac(b"admin form", &hash));
    Ok(Some(Session { id, admin, name, role, waits, form_token }))
}

/// What the form of somebody who is not signed in must carry: made from a cookie of its own, so that nobody is signed in
/// by a form on another site.
pub fn form_token_of(service: &Service, cookie: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(service.link_key().mac(b"sign-in form", cookie.as_bytes()))
}

/// The sessions of an admin, the newest first.
pub async fn list(service: &Service, admin: Uuid) -> Result<Vec<Line>, ActionError> {
    Ok(store::of(service.db(), admin, service.clock().real(), idle_since(service)).await?)
}

pub async fn end(service: &Service, session: Uuid, by: &Actor) -> Result<(), ActionError> {
    let admin = by.admin_id().ok_or(ActionError::NotFound("session"))?;
    let mut tx = service.db().begin().await?;
    if !store::end(&mut *tx, admin, session).await? {
        return Err(ActionError::NotFound("session"));
    }
    audit::record(service, &mut *tx, by, "sign out", Target::Admin(admin)).await?;
    tx.commit().await?;
    Ok(())
}

/// Signs an admin out everywhere, but for the session from which it is asked, if one is named.
pub async fn end_all(service: &Service, but: Option<Uuid>, by: &Actor) -> Result<(), ActionError> {
    let admin = by.admin_id().ok_or(ActionError::NotFound("session"))?;
    let mut tx = service.db().begin().await?;
    store::end_all(&mut *tx, admin, but).await?;
    audit::record(service, &mut *tx, by, "sign out everywhere", Target::Admin(admin)).await?;
    tx.commit().await?;
    Ok(())
}

fn idle_since(service: &Service) -> DateTime<Utc> {
    service.clock().real() - service.settings().admins.session_idle
}
