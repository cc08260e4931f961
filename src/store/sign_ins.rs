//! Who is signed in, and the tries to get in that failed.
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{exactly_one, unknown_word};
use crate::model::Role;

/// A session that is good, and whose it is.
#[derive(Debug, Clone)]
pub struct Found {
    pub id: Uuid,
    pub admin: Uuid,
    pub name: String,
    pub role: Role,
    /// For the second factor.
    pub waits: bool,
    pub seen_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
}

/// A session in the list of an admin's own.
#[derive(Debug, Clone)]
pub struct Line {
    pub id: Uuid,
    pub origin: String,
    pub begun_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
}

/// A session that begins.
#[derive(Debug)]
pub struct NewSession<'a> {
    pub id: Uuid,
    pub hash: &'a [u8; 32],
    pub admin: Uuid,
    pub waits: bool,
    pub origin: &'a str,
    pub ends_at: DateTime<Utc>,
}

pub async fn begin(db: impl PgExecutor<'_>, session: &NewSession<'_>, real: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into admin_sessions (id, hash, admin, waits, origin, begun_at, seen_at, ends_at)
         values ($1, $2, $3, $4, $5, $6, $6, $7)",
        session.id,
        session.hash.as_slice(),
        session.admin,
        session.waits,
        session.origin,
        real,
        session.ends_at
    )
    .execute(db)
    .await
    .map(drop)
}

/// The session of a token, unless it has ended, was idle for too long, or its admin is disabled.
pub async fn find(
    db: impl PgExecutor<'_>,
    hash: &[u8; 32],
    real: DateTime<Utc>,
    idle_since: DateTime<Utc>,
) -> Result<Option<Found>, sqlx::Error> {
    let row = sqlx::query!(
        "select s.id, s.admin, a.name, a.role, s.waits, s.seen_at, s.ends_at
         from admin_sessions s join admins a on a.id = s.admin
         where s.hash = $1 and s.ends_at > $2 and s.seen_at > $3 and a.disabled_at is null",
        hash.as_slice(),
        real,
        idle_since
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Found {
        id: row.id,
        admin: row.admin,
        name: row.name,
        role: row.role.parse().map_err(|_| unknown_word("role"))?,
        waits: row.waits,
        seen_at: row.seen_at,
        ends_at: row.ends_at,
    }))
}

pub async fn seen(db: impl PgExecutor<'_>, id: Uuid, real: DateTime<Utc>) -> Result<(), sqlx::Error> {
    // It may have ended meanwhile.
    sqlx::query!("update admin_sessions set seen_at = $2 where id = $1", id, real).execute(db).await.map(drop)
}

/// The sessions of an admin that are good, the newest first.
pub async fn of(
    db: impl PgExecutor<'_>,
    admin: Uuid,
    real: DateTime<Utc>,
    idle_since: DateTime<Utc>,
) -> Result<Vec<Line>, sqlx::Error> {
    sqlx::query_as!(
        Line,
        "select id, origin, begun_at, seen_at from admin_sessions
         where admin = $1 and not waits and ends_at > $2 and seen_at > $3 order by begun_at desc, id",
        admin,
        real,
        idle_since
    )
    .fetch_all(db)
    .await
}

/// Answers whether there was such a session of this admin.
pub async fn end(db: impl PgExecutor<'_>, admin: Uuid, id: Uuid) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!("delete from admin_sessions where admin = $1 and id = $2", admin, id).execute(db).await?;
    Ok(result.rows_affected() == 1)
}

/// Ends all of an admin's sessions but one, if one is named.
pub async fn end_all(db: impl PgExecutor<'_>, admin: Uuid, but: Option<Uuid>) -> Result<u64, sqlx::Error> {
    let result = sqlx::query!("delete from admin_sessions where admin = $1 and id is distinct from $2", admin, but)
        .execute(db)
        .await?;
    Ok(result.rows_affected())
}

/// Notes that somebody has gone to an identity provider.
pub async fn go_elsewhere(
    db: impl PgExecutor<'_>,
    hash: &[u8; 32],
    next: &str,
    expires_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into admin_elsewhere (hash, next, expires_at) values ($1, $2, $3)",
        hash.as_slice(),
        next,
        expires_at
    )
    .execute(db)
    .await
    .map(drop)
}

/// Takes such a note, and answers where they wanted to go.
pub async fn come_back(
    db: impl PgExecutor<'_>,
    hash: &[u8; 32],
    real: DateTime<Utc>,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "delete from admin_elsewhere where hash = $1 and expires_at > $2 returning next",
        hash.as_slice(),
        real
    )
    .fetch_optional(db)
    .await
}

/// What a try to get in is counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// One account, wherever it is tried from.
    Account,
    /// One account as it is tried from one network.
    Pair,
    /// Wishes for a new password, of one account.
    Reset,
}

impl Counted {
    fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Pair => "pair",
            Self::Reset => "reset",
        }
    }
}

/// The tries that failed.
#[derive(Debug, Clone, Copy)]
pub struct Attempts {
    pub failures: i32,
    pub last_at: DateTime<Utc>,
    pub not_before: DateTime<Utc>,
}

/// The row of a key, made if there is none, and locked until the transaction ends: tries at the same moment are counted one
/// after the other.
pub async fn lock_attempts(
    db: &mut sqlx::PgConnection,
    what: Counted,
    key: &[u8; 16],
    real: DateTime<Utc>,
) -> Result<Attempts, sqlx::Error> {
    sqlx::query!(
        "insert into admin_attempts (kind, key, failures, last_at, not_before) values ($1, $2, 0, $3, $3)
         on conflict do nothing",
        what.as_str(),
        key.as_slice(),
        real
    )
    .execute(&mut *db)
    .await?;
    sqlx::query_as!(
        Attempts,
        "select failures, last_at, not_before from admin_attempts where kind = $1 and key = $2 for update",
        what.as_str(),
        key.as_slice()
    )
    .fetch_one(db)
    .await
}

pub async fn set_attempts(
    db: impl PgExecutor<'_>,
    what: Counted,
    key: &[u8; 16],
    attempts: &Attempts,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update admin_attempts set failures = $3, last_at = $4, not_before = $5 where kind = $1 and key = $2",
        what.as_str(),
        key.as_slice(),
        attempts.failures,
        attempts.last_at,
        attempts.not_before
    )
    .execute(db)
    .await?;
    exactly_one(&result)
}

/// Writes a row as it is.
pub async fn write_again(db: impl PgExecutor<'_>, what: Counted, key: &[u8; 16]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update admin_attempts set failures = failures where kind = $1 and key = $2",
        what.as_str(),
        key.as_slice()
    )
    .execute(db)
    .await
    .map(drop)
}

pub async fn forget_attempts(db: impl PgExecutor<'_>, what: Counted, key: &[u8; 16]) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from admin_attempts where kind = $1 and key = $2", what.as_str(), key.as_slice())
        .execute(db)
        .await
        .map(drop)
}

/// What has ended, expired or is long past.
pub async fn tidy(
    db: &sqlx::PgPool,
    real: DateTime<Utc>,
    idle_since: DateTime<Utc>,
    tried_before: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from admin_sessions where ends_at < $1 or seen_at < $2", real, idle_since).execute(db).await?;
    sqlx::query!("delete from admin_links where expires_at < $1", real).execute(db).await?;
    sqlx::query!("delete from admin_elsewhere where expires_at < $1", real).execute(db).await?;
    sqlx::query!("delete from admin_attempts where last_at < $1 and not_before < $1", tried_before)
        .execute(db)
        .await
        .map(drop)
}
