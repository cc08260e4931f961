//! Imports, which are made on the command line: how far each is and what it has refused, for those who would have to look after
//! the mail that comes of it. Nobody is named here.
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::gate::SignedIn;
use super::route::{Needs, Route};
use super::{AppState, shell};
use crate::actions::ActionError;
use crate::actions::imports::{self, ImportView, RefusedLines};
use crate::model::Right;
use crate::web::error::WebError;
use crate::web::files;
use crate::web::pages::imports::{ImportPage, ImportRow, ImportsPage, ReasonRow};

const HERE: &str = "/admin/imports";
const NEEDS: Needs = Needs::Right(Right::Operate);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(HERE, NEEDS, list).in_nav("admin-nav-imports"),
        Route::get("/admin/imports/{import}", NEEDS, show),
        Route::get("/admin/imports/{import}/refused.csv", NEEDS, refused),
    ]
}

#[derive(Debug, Deserialize)]
struct Listed {
    after: Option<String>,
}

async fn list(State(state): State<AppState>, by: SignedIn, Query(ask): Query<Listed>) -> Response {
    match imports::list(&state.service, ask.after.as_deref()).await {
        Ok(page) => {
            let next_path = page.next.map(|next| format!("{HERE}?after={next}"));
            let imports = page.items.into_iter().map(row).collect();
            shell::page(&by, &ImportsPage { imports, next_path }, None)
        }
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

async fn show(State(state): State<AppState>, by: SignedIn, Path(import): Path<String>) -> Response {
    let looked = async { imports::show(&state.service, number(&import)?).await };
    match looked.await {
        Ok(import) => shell::page(&by, &page(import), None),
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

async fn refused(State(state): State<AppState>, by: SignedIn, Path(import): Path<String>) -> Response {
    let file = async {
        let lines = RefusedLines::of(&state.service, number(&import)?).await?;
        files::of_refused_lines(&state, lines).await
    };
    file.await.unwrap_or_else(|error| shell::failed(by.visitor.language, &WebError::from(error)))
}

fn number(import: &str) -> Result<i64, ActionError> {
    import.parse().map_err(|_| ActionError::NotFound("import"))
}

fn page(import: ImportView) -> ImportPage {
    let refused = import.refused.iter();
    let reasons = refused.map(|(reason, count)| ReasonRow { text: reason.text(), count: *count }).collect();
    let import = row(import);
    let refused_path = (import.refused > 0).then(|| format!("{}/refused.csv", import.path));
    ImportPage { import, reasons, refused_path }
}

fn row(import: ImportView) -> ImportRow {
    let ImportView { progress, who, why, at, .. } = import;
    ImportRow {
        path: format!("{HERE}/{}", progress.id),
        id: progress.id,
        series: progress.series,
        dry_run: progress.dry_run,
        ended: progress.ended,
        percent: (progress.octets_done * 100).checked_div(progress.octets).unwrap_or(100),
        lines: progress.lines,
        active: progress.active,
        pending: progress.pending,
        refused: progress.refused,
        at: shell::minute(at),
        who,
        why,
    }
}
