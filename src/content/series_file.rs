//! `series.toml`: a series' name, rhythm, conditions and steps.
use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime, TimeDelta};

use super::faults::Faults;
use super::keys::{Section, TomlText};
use super::series::{Condition, review_line};
use crate::model::{ConditionKey, Delay, Language, Mailbox, StepKey, Window, Zone, parse_time};

/// What a series file says. What it lacks has a stand-in or is none, so that the bodies are checked all the same.
pub(super) struct SeriesFile {
    /// Whether lines of it could not be read.
    pub(super) broken: bool,
    pub(super) title: String,
    pub(super) language: String,
    pub(super) from: Option<Mailbox>,
    pub(super) reply_to: Option<Mailbox>,
    pub(super) postal_address: String,
    pub(super) sponsor: String,
    pub(super) default_zone: Option<Zone>,
    pub(super) min_gap: Option<TimeDelta>,
    pub(super) spacings: Vec<u16>,
    pub(super) hours: Option<Hours>,
    pub(super) last_edited: NaiveDate,
    pub(super) reviewer: Option<String>,
    pub(super) conditions: Vec<Condition>,
    pub(super) steps: Vec<StepEntry>,
}

pub(super) struct Hours {
    pub(super) window: Window,
    pub(super) preferred: NaiveTime,
}

pub(super) struct StepEntry {
    pub(super) key: StepKey,
    pub(super) delay: Delay,
    pub(super) folder: String,
    /// The line that names the folder.
    pub(super) line: u32,
}

impl SeriesFile {
    pub(super) fn read(file: &str, text: &str, faults: &mut Faults) -> Self {
        TomlText { file, first_line: 1, text }.read(faults, read)
    }

    /// A series for checking the mails that belong to all series when there is none.
    pub(super) fn stand_in() -> Self {
        Self {
            broken: false,
            title: "Series".to_owned(),
            language: "en".to_owned(),
            from: None,
            reply_to: None,
            postal_address: "Address".to_owned(),
            sponsor: "Sponsor.".to_owned(),
            default_zone: None,
            min_gap: None,
            spacings: Vec::new(),
            hours: None,
            last_edited: NaiveDate::default(),
            reviewer: None,
            conditions: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// Puts the texts of a translated series file in the places of the originals'.
    pub(super) fn translate(&mut self, language: Language, file: &str, text: &str, faults: &mut Faults) {
        language.tag().clone_into(&mut self.language);
        TomlText { file, first_line: 1, text }.read(faults, |section, faults| {
            let [title, sponsor] = ["title", "sponsor"].map(|key| section.plain(key, faults));
            let postal_address = section.optional_plain("postal_address", faults);
            for (to, from) in
                [(&mut self.title, title), (&mut self.sponsor, sponsor), (&mut self.postal_address, postal_address)]
            {
                if let Some(located) = from {
                    *to = located.text;
                }
            }
            let names = section.sections("conditions", faults, |one, faults| {
                let (key, name) = (one.text("key", faults), one.plain("name", faults));
                Some((key?, name?.text))
            });
            for (key, _) in &names {
                if !self.conditions.iter().any(|condition| condition.key.as_str() == key.text) {
                    section.fault(
                        key.line,
                        format!("unknown condition `{}`: series.toml does not have it", key.text),
                        faults,
                    );
                }
            }
            for condition in &mut self.conditions {
                match names.iter().find(|(key, _)| key.text == condition.key.as_str()) {
                    Some((_, name)) => condition.name.clone_from(name),
                    None => {
                        section.fault(None, format!("no name for the condition `{}`", condition.key.as_str()), faults);
                    }
                }
            }
        });
    }

    /// The language of what the program itself says beside these texts.
    pub(super) fn words(&self) -> Language {
        Language::parse(&self.language).unwrap_or_default()
    }

    pub(super) fn review_line(&self) -> String {
        review_line(self.words(), self.last_edited, self.reviewer.as_deref())
    }

    /// The values of variables that are the same in all of a series' mails.
    pub(super) fn constants(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("series_title", self.title.clone()),
            ("parts", self.steps.len().to_string()),
            ("sponsor", self.sponsor.clone()),
            ("postal_address", self.postal_address.clone()),
            ("review_line", self.review_line()),
        ])
    }
}

