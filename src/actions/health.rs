//! Silence is loud: what is overdue, and whether each part of this process still moves.
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use uuid::Uuid;

use super::{ActionError, Service};
use crate::store::{admin, installation, queue};

/// Overdue means: due for longer than this, never tried, and nobody paused it.
pub(super) const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// A process says that it lives every ten seconds; one that was silent for so long does not, or has no database.
const SILENCE: TimeDelta = TimeDelta::seconds(45);

/// When the parts of this process last moved, in milliseconds of real time; 0 is never.
#[derive(Debug, Default)]
pub struct Vitals {
    dispatcher: AtomicI64,
    tick: AtomicI64,
}

impl Vitals {
    pub fn dispatcher_moved(&self, at: DateTime<Utc>) {
        self.dispatcher.store(at.timestamp_millis(), Ordering::Relaxed);
    }

    pub fn ticked(&self, at: DateTime<Utc>) {
        self.tick.store(at.timestamp_millis(), Ordering::Relaxed);
    }

    pub fn dispatcher(&self) -> Option<DateTime<Utc>> {
        instant(&self.dispatcher)
    }

    pub fn tick(&self) -> Option<DateTime<Utc>> {
        instant(&self.tick)
    }
}

fn instant(millis: &AtomicI64) -> Option<DateTime<Utc>> {
    match millis.load(Ordering::Relaxed) {
        0 => None,
        millis => DateTime::from_timestamp_millis(millis),
    }
}

/// How the installation does, as far as the database knows.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// Due, never tried, not paused.
    pub overdue: i64,
    /// Seconds since any node's scheduler last ticked.
    pub last_tick_seconds: Option<i64>,
    pub content_version: String,
    /// Every process that has not ended in order, or was seen within a day.
    pub nodes: Vec<Node>,
}

impl Health {
    /// Whether an admin should look.
    pub fn is_well(&self) -> bool {
        self.overdue == 0
    }

    /// How many processes live.
    pub fn alive(&self) -> usize {
        self.nodes.iter().filter(|node| node.alive).count()
    }

    /// How many of them dispatch.
    pub fn dispatchers(&self) -> usize {
        self.nodes.iter().filter(|node| node.alive && node.role != "web").count()
    }
}

/// A process on this database.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Node {
    /// It is also in the `node` of the deliveries it holds and the attempts it made.
    pub id: Uuid,
    /// `serve`, `web` or `dispatch`.
    pub role: String,
    pub started_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
    /// Whether it has been seen lately.
    pub alive: bool,
    /// Deliveries that it has under a lease. Those of a process that died go back when the lease ends.
    pub holds: i64,
}

pub async fn health(service: &Service) -> Result<Health, ActionError> {
    // Planned as the queue's statements are: with millions of rows that wait, another plan reads them all.
    let overdue = queue::overdue(service.hot_db(), &service.slugs(), service.clock().series() - PATIENCE).await?;
    let tick = admin::last_tick(service.db()).await?;
    let last_tick_seconds = tick.map(|tick| (service.clock().real() - tick).num_seconds().max(0));
    let content_version = service.library().version.clone();
    Ok(Health { overdue, last_tick_seconds, content_version, nodes: nodes(service).await? })
}

/// The processes on this database, the oldest first.
pub async fn nodes(service: &Service) -> Result<Vec<Node>, ActionError> {
    let held = admin::held_by_node(service.hot_db()).await?;
    let silent_since = last_seen_before(service.clock().real());
    let with_what_it_holds = |node: installation::Node| Node {
        alive: node.seen_at > silent_since,
        holds: held.iter().find(|(holder, _)| *holder == node.id).map_or(0, |(_, count)| *count),
        id: node.id,
        role: node.role,
        started_at: node.started_at,
        seen_at: node.seen_at,
    };
    Ok(installation::nodes(service.db()).await?.into_iter().map(with_what_it_holds).collect())
}

/// Who was seen last before this does not live any more, as far as anybody can say.
pub(super) fn last_seen_before(real: DateTime<Utc>) -> DateTime<Utc> {
    real - SILENCE
}
