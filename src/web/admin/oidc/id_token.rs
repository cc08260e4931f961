//! An ID token, and whom it vouches for (OpenID Connect Core 1.0, 3.1.3.7).
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::Fault;
use crate::model::EmailAddress;

/// Those that need the provider's own key: none that somebody could make a token with who knows what is public.
const ALGORITHMS: [Algorithm; 8] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::EdDSA,
];
/// Clocks differ by so much.
const LEEWAY: TimeDelta = TimeDelta::minutes(1);

/// What a token must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Claims {
    /// A name, or a list of names.
    aud: Value,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    #[serde(default)]
    nonce: String,
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
}

/// The address that the token vouches for.
pub(super) fn address(token: &str, keys: &JwkSet, expected: &Expected<'_>) -> Result<EmailAddress, Fault> {
    let claims = signed(token, keys, expected)?;
    // Among several, it must say which of them asked for it.
    let ours_alone = claims.aud.as_array().is_none_or(|all| all.len() == 1) || claims.azp.is_some();
    if !ours_alone || claims.azp.is_some_and(|azp| azp != expected.client) {
        return Err(Fault::Untrusted("an ID token was made for another program"));
    }
    if !bool::from(claims.nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err(Fault::Untrusted("an ID token belongs to another sign-in"));
    }
    let at = |seconds: i64| DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    if at(claims.exp) + LEEWAY < expected.now || at(claims.iat) - LEEWAY > expected.now {
        return Err(Fault::Untrusted("an ID token is of another time: look at the clocks"));
    }
    if !claims.email_verified {
        return Err(Fault::Untrusted("the identity provider does not say that the address is verified"));
    }
    let address = claims.email.and_then(|email| EmailAddress::parse(&email).ok());
    address.ok_or(Fault::Untrusted("the identity provider tells no address: let it send the claim `email`"))
}

/// What it says, if the provider has signed it, for us.
fn signed(token: &str, keys: &JwkSet, expected: &Expected<'_>) -> Result<Claims, Fault> {
    let header = decode_header(token).map_err(|_| Fault::Untrusted("what should be an ID token is none"))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Fault::Untrusted("an ID token is not signed with the provider's key"));
    }
    let key = match &header.kid {
        Some(kid) => keys.find(kid),
        None => keys.keys.first().filter(|_| keys.keys.len() == 1),
    };
    let key = key.and_then(|key| DecodingKey::from_jwk(key).ok());
    let key = key.ok_or(Fault::Untrusted("an ID token is signed with a key that the provider does not have"))?;
    // A key of another kind than the algorithm's is refused.
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.client]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // By our own clock, below.
    validation.validate_exp = false;
    let claims = decode::<Claims>(token, &key, &validation)
        .map_err(|_| Fault::Untrusted("an ID token is not signed by the provider, or was made by or for another"))?;
    Ok(claims.claims)
}
