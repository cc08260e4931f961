//! All that is stored about one subscriber, to be taken out or erased.
use chrono::{DateTime, NaiveTime, Utc};
use serde::Serialize;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::queue::Hands;
use crate::model::Bucket;

/// The address and when it came.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SubscriberRow {
    pub address: String,
    pub normalised: String,
    pub created_at: DateTime<Utc>,
}

pub async fn subscriber(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    id: Uuid,
) -> Result<Option<SubscriberRow>, sqlx::Error> {
    sqlx::query_as!(
        SubscriberRow,
        "select address, normalised, created_at from subscribers where bucket = $1 and id = $2",
        bucket.get(),
        id
    )
    .fetch_optional(db)
    .await
}

/// One enrollment with all its columns.
#[derive(Debug)]
pub struct EnrollmentRow {
    pub id: Uuid,
    pub series: String,
    pub state: String,
    /// Sealed.
    pub condition: Vec<u8>,
    pub zone: String,
    pub language: String,
    pub preferred_time: Option<NaiveTime>,
    pub spacing: Option<i16>,
    pub done_steps: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub requested_at: DateTime<Utc>,
    pub confirmed_at: Option<DateTime<Utc>>,
    pub reminded_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub paused_at: Option<DateTime<Utc>>,
    pub paused_until: Option<DateTime<Utc>>,
    pub hurried_at: Option<DateTime<Utc>>,
}

pub async fn enrollments(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    subscriber: Uuid,
) -> Result<Vec<EnrollmentRow>, sqlx::Error> {
    sqlx::query_as!(
        EnrollmentRow,
        "select id, series, state, condition, zone, language, preferred_time, spacing, done_steps, created_at, requested_at,
                confirmed_at, reminded_at, ended_at, paused_at, paused_until, hurried_at
         from enrollments where bucket = $1 and subscriber = $2 order by created_at, id",
        bucket.get(),
        subscriber
    )
    .fetch_all(db)
    .await
}

/// One delivery.
#[derive(Debug)]
pub struct DeliveryRow {
    pub id: Uuid,
    pub enrollment: Uuid,
    pub kind: String,
    pub step: Option<String>,
    pub occasion: i64,
    pub state: String,
    pub reason: Option<String>,
    pub tries: i16,
    pub uncertain_count: i16,
    pub due_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub settled_at: Option<DateTime<Utc>>,
    pub content_version: Option<String>,
    /// Sealed.
    pub condition: Option<Vec<u8>>,
}

pub async fn deliveries(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollments: &[Uuid],
) -> Result<Vec<DeliveryRow>, sqlx::Error> {
    sqlx::query_as!(
        DeliveryRow,
        "select id, enrollment, kind, step, occasion, state, reason, tries, uncertain_count, due_at, created_at, settled_at,
                content_version, condition
         from deliveries where bucket = $1 and enrollment = any($2) order by created_at, id",
        bucket.get(),
        enrollments
    )
    .fetch_all(db)
    .await
}

/// Why and since when an address must not be mailed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SuppressionRow {
    pub reason: String,
    /// What the admin who suppressed it gave as a reason.
    pub why: Option<String>,
    pub at: DateTime<Utc>,
}

pub async fn suppression(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    normalised: &str,
) -> Result<Option<SuppressionRow>, sqlx::Error> {
    sqlx::query_as!(
        SuppressionRow,
        "select reason, why, at from suppressions where bucket = $1 and normalised = $2",
        bucket.get(),
        normalised
    )
    .fetch_optional(db)
    .await
}

/// Locks a subscriber; answers whether there is one.
pub async fn lock_subscriber(db: impl PgExecutor<'_>, bucket: Bucket, id: Uuid) -> Result<bool, sqlx::Error> {
    let row =
        sqlx::query_scalar!("select id from subscribers where bucket = $1 and id = $2 for update", bucket.get(), id)
            .fetch_optional(db)
            .await?;
    Ok(row.is_some())
}

/// All enrollments of a subscriber, open or not, locked in id order.
pub async fn lock_enrollments(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    subscriber: Uuid,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select id from enrollments where bucket = $1 and subscriber = $2 order by id for update",
        bucket.get(),
        subscriber
    )
    .fetch_all(db)
    .await
}

/// Ends all deliveries of these enrollments that have not come to an end: what was not handed over is skipped, and of what
/// is on the wire nobody will say any more what became of it.
pub async fn close_deliveries(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollments: &[Uuid],
    hands: Hands,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update deliveries
         set state = case when state = 'sending' then 'uncertain' else 'skipped' end, reason = 'erased',
             settled_at = $3, series_settled_at = $4, lease_until = null, node = null
         where bucket = $1 and enrollment = any($2) and state in ('pending', 'paused', 'claimed', 'sending')",
        bucket.get(),
        enrollments,
        hands.real,
        hands.series
    )
    .execute(db)
    .await
    .map(drop)
}

/// Deletes a subscriber, with its enrollments and consents. Its deliveries have been folded into the totals before.
pub async fn delete_subscriber(db: impl PgExecutor<'_>, bucket: Bucket, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from subscribers where bucket = $1 and id = $2", bucket.get(), id).execute(db).await.map(drop)
}
