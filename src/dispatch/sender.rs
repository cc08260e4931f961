//! One connection to the relay and the mails that go over it.
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use uuid::Uuid;

use super::Shared;
use super::claimer::{Job, give_back};
use super::outcome::{Verdict, accepted, not_charged, refused};
use super::prepare::{Prepared, prepare_test};
use crate::actions::settle::{Settled, settle};
use crate::actions::tidy::settle_uncertain;
use crate::model::{Bucket, retry_after};
use crate::store::admin::{self, TestSend};
use crate::store::queue::{self, Fence};
use crate::transport::{Accepted, Connection, Envelope, SendError};

/// Takes jobs until there are no more.
pub(super) async fn run(shared: Arc<Shared>, jobs: Arc<Mutex<mpsc::Receiver<Job>>>) {
    let mut line = Line { shared: shared.clone(), connection: None };
    loop {
        let job = jobs.lock().await.recv().await;
        match job {
            Some(Job::MicroBatch(bucket, mails)) => line.micro_batch(bucket, mails).await,
            Some(Job::Test(test)) => line.test(test).await,
            None => break,
        }
    }
    line.hang_up().await;
}

struct Line {
    shared: Arc<Shared>,
    connection: Option<Connection>,
}

impl Line {
    /// Marks, sends, settles.
    async fn micro_batch(&mut self, bucket: Bucket, mails: Vec<Prepared>) {
        let fences: Vec<Fence> = mails.iter().map(|mail| mail.claimed.fence()).collect();
        if self.shared.stop.is_cancelled() || self.shared.relay_health.rest_until().is_some() {
            return give_back(&self.shared, bucket, fences).await;
        }
        // The connection comes first: a mail is marked `sending` only when there is somebody to send it to.
        if let Err(why) = self.connect().await {
            tracing::warn!(relay = %self.shared.settings.relay.name, %why, "the relay cannot be used; trying again later");
            return give_back(&self.shared, bucket, fences).await;
        }
        let until = self.shared.service.clock().real() + self.shared.settings.lease;
        let marked = match queue::mark_sending(self.shared.service.db(), bucket, &fences, until).await {
            Ok(marked) => marked.into_iter().collect::<HashSet<Uuid>>(),
            Err(error) => {
                // Whether the mark was committed is unknown: the leases run out and decide.
                tracing::warn!(%error, "deliveries could not be marked as sending; their leases will run out");
                self.shared.held.let_go(fences.into_iter().map(|(id, _)| id));
                return;
            }
        };
        let (marked, others): (Vec<Prepared>, Vec<Prepared>) =
            mails.into_iter().partition(|mail| marked.contains(&mail.claimed.id));
        if !others.is_empty() {
            // Unsubscribed, suppressed or paused since the claim.
            give_back(&self.shared, bucket, others.iter().map(|mail| mail.claimed.fence()).collect()).await;
        }
        self.shared.held.renewed(marked.iter().map(|mail| mail.claimed.id), until);
        self.send_all(bucket, marked).await;
    }

    async fn send_all(&mut self, bucket: Bucket, mails: Vec<Prepared>) {
        let (mut settled, mut uncertain) = (Vec::with_capacity(mails.len()), Vec::new());
        let mut unsent: Option<String> = None;
        for mail in &mails {
            // A process that was frozen, or a relay that took its time while the heartbeat was cut off: another node may
            // have this one by now.
            if unsent.is_none() && !self.shared.held.is_ours(mail.claimed.id, self.shared.service.clock().real()) {
                unsent = Some("the lease had run out before it was sent".into());
            }
            if let Some(why) = &unsent {
                settled.push(self.put_back(mail, why));
                continue;
            }
            let sent = self.send(&mail.envelope, &mail.octets).await;
            self.shared.service.vitals().dispatcher_moved(self.shared.service.clock().real());
            match sent {
                Ok(answer) => settled.push(accepted(mail, &answer)),
                Err(error) => {
                    if let SendError::Relay { why } = &error {
                        unsent = Some(why.clone());
                    }
                    let clock = self.shared.service.clock();
                    match refused(&mail.claimed, error, &self.shared.settings, clock.real(), clock.random_fraction()) {
                        Verdict::Settle(one) => settled.push(one),
                        Verdict::Uncertain { why } => uncertain.push((mail.claimed.fence(), mail.claimed.tries, why)),
                    }
                }
            }
            if self.shared.stop.is_cancelled() && unsent.is_none() {
                unsent = Some("the dispatcher was stopped".into());
            }
        }
        self.settle(bucket, &settled).await;
        for (fence, tries, why) in uncertain {
            self.settle_uncertain(bucket, fence, tries, &why).await;
        }
        self.shared.held.let_go(mails.iter().map(|mail| mail.claimed.id));
    }

