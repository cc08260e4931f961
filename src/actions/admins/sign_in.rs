//! From an address and a password to a session. An address that is nobody's gets the same answer after the same time.
use std::net::IpAddr;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::sessions::{self, Begun, Session};
use super::throttle::{self, Tried};
use super::{ActionError, Actor, Admin, Service, audit, password, second_factor};
use crate::actions::audit::Target;
use crate::model::EmailAddress;
use crate::store::{people, sign_ins};

/// Why somebody was not let in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Address or password, or the code, is wrong: which one is not said.
    #[error("this is not right")]
    Wrong,
    /// Too many tries were wrong: the next may be made after this time.
    #[error("wait {} seconds", .0.num_seconds() + 1)]
    Wait(TimeDelta),
    #[error(transparent)]
    Failed(#[from] ActionError),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Begins a session, which waits for the second factor if that is on. The one that the browser had `before` ends.
pub async fn sign_in(
    service: &Service,
    address: &str,
    given: &str,
    device: Option<&str>,
    before: Option<&Session>,
    origin: IpAddr,
) -> Result<Begun, Refused> {
    // What is no address is tried like one that nobody has.
    let address = EmailAddress::parse(address).ok();
    let normalised = address.as_ref().map_or("", |address| address.normalised());
    let admin = match &address {
        Some(address) => people::by_address(service.db(), address).await?,
        None => None,
    };
    let device = device.filter(|device| admin.as_ref().is_some_and(|admin| is_known(service, admin, device)));
    let counting = throttle::count(service, Tried::Password(normalised), origin, device).await?;
    let counting = counting.map_err(Refused::Wait)?;
    let hash = match &admin {
        Some(admin) => people::password_hash(service.db(), admin.id).await?,
        None => None,
    };
    let right = password::verify(hash, given).await?;
    let Some(admin) = admin else {
        throttle::failed_for_nobody(service, &counting).await?;
        return Err(Refused::Wrong);
    };
    if !right || admin.disabled_at.is_some() {
        let by = Actor::nobody(origin);
        audit::record(service, service.db(), &by, "sign-in refused", Target::Admin(admin.id)).await?;
        return Err(Refused::Wrong);
    }
    throttle::succeeded(service, &counting).await?;
    let waits = admin.second_factor_at.is_some();
    if let Some(before) = before {
        sign_ins::end(service.db(), before.admin, before.id).await?;
    }
    Ok(begin(service, admin.id, &admin.name, waits, None, origin).await?)
}

/// Begins a session for whoever has this address, for which an identity provider vouches. It must be that of an admin who was
/// invited. The second factor is asked for as ever, unless the provider is `trusted` to have done so.
pub async fn vouched_for(
    service: &Service,
    address: &EmailAddress,
    trusted: bool,
    before: Option<&Session>,
    origin: IpAddr,
) -> Result<Begun, Refused> {
    let admin = people::by_address(service.db(), address).await?.ok_or(Refused::Wrong)?;
    let by = Actor::nobody(origin);
    if admin.disabled_at.is_some() {
        audit::record(service, service.db(), &by, "sign-in refused", Target::Admin(admin.id)).await?;
        return Err(Refused::Wrong);
    }
    audit::record(service, service.db(), &by, "identity provider vouches", Target::Admin(admin.id)).await?;
    let waits = admin.second_factor_at.is_some() && !trusted;
    if let Some(before) = before {
        sign_ins::end(service.db(), before.admin, before.id).await?;
    }
    Ok(begin(service, admin.id, &admin.name, waits, None, origin).await?)
}

/// Replaces a session that waits by one that may do what its admin may. `given` is a code of the app, or a recovery code.
pub async fn second_factor(
    service: &Service,
    session: &Session,
    given: &str,
    device: Option<&str>,
    origin: IpAddr,
) -> Result<Begun, Refused> {
    let admin = people::by_id(service.db(), session.admin).await?.ok_or(Refused::Wrong)?;
    let device = device.filter(|device| is_known(service, &admin, device));
    let account = admin.id.to_string();
    let counting = throttle::count(service, Tried::SecondFactor(&account), origin, device).await?;
    let counting = counting.map_err(Refused::Wait)?;
    let by = Actor::admin(admin.id, &admin.name, origin);
    if !second_factor::is_right(service, &admin, given, &by).await? {
        audit::record(service, service.db(), &by, "second factor refused", Target::Admin(admin.id)).await?;
        return Err(Refused::Wrong);
    }
    throttle::succeeded(service, &counting).await?;
    Ok(begin(service, admin.id, &admin.name, false, Some(session.id), origin).await?)
}

/// Each step has a session of its own, so that a token that was seen before it is worth nothing after it.
async fn begin(
    service: &Service,
    admin: Uuid,
    name: &str,
    waits: bool,
    instead_of: Option<Uuid>,
    origin: IpAddr,
) -> Result<Begun, ActionError> {
    let mut tx = service.db().begin().await?;
    if let Some(before) = instead_of
        && !sign_ins::end(&mut *tx, admin, before).await?
    {
        return Err(ActionError::Refused("this session has ended: sign in again".into()));
    }
    let begun = sessions::begin(service, &mut tx, admin, waits, origin).await?;
    if !waits {
        people::signed_in(&mut *tx, admin, service.clock().real()).await?;
        let by = Actor::admin(admin, name, origin);
        let details = json!({ "second_factor": instead_of.is_some() });
        audit::record_with(service, &mut *tx, &by, "sign in", Target::Admin(admin), &details).await?;
    }
    tx.commit().await?;
    Ok(begun)
}

/// A text for a cookie by which the browser is known again: nothing is stored for it, and it means nothing any more once the
/// password is another.
pub async fn device_token(service: &Service, admin: Uuid) -> Result<String, ActionError> {
    let admin = super::show(service, admin).await?;
    let mark: [u8; 8] = service.clock().random_bytes();
    let mac = service.link_key().mac(b"known device", &device_message(&admin, &mark));
    Ok(BASE64_URL_SAFE_NO_PAD.encode([mark.as_slice(), &mac].concat()))
}

fn is_known(service: &Service, admin: &Admin, device: &str) -> bool {
    let octets = BASE64_URL_SAFE_NO_PAD.decode(device).unwrap_or_default();
    octets.len() == 24
        && octets
            .split_at_checked(8)
            .is_some_and(|(mark, mac)| service.link_key().made(b"known device", &device_message(admin, mark), mac))
}

fn device_message(admin: &Admin, mark: &[u8]) -> Vec<u8> {
    let since = admin.password_set_at.as_ref().map_or(0, DateTime::<Utc>::timestamp_micros);
    [admin.id.as_bytes().as_slice(), &since.to_be_bytes(), mark].concat()
}
