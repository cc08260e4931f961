//! A body, cut at its includes and with marks in place of variables.
use super::bundle::Bundle;
use super::faults::Faults;
use super::keys::count;
use super::variables::Vocabulary;

const UNCLOSED: &str = "`{{` without `}}` in the same line";

/// A stretch of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(Fragment),
    /// An include that the caller fills, like `{{> condition}}`.
    Slot {
        name: &'static str,
        line: u32,
    },
}

/// Markdown from one file, with marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fragment {
    pub(super) file: String,
    /// The line of the file in which it begins.
    pub(super) line: u32,
    pub(super) text: String,
}

/// What a body may hold besides Markdown.
pub(super) struct Cutter<'c> {
    pub(super) bundle: &'c Bundle,
    pub(super) vocabulary: &'c Vocabulary<'c>,
    pub(super) slots: &'static [&'static str],
}

impl Cutter<'_> {
    const MAX_PIECES: usize = 200;
    const MAX_DEPTH: usize = 5;

    pub(super) fn cut(&self, text: &Fragment, faults: &mut Faults) -> Vec<Piece> {
        let mut pieces = Vec::new();
        self.cut_into(text, &mut pieces, 0, faults);
        pieces
    }

    fn cut_into(&self, text: &Fragment, pieces: &mut Vec<Piece>, depth: usize, faults: &mut Faults) {
        let mut current = Fragment { file: text.file.clone(), line: text.line, text: String::new() };
        for (number, line) in text.text.split('\n').enumerate() {
            let number = text.line + count(number);
            let Some(name) = include(line) else {
                current.text.push_str(&self.mark(&text.file, number, line, faults));
                current.text.push('\n');
                continue;
            };
            let done = std::mem::replace(
                &mut current,
                Fragment { file: text.file.clone(), line: number + 1, text: String::new() },
            );
            push_text(done, pieces);
            if pieces.len() >= Self::MAX_PIECES {
                return faults.add(
                    &text.file,
                    number,
                    format!("more than {} includes in one text", Self::MAX_PIECES / 2),
                );
            }
            self.include(&text.file, number, name, pieces, depth, faults);
        }
        push_text(current, pieces);
    }

    fn include(&self, file: &str, line: u32, name: &str, pieces: &mut Vec<Piece>, depth: usize, faults: &mut Faults) {
        if let Some(name) = self.slots.iter().find(|slot| **slot == name) {
            return pieces.push(Piece::Slot { name, line });
        }
        let path = format!("partials/{name}.md");
        match self.bundle.get(&path) {
            None => faults.add(file, line, format!("dead include `{{{{> {}}}}}`: there is no {path}", shown(name))),
            Some(_) if depth >= Self::MAX_DEPTH => {
                faults.add(file, line, format!("`{{{{> {name}}}}}` is nested too deeply; it may include itself"));
            }
            Some(text) => {
                let text = Fragment { file: path, line: 1, text: text.to_owned() };
                self.cut_into(&text, pieces, depth + 1, faults);
            }
        }
    }

    /// The line with marks in place of its variables. What cannot stay is reported and left out.
    fn mark(&self, file: &str, number: u32, line: &str, faults: &mut Faults) -> String {
        mark_line(
            line,
            |message| faults.add(file, number, message),
            |name| {
                if self.vocabulary.knows(name) {
                    return Ok(self.vocabulary.marks.mark(name).unwrap_or_default());
                }
                let known = self.vocabulary.names();
                Err(format!("unknown variable `{{{{{}}}}}`; this text has: {known}", shown(name)))
            },
        )
    }
}

/// Replaces each `{{name}}` of a line by what `value` gives for it.
pub(super) fn mark_line(
    line: &str,
    mut fault: impl FnMut(String),
    mut value: impl FnMut(&str) -> Result<String, String>,
) -> String {
    let mut marked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{{") {
        marked.push_str(before);
        let Some((inside, after)) = after.split_once("}}") else {
            fault(UNCLOSED.to_owned());
            return marked;
        };
        if inside.contains("{{") {
            fault(UNCLOSED.to_owned());
            rest = &rest[before.len() + 2..];
            continue;
        }
        rest = after;
        let name = inside.trim();
        if before.ends_with(['{', '\\']) || inside.starts_with('{') || after.starts_with('}') {
            fault("write `{{variable}}` with two braces and nothing before them".to_owned());
            marked.truncate(marked.trim_end_matches(['{', '\\']).len());
            rest = rest.trim_start_matches('}');
        } else if name.starts_with('>') {
            fault(format!("the include `{{{{{}}}}}` must stand on a line of its own", shown(name)));
        } else if !is_name(name) {
            fault(format!(
                "`{{{{{}}}}}` is no variable: only `{{{{variable}}}}` and `{{{{> include}}}}` can be used",
                shown(name)
            ));
        } else {
            match value(name) {
                Ok(value) => marked.push_str(&value),
                Err(message) => fault(message),
            }
        }
    }
    marked.push_str(rest);
    marked
}

/// The name in a line that holds an include and nothing else.
fn include(line: &str) -> Option<&str> {
    let name = line.trim().strip_prefix("{{>")?.strip_suffix("}}")?.trim();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (!name.is_empty() && name.len() <= 64 && name.bytes().all(plain)).then_some(name)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn push_text(text: Fragment, pieces: &mut Vec<Piece>) {
    if !text.text.trim().is_empty() {
        pieces.push(Piece::Text(text));
    }
}

fn shown(name: &str) -> String {
    name.chars().filter(|one| !one.is_control()).take(60).collect()
}
