//! The command line.
mod admin;
mod bench;
mod content;
mod files;
mod guards;
mod output;
mod people;
mod runs;
mod subscribers;
mod webhooks;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

use crate::actions::Actor;
use crate::app::{self, Roles, demo};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::telemetry::Telemetry;

const AFTER_HELP: &str = "\
Exit codes: 0 done; 1 it failed; 2 the command line is wrong; 3 the configuration is wrong; 4 overdue work (health).

Configuration: every key is explained in config/default.toml (`regimen config` prints it). These names in the environment
suffice for most: DATABASE_URL, SMTP_URL, PUBLIC_URL, BIND, ADMIN_TOKEN, SEAL_KEYS, LINK_KEY.";

/// Sends a series of e-mails to each reader, one part at a time, on that reader's own schedule.
#[derive(Parser)]
#[command(name = "regimen", version, after_help = AFTER_HELP)]
struct Cli {
    /// A configuration file (TOML); it names only what differs from the defaults.
    #[arg(long, global = true, env = "REGIMEN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Try everything on this machine: a private database, a fast clock and an inbox in the browser.
    Demo(DemoOptions),
    /// Run pages, API and dispatcher in one process.
    Serve,
    /// Run pages and API only.
    Web,
    /// Run the dispatcher only.
    Dispatch,
    /// Create or update the database schema.
    Migrate,
    /// After restoring a backup: hold what may have gone out since, so that nothing is sent twice.
    Recover {
        /// When the backup was made, such as 2026-03-01T04:00:00Z.
        #[arg(long, value_name = "TIME")]
        since: chrono::DateTime<chrono::Utc>,
        /// It is recorded.
        #[arg(long, value_name = "TEXT", default_value = "restored from a backup")]
        why: String,
        /// Who you are; it is recorded.
        #[arg(long, env = "USER", default_value = "command line", value_name = "NAME")]
        who: String,
    },
    /// Check, list, preview, pause and resume series.
    #[command(subcommand)]
    Series(admin::SeriesCommand),
    /// Rehearse a series, and say what would change for whom, before content goes live.
    #[command(subcommand)]
    Content(content::ContentCommand),
    /// List and show subscribers, and do something for one: pause, resume, move, unsubscribe, suppress, export, erase …
    #[command(subcommand)]
    Subscribers(subscribers::SubscribersCommand),
    /// Write readers to the standard output, as a file for another program.
    Export(files::ExportOptions),
    /// Take readers in from a file. The same command goes on with what was broken off.
    Import(Box<files::ImportOptions>),
    /// Send the next step now, or a test to an editor.
    #[command(subcommand)]
    Send(admin::SendCommand),
    /// Prepare a run, see whom it reaches, start it, watch it, pause, resume and cancel it.
    #[command(subcommand)]
    Run(runs::RunCommand),
    /// Webhooks: tell other programs what happens to readers.
    #[command(subcommand)]
    Webhook(webhooks::WebhookCommand),
    /// List deliveries, for example those that are or were uncertain.
    Deliveries(admin::DeliveriesOptions),
    /// Make, list and revoke tokens with which a publisher's server may sign readers up.
    #[command(subcommand)]
    Token(guards::TokenCommand),
    /// Add, list, disable and enable the people who may sign in at /admin, and help those who cannot any more.
    #[command(subcommand)]
    Admin(people::AdminCommand),
    /// Say what the guards of sign-up refused, by day and reason.
    Guards(guards::RefusedOptions),
    /// Say whether work is overdue; exit code 4 if it is.
    Health,
    /// List the processes on this database: role, start, last sign of life, and how many deliveries each holds.
    Nodes {
        #[arg(long)]
        json: bool,
    },
    /// Make new secrets, as lines for an environment file. To change a key, put the new one in front of the old, with a
    /// comma between them.
    Keys,
    /// Print the DNS records that the configured DKIM keys need.
    Dkim,
    /// Print every configuration key with its default and meaning.
    Config,
    /// Print a completion script for a shell.
    Completions { shell: Shell },
    /// Measure each goal of docs/BENCHMARKS.md on this machine.
    #[command(hide = true)]
    Bench(bench::Options),
    /// The SMTP server that a benchmark sends to.
    #[command(hide = true)]
    BenchSink(bench::SinkOptions),
}