fn read(file: &mut Section<'_, '_>, faults: &mut Faults) -> SeriesFile {
    let stand_in = SeriesFile::stand_in();
    let plain = |text: Option<super::keys::Located>, or: String| text.map_or(or, |located| located.text);
    let title = plain(file.plain("title", faults), stand_in.title);
    let language = file.parsed("language", faults, parse_language).unwrap_or(stand_in.language);
    let from = file.parsed("from", faults, Mailbox::parse);
    let reply_to = file.optional_text("reply_to", faults).and_then(|text| {
        let message = |error| file.fault(text.line, format!("`reply_to`: {error}"), faults);
        Mailbox::parse(&text.text).map_err(message).ok()
    });
    let postal_address = plain(file.plain("postal_address", faults), stand_in.postal_address);
    let sponsor = plain(file.plain("sponsor", faults), stand_in.sponsor);
    let default_zone = file.parsed("default_zone", faults, Zone::parse);
    let min_gap = file.parsed("min_gap", faults, Delay::parse).map(|gap| match gap {
        Delay::Days(days) => TimeDelta::days(i64::from(days)),
        Delay::Minutes(minutes) => TimeDelta::minutes(i64::from(minutes)),
    });
    let spacings = spacings(file, faults);
    let hours = file.section("window", faults, hours).flatten();
    let review = file.section("review", faults, |review, faults| {
        let last_edited = review.parsed("last_edited", faults, parse_date);
        (last_edited, review.optional_plain("reviewer", faults).map(|located| located.text))
    });
    let (last_edited, reviewer) = review.unwrap_or((None, None));
    SeriesFile {
        broken: file.broken(),
        title,
        language,
        from,
        reply_to,
        postal_address,
        sponsor,
        default_zone,
        min_gap,
        spacings,
        hours,
        last_edited: last_edited.unwrap_or_default(),
        reviewer,
        conditions: conditions(file, faults),
        steps: steps(file, faults),
    }
}

/// The days between two parts that a reader may choose from, the shortest first.
fn spacings(file: &mut Section<'_, '_>, faults: &mut Faults) -> Vec<u16> {
    let mut spacings = Vec::new();
    for text in file.optional_texts("spacings", faults) {
        match Delay::parse(&text.text) {
            Ok(Delay::Days(days)) if days > 0 => spacings.push(days),
            _ => file.fault(text.line, "`spacings`: each is a number of days such as \"3d\" (1d to 366d)", faults),
        }
    }
    spacings.sort_unstable();
    spacings.dedup();
    spacings
}

fn hours(window: &mut Section<'_, '_>, faults: &mut Faults) -> Option<Hours> {
    let from = window.parsed("from", faults, parse_time);
    let to = window.parsed("to", faults, parse_time);
    let preferred = window.parsed("preferred", faults, parse_time);
    let hours = Hours { window: Window { from: from?, to: to? }, preferred: preferred? };
    if !hours.window.contains(hours.preferred) {
        window.fault(window.line(), "`preferred` lies outside the window", faults);
    }
    Some(hours)
}

fn conditions(file: &mut Section<'_, '_>, faults: &mut Faults) -> Vec<Condition> {
    let mut met = Vec::new();
    let conditions = file.sections("conditions", faults, |condition, faults| {
        let key = condition.text("key", faults);
        let name = condition.plain("name", faults);
        let (key, name) = (key?, name?);
        unique("condition key", &key.text, key.line, &mut met, condition, faults);
        match ConditionKey::parse(&key.text) {
            Ok(key) => Some(Condition { key, name: name.text }),
            Err(error) => {
                condition.fault(key.line, format!("`key`: {error}; a condition's at most 48"), faults);
                None
            }
        }
    });
    if conditions.is_empty() && met.is_empty() && !file.broken() {
        file.fault(None, "no condition: a series has at least one of [[conditions]]", faults);
    }
    conditions
}

fn steps(file: &mut Section<'_, '_>, faults: &mut Faults) -> Vec<StepEntry> {
    let mut keys = Vec::new();
    let mut folders = Vec::new();
    let steps = file.sections("steps", faults, |step, faults| {
        let key = step.text("key", faults);
        let delay = step.parsed("delay", faults, Delay::parse);
        let folder = step.text("folder", faults);
        if let Some(key) = &key {
            unique("step key", &key.text, key.line, &mut keys, step, faults);
        }
        if let Some(folder) = &folder {
            unique("step folder", &folder.text, folder.line, &mut folders, step, faults);
            if StepKey::parse(&folder.text).is_err() || folder.text == "article" {
                step.fault(folder.line, "`folder` must be the name of a folder, of a–z, 0–9 and hyphens", faults);
            }
        }
        let key = key.and_then(|key| {
            StepKey::parse(&key.text).map_err(|error| step.fault(key.line, format!("`key`: {error}"), faults)).ok()
        });
        let folder = folder?;
        // With a stand-in the folder is checked although the entry is at fault.
        let stand_in = || StepKey::parse("step").ok();
        let delay = delay.unwrap_or(Delay::Minutes(0));
        Some(StepEntry { key: key.or_else(stand_in)?, delay, folder: folder.text, line: folder.line })
    });
    if steps.is_empty() && keys.is_empty() && !file.broken() {
        file.fault(None, "no step: a series has at least one of [[steps]]", faults);
    }
    steps
}

fn unique(
    what: &str,
    text: &str,
    line: u32,
    met: &mut Vec<(String, u32)>,
    section: &Section<'_, '_>,
    faults: &mut Faults,
) {
    match met.iter().find(|(other, _)| other == text) {
        Some((_, first)) => section.fault(line, format!("duplicate {what} `{text}`; first in line {first}"), faults),
        None => met.push((text.to_owned(), line)),
    }
}

fn parse_date(text: &str) -> Result<NaiveDate, &'static str> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| "not a date; it should look like 2026-11-25")
}

fn parse_language(text: &str) -> Result<String, &'static str> {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let good = text.len() <= 35 && text.split('-').all(part) && text.as_bytes()[0].is_ascii_alphabetic();
    good.then(|| text.to_owned()).ok_or("not a language tag; it should look like en or de-CH")
}
