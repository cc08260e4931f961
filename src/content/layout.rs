//! `layouts/`: what surrounds every mail.
use std::collections::BTreeMap;

use css_inline::{CSSInliner, InlineOptions};
use handlebars::{Handlebars, no_escape};
use serde::Serialize;

use super::bundle::Bundle;
use super::faults::Faults;
use super::front::Source;
use super::keys::count;
use super::plain;
use super::variables::{Marks, escape_html};
use crate::messages::{self, Language, Say};

const HTML: &str = "layouts/mail.html.hbs";
const TEXT: &str = "layouts/mail.txt.hbs";
const CSS: &str = "layouts/mail.css";
/// More would be no layout, and could overflow the stack of a parser.
const MAX_BYTES: usize = 32 * 1024;
const MAX_BLOCKS: usize = 100;
/// The inliner goes down the page by recursion.
const MAX_DEPTH: usize = 100;

/// Everything the layout may show. Links are marks.
#[derive(Debug, Serialize)]
pub(super) struct Frame<'a> {
    pub(super) language: &'a str,
    pub(super) subject: &'a str,
    pub(super) preheader: &'a str,
    pub(super) series_title: &'a str,
    pub(super) sponsor: &'a str,
    pub(super) postal_address: &'a str,
    pub(super) review_line: &'a str,
    pub(super) is_step: bool,
    pub(super) part_number: usize,
    pub(super) parts: usize,
    pub(super) sources: &'a [Source],
    #[serde(flatten)]
    pub(super) links: BTreeMap<&'static str, String>,
}

/// A mail as two Handlebars templates in which only the reader's own values are missing.
pub(super) struct Framed {
    pub(super) html: String,
    pub(super) text: String,
}

pub(super) struct Layout {
    html: Handlebars<'static>,
    text: Handlebars<'static>,
    css: String,
    inliner: CSSInliner<'static>,
}

impl Layout {
    /// `words` is the language of what the layout itself says, with the helper `t`.
    pub(super) fn load(bundle: &Bundle, words: Language, faults: &mut Faults) -> Option<Self> {
        let html = template(HTML, bundle, faults);
        let text = template(TEXT, bundle, faults);
        let css = read(CSS, bundle, faults).and_then(|css| check_css(css, faults));
        let mut html = html?;
        html.register_escape_fn(escape_html);
        messages::register(&mut html, "t", words, Say::Escaped);
        let mut text = text?;
        text.register_escape_fn(no_escape);
        messages::register(&mut text, "t", words, Say::Plain);
        let options = InlineOptions { load_remote_stylesheets: false, keep_at_rules: true, ..InlineOptions::default() };
        Some(Self { html, text, css: css?, inliner: CSSInliner::new(options) })
    }

    /// Sets a body into the layout.
    pub(super) fn set(
        &self,
        frame: &Frame<'_>,
        html_body: &str,
        text_body: &str,
        marks: &Marks,
        faults: &mut Faults,
    ) -> Option<Framed> {
        let html = self.html(frame, html_body, marks, faults);
        let text = self.text(frame, text_body, marks, faults);
        Some(Framed { html: html?, text: text? })
    }

    fn html(&self, frame: &Frame<'_>, body: &str, marks: &Marks, faults: &mut Faults) -> Option<String> {
        #[derive(Serialize)]
        struct Html<'a> {
            #[serde(flatten)]
            frame: &'a Frame<'a>,
            body: &'a str,
            css: &'a str,
            /// One entry a part: whether the reader has come as far.
            progress: Vec<bool>,
        }
        let progress = (1..=frame.parts).map(|part| part <= frame.part_number).collect();
        let page = self.html.render(HTML, &Html { frame, body, css: &self.css, progress });
        let page = page.map_err(|error| add_render_fault(HTML, &error, faults)).ok()?;
        if depth(&page) > MAX_DEPTH {
            faults.add(HTML, None, format!("elements are nested more than {MAX_DEPTH} deep, or are not closed"));
            return None;
        }
        let page = self.inliner.inline(&page).map_err(|error| faults.add(CSS, None, error.to_string())).ok()?;
        let page = style_last(&page);
        check_page(&page, frame, faults);
        into_template(HTML, &page, marks, faults)
    }

    fn text(&self, frame: &Frame<'_>, body: &str, marks: &Marks, faults: &mut Faults) -> Option<String> {
        #[derive(Serialize)]
        struct Text<'a> {
            #[serde(flatten)]
            frame: &'a Frame<'a>,
            body: &'a str,
            /// What stands under the subject.
            underline: String,
        }
        let underline = plain::underline(frame.subject, '=', marks);
        let page = self.text.render(TEXT, &Text { frame, body, underline });
        let page = page.map_err(|error| add_render_fault(TEXT, &error, faults)).ok()?;
        let page = plain::tidy(&page, marks);
        check_shown(TEXT, &page, frame, faults);
        into_template(TEXT, &page, marks, faults)
    }
}

