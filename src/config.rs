//! The configuration: embedded defaults ← a file ← the environment. Unknown keys are refused, and every fault is reported
//! at once. Secrets come from the environment or from files only, and are never printed.
mod smtp;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use serde::Deserialize;
use toml::{Table, Value};
use url::Url;

use crate::actions::sign_up::Limits;
use crate::actions::tidy::OnUncertain;
use crate::links::LinkKey;
use crate::model::EmailAddress;
use crate::seal::Keyring;

pub use smtp::{Domain, Relay, Share, Smtp};

/// Every key with its default and its meaning.
pub const DEFAULTS: &str = include_str!("../config/default.toml");

/// A text that must not be shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

/// The checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    pub database_url: Option<Secret>,
    pub max_connections: u32,
    pub database_wait: Duration,
    pub bind: SocketAddr,
    /// Without a trailing slash; empty when it is not set.
    pub public_url: String,
    pub smtp: Smtp,
    pub bounce_domain: Option<String>,
    /// `mailto:…`
    pub unsubscribe_mailto: Option<String>,
    pub dkim: Vec<Dkim>,
    pub content_folder: Option<PathBuf>,
    pub sign_up: SignUp,
    pub dispatch: Dispatch,
    pub schedule: Schedule,
    pub retention: Retention,
    pub editors: Vec<EmailAddress>,
    pub seal_keys: Option<Keyring>,
    pub link_key: Option<LinkKey>,
    pub admin_token: Option<Secret>,
    pub log_level: String,
    pub log_json: bool,
}

#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Dkim {
    pub domain: String,
    pub selector: String,
    pub key_file: PathBuf,
}

#[derive(Debug, Clone)]
pub struct SignUp {
    pub confirm_expires: TimeDelta,
    pub reminder_after: TimeDelta,
    pub pending_kept: TimeDelta,
    pub confirmations_per_day: i64,
    pub already_cooldown: TimeDelta,
    pub limits: Limits,
}

#[derive(Debug, Clone)]
pub struct Dispatch {
    pub batch: i64,
    pub micro_batch: usize,
    pub lease: TimeDelta,
    pub poll: Duration,
    pub max_tries: u16,
    pub on_uncertain: OnUncertain,
    pub farewell: Duration,
}

/// Cron expressions, checked.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub dispatch: String,
    pub reminders: String,
    pub reap: String,
    pub clean_up: String,
}

/// How long history is kept.
#[derive(Debug, Clone)]
pub struct Retention {
    /// Attempts of deliveries that have come to an end.
    pub attempts: TimeDelta,
    /// Deliveries of enrollments that have.
    pub ended: TimeDelta,
}

/// All that is wrong with the configuration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the configuration has {} fault{}:\n  {}", .0.len(), if .0.len() == 1 { "" } else { "s" }, .0.join("\n  "))]
pub struct ConfigFaults(pub Vec<String>);

/// Reads the configuration from the defaults, `file` and `env`.
pub fn load(file: Option<&Path>, env: &BTreeMap<String, String>) -> Result<Config, ConfigFaults> {
    let mut faults = Vec::new();
    let mut values: Table = DEFAULTS.parse().expect("the embedded defaults are TOML");
    if let Some(path) = file {
        match read_table(path) {
            Ok(table) => merge(&mut values, table, "", &path.display().to_string(), &mut faults),
            Err(fault) => faults.push(fault),
        }
    }
    merge_environment(&mut values, env, &mut faults);
    let config = Reader { values, env, faults: &mut faults }.config();
    match config {
        Some(config) if faults.is_empty() => Ok(config),
        _ => Err(ConfigFaults(faults)),
    }
}

/// The environment of this process, without what is not text.
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn read_table(path: &Path) -> Result<Table, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        format!("{}:{line}: {}", path.display(), error.message())
    })
}

