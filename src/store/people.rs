//! The admins: who they are, their passwords, second factors, recovery codes and links.
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{exactly_one, unknown_word};
use crate::model::{EmailAddress, Role};

/// An admin, without what must not be shown.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Admin {
    pub id: Uuid,
    pub address: String,
    pub name: String,
    #[schema(value_type = String)]
    pub role: Role,
    pub created_at: DateTime<Utc>,
    pub signed_in_at: Option<DateTime<Utc>>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub password_set_at: Option<DateTime<Utc>>,
    pub second_factor_at: Option<DateTime<Utc>>,
}

struct Row {
    id: Uuid,
    address: String,
    name: String,
    role: String,
    created_at: DateTime<Utc>,
    signed_in_at: Option<DateTime<Utc>>,
    disabled_at: Option<DateTime<Utc>>,
    password_set_at: Option<DateTime<Utc>>,
    second_factor_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Admin {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id,
            address: row.address,
            name: row.name,
            role: row.role.parse().map_err(|_| unknown_word("role"))?,
            created_at: row.created_at,
            signed_in_at: row.signed_in_at,
            disabled_at: row.disabled_at,
            password_set_at: row.password_set_at,
            second_factor_at: row.second_factor_at,
        })
    }
}

/// Answers false when there is an admin of this address.
pub async fn add(
    db: impl PgExecutor<'_>,
    id: Uuid,
    address: &EmailAddress,
    name: &str,
    role: Role,
    real: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "insert into admins (id, address, normalised, name, role, created_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (normalised) do nothing",
        id,
        address.as_typed(),
        address.normalised(),
        name,
        role.as_str(),
        real
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// All of them, by name.
pub async fn all(db: impl PgExecutor<'_>) -> Result<Vec<Admin>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, address, name, role, created_at, signed_in_at, disabled_at, password_set_at, second_factor_at
         from admins order by lower(name), id"
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Admin::try_from).collect()
}

pub async fn by_id(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<Admin>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select id, address, name, role, created_at, signed_in_at, disabled_at, password_set_at, second_factor_at
         from admins where id = $1",
        id
    )
    .fetch_optional(db)
    .await?;
    row.map(Admin::try_from).transpose()
}

pub async fn by_address(db: impl PgExecutor<'_>, address: &EmailAddress) -> Result<Option<Admin>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select id, address, name, role, created_at, signed_in_at, disabled_at, password_set_at, second_factor_at
         from admins where normalised = $1",
        address.normalised()
    )
    .fetch_optional(db)
    .await?;
    row.map(Admin::try_from).transpose()
}

/// The owners who are not disabled, locked: two who take the right from each other wait for one another.
pub async fn lock_owners(db: impl PgExecutor<'_>) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select id from admins where role = 'owner' and disabled_at is null order by id for no key update"
    )
    .fetch_all(db)
    .await
}

pub async fn set_role(db: impl PgExecutor<'_>, id: Uuid, role: Role) -> Result<(), sqlx::Error> {
    let result = sqlx::query!("update admins set role = $2 where id = $1", id, role.as_str()).execute(db).await?;
    exactly_one(&result)
}

/// None enables again.
pub async fn set_disabled(
    db: impl PgExecutor<'_>,
    id: Uuid,
    disabled_at: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!("update admins set disabled_at = $2 where id = $1", id, disabled_at).execute(db).await?;
    exactly_one(&result)
}

pub async fn password_hash(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select password_hash from admins where id = $1", id).fetch_one(db).await
}

pub async fn set_password(
    db: impl PgExecutor<'_>,
    id: Uuid,
    hash: &str,
    real: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let result =
        sqlx::query!("update admins set password_hash = $2, password_set_at = $3 where id = $1", id, hash, real)
            .execute(db)
            .await?;
    exactly_one(&result)
}

pub async fn signed_in(db: impl PgExecutor<'_>, id: Uuid, real: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let result = sqlx::query!("update admins set signed_in_at = $2 where id = $1", id, real).execute(db).await?;
    exactly_one(&result)
}

