//! The content before it goes live: every fault of it at once, a rehearsal, and what would change for whom. Only the last needs a
//! database.
#![allow(clippy::print_stdout)]
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{NaiveDate, NaiveTime};
use clap::{Args, Subcommand};

use super::Ended;
use super::admin::{parse_slug, service};
use super::output::{json, table};
use crate::actions::changes::{self, Kind, SeriesChanges, Setting};
use crate::actions::rehearsal::{self, Ask, Rehearsal, When, in_words};
use crate::clock::Clock;
use crate::config::Config;
use crate::content::{Bundle, Change, Fault, Library, compile};
use crate::model::{Language, SeriesSlug, Zone, parse_day, parse_time};

#[derive(Subcommand)]
pub(super) enum ContentCommand {
    /// Run a whole series for a sample of readers, and show each reader's calendar.
    Rehearse(Box<Rehearse>),
    /// Say what would change for whom if a folder went live now. It publishes nothing.
    Diff {
        /// The folder with the new content; that of the configuration if none is given.
        folder: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
pub(super) struct Rehearse {
    #[arg(value_parser = parse_slug)]
    series: SeriesSlug,
    /// The folder with the content; that of the configuration if none is given.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// The day on which the first readers confirm; today if none is given.
    #[arg(long, value_name = "DAY", value_parser = parse_from)]
    from: Option<NaiveDate>,
    /// A reader's time zone, such as Europe/Berlin; may be given again. Without one: a sample from around the world.
    #[arg(long, value_name = "ZONE", value_parser = parse_zone)]
    zone: Vec<Zone>,
    /// The hour that the readers have chosen, such as 18:00.
    #[arg(long, value_parser = parse_hour)]
    hour: Option<NaiveTime>,
    /// The days between two parts that the readers have chosen; the series has to offer it.
    #[arg(long, value_name = "DAYS")]
    spacing: Option<u16>,
    #[arg(long)]
    json: bool,
}

pub(super) async fn content(config: &Config, command: ContentCommand) -> anyhow::Result<Ended> {
    match command {
        ContentCommand::Rehearse(asked) => rehearse(config, *asked),
        ContentCommand::Diff { folder, json } => diff(config, folder.as_deref(), json).await,
    }
}

/// Prints each fault as `file:line: message`; exit code 1 if there is one.
pub(super) fn check(folder: Option<&Path>) -> Ended {
    match compiled(folder) {
        Ok(library) => {
            for series in library.series.values() {
                println!(
                    "{}: {} steps, {} conditions: no fault",
                    series.slug,
                    series.steps.len(),
                    series.conditions.len()
                );
            }
            Ended::Well
        }
        Err(faults) => tell(&faults),
    }
}

fn compiled(folder: Option<&Path>) -> Result<Library, Vec<Fault>> {
    compile(&bundle(folder)?)
}

fn bundle(folder: Option<&Path>) -> Result<Bundle, Vec<Fault>> {
    folder.map_or_else(|| Ok(Bundle::embedded()), Bundle::from_folder)
}

fn tell(faults: &[Fault]) -> Ended {
    for fault in faults {
        println!("{fault}");
    }
    println!("{} fault{}", faults.len(), if faults.len() == 1 { "" } else { "s" });
    Ended::Not(1)
}

fn rehearse(config: &Config, asked: Rehearse) -> anyhow::Result<Ended> {
    let library = match compiled(asked.folder.as_deref().or(config.content_folder.as_deref())) {
        Ok(library) => library,
        Err(faults) => return Ok(tell(&faults)),
    };
    let series = library.series.get(&asked.series).context("there is no such series in this content")?;
    let Rehearse { from, zone: zones, hour, spacing, .. } = asked;
    if let Some(days) = spacing.filter(|days| !series.spacings.contains(days)) {
        anyhow::bail!("readers of {} cannot choose {days} days: it offers {:?}", series.slug, series.spacings);
    }
    let from = from.unwrap_or_else(|| Clock::system().real().date_naive());
    let found = rehearsal::rehearse(series, &Ask { from, zones, hour, spacing });
    if asked.json {
        json(&found)?;
    } else {
        print_calendars(&found);
    }
    Ok(Ended::Well)
}

fn print_calendars(found: &Rehearsal) {
    const TIME: &str = "%a %Y-%m-%d %H:%M";
    let mut rows = Vec::new();
    for reader in &found.readers {
        let when = match reader.when {
            When::Asked => "",
            When::BeforeForward => "a week before the clock goes forward",
            When::BeforeBack => "a week before the clock goes back",
        };
        let confirms = reader.confirmed_local.format(TIME).to_string();
        rows.push([reader.zone.to_owned(), "confirms".to_owned(), confirms, when.to_owned()]);
        rows.extend(reader.parts.iter().map(|part| {
            let moved: Vec<String> = part.moved.iter().map(|moved| in_words(Language::English, *moved)).collect();
            [String::new(), part.step.clone(), part.local.format(TIME).to_string(), moved.join(", ")]
        }));
    }
    table(["ZONE", "STEP", "LOCAL TIME", "WHY"], &rows, "no reader is in the sample");
}

async fn diff(config: &Config, folder: Option<&Path>, as_json: bool) -> anyhow::Result<Ended> {
    let read = bundle(folder.or(config.content_folder.as_deref()));
    let (bundle, library) = match read.and_then(|bundle| compile(&bundle).map(|library| (bundle, library))) {
        Ok(read) => read,
        Err(faults) => return Ok(tell(&faults)),
    };
    let found = changes::changes(&service(config).await?, &bundle, &library).await?;
    if as_json {
        json(&found)?;
    } else {
        found.iter().for_each(print_changes);
    }
    Ok(Ended::Well)
}

fn print_changes(found: &SeriesChanges) {
    println!("{}: {}", found.series, found.kind.in_words());
    for Setting { name, was, will_be } in &found.settings {
        println!("  {name}: {was} -> {will_be}");
    }
    for one in &found.steps {
        println!("  {}: {}", one.step, one.changes.iter().map(Change::to_string).collect::<Vec<_>>().join(", "));
    }
    if found.kind == Kind::New || found.kind == Kind::Same {
        return;
    }
    println!();
    let rows: Vec<_> = found
        .readers
        .iter()
        .map(|one| [one.waits_for.to_string(), one.readers.to_string(), one.fate.in_words()])
        .collect();
    table(["WAITS FOR", "READERS", "WHAT HAPPENS"], &rows, "no enrolled reader is touched");
    println!("untouched: {}\n", found.untouched.unwrap_or_default());
}

fn parse_zone(text: &str) -> Result<Zone, String> {
    Zone::parse(text).map_err(|error| error.to_string())
}

fn parse_from(text: &str) -> Result<NaiveDate, String> {
    parse_day(text).ok_or_else(|| "a day is written like 2026-11-26".to_owned())
}

fn parse_hour(text: &str) -> Result<NaiveTime, String> {
    parse_time(text).map_err(|error| error.to_string())
}
