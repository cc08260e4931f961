//! `Idempotency-Key`: a call that is made again because its answer was lost is not done again
//! (draft-ietf-httpapi-idempotency-key-header).
use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::actions::once::{self, Begun, Call};
use crate::web::caller::Token;
use crate::web::error::{Problem, WebError};
use crate::web::{AppState, LARGEST_BODY};

pub(super) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The call under a key that is being made, for whoever takes its body apart.
#[derive(Clone, Copy)]
pub(super) struct Once(pub(super) Call);

/// Lets a call through that has no key, or whose key is new; else answers as before.
pub(super) async fn once(
    State(state): State<AppState>,
    Extension(token): Extension<Token>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(key) = key(request.headers())? else { return Ok(next.run(request).await) };
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST_BODY).await.map_err(|_| WebError::TooLarge)?;
    let what = [parts.uri.path().as_bytes(), b"\n", &body].concat();
    let call = match once::begin(&state.service, &token.0, &key, &what).await? {
        Begun::Now(call) => call,
        Begun::Before(answer) => {
            let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            return Ok(([kind, (REPLAYED, HeaderValue::from_static("true"))], answer).into_response());
        }
        Begun::UnderWay => return Err(Problem(WebError::UnderWay)),
        Begun::Otherwise => {
            let text = "this key was used for another call: take a new one for each".to_owned();
            return Err(Problem(WebError::Invalid(vec![("Idempotency-Key", text)])));
        }
    };
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(Once(call));
    let response = next.run(request).await;
    once::release_unless_done(&state.service, &call).await;
    Ok(response)
}

/// A string as in RFC 9651, or the same without its quotes.
fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all(KEY).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let text = first.to_str().unwrap_or_default().trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let is_key = (1..=255).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'"');
    if given.next().is_some() || !is_key {
        let text = "Idempotency-Key should be one string of 1 to 255 visible ASCII characters, such as a UUID.";
        return Err(Problem(WebError::BadRequest(text.into())));
    }
    Ok(Some(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<String>, u16> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(KEY, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        key(&headers).map_err(|problem| problem.0.status().as_u16())
    }

    #[test]
    fn a_key_is_one_short_string_with_or_without_quotes() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["\"8e03978e\""]), Ok(Some("8e03978e".into())));
        assert_eq!(read(&["8e03978e"]), Ok(Some("8e03978e".into())));
        for wrong in [&[""][..], &["\"\""], &["a b"], &["ä"], &["a", "b"], &["\"a"], &[&"a".repeat(256)]] {
            assert_eq!(read(wrong), Err(400), "{wrong:?}");
        }
    }
}
