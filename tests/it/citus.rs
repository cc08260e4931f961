//! The schema and the SQL are ready for a sharded PostgreSQL: the tables are distributed as docs/OPERATIONS.md says, and
//! every statement of the hot path names one bucket.
mod one_bucket;

use sqlx::{Connection as _, PgConnection};

use crate::support::database;
use crate::support::statements::{self, Statement};

const HANDBOOK: &str = include_str!("../../docs/OPERATIONS.md");

/// Statements that look across all buckets, each by its beginning, and why it may. None is on a mail's way.
const ACROSS: [(&str, &str); 31] = [
    ("analyze subscribers, enrollments", "statistics: every server looks at what it has"),
    (
        "select b.bucket as \"bucket!\", s.slug",
        "look: one cheap look per server, and the claim that follows names a bucket",
    ),
    ("select p.priority as \"priority!\", sum(", "how much is due: a count for the metrics"),
    (
        "select ( select count(*) from buckets b join deliveries d on d.bucket = b.bucket and d.series = any($1)",
        "overdue: a count for admins",
    ),
    ("select count(*) as \"closed!\" from unnest", "the benchmark's books"),
    ("update deliveries d set due_at = $3 from unnest", "the benchmark makes its rows due"),
    ("select count(*) as \"deliveries!\" from deliveries", "the benchmark counts its deliveries"),
    ("select bucket, id from subscribers order by bucket, id", "the benchmark takes a reader"),
    ("select count(*) as \"count!\" from subscribers s where exists", "the benchmark counts its sign-ups"),
    ("select node as \"node!\", count(*)", "who holds what: a count for admins"),
    ("select greatest(series_now", "where a demo's clock stopped: never sharded"),
    ("select kind as \"kind!\", step, state", "the books: a count for admins"),
    ("select e.bucket, e.id, s.address", "a list for admins, page by page"),
    ("select e.bucket, e.id, e.subscriber", "a list for admins, page by page"),
    (
        "select d.step as \"step!\", e.done_steps, count",
        "where the readers are, before content goes live: a count for admins",
    ),
    ("select state, confirmed_at is not null", "the overview: a count for admins"),
    ("select (settled_at at time zone", "the overview: a count for admins"),
    ("select (greatest(due_at", "the overview: a count for admins"),
    ("select count(*) as \"count!\" from deliveries where series", "the overview: a count for admins"),
    ("select bucket, id, enrollment, series, kind, step", "a list for admins, page by page"),
    ("select d.state, count(*) as \"count!\" from buckets b", "how far a run is: a count for admins"),
    (
        "select ( select count(*) from buckets b join deliveries d on d.bucket = b.bucket and d.series = $1",
        "what a series that is resumed sends: a count for admins",
    ),
    (
        "with asked as materialized (",
        "sign-ups that share a commit: each row names its bucket, and sign_up.written_together = 1 does without it",
    ),
    (
        "select bucket, id from enrollments where state = 'pending' and requested_at < $1 and",
        "whom to remind, each in a transaction of its own",
    ),
    (
        "select bucket, id from enrollments where state = 'pending' and requested_at < $1 order",
        "what to forget, each in a transaction of its own",
    ),
    (
        "select bucket, id, paused_until as \"until!\" from enrollments",
        "whose pause has ended, each resumed in a transaction of its own",
    ),
    (
        "select bucket, id from enrollments where state = 'pending' and moves_enrollment is not null",
        "wishes for another address to forget, each in a transaction of its own",
    ),
    (
        "select one.bucket as \"bucket!\" from unnest($1::smallint[])",
        "which buckets owe a webhook something; the claim names one",
    ),
    ("select m.bucket as \"bucket!\", m.id as \"id!\", m.event", "the log of a webhook for admins, page by page"),
    ("select bucket from webhook_messages", "which message an admin means"),
    ("select w.id as \"webhook!\", s.state as \"state!\"", "how much a webhook is owed: a count for admins"),
];

/// How docs/OPERATIONS.md distributes the tables, in order.
#[derive(Debug, Default)]
struct Handbook {
    distributed: Vec<String>,
    colocated_with: Vec<String>,
    reference: Vec<String>,
    local: Vec<String>,
}

impl Handbook {
    fn read(text: &str) -> Self {
        let mut handbook = Self::default();
        for line in text.lines().map(str::trim) {
            let quoted: Vec<&str> = line.split('\'').skip(1).step_by(2).collect();
            if line.starts_with("select create_reference_table(") {
                handbook.reference.push(quoted[0].to_owned());
            } else if line.starts_with("select create_distributed_table(") {
                assert_eq!(quoted[1], "bucket", "{line}");
                handbook.distributed.push(quoted[0].to_owned());
                handbook.colocated_with.push(quoted.get(2).copied().unwrap_or_default().to_owned());
            }
        }
        let local = text.split_once("Local to the coordinator stay:").map_or("", |(_, rest)| rest);
        let local = local.split_once(". ").map_or("", |(list, _)| list);
        handbook.local = local.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        handbook
    }

