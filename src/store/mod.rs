//! The rows: all SQL of regimen. Free functions over a connection; the queue's statements are in `sql/`.
//!
//! Every hot statement names one `bucket`. No statement asks the server for the time, except [`server_time`], which is
//! where the clock takes its offset from.
pub mod admin;
pub mod admin_mails;
pub mod audit;
pub mod calendar;
pub mod dashboard;
pub mod enrollments;
pub mod export;
pub mod growth;
pub mod guards;
pub mod imports;
pub mod installation;
pub mod limits;
pub mod moves;
pub mod once;
pub mod people;
pub mod places;
pub mod queue;
pub mod readers;
pub mod records;
pub mod retention;
pub mod run_work;
pub mod runs;
pub mod settle;
pub mod sign_ins;
pub mod sign_up;
pub mod take_out;
pub mod tokens;
pub mod uploads;
pub mod voices;
pub mod webhook_messages;
pub mod webhooks;

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgExecutor, PgPool};

/// The channel on which a committed transaction says that something is due. It only wakes; the poll guarantees.
pub const WAKE_CHANNEL: &str = "regimen_due";

/// A pool on `url`; opens its connections as they are needed.
pub fn pool(url: &str, max_connections: u32) -> Result<PgPool, sqlx::Error> {
    // sqlx takes any scheme, and would look for a PostgreSQL where another database is meant.
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(sqlx::Error::Configuration("not a postgresql:// address".into()));
    }
    let options: PgConnectOptions = url.parse()?;
    let options = options.application_name("regimen");
    Ok(PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(Duration::from_secs(10))
        .connect_lazy_with(options))
}

/// How the queue's statements are planned. They look up rows by their keys whatever the parameters are, so one plan for all
/// serves them; planning each anew would cost more than a micro-batch itself. That plan may be made while the tables are
/// still empty and is kept while they grow, so it must not read a table whole because that is small today; and compiling
/// it (`jit`) takes longer than running it.
const HOT: [(&str, &str); 5] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];

/// A pool on the same database for the queue's statements, at most half as large and opened only when it is used.
pub fn hot_pool(pool: &PgPool) -> PgPool {
    let connect = pool.connect_options().as_ref().clone().options(HOT);
    let most = (pool.options().get_max_connections() / 2).max(2);
    pool.options().clone().max_connections(most).connect_lazy_with(connect)
}

/// Whether the pool's server lets us in. One connection beside the pool: the pool would try for ten seconds and then say
/// only that it had.
pub async fn reach(pool: &PgPool) -> Result<(), sqlx::Error> {
    let options = pool.connect_options();
    let connecting = PgConnection::connect_with(&options);
    let connection = tokio::time::timeout(Duration::from_secs(10), connecting)
        .await
        .map_err(|_| std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in 10 seconds"))??;
    connection.close().await
}

/// PostgreSQL's clock, which all nodes share.
pub async fn server_time(db: impl PgExecutor<'_>) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(db).await
}

/// Has PostgreSQL give up each statement of this transaction that takes longer than `span`.
pub async fn limit_statements(db: impl PgExecutor<'_>, span: Duration) -> Result<(), sqlx::Error> {
    let span = format!("{}ms", span.as_millis());
    sqlx::query!("select set_config('statement_timeout', $1, true) as done", span).fetch_one(db).await.map(drop)
}

/// Tells the dispatchers, once the transaction commits, that there may be something to send.
pub async fn wake(db: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_notify($1, '') as done", WAKE_CHANNEL).fetch_one(db).await.map(drop)
}

/// Every one-row UPDATE says how many rows it changed; anything but one is a fault worth hearing of.
pub(crate) fn exactly_one(result: &sqlx::postgres::PgQueryResult) -> Result<(), sqlx::Error> {
    exactly(result, 1)
}

/// The same for an UPDATE of several rows that must all be there.
pub(crate) fn exactly(result: &sqlx::postgres::PgQueryResult, rows: usize) -> Result<(), sqlx::Error> {
    if result.rows_affected() == rows as u64 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

/// Whether PostgreSQL has undone a statement so that another could go on, which a second try answers (SQLSTATE 40001, a
/// serialization failure, and 40P01, a deadlock).
pub(crate) fn was_undone_for_another(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if matches!(error.code().as_deref(), Some("40001" | "40P01")))
}

/// A stored word that this binary does not know: the schema is newer, or the row was edited by hand.
pub(crate) fn unknown_word(what: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(format!("unknown {what} in the database").into())
}
