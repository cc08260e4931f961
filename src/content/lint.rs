//! What is no fault and could be better all the same. A fault keeps a version from going live; a finding does not.
use chrono::{Days, NaiveDate, TimeDelta};

use super::compile::Library;
use super::series::{Series, Step};
use crate::model::{Delay, SeriesSlug};

/// A phone shows about so much of a subject.
const SHOWN_OF_SUBJECT: usize = 60;
/// A list of mails shows about so much of a preheader; where it is shorter, the mail's first words follow it.
const PREHEADER: std::ops::RangeInclusive<usize> = 30..=110;
/// Gmail cuts a mail off at 102 KB, and `compile` refuses it at 100.
const LARGE_KB: usize = 80;
/// A medical text is looked at again after this.
const REVIEWED_FOR: Days = Days::new(365);

/// One thing that could be better, and where.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Finding {
    /// A file below `emails/`.
    pub file: String,
    pub message: String,
}

/// What is found in one series, in its own language and in each that it is translated into.
pub fn lint(library: &Library, slug: &SeriesSlug, today: NaiveDate) -> Vec<Finding> {
    let Some(series) = library.series.get(slug) else { return Vec::new() };
    let mut found = of_series(series, today);
    found.extend(series.steps.iter().skip(1).filter_map(|step| of_delay(series, step)));
    found.extend(of_steps(series, ""));
    for language in library.translations_of(slug) {
        let Some(translated) = library.series_in(slug, language) else { continue };
        found.extend(of_steps(&translated, &format!("{language}/")));
        let missing = translated.steps.iter().filter(|step| !is_translated(series, step));
        found.extend(missing.map(|step| Finding {
            file: format!("{slug}/{language}/{}/body.md", step.folder),
            message: format!("this part is not translated into {language}"),
        }));
    }
    found
}

/// Whether a step has other words than the same step of the original.
pub fn is_translated(original: &Series, step: &Step) -> bool {
    original.step(&step.key).is_none_or(|one| one.subject != step.subject || one.preheader != step.preheader)
}

fn of_series(series: &Series, today: NaiveDate) -> Vec<Finding> {
    let domain = series.from.address.domain();
    let is_example = ["example.com", "example.org", "example.net"].iter().any(|example| domain.ends_with(example));
    let is_old = series.last_edited.checked_add_days(REVIEWED_FOR).is_some_and(|until| until < today);
    let found = [
        (is_example, "`from` is an example address: readers could not answer".to_owned()),
        (
            series.postal_address.to_lowercase().contains("example"),
            "`postal_address` is an example: many countries' laws ask for a real one".to_owned(),
        ),
        (
            series.reviewer.is_none(),
            "nobody has reviewed the text: mails and pages say that medical review is pending".to_owned(),
        ),
        (is_old, format!("last edited on {}: look whether it still holds", series.last_edited)),
    ];
    let file = || format!("{}/series.toml", series.slug);
    found.into_iter().filter(|(is, _)| *is).map(|(_, message)| Finding { file: file(), message }).collect()
}

/// A delay that the series' shortest gap always overrules.
fn of_delay(series: &Series, step: &Step) -> Option<Finding> {
    let Delay::Minutes(minutes) = step.delay else { return None };
    let gap = series.min_gap.num_minutes();
    let message = format!("the delay of `{}` is shorter than `min_gap`: the part comes after {gap} minutes", step.key);
    (TimeDelta::minutes(i64::from(minutes)) < series.min_gap)
        .then(|| Finding { file: format!("{}/series.toml", series.slug), message })
}

fn of_steps(series: &Series, folder: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, step) in series.steps.iter().enumerate() {
        let mut add = |message| {
            found.push(Finding { file: format!("{}/{folder}{}/body.md", series.slug, step.folder), message });
        };
        let subject = step.subject.chars().count();
        if subject > SHOWN_OF_SUBJECT {
            add(format!("the subject has {subject} characters: a phone shows about {SHOWN_OF_SUBJECT}"));
        }
        if series.steps[..index].iter().any(|before| before.subject == step.subject) {
            add("another part has the same subject: mail programs may show both as one conversation".to_owned());
        }
        let preheader = step.preheader.chars().count();
        if !PREHEADER.contains(&preheader) {
            let (least, most) = (PREHEADER.start(), PREHEADER.end());
            add(format!(
                "the preheader has {preheader} characters: {least} to {most} fill the line and are not cut off"
            ));
        }
        let kilobytes = series.examples(&step.key).map(|mail| mail.html.len() / 1024).max().unwrap_or_default();
        if kilobytes >= LARGE_KB {
            add(format!("the HTML form has {kilobytes} KB: Gmail cuts a mail off at 102 KB"));
        }
    }
    found
}
