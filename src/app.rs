//! The composition root: from a configuration to the running parts, and their orderly end.
pub mod demo;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::actions::preview::AsMessage;
use crate::actions::{Publishing, Service, Settings, service};
use crate::clock::Clock;
use crate::config::Config;
use crate::content::{Bundle, Library};
use crate::store::installation::{self, Purpose};
use crate::telemetry::Telemetry;
use crate::{config, dispatch, hooks, mail, schedule, store, transport, web};

/// The parts that a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    pub web: bool,
    pub dispatch: bool,
}

impl Roles {
    pub const ALL: Self = Self { web: true, dispatch: true };

    fn word(self) -> &'static str {
        match (self.web, self.dispatch) {
            (true, true) => "serve",
            (true, false) => "web",
            (false, _) => "dispatch",
        }
    }
}

/// Serves in production until a signal asks to stop.
pub async fn serve(config: Config, roles: Roles) -> anyhow::Result<()> {
    require(&config, roles)?;
    let stop = stop_on_signal()?;
    let opening = open(&config, Purpose::Production, Clock::system(), Missing::Refuse);
    let Some(service) = unless_stopped(&stop, opening).await? else { return Ok(()) };
    let pages = if roles.web { Some(listen(config.bind, "BIND").await?) } else { None };
    if let Some(listener) = &pages {
        tracing::info!(address = %listener.local_addr()?, public_url = %config.public_url, "pages and API are served");
    }
    let metrics = match config.metrics_bind {
        Some(address) => Some(listen(address, "metrics.bind").await?),
        None => None,
    };
    if let Some(listener) = &metrics {
        tracing::info!(address = %listener.local_addr()?, "metrics are served");
    }
    run(&config, service, roles, Listeners { pages, metrics }, stop).await
}

/// Where a process can be asked.
#[derive(Debug, Default)]
pub struct Listeners {
    /// Pages and API.
    pub pages: Option<TcpListener>,
    pub metrics: Option<TcpListener>,
}

/// What `work` answers, or nothing when a signal came first: who waits for a database can be stopped like who serves.
async fn unless_stopped<T>(
    stop: &CancellationToken,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<Option<T>> {
    tokio::select! {
        done = work => done.map(Some),
        () = stop.cancelled() => Ok(None),
    }
}

/// What must be set before anything starts, and what of it cannot be used; all at once.
fn require(config: &Config, roles: Roles) -> anyhow::Result<()> {
    let mut faults: Vec<String> = Vec::new();
    let mut need = |missing: bool, text: &str| {
        if missing {
            faults.push(text.to_owned());
        }
    };
    let no_url = config.public_url.is_empty();
    need(config.database_url.is_none(), "DATABASE_URL: postgresql://user:password@host/name");
    need(no_url, "PUBLIC_URL: what readers see, such as https://series.example.org");
    need(
        !no_url && !config.public_url.starts_with("https://"),
        "PUBLIC_URL must begin with https://, since links in mails carry tokens",
    );
    need(config.seal_keys.is_none(), "SEAL_KEYS (or secrets.seal_keys_file): `regimen keys` makes one");
    need(config.link_key.is_none(), "LINK_KEY (or secrets.link_key_file): `regimen keys` makes one");
    need(roles.dispatch && !config.smtp.has_relay(), "SMTP_URL: smtp://user:password@host:port");
    if roles.dispatch
        && config.smtp.has_relay()
        && let Err(error) = dispatch_settings(config)
    {
        faults.push(format!("{error:#}"));
    }
    if faults.is_empty() {
        return Ok(());
    }
    bail!("this is needed before regimen can run:\n  {}", faults.join("\n  "))
}

/// What to do with a schema that is older than this binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Refuse,
    Apply,
}

/// Opens the database and publishes the content: all that a verb needs.
pub async fn open(config: &Config, purpose: Purpose, clock: Clock, missing: Missing) -> anyhow::Result<Service> {
    let db = database(config).await?;
    match missing {
        Missing::Apply => installation::migrate(&db, purpose, clock.real()).await?,
        Missing::Refuse => installation::check(&db, purpose).await?,
    }
    clock.agree(store::server_time(&db).await?);
    // The content built into the binary is an example: in production it never replaces what is published, also not when
    // that cannot be read just now.
    let keeps = config.content_folder.is_none() && purpose == Purpose::Production;
    let library = match if keeps { service::published(&db).await? } else { None } {
        Some(library) => library,
        None => publish_content(config, &db, &clock).await?,
    };
    if purpose == Purpose::Production {
        warn_of_examples(&library);
    }
    assemble(config, db, clock, library)
}

