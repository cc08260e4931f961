//! How an address is written in a header or an SMTP command.
use std::borrow::Cow;

use crate::model::EmailAddress;

/// The address as a header or RCPT TO carries it. A domain in another script becomes its A-label, which every relay
/// takes; with a local part in another script the mail needs SMTPUTF8 (RFC 6531) anyway, and all stays as typed.
pub fn on_the_wire(address: &EmailAddress) -> Cow<'_, str> {
    let typed = address.as_typed();
    if typed.is_ascii() || needs_smtputf8(address) {
        return Cow::Borrowed(typed);
    }
    let local = typed.rsplit_once('@').map_or(typed, |(local, _)| local);
    Cow::Owned(format!("{local}@{}", address.domain()))
}

/// Whether only a relay that offers SMTPUTF8 can take mail for this address.
pub fn needs_smtputf8(address: &EmailAddress) -> bool {
    address.as_typed().rsplit_once('@').is_some_and(|(local, _)| !local.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_local_part_in_another_script_keeps_the_domain_as_typed() {
        let table = [
            ("Reader@Example.ORG", "Reader@Example.ORG", false),
            ("Reader@bücher.example", "Reader@xn--bcher-kva.example", false),
            ("zoë@bücher.example", "zoë@bücher.example", true),
        ];
        for (typed, wire, utf8) in table {
            let address = EmailAddress::parse(typed).unwrap();
            assert_eq!((&*on_the_wire(&address), needs_smtputf8(&address)), (wire, utf8), "{typed}");
        }
    }
}
