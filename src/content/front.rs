//! Front matter: TOML between two lines `+++`, then the body.
use url::Url;

use super::faults::Faults;
use super::keys::{Section, TomlText, count};

/// Where a fact comes from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Source {
    pub publisher: String,
    pub title: String,
    /// Always https.
    pub url: String,
}

/// A file with front matter, taken apart.
pub(super) struct Parts<'a> {
    pub(super) front: TomlText<'a>,
    pub(super) body: &'a str,
    /// The line of the file in which the body begins.
    pub(super) body_line: u32,
}

/// Takes a file apart, or says why that cannot be done.
pub(super) fn split<'a>(file: &'a str, text: &'a str, faults: &mut Faults) -> Option<Parts<'a>> {
    let Some(rest) = text.strip_prefix("+++\n") else {
        faults.add(file, 1, "the file must begin with a line `+++` and its front matter");
        return None;
    };
    let mut offset = 0;
    for (number, line) in rest.split_inclusive('\n').enumerate() {
        if line.trim_end() == "+++" {
            let body = &rest[offset + line.len()..];
            let front = TomlText { file, first_line: 2, text: &rest[..offset] };
            return Some(Parts { front, body, body_line: count(number) + 3 });
        }
        offset += line.len();
    }
    faults.add(file, 1, "the front matter has no closing line `+++`");
    None
}

/// The `[[sources]]` of a text that states facts: at least one.
pub(super) fn sources(front: &mut Section<'_, '_>, faults: &mut Faults) -> Vec<Source> {
    let mut met = 0;
    let sources = front.sections("sources", faults, |source, faults| {
        met += 1;
        let publisher = source.plain("publisher", faults);
        let title = source.plain("title", faults);
        let url = source.plain("url", faults).and_then(|url| {
            let good = is_https(&url.text);
            if !good {
                source.fault(url.line, "a source's `url` must be an https:// address", faults);
            }
            good.then_some(url.text)
        });
        Some(Source { publisher: publisher?.text, title: title?.text, url: url? })
    });
    if met == 0 && !front.broken() {
        front.fault(1, "no source: what states facts lists its [[sources]]", faults);
    }
    sources
}

pub(super) fn is_https(text: &str) -> bool {
    text.starts_with("https://")
        && !text.contains(|one: char| one.is_whitespace() || matches!(one, '<' | '>' | '"' | '\\'))
        && Url::parse(text).is_ok_and(|url| url.host_str().is_some_and(|host| host.contains('.')))
}
