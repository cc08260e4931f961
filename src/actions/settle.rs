//! What follows from an outcome: the next step's delivery, the end of the enrollment, a suppression; all in the
//! transaction that writes the outcome, so that a crash leaves either the old truth or the new.
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::webhooks::tell::tell_settled;
use super::{ActionError, Service};
use crate::model::{Bucket, DeliveryState, EnrollmentState, Kind, SuppressionReason, next_due};
use crate::store::queue::Hands;
use crate::store::settle::{self, Advance, Changed, Locked, NewDelivery, Outcome, Standing};
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
    let mut tx = service.hot_db().begin().await?;
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
    let ids: Vec<Uuid> = settled.iter().map(|one| one.outcome.id).collect();
    let (standings, enrollments) = settle::lock(&mut *tx, bucket, &ids).await?;
    let standings: HashMap<Uuid, Standing> = standings.into_iter().map(|one| (one.delivery, one)).collect();
    let outcomes: Vec<Outcome> =
        settled.iter().map(|one| as_it_stands(one.outcome.clone(), standings.get(&one.outcome.id))).collect();
    let changed = settle::settle(&mut *tx, bucket, &outcomes, hands).await?;
    settle::record_attempts(&mut *tx, bucket, &outcomes, node, hands.real).await?;
    let causes: HashMap<Uuid, &Settled> = settled.iter().map(|one| (one.outcome.id, one)).collect();
    let (mut advances, mut successors, mut nobodies) = (Vec::new(), Vec::new(), Vec::new());
    let mut completed = Vec::new();
    for one in &changed {
        let cause = causes.get(&one.id);
        if cause.is_some_and(|cause| cause.no_such_user) {
            nobodies.push(one.subscriber);
        } else if let Some(enrollment) = enrollments.get(&one.enrollment) {
            let accepted_at = cause.and_then(|cause| cause.accepted_at).unwrap_or(hands.series);
            let (advance, successor) = follow(service, one, enrollment, accepted_at);
            // One that is paused ends when it goes on.
            let ends = enrollment.state == EnrollmentState::Active && advance.as_ref().is_some_and(|one| one.completed);
            completed.extend(ends.then_some(enrollment.id));
            advances.extend(advance);
            successors.extend(successor);
        }
    }
    while !advances.is_empty() {
        let mut seen = HashSet::new();
        let (once, again): (Vec<Advance>, Vec<Advance>) =
            advances.into_iter().partition(|one: &Advance| seen.insert(one.enrollment));
        settle::advance(&mut *tx, bucket, &once, hands.real).await?;
        advances = again;
    }
    if !successors.is_empty() {
        settle::add_deliveries(&mut *tx, bucket, &successors, hands.real).await?;
    }
    tell_settled(service, tx, bucket, &changed, &enrollments, &completed).await?;
    // Last, so that what was just written for such a reader is ended with the rest.
    for subscriber in nobodies {
        suppress_here(service, tx, bucket, subscriber, hands).await?;
    }
    Ok(changed.len())
}

/// What would go back to the queue follows its enrollment: paused with it, or skipped when the reader left meanwhile.
fn as_it_stands(outcome: Outcome, standing: Option<&Standing>) -> Outcome {
    match standing {
        Some(standing) if outcome.state == DeliveryState::Pending && !standing.may_be_sent => {
            if standing.enrollment_state != EnrollmentState::Paused {
                let reason = Some(standing.enrollment_state.to_string());
                Outcome { state: DeliveryState::Skipped, reason, ..outcome }
            } else if standing.kind == Kind::Step {
                Outcome { state: DeliveryState::Paused, ..outcome }
            } else {
                Outcome { state: DeliveryState::Skipped, ..outcome }
            }
        }
        _ => outcome,
    }
}

/// What an ended scheduled step means for its enrollment, and which delivery comes next, if any.
fn follow(
    service: &Service,
    changed: &Changed,
    enrollment: &Locked,
    accepted_at: DateTime<Utc>,
) -> (Option<Advance>, Option<NewDelivery>) {
    let Some(step) = changed.step.as_ref().filter(|_| changed.state.is_final() && changed.kind == Kind::Step) else {
        return (None, None);
    };
    if changed.occasion != 0 {
        // A run's copy moves nobody on, but a step that was missed before has been received now.
        let done = (changed.state == DeliveryState::Accepted).then(|| step.clone());
        let advance = done.map(|step| Advance { enrollment: enrollment.id, done: Some(step), completed: false });
        return (advance, None);
    }
    let done = (changed.state == DeliveryState::Accepted).then(|| step.clone());
    let going_on = enrollment.state.is_going_on();
    let series = service.series(&enrollment.series);
    let next = match &series {
        Ok(series) if going_on => series.next_step(step, &enrollment.done_steps),
        _ => None,
    };
    // A series that is gone from the content completes nobody: it may come back.
    let completed = going_on && series.is_ok() && next.is_none();
    let advance = Advance { enrollment: enrollment.id, done, completed };
    let (Some(next), Ok(series)) = (next, &series) else { return (Some(advance), None) };
    let rhythm = series.rhythm(Some(enrollment.zone), enrollment.preferred_time, enrollment.spacing);
    let paused = enrollment.state == EnrollmentState::Paused;
    let successor = NewDelivery {
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
    };
    (Some(advance), Some(successor))
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
