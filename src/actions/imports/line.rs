//! One line of an import: from cells to a reader, or to the reason why not.
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use csv::ByteRecord;
use serde::Serialize;
use url::Url;

use crate::content::Series;
use crate::model::{
    Bucket, ConditionKey, EmailAddress, EnrollmentState, Language, Refused, StepKey, Zone, as_it_was, is_of_our_time,
    parse_time,
};

/// Longer ago than this nobody remembers having agreed, and a confirmation would come out of the blue.
const OLDEST: TimeDelta = TimeDelta::days(30);
/// Clocks of two houses differ.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// What a file may have, in any order. Other columns are not read.
const KNOWN: [&str; 15] = [
    "address",
    "condition",
    "consent_at",
    "consent_source",
    "consent_text",
    "privacy_version",
    "terms_version",
    "confirmed_at",
    "series",
    "state",
    "suppressed",
    "zone",
    "language",
    "hour",
    "spacing",
];
const PARTS: &str = "parts";

/// Which cell is what.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    names: Vec<String>,
}

impl Columns {
    /// What cannot be an import's heading is told, with all that lacks.
    pub(super) fn read(heading: &ByteRecord) -> Result<Self, String> {
        let names: Vec<String> =
            heading.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_ascii_lowercase()).collect();
        let columns = Self { names };
        let has = |name: &&str| columns.place(name).is_some();
        let mut lacking: Vec<&str> = KNOWN[..4].iter().copied().filter(|name| !has(name)).collect();
        let has_versions = has(&"privacy_version") && has(&"terms_version");
        if !has_versions && !has(&"consent_text") {
            lacking.push("consent_text (or privacy_version and terms_version)");
        }
        if !lacking.is_empty() {
            return Err(format!("the heading lacks {}", lacking.join(", ")));
        }
        let twice =
            KNOWN.iter().chain([&PARTS]).find(|name| columns.names.iter().filter(|one| one == *name).count() > 1);
        match twice {
            Some(name) => Err(format!("the heading names {name} twice")),
            None => Ok(columns),
        }
    }

    /// The columns that are not read.
    pub(super) fn unknown(&self) -> Vec<String> {
        let is_known = |name: &String| name == PARTS || KNOWN.contains(&name.as_str());
        self.names.iter().filter(|name| !is_known(name)).cloned().collect()
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|one| one == name)
    }
}

/// A reader who may be taken in. `Debug` is missing on purpose.
pub(super) struct Candidate {
    pub(super) address: EmailAddress,
    pub(super) condition: ConditionKey,
    /// Active when the file tells of a confirmation and that is believed.
    pub(super) state: EnrollmentState,
    pub(super) zone: Zone,
    pub(super) language: Language,
    pub(super) hour: Option<NaiveTime>,
    pub(super) spacing: Option<u16>,
    pub(super) done: Vec<StepKey>,
    /// The step that is next.
    pub(super) next: StepKey,
    pub(super) privacy_version: String,
    pub(super) terms_version: String,
    pub(super) evidence: Evidence,
    pub(super) confirmed_at: Option<DateTime<Utc>>,
}

/// When and where a reader agreed.
#[derive(Serialize)]
pub(super) struct Evidence {
    at: DateTime<Utc>,
    page: Option<String>,
    channel: Option<String>,
}

/// Checks a line for a series. With `state` active a confirmation in the file is believed. The bucket is the address's, also for
/// a line that is refused: an import that goes on later, when another line is good, finds each where it was.
pub(super) fn check(
    record: &ByteRecord,
    columns: &Columns,
    series: &Series,
    state: EnrollmentState,
    real: DateTime<Utc>,
) -> (Option<Bucket>, Result<Candidate, Refused>) {
    let line = match Line::read(record, columns) {
        Ok(line) => line,
        Err(reason) => return (None, Err(reason)),
    };
    match EmailAddress::parse(line.cell("address")) {
        Ok(address) => (Some(address.bucket()), line.candidate(address, series, state, real)),
        Err(_) => (None, Err(Refused::Address)),
    }
}

/// The step after the last that was received.
fn next_after(series: &Series, done: &[StepKey]) -> Option<StepKey> {
    let last = done.iter().max_by_key(|key| series.position(key));
    let next = last.map_or_else(|| series.first_step_not_in(done), |last| series.next_step(last, done));
    next.map(|step| step.key.clone())
}

struct Line<'a> {
    cells: Vec<&'a str>,
    columns: &'a Columns,
}

impl<'a> Line<'a> {
    fn read(record: &'a ByteRecord, columns: &'a Columns) -> Result<Self, Refused> {
        if record.len() != columns.names.len() {
            return Err(Refused::Columns);
        }
        let cells = record.iter().map(std::str::from_utf8).collect::<Result<_, _>>().map_err(|_| Refused::Utf8)?;
        Ok(Self { cells, columns })
    }

