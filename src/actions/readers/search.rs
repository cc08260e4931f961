//! Readers as admins look for them: by a part of the address, state, progress, what comes next and day of sign-up.
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::audit_list;
use crate::actions::{ActionError, Actor, Page, Service};
use crate::model::{EmailAddress, EnrollmentState, SeriesSlug, StepKey, end_of_day, is_of_our_time, midnight};
use crate::store::admin;
use crate::store::readers;
pub use crate::store::readers::Row;

/// How many readers a page of the list has.
pub const A_PAGE: i64 = 50;

/// What is asked of the list; what is none does not matter.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// A part of the address, such as `@example.org`.
    pub part: Option<String>,
    pub series: Option<SeriesSlug>,
    pub state: Option<EnrollmentState>,
    /// So many parts were accepted.
    pub parts: Option<u16>,
    /// This part is what comes next.
    pub waits_for: Option<StepKey>,
    /// Signed up on this day (UTC) or later.
    pub since: Option<NaiveDate>,
    /// Signed up on this day (UTC) or before.
    pub until: Option<NaiveDate>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

/// The newest first, [`A_PAGE`] at a time. Who has looked at readers is written down, here for each page of the list.
pub async fn search(service: &Service, ask: &Search, by: &Actor) -> Result<Page<Row>, ActionError> {
    let filter = readers::Search {
        part: ask.part.as_deref().map(normalised),
        series: ask.series.as_ref().map(ToString::to_string),
        state: ask.state.map(|state| state.as_str().to_owned()),
        steps: ask.parts.map(i32::from),
        waits_for: ask.waits_for.as_ref().map(ToString::to_string),
        since: ask.since.map(midnight),
        before: ask.until.and_then(end_of_day),
        after: ask.after.as_deref().map(parse_cursor).transpose()?,
        limit: A_PAGE + 1,
    };
    let mut tx = service.db().begin().await?;
    let found = readers::search(&mut tx, &filter).await;
    let mut items = found.map_err(|error| if took_too_long(&error) { narrower() } else { error.into() })?;
    tx.rollback().await?;
    let is_cut = items.len() > usize::try_from(A_PAGE).unwrap_or(usize::MAX);
    items.truncate(usize::try_from(A_PAGE).unwrap_or(usize::MAX));
    audit_list(service, ask.series.as_ref(), items.len(), by).await?;
    let next = items.last().filter(|_| is_cut).map(|last| cursor(last.created_at, last.id));
    Ok(Page { items, next })
}

/// The subscriber of this address, as [`super::story::story`] wants it; none if what was typed is no whole address.
pub async fn exactly(service: &Service, typed: &str) -> Result<Option<String>, ActionError> {
    let Ok(address) = EmailAddress::parse(typed) else { return Ok(None) };
    let id = admin::subscriber_id(service.db(), &address).await?;
    Ok(id.map(|id| super::cursor(address.bucket().get(), id)))
}

/// As the stored address is written: addresses are compared without regard to the case of ASCII letters.
fn normalised(part: &str) -> String {
    part.trim().to_ascii_lowercase()
}

fn cursor(at: DateTime<Utc>, id: Uuid) -> String {
    format!("{}.{}", at.timestamp_micros(), id.simple())
}

fn parse_cursor(text: &str) -> Result<(DateTime<Utc>, Uuid), ActionError> {
    let parsed = text.split_once('.').and_then(|(at, id)| {
        let at = DateTime::from_timestamp_micros(at.parse().ok()?).filter(|at| is_of_our_time(at.date_naive()))?;
        Some((at, id.parse().ok()?))
    });
    parsed.ok_or(ActionError::Cursor)
}

/// `query_canceled`: the statement had its time.
fn took_too_long(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(inner) if inner.code().is_some_and(|code| code == "57014"))
}

fn narrower() -> ActionError {
    ActionError::Refused("That would take too long to find: name more of the address, or fewer days.".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_as_what_it_was() {
        let at = DateTime::from_timestamp_micros(1_767_225_600_123_456).unwrap();
        let id = Uuid::from_u128(7);
        assert_eq!(parse_cursor(&cursor(at, id)).unwrap(), (at, id));
        for bad in [
            "",
            ".",
            "1",
            "x.y",
            "1.2",
            &format!("99999999999999999999.{}", id.simple()),
            &format!("-8000000000000000000.{}", id.simple()),
        ] {
            assert!(parse_cursor(bad).is_err(), "{bad}");
        }
    }
}