/// Lays `from` over `into`. Every key there is stands in the defaults, with the type it must have.
fn merge(into: &mut Table, from: Table, prefix: &str, source: &str, faults: &mut Vec<String>) {
    for (key, value) in from {
        let name = format!("{prefix}{key}");
        match (into.get_mut(&key), value) {
            (None, _) => {
                let known: Vec<&str> = into.keys().map(String::as_str).collect();
                faults.push(format!("{source}: unknown key {name}; known here: {}", known.join(", ")));
            }
            (Some(Value::Table(into)), Value::Table(value)) => {
                merge(into, value, &format!("{name}."), source, faults);
            }
            (Some(old), value) if old.same_type(&value) => *old = value,
            (Some(old), value) => {
                faults.push(format!("{source}: {name} must be a {}, not a {}", old.type_str(), value.type_str()));
            }
        }
    }
}

const PREFIX: &str = "REGIMEN__";
const PLAIN_NAMES: [(&str, &str, &str); 4] = [
    ("DATABASE_URL", "database", "url"),
    ("SMTP_URL", "smtp", "url"),
    ("PUBLIC_URL", "web", "public_url"),
    ("BIND", "web", "bind"),
];

/// Plain names first, so that the structured ones win when both are set.
fn merge_environment(values: &mut Table, env: &BTreeMap<String, String>, faults: &mut Vec<String>) {
    for (name, section, key) in PLAIN_NAMES {
        if let Some(value) = env.get(name).filter(|value| !value.is_empty()) {
            set(values, section, key, value, name, faults);
        }
    }
    for (name, value) in env {
        let Some(path) = name.strip_prefix(PREFIX) else { continue };
        match path.to_ascii_lowercase().split_once("__") {
            Some((section, key)) => set(values, section, key, value, name, faults),
            None => faults.push(format!("{name}: should look like {PREFIX}WEB__BIND")),
        }
    }
}

fn set(values: &mut Table, section: &str, key: &str, text: &str, name: &str, faults: &mut Vec<String>) {
    let Some(old) = values.get_mut(section).and_then(|section| section.get_mut(key)) else {
        faults.push(format!("{name}: there is no key {section}.{key}"));
        return;
    };
    let new = match old {
        Value::String(_) => Some(Value::String(text.to_owned())),
        Value::Integer(_) => text.parse().ok().map(Value::Integer),
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        // Lists of texts are comma-separated; a list of tables only a file can give.
        Value::Array(_) if !["dkim", "relays", "domains"].contains(&key) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Some(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
        }
        _ => None,
    };
    match new {
        Some(new) => *old = new,
        None => faults.push(format!("{name}: must be a {}", old.type_str())),
    }
}

/// Takes typed values out of the merged table and notes what is wrong with them.
struct Reader<'a> {
    values: Table,
    env: &'a BTreeMap<String, String>,
    faults: &'a mut Vec<String>,
}

