//! `regimen demo`: everything on this machine, with a fast clock and an inbox that catches every mail.
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Listeners, Missing, Roles, open, run, stop_on_signal, unless_stopped};
use crate::actions::{ActionError, Actor, Service, admins};
use crate::clock::Clock;
use crate::config::{Config, Secret};
use crate::links::LinkKey;
use crate::local::inbox::Inbox;
use crate::local::postgres::PrivatePostgres;
use crate::local::smtp;
use crate::model::{EmailAddress, EmbedOrigin, Role};
use crate::seal::Keyring;
use crate::store::installation::{self, Purpose, SchemaError};

/// What a demo may be told.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long a day of the series takes.
    pub day: Duration,
    /// Where its data is kept.
    pub folder: PathBuf,
    pub port: u16,
    pub inbox_port: u16,
}

/// Where the metrics are, or the next port that is free.
const METRICS_PORT: u16 = 9464;

/// Runs until a signal asks to stop.
pub async fn demo(mut config: Config, options: Options) -> anyhow::Result<()> {
    let stop = stop_on_signal()?;
    prepare_folder(&options.folder)?;
    let secrets = secrets(&options.folder)?;
    config.seal_keys = Some(secrets.seal_keys);
    config.link_key = Some(secrets.link_key);
    // Whoever tries it out, by hand or with a script, is shown how the guards count and is not kept out by them.
    config.guards.spare_loopback = true;
    // A page of one's own, served on this machine, may show the sign-up box.
    config.embed_origins.extend(EmbedOrigin::of_this_machine());
    let token = config.admin_token.get_or_insert(secrets.admin_token).0.clone();
    let postgres = private_postgres(&mut config, &options.folder).await?;
    let result = async {
        let clock = demo_clock(&config, options.day);
        let Some(clock) = unless_stopped(&stop, clock).await? else { return Ok(()) };
        let pages = listen_near(options.port).await?;
        config.public_url = format!("http://{}", pages.local_addr()?);
        // With any port for the pages, any will do for the metrics.
        let metrics = listen_near(if options.port == 0 { 0 } else { METRICS_PORT }).await?;
        // A look every few milliseconds: a day may take seconds.
        config.dispatch.poll = (options.day / 100).clamp(Duration::from_millis(50), config.dispatch.poll);
        let inbox = match config.smtp.url {
            None => {
                // Tests of a part go to whoever looks into the inbox.
                if config.editors.is_empty() {
                    config.editors.push(EmailAddress::parse(OWNER)?);
                }
                Some(start_inbox(&mut config, &options, clock.clone(), stop.clone()).await?)
            }
            Some(_) => None,
        };
        let opening = open(&config, Purpose::Demo, clock, Missing::Apply);
        let Some(service) = unless_stopped(&stop, opening).await? else { return Ok(()) };
        make_owner(&service).await?;
        let saver = tokio::spawn(keep_clock(service.db().clone(), service.clock().clone(), stop.clone()));
        greet(&config, &options, inbox, metrics.local_addr()?, &token);
        let listeners = Listeners { pages: Some(pages), metrics: Some(metrics) };
        let kept = (service.db().clone(), service.clock().clone());
        let result = run_and_keep(&config, service, listeners, stop.clone(), kept).await;
        stop.cancel();
        saver.await.ok();
        result
    }
    .await;
    stop.cancel();
    if let Some(postgres) = postgres {
        tokio::task::spawn_blocking(move || postgres.stop()).await?;
    }
    result
}

async fn run_and_keep(
    config: &Config,
    service: Service,
    listeners: Listeners,
    stop: CancellationToken,
    (db, clock): (PgPool, Clock),
) -> anyhow::Result<()> {
    // The pool is closed by `run`, so the last moment is kept just before.
    let last = tokio::spawn({
        let stop = stop.clone();
        async move {
            stop.cancelled().await;
            installation::keep_series_now(&db, clock.series()).await.ok();
        }
    });
    let result = run(config, service, Roles::ALL, listeners, stop.clone()).await;
    stop.cancel();
    last.await.ok();
    result
}

/// Lines that somebody who has just started it needs, and no more.
#[allow(clippy::print_stdout)]
fn greet(config: &Config, options: &Options, inbox: Option<SocketAddr>, metrics: SocketAddr, token: &str) {
    println!();
    println!("  regimen demo: one day of the series takes {}", humantime::format_duration(options.day));
    println!();
    println!("  1. Sign up       {}/", config.public_url);
    match inbox {
        Some(inbox) => println!("  2. Read the mail http://{inbox}/"),
        None => println!("  2. Read the mail where SMTP_URL points to"),
    }
    println!();
    println!("  Admin pages      {}/admin   ({OWNER}, password: {PASSWORD})", config.public_url);
    println!("  Admin API        {}/api/v1/series   (Authorization: Bearer {token})", config.public_url);
    println!("  Metrics          http://{metrics}/metrics");
    println!("  Data             {}", options.folder.display());
    println!("  Stop with Ctrl-C. A second start goes on where this one stopped.");
    println!();
}

/// Who signs in to the admins' pages of a demo; the demo's database has no other use, and is this machine's alone.
const OWNER: &str = "owner@example.org";
const PASSWORD: &str = "only for the demo";

