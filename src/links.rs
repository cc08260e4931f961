//! The links in mails: signed, unguessable, and free of address and condition.
//!
//! A token is purpose · bucket · enrollment · request · time of issue, and the first 16 octets of an HMAC-SHA-256 over
//! them, in URL-safe base64. It names an enrollment by its random id; nothing is stored for it.
use std::fmt;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::model::Bucket;

const BODY_LEN: usize = 1 + 1 + 16 + 4 + 8;
const MAC_LEN: usize = 16;

/// What a link may do. A link for one thing does not do another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Confirm,
    Unsubscribe,
    /// Show and steer: what a forwarded mail may do.
    Manage,
    /// "This was not me, never again."
    Never,
    /// What a forwarded mail must not do: export, erase, another condition or address. For a quarter of an hour.
    Fresh,
}

impl Purpose {
    const ALL: [(Purpose, u8); 5] =
        [(Self::Confirm, 1), (Self::Unsubscribe, 2), (Self::Manage, 3), (Self::Never, 4), (Self::Fresh, 5)];

    fn octet(self) -> u8 {
        Self::ALL.iter().find(|(purpose, _)| *purpose == self).map_or(0, |(_, octet)| *octet)
    }
}

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    pub purpose: Purpose,
    pub bucket: Bucket,
    pub enrollment: Uuid,
    /// The number of the confirmation request; 0 elsewhere.
    pub request: u32,
    /// Real time, to the second.
    pub issued: DateTime<Utc>,
}

/// Why a token is none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error("it is incomplete; open the link from the mail again, or copy all of it")]
    Malformed,
    #[error("it was altered, or made with another key")]
    BadSignature,
    #[error("it is meant for something else")]
    WrongPurpose,
}

/// Signs and reads tokens. `Debug` does not show it.
///
/// The first secret signs, all of them read: links in mails live for years, so an old secret is kept behind the new one.
#[derive(Clone)]
pub struct LinkKey(Vec<Vec<u8>>);

impl LinkKey {
    /// One secret or several, comma-separated, each of at least 32 octets.
    pub fn parse(text: &str) -> Option<Self> {
        let secrets: Vec<Vec<u8>> = text.split(',').map(|one| one.trim().as_bytes().to_vec()).collect();
        secrets.iter().all(|secret| secret.len() >= 32).then_some(Self(secrets))
    }

    pub fn sign(&self, link: &Link) -> String {
        let mut octets = Vec::with_capacity(BODY_LEN + MAC_LEN);
        octets.push(link.purpose.octet());
        octets.push(u8::try_from(link.bucket.get()).unwrap_or(u8::MAX));
        octets.extend_from_slice(link.enrollment.as_bytes());
        octets.extend_from_slice(&link.request.to_be_bytes());
        octets.extend_from_slice(&link.issued.timestamp().to_be_bytes());
        let mac = self.mac(b"link", &octets);
        octets.extend_from_slice(&mac);
        BASE64_URL_SAFE_NO_PAD.encode(octets)
    }

    pub fn read(&self, token: &str, purpose: Purpose) -> Result<Link, LinkError> {
        let octets = BASE64_URL_SAFE_NO_PAD.decode(token.trim()).map_err(|_| LinkError::Malformed)?;
        let Some((body, mac)) = octets.split_at_checked(BODY_LEN) else { return Err(LinkError::Malformed) };
        if mac.len() != MAC_LEN {
            return Err(LinkError::Malformed);
        }
        if !self.made(b"link", body, mac) {
            return Err(LinkError::BadSignature);
        }
        let link = parse_body(body).ok_or(LinkError::Malformed)?;
        if link.purpose == purpose { Ok(link) } else { Err(LinkError::WrongPurpose) }
    }

    /// A MAC for another use: uses are kept apart by their name.
    pub fn mac(&self, usage: &[u8], message: &[u8]) -> [u8; MAC_LEN] {
        mac_with(&self.0[0], usage, message)
    }

    /// Whether one of our secrets made `given`, or what `given` is the beginning of. Takes the same time either way.
    pub fn made(&self, usage: &[u8], message: &[u8], given: &[u8]) -> bool {
        let same = |secret: &Vec<u8>| {
            let mac = mac_with(secret, usage, message);
            bool::from(mac[..given.len().min(MAC_LEN)].ct_eq(given))
        };
        !given.is_empty() && self.0.iter().fold(false, |made, secret| same(secret) | made)
    }
}

fn mac_with(secret: &[u8], usage: &[u8], message: &[u8]) -> [u8; MAC_LEN] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(&[u8::try_from(usage.len()).unwrap_or(u8::MAX)]);
    mac.update(usage);
    mac.update(message);
    mac.finalize().into_bytes()[..MAC_LEN].try_into().expect("SHA-256 is longer than this")
}

fn parse_body(body: &[u8]) -> Option<Link> {
    let purpose = Purpose::ALL.iter().find(|(_, octet)| *octet == body[0])?.0;
    Some(Link {
        purpose,
        bucket: Bucket::new(i16::from(body[1]))?,
        enrollment: Uuid::from_slice(&body[2..18]).ok()?,
        request: u32::from_be_bytes(body[18..22].try_into().ok()?),
        issued: DateTime::from_timestamp(i64::from_be_bytes(body[22..30].try_into().ok()?), 0)?,
    })
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("LinkKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        Link {
            purpose: Purpose::Confirm,
            bucket: Bucket::new(63).unwrap(),
            enrollment: Uuid::from_u128(0x1234_5678),
            request: 3,
            issued: "2026-03-01T12:00:00Z".parse().unwrap(),
        }
    }

    fn key_of(letter: char) -> LinkKey {
        LinkKey::parse(&letter.to_string().repeat(32)).unwrap()
    }

    #[test]
    fn links_of_an_old_secret_still_work_behind_a_new_one() {
        let token = key_of('1').sign(&link());
        let both = LinkKey::parse(&format!("{}, {}", "2".repeat(32), "1".repeat(32))).unwrap();
        assert_eq!(both.read(&token, Purpose::Confirm), Ok(link()));
        assert_eq!(key_of('2').read(&both.sign(&link()), Purpose::Confirm), Ok(link()), "the first one signs");
    }

    #[test]
    fn a_token_reads_back_for_its_own_purpose_only() {
        let key = key_of('1');
        let token = key.sign(&link());
        assert_eq!(key.read(&token, Purpose::Confirm), Ok(link()));
        assert_eq!(key.read(&token, Purpose::Never), Err(LinkError::WrongPurpose));
        assert_eq!(key_of('2').read(&token, Purpose::Confirm), Err(LinkError::BadSignature));
    }

    #[test]
    fn no_altered_token_is_read() {
        let key = key_of('1');
        let token = key.sign(&link());
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let read = key.read(std::str::from_utf8(&altered).unwrap(), Purpose::Confirm);
            assert!(read.is_err(), "letter {at}");
        }
        assert_eq!(key.read("", Purpose::Confirm), Err(LinkError::Malformed));
        assert_eq!(key.read(&token[..20], Purpose::Confirm), Err(LinkError::Malformed));
    }

    #[test]
    fn a_short_secret_is_no_key() {
        assert!(LinkKey::parse(&"1".repeat(31)).is_none());
        assert!(LinkKey::parse(&format!("{},short", "1".repeat(32))).is_none());
    }
}
