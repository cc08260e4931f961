//! The message: headers in a fixed order, then text and HTML as alternatives, then the signatures put in front.
use std::borrow::Cow;

use chrono::{DateTime, Utc};
use mail_builder::encoders::QuotedPrintableEncoder;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::headers::url::URL;
use mail_builder::headers::{Header, message_id::MessageId as MessageIdHeader};
use uuid::Uuid;

use super::{DkimKey, dkim, on_the_wire};
use crate::model::{EmailAddress, Kind, Mailbox, SeriesSlug, StepKey, is_plain_name};

/// All that a mail is made of. Texts have no length limit; their line ends may be LF or CRLF. There is no `Debug`, since
/// the content may name the condition and its links carry tokens.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    pub id: &'a MessageId,
    /// Real time, for Date and for the signatures.
    pub date: DateTime<Utc>,
    pub from: &'a Mailbox,
    pub reply_to: Option<&'a Mailbox>,
    pub to: &'a EmailAddress,
    pub subject: &'a str,
    pub html: &'a str,
    pub text: &'a str,
    /// What a step needs so that mail readers offer to unsubscribe; a confirmation has none.
    pub list: Option<ListHeaders<'a>>,
    /// For what the reader caused just now, so that no vacation notice answers it (RFC 3834).
    pub auto_submitted: bool,
    pub feedback_id: Option<FeedbackId<'a>>,
    /// For an editor, outside the books: says so in the subject and in X-Regimen-Test.
    pub test: bool,
}

/// List-Id (RFC 2919), List-Unsubscribe and List-Unsubscribe-Post (RFC 8058).
#[derive(Clone, Copy)]
pub struct ListHeaders<'a> {
    pub series: &'a SeriesSlug,
    /// https, or http in a demo; a POST to it unsubscribes.
    pub unsubscribe_url: &'a str,
    /// `mailto:…`
    pub mailto: Option<&'a str>,
}

/// What large receivers sum up complaints by. It says which mail this is, never whose.
#[derive(Debug, Clone, Copy)]
pub struct FeedbackId<'a> {
    pub series: &'a SeriesSlug,
    pub kind: Kind,
    pub step: Option<&'a StepKey>,
}

/// The Message-ID of a delivery, without its angle brackets. It is the same at every attempt, so that a receiver can tell
/// a mail that was handed over twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageId(String);

