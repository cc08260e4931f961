//! TOML, read key by key, so that every fault is found at once and has its line.
use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::faults::Faults;

/// Of one kind in one table; nobody reads more at once.
const MOST_FAULTS: usize = 50;
const MOST_TABLES: usize = 100;

/// A text and the line it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Located {
    pub(super) text: String,
    pub(super) line: u32,
}

/// A piece of TOML inside a file: all of it, or the front matter of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct TomlText<'a> {
    pub(super) file: &'a str,
    /// The line of the file in which the TOML begins.
    pub(super) first_line: u32,
    pub(super) text: &'a str,
}

impl TomlText<'_> {
    /// Reads the whole; what cannot be read as TOML at all is reported, and what can is still given to `read`.
    pub(super) fn read<T>(self, faults: &mut Faults, read: impl FnOnce(&mut Section<'_, '_>, &mut Faults) -> T) -> T {
        let newlines: Vec<usize> = self.text.match_indices('\n').map(|(at, _)| at).collect();
        let place = Place { file: self.file, first_line: self.first_line, newlines: &newlines };
        let errors = DeTable::parse_recoverable(self.text).1;
        for error in errors.iter().take(MOST_FAULTS) {
            let line = error.span().map_or(self.first_line, |span| place.line(span.start));
            faults.add(self.file, line, one_line(error.message()));
        }
        let readable = without_errors(self.text);
        let (table, _) = DeTable::parse_recoverable(&readable);
        // A key that could not be read is not missing as well.
        let broken = !errors.is_empty();
        let mut section = Section { place, table: table.get_ref(), line: None, asked: Vec::new(), broken };
        let value = read(&mut section, faults);
        section.refuse_the_rest(faults);
        value
    }
}

/// Turns offsets into lines of the file.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    file: &'a str,
    first_line: u32,
    newlines: &'a [usize],
}

impl Place<'_> {
    fn line(&self, offset: usize) -> u32 {
        self.first_line + count(self.newlines.partition_point(|newline| *newline < offset))
    }
}

/// One table. Keys that nobody asked for are faults.
pub(super) struct Section<'t, 'a> {
    place: Place<'a>,
    table: &'t DeTable<'a>,
    line: Option<u32>,
    asked: Vec<&'static str>,
    broken: bool,
}

impl<'t, 'a> Section<'t, 'a> {
    /// Whether lines of the file could not be read, so that what is missing may only be hidden.
    pub(super) fn broken(&self) -> bool {
        self.broken
    }

    /// The line of the table's own header.
    pub(super) fn line(&self) -> Option<u32> {
        self.line
    }

    pub(super) fn fault(&self, line: impl Into<Option<u32>>, message: impl Into<String>, faults: &mut Faults) {
        faults.add(self.place.file, line, message);
    }

    /// A text that must be there and not be empty, in one line.
    pub(super) fn text(&mut self, key: &'static str, faults: &mut Faults) -> Option<Located> {
        if let Some(value) = self.value(key) {
            return self.as_text(key, value, faults);
        }
        self.missing(key, faults);
        None
    }

    pub(super) fn optional_text(&mut self, key: &'static str, faults: &mut Faults) -> Option<Located> {
        self.value(key).and_then(|value| self.as_text(key, value, faults))
    }

    /// A text into which no variable is put, and which is itself put into templates.
    pub(super) fn plain(&mut self, key: &'static str, faults: &mut Faults) -> Option<Located> {
        let located = self.text(key, faults)?;
        self.without_braces(key, located, faults)
    }

    pub(super) fn optional_plain(&mut self, key: &'static str, faults: &mut Faults) -> Option<Located> {
        let located = self.optional_text(key, faults)?;
        self.without_braces(key, located, faults)
    }

    /// A text that `parse` understands.
    pub(super) fn parsed<T, E: std::fmt::Display>(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let located = self.text(key, faults)?;
        parse(&located.text).map_err(|error| self.fault(located.line, format!("`{key}`: {error}"), faults)).ok()
    }

