//! What is old goes, and the books stay.
//!
//! Kept for ever are the subscriber, the consents, the suppressions, what admins did, and of each enrollment the steps that
//! its reader has had (`done_steps`): who comes back after years goes on at the first step not yet accepted. Published
//! content is kept, too, since deliveries name the version that they were rendered from.
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{ActionError, Service};
use crate::model::Bucket;
use crate::store::queue::Hands;
use crate::store::retention::{self, Pass, Place};
use crate::store::webhook_messages;

/// Enrollments that one transaction prunes; each has about eight deliveries.
const ENROLLMENTS: i64 = 100;
/// Attempts that one transaction looks at.
const ATTEMPTS: i64 = 1_000;
/// Messages to webhooks that one statement deletes.
const MESSAGES: i64 = 1_000;

/// How much was pruned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    pub enrollments: u64,
    pub deliveries: u64,
    pub attempts: u64,
    pub test_sends: u64,
    pub webhook_messages: u64,
}

/// Prunes what the settings say is old enough, a batch of one bucket at a time, each batch a transaction. Stops between two
/// batches when `go_on` says no; what is left is pruned the next time. Any number of processes may do this at once.
pub async fn prune(service: &Service, go_on: impl Fn() -> bool) -> Result<Pruned, ActionError> {
    let mut pruned = Pruned::default();
    let now = service.hands();
    let attempts_before = now.real - service.settings().attempts_kept;
    let oldest_message = retention::first_id_of(now.real - service.settings().webhooks.kept);
    let ended_before = now.real - service.settings().ended_kept;
    pruned.test_sends = retention::delete_test_sends(service.db(), attempts_before).await?;
    for bucket in Bucket::all() {
        // Their attempts go with the deliveries.
        let mut place = Some((DateTime::<Utc>::UNIX_EPOCH, Uuid::nil()));
        while let Some(after) = place.filter(|_| go_on()) {
            place = prune_ended(service, bucket, ended_before, now, after, &mut pruned).await?;
        }
        let mut last = Some((Uuid::nil(), 0));
        while let Some(after) = last.filter(|_| go_on()) {
            let pass: Pass = retention::delete_attempts(service.db(), bucket, attempts_before, after, ATTEMPTS).await?;
            pruned.attempts += pass.deleted;
            last = pass.last;
        }
        let mut deleted = MESSAGES.unsigned_abs();
        while deleted == MESSAGES.unsigned_abs() && go_on() {
            deleted = webhook_messages::delete_old(service.db(), bucket, oldest_message, MESSAGES).await?;
            pruned.webhook_messages += deleted;
        }
    }
    Ok(pruned)
}

/// Folds the next batch of ended enrollments into the totals, in one transaction: the old truth or the new. Answers where
/// the next one begins.
///
/// Nothing here allows a second copy. An enrollment that has ended never opens again: starting again is a new one, which
/// takes over its `done_steps`. And nothing of an enrollment goes as long as one delivery of it is open or younger than the
/// rule says, such as a copy that an admin sent later: the key that keeps a run from sending to a reader twice is there.
async fn prune_ended(
    service: &Service,
    bucket: Bucket,
    before: DateTime<Utc>,
    now: Hands,
    after: Place,
    pruned: &mut Pruned,
) -> Result<Option<Place>, ActionError> {
    let mut tx = service.db().begin().await?;
    let ended = retention::lock_ended(&mut *tx, bucket, before, now, after, ENROLLMENTS).await?;
    let Some(&last) = ended.last() else { return Ok(None) };
    let ids: Vec<Uuid> = ended.iter().map(|(_, id)| *id).collect();
    let folded = retention::fold(&mut tx, bucket, &ids).await?;
    retention::mark_pruned(&mut *tx, bucket, &ids, now.real).await?;
    for one in &folded {
        if let Some(run) = one.run {
            retention::keep_count_of_run(&mut *tx, run, one.accepted).await?;
        }
    }
    tx.commit().await?;
    pruned.enrollments += ids.len() as u64;
    pruned.deliveries += folded.iter().map(|one| one.deliveries.unsigned_abs()).sum::<u64>();
    Ok((i64::try_from(ids.len()) == Ok(ENROLLMENTS)).then_some(last))
}
