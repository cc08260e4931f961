//! Markdown written as plain text, as a careful person would type it.
use pulldown_cmark::{Event, HeadingLevel, Tag, TagEnd};

use super::markdown::{button, words};
use super::variables::Marks;

/// Columns; addresses may be longer.
pub(super) const WIDTH: usize = 74;

pub(super) fn to_text(events: &[Event<'static>], marks: &Marks) -> String {
    let mut writer = Writer { marks, out: String::new(), line: String::new(), around: Vec::new(), gap: false };
    let mut links = Vec::new();
    let mut code = false;
    let mut rest = events;
    while let Some(event) = rest.first() {
        if let Some((url, label, after)) = button(rest) {
            writer.line = format!("{}: {url}", words(label).trim_end_matches(':'));
            writer.block(true);
            rest = after;
            continue;
        }
        match event {
            Event::Start(Tag::CodeBlock(_)) => code = true,
            Event::End(TagEnd::CodeBlock) => {
                code = false;
                writer.verbatim();
            }
            Event::Text(text) if code => writer.line.push_str(text),
            Event::Start(Tag::Link { dest_url, .. }) => links.push((dest_url.to_string(), writer.line.len())),
            Event::End(TagEnd::Link) => {
                if let Some((url, from)) = links.pop() {
                    writer.link(&url, from);
                }
            }
            event => writer.event(event),
        }
        rest = &rest[1..];
    }
    writer.block(true);
    writer.out
}

/// Breaks lines that are too long, each continued under its own beginning, and tidies the blank ones.
pub(super) fn tidy(text: &str, marks: &Marks) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = 0;
    for line in text.lines() {
        let line = line.trim_end();
        blank = if line.is_empty() { blank + 1 } else { 0 };
        if blank > 1 || (out.is_empty() && line.is_empty()) {
            continue;
        }
        let indent: String = line.chars().take_while(|one| *one == ' ').collect();
        if marks.width(line) <= WIDTH {
            out.push_str(line);
            out.push('\n');
        } else {
            for part in wrap(line.trim_start(), WIDTH.saturating_sub(indent.len()), marks) {
                out.push_str(&indent);
                out.push_str(&part);
                out.push('\n');
            }
        }
    }
    let end = out.trim_end().len();
    out.truncate(end);
    out.push('\n');
    out
}

/// A line under a heading, as wide as it.
pub(super) fn underline(text: &str, with: char, marks: &Marks) -> String {
    std::iter::repeat_n(with, marks.width(text).clamp(3, WIDTH)).collect()
}

/// Lines of at most `width`, broken at spaces only.
fn wrap(text: &str, width: usize, marks: &Marks) -> Vec<String> {
    let mut lines = Vec::new();
    for text in text.split('\n') {
        let mut line = String::new();
        let mut used = 0;
        for word in text.split([' ', '\t']).filter(|word| !word.is_empty()) {
            let wide = marks.width(word);
            if !line.is_empty() && used + 1 + wide > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if !line.is_empty() {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += wide;
        }
        lines.push(line);
    }
    lines
}

/// A list item or a quote that is open around the text.
struct Around {
    first: String,
    rest: String,
    begun: bool,
    /// The number of the next item, in a numbered list.
    list: Option<u64>,
}

struct Writer<'m> {
    marks: &'m Marks,
    out: String,
    /// The words of the block that is being read.
    line: String,
    around: Vec<Around>,
    /// Whether a blank line comes before the next block.
    gap: bool,
}

impl Writer<'_> {
    fn event(&mut self, event: &Event<'static>) {
        match event {
            Event::Text(text) | Event::Code(text) => self.line.push_str(text),
            Event::SoftBreak => self.line.push(' '),
            Event::HardBreak => self.line.push('\n'),
            Event::Start(Tag::BlockQuote(_)) => {
                self.block(true);
                self.open("> ", "> ", None);
            }
            Event::Start(Tag::List(number)) => {
                self.block(false);
                self.open("", "", *number);
            }
            Event::Start(Tag::Item) => self.item(),
            Event::End(TagEnd::Paragraph) => self.block(true),
            Event::End(TagEnd::Heading(level)) => self.heading(*level),
            Event::End(TagEnd::Item) => {
                self.block(false);
                self.around.pop();
            }
            Event::End(TagEnd::List(_)) => {
                self.around.pop();
                // After an inner list its outer list goes on; after the outermost a paragraph follows.
                self.gap |= self.around.is_empty();
            }
            Event::End(TagEnd::BlockQuote(_)) => {
                self.block(true);
                self.around.pop();
            }
            Event::Rule => {
                self.line.push_str("* * *");
                self.block(true);
            }
            _ => {}
        }
    }

    fn open(&mut self, first: &str, rest: &str, list: Option<u64>) {
        self.around.push(Around { first: first.to_owned(), rest: rest.to_owned(), begun: false, list });
    }

    fn item(&mut self) {
        let number = self.around.last_mut().and_then(|around| around.list.as_mut());
        let first = match number {
            Some(number) => {
                *number = number.saturating_add(1);
                format!("{}. ", number.saturating_sub(1))
            }
            None => "- ".to_owned(),
        };
        self.open(&first, &" ".repeat(first.len()), None);
    }

    fn link(&mut self, url: &str, from: usize) {
        let label = self.line.get(from..).unwrap_or_default();
        let bare = url.strip_prefix("mailto:").or_else(|| url.strip_prefix("tel:")).unwrap_or(url);
        if label != url && label != bare {
            self.line.extend([" (", bare, ")"]);
        }
    }

    fn heading(&mut self, level: HeadingLevel) {
        let text = std::mem::take(&mut self.line);
        let under = underline(&text, '-', self.marks);
        self.line = if level == HeadingLevel::H2 { format!("{text}\n{under}") } else { text };
        self.block(true);
    }

    /// Writes the block that has been read. `apart` puts a blank line after it.
    fn block(&mut self, apart: bool) {
        let text = std::mem::take(&mut self.line);
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let indent: usize = self.around.iter().map(|around| around.rest.len()).sum();
        let lines = wrap(text, WIDTH.saturating_sub(indent).max(20), self.marks);
        self.lines(&lines, apart);
    }

    fn verbatim(&mut self) {
        let text = std::mem::take(&mut self.line);
        let lines: Vec<String> = text.trim_end().lines().map(|line| format!("    {line}")).collect();
        self.lines(&lines, true);
    }

    fn lines(&mut self, lines: &[String], apart: bool) {
        if self.gap {
            let begun = self.around.iter().filter(|around| around.begun);
            let prefix: String = begun.map(|around| around.rest.as_str()).collect();
            self.end_line(&prefix);
        }
        self.gap = apart;
        for line in lines {
            let mut whole = String::new();
            for around in &mut self.around {
                whole.push_str(if around.begun { &around.rest } else { &around.first });
                around.begun = true;
            }
            whole.push_str(line);
            self.end_line(&whole);
        }
    }

    fn end_line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }
}
