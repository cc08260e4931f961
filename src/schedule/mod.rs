//! The recurring work. Cron only nudges: each job also has a poll that would run anyway, so a scheduler that stalls delays
//! nothing for long, and `/readyz` shows when it ticked last.
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::actions::manage::change;
use crate::actions::retention::{self, Pruned};
use crate::actions::tidy::{self, OnUncertain};
use crate::actions::{ActionError, Service, admins, guards, imports, runs, webhooks};
use crate::config::Schedule;
use crate::store::{self, WAKE_CHANNEL, growth, installation};

/// What this process's ticker does.
pub struct Settings {
    pub cron: Schedule,
    pub on_uncertain: OnUncertain,
    /// How long a dispatcher's claim holds without a heartbeat.
    pub lease: chrono::TimeDelta,
    /// The word for this process in the list of nodes.
    pub role: &'static str,
}

/// Runs until `stop`.
pub async fn run(service: Service, settings: Settings, node: Uuid, stop: CancellationToken) {
    let nudges = Nudges::default();
    let scheduler = match start_cron(&service, &settings.cron, &nudges).await {
        Ok(scheduler) => Some(scheduler),
        Err(error) => {
            tracing::error!(%error, "the scheduler did not start; the polls do its work");
            None
        }
    };
    let mut work = JoinSet::new();
    let (policy, role) = (settings.on_uncertain, settings.role);
    let s = &service;
    recurring(&mut work, s, &stop, &nudges.reminders, Duration::from_mins(10), |s| async move {
        let reminded = tidy::remind(&s).instrument(job("remind")).await?;
        if reminded > 0 {
            tracing::info!(reminded, "reminders are on their way");
        }
        Ok(())
    });
    let grace = Arc::new(Grace::after(settings.lease));
    recurring(&mut work, s, &stop, &nudges.reap, Duration::from_secs(15), move |s| {
        reap(s, policy, node, grace.clone()).instrument(job("reap"))
    });
    let stopping = stop.clone();
    recurring(&mut work, s, &stop, &nudges.clean_up, Duration::from_hours(6), move |s| {
        clean_up(s, stopping.clone()).instrument(job("clean up"))
    });
    recurring(&mut work, s, &stop, &Arc::default(), Duration::from_secs(10), move |s| async move {
        s.clock().agree(store::server_time(s.db()).await?);
        installation::node_seen(s.db(), node, role, s.clock().real(), s.vitals().tick()).await?;
        webhooks::tell::refresh(&s).await?;
        s.refresh_content().await
    });
    recurring(&mut work, s, &stop, &Arc::default(), Duration::from_secs(5), |s| async move {
        let tables = growth::analyze_doubled(s.db()).await?;
        if !tables.is_empty() {
            tracing::debug!(?tables, "these have doubled, and PostgreSQL has looked at all that grow again");
        }
        Ok(())
    });
    recurring(
        &mut work,
        s,
        &stop,
        &Arc::default(),
        Duration::from_secs(10),
        |s| async move { Ok(guards::tidy(&s).await?) },
    );
    // As often as the dispatcher's own tick, since a demo's clock is fast.
    recurring(&mut work, s, &stop, &Arc::default(), Duration::from_secs(5), |s| async move {
        let ended = change::end_pauses(&s).await?;
        if ended > 0 {
            tracing::info!(ended, "pauses have come to their end");
        }
        Ok(())
    });
    let stopping = stop.clone();
    recurring(&mut work, s, &stop, &Arc::default(), Duration::from_secs(2), move |s| {
        let stopping = stopping.clone();
        async move { Ok(runs::work::work(&s, || !stopping.is_cancelled()).await?) }
    });
    let stopping = stop.clone();
    recurring(&mut work, s, &stop, &Arc::default(), Duration::from_secs(2), move |s| {
        let stopping = stopping.clone();
        async move { Ok(imports::work(&s, || !stopping.is_cancelled()).await?) }
    });
    work.spawn(listen(service.clone(), stop.clone()));
    while work.join_next().await.is_some() {}
    if let Some(mut scheduler) = scheduler {
        scheduler.shutdown().await.ok();
    }
}

/// A job that may take long, for a collector of traces; those that look every few seconds and mostly find nothing are none.
fn job(name: &'static str) -> Span {
    tracing::info_span!(parent: None, "job", otel.name = name)
}

/// The first clean-up of a large table takes long: it stops between two batches when the process is to end.
async fn clean_up(service: Service, stop: CancellationToken) -> anyhow::Result<()> {
    let forgotten = tidy::forget_unconfirmed(&service).await?;
    if forgotten > 0 {
        tracing::info!(forgotten, "sign-ups that were never confirmed are deleted");
    }
    admins::tidy(&service).await?;
    let pruned = retention::prune(&service, || !stop.is_cancelled()).await?;
    if pruned != Pruned::default() {
        let Pruned { enrollments, deliveries, attempts, test_sends, webhook_messages } = pruned;
        tracing::info!(enrollments, deliveries, attempts, test_sends, webhook_messages, "old history is pruned");
    }
    Ok(())
}

