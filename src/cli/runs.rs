//! Runs on the command line: prepare, look, start, pause, resume, cancel.
#![allow(clippy::print_stdout)]
use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::admin::{Why, minute, service};
use super::output::{json, table};
use crate::actions::Service;
use crate::actions::runs::choice::Choice;
use crate::actions::runs::{self, RunView};
use crate::config::Config;
use crate::model::RunState;

#[derive(Subcommand)]
pub(super) enum RunCommand {
    /// Prepare a run and count whom it reaches. Nothing is sent before it is started.
    Prepare(Box<Prepare>),
    /// Start a prepared run.
    Start {
        run: i64,
        /// The number of readers that the dry run found.
        #[arg(long, value_name = "NUMBER")]
        readers: i64,
        #[command(flatten)]
        why: Why,
    },
    /// Hand nothing more of a run to a relay.
    Pause(OneRun),
    /// Go on with a paused run.
    Resume(OneRun),
    /// Take back what no relay has yet, or throw a draft away.
    Cancel(OneRun),
    /// Show a run and how far it is.
    Show {
        run: i64,
        #[arg(long)]
        json: bool,
    },
    /// List the newest runs.
    List {
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
pub(super) struct OneRun {
    run: i64,
    #[command(flatten)]
    why: Why,
}

#[derive(Args)]
pub(super) struct Prepare {
    #[arg(long)]
    series: String,
    /// Whom it is for: reader, `due_within`, `not_received`, received, filter or list.
    #[arg(long = "for", value_name = "WHOM")]
    whom: String,
    /// What it sends: next, step or correction.
    #[arg(long, value_name = "WHAT")]
    send: String,
    /// For `reader`.
    #[arg(long, default_value = "")]
    address: String,
    /// For `due_within`, such as 12h or 2d.
    #[arg(long, default_value = "")]
    within: String,
    /// For `not_received` and `received`: the step.
    #[arg(long, default_value = "", value_name = "STEP")]
    had: String,
    /// For `received`: the version of the content.
    #[arg(long, default_value = "")]
    version: String,
    /// For `filter`: active, paused or completed.
    #[arg(long, default_value = "")]
    state: String,
    /// For `filter`: so many parts received.
    #[arg(long, default_value = "")]
    parts: String,
    /// For `filter`: en or es.
    #[arg(long, default_value = "")]
    language: String,
    /// For `filter`: a condition. Counts under five are not shown then, and fewer than five readers are not reached.
    #[arg(long, default_value = "")]
    condition: String,
    /// For `filter`: signed up on this day (UTC) or later.
    #[arg(long, default_value = "")]
    since: String,
    /// For `filter`: signed up on this day (UTC) or before.
    #[arg(long, default_value = "")]
    until: String,
    /// For `list`: a file with an address in each line, or CSV; `-` is the standard input.
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// The step to send.
    #[arg(long, default_value = "")]
    step: String,
    /// Send the step also to those who have had it.
    #[arg(long)]
    again: bool,
    /// The correction to send.
    #[arg(long, default_value = "")]
    correction: String,
    #[command(flatten)]
    why: Why,
}

pub(super) async fn run(config: &Config, command: RunCommand) -> anyhow::Result<()> {
    let service = service(config).await?;
    match command {
        RunCommand::Prepare(ask) => prepare(&service, *ask).await?,
        RunCommand::Start { run, readers, why } => {
            runs::start(&service, run, readers, &why.into()).await?;
            println!("started: a dispatcher works it off; look with: regimen run show {run}");
        }
        RunCommand::Pause(one) => {
            runs::pause(&service, one.run, &one.why.into()).await?;
            runs::work_now(&service, one.run).await?;
            println!("paused");
        }
        RunCommand::Resume(one) => {
            runs::resume(&service, one.run, &one.why.into()).await?;
            println!("resumed");
        }
        RunCommand::Cancel(one) => {
            let was_draft = runs::show(&service, one.run).await?.state == RunState::Draft;
            runs::cancel(&service, one.run, &one.why.into()).await?;
            runs::work_now(&service, one.run).await?;
            println!("{}", if was_draft { "the draft is thrown away" } else { "cancelled" });
        }
        RunCommand::Show { run, json: as_json } => {
            let run = runs::show(&service, run).await?;
            if as_json { json(&run)? } else { print_run(&run) }
        }
        RunCommand::List { json } => print_list(&service, json).await?,
    }
    Ok(())
}

async fn prepare(service: &Service, ask: Prepare) -> anyhow::Result<()> {
    let addresses = match ask.list.as_deref() {
        None => String::new(),
        Some(path) if path.as_os_str() == "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("the standard input")?;
            text
        }
        Some(path) => std::fs::read_to_string(path).with_context(|| path.display().to_string())?,
    };
    let choice = Choice {
        series: ask.series,
        whom: ask.whom,
        address: ask.address,
        within: ask.within,
        had: ask.had,
        version: ask.version,
        state: ask.state,
        parts: ask.parts,
        language: ask.language,
        condition: ask.condition,
        since: ask.since,
        until: ask.until,
        addresses,
        what: ask.send,
        step: ask.step,
        again: if ask.again { "yes".into() } else { String::new() },
        correction: ask.correction,
    };
    let run = runs::prepare(service, &choice.draft(service).await?, &ask.why.into()).await?.id;
    runs::work_now(service, run).await?;
    let view = runs::show(service, run).await?;
    print_run(&view);
    println!("\nstart it with: regimen run start {run} --readers {} --why …", view.readers);
    Ok(())
}

fn print_run(run: &RunView) {
    println!("run {}: {} of {}, {}; by {}: {}\n", run.id, run.kind, run.series, run.state, run.who, run.why);
    let counts = &run.counts;
    let mut rows = vec![["readers".to_owned(), run.readers.to_string()]];
    if let (RunState::Draft, Some(found)) = (run.state, &run.dry_run) {
        let named = |title: &str, (name, count): (&String, &i64)| [format!("{title} {name}"), count.to_string()];
        rows.extend(found.by_state.iter().map(|one| named("of these,", one)));
        rows.extend(found.left_out.iter().map(|one| named("left out:", one)));
        rows.extend(found.by_domain.iter().map(|one| named("at", one)));
        for (name, count) in [("at other domains", found.other_domains), ("no subscribers", found.not_subscribers)] {
            if count > 0 {
                rows.push([name.to_owned(), count.to_string()]);
            }
        }
    } else {
        for (name, count) in [
            ("accepted", counts.accepted),
            ("rejected", counts.rejected),
            ("skipped", counts.skipped),
            ("uncertain", counts.uncertain),
            ("pending", counts.pending),
            ("paused", counts.paused),
            ("taken back", run.taken_back),
        ] {
            rows.push([name.to_owned(), count.to_string()]);
        }
    }
    if let Some(rate) = run.per_minute {
        rows.push(["a minute".to_owned(), format!("{rate:.0}")]);
    }
    if let Some(seconds) = run.seconds_left {
        let span = std::time::Duration::from_secs(seconds.unsigned_abs());
        let what = if run.state == RunState::Draft { "it will take" } else { "time left" };
        rows.push([what.to_owned(), humantime::format_duration(span).to_string()]);
    }
    table(["WHAT", "COUNT"], &rows, "");
}

pub(super) async fn print_list(service: &Service, as_json: bool) -> anyhow::Result<()> {
    let runs = runs::list(service, None, 500).await?.items;
    if as_json {
        return json(&runs);
    }
    let rows: Vec<_> = runs
        .into_iter()
        .map(|run| {
            let progress = format!("{}/{}", run.accepted, run.readers);
            let state = run.state.to_string();
            [run.id.to_string(), minute(run.at), run.kind, run.series, state, progress, run.who, run.why]
        })
        .collect();
    table(["RUN", "AT", "KIND", "SERIES", "STATE", "ACCEPTED", "WHO", "WHY"], &rows, "nothing was triggered yet");
    Ok(())
}
