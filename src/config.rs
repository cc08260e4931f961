//! The configuration: embedded defaults ← a file ← the environment. Unknown keys are refused, and every fault is reported
//! at once. Secrets come from the environment or from files only, and are never printed.
//!
//! `layers` puts the three together, `reader` takes typed values out, and each larger section has a file of its name.
mod dispatch;
mod embed;
mod guards;
mod layers;
mod mail;
mod oidc;
mod reader;
mod retention;
mod schedule;
mod secrets;
mod sign_up;
mod smtp;
mod telemetry;
mod webhooks;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use crate::actions::admins::Settings as Admins;
use crate::actions::guards::Settings as Guards;
use crate::actions::webhooks::Settings as Webhooks;
use crate::links::LinkKey;
use crate::model::{EmailAddress, EmbedOrigin};
use crate::seal::Keyring;

pub use dispatch::Dispatch;
pub use mail::Dkim;
pub use oidc::{Oidc, is_https_or_loopback};
use reader::Reader;
pub use retention::Retention;
pub use schedule::Schedule;
pub use secrets::Secret;
pub use sign_up::SignUp;
pub use smtp::{Domain, Relay, Share, Smtp};
pub use telemetry::Telemetry;

/// Every key with its default and its meaning.
pub const DEFAULTS: &str = include_str!("../config/default.toml");

/// The checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    pub database_url: Option<Secret>,
    pub max_connections: u32,
    pub database_wait: Duration,
    pub bind: SocketAddr,
    /// Where the metrics are served, if they are.
    pub metrics_bind: Option<SocketAddr>,
    /// Without a trailing slash; empty when it is not set.
    pub public_url: String,
    /// The sites that the sign-up box may stand on.
    pub embed_origins: Vec<EmbedOrigin>,
    pub smtp: Smtp,
    pub bounce_domain: Option<String>,
    /// `mailto:…`
    pub unsubscribe_mailto: Option<String>,
    pub dkim: Vec<Dkim>,
    pub content_folder: Option<PathBuf>,
    pub sign_up: SignUp,
    pub guards: Guards,
    pub dispatch: Dispatch,
    pub schedule: Schedule,
    pub retention: Retention,
    pub admins: Admins,
    pub webhooks: Webhooks,
    pub editors: Vec<EmailAddress>,
    /// Calls of the API that a token has in a minute, of this process; 0 is no limit.
    pub calls_per_minute: u32,
    /// The largest file of readers that comes over the web, in megabytes.
    pub import_megabytes: u32,
    pub seal_keys: Option<Keyring>,
    pub oidc: Option<Oidc>,
    pub link_key: Option<LinkKey>,
    pub admin_token: Option<Secret>,
    pub telemetry: Option<Telemetry>,
    pub log_level: String,
    pub log_json: bool,
}

/// All that is wrong with the configuration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the configuration has {} fault{}:\n  {}", .0.len(), if .0.len() == 1 { "" } else { "s" }, .0.join("\n  "))]
pub struct ConfigFaults(pub Vec<String>);

/// Reads the configuration from the defaults, `file` and `env`.
pub fn load(file: Option<&Path>, env: &BTreeMap<String, String>) -> Result<Config, ConfigFaults> {
    let mut faults = Vec::new();
    let values = layers::merged(file, env, &mut faults);
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

impl Reader<'_> {
    fn config(mut self) -> Option<Config> {
        let bind = self.parsed::<SocketAddr>("web", "bind", "an address and port such as 127.0.0.1:8080");
        let metrics_bind = self.metrics_bind();
        let public_url = self.public_url();
        let embed_origins = self.embed_origins();
        let smtp = self.smtp(&public_url);
        let max_connections = self.max_connections();
        let sign_up = self.sign_up(max_connections);
        let guards = self.guards();
        let dispatch = self.dispatch();
        let schedule = self.schedule();
        let retention = self.retention();
        let dkim = self.dkim();
        let editors = self.editors();
        let calls_per_minute = self.integer("admin", "calls_per_minute", 0, 1_000_000);
        let import_megabytes = self.integer("admin", "import_megabytes", 1, 10_000);
        let admins = self.admins();
        let webhooks = self.webhooks();
        let oidc = self.oidc(&public_url);
        let seal_keys = self.seal_keys();
        let link_key = self.link_key();
        let admin_token = self.admin_token();
        let database_wait = self.span("database", "wait").map(|wait| wait.to_std().unwrap_or_default());
        let bounce_domain = self.domain("mail", "bounce_domain");
        let unsubscribe_mailto = self.mailto();
        let telemetry = self.telemetry();
        let log_level = self.log_level();
        let log_json = self.one_of("log", "format", &["text", "json"]) == 1;
        // Nothing is given up before all is looked at, so that every fault is among those reported.
        Some(Config {
            database_url: self.optional("database", "url").map(Secret),
            max_connections: max_connections?,
            database_wait: database_wait?,
            bind: bind?,
            metrics_bind,
            public_url,
            embed_origins,
            smtp: smtp?,
            bounce_domain,
            unsubscribe_mailto,
            dkim,
            content_folder: self.optional("content", "folder").map(PathBuf::from),
            sign_up: sign_up?,
            guards: guards?,
            dispatch: dispatch?,
            schedule,
            retention: retention?,
            admins: admins?,
            webhooks: webhooks?,
            editors,
            calls_per_minute: calls_per_minute?,
            import_megabytes: import_megabytes?,
            seal_keys,
            oidc,
            link_key,
            admin_token,
            telemetry,
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

    fn metrics_bind(&mut self) -> Option<SocketAddr> {
        self.optional("metrics", "bind")?;
        self.parsed("metrics", "bind", "an address and port such as 127.0.0.1:9464, or empty")
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

    fn admins(&mut self) -> Option<Admins> {
        let [idle, longest] = ["session_idle", "session_longest"].map(|key| self.span("admin", key));
        let admins = Admins { session_idle: idle?, session_longest: longest? };
        if admins.session_idle > admins.session_longest {
            self.faults.push("admin.session_idle must not be longer than admin.session_longest".into());
        }
        Some(admins)
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::tidy::OnUncertain;

    pub(super) fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
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
                ("REGIMEN__GUARDS__FORM_MAX_AGE", "for ever"),
                ("REGIMEN__GUARDS__PER_DOMAIN", "-1"),
                ("REGIMEN__WEB__TRUSTED_PROXIES", "everybody"),
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
                ("REGIMEN__METRICS__BIND", "everywhere"),
                ("REGIMEN__ADMIN__CALLS_PER_MINUTE", "-1"),
            ]),
        )
        .unwrap_err();
        assert_eq!(faults.0.len(), 24, "{faults}");
        let text = faults.to_string();
        assert!(!text.contains("hunter2"), "{text}");
        for part in
            ["web.bint", "micro_batch", "on_uncertain", "schedule.reap", "reminder_after", "ADMIN_TOKEN", "entry 2"]
        {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
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
