//! `[smtp]`: the relays, how they share the mails, and what their and the recipients' operators allow.
use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Value;
use url::Url;

use super::{Reader, Secret};

/// How mails leave.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// The ordinary relay, if there is one.
    pub url: Option<Secret>,
    pub hello_name: String,
    pub share: Share,
    /// Further relays.
    pub relays: Vec<Relay>,
    pub domains: Vec<Domain>,
}

/// A further relay.
#[derive(Debug, Clone)]
pub struct Relay {
    pub name: String,
    pub url: Secret,
    pub share: Share,
}

/// What one relay gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub weight: u32,
    pub connections: usize,
    pub mails_per_connection: u32,
    pub per_minute: Option<u32>,
    pub per_day: Option<u32>,
    /// Caps of the first days of use.
    pub warm_up: Vec<u32>,
}

/// What recipients' domains want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// In A-labels; `*` is each that has no row of its own.
    pub domain: String,
    /// Mails to it in flight at once, of one process.
    pub connections: Option<usize>,
    pub per_minute: Option<u32>,
}

impl Smtp {
    /// Whether there is any relay.
    pub fn has_relay(&self) -> bool {
        self.url.is_some() || !self.relays.is_empty()
    }
}

/// A row of `[[smtp.relays]]` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RelayRow {
    name: String,
    #[serde(default)]
    url: String,
    url_file: Option<PathBuf>,
    #[serde(default = "one")]
    weight: i64,
    connections: Option<i64>,
    mails_per_connection: Option<i64>,
    #[serde(default)]
    per_minute: i64,
    #[serde(default)]
    per_day: i64,
    #[serde(default)]
    warm_up: Vec<i64>,
}

/// A row of `[[smtp.domains]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DomainRow {
    domain: String,
    #[serde(default)]
    connections: i64,
    #[serde(default)]
    per_minute: i64,
}

fn one() -> i64 {
    1
}

const MOST_CONNECTIONS: i64 = 1_000;
const MOST_PER_CONNECTION: i64 = 1_000_000;
const MOST_WEIGHT: i64 = 1_000;
const MOST_MAILS: i64 = 1_000_000_000;

