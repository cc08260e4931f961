//! What admins look at: readers, deliveries, series, books; and tests for editors.
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgExecutor;
use utoipa::ToSchema;
use uuid::Uuid;

use super::queue::Fence;
use crate::model::{Bucket, EmailAddress, SeriesSlug};

/// A line in the list of subscribers: one enrollment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Reader {
    #[serde(skip)]
    pub bucket: i16,
    #[serde(skip)]
    pub id: Uuid,
    pub address: String,
    pub series: String,
    pub state: String,
    pub zone: String,
    pub done_steps: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub confirmed_at: Option<DateTime<Utc>>,
    pub suppressed: bool,
}

/// What is asked of the list of subscribers.
#[derive(Debug, Clone, Default)]
pub struct ReaderFilter {
    pub state: Option<String>,
    pub series: Option<String>,
    pub normalised: Option<String>,
    pub after: Option<(i16, Uuid)>,
    pub limit: i64,
}

pub async fn readers(db: impl PgExecutor<'_>, filter: &ReaderFilter) -> Result<Vec<Reader>, sqlx::Error> {
    let (after_bucket, after_id) = filter.after.unwrap_or((-1, Uuid::nil()));
    sqlx::query_as!(
        Reader,
        r#"select e.bucket, e.id, s.address, e.series, e.state, e.zone, e.done_steps, e.created_at, e.confirmed_at,
                exists (select from suppressions x where x.bucket = s.bucket and x.normalised = s.normalised) as "suppressed!"
           from enrollments e join subscribers s on s.bucket = e.bucket and s.id = e.subscriber
           where (e.bucket, e.id) > ($1::smallint, $2::uuid)
             and ($3::text is null or e.state = $3) and ($4::text is null or e.series = $4)
             and ($5::text is null or s.normalised = $5)
           order by e.bucket, e.id limit $6"#,
        after_bucket,
        after_id,
        filter.state,
        filter.series,
        filter.normalised,
        filter.limit
    )
    .fetch_all(db)
    .await
}

pub async fn subscriber_id(db: impl PgExecutor<'_>, address: &EmailAddress) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select id from subscribers where bucket = $1 and normalised = $2",
        address.bucket().get(),
        address.normalised()
    )
    .fetch_optional(db)
    .await
}

/// One consent record.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConsentLine {
    #[serde(skip)]
    pub enrollment: Uuid,
    pub action: String,
    pub privacy_version: String,
    pub terms_version: String,
    pub channel: String,
    /// The publisher's token, when the sign-up came from a publisher's server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What the publisher said of where and when it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<serde_json::Value>,
    pub at: DateTime<Utc>,
}

pub async fn consents(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    subscriber: Uuid,
) -> Result<Vec<ConsentLine>, sqlx::Error> {
    sqlx::query_as!(
        ConsentLine,
        "select enrollment, action, privacy_version, terms_version, channel, source, evidence, at from consents
         where bucket = $1 and subscriber = $2 order by at, id",
        bucket.get(),
        subscriber
    )
    .fetch_all(db)
    .await
}

/// One delivery, without its reader's address or condition.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeliveryLine {
    pub bucket: i16,
    pub id: Uuid,
    pub enrollment: Uuid,
    pub series: String,
    pub kind: String,
    pub step: Option<String>,
    pub occasion: i64,
    pub state: String,
    pub reason: Option<String>,
    pub due_at: DateTime<Utc>,
    pub attempt: i32,
    pub uncertain_count: i16,
    pub content_version: Option<String>,
    pub settled_at: Option<DateTime<Utc>>,
}

/// What is asked of the list of deliveries.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    pub state: Option<String>,
    /// Only those that were uncertain at some time, also when they were sent again since.
    pub was_uncertain: bool,
    pub subscriber: Option<(Bucket, Uuid)>,
    pub after: Option<(i16, Uuid)>,
    pub limit: i64,
}