/// The sealed secret of the second factor, and whether it was confirmed.
pub async fn second_factor(db: impl PgExecutor<'_>, id: Uuid) -> Result<(Option<Vec<u8>>, bool), sqlx::Error> {
    let row = sqlx::query!(
        r#"select second_factor, second_factor_at is not null as "confirmed!" from admins where id = $1"#,
        id
    )
    .fetch_one(db)
    .await?;
    Ok((row.second_factor, row.confirmed))
}

/// A new secret that is still to be confirmed; only where no confirmed one is. None takes the second factor away.
pub async fn set_second_factor(db: impl PgExecutor<'_>, id: Uuid, sealed: Option<&[u8]>) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "update admins set second_factor = $2, second_factor_at = null
         where id = $1 and ($2::bytea is null or second_factor_at is null)",
        id,
        sealed
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// From now on it is asked for. Answers false when it was confirmed before.
pub async fn confirm_second_factor(
    db: impl PgExecutor<'_>,
    id: Uuid,
    real: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "update admins set second_factor_at = $2
         where id = $1 and second_factor is not null and second_factor_at is null",
        id,
        real
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Notes that the code of a time step was taken. Answers false when it, or a later one, was taken before.
pub async fn take_code(db: impl PgExecutor<'_>, id: Uuid, step: i64) -> Result<bool, sqlx::Error> {
    let result =
        sqlx::query!("update admins set last_code = $2 where id = $1 and last_code < $2", id, step).execute(db).await?;
    Ok(result.rows_affected() == 1)
}

pub async fn forget_recovery_codes(db: impl PgExecutor<'_>, admin: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from admin_recovery_codes where admin = $1", admin).execute(db).await.map(drop)
}

pub async fn add_recovery_codes(db: impl PgExecutor<'_>, admin: Uuid, hashes: &[Vec<u8>]) -> Result<(), sqlx::Error> {
    sqlx::query!("insert into admin_recovery_codes (admin, hash) select $1, unnest($2::bytea[])", admin, hashes)
        .execute(db)
        .await
        .map(drop)
}

/// Answers false when it is none, or was used before.
pub async fn take_recovery_code(
    db: impl PgExecutor<'_>,
    admin: Uuid,
    hash: &[u8; 32],
    real: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "update admin_recovery_codes set used_at = $3 where admin = $1 and hash = $2 and used_at is null",
        admin,
        hash.as_slice(),
        real
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

pub async fn recovery_codes_left(db: impl PgExecutor<'_>, admin: Uuid) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from admin_recovery_codes where admin = $1 and used_at is null"#,
        admin
    )
    .fetch_one(db)
    .await
}

pub async fn add_link(
    db: impl PgExecutor<'_>,
    hash: &[u8; 32],
    admin: Uuid,
    expires_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into admin_links (hash, admin, expires_at) values ($1, $2, $3)",
        hash.as_slice(),
        admin,
        expires_at
    )
    .execute(db)
    .await
    .map(drop)
}

/// Whose link it is, if it is still good.
pub async fn link(db: impl PgExecutor<'_>, hash: &[u8; 32], real: DateTime<Utc>) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select l.admin from admin_links l join admins a on a.id = l.admin
         where l.hash = $1 and l.used_at is null and l.expires_at > $2 and a.disabled_at is null",
        hash.as_slice(),
        real
    )
    .fetch_optional(db)
    .await
}

/// Uses a link. Answers whose it was, and nothing when it was not good any more.
pub async fn take_link(
    db: impl PgExecutor<'_>,
    hash: &[u8; 32],
    real: DateTime<Utc>,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "update admin_links l set used_at = $2 from admins a
         where l.hash = $1 and l.used_at is null and l.expires_at > $2 and a.id = l.admin and a.disabled_at is null
         returning l.admin",
        hash.as_slice(),
        real
    )
    .fetch_optional(db)
    .await
}

/// After a password was chosen no other link may choose one.
pub async fn forget_links(db: impl PgExecutor<'_>, admin: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from admin_links where admin = $1", admin).execute(db).await.map(drop)
}
