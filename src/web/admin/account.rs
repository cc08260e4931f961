//! One's own password, second factor and sessions.
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::gate::SignedIn;
use super::route::{Needs, Route};
use super::shell::{self, minute};
use super::sign_in::fault_message;
use super::{AppState, Said};
use crate::actions::ActionError;
use crate::actions::admins::password::{self, ChangeError};
use crate::actions::admins::{self, second_factor, sessions};
use crate::messages;
use crate::web::error::WebError;
use crate::web::pages::admin::{AccountPage, Notice, OfferPage, RecoveryCodesPage, SessionRow};

const HERE: &str = "/admin/account";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(HERE, Needs::SignedIn, show),
        Route::post("/admin/account/password", Needs::SignedIn, change_password),
        Route::get("/admin/account/second-factor", Needs::SignedIn, show_offer),
        Route::post("/admin/account/second-factor", Needs::SignedIn, begin),
        Route::post("/admin/account/second-factor/confirm", Needs::SignedIn, confirm),
        Route::post("/admin/account/second-factor/off", Needs::SignedIn, turn_off),
        Route::post("/admin/account/recovery-codes", Needs::SignedIn, renew_codes),
        Route::post("/admin/account/sessions/{id}/end", Needs::SignedIn, end_session),
        Route::post("/admin/account/sessions/end-all", Needs::SignedIn, end_sessions),
    ]
}

async fn show(State(state): State<AppState>, by: SignedIn, Query(said): Query<Said>) -> Response {
    let notice = shell::said(by.visitor.language, said.said.as_deref());
    account(&state, &by, notice).await
}

async fn account(state: &AppState, by: &SignedIn, notice: Option<Notice>) -> Response {
    match look(state, by).await {
        Ok(page) => shell::page(by, &page, notice),
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

async fn look(state: &AppState, by: &SignedIn) -> Result<AccountPage, ActionError> {
    let (service, id) = (&state.service, by.session.admin);
    let admin = admins::show(service, id).await?;
    let row = |one: sessions::Line| SessionRow {
        id: one.id.to_string(),
        origin: one.origin,
        begun: minute(one.begun_at),
        seen: minute(one.seen_at),
        here: one.id == by.session.id,
    };
    Ok(AccountPage {
        name: admin.name,
        address: admin.address,
        role: admin.role.as_str(),
        second_factor: admin.second_factor_at.is_some(),
        codes_left: second_factor::codes_left(service, id).await?,
        sessions: sessions::list(service, id).await?.into_iter().map(row).collect(),
    })
}

/// The page again, with why something was not done.
async fn refused(state: &AppState, by: &SignedIn, error: ActionError) -> Response {
    match shell::refusal(by.visitor.language, error) {
        Ok(notice) => account(state, by, Some(notice)).await,
        Err(error) => shell::failed(by.visitor.language, &error),
    }
}

async fn wrong_password(state: &AppState, by: &SignedIn) -> Response {
    account(state, by, Some(shell::problem(by.visitor.language, "password-wrong"))).await
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    present: String,
    #[serde(default)]
    new: String,
}

async fn change_password(State(state): State<AppState>, by: SignedIn, Form(form): Form<Change>) -> Response {
    let (admin, session) = (by.session.admin, by.session.id);
    match password::change(&state.service, admin, session, &form.present, &form.new, &by.actor()).await {
        Ok(()) => shell::done(HERE, "password-changed"),
        Err(ChangeError::Wrong) => wrong_password(&state, &by).await,
        Err(ChangeError::Fault(fault)) => {
            account(&state, &by, Some(shell::problem(by.visitor.language, fault_message(fault)))).await
        }
        Err(ChangeError::Failed(error)) => refused(&state, &by, error).await,
    }
}

#[derive(Deserialize)]
struct Password {
    #[serde(default)]
    password: String,
}

async fn begin(State(state): State<AppState>, by: SignedIn, Form(form): Form<Password>) -> Response {
    match second_factor::begin(&state.service, by.session.admin, &form.password, &by.actor()).await {
        Ok(true) => Redirect::to("/admin/account/second-factor").into_response(),
        Ok(false) => wrong_password(&state, &by).await,
        Err(error) => refused(&state, &by, error).await,
    }
}

async fn show_offer(State(state): State<AppState>, by: SignedIn) -> Response {
    offer(&state, &by, None).await
}

async fn offer(state: &AppState, by: &SignedIn, problem: Option<&str>) -> Response {
    match second_factor::offer(&state.service, by.session.admin).await {
        Ok(Some(offer)) => {
            let page = OfferPage {
                picture_html: offer.picture_svg,
                key: offer.key,
                problem: problem.map(|key| messages::text(by.visitor.language, key)),
            };
            let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
            shell::page_for(&by.visitor, status, &page, None)
        }
        Ok(None) => Redirect::to(HERE).into_response(),
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

#[derive(Deserialize)]
struct Code {
    #[serde(default)]
    code: String,
}

async fn confirm(State(state): State<AppState>, by: SignedIn, Form(form): Form<Code>) -> Response {
    match second_factor::confirm(&state.service, by.session.admin, &form.code, &by.actor()).await {
        Ok(Some(codes)) => shell::page(&by, &RecoveryCodesPage { codes }, None),
        Ok(None) => offer(&state, &by, Some("offer-wrong")).await,
        Err(error) => refused(&state, &by, error).await,
    }
}

async fn turn_off(State(state): State<AppState>, by: SignedIn, Form(form): Form<Password>) -> Response {
    match second_factor::turn_off(&state.service, by.session.admin, &form.password, &by.actor()).await {
        Ok(true) => shell::done(HERE, "second-factor-turned-off"),
        Ok(false) => wrong_password(&state, &by).await,
        Err(error) => refused(&state, &by, error).await,
    }
}

async fn renew_codes(State(state): State<AppState>, by: SignedIn, Form(form): Form<Password>) -> Response {
    match second_factor::renew_codes(&state.service, by.session.admin, &form.password, &by.actor()).await {
        Ok(Some(codes)) => shell::page(&by, &RecoveryCodesPage { codes }, None),
        Ok(None) => wrong_password(&state, &by).await,
        Err(error) => refused(&state, &by, error).await,
    }
}

async fn end_session(State(state): State<AppState>, by: SignedIn, Path(id): Path<Uuid>) -> Response {
    match sessions::end(&state.service, id, &by.actor()).await {
        // It may have ended by itself.
        Ok(()) | Err(ActionError::NotFound(_)) => shell::done(HERE, "session-ended"),
        Err(error) => refused(&state, &by, error).await,
    }
}

async fn end_sessions(State(state): State<AppState>, by: SignedIn) -> Response {
    match sessions::end_all(&state.service, Some(by.session.id), &by.actor()).await {
        Ok(()) => shell::done(HERE, "sessions-ended"),
        Err(error) => refused(&state, &by, error).await,
    }
}
