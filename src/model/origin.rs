//! Another site's origin, as a content security policy names it.
use std::fmt;

use url::{Host, Url};

/// Where the sign-up box may stand: scheme, host and, if it is not the usual one, port. What can be written into a
/// `frame-ancestors` directive as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EmbedOrigin(String);

/// Why a text is no origin of a site that the box may stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    #[error("must be an origin such as https://news.example.org: scheme, host and, if need be, port")]
    Syntax,
    #[error("must end after the host or the port: an origin has no path, so the box may stand on every page of it")]
    Path,
    #[error(
        "must begin with https://, since what is sent over http can be read on its way; http:// is for this machine only \
         (localhost, 127.0.0.1)"
    )]
    Http,
    #[error("must name the host: browsers know no address but 127.0.0.1 here")]
    Address,
    #[error(
        "may have a * only in place of the first name, as in https://*.example.org, or of the port of this machine, as in \
         http://localhost:*"
    )]
    Wildcard,
}

impl EmbedOrigin {
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let text = text.trim();
        // The parser takes no stars, so they are taken off, and put back where they may stand.
        let (scheme, rest) = text.split_once("://").ok_or(OriginError::Syntax)?;
        let (rest, any_subdomain) = rest.strip_prefix("*.").map_or((rest, false), |rest| (rest, true));
        let (rest, any_port) = rest.strip_suffix(":*").map_or((rest, false), |rest| (rest, true));
        if rest.contains('*') {
            return Err(OriginError::Wildcard);
        }
        let url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| OriginError::Syntax)?;
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError::Syntax);
        }
        if rest.contains(['/', '?', '#', '\\']) {
            return Err(OriginError::Path);
        }
        let host = match url.host().ok_or(OriginError::Syntax)? {
            Host::Domain(name) => name.trim_end_matches('.').to_owned(),
            Host::Ipv4(address) if address.octets() == [127, 0, 0, 1] => address.to_string(),
            Host::Ipv4(_) | Host::Ipv6(_) => return Err(OriginError::Address),
        };
        if !host.split('.').all(is_label) {
            return Err(OriginError::Syntax);
        }
        let here = host == "localhost" || host == "127.0.0.1" || host.ends_with(".localhost");
        if url.scheme() == "http" && !here {
            return Err(OriginError::Http);
        }
        // A star in front of a single name would be all sites of a country.
        if (any_port && !here) || (any_subdomain && (here || !host.contains('.'))) {
            return Err(OriginError::Wildcard);
        }
        let star = if any_subdomain { "*." } else { "" };
        let port = if any_port { ":*".to_owned() } else { url.port().map_or(String::new(), |port| format!(":{port}")) };
        Ok(Self(format!("{}://{star}{host}{port}", url.scheme())))
    }

    /// Every port of this machine, for a demo.
    pub fn of_this_machine() -> Vec<Self> {
        ["http://localhost:*", "http://127.0.0.1:*"].map(|origin| Self(origin.to_owned())).to_vec()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a policy takes for a part of a name: anything else would end the directive, or the header.
fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
}

impl fmt::Display for EmbedOrigin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_a_policy_wants_it() {
        for (text, origin) in [
            ("https://news.example.org", "https://news.example.org"),
            (" HTTPS://News.Example.ORG:443 ", "https://news.example.org"),
            ("https://news.example.org:8443", "https://news.example.org:8443"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("https://*.example.org", "https://*.example.org"),
            ("https://*.example.org:8443", "https://*.example.org:8443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://127.0.0.1:*", "http://127.0.0.1:*"),
            ("http://site.localhost", "http://site.localhost"),
            ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
        ] {
            assert_eq!(EmbedOrigin::parse(text).map(|one| one.to_string()).as_deref(), Ok(origin), "{text}");
        }
        for origin in EmbedOrigin::of_this_machine() {
            assert_eq!(EmbedOrigin::parse(origin.as_str()), Ok(origin));
        }
    }

    #[test]
    fn what_is_none_is_told_why() {
        use OriginError::{Address, Http, Path, Syntax, Wildcard};
        for (text, why) in [
            ("", Syntax),
            ("*", Syntax),
            ("news.example.org", Syntax),
            ("https://", Syntax),
            ("ftp://news.example.org", Syntax),
            ("null", Syntax),
            ("'self'", Syntax),
            ("https://user@news.example.org", Syntax),
            ("https://news.example.org; script-src x", Syntax),
            ("https://a;b.example.org", Syntax),
            ("https://a,b.example.org", Syntax),
            ("https://news.example.org https://other.example.org", Syntax),
            ("https://news.example.org/", Path),
            ("https://news.example.org/cancer", Path),
            ("https://news.example.org?a=b", Path),
            ("http://news.example.org", Http),
            ("https://192.0.2.1", Address),
            ("https://[::1]:8080", Address),
            ("https://*", Wildcard),
            ("https://*.org", Wildcard),
            ("https://*.localhost", Wildcard),
            ("https://news.*.org", Wildcard),
            ("https://a*.example.org", Wildcard),
            ("https://news.example.org:*", Wildcard),
        ] {
            assert_eq!(EmbedOrigin::parse(text), Err(why), "{text}");
        }
    }
}
