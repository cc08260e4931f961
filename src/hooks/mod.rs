//! Sends what is owed to webhooks: claim in one short statement, send with no transaction open, settle in another. A process
//! that dies leaves its claims due again after a minute, under the same ids; any number of processes may do this at once.
//!
//! Each endpoint is sent to at its own pace, so one that hangs holds up no other.
mod client;
mod signature;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt as _;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use tracing::field::Empty;
use uuid::Uuid;

use crate::actions::webhooks::tell;
use crate::actions::{ActionError, Service};
use crate::model::{Bucket, Disabled, MessageState, tell_again_after};
use crate::store::webhook_messages::{self as messages, Claimed, Outcome};
use crate::store::webhooks::{self, Target};
use client::{Answer, Client, Post, Verdict};

/// Messages under way to one endpoint at once, of each process; one while it fails.
const AT_ONCE: usize = 8;
/// A claim holds so long, which is far longer than a try can take.
const LEASE: TimeDelta = TimeDelta::minutes(1);
/// An endpoint that has failed for so long is disabled.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::days(5);
/// What is due is looked for so often, where there is an endpoint.
const POLL: Duration = Duration::from_secs(1);

/// Sends for one process; cheap to clone.
#[derive(Clone)]
pub struct Hooks(Arc<Inner>);

struct Inner {
    service: Service,
    client: Client,
    /// Endpoints that asked to be left alone, and until when.
    resting: Mutex<HashMap<Uuid, DateTime<Utc>>>,
}

/// Runs until `stop`; what is under way then is waited for.
pub async fn run(service: Service, stop: CancellationToken) -> anyhow::Result<()> {
    let hooks = Hooks::new(service)?;
    let (mut passes, mut busy) = (JoinSet::new(), HashSet::new());
    while !stop.is_cancelled() {
        match hooks.targets().await {
            Ok(targets) => {
                for target in targets.into_iter().filter(|target| !busy.contains(&target.id)).collect::<Vec<_>>() {
                    busy.insert(target.id);
                    let (hooks, stop) = (hooks.clone(), stop.clone());
                    passes.spawn(async move { hooks.pass_and_tell(target, &stop).await });
                }
            }
            Err(error) => tracing::warn!(%error, "nobody could be told anything; it is tried again"),
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = stop.cancelled() => {}
        }
        while let Some(ended) = passes.try_join_next() {
            ended.map(|id| busy.remove(&id))?;
        }
    }
    while passes.join_next().await.is_some() {}
    Ok(())
}

impl Hooks {
    pub fn new(service: Service) -> anyhow::Result<Self> {
        let client = Client::new(service.settings().webhooks.allow_private)?;
        Ok(Self(Arc::new(Inner { service, client, resting: Mutex::default() })))
    }

    /// Sends all that is due now, once. Answers how many were tried.
    pub async fn drain(&self) -> Result<usize, ActionError> {
        let (never, mut tried) = (CancellationToken::new(), 0);
        for target in self.targets().await? {
            tried += self.pass(&target, &never).await?;
        }
        Ok(tried)
    }

    /// The endpoints that may be sent to. Where this process knows of none, the database is not asked.
    async fn targets(&self) -> Result<Vec<Target>, ActionError> {
        let mut db = self.0.service.db().acquire().await?;
        if tell::wishes(&self.0.service, &mut db).await?.is_empty() {
            return Ok(Vec::new());
        }
        let targets = webhooks::enabled(&mut *db).await?;
        let real = self.0.service.clock().real();
        let mut resting = self.resting();
        resting.retain(|_, until| *until > real);
        Ok(targets.into_iter().filter(|target| !resting.contains_key(&target.id)).collect())
    }

    async fn pass_and_tell(&self, target: Target, stop: &CancellationToken) -> Uuid {
        if let Err(error) = self.pass(&target, stop).await {
            tracing::warn!(%error, webhook = target.name, "messages wait; they are tried again");
        }
        target.id
    }

    /// Sends what one endpoint is owed now, until nothing is due or the endpoint wants a rest.
    async fn pass(&self, target: &Target, stop: &CancellationToken) -> Result<usize, ActionError> {
        let service = &self.0.service;
        let secrets = self.secrets(target)?;
        let at_once = if target.failing_since.is_some() { 1 } else { AT_ONCE };
        let limit = i64::try_from(at_once).unwrap_or(1);
        let mut tried = 0;
        for bucket in messages::due_buckets(service.db(), target.id, service.clock().real()).await? {
            while !stop.is_cancelled() {
                let real = service.clock().real();
                let until = real + LEASE;
                let with_address = target.with_address;
                let claimed =
                    messages::claim(service.db(), bucket, target.id, limit, real, until, with_address).await?;
                if claimed.is_empty() {
                    break;
                }
                tried += claimed.len();
                let sends = claimed.into_iter().map(|one| self.send(target, &secrets, bucket, one));
                let verdicts: Vec<_> = futures::stream::iter(sends).buffer_unordered(at_once).collect().await;
                for verdict in verdicts {
                    match verdict? {
                        Verdict::Sent => {}
                        // The rest of them waits for the next pass: an endpoint that fails is not stormed.
                        _ => return Ok(tried),
                    }
                }
            }
        }
        Ok(tried)
    }

