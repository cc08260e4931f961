use std::sync::LazyLock;

use mail_parser::{MessageParser, MimeHeaders as _};
use proptest::prelude::*;
use uuid::Uuid;

use super::dkim_tests::ed25519_key;
use super::*;
use crate::model::{EmailAddress, Kind, Mailbox, SeriesSlug, StepKey};

static FROM: LazyLock<Mailbox> = LazyLock::new(|| Mailbox::parse("Example Health <hello@example.org>").unwrap());
static REPLY_TO: LazyLock<Mailbox> = LazyLock::new(|| Mailbox::parse("questions@example.org").unwrap());
static TO: LazyLock<EmailAddress> = LazyLock::new(|| EmailAddress::parse("Reader@example.com").unwrap());
static ID: LazyLock<MessageId> = LazyLock::new(|| MessageId::new(Uuid::from_u128(0x0192_0000_7000_8000_0000), &FROM));
static SERIES: LazyLock<SeriesSlug> =
    LazyLock::new(|| SeriesSlug::parse("fighting-cancer-with-immunotherapy").unwrap());
static STEP: LazyLock<StepKey> = LazyLock::new(|| StepKey::parse("cancer-vaccines").unwrap());

const UNSUBSCRIBE: &str = "https://mail.example.org/u/AgUAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAGeFxsAAAAAAAAAAAAAAAAAAAAAA";

fn confirmation() -> Message<'static> {
    Message {
        id: &ID,
        date: "2026-03-01T12:00:05Z".parse().unwrap(),
        from: &FROM,
        reply_to: None,
        to: &TO,
        subject: "Please confirm your sign-up",
        html: "<p>Hello,</p>\n<p><a href=\"https://mail.example.org/c/token\">Yes, send me the series</a></p>\n",
        text: "Hello,\n\nYes, send me the series: https://mail.example.org/c/token\n",
        list: None,
        auto_submitted: true,
        feedback_id: Some(FeedbackId { series: &SERIES, kind: Kind::Confirmation, step: None }),
        test: false,
    }
}

