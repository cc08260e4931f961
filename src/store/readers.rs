//! Readers as admins look for them, and what happened to one of them.
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::model::Bucket;

/// One enrollment in the list.
#[derive(Debug, Clone)]
pub struct Row {
    pub bucket: i16,
    pub id: Uuid,
    pub subscriber: Uuid,
    pub address: String,
    pub series: String,
    pub state: String,
    pub done_steps: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub suppressed: bool,
}

/// What is asked of the list; what is none does not matter.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// A part of the normalised address.
    pub part: Option<String>,
    pub series: Option<String>,
    pub state: Option<String>,
    /// So many steps were accepted.
    pub steps: Option<i32>,
    /// This step is owed, and not on its way.
    pub waits_for: Option<String>,
    /// Signed up at this instant or later.
    pub since: Option<DateTime<Utc>>,
    /// Signed up before this instant.
    pub before: Option<DateTime<Utc>>,
    /// Goes on after this one.
    pub after: Option<(DateTime<Utc>, Uuid)>,
    pub limit: i64,
}

/// The newest first. Planned for just what is asked: with a rare part of an address another way is short than with a common
/// state. A step that is asked for makes the outer join an inner one, which may then begin at either end; else it is not carried
/// out. What takes longer than five seconds is given up.
pub async fn search(tx: &mut PgConnection, ask: &Search) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query!(
        "select set_config('plan_cache_mode', 'force_custom_plan', true) as plan,
                set_config('statement_timeout', '5s', true) as patience"
    )
    .fetch_one(&mut *tx)
    .await?;
    let (after_at, after_id) = ask.after.unzip();
    sqlx::query_as!(
        Row,
        r#"select e.bucket, e.id, e.subscriber, s.address, e.series, e.state, e.done_steps, e.created_at,
                exists (select from suppressions x where x.bucket = s.bucket and x.normalised = s.normalised) as "suppressed!"
           from enrollments e join subscribers s on s.bucket = e.bucket and s.id = e.subscriber
           left join deliveries d on d.bucket = e.bucket and d.enrollment = e.id and d.kind = 'step' and d.step = $9
               and d.occasion = 0 and d.state in ('pending', 'paused')
           where ($1::timestamptz is null or (e.created_at, e.id) < ($1, $2::uuid))
             and ($3::text is null or s.normalised like $3)
             and ($4::text is null or e.series = $4) and ($5::text is null or e.state = $5)
             and ($6::integer is null or cardinality(e.done_steps) = $6)
             and ($7::timestamptz is null or e.created_at >= $7) and ($8::timestamptz is null or e.created_at < $8)
             and ($9::text is null or d.id is not null)
           order by e.created_at desc, e.id desc limit $10"#,
        after_at,
        after_id,
        ask.part.as_deref().map(containing),
        ask.series,
        ask.state,
        ask.steps,
        ask.since,
        ask.before,
        ask.waits_for,
        ask.limit
    )
    .fetch_all(tx)
    .await
}

/// A pattern of LIKE for what contains `part`.
fn containing(part: &str) -> String {
    let mut pattern = String::from("%");
    for letter in part.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern + "%"
}

/// A suppression, with what was said of it.
#[derive(Debug, Clone)]
pub struct Suppression {
    pub reason: String,
    pub why: Option<String>,
    pub by: Option<String>,
    pub at: DateTime<Utc>,
}

pub async fn suppression(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    normalised: &str,
) -> Result<Option<Suppression>, sqlx::Error> {
    sqlx::query_as!(
        Suppression,
        "select reason, why, by, at from suppressions where bucket = $1 and normalised = $2",
        bucket.get(),
        normalised
    )
    .fetch_optional(db)
    .await
}

/// A delivery with all that says when it comes, or why it does not.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub id: Uuid,
    pub enrollment: Uuid,
    pub kind: String,
    pub step: Option<String>,
    pub state: String,
    pub reason: Option<String>,
    /// Series time.
    pub due_at: DateTime<Utc>,
    /// When it may be tried again, if it was put off.
    pub not_before: Option<DateTime<Utc>>,
    pub tries: i16,
    pub uncertain_count: i16,
    pub content_version: Option<String>,
    pub run: Option<i64>,
    pub settled_at: Option<DateTime<Utc>>,
}

/// All that was and is owed in these enrollments, by the time at which it is due.
pub async fn deliveries(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollments: &[Uuid],
) -> Result<Vec<Delivery>, sqlx::Error> {
    sqlx::query_as!(
        Delivery,
        "select id, enrollment, kind, step, state, reason, due_at, not_before, tries, uncertain_count, content_version, run,
                settled_at
         from deliveries where bucket = $1 and enrollment = any($2) order by due_at, id limit 1000",
        bucket.get(),
        enrollments
    )
    .fetch_all(db)
    .await
}

/// The enrollments of one subscriber, the newest first, with when they ended.
pub async fn enrollments(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    subscriber: Uuid,
) -> Result<Vec<(Uuid, Option<DateTime<Utc>>)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select id, ended_at from enrollments where bucket = $1 and subscriber = $2
         order by created_at desc, id desc limit 50",
        bucket.get(),
        subscriber
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.ended_at)).collect())
}

/// Who paused a series as a whole, and why.
#[derive(Debug, Clone)]
pub struct SeriesPause {
    /// Series time.
    pub paused_at: DateTime<Utc>,
    pub by: Option<String>,
    pub why: Option<String>,
}

pub async fn series_pause(db: impl PgExecutor<'_>, series: &str) -> Result<Option<SeriesPause>, sqlx::Error> {
    sqlx::query_as!(
        SeriesPause,
        r#"select paused_at as "paused_at!", changed_by as by, why from series
           where slug = $1 and state = 'paused' and paused_at is not null"#,
        series
    )
    .fetch_optional(db)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_like_reads_as_a_sign_is_looked_for_as_a_letter() {
        assert_eq!(containing("a_b@example.org"), "%a\\_b@example.org%");
        assert_eq!(containing("100%\\"), "%100\\%\\\\%");
    }
}
