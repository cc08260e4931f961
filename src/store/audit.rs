//! What admins and their programs did. Rows are only added.
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

/// A row to be added. `details` name neither an address nor a condition.
#[derive(Debug)]
pub struct NewEntry<'a> {
    pub at: DateTime<Utc>,
    pub actor_kind: &'static str,
    pub actor: Option<Uuid>,
    pub actor_name: &'a str,
    pub origin: Option<&'a str>,
    pub action: &'a str,
    pub target_kind: Option<&'static str>,
    pub target: Option<&'a str>,
    pub reason: Option<&'a str>,
    pub details: &'a Value,
}

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Entry {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor_kind: String,
    pub actor: Option<Uuid>,
    pub actor_name: String,
    pub origin: Option<String>,
    pub action: String,
    pub target_kind: Option<String>,
    pub target: Option<String>,
    pub reason: Option<String>,
    pub details: Value,
}

/// Which rows of the log, the newest first. What is none is not asked for.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    /// The beginning of the actor's name.
    pub who: Option<String>,
    pub action: Option<String>,
    pub target: Option<String>,
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    /// Rows older than this one.
    pub before: Option<i64>,
    pub limit: i64,
}

pub async fn add(db: impl PgExecutor<'_>, entry: &NewEntry<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into audit_log (at, actor_kind, actor, actor_name, origin, action, target_kind, target, reason, details)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        entry.at,
        entry.actor_kind,
        entry.actor,
        entry.actor_name,
        entry.origin,
        entry.action,
        entry.target_kind,
        entry.target,
        entry.reason,
        entry.details
    )
    .execute(db)
    .await
    .map(drop)
}

pub async fn entries(db: impl PgExecutor<'_>, filter: &Filter) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as!(
        Entry,
        "select id, at, actor_kind, actor, actor_name, origin, action, target_kind, target, reason, details
         from audit_log
         where ($1::text is null or starts_with(lower(actor_name), lower($1))) and ($2::text is null or action = $2)
           and ($3::text is null or target = $3) and ($4::timestamptz is null or at >= $4)
           and ($5::timestamptz is null or at < $5) and ($6::bigint is null or id < $6)
         order by id desc limit $7",
        filter.who,
        filter.action,
        filter.target,
        filter.from,
        filter.until,
        filter.before,
        filter.limit
    )
    .fetch_all(db)
    .await
}

/// Every action that the log has, for a list to choose from.
pub async fn actions(db: impl PgExecutor<'_>) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!("select distinct action from audit_log order by action").fetch_all(db).await
}
