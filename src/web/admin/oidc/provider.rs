//! Talking with the identity provider: what it says of itself, its keys, and an ID token for a code.
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use jsonwebtoken::jwk::JwkSet;
use reqwest::{Client, RequestBuilder, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use url::{Url, form_urlencoded};

use super::Fault;
use crate::actions::admins::elsewhere::Away;
use crate::config::{Oidc, is_https_or_loopback};

/// A person waits for the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// No answer of a provider is longer.
const LONGEST: usize = 256 * 1024;

/// The provider of the configuration.
pub(in crate::web) struct Provider {
    settings: Oidc,
    http: Client,
    metadata: OnceCell<Metadata>,
}

/// What a provider says of itself (OpenID Connect Discovery 1.0), as far as it is needed.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

impl Provider {
    pub(in crate::web) fn new(settings: Oidc) -> anyhow::Result<Self> {
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE).build()?;
        Ok(Self { settings, http, metadata: OnceCell::new() })
    }

    /// What the button calls it.
    pub(in crate::web) fn label(&self) -> &str {
        &self.settings.label
    }

    /// Itself, and us, as a token of its names them.
    pub(super) fn names(&self) -> (&str, &str) {
        (&self.settings.issuer, &self.settings.client_id)
    }

    pub(super) fn is_trusted_for_second_factor(&self) -> bool {
        self.settings.trust_second_factor
    }

    /// Asked for once it is needed, and then known as long as this process runs.
    pub(super) async fn metadata(&self) -> Result<&Metadata, Fault> {
        let ask = async || {
            let url = format!("{}/.well-known/openid-configuration", self.settings.issuer.trim_end_matches('/'));
            let metadata: Metadata = answer(self.http.get(url)).await?;
            if metadata.issuer != self.settings.issuer {
                return Err(Fault::Provider("calls itself another than oidc.issuer".into()));
            }
            let endpoints = [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
            if !endpoints.into_iter().all(is_https_or_loopback) {
                return Err(Fault::Provider("names an address that is not https".into()));
            }
            Ok(metadata)
        };
        self.metadata.get_or_try_init(ask).await
    }

    /// Where somebody signs in.
    pub(super) fn sign_in_url(&self, metadata: &Metadata, away: &Away, redirect_uri: &str) -> Url {
        let mut url = metadata.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", "openid email")
            .append_pair("state", &away.state)
            .append_pair("nonce", &away.nonce)
            .append_pair("code_challenge", &away.challenge)
            .append_pair("code_challenge_method", "S256");
        url
    }

    pub(super) async fn id_token(
        &self,
        metadata: &Metadata,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
    ) -> Result<String, Fault> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        let mut request = self.http.post(metadata.token_endpoint.clone());
        let client = self.settings.client_id.as_str();
        match &self.settings.client_secret {
            Some(secret) if metadata.takes_basic() => {
                request = request.header(header::AUTHORIZATION, basic(client, &secret.0));
            }
            Some(secret) => form.extend([("client_id", client), ("client_secret", &secret.0)]),
            None => form.push(("client_id", client)),
        }
        Ok(answer::<Tokens>(request.form(&form)).await?.id_token)
    }

    /// The keys of now: it may have taken new ones since.
    pub(super) async fn keys(&self, metadata: &Metadata) -> Result<JwkSet, Fault> {
        answer(self.http.get(metadata.jwks_uri.clone())).await
    }
}

impl Metadata {
    /// It is the default when nothing is said.
    fn takes_basic(&self) -> bool {
        let methods = &self.token_endpoint_auth_methods_supported;
        methods.is_empty() || methods.iter().any(|one| one == "client_secret_basic")
    }
}

/// Both are encoded like a form's fields first (RFC 6749 2.3.1).
fn basic(client: &str, secret: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", encoded(client), encoded(secret))))
}

/// The causes are told without the address that was asked, which may have a code in it.
async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Fault> {
    let away = |error: reqwest::Error| Fault::Provider(format!("does not answer: {}", error.without_url()));
    let mut response = request.header(header::ACCEPT, "application/json").send().await.map_err(away)?;
    if !response.status().is_success() {
        return Err(Fault::Provider(format!("answers {}", response.status().as_u16())));
    }
    let mut octets = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(away)? {
        octets.extend_from_slice(&chunk);
        if octets.len() > LONGEST {
            return Err(Fault::Provider("answers with more than is read".into()));
        }
    }
    serde_json::from_slice(&octets)
        .map_err(|_| Fault::Provider("answers something else than what was asked for".into()))
}
