//! On the way to an identity provider and back. The browser keeps a secret; of it and of the `state` that goes with the browser
//! only one hash is stored, for ten minutes, and it is taken once.
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};

use super::{ActionError, Service, hash, new_secret};
use crate::store::sign_ins as store;

/// How long somebody may take at the provider.
const GOOD_FOR: TimeDelta = TimeDelta::minutes(10);

/// What goes along to the provider, and what stays in the browser.
pub struct Away {
    pub state: String,
    pub nonce: String,
    /// Of the verifier (PKCE, RFC 7636).
    pub challenge: String,
    /// For the cookie. Nonce and verifier are made of it.
    pub secret: String,
}

/// What whoever comes back had gone with.
pub struct Back {
    pub nonce: String,
    pub verifier: String,
    /// Where they wanted to go.
    pub next: String,
}

pub async fn begin(service: &Service, next: &str) -> Result<Away, ActionError> {
    let ((state, _), (secret, _)) = (new_secret(service), new_secret(service));
    let until = service.clock().real() + GOOD_FOR;
    store::go_elsewhere(service.db(), &of_both(&state, &secret), next, until).await?;
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(derived("verifier", &secret)));
    Ok(Away { state, nonce: derived("nonce", &secret), challenge, secret })
}

/// Nothing for a state that was not given to this browser, is too old, or has been back before.
pub async fn come_back(service: &Service, state: &str, secret: &str) -> Result<Option<Back>, ActionError> {
    let next = store::come_back(service.db(), &of_both(state, secret), service.clock().real()).await?;
    Ok(next.map(|next| Back { nonce: derived("nonce", secret), verifier: derived("verifier", secret), next }))
}

fn of_both(state: &str, secret: &str) -> [u8; 32] {
    hash(&format!("{state} {secret}"))
}

/// Whoever sees one of them learns neither the secret nor the other.
fn derived(what: &str, secret: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(hash(&format!("{what} {secret}")))
}
