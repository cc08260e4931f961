//! The relays of this process, and which of them gets the next micro-batch: by weight, among those that work, have room and
//! may carry more. That another takes over when one fails needs nothing else.
mod allowance;
mod breaker;
mod rotation;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::line::{Errand, Lane, Line};
use super::{RelaySettings, Shared, Until};
use crate::metrics::{Metrics, RelayState};
use crate::transport;
use allowance::Allowance;
pub(super) use breaker::rest_after;
use breaker::{Breaker, Lets};
use rotation::Rotation;

pub(super) struct Relays {
    pub(super) all: Vec<Arc<Relay>>,
    rotation: Mutex<Rotation>,
    /// How many micro-batches that a reader waits for ask for a relay: steps leave them what is scarce.
    urgent: AtomicUsize,
    /// Something has changed that a micro-batch may wait for.
    changed: Arc<Notify>,
}

/// One relay, with all that this process knows of it.
pub(super) struct Relay {
    pub(super) server: transport::Relay,
    /// How many senders it has.
    pub(super) connections: usize,
    pub(super) line: Line,
    breaker: Mutex<Breaker>,
    allowance: Allowance,
    metrics: Arc<Metrics>,
    changed: Arc<Notify>,
}

/// Whether anything can be sent, as far as the relays go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    Going,
    /// After so short a time that what is claimed may wait for it.
    Soon(Duration),
    /// Not for so long.
    Resting(Duration),
}

/// Micro-batches wait this long for a rate; for anything longer they go back to the queue.
const HELD: Duration = Duration::from_mins(1);

impl Relays {
    pub(super) fn new(settings: &[RelaySettings], micro_batch: usize, metrics: &Arc<Metrics>) -> Self {
        let changed = Arc::new(Notify::new());
        let relay = |one: &RelaySettings| {
            metrics.relay_is(&one.relay.name, RelayState::Working);
            metrics.relay_connections(&one.relay.name, 0);
            Arc::new(Relay {
                server: one.relay.clone(),
                connections: one.connections.max(1),
                line: Line::new(micro_batch, changed.clone()),
                breaker: Mutex::default(),
                allowance: Allowance::new(one),
                metrics: metrics.clone(),
                changed: changed.clone(),
            })
        };
        Self {
            all: settings.iter().map(relay).collect(),
            rotation: Mutex::new(Rotation::new(settings.iter().map(|one| one.weight))),
            urgent: AtomicUsize::new(0),
            changed: changed.clone(),
        }
    }

    /// Waits for a relay that takes up to `most` mails. None when it would take too long, or when asked to stop.
    pub(super) async fn choose(&self, shared: &Shared, lane: Lane, most: usize) -> Option<Ticket> {
        let _urgent = (lane == Lane::Urgent).then(|| Urgent::begin(self));
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if shared.stop.is_cancelled() {
                return None;
            }
            self.ask_for_more(shared, lane, most).await;
            let real = shared.service.clock().real();
            if let Some(ticket) = self.choose_now(lane, most, real) {
                return Some(ticket);
            }
            let wait = match self.outlook(real) {
                Outlook::Going => shared.settings.poll,
                Outlook::Soon(wait) if shared.until == Until::Stopped => wait.min(shared.settings.poll),
                Outlook::Soon(_) | Outlook::Resting(_) => return None,
            };
            // Waiting for one's turn is no standstill.
            shared.service.vitals().dispatcher_moved(real);
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(wait.max(Duration::from_millis(1))) => {}
                () = shared.stop.cancelled() => {}
            }
        }
    }

    pub(super) fn outlook(&self, real: DateTime<Utc>) -> Outlook {
        let (mut soonest, mut may_wait) = (Duration::MAX, false);
        for relay in &self.all {
            let (wait, short) = match relay.waits(real) {
                None => return Outlook::Going,
                Some(Wait::Breaker(wait)) => (wait, false),
                Some(Wait::Allowance(wait)) => (wait, wait <= HELD),
            };
            soonest = soonest.min(wait);
            may_wait |= short;
        }
        if may_wait { Outlook::Soon(soonest) } else { Outlook::Resting(soonest) }
    }

    /// Waits until an outlook may have changed.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// What this process may still send is for the others now.
    pub(super) async fn give_back(&self, shared: &Shared) {
        for relay in &self.all {
            let real = shared.service.clock().real();
            if let Err(error) = relay.allowance.give_back(shared.service.hot_db(), real).await {
                tracing::warn!(relay = %relay.server.name, %error, "what a relay may still carry could not be given back");
            }
        }
    }

    async fn ask_for_more(&self, shared: &Shared, lane: Lane, most: u32) {
        for relay in &self.all {
            if relay.line.room(lane) > 0 && relay.lets_through() {
                relay.allowance.ask(shared.service.hot_db(), most, shared.service.clock().real()).await;
            }
        }
    }

    fn choose_now(&self, lane: Lane, most: u32, real: DateTime<Utc>) -> Option<Ticket> {
        // Whoever chooses holds this, so that what is seen here stays so until it is taken.
        let mut rotation = self.rotation.lock().unwrap_or_else(PoisonError::into_inner);
        let urgent_waits = lane == Lane::Steps && self.urgent.load(Ordering::Relaxed) > 0;
        let may: Vec<bool> = self.all.iter().map(|relay| relay.takes(lane, most, urgent_waits, real)).collect();
        let whose = rotation.next(&may)?;
        let relay = self.all[whose].clone();
        let mails = relay.allowance.spend(most, real);
        let probe = relay.lets() == Lets::OneProbe;
        if probe {
            relay.change_breaker(Breaker::probe_begins);
            relay.line.one_connection_only(true);
        }
        let mails = usize::try_from(mails).unwrap_or(usize::MAX);
        rotation.took(whose, mails, &may);
        relay.line.reserve(lane, mails);
        Some(Ticket { relay, lane, mails, day: real.date_naive(), probe, used: false })
    }
}

