//! Looks where there is due work, claims it in batches, and has them rendered and signed.
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::apart::{self, not_accepted};
use super::domains::Passage;
use super::line::{Errand, Lane};
use super::outcome::not_charged;
use super::prepare::{Prepared, prepare};
use super::relays::Outlook;
use super::{Shared, Until};
use crate::actions::settle::{Settled, settle};
use crate::model::Bucket;
use crate::store::queue::{self, Claimed, Fence, Head, Look};

/// Claimed and not yet rendered.
pub(super) struct Batch {
    bucket: Bucket,
    claimed: Vec<Admitted>,
}

/// May go on, as far as its recipient's domain goes.
type Admitted = (Claimed, Option<Passage>);

/// Ready to be marked.
pub(super) struct MicroBatch {
    pub(super) bucket: Bucket,
    pub(super) mails: Vec<Prepared>,
}

/// Where the batches go.
pub(super) struct Lanes {
    pub(super) urgent: mpsc::Sender<Batch>,
    pub(super) steps: mpsc::Sender<Batch>,
}

/// The priorities that `look` asks for.
const ALL: &[i16] = &[0, 1];
const URGENT: &[i16] = &[0];

/// How long content or keys that fail are left before they are tried again; no reader is charged.
const MEND_TIME: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

/// Runs until asked to stop, or until nothing is left to claim. The end of its lanes ends the parts behind it.
pub(super) async fn run(shared: &Arc<Shared>, lanes: Lanes) {
    let mut trouble = 0;
    while !shared.stop.is_cancelled() {
        let drained = shared.until == Until::Drained;
        match shared.relays.outlook(shared.service.clock().real()) {
            Outlook::Going => {}
            Outlook::Soon(_) if !drained => {}
            Outlook::Soon(_) | Outlook::Resting(_) if drained => return,
            Outlook::Soon(wait) | Outlook::Resting(wait) => {
                tokio::select! {
                    () = shared.relays.changed() => {}
                    () = tokio::time::sleep(wait.clamp(Duration::from_millis(1), shared.settings.poll)) => {}
                    () = shared.stop.cancelled() => {}
                }
                shared.service.vitals().dispatcher_moved(shared.service.clock().real());
                continue;
            }
        }
        match pass(shared, &lanes, ALL).await {
            Ok(Pass { busy: true, .. }) => trouble = 0,
            Ok(_) if drained => return,
            Ok(Pass { next, .. }) => {
                trouble = 0;
                rest(shared, next.min(shared.settings.poll)).await;
            }
            Err(error) => {
                tracing::warn!(%error, "the queue cannot be read; trying again");
                rest(shared, Duration::from_millis(250 << trouble.min(5))).await;
                trouble += 1;
                continue;
            }
        }
        shared.service.vitals().dispatcher_moved(shared.service.clock().real());
    }
}

async fn rest(shared: &Shared, span: Duration) {
    tokio::select! {
        () = shared.service.woken() => {}
        () = tokio::time::sleep(span) => {}
        () = shared.stop.cancelled() => {}
    }
}

/// What one look and one batch of every bucket with due work came to.
struct Pass {
    /// Whether anything was claimed.
    busy: bool,
    /// How long until something else falls due.
    next: Duration,
}

async fn pass(shared: &Arc<Shared>, lanes: &Lanes, priorities: &[i16]) -> anyhow::Result<Pass> {
    let service = &shared.service;
    let mut busy = false;
    while let Some(apart) = apart::take(service).await? {
        match shared.relays.choose(shared, Lane::Urgent, 1).await {
            Some(mut ticket) => ticket.push(Errand::Apart(apart)),
            None => apart.settle(service, &not_accepted("no relay can take it now")).await,
        }
        busy = true;
    }
    let look = queue::look(service.hot_db(), &service.slugs(), priorities, service.hands()).await?;
    for head in &look.due {
        let Some(room) = room_for(shared, lanes, head.priority).await? else { break };
        if matches!(shared.relays.outlook(service.clock().real()), Outlook::Resting(_)) {
            break;
        }
        let claimed = claim(shared, head).await?;
        busy |= !claimed.is_empty();
        let claimed = admitted(shared, head.bucket, claimed).await;
        if !claimed.is_empty() {
            room.send(Batch { bucket: head.bucket, claimed });
        }
    }
    Ok(Pass { busy, next: wait_for(shared, &look) })
}