/// Domains that are set aside for examples (RFC 2606) reach nobody.
fn warn_of_examples(library: &Library) {
    for series in library.series.values() {
        let domain = series.from.address.domain();
        if ["example.com", "example.org", "example.net"].iter().any(|example| domain.ends_with(example)) {
            tracing::warn!(series = %series.slug, "the series is sent from an example address: edit its series.toml");
        }
    }
}

/// The same for a command that only looks or changes rows: it takes the content that is published and publishes none.
pub async fn open_for_admin(config: &Config, clock: Clock) -> anyhow::Result<Service> {
    let db = database(config).await?;
    installation::check(&db, Purpose::Production).await?;
    clock.agree(store::server_time(&db).await?);
    let library = match service::published(&db).await? {
        Some(library) => library,
        None => publish_content(config, &db, &clock).await?,
    };
    assemble(config, db, clock, library)
}

fn assemble(config: &Config, db: PgPool, clock: Clock, library: Library) -> anyhow::Result<Service> {
    let keyring = config.seal_keys.clone().context("SEAL_KEYS is not set: `regimen keys` makes one")?;
    let link_key = config.link_key.clone().context("LINK_KEY is not set: `regimen keys` makes one")?;
    Ok(Service::new(db, clock, library, keyring, link_key, settings(config)))
}

/// Applies what is missing of the schema and marks a new database.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    let db = database(config).await?;
    installation::migrate(&db, Purpose::Production, Clock::system().real()).await?;
    Ok(())
}

/// A pool on the configured database, once that answers.
pub async fn database(config: &Config) -> anyhow::Result<PgPool> {
    let url = config.database_url.as_ref().context("DATABASE_URL is not set: postgresql://user:password@host/name")?;
    // The other third is the queue's (`store::hot_pool`, half of this).
    let db = store::pool(&url.0, config.max_connections - config.max_connections / 3).map_err(|_| {
        anyhow::anyhow!("DATABASE_URL cannot be read: it should look like postgresql://user:password@host/name")
    })?;
    wait_for(&db, config.database_wait).await?;
    Ok(db)
}