/// Made once. Whoever has changed the password keeps theirs.
async fn make_owner(service: &Service) -> anyhow::Result<()> {
    let by = Actor::command_line("the demo", "");
    let address = EmailAddress::parse(OWNER)?;
    let admin = match admins::by_address(service, &address).await {
        Ok(admin) => admin,
        Err(ActionError::NotFound(_)) => {
            let id = admins::create(service, &address, "The owner of the demo", Role::Owner, &by).await?;
            admins::show(service, id).await?
        }
        Err(error) => return Err(error.into()),
    };
    // A demo that was stopped in between has made an owner without one.
    if admin.password_set_at.is_none() {
        admins::password::set_by_hand(service, admin.id, PASSWORD, &by).await?;
    }
    Ok(())
}

fn prepare_folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{} cannot be made; choose another folder with --data-dir", folder.display()))
}

/// The demo's PostgreSQL, unless `DATABASE_URL` names another.
async fn private_postgres(config: &mut Config, folder: &Path) -> anyhow::Result<Option<PrivatePostgres>> {
    if config.database_url.is_some() {
        return Ok(None);
    }
    let folder = folder.join("database");
    let postgres = tokio::task::spawn_blocking(move || PrivatePostgres::start(&folder, &[])).await??;
    config.database_url = Some(Secret(postgres.url()));
    Ok(Some(postgres))
}

/// The clock goes on where it stopped. A database that is not a demo's is refused before anything is written.
async fn demo_clock(config: &Config, day: Duration) -> anyhow::Result<Clock> {
    let db = super::database(config).await?;
    match installation::check(&db, Purpose::Demo).await {
        Ok(()) | Err(SchemaError::Older { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let system = Clock::system();
    let kept: Option<DateTime<Utc>> =
        if installation::is_installed(&db).await? { installation::series_now(&db).await? } else { None };
    let start = kept.unwrap_or_else(|| system.real());
    db.close().await;
    Ok(Clock::fast(start, 86_400.0 / day.as_secs_f64().max(0.001)))
}

async fn keep_clock(db: PgPool, clock: Clock, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = stop.cancelled() => {}
        }
        if let Err(error) = installation::keep_series_now(&db, clock.series()).await {
            tracing::debug!(%error, "the demo's clock could not be kept");
        }
    }
}

/// The catch-all server and its pages; everything on loopback.
async fn start_inbox(
    config: &mut Config,
    options: &Options,
    clock: Clock,
    stop: CancellationToken,
) -> anyhow::Result<SocketAddr> {
    let inbox = Inbox::open(&options.folder.join("inbox"), move || clock.real())
        .with_context(|| format!("the inbox in {} cannot be opened", options.folder.display()))?;
    let mails = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    config.smtp.url = Some(Secret(format!("smtp://{}?tls=none", mails.local_addr()?)));
    // A demo's mails go nowhere else.
    config.smtp.relays.clear();
    let pages = listen_near(options.inbox_port).await?;
    let address = pages.local_addr()?;
    let router = inbox.router();
    let smtp_options = smtp::Options::default();
    tokio::spawn(smtp::serve(mails, Arc::new(inbox), smtp_options, stop.clone()));
    tokio::spawn(async move {
        let served = axum::serve(pages, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "the inbox's pages ended");
        }
    });
    Ok(address)
}

/// The wished port of loopback, or the next one that is free.
async fn listen_near(port: u16) -> anyhow::Result<TcpListener> {
    for candidate in port..=port.saturating_add(20) {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, candidate)).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error).with_context(|| format!("port {candidate} cannot be served on")),
        }
    }
    anyhow::bail!("ports {port} to {} are all taken: choose others with --port and --inbox-port", port + 20)
}

struct Secrets {
    seal_keys: Keyring,
    link_key: LinkKey,
    admin_token: Secret,
}

/// Made once and kept beside the data, for its owner's eyes only.
fn secrets(folder: &Path) -> anyhow::Result<Secrets> {
    let path = folder.join("secrets");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = new_secrets(&Clock::system(), None);
            write_private(&path, &text).with_context(|| format!("{} cannot be written", path.display()))?;
            text
        }
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    let mut lines = text.lines().map(|line| line.split_once('=').map_or("", |(_, value)| value));
    let broken = || format!("{} is not complete; remove the folder to start the demo afresh", path.display());
    let seal_keys = Keyring::parse(lines.next().with_context(broken)?).with_context(broken)?;
    let link_key = LinkKey::parse(lines.next().with_context(broken)?).with_context(broken)?;
    let admin_token = lines.next().filter(|token| token.len() >= 32).with_context(broken)?;
    Ok(Secrets { seal_keys, link_key, admin_token: Secret(admin_token.to_owned()) })
}

/// The three secrets as lines of `NAME=value`, fresh. The seal key's number is one that `present` does not have.
pub fn new_secrets(clock: &Clock, present: Option<&Keyring>) -> String {
    let word = || BASE64_URL_SAFE_NO_PAD.encode(clock.random_bytes::<32>());
    let number = present.map_or(1, Keyring::free_number);
    let seal_key = Keyring::generate(number, clock.random_bytes());
    format!("SEAL_KEYS={seal_key}\nLINK_KEY={}\nADMIN_TOKEN={}\n", word(), word())
}

/// Whole or not at all, and 0600 from the start.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let side = path.with_extension("new");
    std::fs::remove_file(&side).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&side)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(side, path)
}
