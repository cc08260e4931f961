//! Programs' tokens for the admins' API; publishers' tokens are in `guards`.
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::unknown_word;
use crate::model::Right;

/// A token, without itself.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Token {
    pub id: Uuid,
    pub name: String,
    #[schema(value_type = Vec<String>)]
    pub rights: Vec<Right>,
    /// The name of who made it; none for the command line.
    pub made_by: Option<String>,
    pub made_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A token to be added.
#[derive(Debug)]
pub struct NewToken<'a> {
    pub id: Uuid,
    pub name: &'a str,
    pub hash: &'a [u8; 32],
    pub rights: &'a [Right],
    pub made_by: Option<Uuid>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Who made a token, and until when it is good.
pub async fn origin(
    db: impl PgExecutor<'_>,
    id: Uuid,
) -> Result<Option<(Option<Uuid>, Option<DateTime<Utc>>)>, sqlx::Error> {
    let row = sqlx::query!("select made_by, expires_at from admin_tokens where id = $1", id).fetch_optional(db).await?;
    Ok(row.map(|row| (row.made_by, row.expires_at)))
}

/// Answers false when there is, or was, a token of this name.
pub async fn add(db: impl PgExecutor<'_>, token: &NewToken<'_>, real: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let rights: Vec<String> = token.rights.iter().map(ToString::to_string).collect();
    let result = sqlx::query!(
        "insert into admin_tokens (id, name, hash, rights, made_by, made_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (name) do nothing",
        token.id,
        token.name,
        token.hash.as_slice(),
        &rights,
        token.made_by,
        real,
        token.expires_at
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

pub async fn all(db: impl PgExecutor<'_>) -> Result<Vec<Token>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select t.id, t.name, t.rights, a.name as "made_by?", t.made_at, t.expires_at, t.used_at, t.revoked_at
           from admin_tokens t left join admins a on a.id = t.made_by order by t.made_at desc, t.id"#
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Token {
                id: row.id,
                name: row.name,
                rights: parsed(&row.rights)?,
                made_by: row.made_by,
                made_at: row.made_at,
                expires_at: row.expires_at,
                used_at: row.used_at,
                revoked_at: row.revoked_at,
            })
        })
        .collect()
}

/// A token that is good.
#[derive(Debug, Clone)]
pub struct Good {
    pub id: Uuid,
    pub name: String,
    pub rights: Vec<Right>,
    pub used_at: Option<DateTime<Utc>>,
}

/// The token of this hash, unless it was revoked, has expired, or was made by somebody who is disabled.
pub async fn find(db: impl PgExecutor<'_>, hash: &[u8; 32], real: DateTime<Utc>) -> Result<Option<Good>, sqlx::Error> {
    let row = sqlx::query!(
        "select t.id, t.name, t.rights, t.used_at from admin_tokens t left join admins a on a.id = t.made_by
         where t.hash = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > $2)
           and a.disabled_at is null",
        hash.as_slice(),
        real
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Good { id: row.id, name: row.name, rights: parsed(&row.rights)?, used_at: row.used_at }))
}

pub async fn used(db: impl PgExecutor<'_>, id: Uuid, real: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("update admin_tokens set used_at = $2 where id = $1 and (used_at is null or used_at < $2)", id, real)
        .execute(db)
        .await
        .map(drop)
}

/// Answers false when there is no such token that is still good.
pub async fn revoke(db: impl PgExecutor<'_>, id: Uuid, real: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!("update admin_tokens set revoked_at = $2 where id = $1 and revoked_at is null", id, real)
        .execute(db)
        .await?;
    Ok(result.rows_affected() == 1)
}

fn parsed(words: &[String]) -> Result<Vec<Right>, sqlx::Error> {
    words.iter().map(|word| word.parse().map_err(|_| unknown_word("right"))).collect()
}
