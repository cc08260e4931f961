//! The admins' cookies: the session; a mark by which a browser is known again; what the forms before a session go by; and what
//! belongs to a sign-in at an identity provider.
//! With an https address they have the prefix `__Host-`, which browsers take only from that very host and over TLS.
use axum::http::{HeaderMap, HeaderValue, header};

use super::AppState;

const SESSION: &str = "regimen";
const DEVICE: &str = "regimen-device";
const FORM: &str = "regimen-form";
const ELSEWHERE: &str = "regimen-elsewhere";
/// A year.
const DEVICE_SECONDS: u32 = 31_536_000;

pub(super) fn session(state: &AppState, headers: &HeaderMap) -> Option<String> {
    find(state, headers, SESSION)
}

pub(super) fn device(state: &AppState, headers: &HeaderMap) -> Option<String> {
    find(state, headers, DEVICE)
}

pub(super) fn form(state: &AppState, headers: &HeaderMap) -> Option<String> {
    find(state, headers, FORM)
}

/// Gone when the browser is closed; when it ends for good says its row. `Lax`, so that a link in a mail leads to a page and
/// not to the sign-in: a form on another site does not carry it all the same.
pub(super) fn of_session(state: &AppState, token: &str) -> Option<HeaderValue> {
    set(state, SESSION, token, "SameSite=Lax")
}

pub(super) fn of_device(state: &AppState, token: &str) -> Option<HeaderValue> {
    set(state, DEVICE, token, &format!("SameSite=Strict; Max-Age={DEVICE_SECONDS}"))
}

pub(super) fn of_form(state: &AppState, secret: &str) -> Option<HeaderValue> {
    set(state, FORM, secret, "SameSite=Strict")
}

pub(super) fn no_session(state: &AppState) -> Option<HeaderValue> {
    set(state, SESSION, "", "SameSite=Lax; Max-Age=0")
}

pub(super) fn elsewhere(state: &AppState, headers: &HeaderMap) -> Option<String> {
    find(state, headers, ELSEWHERE)
}

/// `Lax`, since it is another site that leads back.
pub(super) fn of_elsewhere(state: &AppState, secret: &str) -> Option<HeaderValue> {
    set(state, ELSEWHERE, secret, "SameSite=Lax; Max-Age=600")
}

pub(super) fn not_elsewhere(state: &AppState) -> Option<HeaderValue> {
    set(state, ELSEWHERE, "", "SameSite=Lax; Max-Age=0")
}

fn is_https(state: &AppState) -> bool {
    state.service.public_url().starts_with("https://")
}

fn full_name(state: &AppState, name: &str) -> String {
    format!("{}{name}", if is_https(state) { "__Host-" } else { "" })
}

fn set(state: &AppState, name: &str, value: &str, rest: &str) -> Option<HeaderValue> {
    let (name, secure) = (full_name(state, name), if is_https(state) { "; Secure" } else { "" });
    HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; {rest}{secure}")).ok()
}

fn find(state: &AppState, headers: &HeaderMap, name: &str) -> Option<String> {
    let name = full_name(state, name);
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(one, value)| *one == name && !value.is_empty()).map(|(_, value)| value.to_owned())
}
