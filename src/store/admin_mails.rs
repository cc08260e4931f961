//! Mails to admins that are owed. They are no deliveries: an admin is no subscriber, so there is no consent, no series and no
//! unsubscribing, and the books of what readers got must not count them.
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

pub async fn owe(
    db: impl PgExecutor<'_>,
    id: Uuid,
    admin: Uuid,
    kind: &str,
    real: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("insert into admin_mails (id, admin, kind, created_at) values ($1, $2, $3, $4)", id, admin, kind, real)
        .execute(db)
        .await
        .map(drop)
}
