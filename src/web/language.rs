//! In which language a page is answered: `?lang=`, else the cookie that remembers such a choice, else what the reader's
//! mails are in, else what the browser asks for.
use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};

use crate::messages::Language;

/// The cookie: two letters, written only when a reader has chosen a language.
const COOKIE: &str = "lang";

/// What a request says about its reader's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lang {
    chosen: Option<Language>,
    accepted: Option<Language>,
}

impl Lang {
    /// For a page that belongs to nobody.
    pub(super) fn get(self) -> Language {
        self.or(self.accepted.unwrap_or_default())
    }

    /// The language that the reader chose on our pages, if one was.
    pub(super) fn chosen(self) -> Option<Language> {
        self.chosen
    }

    /// For a page of somebody whose language is known: a choice made on our pages comes before it.
    pub(super) fn or(self, known: Language) -> Language {
        self.chosen.unwrap_or(known)
    }

    fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self { chosen: in_query(uri).or_else(|| in_cookie(headers)), accepted: accepted.and_then(Language::accepted) }
    }
}

impl<S: Sync> FromRequestParts<S> for Lang {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.uri, &parts.headers))
    }
}

/// The cookie that keeps a choice which was just made, for a year. It tells nobody from anybody else. What stands in a frame
/// on another site keeps none: the choice was that site's.
pub(super) fn kept_choice(method: &Method, uri: &Uri) -> Option<HeaderValue> {
    let chosen = in_query(uri).filter(|_| method == Method::GET && !uri.path().starts_with("/embed/"))?;
    let cookie = format!("{COOKIE}={chosen}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly");
    HeaderValue::from_str(&cookie).ok()
}

fn in_query(uri: &Uri) -> Option<Language> {
    let pairs = url::form_urlencoded::parse(uri.query()?.as_bytes());
    pairs.filter(|(name, _)| name == "lang").find_map(|(_, value)| Language::parse(&value))
}

fn in_cookie(headers: &HeaderMap) -> Option<Language> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).and_then(|(_, value)| Language::parse(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_comes_before_what_the_browser_asks_for() {
        let lang = |uri: &str, cookie: &str, accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookie.parse().unwrap());
            headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
            Lang::of(&uri.parse().unwrap(), &headers)
        };
        assert_eq!(lang("/?lang=es", "lang=en", "en").get(), Language::Spanish);
        assert_eq!(lang("/", "a=b; lang=es", "en").get(), Language::Spanish);
        assert_eq!(lang("/?lang=xx", "lang=", "es").get(), Language::Spanish);
        assert_eq!(lang("/", "", "de").get(), Language::English);
        assert_eq!(lang("/", "", "en").or(Language::Spanish), Language::Spanish, "the reader's own");
        assert_eq!(lang("/?lang=en", "", "").or(Language::Spanish), Language::English);
    }

    #[test]
    fn only_a_choice_is_kept() {
        let kept = |uri: &str| kept_choice(&Method::GET, &uri.parse().unwrap());
        assert!(kept("/?lang=es").unwrap().to_str().unwrap().starts_with("lang=es; Path=/;"));
        assert_eq!((kept("/"), kept("/?lang=tlh")), (None, None));
        assert_eq!(kept_choice(&Method::POST, &"/?lang=es".parse().unwrap()), None);
        assert_eq!(kept("/embed/a-series?lang=es"), None, "no cookie in a frame");
    }
}
