//! The verbs of admins on the command line: the same functions as behind the API.
#![allow(clippy::print_stdout)]
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand};

use super::output::{json, table};
use super::subscribers::OneReader;
use super::{Ended, content, runs};
use crate::actions::deliveries::ListDeliveries;
use crate::actions::trigger::Audience;
use crate::actions::{Actor, Service, deliveries, health, preview, recover, series, trigger};
use crate::app;
use crate::clock::Clock;
use crate::config::Config;
use crate::model::{ConditionKey, DeliveryState, EmailAddress, Language, Overdue, SeriesSlug, StepKey};

/// Who does it, and why: recorded with what is done.
#[derive(Args)]
pub(super) struct Why {
    /// Why you do this; it is recorded.
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Who you are; it is recorded.
    #[arg(long, env = "USER", default_value = "command line", value_name = "NAME")]
    who: String,
}

impl From<Why> for Actor {
    fn from(why: Why) -> Self {
        Self::command_line(why.who, why.why)
    }
}

#[derive(Subcommand)]
pub(super) enum SeriesCommand {
    /// Find every fault in all series at once, with file and line.
    Check {
        /// The folder to check; the content of the configuration if none is given.
        folder: Option<PathBuf>,
    },
    /// List the published series.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Show the books of a series: how many deliveries of each step are in which state.
    Show {
        #[arg(value_parser = parse_slug)]
        series: SeriesSlug,
        #[arg(long)]
        json: bool,
    },
    /// Show a step as a reader would get it.
    Preview {
        #[arg(value_parser = parse_slug)]
        series: SeriesSlug,
        #[arg(value_parser = parse_step)]
        step: StepKey,
        /// The condition to show it for; the series' first if none is given.
        #[arg(long, value_parser = parse_condition)]
        condition: Option<ConditionKey>,
        /// Print the HTML instead of the text.
        #[arg(long)]
        html: bool,
    },
    /// Send nothing of a series until it is resumed.
    Pause {
        #[arg(value_parser = parse_slug)]
        series: SeriesSlug,
        #[command(flatten)]
        why: Why,
    },
    /// Go on.
    Resume {
        #[arg(value_parser = parse_slug)]
        series: SeriesSlug,
        /// What becomes of the steps that fell due meanwhile: `send` them now, `shift` all that waits by the length of the
        /// pause, or `skip` them.
        #[arg(long, default_value = "shift", value_name = "WHAT")]
        overdue: Overdue,
        #[command(flatten)]
        why: Why,
    },
}

