//! Erasing a reader: nothing that names one stays, and the books still close.
//!
//! What remains are counts in `step_totals`, and a suppression of the address if there was one: without it the promise not
//! to write could not be kept. Deliveries, attempts, consents, enrollments and the subscriber go, in all series, and so does
//! a sign-up under another address that waited to take the place of one of them.
use sqlx::PgConnection;
use uuid::Uuid;

use super::address::forget_moves;
use super::fresh::{Opened, is_fresh};
use super::{ActionError, Service};
use crate::links::Purpose;
use crate::model::{Bucket, Language};
use crate::store::{enrollments, export, retention};

/// A transaction that PostgreSQL undoes for another is tried so often.
const TRIES: u32 = 3;

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
        erase_subscriber(service, link.bucket, enrollment.subscriber).await?;
    }
    Ok(Opened::Yes(language))
}

async fn erase_subscriber(service: &Service, bucket: Bucket, subscriber: Uuid) -> Result<(), ActionError> {
    let mut tries = 1;
    loop {
        let mut tx = service.db().begin().await?;
        match erase_in(service, &mut tx, bucket, subscriber).await {
            Ok(()) => return Ok(tx.commit().await?),
            Err(ActionError::Database(error)) if tries < TRIES && export::try_again(&error) => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

/// The subscriber is locked before the enrollments, as a sign-up does, and these before their deliveries, as a settle does.
async fn erase_in(
    service: &Service,
    tx: &mut PgConnection,
    bucket: Bucket,
    subscriber: Uuid,
) -> Result<(), ActionError> {
    if !export::lock_subscriber(&mut *tx, bucket, subscriber).await? {
        return Ok(());
    }
    let ids = export::lock_enrollments(&mut *tx, bucket, subscriber).await?;
    for id in &ids {
        forget_moves(tx, *id, None).await?;
    }
    export::close_deliveries(&mut *tx, bucket, &ids, service.hands()).await?;
    for one in retention::fold(&mut *tx, bucket, &ids).await? {
        if let Some(run) = one.run {
            retention::keep_count_of_run(&mut *tx, run, one.accepted).await?;
        }
    }
    Ok(export::delete_subscriber(&mut *tx, bucket, subscriber).await?)
}
