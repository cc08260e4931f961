//! Webhooks on the command line: other programs that are told what happens to readers.
#![allow(clippy::print_stdout)]
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::admin::{Why, minute, parse_slug, service};
use super::output::{json, table};
use crate::actions::webhooks::{self, Asked, Health, Listed, Message};
use crate::actions::{ActionError, Actor, Service};
use crate::config::Config;
use crate::model::{Event, MessageState, SeriesSlug};

#[derive(Subcommand)]
pub(super) enum WebhookCommand {
    /// Make a webhook. Its secret is printed once.
    Make(Make),
    /// List the webhooks, and how each stands.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Show what a webhook was told and will be, the newest first.
    Log {
        name: String,
        /// pending, sent or failed.
        #[arg(long)]
        state: Option<MessageState>,
        /// Go on after this message.
        #[arg(long)]
        after: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Send a message about nothing, to see whether it comes.
    Test(OneWebhook),
    /// Send a message once more that was sent or given up, or all that were given up.
    Again {
        #[command(flatten)]
        webhook: OneWebhook,
        /// This message alone; `webhook log` shows its number.
        #[arg(long, value_name = "ID")]
        message: Option<Uuid>,
        /// All that were given up and tell of something since then, such as 2026-03-02T00:00:00Z.
        #[arg(long, value_name = "INSTANT", conflicts_with = "message", required_unless_present = "message")]
        since: Option<DateTime<Utc>>,
    },
    /// Give a webhook a new secret. For a day messages are signed with both.
    Rotate(OneWebhook),
    /// Tell a webhook nothing; what waits is kept until it is enabled.
    Disable(OneWebhook),
    /// Tell it what waited, and what happens from now on.
    Enable(OneWebhook),
    /// Delete a webhook with all that it was told.
    Delete(OneWebhook),
}

#[derive(Args)]
pub(super) struct Make {
    /// What people know it by.
    name: String,
    /// Where messages are posted: an address that begins with https://
    url: String,
    /// What it is told, such as reader.confirmed; all of it if none is named (docs/WEBHOOKS.md). May be given several times.
    #[arg(long = "event", value_name = "EVENT")]
    events: Vec<Event>,
    /// Of which series; of all if none is named. May be given several times.
    #[arg(long, value_parser = parse_slug)]
    series: Vec<SeriesSlug>,
    /// Tell it the reader's address, too.
    #[arg(long)]
    with_address: bool,
    #[command(flatten)]
    why: Why,
}

#[derive(Args)]
pub(super) struct OneWebhook {
    /// Its name.
    name: String,
    #[command(flatten)]
    why: Why,
}

pub(super) async fn webhook(config: &Config, command: WebhookCommand) -> anyhow::Result<()> {
    let service = service(config).await?;
    match command {
        WebhookCommand::Make(make) => {
            let Make { name, url, events, series, with_address, why } = make;
            let asked = Asked { name: &name, url: &url, events: &events, series: &series, with_address };
            told(&webhooks::make(&service, &asked, &why.into()).await?);
        }
        WebhookCommand::List { json: as_json } => list(&service, as_json).await?,
        WebhookCommand::Log { name, state, after, json: as_json } => {
            let id = id_of(&service, &name).await?;
            let page = webhooks::log(&service, id, state, after.as_deref()).await?;
            if as_json {
                return json(&page);
            }
            print_log(&page.items);
            if let Some(next) = page.next {
                println!("\nmore: --after {next}");
            }
        }
        WebhookCommand::Test(one) => {
            let (id, by) = of(&service, one).await?;
            webhooks::test(&service, id, &by).await?;
            println!("the message will be sent in a moment: look with `regimen webhook log`");
        }
        WebhookCommand::Again { webhook, message, since } => {
            let (id, by) = of(&service, webhook).await?;
            let again = match (message, since) {
                (Some(message), _) => webhooks::send_again(&service, id, message, &by).await?,
                (None, since) => {
                    webhooks::send_failed_again(&service, id, since.unwrap_or(DateTime::UNIX_EPOCH), &by).await?
                }
            };
            println!("{} messages are sent once more", again.messages);
        }
        WebhookCommand::Rotate(one) => {
            let (id, by) = of(&service, one).await?;
            told(&webhooks::rotate(&service, id, &by).await?);
        }
        WebhookCommand::Disable(one) => {
            let (id, by) = of(&service, one).await?;
            webhooks::disable(&service, id, &by).await?;
            println!("disabled");
        }
        WebhookCommand::Enable(one) => {
            let (id, by) = of(&service, one).await?;
            webhooks::enable(&service, id, &by).await?;
            println!("enabled");
        }
        WebhookCommand::Delete(one) => {
            let (id, by) = of(&service, one).await?;
            webhooks::delete(&service, id, &by).await?;
            println!("deleted");
        }
    }
    Ok(())
}

async fn of(service: &Service, one: OneWebhook) -> Result<(Uuid, Actor), ActionError> {
    Ok((id_of(service, &one.name).await?, one.why.into()))
}

async fn id_of(service: &Service, name: &str) -> Result<Uuid, ActionError> {
    let all = webhooks::list(service).await?;
    let found = all.into_iter().find(|one| one.webhook.name == name);
    found.map(|one| one.webhook.id).ok_or(ActionError::NotFound("webhook"))
}

fn told(made: &webhooks::Secret) {
    println!("Its secret, which is shown only now:\n\n  {}\n", made.secret);
    println!("With it the receiver checks each message (docs/WEBHOOKS.md).");
}

async fn list(service: &Service, as_json: bool) -> anyhow::Result<()> {
    let all = webhooks::list(service).await?;
    if as_json {
        return json(&all);
    }
    let row = |one: &Listed| {
        let (hook, health) = (&one.webhook, health(one.health()));
        let events: Vec<String> = hook.events.iter().map(ToString::to_string).collect();
        [hook.name.clone(), health, one.pending.to_string(), one.failed.to_string(), events.join(" "), hook.url.clone()]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    table(["NAME", "STATE", "WAITING", "GIVEN UP", "EVENTS", "ADDRESS"], &rows, "there is no webhook");
    Ok(())
}

fn health(health: Health) -> String {
    match health {
        Health::Works => "works".into(),
        Health::Fails(since) => format!("fails since {}", minute(since)),
        Health::Disabled(because) => format!("disabled: {because}"),
    }
}

fn print_log(messages: &[Message]) {
    let row = |one: &Message| {
        let status = one.status.map(|status| status.to_string());
        let answer: Vec<String> = status.into_iter().chain(one.error.clone()).collect();
        [
            one.id.to_string(),
            minute(one.at),
            one.event.clone(),
            one.state.clone(),
            one.tries.to_string(),
            answer.join(" "),
        ]
    };
    let rows: Vec<_> = messages.iter().map(row).collect();
    table(["MESSAGE", "HAPPENED", "EVENT", "STATE", "TRIES", "LAST ANSWER"], &rows, "nothing");
}