pub async fn deliveries(db: impl PgExecutor<'_>, filter: &DeliveryFilter) -> Result<Vec<DeliveryLine>, sqlx::Error> {
    let (after_bucket, after_id) = filter.after.unwrap_or((-1, Uuid::nil()));
    let subscriber = filter.subscriber;
    sqlx::query_as!(
        DeliveryLine,
        "select bucket, id, enrollment, series, kind, step, occasion, state, reason, due_at, attempt, uncertain_count,
                content_version, settled_at
         from deliveries
         where (bucket, id) > ($1::smallint, $2::uuid) and ($3::text is null or state = $3)
           and (not $4 or uncertain_count > 0)
           and ($5::smallint is null or (bucket = $5 and enrollment in
                (select e.id from enrollments e where e.bucket = $5 and e.subscriber = $6)))
         order by bucket, id limit $7",
        after_bucket,
        after_id,
        filter.state,
        filter.was_uncertain,
        subscriber.map(|(bucket, _)| bucket.get()),
        subscriber.map(|(_, id)| id),
        filter.limit
    )
    .fetch_all(db)
    .await
}

/// One attempt, with the relay's words.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AttemptLine {
    pub delivery: Uuid,
    pub attempt: i32,
    pub outcome: String,
    pub code: Option<i16>,
    pub reply: Option<String>,
    pub ended_at: DateTime<Utc>,
}

pub async fn attempts(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    deliveries: &[Uuid],
) -> Result<Vec<AttemptLine>, sqlx::Error> {
    sqlx::query_as!(
        AttemptLine,
        "select delivery, attempt, outcome, code, reply, ended_at from attempts
         where bucket = $1 and delivery = any($2) order by delivery, attempt",
        bucket.get(),
        deliveries
    )
    .fetch_all(db)
    .await
}

/// A line of the books: how many deliveries of a step are in a state, for a reason.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BookLine {
    pub kind: String,
    pub step: Option<String>,
    pub state: String,
    pub reason: Option<String>,
    /// Copies besides the scheduled one: resends and corrections.
    pub repeats: bool,
    /// Due by now, in series time.
    pub due: bool,
    pub count: i64,
}

/// Each delivery once, by its current state, with what was pruned added. `now` is series time. The bucket in both halves has
/// a sharded PostgreSQL read them together on each server, so that nothing is counted twice or not at all while it is pruned.
pub async fn books(
    db: impl PgExecutor<'_>,
    series: &SeriesSlug,
    now: DateTime<Utc>,
) -> Result<Vec<BookLine>, sqlx::Error> {
    sqlx::query_as!(
        BookLine,
        r#"select kind as "kind!", step, state as "state!", reason, repeats as "repeats!", due as "due!",
                  sum(count)::bigint as "count!"
           from (
               select bucket, kind, step, state, reason, kind = 'step' and occasion <> 0 as repeats, due_at <= $2 as due,
                      count(*) as count
               from deliveries where series = $1 group by 1, 2, 3, 4, 5, 6, 7
               union all
               select bucket, kind, nullif(step, ''), state, nullif(reason, ''), repeats, true, count
               from step_totals where series = $1
           ) all_lines group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4"#,
        series.as_str(),
        now
    )
    .fetch_all(db)
    .await
}

/// A series' switch: since when (series time) it is paused, if it is.
pub async fn series_paused_at(
    db: impl PgExecutor<'_>,
    series: &SeriesSlug,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!("select paused_at from series where slug = $1 and state = 'paused'", series.as_str())
        .fetch_optional(db)
        .await
        .map(Option::flatten)
}

/// The same, locked until the transaction ends.
pub async fn lock_paused_series(
    db: impl PgExecutor<'_>,
    series: &SeriesSlug,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!("select paused_at from series where slug = $1 and state = 'paused' for update", series.as_str())
        .fetch_optional(db)
        .await
        .map(Option::flatten)
}

