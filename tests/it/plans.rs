//! The plans of the statements, on a million deliveries: nothing reads a big table from end to end, and claims are read off
//! an index in their order. The plans are generic ones, as PostgreSQL makes them for a prepared statement.
use std::fmt::Write as _;

use regimen::store;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::sync::OnceCell;

use crate::support::database;
use crate::support::statements::{self, Statement};

/// Tables that grow with the readers.
const BIG: [&str; 5] = ["subscribers", "enrollments", "consents", "deliveries", "attempts"];

/// Indexes of a part that stays small however many readers there are.
const SMALL: [&str; 7] = [
    "deliveries_leases",
    "deliveries_deferred",
    "deliveries_were_uncertain",
    "enrollments_pending",
    "enrollments_ended",
    "enrollments_paused_until",
    "enrollments_moving",
];

/// Statements that may read a big table as a whole, each by its beginning, and why.
const MAY_READ_ALL: [(&str, &str); 15] = [
    ("analyze subscribers, enrollments", "statistics: PostgreSQL takes a sample"),
    ("select kind as \"kind!\", step, state", "the books: an admin asks for them"),
    ("select e.bucket, e.id, s.address", "a list for admins; a page without a filter is an index's"),
    ("select d.step as \"step!\", e.done_steps, count", "where the readers are, before content goes live"),
    ("select state, confirmed_at is not null", "the overview, which nobody waits for"),
    ("select (settled_at at time zone", "the overview, which nobody waits for"),
    ("select (greatest(due_at", "the overview, which nobody waits for"),
    ("select count(*) as \"count!\" from deliveries where series", "the overview, which nobody waits for"),
    ("select e.bucket, e.id, e.subscriber", "a search by admins, which is planned for just what it asks"),
    ("select d.id, d.due_at, e.zone, e.preferred_time", "a series is resumed: what waits in a bucket is moved"),
    ("update deliveries set state = 'sending', attempt = attempt + 1", "after a restored backup, once"),
    ("select greatest(series_now", "a demo's start"),
    ("select bucket, id from subscribers order by bucket, id", "the benchmark takes a reader"),
    ("select count(*) as \"deliveries!\" from deliveries", "the benchmark counts its deliveries"),
    ("select count(*) as \"count!\" from subscribers s where exists", "the benchmark counts its sign-ups"),
];

