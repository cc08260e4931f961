//! `[guards]`, and `web.trusted_proxies`: what keeps robots and list-bombers out.
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use serde::Deserialize;

use super::Reader;
use crate::actions::guards::{Limits, Mx, Proof, Settings};

/// A row of `[[guards.domains]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DomainRow {
    domain: String,
    per_hour: i64,
}

const MOST: i64 = 1_000_000_000;

impl Reader<'_> {
    /// Nothing when something is wrong; all of it is among the faults then.
    pub(super) fn guards(&mut self) -> Option<Settings> {
        let trusted_proxies = self.trusted_proxies();
        let [form_min_age, form_max_age, proof_expires, mx_timeout] =
            ["form_min_age", "form_max_age", "proof_expires", "mx_timeout"].map(|key| self.span("guards", key));
        let limits = self.guard_limits();
        let effort = self.integer("guards", "proof_effort", 1_000, 10_000_000);
        let without_script = self.integer("guards", "without_script", 0, MOST);
        let server = self.dns_server();
        let disposable = self.disposable_domains();
        if form_min_age.zip(form_max_age).is_some_and(|(least, most)| least >= most) {
            self.faults.push("guards.form_min_age must be shorter than guards.form_max_age".into());
        }
        let timeout = mx_timeout.map(|timeout| timeout.to_std().unwrap_or_default());
        if timeout.is_some_and(|timeout| timeout.as_secs() > 10) {
            self.faults.push("guards.mx_timeout must be at most 10s: a reader waits for the page so long".into());
        }
        let mx = Mx { timeout: timeout?, server };
        Some(Settings {
            trusted_proxies,
            spare_loopback: false,
            form_token: self.flag("guards", "form_token"),
            form_min_age: form_min_age?,
            form_max_age: form_max_age?,
            limits: limits?,
            proof: Proof {
                required: self.flag("guards", "proof_of_work"),
                effort: effort?,
                expires: proof_expires?,
                without_script: without_script?,
            },
            mx: self.flag("guards", "mx_check").then_some(mx),
            disposable: Arc::new(disposable),
        })
    }

    fn trusted_proxies(&mut self) -> Vec<IpNet> {
        let mut networks = Vec::new();
        for (number, text) in self.texts("web", "trusted_proxies").into_iter().enumerate() {
            let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            match network {
                Ok(network) => networks.push(network.trunc()),
                Err(_) => self.faults.push(format!(
                    "web.trusted_proxies, entry {}: must be a network such as 10.0.0.0/8 or an address",
                    number + 1
                )),
            }
        }
        networks
    }

    fn guard_limits(&mut self) -> Option<Limits> {
        let [network, range, domain, large_domain] = ["per_network", "per_range", "per_domain", "per_large_domain"]
            .map(|key| self.integer::<u32>("guards", key, 0, MOST));
        let mut large_domains = BTreeSet::new();
        for (number, text) in self.texts("guards", "large_domains").into_iter().enumerate() {
            match ascii(&text) {
                Some(domain) => drop(large_domains.insert(domain)),
                None => self.faults.push(format!("guards.large_domains, entry {}: must be a domain", number + 1)),
            }
        }
        let domains = self.guarded_domains();
        Some(Limits {
            network: network?,
            range: range?,
            domain: domain?,
            large_domain: large_domain?,
            large_domains: Arc::new(large_domains),
            domains: Arc::new(domains),
        })
    }

    fn guarded_domains(&mut self) -> BTreeMap<String, u32> {
        let rows = self.values["guards"]["domains"].as_array().cloned().unwrap_or_default();
        let mut domains = BTreeMap::new();
        for (number, row) in rows.into_iter().enumerate() {
            let place = format!("guards.domains, entry {}", number + 1);
            let row: DomainRow = match row.try_into() {
                Ok(row) => row,
                Err(error) => {
                    self.faults.push(format!("{place}: {}", error.message()));
                    continue;
                }
            };
            let limit = u32::try_from(row.per_hour).ok().filter(|_| (0..=MOST).contains(&row.per_hour));
            match (ascii(&row.domain), limit) {
                (Some(domain), Some(limit)) => {
                    if domains.insert(domain, limit).is_some() {
                        self.faults.push(format!("{place}: there are two rows for this domain"));
                    }
                }
                (None, _) => self.faults.push(format!("{place}: domain must be a domain such as example.org")),
                (_, None) => self.faults.push(format!("{place}: per_hour must be from 0 to {MOST}")),
            }
        }
        domains
    }

    /// An address, with or without a port.
    fn dns_server(&mut self) -> Option<SocketAddr> {
        let text = self.optional("guards", "dns_server")?;
        let server = text.parse().or_else(|_| text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53)));
        if server.is_err() {
            self.faults.push("guards.dns_server must be an address such as 192.0.2.53 or 127.0.0.1:5353".into());
        }
        server.ok()
    }

    /// One domain a line; a # begins a comment.
    fn disposable_domains(&mut self) -> BTreeSet<String> {
        let Some(path) = self.optional("guards", "disposable_domains_file") else { return BTreeSet::new() };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                self.faults.push(format!("guards.disposable_domains_file: {path}: {error}"));
                return BTreeSet::new();
            }
        };
        let mut domains = BTreeSet::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            match ascii(line) {
                Some(domain) => drop(domains.insert(domain)),
                None => self.faults.push(format!(
                    "guards.disposable_domains_file: {path}:{}: not a domain such as example.org",
                    number + 1
                )),
            }
        }
        domains
    }

    pub(super) fn flag(&self, section: &str, key: &str) -> bool {
        self.values[section][key].as_bool().unwrap_or_default()
    }

    fn texts(&self, section: &str, key: &str) -> Vec<String> {
        let list = self.values[section][key].as_array().cloned().unwrap_or_default();
        list.iter().map(|one| one.as_str().unwrap_or_default().trim().to_owned()).collect()
    }
}

