//! Markdown: read, checked, and written as HTML.
use std::collections::BTreeSet;
use std::ops::Range;

use pulldown_cmark::{CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};
use url::Url;

use super::faults::Faults;
use super::front::is_https;
use super::keys::count;
use super::pieces::Fragment;
use super::variables::{Part, Vocabulary, escape_html};

/// Markdown that has been read and checked, with its constants filled in.
pub(super) type Events = Vec<Event<'static>>;

/// The title that makes a link a button.
const BUTTON: &str = "button";
/// Lists in quotes in lists: more is no text, and would overflow a stack further on.
const MAX_DEPTH: usize = 16;

/// Where the text will stand.
#[derive(Debug)]
pub(super) enum Place<'i> {
    Mail,
    /// A page of ours: its headings get ids, and its links may lead to other pages of ours.
    Page(&'i mut Ids),
}

/// The ids that a page's headings have taken.
#[derive(Debug, Default)]
pub(super) struct Ids(BTreeSet<String>);

impl Ids {
    fn take(&mut self, heading: &str) -> String {
        let mut slug = String::new();
        for one in heading.chars().flat_map(char::to_lowercase) {
            if one.is_alphanumeric() {
                slug.push(one);
            } else if !slug.is_empty() && !slug.ends_with('-') && one.is_whitespace() {
                slug.push('-');
            }
        }
        let slug: String = slug.trim_end_matches('-').chars().take(60).collect();
        let slug = if slug.is_empty() { "section".to_owned() } else { slug };
        let numbered = (2..).map(|number: usize| format!("{slug}-{number}"));
        let free = std::iter::once(slug.clone()).chain(numbered).find(|id| !self.0.contains(id)).unwrap_or(slug);
        self.0.insert(free.clone());
        free
    }
}

pub(super) fn parse(
    text: &Fragment,
    vocabulary: &Vocabulary<'_>,
    place: &mut Place<'_>,
    language: &str,
    faults: &mut Faults,
) -> Events {
    let mut options = Options::empty();
    // The marks that this puts in are those of English; elsewhere the author types the right ones.
    options.set(Options::ENABLE_SMART_PUNCTUATION, language == "en" || language.starts_with("en-"));
    let newlines = text.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
    let mut reader = Reader { text, newlines, vocabulary, faults, events: Vec::new(), lines: Vec::new(), open: 0 };
    for (event, range) in Parser::new_ext(&text.text, options).into_offset_iter() {
        if reader.open > MAX_DEPTH {
            reader.fault(&range, "lists, quotes and emphasis are nested too deeply");
            return Vec::new();
        }
        reader.take(event, &range, place);
    }
    reader.check_headings(place);
    reader.check_buttons(place);
    reader.events
}

