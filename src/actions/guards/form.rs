//! The token in a form: when it was shown and for which series, signed. Nothing is stored for it.
//!
//! It may be used more than once: an article may be kept by browsers and proxies for a minute, so several readers share one
//! token, and how often anything may be sent is the limits' business. It keeps out what posts without ever having looked.
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use chrono::{DateTime, TimeDelta, Utc};

use crate::links::LinkKey;

/// What is wrong with a form's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFault {
    /// There is none, or none of ours for this series: a form on another site, or a program.
    Missing,
    /// Nobody fills in a form so fast.
    TooYoung,
    TooOld,
}

const USAGE: &[u8] = b"form";

/// A token for a form that is shown at `real`.
pub fn make(key: &LinkKey, series: &str, real: DateTime<Utc>) -> String {
    let millis = real.timestamp_millis();
    let mac = key.mac(USAGE, &message(millis, series));
    format!("{millis:x}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac))
}

/// When a token was made, if it is one of ours for this series.
pub fn issued(key: &LinkKey, token: &str, series: &str) -> Option<DateTime<Utc>> {
    let (millis, mac) = token.trim().split_once('.')?;
    let millis = i64::from_str_radix(millis, 16).ok()?;
    let mac = BASE64_URL_SAFE_NO_PAD.decode(mac).ok().filter(|mac| mac.len() == 16)?;
    let ours = key.made(USAGE, &message(millis, series), &mac);
    DateTime::from_timestamp_millis(millis).filter(|_| ours)
}

/// Whether a token is one of ours for this series and of the right age.
pub fn check(
    key: &LinkKey,
    token: &str,
    series: &str,
    real: DateTime<Utc>,
    youngest: TimeDelta,
    oldest: TimeDelta,
) -> Result<(), TokenFault> {
    let issued = issued(key, token, series).ok_or(TokenFault::Missing)?;
    match real - issued {
        age if age < youngest => Err(TokenFault::TooYoung),
        age if age > oldest => Err(TokenFault::TooOld),
        _ => Ok(()),
    }
}

fn message(millis: i64, series: &str) -> Vec<u8> {
    let mut message = millis.to_be_bytes().to_vec();
    message.extend_from_slice(series.as_bytes());
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(letter: char) -> LinkKey {
        LinkKey::parse(&letter.to_string().repeat(32)).unwrap()
    }

    #[test]
    fn a_token_is_good_for_its_series_between_two_ages() {
        let at: DateTime<Utc> = "2026-03-01T12:00:00.250Z".parse().unwrap();
        let token = make(&key('1'), "a-series", at);
        let checked = |token: &str, series: &str, later: TimeDelta| {
            check(&key('1'), token, series, at + later, TimeDelta::seconds(2), TimeDelta::days(1))
        };
        let second = TimeDelta::seconds(1);
        assert_eq!(checked(&token, "a-series", second * 2), Ok(()));
        assert_eq!(checked(&token, "a-series", TimeDelta::days(1)), Ok(()));
        assert_eq!(checked(&token, "a-series", second * 2 - TimeDelta::milliseconds(1)), Err(TokenFault::TooYoung));
        assert_eq!(checked(&token, "a-series", -second), Err(TokenFault::TooYoung), "from a node that is ahead");
        assert_eq!(checked(&token, "a-series", TimeDelta::days(1) + second), Err(TokenFault::TooOld));
        assert_eq!(checked(&token, "another", second * 2), Err(TokenFault::Missing));
        assert_eq!(checked("", "a-series", second * 2), Err(TokenFault::Missing));
    }

    #[test]
    fn no_altered_token_is_read() {
        let at: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
        let token = make(&key('1'), "a-series", at);
        assert_eq!(issued(&key('1'), &token, "a-series"), Some(at));
        assert_eq!(issued(&key('2'), &token, "a-series"), None);
        for place in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[place] = if altered[place] == b'1' { b'2' } else { b'1' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(issued(&key('1'), &altered, "a-series"), None, "letter {place}");
        }
    }
}