/// Waits until another batch may be claimed; while steps have to wait, whatever is urgent is claimed. Nothing when asked
/// to stop.
async fn room_for<'a>(
    shared: &Arc<Shared>,
    lanes: &'a Lanes,
    priority: i16,
) -> anyhow::Result<Option<mpsc::Permit<'a, Batch>>> {
    let urgent = lane_of(priority) == Lane::Urgent;
    let lane = if urgent { &lanes.urgent } else { &lanes.steps };
    loop {
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return Ok(None),
            room = lane.reserve() => return Ok(room.ok()),
            () = shared.service.woken(), if !urgent => {}
            () = tokio::time::sleep(shared.settings.poll), if !urgent => {}
        }
        Box::pin(pass(shared, lanes, URGENT)).await?;
        shared.service.vitals().dispatcher_moved(shared.service.clock().real());
    }
}

fn lane_of(priority: i16) -> Lane {
    if URGENT.contains(&priority) { Lane::Urgent } else { Lane::Steps }
}

/// Real time until the next delivery falls due.
fn wait_for(shared: &Shared, look: &Look) -> Duration {
    let clock = shared.service.clock();
    let due = look.next_due.and_then(|due| clock.until_series(due));
    let again = look.next_try.map(|again| (again - clock.real()).to_std().unwrap_or_default());
    // A timer may fire a little early, and the database counts in microseconds.
    due.into_iter().chain(again).min().unwrap_or(Duration::MAX).saturating_add(Duration::from_millis(1))
}

async fn claim(shared: &Shared, head: &Head) -> anyhow::Result<Vec<Claimed>> {
    let service = &shared.service;
    let hands = service.hands();
    let until = hands.real + shared.settings.lease;
    let span =
        tracing::info_span!(parent: None, "claim", regimen.bucket = head.bucket.get(), regimen.deliveries = Empty);
    let claimed = queue::claim(service.hot_db(), head, hands, until, shared.node, shared.settings.batch);
    let claimed = claimed.instrument(span.clone()).await?;
    span.record("regimen.deliveries", claimed.len());
    if !claimed.is_empty() {
        service.metrics().claimed(lane_of(head.priority).word(), claimed.len());
    }
    shared.held.take(head.bucket, claimed.iter().map(Claimed::fence), until);
    Ok(claimed)
}

/// Those that may go on now; the others wait in the queue.
async fn admitted(shared: &Shared, bucket: Bucket, claimed: Vec<Claimed>) -> Vec<Admitted> {
    let service = &shared.service;
    let admission = shared.domains.admit(service.hot_db(), claimed, service.clock().real()).await;
    if !admission.wait.is_empty() {
        let wait = admission.wait.into_iter().map(|(fence, until)| (fence, Some(until))).collect();
        give_back_until(shared, bucket, wait).await;
    }
    admission.go
}

/// Renders and signs the batches of one lane on blocking threads, several micro-batches at a time, and hands them on in
/// their order. A full channel makes it wait; the heartbeat keeps what waits.
pub(super) async fn prepare_batches(
    shared: Arc<Shared>,
    batches: mpsc::Receiver<Batch>,
    ready: mpsc::Sender<MicroBatch>,
) {
    let at_once = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let batches = stream::unfold(batches, async |mut batches| Some((batches.recv().await?, batches)));
    let most = shared.settings.micro_batch;
    // The end of one batch and the beginning of the next are made at the same time: no core waits between them.
    let parts = batches.flat_map(|batch| stream::iter(split(batch, most)));
    let prepared = parts.map(|part| prepare_part(shared.clone(), part)).buffered(at_once);
    tokio::pin!(prepared);
    while let Some(MicroBatch { bucket, mails }) = prepared.next().await {
        if mails.is_empty() {
            continue;
        }
        if let Err(mpsc::error::SendError(unsent)) = ready.send(MicroBatch { bucket, mails }).await {
            give_back(&shared, bucket, unsent.mails.iter().map(|mail| mail.claimed.fence()).collect()).await;
        }
    }
}

