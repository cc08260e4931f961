//! What a reply means for the mail, as one table, and which of its words may be kept.
mod slow;

use std::ops::RangeInclusive;

use super::{Envelope, SendError, Slow};

/// One reply of a relay: its code and its lines without the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) lines: Vec<String>,
}

/// What a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Mail,
    Rcpt,
    Data,
    /// The final dot.
    Message,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// The relay's own failure: no mail is charged with it.
    Relay,
    Deferred,
    Rejected,
    /// Rejected, and the address is to be suppressed.
    NoSuchUser,
}

/// A row matches when everything it names does.
struct Rule {
    codes: RangeInclusive<u16>,
    /// RFC 3463, without its class, which is the code's first digit: `"1.1"`, or `"7."` for the whole subject.
    status: Option<&'static str>,
    at: Option<Stage>,
    /// The text must speak of an unknown mailbox, and no enhanced code must say what it is.
    says_unknown: bool,
    meaning: Meaning,
}

/// The first row that matches decides. A wrong `NoSuchUser` silences a reader for good, so in doubt it is only `Rejected`.
const RULES: &[Rule] = &[
    // The relay is closing, or wants a login or TLS first: nothing about this mail.
    rule(421..=421, Meaning::Relay),
    rule(432..=432, Meaning::Relay),
    rule(454..=454, Meaning::Relay),
    rule(530..=530, Meaning::Relay),
    rule(534..=535, Meaning::Relay),
    rule(538..=538, Meaning::Relay),
    // MAIL names only our sender and the size. Unless it is this mail's size or its kind, every other mail would meet the same.
    rule(552..=552, Meaning::Rejected).at(Stage::Mail),
    rule(500..=599, Meaning::Rejected).status("3.4").at(Stage::Mail),
    rule(500..=599, Meaning::Rejected).status("2.3").at(Stage::Mail),
    rule(500..=599, Meaning::Rejected).status("6.").at(Stage::Mail),
    rule(500..=599, Meaning::Relay).at(Stage::Mail),
    // Bad destination mailbox; mailbox has moved.
    rule(500..=599, Meaning::NoSuchUser).status("1.1"),
    rule(500..=599, Meaning::NoSuchUser).status("1.6"),
    // Null MX, bad or unknown domain, disabled or full mailbox: true today, but their owners may mend it.
    rule(500..=599, Meaning::Rejected).status("1."),
    rule(500..=599, Meaning::Rejected).status("2."),
    // Routing and policy say nothing about whether the mailbox exists.
    rule(500..=599, Meaning::Rejected).status("4."),
    rule(500..=599, Meaning::Rejected).status("7."),
    rule(550..=550, Meaning::NoSuchUser).at(Stage::Rcpt).says_unknown(),
    rule(500..=599, Meaning::Rejected),
    // Full queues, too many recipients, greylisting, a busy mailbox.
    rule(400..=499, Meaning::Deferred),
];

const fn rule(codes: RangeInclusive<u16>, meaning: Meaning) -> Rule {
    Rule { codes, status: None, at: None, says_unknown: false, meaning }
}

impl Rule {
    const fn status(mut self, status: &'static str) -> Self {
        self.status = Some(status);
        self
    }

    const fn at(mut self, stage: Stage) -> Self {
        self.at = Some(stage);
        self
    }

    const fn says_unknown(mut self) -> Self {
        self.says_unknown = true;
        self
    }

    fn matches(&self, stage: Stage, reply: &Reply) -> bool {
        let status = reply.status().and_then(|status| status.split_once('.')).map(|(_, rest)| rest);
        self.codes.contains(&reply.code)
            && self.at.is_none_or(|at| at == stage)
            && self.status.is_none_or(|wanted| {
                status.is_some_and(
                    |status| if wanted.ends_with('.') { status.starts_with(wanted) } else { status == wanted },
                )
            })
            && (!self.says_unknown || (status.is_none() && says_unknown(&reply.text())))
    }
}

/// How servers without enhanced codes say that a mailbox does not exist.
const UNKNOWN: &[&str] = &[
    "user unknown",
    "unknown user",
    "unknown local user",
    "no such user",
    "no such local user",
    "no such mailbox",
    "no such recipient",
    "no mailbox here by that name",
    "mailbox not found",
    "user not found",
    "recipient not found",
    "recipient unknown",
    "unknown recipient",
    "unknown mailbox",
    "mailbox does not exist",
    "user does not exist",
    "user doesn't exist",
];

/// Words that make such a sentence be about something else: Exim, for one, reports at RCPT that the *sender's* mailbox is unknown.
const ABOUT_ELSE: &[&str] =
    &["sender", "verif", "from address", "policy", "spam", "block", "relay", "denied", "reputation"];

fn says_unknown(text: &str) -> bool {
    let text = text.to_lowercase();
    UNKNOWN.iter().any(|phrase| text.contains(phrase)) && !ABOUT_ELSE.iter().any(|word| text.contains(word))
}

