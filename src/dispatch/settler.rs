//! Writes the outcomes of each bucket together: a transaction for many mails costs little more than one for a single mail.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Span;

use super::Shared;
use super::outcome::Verdict;
use crate::actions::settle::{Settled, settle};
use crate::actions::tidy::settle_uncertain;
use crate::model::{Bucket, retry_after};
use crate::store::queue::Fence;

/// What became of a mail.
pub(super) struct Done {
    pub(super) bucket: Bucket,
    pub(super) fence: Fence,
    /// Attempts charged before this one.
    pub(super) tries: i16,
    pub(super) verdict: Verdict,
    /// The mail's way through this process; it ends when this is written.
    pub(super) span: Span,
}

/// A bucket's outcomes are written when there are so many …
const ENOUGH: usize = 200;
/// … or when the oldest has waited so long.
const PATIENCE: Duration = Duration::from_millis(20);
/// Transactions at the same time.
const WRITERS: usize = 4;
/// With so many waiting the senders wait too: the database does not keep up, or is away.
const MOST_WAITING: usize = 1_000;

/// Settles until there are no more outcomes and all are written.
pub(super) async fn run(shared: Arc<Shared>, mut inbox: mpsc::Receiver<Done>) {
    let mut waiting = Waiting::default();
    let mut writers = JoinSet::new();
    let mut open = true;
    loop {
        while writers.len() < WRITERS
            && let Some((bucket, batch)) = waiting.ripe(!open)
        {
            writers.spawn(write(shared.clone(), bucket, batch));
        }
        if !open && writers.is_empty() {
            return;
        }
        let mut arrived = Vec::new();
        let next = waiting.ripe_at().filter(|_| writers.len() < WRITERS);
        tokio::select! {
            count = inbox.recv_many(&mut arrived, ENOUGH), if open && waiting.count < MOST_WAITING => {
                open = count > 0;
            }
            Some(_) = writers.join_next() => {}
            () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
        }
        for done in arrived {
            waiting.add(done);
        }
    }
}

#[derive(Default)]
struct Waiting {
    buckets: BTreeMap<Bucket, Batch>,
    count: usize,
}

struct Batch {
    since: Instant,
    done: Vec<Done>,
}

impl Waiting {
    fn add(&mut self, done: Done) {
        let batch =
            self.buckets.entry(done.bucket).or_insert_with(|| Batch { since: Instant::now(), done: Vec::new() });
        batch.done.push(done);
        self.count += 1;
    }

    /// The bucket that has waited longest, if it is time for it, or in any case.
    fn ripe(&mut self, in_any_case: bool) -> Option<(Bucket, Vec<Done>)> {
        let full = self.buckets.iter().find(|(_, batch)| batch.done.len() >= ENOUGH).map(|(bucket, _)| *bucket);
        let oldest = || {
            let (bucket, batch) = self.buckets.iter().min_by_key(|(_, batch)| batch.since)?;
            (in_any_case || batch.since.elapsed() >= PATIENCE).then_some(*bucket)
        };
        let bucket = full.or_else(oldest)?;
        let batch = self.buckets.remove(&bucket)?;
        self.count -= batch.done.len();
        Some((bucket, batch.done))
    }

    fn ripe_at(&self) -> Option<Instant> {
        self.buckets.values().map(|batch| batch.since + PATIENCE).min()
    }
}

async fn write(shared: Arc<Shared>, bucket: Bucket, batch: Vec<Done>) {
    let ids: Vec<_> = batch.iter().map(|done| done.fence.0).collect();
    let settling = |done: &Done| (tracing::info_span!(parent: &done.span, "settle"), done.span.clone());
    let _settling: Vec<(Span, Span)> = batch.iter().map(settling).collect();
    let (mut settled, mut uncertain) = (Vec::with_capacity(batch.len()), Vec::new());
    for done in batch {
        match done.verdict {
            Verdict::Settle(one) => settled.push(one),
            Verdict::Uncertain { why } => uncertain.push((done.fence, done.tries, why)),
        }
    }
    write_settled(&shared, bucket, settled).await;
    for (fence, tries, why) in uncertain {
        write_uncertain(&shared, bucket, fence, tries, &why).await;
    }
    shared.held.let_go(ids);
}

/// The relay has accepted some of these, so a database that is away is waited for. What the database itself refuses is
/// tried one by one: a row that cannot be written must not take the others with it.
async fn write_settled(shared: &Shared, bucket: Bucket, settled: Vec<Settled>) {
    let service = &shared.service;
    let mut trouble = 0;
    while !settled.is_empty() {
        match settle(service, bucket, &settled, shared.node, service.hands()).await {
            Ok(ours) => {
                if ours < settled.len() {
                    tracing::warn!(stale = settled.len() - ours, "results came after their lease had run out");
                }
                return;
            }
            Err(error) if settled.len() > 1 && error.is_about_a_row() => {
                tracing::error!(%error, "outcomes could not be written together; trying each alone");
                for one in settled {
                    Box::pin(write_settled(shared, bucket, vec![one])).await;
                }
                return;
            }
            Err(error) => {
                let count = settled.len();
                if error.is_about_a_row() || !may_try_again(shared, trouble).await {
                    tracing::error!(%error, count, "outcomes were not written; what was sending will be uncertain");
                    return;
                }
                tracing::error!(%error, count, "outcomes could not be written; trying again");
                trouble += 1;
            }
        }
    }
}

async fn write_uncertain(shared: &Shared, bucket: Bucket, fence: Fence, tries: i16, why: &str) {
    let service = &shared.service;
    let policy = shared.settings.on_uncertain;
    tracing::warn!(delivery = %fence.0, why, "nobody can say whether the relay took a mail");
    let mut trouble = 0;
    loop {
        let wait = retry_after(u16::try_from(tries).unwrap_or(0) + 1, service.clock().random_fraction());
        let not_before = service.clock().real() + chrono::TimeDelta::from_std(wait).unwrap_or_default();
        match settle_uncertain(service, bucket, &[fence], policy, not_before, shared.node, why).await {
            Ok(_) => return,
            Err(error) => {
                tracing::error!(%error, "an uncertain outcome could not be written");
                if !may_try_again(shared, trouble).await {
                    return;
                }
                trouble += 1;
            }
        }
    }
}

/// Almost three minutes in all: longer than a restart of PostgreSQL takes. After an order to stop, the farewell ends it.
const SETTLE_TRIES: u32 = 30;

/// Waits before the next try; false when there is none.
async fn may_try_again(shared: &Shared, trouble: u32) -> bool {
    let wait = Duration::from_millis(100 << trouble.min(6));
    tokio::select! {
        () = tokio::time::sleep(wait) => trouble < SETTLE_TRIES,
        () = shared.abandon.cancelled() => false,
    }
}
