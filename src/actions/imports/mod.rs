//! Readers who come with a file: checked line by line, taken in bucket by bucket, each batch in one transaction with the place
//! that the import has come to. One that is broken off goes on there, with the same file, and takes nobody in twice.
mod batch;
mod line;
mod look;
mod source;
mod upload;
mod work;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use csv::ByteRecord;
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use tokio::task::spawn_blocking;
use tracing::Instrument as _;

use super::audit::{self, Target};
use super::{ActionError, Actor, Service, again_if_undone};
use crate::content::Series;
use crate::model::{Bucket, EnrollmentState, Refused, SeriesSlug};
use crate::store::imports::{self as store, End, Import, Place, Same};
use crate::store::uploads;
use line::{Candidate, Columns};
pub use look::{ImportView, RefusedLines, list, show};
pub use source::Source;
use source::{Chunk, Heading};
pub use upload::{Started, Upload, cancel, start};
pub use work::work;

/// What an import has refused is kept for so long, and so long one that was broken off can go on.
const KEPT: TimeDelta = TimeDelta::days(30);
/// So many refused lines are read at a time.
const A_PAGE: i64 = 1_000;

/// What an import is to do.
#[derive(Debug, Clone)]
pub struct Ask {
    pub series: SeriesSlug,
    /// What those become whose confirmation the file tells of: active, or pending like all others.
    pub state: EnrollmentState,
    /// Only find out what it would do.
    pub dry_run: bool,
}

/// An import under way in this process.
pub struct Importing {
    service: Service,
    source: Source,
    heading: Heading,
    columns: Columns,
    series: Arc<Series>,
    state: EnrollmentState,
    import: Import,
    went_on: bool,
    chunk: Option<Sorted>,
}

/// What a step has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Went,
    Ended,
    /// Another process goes on with it, or it was cancelled.
    NotOurs,
}

/// A line of a file, and what came of checking it.
type Checked = (i64, Result<Candidate, Refused>);

/// The lines of a chunk, by bucket.
struct Sorted {
    until: i64,
    next_line: i64,
    buckets: Vec<Vec<Checked>>,
}

/// How far an import is.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = ImportProgress)]
pub struct Progress {
    pub id: i64,
    pub series: String,
    pub dry_run: bool,
    pub ended: bool,
    pub cancelled: bool,
    /// Why it could not go on.
    pub fault: Option<String>,
    /// Lines that are done with.
    pub lines: i64,
    pub active: i64,
    pub pending: i64,
    pub refused: i64,
    /// How much of the file is done.
    pub octets_done: i64,
    pub octets: i64,
}

impl Importing {
    /// Begins an import, or goes on with the one of the same file that was broken off.
    pub async fn begin(service: &Service, source: Source, ask: &Ask, by: &Actor) -> Result<Self, ActionError> {
        let heading = Self::check(service, &source, ask).await?;
        let same = Same { file: &source.hash, series: &ask.series, state: ask.state, dry_run: ask.dry_run };
        let open = store::open(service.db(), &same).await?;
        let id = if let Some((id, _)) = open {
            id
        } else {
            let mut tx = service.db().begin().await?;
            let id = add(service, &mut tx, &same, (&source, &heading), by).await?.ok_or_else(other_process)?;
            tx.commit().await?;
            id
        };
        let import = store::by_id(service.db(), id).await?.ok_or(ActionError::NotFound("import"))?;
        Self::of(service, (source, heading), ask, import, open.is_some())
    }

    /// Goes on with one whose file came over the web; none when it is over.
    async fn resume(service: &Service, id: i64) -> Result<Option<Self>, ActionError> {
        let Some(import) = store::by_id(service.db(), id).await? else { return Ok(None) };
        let Some(upload) = import.upload.filter(|_| import.ended_at.is_none()) else { return Ok(None) };
        let (ask, source) = of_row(service, &import, upload)?;
        let heading = Self::check(service, &source, &ask).await?;
        Self::of(service, (source, heading), &ask, import, true).map(Some)
    }

