//! Slugs, keys and the bucket.
use std::fmt;

use sha2::{Digest, Sha256};

/// Why a slug or key is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 characters a–z, 0–9 and hyphens, beginning with a letter or digit")]
pub struct NameError;

macro_rules! slug {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn parse(text: &str) -> Result<Self, NameError> {
                is_slug(text).then(|| Self(text.to_owned())).ok_or(NameError)
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(from)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

slug! {
    /// A series: the name of its folder.
    SeriesSlug
}
slug! {
    /// A step of a series. It never changes; the step's position may.
    StepKey
}

/// A condition of a series: health data once it is a reader's, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConditionKey(String);

impl ConditionKey {
    /// At most 48 octets, so that the sealed form is of one width for all.
    pub const MAX_LEN: usize = 48;

    pub fn parse(text: &str) -> Result<Self, NameError> {
        (is_slug(text) && text.len() <= Self::MAX_LEN).then(|| Self(text.to_owned())).ok_or(NameError)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ConditionKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ConditionKey(…)")
    }
}

fn is_slug(text: &str) -> bool {
    let ok = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(ok) && !text.starts_with('-')
}

/// 0..63, a stable hash of the normalised address: the first column of every hot key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bucket(i16);

impl Bucket {
    pub const COUNT: i16 = 64;

    pub fn new(number: i16) -> Option<Self> {
        (0..Self::COUNT).contains(&number).then_some(Self(number))
    }

    pub fn of(normalised: &str) -> Self {
        Self(i16::from(Sha256::digest(normalised.as_bytes())[0] & 63))
    }

    pub fn get(self) -> i16 {
        self.0
    }

    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_what_a_folder_and_a_url_can_carry() {
        for good in ["a", "lung", "head-and-neck", "2026-series", &"x".repeat(64)] {
            assert!(StepKey::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "a b", "a/b", "..", "é", &"x".repeat(65)] {
            assert!(StepKey::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_condition_does_not_show_in_debug_output() {
        let condition = ConditionKey::parse("melanoma").unwrap();
        assert!(!format!("{condition:?}").contains("melanoma"));
    }

    #[test]
    fn the_bucket_of_an_address_never_changes() {
        // A changed hash would orphan every stored row: these are literal on purpose.
        let buckets: Vec<i16> =
            ["reader@example.org", "a@example.com", "b@example.com"].map(|of| Bucket::of(of).get()).to_vec();
        assert_eq!(buckets, [50, 8, 40]);
    }
}