/// Readers in every place of the series: a confirmation, the parts they had, and the one that is owed. Every hundredth
/// delivery that waits was put off. Indexes are made after the rows, which is much faster; they are the migrations' own all
/// the same.
const LOAD: &str = "
set session_replication_role = replica;
set maintenance_work_mem = '512MB';
create temp table later as
    select format('drop index %s', i.indexrelid::regclass) as away, pg_get_indexdef(i.indexrelid) as back
    from pg_index i join pg_class t on t.oid = i.indrelid
    where t.relnamespace = 'public'::regnamespace and not i.indisunique
      and t.relname in ('subscribers', 'enrollments', 'consents', 'deliveries', 'attempts')
    union all
    select format('alter table %s drop constraint %I', c.conrelid::regclass, c.conname),
        format('alter table %s add constraint %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
    from pg_constraint c
    where c.contype in ('p', 'u')
      and c.conrelid in ('subscribers'::regclass, 'enrollments'::regclass, 'consents'::regclass, 'deliveries'::regclass,
          'attempts'::regclass)
      and not exists (select from pg_constraint f where f.contype = 'f' and f.conindid = c.conindid);
do $$ declare it record; begin for it in select * from later loop execute it.away; end loop; end $$;

create temp table reader as
    select n, (n % 64)::smallint as bucket, n % 7 as had,
        ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as subscriber,
        ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid as enrollment
    from generate_series(1, 206000) n order by n % 64;
insert into subscribers select bucket, subscriber, n || '@example.org', n || '@example.org', '2026-03-01' from reader;
insert into consents
    select bucket, enrollment, subscriber, enrollment, 'confirm', '2026-01-01', '2026-01-01', 'link', '2026-03-01' from reader;
insert into enrollments (bucket, id, subscriber, series, state, condition, zone, created_at, requested_at, confirmed_at, ended_at)
    select bucket, enrollment, subscriber, 'a-series', case when had = 6 then 'completed' else 'active' end, '\\x00', 'UTC',
        '2026-03-01', '2026-03-01', '2026-03-01', case when had = 6 then '2026-04-01'::timestamptz end
    from reader;
insert into deliveries (bucket, id, subscriber, enrollment, series, kind, step, occasion, priority, state, due_at, not_before,
    attempt, created_at, settled_at)
    select bucket, ('01900000-0000-7' || lpad(to_hex(number), 3, '0') || '-a000-' || lpad(to_hex(n), 12, '0'))::uuid,
        subscriber, enrollment, 'a-series', case when number = 0 then 'confirmation' else 'step' end,
        case when number > 0 then 'part-' || number end, case when number = 0 then 1 else 0 end,
        case when number = 0 then 0 else 1 end, case when number <= had then 'accepted' else 'pending' end,
        timestamptz '2026-03-02' + number * interval '3 days' + n % 86400 * interval '1 second',
        case when number > had and n % 100 = 0 then timestamptz '2026-03-03' end, 1, '2026-03-02',
        case when number <= had then timestamptz '2026-03-03' end
    from reader, generate_series(0, least(had + 1, 6)) number;
insert into attempts
    select bucket, id, 1, id, 'accepted', 250, '2.0.0 Ok: queued', '2026-03-03' from deliveries where state = 'accepted';

do $$ declare it record; begin for it in select * from later loop execute it.back; end loop; end $$;
analyze subscribers, enrollments, consents, deliveries, attempts;
";

/// The loaded database, shared by the checks of this module.
async fn loaded() -> PgConnection {
    PgConnection::connect(db_url().await).await.unwrap()
}

async fn db_url() -> &'static str {
    static URL: OnceCell<String> = OnceCell::const_new();
    let url = URL.get_or_init(async || {
        let url = database::fresh().await;
        let mut db = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(LOAD).execute(&mut db).await.unwrap();
        let deliveries: i64 = sqlx::query_scalar("select count(*) from deliveries").fetch_one(&mut db).await.unwrap();
        assert!(deliveries >= 1_000_000, "{deliveries}");
        url
    });
    url.await
}

/// The plan of a statement that is prepared, for whatever parameters.
async fn generic_plan(db: &mut PgConnection, statement: &Statement) -> Value {
    let arguments = vec!["null"; statement.parameters.len()];
    plan(db, statement, "force_generic_plan", &arguments, "format json").await
}

async fn plan(db: &mut PgConnection, statement: &Statement, mode: &str, arguments: &[&str], how: &str) -> Value {
    let (mut types, mut values) = (String::new(), String::new());
    if !arguments.is_empty() {
        write!(types, "({})", statement.parameters.join(", ")).unwrap();
        write!(values, "({})", arguments.join(", ")).unwrap();
    }
    let prepare = format!("set plan_cache_mode = {mode}; prepare it{types} as {}", statement.text);
    sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *db).await.unwrap();
    let explain = format!("explain ({how}) execute it{values}");
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(&mut *db).await.unwrap();
    sqlx::raw_sql("deallocate it").execute(&mut *db).await.unwrap();
    let plan: Value = sqlx::Row::get(&rows, 0);
    plan[0]["Plan"].clone()
}

/// Every node of a plan, the outermost first.
fn nodes(plan: &Value) -> Vec<&Value> {
    let mut all = vec![plan];
    for inner in plan["Plans"].as_array().into_iter().flatten() {
        all.extend(nodes(inner));
    }
    all
}

fn text<'a>(node: &'a Value, key: &str) -> &'a str {
    node[key].as_str().unwrap_or_default()
}