    /// Reads the heading of a file that could be imported as it is asked for.
    async fn check(service: &Service, source: &Source, ask: &Ask) -> Result<Heading, ActionError> {
        service.series(&ask.series)?;
        if !matches!(ask.state, EnrollmentState::Active | EnrollmentState::Pending) {
            let text = format!("readers are imported as pending or active, not as {}", ask.state);
            return Err(ActionError::Refused(text));
        }
        let heading = source.heading().await?;
        Columns::read(&heading.record).map_err(ActionError::Refused)?;
        Ok(heading)
    }

    fn of(
        service: &Service,
        (source, heading): (Source, Heading),
        ask: &Ask,
        import: Import,
        went_on: bool,
    ) -> Result<Self, ActionError> {
        let columns = Columns::read(&heading.record).map_err(ActionError::Refused)?;
        let (service, series, state) = (service.clone(), service.series(&ask.series)?, ask.state);
        Ok(Self { service, source, heading, columns, series, state, import, went_on, chunk: None })
    }

    /// Whether it was begun before.
    pub fn went_on(&self) -> bool {
        self.went_on
    }

    /// The columns of the file that are not read.
    pub fn unknown_columns(&self) -> Vec<String> {
        self.columns.unknown()
    }

    pub fn progress(&self) -> Progress {
        progress(&self.import)
    }

    /// Carries out the next batch.
    pub async fn step(&mut self) -> Result<Step, ActionError> {
        let place = self.import.place();
        if place.bucket == 0 && place.octet >= self.import.octets {
            self.end().await?;
            return Ok(Step::Ended);
        }
        if self.chunk.is_none() {
            self.chunk = Some(self.read().await?);
        }
        let Some(chunk) = &self.chunk else { return Ok(Step::Went) };
        let first = usize::try_from(place.bucket).unwrap_or_default();
        let now = (first..chunk.buckets.len()).find(|at| !chunk.buckets[*at].is_empty());
        let next = now.and_then(|now| (now + 1..chunk.buckets.len()).find(|at| !chunk.buckets[*at].is_empty()));
        let to = match next {
            Some(next) => Place { until: chunk.until, bucket: i16::try_from(next).unwrap_or(Bucket::COUNT), ..place },
            None => Place { octet: chunk.until, until: chunk.until, line: chunk.next_line, bucket: 0 },
        };
        let lines = now.map_or(&[][..], |now| chunk.buckets[now].as_slice());
        let bucket = now.and_then(|now| Bucket::new(i16::try_from(now).ok()?));
        let batch = batch::Batch { series: &self.series, import: &self.import, bucket, lines, to };
        let span = tracing::info_span!(parent: None, "import batch", regimen.import = self.import.id);
        if !again_if_undone(|| batch::carry_out(&self.service, &batch)).instrument(span).await? {
            return Ok(Step::NotOurs);
        }
        if next.is_none() {
            self.chunk = None;
        }
        self.import = store::by_id(self.service.db(), self.import.id).await?.ok_or(ActionError::NotFound("import"))?;
        Ok(Step::Went)
    }

    /// The chunk at the import's place, checked. It takes a while, so not on a thread that others wait for.
    async fn read(&self) -> Result<Sorted, ActionError> {
        let place = self.import.place();
        let octets = (place.octet.unsigned_abs(), place.until.unsigned_abs());
        let chunk = self.source.chunk(&self.heading, octets, place.line.unsigned_abs()).await?;
        let (columns, series, state) = (self.columns.clone(), Arc::clone(&self.series), self.state);
        let real = self.service.clock().real();
        let sorted =
            spawn_blocking(move || sort(&chunk, place, |record| line::check(record, &columns, &series, state, real)));
        // What a panic says could name somebody.
        sorted.await.map_err(|_| unreadable(&std::io::Error::other("a line of it could not be looked at")))
    }

