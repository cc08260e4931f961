//! E-mail addresses: checked at the edge, kept as typed, compared normalised.
use std::fmt;

use email_address::{EmailAddress as Syntax, Options};
use unicode_normalization::UnicodeNormalization as _;

use super::Bucket;

/// Why a text is no address that we can mail. The text itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("Please enter your e-mail address.")]
    Empty,
    #[error("This address is too long: at most 254 characters, with at most 64 before the @.")]
    TooLong,
    #[error("An e-mail address cannot contain line breaks or other control characters.")]
    ControlCharacter,
    #[error("This does not look like an e-mail address. It should look like name@example.org.")]
    Syntax,
    #[error("The part after the @ is not a domain that mail can be sent to. It should look like example.org.")]
    Domain,
}

/// An address that can be mailed. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress {
    as_typed: String,
    normalised: String,
}

impl EmailAddress {
    /// Limits are octets of UTF-8 (RFC 5321 4.5.3.1.1, RFC 3696 erratum 1690; RFC 6531 for other scripts). Quoted local
    /// parts, comments and domain literals are refused: nobody types one into a form in earnest.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let typed = text.trim_matches([' ', '\t']);
        if typed.is_empty() {
            return Err(AddressError::Empty);
        }
        if typed.chars().any(|one| one.is_control() || matches!(one, '\u{2028}' | '\u{2029}')) {
            return Err(AddressError::ControlCharacter);
        }
        if typed.len() > 254 {
            return Err(AddressError::TooLong);
        }
        let (local, domain) = typed.rsplit_once('@').ok_or(AddressError::Syntax)?;
        if local.len() > 64 {
            return Err(AddressError::TooLong);
        }
        let domain = a_label(domain)?;
        let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
        let plain = local.chars().all(|one| !one.is_whitespace() && !matches!(one, '"' | '(' | ')' | '<' | '>' | ','));
        let ascii_form = format!("{local}@{domain}");
        if !plain || Syntax::parse_with_options(&ascii_form, options).is_err() {
            return Err(AddressError::Syntax);
        }
        if ascii_form.len() > 254 {
            return Err(AddressError::TooLong);
        }
        let local: String = local.nfc().map(|one| one.to_ascii_lowercase()).collect();
        Ok(Self { as_typed: typed.to_owned(), normalised: format!("{local}@{domain}") })
    }

    /// What mail goes to.
    pub fn as_typed(&self) -> &str {
        &self.as_typed
    }

    /// What makes two addresses the same subscriber: A-label domain in lower case, local part in NFC and ASCII lower
    /// case; dots and plus stay.
    pub fn normalised(&self) -> &str {
        &self.normalised
    }

    /// The part after the @ as DNS knows it (A-labels).
    pub fn domain(&self) -> &str {
        self.normalised.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    pub fn bucket(&self) -> Bucket {
        Bucket::of(&self.normalised)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("EmailAddress(…)")
    }
}

/// The domain as DNS knows it (RFC 5890), in lower case.
fn a_label(domain: &str) -> Result<String, AddressError> {
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| AddressError::Domain)?;
    let labels: Vec<&str> = ascii.split('.').collect();
    let numeric_tld = labels.last().is_some_and(|tld| tld.bytes().all(|byte| byte.is_ascii_digit()));
    if labels.len() < 2 || labels.iter().any(|label| label.is_empty()) || numeric_tld {
        return Err(AddressError::Domain);
    }
    Ok(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_normalised_without_folding_dots_or_plus() {
        let table = [
            ("reader@example.org", "reader@example.org"),
            ("  Reader@Example.ORG\t", "reader@example.org"),
            ("first.last+tag@example.org", "first.last+tag@example.org"),
            ("reader@bücher.example", "reader@xn--bcher-kva.example"),
            ("reader@XN--BCHER-KVA.example", "reader@xn--bcher-kva.example"),
            ("zoë@example.org", "zoë@example.org"),
            ("zoe\u{308}@example.org", "zoë@example.org"),
        ];
        for (typed, normalised) in table {
            assert_eq!(EmailAddress::parse(typed).unwrap().normalised(), normalised, "{typed}");
        }
        assert_eq!(EmailAddress::parse(" Reader@Example.ORG ").unwrap().as_typed(), "Reader@Example.ORG");
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_reason() {
        let long_local = format!("{}@example.org", "a".repeat(65));
        let long = format!("a@{}.example", ["b".repeat(60).as_str(); 5].join("."));
        let table = [
            ("", AddressError::Empty),
            ("   ", AddressError::Empty),
            ("reader", AddressError::Syntax),
            ("@example.org", AddressError::Syntax),
            ("reader@", AddressError::Domain),
            ("reader@localhost", AddressError::Domain),
            ("reader@example..org", AddressError::Domain),
            ("reader@[127.0.0.1]", AddressError::Domain),
            ("reader@127.0.0.1", AddressError::Domain),
            ("a b@example.org", AddressError::Syntax),
            ("\"a b\"@example.org", AddressError::Syntax),
            ("Reader <reader@example.org>", AddressError::Domain),
            ("a@b@example.org", AddressError::Syntax),
            (".a@example.org", AddressError::Syntax),
            ("a..b@example.org", AddressError::Syntax),
            ("reader@example.org\r\nBcc: x@example.com", AddressError::ControlCharacter),
            ("read\0er@example.org", AddressError::ControlCharacter),
            ("reader@exam\u{2028}ple.org", AddressError::ControlCharacter),
            (long_local.as_str(), AddressError::TooLong),
            (long.as_str(), AddressError::TooLong),
        ];
        for (typed, error) in table {
            assert_eq!(EmailAddress::parse(typed).map(|one| one.as_typed().to_owned()), Err(error), "{typed:?}");
        }
    }

    #[test]
    fn an_address_does_not_show_in_debug_output() {
        let address = EmailAddress::parse("reader@example.org").unwrap();
        assert!(!format!("{address:?}").contains("reader"));
    }
}
