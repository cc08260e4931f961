//! claim → render → send → settle.
//!
//! One claimer takes batches under a lease and renders them; a bounded channel hands micro-batches to senders, each of
//! which holds one connection to the relay; a sender marks a micro-batch `sending`, sends it, and settles it in one
//! transaction. A heartbeat renews the leases of all that this process holds. Nothing in memory is needed by another
//! node: whatever happens to this process, its leases run out and the rows say what was under way.
mod claimer;
mod held;
mod outcome;
mod prepare;
mod relay_health;
mod sender;

use std::sync::Arc;

use chrono::TimeDelta;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::actions::Service;
use crate::actions::tidy::OnUncertain;
use crate::mail::DkimKey;
use crate::transport::Relay;
use held::Held;
use relay_health::RelayHealth;

/// How this process sends.
pub struct Settings {
    pub relay: Relay,
    /// Connections to the relay at most; each is one sender.
    pub connections: usize,
    /// Deliveries claimed at a time.
    pub batch: i64,
    /// Deliveries marked `sending` at a time.
    pub micro_batch: usize,
    pub lease: TimeDelta,
    /// The queue is looked at so often even if nothing wakes the dispatcher.
    pub poll: std::time::Duration,
    /// Charged attempts before a delivery is given up.
    pub max_tries: u16,
    pub on_uncertain: OnUncertain,
    pub bounce_domain: Option<String>,
    /// `mailto:…`, if its mails are processed.
    pub unsubscribe_mailto: Option<String>,
    pub signers: Vec<DkimKey>,
}

/// What claimer, senders and heartbeat share.
struct Shared {
    service: Service,
    settings: Settings,
    node: Uuid,
    held: Held,
    relay_health: RelayHealth,
    stop: CancellationToken,
}

/// Runs until `stop`; then what is in flight is finished and settled, and what is not begun is given back.
pub async fn run(service: Service, settings: Settings, node: Uuid, stop: CancellationToken) {
    run_until(service, settings, node, stop, Until::Stopped).await;
}

/// Sends what is due now and returns, also when the relay rests.
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

async fn run_until(service: Service, settings: Settings, node: Uuid, stop: CancellationToken, until: Until) {
    let connections = settings.connections.max(1);
    service.vitals().dispatcher_moved(service.clock().real());
    let shared =
        Arc::new(Shared { service, settings, node, held: Held::default(), relay_health: RelayHealth::default(), stop });
    let (jobs, queue) = mpsc::channel(connections);
    let queue = Arc::new(Mutex::new(queue));
    let mut senders = JoinSet::new();
    for _ in 0..connections {
        senders.spawn(sender::run(shared.clone(), queue.clone()));
    }
    let heart_stop = CancellationToken::new();
    let heart = tokio::spawn(held::heartbeat(shared.clone(), heart_stop.clone()));
    claimer::run(&shared, jobs, until).await;
    while senders.join_next().await.is_some() {}
    heart_stop.cancel();
    heart.await.ok();
}
