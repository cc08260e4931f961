//! A series as the rest of the program sees it.
use std::collections::BTreeSet;

use chrono::{Datelike as _, NaiveDate, NaiveTime, TimeDelta};

use super::article::Article;
use super::front::Source;
use super::related::Related;
use super::render::Templates;
use super::survey::Survey;
use crate::messages::{self, Values};
use crate::model::{ConditionKey, Delay, Language, Mailbox, Rhythm, SeriesSlug, StepKey, Window, Zone};

/// A series that has no fault, with its mails compiled.
#[derive(Debug)]
pub struct Series {
    pub slug: SeriesSlug,
    pub title: String,
    /// A language tag like `en`.
    pub language: String,
    /// The language of the words around the texts: the series' own, or English if there are no such words.
    pub words: Language,
    pub from: Mailbox,
    pub reply_to: Option<Mailbox>,
    pub postal_address: String,
    pub sponsor: String,
    /// The clock of a reader whose own we do not know.
    pub default_zone: Zone,
    pub window: Window,
    pub preferred: NaiveTime,
    pub min_gap: TimeDelta,
    /// The days between two parts that a reader may choose from; none when the series' own delays are the only ones.
    pub spacings: Vec<u16>,
    pub last_edited: NaiveDate,
    /// Who has reviewed the text; none until somebody has signed.
    pub reviewer: Option<String>,
    /// In the order of the form.
    pub conditions: Vec<Condition>,
    /// In the order of sending.
    pub steps: Vec<Step>,
    pub article: Article,
    /// In the order in which they are offered.
    pub related: Vec<Related>,
    pub survey: Option<Survey>,
    /// What can be sent to those who had a step in a version that was wrong.
    pub corrections: Vec<Correction>,
    pub(super) templates: Templates,
}

/// A condition that readers of a series can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub key: ConditionKey,
    pub name: String,
}

/// One e-mail of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub key: StepKey,
    /// From the step before; from the confirmation, for the first.
    pub delay: Delay,
    pub folder: String,
    pub subject: String,
    pub preheader: String,
    pub sources: Vec<Source>,
    /// Whether it has a passage for each condition; else it is the same for all.
    pub has_passages: bool,
}

/// A message to those who have had something that was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The name of its folder.
    pub key: StepKey,
    pub subject: String,
    pub preheader: String,
}

impl Series {
    /// The rhythm of a reader with this zone, hour and spacing, or with the series' own. A spacing that the series does not
    /// offer any more counts as none.
    pub fn rhythm(&self, zone: Option<Zone>, preferred: Option<NaiveTime>, spacing: Option<u16>) -> Rhythm {
        Rhythm {
            zone: zone.unwrap_or(self.default_zone),
            window: self.window,
            preferred: preferred.unwrap_or(self.preferred),
            min_gap: self.min_gap,
            spacing: spacing.filter(|days| self.spacings.contains(days)),
        }
    }

    pub fn position(&self, step: &StepKey) -> Option<usize> {
        self.steps.iter().position(|one| one.key == *step)
    }

    pub fn step(&self, key: &StepKey) -> Option<&Step> {
        self.steps.iter().find(|one| one.key == *key)
    }

    /// Where a reader who has had `done` goes on.
    pub fn first_step_not_in(&self, done: &[StepKey]) -> Option<&Step> {
        first_not_in(&self.steps, done)
    }

    /// The step that follows `after` for a reader who has had `done`: steps that were put in before `after` since are not
    /// sent late. When `after` itself has been taken out of the series, its place is unknown, and the first step not yet
    /// had follows.
    pub fn next_step(&self, after: &StepKey, done: &[StepKey]) -> Option<&Step> {
        match self.position(after) {
            Some(position) => first_not_in(&self.steps[position + 1..], done),
            None => self.first_step_not_in(done),
        }
    }

    /// All steps that will follow this one for a reader who has had `done`.
    pub fn steps_after(&self, step: &StepKey, done: &[StepKey]) -> Vec<&Step> {
        let (mut last, mut done, mut later) = (step.clone(), done.to_vec(), Vec::new());
        loop {
            done.push(last.clone());
            let Some(next) = self.next_step(&last, &done) else { return later };
            later.push(next);
            last = next.key.clone();
        }
    }

    pub fn correction(&self, key: &StepKey) -> Option<&Correction> {
        self.corrections.iter().find(|one| one.key == *key)
    }

    pub fn related(&self, slug: &str) -> Option<&Related> {
        self.related.iter().find(|one| one.slug == slug)
    }

    pub fn condition(&self, key: &ConditionKey) -> Option<&Condition> {
        self.conditions.iter().find(|one| one.key == *key)
    }

    /// The condition itself or, when it has been taken out of the series, `other`, else the first.
    pub(super) fn condition_or_other(&self, key: &ConditionKey) -> Option<&Condition> {
        condition_or_other(&self.conditions, key)
    }

    /// What mails and pages say about their review.
    pub fn review_line(&self) -> String {
        review_line(self.words, self.last_edited, self.reviewer.as_deref())
    }
}

pub(super) fn condition_or_other<'c>(conditions: &'c [Condition], key: &ConditionKey) -> Option<&'c Condition> {
    let named = |name: &str| conditions.iter().find(|one| one.key.as_str() == name);
    named(key.as_str()).or_else(|| named("other")).or_else(|| conditions.first())
}

pub(super) fn review_line(words: Language, last_edited: NaiveDate, reviewer: Option<&str>) -> String {
    let values = Values::new()
        .with("day", last_edited.day())
        .with("month", last_edited.month())
        .with("year", last_edited.year());
    match reviewer {
        Some(reviewer) => {
            messages::filled(words, "review-done", &values.with("reviewer", reviewer.trim_end_matches('.').to_owned()))
        }
        None => messages::filled(words, "review-pending", &values),
    }
}

fn first_not_in<'s>(steps: &'s [Step], done: &[StepKey]) -> Option<&'s Step> {
    let done: BTreeSet<&StepKey> = done.iter().collect();
    steps.iter().find(|step| !done.contains(&step.key))
}
