//! What all processes keep to together: rates, a relay's daily caps, and domains that asked for less. Each taking is one
//! atomic statement. None of this is needed for a mail to be neither lost nor doubled.
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sqlx::PgExecutor;

/// What a bucket of tokens is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    Relay,
    /// A recipient's domain.
    Domain,
}

impl Limited {
    fn as_str(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Domain => "domain",
        }
    }
}

/// So many mails in a second, and so many at once after a quiet time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    pub per_second: f64,
    pub burst: f64,
}

impl Rate {
    /// A second's worth may go at once, and one mail always.
    pub fn per_minute(mails: u32) -> Self {
        let per_second = f64::from(mails) / 60.0;
        Self { per_second, burst: per_second.max(1.0) }
    }

    /// How long it takes until there is room for so many more.
    pub fn time_for(&self, mails: f64) -> TimeDelta {
        seconds(mails / self.per_second)
    }
}

/// What came out of a bucket of tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Taken {
    pub granted: u32,
    /// How long until there is a whole token again, if there is none.
    pub next: TimeDelta,
    /// Until when mails that had to wait have been given their turn (real time).
    pub turns_until: Option<DateTime<Utc>>,
}

/// Takes up to `want` tokens, after those that were not spent are back. `real` is now.
pub async fn take_tokens(
    db: impl PgExecutor<'_>,
    what: Limited,
    key: &str,
    rate: Rate,
    want: u32,
    back: u32,
    real: DateTime<Utc>,
) -> Result<Taken, sqlx::Error> {
    let row = sqlx::query_file!(
        "src/store/sql/take_tokens.sql",
        what.as_str(),
        key,
        rate.per_second,
        rate.burst,
        f64::from(want),
        f64::from(back),
        real
    )
    .fetch_one(db)
    .await?;
    Ok(Taken { granted: whole(row.granted), next: rate.time_for(1.0 - row.left), turns_until: row.turns_until })
}

/// Gives turns to mails that have to wait, behind those that already have one. Answers when the first is.
pub async fn take_turns(
    db: impl PgExecutor<'_>,
    what: Limited,
    key: &str,
    rate: Rate,
    mails: u32,
    real: DateTime<Utc>,
) -> Result<DateTime<Utc>, sqlx::Error> {
    let spacing = 1.0 / rate.per_second;
    let first =
        sqlx::query_file_scalar!("src/store/sql/take_turns.sql", what.as_str(), key, spacing, f64::from(mails), real)
            .fetch_optional(db)
            .await?;
    Ok(first.unwrap_or(real))
}

/// The first day on which a relay carried anything of ours.
pub async fn first_day(db: impl PgExecutor<'_>, relay: &str) -> Result<Option<NaiveDate>, sqlx::Error> {
    sqlx::query_scalar!("select min(day) from relay_days where relay = $1", relay).fetch_one(db).await
}

/// Takes up to `want` of what a relay may still carry on a day.
pub async fn take_of_day(
    db: impl PgExecutor<'_>,
    relay: &str,
    day: NaiveDate,
    cap: u32,
    want: u32,
) -> Result<u32, sqlx::Error> {
    let granted =
        sqlx::query_file_scalar!("src/store/sql/take_of_day.sql", relay, day, i64::from(want), i64::from(cap))
            .fetch_one(db)
            .await?;
    Ok(u32::try_from(granted).unwrap_or(0))
}

/// Gives back what was taken of a day and not used.
pub async fn give_day_back(
    db: impl PgExecutor<'_>,
    relay: &str,
    day: NaiveDate,
    mails: u32,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update relay_days set taken = greatest(0, taken - $3) where relay = $1 and day = $2",
        relay,
        day,
        i64::from(mails)
    )
    .execute(db)
    .await
    .map(drop)
}

/// A domain to which nothing is sent for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowDomain {
    pub domain: String,
    /// How often in a row it has asked for less.
    pub repeats: i32,
    /// Real time.
    pub until: DateTime<Utc>,
}

/// How long a domain that asks for less is left alone: the first time, and at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    pub first: TimeDelta,
    pub most: TimeDelta,
}

/// After so long without another such reply a domain begins anew.
pub const SLOW_KEPT: TimeDelta = TimeDelta::hours(2);

/// Notes that a domain asked for less. Answers until when it is left alone.
pub async fn slow_domain(
    db: impl PgExecutor<'_>,
    domain: &str,
    closing: Closing,
    real: DateTime<Utc>,
) -> Result<SlowDomain, sqlx::Error> {
    let row = sqlx::query_file!(
        "src/store/sql/slow_domain.sql",
        domain,
        real,
        as_seconds(closing.first),
        as_seconds(closing.most),
        as_seconds(SLOW_KEPT)
    )
    .fetch_one(db)
    .await?;
    Ok(SlowDomain { domain: domain.to_owned(), repeats: row.repeats, until: row.until })
}

/// The domains that asked for less not long ago, `most` of them.
pub async fn slow_domains(
    db: impl PgExecutor<'_>,
    real: DateTime<Utc>,
    most: i64,
) -> Result<Vec<SlowDomain>, sqlx::Error> {
    sqlx::query_as!(
        SlowDomain,
        "select domain, repeats, until from slow_domains where until > $1 order by until desc limit $2",
        real - SLOW_KEPT,
        most
    )
    .fetch_all(db)
    .await
}

/// A mail to a domain that had asked for less was accepted, and its time was up.
pub async fn forget_slow_domain(db: impl PgExecutor<'_>, domain: &str, real: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from slow_domains where domain = $1 and until <= $2", domain, real).execute(db).await.map(drop)
}

/// Forgets the domains that nothing was to be kept to for a day: they may name a person.
pub async fn forget_domains(db: &sqlx::PgPool, real: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let before = real - TimeDelta::days(1);
    sqlx::query!("delete from slow_domains where until < $1", before).execute(db).await?;
    sqlx::query!(
        "delete from rate_limits where kind = 'domain' and refilled_at < $1 and coalesce(turns_until, $1) <= $1",
        before
    )
    .execute(db)
    .await?;
    Ok(())
}

fn seconds(number: f64) -> TimeDelta {
    std::time::Duration::try_from_secs_f64(number.max(0.0))
        .ok()
        .and_then(|span| TimeDelta::from_std(span).ok())
        .unwrap_or(TimeDelta::days(365))
}

#[expect(clippy::cast_precision_loss, reason = "spans of hours")]
fn as_seconds(span: TimeDelta) -> f64 {
    span.num_milliseconds() as f64 / 1_000.0
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number from 0 to what was asked for"
)]
fn whole(number: f64) -> u32 {
    number as u32
}
