//! What this database is, which schema it has, and which content is published in it.
use chrono::{DateTime, Utc};
use sqlx::migrate::{Migrate, Migrator};
use sqlx::{Connection as _, PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// What a database is for. A demo never runs on a production database, nor anything else on a demo's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Demo,
    Production,
}

impl Purpose {
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Demo => "demo",
            Purpose::Production => "production",
        }
    }
}

/// Why this binary will not work on this database.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error(
        "this database is marked {found}, and this command is for a {wanted} one. Nothing was changed. \
         Point DATABASE_URL at another database"
    )]
    WrongPurpose { found: String, wanted: &'static str },
    #[error(
        "this database has {tables} tables of another program, and a demo takes only an empty one. Nothing was changed. \
         Point DATABASE_URL at an empty database, or unset it"
    )]
    NotEmpty { tables: i64 },
    #[error("the database schema is older than this binary ({missing} migrations to apply): run `regimen migrate`")]
    Older { missing: usize },
    #[error(
        "the database schema is newer than this binary (migration {version} is unknown to it): \
         install the regimen that made it, or a newer one"
    )]
    Newer { version: i64 },
    #[error("migration {version} was changed after it had been applied: use the binary that applied it")]
    Changed { version: i64 },
    #[error(transparent)]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Refuses the wrong kind of database before any write, then applies what is missing and marks a new database.
pub async fn migrate(db: &PgPool, purpose: Purpose, now: DateTime<Utc>) -> Result<(), SchemaError> {
    refuse_other_purpose(db, purpose).await?;
    if let Err(error @ (SchemaError::Newer { .. } | SchemaError::Changed { .. })) = check_migrations(db).await {
        return Err(error);
    }
    // A connection of its own, closed whatever happens: after a failure it still holds the migrator's lock.
    let mut connection = db.acquire().await?.detach();
    let applied = apply(&mut connection, db, purpose, now).await;
    connection.close().await.ok();
    applied?;
    refuse_other_purpose(db, purpose).await
}

async fn apply(
    connection: &mut PgConnection,
    db: &PgPool,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<(), SchemaError> {
    if purpose == Purpose::Demo && !is_installed(db).await? {
        refuse_foreign_tables(&mut *connection).await?;
    }
    // The first migration marks the database with these.
    sqlx::query!(
        "select set_config('regimen.purpose', $1, false) as purpose, set_config('regimen.now', $2, false) as now",
        purpose.as_str(),
        now.to_rfc3339()
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(MIGRATIONS.run(&mut *connection).await?)
}

/// A demo makes itself at home only in an empty database: one with tables of another program is somebody's.
async fn refuse_foreign_tables(db: impl PgExecutor<'_>) -> Result<(), SchemaError> {
    let tables = sqlx::query_scalar!(
        r#"select count(*) as "count!" from pg_tables where schemaname = current_schema() and tablename <> '_sqlx_migrations'"#
    )
    .fetch_one(db)
    .await?;
    if tables == 0 { Ok(()) } else { Err(SchemaError::NotEmpty { tables }) }
}

/// For commands that do not migrate: the schema is this binary's and the database of this kind.
pub async fn check(db: &PgPool, purpose: Purpose) -> Result<(), SchemaError> {
    refuse_other_purpose(db, purpose).await?;
    check_migrations(db).await
}

/// Whether this database has a regimen schema at all.
pub async fn is_installed(db: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select to_regclass('installation') is not null as "known!""#).fetch_one(db).await
}

async fn refuse_other_purpose(db: &PgPool, purpose: Purpose) -> Result<(), SchemaError> {
    if !is_installed(db).await? {
        return Ok(());
    }
    let found = sqlx::query_scalar!("select purpose from installation").fetch_optional(db).await?;
    match found {
        Some(found) if found != purpose.as_str() => Err(SchemaError::WrongPurpose { found, wanted: purpose.as_str() }),
        _ => Ok(()),
    }
}

async fn check_migrations(db: &PgPool) -> Result<(), SchemaError> {
    let table = "_sqlx_migrations";
    let known =
        sqlx::query_scalar!(r#"select to_regclass('_sqlx_migrations') is not null as "known!""#).fetch_one(db).await?;
    let applied = if known { db.acquire().await?.list_applied_migrations(table).await? } else { Vec::new() };
    for one in &applied {
        match MIGRATIONS.iter().find(|known| known.version == one.version) {
            None => return Err(SchemaError::Newer { version: one.version }),
            Some(known) if known.checksum != one.checksum => {
                return Err(SchemaError::Changed { version: one.version });
            }
            Some(_) => {}
        }
    }
    let missing = MIGRATIONS.iter().count().saturating_sub(applied.len());
    if missing > 0 { Err(SchemaError::Older { missing }) } else { Ok(()) }
}

/// Where a demo's clock stopped: it is kept now and then, so after a kill what was settled last may be later.
pub async fn series_now(db: impl PgExecutor<'_>) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!(
        "select greatest(series_now, (select max(series_settled_at) from deliveries)) as now from installation"
    )
    .fetch_optional(db)
    .await
    .map(Option::flatten)
}

/// Keeps where a demo's clock stands; never moves it back.
pub async fn keep_series_now(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("update installation set series_now = greatest(series_now, $1)", now).execute(db).await.map(drop)
}

/// The files of a version that was published at some time.
pub async fn content_of(db: impl PgExecutor<'_>, version: &str) -> Result<Option<serde_json::Value>, sqlx::Error> {
    sqlx::query_scalar!("select files from content_versions where version = $1", version).fetch_optional(db).await
}

/// The content that was published last: its version and files.
pub async fn current_content(db: impl PgExecutor<'_>) -> Result<Option<(String, serde_json::Value)>, sqlx::Error> {
    let row = sqlx::query!("select version, files from content_versions order by published_at desc, version limit 1")
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| (row.version, row.files)))
}

