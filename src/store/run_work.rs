//! Working a run off: each function here is a part of one small transaction, which holds the run's row of `run_work` and
//! notes there how far it came.
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::queue::Hands;
use super::unknown_word;
use crate::model::{Bucket, Candidate, EnrollmentState, RunState, StepKey, Waiting, What, Who};

/// A run on which there is something to do, held until the transaction ends.
#[derive(Debug)]
pub struct Work {
    pub run: i64,
    pub series: String,
    pub state: RunState,
    pub detail: Value,
    pub dry_run: Value,
    pub counted: bool,
    pub at_bucket: i16,
    pub after: Uuid,
    /// `hold`, `release` or `take back`.
    pub sweep: Option<String>,
    pub sweep_at: i16,
    pub marks: Value,
}

/// Runs on which there may be something to do, the oldest first.
pub async fn open_runs(db: impl PgExecutor<'_>) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "select id from runs
         where state in ('running', 'paused') or (state = 'cancelled' and ended_at is null)
            or (state = 'draft' and counted_at is null)
         order by id"
    )
    .fetch_all(db)
    .await
}

/// Takes the work on a run; none when another process does it at this moment, or when it has ended.
pub async fn take(db: impl PgExecutor<'_>, run: i64) -> Result<Option<Work>, sqlx::Error> {
    sqlx::query_as!(
        Work,
        r#"select w.run, r.series, r.state, r.detail, r.dry_run, r.counted_at is not null as "counted!",
                  w.at_bucket, w.after, w.sweep, w.sweep_at, w.marks
           from run_work w join runs r on r.id = w.run
           where w.run = $1 and r.ended_at is null
           for no key update of w skip locked"#,
        run
    )
    .fetch_optional(db)
    .await
}

/// Waits for whoever works on a run, and keeps it until the transaction ends: before what an admin does to it.
pub async fn lock(db: impl PgExecutor<'_>, run: i64) -> Result<bool, sqlx::Error> {
    let row = sqlx::query_scalar!("select run from run_work where run = $1 for no key update", run).fetch_optional(db);
    Ok(row.await?.is_some())
}

/// Notes the place, and what was placed on the way there.
pub async fn walked(
    db: impl PgExecutor<'_>,
    run: i64,
    at_bucket: i16,
    after: Uuid,
    placed: i64,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update run_work set at_bucket = $2, after = $3, placed = placed + $4 where run = $1",
        run,
        at_bucket,
        after,
        placed
    )
    .execute(db)
    .await?;
    super::exactly_one(&result)
}

/// Begins a walk at the first bucket.
pub async fn begin_walk(db: impl PgExecutor<'_>, run: i64) -> Result<(), sqlx::Error> {
    walked(db, run, 0, Uuid::nil(), 0).await
}

/// Begins a walk among the run's own deliveries, or ends it.
pub async fn set_sweep(db: impl PgExecutor<'_>, run: i64, sweep: Option<&str>) -> Result<(), sqlx::Error> {
    let result =
        sqlx::query!("update run_work set sweep = $2, sweep_at = 0 where run = $1", run, sweep).execute(db).await?;
    super::exactly_one(&result)
}

pub async fn swept(db: impl PgExecutor<'_>, run: i64, sweep_at: i16, taken_back: i64) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update run_work set sweep_at = $2, taken_back = taken_back + $3 where run = $1",
        run,
        sweep_at,
        taken_back
    )
    .execute(db)
    .await?;
    super::exactly_one(&result)
}

pub async fn set_marks(db: impl PgExecutor<'_>, run: i64, marks: &Value) -> Result<(), sqlx::Error> {
    let result = sqlx::query!("update run_work set marks = $2 where run = $1", run, marks).execute(db).await?;
    super::exactly_one(&result)
}

/// Whom a run looks at next.
#[derive(Debug)]
pub struct Place {
    pub bucket: Bucket,
    pub after: Uuid,
    /// So many enrollments are looked at, whether or not the run is for them.
    pub limit: i64,
}

/// What a look found.
#[derive(Debug)]
pub struct Looked {
    pub candidates: Vec<Candidate>,
    /// Where the next look goes on; none at the end of the bucket.
    pub last: Option<Uuid>,
}

/// The conditions of [`Who`], each as one parameter that is null when nothing is asked.
#[derive(Default)]
struct Asked<'a> {
    subscriber: Option<Uuid>,
    due_by: Option<DateTime<Utc>>,
    not_received: Option<&'a str>,
    received: Option<&'a str>,
    version: Option<&'a str>,
    listed: bool,
    state: Option<&'a str>,
    parts: Option<i32>,
    language: Option<&'a str>,
    since: Option<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
}

impl<'a> Asked<'a> {
    /// `now` is series time.
    fn of(who: &'a Who, now: DateTime<Utc>) -> Self {
        let nothing = Self::default();
        match who {
            Who::Reader { subscriber, .. } => Self { subscriber: Some(*subscriber), ..nothing },
            Who::DueWithin { seconds } => {
                let span = chrono::TimeDelta::try_seconds(*seconds).unwrap_or_default();
                Self { due_by: now.checked_add_signed(span).or(Some(DateTime::<Utc>::MAX_UTC)), ..nothing }
            }
            Who::NotReceived { step } => Self { not_received: Some(step.as_str()), ..nothing },
            Who::Received { step, version } => {
                Self { received: Some(step.as_str()), version: version.as_deref(), ..nothing }
            }
            Who::List => Self { listed: true, ..nothing },
            Who::Filter { state, parts, language, since, before } => Self {
                state: state.as_deref(),
                parts: *parts,
                language: language.as_deref(),
                since: *since,
                before: *before,
                ..nothing
            },
        }
    }
}

