//! The content before it goes live: every fault of it at once, and a rehearsal. Neither needs a database.
#![allow(clippy::print_stdout)]
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{NaiveDate, NaiveTime};
use clap::{Args, Subcommand};

use super::Ended;
use super::admin::parse_slug;
use super::output::{json, table};
use crate::actions::rehearsal::{self, Ask, Rehearsal, When, in_words};
use crate::clock::Clock;
use crate::config::Config;
use crate::content::{Bundle, Fault, Library, compile};
use crate::model::{Language, SeriesSlug, Zone, parse_time};

#[derive(Subcommand)]
pub(super) enum ContentCommand {
    /// Run a whole series for a sample of readers, and show each reader's calendar.
    Rehearse(Box<Rehearse>),
}

#[derive(Args)]
pub(super) struct Rehearse {
    #[arg(value_parser = parse_slug)]
    series: SeriesSlug,
    /// The folder with the content; that of the configuration if none is given.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// The day on which the first readers confirm; today if none is given.
    #[arg(long, value_name = "DAY")]
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

pub(super) fn content(config: &Config, command: ContentCommand) -> anyhow::Result<Ended> {
    match command {
        ContentCommand::Rehearse(asked) => rehearse(config, *asked),
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
    match folder {
        Some(folder) => Bundle::from_folder(folder).and_then(|bundle| compile(&bundle)),
        None => compile(&Bundle::embedded()),
    }
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

fn parse_zone(text: &str) -> Result<Zone, String> {
    Zone::parse(text).map_err(|error| error.to_string())
}

fn parse_hour(text: &str) -> Result<NaiveTime, String> {
    parse_time(text).map_err(|error| error.to_string())
}
