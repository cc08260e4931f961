//! Runs: what was asked for, where each stands, and what became of it. How one is worked off is in `run_work`.
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::unknown_word;
use crate::model::{Bucket, Mark, RunState, SeriesSlug};

/// One admin-triggered send.
#[derive(Debug, Clone)]
pub struct Run {
    pub id: i64,
    pub kind: String,
    pub series: String,
    pub state: RunState,
    pub who: String,
    pub why: String,
    /// Whom it is for and what it sends.
    pub detail: Value,
    /// How many it reaches: as the dry run counted.
    pub readers: i64,
    pub at: DateTime<Utc>,
    pub counted_at: Option<DateTime<Utc>>,
    pub dry_run: Value,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// How many deliveries are in which state, as it was at the end.
    pub outcome: Option<Value>,
    /// Accepted ones that were pruned or erased before the end.
    pub accepted_pruned: i64,
}

/// What a run is written with.
#[derive(Debug)]
pub struct NewRun<'a> {
    pub kind: &'a str,
    pub series: &'a SeriesSlug,
    pub by: (&'a str, &'a str),
    pub detail: &'a Value,
    pub sends: Option<&'a str>,
    pub at: DateTime<Utc>,
}

/// Writes a draft, with the row that says how far it is worked off.
pub async fn add(db: &mut PgConnection, new: &NewRun<'_>) -> Result<i64, sqlx::Error> {
    let run = sqlx::query_scalar!(
        "insert into runs (kind, series, who, why, detail, readers, at, state, sends)
         values ($1, $2, $3, $4, $5, 0, $6, 'draft', $7) returning id",
        new.kind,
        new.series.as_str(),
        new.by.0,
        new.by.1,
        new.detail,
        new.at,
        new.sends
    )
    .fetch_one(&mut *db)
    .await?;
    sqlx::query!("insert into run_work (run) values ($1)", run).execute(db).await?;
    Ok(run)
}

/// Names the subscribers of a list, in one bucket. Answers how many of the addresses are subscribers.
pub async fn add_readers(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    run: i64,
    normalised: &[String],
) -> Result<u64, sqlx::Error> {
    let result = sqlx::query!(
        "insert into run_readers (bucket, run, subscriber)
         select $1, $2, s.id from subscribers s where s.bucket = $1 and s.normalised = any($3)
         on conflict do nothing",
        bucket.get(),
        run,
        normalised
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected())
}

/// The list is not needed any more when the run's deliveries are written.
pub async fn forget_readers(db: impl PgExecutor<'_>, bucket: Bucket, run: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from run_readers where bucket = $1 and run = $2", bucket.get(), run)
        .execute(db)
        .await
        .map(drop)
}

pub async fn by_id(db: impl PgExecutor<'_>, run: i64) -> Result<Option<Run>, sqlx::Error> {
    sqlx::query_as!(
        Run,
        r#"select id, kind, series, state, who, why, detail, readers, at, counted_at, dry_run, started_at,
                  ended_at, outcome, accepted_pruned
           from runs where id = $1"#,
        run
    )
    .fetch_optional(db)
    .await
}

/// The newest first.
pub async fn list(db: impl PgExecutor<'_>, before: Option<i64>, limit: i64) -> Result<Vec<Run>, sqlx::Error> {
    sqlx::query_as!(
        Run,
        r#"select id, kind, series, state, who, why, detail, readers, at, counted_at, dry_run, started_at,
                  ended_at, outcome, accepted_pruned
           from runs where $1::bigint is null or id < $1 order by id desc limit $2"#,
        before,
        limit
    )
    .fetch_all(db)
    .await
}

/// How many of a run's deliveries are in which state. Reads the entries of an index, and no row.
pub async fn count_states(db: impl PgExecutor<'_>, run: i64) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select d.state, count(*) as "count!" from buckets b join deliveries d on d.bucket = b.bucket and d.run = $1
           group by d.state"#,
        run
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.count)).collect())
}

