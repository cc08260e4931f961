//! One dispatcher and one sink on one database, and runs of mails through them whose books are looked at afterwards.
use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::child::Program;
use super::ground::{Database, Ground};
use super::keys::Signing;
use super::readers::{self, Due, Owed};
use super::report::per_second;
use super::sink::{Report, SinkOptions};
use super::sink_process::{SinkProcess, Taken};

pub(super) struct Rig<'a> {
    pub(super) ground: &'a Ground,
    pub(super) database: Database,
    pub(super) sink: SinkProcess,
    pub(super) dispatch: Program,
    /// The number of the next reader.
    next: usize,
}

/// How a rig is set up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setup {
    pub(super) connections: usize,
    pub(super) signing: Signing,
    pub(super) sink: SinkOptions,
}

/// One run of mails.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// From the commit that made the work due to the last mail that the sink took.
    pub(super) rate: f64,
    pub(super) sink: Report,
    pub(super) books: Books,
}

/// What the sink and the tables say of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Books {
    pub(super) mails: u64,
    /// Owed, and the sink never saw it.
    pub(super) lost: u64,
    pub(super) doubled: u64,
    /// Not `accepted` in the table, or without a successor.
    pub(super) open: u64,
}

impl Books {
    pub(super) fn wrong(&self) -> u64 {
        self.lost + self.doubled + self.open
    }

    pub(super) fn add(&mut self, other: Self) {
        self.mails += other.mails;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.open += other.open;
    }
}

impl<'a> Rig<'a> {
    /// A new database, a sink and a dispatcher that has nothing to do yet.
    pub(super) async fn start(ground: &'a Ground, setup: Setup) -> anyhow::Result<Self> {
        Self::start_on(ground, ground.database().await?, 0, setup).await
    }

    /// The same on a database that already has `readers`.
    pub(super) async fn start_on(
        ground: &'a Ground,
        database: Database,
        readers: usize,
        setup: Setup,
    ) -> anyhow::Result<Self> {
        let sink = ground.sink(setup.sink)?;
        let dispatch = ground.dispatch(&database, sink.port(), setup.connections, setup.signing).await?;
        Ok(Self { ground, database, sink, dispatch, next: readers })
    }

    /// Opens the connections, warms what is lazily made, and answers the octets of a mail.
    pub(super) async fn warm_up(&mut self, mails: usize) -> anyhow::Result<usize> {
        let run = self.run(mails).await?;
        Ok(usize::try_from(run.sink.octets / run.sink.mails.max(1))?)
    }

    /// Sends to new readers, who all fall due with one commit.
    pub(super) async fn run(&mut self, mails: usize) -> anyhow::Result<Run> {
        sqlx::raw_sql("checkpoint").execute(&self.database.pool).await?;
        self.sink.reset()?;
        let numbers = self.take(mails);
        let due = Due::At(self.ground.clock.real());
        let (owed, at) = readers::load_at_once(self.ground, &self.database, numbers, due).await?;
        self.follow(&owed, at).await
    }

    /// The numbers of so many new readers.
    pub(super) fn take(&mut self, readers: usize) -> std::ops::Range<usize> {
        self.next += readers;
        self.next - readers..self.next
    }

    /// Sends to readers who are there and owed something later.
    pub(super) async fn run_with(&mut self, owed: &[Owed]) -> anyhow::Result<Run> {
        sqlx::raw_sql("checkpoint").execute(&self.database.pool).await?;
        self.sink.reset()?;
        let at = readers::make_due(self.ground, &self.database, owed).await?;
        self.follow(owed, at).await
    }

    /// Waits until the sink has all that is owed since `at`, then closes the books.
    pub(super) async fn follow(&mut self, owed: &[Owed], at: DateTime<Utc>) -> anyhow::Result<Run> {
        let mails = owed.len() as u64;
        let sink = self.sink.wait_for(mails, patience(mails), &mut self.dispatch).await?;
        let took = u64::try_from(sink.last_at - at.timestamp_micros()).unwrap_or(0);
        let rate = per_second(mails, Duration::from_micros(took));
        let books = self.close_books(owed).await?;
        Ok(Run { rate, sink, books })
    }

    /// Looks for what is lost, doubled or not settled, once the last settle had time to be written.
    pub(super) async fn close_books(&mut self, owed: &[Owed]) -> anyhow::Result<Books> {
        let began = Instant::now();
        let mut open = self.open_in(owed).await?;
        while open > 0 && began.elapsed() < Duration::from_secs(30) {
            self.dispatch.must_run()?;
            tokio::time::sleep(Duration::from_millis(50)).await;
            open = self.open_in(owed).await?;
        }
        let doubled = self.sink.report()?.doubled;
        let taken = self.sink.taken()?;
        Ok(Books { mails: owed.len() as u64, lost: missing(owed, &taken), doubled, open })
    }

    /// How many of these are not accepted with exactly one accepted attempt, or have no next step.
    async fn open_in(&self, owed: &[Owed]) -> anyhow::Result<u64> {
        let mut open = 0;
        // So few at a time that PostgreSQL looks each up by its key.
        for some in owed.chunks(1_000) {
            open += self.open_in_some(some).await?;
        }
        Ok(open)
    }

    async fn open_in_some(&self, owed: &[Owed]) -> anyhow::Result<u64> {
        let buckets: Vec<i16> = owed.iter().map(|one| one.bucket).collect();
        let ids: Vec<uuid::Uuid> = owed.iter().map(|one| one.id).collect();
        let closed = sqlx::query_scalar!(
            r#"select count(*) as "closed!" from unnest($1::smallint[], $2::uuid[]) as one (bucket, id)
               join deliveries d on d.bucket = one.bucket and d.id = one.id and d.state = 'accepted'
               where exists (select from deliveries n where n.bucket = d.bucket and n.enrollment = d.enrollment
                       and n.kind = 'step' and n.step is distinct from d.step)
                 and (select count(*) from attempts a where a.bucket = d.bucket and a.delivery = d.id
                       and a.outcome = 'accepted') = 1"#,
            &buckets,
            &ids
        )
        .fetch_one(&self.database.pool)
        .await?;
        Ok(owed.len() as u64 - u64::try_from(closed)?)
    }

    /// Ends the dispatcher in order; the database stays.
    pub(super) async fn stop(self) -> anyhow::Result<Database> {
        self.dispatch.stop().await?;
        Ok(self.database)
    }
}

/// Owed mails that are not among the taken ones.
pub(super) fn missing(owed: &[Owed], taken: &[Taken]) -> u64 {
    let taken: HashSet<u128> = taken.iter().map(|(id, _)| *id).collect();
    owed.iter().filter(|one| !taken.contains(&one.id.as_u128())).count() as u64
}

/// Far longer than it should take, on a machine with much else to do.
pub(super) fn patience(mails: u64) -> Duration {
    Duration::from_secs(60 + mails / 50)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_the_sink_never_saw_is_lost() {
        let owed: Vec<Owed> = (1..=3)
            .map(|number| Owed { bucket: 0, id: Uuid::from_u128(number), due_at: DateTime::<Utc>::MIN_UTC })
            .collect();
        assert_eq!(missing(&owed, &[(1, 0), (3, 0), (9, 0), (1, 0)]), 1);
        assert_eq!(missing(&owed, &[(1, 0), (2, 0), (3, 0)]), 0);
    }
}
