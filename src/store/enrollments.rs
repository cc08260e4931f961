//! Subscribers and their way through a series: sign-up, confirmation, pause and end.
use chrono::{DateTime, NaiveTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::settle::parse_steps;
use super::{exactly_one, unknown_word};
use crate::model::{Bucket, EmailAddress, EnrollmentState, Language, SeriesSlug, StepKey, Zone};

/// One subscriber's way through one series.
#[derive(Debug, Clone)]
pub struct Enrollment {
    pub bucket: Bucket,
    pub id: Uuid,
    pub subscriber: Uuid,
    pub series: SeriesSlug,
    pub state: EnrollmentState,
    pub zone: Zone,
    pub language: Language,
    pub preferred_time: Option<NaiveTime>,
    pub done_steps: Vec<StepKey>,
    pub request: i32,
    pub requested_at: DateTime<Utc>,
    /// Series time.
    pub paused_at: Option<DateTime<Utc>>,
    /// Series time at which the pause ends by itself.
    pub paused_until: Option<DateTime<Utc>>,
    /// The days between two steps that the reader chose.
    pub spacing: Option<u16>,
    /// Real time at which the reader last asked for the next step at once.
    pub hurried_at: Option<DateTime<Utc>>,
    /// The enrollment, under another address, whose place this one takes when it is confirmed, or has taken.
    pub moves: Option<(Bucket, Uuid)>,
    /// The one that takes this one's place, or has taken it.
    pub moved_to: Option<(Bucket, Uuid)>,
    /// Real time at which it did; none while that waits for its confirmation.
    pub moved_at: Option<DateTime<Utc>>,
}

/// The values of a sign-up that await confirmation.
#[derive(Debug)]
pub struct Pending<'a> {
    pub id: Uuid,
    pub subscriber: Uuid,
    pub series: &'a SeriesSlug,
    /// Sealed.
    pub condition: &'a [u8],
    pub zone: Zone,
    pub language: Language,
    pub done_steps: &'a [StepKey],
}

/// The subscriber of this address, made if there is none, and locked until the transaction ends. The lock is one that lets
/// others write rows which name the subscriber: whoever holds an enrollment writes its consent, and would else wait for this
/// one, which goes on to wait for the enrollment.
pub async fn subscriber(
    db: impl PgExecutor<'_>,
    address: &EmailAddress,
    new_id: Uuid,
    real: DateTime<Utc>,
) -> Result<Uuid, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into subscribers (bucket, id, address, normalised, created_at) values ($1, $2, $3, $4, $5)
         on conflict (bucket, normalised) do update set created_at = subscribers.created_at
         returning id",
        address.bucket().get(),
        new_id,
        address.as_typed(),
        address.normalised(),
        real
    )
    .fetch_one(db)
    .await
}

/// The newest enrollment of a subscriber in a series, open or closed.
pub async fn newest(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    subscriber: Uuid,
    series: &SeriesSlug,
) -> Result<Option<Enrollment>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select id, subscriber, series, state, zone, language, preferred_time, done_steps, request, requested_at,
                paused_at, paused_until, spacing, hurried_at, moves_bucket, moves_enrollment,
                moved_to_bucket, moved_to, moved_at
         from enrollments where bucket = $1 and subscriber = $2 and series = $3
         order by (state in ('pending', 'active', 'paused')) desc, created_at desc, id desc limit 1",
        bucket.get(),
        subscriber,
        series.as_str()
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| row.parse(bucket)).transpose()
}

pub async fn by_id(db: impl PgExecutor<'_>, bucket: Bucket, id: Uuid) -> Result<Option<Enrollment>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select id, subscriber, series, state, zone, language, preferred_time, done_steps, request, requested_at,
                paused_at, paused_until, spacing, hurried_at, moves_bucket, moves_enrollment,
                moved_to_bucket, moved_to, moved_at
         from enrollments where bucket = $1 and id = $2",
        bucket.get(),
        id
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| row.parse(bucket)).transpose()
}

/// The same, locked until the transaction ends.
pub async fn lock(db: impl PgExecutor<'_>, bucket: Bucket, id: Uuid) -> Result<Option<Enrollment>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select id, subscriber, series, state, zone, language, preferred_time, done_steps, request, requested_at,
                paused_at, paused_until, spacing, hurried_at, moves_bucket, moves_enrollment,
                moved_to_bucket, moved_to, moved_at
         from enrollments where bucket = $1 and id = $2 for no key update",
        bucket.get(),
        id
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| row.parse(bucket)).transpose()
}

/// Writes a pending enrollment.
pub async fn add_pending(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    new: &Pending<'_>,
    real: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let done: Vec<String> = new.done_steps.iter().map(|step| step.as_str().to_owned()).collect();
    sqlx::query!(
        "insert into enrollments (bucket, id, subscriber, series, state, condition, zone, done_steps, created_at,
             requested_at, language)
         values ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $8, $9)",
        bucket.get(),
        new.id,
        new.subscriber,
        new.series.as_str(),
        new.condition,
        new.zone.name(),
        &done,
        real,
        new.language.tag()
    )
    .execute(db)
    .await
    .map(drop)
}

