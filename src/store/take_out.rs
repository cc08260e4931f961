//! Readers as they are taken out for a file: all of one bucket, page by page.
use chrono::{DateTime, NaiveTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::model::Bucket;

/// One enrollment, with the newest consent to it and the newest confirmation. `Debug` is missing on purpose: address and
/// condition are in it.
pub struct Row {
    pub id: Uuid,
    pub subscriber: Uuid,
    pub address: String,
    pub series: String,
    pub state: String,
    pub suppressed: bool,
    pub zone: String,
    pub language: String,
    pub preferred_time: Option<NaiveTime>,
    pub spacing: Option<i16>,
    pub done_steps: Vec<String>,
    /// Sealed.
    pub condition: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub confirmed_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// When it was given, as who brought it says, or when it came in.
    pub consent_at: Option<DateTime<Utc>>,
    pub consent_channel: Option<String>,
    pub consent_source: Option<String>,
    pub privacy_version: Option<String>,
    pub terms_version: Option<String>,
    pub confirmed_privacy_version: Option<String>,
    pub confirmed_terms_version: Option<String>,
}

/// The next `limit` of a bucket after one, in the order of their ids.
pub async fn page(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    after: Uuid,
    (series, state): (Option<&str>, Option<&str>),
    limit: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"select e.id, e.subscriber, s.address, e.series, e.state, e.zone, e.language, e.preferred_time, e.spacing, e.done_steps,
                e.condition, e.created_at, e.confirmed_at, e.ended_at,
                exists (select from suppressions x where x.bucket = $1 and x.normalised = s.normalised) as "suppressed!",
                coalesce((a.evidence->>'at')::timestamptz, a.at) as "consent_at?", a.channel as "consent_channel?",
                coalesce(a.evidence->>'page', a.evidence->>'channel', a.source) as "consent_source?", a.privacy_version as "privacy_version?", a.terms_version as "terms_version?",
                c.privacy_version as "confirmed_privacy_version?", c.terms_version as "confirmed_terms_version?"
           from (select * from enrollments n
                 where n.bucket = $1 and n.id > $2 and ($3::text is null or n.series = $3) and ($4::text is null or n.state = $4)
                 order by n.id limit $5) e
           join subscribers s on s.bucket = $1 and s.id = e.subscriber
           left join lateral (
               select * from consents g where g.bucket = $1 and g.subscriber = e.subscriber and g.enrollment = e.id
                 and g.action = 'sign-up' order by g.at desc, g.id desc limit 1) a on true
           left join lateral (
               select * from consents g where g.bucket = $1 and g.subscriber = e.subscriber and g.enrollment = e.id
                 and g.action = 'confirm' order by g.at desc, g.id desc limit 1) c on true
           order by e.id"#,
        bucket.get(),
        after,
        series,
        state,
        limit
    )
    .fetch_all(db)
    .await
}