/// Why no message can be built. Trying again does not help: the content, or the key, has to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    #[error("the {0} holds a line break or another control character")]
    ControlCharacter(&'static str),
    #[error("the {0} is empty")]
    Empty(&'static str),
    #[error("the {0} is written as `=?…?=`: give it as plain text")]
    EncodedWord(&'static str),
    #[error("the {0} must be an {1} URL of at most 900 ASCII characters, without spaces, commas and angle brackets")]
    Url(&'static str, &'static str),
    #[error("signing for {domain} with selector {selector} failed: {reason}")]
    Signing { domain: String, selector: String, reason: String },
}

impl MessageId {
    /// The same for the same delivery and domain.
    pub fn new(delivery: Uuid, from: &Mailbox) -> Self {
        Self(format!("{}@{}", delivery.simple(), from.address.domain()))
    }

    /// `<delivery>@<domain>`
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Quoted-printable writes every `=` of the content as `=3D`, so a boundary with `=_` in it cannot occur there
    /// (RFC 2045 6.7): it needs no randomness and no look at the content.
    fn boundary(&self) -> String {
        let delivery = self.0.split_once('@').map_or(self.0.as_str(), |(delivery, _)| delivery);
        format!("=_{delivery}")
    }
}

/// The complete message with CRLF line ends, signed with every key; not dot-stuffed.
pub fn build(message: &Message<'_>, signers: &[DkimKey]) -> Result<Vec<u8>, MailError> {
    let room = signers.len() * dkim::SIGNATURE_ROOM + 2048 + encoded_len(message.text) + encoded_len(message.html);
    let mut headers = Headers { octets: Vec::with_capacity(room), spans: Vec::with_capacity(16) };
    write_headers(message, &mut headers)?;

    let Headers { octets: mut mail, spans } = headers;
    mail.extend_from_slice(b"\r\n");
    let body_at = mail.len();
    write_body(message, &mut mail);

    if !signers.is_empty() {
        let headers: Vec<_> = spans.iter().map(|span| span.of(&mail)).collect();
        let signatures = dkim::sign(signers, &headers, &mail[body_at..], message.date)?;
        mail.splice(0..0, signatures);
    }
    Ok(mail)
}

/// The headers written so far, and where each is, for the signatures.
struct Headers {
    octets: Vec<u8>,
    spans: Vec<Span>,
}

#[derive(Clone, Copy)]
struct Span {
    name: usize,
    colon: usize,
    end: usize,
}

impl Span {
    fn of(self, mail: &[u8]) -> (&[u8], &[u8]) {
        (&mail[self.name..self.colon], &mail[self.colon + 1..self.end])
    }
}

impl Headers {
    fn put(&mut self, name: &str, value: &impl Header) {
        let start = self.octets.len();
        self.octets.extend_from_slice(name.as_bytes());
        self.octets.extend_from_slice(b": ");
        value.write_header(&mut self.octets, name.len() + 2);
        self.spans.push(Span { name: start, colon: start + name.len(), end: self.octets.len() });
    }

    fn raw(&mut self, name: &str, value: &str) {
        self.put(name, &Raw::new(value));
    }
}

fn write_headers(message: &Message<'_>, headers: &mut Headers) -> Result<(), MailError> {
    headers.put("Date", &Date::new(message.date.timestamp()));
    headers.put("From", &mailbox(message.from, "sender's name")?);
    if let Some(reply_to) = message.reply_to {
        headers.put("Reply-To", &mailbox(reply_to, "name to reply to")?);
    }
    headers.put("To", &Address::new_address(None::<&str>, on_the_wire(message.to)));
    write_subject(message, headers)?;
    headers.put("Message-ID", &MessageIdHeader::new(message.id.as_str()));
    if let Some(list) = &message.list {
        write_list(list, message.from.address.domain(), headers)?;
    }
    if let Some(feedback) = &message.feedback_id {
        headers.raw("Feedback-ID", &feedback_id(feedback));
    }
    if message.auto_submitted {
        headers.raw("Auto-Submitted", "auto-generated");
    }
    if message.test {
        headers.raw("X-Regimen-Test", "yes");
    }
    headers.raw("MIME-Version", "1.0");
    let content = ContentType::new("multipart/alternative").attribute("boundary", message.id.boundary());
    headers.put("Content-Type", &content);
    Ok(())
}

fn mailbox<'a>(mailbox: &'a Mailbox, field: &'static str) -> Result<Address<'a>, MailError> {
    let name = mailbox.name.as_deref();
    if let Some(name) = name {
        no_control(name, field)?;
        if !is_plain_name(name) {
            return Err(MailError::EncodedWord(field));
        }
    }
    Ok(Address::new_address(name, on_the_wire(&mailbox.address)))
}

fn write_subject(message: &Message<'_>, headers: &mut Headers) -> Result<(), MailError> {
    no_control(message.subject, "subject")?;
    let subject = message.subject.trim();
    if subject.is_empty() {
        return Err(MailError::Empty("subject"));
    }
    let subject = if message.test { Cow::Owned(format!("[Test] {subject}")) } else { Cow::Borrowed(subject) };
    if !subject.is_ascii() {
        headers.put("Subject", &Text::new(&*subject));
    } else if subject.contains("=?") || subject.split(' ').any(|word| word.len() > LONG_WORD) {
        headers.raw("Subject", &encoded_words(&subject));
    } else {
        headers.raw("Subject", &subject);
    }
    Ok(())
}

/// A longer word would not fit a line of 78 after the name of its header.
const LONG_WORD: usize = 66;

/// ASCII that must not stand as it is: because a mail reader would take it for an encoded word, or since it cannot be
/// folded.
fn encoded_words(text: &str) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    // 39 octets make a word of 64 characters (RFC 2047 2 allows 75), so that the first fits on the header's own line.
    let words = text.as_bytes().chunks(39).map(|chunk| format!("=?utf-8?B?{}?=", BASE64_STANDARD.encode(chunk)));
    words.collect::<Vec<_>>().join(" ")
}

fn write_list(list: &ListHeaders<'_>, domain: &str, headers: &mut Headers) -> Result<(), MailError> {
    let url = list.unsubscribe_url;
    if !is_url(url, &["https://", "http://"]) {
        return Err(MailError::Url("link to unsubscribe", "https"));
    }
    let mut urls = vec![url];
    if let Some(mailto) = list.mailto {
        if !is_url(mailto, &["mailto:"]) {
            return Err(MailError::Url("address to unsubscribe", "mailto"));
        }
        urls.push(mailto);
    }
    headers.put("List-Id", &URL::new(format!("{}.{domain}", list.series)));
    headers.put("List-Unsubscribe", &URL::new_list(urls.into_iter()));
    headers.raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
    Ok(())
}

/// One that cannot end its angle brackets or its line early.
fn is_url(url: &str, schemes: &[&str]) -> bool {
    let rest = schemes.iter().find_map(|scheme| url.strip_prefix(scheme));
    rest.is_some_and(|rest| !rest.is_empty())
        && url.len() <= 900
        && url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b','))
}

/// Up to three fields to sum by, then one that stays the same for all mail of the sender.
fn feedback_id(feedback: &FeedbackId<'_>) -> String {
    let FeedbackId { series, kind, step } = feedback;
    match step {
        Some(step) => format!("{step}:{series}:{kind}:regimen"),
        None => format!("{series}:{kind}:regimen"),
    }
}

fn no_control(text: &str, field: &'static str) -> Result<(), MailError> {
    if text.chars().any(char::is_control) { Err(MailError::ControlCharacter(field)) } else { Ok(()) }
}

fn write_body(message: &Message<'_>, mail: &mut Vec<u8>) {
    let boundary = message.id.boundary();
    for (subtype, content) in [("plain", message.text), ("html", message.html)] {
        for piece in ["--", &boundary, "\r\nContent-Type: text/", subtype, PART_HEADERS] {
            mail.extend_from_slice(piece.as_bytes());
        }
        QuotedPrintableEncoder::new().preserve_line_breaks().encode_into(printable(content).as_bytes(), mail);
        mail.extend_from_slice(b"\r\n");
    }
    for piece in ["--", &boundary, "--\r\n"] {
        mail.extend_from_slice(piece.as_bytes());
    }
}

const PART_HEADERS: &str = "; charset=\"utf-8\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";

/// The content without control characters, which say nothing to a mail reader and which mail may not carry. A lone CR
/// ends a line.
fn printable(content: &str) -> Cow<'_, str> {
    // Counted rather than searched, so that the compiler looks at many octets at once: this runs over every mail.
    let odd = content.bytes().filter(|byte| *byte < b' ' && *byte != b'\n' && *byte != b'\t').count();
    if odd == 0 {
        return Cow::Borrowed(content);
    }
    let lines = content.replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(lines.chars().filter(|one| *one >= ' ' || matches!(one, '\n' | '\t')).collect())
}

/// Room for a part as it is usually written; a text in another script takes more, and the vector grows.
fn encoded_len(content: &str) -> usize {
    content.len() + content.len() / 8 + 256
}
