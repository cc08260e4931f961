//! Another address: a new subscriber that carries the enrollment's place; the old enrollment closes.
//!
//! The new address is asked first, by a mail that says so in its own words, and its link works for a day. Only its
//! confirmation moves anything, in one transaction: the new enrollment takes the step that is owed, at the time at which it was
//! owed, and the old one ends and is told. Until then the old address goes on, its calendar shows that a wish waits, and a
//! button there takes it back. The two lie in two buckets as a rule: each statement names one.
//!
//! An address that gets the series already, or that has a sign-up of its own which waits, keeps that as it is: its place is not
//! another's to alter. The old one goes on until its reader stops it.
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::super::confirm;
use super::super::moves::{self as ties, Key};
use super::super::sign_up::{self, Asked, SignUp};
use super::super::suppress::SERIES_KINDS;
use super::super::unsubscribe::record_from;
use super::super::webhooks::tell::{Fact, tell};
use super::super::{again_if_undone, guards, sign_up::owe_now};
use super::change::Done;
use super::fresh::{Opened, open};
use super::{ActionError, Service, of_token};
use crate::content::Series;
use crate::model::{Bucket, ConditionKey, DeliveryState, EmailAddress, EnrollmentState, Event, Kind, StepKey};
use crate::store::calendar::{self, Owed};
use crate::store::enrollments::{self, Enrollment};
use crate::store::moves::{self, Place};
use crate::store::settle::NewDelivery;
use crate::store::{records, wake};

/// Wishes for another address that one subscriber may have in a day; each can bring a mail to a stranger.
const A_DAY: i64 = 3;
const CHANNEL: &str = "address-change";

/// Asks the new address whether it wants the series. The answer is the same whatever becomes of it: it is suppressed, has
/// had its day's confirmations, gets the series already, or is the old one; and so is what becomes of older wishes.
pub async fn ask(service: &Service, token: &str, address: &EmailAddress) -> Result<Opened<()>, ActionError> {
    let old = match open(service, token).await? {
        Opened::Yes(old) => old,
        Opened::Expired(language) => return Ok(Opened::Expired(language)),
    };
    if old.state.is_going_on() {
        ask_for(service, &old, address).await?;
    }
    Ok(Opened::Yes(()))
}

/// Takes back the wish that waits.
pub async fn stay(service: &Service, token: &str) -> Result<Done, ActionError> {
    let current = of_token(service, token).await?.current;
    let forgotten = ties::forget_wish(service, (current.bucket, current.id)).await?;
    Ok(if forgotten { Done::Yes } else { Done::Nothing })
}

async fn ask_for(service: &Service, old: &Enrollment, address: &EmailAddress) -> Result<(), ActionError> {
    // Asked before anything is booked: who has used up the day's wishes does not use up the hour of a domain.
    if has_wished_enough(service, service.db(), old).await? {
        return Ok(());
    }
    let booking = guards::book_domain(service, address).await?;
    let asked = again_if_undone(|| ask_in(service, old, address, booking.is_some())).await;
    if let Some(booking) = booking.filter(|_| !matches!(asked, Ok(true))) {
        guards::give_back(service, &booking);
    }
    asked.map(drop)
}

/// All of it in one transaction; answers whether the address is written to. The subscribers are locked before the
/// enrollments, both in the order of their keys: wishes of one reader are looked at one after the other.
async fn ask_in(
    service: &Service,
    old: &Enrollment,
    address: &EmailAddress,
    may_write: bool,
) -> Result<bool, ActionError> {
    let series = service.series(&old.series)?;
    let real = service.clock().real();
    let mut tx = service.db().begin().await?;
    let own = enrollments::normalised(&mut *tx, old.bucket, old.subscriber).await?;
    let is_own = own == address.normalised();
    let may_write = may_write && !is_own && !records::is_suppressed(&mut *tx, address).await?;
    let comes_first = (address.bucket(), address.normalised()) < (old.bucket, own.as_str());
    if may_write && comes_first {
        enrollments::subscriber(&mut *tx, address, service.clock().uuid(), real).await?;
    }
    if !moves::lock_subscriber(&mut *tx, old.bucket, old.subscriber).await? {
        return Ok(false);
    }
    if may_write && !comes_first {
        enrollments::subscriber(&mut *tx, address, service.clock().uuid(), real).await?;
    }
    let (Some(old), wish) = lock_with_wish(&mut tx, (old.bucket, old.id)).await? else { return Ok(false) };
    if !old.state.is_going_on() || has_wished_enough(service, &mut *tx, &old).await? {
        return Ok(false);
    }
    // The newest wish counts, whatever becomes of it.
    if let Some((bucket, id)) = wish {
        enrollments::forget(&mut tx, bucket, id).await?;
    }
    moves::set_wish(&mut *tx, old.bucket, old.id, None).await?;
    let mut asked = false;
    if !is_own {
        record_from(service, &mut tx, &old, "change-address", CHANNEL).await?;
        asked = may_write && ask_new(service, &mut tx, &series, &old, address).await?;
    }
    wake(&mut *tx).await?;
    tx.commit().await?;
    service.wake_dispatcher();
    Ok(asked)
}

