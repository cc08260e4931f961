//! The proof of work: a number that a browser has to search for, in the format of ALTCHA (`altcha.org`, version 1), so that
//! its widgets and libraries fit too. Ours to make and to check are a few lines, so there is no library for it.
//!
//! The challenge says until when it is good, and its signature covers that as well as the hash; each is good for one
//! sign-up ([`crate::store::guards::spend_proof`]).
use base64::prelude::{BASE64_STANDARD, Engine as _};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::links::LinkKey;

const ALGORITHM: &str = "SHA-256";
const USAGE: &[u8] = b"proof";

/// What a browser is asked: which number up to `maxnumber`, written behind the salt, has this hash?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    pub algorithm: String,
    /// Hexadecimal.
    pub challenge: String,
    pub maxnumber: u32,
    /// Random, with `expires` in seconds since 1970. It ends with a delimiter, so that no digit of the number can be taken
    /// for one of the time.
    pub salt: String,
    /// Hexadecimal.
    pub signature: String,
}

/// What it answers, as base64 of JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Solution {
    pub algorithm: String,
    pub challenge: String,
    pub number: u64,
    pub salt: String,
    pub signature: String,
}

/// What is wrong with a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofFault {
    Wrong,
    Expired,
    Used,
}

/// A proof that is right. It may have been used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Solved {
    pub hash: [u8; 32],
    pub expires_at: DateTime<Utc>,
}

/// A new challenge. `random` chooses its salt and, evenly, the number to find.
pub fn challenge(key: &LinkKey, effort: u32, real: DateTime<Utc>, lasts: TimeDelta, random: [u8; 20]) -> Challenge {
    let (salt, number) = random.split_at(12);
    let number = u64::from_be_bytes(number.try_into().unwrap_or_default()) % (u64::from(effort) + 1);
    let salt = format!("{}?expires={}&", hex(salt), (real + lasts).timestamp());
    let hash = hash(&salt, number);
    Challenge {
        algorithm: ALGORITHM.to_owned(),
        challenge: hex(&hash),
        maxnumber: effort,
        signature: hex(&key.mac(USAGE, &message(&salt, &hash))),
        salt,
    }
}

/// Whether a payload solves a challenge of ours that is still good.
pub fn check(key: &LinkKey, payload: &str, real: DateTime<Utc>) -> Result<Solved, ProofFault> {
    let solution = parse(payload).ok_or(ProofFault::Wrong)?;
    let hash = hash(&solution.salt, solution.number);
    let signature = unhex(&solution.signature).filter(|octets| octets.len() == 16).ok_or(ProofFault::Wrong)?;
    let right = solution.algorithm == ALGORITHM
        && solution.challenge.eq_ignore_ascii_case(&hex(&hash))
        && key.made(USAGE, &message(&solution.salt, &hash), &signature);
    let expires_at = expires(&solution.salt).filter(|_| right).ok_or(ProofFault::Wrong)?;
    if real > expires_at { Err(ProofFault::Expired) } else { Ok(Solved { hash, expires_at }) }
}

/// Searches for the number, as a browser does: for programs and tests.
pub fn solve(challenge: &Challenge) -> Option<String> {
    let number = (0..=u64::from(challenge.maxnumber))
        .find(|number| hex(&hash(&challenge.salt, *number)) == challenge.challenge)?;
    let solution = Solution {
        algorithm: challenge.algorithm.clone(),
        challenge: challenge.challenge.clone(),
        number,
        salt: challenge.salt.clone(),
        signature: challenge.signature.clone(),
    };
    Some(BASE64_STANDARD.encode(serde_json::to_vec(&solution).ok()?))
}

fn parse(payload: &str) -> Option<Solution> {
    let payload = payload.trim();
    if payload.len() > 2_000 {
        return None;
    }
    serde_json::from_slice(&BASE64_STANDARD.decode(payload).ok()?).ok()
}

fn expires(salt: &str) -> Option<DateTime<Utc>> {
    let (_, parameters) = salt.split_once('?')?;
    let value = parameters.split('&').find_map(|one| one.strip_prefix("expires="))?;
    DateTime::from_timestamp(value.parse().ok()?, 0)
}

fn hash(salt: &str, number: u64) -> [u8; 32] {
    Sha256::digest(format!("{salt}{number}")).into()
}

fn message(salt: &str, hash: &[u8; 32]) -> Vec<u8> {
    let mut message = hash.to_vec();
    message.extend_from_slice(salt.as_bytes());
    message
}

fn hex(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = octets.iter().flat_map(|octet| [octet >> 4, octet & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !text.is_ascii() || !digits.len().is_multiple_of(2) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> LinkKey {
        LinkKey::parse(&"1".repeat(32)).unwrap()
    }

    fn at() -> DateTime<Utc> {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn new_challenge() -> Challenge {
        challenge(&key(), 500, at(), TimeDelta::minutes(20), [7; 20])
    }

    /// The solution with something in it changed.
    fn altered(change: impl FnOnce(&mut Solution)) -> String {
        let payload = solve(&new_challenge()).unwrap();
        let mut solution: Solution = serde_json::from_slice(&BASE64_STANDARD.decode(payload).unwrap()).unwrap();
        change(&mut solution);
        BASE64_STANDARD.encode(serde_json::to_vec(&solution).unwrap())
    }

    #[test]
    fn a_solved_challenge_is_right_until_it_expires() {
        let payload = solve(&new_challenge()).unwrap();
        let solved = check(&key(), &payload, at() + TimeDelta::minutes(20)).unwrap();
        assert_eq!(solved.expires_at, at() + TimeDelta::minutes(20));
        assert_eq!(check(&key(), &payload, at() + TimeDelta::seconds(1_201)), Err(ProofFault::Expired));
        let other = LinkKey::parse(&"2".repeat(32)).unwrap();
        assert_eq!(check(&other, &payload, at()), Err(ProofFault::Wrong));
    }

    #[test]
    fn no_other_number_time_or_challenge_is_right() {
        let wrong = |payload: &str| assert_eq!(check(&key(), payload, at()), Err(ProofFault::Wrong));
        wrong(&altered(|solution| solution.number += 1));
        wrong(&altered(|solution| solution.salt = solution.salt.replace("expires=1", "expires=2")));
        wrong(&altered(|solution| solution.algorithm = "SHA-1".into()));
        wrong(&altered(|solution| solution.signature = "00".repeat(16)));
        wrong(&altered(|solution| solution.signature.clear()));
        // A challenge of their own making.
        wrong(&altered(|solution| {
            solution.number = 0;
            solution.challenge = hex(&hash(&solution.salt, 0));
        }));
        // A digit of the number moved to the time: the hash would be the same.
        wrong(&altered(|solution| {
            let number = solution.number.to_string();
            solution.salt.push_str(&number[..1]);
            solution.number = number[1..].parse().unwrap_or(0);
        }));
        for payload in ["", "x", "e30=", &"A".repeat(5_000)] {
            wrong(payload);
        }
    }

    #[test]
    fn the_format_is_that_of_altcha() {
        let challenge = serde_json::to_value(new_challenge()).unwrap();
        let keys: Vec<&String> = challenge.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["algorithm", "challenge", "maxnumber", "salt", "signature"]);
        assert_eq!(challenge["challenge"].as_str().unwrap().len(), 64);
        assert!(challenge["salt"].as_str().unwrap().ends_with("?expires=1772367600&"), "{challenge}");
    }
}
