//! Typed values out of the merged table: each is taken by its section and key, and what is wrong with it is noted.
use std::collections::BTreeMap;
use std::str::FromStr;

use chrono::TimeDelta;
use toml::Table;

/// Takes typed values out of the merged table and notes what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) values: Table,
    pub(super) env: &'a BTreeMap<String, String>,
    pub(super) faults: &'a mut Vec<String>,
}

impl Reader<'_> {
    pub(super) fn text(&self, section: &str, key: &str) -> String {
        self.values[section][key].as_str().unwrap_or_default().trim().to_owned()
    }

    pub(super) fn optional(&self, section: &str, key: &str) -> Option<String> {
        Some(self.text(section, key)).filter(|text| !text.is_empty())
    }

    pub(super) fn parsed<T: FromStr>(&mut self, section: &str, key: &str, like: &str) -> Option<T> {
        let parsed = self.text(section, key).parse().ok();
        if parsed.is_none() {
            self.faults.push(format!("{section}.{key} must be {like}"));
        }
        parsed
    }

    pub(super) fn one_of(&mut self, section: &str, key: &str, words: &[&str]) -> usize {
        let text = self.text(section, key);
        words.iter().position(|word| *word == text).unwrap_or_else(|| {
            self.faults.push(format!("{section}.{key} must be one of {}", words.join(", ")));
            0
        })
    }

    pub(super) fn integer<T: TryFrom<i64>>(&mut self, section: &str, key: &str, least: i64, most: i64) -> Option<T> {
        let number = self.values[section][key].as_integer().unwrap_or(i64::MIN);
        let fits = (least..=most).contains(&number).then(|| T::try_from(number).ok()).flatten();
        if fits.is_none() {
            self.faults.push(format!("{section}.{key} must be from {least} to {most}"));
        }
        fits
    }

    pub(super) fn span(&mut self, section: &str, key: &str) -> Option<TimeDelta> {
        let span = humantime::parse_duration(&self.text(section, key)).ok();
        let span = span.and_then(|span| TimeDelta::from_std(span).ok());
        match span {
            Some(span) if span > TimeDelta::zero() && span <= TimeDelta::days(3650) => Some(span),
            _ => {
                self.faults.push(format!("{section}.{key} must be a span of time such as 30s, 5m, 2h or 3d"));
                None
            }
        }
    }

    pub(super) fn domain(&mut self, section: &str, key: &str) -> Option<String> {
        let text = self.optional(section, key)?;
        let ascii = idna::domain_to_ascii_strict(&text).ok();
        if ascii.is_none() {
            self.faults.push(format!("{section}.{key} must be a domain such as mail.example.org"));
        }
        ascii
    }
}
