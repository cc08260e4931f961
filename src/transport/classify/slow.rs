//! Which temporary refusals say that a recipient's domain wants its mail more slowly, as one table beside that of `RULES`.
//!
//! No code means this and nothing else. RFC 6647 describes greylisting and leaves its reply open (any 4yz); the enhanced codes
//! are those of RFC 3463 and of IANA's registry "SMTP Enhanced Status Codes" (X.7.28 is there: "mail flood detected"); 4.7.65x
//! is what one large provider says of a sender's rate. A row is in here only when waiting with the whole domain is right: a
//! mailbox that is full or busy (X.2.x) says nothing about its neighbours.
use super::super::Slow;
use super::{Reply, Stage};

/// A row names an enhanced code or words.
enum Sign {
    /// Of RFC 3463, without its class; with a star it is the beginning of a provider's own.
    Status(&'static str),
    Words(&'static [&'static str]),
    /// The same, unless the reply is about one mailbox.
    WordsOfAServer(&'static [&'static str]),
}

/// How servers say that they greylist.
const GREYLISTED: &[&str] = &["greylist", "graylist", "grey list", "gray list", "grey-list", "gray-list", "postgrey"];

/// How they say that it is too much, or too fast. "Too many" alone may be about anything.
const TOO_FAST: &[&str] = &[
    "rate limit",
    "rate-limit",
    "ratelimit",
    "throttl",
    "too fast",
    "too quickly",
    "slow down",
    "unusual rate",
    "too many messages",
    "too many mails",
    "too many emails",
    "too many connections",
    "too many concurrent",
    "too many recipients",
    "too many requests",
    "too much mail",
    "excessive volume",
    "volume of mail",
];

/// Words that make such a sentence be about one mailbox.
const ABOUT_A_MAILBOX: &[&str] = &["mailbox", "the user you are trying", "inbox", "recipient's quota"];

/// The first row that matches decides.
const RULES: &[(Sign, Slow)] = &[
    (Sign::Words(GREYLISTED), Slow::Greylisted),
    // Delivery not authorised, for now: what most greylisting answers with.
    (Sign::Status("7.1"), Slow::Greylisted),
    // Other security matters, a mail flood, a sender's rate.
    (Sign::Status("7.0"), Slow::TooFast),
    (Sign::Status("7.28"), Slow::TooFast),
    (Sign::Status("7.65*"), Slow::TooFast),
    // The system takes no messages now; the mail system is congested; too many recipients.
    (Sign::Status("3.2"), Slow::TooFast),
    (Sign::Status("4.5"), Slow::TooFast),
    (Sign::Status("5.3"), Slow::TooFast),
    (Sign::WordsOfAServer(TOO_FAST), Slow::TooFast),
];

impl Reply {
    /// Whether it asks to go more slowly with the recipient's domain. MAIL names no recipient, and a relay that closes the
    /// connection speaks for itself unless it says that it greylists.
    pub(super) fn slow(&self, stage: Stage) -> Option<Slow> {
        if !(400..500).contains(&self.code) || stage == Stage::Mail {
            return None;
        }
        let text = self.text().to_lowercase();
        let status = self.status().and_then(|status| status.split_once('.')).map(|(_, rest)| rest);
        let slow = RULES.iter().find(|(sign, _)| sign.is_in(status, &text))?.1;
        (self.code != 421 || slow == Slow::Greylisted && says(GREYLISTED, &text)).then_some(slow)
    }
}

impl Sign {
    fn is_in(&self, status: Option<&str>, text: &str) -> bool {
        match self {
            Self::Status(wanted) => status.is_some_and(|status| match wanted.strip_suffix('*') {
                Some(beginning) => status.starts_with(beginning),
                None => status == *wanted,
            }),
            Self::Words(words) => says(words, text),
            Self::WordsOfAServer(words) => {
                let of_a_mailbox = status.is_some_and(|status| status.starts_with("1.") || status.starts_with("2."));
                says(words, text) && !of_a_mailbox && !says(ABOUT_A_MAILBOX, text)
            }
        }
    }
}

fn says(words: &[&str], text: &str) -> bool {
    words.iter().any(|word| text.contains(word))
}
