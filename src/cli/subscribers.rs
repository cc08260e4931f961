//! Readers on the command line: look, and what is done for one.
#![allow(clippy::print_stdout)]
use anyhow::bail;
use clap::{Args, Subcommand};

use super::admin::{Why, minute, parse_address, parse_slug, parse_step, service};
use super::output::{json, table};
use crate::actions::manage::{erase, export};
use crate::actions::readers::ListReaders;
use crate::actions::{Actor, readers, suppress, trigger, unsubscribe};
use crate::config::Config;
use crate::model::{EmailAddress, EnrollmentState, SeriesSlug, StepKey};

#[derive(Subcommand)]
pub(super) enum SubscribersCommand {
    /// List enrollments.
    List {
        #[arg(long)]
        state: Option<EnrollmentState>,
        #[arg(long, value_parser = parse_slug)]
        series: Option<SeriesSlug>,
        /// Go on after this cursor.
        #[arg(long)]
        after: Option<String>,
        #[arg(long)]
        limit: Option<u32>,
        /// Who you are; that you have looked is recorded.
        #[arg(long, env = "USER", default_value = "command line", value_name = "NAME")]
        who: String,
        #[arg(long)]
        json: bool,
    },
    /// Show one subscriber: enrollments, deliveries, attempts, consents.
    Show {
        #[arg(value_parser = parse_address)]
        address: EmailAddress,
        /// Who you are; that you have looked is recorded.
        #[arg(long, env = "USER", default_value = "command line", value_name = "NAME")]
        who: String,
        #[arg(long)]
        json: bool,
    },
    /// Pause one subscriber's series.
    Pause(OneReader),
    /// Resume it; what is left comes as much later as the pause was long.
    Resume(OneReader),
    /// Send a step again that the subscriber has had, or was passed by.
    Resend(OneStep),
    /// Go on with a later step, in the place and at the time of the one that waits; those between are left out.
    Move(OneStep),
    /// End the series, as behind the link in each part.
    Unsubscribe(OneReader),
    /// Never mail an address again, whatever it signs up for.
    Suppress(OneAddress),
    /// Lift a suppression; nothing starts by itself.
    Unsuppress(OneAddress),
    /// Print all that is stored about a subscriber as JSON, with the condition.
    Export(OneAddress),
    /// Delete all that names a subscriber; counts remain, and a suppression.
    Erase {
        #[command(flatten)]
        one: OneAddress,
        /// Say that you mean it.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args)]
pub(super) struct OneStep {
    #[command(flatten)]
    reader: OneReader,
    #[arg(long, value_parser = parse_step)]
    step: StepKey,
}

#[derive(Args)]
pub(super) struct OneReader {
    #[arg(value_parser = parse_address)]
    pub(super) address: EmailAddress,
    #[arg(long, value_parser = parse_slug)]
    pub(super) series: SeriesSlug,
    #[command(flatten)]
    pub(super) why: Why,
}

#[derive(Args)]
pub(super) struct OneAddress {
    #[arg(value_parser = parse_address)]
    address: EmailAddress,
    #[command(flatten)]
    why: Why,
}

pub(super) async fn subscribers(config: &Config, command: SubscribersCommand) -> anyhow::Result<()> {
    let service = service(config).await?;
    match command {
        SubscribersCommand::List { state, series, after, limit, who, json: as_json } => {
            let page =
                readers::list(&service, &ListReaders { state, series, after, limit }, &Actor::command_line(who, ""))
                    .await?;
            if as_json {
                return json(&page);
            }
            let rows: Vec<_> = page
                .items
                .iter()
                .map(|one| {
                    let state = if one.suppressed { "suppressed" } else { &one.state };
                    [
                        one.address.clone(),
                        one.series.clone(),
                        state.to_owned(),
                        one.done_steps.len().to_string(),
                        one.zone.clone(),
                    ]
                })
                .collect();
            table(["ADDRESS", "SERIES", "STATE", "RECEIVED", "ZONE"], &rows, "no subscriber fits");
            if let Some(next) = page.next {
                println!("\nmore: --after {next}");
            }
        }
        SubscribersCommand::Show { address, who, json: as_json } => {
            let dossier = readers::show(&service, &address, &Actor::command_line(who, "")).await?;
            if as_json { json(&dossier)? } else { print_dossier(&dossier) }
        }
        SubscribersCommand::Pause(one) => {
            readers::pause(&service, &one.address, &one.series, &one.why.into()).await?;
            println!("paused");
        }
        SubscribersCommand::Resume(one) => {
            readers::resume(&service, &one.address, &one.series, &one.why.into()).await?;
            println!("resumed");
        }
        SubscribersCommand::Resend(OneStep { reader, step }) => {
            let sent = trigger::resend(&service, &reader.series, &reader.address, &step, &reader.why.into()).await?;
            println!("run {}: it goes out now", sent.run.unwrap_or_default());
        }
        SubscribersCommand::Move(OneStep { reader, step }) => {
            readers::move_to(&service, &reader.address, &reader.series, &step, &reader.why.into()).await?;
            println!("moved: {step} comes next, when the step that waited would have come");
        }
        SubscribersCommand::Unsubscribe(one) => {
            unsubscribe::by_hand(&service, &one.address, &one.series, &one.why.into()).await?;
            println!("unsubscribed: the series has ended for this reader");
        }
        SubscribersCommand::Suppress(one) => {
            suppress::suppress(&service, &one.address, &one.why.into()).await?;
            println!("suppressed: this address is not mailed any more");
        }
        SubscribersCommand::Unsuppress(one) => {
            suppress::unsuppress(&service, &one.address, &one.why.into()).await?;
            println!("the suppression is lifted; nothing starts until the reader signs up again");
        }
        SubscribersCommand::Export(one) => {
            let of = readers::key(&service, &one.address).await?;
            json(&export::by_hand(&service, of, &one.why.into()).await?)?;
        }
        SubscribersCommand::Erase { one, yes } => {
            if !yes {
                bail!("this cannot be undone, and nothing was done: say --yes if you mean it");
            }
            let of = readers::key(&service, &one.address).await?;
            erase::by_hand(&service, of, &one.why.into()).await?;
            println!("erased: nothing that names this reader is left");
        }
    }
    Ok(())
}

fn print_dossier(dossier: &readers::Dossier) {
    for one in &dossier.enrollments {
        println!("{}: {} since {}, zone {}", one.series, one.state, minute(one.created_at), one.zone);
    }
    if dossier.suppressed {
        println!("suppressed: this address is not mailed");
    }
    println!();
    let rows: Vec<_> = dossier
        .deliveries
        .iter()
        .map(|one| {
            let last = dossier.attempts.iter().rfind(|attempt| attempt.delivery == one.id);
            [
                one.step.clone().unwrap_or_else(|| one.kind.clone()),
                minute(one.due_at),
                one.state.clone(),
                one.reason.clone().unwrap_or_default(),
                one.attempt.to_string(),
                last.and_then(|last| last.reply.clone()).unwrap_or_default(),
            ]
        })
        .collect();
    table(["MAIL", "DUE", "STATE", "REASON", "ATTEMPTS", "LAST REPLY"], &rows, "no delivery yet");
}
