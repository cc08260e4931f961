//! What differs between two versions of a series, step by step.
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::bundle::Bundle;
use super::series::{Series, Step};
use crate::model::{Language, StepKey};

/// What happened to a step. Places are from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    Added {
        place: usize,
    },
    Removed {
        place: usize,
    },
    /// Among the steps that both versions have.
    Moved {
        from: usize,
        to: usize,
    },
    Retimed {
        from: String,
        to: String,
    },
    /// Its own files, or those of a translation.
    Reworded,
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { place } => write!(out, "added as part {place}"),
            Self::Removed { place } => write!(out, "removed; it was part {place}"),
            Self::Moved { from, to } => write!(out, "moved from {from} to {to}"),
            Self::Retimed { from, to } => write!(out, "re-timed from {from} to {to}"),
            Self::Reworded => out.write_str("reworded"),
        }
    }
}

/// A step that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StepChanges {
    #[schema(value_type = String)]
    pub step: StepKey,
    pub changes: Vec<Change>,
}

/// A version of a series, compiled and as files.
#[derive(Debug, Clone, Copy)]
pub struct Version<'v> {
    pub series: &'v Series,
    pub bundle: &'v Bundle,
}

/// The steps that differ: those of the new version in its order, then those that it does not have any more.
pub fn step_changes(old: Version<'_>, new: Version<'_>) -> Vec<StepChanges> {
    let moved = moved(old.series, new.series);
    let of_new = new.series.steps.iter().enumerate().map(|(index, step)| {
        let changes = match old.series.position(&step.key) {
            None => vec![Change::Added { place: index + 1 }],
            Some(before) => kept(old, new, (before, index), moved.contains(&&step.key)),
        };
        StepChanges { step: step.key.clone(), changes }
    });
    let gone = old.series.steps.iter().enumerate().filter(|(_, step)| new.series.position(&step.key).is_none());
    let gone = gone.map(|(index, step)| StepChanges {
        step: step.key.clone(),
        changes: vec![Change::Removed { place: index + 1 }],
    });
    of_new.chain(gone).filter(|one| !one.changes.is_empty()).collect()
}

/// What became of a step that both have.
fn kept(old: Version<'_>, new: Version<'_>, (from, to): (usize, usize), is_moved: bool) -> Vec<Change> {
    let (before, after) = (&old.series.steps[from], &new.series.steps[to]);
    let mut changes = Vec::new();
    if is_moved {
        changes.push(Change::Moved { from: from + 1, to: to + 1 });
    }
    if before.delay != after.delay {
        changes.push(Change::Retimed { from: before.delay.to_string(), to: after.delay.to_string() });
    }
    if files_of(old, before) != files_of(new, after) {
        changes.push(Change::Reworded);
    }
    changes
}

/// A step's files in every language, by their names below its folder.
fn files_of<'v>(version: Version<'v>, step: &Step) -> BTreeMap<String, &'v str> {
    let slug = &version.series.slug;
    let translated = Language::ALL.into_iter().map(|language| format!("{language}/"));
    let folders = std::iter::once(String::new()).chain(translated);
    let below = |language: String| {
        let folder = format!("{slug}/{language}{}/", step.folder);
        version
            .bundle
            .files()
            .filter_map(move |(path, text)| Some((format!("{language}{}", path.strip_prefix(&folder)?), text)))
    };
    folders.flat_map(below).collect()
}

/// The fewest steps that have to be moved to come from one order to the other: all that are not in the longest sequence
/// which both have.
fn moved<'s>(old: &Series, new: &'s Series) -> Vec<&'s StepKey> {
    let places: Vec<(usize, &StepKey)> =
        new.steps.iter().filter_map(|step| Some((old.position(&step.key)?, &step.key))).collect();
    // For each step the longest rising sequence that ends with it, as the indexes of its steps.
    let mut longest: Vec<Vec<usize>> = Vec::with_capacity(places.len());
    for (index, (place, _)) in places.iter().enumerate() {
        let before = (0..index).filter(|earlier| places[*earlier].0 < *place).map(|earlier| &longest[earlier]);
        let mut sequence = before.max_by_key(|sequence| sequence.len()).cloned().unwrap_or_default();
        sequence.push(index);
        longest.push(sequence);
    }
    let stay = longest.into_iter().max_by_key(Vec::len).unwrap_or_default();
    places.iter().enumerate().filter(|(index, _)| !stay.contains(index)).map(|(_, (_, key))| *key).collect()
}
