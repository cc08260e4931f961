//! Whole mails as they leave, read back by a parser, and signatures checked.
use mail_parser::{MessageParser, MimeHeaders as _};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::links::LinkKey;
use crate::model::{Bucket, EmailAddress, Mailbox};

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap()
}

fn with_message<T>(change: impl FnOnce(&mut Message<'_>), then: impl FnOnce(&Message<'_>) -> T) -> T {
    let from = mailbox("Fighting Cancer With Immunotherapy <series@example.com>");
    let reply_to = mailbox("editors@example.com");
    let to = EmailAddress::parse("reader@example.org").unwrap();
    let mut message = Message {
        id: MessageId::of(Uuid::from_u128(7), &from),
        date: "2026-03-05T14:00:00Z".parse().unwrap(),
        from: &from,
        reply_to: Some(&reply_to),
        to: &to,
        subject: "Antibodies: what they are, and “how” they help",
        html: "<!doctype html>\n<html lang=\"en\"><body><p>Zoë’s T cells = strong.</p></body></html>\n",
        text: "Zoë’s T cells = strong.\n.\nA line that is longer than the seventy-six octets that quoted-printable allows in a line of its own.\n",
        list: Some(ListHeaders {
            list_id: "fighting-cancer-with-immunotherapy",
            unsubscribe_url: "https://series.example.org/unsubscribe/AbC_d-9",
            mailto: None,
        }),
        auto_submitted: false,
        feedback_id: "fighting-cancer-with-immunotherapy:step",
        test: false,
    };
    change(&mut message);
    then(&message)
}

fn built(change: impl FnOnce(&mut Message<'_>)) -> String {
    with_message(change, |message| String::from_utf8(build(message, &[]).unwrap()).unwrap())
}

#[test]
fn a_whole_mail() {
    insta::assert_snapshot!(built(|_| {}).replace("\r\n", "\n"));
}

#[test]
fn a_whole_confirmation() {
    let mail = built(|message| {
        message.list = None;
        message.auto_submitted = true;
        message.subject = "Please confirm your address";
    });
    insta::assert_snapshot!(mail.replace("\r\n", "\n"));
}

#[test]
fn lines_are_short_and_end_with_crlf() {
    let mail = built(|_| {});
    assert!(!mail.replace("\r\n", "").contains(['\r', '\n']));
    assert!(mail.split("\r\n").all(|line| line.len() <= 998 && !line.ends_with(' ')));
    let body = mail.split_once("\r\n\r\n").unwrap().1;
    assert!(body.split("\r\n").all(|line| line.len() <= 76), "{body}");
}

#[test]
fn a_mailto_is_added_only_when_there_is_one() {
    let mail = built(|message| message.list.as_mut().unwrap().mailto = Some("leave@example.com"));
    let parsed = MessageParser::default().parse(mail.as_bytes()).unwrap();
    let header = parsed.header_raw("List-Unsubscribe").unwrap().replace("\r\n", "");
    assert_eq!(
        header.split_whitespace().collect::<Vec<_>>().join(" "),
        "<https://series.example.org/unsubscribe/AbC_d-9>, <mailto:leave@example.com?subject=unsubscribe>"
    );
}

#[test]
fn a_test_is_marked() {
    let mail = built(|message| message.test = true);
    assert!(mail.contains("X-Regimen-Test: yes\r\n") && mail.contains("[Test]"));
}

#[test]
fn nothing_adds_a_header() {
    for evil in ["a\r\nBcc: x@example.com", "a\nb", "a\0b", "a\rb"] {
        with_message(|message| message.subject = evil, |message| assert!(build(message, &[]).is_err()));
        with_message(|message| message.feedback_id = evil, |message| assert!(build(message, &[]).is_err()));
        with_message(
            |message| message.list.as_mut().unwrap().unsubscribe_url = evil,
            |message| assert!(build(message, &[]).is_err()),
        );
    }
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(text in "([^\\p{Cc}]|[\n\t]){0,400}", subject in "[^\\p{C}\\p{Z}]{1,60}( [^\\p{C}\\p{Z}]{1,60}){0,2}") {
        let text = format!("{text}\n");
        let mail = with_message(
            |_| {},
            |message| build(&Message { text: &text, html: &text, subject: &subject, ..message.clone() }, &[]).unwrap(),
        );
        let parsed = MessageParser::default().parse(&mail).unwrap();
        prop_assert_eq!(parsed.subject().unwrap(), &subject);
        prop_assert_eq!(parsed.text_bodies().next().unwrap().text_contents().unwrap().replace("\r\n", "\n"), text.clone());
        prop_assert_eq!(parsed.html_bodies().next().unwrap().text_contents().unwrap().replace("\r\n", "\n"), text);
        prop_assert_eq!(parsed.content_type().unwrap().subtype(), Some("alternative"));
    }
}

const ED25519: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";

#[test]
fn a_signature_stands_first_and_covers_what_one_click_needs() {
    let key = DkimKey::from_pem("example.com", "regimen", ED25519.as_bytes(), "the test's key").unwrap();
    let mail = with_message(|_| {}, |message| build(message, &[key]).unwrap());
    let mail = String::from_utf8(mail).unwrap();
    assert!(mail.starts_with("DKIM-Signature: "));
    let signature: String = mail.split("\r\nMessage-ID:").next().unwrap().split_whitespace().collect();
    for name in ["From", "List-Unsubscribe:", "List-Unsubscribe-Post", "a=ed25519-sha256", "d=example.com", "s=regimen"]
    {
        assert!(signature.contains(name), "{name} is missing in {signature}");
    }
}

#[test]
fn a_key_that_cannot_sign_is_refused_in_words() {
    let read = |pem: &str| DkimKey::from_pem("example.com", "s", pem.as_bytes(), "dkim.pem").unwrap_err().to_string();
    assert!(read("hello").contains("dkim.pem is no private key"));
    let error = DkimKey::from_file("example.com", "s", std::path::Path::new("/no/such/file")).unwrap_err();
    assert!(error.to_string().contains("/no/such/file"));
}

#[test]
fn an_envelope_sender_names_its_delivery_and_cannot_be_made_up() {
    let (key, other) = (LinkKey::new(&[1; 32]).unwrap(), LinkKey::new(&[2; 32]).unwrap());
    let (from, delivery, bucket) = (mailbox("series@example.com"), Uuid::from_u128(9), Bucket::new(63).unwrap());
    assert_eq!(envelope_sender(None, &from, &key, delivery, bucket), "series@example.com");
    let sender = envelope_sender(Some("bounce.example.com"), &from, &key, delivery, bucket);
    assert!(sender.is_ascii() && sender.split('@').next().unwrap().len() <= 64, "{sender}");
    assert_eq!(parse_envelope_sender(&sender.to_uppercase(), &key), Some((bucket, delivery)));
    assert_eq!(parse_envelope_sender(&sender, &other), None);
    assert_eq!(parse_envelope_sender(&sender.replacen("b3f", "b3e", 1), &key), None);
    assert_eq!(parse_envelope_sender("b@example.com", &key), None);
}
