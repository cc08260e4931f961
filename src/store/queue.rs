//! The queue is the table `deliveries`: look, claim, mark, renew, release, reap.
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::unknown_word;
use crate::model::{Bucket, Kind, Language, SeriesSlug, StepKey};

/// The two hands of one look at the clock.
#[derive(Debug, Clone, Copy)]
pub struct Hands {
    pub real: DateTime<Utc>,
    pub series: DateTime<Utc>,
}

/// Where there is due work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub bucket: Bucket,
    pub series: SeriesSlug,
    /// 0: what a reader waits for at the screen; 1: steps.
    pub priority: i16,
}

/// A delivery under our lease, with all that personalisation needs.
#[derive(Clone)]
pub struct Claimed {
    pub bucket: Bucket,
    pub id: Uuid,
    pub enrollment: Uuid,
    pub subscriber: Uuid,
    pub series: SeriesSlug,
    pub kind: Kind,
    pub step: Option<StepKey>,
    pub occasion: i64,
    /// Series time.
    pub due_at: DateTime<Utc>,
    pub attempt: i32,
    /// Attempts charged before this one.
    pub tries: i16,
    /// Whether it had to wait before, for whatever reason.
    pub put_off: bool,
    /// As typed by the reader.
    pub address: String,
    /// What suppressions know it by.
    pub normalised: String,
    /// The sealed condition.
    pub condition: Vec<u8>,
    /// The newest confirmation request's number and time, for the links.
    pub request: i32,
    pub requested_at: DateTime<Utc>,
    /// What the reader reads.
    pub language: Language,
}

impl Claimed {
    pub fn fence(&self) -> Fence {
        (self.id, self.attempt)
    }
}

/// A claimed delivery's identity and fence.
pub type Fence = (Uuid, i32);

/// Identities and attempts, by identity. A statement locks deliveries in the order in which it is given them, and two that
/// lock some of the same would wait for each other for ever if that were not one order for all.
fn in_order(batch: &[Fence]) -> (Vec<Uuid>, Vec<i32>) {
    let mut batch = batch.to_vec();
    batch.sort_unstable();
    batch.into_iter().unzip()
}

/// What one look across all buckets found.
#[derive(Debug, Default)]
pub struct Look {
    /// Where there is due work: confirmations before steps, then the oldest head first.
    pub due: Vec<Head>,
    /// Series time at which the next falls due that is not due yet.
    pub next_due: Option<DateTime<Utc>>,
    /// Real time at which the next that was put off may be tried again.
    pub next_try: Option<DateTime<Utc>>,
}

/// Looks at the head of each bucket's queue of these series and priorities. Paused series are left out.
pub async fn look(
    db: impl PgExecutor<'_>,
    series: &[String],
    priorities: &[i16],
    hands: Hands,
) -> Result<Look, sqlx::Error> {
    let rows = sqlx::query_file!("src/store/sql/look.sql", series, priorities).fetch_all(db).await?;
    let mut look = Look::default();
    let mut due = Vec::new();
    for row in rows {
        let fresh = row.due_at.filter(|at| *at <= hands.series);
        let deferred = row.not_before.filter(|at| *at <= hands.real);
        let Some(since) = earlier(fresh, deferred) else {
            look.next_due = earlier(look.next_due, row.due_at);
            look.next_try = earlier(look.next_try, row.not_before);
            continue;
        };
        let head = Head {
            bucket: Bucket::new(row.bucket).ok_or_else(|| unknown_word("bucket"))?,
            series: SeriesSlug::parse(&row.series).map_err(|_| unknown_word("series"))?,
            priority: row.priority,
        };
        due.push((since, head));
    }
    due.sort_by_key(|(since, head)| (head.priority, *since, head.bucket));
    look.due = due.into_iter().map(|(_, head)| head).collect();
    Ok(look)
}

/// The earlier of two instants, where there is any.
fn earlier(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.into_iter().chain(other).min()
}

/// Claims up to `limit` due deliveries of one head until `lease_until`.
pub async fn claim(
    db: impl PgExecutor<'_>,
    head: &Head,
    hands: Hands,
    lease_until: DateTime<Utc>,
    node: Uuid,
    limit: i64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/store/sql/claim.sql",
        head.bucket.get(),
        head.series.as_str(),
        hands.series,
        hands.real,
        lease_until,
        node,
        limit,
        head.priority
    )
    .fetch_all(db)
    .await?;
    let mut claimed = rows
        .into_iter()
        .map(|row| {
            Ok(Claimed {
                bucket: head.bucket,
                id: row.id,
                enrollment: row.enrollment,
                subscriber: row.subscriber,
                series: head.series.clone(),
                kind: row.kind.parse().map_err(|_| unknown_word("kind"))?,
                step: row.step.map(|step| StepKey::parse(&step)).transpose().map_err(|_| unknown_word("step"))?,
                occasion: row.occasion,
                due_at: row.due_at,
                attempt: row.attempt,
                tries: row.tries,
                put_off: row.put_off,
                address: row.address,
                normalised: row.normalised,
                condition: row.condition,
                request: row.request,
                requested_at: row.requested_at,
                language: Language::parse(&row.language).ok_or_else(|| unknown_word("language"))?,
            })
        })
        .collect::<Result<Vec<_>, sqlx::Error>>()?;
    // UPDATE … RETURNING promises no order; due order within the bucket is ours to keep.
    claimed.sort_by_key(|one| (!one.kind.is_urgent(), one.due_at, one.id));
    Ok(claimed)
}

