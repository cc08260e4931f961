//! An identity provider on loopback: it has keys of its own, and says what a test has it say.
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use regimen::config::{Oidc, Secret};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::{CancellationToken, DropGuard};

pub const CLIENT: &str = "regimen";
const SECRET: &str = "a secret: with marks & spaces";

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    Well,
    /// With a key that it does not show.
    WithAnotherKey,
    /// With `alg` none.
    Not,
    /// With what everybody can know as the secret.
    WithThePublicKey,
}

pub struct Provider {
    pub issuer: String,
    inside: Arc<Inside>,
    _stop: DropGuard,
}

struct Inside {
    issuer: String,
    key: Key,
    other: Key,
    /// By code: the challenge, and the claims of its token.
    codes: Mutex<BTreeMap<String, (String, Value, Signed)>>,
}

struct Key {
    private: Vec<u8>,
    public: Vec<u8>,
}

impl Provider {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let local: SocketAddr = listener.local_addr().unwrap();
        let issuer = format!("http://{local}");
        let inside = Inside { issuer: issuer.clone(), key: Key::new(), other: Key::new(), codes: Mutex::default() };
        let inside = Arc::new(inside);
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(inside.clone());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let served = axum::serve(listener, router);
        tokio::spawn(async move { stopped.run_until_cancelled(served.into_future()).await });
        Self { issuer, inside, _stop: stop.drop_guard() }
    }

    pub fn settings(&self, trust_second_factor: bool) -> Oidc {
        Oidc {
            issuer: self.issuer.clone(),
            client_id: CLIENT.into(),
            client_secret: Some(Secret(SECRET.into())),
            label: "Example Login".into(),
            trust_second_factor,
        }
    }

    /// Somebody has signed in there: the code with which the browser is sent back.
    pub fn code_for(&self, challenge: &str, claims: Value, signed: Signed) -> String {
        let code = format!("code {}", uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 0, 0)));
        self.inside.codes.lock().unwrap().insert(code.clone(), (challenge.to_owned(), claims, signed));
        code
    }
}

impl Key {
    fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let private = pair.to_pkcs8v1().unwrap().as_ref().to_vec();
        Self { private, public: pair.public_key().as_ref().to_vec() }
    }
}

impl Inside {
    fn sign(&self, claims: &Value, signed: Signed) -> String {
        let es256 = Header { kid: Some("one".into()), ..Header::new(Algorithm::ES256) };
        let by = |key: &Key| encode(&es256, claims, &EncodingKey::from_ec_der(&key.private)).unwrap();
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        match signed {
            Signed::Well => by(&self.key),
            Signed::WithAnotherKey => by(&self.other),
            Signed::Not => format!("{}.{}.", part(&json!({ "alg": "none", "kid": "one" })), part(claims)),
            Signed::WithThePublicKey => {
                let hs256 = Header { kid: Some("one".into()), ..Header::new(Algorithm::HS256) };
                encode(&hs256, claims, &EncodingKey::from_secret(&self.key.public)).unwrap()
            }
        }
    }
}

async fn metadata(State(inside): State<Arc<Inside>>) -> Json<Value> {
    let at = |path: &str| format!("{}/{path}", inside.issuer);
    Json(json!({
        "issuer": inside.issuer,
        "authorization_endpoint": at("authorize?realm=one"),
        "token_endpoint": at("token"),
        "jwks_uri": at("keys"),
    }))
}

async fn keys(State(inside): State<Arc<Inside>>) -> Json<Value> {
    let [x, y] = [&inside.key.public[1..33], &inside.key.public[33..]].map(|half| BASE64_URL_SAFE_NO_PAD.encode(half));
    Json(
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "one", "use": "sig", "alg": "ES256", "x": x, "y": y }] }),
    )
}

/// A code is good once, for whoever has the verifier and the client's secret.
async fn token(
    State(inside): State<Arc<Inside>>,
    headers: HeaderMap,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Json<Value>, StatusCode> {
    let secret: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{CLIENT}:{secret}")));
    if headers["authorization"] != basic || form["redirect_uri"] != "https://series.example.org/admin/sign-in/back" {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let known = inside.codes.lock().unwrap().remove(&form["code"]);
    let (challenge, claims, signed) = known.ok_or(StatusCode::BAD_REQUEST)?;
    if BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"])) != challenge {
        return Err(StatusCode::BAD_REQUEST);
    }
    Ok(Json(json!({ "token_type": "Bearer", "id_token": inside.sign(&claims, signed) })))
}
