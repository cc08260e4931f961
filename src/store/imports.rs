//! Imports: how far each is, what it has refused, and the readers it writes, one bucket at a time.
use chrono::{DateTime, NaiveTime, Utc};
use serde_json::Value;
use sqlx::{PgExecutor, types::Json};
use uuid::Uuid;

use super::{exactly_one, queue::Hands, unknown_word};
use crate::model::{Bucket, EmailAddress, EnrollmentState, Language, SeriesSlug, Zone};

/// An import.
#[derive(Debug, Clone)]
pub struct Import {
    pub id: i64,
    /// SHA-256.
    pub file: Vec<u8>,
    pub octets: i64,
    pub series: String,
    pub state: String,
    pub dry_run: bool,
    pub who: String,
    pub why: String,
    pub at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub at_octet: i64,
    pub until_octet: i64,
    pub at_line: i64,
    pub at_bucket: i16,
    pub next_confirmation: DateTime<Utc>,
    pub active: i64,
    pub pending: i64,
    pub refused: i64,
    /// Where its file is kept, if it came over the web and is not over.
    pub upload: Option<i64>,
    /// The dry run whose file it takes in.
    pub follows: Option<i64>,
    pub cancelled: bool,
    /// Why it could not go on.
    pub fault: Option<String>,
}

/// Where an import goes on: a chunk of its file, and the bucket of it that is next. While no bucket of a chunk is done, its
/// end is its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub octet: i64,
    pub until: i64,
    pub line: i64,
    pub bucket: i16,
}

impl Import {
    pub fn place(&self) -> Place {
        Place { octet: self.at_octet, until: self.until_octet, line: self.at_line, bucket: self.at_bucket }
    }
}

/// What makes two calls the same import.
#[derive(Debug, Clone, Copy)]
pub struct Same<'a> {
    /// SHA-256 of the file.
    pub file: &'a [u8],
    pub series: &'a SeriesSlug,
    pub state: EnrollmentState,
    pub dry_run: bool,
}

/// The import of this file that is not over, if there is one, and where its file is kept.
pub async fn open(db: impl PgExecutor<'_>, same: &Same<'_>) -> Result<Option<(i64, Option<i64>)>, sqlx::Error> {
    let row = sqlx::query!(
        "select id, upload from imports
         where file = $1 and series = $2 and state = $3 and dry_run = $4 and ended_at is null",
        same.file,
        same.series.as_str(),
        same.state.as_str(),
        same.dry_run
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.id, row.upload)))
}

/// Writes a new one, which begins at an octet and a line. None when another process has just begun the same.
pub async fn add(
    db: impl PgExecutor<'_>,
    same: &Same<'_>,
    (octets, at_octet, at_line): (i64, i64, i64),
    (who, why): (&str, &str),
    hands: Hands,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into imports (file, octets, series, state, dry_run, who, why, at, at_octet, until_octet, at_line,
             next_confirmation)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)
         on conflict (file, series, state, dry_run) where ended_at is null do nothing returning id",
        same.file,
        octets,
        same.series.as_str(),
        same.state.as_str(),
        same.dry_run,
        who,
        why,
        hands.real,
        at_octet,
        at_line,
        hands.series
    )
    .fetch_optional(db)
    .await
}

/// Says where the file of an import is, and which dry run it follows.
pub async fn belongs(db: impl PgExecutor<'_>, id: i64, upload: i64, follows: Option<i64>) -> Result<(), sqlx::Error> {
    let result = sqlx::query!("update imports set upload = $2, follows = $3 where id = $1", id, upload, follows);
    exactly_one(&result.execute(db).await?)
}

/// The import that has taken in the file of a dry run, or does.
pub async fn following(db: impl PgExecutor<'_>, dry_run: i64) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!("select id from imports where follows = $1", dry_run).fetch_optional(db).await
}

