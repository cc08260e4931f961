//! Where a series goes on after its reader has changed the address: the ties between an enrollment and the one, under another
//! address, that waits to take its place or has taken it.
//!
//! A tie holds as long as both ends name each other. A wish that was forgotten by only one of them moves nothing.
use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ActionError, Service};
use crate::model::{Bucket, EnrollmentState};
use crate::store::enrollments::{self, Enrollment};
use crate::store::moves;

/// How long a new address may take to confirm. No reminder and no new link make it longer.
pub const WISH_WORKS_FOR: TimeDelta = TimeDelta::hours(24);

/// An enrollment, by its key.
pub(super) type Key = (Bucket, Uuid);

/// Whether a wish that waits has become too old.
pub(super) fn is_stale(wish: &Enrollment, real: DateTime<Utc>) -> bool {
    real > wish.requested_at + WISH_WORKS_FOR
}

/// Whether `new`, which is about to be confirmed, still may take the place of `old`: who has left, was suppressed or has
/// started again meanwhile is not brought back. One that had its last part meanwhile takes its books along.
pub(super) async fn holds(
    db: &mut PgConnection,
    new: &Enrollment,
    old: Option<&Enrollment>,
) -> Result<bool, ActionError> {
    let Some(old) = old.filter(|old| old.moved_to == Some((new.bucket, new.id)) && old.moved_at.is_none()) else {
        return Ok(false);
    };
    match old.state {
        EnrollmentState::Active | EnrollmentState::Paused => Ok(true),
        EnrollmentState::Completed => {
            let newest = enrollments::newest(db, old.bucket, old.subscriber, &old.series).await?;
            Ok(newest.is_some_and(|newest| newest.id == old.id))
        }
        _ => Ok(false),
    }
}

/// The pending enrollment under another address that waits to take this one's place.
pub(super) async fn wish_of(db: &mut PgConnection, old: &Enrollment) -> Result<Option<Enrollment>, ActionError> {
    let Some((bucket, id)) = old.moved_to.filter(|_| old.moved_at.is_none()) else { return Ok(None) };
    Ok(enrollments::by_id(db, bucket, id).await?.filter(|wish| is_wish_of(wish, (old.bucket, old.id))))
}

pub(super) fn is_wish_of(wish: &Enrollment, old: Key) -> bool {
    wish.state == EnrollmentState::Pending && wish.moves == Some(old)
}

/// Forgets the wish of an enrollment for another address, if one waits. Answers whether one did.
///
/// It is a transaction of its own, after the one that ended the enrollment: that names another bucket, and what is left when
/// this does not come about moves nothing ([`holds`]).
pub(super) async fn forget_wish(service: &Service, (bucket, id): Key) -> Result<bool, ActionError> {
    let mut tx = service.db().begin().await?;
    let Some(old) = enrollments::by_id(&mut *tx, bucket, id).await? else { return Ok(false) };
    let Some(wish) = wish_of(&mut tx, &old).await? else { return Ok(false) };
    let wish = enrollments::lock(&mut *tx, wish.bucket, wish.id).await?;
    let Some(wish) = wish.filter(|wish| is_wish_of(wish, (bucket, id))) else { return Ok(false) };
    enrollments::forget(&mut tx, wish.bucket, wish.id).await?;
    tx.commit().await?;
    Ok(true)
}

/// The same for all enrollments of a subscriber.
pub(super) async fn forget_wishes_of(service: &Service, bucket: Bucket, subscriber: Uuid) -> Result<(), ActionError> {
    for tie in moves::ties(service.db(), bucket, subscriber, None).await? {
        if !tie.has_moved && tie.moved_to.is_some() {
            forget_wish(service, (bucket, tie.enrollment)).await?;
        }
    }
    Ok(())
}

/// The open enrollment that a link of `own` is about: itself, else the one under the same address, else the one under the
/// address to which the series has gone since.
pub(super) async fn goes_on(db: &mut PgConnection, own: &Enrollment) -> Result<Option<Enrollment>, ActionError> {
    if own.state.is_open() {
        return Ok(Some(own.clone()));
    }
    let newest = enrollments::newest(&mut *db, own.bucket, own.subscriber, &own.series).await?;
    if let Some(open) = newest.filter(|newest| newest.state.is_open()) {
        return Ok(Some(open));
    }
    let mut seen = HashSet::from([(own.bucket, own.subscriber)]);
    let mut ends = vec![(own.bucket, own.subscriber)];
    while let Some((bucket, subscriber)) = ends.pop() {
        for tie in moves::ties(&mut *db, bucket, subscriber, Some(&own.series)).await? {
            let Some(next) = moved_to(&mut *db, bucket, &tie).await? else { continue };
            if !seen.insert((next.bucket, next.subscriber)) {
                continue;
            }
            let newest = enrollments::newest(&mut *db, next.bucket, next.subscriber, &own.series).await?;
            match newest {
                Some(open) if open.state.is_going_on() => return Ok(Some(open)),
                _ => ends.push((next.bucket, next.subscriber)),
            }
        }
    }
    Ok(None)
}

/// One address of a reader: its subscriber, and whether the series went there from the one that was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address {
    pub(super) bucket: Bucket,
    pub(super) subscriber: Uuid,
    pub(super) is_later: bool,
}

/// All addresses of a reader that changes of address have tied together, those before this one and those after it. The first
/// is this one, and each of the others hangs on one before it.
pub(super) async fn addresses(
    db: &mut PgConnection,
    bucket: Bucket,
    subscriber: Uuid,
) -> Result<Vec<Address>, ActionError> {
    let mut all = vec![Address { bucket, subscriber, is_later: false }];
    let mut looked_at = 0;
    while let Some(&Address { bucket, subscriber, is_later }) = all.get(looked_at) {
        looked_at += 1;
        for tie in moves::ties(&mut *db, bucket, subscriber, None).await? {
            let later = moved_to(&mut *db, bucket, &tie).await?.map(|one| (one, true));
            let earlier = moved_from(&mut *db, bucket, &tie).await?.map(|one| (one, is_later));
            for (one, is_later) in later.into_iter().chain(earlier) {
                if all.iter().all(|known| (known.bucket, known.subscriber) != (one.bucket, one.subscriber)) {
                    all.push(Address { bucket: one.bucket, subscriber: one.subscriber, is_later });
                }
            }
        }
    }
    Ok(all)
}

/// The enrollment that has taken the place of this end of a tie.
async fn moved_to(db: &mut PgConnection, bucket: Bucket, tie: &moves::Tie) -> Result<Option<Enrollment>, ActionError> {
    let Some((next, id)) = tie.moved_to.filter(|_| tie.has_moved) else { return Ok(None) };
    let next = enrollments::by_id(db, next, id).await?;
    Ok(next.filter(|next| next.moves == Some((bucket, tie.enrollment))))
}

/// The enrollment whose place this end of a tie has taken; one that only waits has taken nobody's.
async fn moved_from(
    db: &mut PgConnection,
    bucket: Bucket,
    tie: &moves::Tie,
) -> Result<Option<Enrollment>, ActionError> {
    let Some((old, id)) = tie.moves else { return Ok(None) };
    let old = enrollments::by_id(db, old, id).await?;
    Ok(old.filter(|old| old.moved_at.is_some() && old.moved_to == Some((bucket, tie.enrollment))))
}
