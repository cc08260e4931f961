//! `regimen bench`: hidden, since it is for those who change regimen.
use std::path::PathBuf;
use std::time::Duration;

use super::Ended;
use crate::bench;
use crate::clock::Clock;

#[derive(clap::Args)]
pub(super) struct Options {
    /// One JSON object a line instead of the table.
    #[arg(long)]
    json: bool,
    /// Also the lines with 300,000 mails and with 1 and 10 million readers; some hours, and 40 GB of disk.
    #[arg(long)]
    long: bool,
    /// Only this line; may be given again.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Name the lines and what each measures.
    #[arg(long)]
    list: bool,
    /// Mails of a run.
    #[arg(long, default_value_t = 25_000, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    mails: u32,
    /// How often a run is repeated; the middle one counts.
    #[arg(long, default_value_t = 3, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Where the data is kept meanwhile: on a disk as production has, not in memory.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(super) struct SinkOptions {
    /// Each reply leaves so long after its command came.
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
    delay: Duration,
    /// Remember Message-IDs.
    #[arg(long)]
    ids: bool,
    /// Remember when each mail came.
    #[arg(long)]
    times: bool,
}

#[allow(clippy::print_stdout)]
pub(super) async fn bench(options: Options) -> anyhow::Result<Ended> {
    if options.list {
        for line in bench::LINES {
            println!("{:<20} {}{}", line.name, line.about, if line.long { " (long)" } else { "" });
        }
        return Ok(Ended::Well);
    }
    let all_met = bench::run(bench::Options {
        json: options.json,
        long: options.long,
        only: options.only,
        mails: options.mails as usize,
        rounds: options.rounds as usize,
        folder: options.data_dir.unwrap_or_else(std::env::temp_dir),
    })
    .await?;
    // A goal that is not met is a figure, not a failure of the measuring.
    tracing::debug!(all_met, "the benchmark is done");
    Ok(Ended::Well)
}

/// Serves until its standard input ends.
pub(super) async fn sink(options: SinkOptions) -> anyhow::Result<()> {
    let options = bench::SinkOptions { delay: options.delay, ids: options.ids, times: options.times };
    tokio::task::spawn_blocking(move || bench::serve_sink(options, &Clock::system())).await?
}
