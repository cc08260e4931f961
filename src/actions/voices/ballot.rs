//! A ballot: a random number, the day it was made, and our signature. It counts once, and knows nobody.
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use chrono::{Datelike as _, NaiveDate};
use sha2::{Digest as _, Sha256};

use crate::actions::Service;
use crate::links::LinkKey;

const RANDOM_LEN: usize = 16;
const BODY_LEN: usize = 4 + RANDOM_LEN;
const MAC_LEN: usize = 16;

/// A ballot that is one of ours and still good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ballot {
    /// What is kept of it when it has been used.
    pub(super) hash: [u8; 32],
    day: NaiveDate,
}

impl Ballot {
    /// A new one for this use, which names what is voted on: it counts for nothing else.
    pub(super) fn issue(service: &Service, usage: &str) -> String {
        let clock = service.clock();
        write(service.link_key(), usage, clock.real().date_naive(), clock.random_bytes())
    }

    /// None if it is not one of ours, for something else, or was made before yesterday.
    pub(super) fn read(service: &Service, usage: &str, text: &str) -> Option<Self> {
        let ballot = parse(service.link_key(), usage, text)?;
        let age = (service.clock().real().date_naive() - ballot.day).num_days();
        (0..=1).contains(&age).then_some(ballot)
    }
}

/// Its day is all the time that it tells.
fn write(key: &LinkKey, usage: &str, day: NaiveDate, random: [u8; RANDOM_LEN]) -> String {
    let mut octets = Vec::with_capacity(BODY_LEN + MAC_LEN);
    octets.extend_from_slice(&day.num_days_from_ce().to_be_bytes());
    octets.extend_from_slice(&random);
    let mac = key.mac(b"ballot", &signed(usage, &octets));
    octets.extend_from_slice(&mac);
    BASE64_URL_SAFE_NO_PAD.encode(octets)
}

fn parse(key: &LinkKey, usage: &str, text: &str) -> Option<Ballot> {
    let octets = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let (body, mac) = octets.split_at_checked(BODY_LEN)?;
    if mac.len() != MAC_LEN || !key.made(b"ballot", &signed(usage, body), mac) {
        return None;
    }
    let day = i32::from_be_bytes(body[..4].try_into().ok()?);
    Some(Ballot { hash: Sha256::digest(body).into(), day: NaiveDate::from_num_days_from_ce_opt(day)? })
}

/// The body has one length, so that no use can be mistaken for another.
fn signed(usage: &str, body: &[u8]) -> Vec<u8> {
    [body, usage.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(letter: &str) -> LinkKey {
        LinkKey::parse(&letter.repeat(32)).unwrap()
    }

    #[test]
    fn a_ballot_is_good_for_its_own_use_and_key_only() {
        let day = "2026-03-02".parse().unwrap();
        let text = write(&key("1"), "part/one", day, [7; 16]);
        let read = parse(&key("1"), "part/one", &text).unwrap();
        assert_eq!(read.day, day);
        assert_eq!(parse(&key("1"), "part/two", &text), None);
        assert_eq!(parse(&key("2"), "part/one", &text), None);
        assert_ne!(parse(&key("1"), "part/one", &write(&key("1"), "part/one", day, [8; 16])).unwrap().hash, read.hash);
    }

    #[test]
    fn no_altered_ballot_is_read() {
        let text = write(&key("1"), "part/one", "2026-03-02".parse().unwrap(), [7; 16]);
        for at in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(parse(&key("1"), "part/one", std::str::from_utf8(&altered).unwrap()), None, "letter {at}");
        }
        for broken in ["", "!", &text[..20], &format!("{text}AAAA")] {
            assert_eq!(parse(&key("1"), "part/one", broken), None, "{broken}");
        }
    }
}
