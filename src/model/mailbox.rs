//! A name and an address, as they stand in From and Reply-To.
use std::fmt;

use super::{AddressError, EmailAddress};

/// Why a text is no mailbox.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailboxError {
    #[error("a mailbox is name@example.org, or Name <name@example.org>")]
    Form,
    #[error("the name has a character that a header cannot carry")]
    Name,
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// Who writes, or who gets the answer. Neither part can hold a line break, so neither can add a header.
#[derive(Clone, PartialEq, Eq)]
pub struct Mailbox {
    name: Option<String>,
    address: EmailAddress,
}

impl Mailbox {
    /// `name@example.org`, `Name <name@example.org>` or `"Name" <name@example.org>`.
    pub fn parse(text: &str) -> Result<Self, MailboxError> {
        if text.chars().any(|one| one.is_control() || matches!(one, '\u{2028}' | '\u{2029}')) {
            return Err(MailboxError::Name);
        }
        let text = text.trim();
        let Some(inner) = text.strip_suffix('>') else {
            return Ok(Self { name: None, address: EmailAddress::parse(text)? });
        };
        let (name, address) = inner.rsplit_once('<').ok_or(MailboxError::Form)?;
        let name = name.trim();
        let name = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(name).trim();
        if name.contains(['<', '>', '"', '\\']) || name.chars().count() > 100 {
            return Err(MailboxError::Name);
        }
        let name = (!name.is_empty()).then(|| name.to_owned());
        Ok(Self { name, address: EmailAddress::parse(address)? })
    }

    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub fn address(&self) -> &EmailAddress {
        &self.address
    }
}

/// The sender is public, so unlike a reader's address it may show.
impl fmt::Debug for Mailbox {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Mailbox({:?} <{}>)", self.name, self.address.as_typed())
    }
}
