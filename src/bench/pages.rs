//! The admins' pages with few readers and with many: how long each takes, and how much longer.
use std::net::SocketAddr;
use std::time::Instant;

use anyhow::ensure;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::ground::{Database, Ground};
use super::readers::{Due, load};
use super::report::median;
use super::subscribe::answer;
use super::{Bench, line};

/// With so many readers the pages are measured first.
const FEW: usize = 1_000;
/// How often each page is asked for.
const TIMES: usize = 21;

/// What the readers have had: the parts before the one that is owed, over the last month, each with its attempt. One part
/// is there already, so this makes five deliveries of a reader.
const HISTORY: &str = "
    insert into deliveries (bucket, id, subscriber, enrollment, series, kind, step, occasion, state, due_at, attempt,
                            created_at, settled_at, series_settled_at)
    select e.bucket, gen_random_uuid(), e.subscriber, e.id, e.series, 'step', 'had-' || part, 0, 'accepted',
           e.created_at - part * interval '5 days', 1, e.created_at - part * interval '5 days',
           e.created_at - part * interval '5 days' + interval '2 seconds',
           e.created_at - part * interval '5 days' + interval '2 seconds'
    from enrollments e cross join generate_series(1, 4) as part
    where not exists (select from deliveries d where d.bucket = e.bucket and d.enrollment = e.id and d.step = 'had-1');
    update enrollments set state = 'unsubscribed', ended_at = created_at
    where get_byte(decode(md5(id::text), 'hex'), 0) < 3 and state = 'active';
    vacuum analyze deliveries; vacuum analyze enrollments;";

/// A run to a tenth of the readers that goes on: half of its mails were accepted, the others wait.
const RUN: &str = "
    insert into runs (kind, series, who, why, detail, readers, at, counted_at, started_at, state)
    select 'send next', min(series), 'an owner', 'a measurement',
           '{\"who\":{\"choice\":\"due_within\",\"seconds\":86400},\"what\":{\"choice\":\"next\"}}',
           count(*), max(created_at), max(created_at), max(created_at), 'running'
    from enrollments where get_byte(decode(md5(id::text), 'hex'), 1) < 26;
    insert into run_work (run, at_bucket, placed) select id, 64, readers from runs where id not in (select run from run_work);
    update deliveries d set run = (select max(id) from runs) from enrollments e
    where e.bucket = d.bucket and e.id = d.enrollment and get_byte(decode(md5(e.id::text), 'hex'), 1) < 26
      and (d.step = 'had-1' or d.state = 'pending');
    vacuum analyze deliveries;";

/// Each page's median with [`FEW`] readers and with `many`; the line is the slowest of the latter.
pub(super) async fn pages(bench: &mut Bench, ground: &Ground, many: usize) -> anyhow::Result<()> {
    let database = ground.database().await?;
    let few = measure(bench, ground, &database, 0..FEW).await?;
    let much = measure(bench, ground, &database, FEW..many).await?;
    for (name, before) in &few {
        let Some((_, after)) = much.iter().find(|(other, _)| other == name) else { continue };
        bench.say(&format!(
            "{name}: {before:.1} ms with {FEW} readers, {after:.1} ms with {many}: {:.1} times",
            after / before
        ));
    }
    let slowest = much.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let (name, slowest) = slowest.map_or(("none", 0.0), |(name, millis)| (*name, *millis));
    let deliveries =
        sqlx::query_scalar!(r#"select count(*) as "deliveries!" from deliveries"#).fetch_one(&database.pool).await?;
    let note =
        format!("{name}, of {} pages; {many} readers, {deliveries} deliveries, each page {TIMES} times", much.len());
    bench.put(line("admin-pages").alone(slowest, note));
    Ok(())
}

async fn measure(
    bench: &Bench,
    ground: &Ground,
    database: &Database,
    numbers: std::ops::Range<usize>,
) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let (began, last) = (Instant::now(), numbers.end - 1);
    load(ground, database, numbers, Due::Later, |_| {}).await?;
    for statement in HISTORY.split(';').chain(RUN.split(';')).filter(|statement| !statement.trim().is_empty()) {
        sqlx::raw_sql(statement).execute(&database.pool).await?;
    }
    bench.say(&format!("{} readers and what they had loaded in {:.0} s", last + 1, began.elapsed().as_secs_f64()));
    let cookie = sign_in(ground, database).await?;
    let (web, address) = ground.web(database).await?;
    let mut all = Vec::new();
    for (name, path) in paths(ground, database, last).await? {
        all.push((name, page(address, &cookie, &path).await?));
    }
    web.stop().await?;
    Ok(all)
}

