//! The form that a run is prepared in.
use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::super::AppState;
use super::super::gate::SignedIn;
use super::super::shell::{self, minute};
use super::path;
use crate::actions::ActionError;
use crate::actions::runs;
use crate::actions::runs::choice::{self, Choice};
use crate::content::Series;
use crate::messages::{self, Language};
use crate::model::EnrollmentState;
use crate::web::error::WebError;
use crate::web::pages::admin::Notice;
use crate::web::pages::readers::Pick;
use crate::web::pages::runs::NewRunPage;

/// The form as it was typed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Typed {
    #[serde(flatten)]
    choice: Choice,
    #[serde(default)]
    why: String,
}

pub(super) async fn show(State(state): State<AppState>, by: SignedIn) -> Response {
    filled(&state, &by, &Typed::default(), None).await
}

pub(super) async fn prepare(State(state): State<AppState>, by: SignedIn, Form(typed): Form<Typed>) -> Response {
    let prepared = async {
        let actor = by.because(&typed.why)?;
        let draft = typed.choice.draft(&state.service).await?;
        runs::prepare(&state.service, &draft, &actor).await.map(|prepared| prepared.id)
    };
    let error = match prepared.await {
        Ok(run) => return Redirect::to(&path(run)).into_response(),
        // An address that is nobody's is a slip in the form, not a page that does not exist.
        Err(ActionError::NotFound(what)) => ActionError::Refused(format!("there is no such {what}")),
        Err(error) => error,
    };
    match shell::refusal(by.visitor.language, error) {
        Ok(notice) => filled(&state, &by, &typed, Some(notice)).await,
        Err(error) => shell::failed(by.visitor.language, &error),
    }
}

async fn filled(state: &AppState, by: &SignedIn, typed: &Typed, notice: Option<Notice>) -> Response {
    match choice::versions(&state.service).await {
        Ok(versions) => shell::page(by, &form_page(state, by.visitor.language, typed, &versions), notice),
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

/// Whom a run can be for, and the message that says it.
pub(super) const FOR: [(&str, &str); 6] = [
    ("reader", "run-for-reader"),
    ("due_within", "run-for-due-within"),
    ("not_received", "run-for-not-received"),
    ("received", "run-for-received"),
    ("filter", "run-for-filter"),
    ("list", "run-for-list"),
];
/// What it can send; a correction only where there is one.
pub(super) const WHAT: [(&str, &str); 3] =
    [("next", "run-what-next"), ("step", "run-what-step"), ("correction", "run-what-correction")];

/// The message of a word.
pub(super) fn said_of(words: &[(&'static str, &'static str)], word: &str) -> &'static str {
    words.iter().find(|(one, _)| *one == word).map_or("run-any", |(_, key)| key)
}

fn form_page(state: &AppState, language: Language, typed: &Typed, versions: &[(String, DateTime<Utc>)]) -> NewRunPage {
    let library = state.service.library();
    let choice = &typed.choice;
    let said = |words: &[(&str, &str)], chosen: &str| {
        words.iter().map(|(word, key)| pick(word, messages::text(language, key), chosen)).collect::<Vec<Pick>>()
    };
    let steps =
        |chosen: &str| -> Vec<Pick> { library.series.values().flat_map(|series| steps_of(series, chosen)).collect() };
    let conditions = library.series.values().flat_map(|series| &series.conditions);
    let corrections = library.series.values().flat_map(|series| &series.corrections);
    let state_of = |one: EnrollmentState| pick(one.as_str(), one.to_string(), &choice.state);
    let has_corrections = library.series.values().any(|series| !series.corrections.is_empty());
    NewRunPage {
        series: library.series.values().map(|one| pick(one.slug.as_str(), one.title.clone(), &choice.series)).collect(),
        whom: said(&FOR, &choice.whom),
        address: choice.address.clone(),
        within: choice.within.clone(),
        had: steps(&choice.had),
        versions: versions.iter().map(|(version, at)| version_of(version, *at, &choice.version)).collect(),
        states: [EnrollmentState::Active, EnrollmentState::Paused, EnrollmentState::Completed].map(state_of).to_vec(),
        parts: choice.parts.clone(),
        languages: Language::ALL
            .into_iter()
            .map(|one| pick(one.tag(), one.own_name().to_owned(), &choice.language))
            .collect(),
        conditions: conditions.map(|one| pick(one.key.as_str(), one.name.clone(), &choice.condition)).collect(),
        since: choice.since.clone(),
        until: choice.until.clone(),
        addresses: choice.addresses.clone(),
        what: said(if has_corrections { &WHAT } else { &WHAT[..2] }, &choice.what),
        steps: steps(&choice.step),
        again: !choice.again.is_empty(),
        corrections: corrections.map(|one| pick(one.key.as_str(), one.subject.clone(), &choice.correction)).collect(),
        why: typed.why.clone(),
    }
}

/// Nobody knows a version by its name, but when it was published.
fn version_of(version: &str, published: DateTime<Utc>, chosen: &str) -> Pick {
    let short: String = version.chars().take(8).collect();
    pick(version, format!("{} UTC ({short})", minute(published)), chosen)
}

pub(super) fn pick(value: &str, text: String, chosen: &str) -> Pick {
    Pick { value: value.to_owned(), text, chosen: value == chosen }
}

pub(super) fn steps_of<'s>(series: &'s Series, chosen: &'s str) -> impl Iterator<Item = Pick> + 's {
    let text = |(index, subject): (usize, &str)| format!("{}. {subject}", index + 1);
    series
        .steps
        .iter()
        .enumerate()
        .map(move |(index, step)| pick(step.key.as_str(), text((index, &step.subject)), chosen))
}
