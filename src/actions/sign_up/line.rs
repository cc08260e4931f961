//! The line in which sign-ups of new addresses wait for their commit.
//!
//! An idle service writes each at once. While the writers are busy what comes in waits, and a writer that is free takes
//! all that waits, up to a limit, and writes it in one statement: the busier it is, the more share a commit. Each request
//! is answered after the commit that holds its row, and from its own row: when a statement fails, each of its rows is
//! written alone. The line is bounded, and so are the connections: more than it can hold is refused at the door.
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, PgConnection, Postgres};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use super::Limits;
use crate::actions::webhooks::tell;
use crate::actions::{ActionError, Service};
use crate::model::Event;
use crate::store::queue::Hands;
use crate::store::sign_up::{NewSignUp, Written, is_written, write};

type Answer = Result<Written, ActionError>;
type Connection = PoolConnection<Postgres>;

/// How long a statement may take before its connection is taken for dead.
const PATIENCE: Duration = Duration::from_secs(10);
/// NOTIFY makes commits wait for each other, so there is one for all that is written in this time.
const BETWEEN_WAKES: Duration = Duration::from_millis(20);

/// What waits to be written, and who writes.
pub struct Line {
    limits: Limits,
    state: Mutex<State>,
    writers: TaskTracker,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// The number of the next to come.
    next: u64,
    writing: usize,
}

struct Waiting {
    number: u64,
    since: Instant,
    row: NewSignUp,
    answer: oneshot::Sender<Answer>,
}

