//! One mail: its front matter and body, the passages of its conditions, and both forms of the whole.
use std::collections::{BTreeMap, BTreeSet};

use super::bundle::Bundle;
use super::faults::Faults;
use super::front::{self, Source};
use super::keys::{Located, count};
use super::markdown::{self, Place};
use super::pieces::{Cutter, Fragment, Piece, mark_line};
use super::plain;
use super::series::Condition;
use super::variables::Vocabulary;

pub(super) const CONDITION: &str = "condition";
/// What a list of mails shows of a subject.
const MAX_SUBJECT: usize = 78;

/// A mail that has been read, its Markdown not yet.
pub(super) struct Mail {
    pub(super) file: String,
    pub(super) subject: String,
    pub(super) preheader: String,
    pub(super) sources: Vec<Source>,
    pub(super) pieces: Vec<Piece>,
}

/// Both forms of a body.
pub(super) struct Body {
    pub(super) html: String,
    pub(super) text: String,
}

impl Mail {
    pub(super) fn read(
        file: String,
        bundle: &Bundle,
        vocabulary: &Vocabulary<'_>,
        is_step: bool,
        faults: &mut Faults,
    ) -> Option<Self> {
        let Some(text) = bundle.get(&file) else {
            faults.add(&file, None, "missing");
            return None;
        };
        let parts = front::split(&file, text, faults)?;
        let (subject, preheader, sources) = parts.front.read(faults, |front, faults| {
            let subject = front.text("subject", faults);
            let preheader = front.text("preheader", faults);
            let sources = if is_step { front::sources(front, faults) } else { Vec::new() };
            (subject, preheader, sources)
        });
        let slots: &[&str] = if is_step { &[CONDITION] } else { &[] };
        let cutter = Cutter { bundle, vocabulary, slots };
        let body = Fragment { file: file.clone(), line: parts.body_line, text: parts.body.to_owned() };
        let pieces = cutter.cut(&body, faults);
        if pieces.is_empty() {
            faults.add(&file, None, "the body is empty, so there is no plain text");
        }
        let line = |what: &str, located: Option<Located>, faults: &mut Faults| {
            located.map(|located| fill_line(&file, what, &located, vocabulary, faults)).unwrap_or_default()
        };
        let subject_line = subject.as_ref().map(|located| located.line);
        let subject = line("subject", subject, faults);
        let preheader = line("preheader", preheader, faults);
        if subject.chars().count() > MAX_SUBJECT {
            let long = subject.chars().count();
            faults.add(&file, subject_line, format!("the subject has {long} characters; at most {MAX_SUBJECT}"));
        }
        Some(Self { file, subject, preheader, sources, pieces })
    }

    /// The lines that ask for the reader's passage.
    pub(super) fn slot_lines(&self) -> Vec<u32> {
        self.pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Slot { line, .. } => Some(*line),
                Piece::Text(_) => None,
            })
            .collect()
    }

    /// Reads the Markdown with the values of `vocabulary`, `passage` in its slot.
    pub(super) fn body(
        &self,
        passage: &[Piece],
        vocabulary: &Vocabulary<'_>,
        language: &str,
        faults: &mut Faults,
    ) -> Body {
        let mut body = Body { html: String::new(), text: String::new() };
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => body.add(text, vocabulary, language, faults),
                Piece::Slot { .. } => {
                    body.html
                        .push_str("<table role=\"presentation\" class=\"passage\" width=\"100%\" cellpadding=\"0\"");
                    body.html.push_str(" cellspacing=\"0\" border=\"0\"><tr><td class=\"passage-cell\">\n");
                    for piece in passage {
                        if let Piece::Text(text) = piece {
                            body.add(text, vocabulary, language, faults);
                        }
                    }
                    body.html.push_str("</td></tr></table>\n");
                }
            }
        }
        if body.text.trim().is_empty() {
            faults.add(&self.file, None, "the plain text is empty");
        }
        body
    }
}

impl Body {
    fn add(&mut self, text: &Fragment, vocabulary: &Vocabulary<'_>, language: &str, faults: &mut Faults) {
        let events = markdown::parse(text, vocabulary, &mut Place::Mail, language, faults);
        self.html.push_str(&markdown::to_html(&events));
        let text = plain::to_text(&events, vocabulary.marks);
        if !self.text.is_empty() && !text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&text);
    }
}

/// A subject or preheader: everyone near the reader's screen can see it, and it is the same for all.
fn fill_line(file: &str, what: &str, located: &Located, vocabulary: &Vocabulary<'_>, faults: &mut Faults) -> String {
    let text = mark_line(
        &located.text,
        |message| faults.add(file, located.line, message),
        |name| {
            if name == "condition_name" {
                return Err(format!(
                    "`{{{{condition_name}}}}` in the {what}: an illness must not show in a list of mails"
                ));
            }
            vocabulary.constants.get(name).cloned().ok_or_else(|| {
                let known: Vec<&str> =
                    vocabulary.constants.keys().copied().filter(|name| *name != "condition_name").collect();
                format!("unknown variable `{{{{{name}}}}}`; a {what} has: {}", known.join(", "))
            })
        },
    );
    if text.contains(['{', '}']) {
        faults.add(file, located.line, format!("the {what} has a curly brace"));
    }
    text.replace(['{', '}'], "")
}

/// The passages of a step: condition key and pieces.
pub(super) type Passages = BTreeMap<String, Vec<Piece>>;

/// Reads `conditions.md`: a section `## key` for each condition, no more and no fewer.
pub(super) fn read_passages(
    file: &str,
    text: &str,
    conditions: &[Condition],
    cutter: &Cutter<'_>,
    faults: &mut Faults,
) -> Passages {
    let mut passages = Passages::new();
    let mut lines = BTreeMap::new();
    for (key, body) in sections(file, text, faults) {
        let heading = body.line - 1;
        if let Some(first) = lines.insert(key.clone(), heading) {
            faults.add(file, heading, format!("duplicate passage `{key}`; first in line {first}"));
            continue;
        }
        if !conditions.iter().any(|condition| condition.key.as_str() == key) {
            faults.add(file, heading, format!("unknown condition `{key}`: series.toml does not have it"));
        }
        let pieces = cutter.cut(&body, faults);
        if pieces.is_empty() {
            faults.add(file, heading, format!("the passage `{key}` is empty"));
        }
        passages.insert(key, pieces);
    }
    let keys: BTreeSet<&str> = conditions.iter().map(|condition| condition.key.as_str()).collect();
    for key in keys {
        if !passages.contains_key(key) {
            faults.add(file, None, format!("no passage for the condition `{key}`"));
        }
    }
    passages
}

fn sections(file: &str, text: &str, faults: &mut Faults) -> Vec<(String, Fragment)> {
    let mut sections: Vec<(String, Fragment)> = Vec::new();
    for (number, line) in text.split('\n').enumerate() {
        let number = count(number) + 1;
        if let Some(key) = line.strip_prefix("## ") {
            let key: String = key.trim().chars().filter(|one| !one.is_control()).take(60).collect();
            sections.push((key, Fragment { file: file.to_owned(), line: number + 1, text: String::new() }));
        } else if let Some((_, section)) = sections.last_mut() {
            section.text.push_str(line);
            section.text.push('\n');
        } else if !line.trim().is_empty() {
            faults.add(file, number, "text before the first `## condition`");
        }
    }
    sections
}
