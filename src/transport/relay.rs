//! Where the mails go: a relay, written as an URL in the configuration.
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use url::Url;

/// An SMTP server that accepts our mail.
#[derive(Clone, Debug)]
pub struct Relay {
    /// How logs and metrics call it.
    pub name: String,
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub auth: Option<Credentials>,
    /// What we call ourselves in EHLO: a host name or an IP address.
    pub hello_name: String,
    /// A connection is closed after so many mails; many relays close it themselves after a hundred.
    pub mails_per_connection: u32,
    pub timeouts: Timeouts,
    /// Certificates trusted beside the system's, for private authorities.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

/// How the way to a relay is protected. A certificate is always verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Plain text.
    None,
    /// STARTTLS where it is offered, else plain text (but then no credentials, except to this very machine).
    Opportunistic,
    /// STARTTLS or nothing.
    Required,
    /// TLS from the first byte.
    Implicit,
}

/// A login.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub user: String,
    pub secret: String,
}

/// Hides the user too, which often is an address.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// How long each part of the conversation may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect, and for the TLS handshake.
    pub connect: Duration,
    pub greeting: Duration,
    /// For each command's reply.
    pub command: Duration,
    /// For the reply to DATA, and for each piece of the body to be taken.
    pub data: Duration,
    /// For the reply to the final dot. Too short a wait makes mails uncertain.
    pub end_of_data: Duration,
}

/// The minimums of RFC 5321 4.5.3.2.
impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_mins(1),
            greeting: Duration::from_mins(5),
            command: Duration::from_mins(5),
            data: Duration::from_mins(3),
            end_of_data: Duration::from_mins(10),
        }
    }
}

/// What is wrong with a relay's URL. It never quotes the URL, which holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    #[error(
        "it is not an URL of the form smtp://user:password@host:port (percent-encode special characters in the password)"
    )]
    Form,
    #[error("it must begin with smtp:// or smtps://")]
    Scheme,
    #[error("it has no valid host")]
    Host,
    #[error("it has a path or a fragment (percent-encode / and # in the password)")]
    Extra,
    #[error("it has a user without a password, or a password without a user")]
    HalfLogin,
    #[error("its user or password is not UTF-8, or holds a NUL")]
    LoginText,
    #[error("the only parameter is tls=required, tls=opportunistic or tls=none, for smtp:// and once")]
    Parameter,
    #[error("a password would travel unprotected: use tls=required or smtps://")]
    LoginInClear,
}

impl Relay {
    /// Trusts the certificates of a PEM file too.
    pub fn trust_pem(&mut self, pem: &[u8]) -> Result<(), rustls::pki_types::pem::Error> {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            self.extra_roots.push(certificate?);
        }
        Ok(())
    }

    /// Whether the relay runs on this very machine, so that nothing said to it crosses a network.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

/// Reads `smtp://user:password@host:port?tls=…` or `smtps://…`.
///
/// `smtp://` takes STARTTLS as required, except to a loopback host, where it takes none. Without a port it is 587 (25 on
/// a loopback host), and 465 for `smtps://`. The name is the host's and `hello_name` is `localhost` until set.
impl FromStr for Relay {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let url = Url::parse(text.trim()).map_err(|_| BadUrl::Form)?;
        let implicit = match url.scheme() {
            "smtp" => false,
            "smtps" => true,
            _ => return Err(BadUrl::Scheme),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(BadUrl::Extra);
        }
        let host = host(&url)?;
        let loopback = is_loopback(&host);
        let auth = login(&url)?;
        let tls = tls(&url, implicit, loopback)?;
        if auth.is_some() && tls == Tls::None && !loopback {
            return Err(BadUrl::LoginInClear);
        }
        let port = url.port().unwrap_or(match (implicit, loopback) {
            (true, _) => 465,
            (false, true) => 25,
            (false, false) => 587,
        });
        Ok(Self {
            name: host.clone(),
            host,
            port,
            tls,
            auth,
            hello_name: "localhost".into(),
            mails_per_connection: 100,
            timeouts: Timeouts::default(),
            extra_roots: Vec::new(),
        })
    }
}

fn host(url: &Url) -> Result<String, BadUrl> {
    let raw = percent_decode_str(url.host_str().unwrap_or_default()).decode_utf8().map_err(|_| BadUrl::Host)?;
    if let Some(literal) = raw.strip_prefix('[').and_then(|raw| raw.strip_suffix(']')) {
        return Ok(literal.to_owned());
    }
    idna::domain_to_ascii_strict(&raw).ok().filter(|host| !host.is_empty()).ok_or(BadUrl::Host)
}

