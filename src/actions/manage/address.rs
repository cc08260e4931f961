//! Another address: a new subscriber that carries the enrollment's place; the old enrollment closes.
//!
//! The new address is asked first, by the very mail that every sign-up gets, and its link expires like that of a sign-up.
//! Only its confirmation moves anything, in one transaction: the new enrollment takes the step that is owed, at the time at
//! which it was owed, and the old one ends. Until then the old address goes on as if nothing had been asked, and it is never
//! told. The two lie in two buckets as a rule: each statement names one, and both enrollments are locked in one order.
//!
//! An address that gets the series already keeps its own enrollment as it is, and gets the note that every sign-up for it
//! would bring: its place is not another's to alter. The old one goes on until its reader stops it.
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::confirm;
use super::super::sign_up::{self, Asked, SignUp};
use super::super::suppress::SERIES_KINDS;
use super::super::unsubscribe::record_from;
use super::fresh::{Opened, open};
use super::{ActionError, Service};
use crate::content::Series;
use crate::model::{Bucket, DeliveryState, EmailAddress, EnrollmentState, Kind};
use crate::store::calendar::{self, Owed, Place};
use crate::store::enrollments::{self, Enrollment};
use crate::store::settle::NewDelivery;
use crate::store::{admin, records, wake};

/// Wishes for another address that one subscriber may have in a day; each can bring a mail to a stranger.
const A_DAY: i64 = 3;
const CHANNEL: &str = "address-change";

/// Asks the new address whether it wants the series. The answer is the same whatever becomes of it: it is suppressed, has
/// had its day's confirmations, gets the series already, or is the old one.
pub async fn ask(service: &Service, token: &str, address: &EmailAddress) -> Result<Opened<()>, ActionError> {
    let old = match open(service, token).await? {
        Opened::Yes(old) => old,
        Opened::Expired(language) => return Ok(Opened::Expired(language)),
    };
    if matches!(old.state, EnrollmentState::Active | EnrollmentState::Paused) {
        ask_for(service, &old, address).await?;
    }
    Ok(Opened::Yes(()))
}

async fn ask_for(service: &Service, old: &Enrollment, address: &EmailAddress) -> Result<(), ActionError> {
    let series = service.series(&old.series)?;
    let (real, bucket) = (service.clock().real(), address.bucket());
    let mut tx = service.db().begin().await?;
    let since = real - chrono::TimeDelta::days(1);
    let asked = calendar::agreed_since(&mut *tx, old.bucket, old.subscriber, "change-address", since).await?;
    let is_old = admin::subscriber_id(&mut *tx, address).await? == Some(old.subscriber);
    if asked >= A_DAY || is_old {
        return Ok(());
    }
    record_from(service, &mut tx, old, "change-address", CHANNEL).await?;
    if !records::is_suppressed(&mut *tx, address).await? {
        let sealed = calendar::condition(&mut *tx, old.bucket, old.id).await?;
        let request = SignUp {
            series: old.series.clone(),
            address: address.clone(),
            condition: service.keyring().open(&sealed, old.subscriber)?,
            zone: Some(old.zone),
            language: old.language,
            channel: CHANNEL,
            publisher: None,
        };
        if let Asked::ToConfirm(new) = sign_up::ask(service, &mut tx, &series, &request).await? {
            calendar::set_moves(&mut *tx, bucket, new, (old.bucket, old.id)).await?;
            // The newest wish counts.
            forget_moves(&mut tx, old.id, Some(new)).await?;
        }
    }
    wake(&mut *tx).await?;
    tx.commit().await?;
    service.wake_dispatcher();
    Ok(())
}

/// Forgets the sign-ups under other addresses that wait to take this enrollment's place.
pub(super) async fn forget_moves(
    tx: &mut PgConnection,
    enrollment: Uuid,
    but: Option<Uuid>,
) -> Result<(), ActionError> {
    for (bucket, id) in calendar::moving(&mut *tx, enrollment).await? {
        if Some(id) == but {
            continue;
        }
        let pending = enrollments::lock(&mut *tx, bucket, id).await?;
        if pending.is_some_and(|one| one.state == EnrollmentState::Pending) {
            enrollments::forget(&mut *tx, bucket, id).await?;
        }
    }
    Ok(())
}

