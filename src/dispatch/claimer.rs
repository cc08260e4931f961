//! Looks where there is due work, claims it in batches and hands it on in micro-batches.
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::outcome::not_charged;
use super::prepare::{Prepared, prepare};
use super::{Shared, Until};
use crate::actions::settle::{Settled, settle};
use crate::model::Bucket;
use crate::store::admin::{self, TestSend};
use crate::store::queue::{self, Claimed, Fence, Head};

/// What a sender gets.
pub(super) enum Job {
    MicroBatch(Bucket, Vec<Prepared>),
    Test(TestSend),
}

/// How long content or keys that fail are left before they are tried again; no reader is charged.
const MEND_TIME: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

/// Runs until asked to stop, or until nothing is left to claim; the end of `jobs` ends the senders.
pub(super) async fn run(shared: &Arc<Shared>, jobs: mpsc::Sender<Job>, until: Until) {
    let mut trouble = 0;
    while !shared.stop.is_cancelled() {
        if let Some(rested) = shared.relay_health.rest_until() {
            if until == Until::Drained {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(rested) => {}
                () = shared.stop.cancelled() => {}
            }
            shared.service.vitals().dispatcher_moved(shared.service.clock().real());
            continue;
        }
        match pass(shared, &jobs).await {
            Ok(true) => trouble = 0,
            Ok(false) if until == Until::Drained => return,
            Ok(false) => {
                trouble = 0;
                rest(shared, shared.settings.poll).await;
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

/// One look and one batch of every bucket that has due work. Answers whether there was any.
async fn pass(shared: &Arc<Shared>, jobs: &mpsc::Sender<Job>) -> anyhow::Result<bool> {
    let service = &shared.service;
    let mut busy = false;
    while let Some(test) = admin::take_test_send(service.db(), service.clock().real()).await? {
        jobs.send(Job::Test(test)).await.ok();
        busy = true;
    }
    let heads = queue::look(service.db(), &service.slugs(), service.hands()).await?;
    for head in heads {
        if shared.stop.is_cancelled() || shared.relay_health.rest_until().is_some() {
            break;
        }
        let claimed = claim(shared, &head).await?;
        busy |= !claimed.is_empty();
        hand_on(shared, jobs, head.bucket, claimed).await?;
    }
    Ok(busy)
}

async fn claim(shared: &Shared, head: &Head) -> anyhow::Result<Vec<Claimed>> {
    let service = &shared.service;
    let hands = service.hands();
    let until = hands.real + shared.settings.lease;
    let claimed = queue::claim(service.db(), head, hands, until, shared.node, shared.settings.batch).await?;
    shared.held.take(head.bucket, claimed.iter().map(Claimed::fence), until);
    Ok(claimed)
}

async fn hand_on(
    shared: &Arc<Shared>,
    jobs: &mpsc::Sender<Job>,
    bucket: Bucket,
    claimed: Vec<Claimed>,
) -> anyhow::Result<()> {
    if claimed.is_empty() {
        return Ok(());
    }
    let fences: Vec<Fence> = claimed.iter().map(Claimed::fence).collect();
    let prepared = {
        let shared = shared.clone();
        tokio::task::spawn_blocking(move || prepare_all(&shared, claimed)).await
    };
    let (ready, failed) = match prepared {
        Ok(prepared) => prepared,
        Err(panicked) => {
            give_back(shared, bucket, fences).await;
            return Err(panicked.into());
        }
    };
    if !failed.is_empty() {
        // If this cannot be written their leases run out, and they come back by themselves.
        shared.held.let_go(failed.iter().map(|one| one.outcome.id));
        if let Err(error) = settle(&shared.service, bucket, &failed, shared.node, shared.service.hands()).await {
            tracing::warn!(%error, "mails that could not be made are still claimed; their leases will run out");
        }
    }
    let mut ready = ready.into_iter().peekable();
    while ready.peek().is_some() {
        let micro_batch: Vec<Prepared> = ready.by_ref().take(shared.settings.micro_batch).collect();
        // A full channel is the back-pressure; the heartbeat keeps what waits in it.
        if let Err(mpsc::error::SendError(Job::MicroBatch(_, unsent))) =
            jobs.send(Job::MicroBatch(bucket, micro_batch)).await
        {
            give_back(shared, bucket, unsent.iter().map(|mail| mail.claimed.fence()).collect()).await;
        }
    }
    Ok(())
}

fn prepare_all(shared: &Shared, claimed: Vec<Claimed>) -> (Vec<Prepared>, Vec<Settled>) {
    let (mut ready, mut failed) = (Vec::with_capacity(claimed.len()), Vec::new());
    for one in claimed {
        match prepare(&shared.service, &shared.settings, one) {
            Ok(mail) => ready.push(mail),
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

/// Gives back what was not begun. If that fails the lease runs out and it comes back by itself.
pub(super) async fn give_back(shared: &Shared, bucket: Bucket, fences: Vec<Fence>) {
    if let Err(error) = queue::release(shared.service.db(), bucket, &fences).await {
        tracing::warn!(%error, "deliveries could not be given back; their leases will run out");
    }
    shared.held.let_go(fences.into_iter().map(|(id, _)| id));
}
