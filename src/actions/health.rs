//! Silence is loud: what is overdue, and whether each part of this process still moves.
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::{ActionError, Service};
use crate::store::{admin, queue};

/// Overdue means: due for longer than this, never tried, and nobody paused it.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

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
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    /// Due, never tried, not paused.
    pub overdue: i64,
    /// Seconds since any node's scheduler last ticked.
    pub last_tick_seconds: Option<i64>,
    pub content_version: String,
}

impl Health {
    /// Whether an admin should look.
    pub fn is_well(&self) -> bool {
        self.overdue == 0
    }
}

pub async fn health(service: &Service) -> Result<Health, ActionError> {
    let overdue = queue::overdue(service.db(), &service.slugs(), service.clock().series() - PATIENCE).await?;
    let tick = admin::last_tick(service.db()).await?;
    let last_tick_seconds = tick.map(|tick| (service.clock().real() - tick).num_seconds().max(0));
    Ok(Health { overdue, last_tick_seconds, content_version: service.library().version.clone() })
}