impl Line {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, state: Mutex::default(), writers: TaskTracker::new() }
    }

    /// Writes `row` if its address is new, and answers after the commit.
    pub(super) async fn write(&self, service: &Service, row: NewSignUp) -> Answer {
        let (number, mut answer) = self.enter(service, row)?;
        let lost = |_| ActionError::Database(sqlx::Error::WorkerCrashed);
        tokio::select! {
            answer = &mut answer => return answer.unwrap_or_else(|error| Err(lost(error))),
            () = sleep(self.limits.longest_wait) => {}
        }
        if self.leave(number) {
            return Err(ActionError::Busy);
        }
        // It is being written: only its writer can say what became of it.
        match timeout(2 * PATIENCE, answer).await {
            Ok(answer) => answer.unwrap_or_else(|error| Err(lost(error))),
            Err(_) => Err(ActionError::Database(sqlx::Error::PoolTimedOut)),
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// Waits until nothing is being written. What is still waiting is written first.
    pub(super) async fn finished(&self) {
        self.writers.close();
        self.writers.wait().await;
    }

    /// Takes a place, and sees to it that somebody writes.
    fn enter(&self, service: &Service, row: NewSignUp) -> Result<(u64, oneshot::Receiver<Answer>), ActionError> {
        let mut state = self.state();
        let stuck = state.waiting.front().is_some_and(|first| first.since.elapsed() >= self.limits.longest_wait);
        if stuck || state.waiting.len() >= self.limits.most_waiting {
            return Err(ActionError::Busy);
        }
        let (answer, answered) = oneshot::channel();
        let number = state.next;
        state.next += 1;
        state.waiting.push_back(Waiting { number, since: Instant::now(), row, answer });
        if state.writing < self.limits.writers() {
            state.writing += 1;
            // A task of its own: a client that goes away takes only its own request with it.
            self.writers.spawn(run_writer(service.clone()));
        }
        Ok((number, answered))
    }

    /// Gives the place up. Answers false when the row is being written already.
    fn leave(&self, number: u64) -> bool {
        let mut state = self.state();
        let place = state.waiting.iter().position(|one| one.number == number);
        place.is_some_and(|place| state.waiting.remove(place).is_some())
    }

    /// The next batch, in the order in which its rows must be written. When nothing waits and nothing is left to say the
    /// writer ends. Without a connection nothing is taken.
    fn take(&self, writer: &mut Writer<'_>) -> Option<Vec<Waiting>> {
        let mut state = self.state();
        if state.waiting.is_empty() && !(writer.unsaid && writer.connection.is_some()) {
            writer.end(&mut state);
            return None;
        }
        if state.waiting.is_empty() || writer.connection.is_none() {
            return None;
        }
        let most = self.limits.written_together.min(state.waiting.len());
        let mut batch: Vec<Waiting> = state.waiting.drain(..most).collect();
        drop(state);
        batch.sort_by(|one, other| one.row.order().cmp(&other.row.order()));
        Some(batch)
    }

    /// All that waits gets this answer.
    fn refuse_all(&self) {
        let refused: Vec<Waiting> = self.state().waiting.drain(..).collect();
        for one in refused {
            one.answer.send(Err(ActionError::Database(sqlx::Error::PoolTimedOut))).ok();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that writes, from the first that waits to the last. It holds one connection.
async fn run_writer(service: Service) {
    let line = &service.sign_ups().line;
    let mut writer = Writer { line, service: &service, connection: None, unsaid: false, said: None, ended: false };
    loop {
        // Before anything is taken: what waits for a connection can still give up and go.
        if let Err(error) = writer.connect().await {
            tracing::warn!(%error, "there is no database connection for sign-ups; those that wait are refused");
            line.refuse_all();
        }
        match line.take(&mut writer) {
            Some(batch) => writer.write_together(batch).await,
            None if writer.ended => return,
            None => writer.wake_others().await,
        }
    }
}

struct Writer<'a> {
    line: &'a Line,
    service: &'a Service,
    connection: Option<Connection>,
    /// Whether something was written of which the other processes have not heard.
    unsaid: bool,
    said: Option<Instant>,
    ended: bool,
}

impl Writer<'_> {
    async fn connect(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        if self.connection.is_none() {
            self.connection = Some(self.service.db().acquire().await?);
        }
        self.connection.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    async fn write_together(&mut self, batch: Vec<Waiting>) {
        let rows: Vec<&NewSignUp> = batch.iter().map(|one| &one.row).collect();
        match self.statement(&rows).await {
            Ok(written) => {
                for (one, written) in batch.into_iter().zip(written) {
                    self.answer(one, Ok(written));
                }
            }
            Err(error) => {
                tracing::warn!(%error, rows = batch.len(), "sign-ups could not be written together; each is written alone");
                self.write_each(batch).await;
            }
        }
        if self.said.is_none_or(|said| said.elapsed() >= BETWEEN_WAKES) {
            self.wake_others().await;
        }
    }

    async fn write_each(&mut self, batch: Vec<Waiting>) {
        let mut away = false;
        for one in batch {
            let written = if away { Err(sqlx::Error::PoolTimedOut) } else { self.write_alone(&one.row).await };
            self.answer(one, written.map_err(ActionError::from));
            // Without this each of the others would wait as long for nothing.
            away = away || self.connect().await.is_err();
        }
    }

    /// After a failure nobody may know whether the row was written: this asks first.
    async fn write_alone(&mut self, row: &NewSignUp) -> Result<Written, sqlx::Error> {
        let connection = self.connect().await?;
        match within_patience(is_written(connection, row)).await {
            Ok(true) => Ok(Written::New),
            Ok(false) => Ok(self.statement(&[row]).await?.first().copied().unwrap_or(Written::Known)),
            Err(error) => {
                self.hang_up();
                Err(error)
            }
        }
    }

    async fn statement(&mut self, rows: &[&NewSignUp]) -> Result<Vec<Written>, sqlx::Error> {
        let (service, hands) = (self.service.clone(), self.service.hands());
        let connection = self.connect().await?;
        let written = within_patience(write_and_tell(&service, connection, rows, hands)).await;
        // A row that PostgreSQL refuses leaves the connection as it was; after all else it is not to be trusted.
        if let Err(error) = &written
            && error.as_database_error().is_none_or(|error| error.code().is_some_and(|code| code.starts_with("57P")))
        {
            self.hang_up();
        }
        written
    }

    fn answer(&mut self, one: Waiting, written: Answer) {
        if matches!(written, Ok(Written::New)) {
            self.unsaid = true;
            self.service.wake_dispatcher();
        }
        // Whoever has gone away has signed up all the same.
        one.answer.send(written).ok();
    }

    /// Only wakes: if it fails, the polls find what is due.
    async fn wake_others(&mut self) {
        let Some(connection) = self.connection.as_deref_mut().filter(|_| self.unsaid) else { return };
        (self.unsaid, self.said) = (false, Some(Instant::now()));
        if let Err(error) = within_patience(crate::store::wake(connection)).await {
            tracing::debug!(%error, "the other processes were not woken");
            self.hang_up();
        }
    }

    /// The connection does not go back to the pool.
    fn hang_up(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            connection.close_on_drop();
        }
    }

    fn end(&mut self, state: &mut State) {
        self.ended = true;
        state.writing -= 1;
    }
}

impl Drop for Writer<'_> {
    /// A writer that did not end by itself has fallen over its batch: another may take its place.
    fn drop(&mut self) {
        if !self.ended {
            let line = self.line;
            self.end(&mut line.state());
        }
    }
}

/// Where a webhook wants to hear of it, sign-ups and what it is told are one transaction; else one statement is all.
async fn write_and_tell(
    service: &Service,
    connection: &mut PgConnection,
    rows: &[&NewSignUp],
    hands: Hands,
) -> Result<Vec<Written>, sqlx::Error> {
    if !tell::wishes(service, connection).await?.want(Event::Subscribed) {
        return write(connection, rows, hands).await;
    }
    let mut tx = connection.begin().await?;
    let written = write(&mut tx, rows, hands).await?;
    let new: Vec<&NewSignUp> =
        rows.iter().zip(&written).filter(|(_, written)| **written == Written::New).map(|(row, _)| *row).collect();
    tell::tell_signed_up(service, &mut tx, &new).await?;
    tx.commit().await?;
    Ok(written)
}

async fn within_patience<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let late = || std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer from the database");
    timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(late().into()))
}
