//! Consents and suppressions.
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::unknown_word;
use crate::model::{Bucket, EmailAddress, SuppressionReason};

/// One append-only record of what was agreed.
#[derive(Debug, Clone)]
pub struct Consent<'a> {
    pub id: Uuid,
    pub subscriber: Uuid,
    pub enrollment: Uuid,
    pub action: &'static str,
    pub privacy_version: &'a str,
    pub terms_version: &'a str,
    pub channel: &'a str,
}

pub async fn add_consent(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    consent: &Consent<'_>,
    real: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into consents (bucket, id, subscriber, enrollment, action, privacy_version, terms_version, channel, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        bucket.get(),
        consent.id,
        consent.subscriber,
        consent.enrollment,
        consent.action,
        consent.privacy_version,
        consent.terms_version,
        consent.channel,
        real
    )
    .execute(db)
    .await
    .map(drop)
}

/// What a publisher says of a consent that was given on its own pages.
#[derive(Debug, Clone)]
pub struct Evidence<'a> {
    /// The name of the publisher's token.
    pub source: &'a str,
    /// JSON: when, and where.
    pub json: &'a serde_json::Value,
}

/// The same for a consent of which a publisher brings the evidence.
pub async fn add_consent_of_publisher(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    consent: &Consent<'_>,
    evidence: &Evidence<'_>,
    real: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into consents (bucket, id, subscriber, enrollment, action, privacy_version, terms_version, channel, at,
             source, evidence)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        bucket.get(),
        consent.id,
        consent.subscriber,
        consent.enrollment,
        consent.action,
        consent.privacy_version,
        consent.terms_version,
        consent.channel,
        real,
        evidence.source,
        evidence.json
    )
    .execute(db)
    .await
    .map(drop)
}

pub async fn is_suppressed(db: impl PgExecutor<'_>, address: &EmailAddress) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from suppressions where bucket = $1 and normalised = $2) as "suppressed!""#,
        address.bucket().get(),
        address.normalised()
    )
    .fetch_one(db)
    .await
}

/// Why an address is suppressed, if so.
pub async fn suppression_reason(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    normalised: &str,
) -> Result<Option<SuppressionReason>, sqlx::Error> {
    let word = sqlx::query_scalar!(
        "select reason from suppressions where bucket = $1 and normalised = $2",
        bucket.get(),
        normalised
    )
    .fetch_optional(db)
    .await?;
    word.map(|word| word.parse().map_err(|_| unknown_word("reason"))).transpose()
}

/// Suppresses an address by its normalised form; the first reason stays.
pub async fn suppress(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    normalised: &str,
    reason: SuppressionReason,
    by: Option<(&str, &str)>,
    real: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into suppressions (bucket, normalised, reason, by, why, at) values ($1, $2, $3, $4, $5, $6)
         on conflict do nothing",
        bucket.get(),
        normalised,
        reason.as_str(),
        by.map(|(who, _)| who),
        by.map(|(_, why)| why),
        real
    )
    .execute(db)
    .await
    .map(drop)
}

/// Answers whether there was a suppression to lift.
pub async fn unsuppress(db: impl PgExecutor<'_>, address: &EmailAddress) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "delete from suppressions where bucket = $1 and normalised = $2",
        address.bucket().get(),
        address.normalised()
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}
