//! The condition, the secret of an admin's second factor, those of webhooks and files of readers, sealed at rest: XChaCha20-Poly1305,
//! a random nonce, and what it belongs to as associated data. A condition has a plaintext of fixed width. Ten values are guessed by frequency, so nothing deterministic stands beside it.
use std::fmt;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use uuid::Uuid;

use crate::model::ConditionKey;

/// key id (1) · nonce (24) · ciphertext of 49 octets and its tag (16).
const SEALED_LEN: usize = 1 + NONCE_LEN + PLAIN_LEN + 16;
const NONCE_LEN: usize = 24;
/// What a sealed search belongs to, so that it is never taken for anything else.
const SEARCH: &[u8] = b"search";
/// A length octet, then the key padded with zeros.
const PLAIN_LEN: usize = 1 + ConditionKey::MAX_LEN;
/// What RFC 4226 4 asks of a shared secret: 160 bits.
pub const SECRET_LEN: usize = 20;
/// Standard Webhooks asks for 24 to 64 octets.
pub const WEBHOOK_SECRET_LEN: usize = 32;

/// Why a condition cannot be opened, or the keys not be read. Names no secret and no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("something stored was sealed with key {0}, which is not among the seal keys: add it to the key ring")]
    UnknownKey(u8),
    #[error("something stored does not open: it was altered, or its key was replaced by another of the same number")]
    Altered,
    #[error("seal keys must be written as `number:base64 of 32 octets`, comma-separated, the one to seal with first")]
    BadKeys,
}

/// The keys, the first of which seals. `Debug` does not show them.
#[derive(Clone)]
pub struct Keyring(Vec<(u8, [u8; 32])>);