/// Those that go on by themselves.
pub async fn open_of_uploads(db: impl PgExecutor<'_>) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!("select id from imports where upload is not null and ended_at is null order by id")
        .fetch_all(db)
        .await
}

pub async fn by_id(db: impl PgExecutor<'_>, id: i64) -> Result<Option<Import>, sqlx::Error> {
    sqlx::query_as!(
        Import,
        "select id, file, octets, series, state, dry_run, who, why, at, ended_at, at_octet, until_octet, at_line, at_bucket,
                next_confirmation, active, pending, refused, upload, follows, cancelled, fault
         from imports where id = $1",
        id
    )
    .fetch_optional(db)
    .await
}

/// The newest before one.
pub async fn list(db: impl PgExecutor<'_>, before: Option<i64>, limit: i64) -> Result<Vec<Import>, sqlx::Error> {
    sqlx::query_as!(
        Import,
        "select id, file, octets, series, state, dry_run, who, why, at, ended_at, at_octet, until_octet, at_line, at_bucket,
                next_confirmation, active, pending, refused, upload, follows, cancelled, fault
         from imports where $1::bigint is null or id < $1 order by id desc limit $2",
        before,
        limit
    )
    .fetch_all(db)
    .await
}

/// One import, held until the transaction ends; none when it is over.
pub async fn lock(db: impl PgExecutor<'_>, id: i64) -> Result<Option<Import>, sqlx::Error> {
    sqlx::query_as!(
        Import,
        "select id, file, octets, series, state, dry_run, who, why, at, ended_at, at_octet, until_octet, at_line, at_bucket,
                next_confirmation, active, pending, refused, upload, follows, cancelled, fault
         from imports where id = $1 and ended_at is null for no key update",
        id
    )
    .fetch_optional(db)
    .await
}

/// What one batch has come to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub active: i64,
    pub pending: i64,
    pub refused: i64,
}

/// Moves an import, which the caller has locked, on.
pub async fn walk(
    db: impl PgExecutor<'_>,
    id: i64,
    to: Place,
    counts: Counts,
    next_confirmation: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update imports set at_octet = $2, until_octet = $3, at_line = $4, at_bucket = $5, active = active + $6,
             pending = pending + $7, refused = refused + $8, next_confirmation = $9
         where id = $1 and ended_at is null",
        id,
        to.octet,
        to.until,
        to.line,
        to.bucket,
        counts.active,
        counts.pending,
        counts.refused,
        next_confirmation
    )
    .execute(db)
    .await?;
    exactly_one(&result)
}

/// How an import comes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End<'a> {
    Done,
    Cancelled,
    Fault(&'a str),
}

/// Answers whether it was not over yet.
pub async fn end(db: impl PgExecutor<'_>, id: i64, end: End<'_>, real: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let fault = if let End::Fault(text) = end { Some(text) } else { None };
    let result = sqlx::query!(
        "update imports set ended_at = $2, cancelled = $3, fault = $4 where id = $1 and ended_at is null",
        id,
        real,
        end == End::Cancelled,
        fault
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Forgets which addresses of a bucket an import has met.
pub async fn forget_addresses(db: impl PgExecutor<'_>, bucket: Bucket, id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from import_addresses where bucket = $1 and import = $2", bucket.get(), id)
        .execute(db)
        .await
        .map(drop)
}

/// Imports that were begun before `before`.
pub async fn begun_before(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!("select id from imports where at < $1 order by id", before).fetch_all(db).await
}

/// Deletes an import with what it has refused.
pub async fn forget(db: impl PgExecutor<'_>, id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from imports where id = $1", id).execute(db).await.map(drop)
}

/// Lines and the words that say why.
pub async fn refuse(db: impl PgExecutor<'_>, id: i64, lines: &[i64], reasons: &[&str]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into import_refusals (import, line, reason) select $1, * from unnest($2::bigint[], $3::text[])",
        id,
        lines,
        reasons as &[&str]
    )
    .execute(db)
    .await
    .map(drop)
}

/// The next refused lines after one, up to another.
pub async fn refusals(
    db: impl PgExecutor<'_>,
    id: i64,
    (after, until): (i64, i64),
    limit: i64,
) -> Result<Vec<(i64, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select line, reason from import_refusals where import = $1 and line > $2 and line <= $3 order by line limit $4",
        id,
        after,
        until,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.line, row.reason)).collect())
}

