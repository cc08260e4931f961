//! The envelope sender: where a bounce comes back to, and which delivery it is about.
//!
//! With a bounce domain it is `bounce-<bucket><delivery>-<MAC>@<bounce domain>`, in hexadecimal, since some servers fold
//! case. It names the delivery by its random id, so it says nothing of the reader, and nobody without the key can make one.
use std::fmt::Write as _;

use uuid::Uuid;

use super::on_the_wire;
use crate::links::LinkKey;
use crate::model::{Bucket, Mailbox};

const USAGE: &[u8] = b"envelope sender";
const PREFIX: &str = "bounce-";
const BODY_LEN: usize = 1 + 16;
/// 80 bits: a longer one would not fit beside the id in a local part of 64 octets (RFC 5321 4.5.3.1.1).
const MAC_LEN: usize = 10;
const LOCAL_LEN: usize = PREFIX.len() + 2 * BODY_LEN + 1 + 2 * MAC_LEN;
const _: () = assert!(LOCAL_LEN <= 64);

/// The MAIL FROM of a delivery. `bounce_domain` is an A-label domain; without one, bounces go to the From address.
pub fn envelope_sender(
    bounce_domain: Option<&str>,
    from: &Mailbox,
    key: &LinkKey,
    delivery: Uuid,
    bucket: Bucket,
) -> String {
    let Some(domain) = bounce_domain else { return on_the_wire(&from.address).into_owned() };
    let body = body(bucket, delivery);
    let mut sender = String::with_capacity(LOCAL_LEN + 1 + domain.len());
    sender.push_str(PREFIX);
    push_hex(&mut sender, &body);
    sender.push('-');
    push_hex(&mut sender, &mac(key, &body));
    sender.push('@');
    sender.push_str(domain);
    sender
}

/// The delivery that a bounce to `recipient` is about, if we made that address for this bounce domain with this key.
pub fn parse_envelope_sender(recipient: &str, bounce_domain: &str, key: &LinkKey) -> Option<(Bucket, Uuid)> {
    let (local, domain) = recipient.rsplit_once('@')?;
    if local.len() != LOCAL_LEN || !local.is_ascii() || !domain.eq_ignore_ascii_case(bounce_domain) {
        return None;
    }
    let (prefix, rest) = local.split_at(PREFIX.len());
    let (body, given) = rest.split_once('-')?;
    if !prefix.eq_ignore_ascii_case(PREFIX) {
        return None;
    }
    let body: [u8; BODY_LEN] = from_hex(body)?;
    let given: [u8; MAC_LEN] = from_hex(given)?;
    if !key.made(USAGE, &body, &given) {
        return None;
    }
    Some((Bucket::new(i16::from(body[0]))?, Uuid::from_slice(&body[1..]).ok()?))
}

fn body(bucket: Bucket, delivery: Uuid) -> [u8; BODY_LEN] {
    let mut body = [0; BODY_LEN];
    body[0] = u8::try_from(bucket.get()).unwrap_or(u8::MAX);
    body[1..].copy_from_slice(delivery.as_bytes());
    body
}

fn mac(key: &LinkKey, body: &[u8]) -> [u8; MAC_LEN] {
    let mut short = [0; MAC_LEN];
    short.copy_from_slice(&key.mac(USAGE, body)[..MAC_LEN]);
    short
}

fn push_hex(text: &mut String, octets: &[u8]) {
    for octet in octets {
        write!(text, "{octet:02x}").expect("a string takes all that is written to it");
    }
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut octets = [0; N];
    for (octet, pair) in octets.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *octet = digit(0)? << 4 | digit(1)?;
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> LinkKey {
        LinkKey::parse(&"1".repeat(32)).unwrap()
    }

    fn sample(domain: Option<&str>) -> String {
        let from = Mailbox::parse("Example Health <hello@bücher.example>").unwrap();
        envelope_sender(domain, &from, &key(), Uuid::from_u128(0x1234_5678), Bucket::new(63).unwrap())
    }

    #[test]
    fn a_bounce_names_its_delivery() {
        let sender = sample(Some("bounces.example.org"));
        let (local, domain) = sender.split_once('@').unwrap();
        assert!(sender.is_ascii() && local.len() <= 64 && domain == "bounces.example.org", "{sender}");
        let read = Some((Bucket::new(63).unwrap(), Uuid::from_u128(0x1234_5678)));
        assert_eq!(parse_envelope_sender(&sender, "bounces.example.org", &key()), read);
        let upper = sender.to_ascii_uppercase();
        assert_eq!(parse_envelope_sender(&upper, "bounces.example.org", &key()), read, "a server may fold case");
    }

    #[test]
    fn no_altered_sender_is_read() {
        let sender = sample(Some("bounces.example.org"));
        for at in 0..LOCAL_LEN {
            let mut altered = sender.clone().into_bytes();
            altered[at] = if altered[at] == b'0' { b'1' } else { b'0' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(parse_envelope_sender(&altered, "bounces.example.org", &key()), None, "{altered}");
        }
        let other_key = LinkKey::parse(&"2".repeat(32)).unwrap();
        assert_eq!(parse_envelope_sender(&sender, "bounces.example.org", &other_key), None);
        assert_eq!(parse_envelope_sender(&sender, "example.org", &key()), None);
        for bad in ["", "@", "bounce-@bounces.example.org", "é@bounces.example.org", &sender[..30]] {
            assert_eq!(parse_envelope_sender(bad, "bounces.example.org", &key()), None, "{bad}");
        }
    }

    #[test]
    fn without_a_bounce_domain_bounces_go_to_the_from_address() {
        assert_eq!(sample(None), "hello@xn--bcher-kva.example");
    }
}
