//! What stands between a browser and the inbox: it is for this machine alone, and no other site may act in its name.

use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// For every page but a mail's own HTML.
const STRICT: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Refuses what does not come from this machine's own browser, and sends every answer with headers that keep it safe.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let mut response = if !is_for_this_machine(headers) {
        (StatusCode::FORBIDDEN, "The inbox answers only to the name localhost (or 127.0.0.1 or [::1]).\n")
            .into_response()
    } else if !request.method().is_safe() && !is_from_here(headers) {
        (StatusCode::FORBIDDEN, "Only the inbox's own pages may do this.\n").into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(CONTENT_SECURITY_POLICY, STRICT);
    default(X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(CACHE_CONTROL, "no-store");
    // Not `no-referrer`: that would make a browser send `Origin: null` with our own form.
    default(REFERRER_POLICY, "same-origin");
    response
}

/// A site elsewhere may let its name point to this machine; the browser then asks us under that site's name.
fn is_for_this_machine(headers: &HeaderMap) -> bool {
    let mut names = headers.get_all(HOST).iter().peekable();
    names.peek().is_some() && names.all(|it| it.to_str().is_ok_and(is_loopback))
}

fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || name.ends_with(".localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
}

/// A browser says where a form is from. What says nothing is no browser, and free to do as this machine's user does.
fn is_from_here(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return headers.get("sec-fetch-site").is_none_or(|it| it == "same-origin");
    };
    let host = headers.get(HOST).and_then(|it| it.to_str().ok());
    let origin = origin.to_str().ok().and_then(|it| it.strip_prefix("http://").or_else(|| it.strip_prefix("https://")));
    origin.is_some() && origin == host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in ["localhost", "LOCALHOST:8025", "inbox.localhost:1", "127.0.0.1:8025", "127.9.9.9", "[::1]:8025"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "notlocalhost",
            "10.0.0.1",
            "[::2]",
            "0.0.0.0:8025",
            "localhost:80@example.com",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
