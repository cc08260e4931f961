//! Calls under a key, and what was answered to them.
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

/// A keyed hash of something that a caller sent.
pub type Hash = [u8; 16];

/// One try at a call under a key.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub token: Hash,
    pub key: Hash,
    pub attempt: i32,
}

/// A call that somebody has begun.
#[derive(Debug)]
pub struct Known {
    pub request: Vec<u8>,
    pub answer: Option<String>,
}

/// Begins a call if nobody has, or if it was so long ago that it counts no more: `broken_off` for one without an answer,
/// `forgotten` for any. Answers which attempt it is.
pub async fn begin(
    db: impl PgExecutor<'_>,
    (token, key): (&Hash, &Hash),
    request: &Hash,
    real: DateTime<Utc>,
    broken_off: DateTime<Utc>,
    forgotten: DateTime<Utc>,
) -> Result<Option<i32>, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into once_keys as o (token, key, request, attempt, began_at) values ($1, $2, $3, 1, $4)
         on conflict (token, key) do update
         set request = excluded.request, attempt = o.attempt + 1, began_at = excluded.began_at, answer = null
         where o.began_at < $6 or (o.answer is null and o.began_at < $5 and o.request = excluded.request)
         returning attempt",
        token,
        key,
        request,
        real,
        broken_off,
        forgotten
    )
    .fetch_optional(db)
    .await
}

pub async fn known(db: impl PgExecutor<'_>, (token, key): (&Hash, &Hash)) -> Result<Option<Known>, sqlx::Error> {
    sqlx::query_as!(Known, "select request, answer from once_keys where token = $1 and key = $2", token, key)
        .fetch_optional(db)
        .await
}

/// Writes the answer. False when another try has taken over, or the call was forgotten.
pub async fn answer(db: impl PgExecutor<'_>, call: &Call, answer: &str) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "update once_keys set answer = $4 where token = $1 and key = $2 and attempt = $3 and answer is null",
        &call.token,
        &call.key,
        call.attempt,
        answer
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Forgets a try that came to nothing.
pub async fn release(db: impl PgExecutor<'_>, call: &Call) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from once_keys where token = $1 and key = $2 and attempt = $3 and answer is null",
        &call.token,
        &call.key,
        call.attempt
    )
    .execute(db)
    .await
    .map(drop)
}

pub async fn forget(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query!("delete from once_keys where began_at < $1", before).execute(db).await?.rows_affected())
}