    async fn end(&mut self) -> Result<(), ActionError> {
        let (service, import) = (&self.service, &self.import);
        forget_addresses(service, import.id).await?;
        over(service, import, End::Done).await?;
        self.import.ended_at = Some(service.clock().real());
        Ok(())
    }

    /// The lines that were refused, with their number, the reason, and all that they say, so that they can be mended and
    /// imported again. The next piece of the file; none at its end.
    pub fn report(&self) -> Report<'_> {
        let place = (self.heading.end, self.heading.next_line);
        Report { of: self, place, after: 0, refusals: Vec::new(), begun: false }
    }
}

/// Writes a new one down, in the transaction of the caller; none when another process has just begun the same.
async fn add(
    service: &Service,
    tx: &mut PgConnection,
    same: &Same<'_>,
    (source, heading): (&Source, &Heading),
    by: &Actor,
) -> Result<Option<i64>, ActionError> {
    let begin = (signed(source.octets), signed(heading.end), signed(heading.next_line));
    let id = store::add(&mut *tx, same, begin, (&by.who, &by.why), service.hands()).await?;
    if let Some(id) = id {
        record(service, tx, same, id, by).await?;
    }
    Ok(id)
}

/// Who has a file imported is in the audit log.
async fn record(
    service: &Service,
    tx: &mut PgConnection,
    same: &Same<'_>,
    import: i64,
    by: &Actor,
) -> Result<(), ActionError> {
    let details = json!({ "series": same.series.as_str(), "state": same.state, "dry_run": same.dry_run });
    audit::record_with(service, tx, by, "import readers", Target::Import(import), &details).await
}