impl Keyring {
    /// `1:base64…,0:base64…`: number and key, the one to seal with first. To rotate, put a new one in front and keep the
    /// old ones as long as rows sealed with them exist.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let keys = text
            .split([',', '\n'])
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(|entry| {
                let (number, key) = entry.split_once(':')?;
                let key = BASE64_STANDARD.decode(key.trim()).ok()?.try_into().ok()?;
                Some((number.trim().parse().ok()?, key))
            })
            .collect::<Option<Vec<(u8, [u8; 32])>>>()
            .ok_or(SealError::BadKeys)?;
        let numbers: std::collections::HashSet<u8> = keys.iter().map(|(number, _)| *number).collect();
        if keys.is_empty() || numbers.len() != keys.len() {
            return Err(SealError::BadKeys);
        }
        Ok(Self(keys))
    }

    /// The text of a new ring of one key.
    pub fn generate(number: u8, random: [u8; 32]) -> String {
        format!("{number}:{}", BASE64_STANDARD.encode(random))
    }

    /// The lowest number that no key has, for the next one.
    pub fn free_number(&self) -> u8 {
        (1..=u8::MAX).find(|number| self.0.iter().all(|(taken, _)| taken != number)).unwrap_or(0)
    }

    /// `nonce` must be random and never used again.
    pub fn seal(&self, condition: &ConditionKey, subscriber: Uuid, nonce: [u8; NONCE_LEN]) -> Vec<u8> {
        let text = condition.as_str().as_bytes();
        let mut plain = [0; PLAIN_LEN];
        plain[0] = u8::try_from(text.len()).expect("a condition key is at most 48 octets");
        plain[1..=text.len()].copy_from_slice(text);
        self.seal_octets(&plain, subscriber.as_bytes(), nonce)
    }

    pub fn open(&self, sealed: &[u8], subscriber: Uuid) -> Result<ConditionKey, SealError> {
        if sealed.len() != SEALED_LEN {
            return Err(SealError::Altered);
        }
        let plain = self.open_octets(sealed, subscriber.as_bytes())?;
        let text = plain.get(1..=usize::from(plain[0])).ok_or(SealError::Altered)?;
        let text = std::str::from_utf8(text).map_err(|_| SealError::Altered)?;
        ConditionKey::parse(text).map_err(|_| SealError::Altered)
    }

    /// A condition that an admin chooses readers by, for nobody in particular. `nonce` as above.
    pub fn seal_choice(&self, condition: &ConditionKey, nonce: [u8; NONCE_LEN]) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.seal(condition, Uuid::nil(), nonce))
    }

    pub fn open_choice(&self, sealed: &str) -> Result<ConditionKey, SealError> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(sealed).map_err(|_| SealError::Altered)?;
        self.open(&sealed, Uuid::nil())
    }

    /// The secret of an admin's second factor. `nonce` must be random and never used again.
    pub fn seal_second_factor(&self, secret: &[u8; SECRET_LEN], admin: Uuid, nonce: [u8; NONCE_LEN]) -> Vec<u8> {
        self.seal_octets(secret, &for_second_factor(admin), nonce)
    }

    pub fn open_second_factor(&self, sealed: &[u8], admin: Uuid) -> Result<[u8; SECRET_LEN], SealError> {
        self.open_octets(sealed, &for_second_factor(admin))?.try_into().map_err(|_| SealError::Altered)
    }

    /// The secret that an endpoint's messages are signed with. `nonce` as above.
    pub fn seal_webhook_secret(
        &self,
        secret: &[u8; WEBHOOK_SECRET_LEN],
        webhook: Uuid,
        nonce: [u8; NONCE_LEN],
    ) -> Vec<u8> {
        self.seal_octets(secret, &for_webhook(webhook), nonce)
    }

    pub fn open_webhook_secret(&self, sealed: &[u8], webhook: Uuid) -> Result<[u8; WEBHOOK_SECRET_LEN], SealError> {
        self.open_octets(sealed, &for_webhook(webhook))?.try_into().map_err(|_| SealError::Altered)
    }

    /// A piece of a file of readers: the piece of this number of this file. `nonce` as above.
    pub fn seal_piece(&self, piece: &[u8], of: (i64, i32), nonce: [u8; NONCE_LEN]) -> Vec<u8> {
        self.seal_octets(piece, &for_piece(of), nonce)
    }

    pub fn open_piece(&self, sealed: &[u8], of: (i64, i32)) -> Result<Vec<u8>, SealError> {
        self.open_octets(sealed, &for_piece(of))
    }

    /// For a part of an address that an admin looks for, so that it can stand in the URL of what was found: neither history
    /// nor log then tells it. `nonce` as above.
    pub fn seal_search(&self, text: &str, nonce: [u8; NONCE_LEN]) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.seal_octets(text.as_bytes(), SEARCH, nonce))
    }

    pub fn open_search(&self, token: &str) -> Result<String, SealError> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| SealError::Altered)?;
        String::from_utf8(self.open_octets(&sealed, SEARCH)?).map_err(|_| SealError::Altered)
    }

    fn seal_octets(&self, plain: &[u8], belongs_to: &[u8], nonce: [u8; NONCE_LEN]) -> Vec<u8> {
        let (number, key) = &self.0[0];
        let sealed = XChaCha20Poly1305::new(key.into())
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: belongs_to })
            .expect("what is far shorter than 256 GiB always seals");
        [&[*number], nonce.as_slice(), &sealed].concat()
    }

    fn open_octets(&self, sealed: &[u8], belongs_to: &[u8]) -> Result<Vec<u8>, SealError> {
        let &[number, ref rest @ ..] = sealed else { return Err(SealError::Altered) };
        let (_, key) = self.0.iter().find(|(known, _)| *known == number).ok_or(SealError::UnknownKey(number))?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or(SealError::Altered)?;
        let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_| SealError::Altered)?;
        XChaCha20Poly1305::new(key.into())
            .decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: belongs_to })
            .map_err(|_| SealError::Altered)
    }
}

/// Sets it apart from what is sealed for subscribers.
fn for_second_factor(admin: Uuid) -> Vec<u8> {
    [b"second factor".as_slice(), admin.as_bytes()].concat()
}