    fn put_back(&self, mail: &Prepared, why: &str) -> Settled {
        not_charged(&mail.claimed, self.shared.service.clock().real(), why.to_owned())
    }

    /// Hands one mail over, on a new connection if there is none that can be used.
    async fn send(&mut self, envelope: &Envelope, octets: &[u8]) -> Result<Accepted, SendError> {
        if let Err(why) = self.connect().await {
            return Err(SendError::Relay { why });
        }
        let connection = self.connection.as_mut().expect("connected above");
        let result = connection.send(envelope, octets).await;
        match &result {
            Err(SendError::Relay { .. }) => {
                self.connection = None;
                self.shared.relay_health.failed();
            }
            Err(SendError::Broken { .. } | SendError::Uncertain { .. }) => self.connection = None,
            _ => self.shared.relay_health.worked(),
        }
        result
    }

    /// Makes sure of a connection. The error is the relay's failure, in words.
    async fn connect(&mut self) -> Result<(), String> {
        if let Some(connection) = &mut self.connection {
            if connection.reusable() && connection.alive().await {
                return Ok(());
            }
            self.hang_up().await;
        }
        match Connection::open(&self.shared.settings.relay).await {
            Ok(connection) => {
                self.connection = Some(connection);
                Ok(())
            }
            Err(error) => {
                self.shared.relay_health.failed();
                Err(error.to_string())
            }
        }
    }

    /// Writes the outcomes. The relay has accepted some of these, so a database that is away is waited for.
    async fn settle(&self, bucket: Bucket, settled: &[Settled]) {
        if settled.is_empty() {
            return;
        }
        let service = &self.shared.service;
        for trouble in 0..SETTLE_TRIES {
            match settle(service, bucket, settled, self.shared.node, service.hands()).await {
                Ok(ours) if ours < settled.len() => {
                    tracing::warn!(stale = settled.len() - ours, "results came after their lease had run out");
                    return;
                }
                Ok(_) => return,
                Err(error) => {
                    tracing::error!(%error, "outcomes could not be written; trying again");
                    tokio::time::sleep(settle_wait(trouble)).await;
                }
            }
        }
        tracing::error!(count = settled.len(), "outcomes were not written; what was sending will be uncertain");
    }

    async fn settle_uncertain(&self, bucket: Bucket, fence: Fence, tries: i16, why: &str) {
        let service = &self.shared.service;
        let policy = self.shared.settings.on_uncertain;
        tracing::warn!(delivery = %fence.0, why, "nobody can say whether the relay took a mail");
        for trouble in 0..SETTLE_TRIES {
            let wait = retry_after(u16::try_from(tries).unwrap_or(0) + 1, service.clock().random_fraction());
            let not_before = service.clock().real() + chrono::TimeDelta::from_std(wait).unwrap_or_default();
            match settle_uncertain(service, bucket, &[fence], policy, not_before, self.shared.node, why).await {
                Ok(_) => return,
                Err(error) => {
                    tracing::error!(%error, "an uncertain outcome could not be written; trying again");
                    tokio::time::sleep(settle_wait(trouble)).await;
                }
            }
        }
    }

    /// A test send is tried once and stands outside the books.
    async fn test(&mut self, test: TestSend) {
        let outcome = match prepare_test(&self.shared.service, &self.shared.settings, &test) {
            Ok((envelope, octets)) => match self.send(&envelope, &octets).await {
                Ok(answer) => format!("accepted: {} {}", answer.code, answer.reply),
                Err(error) => format!("not accepted: {error}"),
            },
            Err(error) => format!("not sent: {error}"),
        };
        let service = &self.shared.service;
        if let Err(error) = admin::settle_test_send(service.db(), test.id, &outcome, service.clock().real()).await {
            tracing::warn!(%error, "the outcome of a test send could not be written");
        }
    }

    async fn hang_up(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.quit().await;
        }
    }
}

/// Almost three minutes in all: longer than a restart of PostgreSQL takes.
const SETTLE_TRIES: u32 = 30;

fn settle_wait(trouble: u32) -> Duration {
    Duration::from_millis(100 << trouble.min(6)).min(Duration::from_secs(10))
}