fn login(url: &Url) -> Result<Option<Credentials>, BadUrl> {
    let decode = |text| {
        let text = percent_decode_str(text).decode_utf8().map_err(|_| BadUrl::LoginText)?;
        if text.contains('\0') { Err(BadUrl::LoginText) } else { Ok(text.into_owned()) }
    };
    match (url.username(), url.password().filter(|secret| !secret.is_empty())) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(BadUrl::HalfLogin),
        (user, Some(secret)) => Ok(Some(Credentials { user: decode(user)?, secret: decode(secret)? })),
    }
}

fn tls(url: &Url, implicit: bool, loopback: bool) -> Result<Tls, BadUrl> {
    let mut pairs = url.query_pairs();
    let wish = pairs.next();
    match (wish.as_ref().map(|(key, value)| (key.as_ref(), value.as_ref())), pairs.next()) {
        (None, _) if implicit => Ok(Tls::Implicit),
        (None, _) if loopback => Ok(Tls::None),
        (None, _) => Ok(Tls::Required),
        (Some(("tls", value)), None) if !implicit => match value {
            "required" => Ok(Tls::Required),
            "opportunistic" => Ok(Tls::Opportunistic),
            "none" => Ok(Tls::None),
            _ => Err(BadUrl::Parameter),
        },
        _ => Err(BadUrl::Parameter),
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_relays_from_urls() {
        for (url, host, port, tls, user) in [
            ("smtp://mail.example.com", "mail.example.com", 587, Tls::Required, None),
            ("smtp://mail.example.com:25/", "mail.example.com", 25, Tls::Required, None),
            ("smtp://mail.example.com?tls=required", "mail.example.com", 587, Tls::Required, None),
            ("smtp://mail.example.com?tls=opportunistic", "mail.example.com", 587, Tls::Opportunistic, None),
            ("smtp://mail.example.com?tls=none", "mail.example.com", 587, Tls::None, None),
            ("smtps://mail.example.com", "mail.example.com", 465, Tls::Implicit, None),
            (" smtp://localhost:2525\n", "localhost", 2525, Tls::None, None),
            ("smtp://localhost?tls=required", "localhost", 25, Tls::Required, None),
            ("smtp://127.0.0.1", "127.0.0.1", 25, Tls::None, None),
            ("smtp://[::1]:2525", "::1", 2525, Tls::None, None),
            ("smtp://b%C3%BCcher.example", "xn--bcher-kva.example", 587, Tls::Required, None),
            ("smtp://bücher.example", "xn--bcher-kva.example", 587, Tls::Required, None),
            (
                "smtp://u%40example.com:p%2F%23%3A%40+%25@mail.example.com",
                "mail.example.com",
                587,
                Tls::Required,
                Some("u@example.com"),
            ),
            ("smtp://u:p%2F%23%3A%40+%25@localhost?tls=none", "localhost", 25, Tls::None, Some("u")),
        ] {
            let relay: Relay = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!((relay.host.as_str(), relay.port, relay.tls), (host, port, tls), "{url}");
            assert_eq!(relay.auth.as_ref().map(|auth| auth.user.as_str()), user, "{url}");
            assert!(relay.auth.is_none_or(|auth| auth.secret == "p/#:@+%"), "{url}");
        }
    }

    #[test]
    fn refuses_bad_urls_without_telling_the_secret() {
        for (url, expected) in [
            ("hunter2", BadUrl::Form),
            ("smtp://u:hunter2@mail.example.com:99999", BadUrl::Form),
            ("http://u:hunter2@mail.example.com", BadUrl::Scheme),
            ("mail.example.com:25", BadUrl::Scheme),
            ("smtp://", BadUrl::Host),
            ("smtp://u:hunter2@mail_x%20.example.com", BadUrl::Host),
            ("smtp://u:hunter2@mail.example.com/inbox", BadUrl::Extra),
            ("smtp://u:hunter2#3@mail.example.com", BadUrl::Form),
            ("smtp://u@mail.example.com", BadUrl::HalfLogin),
            ("smtp://:hunter2@mail.example.com", BadUrl::HalfLogin),
            ("smtp://u:hunter2%00@mail.example.com", BadUrl::LoginText),
            ("smtp://u:hunter2%ff@mail.example.com", BadUrl::LoginText),
            ("smtp://mail.example.com?tls=maybe", BadUrl::Parameter),
            ("smtp://mail.example.com?tls=none&tls=required", BadUrl::Parameter),
            ("smtp://mail.example.com?secret=hunter2", BadUrl::Parameter),
            ("smtps://mail.example.com?tls=none", BadUrl::Parameter),
            ("smtp://u:hunter2@mail.example.com?tls=none", BadUrl::LoginInClear),
        ] {
            let error = url.parse::<Relay>().expect_err(url);
            assert_eq!(error, expected, "{url}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn debug_hides_the_login() {
        let relay: Relay = "smtp://ann:hunter2@mail.example.com".parse().unwrap();
        let shown = format!("{relay:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("ann"), "{shown}");
    }
}
