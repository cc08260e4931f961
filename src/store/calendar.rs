//! What a reader sees and changes on their own pages: one enrollment's steps, its pause, its clock, its place.
use chrono::{DateTime, NaiveTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::queue::Hands;
use super::{exactly_one, unknown_word};
use crate::model::{Bucket, DeliveryState, StepKey, Zone};

/// The scheduled copy of a step.
#[derive(Debug)]
pub struct StepLine {
    pub step: StepKey,
    pub state: DeliveryState,
    /// Series time.
    pub due_at: DateTime<Utc>,
    /// Series time.
    pub settled_at: Option<DateTime<Utc>>,
}

/// The scheduled steps of an enrollment that have been written so far.
pub async fn steps(db: impl PgExecutor<'_>, bucket: Bucket, enrollment: Uuid) -> Result<Vec<StepLine>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select step as "step!", state, due_at, series_settled_at from deliveries
           where bucket = $1 and enrollment = $2 and kind = 'step' and occasion = 0 order by due_at, id"#,
        bucket.get(),
        enrollment
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(StepLine {
                step: StepKey::parse(&row.step).map_err(|_| unknown_word("step"))?,
                state: row.state.parse().map_err(|_| unknown_word("state"))?,
                due_at: row.due_at,
                settled_at: row.series_settled_at,
            })
        })
        .collect()
}

/// What a copy of a step was rendered from; none of both while that has not been written yet.
#[derive(Debug)]
pub struct Copy {
    pub content_version: Option<String>,
    /// Sealed.
    pub condition: Option<Vec<u8>>,
}

/// The copy of a step that its reader has or may have: one that a relay accepted, rather the newest; else one that a relay
/// may have accepted, since a mail can be read before the answer to it is written.
pub async fn copy_of_step(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollment: Uuid,
    step: &StepKey,
) -> Result<Option<Copy>, sqlx::Error> {
    sqlx::query_as!(
        Copy,
        "select content_version, condition from deliveries
         where bucket = $1 and enrollment = $2 and kind in ('step', 'correction') and step = $3
           and (state in ('accepted', 'sending', 'uncertain') or uncertain_count > 0)
         order by (state = 'accepted') desc, settled_at desc nulls last, id desc limit 1",
        bucket.get(),
        enrollment,
        step.as_str()
    )
    .fetch_optional(db)
    .await
}

/// The one scheduled step that is owed.
#[derive(Debug)]
pub struct Owed {
    pub id: Uuid,
    pub step: StepKey,
    pub state: DeliveryState,
    /// Series time.
    pub due_at: DateTime<Utc>,
}

/// The scheduled step that is owed, locked until the transaction ends. The caller holds its enrollment.
pub async fn lock_owed(db: impl PgExecutor<'_>, bucket: Bucket, enrollment: Uuid) -> Result<Option<Owed>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select id, step as "step!", state, due_at from deliveries
           where bucket = $1 and enrollment = $2 and kind = 'step' and occasion = 0
             and state in ('pending', 'paused', 'claimed', 'sending')
           order by due_at, id limit 1 for no key update"#,
        bucket.get(),
        enrollment
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(Owed {
            id: row.id,
            step: StepKey::parse(&row.step).map_err(|_| unknown_word("step"))?,
            state: row.state.parse().map_err(|_| unknown_word("state"))?,
            due_at: row.due_at,
        })
    })
    .transpose()
}

/// When (series time) the last scheduled step came to its end.
pub async fn last_settled(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollment: Uuid,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!(
        "select max(series_settled_at) from deliveries
         where bucket = $1 and enrollment = $2 and kind = 'step' and occasion = 0",
        bucket.get(),
        enrollment
    )
    .fetch_one(db)
    .await
}

/// Gives a step that waits another time. What is under a lease by now stays as it is.
pub async fn move_step(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    delivery: Uuid,
    due_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update deliveries set due_at = $3 where bucket = $1 and id = $2 and state in ('pending', 'paused')",
        bucket.get(),
        delivery,
        due_at
    )
    .execute(db)
    .await?;
    exactly_one(&result)
}

/// Ends a step that was not handed over yet, and answers when (series time) it would have come by itself.
pub async fn skip_step(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    delivery: Uuid,
    reason: &str,
    hands: Hands,
) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"update deliveries
           set state = 'skipped', reason = $3, settled_at = $4, series_settled_at = $5, lease_until = null, node = null
           where bucket = $1 and id = $2 and state in ('pending', 'paused', 'claimed')
           returning coalesce(own_due_at, due_at) as "due_at!""#,
        bucket.get(),
        delivery,
        reason,
        hands.real,
        hands.series
    )
    .fetch_one(db)
    .await
}