/// While the database is away nobody can renew a lease. Whoever holds one gets one and a half times its span after the
/// database's return to say what became of its mails, before they are taken for uncertain and sent again.
struct Grace {
    span: Duration,
    /// A database that takes longer than this over an answer was away: the heartbeat keeps leases good for so long.
    patience: Duration,
    until: Mutex<Option<Instant>>,
}

impl Grace {
    fn after(lease: chrono::TimeDelta) -> Self {
        let lease = lease.to_std().unwrap_or_default();
        Self { span: lease * 3 / 2, patience: lease * 2 / 3, until: Mutex::default() }
    }

    fn begin(&self) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + self.span);
    }

    fn lasts(&self) -> bool {
        self.until.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| Instant::now() < until)
    }

    /// What the database answers in time. If it does not, the grace begins.
    async fn unless_away<T>(&self, answer: impl Future<Output = Result<T, ActionError>>) -> Result<T, ActionError> {
        let answer = tokio::time::timeout(self.patience, answer).await;
        let answer = answer.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut.into()));
        if answer.as_ref().is_err_and(is_away) {
            self.begin();
        }
        answer
    }
}

/// Whether nobody answered, rather than a statement having been refused (SQLSTATE class 57 of PostgreSQL's appendix A is a
/// server that stops or starts).
fn is_away(error: &ActionError) -> bool {
    match error {
        ActionError::Database(sqlx::Error::Database(error)) => error.code().is_none_or(|code| code.starts_with("57")),
        ActionError::Database(_) => true,
        _ => false,
    }
}

async fn reap(service: Service, policy: OnUncertain, node: Uuid, grace: Arc<Grace>) -> anyhow::Result<()> {
    grace.unless_away(async { Ok(store::server_time(service.db()).await?) }).await?;
    if grace.lasts() {
        return Ok(());
    }
    let (mut given_back, mut uncertain) = (0, 0);
    for bucket in tidy::buckets() {
        match grace.unless_away(tidy::reap_bucket(&service, bucket, policy, node)).await {
            Ok((back, unknown)) => (given_back, uncertain) = (given_back + back, uncertain + unknown),
            Err(error) if is_away(&error) => return Err(error.into()),
            // The others' leases have run out all the same.
            Err(error) => tracing::error!(%error, bucket = bucket.get(), "leases could not be taken back"),
        }
    }
    if given_back + uncertain > 0 {
        tracing::warn!(given_back, uncertain, "leases had run out");
    }
    Ok(())
}

#[derive(Default)]
struct Nudges {
    reminders: Arc<Notify>,
    reap: Arc<Notify>,
    clean_up: Arc<Notify>,
}

async fn start_cron(service: &Service, cron: &Schedule, nudges: &Nudges) -> anyhow::Result<JobScheduler> {
    let scheduler = JobScheduler::new().await?;
    let ticking = service.clone();
    let tick = Job::new(cron.dispatch.as_str(), move |_, _| {
        ticking.vitals().ticked(ticking.clock().real());
        ticking.wake_dispatcher();
    })?;
    scheduler.add(tick).await?;
    for (expression, nudge) in
        [(&cron.reminders, &nudges.reminders), (&cron.reap, &nudges.reap), (&cron.clean_up, &nudges.clean_up)]
    {
        let nudge = nudge.clone();
        scheduler.add(Job::new(expression.as_str(), move |_, _| nudge.notify_one())?).await?;
    }
    scheduler.start().await?;
    Ok(scheduler)
}

/// Does the work now, at each nudge, and at least every `poll`.
fn recurring<W, F>(
    tasks: &mut JoinSet<()>,
    service: &Service,
    stop: &CancellationToken,
    nudge: &Arc<Notify>,
    poll: Duration,
    mut work: W,
) where
    W: FnMut(Service) -> F + Send + 'static,
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let (service, stop, nudge) = (service.clone(), stop.clone(), nudge.clone());
    tasks.spawn(async move {
        while !stop.is_cancelled() {
            if let Err(error) = work(service.clone()).await {
                tracing::warn!(%error, "recurring work failed; it is tried again");
            }
            tokio::select! {
                () = nudge.notified() => {}
                () = tokio::time::sleep(poll) => {}
                () = stop.cancelled() => {}
            }
        }
    });
}

/// Wakes the dispatcher when any node commits something that is due. Losing the connection loses nothing: the poll
/// guarantees.
async fn listen(service: Service, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let heard = async {
            let mut listener = PgListener::connect_with(service.db()).await?;
            listener.listen(WAKE_CHANNEL).await?;
            loop {
                listener.recv().await?;
                service.wake_dispatcher();
            }
            #[allow(unreachable_code)]
            Ok::<(), sqlx::Error>(())
        };
        tokio::select! {
            () = stop.cancelled() => return,
            result = heard => {
                if let Err(error) = result {
                    tracing::debug!(%error, "the listener lost its connection");
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}
