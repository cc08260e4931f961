//! Migrations on a database that is in use: every table has rows when they come, and the rows are there afterwards.
use std::path::Path;

use regimen::clock::Clock;
use regimen::store::installation::{self, Purpose, SchemaError};
use rustix::process::Signal;
use serde_json::Value;
use sqlx::migrate::Migrator;
use sqlx::{Connection as _, PgConnection, PgPool};

use crate::support::database;
use crate::support::process::{Environment, Process, until};

/// Rows that come into the database after the migration of that version; the later migrations find them. What is here
/// stays as it is, since it fits that schema: a migration that adds a table adds an entry.
const FILLED: [(i64, &str); 11] = [
    (1, FIRST),
    (3, LIMITS),
    (6, GUARDS),
    (8, VOICES),
    (9, ADMINS),
    (10, ONCE),
    (12, RUNS),
    (13, IMPORTS),
    (14, WEBHOOKS),
    (15, ELSEWHERE),
    (17, UPLOADS),
];

/// Somebody who signs in at an identity provider.
const ELSEWHERE: &str = "
insert into admin_elsewhere values (decode(repeat('04', 32), 'hex'), '/admin', '2026-03-01T00:00:00Z');
";

/// A file that came over the web, and its dry run.
const UPLOADS: &str = "
insert into uploads (at) values ('2026-03-01T00:00:00Z');
insert into upload_pieces values (1, 0, '\\x01');
insert into imports (file, octets, series, state, dry_run, who, why, at, at_octet, until_octet, at_line, next_confirmation, upload)
values (decode(repeat('05', 32), 'hex'), 9000, 'fighting-cancer-with-immunotherapy', 'active', true, 'an admin', 'a list',
    '2026-03-01T00:00:00Z', 100, 100, 2, '2026-03-01T00:00:00Z', 1);
";

/// An import that was broken off.
const IMPORTS: &str = "
insert into imports (file, octets, series, state, dry_run, who, why, at, at_octet, until_octet, at_line, at_bucket,
    next_confirmation, active, refused)
values (decode(repeat('01', 32), 'hex'), 9000, 'fighting-cancer-with-immunotherapy', 'active', false, 'an admin', 'a list',
    '2026-03-01T00:00:00Z', 100, 5000, 2, 7, '2026-03-01T00:00:00Z', 12, 1);
insert into import_refusals values (1, 7, 'address');
insert into import_addresses values (3, 1, decode(repeat('02', 16), 'hex'));
";

/// An endpoint, and what it is owed.
const WEBHOOKS: &str = "
insert into webhooks (id, name, url, events, secret, made_at) values
    ('00000000-0000-0000-0000-0000000000a1', 'crm', 'https://crm.example.org/', '{reader.delivered}', '\\x01', '2026-03-01T00:00:00Z');
insert into webhook_messages (bucket, id, webhook, event, at, next_try_at) values
    (1, '00000000-0000-0000-0000-0000000000b1', '00000000-0000-0000-0000-0000000000a1', 'reader.delivered',
     '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z');
";

/// A call under a key.
const ONCE: &str = "
insert into once_keys values
    (decode(repeat('01', 16), 'hex'), decode(repeat('02', 16), 'hex'), decode(repeat('03', 16), 'hex'), 1,
     '2026-03-01T00:00:00Z', '{\"done\":true}');
";

/// A few rows in every table of the first schema, in the states that matter.
const FIRST: &str = "
insert into content_versions values ('0123456789abcdef', '{\"files\": {}}', '2026-03-01T00:00:00Z');
insert into series values ('fighting-cancer-with-immunotherapy', 'paused', '2026-03-02T00:00:00Z', 'an editor', 'a test');
insert into subscribers values
    (1, '00000000-0000-0000-0000-000000000001', 'One@example.org', 'One@example.org', '2026-03-01T00:00:00Z'),
    (2, '00000000-0000-0000-0000-000000000002', 'two@example.org', 'two@example.org', '2026-03-01T00:00:00Z');