/// Marks a micro-batch `sending`, if it still may be sent. What is not among the answers must not be sent.
pub async fn mark_sending(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    batch: &[&Claimed],
    lease_until: DateTime<Utc>,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let mut batch = batch.to_vec();
    batch.sort_by_key(|one| one.id);
    let ids: Vec<Uuid> = batch.iter().map(|one| one.id).collect();
    let attempts: Vec<i32> = batch.iter().map(|one| one.attempt).collect();
    let enrollments: Vec<Uuid> = batch.iter().map(|one| one.enrollment).collect();
    let normalised: Vec<String> = batch.iter().map(|one| one.normalised.clone()).collect();
    let rows = sqlx::query_file!(
        "src/store/sql/mark_sending.sql",
        bucket.get(),
        &ids,
        &attempts,
        &enrollments,
        &normalised,
        lease_until
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The heartbeat on everything a worker holds. Answers what it still holds.
pub async fn renew(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    batch: &[Fence],
    lease_until: DateTime<Utc>,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let (ids, attempts) = in_order(batch);
    let rows =
        sqlx::query_file!("src/store/sql/renew.sql", bucket.get(), &ids, &attempts, lease_until).fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Gives back what was claimed and not begun; with an instant (real time) it waits until then. Nobody is charged.
pub async fn release(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    batch: &[(Fence, Option<DateTime<Utc>>)],
) -> Result<u64, sqlx::Error> {
    let mut batch = batch.to_vec();
    batch.sort_by_key(|((id, _), _)| *id);
    let ids: Vec<Uuid> = batch.iter().map(|((id, _), _)| *id).collect();
    let attempts: Vec<i32> = batch.iter().map(|((_, attempt), _)| *attempt).collect();
    let not_before: Vec<Option<DateTime<Utc>>> = batch.iter().map(|(_, not_before)| *not_before).collect();
    let result = sqlx::query_file!(
        "src/store/sql/release.sql",
        bucket.get(),
        &ids,
        &attempts,
        &not_before as &[Option<DateTime<Utc>>]
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected())
}

/// Expired leases of which nothing was handed over go back to the queue.
pub async fn reap_claimed(db: impl PgExecutor<'_>, bucket: Bucket, real: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let result = sqlx::query_file!("src/store/sql/reap_claimed.sql", bucket.get(), real).execute(db).await?;
    Ok(result.rows_affected())
}

/// Expired leases of which the relay may have taken the mail.
pub async fn expired_sending(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    real: DateTime<Utc>,
) -> Result<Vec<Fence>, sqlx::Error> {
    let rows = sqlx::query_file!("src/store/sql/expired_sending.sql", bucket.get(), real).fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.attempt)).collect())
}

/// A delivery that was uncertain so often is held, whatever the policy says.
const MOST_UNCERTAIN: i16 = 3;

/// Puts uncertain deliveries back into the queue, to be sent again under the same Message-ID. Those that are not among
/// the answers have been uncertain too often, or were not ours.
pub async fn send_again(
    db: &mut PgConnection,
    bucket: Bucket,
    batch: &[Fence],
    not_before: DateTime<Utc>,
    hands: Hands,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let (ids, attempts) = in_order(batch);
    let rows = sqlx::query_file!(
        "src/store/sql/sending_again.sql",
        bucket.get(),
        &ids,
        &attempts,
        not_before,
        MOST_UNCERTAIN,
        hands.real,
        hands.series
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Due, not paused, and never tried for longer than it should take: the count that makes silence loud. `before` is series
/// time. Reads only what is overdue, through the queue's own index.
pub async fn overdue(db: impl PgExecutor<'_>, series: &[String], before: DateTime<Utc>) -> Result<i64, sqlx::Error> {
    sqlx::query_file_scalar!("src/store/sql/overdue.sql", series, before).fetch_one(db).await
}

/// What is due now and waits, as far as it is counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// What a reader waits for at the screen.
    pub urgent: i64,
    pub steps: i64,
}

/// So many are counted of each bucket, series and priority, and of each twice: of what was never put off and of what was.
const COUNTED: i64 = 1_000;

/// How much is due now and waits, of series that are not paused.
pub async fn due(db: impl PgExecutor<'_>, series: &[String], hands: Hands) -> Result<Due, sqlx::Error> {
    let rows =
        sqlx::query_file!("src/store/sql/due.sql", series, hands.series, hands.real, COUNTED).fetch_all(db).await?;
    let of = |priority: i16| rows.iter().find(|row| row.priority == priority).map_or(0, |row| row.count);
    Ok(Due { urgent: of(0), steps: of(1) })
}