/// As a mail has it: a button is a table, which is what all mail readers show alike.
pub(super) fn to_html(events: &[Event<'static>]) -> String {
    let before = "<table role=\"presentation\" class=\"button-table\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\">\
                  <tr><td class=\"button-cell\"><a class=\"button\" href=\"";
    write_html(events, before, "</a></td></tr></table>\n")
}

/// The same text as a page of ours has it.
pub(super) fn to_page_html(events: &[Event<'static>]) -> String {
    write_html(events, "<p><a class=\"button\" href=\"", "</a></p>\n")
}

fn write_html(events: &[Event<'static>], before_button: &str, after_button: &str) -> String {
    let mut out = String::new();
    let mut rest = events;
    let mut plain = Vec::with_capacity(events.len());
    while let Some(event) = rest.first() {
        if let Some((url, label, after)) = button(rest) {
            html::push_html(&mut out, plain.drain(..));
            out.push_str(before_button);
            out.push_str(&escape_html(url));
            out.push_str("\">");
            html::push_html(&mut out, label.iter().cloned());
            out.push_str(after_button);
            rest = after;
        } else {
            plain.push(event.clone());
            rest = &rest[1..];
        }
    }
    html::push_html(&mut out, plain.into_iter());
    out
}

/// A paragraph that is one button: its address, the events of its label, and what comes after it.
pub(super) fn button<'e>(
    events: &'e [Event<'static>],
) -> Option<(&'e str, &'e [Event<'static>], &'e [Event<'static>])> {
    let [Event::Start(Tag::Paragraph), Event::Start(Tag::Link { dest_url, title, .. }), rest @ ..] = events else {
        return None;
    };
    let end = rest.iter().position(|event| matches!(event, Event::End(TagEnd::Link)))?;
    let ends = matches!(rest.get(end + 1), Some(Event::End(TagEnd::Paragraph)));
    (&**title == BUTTON && ends).then(|| (&**dest_url, &rest[..end], &rest[end + 2..]))
}

/// The words of a run of events.
pub(super) fn words(events: &[Event<'static>]) -> String {
    let mut words = String::new();
    for event in events {
        match event {
            Event::Text(text) | Event::Code(text) => words.push_str(text),
            Event::SoftBreak | Event::HardBreak => words.push(' '),
            _ => {}
        }
    }
    words.trim().to_owned()
}

struct Reader<'r> {
    text: &'r Fragment,
    newlines: Vec<usize>,
    vocabulary: &'r Vocabulary<'r>,
    faults: &'r mut Faults,
    events: Events,
    /// The line of each event.
    lines: Vec<u32>,
    open: usize,
}

impl Reader<'_> {
    fn take(&mut self, event: Event<'_>, range: &Range<usize>, place: &Place<'_>) {
        match &event {
            Event::Start(_) => self.open += 1,
            Event::End(_) => self.open = self.open.saturating_sub(1),
            _ => {}
        }
        let event = match event {
            Event::Html(_) | Event::End(TagEnd::HtmlBlock | TagEnd::Image) => return,
            Event::InlineHtml(_) | Event::Start(Tag::HtmlBlock) => {
                return self.fault(range, "raw HTML cannot be used; write Markdown");
            }
            Event::Start(Tag::Image { .. }) => {
                return self.fault(range, "images cannot be used: a picture that is loaded tells when it was opened");
            }
            Event::Text(text) => Event::Text(self.filled(&text, range)),
            Event::Code(text) => Event::Code(self.filled(&text, range)),
            Event::Start(Tag::Link { link_type, dest_url, title, .. }) => {
                Event::Start(self.link(link_type, &dest_url, &title, range, place))
            }
            event => event.into_static(),
        };
        self.lines.push(self.line(range.start));
        self.events.push(event);
    }

    fn filled(&mut self, text: &str, range: &Range<usize>) -> CowStr<'static> {
        if text.contains(['{', '}']) {
            self.fault(range, "curly braces can be used only for `{{variable}}` and `{{> include}}`");
        }
        CowStr::from(self.vocabulary.fill(text).replace(['{', '}'], ""))
    }

    fn link(
        &mut self,
        kind: LinkType,
        url: &str,
        title: &str,
        range: &Range<usize>,
        place: &Place<'_>,
    ) -> Tag<'static> {
        let url = if kind == LinkType::Email { format!("mailto:{url}") } else { self.vocabulary.fill(url) };
        if let Err(message) = self.leads_somewhere(&url, place) {
            self.fault(range, message);
        }
        if !matches!(title, "" | BUTTON) {
            self.fault(range, "the only title that a link can have is \"button\"");
        }
        let title = if title == BUTTON { BUTTON } else { "" };
        let url = url.replace(['{', '}'], "");
        Tag::Link { link_type: LinkType::Inline, dest_url: url.into(), title: title.into(), id: CowStr::from("") }
    }

    fn leads_somewhere(&self, url: &str, place: &Place<'_>) -> Result<(), &'static str> {
        if let Some(Part::Variable(name)) = self.vocabulary.marks.split(url).first() {
            return if name.ends_with("_url") { Ok(()) } else { Err("this variable is not the address of a link") };
        }
        let inside = match place {
            Place::Mail => false,
            Place::Page(_) => url.starts_with('#') || (url.starts_with('/') && !url.starts_with("//")),
        };
        let other = |scheme: &str| url.starts_with(scheme) && url.len() > scheme.len() && Url::parse(url).is_ok();
        if inside || is_https(url) || other("mailto:") || other("tel:") {
            return Ok(());
        }
        Err(match place {
            Place::Mail => "a link must lead to https://, mailto:, tel: or a {{…_url}} variable",
            Place::Page(_) => "a link must lead to https://, mailto:, tel:, or to /a page or #part of ours",
        })
    }

    /// Headings make an outline without gaps below the `<h1>`, which is the subject or title. Gives them their ids.
    fn check_headings(&mut self, place: &mut Place<'_>) {
        let mut last = None;
        for start in 0..self.events.len() {
            let Event::Start(Tag::Heading { level, .. }) = &self.events[start] else { continue };
            let (level, line) = (*level, self.lines[start]);
            let end = self.events[start..].iter().position(|event| matches!(event, Event::End(TagEnd::Heading(_))));
            let text = words(&self.events[start..start + end.unwrap_or(0)]);
            if text.is_empty() {
                self.faults.add(&self.text.file, line, "a heading without text");
            }
            if level == HeadingLevel::H1 {
                self.faults.add(&self.text.file, line, "headings begin at `##`: the subject or title is the only h1");
            } else if last.is_some_and(|last| level as usize > last as usize + 1) {
                self.faults.add(&self.text.file, line, "this heading leaves out a level");
            }
            last = Some(level);
            if let (Place::Page(ids), Event::Start(Tag::Heading { id, .. })) = (&mut *place, &mut self.events[start]) {
                *id = Some(ids.take(&text).into());
            }
        }
    }

    /// A link has words to press; a button stands alone, and only in a mail.
    fn check_buttons(&mut self, place: &Place<'_>) {
        for start in 0..self.events.len() {
            let Event::Start(Tag::Link { title, .. }) = &self.events[start] else { continue };
            let line = self.lines[start];
            let rest = &self.events[start..];
            let end = rest.iter().position(|event| matches!(event, Event::End(TagEnd::Link))).unwrap_or(0);
            if words(&rest[..end]).is_empty() {
                self.faults.add(&self.text.file, line, "a link without text");
            }
            if &**title == BUTTON {
                let alone = start.checked_sub(1).is_some_and(|before| button(&self.events[before..]).is_some());
                if !alone || matches!(place, Place::Page(_)) {
                    self.faults.add(&self.text.file, line, "a button must be a paragraph of its own in a mail");
                }
            }
        }
    }

    fn fault(&mut self, range: &Range<usize>, message: &str) {
        self.faults.add(&self.text.file, self.line(range.start), message);
    }

    fn line(&self, offset: usize) -> u32 {
        self.text.line + count(self.newlines.partition_point(|newline| *newline < offset))
    }
}