/// How many lines were refused for each reason, the most first.
pub async fn refused_by_reason(db: impl PgExecutor<'_>, id: i64) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select reason, count(*) as "count!" from import_refusals where import = $1 group by reason
           order by count(*) desc, reason"#,
        id
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.reason, row.count)).collect())
}

/// What is known of one address of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// It stands in an earlier line of the file.
    pub met: bool,
    pub suppressed: bool,
    /// Of its open enrollment in the series, or else the newest.
    pub state: Option<EnrollmentState>,
    /// How often it was asked to confirm of late.
    pub asked: i64,
}

/// What is asked about a batch of one bucket.
#[derive(Debug)]
pub struct Look<'a> {
    pub import: i64,
    pub series: &'a SeriesSlug,
    pub addresses: &'a [&'a EmailAddress],
    /// In the order of the addresses.
    pub hashes: &'a [Vec<u8>],
    /// The kinds of mail that ask, and since when they count.
    pub asks: (&'a [&'a str], DateTime<Utc>),
}

/// In the order of the addresses.
pub async fn look(db: impl PgExecutor<'_>, bucket: Bucket, ask: &Look<'_>) -> Result<Vec<Standing>, sqlx::Error> {
    let normalised: Vec<&str> = ask.addresses.iter().map(|one| one.normalised()).collect();
    let mut rows = sqlx::query_file!(
        "src/store/sql/import_look.sql",
        bucket.get(),
        ask.import,
        &normalised as &[&str],
        ask.hashes,
        ask.series.as_str(),
        ask.asks.1,
        ask.asks.0 as &[&str]
    )
    .fetch_all(db)
    .await?;
    rows.sort_unstable_by_key(|row| row.place);
    let standing = rows.into_iter().map(|row| {
        let state = row.state.map(|state| state.parse()).transpose().map_err(|_| unknown_word("state"))?;
        Ok(Standing { met: row.met, suppressed: row.suppressed, state, asked: row.asked })
    });
    standing.collect()
}

/// Notes which addresses were met.
pub async fn meet(db: impl PgExecutor<'_>, bucket: Bucket, id: i64, hashes: &[Vec<u8>]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into import_addresses (bucket, import, address) select $1, $2, * from unnest($3::bytea[])",
        bucket.get(),
        id,
        hashes
    )
    .execute(db)
    .await
    .map(drop)
}

/// The subscribers of these addresses, made where there is none, and locked until the transaction ends; in the order of the
/// addresses. They are locked in the order that sign-ups have, so that nobody waits for each other for ever.
pub async fn subscribers(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    addresses: &[&EmailAddress],
    new_ids: &[Uuid],
    real: DateTime<Utc>,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let typed: Vec<&str> = addresses.iter().map(|one| one.as_typed()).collect();
    let normalised: Vec<&str> = addresses.iter().map(|one| one.normalised()).collect();
    let rows = sqlx::query!(
        "insert into subscribers (bucket, id, address, normalised, created_at)
         select $1, r.id, r.address, r.normalised, $5
         from unnest($2::uuid[], $3::text[], $4::text[]) as r (id, address, normalised)
         order by r.normalised collate \"C\"
         on conflict (bucket, normalised) do update set created_at = subscribers.created_at
         returning id, normalised",
        bucket.get(),
        new_ids,
        &typed as &[&str],
        &normalised as &[&str],
        real
    )
    .fetch_all(db)
    .await?;
    let ids: std::collections::HashMap<&str, Uuid> = rows.iter().map(|row| (row.normalised.as_str(), row.id)).collect();
    normalised.iter().map(|one| ids.get(one).copied().ok_or(sqlx::Error::RowNotFound)).collect()
}

