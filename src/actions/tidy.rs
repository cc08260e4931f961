//! The recurring work: reminders, leases that ran out, sign-ups that were never confirmed.
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::settle::{Settled, settle, settle_in};
use super::sign_up::{confirmations_used_up, owe_now};
use super::{ActionError, Service, imports, moves, once, runs, voices};
use crate::model::{Bucket, DeliveryState, EnrollmentState, Kind, retry_after};
use crate::store::enrollments::Enrollment;
use crate::store::moves as store_moves;
use crate::store::queue;
use crate::store::settle::{Outcome, lock, record_attempts};
use crate::store::{enrollments, installation, limits};

/// What to do with a mail of which nobody can say whether the relay took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUncertain {
    /// Send it again, under the same Message-ID.
    Resend,
    /// Keep it as uncertain, and go on with the next step.
    Hold,
}

/// Owes the one reminder to each who has not confirmed in time, unless the address has had its day's mails. Answers how many.
pub async fn remind(service: &Service) -> Result<u64, ActionError> {
    let real = service.clock().real();
    let settings = service.settings();
    let asked_before = real - settings.reminder_after;
    let asked_after = real - settings.confirm_expires;
    let mut reminded = 0;
    for (bucket, id) in enrollments::to_remind(service.db(), asked_before, asked_after, 1_000).await? {
        let mut tx = service.db().begin().await?;
        if !enrollments::mark_reminded(&mut *tx, bucket, id, real).await? {
            continue;
        }
        let Some(enrollment) = enrollments::by_id(&mut *tx, bucket, id).await? else { continue };
        // Whoever had somebody else's address mailed all day does not have it reminded as well.
        if confirmations_used_up(service, &mut tx, bucket, enrollment.subscriber).await? {
            tx.commit().await?;
            continue;
        }
        let whom = (enrollment.subscriber, enrollment.id);
        owe_now(service, &mut tx, bucket, whom, &enrollment.series, Kind::Reminder, 0).await?;
        tx.commit().await?;
        reminded += 1;
    }
    if reminded > 0 {
        service.wake_dispatcher();
    }
    Ok(reminded)
}

/// Deletes sign-ups that were never confirmed, with the address when nothing else hangs on it. Answers how many.
pub async fn forget_unconfirmed(service: &Service) -> Result<u64, ActionError> {
    let before = service.clock().real() - service.settings().pending_kept;
    let mut forgotten = 0;
    for (bucket, id) in enrollments::never_confirmed(service.db(), before, 1_000).await? {
        let mut tx = service.db().begin().await?;
        let locked = enrollments::lock(&mut *tx, bucket, id).await?;
        if locked.is_some_and(|one| one.state == EnrollmentState::Pending && one.requested_at < before) {
            enrollments::forget(&mut tx, bucket, id).await?;
            tx.commit().await?;
            forgotten += 1;
        }
    }
    forgotten += forget_stale_wishes(service).await?;
    let silent_for_a_day = service.clock().real() - chrono::TimeDelta::days(1);
    installation::forget_nodes(service.db(), silent_for_a_day).await?;
    limits::forget_domains(service.db(), service.clock().real()).await?;
    voices::forget_ballots(service).await?;
    once::forget(service).await?;
    runs::forget_drafts(service).await?;
    imports::forget(service).await?;
    Ok(forgotten)
}

/// A wish for another address that was not confirmed within its day holds a stranger's address for nothing.
async fn forget_stale_wishes(service: &Service) -> Result<u64, ActionError> {
    let real = service.clock().real();
    let mut forgotten = 0;
    for (bucket, id) in store_moves::stale_wishes(service.db(), real - moves::WISH_WORKS_FOR, 1_000).await? {
        let mut tx = service.db().begin().await?;
        let locked = enrollments::lock(&mut *tx, bucket, id).await?;
        let waits = |one: Enrollment| one.state == EnrollmentState::Pending && one.moves.is_some();
        if locked.is_some_and(|one| moves::is_stale(&one, real) && waits(one)) {
            enrollments::forget(&mut tx, bucket, id).await?;
            tx.commit().await?;
            forgotten += 1;
        }
    }
    Ok(forgotten)
}