/// How deep elements are nested, at most; one that is never closed counts to the end.
fn depth(page: &str) -> usize {
    const VOID: [&str; 10] = ["meta", "br", "hr", "img", "link", "input", "col", "wbr", "base", "source"];
    let mut open: Vec<&str> = Vec::new();
    let mut deepest = 0;
    for tag in page.split('<').skip(1) {
        let (tag, closes) = tag.strip_prefix('/').map_or((tag, false), |tag| (tag, true));
        let name = tag.split(|one: char| !one.is_ascii_alphanumeric()).next().unwrap_or_default();
        if closes {
            if let Some(at) = open.iter().rposition(|other| *other == name) {
                open.truncate(at);
            }
        } else if !name.is_empty() && !VOID.contains(&name) {
            open.push(name);
            deepest = deepest.max(open.len());
            if deepest > MAX_DEPTH {
                break;
            }
        }
    }
    deepest
}

/// The inliner puts the rules that it keeps before all else, where they push the character set out of the first 1024
/// bytes, in which browsers look for it.
fn style_last(page: &str) -> String {
    let moved = || {
        let (before, rest) = page.split_once("<head><style>")?;
        let (style, rest) = rest.split_once("</style>")?;
        let (head, rest) = rest.split_once("</head>")?;
        Some(format!("{before}<head>{}\n<style>{style}</style>\n</head>{rest}", head.trim_end()))
    };
    moved().unwrap_or_else(|| page.to_owned())
}

fn into_template(file: &str, page: &str, marks: &Marks, faults: &mut Faults) -> Option<String> {
    let template = marks.to_template(page);
    template.map_err(|_| faults.add(file, None, "a variable stands beside a brace or a backslash")).ok()
}

fn read<'b>(file: &str, bundle: &'b Bundle, faults: &mut Faults) -> Option<&'b str> {
    let text = bundle.get(file);
    match text {
        None => faults.add(file, None, "missing"),
        Some(text) if text.len() > MAX_BYTES => faults.add(file, None, format!("larger than {} KB", MAX_BYTES / 1024)),
        Some(text) => return Some(text),
    }
    None
}

fn template(file: &str, bundle: &Bundle, faults: &mut Faults) -> Option<Handlebars<'static>> {
    let text = read(file, bundle, faults)?;
    if text.matches("{{#").count() > MAX_BLOCKS || text.matches('(').count() > MAX_BLOCKS {
        faults.add(file, None, format!("more than {MAX_BLOCKS} blocks or brackets"));
        return None;
    }
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    if let Err(error) = handlebars.register_template_string(file, text) {
        let line = error.pos().map(|(line, _)| count(line));
        faults.add(file, line, format!("not a template: {}", first_line(&error.reason().to_string())));
        return None;
    }
    Some(handlebars)
}

fn add_render_fault(file: &str, error: &handlebars::RenderError, faults: &mut Faults) {
    faults.add(file, error.line_no.map(count), first_line(&error.reason().to_string()));
}

fn check_css(css: &str, faults: &mut Faults) -> Option<String> {
    let mut good = true;
    for (number, line) in css.lines().enumerate() {
        let lower = line.to_ascii_lowercase();
        if ["url(", "@import", "</", "{{"].iter().any(|word| lower.contains(word)) {
            faults.add(CSS, count(number) + 1, "a mail loads nothing: no url(), @import, </ or {{ in its styles");
            good = false;
        }
    }
    if !css.contains("prefers-color-scheme: dark") {
        faults.add(CSS, None, "no `@media (prefers-color-scheme: dark)` for readers who use dark mode");
        good = false;
    }
    good.then(|| css.to_owned())
}

/// What a mail must never do, and what it must show.
fn check_page(page: &str, frame: &Frame<'_>, faults: &mut Faults) {
    let lower = page.to_ascii_lowercase();
    for tag in ["<script", "<img", "<link", "<iframe", "<object", "<embed", "<form", "url("] {
        if lower.contains(tag) {
            faults.add(HTML, None, format!("a mail neither runs nor loads anything: no {tag}"));
        }
    }
    for (what, word) in [("lang", "<html lang="), ("h1", "<h1"), ("dark mode", "prefers-color-scheme: dark")] {
        if !lower.contains(word) {
            faults.add(HTML, None, format!("the page has no {what}"));
        }
    }
    check_shown(HTML, page, frame, faults);
}

fn check_shown(file: &str, page: &str, frame: &Frame<'_>, faults: &mut Faults) {
    let page: Vec<&str> = page.split_whitespace().collect();
    let page = page.join(" ");
    let mut must = vec![("{{postal_address}}", frame.postal_address), ("{{subject}}", frame.subject)];
    if frame.is_step {
        must.extend([("{{sponsor}}", frame.sponsor), ("{{review_line}}", frame.review_line)]);
        must.extend(frame.sources.first().map(|source| ("{{sources}}", source.url.as_str())));
    }
    let links = ["unsubscribe_url", "manage_url", "privacy_url"].into_iter().filter(|name| {
        let needed = frame.is_step || *name == "privacy_url";
        needed && !frame.links.get(name).is_some_and(|mark| page.contains(mark.as_str()))
    });
    for name in links {
        faults.add(file, None, format!("the mail does not show {{{{{name}}}}}"));
    }
    for (name, value) in must {
        let value: Vec<&str> = value.split_whitespace().collect();
        let value = value.join(" ");
        // What the inliner writes for a text: quotes stay as they are.
        let escaped = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        if !page.contains(&value) && !page.contains(&escaped.replace('\u{a0}', "&nbsp;")) {
            faults.add(file, None, format!("the mail does not show {name}"));
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("cannot be rendered").to_owned()
}
