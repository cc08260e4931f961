//! DKIM (RFC 6376, RFC 8463): relaxed/relaxed, every header that we write, `From` signed against a second one.
use std::fmt;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use chrono::{DateTime, Utc};
use mail_auth::common::crypto::{DkimKey as Key, Ed25519Key, HashAlgorithm, RsaKey, Sha256, SigningKey as _};
use mail_auth::common::headers::{Writable, Writer};
use mail_auth::dkim::{Canonicalization, Signature};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject as _};

use super::MailError;

/// About what a signature adds to a mail.
pub(super) const SIGNATURE_ROOM: usize = 1024;

const MIN_RSA_BITS: usize = 2048;
const RSA_OID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ED25519_OID: &[u8] = &[0x2b, 0x65, 0x70];

/// A key to sign with, and under which name receivers find its public half. `Debug` does not show the key.
pub struct DkimKey {
    key: Key,
    template: Signature,
}

/// Why a file is no DKIM key. Says nothing of what is in it.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the DKIM key {} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("no private key in PEM form: give RSA (PKCS#1 or PKCS#8) or Ed25519 (PKCS#8), without a passphrase")]
    NotPem,
    #[error("this kind of private key does not sign mail: give RSA or Ed25519")]
    WrongKind,
    #[error("the RSA key has {0} bits: give at least 2048, receivers ignore or distrust shorter ones")]
    TooShort(usize),
    #[error("the private key is damaged ({0})")]
    Damaged(String),
    #[error("a DKIM selector is letters, digits, hyphens and dots, such as `regimen1`")]
    Selector,
    #[error("the DKIM domain is not a domain; it should look like example.org")]
    Domain,
}

impl DkimKey {
    /// Reads a PEM file. The public half belongs into DNS: see [`DkimKey::dns_name`] and [`DkimKey::dns_record`].
    pub fn load(path: &Path, domain: &str, selector: &str) -> Result<Self, KeyError> {
        let pem =
            std::fs::read_to_string(path).map_err(|source| KeyError::Unreadable { path: path.to_owned(), source })?;
        Self::from_pem(&pem, domain, selector)
    }

    /// `domain` is the signing domain, d=; to satisfy DMARC it is the From domain or a parent of it.
    pub fn from_pem(pem: &str, domain: &str, selector: &str) -> Result<Self, KeyError> {
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| KeyError::Domain)?;
        if !domain.contains('.') {
            return Err(KeyError::Domain);
        }
        let is_label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !selector.split('.').all(is_label) {
            return Err(KeyError::Selector);
        }
        let key = parse_key(pem)?;
        let template = Signature {
            v: 1,
            a: key.algorithm(),
            d: domain,
            s: selector.to_owned(),
            ch: Canonicalization::Relaxed,
            cb: Canonicalization::Relaxed,
            ..Signature::default()
        };
        Ok(Self { key, template })
    }

    /// The signing domain, as an A-label.
    pub fn domain(&self) -> &str {
        &self.template.d
    }

    /// What tells this key from others of the domain.
    pub fn selector(&self) -> &str {
        &self.template.s
    }

    /// Where the public half is looked up.
    pub fn dns_name(&self) -> String {
        format!("{}._domainkey.{}", self.template.s, self.template.d)
    }

    /// The TXT record that belongs there (RFC 6376 3.6.1).
    pub fn dns_record(&self) -> String {
        let (kind, public) = match &self.key {
            Key::Rsa(key) => ("rsa", der::rsa_public_key_info(&key.public_key())),
            Key::Ed25519(key) => ("ed25519", key.public_key()),
        };
        format!("v=DKIM1; k={kind}; p={}", BASE64_STANDARD.encode(public))
    }
}

impl fmt::Debug for DkimKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DkimKey({}, {}, …)", self.template.a.name(), self.dns_name())
    }
}

/// One DKIM-Signature header a key. `headers` are name and value as they stand in the mail, in its order. The library's
/// own `sign` takes the time from the system; this is its steps with the time given, and one look at the body for all keys.
pub(super) fn sign(
    keys: &[DkimKey],
    headers: &[(&[u8], &[u8])],
    body: &[u8],
    at: DateTime<Utc>,
) -> Result<Vec<u8>, MailError> {
    let body_hash = HashAlgorithm::Sha256.hash(Canonicalization::Relaxed.canonical_body(body, u64::MAX));
    let names = headers.iter().rev().map(|(name, _)| String::from_utf8_lossy(name).into_owned());
    let names: Vec<String> = names.chain(["From".to_owned()]).collect();
    let mut signatures = Vec::with_capacity(keys.len() * SIGNATURE_ROOM);
    for DkimKey { key, template } in keys {
        let mut signature = template.clone();
        signature.bh = body_hash.as_ref().to_vec();
        signature.h.clone_from(&names);
        signature.t = u64::try_from(at.timestamp()).unwrap_or(0);
        let signed = key.sign(Signed { headers, signature: &signature });
        signature.b = signed.map_err(|error| MailError::Signing {
            domain: template.d.clone(),
            selector: template.s.clone(),
            reason: error.to_string(),
        })?;
        signature.write(&mut signatures, true);
    }
    Ok(signatures)
}