/// Brings an import to its end, and deletes a file that nothing will be done with any more.
async fn over(service: &Service, import: &Import, end: End<'_>) -> Result<(), ActionError> {
    // What was looked at is kept for whoever takes it in.
    let unneeded = import.upload.filter(|_| !import.dry_run || end != End::Done);
    let mut tx = service.db().begin().await?;
    if let Some(upload) = unneeded {
        // First, as everybody does who ends one: nobody then waits for each other.
        uploads::lock(&mut *tx, upload).await?;
    }
    let ends_now = store::end(&mut *tx, import.id, end, service.clock().real()).await?;
    if let Some(upload) = unneeded.filter(|_| ends_now) {
        uploads::delete(&mut *tx, upload).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Which addresses it has met is needed no more.
async fn forget_addresses(service: &Service, import: i64) -> Result<(), ActionError> {
    for bucket in Bucket::all() {
        store::forget_addresses(service.db(), bucket, import).await?;
    }
    Ok(())
}

/// What one whose file came over the web is to do, and its file.
fn of_row(service: &Service, import: &Import, upload: i64) -> Result<(Ask, Source), ActionError> {
    let made_by_another = || ActionError::Refused("this import was made by another version of regimen".into());
    let ask = Ask {
        series: SeriesSlug::parse(&import.series).map_err(|_| made_by_another())?,
        state: import.state.parse().map_err(|_| made_by_another())?,
        dry_run: import.dry_run,
    };
    let hash = import.file.as_slice().try_into().map_err(|_| made_by_another())?;
    Ok((ask, Source::stored(service, upload, import.octets.unsigned_abs(), hash)))
}

/// By bucket; what has no address is with the first.
fn sort(
    chunk: &Chunk,
    place: Place,
    check: impl Fn(&ByteRecord) -> (Option<Bucket>, Result<Candidate, Refused>),
) -> Sorted {
    let mut buckets: Vec<Vec<Checked>> = Bucket::all().map(|_| Vec::new()).collect();
    for (line, record) in &chunk.lines {
        let (bucket, checked) = check(record);
        let bucket = bucket.and_then(|bucket| usize::try_from(bucket.get()).ok()).unwrap_or(0);
        buckets[bucket].push((signed(*line), checked));
    }
    Sorted { until: place.octet + signed(chunk.octets as u64), next_line: signed(chunk.next_line), buckets }
}

fn progress(import: &Import) -> Progress {
    Progress {
        id: import.id,
        series: import.series.clone(),
        dry_run: import.dry_run,
        ended: import.ended_at.is_some(),
        cancelled: import.cancelled,
        fault: import.fault.clone(),
        lines: import.active + import.pending + import.refused,
        active: import.active,
        pending: import.pending,
        refused: import.refused,
        octets_done: import.at_octet,
        octets: import.octets,
    }
}

/// The refused lines of an import as a file.
pub struct Report<'a> {
    of: &'a Importing,
    /// The octet and the line of the chunk that is next.
    place: (u64, u64),
    /// The last refused line that was read, and those read that are still to be found in the file.
    after: i64,
    refusals: Vec<(i64, Refused)>,
    begun: bool,
}

impl Report<'_> {
    /// The next piece; none at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ActionError> {
        // Lines that lack a cell, or have one too many, are in it as they are.
        let mut piece = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        if !self.begun {
            self.begun = true;
            write(&mut piece, &["line", "refused"], &self.of.heading.record);
        }
        if self.place.0 >= self.of.source.octets {
            return Ok(piece.into_inner().ok().filter(|piece| !piece.is_empty()));
        }
        let (octet, line) = self.place;
        let chunk = self.of.source.chunk(&self.of.heading, (octet, octet), line).await?;
        self.place = (octet + chunk.octets as u64, chunk.next_line);
        let last = chunk.lines.last().map_or(0, |(line, _)| signed(*line));
        self.read_refusals(last).await?;
        let mut refusals = std::mem::take(&mut self.refusals).into_iter().peekable();
        for (line, record) in &chunk.lines {
            if let Some((_, reason)) = refusals.next_if(|(refused, _)| *refused == signed(*line)) {
                write(&mut piece, &[&line.to_string(), reason.text()], record);
            }
        }
        Ok(Some(piece.into_inner().unwrap_or_default()))
    }

    /// Those up to a line.
    async fn read_refusals(&mut self, until: i64) -> Result<(), ActionError> {
        loop {
            let rows = store::refusals(self.of.service.db(), self.of.import.id, (self.after, until), A_PAGE).await?;
            let is_last = !super::readers::full(rows.len(), A_PAGE);
            for (line, reason) in rows {
                self.after = line;
                self.refusals.extend(reason.parse().ok().map(|reason| (line, reason)));
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

fn write(piece: &mut csv::Writer<Vec<u8>>, first: &[&str], record: &ByteRecord) {
    let first = first.iter().map(|cell| (*cell).to_owned());
    let cells = record.iter().map(|cell| crate::model::no_formula(&String::from_utf8_lossy(cell)).into_owned());
    let line: Vec<String> = first.chain(cells).collect();
    piece.write_record(&line).expect("a Vec takes all");
}

/// Forgets what imports of before have refused, and gives those up that were broken off.
pub(super) async fn forget(service: &Service) -> Result<(), ActionError> {
    for import in store::begun_before(service.db(), service.clock().real() - KEPT).await? {
        forget_addresses(service, import).await?;
        store::forget(service.db(), import).await?;
    }
    Ok(())
}

fn unreadable(error: &std::io::Error) -> ActionError {
    ActionError::Refused(format!("the file cannot be read: {error}"))
}

fn other_process() -> ActionError {
    ActionError::Refused("another process imports this file at this moment: wait for it".into())
}

/// Numbers of octets and lines are far below what an i64 holds.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// When the next confirmation may go, after one at an instant.
fn after_a_confirmation(at: DateTime<Utc>) -> DateTime<Utc> {
    at + TimeDelta::hours(1) / batch::CONFIRMATIONS_PER_HOUR
}
