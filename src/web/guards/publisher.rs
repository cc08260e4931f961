//! A publisher's own server: who it is, and what it says of its reader's consent.
use axum::http::{HeaderMap, header};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::actions::guards::tokens::Publisher;
use crate::actions::sign_up::PublisherConsent;

/// The token of a request that brings one.
pub(in crate::web) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    Some(
        value
            .split_once(' ')
            .filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"))
            .map_or("", |(_, token)| token.trim()),
    )
}

/// What was agreed to on the publisher's pages, when and where.
#[derive(Debug, Deserialize)]
pub(in crate::web) struct ConsentBody {
    /// The versions of the texts that the reader was shown.
    #[serde(default)]
    privacy_version: String,
    #[serde(default)]
    terms_version: String,
    at: Option<DateTime<Utc>>,
    /// The page on which it was given …
    #[serde(default)]
    page: String,
    /// … or another way, such as "paper form".
    #[serde(default)]
    channel: String,
}

/// Longer ago than this nobody remembers having agreed, and a confirmation would come out of the blue.
const OLDEST: TimeDelta = TimeDelta::days(30);
/// Clocks of two houses differ.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

impl ConsentBody {
    /// The record to keep, or what is wrong with it.
    pub(in crate::web) fn checked(
        &self,
        publisher: Publisher,
        real: DateTime<Utc>,
    ) -> Result<PublisherConsent, Vec<(&'static str, String)>> {
        let mut faults = Vec::new();
        let mut text = |field: &'static str, value: &str| {
            let value = value.trim();
            if value.is_empty() || value.len() > 100 || value.chars().any(char::is_control) {
                faults.push((
                    field,
                    "The version of the text that the reader was shown, 1 to 100 characters.".to_owned(),
                ));
            }
            value.to_owned()
        };
        let privacy_version = text("consent.privacy_version", &self.privacy_version);
        let terms_version = text("consent.terms_version", &self.terms_version);
        let at = self.at.filter(|at| *at <= real + AHEAD && *at >= real - OLDEST);
        if at.is_none() {
            faults.push((
                "consent.at",
                "When the reader agreed, such as 2026-03-01T12:00:00Z: not in the future, and at most 30 days ago."
                    .into(),
            ));
        }
        let page = page(&self.page);
        let channel = Some(self.channel.trim())
            .filter(|channel| !channel.is_empty() && channel.len() <= 100 && !channel.chars().any(char::is_control));
        if page.is_none() && channel.is_none() {
            faults.push((
                "consent.page",
                "The address of the page on which the reader agreed (https://…), or another way in `consent.channel`."
                    .into(),
            ));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(PublisherConsent {
            source: publisher.0,
            privacy_version,
            terms_version,
            evidence: json!({ "at": at, "page": page, "channel": channel }),
        })
    }
}

/// Without query and fragment, which may say what somebody looked for.
fn page(text: &str) -> Option<String> {
    let mut url = Url::parse(text.trim()).ok()?;
    let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    url.set_query(None);
    url.set_fragment(None);
    Some(url.to_string()).filter(|url| plain && url.len() <= 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(body: serde_json::Value) -> Result<PublisherConsent, Vec<&'static str>> {
        let body: ConsentBody = serde_json::from_value(body).unwrap();
        let result = body.checked(Publisher("a publisher".into()), "2026-03-01T12:00:00Z".parse().unwrap());
        result.map_err(|faults| faults.into_iter().map(|(field, _)| field).collect())
    }

    #[test]
    fn a_consent_says_what_when_and_where() {
        let page = "https://news.example.org/cancer?q=melanoma#box";
        let body =
            json!({ "privacy_version": "2026-01", "terms_version": "2", "at": "2026-03-01T11:59:00Z", "page": page });
        let consent = checked(body).unwrap();
        assert_eq!(consent.evidence["page"], "https://news.example.org/cancer", "what was looked for stays there");
        assert_eq!((consent.source.as_str(), consent.terms_version.as_str()), ("a publisher", "2"));
        let body = json!({ "privacy_version": "1", "terms_version": "2", "at": "2026-02-01T11:59:00Z", "channel": "paper form" });
        assert_eq!(checked(body).unwrap().evidence["channel"], "paper form");
    }

    #[test]
    fn every_field_that_lacks_is_named() {
        let all = ["consent.privacy_version", "consent.terms_version", "consent.at", "consent.page"];
        assert_eq!(checked(json!({})).err().unwrap(), all);
        for at in ["2026-03-01T12:06:00Z", "2026-01-29T12:00:00Z"] {
            let body = json!({ "privacy_version": "1", "terms_version": "2", "at": at, "page": "javascript:alert(1)" });
            assert_eq!(checked(body).err().unwrap(), ["consent.at", "consent.page"]);
        }
    }
}
