//! Publishers' tokens, and what was refused, on the command line.
#![allow(clippy::print_stdout)]
use clap::{Args, Subcommand};

use super::admin::{Why, minute, service};
use super::output::{json, table};
use crate::actions::guards::{self, tokens};
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token. It is shown once.
    Create {
        /// Whose it is; it is written down with each consent.
        #[arg(long)]
        name: String,
        #[command(flatten)]
        why: Why,
    },
    /// List the tokens, without themselves.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Refuse a token from now on; a process that has just seen it takes half a minute to hear of it.
    Revoke {
        #[arg(long)]
        name: String,
        #[command(flatten)]
        why: Why,
    },
}

#[derive(Args)]
pub(super) struct RefusedOptions {
    /// How many days to look back.
    #[arg(long, default_value_t = 30)]
    days: u16,
    #[arg(long)]
    json: bool,
}

pub(super) async fn token(config: &Config, command: TokenCommand) -> anyhow::Result<()> {
    let service = service(config).await?;
    match command {
        TokenCommand::Create { name, why } => {
            let token = tokens::create(&service, &name, &why.into()).await?;
            println!("{token}");
            println!(
                "this is shown once: give it to the publisher over a safe way; it is sent as `Authorization: Bearer …`"
            );
        }
        TokenCommand::List { json: as_json } => {
            let tokens = tokens::list(&service).await?;
            if as_json {
                return json(&tokens);
            }
            let rows: Vec<_> = tokens
                .into_iter()
                .map(|one| {
                    let state =
                        one.revoked_at.map_or_else(|| "good".to_owned(), |at| format!("revoked {}", minute(at)));
                    let used = one.last_used.map_or_else(|| "never".to_owned(), |day| day.to_string());
                    [one.name, one.scope, minute(one.created_at), used, state]
                })
                .collect();
            table(["NAME", "MAY", "CREATED", "LAST USED", "STATE"], &rows, "there is no token");
        }
        TokenCommand::Revoke { name, why } => {
            tokens::revoke(&service, &name, &why.into()).await?;
            println!("revoked: processes that have just seen it refuse it within half a minute");
        }
    }
    Ok(())
}

pub(super) async fn refused(config: &Config, options: RefusedOptions) -> anyhow::Result<()> {
    let refused = guards::refused(&service(config).await?, options.days).await?;
    if options.json {
        return json(&refused);
    }
    let rows: Vec<_> =
        refused.into_iter().map(|one| [one.day.to_string(), one.reason, one.count.to_string()]).collect();
    table(["DAY", "REASON", "COUNT"], &rows, "nothing was refused");
    Ok(())
}
