//! Where the mails go: a relay, written as an URL in the configuration.
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
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
    pub proof: Proof,
}

/// What shows that a login is ours.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// For AUTH PLAIN or LOGIN.
    Password(String),
    /// An OAuth 2.0 access token, for AUTH XOAUTH2.
    Token(String),
    /// The same, read anew at each login from a file that another program renews.
    TokenFile(PathBuf),
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
    #[error(
        "its parameters are tls=required, tls=opportunistic or tls=none (for smtp:// only), auth=xoauth2 and token_file=PATH, each once"
    )]
    Parameter,
    #[error("token_file=PATH takes the place of the password, and goes with auth=xoauth2 and a user")]
    TokenFile,
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
/// With `auth=xoauth2` the password is an access token, or `token_file=PATH` says where one is read at each login.
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
        let wishes = Wishes::of(&url)?;
        let auth = login(&url, &wishes)?;
        let tls = tls(wishes.tls.as_deref(), implicit, loopback)?;
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

/// The parameters of a relay's URL.
#[derive(Default)]
struct Wishes {
    tls: Option<String>,
    auth: Option<String>,
    token_file: Option<String>,
}

impl Wishes {
    fn of(url: &Url) -> Result<Self, BadUrl> {
        let mut wishes = Self::default();
        for (key, value) in url.query_pairs() {
            let slot = match key.as_ref() {
                "tls" => &mut wishes.tls,
                "auth" => &mut wishes.auth,
                "token_file" => &mut wishes.token_file,
                _ => return Err(BadUrl::Parameter),
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(BadUrl::Parameter);
            }
        }
        if wishes.auth.as_deref().is_some_and(|auth| auth != "xoauth2") {
            return Err(BadUrl::Parameter);
        }
        Ok(wishes)
    }
}

fn login(url: &Url, wishes: &Wishes) -> Result<Option<Credentials>, BadUrl> {
    let decode = |text| {
        let text = percent_decode_str(text).decode_utf8().map_err(|_| BadUrl::LoginText)?;
        // Control-A parts the fields of XOAUTH2, NUL those of PLAIN.
        if text.contains(['\0', '\x01']) { Err(BadUrl::LoginText) } else { Ok(text.into_owned()) }
    };
    let (user, secret) = (url.username(), url.password().filter(|secret| !secret.is_empty()));
    let proof = match (&wishes.token_file, secret, wishes.auth.is_some()) {
        (Some(path), None, true) if !path.is_empty() && !user.is_empty() => Proof::TokenFile(path.into()),
        (Some(_), _, _) => return Err(BadUrl::TokenFile),
        (None, None, false) if user.is_empty() => return Ok(None),
        (None, None, _) => return Err(BadUrl::HalfLogin),
        (None, Some(token), true) => Proof::Token(decode(token)?),
        (None, Some(password), false) => Proof::Password(decode(password)?),
    };
    if user.is_empty() {
        return Err(BadUrl::HalfLogin);
    }
    Ok(Some(Credentials { user: decode(user)?, proof }))
}

fn tls(wish: Option<&str>, implicit: bool, loopback: bool) -> Result<Tls, BadUrl> {
    match wish {
        None if implicit => Ok(Tls::Implicit),
        None if loopback => Ok(Tls::None),
        None | Some("required") if !implicit => Ok(Tls::Required),
        Some("opportunistic") if !implicit => Ok(Tls::Opportunistic),
        Some("none") if !implicit => Ok(Tls::None),
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
            assert!(relay.auth.is_none_or(|auth| auth.proof == Proof::Password("p/#:@+%".into())), "{url}");
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
            ("smtps://u:hunter2@mail.example.com?auth=plain", BadUrl::Parameter),
            ("smtps://mail.example.com?auth=xoauth2", BadUrl::HalfLogin),
            ("smtps://u@mail.example.com?auth=xoauth2", BadUrl::HalfLogin),
            ("smtps://:hunter2@mail.example.com?auth=xoauth2", BadUrl::HalfLogin),
            ("smtps://u:hunter2%01@mail.example.com?auth=xoauth2", BadUrl::LoginText),
            ("smtps://u@mail.example.com?token_file=/hunter2", BadUrl::TokenFile),
            ("smtps://u:hunter2@mail.example.com?auth=xoauth2&token_file=/t", BadUrl::TokenFile),
            ("smtps://mail.example.com?auth=xoauth2&token_file=/t", BadUrl::TokenFile),
            ("smtps://u@mail.example.com?auth=xoauth2&token_file=", BadUrl::TokenFile),
            ("smtp://u:hunter2@mail.example.com?tls=none&auth=xoauth2", BadUrl::LoginInClear),
            ("smtp://u@mail.example.com?tls=none&auth=xoauth2&token_file=/t", BadUrl::LoginInClear),
            ("smtp://u:hunter2@mail.example.com?tls=none", BadUrl::LoginInClear),
        ] {
            let error = url.parse::<Relay>().expect_err(url);
            assert_eq!(error, expected, "{url}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn a_token_stands_in_the_url_or_in_a_file() {
        for (url, tls, proof) in [
            ("smtps://u%40example.com:t@mail.example.com?auth=xoauth2", Tls::Implicit, Proof::Token("t".into())),
            (
                "smtp://u%40example.com@mail.example.com?auth=xoauth2&token_file=/run/a%20token",
                Tls::Required,
                Proof::TokenFile("/run/a token".into()),
            ),
            (
                "smtp://u%40example.com@mail.example.com?tls=opportunistic&token_file=/run/t&auth=xoauth2",
                Tls::Opportunistic,
                Proof::TokenFile("/run/t".into()),
            ),
        ] {
            let relay: Relay = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!((relay.tls, relay.auth.map(|auth| auth.user)), (tls, Some("u@example.com".into())), "{url}");
            let relay: Relay = url.parse().unwrap();
            assert!(relay.auth.unwrap().proof == proof, "{url}");
        }
    }

    #[test]
    fn debug_hides_the_login() {
        let relay: Relay = "smtp://ann:hunter2@mail.example.com".parse().unwrap();
        let shown = format!("{relay:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("ann"), "{shown}");
    }
}
