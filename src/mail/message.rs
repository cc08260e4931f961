//! multipart/alternative, text first, in quoted-printable, with all headers set here and none by default.
use std::borrow::Cow;

use chrono::{DateTime, Utc};
use mail_builder::MessageBuilder;
use mail_builder::encoders::QuotedPrintableEncoder;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::{BodyPart, MimePart};
use uuid::Uuid;

use super::DkimKey;
use crate::model::{EmailAddress, Mailbox};

/// Why a mail was not made. Names no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// A line break or NUL would end the header and begin another (header injection).
    #[error("the {0} has a control character, which a header cannot carry")]
    ControlCharacter(&'static str),
    #[error("the mail could not be signed for {domain}: {why}")]
    Sign { domain: String, why: String },
}

/// `<delivery@domain>`, without the brackets: the same for each copy of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageId(String);

impl MessageId {
    pub fn of(delivery: Uuid, from: &Mailbox) -> Self {
        Self(format!("{}@{}", delivery.simple(), domain_of(from)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What makes a mail one of a series, and lets its reader leave with one click.
#[derive(Debug, Clone, Copy)]
pub struct ListHeaders<'a> {
    /// The series' slug; with the sender's domain it is the List-Id (RFC 2919).
    pub list_id: &'a str,
    /// Takes a POST (RFC 8058).
    pub unsubscribe_url: &'a str,
    /// A mailbox whose mails are processed, if there is one.
    pub mailto: Option<&'a str>,
}

/// All that a mail is made of.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    pub id: MessageId,
    /// Real time.
    pub date: DateTime<Utc>,
    pub from: &'a Mailbox,
    pub reply_to: Option<&'a Mailbox>,
    pub to: &'a EmailAddress,
    pub subject: &'a str,
    pub html: &'a str,
    pub text: &'a str,
    pub list: Option<ListHeaders<'a>>,
    /// An answer of the service itself, not a part of a series (RFC 3834 5).
    pub auto_submitted: bool,
    /// For the complaint reports of large providers: what kind of mail it was, nothing of its reader.
    pub feedback_id: &'a str,
    /// A test for an editor, marked as such.
    pub test: bool,
}

/// The whole message with CRLF line ends, signed by each of `signers`.
pub fn build(message: &Message<'_>, signers: &[DkimKey]) -> Result<Vec<u8>, MailError> {
    let subject: Cow<'_, str> =
        if message.test { format!("[Test] {}", message.subject).into() } else { message.subject.into() };
    check("subject", &subject)?;
    check("Feedback-ID", message.feedback_id)?;
    let mut builder = MessageBuilder::new()
        .header("Message-ID", Raw::new(format!("<{}>", message.id.as_str())))
        .header("Date", Raw::new(message.date.format("%a, %d %b %Y %H:%M:%S +0000").to_string()))
        .from(address(message.from))
        .to(Address::new_address(None::<&str>, to_header(message.to)))
        .header("Subject", Text::new(subject))
        .header("MIME-Version", Raw::new("1.0"));
    if let Some(reply_to) = message.reply_to {
        builder = builder.reply_to(address(reply_to));
    }
    if let Some(list) = &message.list {
        builder = list_headers(builder, list, message.from)?;
    }
    if message.auto_submitted {
        builder = builder.header("Auto-Submitted", Raw::new("auto-generated"));
    }
    if message.test {
        builder = builder.header("X-Regimen-Test", Raw::new("yes"));
    }
    builder = builder.header("Feedback-ID", Raw::new(format!("{}:regimen", message.feedback_id)));
    let mut octets = Vec::with_capacity(message.html.len() * 5 / 4 + message.text.len() * 5 / 4 + 2_048);
    builder.body(alternative(message)).serialize(&mut octets);
    sign(octets, signers)
}

fn list_headers<'a>(
    builder: MessageBuilder<'a>,
    list: &ListHeaders<'a>,
    from: &Mailbox,
) -> Result<MessageBuilder<'a>, MailError> {
    check("list id", list.list_id)?;
    check("unsubscribe address", list.unsubscribe_url)?;
    let mut unsubscribe = format!("<{}>", list.unsubscribe_url);
    if let Some(mailto) = list.mailto {
        check("unsubscribe mailbox", mailto)?;
        unsubscribe.push_str(&format!(",\r\n <mailto:{mailto}?subject=unsubscribe>"));
    }
    Ok(builder
        .header("List-Id", Raw::new(format!("<{}.{}>", list.list_id, domain_of(from))))
        .header("List-Unsubscribe", Raw::new(unsubscribe))
        .header("List-Unsubscribe-Post", Raw::new("List-Unsubscribe=One-Click")))
}

/// `=_` cannot occur in quoted-printable text, so no content ever holds the boundary (RFC 2045 6.7).
fn alternative<'a>(message: &Message<'_>) -> MimePart<'a> {
    let boundary = format!("=_{}", message.id.as_str().split('@').next().unwrap_or_default());
    let parts = vec![part("text/plain", message.text), part("text/html", message.html)];
    MimePart::new(ContentType::new("multipart/alternative").attribute("boundary", boundary), BodyPart::Multipart(parts))
}

fn part<'a>(kind: &'a str, text: &str) -> MimePart<'a> {
    let mut encoded = Vec::with_capacity(text.len() * 5 / 4);
    QuotedPrintableEncoder::new().preserve_line_breaks().encode_into(text.as_bytes(), &mut encoded);
    MimePart::new(ContentType::new(kind).attribute("charset", "utf-8"), BodyPart::Binary(encoded.into()))
        .transfer_encoding("quoted-printable")
}

fn sign(message: Vec<u8>, signers: &[DkimKey]) -> Result<Vec<u8>, MailError> {
    let mut signed = Vec::new();
    for signer in signers {
        let header =
            signer.sign(&message).map_err(|why| MailError::Sign { domain: signer.domain().to_owned(), why })?;
        signed.extend_from_slice(header.as_bytes());
    }
    if signed.is_empty() {
        return Ok(message);
    }
    signed.extend_from_slice(&message);
    Ok(signed)
}

fn address(mailbox: &Mailbox) -> Address<'_> {
    Address::new_address(mailbox.name(), to_header(mailbox.address()))
}

/// ASCII wherever it can be: an address beyond ASCII in a header needs SMTPUTF8 (RFC 6532), and a domain never does.
fn to_header(address: &EmailAddress) -> String {
    match address.as_typed().rsplit_once('@') {
        Some((local, _)) => format!("{local}@{}", address.domain()),
        None => address.as_typed().to_owned(),
    }
}

fn domain_of(mailbox: &Mailbox) -> &str {
    mailbox.address().domain()
}

fn check(what: &'static str, text: &str) -> Result<(), MailError> {
    if text.chars().any(char::is_control) { Err(MailError::ControlCharacter(what)) } else { Ok(()) }
}