/// A draft that was counted becomes a run, if the number is the one that was counted and nobody has sent the same since.
/// Answers false when it is no such draft any more: of two who press at once, one is second.
pub async fn start(
    db: impl PgExecutor<'_>,
    run: i64,
    readers: i64,
    counted_after: DateTime<Utc>,
    real: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "update runs r set state = 'running', started_at = $4
         where r.id = $1 and r.state = 'draft' and r.readers = $2 and r.counted_at >= $3
           and not exists (select from runs o where o.series = r.series and o.sends = r.sends and o.started_at >= r.counted_at)",
        run,
        readers,
        counted_after,
        real
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// The name of the index that keeps two runs from sending the same at once.
pub const ONE_AT_A_TIME: &str = "runs_one_at_a_time";

/// Writes what the dry run found.
pub async fn set_counted(
    db: impl PgExecutor<'_>,
    run: i64,
    readers: i64,
    dry_run: &Value,
    real: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update runs set readers = $2, dry_run = $3, counted_at = $4 where id = $1 and state = 'draft'",
        run,
        readers,
        dry_run,
        real
    )
    .execute(db)
    .await
    .map(drop)
}

/// Moves a run, whose work the caller holds, from one state to another.
pub async fn change(db: impl PgExecutor<'_>, run: i64, from: RunState, to: RunState) -> Result<(), sqlx::Error> {
    let result =
        sqlx::query!("update runs set state = $3 where id = $1 and state = $2", run, from.as_str(), to.as_str())
            .execute(db)
            .await?;
    super::exactly_one(&result)
}

/// Drafts that were written before an instant (real time).
pub async fn drafts_of_before(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!("select id from runs where state = 'draft' and at < $1 order by id", before).fetch_all(db).await
}

/// A draft that is not wanted leaves nothing but what the audit log says.
pub async fn throw_away(db: &mut PgConnection, run: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from run_work where run = $1", run).execute(&mut *db).await?;
    let result = sqlx::query!("delete from runs where id = $1 and state = 'draft'", run).execute(db).await?;
    super::exactly_one(&result)
}

/// Notes the end, once.
pub async fn end(
    db: impl PgExecutor<'_>,
    run: i64,
    state: RunState,
    outcome: &Value,
    real: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "update runs set state = case when state = 'running' then 'finished' else state end, outcome = $3, ended_at = $4
         where id = $1 and state = $2 and ended_at is null",
        run,
        state.as_str(),
        outcome,
        real
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// How far the work on a run is, for who looks.
#[derive(Debug, Clone)]
pub struct Progress {
    pub at_bucket: i16,
    pub placed: i64,
    pub taken_back: i64,
    pub marks: Vec<Mark>,
}

pub async fn progress(db: impl PgExecutor<'_>, run: i64) -> Result<Option<Progress>, sqlx::Error> {
    let row = sqlx::query!("select at_bucket, placed, taken_back, marks from run_work where run = $1", run)
        .fetch_optional(db)
        .await?;
    row.map(|row| {
        let marks = serde_json::from_value(row.marks).map_err(|_| unknown_word("marks"))?;
        Ok(Progress { at_bucket: row.at_bucket, placed: row.placed, taken_back: row.taken_back, marks })
    })
    .transpose()
}

/// A reader of the dry run's sample, as admins see them.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct Sampled {
    pub address: String,
    pub state: String,
    pub received: i64,
}

pub async fn sampled(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollment: Uuid,
) -> Result<Option<Sampled>, sqlx::Error> {
    sqlx::query_as!(
        Sampled,
        r#"select s.address, e.state, cardinality(e.done_steps)::bigint as "received!"
           from enrollments e join subscribers s on s.bucket = e.bucket and s.id = e.subscriber
           where e.bucket = $1 and e.id = $2"#,
        bucket.get(),
        enrollment
    )
    .fetch_optional(db)
    .await
}

impl From<String> for RunState {
    fn from(word: String) -> Self {
        // The table's own check has the same words.
        word.parse().unwrap_or(Self::Finished)
    }
}
