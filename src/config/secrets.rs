//! Secrets: from the environment or from files that the configuration names, never from the configuration itself.
use std::fmt;

use super::Reader;
use crate::links::LinkKey;
use crate::seal::Keyring;

/// A text that must not be shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

impl Reader<'_> {
    pub(super) fn seal_keys(&mut self) -> Option<Keyring> {
        let text = self.secret("SEAL_KEYS", "seal_keys_file")?;
        Keyring::parse(&text).map_err(|error| self.faults.push(format!("SEAL_KEYS: {error}"))).ok()
    }

    pub(super) fn link_key(&mut self) -> Option<LinkKey> {
        let text = self.secret("LINK_KEY", "link_key_file")?;
        let key = LinkKey::parse(&text);
        if key.is_none() {
            self.faults.push("LINK_KEY must have at least 32 characters (several keys are comma-separated); `regimen keys` makes one".into());
        }
        key
    }

    pub(super) fn admin_token(&mut self) -> Option<Secret> {
        let text = self.secret("ADMIN_TOKEN", "admin_token_file")?;
        if text.len() < 32 {
            self.faults.push("ADMIN_TOKEN must have at least 32 characters; `regimen keys` makes one".into());
        }
        Some(Secret(text))
    }

    /// From the environment, else from the file that the configuration names.
    pub(super) fn secret(&mut self, name: &str, file_key: &str) -> Option<String> {
        if let Some(value) = self.env.get(name).filter(|value| !value.is_empty()) {
            return Some(value.trim().to_owned());
        }
        let path = self.optional("secrets", file_key)?;
        match std::fs::read_to_string(&path) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(error) => {
                self.faults.push(format!("secrets.{file_key}: {path}: {error}"));
                None
            }
        }
    }
}
