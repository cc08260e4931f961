//! The admins on the command line: for the first owner, and for whoever has lost everything else.
#![allow(clippy::print_stdout)]
use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::admin::{minute, parse_address, service};
use super::output::{json, table};
use crate::actions::admins::{self, Admin, links, password, second_factor};
use crate::actions::{Actor, Service};
use crate::config::Config;
use crate::model::{EmailAddress, Role};

#[derive(Subcommand)]
pub(super) enum AdminCommand {
    /// Add an admin. Without a password a link is printed with which one is chosen.
    Create {
        #[arg(value_parser = parse_address)]
        address: EmailAddress,
        #[arg(long)]
        name: String,
        /// viewer, editor, operator or owner (docs/ADMINS.md).
        #[arg(long)]
        role: Role,
        #[command(flatten)]
        password: PasswordOptions,
        #[command(flatten)]
        by: By,
    },
    /// List the admins.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Sign an admin out everywhere and let them in no more.
    Disable(OneAdmin),
    /// Let an admin in again.
    Enable(OneAdmin),
    /// Give an admin another role.
    SetRole {
        #[command(flatten)]
        admin: OneAdmin,
        #[arg(long)]
        role: Role,
    },
    /// Print a link with which an admin chooses another password, or set one.
    ResetPassword {
        #[command(flatten)]
        admin: OneAdmin,
        #[command(flatten)]
        password: PasswordOptions,
    },
    /// Turn the second step at sign-in off, for an admin who has lost it.
    ResetSecondFactor(OneAdmin),
}

#[derive(Args)]
pub(super) struct OneAdmin {
    #[arg(value_parser = parse_address)]
    address: EmailAddress,
    #[command(flatten)]
    by: By,
}

/// Who does it: recorded with what is done.
#[derive(Args)]
pub(super) struct By {
    /// Why you do this; it is recorded.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    /// Who you are; it is recorded.
    #[arg(long, env = "USER", default_value = "command line", value_name = "NAME")]
    who: String,
}

impl From<&By> for Actor {
    fn from(by: &By) -> Self {
        Self::command_line(&by.who, &by.why)
    }
}

#[derive(Args)]
#[group(multiple = false)]
pub(super) struct PasswordOptions {
    /// Ask for the password on this terminal.
    #[arg(long)]
    password: bool,
    /// Read the password from the first line of standard input.
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordOptions {
    /// The password, if one is to be set here.
    fn read(&self) -> anyhow::Result<Option<String>> {
        if self.password {
            return ask_twice().map(Some);
        }
        if self.password_stdin {
            return read_line().map(Some);
        }
        Ok(None)
    }
}

pub(super) async fn admin(config: &Config, command: AdminCommand) -> anyhow::Result<()> {
    match command {
        AdminCommand::Create { address, name, role, password, by } => {
            let password = password.read()?;
            if let Some(password) = &password {
                check(password, &name, &address)?;
            }
            let service = service(config).await?;
            let by = Actor::from(&by);
            let id = admins::create(&service, &address, &name, role, &by).await?;
            set_or_print(&service, &admins::show(&service, id).await?, password, &by).await
        }
        AdminCommand::List { json: as_json } => list(&service(config).await?, as_json).await,
        AdminCommand::Disable(one) => {
            let service = service(config).await?;
            admins::disable(&service, find(&service, &one).await?.id, &Actor::from(&one.by)).await?;
            println!("disabled: signed out everywhere, and let in no more");
            Ok(())
        }
        AdminCommand::Enable(one) => {
            let service = service(config).await?;
            admins::enable(&service, find(&service, &one).await?.id, &Actor::from(&one.by)).await?;
            println!("enabled: signs in with the password from before");
            Ok(())
        }
        AdminCommand::SetRole { admin, role } => {
            let service = service(config).await?;
            admins::set_role(&service, find(&service, &admin).await?.id, role, &Actor::from(&admin.by)).await?;
            println!("the role is {role} now");
            Ok(())
        }
        AdminCommand::ResetPassword { admin, password } => {
            let password = password.read()?;
            let service = service(config).await?;
            set_or_print(&service, &find(&service, &admin).await?, password, &Actor::from(&admin.by)).await
        }
        AdminCommand::ResetSecondFactor(one) => {
            let service = service(config).await?;
            second_factor::reset(&service, find(&service, &one).await?.id, &Actor::from(&one.by)).await?;
            println!("the second step is off: the password alone lets in until it is turned on again");
            Ok(())
        }
    }
}

async fn find(service: &Service, one: &OneAdmin) -> anyhow::Result<Admin> {
    Ok(admins::by_address(service, &one.address).await?)
}

async fn set_or_print(service: &Service, admin: &Admin, password: Option<String>, by: &Actor) -> anyhow::Result<()> {
    if let Some(password) = password {
        password::set_by_hand(service, admin.id, &password, by).await?;
        println!("the password is set: sign in at {}/admin", service.public_url());
    } else {
        println!("{}", links::make(service, admin.id, by).await?);
        println!("with this link a password is chosen: it works once, for seven days. Hand it over in a safe way");
    }
    Ok(())
}

async fn list(service: &Service, as_json: bool) -> anyhow::Result<()> {
    let admins = admins::list(service).await?;
    if as_json {
        return json(&admins);
    }
    let rows: Vec<_> = admins
        .into_iter()
        .map(|one| {
            let state = match (one.disabled_at, one.password_set_at) {
                (Some(at), _) => format!("disabled {}", minute(at)),
                (None, None) => "has no password yet".to_owned(),
                (None, Some(_)) => "good".to_owned(),
            };
            let second = if one.second_factor_at.is_some() { "on" } else { "off" }.to_owned();
            let last = one.signed_in_at.map_or_else(|| "never".to_owned(), minute);
            [one.address, one.name, one.role.to_string(), second, last, state]
        })
        .collect();
    table(["ADDRESS", "NAME", "ROLE", "SECOND STEP", "SIGNED IN", "STATE"], &rows, "there is no admin");
    Ok(())
}

/// Before anything is written, so that no admin is left without the password that was meant for them.
fn check(password: &str, name: &str, address: &EmailAddress) -> anyhow::Result<()> {
    let local = address.as_typed().split('@').next().unwrap_or_default();
    password::check(password, &[name, local]).map_err(|fault| anyhow::anyhow!(fault.text()))
}

fn read_line() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("the password cannot be read")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn ask_twice() -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        bail!("standard input is no terminal: use --password-stdin");
    }
    let (one, other) = (ask("Password: ")?, ask("Once more: ")?);
    if one != other {
        bail!("these are two passwords: nothing was changed");
    }
    Ok(one)
}

/// Shows nothing of what is typed.
fn ask(question: &str) -> anyhow::Result<String> {
    print!("{question}");
    std::io::stdout().flush()?;
    let stdin = std::io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Now, &silent)?;
    let line = read_line();
    tcsetattr(&stdin, OptionalActions::Now, &before)?;
    println!();
    line
}
