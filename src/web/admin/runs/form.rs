//! The form that a run is prepared in.
use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::super::AppState;
use super::super::gate::SignedIn;
use super::super::shell;
use super::{because, path};
use crate::actions::ActionError;
use crate::actions::runs;
use crate::actions::runs::choice::Choice;
use crate::content::Series;
use crate::messages::{self, Language};
use crate::model::EnrollmentState;
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
    shell::page(&by, &form_page(&state, by.visitor.language, &Typed::default()), None)
}

pub(super) async fn prepare(State(state): State<AppState>, by: SignedIn, Form(typed): Form<Typed>) -> Response {
    let prepared = async {
        let actor = because(&by, &typed.why)?;
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
        Ok(notice) => shell::page(&by, &form_page(&state, by.visitor.language, &typed), Some(notice)),
        Err(error) => shell::failed(by.visitor.language, &error),
    }
}

/// Whom a run can be for, and the message that says it.
const FOR: [(&str, &str); 6] = [
    ("reader", "run-for-reader"),
    ("due_within", "run-for-due-within"),
    ("not_received", "run-for-not-received"),
    ("received", "run-for-received"),
    ("filter", "run-for-filter"),
    ("list", "run-for-list"),
];
/// What it can send; a correction only where there is one.
const WHAT: [(&str, &str); 3] =
    [("next", "run-what-next"), ("step", "run-what-step"), ("correction", "run-what-correction")];

fn form_page(state: &AppState, language: Language, typed: &Typed) -> NewRunPage {
    let library = state.service.library();
    let choice = &typed.choice;
    let said = |words: &[(&str, &str)], chosen: &str| {
        words.iter().map(|(word, key)| pick(word, messages::text(language, key), chosen)).collect::<Vec<Pick>>()
    };
    let steps =
        |chosen: &str| -> Vec<Pick> { library.series.values().flat_map(|series| steps_of(series, chosen)).collect() };
    let corrections = library.series.values().flat_map(|series| &series.corrections);
    let state_of = |one: EnrollmentState| pick(one.as_str(), one.to_string(), &choice.state);
    let has_corrections = library.series.values().any(|series| !series.corrections.is_empty());
    NewRunPage {
        series: library.series.values().map(|one| pick(one.slug.as_str(), one.title.clone(), &choice.series)).collect(),
        whom: said(&FOR, &choice.whom),
        address: choice.address.clone(),
        within: choice.within.clone(),
        had: steps(&choice.had),
        version: choice.version.clone(),
        states: [EnrollmentState::Active, EnrollmentState::Paused, EnrollmentState::Completed].map(state_of).to_vec(),
        parts: choice.parts.clone(),
        languages: Language::ALL
            .into_iter()
            .map(|one| pick(one.tag(), one.own_name().to_owned(), &choice.language))
            .collect(),
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
