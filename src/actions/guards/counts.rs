//! What was refused, by day and reason: counted in memory, written every few seconds.
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::NaiveDate;
use sqlx::PgPool;

use crate::store::guards::{Refused, count_refused};

#[derive(Default)]
pub(super) struct Counts {
    unwritten: Mutex<BTreeMap<(NaiveDate, &'static str), i64>>,
}

impl Counts {
    pub(super) fn add(&self, day: NaiveDate, reason: &'static str) {
        *self.unwritten().entry((day, reason)).or_default() += 1;
    }

    /// Writes what was counted; what could not be written is kept for the next time.
    pub(super) async fn flush(&self, db: &PgPool) -> Result<(), sqlx::Error> {
        let taken = std::mem::take(&mut *self.unwritten());
        if taken.is_empty() {
            return Ok(());
        }
        let rows: Vec<Refused> = taken
            .iter()
            .map(|((day, reason), count)| Refused { day: *day, reason: (*reason).to_owned(), count: *count })
            .collect();
        let written = count_refused(db, &rows).await;
        if written.is_err() {
            for (key, count) in taken {
                *self.unwritten().entry(key).or_default() += count;
            }
        }
        written
    }

    fn unwritten(&self) -> MutexGuard<'_, BTreeMap<(NaiveDate, &'static str), i64>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
