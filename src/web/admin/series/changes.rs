//! What would change for whom if the content on the disk were published now.
use std::path::Path;

use axum::extract::State;
use axum::response::Response;

use super::{AppState, path, shell};
use crate::actions::changes::{self, Kind, Proposed, SeriesChanges};
use crate::web::admin::gate::SignedIn;
use crate::web::error::WebError;
use crate::web::pages::series::{ChangesPage, FateRow, SeriesChangesView, SettingRow, StepChangesRow};

pub(super) async fn show(State(state): State<AppState>, by: SignedIn) -> Response {
    match changes::of_folder(&state.service, state.content_folder.clone()).await {
        Ok(found) => shell::page(&by, &page(state.content_folder.as_deref(), found), None),
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

fn page(folder: Option<&Path>, found: Proposed) -> ChangesPage {
    let differs = found.series.iter().any(|one| one.kind != Kind::Same);
    ChangesPage {
        folder: folder.map(|folder| folder.display().to_string()),
        faults: found.faults.iter().map(ToString::to_string).collect(),
        same: found.faults.is_empty() && !differs,
        series: found.series.into_iter().filter(|one| one.kind != Kind::Same).map(series).collect(),
    }
}

fn series(found: SeriesChanges) -> SeriesChangesView {
    let step = |one: &crate::content::StepChanges| StepChangesRow {
        step: one.step.to_string(),
        changes: one.changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    SeriesChangesView {
        path: (found.kind != Kind::New).then(|| path(&found.series)),
        series: found.series.to_string(),
        kind: found.kind.in_words(),
        settings: found
            .settings
            .into_iter()
            .map(|one| SettingRow { name: one.name, was: one.was, will_be: one.will_be })
            .collect(),
        steps: found.steps.iter().map(step).collect(),
        readers: found
            .readers
            .iter()
            .map(|one| FateRow {
                waits_for: one.waits_for.to_string(),
                readers: one.readers,
                fate: one.fate.in_words(),
            })
            .collect(),
        untouched: found.untouched.unwrap_or_default(),
    }
}
