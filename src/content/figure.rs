//! A drawing that is put into a page: only shapes and words, nothing that runs, loads or styles.
//!
//! A list of what is allowed, not of what is dangerous, so that a new trick of browsers needs no new rule.
use super::faults::Faults;
use super::keys::count;

const ELEMENTS: [&str; 20] = [
    "svg",
    "g",
    "defs",
    "symbol",
    "use",
    "title",
    "desc",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "marker",
    "linearGradient",
    "radialGradient",
    "stop",
];
const MAX_DEPTH: usize = 32;

/// The drawing without its comments, or `None` and the reasons.
pub(super) fn check(file: &str, text: &str, faults: &mut Faults) -> Option<String> {
    let mut scanner = Scanner { file, text, at: 0, open: Vec::new(), out: String::new(), faults, good: true };
    scanner.scan();
    let svg = scanner.out.trim().to_owned();
    scanner.good.then_some(svg)
}

struct Scanner<'s, 'f> {
    file: &'s str,
    text: &'s str,
    at: usize,
    open: Vec<&'s str>,
    out: String,
    faults: &'f mut Faults,
    good: bool,
}

impl<'s> Scanner<'s, '_> {
    fn scan(&mut self) {
        let whole = self.text.trim();
        if !whole.starts_with("<svg") || !whole.ends_with("</svg>") {
            return self.fault("the file must be one <svg> element and nothing else");
        }
        while self.good && self.at < self.text.len() {
            let rest = &self.text[self.at..];
            if let Some(comment) = rest.strip_prefix("<!--") {
                match comment.find("-->") {
                    Some(end) => self.at += end + 7,
                    None => self.fault("a comment without its end"),
                }
            } else if rest.starts_with('<') {
                self.tag(rest);
            } else {
                self.characters(rest);
            }
        }
        if self.good && !self.open.is_empty() {
            self.fault("an element without its end tag");
        }
    }

    fn characters(&mut self, rest: &'s str) {
        let text = &rest[..rest.find('<').unwrap_or(rest.len())];
        if text.contains(['{', '}']) || !entities_are_plain(text) || (self.open.is_empty() && !text.trim().is_empty()) {
            self.at += text.len() - text.trim_start().len();
            return self.fault("text that cannot stand here");
        }
        self.at += text.len();
        self.out.push_str(text);
    }

    fn tag(&mut self, rest: &'s str) {
        let Some(end) = end_of_tag(rest) else { return self.fault("a tag without its end") };
        let inside = &rest[1..end];
        if let Some(name) = inside.strip_prefix('/') {
            if self.open.pop() != Some(name.trim_end()) {
                return self.fault("an end tag that closes nothing");
            }
        } else {
            let (inside, closed) = inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
            let name = inside.split([' ', '\n', '\t']).next().unwrap_or_default();
            if !ELEMENTS.contains(&name) {
                return self.fault(&format!("<{}> cannot be used in a figure", shown(name)));
            }
            if self.open.len() >= MAX_DEPTH || (self.open.is_empty() && !self.out.trim().is_empty()) {
                return self.fault("elements are nested too deeply, or are not all inside one <svg>");
            }
            self.attributes(&inside[name.len()..]);
            if !closed {
                self.open.push(name);
            }
        }
        if self.good {
            self.out.push_str(&rest[..=end]);
            self.at += end + 1;
        }
    }

    fn attributes(&mut self, mut rest: &'s str) {
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                return;
            }
            let Some((name, value, after)) = attribute(rest) else {
                return self.fault("an attribute must be name=\"value\"");
            };
            rest = after;
            if let Some(message) = refused(name, value) {
                return self.fault(&format!("{}: {message}", shown(name)));
            }
        }
    }

    fn fault(&mut self, message: &str) {
        let line = count(self.text[..self.at].matches('\n').count()) + 1;
        self.faults.add(self.file, line, message);
        self.good = false;
    }
}

/// The `>` that ends a tag; those in quotes do not.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn attribute(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.split_once("=\"")?;
    let (value, rest) = rest.split_once('"')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':');
    let apart = rest.is_empty() || rest.starts_with([' ', '\n', '\t']);
    (!name.is_empty() && name.bytes().all(plain) && apart).then_some((name, value, rest))
}

fn refused(name: &str, value: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let words = value.to_ascii_lowercase();
    if lower.starts_with("on") {
        return Some("a figure cannot run scripts");
    }
    if lower == "style" {
        return Some("a figure cannot have style attributes; use presentation attributes");
    }
    if lower.starts_with("xmlns") {
        let known = lower == "xmlns" && value == "http://www.w3.org/2000/svg";
        return (!known).then_some("an unknown namespace");
    }
    if lower.contains("href") && (lower != "href" || !value.starts_with('#')) {
        return Some("a figure can refer only to its own parts, as href=\"#id\"");
    }
    if !words.split("url(").skip(1).all(|target| target.starts_with('#')) {
        return Some("a figure cannot load anything");
    }
    if value.contains(['<', '{', '}', '\\']) || !entities_are_plain(value) || lower == "src" || lower == "base" {
        return Some("this cannot be used in a figure");
    }
    None
}

/// Entities could hide any of the words that are refused, so only the five that HTML and XML share may be used.
fn entities_are_plain(text: &str) -> bool {
    let known = ["amp;", "lt;", "gt;", "quot;", "#39;"];
    text.split('&').skip(1).all(|rest| known.iter().any(|entity| rest.starts_with(entity)))
}

fn shown(name: &str) -> String {
    name.chars().filter(|one| !one.is_control()).take(40).collect()
}
