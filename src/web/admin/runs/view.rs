//! What a run's page shows.
use std::collections::BTreeMap;
use std::time::Duration;

use super::super::AppState;
use super::super::shell::minute;
use super::form::{self, pick, steps_of};
use super::path;
use crate::actions::runs::dry_run::DryRun;
use crate::actions::runs::{RunView, Sampled};
use crate::content::Series;
use crate::messages::{self, Language};
use crate::model::{LeftOut, RunState, SeriesSlug, StepKey, What, Who};
use crate::web::pages::runs::{CountRow, DraftView, ProgressView, RunPage, SampleRow, TestView};

pub(super) fn page_of(state: &AppState, language: Language, run: &RunView, sample: Vec<Sampled>) -> RunPage {
    let series = SeriesSlug::parse(&run.series).ok().and_then(|slug| state.service.series(&slug).ok());
    let is_draft = run.state == RunState::Draft;
    let is_over = run.ended_at.is_some();
    let draft = run.dry_run.as_ref().filter(|_| is_draft);
    let draft = draft.map(|found| draft_view(state, language, run, series.as_deref(), found, sample));
    RunPage {
        id: run.id,
        path: path(run.id),
        kind: run.kind.clone(),
        series_title: series.as_ref().map_or_else(|| run.series.clone(), |series| series.title.clone()),
        state: run.state.as_str(),
        whom: run.asked.as_ref().map(|asked| whom(language, &asked.whom, series.as_deref())),
        what: run.asked.as_ref().map(|asked| what(language, &asked.what, series.as_deref())),
        who: run.who.clone(),
        why: run.why.clone(),
        at: minute(run.at),
        started: run.started_at.map(minute),
        ended: run.ended_at.map(minute),
        readers: run.readers,
        draft,
        progress: (!is_draft).then(|| progress_view(language, run)),
        may_pause: run.state == RunState::Running,
        may_resume: run.state == RunState::Paused,
        may_cancel: matches!(run.state, RunState::Draft | RunState::Running | RunState::Paused),
        watched: !is_over && (!is_draft || run.counted_at.is_none()),
    }
}

/// The same words as in the form, and the part that is meant.
fn whom(language: Language, whom: &Who, series: Option<&Series>) -> String {
    let words = messages::text(language, form::said_of(&form::FOR, whom.word()));
    match whom {
        Who::NotReceived { step } | Who::Received { step, .. } => format!("{words}: {}", subject_of(series, step)),
        _ => words,
    }
}

fn what(language: Language, what: &What, series: Option<&Series>) -> String {
    let words = messages::text(language, form::said_of(&form::WHAT, what.word()));
    match what {
        What::Next => words,
        What::Step { step, .. } => format!("{words}: {}", subject_of(series, step)),
        What::Correction { key } => {
            let correction = series.and_then(|series| series.correction(key));
            format!("{words}: {}", correction.map_or(key.as_str(), |one| &one.subject))
        }
    }
}

/// A step that is not in the series any more has its key alone.
fn subject_of(series: Option<&Series>, step: &StepKey) -> String {
    let found = series.and_then(|series| series.step(step));
    found.map_or_else(|| step.to_string(), |found| found.subject.clone())
}

fn draft_view(
    state: &AppState,
    language: Language,
    run: &RunView,
    series: Option<&Series>,
    found: &DryRun,
    sample: Vec<Sampled>,
) -> DraftView {
    let rows = |counts: &BTreeMap<String, i64>| {
        let mut rows: Vec<CountRow> =
            counts.iter().map(|(name, count)| CountRow { name: name.clone(), count: *count }).collect();
        rows.sort_by_key(|row| -row.count);
        rows
    };
    let left_out = rows(&found.left_out).into_iter().map(|row| {
        let name = messages::text(language, left_out_message(&row.name));
        CountRow { name, ..row }
    });
    let sample =
        sample.into_iter().map(|one| SampleRow { address: one.address, state: one.state, received: one.received });
    DraftView {
        counting: run.counted_at.is_none().then(|| run.counted_percent.max(1)),
        by_condition: found.by_condition,
        reached: found.reached > 0,
        states: rows(&found.by_state),
        left_out: left_out.collect(),
        domains: rows(&found.by_domain),
        other_domains: found.other_domains,
        not_subscribers: found.not_subscribers,
        takes: run.seconds_left.map(span),
        test: series.and_then(|series| test_view(state, run, series)),
        sample: sample.collect(),
    }
}

/// The message that says why a run is not for somebody.
fn left_out_message(reason: &str) -> &'static str {
    match reason.parse() {
        Ok(LeftOut::Suppressed) => "run-left-suppressed",
        Ok(LeftOut::NotActive) => "run-left-not-active",
        Ok(LeftOut::NothingWaits) => "run-left-nothing-waits",
        Ok(LeftOut::NotYet) => "run-left-not-yet",
        Ok(LeftOut::Received) => "run-left-received",
        Ok(LeftOut::UnderWay) | Err(_) => "run-left-under-way",
    }
}

fn test_view(state: &AppState, run: &RunView, series: &Series) -> Option<TestView> {
    let editors: Vec<String> =
        state.service.settings().editors.iter().map(|editor| editor.as_typed().to_owned()).collect();
    let conditions = || {
        let first = series.conditions.first().map_or("", |one| one.key.as_str());
        series.conditions.iter().map(|one| pick(one.key.as_str(), one.name.clone(), first)).collect()
    };
    match &run.asked.as_ref()?.what {
        What::Next => Some(TestView { steps: steps_of(series, "").collect(), conditions: conditions(), editors }),
        What::Step { step, .. } => {
            let steps = steps_of(series, step.as_str()).filter(|pick| pick.chosen).collect();
            Some(TestView { steps, conditions: conditions(), editors })
        }
        What::Correction { .. } => Some(TestView { steps: Vec::new(), conditions: Vec::new(), editors }),
    }
}

fn progress_view(language: Language, run: &RunView) -> ProgressView {
    let counts = &run.counts;
    let counts = [
        ("run-count-accepted", counts.accepted),
        ("run-count-rejected", counts.rejected),
        ("run-count-skipped", counts.skipped),
        ("run-count-uncertain", counts.uncertain),
        ("run-count-pending", counts.pending),
        ("run-count-paused", counts.paused),
        ("run-count-taken-back", run.taken_back),
    ];
    let row = |(key, count): (&str, i64)| CountRow { name: messages::text(language, key), count };
    #[expect(clippy::cast_possible_truncation, reason = "a rate to look at")]
    let rate = run.per_minute.map(|rate| rate.round() as i64);
    ProgressView {
        settled: run.counts.settled(),
        counts: counts.into_iter().map(row).collect(),
        rate,
        left: run.seconds_left.map(span),
    }
}

/// `1h 20m`: the two largest units are enough.
fn span(seconds: i64) -> String {
    let text = humantime::format_duration(Duration::from_secs(seconds.unsigned_abs())).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}
