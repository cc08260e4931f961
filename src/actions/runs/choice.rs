//! A run as it is typed: in a form, in JSON or on the command line, all by the same names.
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::NewDraft;
use crate::actions::{ActionError, Service};
use crate::model::{
    ConditionKey, EmailAddress, EnrollmentState, Language, SeriesSlug, StepKey, What, Who, end_of_day, midnight,
    parse_day,
};
use crate::store::installation;

/// What was typed. A field that is empty asks nothing; which fields are read is up to `for` and `what`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Choice {
    pub series: String,
    /// Whom the run is for: `reader`, `due_within`, `not_received`, `received`, `filter` or `list`.
    #[serde(rename = "for")]
    pub whom: String,
    pub address: String,
    /// A span such as `12h`.
    pub within: String,
    /// The step that was received, or was not.
    pub had: String,
    /// The version of the content that it was received in.
    pub version: String,
    pub state: String,
    pub parts: String,
    pub language: String,
    pub condition: String,
    /// Days of sign-up (UTC), such as `2026-03-02`.
    pub since: String,
    pub until: String,
    /// One address in a line, or CSV with the address in one of its columns.
    pub addresses: String,
    /// `next`, `step` or `correction`.
    pub what: String,
    pub step: String,
    /// Anything but nothing: also to those who have had the step.
    pub again: String,
    pub correction: String,
}

/// So many versions of the content can be chosen from; an older one can be typed where one types.
const VERSIONS: i64 = 100;

/// The versions of the content, and when each was published (real time), the newest first.
pub async fn versions(service: &Service) -> Result<Vec<(String, DateTime<Utc>)>, ActionError> {
    Ok(installation::content_versions(service.db(), VERSIONS).await?)
}

impl Choice {
    /// What cannot be read is told, never passed over: a run would reach others than was meant.
    pub async fn draft(&self, service: &Service) -> Result<NewDraft, ActionError> {
        let series = parsed(&self.series, "choose a series", |text| SeriesSlug::parse(text).ok())?;
        let what = match self.what.trim() {
            "next" => What::Next,
            "step" => What::Step { step: step(&self.step, "choose the step to send")?, again: !self.again.is_empty() },
            "correction" => What::Correction { key: step(&self.correction, "choose the correction to send")? },
            _ => return Err(refused("choose what to send: next, step or correction")),
        };
        let who = match self.whom.trim() {
            "reader" => {
                let fault = "type the address of the reader";
                super::reader(service, &parsed(&self.address, fault, |text| EmailAddress::parse(text).ok())?).await?
            }
            "due_within" => Who::due_within(self.span()?),
            "not_received" => Who::NotReceived { step: step(&self.had, "choose the step that they have not had")? },
            "received" => {
                let is_version = |text: &str| text.chars().all(|letter| letter.is_ascii_alphanumeric());
                let version = optional(&self.version, "there is no such version of the content", |text| {
                    is_version(text).then(|| text.to_owned())
                })?;
                Who::Received { step: step(&self.had, "choose the step that they have had")?, version }
            }
            "filter" => self.filter()?,
            "list" => Who::List,
            _ => return Err(refused("choose whom the run is for")),
        };
        let addresses = if who == Who::List { addresses(&self.addresses)? } else { Vec::new() };
        let condition = match who {
            Who::Filter { .. } => {
                optional(&self.condition, "there is no such condition", |text| ConditionKey::parse(text).ok())?
            }
            _ => None,
        };
        Ok(NewDraft { series, who, what, condition, addresses })
    }

    fn span(&self) -> Result<TimeDelta, ActionError> {
        let fault = "the time is written like 12h or 2d, and is at most 366d";
        parsed(&self.within, fault, |text| {
            let span = TimeDelta::from_std(humantime::parse_duration(text).ok()?).ok()?;
            (span <= TimeDelta::days(366)).then_some(span)
        })
    }

    fn filter(&self) -> Result<Who, ActionError> {
        let day = "a day is written like 2026-03-02";
        let states = [EnrollmentState::Active, EnrollmentState::Paused, EnrollmentState::Completed];
        let state = |text: &str| text.parse().ok().filter(|state| states.contains(state));
        let state = optional(&self.state, "the state is active, paused or completed", state)?;
        let language =
            |text: &str| Language::ALL.into_iter().find(|one| one.tag() == text).map(|one| one.tag().to_owned());
        let before = optional(&self.until, day, |text| end_of_day(parse_day(text)?))?;
        Ok(Who::Filter {
            state: state.map(|state| state.to_string()),
            parts: optional(&self.parts, "the number of parts is a number", |text| {
                text.parse::<u16>().ok().map(i32::from)
            })?,
            language: optional(&self.language, "there is no such language", language)?,
            since: optional(&self.since, day, parse_day)?.map(midnight),
            before,
        })
    }
}

fn step(text: &str, fault: &str) -> Result<StepKey, ActionError> {
    parsed(text, fault, |text| StepKey::parse(text).ok())
}

fn parsed<T>(text: &str, fault: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, ActionError> {
    parse(text.trim()).ok_or_else(|| refused(fault))
}

fn optional<T>(text: &str, fault: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, ActionError> {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { parsed(text, fault, parse).map(Some) }
}

fn refused(why: &str) -> ActionError {
    ActionError::Refused(why.to_owned())
}

/// The addresses of a list: in each line the first cell that is one. The first line may be headings. What is no address is
/// named by its line alone.
pub fn addresses(text: &str) -> Result<Vec<EmailAddress>, ActionError> {
    const MOST_NAMED: usize = 5;
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let mut cells = line.split([',', ';', '\t']).map(|cell| cell.trim().trim_matches('"').trim());
        match cells.find_map(|cell| EmailAddress::parse(cell).ok()) {
            Some(address) => found.push(address),
            None if number == 0 && !line.contains('@') => {}
            None => wrong.push((number + 1).to_string()),
        }
    }
    if wrong.is_empty() {
        return Ok(found);
    }
    let more = if wrong.len() > MOST_NAMED { " and more" } else { "" };
    let lines: Vec<String> = wrong.into_iter().take(MOST_NAMED).collect();
    Err(ActionError::Refused(format!("these lines have no address: {}{more}", lines.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalised(text: &str) -> Vec<String> {
        addresses(text).unwrap().iter().map(|one| one.normalised().to_owned()).collect()
    }

    #[test]
    fn a_list_is_lines_or_a_table() {
        assert_eq!(normalised("a@example.org\n\nB@Example.org\r\n"), ["a@example.org", "b@example.org"]);
        assert_eq!(
            normalised("name,address\nAna,\"a@example.org\"\nBo;b@example.org"),
            ["a@example.org", "b@example.org"]
        );
    }

    #[test]
    fn a_line_without_an_address_is_named_by_its_number_and_not_repeated() {
        let error = addresses("a@example.org\nnot an address\nb@@example.org").unwrap_err().to_string();
        assert_eq!(error, "these lines have no address: 2, 3");
    }
}
