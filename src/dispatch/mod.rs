//! claim → render → send → settle.
//!
//! ```text
//! claimer ─batches→ preparers ─micro-batches→ markers ─mails→ line ─→ senders ─outcomes→ settler
//! ```
//! The claimer takes batches of one bucket under a lease. Blocking threads render and sign them. A marker says of a
//! micro-batch that from now on a relay may have it, and puts its mails into that relay's [`line::Line`], from which each
//! sender with a living connection takes the next. Which relay that is, [`relays`] says; what of a batch may go on now, its
//! recipients' [`domains`] say. The settler writes the outcomes of a bucket together. Every queue between
//! them is short and bounded, so a slow relay or a slow database makes those before it wait. What a reader waits for at the
//! screen has a lane of its own through all of them and never waits behind steps.
//!
//! A heartbeat renews the leases of all that this process holds. Nothing in memory is needed by another node: whatever
//! happens to this process, its leases run out and the rows say what was under way.
mod apart;
mod claimer;
mod domains;
mod held;
mod line;
mod marker;
mod outcome;
mod prepare;
mod relays;
mod sender;
mod settler;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::actions::Service;
use crate::actions::tidy::OnUncertain;
use crate::mail::DkimKey;
use crate::transport::Relay;
use domains::Domains;
use held::Held;
use line::Lane;
pub use prepare::sample;
use relays::Relays;

/// How this process sends.
pub struct Settings {
    /// At least one; their names differ.
    pub relays: Vec<RelaySettings>,
    /// What recipients' domains want.
    pub domains: Vec<DomainSettings>,
    /// Deliveries claimed at a time.
    pub batch: i64,
    /// Deliveries marked `sending` at a time.
    pub micro_batch: usize,
    pub lease: TimeDelta,
    /// The queue is looked at so often even if nothing wakes the dispatcher.
    pub poll: Duration,
    /// Charged attempts before a delivery is given up.
    pub max_tries: u16,
    pub on_uncertain: OnUncertain,
    pub bounce_domain: Option<String>,
    /// `mailto:…`, if its mails are processed.
    pub unsubscribe_mailto: Option<String>,
    pub signers: Vec<DkimKey>,
    /// After the order to stop, a relay is waited for this long; what it has not answered by then is uncertain.
    pub farewell: Duration,
}

/// One relay and what it gets.
pub struct RelaySettings {
    /// Its name is also what its limits are counted under, by all processes.
    pub relay: Relay,
    /// Its share among several.
    pub weight: u32,
    /// Connections to it at most; each is one sender.
    pub connections: usize,
    /// Mails, of all processes together.
    pub per_minute: Option<u32>,
    pub per_day: Option<u32>,
    /// Caps of the first days of use.
    pub warm_up: Vec<u32>,
}

impl RelaySettings {
    /// A relay without limits.
    pub fn new(relay: Relay, connections: usize) -> Self {
        Self { relay, weight: 1, connections, per_minute: None, per_day: None, warm_up: Vec::new() }
    }
}

/// What one domain wants.
pub struct DomainSettings {
    /// In A-labels, or `*` for each that has no settings of its own.
    pub domain: String,
    /// Mails to it in flight at once, of this process.
    pub connections: Option<usize>,
    /// Mails, of all processes together.
    pub per_minute: Option<u32>,
}

/// What the parts of a dispatcher share.
struct Shared {
    service: Service,
    settings: Settings,
    node: Uuid,
    held: Held,
    relays: Relays,
    domains: Arc<Domains>,
    until: Until,
    stop: CancellationToken,
    /// Follows `stop` after the farewell.
    abandon: CancellationToken,
}

/// Runs until `stop`; then what is in flight is finished and settled, and what is not begun is given back.
pub async fn run(service: Service, settings: Settings, node: Uuid, stop: CancellationToken) {
    run_until(service, settings, node, stop, Until::Stopped).await;
}

/// Sends what is due now and returns, also when all relays rest or have had what they may carry now.
pub async fn drain(service: Service, settings: Settings, node: Uuid) {
    run_until(service, settings, node, CancellationToken::new(), Until::Drained).await;
}

/// When a dispatcher ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Stopped,
    /// Nothing is due any more that could be sent.
    Drained,
}

/// Statements that mark steps as `sending` at the same time: while one waits for the disk, the other's mails go out.
const STEP_MARKERS: usize = 2;

async fn run_until(service: Service, settings: Settings, node: Uuid, stop: CancellationToken, until: Until) {
    service.vitals().dispatcher_moved(service.clock().real());
    let shared = Arc::new(Shared {
        relays: Relays::new(&settings.relays, settings.micro_batch, service.metrics()),
        domains: Arc::new(Domains::new(&settings.domains)),
        service,
        settings,
        node,
        held: Held::default(),
        until,
        stop,
        abandon: CancellationToken::new(),
    });
    let over = CancellationToken::new();
    let heart = tokio::spawn(held::heartbeat(shared.clone(), over.clone()));
    let farewell = tokio::spawn(say_farewell(shared.clone(), over.clone()));

    // Each part ends when the part before it has ended and its queue is empty.
    let (urgent, urgent_batches) = mpsc::channel(1);
    let (steps, step_batches) = mpsc::channel(1);
    let mut before_line = JoinSet::new();
    for (lane, batches, markers) in [(Lane::Urgent, urgent_batches, 1), (Lane::Steps, step_batches, STEP_MARKERS)] {
        let (ready, micro_batches) = mpsc::channel(markers);
        let micro_batches = Arc::new(Mutex::new(micro_batches));
        before_line.spawn(claimer::prepare_batches(shared.clone(), batches, ready));
        for _ in 0..markers {
            before_line.spawn(marker::run(shared.clone(), lane, micro_batches.clone()));
        }
    }
    let connections: usize = shared.relays.all.iter().map(|relay| relay.connections).sum();
    let (outcomes, settler_inbox) = mpsc::channel(4 * connections.max(1));
    let mut senders = JoinSet::new();
    for relay in &shared.relays.all {
        for _ in 0..relay.connections {
            senders.spawn(sender::run(shared.clone(), relay.clone(), outcomes.clone()));
        }
    }
    drop(outcomes);
    let settler = tokio::spawn(settler::run(shared.clone(), settler_inbox));

    claimer::run(&shared, claimer::Lanes { urgent, steps }).await;
    while before_line.join_next().await.is_some() {}
    for relay in &shared.relays.all {
        relay.line.close();
    }
    while senders.join_next().await.is_some() {}
    settler.await.ok();
    shared.relays.give_back(&shared).await;
    shared.domains.give_back(shared.service.hot_db(), shared.service.clock().real()).await;
    over.cancel();
    heart.await.ok();
    farewell.await.ok();
}

async fn say_farewell(shared: Arc<Shared>, over: CancellationToken) {
    tokio::select! {
        () = over.cancelled() => return,
        () = shared.stop.cancelled() => {}
    }
    tokio::select! {
        () = over.cancelled() => {}
        () = tokio::time::sleep(shared.settings.farewell) => shared.abandon.cancel(),
    }
}