/// Pauses a series. Answers false when it was paused already.
pub async fn pause_series(
    db: impl PgExecutor<'_>,
    series: &SeriesSlug,
    now: DateTime<Utc>,
    who: &str,
    why: &str,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "insert into series (slug, state, paused_at, changed_by, why) values ($1, 'paused', $2, $3, $4)
         on conflict (slug) do update
         set state = 'paused', paused_at = excluded.paused_at, changed_by = excluded.changed_by, why = excluded.why
         where series.state <> 'paused'",
        series.as_str(),
        now,
        who,
        why
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

pub async fn activate_series(
    db: impl PgExecutor<'_>,
    series: &SeriesSlug,
    who: &str,
    why: &str,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update series set state = 'active', paused_at = null, changed_by = $2, why = $3
         where slug = $1 and state = 'paused'",
        series.as_str(),
        who,
        why
    )
    .execute(db)
    .await?;
    super::exactly_one(&result)
}

/// A step that waits, and what decides its new time after a pause.
#[derive(Debug)]
pub struct Waiting {
    pub id: Uuid,
    pub due_at: DateTime<Utc>,
    pub zone: String,
    pub preferred_time: Option<chrono::NaiveTime>,
}

/// The steps of one bucket that are still owed and not in a paused enrollment, locked.
pub async fn lock_waiting_steps(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    series: &SeriesSlug,
) -> Result<Vec<Waiting>, sqlx::Error> {
    sqlx::query_as!(
        Waiting,
        "select d.id, d.due_at, e.zone, e.preferred_time
         from deliveries d join enrollments e on e.bucket = d.bucket and e.id = d.enrollment
         where d.bucket = $1 and d.series = $2 and d.kind = 'step' and d.occasion = 0 and d.state = 'pending'
         order by d.id for no key update of d",
        bucket.get(),
        series.as_str()
    )
    .fetch_all(db)
    .await
}

pub async fn move_due(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    moved: &[(Uuid, DateTime<Utc>)],
) -> Result<u64, sqlx::Error> {
    let (ids, due): (Vec<_>, Vec<_>) = moved.iter().copied().unzip();
    let result = sqlx::query!(
        "update deliveries d set due_at = m.due_at
         from unnest($2::uuid[], $3::timestamptz[]) as m (id, due_at)
         where d.bucket = $1 and d.id = m.id and d.state = 'pending'",
        bucket.get(),
        &ids,
        &due
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected())
}

/// Scheduled steps of one bucket that fell due by `now` (series time) and wait.
pub async fn overdue_steps(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    series: &SeriesSlug,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"with fresh as (
               select d.id from deliveries d
               where d.bucket = $1 and d.series = $2 and d.priority = 1 and d.state = 'pending' and d.not_before is null
                 and d.due_at <= $3 and d.kind = 'step' and d.occasion = 0
               order by d.due_at, d.id limit $4
           ), deferred as (
               select d.id from deliveries d
               where d.bucket = $1 and d.series = $2 and d.priority = 1 and d.state = 'pending' and d.not_before is not null
                 and d.due_at <= $3 and d.kind = 'step' and d.occasion = 0
               order by d.not_before, d.id limit $4
           )
           select id as "id!" from fresh union all select id from deferred"#,
        bucket.get(),
        series.as_str(),
        now,
        limit
    )
    .fetch_all(db)
    .await
}

/// How many there are in all buckets.
pub async fn count_overdue(
    db: impl PgExecutor<'_>,
    series: &SeriesSlug,
    now: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let count = sqlx::query_scalar!(
        r#"select (
               select count(*) from buckets b
               join deliveries d on d.bucket = b.bucket and d.series = $1 and d.priority = any('{1}'::smallint[])
                   and d.state = 'pending' and d.not_before is null and d.due_at <= $2
               where d.kind = 'step' and d.occasion = 0
           ) + (
               select count(*) from buckets b
               join deliveries d on d.bucket = b.bucket and d.series = $1 and d.priority = any('{1}'::smallint[])
                   and d.state = 'pending' and d.not_before is not null
               where d.kind = 'step' and d.occasion = 0 and d.due_at <= $2
           ) as "count!""#,
        series.as_str(),
        now
    )
    .fetch_one(db)
    .await?;
    Ok(count.unsigned_abs())
}