fn split(Batch { bucket, mut claimed }: Batch, most: usize) -> Vec<Batch> {
    let mut parts = Vec::new();
    while !claimed.is_empty() {
        let rest = claimed.split_off(claimed.len().min(most));
        parts.push(Batch { bucket, claimed: std::mem::replace(&mut claimed, rest) });
    }
    parts
}

async fn prepare_part(shared: Arc<Shared>, Batch { bucket, claimed }: Batch) -> MicroBatch {
    MicroBatch { bucket, mails: prepare_claimed(shared, bucket, claimed).await }
}

/// Answers the mails that are ready; one that cannot be made waits a while.
async fn prepare_claimed(shared: Arc<Shared>, bucket: Bucket, claimed: Vec<Admitted>) -> Vec<Prepared> {
    let fences: Vec<Fence> = claimed.iter().map(|(one, _)| one.fence()).collect();
    if shared.stop.is_cancelled() {
        give_back(&shared, bucket, fences).await;
        return Vec::new();
    }
    let preparing = shared.clone();
    let (ready, failed) = match tokio::task::spawn_blocking(move || prepare_all(&preparing, claimed)).await {
        Ok(prepared) => prepared,
        Err(panicked) => {
            tracing::error!(%panicked, "mails could not be made; they wait and are tried again");
            let again = shared.service.clock().real() + MEND_TIME;
            give_back_until(&shared, bucket, fences.into_iter().map(|fence| (fence, Some(again))).collect()).await;
            return Vec::new();
        }
    };
    if !failed.is_empty() {
        // If this cannot be written their leases run out, and they come back by themselves.
        shared.held.let_go(failed.iter().map(|one| one.outcome.id));
        if let Err(error) = settle(&shared.service, bucket, &failed, shared.node, shared.service.hands()).await {
            tracing::warn!(%error, "mails that could not be made are still claimed; their leases will run out");
        }
    }
    ready
}

fn prepare_all(shared: &Shared, claimed: Vec<Admitted>) -> (Vec<Prepared>, Vec<Settled>) {
    let (mut ready, mut failed) = (Vec::with_capacity(claimed.len()), Vec::new());
    for (one, passage) in claimed {
        match prepare(&shared.service, &shared.settings, one) {
            Ok(mail) => ready.push(Prepared { passage, ..mail }),
            Err(failed_one) => {
                let (one, error) = *failed_one;
                tracing::error!(delivery = %one.id, %error, "a mail could not be made; it waits and is tried again");
                let not_before = shared.service.clock().real() + MEND_TIME;
                failed.push(not_charged(&one, not_before, "the mail could not be made".into()));
            }
        }
    }
    (ready, failed)
}

/// Gives back what was not begun.
pub(super) async fn give_back(shared: &Shared, bucket: Bucket, fences: Vec<Fence>) {
    give_back_until(shared, bucket, fences.into_iter().map(|fence| (fence, None)).collect()).await;
}

/// The same, until an instant (real time). If it cannot be written the leases run out and they come back by themselves.
pub(super) async fn give_back_until(shared: &Shared, bucket: Bucket, batch: Vec<(Fence, Option<DateTime<Utc>>)>) {
    if let Err(error) = queue::release(shared.service.hot_db(), bucket, &batch).await {
        tracing::warn!(%error, "deliveries could not be given back; their leases will run out");
    }
    shared.held.let_go(batch.into_iter().map(|((id, _), _)| id));
}
