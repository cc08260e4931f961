//! One part as a reader would get it: HTML in two widths and both colours, text, headers, sizes, and a test for an editor.
use axum::extract::{Form, Path, Query, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use axum::response::{Html, IntoResponse as _, Response};
use chrono::{Datelike as _, NaiveTime};
use serde::{Deserialize, Serialize};

use super::{AppState, hours, parsed, path, shell};
use crate::actions::preview::{Preview, preview_in};
use crate::actions::rehearsal::{self, Ask};
use crate::actions::{ActionError, trigger};
use crate::content::{MAIL_POLICY, Series, Step, in_colours, with_links_outward};
use crate::messages::{self, Language, Values};
use crate::model::{ConditionKey, EmailAddress, SeriesSlug, StepKey, Zone, parse_time};
use crate::web::admin::Said;
use crate::web::admin::gate::SignedIn;
use crate::web::error::WebError;
use crate::web::guard;
use crate::web::pages::admin::Notice;
use crate::web::pages::readers::Pick;
use crate::web::pages::series::{HeaderView, MessageView, StepPage};

/// Gmail cuts off what is longer.
const CLIP: usize = 102 * 1024;
const LIGHT: &str = "light";
const DARK: &str = "dark";

/// What is looked at. A field that is empty or cannot be read stands for the first of its list.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Asked {
    /// The condition's place in the list, from 1: no illness stands in an address of ours.
    condition: String,
    language: String,
    colours: String,
    zone: String,
    hour: String,
}

impl Asked {
    fn condition<'s>(&self, series: &'s Series) -> Option<&'s ConditionKey> {
        let index = self.condition.parse::<usize>().unwrap_or(1).checked_sub(1);
        index.and_then(|index| series.conditions.get(index)).or_else(|| series.conditions.first()).map(|one| &one.key)
    }

    fn query(&self) -> String {
        serde_urlencoded::to_string(self).unwrap_or_default()
    }

    fn language(&self, series: &Series) -> Language {
        Language::parse(&self.language).unwrap_or(series.words)
    }
}

