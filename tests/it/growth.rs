//! The first hours of an installation: plans that were made while the tables were empty.
use regimen::store::growth::analyze_doubled;
use sqlx::PgConnection;

use crate::support::database;
use crate::support::process::until;
use crate::support::readers::{enroll, readers};

/// How a kept plan finds a reader's enrollment, as the check of a foreign key does.
async fn way_to_an_enrollment(db: &mut PgConnection) -> String {
    let lines: Vec<String> =
        sqlx::query_scalar("explain (costs off) execute enrollment(1, gen_random_uuid())").fetch_all(db).await.unwrap();
    lines.join("\n")
}

#[tokio::test]
async fn a_plan_that_was_made_for_an_empty_table_is_made_anew_when_the_table_has_grown() {
    let url = database::fresh().await;
    let db = database::connect(&url);
    let mut session = db.acquire().await.unwrap();
    sqlx::raw_sql(
        "alter table subscribers set (autovacuum_enabled = off);
         alter table enrollments set (autovacuum_enabled = off);
         alter table deliveries set (autovacuum_enabled = off);
         set plan_cache_mode = force_generic_plan;
         prepare enrollment(smallint, uuid) as select 1 from only enrollments where bucket = $1 and id = $2 for key share",
    )
    .execute(&mut *session)
    .await
    .unwrap();
    assert!(!way_to_an_enrollment(&mut session).await.contains("(id = $2))"), "it would read all of a bucket");
    assert_eq!(analyze_doubled(&db).await.unwrap(), [""; 0], "an empty table is left alone");

    enroll(&db, &readers(0..2_000, 64)).await.unwrap();
    // PostgreSQL counts what a session wrote up to a second later.
    let tables = until("a doubled table is looked at again", async || {
        let tables = analyze_doubled(&db).await.unwrap();
        (!tables.is_empty()).then_some(tables)
    })
    .await;
    assert_eq!(tables, ["deliveries", "enrollments", "subscribers"]);
    let way = way_to_an_enrollment(&mut session).await;
    assert!(way.contains("enrollments_pkey") && way.contains("((bucket = $1) AND (id = $2))"), "{way}");

    enroll(&db, &readers(2_000..3_000, 64)).await.unwrap();
    let grown = "select count(*) from pg_stat_user_tables where relname = 'enrollments' and n_mod_since_analyze = 1000";
    until("the new rows are counted", async || {
        let counted: i64 = sqlx::query_scalar(grown).fetch_one(&db).await.unwrap();
        (counted == 1).then_some(())
    })
    .await;
    assert_eq!(analyze_doubled(&db).await.unwrap(), [""; 0], "half as many again is autovacuum's affair");
}
