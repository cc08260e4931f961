//! Variables, and the marks that stand for them while a text passes through Markdown and the CSS inliner.
use std::collections::BTreeMap;

use super::bundle::Bundle;

/// Every variable there is; a mark holds a place in this list.
const NAMES: [&str; 18] = [
    "series_title",
    "condition_name",
    "part_number",
    "parts",
    "sponsor",
    "postal_address",
    "review_line",
    "unsubscribe_url",
    "manage_url",
    "confirm_url",
    "never_url",
    "privacy_url",
    "terms_url",
    "site_url",
    "expires_in",
    "fresh_url",
    "view_url",
    "helpful_url",
];

/// What stands for a variable: letters and digits only, which neither Markdown nor HTML nor a URL changes.
#[derive(Debug)]
pub(super) struct Marks {
    /// Occurs in no file of the bundle.
    start: String,
}

/// A stretch of a text with marks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    Text(&'t str),
    Variable(&'static str),
}

/// Why a text cannot become a Handlebars template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BraceBesideVariable;

impl Marks {
    const END: char = 'z';

    pub(super) fn for_bundle(bundle: &Bundle) -> Self {
        let free = |start: &String| !bundle.files().any(|(_, text)| text.contains(start.as_str()));
        // Each file of limited size can hold only so many of these, so the search ends.
        let start = (0..u32::MAX).map(|number| format!("vq{number}x")).find(free).unwrap_or_default();
        Self { start }
    }

    /// The mark of a variable that there is.
    pub(super) fn mark(&self, name: &str) -> Option<String> {
        let index = NAMES.iter().position(|known| *known == name)?;
        Some(format!("{}{index:02}{}", self.start, Self::END))
    }

    pub(super) fn split<'t>(&self, mut text: &'t str) -> Vec<Part<'t>> {
        let mut parts = Vec::new();
        let mut searched = 0;
        while let Some(at) = text[searched..].find(&self.start).map(|at| at + searched) {
            let Some((name, rest)) = self.read(&text[at..]) else {
                searched = at + self.start.len();
                continue;
            };
            if at > 0 {
                parts.push(Part::Text(&text[..at]));
            }
            parts.push(Part::Variable(name));
            (text, searched) = (rest, 0);
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        parts
    }

    fn read<'t>(&self, text: &'t str) -> Option<(&'static str, &'t str)> {
        let rest = text.strip_prefix(&self.start)?;
        let name = NAMES.get(rest.get(..2)?.parse::<usize>().ok()?)?;
        Some((name, rest.get(2..)?.strip_prefix(Self::END)?))
    }

    /// Turns marks into Handlebars variables. The text around them must hold nothing that Handlebars would take for its
    /// own.
    pub(super) fn to_template(&self, text: &str) -> Result<String, BraceBesideVariable> {
        if text.contains("{{") {
            return Err(BraceBesideVariable);
        }
        let mut template = String::with_capacity(text.len() + 64);
        let mut after_variable = false;
        for part in self.split(text) {
            match part {
                Part::Text(text) if after_variable && text.starts_with('}') => return Err(BraceBesideVariable),
                Part::Text(text) => template.push_str(text),
                Part::Variable(_) if template.ends_with(['{', '\\']) => return Err(BraceBesideVariable),
                Part::Variable(name) => {
                    template.push_str("{{");
                    template.push_str(name);
                    template.push_str("}}");
                }
            }
            after_variable = matches!(part, Part::Variable(_));
        }
        Ok(template)
    }

    /// How many columns the text will take, about.
    pub(super) fn width(&self, text: &str) -> usize {
        let part = |part: Part<'_>| match part {
            Part::Text(text) => text.chars().count(),
            // Those that carry a token are wider than a line, so that they get one of their own.
            Part::Variable(
                "unsubscribe_url" | "manage_url" | "confirm_url" | "never_url" | "fresh_url" | "view_url",
            ) => 80,
            Part::Variable("site_url" | "privacy_url" | "terms_url" | "helpful_url") => 36,
            Part::Variable(_) => 7,
        };
        self.split(text).into_iter().map(part).sum()
    }
}

/// The variables of one mail or page.
#[derive(Debug, Clone)]
pub(super) struct Vocabulary<'m> {
    pub(super) marks: &'m Marks,
    /// Known when the text is loaded.
    pub(super) constants: BTreeMap<&'static str, String>,
    /// Known when a mail is rendered.
    pub(super) reader: &'static [&'static str],
}

impl Vocabulary<'_> {
    pub(super) fn knows(&self, name: &str) -> bool {
        self.constants.contains_key(name) || self.reader.contains(&name)
    }

    /// For the message about a variable that this text does not have.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = NAMES.into_iter().filter(|name| self.knows(name)).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }

    /// Puts in what is known; what depends on the reader keeps its mark.
    pub(super) fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        for part in self.marks.split(text) {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Variable(name) => match self.constants.get(name) {
                    Some(value) => filled.push_str(value),
                    None => filled.extend(self.marks.mark(name)),
                },
            }
        }
        filled
    }

    /// The reader's variables, as their marks: what the layout is rendered with.
    pub(super) fn reader_marks(&self) -> BTreeMap<&'static str, String> {
        self.reader.iter().filter_map(|name| Some((*name, self.marks.mark(name)?))).collect()
    }

    /// Whether a reader's variable is in a text.
    pub(super) fn has(&self, text: &str, name: &str) -> bool {
        self.marks.mark(name).is_some_and(|mark| text.contains(&mark))
    }
}

/// For text and for attributes in double quotes.
pub(super) fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for one in text.chars() {
        match one {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            one => out.push(one),
        }
    }
    out
}
