//! How far a run is: for its page, its lines on the command line and its answers over the API.
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use super::Detail;
use super::dry_run::DryRun;
use crate::actions::audit::{self, Target};
use crate::actions::readers::full;
use crate::actions::{ActionError, Actor, Page, Service};
use crate::model::{Bucket, RunState, What, Who, rate_per_minute, time_for};
pub use crate::store::runs::Sampled;
use crate::store::runs::{self, Run};

/// Runs on a page of the list.
pub const PAGE: u32 = 50;

/// How many of a run's deliveries have come to what. Those of readers who were erased since are in none.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Counts {
    pub accepted: i64,
    pub rejected: i64,
    pub skipped: i64,
    pub uncertain: i64,
    /// Owed, under way, or waiting for another try.
    pub pending: i64,
    /// Held while the run or the reader is paused.
    pub paused: i64,
}

impl Counts {
    pub(super) fn of(states: &BTreeMap<String, i64>) -> Self {
        let of = |state: &str| states.get(state).copied().unwrap_or(0);
        Self {
            accepted: of("accepted"),
            rejected: of("rejected"),
            skipped: of("skipped"),
            uncertain: of("uncertain"),
            pending: of("pending") + of("claimed") + of("sending"),
            paused: of("paused"),
        }
    }

    pub fn settled(&self) -> i64 {
        self.accepted + self.rejected + self.skipped + self.uncertain
    }
}

/// A run and how far it is.
#[derive(Debug, Clone, Serialize)]
pub struct RunView {
    pub id: i64,
    pub kind: String,
    pub series: String,
    pub state: RunState,
    pub who: String,
    pub why: String,
    /// None in a list, and for a run that another version has made.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    pub at: DateTime<Utc>,
    pub counted_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// How many it reaches, as the dry run counted.
    pub readers: i64,
    pub accepted: i64,
    pub counts: Counts,
    /// How many were made due or written so far, and how many were taken back.
    pub placed: i64,
    pub taken_back: i64,
    /// While the dry run goes on: how much of it is done.
    pub counted_percent: i64,
    /// None in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<DryRun>,
    pub per_minute: Option<f64>,
    pub seconds_left: Option<i64>,
}

/// The same as [`Detail`], for who reads it.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    #[serde(rename = "for")]
    pub whom: Who,
    pub what: What,
}

/// One run. While it goes on its deliveries are counted; afterwards it says what it said at its end.
pub async fn show(service: &Service, run: i64) -> Result<RunView, ActionError> {
    let run = runs::by_id(service.db(), run).await?.ok_or(ActionError::NotFound("run"))?;
    view(service, run).await
}

/// The newest first, `limit` at a time.
pub async fn list(service: &Service, after: Option<&str>, limit: u32) -> Result<Page<RunView>, ActionError> {
    let before = after.map(str::parse).transpose().map_err(|_| ActionError::Cursor)?;
    let limit = i64::from(limit.clamp(1, 500));
    let mut items = Vec::new();
    for run in runs::list(service.db(), before, limit).await? {
        // Who may see figures sees nothing of one reader.
        items.push(RunView { asked: None, dry_run: None, ..view(service, run).await? });
    }
    let is_full = full(items.len(), limit);
    let next = items.last().filter(|_| is_full).map(|last| last.id.to_string());
    Ok(Page { items, next })
}

async fn view(service: &Service, run: Run) -> Result<RunView, ActionError> {
    let work = runs::progress(service.db(), run.id).await?;
    let counts = match (&run.outcome, run.started_at) {
        (Some(outcome), _) => Counts::of(&serde_json::from_value(outcome.clone()).unwrap_or_default()),
        (None, None) => Counts::default(),
        (None, Some(_)) => {
            let counts = Counts::of(&runs::count_states(service.db(), run.id).await?);
            Counts { accepted: counts.accepted + run.accepted_pruned, ..counts }
        }
    };
    let goes_on = run.state == RunState::Running;
    let per_minute = work.as_ref().filter(|_| goes_on).and_then(|work| rate_per_minute(&work.marks));
    let (left, rate) = match run.state {
        RunState::Draft => (run.readers, service.settings().sends_per_minute.map(f64::from)),
        _ => (run.readers - counts.settled(), per_minute),
    };
    let seconds_left = rate.and_then(|rate| time_for(left, rate)).map(|time| time.num_seconds());
    let found: DryRun = serde_json::from_value(run.dry_run).unwrap_or_default();
    // What is counted of a condition is told when small counts are left out of it.
    let found = if run.counted_at.is_none() && found.by_condition {
        DryRun { by_condition: true, ..DryRun::default() }
    } else {
        found
    };
    let at_bucket = work.as_ref().map_or(0, |work| i64::from(work.at_bucket));
    Ok(RunView {
        id: run.id,
        kind: run.kind,
        series: run.series,
        state: run.state,
        who: run.who,
        why: run.why,
        asked: Detail::read(&run.detail).map(|detail| Asked { whom: detail.who, what: detail.what }),
        at: run.at,
        counted_at: run.counted_at,
        started_at: run.started_at,
        ended_at: run.ended_at,
        readers: run.readers,
        accepted: counts.accepted,
        counts,
        placed: work.as_ref().map_or(run.readers, |work| work.placed),
        taken_back: work.as_ref().map_or(0, |work| work.taken_back),
        counted_percent: if run.counted_at.is_some() { 100 } else { at_bucket * 100 / i64::from(Bucket::COUNT) },
        dry_run: Some(found),
        per_minute,
        seconds_left: seconds_left.filter(|_| goes_on || run.state == RunState::Draft),
    })
}

/// The readers of a dry run's sample; that an admin has seen their addresses is written down.
pub async fn sample(service: &Service, run: &RunView, by: &Actor) -> Result<Vec<Sampled>, ActionError> {
    let mut sample = Vec::new();
    for (bucket, enrollment) in run.dry_run.iter().flat_map(|found| &found.sample) {
        let Some(bucket) = Bucket::new(*bucket) else { continue };
        sample.extend(runs::sampled(service.db(), bucket, *enrollment).await?);
    }
    if !sample.is_empty() {
        let details = json!({ "readers": sample.len() });
        audit::record_with(service, service.db(), by, "see sample of run", Target::Run(run.id), &details).await?;
    }
    Ok(sample)
}
