//! Says of a micro-batch that from now on the relay may have it, and asks again whether it may be sent.
use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};
use uuid::Uuid;

use super::Shared;
use super::claimer::{MicroBatch, give_back};
use super::line::{Errand, Lane};
use super::prepare::Prepared;
use crate::store::queue::{self, Claimed, Fence};

/// Marks until there are no more micro-batches.
pub(super) async fn run(shared: Arc<Shared>, lane: Lane, micro_batches: Arc<Mutex<mpsc::Receiver<MicroBatch>>>) {
    loop {
        let Some(micro_batch) = micro_batches.lock().await.recv().await else { return };
        for mail in mark(&shared, micro_batch).await {
            shared.line.push(lane, Errand::Mail(Box::new(mail))).await;
        }
    }
}

/// Answers those that may be sent; the others are given back.
async fn mark(shared: &Shared, MicroBatch { bucket, mails }: MicroBatch) -> Vec<Prepared> {
    let fences: Vec<Fence> = mails.iter().map(|mail| mail.claimed.fence()).collect();
    // A mail is marked only when there is somebody to send it.
    let may_begin = !shared.stop.is_cancelled()
        && shared.relay_health.rest_until().is_none()
        && tokio::select! {
            connected = shared.line.somebody_connected() => connected,
            () = shared.stop.cancelled() => false,
        };
    if !may_begin {
        give_back(shared, bucket, fences).await;
        return Vec::new();
    }
    let until = shared.service.clock().real() + shared.settings.lease;
    let claimed: Vec<&Claimed> = mails.iter().map(|mail| &mail.claimed).collect();
    let marked: HashSet<Uuid> = match queue::mark_sending(shared.service.hot_db(), bucket, &claimed, until).await {
        Ok(marked) => marked.into_iter().collect(),
        Err(error) => {
            // Whether the mark was committed is unknown: the leases run out and decide.
            tracing::warn!(%error, "deliveries could not be marked as sending; their leases will run out");
            shared.held.let_go(fences.into_iter().map(|(id, _)| id));
            return Vec::new();
        }
    };
    shared.held.renewed(marked.iter().copied(), until);
    let (marked, others): (Vec<Prepared>, Vec<Prepared>) =
        mails.into_iter().partition(|mail| marked.contains(&mail.claimed.id));
    if !others.is_empty() {
        // Unsubscribed, suppressed or paused since the claim.
        give_back(shared, bucket, others.iter().map(|mail| mail.claimed.fence()).collect()).await;
    }
    marked
}