/// Why a relay takes nothing for now.
enum Wait {
    Breaker(Duration),
    Allowance(Duration),
}

impl Relay {
    /// It answered a mail, whatever the answer was.
    pub(super) fn worked(&self) {
        if self.change_breaker(Breaker::worked) {
            tracing::info!(relay = %self.server.name, "the relay works again");
            self.line.one_connection_only(false);
            self.changed.notify_waiters();
        }
    }

    /// It failed as a whole.
    pub(super) fn failed(&self) {
        self.change_breaker(|breaker| breaker.failed(Instant::now()));
        self.line.one_connection_only(false);
        self.changed.notify_waiters();
    }

    /// A connection was lost while a mail was on its way.
    pub(super) fn lost(&self) {
        self.change_breaker(|breaker| breaker.lost(Instant::now()));
        self.changed.notify_waiters();
    }

    /// A mail that it was to have was not taken by it, for a reason that is not the mail's.
    pub(super) fn not_taken(&self, real: DateTime<Utc>) {
        self.allowance.refund(1, real.date_naive());
    }

    fn lets_through(&self) -> bool {
        matches!(self.lets(), Lets::Everything | Lets::OneProbe)
    }

    fn lets(&self) -> Lets {
        self.breaker().lets(Instant::now())
    }

    fn takes(&self, lane: Lane, most: u32, urgent_waits: bool, real: DateTime<Utc>) -> bool {
        let has = self.allowance.has(most, real);
        self.lets_through()
            && has > 0
            && usize::try_from(has).is_ok_and(|has| self.line.room(lane) >= has)
            && !(urgent_waits && self.allowance.is_limited())
    }

    fn waits(&self, real: DateTime<Utc>) -> Option<Wait> {
        if let Lets::NothingUntil(until) = self.lets() {
            return Some(Wait::Breaker(until.saturating_duration_since(Instant::now())));
        }
        let again = self.allowance.again(real)?;
        Some(Wait::Allowance((again - real).to_std().unwrap_or_default()))
    }

    /// How many connections there are now.
    pub(super) fn show_connections(&self) {
        self.metrics.relay_connections(&self.server.name, self.line.connections());
    }

    /// Changes the breaker, and shows in the metrics how it stands then.
    fn change_breaker<T>(&self, change: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut breaker = self.breaker();
        let (before, changed, after) = (breaker.stands(), change(&mut breaker), breaker.stands());
        if before != after {
            self.metrics.relay_is(&self.server.name, after);
        }
        changed
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room in a relay's line, and leave to use it. What is not used of it when it is dropped is free again.
pub(super) struct Ticket {
    pub(super) relay: Arc<Relay>,
    lane: Lane,
    mails: usize,
    day: NaiveDate,
    probe: bool,
    used: bool,
}

impl Ticket {
    /// How many mails may go.
    pub(super) fn mails(&self) -> usize {
        self.mails
    }

    pub(super) fn push(&mut self, errand: Errand) {
        self.mails = self.mails.checked_sub(1).expect("no more than were asked for");
        self.used = true;
        self.relay.line.put(self.lane, errand);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.relay.line.release(self.lane, self.mails);
        self.relay.allowance.refund(u32::try_from(self.mails).unwrap_or(u32::MAX), self.day);
        if self.probe && !self.used {
            self.relay.change_breaker(|breaker| breaker.probe_came_to_nothing(Instant::now()));
        }
        self.relay.changed.notify_waiters();
    }
}

/// A micro-batch that a reader waits for asks for a relay.
struct Urgent<'a>(&'a Relays);

impl<'a> Urgent<'a> {
    fn begin(relays: &'a Relays) -> Self {
        relays.urgent.fetch_add(1, Ordering::Relaxed);
        Self(relays)
    }
}

impl Drop for Urgent<'_> {
    fn drop(&mut self) {
        self.0.urgent.fetch_sub(1, Ordering::Relaxed);
        self.0.changed.notify_waiters();
    }
}