insert into enrollments (bucket, id, subscriber, series, state, condition, zone, preferred_time, done_steps, request,
    created_at, requested_at, confirmed_at, reminded_at, ended_at, paused_at)
values
    (1, '00000000-0000-0000-0000-000000000011', '00000000-0000-0000-0000-000000000001', 'fighting-cancer-with-immunotherapy',
     'active', '\\x0102', 'Europe/Berlin', '07:30', '{what-is-immunotherapy}', 2, '2026-03-01T00:00:00Z',
     '2026-03-01T00:00:00Z', '2026-03-01T01:00:00Z', null, null, null),
    (2, '00000000-0000-0000-0000-000000000012', '00000000-0000-0000-0000-000000000002', 'fighting-cancer-with-immunotherapy',
     'unsubscribed', '\\x0304', 'UTC', null, '{}', 1, '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z', '2026-03-01T01:00:00Z',
     '2026-03-01T00:30:00Z', '2026-03-02T00:00:00Z', '2026-03-01T12:00:00Z');
insert into consents values (1, '00000000-0000-0000-0000-000000000021', '00000000-0000-0000-0000-000000000001',
    '00000000-0000-0000-0000-000000000011', 'confirm', '2026-01-01', '2026-01-01', 'form', '2026-03-01T01:00:00Z');
insert into deliveries (bucket, id, subscriber, enrollment, series, kind, step, occasion, priority, state, reason, due_at,
    not_before, attempt, tries, lease_until, node, uncertain_count, content_version, condition, run, created_at, settled_at,
    series_settled_at)
select bucket, id::uuid, subscriber::uuid, enrollment::uuid, 'fighting-cancer-with-immunotherapy', kind, step, occasion,
    1, state, reason, '2026-03-01T02:00:00Z', '2026-03-01T02:00:00Z', attempt, attempt, lease::timestamptz, node::uuid,
    uncertain, version, condition::bytea, run, '2026-03-01T01:00:00Z', settled::timestamptz, settled::timestamptz
from (values
    (1, '00000000-0000-0000-0000-000000000031', '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000011',
     'confirmation', null, 1, 'accepted', null, 1, null, null, 0, '0123456789abcdef', null, null, '2026-03-01T02:00:00Z'),
    (1, '00000000-0000-0000-0000-000000000032', '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000011',
     'step', 'what-is-immunotherapy', 0, 'accepted', null, 2, null, null, 1, '0123456789abcdef', '\\x0102', 1, '2026-03-01T02:00:00Z'),
    (1, '00000000-0000-0000-0000-000000000033', '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000011',
     'step', 'antibodies', 0, 'sending', null, 1, '2026-03-01T03:00:00Z', '00000000-0000-0000-0000-000000000099', 0, null, null, null, null),
    (2, '00000000-0000-0000-0000-000000000034', '00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000012',
     'step', 'what-is-immunotherapy', 0, 'skipped', 'unsubscribed', 0, null, null, 0, null, null, null, '2026-03-02T00:00:00Z'))
    as r (bucket, id, subscriber, enrollment, kind, step, occasion, state, reason, attempt, lease, node, uncertain, version,
        condition, run, settled);
insert into attempts values (1, '00000000-0000-0000-0000-000000000032', 1, '00000000-0000-0000-0000-000000000099', 'uncertain',
    null, 'the lease ran out while sending', '2026-03-01T02:00:00Z');
insert into suppressions values (3, 'three@example.org', 'no_such_user', null, null, '2026-03-01T00:00:00Z');
insert into runs (kind, series, who, why, detail, readers, at)
values ('send due', 'fighting-cancer-with-immunotherapy', 'an editor', 'a test', '{}', 1, '2026-03-01T00:00:00Z');
insert into admin_log (action, series, who, why, at)
values ('pause', 'fighting-cancer-with-immunotherapy', 'an editor', 'a test', '2026-03-01T00:00:00Z');
insert into step_totals values (1, 'fighting-cancer-with-immunotherapy', 'step', 'antibodies', 'accepted', '', false, 7);
insert into nodes values ('00000000-0000-0000-0000-000000000099', 'serve', '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z',
    '2026-03-01T00:00:00Z');