#[derive(Subcommand)]
pub(super) enum SendCommand {
    /// Send the next step to one reader now.
    Next {
        #[command(flatten)]
        reader: OneReader,
        /// Only say whom it would reach.
        #[arg(long)]
        dry_run: bool,
    },
    /// Send now to all whose next step is due within a time.
    Due {
        #[arg(long, value_parser = parse_slug)]
        series: SeriesSlug,
        /// Such as 12h or 2d.
        #[arg(long, value_parser = humantime::parse_duration)]
        within: Duration,
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        why: Why,
    },
    /// Send a test of a step to an editor named in the configuration.
    Test {
        #[arg(long, value_parser = parse_slug)]
        series: SeriesSlug,
        #[arg(long, value_parser = parse_step)]
        step: StepKey,
        #[arg(long, value_parser = parse_condition)]
        condition: ConditionKey,
        /// en or es; the series' own if none is named.
        #[arg(long, value_parser = parse_language)]
        language: Option<Language>,
        #[arg(long, value_parser = parse_address)]
        to: EmailAddress,
        #[command(flatten)]
        why: Why,
    },
    /// List what was triggered, when, by whom and why.
    Runs {
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
pub(super) struct DeliveriesOptions {
    #[arg(long)]
    state: Option<DeliveryState>,
    /// Only those that were uncertain at some time, also when they were sent again since.
    #[arg(long)]
    was_uncertain: bool,
    #[arg(long)]
    after: Option<String>,
    #[arg(long)]
    limit: Option<u32>,
    #[arg(long)]
    json: bool,
}

pub(super) async fn service(config: &Config) -> anyhow::Result<Service> {
    app::open_for_admin(config, Clock::system()).await
}

pub(super) async fn recover(config: &Config, since: DateTime<Utc>, by: &Actor) -> anyhow::Result<()> {
    let service = service(config).await?;
    let node = service.clock().uuid();
    let marked = recover::recover(&service, since, node, by).await?;
    println!("{marked} deliveries that were due by now are held as uncertain; start the dispatcher now");
    println!("list them with: regimen deliveries --state uncertain");
    Ok(())
}

pub(super) async fn series(config: &Config, command: SeriesCommand) -> anyhow::Result<Ended> {
    match command {
        SeriesCommand::Check { folder } => {
            return Ok(content::check(folder.as_deref().or(config.content_folder.as_deref())));
        }
        SeriesCommand::List { json: as_json } => {
            let list = series::list(&service(config).await?).await?;
            if as_json {
                json(&list)?;
            } else {
                let state = |paused| if paused { "paused" } else { "active" }.to_owned();
                let rows: Vec<_> = list
                    .into_iter()
                    .map(|one| [one.slug, one.steps.len().to_string(), state(one.paused), one.title])
                    .collect();
                table(["SERIES", "STEPS", "STATE", "TITLE"], &rows, "no series is published");
            }
        }
        SeriesCommand::Show { series: slug, json: as_json } => {
            let books = series::books(&service(config).await?, &slug).await?;
            if as_json { json(&books)? } else { print_books(&books) }
        }
        SeriesCommand::Preview { series, step, condition, html } => {
            let mail = preview::preview(&service(config).await?, &series, &step, condition.as_ref())?;
            if html {
                println!("{}", mail.html);
            } else {
                println!("Subject: {}\n\n{}", mail.subject, mail.text);
            }
        }
        SeriesCommand::Pause { series, why } => {
            series::pause(&service(config).await?, &series, &why.into()).await?;
            println!("paused: nothing of {series} is sent until it is resumed");
        }
        SeriesCommand::Resume { series, overdue, why } => {
            let series::Moved { deliveries: about, .. } =
                series::resume(&service(config).await?, &series, overdue, &why.into()).await?;
            println!(
                "resumed: {}",
                match overdue {
                    Overdue::Shift => format!("{about} waiting deliveries come as much later as the pause was long"),
                    Overdue::Send => format!("{about} overdue steps are sent now"),
                    Overdue::Skip =>
                        format!("{about} overdue steps are skipped; their readers go on with the step after"),
                }
            );
        }
    }
    Ok(Ended::Well)
}

fn print_books(books: &series::SeriesBooks) {
    println!("{}{}  content {}\n", books.slug, if books.paused { " (paused)" } else { "" }, books.content_version);
    let rows: Vec<_> = books
        .lines
        .iter()
        .map(|line| {
            let due = match (line.repeats, line.due) {
                (true, _) => "repeat",
                (false, true) => "due",
                (false, false) => "later",
            };
            [
                line.step.clone().unwrap_or_else(|| line.kind.clone()),
                due.to_owned(),
                line.state.clone(),
                line.reason.clone().unwrap_or_default(),
                line.count.to_string(),
            ]
        })
        .collect();
    table(["MAIL", "DUE", "STATE", "REASON", "COUNT"], &rows, "nobody has signed up yet");
}

pub(super) async fn send(config: &Config, command: SendCommand) -> anyhow::Result<()> {
    let service = service(config).await?;
    match command {
        SendCommand::Next { reader, dry_run } => {
            let audience = Audience::Reader(reader.address);
            let done = trigger::trigger(&service, &reader.series, &audience, &reader.why.into(), dry_run).await?;
            print_triggered(&done);
        }
        SendCommand::Due { series, within, dry_run, why } => {
            let audience = Audience::DueWithin(TimeDelta::from_std(within).context("--within is too long")?);
            print_triggered(&trigger::trigger(&service, &series, &audience, &why.into(), dry_run).await?);
        }
        SendCommand::Test { series, step, condition, language, to, why } => {
            let of = (&step, &condition, language);
            let trigger::TestSent { id } = trigger::test_send(&service, &series, of, &to, &why.into()).await?;
            println!("asked a dispatcher to send it; waiting up to 30 seconds");
            let patience = tokio::time::Instant::now() + Duration::from_secs(30);
            while tokio::time::Instant::now() < patience {
                if let Some(outcome) = trigger::test_send_outcome(&service, id).await? {
                    println!("{outcome}");
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            println!("no dispatcher took it yet: is one running?");
        }
        SendCommand::Runs { json: as_json } => runs::print_list(&service, as_json).await?,
    }
    Ok(())
}

fn print_triggered(done: &trigger::Triggered) {
    match done.run {
        Some(run) => println!("run {run}: due now for {} readers", done.readers),
        None => println!("dry run: it would reach {} readers; nothing was changed", done.readers),
    }
}

pub(super) async fn deliveries(config: &Config, options: DeliveriesOptions) -> anyhow::Result<()> {
    let ask = ListDeliveries {
        state: options.state,
        was_uncertain: options.was_uncertain,
        after: options.after,
        limit: options.limit,
    };
    let page = deliveries::list(&service(config).await?, &ask).await?;
    if options.json {
        return json(&page);
    }
    let rows: Vec<_> = page
        .items
        .iter()
        .map(|one| {
            [
                one.id.to_string(),
                one.step.clone().unwrap_or_else(|| one.kind.clone()),
                minute(one.due_at),
                one.state.clone(),
                one.reason.clone().unwrap_or_default(),
                one.uncertain_count.to_string(),
            ]
        })
        .collect();
    table(["DELIVERY", "MAIL", "DUE", "STATE", "REASON", "UNCERTAIN"], &rows, "no delivery fits");
    if let Some(next) = page.next {
        println!("\nmore: --after {next}");
    }
    Ok(())
}

pub(super) async fn health(config: &Config) -> anyhow::Result<Ended> {
    let health = health::health(&service(config).await?).await?;
    json(&health)?;
    Ok(if health.is_well() { Ended::Well } else { Ended::Not(4) })
}

pub(super) async fn nodes(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let nodes = health::nodes(&service(config).await?).await?;
    if as_json {
        return json(&nodes);
    }
    let rows: Vec<_> = nodes
        .into_iter()
        .map(|one| {
            let state = if one.alive { "alive" } else { "silent" }.to_owned();
            let seen = one.seen_at.format("%Y-%m-%d %H:%M:%SZ").to_string();
            [one.id.to_string(), one.role, state, minute(one.started_at), seen, one.holds.to_string()]
        })
        .collect();
    table(["NODE", "ROLE", "STATE", "STARTED", "LAST SEEN", "HOLDS"], &rows, "no process runs on this database");
    Ok(())
}

pub(super) fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%MZ").to_string()
}

pub(super) fn parse_slug(text: &str) -> Result<SeriesSlug, String> {
    SeriesSlug::parse(text).map_err(|error| error.to_string())
}

pub(super) fn parse_step(text: &str) -> Result<StepKey, String> {
    StepKey::parse(text).map_err(|error| error.to_string())
}

fn parse_condition(text: &str) -> Result<ConditionKey, String> {
    ConditionKey::parse(text).map_err(|error| error.to_string())
}

fn parse_language(tag: &str) -> Result<Language, String> {
    Language::parse(tag).ok_or_else(|| "this is none of the languages: en, es".to_owned())
}

pub(super) fn parse_address(text: &str) -> Result<EmailAddress, String> {
    EmailAddress::parse(text).map_err(|error| error.to_string())
}
