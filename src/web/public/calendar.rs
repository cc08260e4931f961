//! The reader's own page: what comes, and when.
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{Datelike as _, Timelike as _};

use super::{AppState, private};
use crate::actions::ActionError;
use crate::actions::unsubscribe::{self, ManageView};
use crate::messages::Language;
use crate::model::EnrollmentState;
use crate::web::language::Lang;
use crate::web::pages::{ManagePage, ManageState, NextPart};

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/manage/{token}", get(show_manage))
        .route("/manage/{token}/pause", post(press_pause))
        .route("/manage/{token}/resume", post(press_resume))
}

async fn show_manage(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    let view = unsubscribe::manage_look(&state.service, &token).await;
    private(lang, view, |view| manage_page(&view, &token, lang.or(view.language)))
}

async fn press_pause(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    let paused = unsubscribe::pause_by_reader(&state.service, &token).await;
    manage_after(&state, lang, &token, paused).await
}

async fn press_resume(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    let resumed = unsubscribe::resume_by_reader(&state.service, &token).await;
    manage_after(&state, lang, &token, resumed).await
}

async fn manage_after(state: &AppState, lang: Lang, token: &str, done: Result<(), ActionError>) -> Response {
    let view = match done {
        Ok(()) => unsubscribe::manage_look(&state.service, token).await,
        Err(error) => Err(error),
    };
    private(lang, view, |view| manage_page(&view, token, lang.or(view.language)))
}

fn manage_page(view: &ManageView, token: &str, language: Language) -> String {
    let state = match view.state {
        EnrollmentState::Active => ManageState::Active,
        EnrollmentState::Paused => ManageState::Paused,
        _ => ManageState::Ended,
    };
    let next = view.next.filter(|_| view.state == EnrollmentState::Active).map(|(part, due_at)| {
        let local = view.zone.local(due_at);
        NextPart {
            part,
            weekday: local.weekday().number_from_monday(),
            day: local.day(),
            month: local.month(),
            time: format!("{}:{:02}", local.hour(), local.minute()),
            zone: view.zone.to_string(),
        }
    });
    ManagePage {
        series_title: view.series_title.clone(),
        state,
        next,
        received: view.received as usize,
        parts: view.parts as usize,
        pause_to: (view.state == EnrollmentState::Active).then(|| format!("/manage/{token}/pause")),
        resume_to: (view.state == EnrollmentState::Paused).then(|| format!("/manage/{token}/resume")),
        unsubscribe_to: view.unsubscribe_path.clone(),
        contact: view.contact.clone(),
    }
    .render(language)
}