/// The next enrollments behind a place, and those among them whom the run is for, with all that says what it does for each.
pub async fn look(
    db: &mut PgConnection,
    (series, run): (&str, i64),
    place: &Place,
    (who, what): (&Who, &What),
    open_runs: &[i64],
    now: DateTime<Utc>,
) -> Result<Looked, sqlx::Error> {
    let asked = Asked::of(who, now);
    let kind = if matches!(what, What::Correction { .. }) { "correction" } else { "step" };
    let rows = sqlx::query_file!(
        "src/store/sql/run_candidates.sql",
        place.bucket.get(),
        place.after,
        place.limit,
        asked.subscriber,
        series,
        asked.due_by,
        asked.not_received,
        asked.received,
        asked.version,
        asked.listed.then_some(run),
        asked.state,
        asked.parts,
        asked.language,
        asked.since,
        asked.before,
        kind,
        what.key().map(StepKey::as_str),
        open_runs
    )
    .fetch_all(db)
    .await?;
    let is_end = i64::try_from(rows.len()).unwrap_or(i64::MAX) < place.limit;
    let last = rows.last().filter(|_| !is_end).map(|row| row.id);
    let mut candidates = Vec::new();
    for row in rows.into_iter().filter(|row| row.fits) {
        let state: EnrollmentState = row.state.parse().map_err(|_| unknown_word("state"))?;
        let waiting = row.waiting.zip(row.waiting_step);
        let scheduled = row.scheduled.map(|state| state.parse()).transpose().map_err(|_| unknown_word("state"))?;
        candidates.push(Candidate {
            enrollment: row.id,
            subscriber: row.subscriber,
            state,
            domain: row.domain,
            sealed_condition: row.condition,
            suppressed: row.suppressed,
            waiting: waiting.map(|(delivery, step)| Waiting { delivery, step, taken: row.taken }),
            scheduled,
            received: row.received,
            under_way: row.under_way,
        });
    }
    Ok(Looked { candidates, last })
}

/// Makes scheduled steps due now; each keeps its own time for the case that the run is cancelled. Answers how many.
pub async fn make_due(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    run: i64,
    deliveries: &[Uuid],
    now: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let result = sqlx::query!(
        "with mine as (
             select d.id from deliveries d
             where d.bucket = $1 and d.id = any($2) and d.state = 'pending' and d.occasion = 0
             order by d.id for no key update
         )
         update deliveries d
         set own_due_at = coalesce(d.own_due_at, d.due_at), due_at = least(d.due_at, $3), run = $4
         from mine where d.bucket = $1 and d.id = mine.id",
        bucket.get(),
        deliveries,
        now,
        run
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected())
}

/// What a paused run has in the queue, and what of it is claimed, waits until the run is resumed. What somebody else changes
/// at this moment is passed over: the next sweep finds it.
pub async fn hold(db: impl PgExecutor<'_>, bucket: Bucket, run: i64, limit: i64) -> Result<u64, sqlx::Error> {
    let result = sqlx::query!(
        "with mine as (
             select d.id from deliveries d where d.bucket = $1 and d.run = $2 and d.state in ('pending', 'claimed')
             order by d.id limit $3 for no key update skip locked
         )
         update deliveries d set state = 'paused', lease_until = null, node = null
         from mine where d.bucket = $1 and d.id = mine.id",
        bucket.get(),
        run,
        limit
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected())
}

/// Back to the queue, but for who has paused themselves.
pub async fn release(db: impl PgExecutor<'_>, bucket: Bucket, run: i64, limit: i64) -> Result<u64, sqlx::Error> {
    let result = sqlx::query!(
        "with mine as (
             select d.id from deliveries d join enrollments e on e.bucket = d.bucket and e.id = d.enrollment
             where d.bucket = $1 and d.run = $2 and d.state = 'paused' and may_be_sent(d.kind, e.state)
             order by d.id limit $3 for no key update of d skip locked
         )
         update deliveries d set state = 'pending' from mine where d.bucket = $1 and d.id = mine.id",
        bucket.get(),
        run,
        limit
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected())
}

/// What a cancelled run had not handed to a relay: its own copies are skipped, and a scheduled step is due again when it was
/// by itself.
pub async fn take_back(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    run: i64,
    limit: i64,
    hands: Hands,
) -> Result<u64, sqlx::Error> {
    let result = sqlx::query!(
        "with mine as (
             select d.id, d.kind = 'step' and e.state = 'paused' as rests
             from deliveries d join enrollments e on e.bucket = d.bucket and e.id = d.enrollment
             where d.bucket = $1 and d.run = $2 and d.state in ('pending', 'claimed', 'paused')
             order by d.id limit $3 for no key update of d skip locked
         )
         update deliveries d
         set state = case when d.occasion <> 0 then 'skipped' when mine.rests then 'paused' else 'pending' end,
             reason = case when d.occasion <> 0 then 'cancelled' else d.reason end,
             settled_at = case when d.occasion <> 0 then $4::timestamptz end,
             series_settled_at = case when d.occasion <> 0 then $5::timestamptz end,
             run = case when d.occasion <> 0 then d.run end,
             due_at = case when d.occasion <> 0 then d.due_at else coalesce(d.own_due_at, d.due_at) end,
             own_due_at = null, lease_until = null, node = null
         from mine where d.bucket = $1 and d.id = mine.id",
        bucket.get(),
        run,
        limit,
        hands.real,
        hands.series
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected())
}
