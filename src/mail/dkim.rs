//! DKIM keys (RFC 6376; Ed25519: RFC 8463) and what they sign.
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use mail_auth::common::crypto::{Ed25519Key, RsaKey, Sha256};
use mail_auth::common::headers::HeaderWriter as _;
use mail_auth::dkim::{DkimSigner, Done};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

/// Those that are present are signed; RFC 8058 asks that the last two are.
const SIGNED: [&str; 13] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
    "Auto-Submitted",
    "Feedback-ID",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];

/// The shortest RSA key taken (RFC 8301 3.2 asks for 1024, and recommends this).
const LEAST_RSA_BITS: usize = 2048;

/// Why a key cannot be used. Shows nothing of the key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the DKIM key {file} cannot be read: {why}")]
    Unreadable { file: String, why: std::io::Error },
    #[error(
        "{0} is no private key in PEM form (RSA, or Ed25519 as PKCS#8); `openssl genpkey -algorithm ed25519` makes one"
    )]
    Format(String),
    #[error("the RSA key in {file} has {bits} bits; DKIM needs at least {LEAST_RSA_BITS}")]
    TooShort { file: String, bits: usize },
}

enum Signer {
    Rsa(DkimSigner<RsaKey<Sha256>, Done>),
    Ed25519(DkimSigner<Ed25519Key, Done>),
}

/// A key that signs for a domain. Cheap to clone; `Debug` does not show it.
#[derive(Clone)]
pub struct DkimKey {
    domain: String,
    signer: Arc<Signer>,
}

impl DkimKey {
    pub fn from_file(domain: &str, selector: &str, file: &Path) -> Result<Self, KeyError> {
        let name = file.display().to_string();
        let pem = std::fs::read(file).map_err(|why| KeyError::Unreadable { file: name.clone(), why })?;
        Self::from_pem(domain, selector, &pem, &name)
    }

    /// `name` is what errors call the key.
    pub fn from_pem(domain: &str, selector: &str, pem: &[u8], name: &str) -> Result<Self, KeyError> {
        let der = PrivateKeyDer::from_pem_slice(pem).map_err(|_| KeyError::Format(name.to_owned()))?;
        let ed25519 = match &der {
            PrivateKeyDer::Pkcs8(der) => Ed25519Key::from_pkcs8_maybe_unchecked_der(der.secret_pkcs8_der()).ok(),
            _ => None,
        };
        let signer = match ed25519 {
            Some(key) => Signer::Ed25519(DkimSigner::from_key(key).domain(domain).selector(selector).headers(SIGNED)),
            None => {
                let key = RsaKey::<Sha256>::from_key_der(der).map_err(|_| KeyError::Format(name.to_owned()))?;
                let bits = rsa_bits(&key.public_key());
                if bits < LEAST_RSA_BITS {
                    return Err(KeyError::TooShort { file: name.to_owned(), bits });
                }
                Signer::Rsa(DkimSigner::from_key(key).domain(domain).selector(selector).headers(SIGNED))
            }
        };
        Ok(Self { domain: domain.to_owned(), signer: Arc::new(signer) })
    }

    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The DKIM-Signature header of a whole message, with its line end.
    pub(super) fn sign(&self, message: &[u8]) -> Result<String, String> {
        let signature = match &*self.signer {
            Signer::Rsa(signer) => signer.sign(message),
            Signer::Ed25519(signer) => signer.sign(message),
        };
        signature.map(|signature| signature.to_header()).map_err(|error| error.to_string())
    }
}

impl fmt::Debug for DkimKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DkimKey({})", self.domain)
    }
}

/// The modulus' length: the first INTEGER of a DER `SEQUENCE { modulus, exponent }` (RFC 8017 A.1.1).
fn rsa_bits(public_key: &[u8]) -> usize {
    let Some((body, _)) = der_value(public_key, 0x30) else { return 0 };
    let Some((modulus, _)) = der_value(body, 0x02) else { return 0 };
    let significant = modulus.iter().skip_while(|octet| **octet == 0).count();
    significant * 8
}

/// The value of a DER element with this tag, and what follows it.
fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if first != tag {
        return None;
    }
    let (length, rest) = match usize::from(length) {
        short @ 0..=127 => (short, rest),
        long => {
            let (octets, rest) = rest.split_at_checked(long & 0x7f)?;
            (octets.iter().try_fold(0usize, |sum, &octet| sum.checked_mul(256)?.checked_add(usize::from(octet)))?, rest)
        }
    };
    rest.split_at_checked(length)
}
