//! What endpoints are owed and were told. Each statement that is on a message's way names one bucket: its reader's.
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::unknown_word;
use crate::model::{Bucket, Event, MessageState};

/// A message to be written. Its id is what the receiver knows it by.
#[derive(Debug)]
pub struct NewMessage {
    pub id: Uuid,
    pub webhook: Uuid,
    pub event: Event,
    pub subscriber: Option<Uuid>,
    pub enrollment: Option<Uuid>,
    pub series: Option<String>,
    pub step: Option<String>,
    pub kind: Option<&'static str>,
    pub reason: Option<String>,
}

/// A message that is ours to send until its claim ends.
#[derive(Debug)]
pub struct Claimed {
    pub id: Uuid,
    pub attempt: i32,
    pub tries: i16,
    pub event: String,
    pub subscriber: Option<Uuid>,
    pub enrollment: Option<Uuid>,
    pub series: Option<String>,
    pub step: Option<String>,
    pub kind: Option<String>,
    pub reason: Option<String>,
    pub at: DateTime<Utc>,
    /// The reader's address, if it was asked for and there still is one.
    pub address: Option<String>,
}

/// What became of one try.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub state: MessageState,
    pub status: Option<i16>,
    pub error: Option<&'static str>,
    /// For one that is still pending.
    pub next_try_at: Option<DateTime<Utc>>,
}

/// A row of the log.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct Message {
    pub bucket: i16,
    pub id: Uuid,
    pub event: String,
    pub subscriber: Option<Uuid>,
    pub enrollment: Option<Uuid>,
    pub series: Option<String>,
    pub step: Option<String>,
    pub kind: Option<String>,
    pub reason: Option<String>,
    pub at: DateTime<Utc>,
    pub state: String,
    pub tries: i16,
    pub next_try_at: DateTime<Utc>,
    pub status: Option<i16>,
    pub error: Option<String>,
    pub done_at: Option<DateTime<Utc>>,
}

/// Writes messages of one bucket, to be sent at once.
pub async fn add(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    new: &[NewMessage],
    real: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = new.iter().map(|one| one.id).collect();
    let webhooks: Vec<Uuid> = new.iter().map(|one| one.webhook).collect();
    let events: Vec<&str> = new.iter().map(|one| one.event.as_str()).collect();
    let subscribers: Vec<Option<Uuid>> = new.iter().map(|one| one.subscriber).collect();
    let enrollments: Vec<Option<Uuid>> = new.iter().map(|one| one.enrollment).collect();
    let series: Vec<Option<&str>> = new.iter().map(|one| one.series.as_deref()).collect();
    let steps: Vec<Option<&str>> = new.iter().map(|one| one.step.as_deref()).collect();
    let kinds: Vec<Option<&str>> = new.iter().map(|one| one.kind).collect();
    let reasons: Vec<Option<&str>> = new.iter().map(|one| one.reason.as_deref()).collect();
    sqlx::query!(
        "insert into webhook_messages (bucket, id, webhook, event, subscriber, enrollment, series, step, kind, reason, at,
            next_try_at)
         select $1, r.id, r.webhook, r.event, r.subscriber, r.enrollment, r.series, r.step, r.kind, r.reason, $11, $11
         from unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[],
            $10::text[]) as r (id, webhook, event, subscriber, enrollment, series, step, kind, reason)",
        bucket.get(),
        &ids,
        &webhooks,
        &events as &[&str],
        &subscribers as &[Option<Uuid>],
        &enrollments as &[Option<Uuid>],
        &series as &[Option<&str>],
        &steps as &[Option<&str>],
        &kinds as &[Option<&str>],
        &reasons as &[Option<&str>],
        real
    )
    .execute(db)
    .await
    .map(drop)
}

/// The buckets that have something to send to an endpoint now.
pub async fn due_buckets(
    db: impl PgExecutor<'_>,
    webhook: Uuid,
    real: DateTime<Utc>,
) -> Result<Vec<Bucket>, sqlx::Error> {
    let buckets: Vec<i16> = Bucket::all().map(Bucket::get).collect();
    let due = sqlx::query_scalar!(
        r#"select one.bucket as "bucket!" from unnest($1::smallint[]) as one (bucket)
           where exists (select from webhook_messages m
               where m.bucket = one.bucket and m.webhook = $2 and m.state = 'pending' and m.next_try_at <= $3)"#,
        &buckets,
        webhook,
        real
    )
    .fetch_all(db)
    .await?;
    due.into_iter().map(|bucket| Bucket::new(bucket).ok_or_else(|| unknown_word("bucket"))).collect()
}

/// Takes what is due, the oldest first, until `until`: a process that dies leaves it due again then.
pub async fn claim(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    webhook: Uuid,
    limit: i64,
    real: DateTime<Utc>,
    until: DateTime<Utc>,
    with_address: bool,
) -> Result<Vec<Claimed>, sqlx::Error> {
    sqlx::query_as!(
        Claimed,
        r#"with due as (
               select id from webhook_messages
               where bucket = $1 and webhook = $2 and state = 'pending' and next_try_at <= $4
               order by next_try_at limit $3
               for update skip locked
           ), claimed as (
               update webhook_messages m set attempt = m.attempt + 1, next_try_at = $5
               from due where m.bucket = $1 and m.id = due.id
               returning m.id, m.attempt, m.tries, m.event, m.subscriber, m.enrollment, m.series, m.step, m.kind, m.reason,
                   m.at
           )
           select c.id as "id!", c.attempt as "attempt!", c.tries as "tries!", c.event as "event!", c.subscriber,
               c.enrollment, c.series, c.step, c.kind, c.reason, c.at as "at!", s.address as "address?"
           from claimed c
           left join subscribers s on $6 and s.bucket = $1 and s.id = c.subscriber
           order by c.at, c.id"#,
        bucket.get(),
        webhook,
        limit,
        real,
        until,
        with_address
    )
    .fetch_all(db)
    .await
}