insert into test_sends values ('00000000-0000-0000-0000-000000000041', 'fighting-cancer-with-immunotherapy', 'antibodies',
    'lung', 'editor@example.org', 'an editor', 'a test', '2026-03-01T00:00:00Z', null, null, null);
";

/// What relays and domains are kept to.
const LIMITS: &str = "
insert into rate_limits values ('relay', 'second', 3.5, '2026-03-01T00:00:00Z', 10, null),
    ('domain', 'example.org', 0, '2026-03-01T00:00:00Z', 1, '2026-03-01T00:01:00Z');
insert into relay_days values ('second', '2026-02-28', 200, 10), ('second', '2026-03-01', 7, 7);
insert into slow_domains values ('example.org', 2, '2026-03-01T00:02:00Z');
";

/// What sign-ups were let in, what was refused, and publishers' tokens.
const GUARDS: &str = "
insert into guard_windows values ('network', '\\x00112233445566778899aabbccddeeff', '2026-03-01T12:00:00Z', 30, 10);
insert into guard_refusals values ('2026-03-01', 'trap', 7);
insert into spent_proofs values (decode(repeat('ab', 32), 'hex'), '2026-03-01T12:20:00Z');
insert into api_tokens values ('00000000-0000-0000-0000-000000000051', 'a publisher', 'sign_up', decode(repeat('cd', 32), 'hex'),
    '2026-03-01T00:00:00Z', '2026-03-01', null);
insert into consents (bucket, id, subscriber, enrollment, action, privacy_version, terms_version, channel, at, source, evidence)
values (1, '00000000-0000-0000-0000-000000000022', '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000011',
    'sign-up', '2026-01-01', '2026-01-01', 'publisher', '2026-03-01T01:00:00Z', 'a publisher', '{\"page\": \"https://example.org/\"}');
";

/// What readers say without saying who they are.
const VOICES: &str = "
insert into helpful_votes values ('fighting-cancer-with-immunotherapy', 'part', 'antibodies', '2026-03-01', 'yes', 7),
    ('fighting-cancer-with-immunotherapy', 'article', 'article', '2026-03-01', 'no', 0);
insert into survey_counts values ('fighting-cancer-with-immunotherapy', '2026-03-01', 'reason', 'patient', 3),
    ('fighting-cancer-with-immunotherapy', '2026-03-01', '', '', 3);
insert into spent_ballots values (decode(repeat('01', 32), 'hex'), '2026-03-01', 'yes'),
    (decode(repeat('02', 32), 'hex'), '2026-03-01', null);
";

/// Who runs the service, and what they did.
const ADMINS: &str = "
insert into admins values ('00000000-0000-0000-0000-000000000061', 'Ada@example.org', 'ada@example.org', 'Ada Example', 'owner',
    '$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA', '2026-03-01T00:00:00Z', '\\x0102', '2026-03-01T00:00:00Z', 7,
    '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z', null);
insert into admin_recovery_codes values ('00000000-0000-0000-0000-000000000061', decode(repeat('01', 32), 'hex'), null);
insert into admin_sessions values ('00000000-0000-0000-0000-000000000062', decode(repeat('02', 32), 'hex'),
    '00000000-0000-0000-0000-000000000061', false, '192.0.2.1', '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z',
    '2026-03-01T12:00:00Z');
insert into admin_links values (decode(repeat('03', 32), 'hex'), '00000000-0000-0000-0000-000000000061',
    '2026-03-01T01:00:00Z', null);
insert into admin_mails values ('00000000-0000-0000-0000-000000000063', '00000000-0000-0000-0000-000000000061', 'reset',
    '2026-03-01T00:00:00Z', null, 0, null, null);
insert into admin_attempts values ('pair', '\\x00112233445566778899aabbccddeeff', 7, '2026-03-01T00:00:00Z',
    '2026-03-01T00:00:02Z');
