//! The figures of a series as JSON.
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::actions::dashboard::{Account, Coming, Day, Figures, Stage};

/// What is known of one series, all of one moment.
#[derive(Serialize, ToSchema)]
pub(super) struct SeriesFigures {
    as_of: DateTime<Utc>,
    /// Each stage counts those who came at least so far.
    funnel: Vec<FunnelStage>,
    books: Vec<BookAccount>,
    /// The last 30 days (UTC), the oldest first.
    days: Vec<SentDay>,
    /// What waits and is due within an hour.
    next_hour: i64,
    /// What waits, by the day (UTC) on which it is due. A reader's later parts are not in it before the part before them was
    /// accepted.
    coming: Vec<ComingDay>,
}

#[derive(Serialize, ToSchema)]
struct FunnelStage {
    /// `signed_up`, `confirmed`, `received` or `completed`.
    stage: &'static str,
    /// Of `received`, from 1.
    part: Option<usize>,
    readers: i64,
}

/// A line of the books: `due` is the sum of the rest, but for `later`.
#[derive(Serialize, ToSchema)]
struct BookAccount {
    kind: String,
    step: Option<String>,
    /// Whether these are copies besides the scheduled ones.
    repeats: bool,
    due: i64,
    accepted: i64,
    rejected: i64,
    uncertain: i64,
    /// Due and not at its end.
    waiting: i64,
    /// By reason.
    skipped: BTreeMap<String, i64>,
    /// Not due yet.
    later: i64,
}

#[derive(Serialize, ToSchema)]
struct SentDay {
    day: NaiveDate,
    accepted: i64,
    /// Seconds after which 95 of 100 scheduled steps were accepted; null without such steps.
    late_seconds: Option<f64>,
}

#[derive(Serialize, ToSchema)]
struct ComingDay {
    day: NaiveDate,
    deliveries: i64,
}

impl From<&Figures> for SeriesFigures {
    fn from(figures: &Figures) -> Self {
        let Figures { as_of, funnel, books, days, next_hour, coming } = figures;
        Self {
            as_of: *as_of,
            funnel: funnel.iter().map(|(stage, readers)| FunnelStage::of(*stage, *readers)).collect(),
            books: books.iter().map(BookAccount::from).collect(),
            days: days.iter().map(SentDay::from).collect(),
            next_hour: *next_hour,
            coming: coming.iter().map(ComingDay::from).collect(),
        }
    }
}

impl FunnelStage {
    fn of(stage: Stage, readers: i64) -> Self {
        let (stage, part) = match stage {
            Stage::SignedUp => ("signed_up", None),
            Stage::Confirmed => ("confirmed", None),
            Stage::Received(part) => ("received", Some(part)),
            Stage::Completed => ("completed", None),
        };
        Self { stage, part, readers }
    }
}

impl From<&Account> for BookAccount {
    fn from(of: &Account) -> Self {
        Self {
            kind: of.kind.clone(),
            step: of.step.clone(),
            repeats: of.repeats,
            due: of.due(),
            accepted: of.accepted,
            rejected: of.rejected,
            uncertain: of.uncertain,
            waiting: of.waiting,
            skipped: of.skipped.clone(),
            later: of.later,
        }
    }
}

impl From<&Day> for SentDay {
    fn from(of: &Day) -> Self {
        Self { day: of.day, accepted: of.accepted, late_seconds: of.late }
    }
}

impl From<&Coming> for ComingDay {
    fn from(of: &Coming) -> Self {
        Self { day: of.day, deliveries: of.count }
    }
}