/// A second sign-up before the first was confirmed: its values and its link replace the first's. Answers the number of
/// the request.
pub async fn replace_pending(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    id: Uuid,
    condition: &[u8],
    zone: Zone,
    language: Language,
    real: DateTime<Utc>,
) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        "update enrollments set condition = $3, zone = $4, request = request + 1, requested_at = $5, language = $6,
             moves_bucket = null, moves_enrollment = null
         where bucket = $1 and id = $2 and state = 'pending' returning request",
        bucket.get(),
        id,
        condition,
        zone.name(),
        real,
        language.tag()
    )
    .fetch_one(db)
    .await
}

/// A new link for the same values.
pub async fn request_again(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    id: Uuid,
    real: DateTime<Utc>,
) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        "update enrollments set request = request + 1, requested_at = $3
         where bucket = $1 and id = $2 and state = 'pending' returning request",
        bucket.get(),
        id,
        real
    )
    .fetch_one(db)
    .await
}

pub async fn activate(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    id: Uuid,
    real: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update enrollments set state = 'active', confirmed_at = $3
         where bucket = $1 and id = $2 and state = 'pending'",
        bucket.get(),
        id,
        real
    )
    .execute(db)
    .await?;
    exactly_one(&result)
}

/// Ends an open enrollment. Answers whether it was open.
pub async fn end(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    id: Uuid,
    state: EnrollmentState,
    real: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "update enrollments set state = $3, ended_at = $4
         where bucket = $1 and id = $2 and state in ('pending', 'active', 'paused')",
        bucket.get(),
        id,
        state.as_str(),
        real
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// The open enrollments of a subscriber, locked in id order.
pub async fn lock_open(db: impl PgExecutor<'_>, bucket: Bucket, subscriber: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select id from enrollments
         where bucket = $1 and subscriber = $2 and state in ('pending', 'active', 'paused')
         order by id for no key update",
        bucket.get(),
        subscriber
    )
    .fetch_all(db)
    .await
}

/// Skips what is owed and not yet handed over, for the whole enrollment. What is `sending` the relay may have.
pub async fn skip_owed(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollment: Uuid,
    kinds: &[&str],
    reason: &str,
    hands: super::queue::Hands,
) -> Result<u64, sqlx::Error> {
    let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let result = sqlx::query!(
        "update deliveries
         set state = 'skipped', reason = $4, settled_at = $5, series_settled_at = $6, lease_until = null, node = null
         where bucket = $1 and enrollment = $2 and kind = any($3) and state in ('pending', 'paused', 'claimed')",
        bucket.get(),
        enrollment,
        &kinds,
        reason,
        hands.real,
        hands.series
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected())
}

/// How many mails of this kind a subscriber was promised since `since` (real time).
pub async fn promised_since(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    subscriber: Uuid,
    kinds: &[&str],
    since: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from deliveries
           where bucket = $1 and kind = any($3) and created_at > $4
             and enrollment in (select e.id from enrollments e where e.bucket = $1 and e.subscriber = $2)"#,
        bucket.get(),
        subscriber,
        kinds as &[&str],
        since
    )
    .fetch_one(db)
    .await
}

/// The occasion of the next mail of this kind to this enrollment: 1, 2, …
pub async fn next_occasion(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollment: Uuid,
    kind: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select coalesce(max(occasion), 0) + 1 as "next!" from deliveries
           where bucket = $1 and enrollment = $2 and kind = $3"#,
        bucket.get(),
        enrollment,
        kind
    )
    .fetch_one(db)
    .await
}

/// Pauses an active enrollment and what it is owed, from `series` until `until` (series time), or until it is resumed.
/// Answers whether it was active.
pub async fn pause(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    id: Uuid,
    series: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "with paused as (
             update enrollments set state = 'paused', paused_at = $3, paused_until = $4
             where bucket = $1 and id = $2 and state = 'active' returning id
         ), held as (
             update deliveries d set state = 'paused', lease_until = null, node = null
             from paused where d.bucket = $1 and d.enrollment = paused.id and d.kind = 'step'
               and d.state in ('pending', 'claimed')
         )
         select id from paused",
        bucket.get(),
        id,
        series,
        until
    )
    .fetch_optional(db)
    .await?;
    Ok(result.is_some())
}

/// Makes a paused enrollment active. Its deliveries follow with [`resume_delivery`], each at its own new time.
pub async fn resume(db: impl PgExecutor<'_>, bucket: Bucket, id: Uuid) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "update enrollments set state = 'active', paused_at = null, paused_until = null
         where bucket = $1 and id = $2 and state = 'paused'",
        bucket.get(),
        id
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Paused deliveries and when they were due.
pub async fn paused_deliveries(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollment: Uuid,
) -> Result<Vec<(Uuid, DateTime<Utc>)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select id, due_at from deliveries where bucket = $1 and enrollment = $2 and state = 'paused' order by id",
        bucket.get(),
        enrollment
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.due_at)).collect())
}

