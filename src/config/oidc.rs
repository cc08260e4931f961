//! `[oidc]`: an identity provider at which admins may sign in.
use url::{Host, Url};

use super::Reader;
use super::secrets::Secret;

/// An identity provider, and what it knows us as.
#[derive(Debug, Clone)]
pub struct Oidc {
    /// Exactly as it names itself in its tokens.
    pub issuer: String,
    pub client_id: String,
    /// None for a public client.
    pub client_secret: Option<Secret>,
    /// What the button calls it.
    pub label: String,
    /// Whether our own second step is left out for those who sign in there.
    pub trust_second_factor: bool,
}

impl Reader<'_> {
    /// None when no issuer is named.
    pub(super) fn oidc(&mut self, public_url: &str) -> Option<Oidc> {
        let issuer = self.optional("oidc", "issuer")?;
        let client_id = self.text("oidc", "client_id");
        let label = self.text("oidc", "label");
        let client_secret = self.secret("OIDC_CLIENT_SECRET", "oidc_client_secret_file").map(Secret);
        if !Url::parse(&issuer).is_ok_and(|url| is_https_or_loopback(&url) && url.query().is_none()) {
            self.faults.push("oidc.issuer must be the provider's address, such as https://login.example.org".into());
        }
        if client_id.is_empty() || label.is_empty() {
            self.faults.push("oidc.client_id and oidc.label must be set when oidc.issuer is".into());
        }
        if public_url.is_empty() {
            self.faults.push("oidc needs web.public_url, to which the provider leads back".into());
        }
        let trust_second_factor = self.values["oidc"]["trust_second_factor"].as_bool().unwrap_or(false);
        Some(Oidc { issuer, client_id, client_secret, label, trust_second_factor })
    }
}

/// What goes there can be read by nobody else.
pub fn is_https_or_loopback(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback)
}

#[cfg(test)]
mod tests {
    use crate::config::load;
    use crate::config::tests::env;

    const GOOD: [(&str, &str); 5] = [
        ("PUBLIC_URL", "https://series.example.org"),
        ("REGIMEN__OIDC__ISSUER", "https://login.example.org/realms/one"),
        ("REGIMEN__OIDC__CLIENT_ID", "regimen"),
        ("REGIMEN__OIDC__LABEL", "Example Login"),
        ("OIDC_CLIENT_SECRET", "hunter2"),
    ];

    #[test]
    fn nobody_signs_in_elsewhere_by_default_and_with_an_issuer_they_may() {
        assert!(load(None, &env(&[])).unwrap().oidc.is_none());
        let oidc = load(None, &env(&GOOD)).unwrap().oidc.unwrap();
        assert_eq!((oidc.issuer.as_str(), oidc.trust_second_factor), ("https://login.example.org/realms/one", false));
        assert!(!format!("{oidc:?}").contains("hunter2"));
    }

    #[test]
    fn a_provider_that_others_could_listen_to_is_refused() {
        for (issuer, good) in [
            ("http://127.0.0.1:8000", true),
            ("http://localhost/x", true),
            ("http://login.example.org", false),
            ("http://localhost.example.org", false),
            ("login.example.org", false),
        ] {
            let mut with = env(&GOOD);
            with.insert("REGIMEN__OIDC__ISSUER".into(), issuer.into());
            assert_eq!(load(None, &with).is_ok(), good, "{issuer}");
        }
        assert_eq!(load(None, &env(&GOOD[1..2])).unwrap_err().0.len(), 2, "what is missing is named");
    }
}
