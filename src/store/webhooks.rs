//! Endpoints that are told what happens; what they are told is in `webhook_messages`. There are few, and none of these
//! statements is on a mail's way.
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::unknown_word;
use crate::model::{Disabled, Event};

/// An endpoint, without its secrets.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct Webhook {
    pub id: Uuid,
    pub name: String,
    pub url: String,
    #[schema(value_type = Vec<String>)]
    pub events: Vec<Event>,
    /// None: all of them.
    pub series: Vec<String>,
    pub with_address: bool,
    /// The name of who made it; none for the command line.
    pub made_by: Option<String>,
    pub made_at: DateTime<Utc>,
    pub disabled_at: Option<DateTime<Utc>>,
    #[schema(value_type = Option<String>)]
    pub disabled_because: Option<Disabled>,
    pub failing_since: Option<DateTime<Utc>>,
    /// Until when the secret of before signs, too.
    pub old_until: Option<DateTime<Utc>>,
}

/// An endpoint to be added.
#[derive(Debug)]
pub struct NewWebhook<'a> {
    pub id: Uuid,
    pub name: &'a str,
    pub url: &'a str,
    pub events: &'a [Event],
    pub series: &'a [String],
    pub with_address: bool,
    /// Sealed.
    pub secret: &'a [u8],
    pub made_by: Option<Uuid>,
}

/// What is needed to tell an endpoint something.
#[derive(Debug)]
pub struct Target {
    pub id: Uuid,
    pub name: String,
    pub url: String,
    pub with_address: bool,
    /// Sealed, both.
    pub secret: Vec<u8>,
    pub old_secret: Option<Vec<u8>>,
    pub old_until: Option<DateTime<Utc>>,
    pub failing_since: Option<DateTime<Utc>>,
}

/// What an enabled endpoint wants to be told.
#[derive(Debug, Clone)]
pub struct Wish {
    pub id: Uuid,
    pub events: Vec<Event>,
    pub series: Vec<String>,
}

/// Answers false when there is one of this name.
pub async fn add(db: impl PgExecutor<'_>, new: &NewWebhook<'_>, real: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let events: Vec<String> = new.events.iter().map(ToString::to_string).collect();
    let result = sqlx::query!(
        "insert into webhooks (id, name, url, events, series, with_address, secret, made_by, made_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (name) do nothing",
        new.id,
        new.name,
        new.url,
        &events,
        new.series,
        new.with_address,
        new.secret,
        new.made_by,
        real
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

pub async fn all(db: impl PgExecutor<'_>) -> Result<Vec<Webhook>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select w.id, w.name, w.url, w.events, w.series, w.with_address, a.name as "made_by?", w.made_at, w.disabled_at,
               w.disabled_because, w.failing_since, w.old_until
           from webhooks w left join admins a on a.id = w.made_by order by w.name"#
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let because = row.disabled_because.map(|word| word.parse()).transpose();
            Ok(Webhook {
                id: row.id,
                name: row.name,
                url: row.url,
                events: parsed(&row.events)?,
                series: row.series,
                with_address: row.with_address,
                made_by: row.made_by,
                made_at: row.made_at,
                disabled_at: row.disabled_at,
                disabled_because: because.map_err(|_| unknown_word("reason"))?,
                failing_since: row.failing_since,
                old_until: row.old_until,
            })
        })
        .collect()
}

/// What the endpoints that are enabled want to be told.
pub async fn wishes(db: impl PgExecutor<'_>) -> Result<Vec<Wish>, sqlx::Error> {
    let rows = sqlx::query!("select id, events, series from webhooks where disabled_at is null order by id")
        .fetch_all(db)
        .await?;
    rows.into_iter().map(|row| Ok(Wish { id: row.id, events: parsed(&row.events)?, series: row.series })).collect()
}

/// The endpoints that are enabled.
pub async fn enabled(db: impl PgExecutor<'_>) -> Result<Vec<Target>, sqlx::Error> {
    sqlx::query_as!(
        Target,
        "select id, name, url, with_address, secret, old_secret, old_until, failing_since from webhooks
         where disabled_at is null order by id"
    )
    .fetch_all(db)
    .await
}

/// A try has succeeded.
pub async fn works(db: impl PgExecutor<'_>, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("update webhooks set failing_since = null where id = $1 and failing_since is not null", id)
        .execute(db)
        .await
        .map(drop)
}

/// A try has failed.
pub async fn fails(db: impl PgExecutor<'_>, id: Uuid, real: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("update webhooks set failing_since = $2 where id = $1 and failing_since is null", id, real)
        .execute(db)
        .await
        .map(drop)
}

/// Disables an endpoint. Answers false when there is no such one that is enabled.
pub async fn disable(
    db: impl PgExecutor<'_>,
    id: Uuid,
    because: Disabled,
    real: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "update webhooks set disabled_at = $2, disabled_because = $3 where id = $1 and disabled_at is null",
        id,
        real,
        because.as_str()
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Disables an endpoint that has failed since before `before`. Answers whether it did.
pub async fn disable_failing(
    db: impl PgExecutor<'_>,
    id: Uuid,
    before: DateTime<Utc>,
    real: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "update webhooks set disabled_at = $3, disabled_because = 'failing'
         where id = $1 and disabled_at is null and failing_since < $2",
        id,
        before,
        real
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Enables an endpoint, which begins anew. Answers false when there is no such one that is disabled.
pub async fn enable(db: impl PgExecutor<'_>, id: Uuid) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "update webhooks set disabled_at = null, disabled_because = null, failing_since = null
         where id = $1 and disabled_at is not null",
        id
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Gives an endpoint a new secret; the one of before signs, too, until `old_until`. Answers false when there is no such endpoint.
pub async fn rotate(
    db: impl PgExecutor<'_>,
    id: Uuid,
    secret: &[u8],
    old_until: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "update webhooks set old_secret = secret, old_until = $3, secret = $2 where id = $1",
        id,
        secret,
        old_until
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Answers false when there is no such endpoint. Its messages go with `webhook_messages::delete_of`.
pub async fn delete(db: impl PgExecutor<'_>, id: Uuid) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!("delete from webhooks where id = $1", id).execute(db).await?;
    Ok(result.rows_affected() == 1)
}

/// How many are disabled because of what they answered, for the metrics.
pub async fn given_up(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from webhooks where disabled_because in ('gone', 'failing')"#)
        .fetch_one(db)
        .await
}

fn parsed(words: &[String]) -> Result<Vec<Event>, sqlx::Error> {
    words.iter().map(|word| word.parse().map_err(|_| unknown_word("event"))).collect()
}