pub async fn resume_delivery(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    id: Uuid,
    due_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update deliveries set state = 'pending', due_at = $3 where bucket = $1 and id = $2 and state = 'paused'",
        bucket.get(),
        id,
        due_at
    )
    .execute(db)
    .await?;
    exactly_one(&result)
}

/// Sign-ups that have waited since before `asked_before` and had no reminder. A wish for another address gets none.
pub async fn to_remind(
    db: impl PgExecutor<'_>,
    asked_before: DateTime<Utc>,
    asked_after: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(Bucket, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select bucket, id from enrollments
         where state = 'pending' and requested_at < $1 and requested_at > $2 and reminded_at is null
           and moves_enrollment is null
         order by requested_at limit $3",
        asked_before,
        asked_after,
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok((Bucket::new(row.bucket).ok_or_else(|| unknown_word("bucket"))?, row.id))).collect()
}

/// Marks that the one reminder was written. Answers false when somebody else did, or the reader confirmed.
pub async fn mark_reminded(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    id: Uuid,
    real: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "update enrollments set reminded_at = $3
         where bucket = $1 and id = $2 and state = 'pending' and reminded_at is null",
        bucket.get(),
        id,
        real
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Sign-ups that were never confirmed: the oldest, asked for before `before`.
pub async fn never_confirmed(
    db: impl PgExecutor<'_>,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(Bucket, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select bucket, id from enrollments where state = 'pending' and requested_at < $1
         order by requested_at limit $2",
        before,
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok((Bucket::new(row.bucket).ok_or_else(|| unknown_word("bucket"))?, row.id))).collect()
}

/// Folds an enrollment's deliveries into the totals and deletes it with all that hangs on it; the subscriber goes too
/// when nothing else does. The caller has locked the enrollment.
pub async fn forget(db: &mut sqlx::PgConnection, bucket: Bucket, id: Uuid) -> Result<(), sqlx::Error> {
    super::retention::fold(&mut *db, bucket, &[id]).await?;
    let subscriber = sqlx::query_scalar!(
        "delete from enrollments where bucket = $1 and id = $2 returning subscriber",
        bucket.get(),
        id
    )
    .fetch_one(&mut *db)
    .await?;
    sqlx::query!(
        "delete from subscribers s where s.bucket = $1 and s.id = $2
           and not exists (select from enrollments e where e.bucket = $1 and e.subscriber = $2)",
        bucket.get(),
        subscriber
    )
    .execute(&mut *db)
    .await?;
    Ok(())
}

/// A subscriber's normalised address, for suppressing it.
pub async fn normalised(db: impl PgExecutor<'_>, bucket: Bucket, subscriber: Uuid) -> Result<String, sqlx::Error> {
    sqlx::query_scalar!("select normalised from subscribers where bucket = $1 and id = $2", bucket.get(), subscriber)
        .fetch_one(db)
        .await
}

struct Row {
    id: Uuid,
    subscriber: Uuid,
    series: String,
    state: String,
    zone: String,
    language: String,
    preferred_time: Option<NaiveTime>,
    done_steps: Vec<String>,
    request: i32,
    requested_at: DateTime<Utc>,
    paused_at: Option<DateTime<Utc>>,
    paused_until: Option<DateTime<Utc>>,
    spacing: Option<i16>,
    hurried_at: Option<DateTime<Utc>>,
    moves_bucket: Option<i16>,
    moves_enrollment: Option<Uuid>,
    moved_to_bucket: Option<i16>,
    moved_to: Option<Uuid>,
    moved_at: Option<DateTime<Utc>>,
}

impl Row {
    fn parse(self, bucket: Bucket) -> Result<Enrollment, sqlx::Error> {
        let moves = super::moves::place(self.moves_bucket, self.moves_enrollment)?;
        let moved_to = super::moves::place(self.moved_to_bucket, self.moved_to)?;
        Ok(Enrollment {
            bucket,
            id: self.id,
            subscriber: self.subscriber,
            series: SeriesSlug::parse(&self.series).map_err(|_| unknown_word("series"))?,
            state: self.state.parse().map_err(|_| unknown_word("state"))?,
            zone: Zone::parse(&self.zone).map_err(|_| unknown_word("zone"))?,
            language: Language::parse(&self.language).ok_or_else(|| unknown_word("language"))?,
            preferred_time: self.preferred_time,
            done_steps: parse_steps(&self.done_steps)?,
            request: self.request,
            requested_at: self.requested_at,
            paused_at: self.paused_at,
            paused_until: self.paused_until,
            spacing: self.spacing.and_then(|days| u16::try_from(days).ok()),
            hurried_at: self.hurried_at,
            moves,
            moved_to,
            moved_at: self.moved_at,
        })
    }
}