    fn candidate(
        &self,
        address: EmailAddress,
        series: &Series,
        state: EnrollmentState,
        real: DateTime<Utc>,
    ) -> Result<Candidate, Refused> {
        self.is_for_a_reader_who_goes_on(series)?;
        let condition = ConditionKey::parse(self.cell("condition")).ok().filter(|key| series.condition(key).is_some());
        let condition = condition.ok_or(Refused::Condition)?;
        let done = self.parts(series)?;
        let consent_at = instant(self.cell("consent_at")).filter(|at| *at <= real + AHEAD).ok_or(Refused::ConsentAt)?;
        let confirmed_at = self.confirmed_at(consent_at, real)?.filter(|_| state == EnrollmentState::Active);
        if confirmed_at.is_none() && consent_at < real - OLDEST {
            return Err(Refused::ConsentTooOld);
        }
        let (privacy_version, terms_version) = self.versions().ok_or(Refused::ConsentText)?;
        let spacing = |text: &str| text.parse().ok().filter(|days| series.spacings.contains(days));
        Ok(Candidate {
            address,
            condition,
            state: if confirmed_at.is_some() { EnrollmentState::Active } else { EnrollmentState::Pending },
            zone: self.optional("zone", Refused::Zone, |text| Zone::parse(text).ok())?.unwrap_or(series.default_zone),
            language: self.optional("language", Refused::Language, Language::parse)?.unwrap_or(series.words),
            hour: self.optional("hour", Refused::Hour, |text| parse_time(text).ok())?,
            spacing: self.optional("spacing", Refused::Spacing, spacing)?,
            next: next_after(series, &done).ok_or(Refused::NothingLeft)?,
            done,
            privacy_version,
            terms_version,
            evidence: self.evidence(consent_at).ok_or(Refused::ConsentSource)?,
            confirmed_at,
        })
    }

    /// Empty if there is no such column.
    fn cell(&self, name: &str) -> &str {
        self.columns.place(name).map_or("", |place| as_it_was(self.cells[place].trim()))
    }

    fn optional<T>(&self, name: &str, fault: Refused, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Refused> {
        let text = Some(self.cell(name)).filter(|text| !text.is_empty());
        text.map(|text| read(text).ok_or(fault)).transpose()
    }

    /// A file of another installation says who has left, and of which series it tells.
    fn is_for_a_reader_who_goes_on(&self, series: &Series) -> Result<(), Refused> {
        if !["", series.slug.as_str()].contains(&self.cell("series")) {
            return Err(Refused::Series);
        }
        if !["", "no"].contains(&self.cell("suppressed")) {
            return Err(Refused::Suppressed);
        }
        if ["", "active", "pending"].contains(&self.cell("state")) { Ok(()) } else { Err(Refused::Ended) }
    }

    fn parts(&self, series: &Series) -> Result<Vec<StepKey>, Refused> {
        let keys = self.cell(PARTS).split_whitespace();
        let key = |text| StepKey::parse(text).ok().filter(|key| series.step(key).is_some()).ok_or(Refused::Parts);
        keys.map(key).collect()
    }

    fn confirmed_at(&self, consent_at: DateTime<Utc>, real: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Refused> {
        let confirmed = self.optional("confirmed_at", Refused::ConfirmedAt, |text| {
            instant(text).filter(|at| (consent_at..=real + AHEAD).contains(at))
        })?;
        Ok(confirmed.filter(|_| self.cell("state") != "pending"))
    }

    /// What the reader agreed to.
    fn versions(&self) -> Option<(String, String)> {
        let text = |name: &str| Some(self.cell(name)).filter(|text| !text.is_empty());
        let both = text("privacy_version").zip(text("terms_version"));
        let (privacy, terms) = both.or_else(|| text("consent_text").map(|one| (one, one)))?;
        let fits = |text: &str| text.len() <= 100 && !text.chars().any(char::is_control);
        (fits(privacy) && fits(terms)).then(|| (privacy.to_owned(), terms.to_owned()))
    }

    /// As a publisher's server says it; the query of a page may say what somebody looked for.
    fn evidence(&self, at: DateTime<Utc>) -> Option<Evidence> {
        let source = self.cell("consent_source");
        let fits = !source.is_empty() && source.len() <= 500 && !source.chars().any(char::is_control);
        let page = Url::parse(source).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let page = page.map(|mut url| {
            url.set_query(None);
            url.set_fragment(None);
            url.to_string()
        });
        let channel = page.is_none().then(|| source.to_owned());
        fits.then_some(Evidence { at, page, channel })
    }
}

/// `2026-03-01T12:00:00Z`, `2026-03-01 12:00:00` or `2026-03-01`; UTC unless it says otherwise.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let local = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok();
    let day = |text: &str| text.parse::<NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN));
    let at: DateTime<Utc> = text.parse().ok().or_else(|| local(text).or_else(|| day(text)).map(|at| at.and_utc()))?;
    is_of_our_time(at.date_naive()).then_some(at)
}