insert into admin_tokens values ('00000000-0000-0000-0000-000000000064', 'a program', decode(repeat('04', 32), 'hex'),
    '{figures,readers}', '00000000-0000-0000-0000-000000000061', '2026-03-01T00:00:00Z', null, null, null);
";

/// A run under way, for a list of readers.
const RUNS: &str = "
insert into runs (kind, series, who, why, detail, readers, at, state, counted_at, started_at)
values ('send next', 'fighting-cancer-with-immunotherapy', 'an editor', 'a test', '{}', 1, '2026-03-01T00:00:00Z', 'running',
    '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z');
insert into run_work (run, at_bucket) values (2, 1);
insert into run_readers values (1, 2, '00000000-0000-0000-0000-000000000001');
";

/// A table that a migration has replaced, the one that it was carried over to, and the columns' names in both.
const REPLACED: (&str, &str, [(&str, &str); 5]) = (
    "admin_log",
    "audit_log",
    [("at", "at"), ("action", "action"), ("series", "target"), ("who", "actor_name"), ("why", "reason")],
);

async fn execute(db: &PgPool, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(db).await.unwrap();
}

/// Each table with its rows as JSON, in a fixed order.
async fn all_rows(db: &PgPool) -> Vec<(String, Vec<Value>)> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select tablename::text from pg_tables where schemaname = 'public' and tablename <> '_sqlx_migrations' order by 1",
    )
    .fetch_all(db)
    .await
    .unwrap();
    let mut all = Vec::new();
    for table in tables {
        let sql = format!("select to_jsonb(t) from {table} t order by to_jsonb(t)::text");
        let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(db).await.unwrap();
        all.push((table, rows));
    }
    all
}

