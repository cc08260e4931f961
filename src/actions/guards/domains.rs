//! What can be known of a recipient's domain: whether it is on a list of those whose addresses are thrown away, and whether
//! it takes mail at all. When DNS does not answer in time the sign-up passes: a resolver that is down is no reader's fault.
use std::collections::BTreeSet;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};

use super::Mx;

/// Whether the list names a domain or one above it.
pub(super) fn is_listed(list: &BTreeSet<String>, domain: &str) -> bool {
    if list.is_empty() {
        return false;
    }
    let mut rest = Some(domain);
    while let Some(name) = rest {
        if list.contains(name) {
            return true;
        }
        rest = name.split_once('.').map(|(_, above)| above);
    }
    false
}

/// Asks DNS, if it is to be asked.
pub(super) struct Domains {
    ask: Option<(TokioResolver, Duration)>,
}

impl Domains {
    pub(super) fn new(settings: Option<&Mx>) -> Self {
        let ask = settings.and_then(|settings| match resolver(settings) {
            Ok(resolver) => Some((resolver, settings.timeout)),
            Err(error) => {
                tracing::error!(%error, "the system's resolvers cannot be found out, so no domain is looked at: name one with guards.dns_server");
                None
            }
        });
        Self { ask }
    }

    /// Whether a domain takes mail; also when that cannot be found out in time.
    pub(super) async fn take_mail(&self, domain: &str) -> bool {
        let Some((resolver, patience)) = &self.ask else { return true };
        tokio::time::timeout(*patience, takes_mail(resolver, domain)).await.unwrap_or(true)
    }
}

fn resolver(settings: &Mx) -> Result<TokioResolver, NetError> {
    let provider = TokioRuntimeProvider::default();
    let mut builder = match settings.server {
        None => TokioResolver::builder(provider)?,
        Some(server) => {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            for connection in &mut connections {
                connection.port = server.port();
            }
            let servers = vec![NameServerConfig::new(server.ip(), true, connections)];
            TokioResolver::builder_with_config(ResolverConfig::from_parts(None, Vec::new(), servers), provider)
        }
    };
    let options = builder.options_mut();
    options.timeout = settings.timeout;
    options.attempts = 1;
    builder.build()
}

/// RFC 5321 5.1: the domain's MX, or its address where it has none; RFC 7505: an MX of "." takes no mail.
async fn takes_mail(resolver: &TokioResolver, domain: &str) -> bool {
    // With the dot no search list of the system is tried.
    let name = format!("{domain}.");
    match resolver.lookup(name.as_str(), RecordType::MX).await {
        Ok(found) => {
            let mut exchanges = found.answers().iter().filter_map(|record| match &record.data {
                RData::MX(mx) => Some(mx.exchange.is_root()),
                _ => None,
            });
            // Only aliases, or only the null MX.
            !exchanges.clone().any(|null| null) || exchanges.any(|null| !null)
        }
        Err(error) if error.is_nx_domain() => false,
        Err(error) if error.is_no_records_found() => match resolver.lookup_ip(name.as_str()).await {
            Ok(_) => true,
            Err(error) => !error.is_no_records_found(),
        },
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_what_is_below_its_domains_too() {
        let list: BTreeSet<String> = ["gone.example", "brief.example.net"].map(str::to_owned).into();
        for domain in ["gone.example", "a.gone.example", "a.b.gone.example", "brief.example.net"] {
            assert!(is_listed(&list, domain), "{domain}");
        }
        for domain in ["example", "notgone.example", "example.net", "gone.example.org"] {
            assert!(!is_listed(&list, domain), "{domain}");
        }
    }
}
