//! Statistics that keep up with a table that grows.
use sqlx::PgPool;

/// The tables that grow with readers, and how each is looked at.
const GROWING: [(&str, &str); 6] = [
    ("subscribers", "analyze subscribers"),
    ("enrollments", "analyze enrollments"),
    ("consents", "analyze consents"),
    ("deliveries", "analyze deliveries"),
    ("attempts", "analyze attempts"),
    ("suppressions", "analyze suppressions"),
];

/// Has PostgreSQL look again at tables that have doubled since it did, and answers which these were. Plans are kept, also
/// those that check foreign keys; made for a table of a few rows they read all of a bucket where a key would do, which costs
/// nothing then and everything after the first ten thousand sign-ups. Autovacuum's look, which has plans made anew, comes
/// once a minute at most.
pub async fn analyze_doubled(db: &PgPool) -> Result<Vec<&'static str>, sqlx::Error> {
    let names: Vec<String> = GROWING.iter().map(|(name, _)| (*name).to_owned()).collect();
    let doubled: Vec<String> = sqlx::query_scalar!(
        r#"select s.relname::text as "name!"
           from pg_stat_user_tables s join pg_class c on c.oid = s.relid
           where s.schemaname = current_schema and s.relname = any($1)
             and s.n_mod_since_analyze > greatest(500, c.reltuples)"#,
        &names
    )
    .fetch_all(db)
    .await?;
    let mut analyzed = Vec::new();
    for (name, analyze) in GROWING.into_iter().filter(|(name, _)| doubled.iter().any(|one| one == name)) {
        sqlx::raw_sql(analyze).execute(db).await?;
        analyzed.push(name);
    }
    Ok(analyzed)
}