/// Claims deliveries for whoever settles them in the same transaction.
pub async fn take_to_skip(db: impl PgExecutor<'_>, bucket: Bucket, ids: &[Uuid]) -> Result<Vec<Fence>, sqlx::Error> {
    let rows = sqlx::query!(
        "with mine as (
             select d.id from deliveries d where d.bucket = $1 and d.id = any($2) and d.state = 'pending'
             order by d.id for no key update
         )
         update deliveries d set state = 'claimed', attempt = d.attempt + 1
         from mine where d.bucket = $1 and d.id = mine.id
         returning d.id, d.attempt",
        bucket.get(),
        ids
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.attempt)).collect())
}

/// A test send that waits for a dispatcher.
#[derive(Debug, Clone)]
pub struct TestSend {
    pub id: Uuid,
    /// `step` or `correction`.
    pub kind: String,
    pub series: String,
    /// The key of the step or of the correction.
    pub step: String,
    pub condition: String,
    /// Its tag; empty for the series' own.
    pub language: String,
    pub recipient: String,
}

pub async fn add_test_send(
    db: impl PgExecutor<'_>,
    test: &TestSend,
    by: (&str, &str),
    real: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into test_sends (id, series, step, condition, recipient, who, why, created_at, kind, language)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        test.id,
        test.series,
        test.step,
        test.condition,
        test.recipient,
        by.0,
        by.1,
        real,
        test.kind,
        test.language
    )
    .execute(db)
    .await
    .map(drop)
}

/// A test send that was taken so long ago is taken again: its dispatcher has died.
const TEST_SEND_TIME: chrono::TimeDelta = chrono::TimeDelta::minutes(15);

/// Takes the oldest test send that waits.
pub async fn take_test_send(db: impl PgExecutor<'_>, real: DateTime<Utc>) -> Result<Option<TestSend>, sqlx::Error> {
    sqlx::query_as!(
        TestSend,
        "update test_sends set taken_at = $1
         where id = (select id from test_sends
                     where settled_at is null and (taken_at is null or taken_at < $2)
                     order by created_at limit 1 for update skip locked)
         returning id, kind, series, step, condition, language, recipient",
        real,
        real - TEST_SEND_TIME
    )
    .fetch_optional(db)
    .await
}

pub async fn settle_test_send(
    db: impl PgExecutor<'_>,
    id: Uuid,
    outcome: &str,
    real: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!("update test_sends set outcome = $2, settled_at = $3 where id = $1", id, outcome, real)
        .execute(db)
        .await?;
    super::exactly_one(&result)
}

/// What became of a test send, if there is one; none while it waits.
pub async fn test_send_outcome(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<Option<String>>, sqlx::Error> {
    sqlx::query_scalar!("select outcome from test_sends where id = $1", id).fetch_optional(db).await
}

/// A delivery of which a restored backup does not know whether it went out.
#[derive(Debug)]
pub struct Unknown {
    pub id: Uuid,
    pub attempt: i32,
    /// Series time.
    pub due_at: DateTime<Utc>,
}

/// Marks all that is due by `until` (series time) as if it were being sent, one bucket at a time: after a restored backup
/// nobody can say what of it went out. The caller settles it as uncertain in the same transaction.
pub async fn mark_unknown(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    until: DateTime<Utc>,
    real: DateTime<Utc>,
) -> Result<Vec<Unknown>, sqlx::Error> {
    sqlx::query_as!(
        Unknown,
        "update deliveries set state = 'sending', attempt = attempt + 1, lease_until = $3, node = null
         where bucket = $1 and state in ('pending', 'claimed', 'sending') and due_at <= $2
         returning id, attempt, due_at",
        bucket.get(),
        until,
        real
    )
    .fetch_all(db)
    .await
}

/// The newest sign of life of any ticker, and of any node.
pub async fn last_tick(db: impl PgExecutor<'_>) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!("select max(tick_at) from nodes").fetch_one(db).await
}

/// How many deliveries each node holds under a lease. Reads only what has one.
pub async fn held_by_node(db: impl PgExecutor<'_>) -> Result<Vec<(Uuid, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select node as "node!", count(*) as "count!" from deliveries
           where lease_until is not null and node is not null group by node"#
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.node, row.count)).collect())
}
