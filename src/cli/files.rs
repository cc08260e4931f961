//! Readers to a file, and from one.
#![allow(clippy::print_stdout, clippy::print_stderr)]
use std::fs::OpenOptions;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;

use super::admin::{Why, parse_slug, service};
use super::output::{json, table};
use crate::actions::imports::{self, Ask, Importing, Progress, Source, Step};
use crate::actions::readers::export::{self, Export};
use crate::config::Config;
use crate::model::{EnrollmentState, Format, Refused, SeriesSlug};

#[derive(Args)]
pub(super) struct ExportOptions {
    #[arg(long, value_parser = parse_slug)]
    series: Option<SeriesSlug>,
    #[arg(long)]
    state: Option<EnrollmentState>,
    /// csv or json-lines.
    #[arg(long, default_value = "csv")]
    format: Format,
    /// With the condition of each, which is health data: keep the file as you keep the seal keys.
    #[arg(long)]
    with_condition: bool,
    #[command(flatten)]
    why: Why,
}

#[derive(Args)]
pub(super) struct ImportOptions {
    /// A CSV file (docs/FILES.md says which columns it needs).
    file: PathBuf,
    #[arg(long, value_parser = parse_slug)]
    series: SeriesSlug,
    /// What those become whose line says when they confirmed: active, or pending, who are asked to confirm.
    #[arg(long, default_value = "pending", value_name = "STATE")]
    state: EnrollmentState,
    /// Only find out what it would do.
    #[arg(long)]
    dry_run: bool,
    /// Write the refused lines to this file, each with the reason.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    why: Why,
}

pub(super) async fn export(config: &Config, options: ExportOptions) -> anyhow::Result<()> {
    let service = service(config).await?;
    let ask = export::Ask { series: options.series, state: options.state, condition: options.with_condition };
    let mut export = Export::begin(&service, ask, options.format, &options.why.into()).await?;
    let mut out = std::io::stdout().lock();
    while let Some(piece) = export.next().await? {
        out.write_all(&piece).context("the standard output")?;
    }
    out.flush().context("the standard output")
}

pub(super) async fn import(config: &Config, options: ImportOptions) -> anyhow::Result<()> {
    let service = service(config).await?;
    let source = Source::open(&options.file).await.with_context(|| options.file.display().to_string())?;
    let ask = Ask { series: options.series, state: options.state, dry_run: options.dry_run };
    let mut importing = Importing::begin(&service, source, &ask, &options.why.into()).await?;
    let unknown = importing.unknown_columns();
    if !unknown.is_empty() {
        eprintln!("these columns are not read: {}", unknown.join(", "));
    }
    if importing.went_on() {
        eprintln!("this import was broken off: it goes on after {} lines", importing.progress().lines);
    }
    let mut meter = Meter::new(importing.progress());
    loop {
        match importing.step().await? {
            Step::Went => {}
            Step::Ended => break,
            Step::NotOurs => anyhow::bail!("another process goes on with this import, or it was cancelled"),
        }
        meter.tell(&importing.progress());
    }
    if let Some(path) = &options.report {
        write_report(&importing, path).await.with_context(|| path.display().to_string())?;
    }
    let refused = imports::show(&service, importing.progress().id).await?.refused;
    if options.json {
        return json(&serde_json::json!({ "import": importing.progress(), "refused": refused }));
    }
    print(&importing.progress(), &refused, meter.begun.elapsed());
    Ok(())
}

/// Says each second how far it is.
struct Meter {
    begun: Instant,
    said: Instant,
    at_first: Progress,
}

impl Meter {
    fn new(at_first: Progress) -> Self {
        Self { begun: Instant::now(), said: Instant::now(), at_first }
    }

    fn tell(&mut self, now: &Progress) {
        if self.said.elapsed() < Duration::from_secs(1) {
            return;
        }
        self.said = Instant::now();
        let seconds = self.begun.elapsed().as_secs().max(1).cast_signed();
        let rate = (now.lines - self.at_first.lines) / seconds;
        let (done, left) = (now.octets_done - self.at_first.octets_done, now.octets - now.octets_done);
        let left = (left * seconds).checked_div(done).map_or_else(String::new, |left| {
            format!(", about {} left", humantime::format_duration(Duration::from_secs(left.unsigned_abs())))
        });
        let percent = (now.octets_done * 100).checked_div(now.octets).unwrap_or(100);
        eprintln!("{percent} %, {} lines, {rate} a second{left}", now.lines);
    }
}

/// The file is its owner's alone: addresses and conditions are in it.
async fn write_report(importing: &Importing, path: &Path) -> anyhow::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let mut file = BufWriter::new(file);
    let mut report = importing.report();
    while let Some(piece) = report.next().await? {
        file.write_all(&piece)?;
    }
    Ok(file.flush()?)
}

fn print(import: &Progress, refused: &[(Refused, i64)], took: Duration) {
    let mut rows = vec![
        ["lines".to_owned(), import.lines.to_string()],
        ["active".to_owned(), import.active.to_string()],
        ["pending: asked to confirm".to_owned(), import.pending.to_string()],
        ["refused".to_owned(), import.refused.to_string()],
    ];
    rows.extend(refused.iter().map(|(reason, count)| [format!("  {}", reason.text()), count.to_string()]));
    table(["WHAT", "COUNT"], &rows, "");
    let took = humantime::format_duration(Duration::from_secs(took.as_secs()));
    if import.dry_run {
        println!("\na dry run, in {took}: nobody was taken in");
    } else {
        println!("\nimport {}, in {took}: it is in the audit log", import.id);
    }
}
