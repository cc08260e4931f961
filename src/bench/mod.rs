//! `regimen bench`: each goal of the project's speed as a line with its figure, its ceiling and their ratio.
//!
//! What is measured is this very program: `regimen dispatch` and `regimen web` as processes of their own, with a
//! configuration as in production, the built-in series and a private PostgreSQL with its defaults. What it is measured by,
//! a client that only writes or a database that only stores, runs in between on the same machine, since absolute figures
//! differ from machine to machine and from minute to minute. docs/BENCHMARKS.md explains each line.
mod ceiling;
mod child;
mod ground;
mod idle;
mod keys;
mod lateness;
mod lines;
mod pages;
mod pgbench;
mod pipeline;
mod raw;
mod readers;
mod report;
mod rig;
mod rows;
mod sink;
mod sink_process;
mod steady;
mod subscribe;
mod usage;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;

use crate::app::stop_on_signal;
use crate::clock::Clock;
use ground::Ground;
pub use keys::Signing;
pub use lines::LINES;
pub use report::{Better, Figure, Line, Of};
use rig::Books;
pub use sink::{SinkOptions, serve as serve_sink};

/// What a run of the benchmark may be told.
#[derive(Debug, Clone)]
pub struct Options {
    pub json: bool,
    pub long: bool,
    /// The lines to measure; all when it is empty.
    pub only: Vec<String>,
    /// Mails of a run.
    pub mails: usize,
    /// How often a run is repeated; the middle one counts.
    pub rounds: usize,
    /// Where the data of a run is kept; a disk as production has, not memory.
    pub folder: PathBuf,
}

/// Measures the chosen lines and prints them. Answers whether all goals were met.
pub async fn run(options: Options) -> anyhow::Result<bool> {
    let wanted = chosen(&options)?;
    let stop = stop_on_signal()?;
    let mut bench = Bench { options, wanted, figures: Vec::new(), books: Books::default(), peak: None };
    let measured = tokio::select! {
        measured = bench.measure() => measured,
        // What was started is dropped with the measuring, and ends with it.
        () = stop.cancelled() => Err(anyhow::anyhow!("stopped by a signal")),
    };
    if !bench.options.json {
        bench.print_table();
    }
    measured.map(|()| bench.figures.iter().all(|figure| figure.met))
}

/// The names that were asked for, or all that a run of this length has.
fn chosen(options: &Options) -> anyhow::Result<Vec<&'static str>> {
    for name in &options.only {
        if !LINES.iter().any(|line| line.name == name) {
            bail!("there is no line {name}; `regimen bench --list` names them");
        }
    }
    let wanted = |line: &&Line| {
        let named = options.only.iter().any(|name| name == line.name);
        // Whatever is sent, its books are to be seen.
        named || line.name == BOOKS || (options.only.is_empty() && (options.long || !line.long))
    };
    Ok(LINES.iter().filter(wanted).map(|line| line.name).collect())
}

/// The line that every other one adds to.
const BOOKS: &str = "lost-or-doubled";

fn line(name: &str) -> &'static Line {
    LINES.iter().find(|line| line.name == name).expect("a line that is measured is listed")
}

/// A run of the benchmark, and what it has found so far.
struct Bench {
    options: Options,
    wanted: Vec<&'static str>,
    figures: Vec<Figure>,
    /// Of all mails that were sent.
    books: Books,
    /// Mails a second of the whole pipeline, once that was measured.
    peak: Option<f64>,
}

impl Bench {
    async fn measure(&mut self) -> anyhow::Result<()> {
        let overridden: Vec<String> = std::env::vars_os()
            .filter_map(|(name, _)| name.into_string().ok())
            .filter(|name| name.starts_with("REGIMEN__"))
            .collect();
        if !overridden.is_empty() {
            self.say(&format!("not with the defaults: {} are set", overridden.join(", ")));
        }
        self.say("starting a PostgreSQL");
        let ground = Ground::open(&self.options.folder, Clock::system()).await?;
        let measured = self.measure_on(&ground).await;
        ground.close().await?;
        measured
    }

    async fn measure_on(&mut self, ground: &Ground) -> anyhow::Result<()> {
        // A run of the usual length is 25,000 mails; a shorter benchmark is shorter in everything.
        let mails = self.options.mails;
        let seconds = |of_usual: u64| Duration::from_secs((of_usual * mails as u64 / 25_000).clamp(1, of_usual));
        if self.wants(&["sink"]) {
            pipeline::sink(self, ground).await?;
        }
        for what in pipeline::LINES {
            if self.wants(&[what.name]) {
                pipeline::pipeline(self, ground, what).await?;
            }
        }
        if self.wants(&["slow-relay", "slow-relay-stalls"]) {
            pipeline::slow_relay(self, ground).await?;
        }
        if self.wants(&["steady", "rss"]) {
            steady::steady(self, ground, "steady", 4 * mails).await?;
        }
        if self.wants(&["lateness-p99"]) {
            lateness::lateness(self, ground, seconds(10)).await?;
        }
        if self.wants(&["idle-cpu", "idle-rss"]) {
            let what = idle::Idle { cpu: "idle-cpu", rss: "idle-rss", readers: 4 * mails };
            idle::idle(self, ground, what, seconds(20)).await?;
        }
        if self.wants(&["subscribe", "subscribe-p99"]) {
            subscribe::subscribe(self, ground, seconds(8)).await?;
        }
        self.measure_long(ground, mails, seconds(60)).await?;
        let books = self.books;
        if books.mails > 0 {
            let note = format!(
                "{} mails: {} lost, {} doubled, {} not settled",
                books.mails, books.lost, books.doubled, books.open
            );
            #[allow(clippy::cast_precision_loss)]
            self.put(line(BOOKS).alone(books.wrong() as f64, note));
        }
        Ok(())
    }

    /// The lines that take hours.
    async fn measure_long(&mut self, ground: &Ground, mails: usize, idle_for: Duration) -> anyhow::Result<()> {
        if self.wants(&["steady-300k"]) {
            steady::steady(self, ground, "steady-300k", 12 * mails).await?;
        }
        if self.wants(&["rss-1m", "rss-growth-1m"]) {
            steady::memory(self, ground, 40 * mails).await?;
        }
        if self.wants(&["idle-cpu-1m", "idle-rss-1m"]) {
            let what = idle::Idle { cpu: "idle-cpu-1m", rss: "idle-rss-1m", readers: 40 * mails };
            idle::idle(self, ground, what, idle_for).await?;
        }
        if self.wants(&["admin-pages"]) {
            pages::pages(self, ground, 40 * mails).await?;
        }
        if self.wants(&["rows-10m"]) {
            rows::rows(self, ground, 40 * mails, 400 * mails).await?;
        }
        Ok(())
    }

    fn wants(&self, names: &[&str]) -> bool {
        self.wanted.iter().any(|wanted| names.contains(wanted))
    }

    /// Keeps a figure that was asked for; as JSON it is printed at once.
    #[allow(clippy::print_stdout)]
    fn put(&mut self, figure: Figure) {
        if !self.wanted.contains(&figure.name) {
            return;
        }
        if self.options.json {
            println!("{}", serde_json::to_string(&figure).expect("a figure is JSON"));
        }
        self.figures.push(figure);
    }

    #[allow(clippy::print_stdout)]
    fn print_table(&self) {
        print!("{}", report::table(&self.figures));
    }

    /// Progress, for who waits.
    #[allow(clippy::print_stderr, clippy::unused_self)]
    fn say(&self, text: &str) {
        eprintln!("bench: {text}");
    }
}