/// The big tables that a plan reads from end to end, or a whole bucket of them, which grows as well.
fn read_as_a_whole(plan: &Value) -> Vec<String> {
    nodes(plan).into_iter().filter_map(whole).collect()
}

fn whole(node: &Value) -> Option<String> {
    let (table, index) = (text(node, "Relation Name"), text(node, "Index Name"));
    if text(node, "Node Type") == "Seq Scan" {
        return BIG.contains(&table).then(|| table.to_owned());
    }
    if index.is_empty() || !BIG.iter().any(|table| index.starts_with(table)) || SMALL.contains(&index) {
        return None;
    }
    let narrows = |part: &str| !part.trim_start_matches('(').starts_with("bucket = ");
    let condition = text(node, "Index Cond");
    let narrowed = !condition.is_empty() && condition.split(" AND ").any(narrows);
    (!narrowed).then(|| format!("{index} ({condition})"))
}

/// Sorts of more than one batch. Those of rows that are in memory already, such as what `unnest` gives, are small.
fn sorts(plan: &Value) -> usize {
    nodes(plan).iter().filter(|node| text(node, "Node Type").ends_with("Sort")).count()
}

/// The indexes of a table that a plan reads in their order, with what it asks of them.
fn index_conditions<'a>(plan: &'a Value, index: &str) -> Vec<&'a str> {
    let of = |node: &&&Value| text(node, "Node Type").starts_with("Index") && text(node, "Index Name") == index;
    nodes(plan).iter().filter(of).map(|node| text(node, "Index Cond")).collect()
}

/// The statement whose code begins so.
fn statement(begin: &str) -> Statement {
    let mut fitting = statements::all().into_iter().filter(|one| one.begin().starts_with(begin));
    let found = fitting.next().unwrap_or_else(|| panic!("no statement begins with {begin}"));
    assert!(fitting.next().is_none(), "several statements begin with {begin}");
    found
}

fn look() -> Statement {
    statement("select b.bucket as \"bucket!\"")
}

fn claim() -> Statement {
    statement("with fresh as ( select d.id, s.address, s.normalised, e.condition")
}