/// What the signature is over: the headers from the last to the first, then the signature itself without its value.
struct Signed<'a> {
    headers: &'a [(&'a [u8], &'a [u8])],
    signature: &'a Signature,
}

impl Writable for Signed<'_> {
    fn write(self, writer: &mut impl Writer) {
        Canonicalization::Relaxed.canonicalize_headers(self.headers.iter().rev().copied(), writer);
        self.signature.write(writer, false);
    }
}

fn parse_key(pem: &str) -> Result<Key, KeyError> {
    let damaged = |error: mail_auth::Error| KeyError::Damaged(error.to_string());
    let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::NotPem)?;
    let rsa_bits = match &der {
        PrivateKeyDer::Pkcs1(key) => der::rsa_bits(key.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(key) => match der::pkcs8(key.secret_pkcs8_der()) {
            Some((RSA_OID, inner)) => der::rsa_bits(inner),
            Some((ED25519_OID, _)) => {
                return Ed25519Key::from_pkcs8_maybe_unchecked_der(key.secret_pkcs8_der())
                    .map(Key::from)
                    .map_err(damaged);
            }
            Some(_) => return Err(KeyError::WrongKind),
            None => None,
        },
        _ => return Err(KeyError::WrongKind),
    };
    let bits = rsa_bits.ok_or_else(|| KeyError::Damaged("it is not DER inside".to_owned()))?;
    if bits < MIN_RSA_BITS {
        return Err(KeyError::TooShort(bits));
    }
    RsaKey::<Sha256>::from_key_der(der).map(Key::from).map_err(damaged)
}

/// As much DER as tells keys apart: the cryptographic library refuses a short key and a wrong one in the same words.
pub(super) mod der {
    const INTEGER: u8 = 0x02;
    const BIT_STRING: u8 = 0x03;
    const OCTET_STRING: u8 = 0x04;
    const NULL: u8 = 0x05;
    const OID: u8 = 0x06;
    const SEQUENCE: u8 = 0x30;

    /// The length of the modulus of an `RSAPrivateKey` (RFC 8017 A.1.2).
    pub(in crate::mail) fn rsa_bits(key: &[u8]) -> Option<usize> {
        let (fields, _) = read(SEQUENCE, key)?;
        let (_version, rest) = read(INTEGER, fields)?;
        let (modulus, _) = read(INTEGER, rest)?;
        let zeros = modulus.iter().position(|octet| *octet != 0)?;
        let whole = (modulus.len() - zeros) * 8;
        Some(whole - usize::try_from(modulus[zeros].leading_zeros()).ok()?)
    }

    /// The algorithm and the key inside a PKCS#8 key (RFC 5958 2).
    pub(in crate::mail) fn pkcs8(key: &[u8]) -> Option<(&[u8], &[u8])> {
        let (fields, _) = read(SEQUENCE, key)?;
        let (_version, rest) = read(INTEGER, fields)?;
        let (algorithm, rest) = read(SEQUENCE, rest)?;
        let (oid, _) = read(OID, algorithm)?;
        let (inner, _) = read(OCTET_STRING, rest)?;
        Some((oid, inner))
    }

    /// A `SubjectPublicKeyInfo` (RFC 5280 4.1.2.7) around an `RSAPublicKey`.
    pub(super) fn rsa_public_key_info(key: &[u8]) -> Vec<u8> {
        let algorithm = write(SEQUENCE, &[&write(OID, &[super::RSA_OID]), &write(NULL, &[])]);
        write(SEQUENCE, &[&algorithm, &write(BIT_STRING, &[&[0], key])])
    }

    /// The content of an element of this kind at the beginning, and what follows it.
    fn read(tag: u8, octets: &[u8]) -> Option<(&[u8], &[u8])> {
        let (&found, rest) = octets.split_first()?;
        let (&first, rest) = rest.split_first()?;
        if found != tag {
            return None;
        }
        let (len, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (len, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (len.iter().try_fold(0_usize, |len, octet| Some(len.checked_mul(256)? + usize::from(*octet)))?, rest)
        };
        rest.split_at_checked(len)
    }

    pub(in crate::mail) fn write(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let mut octets = vec![tag];
        if let Ok(len @ ..0x80) = u8::try_from(content.len()) {
            octets.push(len);
        } else {
            let len = content.len().to_be_bytes();
            let len = &len[len.iter().position(|octet| *octet != 0).unwrap_or(0)..];
            octets.push(0x80 | u8::try_from(len.len()).unwrap_or(0));
            octets.extend_from_slice(len);
        }
        octets.extend_from_slice(&content);
        octets
    }
}