/// Waits for a database that is not up yet; a password that is wrong or a database that is not there is not waited for.
async fn wait_for(db: &PgPool, patience: Duration) -> anyhow::Result<()> {
    let began = tokio::time::Instant::now();
    let mut said = false;
    loop {
        let Err(error) = store::reach(db).await else { return Ok(()) };
        if let sqlx::Error::Database(inner) = &error {
            // Class 28: who we are; 3D000: no such database. 57P03 is a server that still starts.
            if inner.code().is_some_and(|code| code.starts_with("28") || code == "3D000") {
                bail!("the database refuses: {inner}. Look at DATABASE_URL");
            }
        }
        if began.elapsed() >= patience {
            bail!("the database did not answer in {}: {error}", humantime::format_duration(patience));
        }
        if !said {
            tracing::warn!(%error, "waiting for the database, which does not answer yet");
            said = true;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The folder's content if it is without fault, else what was published before.
async fn publish_content(config: &Config, db: &PgPool, clock: &Clock) -> anyhow::Result<Library> {
    let bundle = match &config.content_folder {
        None => Ok(Bundle::embedded()),
        Some(folder) => Bundle::from_folder(folder),
    };
    let (library, publishing) = match bundle {
        Ok(bundle) => service::publish(db, clock, &bundle).await?,
        Err(faults) => service::keep_published(db, faults).await?,
    };
    match publishing {
        Publishing::Published { version } => tracing::info!(version, "content is published"),
        Publishing::Unchanged { .. } => {}
        Publishing::Kept { version, faults } => {
            for fault in &faults {
                tracing::error!(%fault, "the content has a fault");
            }
            tracing::error!(version, "the content was not published; the version published before stays live");
        }
    }
    Ok(library)
}

/// Runs the parts until `stop`, then lets each end in order.
pub async fn run(
    config: &Config,
    service: Service,
    roles: Roles,
    listeners: Listeners,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let node = service.clock().uuid();
    let mut parts: JoinSet<anyhow::Result<()>> = JoinSet::new();
    if let Some(listener) = listeners.metrics {
        parts.spawn(web::metrics::serve(listener, service.clone(), stop.clone()));
    }
    if let Some(listener) = listeners.pages {
        let state = web::AppState::new(service.clone(), config.admin_token.clone(), roles.dispatch)
            .embedded_on(config.embed_origins.clone())
            .with_calls_per_minute(config.calls_per_minute)
            .with_largest_import(u64::from(config.import_megabytes) * 1_000_000)
            .with_messages(as_message(config))
            .with_content_folder(config.content_folder.clone())
            .with_provider(config.oidc.clone())?;
        parts.spawn(web::serve(listener, state, stop.clone()));
    }
    if roles.dispatch {
        let settings = dispatch_settings(config)?;
        parts.spawn(part(dispatch::run(service.clone(), settings, node, stop.clone())));
    }
    let ticker = schedule::Settings {
        cron: config.schedule.clone(),
        on_uncertain: config.dispatch.on_uncertain,
        lease: config.dispatch.lease,
        role: roles.word(),
    };
    parts.spawn(part(schedule::run(service.clone(), ticker, node, stop.clone())));
    if roles.dispatch {
        parts.spawn(hooks::run(service.clone(), stop.clone()));
    }
    let mut failure = None;
    while let Some(ended) = parts.join_next().await {
        // A part that ends by itself takes the others with it: half a service is worse than a restart.
        stop.cancel();
        if let Err(error) = ended.map_err(anyhow::Error::from).flatten() {
            failure.get_or_insert(error);
        }
    }
    forget(&service, node).await;
    service.db().close().await;
    failure.map_or(Ok(()), Err)
}

/// How previews become messages. A process that only serves pages may have no key to sign with.
fn as_message(config: &Config) -> Arc<AsMessage> {
    let signers = dkim_keys(config).unwrap_or_default();
    let mailto = config.unsubscribe_mailto.clone();
    Arc::new(move |service, preview| dispatch::sample(service, &signers, mailto.as_deref(), preview))
}

async fn part(work: impl Future<Output = ()>) -> anyhow::Result<()> {
    work.await;
    Ok(())
}

async fn forget(service: &Service, node: Uuid) {
    if let Err(error) = installation::forget_node(service.db(), node).await {
        tracing::debug!(%error, "this node could not be taken off the list");
    }
}

fn settings(config: &Config) -> Settings {
    Settings {
        public_url: config.public_url.clone(),
        confirm_expires: config.sign_up.confirm_expires,
        reminder_after: config.sign_up.reminder_after,
        pending_kept: config.sign_up.pending_kept,
        attempts_kept: config.retention.attempts,
        ended_kept: config.retention.ended,
        confirmations_per_day: config.sign_up.confirmations_per_day,
        already_cooldown: config.sign_up.already_cooldown,
        sign_ups: config.sign_up.limits.clone(),
        guards: config.guards.clone(),
        admins: config.admins.clone(),
        webhooks: config.webhooks.clone(),
        sends_per_minute: per_minute(config),
        editors: config.editors.clone(),
    }
}

/// What all relays may carry together; none if one of them has no rate.
fn per_minute(config: &Config) -> Option<u32> {
    let shared = config.smtp.url.as_ref().map(|_| config.smtp.share.per_minute);
    let others = config.smtp.relays.iter().map(|relay| relay.share.per_minute);
    let rates: Option<Vec<u32>> = shared.into_iter().chain(others).collect();
    rates.filter(|rates| !rates.is_empty()).map(|rates| rates.into_iter().sum())
}

/// The keys that mails are signed with.
pub fn dkim_keys(config: &Config) -> anyhow::Result<Vec<mail::DkimKey>> {
    let load = |key: &crate::config::Dkim| {
        let loaded = mail::DkimKey::load(&key.key_file, &key.domain, &key.selector);
        loaded.with_context(|| format!("mail.dkim, {}", key.key_file.display()))
    };
    config.dkim.iter().map(load).collect()
}

fn dispatch_settings(config: &Config) -> anyhow::Result<dispatch::Settings> {
    let domain = |one: &config::Domain| dispatch::DomainSettings {
        domain: one.domain.clone(),
        connections: one.connections,
        per_minute: one.per_minute,
    };
    Ok(dispatch::Settings {
        relays: relays(config)?,
        domains: config.smtp.domains.iter().map(domain).collect(),
        batch: config.dispatch.batch,
        micro_batch: config.dispatch.micro_batch,
        lease: config.dispatch.lease,
        poll: config.dispatch.poll,
        max_tries: config.dispatch.max_tries,
        on_uncertain: config.dispatch.on_uncertain,
        bounce_domain: config.bounce_domain.clone(),
        unsubscribe_mailto: config.unsubscribe_mailto.clone(),
        signers: dkim_keys(config)?,
        farewell: config.dispatch.farewell,
    })
}

/// The ordinary relay and the further ones; all that cannot be used is named at once.
fn relays(config: &Config) -> anyhow::Result<Vec<dispatch::RelaySettings>> {
    let ordinary = config.smtp.url.as_ref().map(|url| (None, url, &config.smtp.share));
    let further = config.smtp.relays.iter().map(|one| (Some(&one.name), &one.url, &one.share));
    let (mut relays, mut faults) = (Vec::<dispatch::RelaySettings>::new(), Vec::new());
    for (name, url, share) in ordinary.into_iter().chain(further) {
        let place = name.map_or("SMTP_URL".to_owned(), |name| format!("smtp.relays, {name}"));
        let mut relay: transport::Relay = match url.0.parse() {
            Ok(relay) => relay,
            Err(error) => {
                faults.push(format!("{place}: {error}"));
                continue;
            }
        };
        if let Some(name) = name {
            relay.name.clone_from(name);
        }
        if relays.iter().any(|other| other.relay.name == relay.name) {
            faults.push(format!("{place}: another relay has the same name, which its limits are counted under"));
        }
        relay.hello_name.clone_from(&config.smtp.hello_name);
        relay.mails_per_connection = share.mails_per_connection;
        relays.push(dispatch::RelaySettings {
            relay,
            weight: share.weight,
            connections: share.connections,
            per_minute: share.per_minute,
            per_day: share.per_day,
            warm_up: share.warm_up.clone(),
        });
    }
    if !faults.is_empty() {
        bail!(faults.join("\n  "));
    }
    if relays.is_empty() {
        bail!("SMTP_URL is not set: smtp://user:password@host:port");
    }
    Ok(relays)
}

/// A listener, or words that say what to do.
pub async fn listen(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow::anyhow!(
                "port {} is taken by another program: stop that, or set {setting} to another port",
                address.port()
            )
        }
        std::io::ErrorKind::PermissionDenied => {
            anyhow::anyhow!(
                "port {} may not be used by this user: choose one above 1023 with {setting}",
                address.port()
            )
        }
        _ => anyhow::anyhow!("{address} cannot be served on: {error}. Look at {setting}"),
    })
}