#[tokio::test]
async fn no_statement_reads_a_big_table_from_end_to_end() {
    let mut db = loaded().await;
    let (mut looked_at, mut wrong, mut used) = (0, Vec::new(), [false; MAY_READ_ALL.len()]);
    for statement in statements::all() {
        if !BIG.iter().any(|table| statement.text.contains(table)) {
            continue;
        }
        looked_at += 1;
        if let Some(number) = MAY_READ_ALL.iter().position(|(begin, _)| statement.begin().starts_with(begin)) {
            used[number] = true;
            continue;
        }
        let plan = generic_plan(&mut db, &statement).await;
        for what in read_as_a_whole(&plan) {
            wrong.push(format!("{what} is read as a whole by: {}", statement.begin()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(looked_at > 50, "only {looked_at} statements were looked at");
    assert_eq!(used, [true; MAY_READ_ALL.len()], "an exception fits no statement any more");
}

/// A claim reads the head of each queue in its order, with nothing to sort, whatever the parameters are: the dispatcher's
/// connections make no plan for known values.
#[tokio::test]
async fn a_claim_reads_the_heads_of_both_queues_in_their_order() {
    let mut db = loaded().await;
    let now = "'2026-03-20'";
    let node = "'00000000-0000-0000-0000-000000000001'";
    let values = ["5", "'a-series'", now, now, now, node, "100", "1"];
    let hot = store::hot_pool(&store::pool(db_url().await, 2).unwrap());
    let mode: String = sqlx::query_scalar("show plan_cache_mode").fetch_one(&hot).await.unwrap();
    assert_eq!(mode, "force_generic_plan");
    let claimed = plan(&mut db, &claim(), &mode, &values, "format json").await;
    assert_eq!(sorts(&claimed), 0, "{claimed:#}");
    for (index, time) in [("deliveries_queue", "due_at <= "), ("deliveries_deferred", "not_before <= ")] {
        let conditions = index_conditions(&claimed, index);
        assert_eq!(conditions.len(), 1, "{index} {claimed:#}");
        for part in ["bucket = ", "series = ", "priority = ", time] {
            assert!(conditions[0].contains(part), "{index}: {conditions:?}");
        }
    }
    // And it is done when it has what it was asked for.
    let mut tx = db.begin().await.unwrap();
    let plan = plan(&mut tx, &claim(), "force_generic_plan", &values, "analyze, format json").await;
    tx.rollback().await.unwrap();
    assert!(plan["Actual Rows"].as_f64() >= Some(100.0), "{plan:#}");
    for node in nodes(&plan) {
        let read = node["Actual Rows"].as_f64().unwrap_or(0.0) * node["Actual Loops"].as_f64().unwrap_or(1.0)
            + node["Rows Removed by Filter"].as_f64().unwrap_or(0.0);
        assert!(read <= 200.0, "{read} rows for a claim of 100: {node:#}");
    }
}

/// A look reads one entry of an index for each bucket, series and priority, and sorts nothing: whoever puts what it found
/// in order has 128 heads for each series at most.
#[tokio::test]
async fn a_look_reads_one_entry_of_an_index_for_each_head() {
    let mut db = loaded().await;
    let values = ["'{a-series}'", "'{0,1}'"];
    for mode in ["force_generic_plan", "force_custom_plan"] {
        let plan = plan(&mut db, &look(), mode, &values, "format json").await;
        assert_eq!(sorts(&plan), 0, "{plan:#}");
        for index in ["deliveries_queue", "deliveries_deferred"] {
            let conditions = index_conditions(&plan, index);
            assert!(!conditions.is_empty(), "{index} {plan:#}");
            assert!(conditions.iter().all(|one| one.contains("bucket = ")), "{conditions:?}");
        }
    }
    let plan = plan(&mut db, &look(), "force_generic_plan", &values, "analyze, format json").await;
    for node in nodes(&plan).into_iter().filter(|node| text(node, "Relation Name") == "deliveries") {
        assert!(node["Actual Rows"].as_f64() <= Some(1.0), "more than the head is read: {node:#}");
    }
}

#[tokio::test]
async fn a_missing_index_is_found() {
    let mut db = loaded().await;
    for (change, begin) in [
        ("drop index deliveries_leases", "select d.id, d.attempt, d.enrollment from deliveries d"),
        (
            "drop index enrollments_pending, enrollments_by_state",
            "select bucket, id from enrollments where state = 'pending' and requested_at < $1 order",
        ),
        ("drop index enrollments_ended", "select e.ended_at as \"ended_at!\", e.id from enrollments e"),
        ("drop index enrollments_paused_until, enrollments_by_state", "select bucket, id, paused_until as"),
    ] {
        let statement = statement(begin);
        let mut tx = db.begin().await.unwrap();
        assert!(read_as_a_whole(&generic_plan(&mut tx, &statement).await).is_empty());
        sqlx::raw_sql(change).execute(&mut *tx).await.unwrap();
        // Without it the table is read, or another index from end to end.
        let plan = generic_plan(&mut tx, &statement).await;
        assert!(!read_as_a_whole(&plan).is_empty(), "{change}: {plan:#}");
        tx.rollback().await.unwrap();
    }
    for (change, statement) in [("drop index deliveries_queue", claim()), ("drop index deliveries_queue", look())] {
        let mut tx = db.begin().await.unwrap();
        sqlx::raw_sql(change).execute(&mut *tx).await.unwrap();
        let plan = generic_plan(&mut tx, &statement).await;
        assert!(sorts(&plan) > 0 || !read_as_a_whole(&plan).is_empty(), "{change}: {plan:#}");
        tx.rollback().await.unwrap();
    }
}
