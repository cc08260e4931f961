//! Statistics that keep up with a table that grows.
use sqlx::PgPool;

/// The tables that grow with readers.
const GROWING: [&str; 6] = ["subscribers", "enrollments", "consents", "deliveries", "attempts", "suppressions"];

/// Has PostgreSQL look at these tables again when one has doubled since it did, and answers which have. Plans are kept, also
/// those that check foreign keys; made for a table of a few rows they read all of a bucket where a key would do, which costs
/// nothing then and everything after the first ten thousand sign-ups. Autovacuum's look, which has plans made anew, comes
/// once a minute at most.
pub async fn analyze_doubled(db: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    let names = GROWING.map(str::to_owned);
    let doubled = sqlx::query_scalar!(
        r#"select s.relname::text as "name!"
           from pg_stat_user_tables s join pg_class c on c.oid = s.relid
           where s.schemaname = current_schema and s.relname = any($1)
             and s.n_mod_since_analyze > greatest(500, c.reltuples)
           order by s.relname"#,
        &names[..]
    )
    .fetch_all(db)
    .await?;
    if !doubled.is_empty() {
        sqlx::query!("analyze subscribers, enrollments, consents, deliveries, attempts, suppressions")
            .execute(db)
            .await?;
    }
    Ok(doubled)
}
