//! How a series does as a whole. These statements read much of their tables, so nobody waits for them: see
//! `actions/dashboard.rs`.
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgExecutor};

use crate::model::SeriesSlug;

/// How many enrollments are in a state with so many steps accepted.
#[derive(Debug, Clone)]
pub struct Standing {
    pub state: String,
    pub confirmed: bool,
    pub steps: i32,
    pub count: i64,
}

pub async fn standings(db: impl PgExecutor<'_>, series: &SeriesSlug) -> Result<Vec<Standing>, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        r#"select state, confirmed_at is not null as "confirmed!", cardinality(done_steps) as "steps!",
                  count(*) as "count!"
           from enrollments where series = $1 group by 1, 2, 3"#,
        series.as_str()
    )
    .fetch_all(db)
    .await
}

/// What relays took on one day (UTC), and how late the later ones of the scheduled steps were.
#[derive(Debug, Clone)]
pub struct Day {
    pub day: NaiveDate,
    pub accepted: i64,
    /// Seconds of series time after which 95 of 100 scheduled steps had been accepted; none without such steps.
    pub late: Option<f64>,
}

/// `since` is real time.
pub async fn days(db: impl PgExecutor<'_>, series: &SeriesSlug, since: DateTime<Utc>) -> Result<Vec<Day>, sqlx::Error> {
    sqlx::query_as!(
        Day,
        r#"select (settled_at at time zone 'UTC')::date as "day!", count(*) as "accepted!",
                  percentile_disc(0.95) within group (order by greatest(extract(epoch from series_settled_at - due_at), 0))
                      filter (where kind = 'step' and occasion = 0)::float8 as late
           from deliveries where series = $1 and state = 'accepted' and settled_at >= $2
           group by 1 order by 1"#,
        series.as_str(),
        since
    )
    .fetch_all(db)
    .await
}

/// What waits and falls due on one day (UTC) of series time.
#[derive(Debug, Clone)]
pub struct Coming {
    pub day: NaiveDate,
    pub count: i64,
}

/// What waits and is due before `until`; what is due already counts for today. Series time.
pub async fn coming(
    db: impl PgExecutor<'_>,
    series: &SeriesSlug,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<Coming>, sqlx::Error> {
    sqlx::query_as!(
        Coming,
        r#"select (greatest(due_at, $2) at time zone 'UTC')::date as "day!", count(*) as "count!"
           from deliveries where series = $1 and state = 'pending' and due_at < $3 group by 1 order by 1"#,
        series.as_str(),
        now,
        until
    )
    .fetch_all(db)
    .await
}

pub async fn count_due_before(
    db: impl PgExecutor<'_>,
    series: &SeriesSlug,
    until: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from deliveries where series = $1 and state = 'pending' and due_at < $2"#,
        series.as_str(),
        until
    )
    .fetch_one(db)
    .await
}

/// What of a relay's day is taken.
#[derive(Debug, Clone)]
pub struct RelayDay {
    pub relay: String,
    pub taken: i64,
}

/// The relays that were used on this day (UTC).
pub async fn relays(db: impl PgExecutor<'_>, day: NaiveDate) -> Result<Vec<RelayDay>, sqlx::Error> {
    sqlx::query_as!(RelayDay, "select relay, taken from relay_days where day = $1 order by relay", day)
        .fetch_all(db)
        .await
}

/// All of one moment are read in this transaction, so that they agree with each other.
pub async fn of_one_moment(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("set transaction isolation level repeatable read, read only").execute(tx).await.map(drop)
}
