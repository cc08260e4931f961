//! What a database that only stores could do: pgbench, writing the rows of a sign-up in one statement.
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rand::Rng as _;
use sqlx::Connection as _;
use tokio::task::JoinSet;

use super::child::Program;
use super::ground::{Database, Ground};
use super::report::per_second;
use crate::local::postgres::find_programs;

/// As many connections as `regimen web` has.
const CONNECTIONS: usize = 16;

/// Subscriber, pending enrollment, consent and the confirmation owed. `$b` is the bucket, `$n` a number of this reader.
const STATEMENT: &str = "\
with s as (
    insert into subscribers (bucket, id, address, normalised, created_at)
    values ($b::smallint, gen_random_uuid(), 'p' || $n::bigint || '@example.org', 'p' || $n::bigint || '@example.org',
        clock_timestamp())
    returning bucket, id, created_at
), e as (
    insert into enrollments (bucket, id, subscriber, series, state, condition, zone, created_at, requested_at)
    select bucket, gen_random_uuid(), id, '$series', 'pending', decode(repeat('5a', 90), 'hex'), 'Europe/Berlin',
        created_at, created_at from s
    returning bucket, id, subscriber, created_at
), c as (
    insert into consents (bucket, id, subscriber, enrollment, action, privacy_version, terms_version, channel, at)
    select bucket, gen_random_uuid(), subscriber, id, 'sign-up', '2026-01-01', '2026-01-01', 'form', created_at from e
)
insert into deliveries (bucket, id, subscriber, enrollment, series, kind, occasion, priority, due_at, created_at)
select bucket, gen_random_uuid(), subscriber, id, '$series', 'confirmation', 1, 0, created_at, created_at from e";

/// Who writes.
pub(super) enum Writer {
    Pgbench(PathBuf),
    /// Where pgbench is not installed: connections of our own.
    Own,
}

impl Writer {
    pub(super) fn find() -> Self {
        let beside = find_programs().ok().map(|programs| programs.path("pgbench"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let others = std::env::split_paths(&path).map(|folder| folder.join("pgbench"));
        beside.into_iter().chain(others).find(|program| program.is_file()).map_or(Self::Own, Self::Pgbench)
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Pgbench(_) => format!("pgbench -n -M prepared -c {CONNECTIONS}, the same rows in one statement"),
            Self::Own => format!("{CONNECTIONS} connections with the same rows in one statement (pgbench is not here)"),
        }
    }

    /// Sign-ups a second.
    pub(super) async fn measure(&self, ground: &Ground, database: &Database, span: Duration) -> anyhow::Result<f64> {
        let statement = STATEMENT.replace("$series", ground.series.slug.as_str());
        match self {
            Self::Pgbench(program) => pgbench(ground, database, program, &statement, span).await,
            Self::Own => own(database, &statement, span).await,
        }
    }
}

async fn pgbench(
    ground: &Ground,
    database: &Database,
    program: &PathBuf,
    statement: &str,
    span: Duration,
) -> anyhow::Result<f64> {
    let mut script = "\\set b random(0, 63)\n\\set n random(1, 9000000000000000)\n".to_owned();
    writeln!(script, "{};", statement.replace("$b", ":b").replace("$n", ":n"))?;
    let path = ground.folder().join("sign-up.sql");
    std::fs::write(&path, script)?;
    let mut command = Command::new(program);
    command.args(["-n", "-M", "prepared", "-j", "2", "-c", &CONNECTIONS.to_string()]);
    command.args(["-T", &span.as_secs().max(1).to_string()]).arg("-f").arg(&path).arg(&database.url);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).current_dir("/").env("LC_ALL", "C");
    let mut pgbench = Program::start("pgbench", &mut command, &ground.folder().join("pgbench.log"))?;
    let said = pgbench.child().stdout.take().context("its output is a pipe")?;
    // It prints little, so it can be read when it has ended.
    pgbench.ended_well(span + Duration::from_mins(1)).await?;
    let said = std::io::read_to_string(said)?;
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok());
    rate.with_context(|| format!("pgbench did not say its rate:\n{said}"))
}

async fn own(database: &Database, statement: &str, span: Duration) -> anyhow::Result<f64> {
    let statement = statement.replace("$b", "$1").replace("$n", "$2");
    let options = database.pool.connect_options();
    let began = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (statement, options) = (statement.clone(), options.clone());
        // Repeatable, and another for each.
        let mut random: rand::rngs::StdRng = rand::SeedableRng::seed_from_u64(writers.len() as u64);
        writers.spawn(async move {
            let mut connection = sqlx::PgConnection::connect_with(&options).await?;
            let mut count = 0;
            while began.elapsed() < span {
                let (bucket, number): (i16, i64) = (random.random_range(0..64), random.random_range(1..i64::MAX));
                let query = sqlx::query(sqlx::AssertSqlSafe(statement.clone()));
                query.bind(bucket).bind(number).execute(&mut connection).await?;
                count += 1;
            }
            connection.close().await?;
            anyhow::Ok(count)
        });
    }
    let mut all = 0;
    while let Some(count) = writers.join_next().await {
        all += count??;
    }
    Ok(per_second(all, began.elapsed()))
}