/// Every page that reads the big tables, and what is looked for in them.
async fn paths(ground: &Ground, database: &Database, last: usize) -> anyhow::Result<Vec<(&'static str, String)>> {
    let find = |part: &str| ground.keyring.seal_search(part, ground.clock.random_bytes());
    let reader = sqlx::query!("select bucket, id from subscribers order by bucket, id limit 1 offset 500");
    let reader = reader.fetch_one(&database.pool).await?;
    let after = format!("{}.{}", ground.clock.real().timestamp_micros() - 3 * 86_400_000_000, reader.id.simple());
    let run: i64 = sqlx::query_scalar("select max(id) from runs").fetch_one(&database.pool).await?;
    let (series, step) = (&ground.series.slug, &ground.series.steps[1].key);
    Ok(vec![
        ("the overview", "/admin".into()),
        ("readers", "/admin/readers".into()),
        ("readers, a later page", format!("/admin/readers?after={after}")),
        ("readers who left", "/admin/readers?state=unsubscribed".into()),
        ("readers of a domain", format!("/admin/readers?find={}", find("@mail7.example.org"))),
        ("one reader by a part of the address", format!("/admin/readers?find={}", find(&format!("reader{last}@")))),
        ("nobody by a part of the address", format!("/admin/readers?find={}", find("no-such-reader"))),
        ("readers by the part that comes next", format!("/admin/readers?next={step}")),
        ("nobody by the part that comes next", format!("/admin/readers?next={}", ground.series.steps[4].key)),
        ("nobody by the number of parts", "/admin/readers?parts=6".into()),
        ("a reader", format!("/admin/readers/{}.{}", reader.bucket, reader.id.simple())),
        ("the audit log", "/admin/audit".into()),
        ("the runs", "/admin/runs".into()),
        ("a run that goes on", format!("/admin/runs/{run}")),
        ("the series", format!("/admin/series/{series}")),
        ("what would change", "/admin/series-changes".into()),
        ("a part's preview", format!("/admin/series/{series}/steps/{step}")),
        ("a rehearsal", format!("/admin/series/{series}/rehearsal")),
    ])
}

/// An owner and a session, as a sign-in would have written them. Answers the cookie.
async fn sign_in(ground: &Ground, database: &Database) -> anyhow::Result<String> {
    let (now, token) = (ground.clock.real(), BASE64_URL_SAFE_NO_PAD.encode(ground.clock.random_bytes::<32>()));
    let (admin, name) = (ground.clock.uuid(), format!("owner-{}@example.org", ground.clock.uuid().simple()));
    sqlx::query!(
        "insert into admins (id, address, normalised, name, role, created_at) values ($1, $2, $2, 'An owner', 'owner', $3)",
        admin,
        name,
        now
    )
    .execute(&database.pool)
    .await?;
    let hash = Sha256::digest(token.as_bytes());
    sqlx::query!(
        "insert into admin_sessions (id, hash, admin, waits, origin, begun_at, seen_at, ends_at)
         values ($1, $2, $3, false, '127.0.0.1', $4, $4, $5)",
        ground.clock.uuid(),
        hash.as_slice(),
        admin,
        now,
        now + chrono::TimeDelta::hours(1)
    )
    .execute(&database.pool)
    .await?;
    Ok(format!("__Host-regimen={token}"))
}

/// The median of [`TIMES`] on one connection, in milliseconds. The first is not counted: it makes the plans, and on the
/// overview it counts what the others are shown.
async fn page(address: SocketAddr, cookie: &str, path: &str) -> anyhow::Result<f64> {
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    let request = format!("GET {path} HTTP/1.1\r\nHost: series.example.org\r\nCookie: {cookie}\r\n\r\n");
    let mut millis = Vec::new();
    for time in 0..=TIMES {
        let began = Instant::now();
        stream.get_mut().write_all(request.as_bytes()).await?;
        let (status, _) = answer(&mut stream).await?;
        ensure!(status == 200, "a page answered {status}");
        if time > 0 {
            millis.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    Ok(median(&millis))
}
