//! What all processes keep to together against robots and list-bombers, what was refused, and publishers' tokens. Each taking
//! is one atomic statement. Networks and domains come as keyed hashes only.
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::PgExecutor;
use uuid::Uuid;

/// What a window of an hour is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Guarded {
    /// One client: an IPv4 address, or an IPv6 /64.
    Network,
    /// Its neighbourhood: an IPv4 /24, or an IPv6 /48.
    Range,
    /// A recipient's domain.
    Domain,
    /// The ballots of one client: votes and surveys.
    Ballots,
    /// Sign-ups without the proof of work, of everybody together.
    NoScript,
}

impl Guarded {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Range => "range",
            Self::Domain => "domain",
            Self::Ballots => "ballots",
            Self::NoScript => "no_script",
        }
    }
}

/// A network or domain, hashed with a key.
pub type HashedKey = [u8; 16];

/// Takes up to `want` of what is left of `cap` in the window that begins then.
pub async fn take_of_window(
    db: impl PgExecutor<'_>,
    what: Guarded,
    key: &HashedKey,
    begins: DateTime<Utc>,
    want: u32,
    cap: u32,
) -> Result<u32, sqlx::Error> {
    let granted = sqlx::query_file_scalar!(
        "src/store/sql/take_of_window.sql",
        what.as_str(),
        key.as_slice(),
        begins,
        i64::from(want),
        i64::from(cap)
    )
    .fetch_one(db)
    .await?;
    Ok(u32::try_from(granted).unwrap_or(0))
}

/// Forgets windows that began before then, and proofs that had expired.
pub async fn forget_old(
    db: &sqlx::PgPool,
    begun_before: DateTime<Utc>,
    expired_before: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from guard_windows where begins < $1", begun_before).execute(db).await?;
    sqlx::query!("delete from spent_proofs where expires_at < $1", expired_before).execute(db).await?;
    Ok(())
}

/// How often something was refused on a day (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Refused {
    pub day: NaiveDate,
    pub reason: String,
    pub count: i64,
}

/// Adds to the counts.
pub async fn count_refused(db: impl PgExecutor<'_>, more: &[Refused]) -> Result<(), sqlx::Error> {
    let days: Vec<NaiveDate> = more.iter().map(|one| one.day).collect();
    let reasons: Vec<&str> = more.iter().map(|one| one.reason.as_str()).collect();
    let counts: Vec<i64> = more.iter().map(|one| one.count).collect();
    // In one order, so that two processes wait for each other and never deadlock.
    sqlx::query!(
        "insert into guard_refusals as r (day, reason, count)
         select * from unnest($1::date[], $2::text[], $3::bigint[]) as n (day, reason, count) order by n.day, n.reason
         on conflict (day, reason) do update set count = r.count + excluded.count",
        &days,
        &reasons as &[&str],
        &counts
    )
    .execute(db)
    .await
    .map(drop)
}

/// What was refused since a day, the newest first.
pub async fn refused_since(db: impl PgExecutor<'_>, since: NaiveDate) -> Result<Vec<Refused>, sqlx::Error> {
    sqlx::query_as!(
        Refused,
        "select day, reason, count from guard_refusals where day >= $1 order by day desc, count desc, reason",
        since
    )
    .fetch_all(db)
    .await
}

/// Notes that a proof was used. Answers false when it had been used before.
pub async fn spend_proof(
    db: impl PgExecutor<'_>,
    proof: &[u8; 32],
    expires_at: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "insert into spent_proofs (proof, expires_at) values ($1, $2) on conflict do nothing",
        proof.as_slice(),
        expires_at
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// A publisher's token, without itself.
#[derive(Debug, Clone, Serialize)]
pub struct TokenLine {
    pub id: Uuid,
    pub name: String,
    pub scope: String,
    pub created_at: DateTime<Utc>,
    pub last_used: Option<NaiveDate>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Writes a new token. Answers false when the name is taken.
pub async fn add_token(
    db: impl PgExecutor<'_>,
    id: Uuid,
    name: &str,
    scope: &str,
    hash: &[u8; 32],
    real: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "insert into api_tokens (id, name, scope, hash, created_at) values ($1, $2, $3, $4, $5)
         on conflict (name) do nothing",
        id,
        name,
        scope,
        hash.as_slice(),
        real
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

pub async fn tokens(db: impl PgExecutor<'_>) -> Result<Vec<TokenLine>, sqlx::Error> {
    sqlx::query_as!(
        TokenLine,
        "select id, name, scope, created_at, last_used, revoked_at from api_tokens order by created_at, id"
    )
    .fetch_all(db)
    .await
}

/// Revokes the token of that name. Answers false when there is none that is still good.
pub async fn revoke_token(db: impl PgExecutor<'_>, name: &str, real: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let result =
        sqlx::query!("update api_tokens set revoked_at = $2 where name = $1 and revoked_at is null", name, real)
            .execute(db)
            .await?;
    Ok(result.rows_affected() == 1)
}

/// The name of the token with this hash and right, if it is still good.
pub async fn token_name(db: impl PgExecutor<'_>, hash: &[u8; 32], scope: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "select name from api_tokens where hash = $1 and scope = $2 and revoked_at is null",
        hash.as_slice(),
        scope
    )
    .fetch_optional(db)
    .await
}

/// Notes the day on which a token was used last.
pub async fn token_used(db: impl PgExecutor<'_>, hash: &[u8; 32], day: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update api_tokens set last_used = $2 where hash = $1 and (last_used is null or last_used < $2)",
        hash.as_slice(),
        day
    )
    .execute(db)
    .await
    .map(drop)
}
