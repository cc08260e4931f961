//! Readers as a file: page by page, so that neither this process nor PostgreSQL ever holds more than one page, and no
//! transaction is open between two. A row is what was there when its page was read.
use chrono::{DateTime, NaiveTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::audit::{self, Target};
use super::{ActionError, Actor, Service};
use crate::model::{Bucket, EnrollmentState, Format, SeriesSlug, no_formula};
use crate::store::take_out::{self, Row};

/// So many readers are read at a time.
const A_PAGE: i64 = 1_000;

/// What is taken out; what is none does not matter.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    pub series: Option<SeriesSlug>,
    pub state: Option<EnrollmentState>,
    /// The condition as well, which is health data.
    pub condition: bool,
}

/// A file in the making.
pub struct Export {
    service: Service,
    ask: Ask,
    format: Format,
    /// Where it goes on: the bucket, and the last reader of it that is written. None when all are.
    place: Option<(Bucket, Uuid)>,
    begun: bool,
}

impl Export {
    /// Who takes readers out is written down before the first of them is read.
    pub async fn begin(service: &Service, ask: Ask, format: Format, by: &Actor) -> Result<Self, ActionError> {
        if let Some(series) = &ask.series {
            service.series(series)?;
        }
        let target = ask.series.as_ref().map_or(Target::None, Target::Series);
        let details = json!({ "state": ask.state, "condition": ask.condition, "format": format });
        audit::record_with(service, service.db(), by, "export readers", target, &details).await?;
        let place = Bucket::all().next().map(|first| (first, Uuid::nil()));
        Ok(Self { service: service.clone(), ask, format, place, begun: false })
    }

    /// The next piece of the file; none at its end. A file that has no end is not whole.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ActionError> {
        let mut piece = Vec::new();
        if !self.begun {
            self.begun = true;
            self.write_heading(&mut piece);
        }
        while let Some((bucket, after)) = self.place {
            let filter =
                (self.ask.series.as_ref().map(SeriesSlug::as_str), self.ask.state.map(EnrollmentState::as_str));
            let rows = take_out::page(self.service.hot_db(), bucket, after, filter, A_PAGE).await?;
            self.place = match rows.last() {
                Some(last) if super::full(rows.len(), A_PAGE) => Some((bucket, last.id)),
                _ => Bucket::new(bucket.get() + 1).map(|next| (next, Uuid::nil())),
            };
            for row in rows {
                self.write(row, &mut piece)?;
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    fn write_heading(&self, piece: &mut Vec<u8>) {
        if self.format == Format::Csv {
            let condition = self.ask.condition.then_some("condition");
            line(COLUMNS.into_iter().chain(condition), piece);
        }
    }

    fn write(&self, row: Row, piece: &mut Vec<u8>) -> Result<(), ActionError> {
        let open = || self.service.keyring().open(&row.condition, row.subscriber);
        let condition = self.ask.condition.then(open).transpose()?.map(|key| key.as_str().to_owned());
        let reader = Exported::of(row, condition);
        match self.format {
            Format::Csv => line(reader.cells().iter().map(|cell| cell.as_deref().unwrap_or_default()), piece),
            Format::JsonLines => {
                serde_json::to_writer(&mut *piece, &reader).expect("texts, times and numbers can be written as JSON");
                piece.push(b'\n');
            }
        }
        Ok(())
    }
}

fn line<'a>(cells: impl Iterator<Item = &'a str>, piece: &mut Vec<u8>) {
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(piece);
    let cells = cells.map(|cell| no_formula(cell).into_owned());
    csv.write_record(cells).and_then(|()| Ok(csv.flush()?)).expect("a Vec takes all");
}

/// The columns of the CSV, in their order. An import reads those of them that it knows.
const COLUMNS: [&str; 19] = [
    "address",
    "series",
    "state",
    "suppressed",
    "zone",
    "language",
    "hour",
    "spacing",
    "parts",
    "signed_up_at",
    "confirmed_at",
    "ended_at",
    "consent_at",
    "consent_channel",
    "consent_source",
    "privacy_version",
    "terms_version",
    "confirmed_privacy_version",
    "confirmed_terms_version",
];

/// One line of the file. `Debug` is missing on purpose.
#[derive(Serialize)]
struct Exported {
    address: String,
    series: String,
    state: String,
    suppressed: bool,
    zone: String,
    language: String,
    hour: Option<String>,
    spacing: Option<i16>,
    parts: Vec<String>,
    signed_up_at: DateTime<Utc>,
    confirmed_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    consent_at: Option<DateTime<Utc>>,
    consent_channel: Option<String>,
    consent_source: Option<String>,
    privacy_version: Option<String>,
    terms_version: Option<String>,
    confirmed_privacy_version: Option<String>,
    confirmed_terms_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<String>,
}

impl Exported {
    fn of(row: Row, condition: Option<String>) -> Self {
        Self {
            address: row.address,
            series: row.series,
            state: row.state,
            suppressed: row.suppressed,
            zone: row.zone,
            language: row.language,
            hour: row.preferred_time.map(hour),
            spacing: row.spacing,
            parts: row.done_steps,
            signed_up_at: row.created_at,
            confirmed_at: row.confirmed_at,
            ended_at: row.ended_at,
            consent_at: row.consent_at,
            consent_channel: row.consent_channel.clone(),
            consent_source: row.consent_source.or(row.consent_channel),
            privacy_version: row.privacy_version,
            terms_version: row.terms_version,
            confirmed_privacy_version: row.confirmed_privacy_version,
            confirmed_terms_version: row.confirmed_terms_version,
            condition,
        }
    }

    /// In the order of [`COLUMNS`], then the condition if it is taken out.
    fn cells(self) -> Vec<Option<String>> {
        let mut cells = vec![
            Some(self.address),
            Some(self.series),
            Some(self.state),
            Some(if self.suppressed { "yes" } else { "no" }.to_owned()),
            Some(self.zone),
            Some(self.language),
            self.hour,
            self.spacing.map(|days| days.to_string()),
            Some(self.parts.join(" ")),
            Some(instant(self.signed_up_at)),
            self.confirmed_at.map(instant),
            self.ended_at.map(instant),
            self.consent_at.map(instant),
            self.consent_channel,
            self.consent_source,
            self.privacy_version,
            self.terms_version,
            self.confirmed_privacy_version,
            self.confirmed_terms_version,
        ];
        cells.extend(self.condition.map(Some));
        cells
    }
}

fn hour(time: NaiveTime) -> String {
    time.format("%H:%M").to_string()
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