impl Reader<'_> {
    fn config(mut self) -> Option<Config> {
        let bind = self.parsed::<SocketAddr>("web", "bind", "an address and port such as 127.0.0.1:8080");
        let public_url = self.public_url();
        let smtp = self.smtp(&public_url);
        let max_connections = self.max_connections();
        let sign_up = self.sign_up(max_connections);
        let dispatch = self.dispatch();
        let schedule = self.schedule();
        let retention = self.retention();
        let dkim = self.dkim();
        let editors = self.editors();
        let seal_keys = self.seal_keys();
        let link_key = self.link_key();
        let admin_token = self.admin_token();
        let database_wait = self.span("database", "wait").map(|wait| wait.to_std().unwrap_or_default());
        let bounce_domain = self.domain("mail", "bounce_domain");
        let unsubscribe_mailto = self.mailto();
        let log_level = self.log_level();
        let log_json = self.one_of("log", "format", &["text", "json"]) == 1;
        // Nothing is given up before all is looked at, so that every fault is among those reported.
        Some(Config {
            database_url: self.optional("database", "url").map(Secret),
            max_connections: max_connections?,
            database_wait: database_wait?,
            bind: bind?,
            public_url,
            smtp: smtp?,
            bounce_domain,
            unsubscribe_mailto,
            dkim,
            content_folder: self.optional("content", "folder").map(PathBuf::from),
            sign_up: sign_up?,
            dispatch: dispatch?,
            schedule,
            retention: retention?,
            editors,
            seal_keys,
            link_key,
            admin_token,
            log_level,
            log_json,
        })
    }

    fn max_connections(&mut self) -> Option<u32> {
        let set: u32 = self.integer("database", "max_connections", 0, 1_000)?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let by_cores = 16 + 4 * u32::try_from(cores.min(20)).unwrap_or(1);
        if (1..4).contains(&set) {
            self.faults.push("database.max_connections must be at least 4, or 0".into());
        }
        Some(if set == 0 { by_cores } else { set })
    }

    fn sign_up(&mut self, all_connections: Option<u32>) -> Option<SignUp> {
        let confirmations = self.integer("sign_up", "confirmations_per_day", 1, 100);
        let [confirm_expires, reminder_after, pending_kept, already_cooldown] =
            ["confirm_expires", "reminder_after", "pending_kept", "already_cooldown"]
                .map(|key| self.span("sign_up", key));
        let limits = self.sign_up_limits(all_connections);
        let sign_up = SignUp {
            confirm_expires: confirm_expires?,
            reminder_after: reminder_after?,
            pending_kept: pending_kept?,
            confirmations_per_day: confirmations?,
            already_cooldown: already_cooldown?,
            limits: limits.clone().unwrap_or_default(),
        };
        if sign_up.reminder_after >= sign_up.confirm_expires {
            self.faults.push("sign_up.reminder_after must be shorter than sign_up.confirm_expires".into());
        }
        if sign_up.pending_kept < sign_up.confirm_expires {
            self.faults.push("sign_up.pending_kept must not be shorter than sign_up.confirm_expires".into());
        }
        // Only now, so that these faults are told with those of the limits.
        limits.map(|_| sign_up)
    }

    fn sign_up_limits(&mut self, all_connections: Option<u32>) -> Option<Limits> {
        let set = self.integer::<usize>("sign_up", "connections", 0, 1_000);
        let most_waiting = self.integer("sign_up", "most_waiting", 1, 100_000);
        let written_together = self.integer("sign_up", "written_together", 1, 1_000);
        let longest_wait = self.span("sign_up", "longest_wait").map(|wait| wait.to_std().unwrap_or_default());
        if longest_wait.is_some_and(|wait| wait > Duration::from_secs(5)) {
            self.faults.push("sign_up.longest_wait must be at most 5s: a reader waits for the page so long".into());
        }
        let half = usize::try_from(all_connections? / 2).unwrap_or(usize::MAX);
        if set.is_some_and(|set| set == 1 || set > half) {
            self.faults.push(format!(
                "sign_up.connections must be from 2 to {half}, half of database.max_connections, or 0: sending has the others"
            ));
        }
        let connections = set.map(|set| if set == 0 { half.min(4) } else { set });
        Some(Limits {
            connections: connections?,
            most_waiting: most_waiting?,
            longest_wait: longest_wait?,
            written_together: written_together?,
        })
    }

    fn dispatch(&mut self) -> Option<Dispatch> {
        let lease = self.span("dispatch", "lease");
        if lease.is_some_and(|lease| lease < TimeDelta::seconds(5)) {
            self.faults.push("dispatch.lease must be at least 5s".into());
        }
        let on_uncertain = match self.one_of("dispatch", "on_uncertain", &["resend", "hold"]) {
            0 => OnUncertain::Resend,
            _ => OnUncertain::Hold,
        };
        let batch = self.integer("dispatch", "batch", 1, 1_000);
        let micro_batch = self.integer("dispatch", "micro_batch", 1, 20);
        let max_tries = self.integer("dispatch", "max_tries", 1, 100);
        let [poll, farewell] =
            ["poll", "farewell"].map(|key| self.span("dispatch", key).map(|span| span.to_std().unwrap_or_default()));
        Some(Dispatch {
            batch: batch?,
            micro_batch: micro_batch?,
            lease: lease?,
            poll: poll?,
            max_tries: max_tries?,
            on_uncertain,
            farewell: farewell?,
        })
    }

    fn schedule(&mut self) -> Schedule {
        let mut cron = |key: &str| {
            let text = self.text("schedule", key);
            if let Err(error) =
                croner::parser::CronParser::builder().seconds(croner::parser::Seconds::Required).build().parse(&text)
            {
                self.faults.push(format!("schedule.{key}: not a cron expression with seconds ({error})"));
            }
            text
        };
        Schedule {
            dispatch: cron("dispatch"),
            reminders: cron("reminders"),
            reap: cron("reap"),
            clean_up: cron("clean_up"),
        }
    }

    fn retention(&mut self) -> Option<Retention> {
        let [attempts, ended] = ["attempts", "ended"].map(|key| self.span("retention", key));
        let retention = Retention { attempts: attempts?, ended: ended? };
        // The caps of sign-up count deliveries of the last days, also those of an enrollment that has ended.
        if retention.attempts < TimeDelta::days(7) || retention.ended < TimeDelta::days(7) {
            self.faults.push("retention.attempts and retention.ended must be at least 7d".into());
        }
        if retention.attempts > retention.ended {
            self.faults.push(
                "retention.attempts must not be longer than retention.ended: attempts go with their deliveries".into(),
            );
        }
        Some(retention)
    }

    fn public_url(&mut self) -> String {
        let text = self.text("web", "public_url").trim_end_matches('/').to_owned();
        if text.is_empty() {
            return text;
        }
        match Url::parse(&text) {
            Ok(url)
                if matches!(url.scheme(), "http" | "https")
                    && url.host().is_some()
                    && url.query().is_none()
                    && url.fragment().is_none()
                    && url.username().is_empty() => {}
            _ => self.faults.push("web.public_url must be a plain address such as https://series.example.org".into()),
        }
        text
    }

    fn hello_name(&mut self, public_url: &str) -> String {
        self.domain("smtp", "hello_name")
            .or_else(|| Url::parse(public_url).ok()?.host_str().map(|host| host.trim_matches(['[', ']']).to_owned()))
            .unwrap_or_else(|| "localhost".to_owned())
    }

    fn domain(&mut self, section: &str, key: &str) -> Option<String> {
        let text = self.optional(section, key)?;
        let ascii = idna::domain_to_ascii_strict(&text).ok();
        if ascii.is_none() {
            self.faults.push(format!("{section}.{key} must be a domain such as mail.example.org"));
        }
        ascii
    }

    /// A level, or levels by module. A word that is neither would be taken for a module's name, and all be silent.
    fn log_level(&mut self) -> String {
        let text = self.text("log", "level");
        let level = |part: &str| part.rsplit('=').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !text
            .split(',')
            .all(|part| ["off", "error", "warn", "info", "debug", "trace"].contains(&level(part).as_str()))
        {
            self.faults
                .push("log.level must be a level such as info, or a filter such as regimen=debug,sqlx=warn".into());
        }
        text
    }

    fn mailto(&mut self) -> Option<String> {
        let text = self.optional("mail", "unsubscribe_mailto")?;
        match EmailAddress::parse(&text) {
            Ok(address) => Some(format!("mailto:{}?subject=unsubscribe", address.as_typed())),
            Err(error) => {
                self.faults.push(format!("mail.unsubscribe_mailto: {error}"));
                None
            }
        }
    }

    fn dkim(&mut self) -> Vec<Dkim> {
        let Some(value) = self.values.get("mail").and_then(|mail| mail.get("dkim")).cloned() else { return Vec::new() };
        value.try_into().unwrap_or_else(|error: toml::de::Error| {
            self.faults.push(format!("mail.dkim: {}", error.message()));
            Vec::new()
        })
    }

    fn editors(&mut self) -> Vec<EmailAddress> {
        let list = self.values["admin"]["editors"].as_array().cloned().unwrap_or_default();
        let mut editors = Vec::new();
        for (index, entry) in list.iter().enumerate() {
            match entry.as_str().map(EmailAddress::parse) {
                Some(Ok(address)) => editors.push(address),
                Some(Err(error)) => self.faults.push(format!("admin.editors, entry {}: {error}", index + 1)),
                None => self.faults.push(format!("admin.editors, entry {}: must be a string", index + 1)),
            }
        }
        editors
    }

    fn seal_keys(&mut self) -> Option<Keyring> {
        let text = self.secret("SEAL_KEYS", "seal_keys_file")?;
        Keyring::parse(&text).map_err(|error| self.faults.push(format!("SEAL_KEYS: {error}"))).ok()
    }

    fn link_key(&mut self) -> Option<LinkKey> {
        let text = self.secret("LINK_KEY", "link_key_file")?;
        let key = LinkKey::parse(&text);
        if key.is_none() {
            self.faults.push("LINK_KEY must have at least 32 characters (several keys are comma-separated); `regimen keys` makes one".into());
        }
        key
    }

    fn admin_token(&mut self) -> Option<Secret> {
        let text = self.secret("ADMIN_TOKEN", "admin_token_file")?;
        if text.len() < 32 {
            self.faults.push("ADMIN_TOKEN must have at least 32 characters; `regimen keys` makes one".into());
        }
        Some(Secret(text))
    }

    /// From the environment, else from the file that the configuration names.
    fn secret(&mut self, name: &str, file_key: &str) -> Option<String> {
        if let Some(value) = self.env.get(name).filter(|value| !value.is_empty()) {
            return Some(value.trim().to_owned());
        }
        let path = self.optional("secrets", file_key)?;
        match std::fs::read_to_string(&path) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(error) => {
                self.faults.push(format!("secrets.{file_key}: {path}: {error}"));
                None
            }
        }
    }

    fn text(&self, section: &str, key: &str) -> String {
        self.values[section][key].as_str().unwrap_or_default().trim().to_owned()
    }

    fn optional(&self, section: &str, key: &str) -> Option<String> {
        Some(self.text(section, key)).filter(|text| !text.is_empty())
    }

    fn parsed<T: FromStr>(&mut self, section: &str, key: &str, like: &str) -> Option<T> {
        let parsed = self.text(section, key).parse().ok();
        if parsed.is_none() {
            self.faults.push(format!("{section}.{key} must be {like}"));
        }
        parsed
    }

    fn one_of(&mut self, section: &str, key: &str, words: &[&str]) -> usize {
        let text = self.text(section, key);
        words.iter().position(|word| *word == text).unwrap_or_else(|| {
            self.faults.push(format!("{section}.{key} must be one of {}", words.join(", ")));
            0
        })
    }

    fn integer<T: TryFrom<i64>>(&mut self, section: &str, key: &str, least: i64, most: i64) -> Option<T> {
        let number = self.values[section][key].as_integer().unwrap_or(i64::MIN);
        let fits = (least..=most).contains(&number).then(|| T::try_from(number).ok()).flatten();
        if fits.is_none() {
            self.faults.push(format!("{section}.{key} must be from {least} to {most}"));
        }
        fits
    }

    fn span(&mut self, section: &str, key: &str) -> Option<TimeDelta> {
        let span = humantime::parse_duration(&self.text(section, key)).ok();
        let span = span.and_then(|span| TimeDelta::from_std(span).ok());
        match span {
            Some(span) if span > TimeDelta::zero() && span <= TimeDelta::days(3650) => Some(span),
            _ => {
                self.faults.push(format!("{section}.{key} must be a span of time such as 30s, 5m, 2h or 3d"));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_defaults_are_a_configuration() {
        let config = load(None, &BTreeMap::new()).unwrap();
        assert_eq!(config.bind.port(), 8080);
        assert_eq!(config.dispatch.on_uncertain, OnUncertain::Resend);
    }

    #[test]
    fn the_environment_overrides_the_file_and_the_file_the_defaults() {
        let folder = std::env::temp_dir().join(format!("regimen-config-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("regimen.toml");
        std::fs::write(&file, "[web]\nbind = \"127.0.0.1:1\"\n[smtp]\nconnections = 9\n").unwrap();
        let config = load(Some(&file), &env(&[("BIND", "127.0.0.1:2")])).unwrap();
        assert_eq!((config.bind.port(), config.smtp.share.connections), (2, 9));
        let both = env(&[("BIND", "127.0.0.1:2"), ("REGIMEN__WEB__BIND", "127.0.0.1:3")]);
        assert_eq!(load(Some(&file), &both).unwrap().bind.port(), 3);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn all_faults_are_reported_at_once_and_no_secret_is_repeated() {
        let faults = load(
            None,
            &env(&[
                ("REGIMEN__WEB__BINT", "x"),
                ("REGIMEN__DISPATCH__MICRO_BATCH", "21"),
                ("REGIMEN__DISPATCH__ON_UNCERTAIN", "maybe"),
                ("REGIMEN__SCHEDULE__REAP", "* *"),
                ("REGIMEN__SIGN_UP__REMINDER_AFTER", "9d"),
                ("REGIMEN__SIGN_UP__CONNECTIONS", "1"),
                ("REGIMEN__SIGN_UP__MOST_WAITING", "0"),
                ("REGIMEN__SIGN_UP__LONGEST_WAIT", "1m"),
                ("REGIMEN__SIGN_UP__WRITTEN_TOGETHER", "0"),
                ("ADMIN_TOKEN", "hunter2"),
                ("SEAL_KEYS", "hunter2"),
                ("PUBLIC_URL", "ftp://example.org"),
                ("REGIMEN__ADMIN__EDITORS", "editor@example.org, nobody"),
                ("REGIMEN__SMTP__CONNECTIONS", "0"),
                ("REGIMEN__SMTP__MAILS_PER_CONNECTION", "0"),
                ("REGIMEN__DATABASE__WAIT", "soon"),
                ("REGIMEN__MAIL__BOUNCE_DOMAIN", "not a domain"),
                ("REGIMEN__LOG__FORMAT", "xml"),
                ("REGIMEN__LOG__LEVEL", "loud"),
            ]),
        )
        .unwrap_err();
        assert_eq!(faults.0.len(), 19, "{faults}");
        let text = faults.to_string();
        assert!(!text.contains("hunter2"), "{text}");
        for part in
            ["web.bint", "micro_batch", "on_uncertain", "schedule.reap", "reminder_after", "ADMIN_TOKEN", "entry 2"]
        {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }

    #[test]
    fn history_is_kept_for_days_and_attempts_no_longer_than_their_deliveries() {
        let kept = |attempts: &str, ended: &str| {
            load(None, &env(&[("REGIMEN__RETENTION__ATTEMPTS", attempts), ("REGIMEN__RETENTION__ENDED", ended)]))
        };
        assert_eq!(kept("7d", "7d").unwrap().retention.ended, TimeDelta::days(7));
        assert_eq!(kept("3d", "30d").unwrap_err().0.len(), 1);
        assert_eq!(kept("40d", "30d").unwrap_err().0.len(), 1);
        assert_eq!(kept("never", "soon").unwrap_err().0.len(), 2);
    }

    #[test]
    fn a_log_level_is_a_level_or_a_filter() {
        for level in ["info", "TRACE", "off", "regimen=debug,sqlx=warn", "warn, regimen::web=trace"] {
            assert_eq!(load(None, &env(&[("REGIMEN__LOG__LEVEL", level)])).unwrap().log_level, level);
        }
        for level in ["", "loud", "regimen=loud", "info,loud"] {
            load(None, &env(&[("REGIMEN__LOG__LEVEL", level)])).unwrap_err();
        }
    }

    #[test]
    fn two_faulty_spans_of_a_section_are_both_reported() {
        let faulty = [("REGIMEN__SIGN_UP__CONFIRM_EXPIRES", "x"), ("REGIMEN__SIGN_UP__ALREADY_COOLDOWN", "y")];
        assert_eq!(load(None, &env(&faulty)).unwrap_err().0.len(), 2);
    }

    #[test]
    fn a_configuration_in_debug_output_shows_no_secret() {
        let config = load(
            None,
            &env(&[
                ("DATABASE_URL", "postgresql://u:hunter2@localhost/x"),
                ("SMTP_URL", "smtp://u:hunter2@localhost"),
                ("ADMIN_TOKEN", "hunter2hunter2hunter2hunter2hunter2"),
                ("LINK_KEY", "hunter2hunter2hunter2hunter2hunter2"),
                ("SEAL_KEYS", &Keyring::generate(1, [7; 32])),
            ]),
        )
        .unwrap();
        let shown = format!("{config:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("Bw"), "{shown}");
    }
}
