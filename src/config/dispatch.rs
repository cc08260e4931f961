//! `[dispatch]`: batches, leases and tries.
use std::time::Duration;

use chrono::TimeDelta;

use super::Reader;
use crate::actions::tidy::OnUncertain;

#[derive(Debug, Clone)]
pub struct Dispatch {
    pub batch: i64,
    pub micro_batch: usize,
    pub lease: TimeDelta,
    pub poll: Duration,
    pub max_tries: u16,
    pub on_uncertain: OnUncertain,
    pub farewell: Duration,
}

impl Reader<'_> {
    pub(super) fn dispatch(&mut self) -> Option<Dispatch> {
        let lease = self.span("dispatch", "lease");
        if lease.is_some_and(|lease| lease < TimeDelta::seconds(5)) {
            self.faults.push("dispatch.lease must be at least 5s".into());
        }
        let on_uncertain = match self.one_of("dispatch", "on_uncertain", &["resend", "hold"]) {
            0 => OnUncertain::Resend,
            _ => OnUncertain::Hold,
        };
        let batch = self.integer("dispatch", "batch", 1, 1_000);
        let micro_batch = self.integer("dispatch", "micro_batch", 1, 20);
        let max_tries = self.integer("dispatch", "max_tries", 1, 100);
        let [poll, farewell] =
            ["poll", "farewell"].map(|key| self.span("dispatch", key).map(|span| span.to_std().unwrap_or_default()));
        Some(Dispatch {
            batch: batch?,
            micro_batch: micro_batch?,
            lease: lease?,
            poll: poll?,
            max_tries: max_tries?,
            on_uncertain,
            farewell: farewell?,
        })
    }
}