    /// A list of texts, none when the key is not there.
    pub(super) fn optional_texts(&mut self, key: &'static str, faults: &mut Faults) -> Vec<Located> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            self.fault(
                self.place.line(value.span().start),
                format!("`{key}` must be a list in square brackets"),
                faults,
            );
            return Vec::new();
        };
        array.iter().take(MOST_TABLES).filter_map(|entry| self.as_text(key, entry, faults)).collect()
    }

    /// A whole number that must be there, and where it stands.
    pub(super) fn number(&mut self, key: &'static str, faults: &mut Faults) -> Option<(u32, u32)> {
        let Some(value) = self.value(key) else {
            self.missing(key, faults);
            return None;
        };
        let line = self.place.line(value.span().start);
        let number = match value.get_ref() {
            DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            self.fault(line, format!("`{key}` must be a whole number"), faults);
        }
        Some((number?, line))
    }

    /// A `[table]` that must be there.
    pub(super) fn section<T>(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
        read: impl FnOnce(&mut Section<'t, 'a>, &mut Faults) -> T,
    ) -> Option<T> {
        let Some(value) = self.value(key) else {
            self.missing(key, faults);
            return None;
        };
        let line = self.place.line(value.span().start);
        let DeValue::Table(table) = value.get_ref() else {
            self.fault(line, format!("`{key}` must be a table: [{key}]"), faults);
            return None;
        };
        let mut section =
            Section { place: self.place, table, line: Some(line), asked: Vec::new(), broken: self.broken };
        let value = read(&mut section, faults);
        section.refuse_the_rest(faults);
        Some(value)
    }

    /// `[[tables]]`, none or more.
    pub(super) fn sections<T>(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
        mut read: impl FnMut(&mut Section<'t, 'a>, &mut Faults) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            self.fault(self.place.line(value.span().start), format!("`{key}` must be tables: [[{key}]]"), faults);
            return Vec::new();
        };
        if array.len() > MOST_TABLES {
            let line = self.place.line(value.span().start);
            self.fault(line, format!("more than {MOST_TABLES} of [[{key}]]"), faults);
            return Vec::new();
        }
        let mut all = Vec::new();
        for value in array {
            let line = self.place.line(value.span().start);
            let DeValue::Table(table) = value.get_ref() else {
                self.fault(line, format!("`{key}` must be tables: [[{key}]]"), faults);
                continue;
            };
            let mut section =
                Section { place: self.place, table, line: Some(line), asked: Vec::new(), broken: self.broken };
            all.extend(read(&mut section, faults));
            section.refuse_the_rest(faults);
        }
        all
    }

    fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'a>>> {
        self.asked.push(key);
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    fn as_text(&self, key: &str, value: &Spanned<DeValue<'a>>, faults: &mut Faults) -> Option<Located> {
        let line = self.place.line(value.span().start);
        let text = match value.get_ref() {
            DeValue::String(text) => text.trim().to_owned(),
            DeValue::Datetime(date) => date.to_string(),
            _ => {
                self.fault(line, format!("`{key}` must be a text in quotes"), faults);
                return None;
            }
        };
        if text.is_empty() {
            self.fault(line, format!("`{key}` is empty"), faults);
            return None;
        }
        if text.chars().any(|one| one.is_control() || matches!(one, '\u{2028}' | '\u{2029}')) {
            self.fault(line, format!("`{key}` must be one line without control characters"), faults);
            return None;
        }
        Some(Located { text, line })
    }

    fn without_braces(&self, key: &str, located: Located, faults: &mut Faults) -> Option<Located> {
        if located.text.contains(['{', '}']) {
            self.fault(located.line, format!("`{key}` cannot have curly braces"), faults);
            return None;
        }
        Some(located)
    }

    fn missing(&self, key: &str, faults: &mut Faults) {
        if !self.broken {
            self.fault(self.line, format!("`{key}` is missing"), faults);
        }
    }

    fn refuse_the_rest(&self, faults: &mut Faults) {
        let known: Vec<String> = self.asked.iter().map(|key| format!("`{key}`")).collect();
        let strange = self.table.keys().filter(|name| !self.asked.iter().any(|asked| name.get_ref() == asked));
        for name in strange.take(MOST_FAULTS) {
            let message = format!("unknown key `{}`; known here: {}", one_line(name.get_ref()), known.join(", "));
            self.fault(self.place.line(name.span().start), message, faults);
        }
    }
}

/// The text with the lines that stop a reader blanked out, so that what is below them is read too.
fn without_errors(text: &str) -> Cow<'_, str> {
    let mut readable = Cow::Borrowed(text);
    // A slip in quotes can spoil line after line: then the rest must wait until it is mended.
    for _ in 0..10 {
        let (_, errors) = DeTable::parse_recoverable(&readable);
        let Some(span) = errors.first().and_then(toml::de::Error::span) else { break };
        let Some((before, _)) = readable.split_at_checked(span.start) else { break };
        let from = before.rfind('\n').map_or(0, |newline| newline + 1);
        let to = readable[from..].find('\n').map_or(readable.len(), |length| from + length);
        let blank = " ".repeat(to - from);
        readable.to_mut().replace_range(from..to, &blank);
    }
    readable
}

/// Line counts fit, since files are limited.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A message quotes what was written, which may hold anything.
fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|one| if one.is_control() { ' ' } else { one }).take(200).collect();
    text.trim().to_owned()
}
