//! `[mail]`: what is on every mail, and what it is signed with.
use std::path::PathBuf;

use serde::Deserialize;

use super::Reader;
use crate::model::EmailAddress;

#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Dkim {
    pub domain: String,
    pub selector: String,
    pub key_file: PathBuf,
}

impl Reader<'_> {
    pub(super) fn mailto(&mut self) -> Option<String> {
        let text = self.optional("mail", "unsubscribe_mailto")?;
        match EmailAddress::parse(&text) {
            Ok(address) => Some(format!("mailto:{}?subject=unsubscribe", address.as_typed())),
            Err(error) => {
                self.faults.push(format!("mail.unsubscribe_mailto: {error}"));
                None
            }
        }
    }

    pub(super) fn dkim(&mut self) -> Vec<Dkim> {
        let Some(value) = self.values.get("mail").and_then(|mail| mail.get("dkim")).cloned() else { return Vec::new() };
        value.try_into().unwrap_or_else(|error: toml::de::Error| {
            self.faults.push(format!("mail.dkim: {}", error.message()));
            Vec::new()
        })
    }
}