impl Reader<'_> {
    /// Nothing when something is wrong; all of it is among the faults then.
    pub(super) fn smtp(&mut self, public_url: &str) -> Option<Smtp> {
        let hello_name = self.hello_name(public_url);
        let share = self.ordinary_share();
        let defaults = share.clone().unwrap_or(Share {
            weight: 1,
            connections: 1,
            mails_per_connection: 1,
            per_minute: None,
            per_day: None,
            warm_up: Vec::new(),
        });
        let relays = self.relays(&defaults);
        let domains = self.domains();
        Some(Smtp { url: self.optional("smtp", "url").map(Secret), hello_name, share: share?, relays, domains })
    }

    fn hello_name(&mut self, public_url: &str) -> String {
        self.domain("smtp", "hello_name")
            .or_else(|| Url::parse(public_url).ok()?.host_str().map(|host| host.trim_matches(['[', ']']).to_owned()))
            .unwrap_or_else(|| "localhost".to_owned())
    }

    fn ordinary_share(&mut self) -> Option<Share> {
        let connections = self.integer("smtp", "connections", 1, MOST_CONNECTIONS);
        let mails_per_connection = self.integer("smtp", "mails_per_connection", 1, MOST_PER_CONNECTION);
        let weight = self.integer("smtp", "weight", 1, MOST_WEIGHT);
        let [per_minute, per_day] =
            ["per_minute", "per_day"].map(|key| self.integer::<u32>("smtp", key, 0, MOST_MAILS));
        let list = self.values["smtp"]["warm_up"].as_array().cloned().unwrap_or_default();
        // From the environment numbers come as texts.
        let number = |value: &Value| value.as_integer().or_else(|| value.as_str()?.parse().ok()).unwrap_or(0);
        let warm_up = self.caps("smtp", &list.iter().map(number).collect::<Vec<_>>());
        Some(Share {
            weight: weight?,
            connections: connections?,
            mails_per_connection: mails_per_connection?,
            per_minute: unless_zero(per_minute?),
            per_day: unless_zero(per_day?),
            warm_up,
        })
    }

    fn relays(&mut self, defaults: &Share) -> Vec<Relay> {
        let mut relays = Vec::new();
        let mut names = BTreeSet::new();
        for (row, place) in self.rows::<RelayRow>("relays") {
            let is_name = |name: &str| {
                (1..=40).contains(&name.len())
                    && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            };
            let place = if is_name(&row.name) {
                format!("smtp.relays, {}", row.name)
            } else {
                self.faults.push(format!("{place}: name must be made of a to z, 0 to 9 and -, 40 at most"));
                place
            };
            if !names.insert(row.name.clone()) {
                self.faults.push(format!("{place}: there are two relays of this name"));
            }
            let url = self.relay_url(&place, &row);
            let share = Share {
                weight: self.within(&place, "weight", row.weight, 1, MOST_WEIGHT),
                connections: row.connections.map_or(defaults.connections, |number| {
                    self.within(&place, "connections", number, 1, MOST_CONNECTIONS) as usize
                }),
                mails_per_connection: row.mails_per_connection.map_or(defaults.mails_per_connection, |number| {
                    self.within(&place, "mails_per_connection", number, 1, MOST_PER_CONNECTION)
                }),
                per_minute: unless_zero(self.within(&place, "per_minute", row.per_minute, 0, MOST_MAILS)),
                per_day: unless_zero(self.within(&place, "per_day", row.per_day, 0, MOST_MAILS)),
                warm_up: self.caps(&place, &row.warm_up),
            };
            if let Some(url) = url {
                relays.push(Relay { name: row.name, url, share });
            }
        }
        relays
    }

    /// The environment goes before the file, the file before what is written here.
    fn relay_url(&mut self, place: &str, row: &RelayRow) -> Option<Secret> {
        let variable = format!("SMTP_URL_{}", row.name.to_ascii_uppercase().replace('-', "_"));
        if let Some(url) = self.env.get(&variable).filter(|url| !url.is_empty()) {
            return Some(Secret(url.trim().to_owned()));
        }
        if let Some(path) = &row.url_file {
            let text = std::fs::read_to_string(path);
            if let Err(error) = &text {
                self.faults.push(format!("{place}: url_file: {}: {error}", path.display()));
            }
            return text.ok().map(|text| Secret(text.trim().to_owned()));
        }
        if row.url.is_empty() {
            self.faults.push(format!("{place}: needs url or url_file, or {variable} in the environment"));
            return None;
        }
        // What cannot be read here is reported when the relay is needed, without being repeated.
        if Url::parse(&row.url).is_ok_and(|url| url.password().is_some()) {
            self.faults
                .push(format!("{place}: url has a password in it: use url_file, or {variable} in the environment"));
            return None;
        }
        Some(Secret(row.url.clone()))
    }

    fn domains(&mut self) -> Vec<Domain> {
        let mut domains = Vec::new();
        let mut names = BTreeSet::new();
        for (row, place) in self.rows::<DomainRow>("domains") {
            let name = if row.domain == "*" { Some("*".to_owned()) } else { ascii(&row.domain) };
            let Some(domain) = name else {
                self.faults.push(format!("{place}: domain must be a domain such as example.org, or *"));
                continue;
            };
            let place = format!("smtp.domains, {domain}");
            if !names.insert(domain.clone()) {
                self.faults.push(format!("{place}: there are two rows for it"));
            }
            let connections: u32 = self.within(&place, "connections", row.connections, 0, MOST_CONNECTIONS);
            let per_minute = self.within(&place, "per_minute", row.per_minute, 0, MOST_MAILS);
            if row.connections == 0 && row.per_minute == 0 {
                self.faults.push(format!("{place}: needs connections or per_minute"));
            }
            let connections = unless_zero(connections).map(|number| number as usize);
            domains.push(Domain { domain, connections, per_minute: unless_zero(per_minute) });
        }
        domains
    }

    /// The rows of a list of tables that can be read, each with how a fault names it.
    fn rows<T: DeserializeOwned>(&mut self, key: &str) -> Vec<(T, String)> {
        let list = self.values["smtp"][key].as_array().cloned().unwrap_or_default();
        let mut rows = Vec::new();
        for (index, value) in list.into_iter().enumerate() {
            let place = format!("smtp.{key}, entry {}", index + 1);
            match value.try_into() {
                Ok(row) => rows.push((row, place)),
                Err(error) => self.faults.push(format!("{place}: {}", error.message())),
            }
        }
        rows
    }

    fn caps(&mut self, place: &str, numbers: &[i64]) -> Vec<u32> {
        numbers.iter().map(|number| self.within(place, "each of warm_up", *number, 1, MOST_MAILS)).collect()
    }

    fn within(&mut self, place: &str, key: &str, number: i64, least: i64, most: i64) -> u32 {
        if !(least..=most).contains(&number) {
            self.faults.push(format!("{place}: {key} must be from {least} to {most}"));
        }
        u32::try_from(number).unwrap_or(0)
    }
}

fn ascii(domain: &str) -> Option<String> {
    idna::domain_to_ascii_strict(domain).ok().filter(|domain| !domain.is_empty())
}

