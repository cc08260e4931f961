//! The HTTP client that messages are posted with. It follows no redirect, uses no proxy, keeps no answer, and connects only to
//! addresses out in the internet: a name is looked up here, and the connection goes to the very addresses that were looked at,
//! so a name that changes between two look-ups leads nowhere else.
use std::error::Error as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};

use crate::model::{HookUrl, is_public};

/// For everything, from the look-up to the answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// More of an answer is not read; its connection is closed then.
const MOST_READ: usize = 1_024;
/// What `Retry-After` may ask for.
const LONGEST_REST: TimeDelta = TimeDelta::hours(1);

/// How an endpoint answered one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    pub verdict: Verdict,
    pub status: Option<u16>,
    /// Why there was no status, or why it is not good.
    pub error: Option<&'static str>,
}

/// What follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Sent,
    /// The endpoint wants to hear nothing more.
    Gone,
    Again,
    /// Again, and nothing else to this endpoint before this span is over.
    Rest(TimeDelta),
}

/// A request that is ready to be sent.
#[derive(Debug)]
pub struct Post<'a> {
    pub id: &'a str,
    pub timestamp: i64,
    pub signature: &'a str,
    pub body: String,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    allow_private: bool,
}

impl Client {
    /// Certificates are looked at as the system does.
    pub fn new(allow_private: bool) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .dns_resolver(Arc::new(Resolver { allow_private }))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .user_agent(concat!("regimen/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, allow_private })
    }

    /// One try.
    pub async fn post(&self, url: &str, post: Post<'_>, real: DateTime<Utc>) -> Answer {
        // What was permitted when it was made may be so no more; and for an address that needs no look-up nobody is asked.
        if HookUrl::parse(url, self.allow_private).is_err() {
            return Answer { verdict: Verdict::Again, status: None, error: Some("private address") };
        }
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", post.id)
            .header("webhook-timestamp", post.timestamp)
            .header("webhook-signature", post.signature)
            .body(post.body);
        match request.send().await {
            Ok(response) => {
                let answer = answered(response.status().as_u16(), response.headers(), real);
                read_a_little(response).await;
                answer
            }
            Err(error) => Answer { verdict: Verdict::Again, status: None, error: Some(word_for(&error)) },
        }
    }
}

/// What a status means. Redirects are not followed, so whoever moves an endpoint says so here.
fn answered(status: u16, headers: &HeaderMap, real: DateTime<Utc>) -> Answer {
    let (verdict, error) = match status {
        200..=299 => (Verdict::Sent, None),
        300..=399 => (Verdict::Again, Some("redirect")),
        410 => (Verdict::Gone, Some("gone")),
        429 | 503 => (rest(headers, real).map_or(Verdict::Again, Verdict::Rest), Some("asked to wait")),
        _ => (Verdict::Again, Some("refused")),
    };
    Answer { verdict, status: Some(status), error }
}

/// `Retry-After` in seconds or as a date (RFC 9110 10.2.3), within bounds.
fn rest(headers: &HeaderMap, real: DateTime<Utc>) -> Option<TimeDelta> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let span = match text.parse::<i64>() {
        Ok(seconds) => TimeDelta::try_seconds(seconds)?,
        Err(_) => DateTime::parse_from_rfc2822(text).ok()?.with_timezone(&Utc) - real,
    };
    Some(span.clamp(TimeDelta::seconds(1), LONGEST_REST))
}

/// So that the connection can be used again. What it says is nobody's business: it may hold anything.
async fn read_a_little(mut response: reqwest::Response) {
    let mut read = 0;
    while let Ok(Some(piece)) = response.chunk().await {
        read += piece.len();
        if read > MOST_READ {
            return;
        }
    }
}

/// Why there was no answer. The error itself names the address.
fn word_for(error: &reqwest::Error) -> &'static str {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<NotPublic>() {
            return "private address";
        }
        cause = inner.source();
    }
    match () {
        () if error.is_timeout() => "no answer in time",
        () if error.is_connect() => "no connection",
        () => "connection broke",
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that is not public")]
struct NotPublic;

struct Resolver {
    allow_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let usable: Vec<SocketAddr> = found.filter(|one| allow_private || is_public(one.ip())).collect();
            if usable.is_empty() {
                return Err(NotPublic.into());
            }
            let usable: Addrs = Box::new(usable.into_iter());
            Ok(usable)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, retry_after: Option<&str>) -> Verdict {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert(RETRY_AFTER, text.parse().unwrap());
        }
        answered(status, &headers, "2026-03-02T17:00:00Z".parse().unwrap()).verdict
    }

    #[test]
    fn a_status_says_what_to_do_next() {
        for (status, retry_after, expected) in [
            (200, None, Verdict::Sent),
            (204, None, Verdict::Sent),
            (302, None, Verdict::Again),
            (400, None, Verdict::Again),
            (410, None, Verdict::Gone),
            (500, Some("60"), Verdict::Again),
            (429, None, Verdict::Again),
            (429, Some("60"), Verdict::Rest(TimeDelta::minutes(1))),
            (503, Some("Mon, 02 Mar 2026 17:05:00 GMT"), Verdict::Rest(TimeDelta::minutes(5))),
            (503, Some("0"), Verdict::Rest(TimeDelta::seconds(1))),
            (503, Some("99999999"), Verdict::Rest(TimeDelta::hours(1))),
            (503, Some("soon"), Verdict::Again),
        ] {
            assert_eq!(verdict(status, retry_after), expected, "{status} {retry_after:?}");
        }
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_connected_to() {
        let client = Client::new(false).unwrap();
        let post = || Post { id: "1", timestamp: 0, signature: "v1,", body: String::new() };
        let real = "2026-03-02T17:00:00Z".parse().unwrap();
        for url in ["https://localhost:1/", "https://127.0.0.1:1/", "http://localhost:1/"] {
            let answer = client.post(url, post(), real).await;
            assert_eq!((answer.error, answer.verdict), (Some("private address"), Verdict::Again), "{url}");
        }
        let answer = Client::new(true).unwrap().post("https://localhost:1/", post(), real).await;
        assert_eq!(answer.error, Some("no connection"));
    }
}
