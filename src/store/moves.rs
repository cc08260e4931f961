//! Changes of address: an enrollment and the one, under another address, that takes its place. The two lie in two buckets as a
//! rule, and each statement names one.
use chrono::{DateTime, NaiveTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{exactly_one, unknown_word};
use crate::model::{Bucket, Language, SeriesSlug, StepKey, Zone};

/// Locks a subscriber, who is about to wish for another address or to start again, until the transaction ends; others may go on
/// to write rows that name the subscriber, as whoever holds one of its enrollments does. Answers whether there is one.
pub async fn lock_subscriber(db: impl PgExecutor<'_>, bucket: Bucket, id: Uuid) -> Result<bool, sqlx::Error> {
    let row = sqlx::query_scalar!(
        "select id from subscribers where bucket = $1 and id = $2 for no key update",
        bucket.get(),
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.is_some())
}

/// Says of a pending enrollment whose place it takes when it is confirmed. The caller says the other half with [`set_wish`].
pub async fn set_moves(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollment: Uuid,
    of: (Bucket, Uuid),
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update enrollments set moves_bucket = $3, moves_enrollment = $4
         where bucket = $1 and id = $2 and state = 'pending'",
        bucket.get(),
        enrollment,
        of.0.get(),
        of.1
    )
    .execute(db)
    .await?;
    exactly_one(&result)
}

/// Says of an open enrollment which pending one waits to take its place; none: nobody does any more.
pub async fn set_wish(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollment: Uuid,
    wish: Option<(Bucket, Uuid)>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update enrollments set moved_to_bucket = $3, moved_to = $4
         where bucket = $1 and id = $2 and moved_at is null",
        bucket.get(),
        enrollment,
        wish.map(|(bucket, _)| bucket.get()),
        wish.map(|(_, id)| id)
    )
    .execute(db)
    .await?;
    exactly_one(&result)
}

/// Marks that the place was taken.
pub async fn mark_moved(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollment: Uuid,
    to: (Bucket, Uuid),
    real: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update enrollments set moved_to_bucket = $3, moved_to = $4, moved_at = $5
         where bucket = $1 and id = $2 and moved_at is null",
        bucket.get(),
        enrollment,
        to.0.get(),
        to.1,
        real
    )
    .execute(db)
    .await?;
    exactly_one(&result)
}

/// One end of a tie: an enrollment and what it names.
#[derive(Debug, Clone, Copy)]
pub struct Tie {
    pub enrollment: Uuid,
    /// The enrollment whose place it takes or has taken.
    pub moves: Option<(Bucket, Uuid)>,
    /// The one that takes or has taken its place, and whether it has.
    pub moved_to: Option<(Bucket, Uuid)>,
    pub has_moved: bool,
}

/// The ties of a subscriber's enrollments, of one series or of all.
pub async fn ties(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    subscriber: Uuid,
    series: Option<&SeriesSlug>,
) -> Result<Vec<Tie>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select id, moves_bucket, moves_enrollment, moved_to_bucket, moved_to, moved_at is not null as "has_moved!"
           from enrollments
           where bucket = $1 and subscriber = $2 and ($3::text is null or series = $3)
             and (moves_enrollment is not null or moved_to is not null)
           order by created_at, id"#,
        bucket.get(),
        subscriber,
        series.map(SeriesSlug::as_str)
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Tie {
                enrollment: row.id,
                moves: place(row.moves_bucket, row.moves_enrollment)?,
                moved_to: place(row.moved_to_bucket, row.moved_to)?,
                has_moved: row.has_moved,
            })
        })
        .collect()
}

/// Wishes for another address that were made before `before` and wait still, the oldest first.
pub async fn stale_wishes(
    db: impl PgExecutor<'_>,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(Bucket, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select bucket, id from enrollments
         where state = 'pending' and moves_enrollment is not null and requested_at < $1 order by requested_at limit $2",
        before,
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok((Bucket::new(row.bucket).ok_or_else(|| unknown_word("bucket"))?, row.id))).collect()
}

/// An enrollment as two columns name it.
pub(super) fn place(bucket: Option<i16>, id: Option<Uuid>) -> Result<Option<(Bucket, Uuid)>, sqlx::Error> {
    let Some((bucket, id)) = bucket.zip(id) else { return Ok(None) };
    Ok(Some((Bucket::new(bucket).ok_or_else(|| unknown_word("bucket"))?, id)))
}

/// The place of a reader in a series, as another enrollment takes it over.
#[derive(Debug)]
pub struct Place<'a> {
    pub zone: Zone,
    pub language: Language,
    pub preferred: Option<NaiveTime>,
    pub spacing: Option<u16>,
    pub done: &'a [StepKey],
    /// Series time, of a paused reader: since when, and until when if it ends by itself.
    pub paused: Option<(DateTime<Utc>, Option<DateTime<Utc>>)>,
}

/// Gives an enrollment that has just become active the place of another.
pub async fn take_place(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollment: Uuid,
    place: &Place<'_>,
) -> Result<(), sqlx::Error> {
    let done: Vec<String> = place.done.iter().map(ToString::to_string).collect();
    let result = sqlx::query!(
        "update enrollments
         set zone = $3, language = $9, preferred_time = $4, spacing = $5, done_steps = $6, paused_at = $7, paused_until = $8,
             state = case when $7::timestamptz is null then 'active' else 'paused' end
         where bucket = $1 and id = $2 and state = 'active'",
        bucket.get(),
        enrollment,
        place.zone.name(),
        place.preferred,
        place.spacing.and_then(|days| i16::try_from(days).ok()),
        &done,
        place.paused.map(|(since, _)| since),
        place.paused.and_then(|(_, until)| until),
        place.language.tag()
    )
    .execute(db)
    .await?;
    exactly_one(&result)
}
