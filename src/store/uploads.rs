//! Files of readers that came over the web, in sealed pieces, for as long as their imports need them.
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::exactly_one;

pub async fn add(db: impl PgExecutor<'_>, real: DateTime<Utc>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("insert into uploads (at) values ($1) returning id", real).fetch_one(db).await
}

/// Writes the next piece. Fails when the file has been deleted meanwhile.
pub async fn add_piece(db: impl PgExecutor<'_>, upload: i64, number: i32, sealed: &[u8]) -> Result<(), sqlx::Error> {
    let result =
        sqlx::query!("insert into upload_pieces (upload, number, sealed) values ($1, $2, $3)", upload, number, sealed)
            .execute(db)
            .await?;
    exactly_one(&result)
}

/// The pieces between two numbers, in their order.
pub async fn pieces(
    db: impl PgExecutor<'_>,
    upload: i64,
    (first, last): (i32, i32),
) -> Result<Vec<(i32, Vec<u8>)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select number, sealed from upload_pieces where upload = $1 and number between $2 and $3 order by number",
        upload,
        first,
        last
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.number, row.sealed)).collect())
}

/// Whether a file is there, which then stays until the transaction ends.
pub async fn lock(db: impl PgExecutor<'_>, upload: i64) -> Result<bool, sqlx::Error> {
    let id = sqlx::query_scalar!("select id from uploads where id = $1 for update", upload).fetch_optional(db).await?;
    Ok(id.is_some())
}

/// Deletes a file with all its pieces.
pub async fn delete(db: impl PgExecutor<'_>, upload: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from uploads where id = $1", upload).execute(db).await.map(drop)
}

/// Files that nothing will be done with any more: one that never came to its end, and one whose dry run ended long ago and led
/// to nothing. Real times.
pub async fn left_over(
    db: impl PgExecutor<'_>,
    came_before: DateTime<Utc>,
    ended_before: DateTime<Utc>,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select u.id from uploads u
           where u.at < $1 and not exists (select from imports i
               where i.upload = u.id and (i.ended_at is null or i.ended_at >= $2))"#,
        came_before,
        ended_before
    )
    .fetch_all(db)
    .await
}
