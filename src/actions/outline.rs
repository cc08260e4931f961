//! What a series is made of, part by part, and what could be better in it.
use chrono::NaiveTime;

use super::rehearsal::{self, Ask};
use super::{ActionError, Service};
use crate::content::{Finding, Series, Step, is_translated, lint};
use crate::model::{Language, SeriesSlug};

/// A series as a whole.
#[derive(Debug)]
pub struct Outline {
    pub version: String,
    /// Its own first.
    pub languages: Vec<Language>,
    pub parts: Vec<PartOutline>,
    pub findings: Vec<Finding>,
}

/// One part of it.
#[derive(Debug)]
pub struct PartOutline {
    pub step: Step,
    /// Days after the confirmation, for a reader who confirms at noon and chooses nothing.
    pub day: i64,
    /// The languages that it is in.
    pub languages: Vec<Language>,
    /// Of the plain text, without links.
    pub words: usize,
    /// Of the largest mail's HTML, in any language.
    pub html_bytes: usize,
}

/// What the published content has of a series.
pub fn outline(service: &Service, slug: &SeriesSlug) -> Result<Outline, ActionError> {
    let library = service.library();
    let series = service.series(slug)?;
    let translations: Vec<_> =
        library.translations_of(slug).filter_map(|language| library.series_in(slug, language)).collect();
    let today = service.clock().series().date_naive();
    let days = days(service, &series);
    let part = |(index, step): (usize, &Step)| {
        let has_it = |other: &Series| other.step(&step.key).is_some_and(|it| is_translated(&series, it));
        let translated = translations.iter().filter(|other| has_it(other));
        let all = std::iter::once(&series).chain(&translations);
        PartOutline {
            step: step.clone(),
            day: days.get(index).copied().unwrap_or_default(),
            languages: std::iter::once(series.words).chain(translated.map(|other| other.words)).collect(),
            words: measure(&series, step).1,
            html_bytes: all.map(|one| measure(one, step).0).max().unwrap_or_default(),
        }
    };
    Ok(Outline {
        version: library.version.clone(),
        languages: std::iter::once(series.words).chain(translations.iter().map(|other| other.words)).collect(),
        parts: series.steps.iter().enumerate().map(part).collect(),
        findings: lint(&library, slug, today),
    })
}

fn days(service: &Service, series: &Series) -> Vec<i64> {
    let from = service.clock().series().date_naive();
    let noon = NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default();
    let ask = Ask { from, zones: vec![series.default_zone], hour: None, spacing: None };
    let parts =
        rehearsal::calendar(series, &ask, series.default_zone, series.default_zone.instant(from.and_time(noon)));
    parts.into_iter().map(|part| (part.local.date() - from).num_days()).collect()
}

/// The largest HTML of a step's mails, and the most words.
fn measure(series: &Series, step: &Step) -> (usize, usize) {
    series.examples(&step.key).fold((0, 0), |(bytes, words), mail| {
        let is_word = |word: &&str| word.chars().any(char::is_alphanumeric) && !word.contains("://");
        (bytes.max(mail.html.len()), words.max(mail.text.split_whitespace().filter(is_word).count()))
    })
}
