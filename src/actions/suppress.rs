//! Addresses that must not be mailed: by an admin, or because a reader said "this was not me".
use sqlx::PgConnection;
use uuid::Uuid;

use super::audit::{self, Target};
use super::once::{self, Done};
use super::webhooks::tell::tell_of;
use super::{ActionError, Actor, Service, moves};
use crate::links::Purpose;
use crate::model::{Bucket, EmailAddress, EnrollmentState, Event, Language, SuppressionReason};
use crate::store::{admin, enrollments, records};

/// Every kind of delivery: nothing owed is sent any more.
pub(super) const ALL_KINDS: [&str; 8] =
    ["confirmation", "reminder", "already_signed_up", "fresh_link", "move", "moved", "step", "correction"];

/// What belongs to a series. A fresh link does not: who leaves may want what is stored about them all the same. Nor does the
/// note that the series has moved, which is for who has left.
pub(super) const SERIES_KINDS: [&str; 6] =
    ["confirmation", "reminder", "already_signed_up", "move", "step", "correction"];

/// Suppresses an address, whether or not it is a subscriber, and ends what it had open.
pub async fn suppress(service: &Service, address: &EmailAddress, by: &Actor) -> Result<Done, ActionError> {
    let mut tx = service.db().begin().await?;
    let (bucket, real) = (address.bucket(), service.clock().real());
    let who = Some((by.who.as_str(), by.why.as_str()));
    records::suppress(&mut *tx, bucket, address.normalised(), SuppressionReason::Admin, who, real).await?;
    let subscriber = admin::subscriber_id(&mut *tx, address).await?;
    if let Some(subscriber) = subscriber {
        end_all(service, &mut tx, bucket, subscriber, EnrollmentState::Suppressed).await?;
    }
    audit::record(service, &mut *tx, by, "suppress", Target::some_subscriber(subscriber)).await?;
    let done = once::answer(&mut tx, by, Done { done: true }).await?;
    tx.commit().await?;
    if let Some(subscriber) = subscriber {
        moves::forget_wishes_of(service, bucket, subscriber).await?;
    }
    Ok(done)
}

/// Lifts a suppression. Nothing starts again by itself: the reader signs up anew.
pub async fn unsuppress(service: &Service, address: &EmailAddress, by: &Actor) -> Result<Done, ActionError> {
    let mut tx = service.db().begin().await?;
    if !records::unsuppress(&mut *tx, address).await? {
        return Err(ActionError::NotFound("suppression of this address"));
    }
    let subscriber = admin::subscriber_id(&mut *tx, address).await?;
    audit::record(service, &mut *tx, by, "unsuppress", Target::some_subscriber(subscriber)).await?;
    let done = once::answer(&mut tx, by, Done { done: true }).await?;
    tx.commit().await?;
    Ok(done)
}

/// The reader's language, if a "this was not me" link is one of ours. Changes nothing.
pub async fn never_look(service: &Service, token: &str) -> Result<Language, ActionError> {
    let link = service.link_key().read(token, Purpose::Never)?;
    let enrollment = enrollments::by_id(service.db(), link.bucket, link.enrollment).await?;
    enrollment.map(|enrollment| enrollment.language).ok_or(ActionError::NotFound("sign-up"))
}

/// "This was not me, never write again": closes the enrollment and suppresses the address. What has gone on from here to
/// another address is stopped there. Doing it again is the same as doing it once, and finishes what was broken off.
pub async fn never(service: &Service, token: &str) -> Result<Language, ActionError> {
    let link = service.link_key().read(token, Purpose::Never)?;
    let mut tx = service.db().begin().await?;
    let Some(enrollment) = enrollments::by_id(&mut *tx, link.bucket, link.enrollment).await? else {
        return Err(ActionError::NotFound("sign-up"));
    };
    let real = service.clock().real();
    let normalised = enrollments::normalised(&mut *tx, link.bucket, enrollment.subscriber).await?;
    records::suppress(&mut *tx, link.bucket, &normalised, SuppressionReason::NotMe, None, real).await?;
    end_all(service, &mut tx, link.bucket, enrollment.subscriber, EnrollmentState::Suppressed).await?;
    super::unsubscribe::record(service, &mut tx, &enrollment, "not-me").await?;
    tx.commit().await?;
    let (bucket, subscriber) = (link.bucket, enrollment.subscriber);
    moves::forget_wishes_of(service, bucket, subscriber).await?;
    for tie in crate::store::moves::ties(service.db(), bucket, subscriber, None).await? {
        let gone = enrollments::by_id(service.db(), bucket, tie.enrollment).await?;
        if let Some(gone) = gone.filter(|gone| gone.moved_at.is_some()) {
            super::unsubscribe::stop(service, &gone).await?;
        }
    }
    Ok(enrollment.language)
}

/// Ends every open enrollment of a subscriber and skips what they were owed.
pub(super) async fn end_all(
    service: &Service,
    tx: &mut PgConnection,
    bucket: Bucket,
    subscriber: Uuid,
    state: EnrollmentState,
) -> Result<(), ActionError> {
    let hands = service.hands();
    for enrollment in enrollments::lock_open(&mut *tx, bucket, subscriber).await? {
        enrollments::end(&mut *tx, bucket, enrollment, state, hands.real).await?;
        enrollments::skip_owed(&mut *tx, bucket, enrollment, &ALL_KINDS, state.as_str(), hands).await?;
        tell_of(service, tx, bucket, enrollment, Event::Unsubscribed, Some(state.as_str())).await?;
    }
    Ok(())
}