/// Owes the new address the mail that it may get, if any, and ties its sign-up to the old enrollment.
async fn ask_new(
    service: &Service,
    tx: &mut PgConnection,
    series: &Series,
    old: &Enrollment,
    address: &EmailAddress,
) -> Result<bool, ActionError> {
    // Nothing of the old reader lies under an address that has not said yes: the condition, too, comes along only then.
    let request = SignUp {
        series: old.series.clone(),
        address: address.clone(),
        condition: ConditionKey::parse("other").expect("a plain word"),
        zone: None,
        language: old.language,
        channel: CHANNEL,
        publisher: None,
    };
    match sign_up::ask(service, tx, series, &request, Kind::Move).await? {
        Asked::Nothing => Ok(false),
        Asked::Told => Ok(true),
        Asked::ToConfirm(new) => {
            moves::set_moves(&mut *tx, address.bucket(), new, (old.bucket, old.id)).await?;
            moves::set_wish(&mut *tx, old.bucket, old.id, Some((address.bucket(), new))).await?;
            Ok(true)
        }
    }
}

async fn has_wished_enough(service: &Service, db: impl PgExecutor<'_>, old: &Enrollment) -> Result<bool, ActionError> {
    let since = service.clock().real() - chrono::TimeDelta::days(1);
    let wishes = calendar::agreed_since(db, old.bucket, old.subscriber, "change-address", since).await?;
    Ok(wishes >= A_DAY)
}

/// Locks an enrollment and the wish that waits to take its place, if there is one, in the order of their keys.
async fn lock_with_wish(tx: &mut PgConnection, old: Key) -> Result<(Option<Enrollment>, Option<Key>), ActionError> {
    let Some(seen) = enrollments::by_id(&mut *tx, old.0, old.1).await? else { return Ok((None, None)) };
    let Some(wish) = ties::wish_of(tx, &seen).await?.map(|wish| (wish.bucket, wish.id)) else {
        return Ok((enrollments::lock(&mut *tx, old.0, old.1).await?, None));
    };
    let (locked, waits) = lock_in_order(tx, old, wish).await?;
    let waits = waits.is_some_and(|waits| ties::is_wish_of(&waits, old));
    Ok((locked, waits.then_some(wish)))
}

/// Two that lock the same two wait for each other and never deadlock.
async fn lock_in_order(
    tx: &mut PgConnection,
    one: Key,
    other: Key,
) -> Result<(Option<Enrollment>, Option<Enrollment>), ActionError> {
    if one < other {
        let one = enrollments::lock(&mut *tx, one.0, one.1).await?;
        return Ok((one, enrollments::lock(&mut *tx, other.0, other.1).await?));
    }
    let other = enrollments::lock(&mut *tx, other.0, other.1).await?;
    Ok((enrollments::lock(&mut *tx, one.0, one.1).await?, other))
}

/// Locks an enrollment that is about to be confirmed, and the one whose place it takes.
pub(in crate::actions) async fn lock_both(
    tx: &mut PgConnection,
    bucket: Bucket,
    id: Uuid,
) -> Result<(Option<Enrollment>, Option<Enrollment>), ActionError> {
    let moves = enrollments::by_id(&mut *tx, bucket, id).await?.and_then(|new| new.moves);
    let Some(old) = moves else { return Ok((enrollments::lock(&mut *tx, bucket, id).await?, None)) };
    let (new, old) = lock_in_order(tx, (bucket, id), old).await?;
    if new.as_ref().is_some_and(|new| new.moves != moves) {
        // A newer sign-up has replaced it in this moment: pressing again tells the reader so.
        return Err(ActionError::Busy);
    }
    Ok((new, old))
}