/// Writes what became of a try, fenced by its number. Answers false when it is ours no more.
pub async fn settle(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    claimed: &Claimed,
    outcome: &Outcome,
    real: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done_at = (outcome.state != MessageState::Pending).then_some(real);
    let result = sqlx::query!(
        "update webhook_messages
         set state = $4, tries = tries + 1, status = $5, error = $6, next_try_at = coalesce($7, next_try_at), done_at = $8
         where bucket = $1 and id = $2 and attempt = $3 and state = 'pending'",
        bucket.get(),
        claimed.id,
        claimed.attempt,
        outcome.state.as_str(),
        outcome.status,
        outcome.error,
        outcome.next_try_at,
        done_at
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// An endpoint's messages that are in one of these states, the newest first, older than `before`.
pub async fn log(
    db: impl PgExecutor<'_>,
    webhook: Uuid,
    states: &[MessageState],
    before: Uuid,
    limit: i64,
) -> Result<Vec<Message>, sqlx::Error> {
    let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    sqlx::query_as!(
        Message,
        r#"select m.bucket as "bucket!", m.id as "id!", m.event as "event!", m.subscriber, m.enrollment, m.series, m.step,
               m.kind, m.reason, m.at as "at!", m.state as "state!", m.tries as "tries!", m.next_try_at as "next_try_at!",
               m.status, m.error, m.done_at
           from unnest($2::text[]) as s (state)
           cross join lateral (
               select * from webhook_messages o where o.webhook = $1 and o.state = s.state and o.id < $3
               order by o.id desc limit $4
           ) m
           order by m.id desc limit $4"#,
        webhook,
        &states as &[&str],
        before,
        limit
    )
    .fetch_all(db)
    .await
}

/// The bucket of a message of an endpoint.
pub async fn bucket_of(db: impl PgExecutor<'_>, webhook: Uuid, id: Uuid) -> Result<Option<Bucket>, sqlx::Error> {
    let bucket = sqlx::query_scalar!(
        "select bucket from webhook_messages
         where webhook = $1 and state in ('pending', 'sent', 'failed') and id = $2",
        webhook,
        id
    )
    .fetch_optional(db)
    .await?;
    bucket.map(|bucket| Bucket::new(bucket).ok_or_else(|| unknown_word("bucket"))).transpose()
}

/// Owes a message that has come to an end once more, under its id. Answers false when it has not.
pub async fn send_again(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    id: Uuid,
    real: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "update webhook_messages set state = 'pending', tries = 0, next_try_at = $3, done_at = null
         where bucket = $1 and id = $2 and state in ('sent', 'failed')",
        bucket.get(),
        id,
        real
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// The same for all of a bucket that have failed and tell of something since `since`. Answers how many.
pub async fn send_failed_again(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    webhook: Uuid,
    since: DateTime<Utc>,
    real: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let result = sqlx::query!(
        "update webhook_messages set state = 'pending', tries = 0, next_try_at = $4, done_at = null
         where bucket = $1 and webhook = $2 and state = 'failed' and at >= $3",
        bucket.get(),
        webhook,
        since,
        real
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected())
}

/// Deletes all that an endpoint was or would have been told, of one bucket.
pub async fn delete_of(db: impl PgExecutor<'_>, bucket: Bucket, webhook: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from webhook_messages where bucket = $1 and webhook = $2", bucket.get(), webhook)
        .execute(db)
        .await
        .map(drop)
}

/// Deletes all that is told of a reader.
pub async fn delete_about(db: impl PgExecutor<'_>, bucket: Bucket, subscriber: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from webhook_messages where bucket = $1 and subscriber = $2", bucket.get(), subscriber)
        .execute(db)
        .await
        .map(drop)
}

/// Deletes the next of a bucket whose ids lie below `before`, whatever became of them. Answers how many.
pub async fn delete_old(db: impl PgExecutor<'_>, bucket: Bucket, before: Uuid, limit: i64) -> Result<u64, sqlx::Error> {
    let result = sqlx::query!(
        "delete from webhook_messages where bucket = $1 and id in (
             select id from webhook_messages where bucket = $1 and id < $2 order by id limit $3 for update skip locked)",
        bucket.get(),
        before,
        limit
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected())
}

/// How many messages of each endpoint are in each of these states; 10,000 stands for that many or more.
pub async fn counts(
    db: impl PgExecutor<'_>,
    webhooks: &[Uuid],
    states: &[MessageState],
) -> Result<Vec<(Uuid, String, i64)>, sqlx::Error> {
    let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    let rows = sqlx::query!(
        r#"select w.id as "webhook!", s.state as "state!",
               (select count(*) from (
                   select from webhook_messages m where m.webhook = w.id and m.state = s.state limit 10000) as counted) as "count!"
           from unnest($1::uuid[]) as w (id) cross join unnest($2::text[]) as s (state)"#,
        webhooks,
        &states as &[&str]
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.webhook, row.state, row.count)).collect())
}
