//! Runs, as admins prepare and watch them.
use serde::Serialize;

use super::readers::Pick;

/// The list, and the switches of the series.
#[derive(Debug, Clone, Serialize)]
pub struct RunsPage {
    pub runs: Vec<RunRow>,
    pub next_path: Option<String>,
    pub series: Vec<SeriesSwitch>,
}

#[derive(Debug, Clone, Serialize)]
pub struct RunRow {
    pub path: String,
    pub id: i64,
    pub at: String,
    pub kind: String,
    pub series: String,
    pub state: &'static str,
    pub accepted: i64,
    pub readers: i64,
    pub who: String,
    pub why: String,
}

/// A series that can be paused, or resumed.
#[derive(Debug, Clone, Serialize)]
pub struct SeriesSwitch {
    pub slug: String,
    pub title: String,
    pub paused: bool,
}

/// The form with which a run is prepared, as it was filled in.
#[derive(Debug, Clone, Serialize)]
pub struct NewRunPage {
    pub series: Vec<Pick>,
    pub whom: Vec<Pick>,
    pub address: String,
    pub within: String,
    pub had: Vec<Pick>,
    pub versions: Vec<Pick>,
    pub states: Vec<Pick>,
    pub parts: String,
    pub languages: Vec<Pick>,
    pub conditions: Vec<Pick>,
    pub since: String,
    pub until: String,
    pub addresses: String,
    pub what: Vec<Pick>,
    pub steps: Vec<Pick>,
    pub again: bool,
    pub corrections: Vec<Pick>,
    pub why: String,
}

/// One run: what a draft would do, or how far it is.
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that the page shows")]
#[derive(Debug, Clone, Serialize)]
pub struct RunPage {
    pub id: i64,
    pub path: String,
    pub kind: String,
    pub series_title: String,
    pub state: &'static str,
    /// Whom it is for and what it sends, in words; none for a run that another version has made.
    pub whom: Option<String>,
    pub what: Option<String>,
    pub who: String,
    pub why: String,
    pub at: String,
    pub started: Option<String>,
    pub ended: Option<String>,
    pub readers: i64,
    /// What a draft would do; none for what was started.
    pub draft: Option<DraftView>,
    pub progress: Option<ProgressView>,
    pub may_pause: bool,
    pub may_resume: bool,
    pub may_cancel: bool,
    /// Whether the page changes by itself, and is worth looking at again.
    pub watched: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct DraftView {
    /// How much of the dry run is done; none when all of it is.
    pub counting: Option<i64>,
    /// Whether it is for those with one condition: then no count under five is shown, and nobody is named.
    pub by_condition: bool,
    /// Whether it reaches anybody.
    pub reached: bool,
    pub states: Vec<CountRow>,
    pub left_out: Vec<CountRow>,
    pub domains: Vec<CountRow>,
    pub other_domains: i64,
    pub not_subscribers: i64,
    /// How long it will take, in words.
    pub takes: Option<String>,
    /// Of which an editor can be sent a test: none when it is another for each reader.
    pub test: Option<TestView>,
    /// Readers' addresses, once they were asked for.
    pub sample: Vec<SampleRow>,
}

#[derive(Debug, Clone, Serialize)]
pub struct CountRow {
    pub name: String,
    pub count: i64,
}

#[derive(Debug, Clone, Serialize)]
pub struct SampleRow {
    pub address: String,
    pub state: String,
    pub received: i64,
}

#[derive(Debug, Clone, Serialize)]
pub struct TestView {
    /// Steps to choose from; one when the run says which; none for a correction.
    pub steps: Vec<Pick>,
    pub conditions: Vec<Pick>,
    pub editors: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ProgressView {
    /// Of `readers`.
    pub settled: i64,
    pub counts: Vec<CountRow>,
    /// Mails a minute.
    pub rate: Option<i64>,
    /// How long it still takes, in words.
    pub left: Option<String>,
}