/// Gives the enrollment that was just made active the place of `old`, which ends and is told. Answers the step that it owes.
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
    let hands = service.hands();
    let owed = calendar::lock_owed(&mut *tx, old.bucket, old.id).await?;
    if owed.as_ref().is_some_and(|owed| owed.state == DeliveryState::Sending) {
        return Err(ActionError::Busy);
    }
    let paused = old.paused_at.filter(|_| old.state == EnrollmentState::Paused);
    // What either address has had is not sent again.
    let mut done = old.done_steps.clone();
    done.extend(new.done_steps.iter().filter(|step| !old.done_steps.contains(step)).cloned());
    let place = Place {
        zone: old.zone,
        language: old.language,
        preferred: old.preferred_time,
        spacing: old.spacing,
        done: &done,
        paused: paused.map(|since| (since, old.paused_until)),
    };
    moves::take_place(&mut *tx, new.bucket, new.id, &place).await?;
    carry_condition(service, tx, new, old).await?;
    moves::mark_moved(&mut *tx, old.bucket, old.id, (new.bucket, new.id), hands.real).await?;
    if old.state == EnrollmentState::Completed {
        // It had its last part while the new address was being asked.
        return complete(service, tx, new).await;
    }
    enrollments::end(&mut *tx, old.bucket, old.id, EnrollmentState::Unsubscribed, hands.real).await?;
    enrollments::skip_owed(&mut *tx, old.bucket, old.id, &SERIES_KINDS, "moved", hands).await?;
    record_from(service, tx, old, "unsubscribe", CHANNEL).await?;
    let fact = || Fact::of(Event::Unsubscribed, old).because("moved");
    tell(service, tx, old.bucket, Event::Unsubscribed, fact).await?;
    owe_now(service, tx, old.bucket, (old.subscriber, old.id), &old.series, Kind::Moved, 0).await?;
    let Some(step) = next_here(series, owed.as_ref(), &done) else {
        // Each part has come to one of the two addresses.
        return complete(service, tx, new).await;
    };
    if let Some(owed) = owed {
        return Ok(Some(carried(service, new, step, &owed, paused.is_some())));
    }
    let placed = enrollments::by_id(&mut *tx, new.bucket, new.id).await?;
    Ok(placed.and_then(|placed| confirm::first_step(service, series, &placed)))
}

/// Nothing is left to come to the new address.
async fn complete(
    service: &Service,
    tx: &mut PgConnection,
    new: &Enrollment,
) -> Result<Option<NewDelivery>, ActionError> {
    let real = service.clock().real();
    enrollments::end(&mut *tx, new.bucket, new.id, EnrollmentState::Completed, real).await?;
    tell(service, tx, new.bucket, Event::Completed, || Fact::of(Event::Completed, new)).await?;
    Ok(None)
}

/// The condition as it is now, not as it was when the wish was made, sealed for the new subscriber.
async fn carry_condition(
    service: &Service,
    tx: &mut PgConnection,
    new: &Enrollment,
    old: &Enrollment,
) -> Result<(), ActionError> {
    let sealed = calendar::condition(&mut *tx, old.bucket, old.id).await?;
    let condition = service.keyring().open(&sealed, old.subscriber)?;
    let sealed = service.keyring().seal(&condition, new.subscriber, service.clock().random_bytes());
    Ok(calendar::set_condition(&mut *tx, new.bucket, new.id, &sealed).await?)
}

/// The step that is owed, or the one that follows it when the new address has had it before.
fn next_here(series: &Series, owed: Option<&Owed>, done: &[StepKey]) -> Option<StepKey> {
    match owed {
        Some(owed) if !done.contains(&owed.step) => Some(owed.step.clone()),
        Some(owed) => series.next_step(&owed.step, done).map(|step| step.key.clone()),
        None => series.first_step_not_in(done).map(|step| step.key.clone()),
    }
}

/// A step for the new address at the time at which one was owed to the old.
fn carried(service: &Service, new: &Enrollment, step: StepKey, owed: &Owed, paused: bool) -> NewDelivery {
    NewDelivery {
        id: service.clock().uuid(),
        subscriber: new.subscriber,
        enrollment: new.id,
        series: new.series.clone(),
        kind: Kind::Step,
        step: Some(step),
        occasion: 0,
        state: if paused { DeliveryState::Paused } else { DeliveryState::Pending },
        due_at: owed.due_at,
        run: None,
    }
}
