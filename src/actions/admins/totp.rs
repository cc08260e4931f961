//! Codes of an authenticator app: TOTP (RFC 6238) with HMAC-SHA-1, six digits and steps of 30 seconds, which is what all
//! such apps can do. It is a few lines on top of an HMAC that is here anyway, so no library is needed for it.
use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use subtle::ConstantTimeEq as _;

use crate::seal::SECRET_LEN;

const STEP_SECONDS: i64 = 30;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The time step that a code belongs to: the present one, or one of its neighbours, since clocks differ and people type
/// slowly.
pub fn step_of(secret: &[u8; SECRET_LEN], given: &str, real: DateTime<Utc>) -> Option<i64> {
    let given: String = given.chars().filter(|one| !one.is_whitespace()).collect();
    let now = real.timestamp().div_euclid(STEP_SECONDS);
    [now, now - 1, now + 1].into_iter().find(|step| bool::from(code(secret, *step).as_bytes().ct_eq(given.as_bytes())))
}

/// RFC 4226 5.3: an HMAC of the step, and six digits out of it.
pub fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let octets = tag.as_ref();
    let at = usize::from(octets[octets.len() - 1] & 0x0f);
    let word = u32::from_be_bytes([octets[at] & 0x7f, octets[at + 1], octets[at + 2], octets[at + 3]]);
    format!("{:06}", word % 1_000_000)
}

/// What an app reads from the picture.
pub fn url(secret: &[u8; SECRET_LEN], site: &str, address: &str) -> String {
    let [site, address] = [site, address].map(|part| utf8_percent_encode(part, NON_ALPHANUMERIC).to_string());
    format!("otpauth://totp/{site}:{address}?secret={}&issuer={site}", base32(secret))
}

/// RFC 4648 6, without padding, since the length is a multiple of five.
pub fn base32(octets: &[u8; SECRET_LEN]) -> String {
    let mut text = String::with_capacity(SECRET_LEN * 8 / 5);
    for five in octets.chunks(5) {
        let word = five.iter().fold(0u64, |word, octet| word << 8 | u64::from(*octet));
        text.extend((0..8).rev().map(|place| char::from(BASE32[(word >> (5 * place) & 31) as usize])));
    }
    text
}

/// The secret that an app was given.
pub fn from_base32(text: &str) -> Option<[u8; SECRET_LEN]> {
    let digits: Vec<u64> = text
        .bytes()
        .map(|letter| BASE32.iter().position(|one| *one == letter).map(|place| place as u64))
        .collect::<Option<_>>()?;
    let words = digits.chunks(8).map(|eight| eight.iter().fold(0u64, |word, digit| word << 5 | digit));
    words.flat_map(|word| word.to_be_bytes()[3..].to_vec()).collect::<Vec<u8>>().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8; SECRET_LEN] = b"12345678901234567890";

    #[test]
    fn the_codes_are_those_of_the_rfcs() {
        // RFC 4226, appendix D.
        for (step, expected) in (0..).zip(["755224", "287082", "359152", "969429", "338314", "254676"]) {
            assert_eq!(code(SECRET, step), expected);
        }
        // RFC 6238, appendix B, of which these are the last six digits.
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(SECRET, seconds / STEP_SECONDS), expected, "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_a_step_early_and_a_step_late() {
        let at = |seconds: i64| DateTime::from_timestamp(seconds, 0).unwrap();
        for (seconds, step) in [(29, None), (30, Some(2)), (60, Some(2)), (89, Some(2)), (119, Some(2)), (120, None)] {
            assert_eq!(step_of(SECRET, " 359 152 ", at(seconds)), step, "{seconds}");
        }
        assert_eq!(step_of(SECRET, "", at(60)), None);
    }

    #[test]
    fn a_secret_is_written_as_apps_read_it() {
        assert_eq!(base32(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(from_base32(&base32(SECRET)).as_ref(), Some(SECRET));
        assert_eq!(from_base32("GEZDGNBV"), None);
        let url = url(SECRET, "series.example.org", "ada@example.org");
        assert!(url.starts_with("otpauth://totp/series%2Eexample%2Eorg:ada%40example%2Eorg?secret=GEZDG"), "{url}");
    }
}