/// Locks an enrollment that is about to be confirmed, and the one whose place it takes, in the order of their keys: two
/// that confirm at once wait for each other and never deadlock.
pub(in crate::actions) async fn lock_both(
    tx: &mut PgConnection,
    bucket: Bucket,
    id: Uuid,
) -> Result<(Option<Enrollment>, Option<Enrollment>), ActionError> {
    let moves = enrollments::by_id(&mut *tx, bucket, id).await?.and_then(|new| new.moves);
    let Some(old) = moves else { return Ok((enrollments::lock(&mut *tx, bucket, id).await?, None)) };
    let (new, old) = if old < (bucket, id) {
        let old = enrollments::lock(&mut *tx, old.0, old.1).await?;
        (enrollments::lock(&mut *tx, bucket, id).await?, old)
    } else {
        let new = enrollments::lock(&mut *tx, bucket, id).await?;
        (new, enrollments::lock(&mut *tx, old.0, old.1).await?)
    };
    if new.as_ref().is_some_and(|new| new.moves != moves) {
        // A newer sign-up has replaced it in this moment: pressing again tells the reader so.
        return Err(ActionError::Busy);
    }
    Ok((new, old))
}

/// Gives the enrollment that was just made active the place of `old`, which ends. Answers the step that it owes.
///
/// A step that is on the wire to the old address at this moment is its last there or, if it fails, the first here: nobody
/// knows yet, so the reader is asked to press again in a few seconds.
pub(in crate::actions) async fn take_over(
    service: &Service,
    tx: &mut PgConnection,
    series: &Series,
    new: &Enrollment,
    old: &Enrollment,
) -> Result<Option<NewDelivery>, ActionError> {
    let is_open = matches!(old.state, EnrollmentState::Active | EnrollmentState::Paused);
    let owed = calendar::lock_owed(&mut *tx, old.bucket, old.id).await?;
    if owed.as_ref().is_some_and(|owed| owed.state == DeliveryState::Sending) {
        return Err(ActionError::Busy);
    }
    let paused = old.paused_at.filter(|_| old.state == EnrollmentState::Paused);
    let place = Place {
        zone: old.zone,
        language: old.language,
        preferred: old.preferred_time,
        spacing: old.spacing,
        done: &old.done_steps,
        paused: paused.map(|since| (since, old.paused_until)),
    };
    calendar::take_place(&mut *tx, new.bucket, new.id, &place).await?;
    if is_open {
        let hands = service.hands();
        enrollments::end(&mut *tx, old.bucket, old.id, EnrollmentState::Unsubscribed, hands.real).await?;
        enrollments::skip_owed(&mut *tx, old.bucket, old.id, &SERIES_KINDS, "moved", hands).await?;
        record_from(service, tx, old, "unsubscribe", CHANNEL).await?;
    }
    if old.state == EnrollmentState::Completed {
        // It had its last part while the new address was being asked.
        let real = service.clock().real();
        enrollments::end(&mut *tx, new.bucket, new.id, EnrollmentState::Completed, real).await?;
        return Ok(None);
    }
    if let Some(owed) = owed.filter(|_| is_open) {
        return Ok(Some(carried(service, new, owed, paused.is_some())));
    }
    let placed = enrollments::by_id(&mut *tx, new.bucket, new.id).await?;
    Ok(placed.and_then(|placed| confirm::first_step(service, series, &placed)))
}

/// The step that was owed to the old address, owed to the new one at the same time.
fn carried(service: &Service, new: &Enrollment, owed: Owed, paused: bool) -> NewDelivery {
    NewDelivery {
        id: service.clock().uuid(),
        subscriber: new.subscriber,
        enrollment: new.id,
        series: new.series.clone(),
        kind: Kind::Step,
        step: Some(owed.step),
        occasion: 0,
        state: if paused { DeliveryState::Paused } else { DeliveryState::Pending },
        due_at: owed.due_at,
        run: None,
    }
}
