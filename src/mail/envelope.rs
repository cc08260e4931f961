//! The envelope sender: where bounces go. With a bounce domain it names the delivery (VERP), so that a bounce can be told
//! without reading it; a MAC keeps others from making bounces up.
use uuid::Uuid;

use crate::links::LinkKey;
use crate::model::{Bucket, Mailbox};

const USAGE: &[u8] = b"bounce";
/// `b` + bucket in 2 hex digits + delivery in 32 + 20 of the MAC: 55 of the 64 octets that a local part may have
/// (RFC 5321 4.5.3.1.1).
const MAC_DIGITS: usize = 20;

/// The From address, or one of the bounce domain that names the delivery.
pub fn envelope_sender(
    bounce_domain: Option<&str>,
    from: &Mailbox,
    key: &LinkKey,
    delivery: Uuid,
    bucket: Bucket,
) -> String {
    match bounce_domain {
        Some(domain) => {
            let id = format!("{:02x}{}", bucket.get(), delivery.simple());
            format!("b{id}{}@{domain}", mac(key, &id))
        }
        None => from.address().as_typed().to_owned(),
    }
}

/// The delivery that an envelope sender of ours names; none if we did not make it.
pub fn parse_envelope_sender(address: &str, key: &LinkKey) -> Option<(Bucket, Uuid)> {
    let local = address.rsplit_once('@')?.0.to_ascii_lowercase();
    let digits = local.strip_prefix('b')?;
    if digits.len() != 34 + MAC_DIGITS || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let (id, given) = digits.split_at(34);
    let same: bool = subtle::ConstantTimeEq::ct_eq(mac(key, id).as_bytes(), given.as_bytes()).into();
    let bucket = Bucket::new(i16::from_str_radix(&id[..2], 16).ok()?)?;
    same.then_some((bucket, Uuid::try_parse(&id[2..]).ok()?))
}

fn mac(key: &LinkKey, id: &str) -> String {
    key.mac(USAGE, id.as_bytes()).iter().take(MAC_DIGITS / 2).map(|octet| format!("{octet:02x}")).collect()
}
