//! Mails to admins that are owed. They are no deliveries: an admin is no subscriber, so there is no consent, no series and no
//! unsubscribing, and the books of what readers got must not count them.
use chrono::{DateTime, TimeDelta, Utc};
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

/// A mail that a dispatcher has taken. `Debug` does not show it, since it has an address.
pub struct AdminMail {
    pub id: Uuid,
    pub admin: Uuid,
    pub kind: String,
    pub address: String,
    pub name: String,
    /// This one included.
    pub tries: i32,
}

/// One that was taken so long ago is taken again: the relay did not want it yet, or its dispatcher has died.
const AGAIN_AFTER: TimeDelta = TimeDelta::minutes(2);

/// Takes the oldest mail that waits, of an admin who is not disabled.
pub async fn take(db: impl PgExecutor<'_>, real: DateTime<Utc>) -> Result<Option<AdminMail>, sqlx::Error> {
    sqlx::query_as!(
        AdminMail,
        "update admin_mails m set taken_at = $1, tries = tries + 1 from admins a
         where a.id = m.admin and m.id = (
             select o.id from admin_mails o join admins w on w.id = o.admin
             where o.settled_at is null and (o.taken_at is null or o.taken_at < $2) and w.disabled_at is null
             order by o.created_at limit 1 for update of o skip locked)
         returning m.id, m.admin, m.kind, a.address, a.name, m.tries",
        real,
        real - AGAIN_AFTER
    )
    .fetch_optional(db)
    .await
}

/// Notes what became of it; without `settled_at` it is tried again.
pub async fn settle(
    db: impl PgExecutor<'_>,
    id: Uuid,
    outcome: &str,
    settled_at: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update admin_mails set outcome = $2, settled_at = $3 where id = $1 and settled_at is null",
        id,
        outcome,
        settled_at
    )
    .execute(db)
    .await?;
    super::exactly_one(&result)
}
