//! What follows from an outcome: the next step's delivery, the end of the enrollment, a suppression; all in the
//! transaction that writes the outcome, so that a crash leaves either the old truth or the new.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ActionError, Service};
use crate::model::{Bucket, DeliveryState, EnrollmentState, Kind, SuppressionReason, next_due};
use crate::store::queue::Hands;
use crate::store::settle::{self, Changed, Locked, NewDelivery, Outcome};
use crate::store::{enrollments, records};

/// An outcome, and whether the relay said that there is no such user.
pub struct Settled {
    pub outcome: Outcome,
    pub no_such_user: bool,
    /// Series time from which the next step is reckoned; none means now.
    pub accepted_at: Option<DateTime<Utc>>,
}

impl Settled {
    pub fn now(outcome: Outcome) -> Self {
        Self { outcome, no_such_user: false, accepted_at: None }
    }
}

/// Settles one bucket's outcomes in one transaction. Answers how many were ours to settle; the rest were stale.
pub async fn settle(
    service: &Service,
    bucket: Bucket,
    settled: &[Settled],
    node: Uuid,
    hands: Hands,
) -> Result<usize, ActionError> {
    let mut tx = service.db().begin().await?;
    let changed = settle_in(service, &mut tx, bucket, settled, node, hands).await?;
    tx.commit().await?;
    Ok(changed)
}

/// The same, in a transaction of the caller's.
pub async fn settle_in(
    service: &Service,
    tx: &mut PgConnection,
    bucket: Bucket,
    settled: &[Settled],
    node: Uuid,
    hands: Hands,
) -> Result<usize, ActionError> {
    let outcomes: Vec<Outcome> = settled.iter().map(|one| one.outcome.clone()).collect();
    let ids: Vec<Uuid> = outcomes.iter().map(|one| one.id).collect();
    let enrollments = settle::enrollments_of(&mut *tx, bucket, &ids).await?;
    let locked = settle::lock_enrollments(&mut *tx, bucket, &enrollments).await?;
    let changed = settle::settle(&mut *tx, bucket, &outcomes, hands).await?;
    settle::record_attempts(&mut *tx, bucket, &outcomes, node, hands.real).await?;
    let by_id: HashMap<Uuid, &Locked> = locked.iter().map(|one| (one.id, one)).collect();
    let mut successors = Vec::new();
    for one in &changed {
        let cause = settled.iter().find(|other| other.outcome.id == one.id);
        if cause.is_some_and(|cause| cause.no_such_user) {
            suppress_here(service, tx, bucket, one.subscriber, hands).await?;
        } else if let Some(enrollment) = by_id.get(&one.enrollment) {
            let accepted_at = cause.and_then(|cause| cause.accepted_at).unwrap_or(hands.series);
            successors.extend(follow(service, tx, bucket, one, enrollment, accepted_at, hands).await?);
        }
    }
    if !successors.is_empty() {
        settle::add_deliveries(&mut *tx, bucket, &successors, hands.real).await?;
    }
    Ok(changed.len())
}

/// Notes an ended scheduled step and says which delivery comes next, if any.
async fn follow(
    service: &Service,
    tx: &mut PgConnection,
    bucket: Bucket,
    changed: &Changed,
    enrollment: &Locked,
    accepted_at: DateTime<Utc>,
    hands: Hands,
) -> Result<Option<NewDelivery>, ActionError> {
    let ended = matches!(
        changed.state,
        DeliveryState::Accepted | DeliveryState::Rejected | DeliveryState::Uncertain | DeliveryState::Skipped
    );
    let Some(step) = changed.step.as_ref().filter(|_| ended && changed.kind == Kind::Step && changed.occasion == 0)
    else {
        return Ok(None);
    };
    let done = (changed.state == DeliveryState::Accepted).then_some(step);
    let going_on = matches!(enrollment.state, EnrollmentState::Active | EnrollmentState::Paused);
    let series = service.series(&enrollment.series);
    let next = match &series {
        Ok(series) if going_on => series.next_step(step, &enrollment.done_steps),
        _ => None,
    };
    // A series that is gone from the content completes nobody: it may come back.
    let completed = going_on && series.is_ok() && next.is_none();
    settle::advance(&mut *tx, bucket, enrollment.id, done, completed, hands.real).await?;
    let (Some(next), Ok(series)) = (next, &series) else { return Ok(None) };
    let rhythm = series.rhythm(Some(enrollment.zone), enrollment.preferred_time);
    let paused = enrollment.state == EnrollmentState::Paused;
    Ok(Some(NewDelivery {
        id: service.clock().uuid(),
        subscriber: enrollment.subscriber,
        enrollment: enrollment.id,
        series: enrollment.series.clone(),
        kind: Kind::Step,
        step: Some(next.key.clone()),
        occasion: 0,
        state: if paused { DeliveryState::Paused } else { DeliveryState::Pending },
        due_at: next_due(accepted_at, next.delay, &rhythm),
        run: None,
    }))
}

/// The relay said that nobody has this address: it is mailed no more, by any series.
async fn suppress_here(
    service: &Service,
    tx: &mut PgConnection,
    bucket: Bucket,
    subscriber: Uuid,
    hands: Hands,
) -> Result<(), ActionError> {
    let normalised = enrollments::normalised(&mut *tx, bucket, subscriber).await?;
    records::suppress(&mut *tx, bucket, &normalised, SuppressionReason::NoSuchUser, None, hands.real).await?;
    super::suppress::end_all(service, tx, bucket, subscriber, EnrollmentState::Suppressed).await
}
