//! Readers by the hundred thousand: confirmed, past their first step, with the second one owed, so that a settle has a
//! successor to write. Rows and seals are made here, on several cores, and go in by COPY.
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::ground::{Database, Ground};
use crate::content::Series;
use crate::model::{Bucket, EmailAddress};
use crate::seal::Keyring;
use crate::store;

/// When the step that a reader is owed falls due.
#[derive(Debug, Clone, Copy)]
pub(super) enum Due {
    At(DateTime<Utc>),
    /// Evenly from a time on.
    Spread {
        from: DateTime<Utc>,
        over: TimeDelta,
    },
    /// In three days to a month.
    Later,
}

/// A delivery that is owed, where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owed {
    pub(super) bucket: i16,
    pub(super) id: Uuid,
    pub(super) due_at: DateTime<Utc>,
}

/// Readers of one transaction.
const CHUNK: usize = 25_000;
/// Zones that differ, also in when they change their clocks.
const ZONES: [&str; 6] =
    ["America/New_York", "America/Los_Angeles", "Europe/Berlin", "Europe/London", "Asia/Tokyo", "UTC"];
/// Readers are spread over so many domains.
const DOMAINS: usize = 20;

/// Loads readers whose numbers are `numbers`, in one transaction that also wakes the dispatchers, so that the work is there
/// at one instant. Answers what is owed, and when it was committed.
pub(super) async fn load_at_once(
    ground: &Ground,
    database: &Database,
    numbers: Range<usize>,
    due: Due,
) -> anyhow::Result<(Vec<Owed>, DateTime<Utc>)> {
    let mut connection = loader(database).await?;
    let mut tx = connection.begin().await?;
    let mut owed = Vec::with_capacity(numbers.len());
    for chunk in chunks(&numbers) {
        let rows = Maker::new(ground, numbers.clone(), due);
        let rows = tokio::task::spawn_blocking(move || rows.make(chunk)).await??;
        copy(&mut tx, &rows).await?;
        owed.extend(rows.owed);
    }
    sqlx::raw_sql("analyze subscribers, enrollments, deliveries").execute(&mut *tx).await?;
    store::wake(&mut *tx).await?;
    tx.commit().await?;
    let at = ground.clock.real();
    connection.close().await?;
    Ok((owed, at))
}

/// Loads many readers on all cores, then does what autovacuum would have done long ago.
pub(super) async fn load(
    ground: &Ground,
    database: &Database,
    numbers: Range<usize>,
    due: Due,
    mut progress: impl FnMut(usize),
) -> anyhow::Result<Vec<Owed>> {
    let workers = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let mut waiting = chunks(&numbers);
    let mut tasks = JoinSet::new();
    let mut owed = Vec::with_capacity(numbers.len());
    loop {
        while tasks.len() < workers
            && let Some(chunk) = waiting.next()
        {
            let (maker, mut connection) = (Maker::new(ground, numbers.clone(), due), loader(database).await?);
            tasks.spawn(async move {
                let rows = tokio::task::spawn_blocking(move || maker.make(chunk)).await??;
                let mut tx = connection.begin().await?;
                copy(&mut tx, &rows).await?;
                tx.commit().await?;
                connection.close().await?;
                anyhow::Ok(rows.owed)
            });
        }
        let Some(done) = tasks.join_next().await else { break };
        owed.extend(done??);
        progress(owed.len());
    }
    sqlx::raw_sql("vacuum analyze subscribers, enrollments, deliveries").execute(&database.pool).await?;
    sqlx::raw_sql("checkpoint").execute(&database.pool).await?;
    Ok(owed)
}

fn chunks(numbers: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
    let end = numbers.end;
    numbers.clone().step_by(CHUNK).map(move |start| start..end.min(start + CHUNK))
}

/// A connection that does not look foreign keys up: the rows are made to fit.
async fn loader(database: &Database) -> anyhow::Result<PgConnection> {
    let mut connection = PgConnection::connect_with(&database.pool.connect_options()).await?;
    sqlx::raw_sql("set session_replication_role = replica").execute(&mut connection).await?;
    Ok(connection)
}

/// Rows in COPY's text form.
struct Rows {
    subscribers: String,
    enrollments: String,
    deliveries: String,
    owed: Vec<Owed>,
}

async fn copy(connection: &mut PgConnection, rows: &Rows) -> anyhow::Result<()> {
    for (statement, rows) in [
        ("copy subscribers (bucket, id, address, normalised, created_at) from stdin", &rows.subscribers),
        (
            "copy enrollments (bucket, id, subscriber, series, state, condition, zone, done_steps, created_at,
                requested_at, confirmed_at) from stdin",
            &rows.enrollments,
        ),
        (
            "copy deliveries (bucket, id, subscriber, enrollment, series, kind, step, due_at, created_at) from stdin",
            &rows.deliveries,
        ),
    ] {
        let mut writer = connection.copy_in_raw(statement).await?;
        writer.send(rows.as_bytes()).await?;
        writer.finish().await?;
    }
    Ok(())
}