/// Cancelled at the first SIGINT or SIGTERM; a second one ends the process at once.
pub fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            if asked.is_cancelled() {
                std::process::exit(130);
            }
            tracing::info!("stopping: what is in flight is finished first; once more stops at once");
            asked.cancel();
        }
    });
    Ok(stop)
}

/// Structured logs to standard error, and spans to a collector if there is one.
pub fn start_logs(level: &str, json: bool, telemetry: Option<&Telemetry>) {
    use tracing_subscriber::filter::{FilterExt as _, LevelFilter, filter_fn};
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    use tracing_subscriber::{EnvFilter, Layer as _, fmt, registry};
    let asked = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    // Spans are for the collector alone.
    let may_be = filter_fn(|line| line.is_event() && may_be_logged(line.target(), *line.level()));
    let filter = asked.and(may_be.with_max_level_hint(LevelFilter::TRACE));
    // Colours are for people: a file or a journal would keep them as escape sequences.
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    let lines = if json { lines.json().with_filter(filter).boxed() } else { lines.with_filter(filter).boxed() };
    // A second start in one process (a test) keeps the first.
    registry().with(lines).with(telemetry.map(Telemetry::layer)).try_init().ok();
}

/// Our own lines name no address and no condition at any level. Those of other crates do when they tell much: one writes
/// whole mails, another what was wrong with a request. sqlx writes statements without their values.
fn may_be_logged(target: &str, level: tracing::Level) -> bool {
    let is_of = |name: &str| target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    level <= tracing::Level::INFO || is_of("regimen") || (is_of("sqlx") && level <= tracing::Level::DEBUG)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn other_crates_tell_little() {
        for (target, level) in [
            ("regimen", Level::TRACE),
            ("regimen::web", Level::TRACE),
            ("sqlx::query", Level::DEBUG),
            ("hyper", Level::WARN),
        ] {
            assert!(may_be_logged(target, level), "{target} {level}");
        }
        for (target, level) in [
            ("css_inline", Level::DEBUG),
            ("axum::rejection", Level::TRACE),
            ("sqlx::query", Level::TRACE),
            ("regimental", Level::DEBUG),
        ] {
            assert!(!may_be_logged(target, level), "{target} {level}");
        }
    }
}