pub(super) fn step() -> Message<'static> {
    Message {
        reply_to: Some(&REPLY_TO),
        subject: "Part 4: vaccines against cancer – what they are, and how they are tested",
        html: "<h1>Vaccines</h1>\n<p>A long paragraph, as templates write them, that has to be broken – softly – more than once = for sure. \n</p>\n",
        text: "Vaccines\n\nA long paragraph, as templates write them, that has to be broken – softly – more than once = for sure. \n",
        list: Some(ListHeaders {
            series: &SERIES,
            unsubscribe_url: UNSUBSCRIBE,
            mailto: Some("mailto:unsubscribe@example.org?subject=AgUAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        }),
        auto_submitted: false,
        feedback_id: Some(FeedbackId { series: &SERIES, kind: Kind::Step, step: Some(&STEP) }),
        ..confirmation()
    }
}

/// The mail with LF, for a snapshot, after looking at what a snapshot cannot show.
fn shown(mail: &[u8]) -> String {
    assert_lines(mail);
    String::from_utf8(mail.to_vec()).unwrap().replace("\r\n", "\n")
}

/// Lines end with CRLF and are short enough; nothing but addresses is other than ASCII.
fn assert_lines(mail: &[u8]) {
    let text = std::str::from_utf8(mail).unwrap();
    let (headers, body) = text.split_once("\r\n\r\n").unwrap();
    let lines = text.strip_suffix("\r\n").unwrap();
    assert!(!lines.replace("\r\n", "").contains(['\r', '\n', '\0']), "lone line ends in {text:?}");
    for line in headers.split("\r\n") {
        let value = line.strip_prefix(' ').or(line.split_once(": ").map(|(_, value)| value)).unwrap_or(line);
        let foldable = value.contains(' ') && !line.starts_with("DKIM");
        assert!(line.len() <= if foldable { 78 } else { 998 }, "{} in header line {line:?}", line.len());
        assert!(!line.trim().is_empty(), "an empty line inside a header");
    }
    assert!(body.is_ascii());
    for line in body.split("\r\n") {
        assert!(line.len() <= 76 && !line.ends_with([' ', '\t']), "body line {line:?}");
    }
}

#[test]
fn a_step_as_it_goes_out() {
    insta::assert_snapshot!(shown(&build(&step(), &[ed25519_key()]).unwrap()));
}

#[test]
fn a_confirmation_as_it_goes_out() {
    insta::assert_snapshot!(shown(&build(&confirmation(), &[]).unwrap()));
}

#[test]
fn a_test_send_with_names_in_other_scripts() {
    let from = Mailbox::parse("Gesundheit für alle, e. V. <hallo@bücher.example>").unwrap();
    let id = MessageId::new(Uuid::from_u128(7), &from);
    let to = EmailAddress::parse("leser@bücher.example").unwrap();
    let subject = "Teil 1: Wie das Immunsystem Krebs erkennt – und warum es ihn manchmal übersieht 免疫療法";
    let message = Message { id: &id, from: &from, to: &to, subject, test: true, ..step() };
    insta::assert_snapshot!(shown(&build(&message, &[]).unwrap()));
}

#[test]
fn a_local_part_in_another_script_stays_as_typed() {
    let to = EmailAddress::parse("zoë@bücher.example").unwrap();
    let mail = shown(&build(&Message { to: &to, ..step() }, &[]).unwrap());
    assert!(mail.contains("\nTo: <zoë@bücher.example>\n"), "{mail}");
}

#[test]
fn the_same_message_gives_the_same_octets() {
    let keys = [ed25519_key()];
    assert_eq!(build(&step(), &keys), build(&step(), &keys));
    let other = MessageId::new(Uuid::from_u128(8), &FROM);
    assert_ne!(build(&step(), &keys), build(&Message { id: &other, ..step() }, &keys));
}

#[test]
fn no_field_can_add_a_header() {
    for odd in ["\r\nBcc: x@example.com", "\n", "\r", "\0", "\u{85}", "\u{b}"] {
        let text = format!("one{odd}two");
        let named = Mailbox { name: Some(text.clone()), address: TO.clone() };
        let url = format!("https://example.org/{odd}");
        let mailto = format!("mailto:a@example.org{odd}");
        let list = step().list.unwrap();
        let refused = [
            (Message { subject: &text, ..step() }, MailError::ControlCharacter("subject")),
            (Message { from: &named, ..step() }, MailError::ControlCharacter("sender's name")),
            (Message { reply_to: Some(&named), ..step() }, MailError::ControlCharacter("name to reply to")),
            (
                Message { list: Some(ListHeaders { unsubscribe_url: &url, ..list }), ..step() },
                MailError::Url("link to unsubscribe", "https"),
            ),
            (
                Message { list: Some(ListHeaders { mailto: Some(&mailto), ..list }), ..step() },
                MailError::Url("address to unsubscribe", "mailto"),
            ),
        ];
        for (message, error) in refused {
            assert_eq!(build(&message, &[]), Err(error), "{odd:?}");
        }
    }
}

#[test]
fn a_link_that_would_break_its_header_is_refused() {
    let long = format!("https://example.org/{}", "a".repeat(900));
    for url in ["", "https://", "javascript:alert(1)", "https://example.org/>,<x:", "https://example.org/a b", &long] {
        let list = Some(ListHeaders { unsubscribe_url: url, ..step().list.unwrap() });
        let error = MailError::Url("link to unsubscribe", "https");
        assert_eq!(build(&Message { list, ..step() }, &[]), Err(error), "{url}");
    }
}

#[test]
fn what_looks_like_an_encoded_word_is_shown_as_it_is() {
    let subject = "=?utf-8?q?Free?= =?utf-8?q?money?=";
    let mail = build(&Message { subject, ..step() }, &[]).unwrap();
    assert_eq!(MessageParser::new().parse(&mail).unwrap().subject(), Some(subject));
    let from = Mailbox { name: Some(subject.to_owned()), address: TO.clone() };
    let error = MailError::EncodedWord("sender's name");
    assert_eq!(build(&Message { from: &from, ..step() }, &[]), Err(error));
}

#[test]
fn a_subject_says_something() {
    assert_eq!(build(&Message { subject: " ", ..step() }, &[]), Err(MailError::Empty("subject")));
}

#[test]
fn content_cannot_end_its_part() {
    let boundary = format!("--=_{}", ID.as_str().split_once('@').unwrap().0);
    let text = format!("before\n{boundary}--\n{boundary}\nContent-Type: text/html\n\nafter\n");
    let mail = build(&Message { text: &text, ..step() }, &[]).unwrap();
    let parsed = MessageParser::new().parse(&mail).unwrap();
    assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n"), text);
    assert_eq!(parsed.parts.len(), 3);
}

#[test]
fn control_characters_in_content_are_left_out() {
    let mail = build(&Message { text: "a\0b\u{1}c\rd\r\ne\tf\u{c}\n", ..step() }, &[]).unwrap();
    assert_lines(&mail);
    let parsed = MessageParser::new().parse(&mail).unwrap();
    assert_eq!(parsed.body_text(0).unwrap(), "abc\r\nd\r\ne\tf\r\n");
}

/// Text with what mail treats in its own way: long lines, spaces at the end, dots, `=`, other scripts.
fn content() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "\\PC{0,40}",
        2 => "[a-z =.?_-]{0,100}",
        1 => Just("\n".to_owned()),
        1 => Just(" \t\n".to_owned()),
        1 => Just("From x\n.\n".to_owned()),
        1 => "[a-z]{100,1200}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// A line of text as a header can hold it.
fn line() -> impl Strategy<Value = String> {
    let word = prop_oneof!["\\PC{1,20}", "[a-z,;:\"\\\\()<>@=?_.]{1,12}", "[a-z]{60,200}"];
    let words = prop::collection::vec(word, 1..12).prop_map(|words| words.join(" ").trim().to_owned());
    words.prop_filter("says something", |text| !text.is_empty())
}

proptest! {
    #[test]
    fn all_that_goes_in_comes_out(html in content(), text in content(), subject in line(), name in line()) {
        let from = Mailbox { name: Some(name.replace('=', "-")), address: FROM.address.clone() };
        let message = Message { from: &from, html: &html, text: &text, subject: &subject, ..step() };
        let mail = build(&message, &[ed25519_key()]).unwrap();
        assert_lines(&mail);
        prop_assert!(mail.is_ascii());

        let parsed = MessageParser::new().parse(&mail).unwrap();
        prop_assert_eq!(parsed.parts.len(), 3);
        let lf = |part: std::borrow::Cow<'_, str>| part.replace("\r\n", "\n");
        prop_assert_eq!(lf(parsed.text_bodies().next().unwrap().text_contents().unwrap().into()), text.as_str());
        prop_assert_eq!(lf(parsed.html_bodies().next().unwrap().text_contents().unwrap().into()), html.as_str());
        prop_assert_eq!(parsed.subject().unwrap(), &subject);
        let sender = parsed.from().unwrap().first().unwrap();
        prop_assert_eq!(sender.name().unwrap_or_default(), from.name.as_deref().unwrap());
        prop_assert_eq!(sender.address(), Some("hello@example.org"));
        prop_assert_eq!(parsed.message_id(), Some(ID.as_str()));
        prop_assert_eq!(parsed.date().unwrap().to_timestamp(), message.date.timestamp());
        prop_assert!(parsed.parts[1].is_content_type("text", "plain") && parsed.parts[2].is_content_type("text", "html"));
    }
}
