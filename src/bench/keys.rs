//! DKIM keys that nobody else has.
use anyhow::anyhow;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::prelude::{BASE64_STANDARD, Engine as _};

/// What mails are signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    Ed25519,
    Rsa2048,
}

impl Signing {
    /// A new private key as PEM (PKCS#8).
    pub fn new_key(self) -> anyhow::Result<String> {
        let failed = |_| anyhow!("a key cannot be made");
        let der: Pkcs8V1Der<'static> = match self {
            Self::Ed25519 => Ed25519KeyPair::generate().map_err(failed)?.as_der().map_err(failed)?,
            Self::Rsa2048 => {
                aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).map_err(failed)?.as_der().map_err(failed)?
            }
        };
        let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
        for line in BASE64_STANDARD.encode(der.as_ref()).as_bytes().chunks(64) {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Ok(pem)
    }

    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519.pem",
            Self::Rsa2048 => "rsa2048.pem",
        }
    }
}