impl Reply {
    pub(super) fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// The RFC 3463 code the text begins with, if its class agrees with the reply's (RFC 2034 section 4).
    pub(super) fn status(&self) -> Option<&str> {
        let word = self.lines.first()?.split_ascii_whitespace().next()?;
        let mut parts = word.split('.');
        let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
        let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        let agrees = class.len() == 1 && class.parse() == Ok(self.code / 100);
        (agrees && number(subject) && number(detail) && parts.next().is_none()).then_some(word)
    }

    /// All lines as one; an enhanced code that every line repeats is said once.
    fn text(&self) -> String {
        let status = self.status().map(|status| format!("{status} "));
        let rest = |line: &str| {
            status.as_deref().and_then(|status| line.strip_prefix(status)).unwrap_or(line).trim().to_owned()
        };
        let lines = self.lines.iter().enumerate();
        lines.map(|(at, line)| if at == 0 { line.trim().to_owned() } else { rest(line) }).collect::<Vec<_>>().join(" ")
    }

    /// The text as it may be stored and shown.
    pub(super) fn shown(&self, envelope: &Envelope) -> String {
        let text = redact(&self.text());
        let text = [&envelope.to, &envelope.from]
            .into_iter()
            .fold(text, |text, address| redact_word(&text, local_part(address)));
        text.chars().take(MAX_SHOWN).collect()
    }

    /// Only the codes, for replies that might echo a secret.
    pub(super) fn codes(&self) -> String {
        self.status().map_or_else(|| self.code.to_string(), |status| format!("{} {status}", self.code))
    }

    /// What a reply other than the hoped-for one means for the mail; nothing for a code that has no place here.
    pub(super) fn refusal(&self, stage: Stage, envelope: &Envelope) -> Option<SendError> {
        let slow = self.slow(stage);
        let meaning = match (self.code, slow) {
            // The one farewell that is not the relay's own failure.
            (421, Some(Slow::Greylisted)) => Meaning::Deferred,
            _ => RULES.iter().find(|rule| rule.matches(stage, self))?.meaning,
        };
        let (code, reply) = (self.code, self.shown(envelope));
        Some(match meaning {
            Meaning::Relay => SendError::Relay { why: format!("{code} {reply}") },
            Meaning::Deferred => SendError::Deferred { code, reply, slow },
            Meaning::Rejected => SendError::Rejected { code, reply, no_such_user: false },
            Meaning::NoSuchUser => SendError::Rejected { code, reply, no_such_user: true },
        })
    }
}

const MAX_SHOWN: usize = 200;
const ADDRESS: &str = "<address>";

/// Text of a relay or of the system with no control characters and no address in it, and short.
pub(super) fn shown(text: &str) -> String {
    redact(text).chars().take(MAX_SHOWN).collect()
}

fn local_part(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(local, _)| local)
}

/// Takes out control characters, and everything that looks like an address, also percent-encoded inside a link.
fn redact(text: &str) -> String {
    let text: String = text.chars().filter(|letter| !letter.is_control()).collect::<String>().replace("%40", "@");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('@') {
        let mut start = local_start(&rest[..at]);
        let domain = &rest[at + 1..];
        let mut stop = at + 1 + domain.find(|letter| !in_domain(letter)).unwrap_or(domain.len());
        if start == at || stop == at + 1 {
            out.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
            continue;
        }
        // The full stop is the sentence's, not the domain's.
        stop -= rest[..stop].len() - rest[..stop].trim_end_matches('.').len();
        if rest[..start].ends_with('<') && rest[stop..].starts_with('>') {
            (start, stop) = (start - 1, stop + 1);
        }
        out.push_str(&rest[..start]);
        out.push_str(ADDRESS);
        rest = &rest[stop..];
    }
    out + rest
}

/// Where the local part that ends the text begins; a quoted one begins at the quotation mark before the last.
fn local_start(text: &str) -> usize {
    let quoted = text.strip_suffix('"').and_then(|inner| inner.rfind('"'));
    quoted.unwrap_or_else(|| text.rfind(|letter| !in_local(letter)).map_or(0, |at| at + letter_len(text, at)))
}

fn letter_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}

/// RFC 5322 atext and the dot, and everything beyond ASCII (RFC 6532).
fn in_local(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || ".!#$%&'*+-/=?^_`{|}~".contains(letter)
        || (!letter.is_ascii() && !letter.is_whitespace())
}

fn in_domain(letter: char) -> bool {
    letter.is_alphanumeric() || ".-_[]:".contains(letter)
}

/// Some servers name the mailbox alone ("user ann unknown"): it goes wherever it stands as a word of its own.
fn redact_word(text: &str, word: &str) -> String {
    if word.len() < 2 {
        return text.to_owned();
    }
    let (folded, word) = (text.to_ascii_lowercase(), word.to_ascii_lowercase());
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (at, found) in folded.match_indices(&word) {
        let stop = at + found.len();
        let inside = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        // What `redact` has written is left alone.
        let ours = folded[..at].ends_with('<') && folded[at..].starts_with("address>");
        if !ours && !inside(folded[..at].chars().next_back()) && !inside(folded[stop..].chars().next()) {
            out.push_str(&text[done..at]);
            out.push_str(ADDRESS);
            done = stop;
        }
    }
    out + &text[done..]
}

#[cfg(test)]
mod tests;
