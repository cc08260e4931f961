//! Finds a relay for a micro-batch and says that from now on that relay may have it, after asking again whether it may be sent.
use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};
use tracing::Span;
use uuid::Uuid;

use super::Shared;
use super::claimer::{MicroBatch, give_back, give_back_until};
use super::line::{Errand, Lane};
use super::prepare::Prepared;
use crate::model::Bucket;
use crate::store;
use crate::store::queue::{self, Claimed, Fence};

/// Marks until there are no more micro-batches.
pub(super) async fn run(shared: Arc<Shared>, lane: Lane, micro_batches: Arc<Mutex<mpsc::Receiver<MicroBatch>>>) {
    loop {
        let Some(micro_batch) = micro_batches.lock().await.recv().await else { return };
        hand_on(&shared, lane, micro_batch).await;
    }
}

/// A relay may take less at a time than a micro-batch holds, and then another gets the rest.
async fn hand_on(shared: &Shared, lane: Lane, MicroBatch { bucket, mails }: MicroBatch) {
    let mut mails = still_open(shared, bucket, mails).await;
    while !mails.is_empty() {
        let Some(mut ticket) = shared.relays.choose(shared, lane, mails.len()).await else { break };
        // A mail is marked only when there is somebody to send it.
        let connected = tokio::select! {
            connected = ticket.relay.line.somebody_connected() => connected,
            () = shared.stop.cancelled() => break,
        };
        if connected {
            let rest = mails.split_off(ticket.mails().min(mails.len()));
            for mail in mark(shared, bucket, mails).await {
                ticket.push(Errand::Mail(Box::new(mail)));
            }
            mails = rest;
        }
    }
    if !mails.is_empty() {
        give_back(shared, bucket, mails.iter().map(|mail| mail.claimed.fence()).collect()).await;
    }
}

/// A domain may have asked for less while these were rendered.
async fn still_open(shared: &Shared, bucket: Bucket, mails: Vec<Prepared>) -> Vec<Prepared> {
    let (open, wait) = shared.domains.closed_meanwhile(mails, shared.service.clock().real());
    if !wait.is_empty() {
        give_back_until(shared, bucket, wait.into_iter().map(|(fence, until)| (fence, Some(until))).collect()).await;
    }
    open
}

/// So often a mark that was undone for another statement is tried again.
const STEP_ASIDE: u32 = 5;

/// Answers those that may be sent; the others are given back.
async fn mark(shared: &Shared, bucket: Bucket, mails: Vec<Prepared>) -> Vec<Prepared> {
    let fences: Vec<Fence> = mails.iter().map(|mail| mail.claimed.fence()).collect();
    let claimed: Vec<&Claimed> = mails.iter().map(|mail| &mail.claimed).collect();
    let _marking: Vec<Span> = mails.iter().map(|mail| tracing::info_span!(parent: &mail.span, "mark")).collect();
    let mut stepped_aside = 0;
    let (marked, until): (HashSet<Uuid>, _) = loop {
        let until = shared.service.clock().real() + shared.settings.lease;
        match queue::mark_sending(shared.service.hot_db(), bucket, &claimed, until).await {
            Ok(marked) => break (marked.into_iter().collect(), until),
            Err(error) if store::was_undone_for_another(&error) && stepped_aside < STEP_ASIDE => stepped_aside += 1,
            Err(error) => {
                // Whether the mark was committed is unknown: the leases run out and decide.
                tracing::warn!(%error, "deliveries could not be marked as sending; their leases will run out");
                shared.held.let_go(fences.into_iter().map(|(id, _)| id));
                return Vec::new();
            }
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
