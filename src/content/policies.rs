//! The privacy policy and the terms. Their versions are part of every consent.
use std::collections::BTreeMap;

use super::bundle::Bundle;
use super::faults::Faults;
use super::front;
use super::markdown::{self, Ids, Place};
use super::pieces::{Cutter, Fragment, Piece};
use super::variables::{Marks, Vocabulary};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Policy {
    Privacy,
    Terms,
}

impl Policy {
    pub const ALL: [Self; 2] = [Self::Privacy, Self::Terms];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Privacy => "privacy",
            Self::Terms => "terms",
        }
    }
}

/// A policy as HTML; headings begin at `<h2>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyPage {
    pub title: String,
    /// What a consent records.
    pub version: String,
    pub html: String,
}

/// Where its text is.
pub(super) fn file(policy: Policy) -> String {
    format!("policies/{}.md", policy.as_str())
}

pub(super) fn read(policy: Policy, bundle: &Bundle, marks: &Marks, faults: &mut Faults) -> Option<PolicyPage> {
    let file = file(policy);
    let Some(text) = bundle.get(&file) else {
        faults.add(&file, None, "missing");
        return None;
    };
    let parts = front::split(&file, text, faults)?;
    let (title, version) = parts.front.read(faults, |front, faults| {
        let title = front.plain("title", faults);
        (title, front.parsed("version", faults, parse_version))
    });
    let vocabulary = Vocabulary { marks, constants: BTreeMap::new(), reader: &[] };
    let cutter = Cutter { bundle, vocabulary: &vocabulary, slots: &[] };
    let body = Fragment { file: file.clone(), line: parts.body_line, text: parts.body.to_owned() };
    let mut html = String::new();
    let mut ids = Ids::default();
    for piece in cutter.cut(&body, faults) {
        if let Piece::Text(text) = piece {
            let events = markdown::parse(&text, &vocabulary, &mut Place::Page(&mut ids), "en", faults);
            html.push_str(&markdown::to_html(&events));
        }
    }
    if html.trim().is_empty() {
        faults.add(&file, None, "the text is empty");
    }
    Some(PolicyPage { title: title?.text, version: version?, html })
}

fn parse_version(text: &str) -> Result<String, &'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let good = text.len() <= 40 && text.bytes().all(plain);
    good.then(|| text.to_owned()).ok_or("not a version; it should look like 2026-11-25")
}