/// Makes rows; it needs nothing but processor time.
struct Maker {
    keyring: Keyring,
    series: Arc<Series>,
    now: DateTime<Utc>,
    random: StdRng,
    numbers: Range<usize>,
    due: Due,
}

impl Maker {
    fn new(ground: &Ground, numbers: Range<usize>, due: Due) -> Self {
        Self {
            keyring: ground.keyring.clone(),
            series: ground.series.clone(),
            now: ground.clock.real(),
            random: StdRng::from_seed(ground.clock.random_bytes()),
            numbers,
            due,
        }
    }

    /// The chunk's readers, bucket by bucket: within a chunk as an index likes it, over all chunks as they would have come.
    fn make(mut self, chunk: Range<usize>) -> anyhow::Result<Rows> {
        let mut readers = Vec::with_capacity(chunk.len());
        for number in chunk {
            let address = format!("reader{number}@mail{}.example.org", number % DOMAINS);
            readers.push((EmailAddress::parse(&address)?.bucket(), number, address));
        }
        readers.sort_unstable_by_key(|(bucket, number, _)| (bucket.get(), *number));
        let room = readers.len() * 300;
        let mut rows = Rows {
            subscribers: String::with_capacity(room),
            enrollments: String::with_capacity(2 * room),
            deliveries: String::with_capacity(room),
            owed: Vec::with_capacity(readers.len()),
        };
        for (bucket, number, address) in readers {
            self.reader(&mut rows, bucket, number, &address)?;
        }
        Ok(rows)
    }

    fn reader(&mut self, rows: &mut Rows, bucket: Bucket, number: usize, address: &str) -> anyhow::Result<()> {
        let bucket = bucket.get();
        let joined = self.now - TimeDelta::days(3) + TimeDelta::milliseconds(i64::try_from(number)?);
        let (subscriber, enrollment, delivery) = (self.id(joined), self.id(joined), self.id(joined));
        let conditions = &self.series.conditions;
        let condition = &conditions[self.random.random_range(0..conditions.len())].key;
        let sealed = self.keyring.seal(condition, subscriber, self.random.random());
        let series = self.series.clone();
        let slug = &series.slug;
        let [first, second, ..] = series.steps.as_slice() else { anyhow::bail!("the series has two steps") };
        let due_at = self.due_at(number);
        let zone = ZONES[number % ZONES.len()];
        let (joined, due) = (text(joined), text(due_at));
        writeln!(rows.subscribers, "{bucket}\t{subscriber}\t{address}\t{address}\t{joined}")?;
        write!(rows.enrollments, "{bucket}\t{enrollment}\t{subscriber}\t{slug}\tactive\t\\\\x")?;
        for octet in &sealed {
            write!(rows.enrollments, "{octet:02x}")?;
        }
        writeln!(rows.enrollments, "\t{zone}\t{{{}}}\t{joined}\t{joined}\t{joined}", first.key)?;
        let what = format!("{slug}\tstep\t{}", second.key);
        writeln!(rows.deliveries, "{bucket}\t{delivery}\t{subscriber}\t{enrollment}\t{what}\t{due}\t{joined}")?;
        rows.owed.push(Owed { bucket, id: delivery, due_at });
        Ok(())
    }

    fn id(&mut self, at: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.random.random()).into_uuid()
    }

    fn due_at(&mut self, number: usize) -> DateTime<Utc> {
        match self.due {
            Due::At(at) => at,
            Due::Spread { from, over } => {
                let place = (number - self.numbers.start) as u64;
                let micros = over.num_microseconds().unwrap_or(0).unsigned_abs();
                let share = u128::from(micros) * u128::from(place) / self.numbers.len().max(1) as u128;
                from + TimeDelta::microseconds(i64::try_from(share).unwrap_or(0))
            }
            Due::Later => self.now + TimeDelta::seconds(self.random.random_range(3 * 86_400..30 * 86_400)),
        }
    }
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Makes deliveries that are owed later due now, in one transaction that wakes the dispatchers. Answers when.
pub(super) async fn make_due(ground: &Ground, database: &Database, owed: &[Owed]) -> anyhow::Result<DateTime<Utc>> {
    let buckets: Vec<i16> = owed.iter().map(|one| one.bucket).collect();
    let ids: Vec<Uuid> = owed.iter().map(|one| one.id).collect();
    let mut tx = database.pool.begin().await?;
    let now = ground.clock.real();
    let changed = sqlx::query!(
        "update deliveries d set due_at = $3 from unnest($1::smallint[], $2::uuid[]) as one (bucket, id)
         where d.bucket = one.bucket and d.id = one.id",
        &buckets,
        &ids,
        now
    )
    .execute(&mut *tx)
    .await?;
    anyhow::ensure!(
        changed.rows_affected() == owed.len() as u64,
        "not all of the deliveries were there to be made due"
    );
    store::wake(&mut *tx).await.context("the dispatchers cannot be woken")?;
    tx.commit().await?;
    Ok(ground.clock.real())
}