pub(super) async fn show(
    State(state): State<AppState>,
    by: SignedIn,
    Path((slug, step)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    Query(said): Query<Said>,
) -> Response {
    let notice = shell::said(by.visitor.language, said.said.as_deref());
    step_page(&state, &by, (&slug, &step), &asked, notice)
}

fn step_page(
    state: &AppState,
    by: &SignedIn,
    (slug, step): (&str, &str),
    asked: &Asked,
    notice: Option<Notice>,
) -> Response {
    match look(state, slug, step, asked) {
        Ok(preview) => {
            let mut response = shell::page(by, &page(state, by.visitor.language, &preview, asked), notice);
            // The mail stands in frames of our own.
            let policy = guard::policy("frame-ancestors 'none'; frame-src 'self'");
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
            response
        }
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

fn look(state: &AppState, slug: &str, step: &str, asked: &Asked) -> Result<Preview, ActionError> {
    let (slug, step) = named(slug, step)?;
    let series = state.service.series(&slug)?;
    preview_in(&state.service, &slug, asked.language(&series), &step, asked.condition(&series))
}

fn named(slug: &str, step: &str) -> Result<(SeriesSlug, StepKey), ActionError> {
    Ok((parsed(slug)?, StepKey::parse(step).map_err(|_| ActionError::NotFound("step in this series"))?))
}

/// The mail's HTML alone, with all that it could do taken away by the headers.
pub(super) async fn html(
    State(state): State<AppState>,
    by: SignedIn,
    Path((slug, step)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Response {
    match look(&state, &slug, &step, &asked) {
        Ok(Preview { mail, .. }) => {
            let headers = [(CONTENT_SECURITY_POLICY, MAIL_POLICY), (REFERRER_POLICY, "no-referrer")];
            (headers, Html(with_links_outward(&in_colours(&mail.html, asked.colours == DARK)))).into_response()
        }
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TestForm {
    condition: String,
    language: String,
    to: String,
}

pub(super) async fn test(
    State(state): State<AppState>,
    by: SignedIn,
    Path((slug, step)): Path<(String, String)>,
    Form(form): Form<TestForm>,
) -> Response {
    let asked = Asked { condition: form.condition, language: form.language, ..Asked::default() };
    let sent = async {
        let (slug, step) = named(&slug, &step)?;
        let series = state.service.series(&slug)?;
        let to = EmailAddress::parse(&form.to).map_err(|_| ActionError::Refused("choose an editor".into()))?;
        let condition = asked.condition(&series).ok_or(ActionError::NotFound("condition in this series"))?;
        let actor = by.actor().because("a test from the part's page");
        let of = (&step, condition, Language::parse(&asked.language));
        trigger::test_send(&state.service, &slug, of, &to, &actor).await
    };
    match sent.await {
        Ok(_) => shell::done(&format!("{}/steps/{step}", path_of(&slug)), "step-test-sent"),
        Err(error) => match shell::refusal(by.visitor.language, error) {
            Ok(notice) => step_page(&state, &by, (&slug, &step), &asked, Some(notice)),
            Err(error) => shell::failed(by.visitor.language, &error),
        },
    }
}

fn path_of(slug: &str) -> String {
    parsed(slug).map(|slug| path(&slug)).unwrap_or_default()
}

fn page(state: &AppState, language: Language, preview: &Preview, asked: &Asked) -> StepPage {
    let Preview { series, step, mail, .. } = preview;
    let index = series.position(step).unwrap_or_default();
    let here = |step: &StepKey| step_path(&series.slug, step);
    let beside = |step: Option<&Step>| step.map(|one| format!("{}?{}", here(&one.key), asked.query()));
    let chosen = asked.condition(series);
    let place = series.conditions.iter().position(|one| Some(&one.key) == chosen).map_or(1, |index| index + 1);
    StepPage {
        series_title: series.title.clone(),
        series_path: path(&series.slug),
        number: index + 1,
        subject: mail.subject.clone(),
        preheader: mail.preheader.clone(),
        before_path: beside(index.checked_sub(1).and_then(|before| series.steps.get(before))),
        after_path: beside(series.steps.get(index + 1)),
        path: here(step),
        conditions: conditions(series, place),
        languages: languages(state, series),
        colours: colours(language, asked),
        zone: asked.zone.clone(),
        hours: hours(parse_time(&asked.hour).ok()),
        due: due(state, language, preview, asked),
        html_path: format!("{}/html?{}", here(step), asked.query()),
        language: series.words.tag(),
        text: mail.text.clone(),
        html_size: kilobytes(mail.html.len()),
        percent_of_clip: (mail.html.len() * 100).div_ceil(CLIP),
        message: message(state, preview),
        test_path: format!("{}/test", here(step)),
        condition: place.to_string(),
        editors: state.service.settings().editors.iter().map(|editor| editor.as_typed().to_owned()).collect(),
    }
}

/// Where a part is looked at.
pub(super) fn step_path(slug: &SeriesSlug, step: &StepKey) -> String {
    format!("{}/steps/{step}", path(slug))
}

fn conditions(series: &Series, place: usize) -> Vec<Pick> {
    let pick = |(index, one): (usize, &crate::content::Condition)| Pick {
        value: (index + 1).to_string(),
        text: one.name.clone(),
        chosen: index + 1 == place,
    };
    series.conditions.iter().enumerate().map(pick).collect()
}

fn languages(state: &AppState, series: &Series) -> Vec<Pick> {
    let library = state.service.library();
    let own = library.series.get(&series.slug).map(|original| original.words);
    let all = own.into_iter().chain(library.translations_of(&series.slug));
    let pick = |one: Language| Pick {
        value: one.tag().to_owned(),
        text: one.own_name().to_owned(),
        chosen: one == series.words,
    };
    all.map(pick).collect()
}

fn colours(language: Language, asked: &Asked) -> Vec<Pick> {
    let pick = |value: &str, key: &str| Pick {
        value: value.to_owned(),
        text: messages::text(language, key),
        chosen: value == asked.colours,
    };
    vec![pick(LIGHT, "step-light"), pick(DARK, "step-dark")]
}

/// When a reader with this zone and hour, who confirms now, gets the part.
fn due(state: &AppState, language: Language, preview: &Preview, asked: &Asked) -> Option<String> {
    let series = &preview.series;
    let named = asked.zone.trim();
    let zone = if named.is_empty() { Some(series.default_zone) } else { Zone::parse(named).ok() };
    let Some(zone) = zone else { return Some(messages::text(language, "rehearsal-zone-unknown")) };
    let now = state.service.clock().series();
    let hour: Option<NaiveTime> = parse_time(&asked.hour).ok();
    let ask = Ask { from: zone.local(now).date(), zones: vec![zone], hour, spacing: None };
    let part = rehearsal::part_for(series, &ask, zone, now, &preview.step)?;
    let values = Values::new()
        .with("zone", zone.name())
        .with("weekday", part.local.weekday().number_from_monday())
        .with("day", part.local.day())
        .with("month", part.local.month())
        .with("time", part.local.format("%H:%M").to_string());
    Some(messages::filled(language, "step-due", &values))
}

/// Headers and size, where this process can make a message.
fn message(state: &AppState, preview: &Preview) -> Option<MessageView> {
    let made = state.as_message.as_ref().map(|as_message| as_message(&state.service, preview))?;
    let octets = match made {
        Ok(octets) => octets,
        Err(error) => {
            tracing::warn!(%error, "the message of a preview could not be made");
            return None;
        }
    };
    let headers = headers(&octets);
    Some(MessageView {
        is_signed: headers.iter().any(|one| one.name.eq_ignore_ascii_case("DKIM-Signature")),
        headers,
        size: kilobytes(octets.len()),
    })
}

/// The headers of a message, each with its folded lines as one.
fn headers(octets: &[u8]) -> Vec<HeaderView> {
    let text = String::from_utf8_lossy(octets);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some(HeaderView { name: name.to_owned(), value: value.trim().to_owned() })
    };
    unfolded.split("\r\n").filter_map(header).collect()
}

/// With one digit behind the point.
fn kilobytes(bytes: usize) -> String {
    let tenths = (bytes * 10).div_ceil(1024);
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_headers_are_one_line_each() {
        let found = headers(b"Subject: one\r\n two\r\nTo: a@example.org\r\n\r\nBody: none\r\n");
        let lines: Vec<String> = found.iter().map(|one| format!("{}={}", one.name, one.value)).collect();
        assert_eq!(lines, ["Subject=one two", "To=a@example.org"]);
    }

    #[test]
    fn a_size_is_rounded_up() {
        assert_eq!([0, 1, 1024, 102 * 1024].map(kilobytes), ["0.0", "0.1", "1.0", "102.0"]);
    }
}