    fn kinds_of(&self, table: &str) -> usize {
        [&self.distributed, &self.reference, &self.local]
            .into_iter()
            .map(|list| list.iter().filter(|one| *one == table).count())
            .sum()
    }

    fn is_distributed(&self, table: &str) -> bool {
        self.distributed.iter().any(|one| one == table)
    }
}

/// What of a schema could not be distributed as the handbook says.
async fn faults_of_schema(db: &mut PgConnection, handbook: &Handbook) -> Vec<String> {
    let mut faults = faults_of_tables(db, handbook).await;
    faults.extend(faults_of_indexes(db, handbook).await);
    faults.extend(faults_of_foreign_keys(db, handbook).await);
    let first = handbook.distributed.first().cloned().unwrap_or_default();
    for (number, (table, with)) in handbook.distributed.iter().zip(&handbook.colocated_with).enumerate() {
        if *with != (if number == 0 { "none" } else { &first }) {
            faults.push(format!("{table} is colocated with {with:?}"));
        }
    }
    faults
}

async fn faults_of_tables(db: &mut PgConnection, handbook: &Handbook) -> Vec<String> {
    let tables: Vec<(String, Option<String>, bool)> = sqlx::query_as(
        "select c.relname::text, format_type(a.atttypid, a.atttypmod), coalesce(a.attnotnull, false)
         from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attname = 'bucket'
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by 1",
    )
    .fetch_all(db)
    .await
    .unwrap();
    let mut faults = Vec::new();
    for (table, bucket, not_null) in &tables {
        match handbook.kinds_of(table) {
            0 => faults.push(format!("{table} is missing from the statements in docs/OPERATIONS.md")),
            1 => {}
            _ => faults.push(format!("{table} is named twice")),
        }
        if handbook.is_distributed(table) && (bucket.as_deref() != Some("smallint") || !not_null) {
            faults.push(format!("{table} has no bucket of type smallint, not null"));
        }
        if !handbook.is_distributed(table) && bucket.is_some() {
            faults.push(format!("{table} has a bucket and is not distributed"));
        }
    }
    let known = |name: &&String| !tables.iter().any(|(table, ..)| table == *name);
    for gone in handbook.distributed.iter().chain(&handbook.reference).chain(&handbook.local).filter(known) {
        faults.push(format!("{gone} is no table any more"));
    }
    faults
}

/// Primary keys begin with the bucket; each unique constraint, unique index and exclusion has it.
async fn faults_of_indexes(db: &mut PgConnection, handbook: &Handbook) -> Vec<String> {
    let indexes: Vec<(String, String, bool, Vec<Option<String>>)> = sqlx::query_as(
        "select t.relname::text, i.relname::text, x.indisprimary,
             array(select a.attname::text from unnest(x.indkey::smallint[]) with ordinality k (number, place)
                   left join pg_attribute a on a.attrelid = t.oid and a.attnum = k.number
                   where k.place <= x.indnkeyatts order by k.place)
         from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
         where t.relnamespace = 'public'::regnamespace and (x.indisunique or x.indisexclusion) order by 1, 2",
    )
    .fetch_all(db)
    .await
    .unwrap();
    let mut faults = Vec::new();
    for table in &handbook.distributed {
        let mut primary = false;
        for (_, index, is_primary, columns) in indexes.iter().filter(|(of, ..)| of == table) {
            primary |= is_primary;
            let place = columns.iter().position(|column| column.as_deref() == Some("bucket"));
            if place.is_none() {
                faults.push(format!("{index} lacks bucket"));
            } else if *is_primary && place != Some(0) {
                faults.push(format!("{index} does not begin with bucket"));
            }
        }
        if !primary {
            faults.push(format!("{table} has no primary key"));
        }
    }
    faults
}

/// A foreign key between distributed tables ties bucket to bucket and points to one that is distributed earlier; one to
/// another table needs a reference table; one from another table is not possible.
async fn faults_of_foreign_keys(db: &mut PgConnection, handbook: &Handbook) -> Vec<String> {
    type Key = (String, String, String, Vec<String>, Vec<String>);
    let keys: Vec<Key> = sqlx::query_as(
        "select k.conname::text, f.relname::text, t.relname::text,
             array(select a.attname::text from unnest(k.conkey) with ordinality c (number, place)
                   join pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.number order by c.place),
             array(select a.attname::text from unnest(k.confkey) with ordinality c (number, place)
                   join pg_attribute a on a.attrelid = k.confrelid and a.attnum = c.number order by c.place)
         from pg_constraint k join pg_class f on f.oid = k.conrelid join pg_class t on t.oid = k.confrelid
         where k.contype = 'f' and f.relnamespace = 'public'::regnamespace order by 1",
    )
    .fetch_all(db)
    .await
    .unwrap();
    let place = |table: &String| handbook.distributed.iter().position(|one| one == table);
    let mut faults = Vec::new();
    for (name, from, to, columns, their_columns) in &keys {
        match (place(from), place(to)) {
            (Some(here), Some(there)) => {
                if !columns.iter().zip(their_columns).any(|(one, other)| one == "bucket" && other == "bucket") {
                    faults.push(format!("{name} lacks bucket"));
                }
                if there > here {
                    faults.push(format!("{name}: {to} must be distributed before {from}"));
                }
            }
            (Some(_), None) if handbook.reference.contains(to) => {}
            (Some(_), None) => faults.push(format!("{name}: {from} is distributed and {to} stays local")),
            (None, Some(_)) => faults.push(format!("{name}: {from} is not distributed and {to} is")),
            (None, None) => {}
        }
    }
    faults
}

