//! The login at a relay: AUTH PLAIN or LOGIN with a password, XOAUTH2 with a token.
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::classify::Reply;
use super::connection::{Offers, ask};
use super::relay::{Credentials, Proof};
use super::wire::Wire;

/// Errors tell only codes: some servers echo a refused line, and with it the secret.
pub(super) async fn log_in(
    wire: &mut Wire,
    offers: &Offers,
    login: &Credentials,
    limit: Duration,
) -> Result<(), String> {
    let reply = match &login.proof {
        Proof::Password(password) => log_in_with_password(wire, offers, &login.user, password, limit).await?,
        Proof::Token(token) => log_in_with_token(wire, offers, &login.user, token, limit).await?,
        Proof::TokenFile(path) => {
            // It is small and local, and read once a connection.
            let token = tokio::fs::read_to_string(path).await;
            let token = token.map_err(|error| format!("the file with its token cannot be read: {error}"))?;
            let token = token.trim();
            if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err("the file with its token holds no token".into());
            }
            log_in_with_token(wire, offers, &login.user, token, limit).await?
        }
    };
    if reply.code == 235 { Ok(()) } else { Err(format!("the login was refused with {}", reply.codes())) }
}

async fn log_in_with_password(
    wire: &mut Wire,
    offers: &Offers,
    user: &str,
    password: &str,
    limit: Duration,
) -> Result<Reply, String> {
    if offers.auth_plain {
        let proof = STANDARD.encode(format!("\0{user}\0{password}"));
        return ask(wire, &format!("AUTH PLAIN {proof}\r\n"), limit).await;
    }
    if !offers.auth_login {
        return Err("it offers neither AUTH PLAIN nor AUTH LOGIN".into());
    }
    let mut reply = ask(wire, "AUTH LOGIN\r\n", limit).await?;
    // The prompts differ between servers, their order does not.
    for answer in [user, password] {
        if reply.code == 334 {
            reply = ask(wire, &format!("{}\r\n", STANDARD.encode(answer)), limit).await?;
        }
    }
    Ok(reply)
}

async fn log_in_with_token(
    wire: &mut Wire,
    offers: &Offers,
    user: &str,
    token: &str,
    limit: Duration,
) -> Result<Reply, String> {
    if !offers.auth_xoauth2 {
        return Err("it does not offer AUTH XOAUTH2".into());
    }
    let proof = STANDARD.encode(format!("user={user}\x01auth=Bearer {token}\x01\x01"));
    let reply = ask(wire, &format!("AUTH XOAUTH2 {proof}\r\n"), limit).await?;
    // A token that is not taken is explained in a challenge; the refusal comes after an empty answer to it.
    if reply.code == 334 { ask(wire, "\r\n", limit).await } else { Ok(reply) }
}
