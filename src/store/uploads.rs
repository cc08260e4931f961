//! Files of readers that came over the web, in sealed pieces, for as long as their imports need them.
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

pub async fn add(db: impl PgExecutor<'_>, real: DateTime<Utc>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("insert into uploads (at) values ($1) returning id", real).fetch_one(db).await
}

/// Writes the next piece, at a moment of real time. Answers false when the file has been deleted meanwhile.
pub async fn add_piece(
    db: impl PgExecutor<'_>,
    (upload, number): (i64, i32),
    sealed: &[u8],
    real: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "with came as (update uploads set at = $4 where id = $1 returning id)
         insert into upload_pieces (upload, number, sealed) select id, $2, $3 from came",
        upload,
        number,
        sealed,
        real
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

pub async fn piece(db: impl PgExecutor<'_>, (upload, number): (i64, i32)) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!("select sealed from upload_pieces where upload = $1 and number = $2", upload, number)
        .fetch_optional(db)
        .await
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

/// Deletes a file that no import has.
pub async fn delete_unneeded(db: impl PgExecutor<'_>, upload: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from uploads u where u.id = $1 and not exists (select from imports i where i.upload = u.id)",
        upload
    )
    .execute(db)
    .await
    .map(drop)
}

/// Files that nothing will be done with any more: one of which nothing came for long and that has no import, and one whose dry
/// run ended long ago and led to nothing. Real times. `only` asks about one alone.
pub async fn left_over(
    db: impl PgExecutor<'_>,
    came_before: DateTime<Utc>,
    ended_before: DateTime<Utc>,
    only: Option<i64>,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select u.id from uploads u
           where ($3::bigint is null or u.id = $3) and u.at < $1 and not exists (select from imports i
               where i.upload = u.id and (i.ended_at is null or i.ended_at >= $2))"#,
        came_before,
        ended_before,
        only
    )
    .fetch_all(db)
    .await
}