async fn migrated() -> PgConnection {
    PgConnection::connect(&database::fresh().await).await.unwrap()
}

#[tokio::test]
async fn the_schema_can_be_distributed_as_the_handbook_says() {
    let handbook = Handbook::read(HANDBOOK);
    assert!(handbook.distributed.len() >= 8 && !handbook.reference.is_empty() && handbook.local.len() >= 6);
    assert_eq!(faults_of_schema(&mut migrated().await, &handbook).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_schema_that_cannot_be_distributed_is_found() {
    let handbook = Handbook::read(HANDBOOK);
    let mut db = migrated().await;
    for (change, fault) in [
        ("create table guests (id int)", "guests is missing from the statements"),
        ("create table guests (bucket smallint primary key)", "guests has a bucket and is not distributed"),
        ("drop table nodes", "nodes is no table any more"),
        ("alter table consents drop constraint consents_pkey", "consents has no primary key"),
        (
            "alter table consents drop constraint consents_pkey, add primary key (id, bucket)",
            "consents_pkey does not begin with",
        ),
        ("alter table consents drop constraint consents_pkey, add primary key (id)", "consents_pkey lacks bucket"),
        ("create unique index one_address on subscribers (normalised)", "one_address lacks bucket"),
        ("create unique index one_address on subscribers (normalised) include (bucket)", "one_address lacks bucket"),
        ("alter table attempts alter column bucket type int", "attempts has no bucket of type smallint"),
        (
            "create unique index deliveries_id on deliveries (id); alter table attempts add constraint of_delivery foreign key (delivery) references deliveries (id)",
            "of_delivery lacks bucket",
        ),
        (
            "alter table consents add run bigint constraint by_run references runs",
            "by_run: consents is distributed and runs stays local",
        ),
        (
            "alter table nodes add bucket smallint, add constraint of_bucket foreign key (bucket) references buckets",
            "of_bucket: nodes is not distributed",
        ),
        (
            "alter table subscribers add newest uuid, add constraint newest foreign key (bucket, newest) references enrollments",
            "newest: enrollments must be distributed before subscribers",
        ),
    ] {
        let mut tx = db.begin().await.unwrap();
        sqlx::raw_sql(change).execute(&mut *tx).await.unwrap();
        let found = faults_of_schema(&mut tx, &handbook).await;
        assert!(found.iter().any(|one| one.contains(fault)), "{change}: {found:?}");
        tx.rollback().await.unwrap();
    }
    let alone =
        Handbook::read(&HANDBOOK.replace("'attempts', 'bucket', colocate_with => 'buckets'", "'attempts', 'bucket'"));
    assert_eq!(faults_of_schema(&mut db, &alone).await, ["attempts is colocated with \"\""]);
}

#[test]
fn every_statement_on_a_mails_way_names_one_bucket() {
    let handbook = Handbook::read(HANDBOOK);
    let tables: Vec<&str> = handbook.distributed.iter().map(String::as_str).collect();
    let (mut hot, mut wrong, mut used) = (0, Vec::new(), vec![false; ACROSS.len()]);
    for statement in statements::all() {
        if !one_bucket::touches(&statement.text, &tables) {
            continue;
        }
        let faults = one_bucket::faults(&statement.text, &tables);
        match reason(&statement) {
            Some(number) if !faults.is_empty() => used[number] = true,
            Some(_) => wrong.push(format!("it names one bucket: take it off the list. {}", statement.begin())),
            None if faults.is_empty() => hot += 1,
            None => wrong.push(format!("{faults:?} in: {}", statement.begin())),
        }
    }
    for (number, (begin, _)) in ACROSS.iter().enumerate().filter(|(number, _)| !used[*number]) {
        wrong.push(format!("entry {number} fits no statement any more: {begin}"));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(hot > 40, "only {hot} statements were looked at");
}

fn reason(statement: &Statement) -> Option<usize> {
    ACROSS.iter().position(|(begin, _)| statement.begin().starts_with(begin))
}

/// The check above sees only what goes through the checked macros.
#[test]
fn no_statement_goes_past_the_checked_macros() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut wrong = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            // The private PostgreSQL and the benchmark have no reader's rows.
            if entry.is_dir() && !entry.ends_with("src/local") && !entry.ends_with("src/bench") {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&entry).unwrap();
                let unchecked = ["query(", "query_as(", "query_scalar(", "query_as::", "query_scalar::", "raw_sql("];
                if unchecked.iter().any(|call| text.contains(&format!("sqlx::{call}"))) {
                    wrong.push(entry);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
