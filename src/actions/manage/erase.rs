//! Erasing a reader: nothing that names one stays, and the books still close.
//!
//! What remains are counts in `step_totals`, and a suppression of the address if there was one: without it the promise not
//! to write could not be kept. Deliveries, attempts, consents, enrollments and the subscriber go, in all series and under all
//! addresses that changes of address have tied together, and so does a wish for another address that waited.
//!
//! A link that went to an old address erases the new one, too. Whoever has that mailbox now could stop the series there anyhow,
//! and erasing tells them nothing of the new address; but a reader who erases from an old mail, and is told that everything is
//! gone, must not leave an illness behind under another address.
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::audit::{self, Target};
use super::super::once::{self, Done};
use super::super::webhooks::tell::tell_of;
use super::super::{again_if_undone, moves};
use super::fresh::{Opened, is_fresh};
use super::{ActionError, Actor, Service};
use crate::links::Purpose;
use crate::model::{Bucket, Event, Language};
use crate::store::{enrollments, export, retention, webhook_messages};

/// So often the other addresses are looked for anew, while one confirms at this moment.
const ROUNDS: u32 = 5;

/// Erases the reader of a fresh link. Doing it again is the same as doing it once. Answers what the reader's mails were in.
///
/// Whatever is not handed over yet is skipped. A mail that is on the wire may still arrive: it counts as uncertain, and its
/// settle finds no row and changes nothing.
pub async fn erase(service: &Service, token: &str) -> Result<Opened<Language>, ActionError> {
    let link = service.link_key().read(token, Purpose::Fresh)?;
    let enrollment = enrollments::by_id(service.db(), link.bucket, link.enrollment).await?;
    let language = enrollment.as_ref().map(|enrollment| enrollment.language).unwrap_or_default();
    if !is_fresh(service, &link) {
        return Ok(Opened::Expired(language));
    }
    if let Some(enrollment) = enrollment {
        erase_reader(service, link.bucket, enrollment.subscriber, None).await?;
    }
    Ok(Opened::Yes(language))
}

/// The same for a reader who has asked an admin. The audit log says of each address that was tied to this one that it was
/// erased, as a number that means nothing any more.
pub async fn by_hand(service: &Service, (bucket, subscriber): (Bucket, Uuid), by: &Actor) -> Result<Done, ActionError> {
    erase_reader(service, bucket, subscriber, Some(by)).await?;
    Ok(Done { done: true })
}

/// The address of the link goes last, and each other one before those on which it hangs: when this is broken off, the same
/// link leads to all that is left.
async fn erase_reader(
    service: &Service,
    bucket: Bucket,
    subscriber: Uuid,
    admin: Option<&Actor>,
) -> Result<(), ActionError> {
    for _ in 0..ROUNDS {
        let mut db = service.db().acquire().await?;
        let all = moves::addresses(&mut db, bucket, subscriber).await?;
        drop(db);
        for one in all.iter().skip(1).rev() {
            moves::forget_wishes_of(service, one.bucket, one.subscriber).await?;
            again_if_undone(|| erase_subscriber(service, (one.bucket, one.subscriber), false, admin)).await?;
        }
        moves::forget_wishes_of(service, bucket, subscriber).await?;
        if again_if_undone(|| erase_subscriber(service, (bucket, subscriber), true, admin)).await? {
            return Ok(());
        }
    }
    Err(ActionError::Busy)
}

/// One transaction: what it answers false for, it has not done.
async fn erase_subscriber(
    service: &Service,
    (bucket, subscriber): (Bucket, Uuid),
    is_last: bool,
    admin: Option<&Actor>,
) -> Result<bool, ActionError> {
    let mut tx = service.db().begin().await?;
    if !erase_in(service, &mut tx, bucket, subscriber, is_last).await? {
        return Ok(false);
    }
    if let Some(by) = admin {
        audit::record(service, &mut *tx, by, "erase reader", Target::Subscriber(subscriber)).await?;
        if is_last {
            once::answer(&mut tx, by, Done { done: true }).await?;
        }
    }
    tx.commit().await?;
    Ok(true)
}

/// The subscriber is locked before the enrollments, as a sign-up does, and these before their deliveries, as a settle does.
/// Answers false, and has changed nothing, when the last address is not the only one that is left.
async fn erase_in(
    service: &Service,
    tx: &mut PgConnection,
    bucket: Bucket,
    subscriber: Uuid,
    is_last: bool,
) -> Result<bool, ActionError> {
    if !export::lock_subscriber(&mut *tx, bucket, subscriber).await? {
        return Ok(true);
    }
    let ids = export::lock_enrollments(&mut *tx, bucket, subscriber).await?;
    // A change of address locks its old enrollment: from here on there is none.
    if is_last && moves::addresses(&mut *tx, bucket, subscriber).await?.len() > 1 {
        return Ok(false);
    }
    export::close_deliveries(&mut *tx, bucket, &ids, service.hands()).await?;
    for one in retention::fold(&mut *tx, bucket, &ids).await? {
        if let Some(run) = one.run {
            retention::keep_count_of_run(&mut *tx, run, one.accepted).await?;
        }
    }
    webhook_messages::delete_about(&mut *tx, bucket, subscriber).await?;
    for enrollment in ids {
        tell_of(service, tx, bucket, enrollment, Event::Erased, None).await?;
    }
    export::delete_subscriber(&mut *tx, bucket, subscriber).await?;
    Ok(true)
}