/// Takes back every lease that ran out. Answers how many were given back and how many were uncertain.
pub async fn reap(service: &Service, policy: OnUncertain, node: Uuid) -> Result<(u64, u64), ActionError> {
    let (mut given_back, mut uncertain) = (0, 0);
    for bucket in buckets() {
        let (back, unknown) = reap_bucket(service, bucket, policy, node).await?;
        (given_back, uncertain) = (given_back + back, uncertain + unknown);
    }
    Ok((given_back, uncertain))
}

/// For who takes them back bucket by bucket.
pub fn buckets() -> impl Iterator<Item = Bucket> {
    Bucket::all()
}

/// The same in one bucket.
pub async fn reap_bucket(
    service: &Service,
    bucket: Bucket,
    policy: OnUncertain,
    node: Uuid,
) -> Result<(u64, u64), ActionError> {
    let real = service.clock().real();
    let given_back = queue::reap_claimed(service.hot_db(), bucket, real).await?;
    let expired = queue::expired_sending(service.hot_db(), bucket, real).await?;
    service.metrics().expired("claimed", given_back);
    service.metrics().expired("sending", expired.len() as u64);
    let mut uncertain = 0;
    if !expired.is_empty() {
        let why = "the lease ran out while sending";
        // Whoever had it may have fallen over this very mail, and the next one to take it would, too.
        let wait = retry_after(1, service.clock().random_fraction());
        let not_before = real + TimeDelta::from_std(wait).unwrap_or_default();
        uncertain = settle_uncertain(service, bucket, &expired, policy, not_before, node, why).await?;
    }
    if given_back + uncertain > 0 {
        service.wake_dispatcher();
    }
    Ok((given_back, uncertain))
}

/// Records an uncertain attempt of each and does what the policy says; a resend waits until `not_before` (real time).
/// Answers how many were still ours to judge.
pub async fn settle_uncertain(
    service: &Service,
    bucket: Bucket,
    batch: &[queue::Fence],
    policy: OnUncertain,
    not_before: DateTime<Utc>,
    node: Uuid,
    why: &str,
) -> Result<u64, ActionError> {
    let outcomes: Vec<Outcome> = batch.iter().map(|&fence| uncertain_outcome(fence, why)).collect();
    let hands = service.hands();
    let ours = match policy {
        OnUncertain::Hold => {
            let settled: Vec<Settled> = outcomes.into_iter().map(Settled::now).collect();
            settle(service, bucket, &settled, node, hands).await? as u64
        }
        OnUncertain::Resend => {
            let mut tx = service.hot_db().begin().await?;
            // Who leaves at the same time is waited for: what goes back to the queue after that would stay there for ever.
            let ids: Vec<Uuid> = batch.iter().map(|(id, _)| *id).collect();
            lock(&mut *tx, bucket, &ids).await?;
            let again = queue::send_again(&mut tx, bucket, batch, not_before, hands).await?;
            let (again, held): (Vec<Outcome>, Vec<Outcome>) =
                outcomes.into_iter().partition(|one| again.contains(&one.id));
            record_attempts(&mut *tx, bucket, &again, node, hands.real).await?;
            // A relay that takes each copy and never says so would have the reader get it for ever.
            let held: Vec<Settled> = held.into_iter().map(Settled::now).collect();
            let held = settle_in(service, &mut tx, bucket, &held, node, hands).await?;
            tx.commit().await?;
            (again.len() + held) as u64
        }
    };
    service.metrics().uncertain(ours);
    Ok(ours)
}

pub(super) fn uncertain_outcome((id, attempt): queue::Fence, why: &str) -> Outcome {
    Outcome {
        id,
        attempt,
        state: DeliveryState::Uncertain,
        word: "uncertain",
        reason: None,
        not_before: None,
        charged: true,
        uncertain: true,
        code: None,
        reply: Some(why.to_owned()),
        content_version: None,
        condition: None,
    }
}