fn unless_zero(number: u32) -> Option<u32> {
    Some(number).filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Write as _;

    use super::super::{Config, ConfigFaults, load};

    fn read(text: &str, env: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let env: BTreeMap<String, String> = env.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        load(Some(file.path()), &env)
    }

    #[test]
    fn one_relay_without_limits_is_the_ordinary_case() {
        let smtp = load(None, &BTreeMap::new()).unwrap().smtp;
        assert!(!smtp.has_relay() && smtp.domains.is_empty());
        assert_eq!((smtp.share.weight, smtp.share.per_minute, smtp.share.per_day), (1, None, None));
    }

    #[test]
    fn relays_and_domains_are_read() {
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), "smtps://u:hunter2@second.example.net\n").unwrap();
        let text = format!(
            r#"
[smtp]
url = "smtp://first.example.net"
weight = 3
connections = 8
per_minute = 600
per_day = 5000
warm_up = [200, 500]
[[smtp.relays]]
name = "second"
url_file = "{}"
[[smtp.relays]]
name = "in-house"
url = "smtp://localhost"
weight = 2
connections = 3
mails_per_connection = 7
per_minute = 60
per_day = 9
warm_up = [1, 2]
[[smtp.relays]]
name = "third-one"
[[smtp.domains]]
domain = "Bücher.example"
connections = 5
[[smtp.domains]]
domain = "*"
per_minute = 1200
"#,
            secret.path().display()
        );
        let config = read(&text, &[("SMTP_URL_THIRD_ONE", "smtp://a:hunter2@third.example.net")]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        let smtp = config.smtp;
        assert!(smtp.has_relay());
        assert_eq!((smtp.share.weight, smtp.share.per_minute, smtp.share.per_day), (3, Some(600), Some(5_000)));
        assert_eq!(smtp.share.warm_up, [200, 500]);
        let urls: Vec<&str> = smtp.relays.iter().map(|one| one.url.0.as_str()).collect();
        let third = "smtp://a:hunter2@third.example.net";
        assert_eq!(urls, ["smtps://u:hunter2@second.example.net", "smtp://localhost", third]);
        let (second, house) = (&smtp.relays[0].share, &smtp.relays[1].share);
        assert_eq!((second.weight, second.connections, second.per_minute), (1, 8, None), "connections as above");
        assert_eq!((house.weight, house.connections, house.mails_per_connection), (2, 3, 7));
        assert_eq!((house.per_minute, house.per_day, house.warm_up.as_slice()), (Some(60), Some(9), [1, 2].as_slice()));
        assert_eq!((smtp.domains[0].domain.as_str(), smtp.domains[0].connections), ("xn--bcher-kva.example", Some(5)));
        assert_eq!((smtp.domains[1].domain.as_str(), smtp.domains[1].per_minute), ("*", Some(1_200)));
    }

    #[test]
    fn the_environment_gives_numbers_and_lists_of_numbers() {
        let env = [("REGIMEN__SMTP__PER_DAY", "70"), ("REGIMEN__SMTP__WARM_UP", "10, 20")];
        let share = read("", &env).unwrap().smtp.share;
        assert_eq!((share.per_day, share.warm_up), (Some(70), vec![10, 20]));
        read("", &[("REGIMEN__SMTP__WARM_UP", "10, many")]).unwrap_err();
        read("", &[("REGIMEN__SMTP__RELAYS", "x")]).unwrap_err();
    }

    #[test]
    fn every_fault_is_found_and_no_secret_is_repeated() {
        let faults = read(
            r#"
[smtp]
weight = 0
per_minute = -1
warm_up = [5, 0]
[[smtp.relays]]
name = "one"
url = "smtp://u:hunter2@one.example.net"
weight = 0
[[smtp.relays]]
name = "one"
url = "smtp://one.example.net"
connections = 0
mails_per_connection = 0
per_day = -1
warm_up = [0]
[[smtp.relays]]
name = "No Name"
url = "smtp://x.example.net"
[[smtp.relays]]
name = "four"
[[smtp.relays]]
name = "five"
url_file = "/nowhere/at-all"
[[smtp.relays]]
name = "six"
password = "hunter2"
[[smtp.domains]]
domain = "no domain"
per_minute = 1
[[smtp.domains]]
domain = "example.org"
[[smtp.domains]]
domain = "EXAMPLE.org"
per_minute = 1
"#,
            &[],
        )
        .unwrap_err();
        let text = faults.to_string();
        assert!(!text.contains("hunter2"), "{text}");
        let expected = [
            "smtp.weight must be from 1",
            "smtp.per_minute must be from 0",
            "smtp: each of warm_up must be from 1",
            "one: url has a password in it: use url_file, or SMTP_URL_ONE",
            "one: weight must be from 1",
            "one: there are two relays of this name",
            "one: connections must be from 1",
            "one: mails_per_connection must be from 1",
            "one: per_day must be from 0",
            "one: each of warm_up must be from 1",
            "entry 3: name must be",
            "four: needs url or url_file, or SMTP_URL_FOUR",
            "five: url_file: /nowhere/at-all",
            "entry 6: unknown field `password`",
            "entry 1: domain must be",
            "example.org: needs connections or per_minute",
            "example.org: there are two rows",
        ];
        for part in expected {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert_eq!(faults.0.len(), expected.len(), "{text}");
    }
}