pub async fn set_clock(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollment: Uuid,
    zone: Zone,
    preferred: Option<NaiveTime>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update enrollments set zone = $3, preferred_time = $4 where bucket = $1 and id = $2",
        bucket.get(),
        enrollment,
        zone.name(),
        preferred
    )
    .execute(db)
    .await?;
    exactly_one(&result)
}

pub async fn set_spacing(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollment: Uuid,
    days: Option<u16>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update enrollments set spacing = $3 where bucket = $1 and id = $2",
        bucket.get(),
        enrollment,
        days.and_then(|days| i16::try_from(days).ok())
    )
    .execute(db)
    .await?;
    exactly_one(&result)
}

/// Notes when (real time) the reader asked for the next step at once.
pub async fn set_hurried(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollment: Uuid,
    real: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update enrollments set hurried_at = $3 where bucket = $1 and id = $2",
        bucket.get(),
        enrollment,
        real
    )
    .execute(db)
    .await?;
    exactly_one(&result)
}

/// Another end for a pause that lasts already.
pub async fn set_paused_until(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollment: Uuid,
    until: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update enrollments set paused_until = $3 where bucket = $1 and id = $2 and state = 'paused'",
        bucket.get(),
        enrollment,
        until
    )
    .execute(db)
    .await?;
    exactly_one(&result)
}

/// An enrollment whose pause has come to its end.
#[derive(Debug, Clone, Copy)]
pub struct EndedPause {
    pub bucket: Bucket,
    pub id: Uuid,
    /// Series time.
    pub until: DateTime<Utc>,
}

/// Enrollments in these series whose pause has come to its end by `now` (series time), the earliest first, from behind `after`.
pub async fn ended_pauses(
    db: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    series: &[String],
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<EndedPause>, sqlx::Error> {
    let (until, id) = after.unzip();
    let rows = sqlx::query!(
        r#"select bucket, id, paused_until as "until!" from enrollments
           where state = 'paused' and paused_until <= $1 and series = any($2)
             and ($3::timestamptz is null or (paused_until, id) > ($3, $4))
           order by paused_until, id limit $5"#,
        now,
        series,
        until,
        id,
        limit
    )
    .fetch_all(db)
    .await?;
    let parse = |bucket| Bucket::new(bucket).ok_or_else(|| unknown_word("bucket"));
    rows.into_iter().map(|row| Ok(EndedPause { bucket: parse(row.bucket)?, id: row.id, until: row.until })).collect()
}

/// The sealed condition.
pub async fn condition(db: impl PgExecutor<'_>, bucket: Bucket, enrollment: Uuid) -> Result<Vec<u8>, sqlx::Error> {
    sqlx::query_scalar!("select condition from enrollments where bucket = $1 and id = $2", bucket.get(), enrollment)
        .fetch_one(db)
        .await
}

/// Steps that are rendered from now on are about this condition (sealed).
pub async fn set_condition(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollment: Uuid,
    condition: &[u8],
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update enrollments set condition = $3 where bucket = $1 and id = $2",
        bucket.get(),
        enrollment,
        condition
    )
    .execute(db)
    .await?;
    exactly_one(&result)
}

/// A new, active enrollment of the same subscriber in the same series, with the same condition and habits. It begins
/// behind the steps in `done`.
pub async fn add_again(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    ended: Uuid,
    new_id: Uuid,
    done: &[StepKey],
    real: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let done: Vec<String> = done.iter().map(ToString::to_string).collect();
    let result = sqlx::query!(
        "insert into enrollments (bucket, id, subscriber, series, state, condition, zone, language, preferred_time,
             spacing, done_steps, created_at, requested_at, confirmed_at)
         select $1, $3, e.subscriber, e.series, 'active', e.condition, e.zone, e.language, e.preferred_time, e.spacing,
             $4, $5, $5, $5
         from enrollments e where e.bucket = $1 and e.id = $2",
        bucket.get(),
        ended,
        new_id,
        &done,
        real
    )
    .execute(db)
    .await?;
    exactly_one(&result)
}

/// How often a subscriber agreed to something since `since` (real time).
pub async fn agreed_since(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    subscriber: Uuid,
    action: &str,
    since: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from consents
           where bucket = $1 and subscriber = $2 and action = $3 and at > $4"#,
        bucket.get(),
        subscriber,
        action,
        since
    )
    .fetch_one(db)
    .await
}
