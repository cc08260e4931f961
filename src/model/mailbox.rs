//! A name and an address, as they stand in From and Reply-To.
use std::str::FromStr;

use super::{AddressError, EmailAddress};

/// An address with the name to show for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    pub name: Option<String>,
    pub address: EmailAddress,
}

/// Why a text is no mailbox. The text itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailboxError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("A sender is written as `Name <name@example.org>`, or as the address alone.")]
    Syntax,
    #[error("The name of a sender is plain text: no control characters and no `=?…?=`.")]
    Name,
}

impl Mailbox {
    /// `Name <a@example.org>`, `"Name, with a comma" <a@example.org>` or `a@example.org`.
    pub fn parse(text: &str) -> Result<Self, MailboxError> {
        let text = text.trim();
        let Some(inner) = text.strip_suffix('>') else {
            return Ok(Self { name: None, address: EmailAddress::parse(text)? });
        };
        let (name, address) = inner.rsplit_once('<').ok_or(MailboxError::Syntax)?;
        let name = unquoted(name.trim()).ok_or(MailboxError::Syntax)?;
        if !is_plain_name(&name) {
            return Err(MailboxError::Name);
        }
        Ok(Self { name: (!name.is_empty()).then_some(name), address: EmailAddress::parse(address)? })
    }
}

impl FromStr for Mailbox {
    type Err = MailboxError;

    fn from_str(text: &str) -> Result<Self, MailboxError> {
        Self::parse(text)
    }
}

/// A mail reader would decode `=?…?=` in a name even where the standard says not to, so the name could show as another.
pub fn is_plain_name(name: &str) -> bool {
    !name.chars().any(char::is_control) && !name.contains("=?")
}

/// The text of a quoted string (RFC 5322 3.2.4), or a text without quotes as it is.
fn unquoted(name: &str) -> Option<String> {
    let Some(rest) = name.strip_prefix('"') else {
        return (!name.contains(['"', '<', '>'])).then(|| name.to_owned());
    };
    let mut text = String::with_capacity(rest.len());
    let mut chars = rest.chars();
    while let Some(one) = chars.next() {
        match one {
            '\\' => text.push(chars.next()?),
            '"' => return chars.as_str().is_empty().then_some(text),
            _ => text.push(one),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_a_name_and_an_address_or_an_address() {
        let table = [
            ("hello@example.org", None, "hello@example.org"),
            ("<hello@example.org>", None, "hello@example.org"),
            ("Example Health <hello@example.org>", Some("Example Health"), "hello@example.org"),
            (" Example Health<hello@example.org> ", Some("Example Health"), "hello@example.org"),
            ("\"Health, \\\"Inc.\\\"\" <hello@example.org>", Some("Health, \"Inc.\""), "hello@example.org"),
            ("Zoë <zoe@bücher.example>", Some("Zoë"), "zoe@bücher.example"),
        ];
        for (text, name, address) in table {
            let mailbox = Mailbox::parse(text).unwrap();
            assert_eq!((mailbox.name.as_deref(), mailbox.address.as_typed()), (name, address), "{text}");
        }
    }

    #[test]
    fn what_is_no_mailbox_is_refused_with_its_reason() {
        let table = [
            ("", MailboxError::Address(AddressError::Empty)),
            ("Example Health", MailboxError::Address(AddressError::Syntax)),
            ("Example hello@example.org>", MailboxError::Syntax),
            ("\"Open <hello@example.org>", MailboxError::Syntax),
            ("\"A\" B <hello@example.org>", MailboxError::Syntax),
            ("A <b@example.org> <hello@example.org>", MailboxError::Syntax),
            ("=?utf-8?q?A?= <hello@example.org>", MailboxError::Name),
            ("A\r\nBcc: x <hello@example.org>", MailboxError::Name),
            ("A <hello>", MailboxError::Address(AddressError::Syntax)),
        ];
        for (text, error) in table {
            assert_eq!(text.parse::<Mailbox>(), Err(error), "{text:?}");
        }
    }
}