    fn secrets(&self, target: &Target) -> Result<Vec<Vec<u8>>, ActionError> {
        let keyring = self.0.service.keyring();
        let mut secrets = vec![keyring.open_webhook_secret(&target.secret, target.id)?.to_vec()];
        let real = self.0.service.clock().real();
        if let Some(old) = target.old_secret.as_ref().filter(|_| target.old_until.is_some_and(|until| real < until)) {
            secrets.push(keyring.open_webhook_secret(old, target.id)?.to_vec());
        }
        Ok(secrets)
    }

    async fn send(
        &self,
        target: &Target,
        secrets: &[Vec<u8>],
        bucket: Bucket,
        claimed: Claimed,
    ) -> Result<Verdict, ActionError> {
        let real = self.0.service.clock().real();
        let (id, body) = (claimed.id.to_string(), body(&claimed));
        let keys: Vec<&[u8]> = secrets.iter().map(Vec::as_slice).collect();
        let signature = signature::sign(&keys, &id, real.timestamp(), &body);
        let post = Post { id: &id, timestamp: real.timestamp(), signature: &signature, body };
        let span = tracing::info_span!(
            parent: None,
            "webhook",
            otel.kind = "client",
            http.request.method = "POST",
            http.response.status_code = Empty,
            regimen.webhook = %target.id,
            regimen.message = id,
        );
        let answer = self.0.client.post(&target.url, post, real).instrument(span.clone()).await;
        span.record("http.response.status_code", answer.status);
        self.settle(target, bucket, &claimed, answer).await?;
        Ok(answer.verdict)
    }

    /// Writes what became of a try, and what follows for the endpoint, together.
    async fn settle(
        &self,
        target: &Target,
        bucket: Bucket,
        claimed: &Claimed,
        answer: Answer,
    ) -> Result<(), ActionError> {
        let service = &self.0.service;
        let real = service.clock().real();
        let outcome = outcome(claimed, answer, real, service.clock().random_fraction());
        let mut tx = service.db().begin().await?;
        if !messages::settle(&mut *tx, bucket, claimed, &outcome, real).await? {
            return Ok(());
        }
        let given_up = match answer.verdict {
            Verdict::Sent => {
                webhooks::works(&mut *tx, target.id).await?;
                false
            }
            Verdict::Gone => webhooks::disable(&mut *tx, target.id, Disabled::Gone, real).await?,
            Verdict::Again | Verdict::Rest(_) => {
                webhooks::fails(&mut *tx, target.id, real).await?;
                webhooks::disable_failing(&mut *tx, target.id, real - GIVEN_UP_AFTER, real).await?
            }
        };
        tx.commit().await?;
        service.metrics().told(if answer.verdict == Verdict::Sent { "sent" } else { "failed" });
        if let Verdict::Rest(span) = answer.verdict {
            self.resting().insert(target.id, real + span);
        }
        if given_up {
            tracing::error!(webhook = target.name, "the webhook is disabled, since it is gone or has failed for days");
            tell::refresh(service).await?;
        }
        Ok(())
    }

    fn resting(&self) -> MutexGuard<'_, HashMap<Uuid, DateTime<Utc>>> {
        self.0.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a try means for its message.
fn outcome(claimed: &Claimed, answer: Answer, real: DateTime<Utc>, jitter: f64) -> Outcome {
    let tries = u16::try_from(claimed.tries + 1).unwrap_or(u16::MAX);
    let wait = match answer.verdict {
        Verdict::Sent | Verdict::Gone => None,
        Verdict::Again => tell_again_after(tries, jitter),
        Verdict::Rest(span) => tell_again_after(tries, jitter).map(|wait| wait.max(span)),
    };
    let state = match (answer.verdict, wait) {
        (Verdict::Sent, _) => MessageState::Sent,
        (_, Some(_)) => MessageState::Pending,
        (_, None) => MessageState::Failed,
    };
    let status = answer.status.and_then(|status| i16::try_from(status).ok());
    Outcome { state, status, error: answer.error, next_try_at: wait.map(|wait| real + wait) }
}

/// What a message says. No condition is in here, and the address only where the endpoint was made so.
fn body(claimed: &Claimed) -> String {
    let words = [
        ("subscriber", claimed.subscriber.map(|id| id.to_string())),
        ("enrollment", claimed.enrollment.map(|id| id.to_string())),
        ("address", claimed.address.clone()),
        ("series", claimed.series.clone()),
        ("mail", claimed.kind.clone()),
        ("step", claimed.step.clone()),
        ("reason", claimed.reason.clone()),
    ];
    let data: Map<String, Value> =
        words.into_iter().filter_map(|(name, word)| Some((name.to_owned(), json!(word?)))).collect();
    json!({ "type": claimed.event, "timestamp": claimed.at, "data": data }).to_string()
}
