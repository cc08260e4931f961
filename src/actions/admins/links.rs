//! Links with which an admin chooses a password: after an invitation, or when the old one is lost. Each is good once, and
//! choosing a password makes all others worthless.
use std::net::IpAddr;

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::password::ChangeError;
use super::{ActionError, Actor, Admin, Service, audit, hash, mails, new_secret, password, throttle};
use crate::actions::audit::Target;
use crate::actions::once;
use crate::model::{EmailAddress, Role};
use crate::store::{people as store, wake};

pub(super) const INVITATION: TimeDelta = TimeDelta::days(7);
pub(super) const RESET: TimeDelta = TimeDelta::hours(1);

/// Who was invited, and the link with which they choose a password.
#[derive(Debug)]
pub struct Invited {
    pub id: Uuid,
    pub link: String,
}

/// Makes a link that whoever asks for it hands over, since no mail goes out with it.
pub async fn make(service: &Service, admin: Uuid, by: &Actor) -> Result<String, ActionError> {
    super::show(service, admin).await?;
    let mut tx = service.db().begin().await?;
    let url = make_in(service, &mut tx, admin, INVITATION).await?;
    audit::record(service, &mut *tx, by, "make password link", Target::Admin(admin)).await?;
    tx.commit().await?;
    Ok(url)
}

/// Adds an admin and makes them a link; a mail with another one is owed to them.
pub async fn create_and_invite(
    service: &Service,
    address: &EmailAddress,
    name: &str,
    role: Role,
    by: &Actor,
) -> Result<Invited, ActionError> {
    let mut tx = service.db().begin().await?;
    let admin = super::create_in(service, &mut tx, (address, name, role), by).await?;
    let link = invite_in(service, &mut tx, admin, by).await?;
    tx.commit().await?;
    service.wake_dispatcher();
    Ok(link)
}

/// The same for an admin who is there.
pub async fn invite(service: &Service, admin: Uuid, by: &Actor) -> Result<Invited, ActionError> {
    super::refuse_for_oneself(admin, by)?;
    super::show(service, admin).await?;
    let mut tx = service.db().begin().await?;
    let link = invite_in(service, &mut tx, admin, by).await?;
    tx.commit().await?;
    service.wake_dispatcher();
    Ok(link)
}

async fn invite_in(service: &Service, tx: &mut PgConnection, admin: Uuid, by: &Actor) -> Result<Invited, ActionError> {
    let url = make_in(service, &mut *tx, admin, INVITATION).await?;
    mails::owe(service, &mut *tx, admin, mails::Kind::Invitation).await?;
    audit::record(service, &mut *tx, by, "invite", Target::Admin(admin)).await?;
    wake(&mut *tx).await?;
    // What lets somebody in is kept nowhere.
    once::answer(&mut *tx, by, json!({ "id": admin, "link": null })).await?;
    Ok(Invited { id: admin, link: url })
}

pub(super) async fn make_in(
    service: &Service,
    db: &mut PgConnection,
    admin: Uuid,
    good_for: TimeDelta,
) -> Result<String, ActionError> {
    let (secret, hash) = new_secret(service);
    store::add_link(&mut *db, &hash, admin, service.clock().real() + good_for).await?;
    Ok(format!("{}/admin/password/{secret}", service.public_url()))
}

/// Owes a mail with a link to an admin who has lost the password. Says nothing about whether there is one.
pub async fn ask(service: &Service, address: &str, origin: IpAddr) -> Result<(), ActionError> {
    let Ok(address) = EmailAddress::parse(address) else { return Ok(()) };
    let mut tx = service.db().begin().await?;
    let may = throttle::may_ask_for_link(service, &mut tx, address.normalised(), origin).await?;
    let admin = store::by_address(&mut *tx, &address).await?.filter(|admin| may && admin.disabled_at.is_none());
    if let Some(admin) = admin {
        mails::owe(service, &mut tx, admin.id, mails::Kind::Reset).await?;
        let by = Actor::nobody(origin);
        audit::record(service, &mut *tx, &by, "ask for password link", Target::Admin(admin.id)).await?;
    }
    // All of it for everybody: the time does not tell whether there is such an admin.
    wake(&mut *tx).await?;
    tx.commit().await?;
    service.wake_dispatcher();
    Ok(())
}

/// Whose link it is, if it is still good. Changes nothing.
pub async fn look(service: &Service, token: &str) -> Result<Option<Admin>, ActionError> {
    match store::link(service.db(), &hash(token), service.clock().real()).await? {
        Some(admin) => Ok(store::by_id(service.db(), admin).await?),
        None => Ok(None),
    }
}

/// Chooses a password with a link. Answers whose it is; nothing when the link is good no more. The link is used only when
/// the password is one that may be chosen, and both are written together.
pub async fn choose(service: &Service, token: &str, new: &str, origin: IpAddr) -> Result<Option<Admin>, ChangeError> {
    let Some(admin) = look(service, token).await? else { return Ok(None) };
    let by = Actor::admin(admin.id, &admin.name, origin);
    let link = hash(token);
    match password::set(service, admin.id, new, password::Way::Link(&link), "choose password", &by).await {
        Ok(()) => Ok(Some(admin)),
        // Somebody was faster with the same link.
        Err(ChangeError::Failed(ActionError::NotFound("link"))) => Ok(None),
        Err(error) => Err(error),
    }
}