/// A reader who comes with a file. `Debug` is missing on purpose.
pub struct Newcomer {
    pub subscriber: Uuid,
    pub enrollment: Uuid,
    pub state: EnrollmentState,
    /// Sealed.
    pub condition: Vec<u8>,
    pub zone: Zone,
    pub language: Language,
    pub preferred_time: Option<NaiveTime>,
    pub spacing: Option<u16>,
    /// The keys of the steps received, with spaces between them.
    pub done_steps: String,
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Real time at which the confirmation is asked for.
    pub requested_at: DateTime<Utc>,
    pub privacy_version: String,
    pub terms_version: String,
    /// Of the consent, and of its confirmation if there was one.
    pub evidence: Value,
    pub confirmation: Option<Value>,
    pub consent: Uuid,
    pub confirm_consent: Uuid,
    pub delivery: Uuid,
    /// The step that is owed; none for a confirmation.
    pub step: Option<String>,
    /// Series time.
    pub due_at: DateTime<Utc>,
}

/// Writes them, and answers the enrollments that are new: who has signed up in this moment is left as they are.
pub async fn enroll(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    series: &SeriesSlug,
    source: &str,
    new: &[Newcomer],
    real: DateTime<Utc>,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let ids = |of: fn(&Newcomer) -> Uuid| new.iter().map(of).collect::<Vec<Uuid>>();
    let texts = |of: fn(&Newcomer) -> &str| new.iter().map(of).collect::<Vec<&str>>();
    let conditions: Vec<&[u8]> = new.iter().map(|one| one.condition.as_slice()).collect();
    let times: Vec<Option<NaiveTime>> = new.iter().map(|one| one.preferred_time).collect();
    let spacings: Vec<Option<i16>> = new.iter().map(|one| one.spacing.and_then(|days| days.try_into().ok())).collect();
    let confirmed: Vec<Option<DateTime<Utc>>> = new.iter().map(|one| one.confirmed_at).collect();
    let requested: Vec<DateTime<Utc>> = new.iter().map(|one| one.requested_at).collect();
    let evidence: Vec<Json<&Value>> = new.iter().map(|one| Json(&one.evidence)).collect();
    let confirmations: Vec<Option<Json<&Value>>> = new.iter().map(|one| one.confirmation.as_ref().map(Json)).collect();
    let steps: Vec<Option<&str>> = new.iter().map(|one| one.step.as_deref()).collect();
    let due: Vec<DateTime<Utc>> = new.iter().map(|one| one.due_at).collect();
    sqlx::query_file_scalar!(
        "src/store/sql/import_enroll.sql",
        bucket.get(),
        &ids(|one| one.subscriber),
        &ids(|one| one.enrollment),
        &texts(|one| one.state.as_str()) as &[&str],
        &conditions as &[&[u8]],
        &texts(|one| one.zone.name()) as &[&str],
        &texts(|one| one.language.tag()) as &[&str],
        &times as &[Option<NaiveTime>],
        &spacings as &[Option<i16>],
        &texts(|one| &one.done_steps) as &[&str],
        &confirmed as &[Option<DateTime<Utc>>],
        &requested,
        &texts(|one| &one.privacy_version) as &[&str],
        &texts(|one| &one.terms_version) as &[&str],
        &evidence as &[Json<&Value>],
        &confirmations as &[Option<Json<&Value>>],
        &ids(|one| one.consent),
        &ids(|one| one.confirm_consent),
        &ids(|one| one.delivery),
        &steps as &[Option<&str>],
        &due,
        series.as_str(),
        real,
        source
    )
    .fetch_all(db)
    .await
}