fn for_piece((file, number): (i64, i32)) -> Vec<u8> {
    [b"piece".as_slice(), &file.to_be_bytes(), &number.to_be_bytes()].concat()
}

fn for_webhook(webhook: Uuid) -> Vec<u8> {
    [b"webhook".as_slice(), webhook.as_bytes()].concat()
}

impl fmt::Debug for Keyring {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Keyring(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READER: Uuid = Uuid::from_u128(7);

    fn condition(key: &str) -> ConditionKey {
        ConditionKey::parse(key).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_for_its_own_subscriber_only() {
        let ring = Keyring::parse(&Keyring::generate(1, [1; 32])).unwrap();
        let sealed = ring.seal(&condition("melanoma"), READER, [9; 24]);
        assert!(ring.open(&sealed, READER) == Ok(condition("melanoma")));
        assert_eq!(ring.open(&sealed, Uuid::from_u128(8)).unwrap_err(), SealError::Altered);
        for at in 1..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(ring.open(&altered, READER).unwrap_err(), SealError::Altered, "octet {at}");
        }
        assert_eq!(ring.open(&[], READER).unwrap_err(), SealError::Altered);
    }

    #[test]
    fn a_search_opens_again_and_nothing_else_does() {
        let ring = Keyring::parse(&Keyring::generate(1, [1; 32])).unwrap();
        let token = ring.seal_search("@example.org", [7; 24]);
        assert!(!token.contains("example"));
        assert_eq!(ring.open_search(&token).unwrap(), "@example.org");
        let condition = BASE64_URL_SAFE_NO_PAD.encode(ring.seal(&condition("lung"), READER, [8; 24]));
        for bad in ["", "A", "AQ", "no base64!", &condition, &token[1..]] {
            assert!(ring.open_search(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_piece_opens_in_its_place_alone() {
        let ring = Keyring::parse(&Keyring::generate(1, [1; 32])).unwrap();
        let sealed = ring.seal_piece(b"a@example.org,lung", (3, 1), [7; 24]);
        assert_eq!(ring.open_piece(&sealed, (3, 1)).unwrap(), b"a@example.org,lung");
        for other in [(3, 0), (3, 2), (4, 1)] {
            assert_eq!(ring.open_piece(&sealed, other).unwrap_err(), SealError::Altered);
        }
    }

    #[test]
    fn its_length_and_octets_say_nothing() {
        let ring = Keyring::parse(&Keyring::generate(1, [1; 32])).unwrap();
        let lung = ring.seal(&condition("lung"), READER, [1; 24]);
        let other = ring.seal(&condition("head-and-neck"), READER, [2; 24]);
        let again = ring.seal(&condition("lung"), READER, [3; 24]);
        assert_eq!(lung.len(), other.len());
        assert_ne!(lung[25..], again[25..]);
    }

    #[test]
    fn an_old_key_still_opens_after_rotation() {
        let old = Keyring::parse(&Keyring::generate(1, [1; 32])).unwrap();
        let sealed = old.seal(&condition("kidney"), READER, [5; 24]);
        let second = BASE64_STANDARD.encode([2; 32]);
        let both = Keyring::parse(&format!("2:{second}, {}", Keyring::generate(1, [1; 32]))).unwrap();
        assert!(both.open(&sealed, READER) == Ok(condition("kidney")));
        assert_eq!(both.seal(&condition("kidney"), READER, [6; 24])[0], 2);
        let only_new = Keyring::parse(&format!("2:{second}")).unwrap();
        assert_eq!(only_new.open(&sealed, READER).unwrap_err(), SealError::UnknownKey(1));
    }

    #[test]
    fn a_bad_key_ring_is_refused_without_repeating_it() {
        for bad in ["", "secret", "1:secret", "300:AAAA", "1:AAAA,1:AAAA"] {
            let error = Keyring::parse(bad).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