#[derive(clap::Args)]
struct DemoOptions {
    /// How long a day of the series takes.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    day: Duration,
    /// Where the demo keeps its data.
    #[arg(long, default_value = ".regimen-demo", value_name = "FOLDER")]
    data_dir: PathBuf,
    /// The port of the pages; the next free one is taken when it is in use.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The port of the inbox.
    #[arg(long, default_value_t = 8025)]
    inbox_port: u16,
}

/// What a command ended with.
pub(crate) enum Ended {
    Well,
    /// Work is overdue, or a check found faults.
    Not(u8),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let config = match config::load(cli.config.as_deref(), &config::environment()) {
        Ok(config) => config,
        Err(faults) => return complain(&faults.into(), 3),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.into(), 1),
    };
    let telemetry = config.telemetry.as_ref().map(|settings| Telemetry::start(settings, runtime.handle()));
    let telemetry = match telemetry.transpose() {
        Ok(telemetry) => telemetry,
        Err(error) => return complain(&error, 1),
    };
    app::start_logs(&config.log_level, config.log_json, telemetry.as_ref());
    let ended = runtime.block_on(run(cli.command, config));
    if let Some(telemetry) = telemetry {
        telemetry.stop();
    }
    match ended {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::Not(code)) => ExitCode::from(code),
        Err(error) => complain(&error, 1),
    }
}

#[allow(clippy::print_stderr)]
fn complain(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("regimen: {error:#}");
    ExitCode::from(code)
}

#[allow(clippy::print_stdout)]
async fn run(command: Command, config: Config) -> anyhow::Result<Ended> {
    match command {
        Command::Demo(options) => {
            let options = demo::Options {
                day: options.day,
                folder: options.data_dir,
                port: options.port,
                inbox_port: options.inbox_port,
            };
            demo::demo(config, options).await?;
        }
        Command::Serve => app::serve(config, Roles::ALL).await?,
        Command::Web => app::serve(config, Roles { web: true, dispatch: false }).await?,
        Command::Dispatch => app::serve(config, Roles { web: false, dispatch: true }).await?,
        Command::Migrate => {
            app::migrate(&config).await?;
            println!("the database schema is up to date");
        }
        Command::Recover { since, why, who } => admin::recover(&config, since, &Actor::command_line(who, why)).await?,
        Command::Series(command) => return admin::series(&config, command).await,
        Command::Content(command) => return content::content(&config, command).await,
        Command::Subscribers(command) => subscribers::subscribers(&config, command).await?,
        Command::Export(options) => files::export(&config, options).await?,
        Command::Import(options) => files::import(&config, *options).await?,
        Command::Send(command) => admin::send(&config, command).await?,
        Command::Run(command) => runs::run(&config, command).await?,
        Command::Webhook(command) => webhooks::webhook(&config, command).await?,
        Command::Deliveries(options) => admin::deliveries(&config, options).await?,
        Command::Token(command) => guards::token(&config, command).await?,
        Command::Admin(command) => people::admin(&config, command).await?,
        Command::Guards(options) => guards::refused(&config, options).await?,
        Command::Health => return admin::health(&config).await,
        Command::Nodes { json } => admin::nodes(&config, json).await?,
        Command::Keys => print!("{}", demo::new_secrets(&Clock::system(), config.seal_keys.as_ref())),
        Command::Dkim => {
            let keys = app::dkim_keys(&config)?;
            if keys.is_empty() {
                println!("no DKIM key is configured: add one under [[mail.dkim]]");
            }
            for key in keys {
                println!("{}  TXT  {:?}", key.dns_name(), key.dns_record());
            }
        }
        Command::Config => print!("{}", config::DEFAULTS),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "regimen", &mut std::io::stdout());
        }
        Command::Bench(options) => return bench::bench(options).await,
        Command::BenchSink(options) => bench::sink(options).await?,
    }
    Ok(Ended::Well)
}