/// The version that was published last, without its files: cheap enough to ask often.
pub async fn current_content_version(db: impl PgExecutor<'_>) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select version from content_versions order by published_at desc, version limit 1")
        .fetch_optional(db)
        .await
}

/// Versions that were published, and when (real time), the newest first.
pub async fn content_versions(
    db: impl PgExecutor<'_>,
    limit: i64,
) -> Result<Vec<(String, DateTime<Utc>)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select version, published_at from content_versions order by published_at desc, version limit $1",
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.version, row.published_at)).collect())
}

/// Publishes content; publishing an older version again makes it current again.
pub async fn publish_content(
    db: impl PgExecutor<'_>,
    version: &str,
    files: &serde_json::Value,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into content_versions (version, files, published_at) values ($1, $2, $3)
         on conflict (version) do update set published_at = excluded.published_at",
        version,
        files,
        now
    )
    .execute(db)
    .await
    .map(drop)
}

/// A process's sign of life, and its ticker's.
pub async fn node_seen(
    db: impl PgExecutor<'_>,
    node: Uuid,
    role: &str,
    now: DateTime<Utc>,
    tick: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into nodes (id, role, started_at, seen_at, tick_at) values ($1, $2, $3, $3, $4)
         on conflict (id) do update set seen_at = excluded.seen_at, tick_at = excluded.tick_at",
        node,
        role,
        now,
        tick
    )
    .execute(db)
    .await
    .map(drop)
}

/// A process on the list.
#[derive(Debug)]
pub struct Node {
    pub id: Uuid,
    pub role: String,
    pub started_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
}

/// Every process that was seen and has not taken itself off the list, the oldest first.
pub async fn nodes(db: impl PgExecutor<'_>) -> Result<Vec<Node>, sqlx::Error> {
    sqlx::query_as!(Node, "select id, role, started_at, seen_at from nodes order by started_at, id").fetch_all(db).await
}

/// Whether a process that dispatches has been seen since `since` (real time).
pub async fn dispatcher_seen_since(db: impl PgExecutor<'_>, since: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from nodes where role in ('serve', 'dispatch') and seen_at > $1) as "seen!""#,
        since
    )
    .fetch_one(db)
    .await
}

/// A process that ends in order takes itself off the list.
pub async fn forget_node(db: impl PgExecutor<'_>, node: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from nodes where id = $1", node).execute(db).await.map(drop)
}

/// Forgets processes that have not been seen since `before`.
pub async fn forget_nodes(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let result = sqlx::query!("delete from nodes where seen_at < $1", before).execute(db).await?;
    Ok(result.rows_affected())
}