/// Applies the migrations up to `version`, as the binary of that time did.
async fn migrate_up_to(version: i64, db: &PgPool) {
    let all = Migrator::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).await.unwrap();
    let some = Migrator::with_migrations(all.iter().filter(|one| one.version <= version).cloned().collect());
    let mut connection = db.acquire().await.unwrap().detach();
    let mark = "select set_config('regimen.purpose', 'production', false), set_config('regimen.now', '2026-03-01T00:00:00Z', false)";
    sqlx::raw_sql(mark).execute(&mut connection).await.unwrap();
    some.run(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// New columns may have come; the old ones say what they said.
async fn all_are_kept(before: &[(String, Vec<Value>)], db: &PgPool) {
    let after = all_rows(db).await;
    for (table, rows) in before {
        let found = after.iter().find(|(name, _)| name == table);
        if let (None, (replaced, by, columns)) = (found, REPLACED)
            && table == replaced
        {
            let (_, now) = after.iter().find(|(name, _)| name == by).unwrap();
            for row in rows {
                let kept = |new: &Value| columns.iter().all(|(old, column)| new[column] == row[old]);
                assert!(now.iter().any(kept), "{table}: {row} was not carried over");
            }
            continue;
        }
        let (_, now) = found.unwrap_or_else(|| panic!("{table} is gone"));
        assert_eq!(now.len(), rows.len(), "{table}");
        for row in rows {
            let kept = |new: &Value| row.as_object().unwrap().iter().all(|(column, value)| new[column] == *value);
            assert!(now.iter().any(kept), "{table}: {row} is gone or was changed");
        }
    }
}

#[tokio::test]
async fn every_row_survives_all_later_migrations() {
    let db = database::connect(&database::empty().await);
    let mut rows = Vec::new();
    for (version, more) in FILLED {
        migrate_up_to(version, &db).await;
        all_are_kept(&rows, &db).await;
        execute(&db, more).await;
        rows = all_rows(&db).await;
    }
    for _ in 0..2 {
        installation::migrate(&db, Purpose::Production, Clock::system().real()).await.unwrap();
        all_are_kept(&rows, &db).await;
    }
    installation::check(&db, Purpose::Production).await.unwrap();
    for (table, rows) in all_rows(&db).await {
        assert!(
            !rows.is_empty(),
            "{table} is empty, so the next migration would be tried on nothing: add its rows to FILLED"
        );
    }
}

/// Whether the schema is there, and what it is for.
async fn mark(db: &PgPool) -> Option<String> {
    if !installation::is_installed(db).await.unwrap() {
        return None;
    }
    Some(sqlx::query_scalar("select purpose from installation").fetch_one(db).await.unwrap())
}

#[tokio::test]
async fn a_first_migration_that_fails_half_way_leaves_nothing_and_succeeds_later() {
    let db = database::connect(&database::empty().await);
    // The name of the table that the migration makes last is taken.
    execute(&db, "create table test_sends (number int)").await;
    let now = Clock::system().real();
    let failed = installation::migrate(&db, Purpose::Production, now).await.unwrap_err();
    assert!(matches!(failed, SchemaError::Migrate(_)), "{failed}");
    assert_eq!(mark(&db).await, None);
    until("its lock is given back, so that others can migrate", async || {
        let locks: i64 = sqlx::query_scalar(
            "select count(*) from pg_locks where locktype = 'advisory'
               and database = (select oid from pg_database where datname = current_database())",
        )
        .fetch_one(&db)
        .await
        .unwrap();
        (locks == 0).then_some(())
    })
    .await;
    execute(&db, "drop table test_sends").await;
    installation::migrate(&db, Purpose::Production, now).await.unwrap();
    assert_eq!(mark(&db).await.as_deref(), Some("production"));
}

/// `command` is killed when it has made all tables but the last, and waits for that.
async fn killed_half_way(database_url: &str, environment: &Environment, command: &[&str]) {
    let mut holder = PgConnection::connect(database_url).await.unwrap();
    let mut tx = holder.begin().await.unwrap();
    sqlx::raw_sql("create table test_sends (number int)").execute(&mut *tx).await.unwrap();
    let process = Process::start(command, environment);
    let db = database::connect(database_url);
    until("the migration waits", async || {
        let waiting: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        )
        .fetch_one(&db)
        .await
        .unwrap();
        (waiting == 1).then_some(())
    })
    .await;
    let ended = process.kill();
    tx.rollback().await.unwrap();
    holder.close().await.unwrap();
    until("its connections are gone", async || {
        let others: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'regimen'
               and pid <> pg_backend_pid() and state <> 'idle'",
        )
        .fetch_one(&db)
        .await
        .unwrap();
        (others == 0).then_some(())
    })
    .await;
    assert_eq!(ended.code, None, "it was killed");
    assert_eq!(mark(&db).await, None, "all or nothing");
    db.close().await;
}

#[tokio::test]
async fn a_first_migration_that_is_killed_half_way_leaves_a_database_that_either_kind_may_take() {
    let database_url = database::empty().await;
    let environment = Environment::bare().with("DATABASE_URL", &database_url);
    killed_half_way(&database_url, &environment, &["migrate"]).await;
    // Nothing but an empty list of migrations is left, so that a demo may have it, too.
    let folder = crate::support::process::Folder::new();
    let demo = ["demo", "--day", "1s", "--port", "0", "--inbox-port", "0", "--data-dir", folder.text()];
    killed_half_way(&database_url, &environment, &demo).await;
    let mut process = Process::start(&demo, &environment);
    process.demo().await;
    let db = database::connect(&database_url);
    assert_eq!(mark(&db).await.as_deref(), Some("demo"));
    assert_eq!(process.stop(Signal::TERM).await.code, Some(0));
    let refused = Process::run(&["migrate"], &environment).await;
    assert!(refused.code == Some(1) && refused.err.contains("marked demo"), "{}", refused.err);
}

#[tokio::test]
async fn two_that_migrate_at_once_make_one_schema() {
    let database_url = database::empty().await;
    let environment = Environment::bare().with("DATABASE_URL", &database_url);
    let (one, other) = tokio::join!(Process::run(&["migrate"], &environment), Process::run(&["migrate"], &environment));
    assert_eq!((one.code, other.code), (Some(0), Some(0)), "{} {}", one.err, other.err);
    assert_eq!(mark(&database::connect(&database_url)).await.as_deref(), Some("production"));
}