fn ascii(domain: &str) -> Option<String> {
    idna::domain_to_ascii_strict(domain.trim()).ok().filter(|domain| !domain.is_empty())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::config::load;
    use crate::config::tests::env;

    #[test]
    fn the_defaults_are_those_of_the_code_and_know_large_providers() {
        let (config, code) = (load(None, &BTreeMap::new()).unwrap().guards, Settings::default());
        assert!(config.form_token && config.trusted_proxies.is_empty() && !config.spare_loopback);
        assert_eq!((config.form_min_age, config.form_max_age), (code.form_min_age, code.form_max_age));
        let of = |limits: &Limits| [limits.network, limits.range, limits.domain, limits.large_domain];
        assert_eq!(of(&config.limits), of(&code.limits));
        assert!(config.limits.large_domains.contains("gmail.com"));
        let of = |proof: &Proof| (proof.required, proof.effort, proof.expires, proof.without_script);
        assert_eq!(of(&config.proof), of(&code.proof));
        assert!(config.mx.is_none() && config.disposable.is_empty());
    }

    #[test]
    fn all_that_can_be_set_is_read() {
        let mut list = tempfile::NamedTempFile::new().unwrap();
        writeln!(list, "# thrown away\nGone.example  # since 2026\n\nbücher.example").unwrap();
        let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        writeln!(file, "[[guards.domains]]\ndomain = \"Hospital.example\"\nper_hour = 900").unwrap();
        let list = list.path().to_str().unwrap().to_owned();
        let set = env(&[
            ("REGIMEN__WEB__TRUSTED_PROXIES", "10.1.2.3/8, 2001:db8::/32, 192.0.2.1"),
            ("REGIMEN__GUARDS__DISPOSABLE_DOMAINS_FILE", &list),
            ("REGIMEN__GUARDS__MX_CHECK", "true"),
            ("REGIMEN__GUARDS__DNS_SERVER", "192.0.2.53"),
            ("REGIMEN__GUARDS__PROOF_OF_WORK", "true"),
            ("REGIMEN__GUARDS__LARGE_DOMAINS", "Example.com"),
        ]);
        let guards = load(Some(file.path()), &set).unwrap().guards;
        let networks: Vec<String> = guards.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32"]);
        assert_eq!(guards.disposable.iter().collect::<Vec<_>>(), ["gone.example", "xn--bcher-kva.example"]);
        assert_eq!(guards.mx.unwrap().server, Some("192.0.2.53:53".parse().unwrap()));
        assert!(guards.proof.required && guards.limits.large_domains.contains("example.com"));
        assert_eq!(guards.limits.domains.get("hospital.example"), Some(&900));
    }

    #[test]
    fn every_fault_is_told() {
        let mut list = tempfile::NamedTempFile::new().unwrap();
        writeln!(list, "gone.example\nnot a domain").unwrap();
        let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        let rows = "[[guards.domains]]\ndomain = \"a b\"\nper_hour = 1\n[[guards.domains]]\ndomain = \"example.org\"\nper_hour = -1\n[[guards.domains]]\nname = \"x\"";
        writeln!(file, "{rows}").unwrap();
        let list = list.path().to_str().unwrap().to_owned();
        let set = env(&[
            ("REGIMEN__WEB__TRUSTED_PROXIES", "10.0.0.0/8, proxy.example.org"),
            ("REGIMEN__GUARDS__FORM_MIN_AGE", "2d"),
            ("REGIMEN__GUARDS__PER_NETWORK", "-1"),
            ("REGIMEN__GUARDS__LARGE_DOMAINS", "example.org, a b"),
            ("REGIMEN__GUARDS__PROOF_EFFORT", "1"),
            ("REGIMEN__GUARDS__WITHOUT_SCRIPT", "-1"),
            ("REGIMEN__GUARDS__MX_TIMEOUT", "1m"),
            ("REGIMEN__GUARDS__DNS_SERVER", "localhost"),
            ("REGIMEN__GUARDS__DISPOSABLE_DOMAINS_FILE", &list),
            ("REGIMEN__GUARDS__FORM_TOKEN", "perhaps"),
        ]);
        let faults = load(Some(file.path()), &set).unwrap_err();
        assert_eq!(faults.0.len(), 13, "{faults}");
        assert!(faults.to_string().contains(":2: not a domain"), "{faults}");
    }
}
