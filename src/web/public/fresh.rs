//! The page behind a fresh link: what a forwarded mail must not do. A GET only shows; all else is a POST.
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::calendar::{Before, after, field};
use super::{AppState, html, private, unlisted};
use crate::actions::ActionError;
use crate::actions::manage::change::Done;
use crate::actions::manage::fresh::{self, Again, Fresh, From, Opened};
use crate::actions::manage::{address, erase, export};
use crate::links::Purpose;
use crate::model::{ConditionKey, EmailAddress};
use crate::web::language::Lang;
use crate::web::pages::{Choice, ErasedPage, FreshExpiredPage, FreshPage, FreshSentPage, Said};
use crate::web::subscribe::address_fault;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/fresh/{token}", get(show))
        .route("/fresh/{token}/new-link", post(press_new_link))
        .route("/fresh/{token}/condition", post(press_condition))
        .route("/fresh/{token}/address", post(press_address))
        .route("/fresh/{token}/again", post(press_again))
        .route("/fresh/{token}/export", post(press_export))
        .route("/fresh/{token}/erase", post(press_erase))
}

async fn show(
    State(state): State<AppState>,
    lang: Lang,
    Path(token): Path<String>,
    Query(before): Query<Before>,
) -> Response {
    let view = fresh::look(&state.service, &token, lang.chosen()).await;
    private(lang, view, |view| match view {
        Opened::Yes(view) => page(&view, &token, before.said()).render(lang.or(view.language)),
        Opened::Expired(language) => expired(&token).render(lang.or(language)),
    })
}

async fn press_new_link(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    let sent = fresh::send_link(&state.service, &token, Purpose::Fresh).await;
    private(lang, sent, |language| FreshSentPage {}.render(lang.or(language)))
}

async fn press_condition(
    State(state): State<AppState>,
    lang: Lang,
    Path(token): Path<String>,
    body: Bytes,
) -> Response {
    let done = match ConditionKey::parse(&field(&body, "condition")) {
        Ok(condition) => fresh::change_condition(&state.service, &token, &condition).await,
        Err(_) => fresh::look(&state.service, &token, None).await.map(|opened| opened.map(|_| Done::Refused)),
    };
    pressed(lang, &token, done, Said::Condition)
}

async fn press_again(State(state): State<AppState>, lang: Lang, Path(token): Path<String>, body: Bytes) -> Response {
    let from = if field(&body, "from") == "there" { From::WhereItStopped } else { From::TheStart };
    let done = fresh::start_again(&state.service, &token, from).await;
    pressed(lang, &token, done, Said::Again)
}

/// The answer is the same whatever becomes of the address, unless it is none.
async fn press_address(State(state): State<AppState>, lang: Lang, Path(token): Path<String>, body: Bytes) -> Response {
    let typed = field(&body, "address");
    let fault = match EmailAddress::parse(&typed) {
        Ok(new) => {
            let asked = address::ask(&state.service, &token, &new).await;
            return pressed(lang, &token, asked.map(|opened| opened.map(|()| Done::Yes)), Said::Address);
        }
        Err(fault) => fault,
    };
    match fresh::look(&state.service, &token, lang.chosen()).await {
        Ok(Opened::Yes(view)) => {
            let language = lang.or(view.language);
            let address = typed.chars().filter(|one| !one.is_control()).take(254).collect();
            let page = FreshPage { address, address_error: Some(address_fault(fault)), ..page(&view, &token, None) };
            unlisted(html(StatusCode::UNPROCESSABLE_ENTITY, page.render(language)))
        }
        other => pressed(lang, &token, other.map(|opened| opened.map(|_| Done::Refused)), Said::Address),
    }
}

async fn press_export(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    match export::export(&state.service, &token).await {
        Ok(Opened::Yes(all)) => {
            let headers = [
                (header::CONTENT_TYPE, "application/json"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"my-data.json\""),
            ];
            let text = serde_json::to_string_pretty(&all).expect("plain texts and times are JSON");
            unlisted((StatusCode::OK, headers, text).into_response())
        }
        other => pressed(lang, &token, other.map(|opened| opened.map(|_| Done::Nothing)), Said::Saved),
    }
}

async fn press_erase(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    let erased = erase::erase(&state.service, &token).await;
    private(lang, erased, |erased| match erased {
        Opened::Yes(language) => ErasedPage {}.render(lang.or(language)),
        Opened::Expired(language) => expired(&token).render(lang.or(language)),
    })
}

fn pressed(lang: Lang, token: &str, done: Result<Opened<Done>, ActionError>, yes: Said) -> Response {
    match done {
        Ok(Opened::Expired(language)) => private(lang, Ok(()), |()| expired(token).render(lang.or(language))),
        Ok(Opened::Yes(done)) => after(lang, &fresh_path(token), Ok(done), yes, Said::Choice),
        Err(error) => after(lang, &fresh_path(token), Err(error), yes, Said::Choice),
    }
}

fn fresh_path(token: &str) -> String {
    format!("/fresh/{}", token.trim())
}

fn page(view: &Fresh, token: &str, said: Option<Said>) -> FreshPage {
    let choice = |one: &crate::content::Condition| Choice {
        value: one.key.as_str().to_owned(),
        label: one.name.clone(),
        selected: false,
    };
    FreshPage {
        series_title: view.series_title.clone(),
        path: fresh_path(token),
        said,
        conditions: view.conditions.iter().map(choice).collect(),
        is_open: view.is_open,
        may_start_again: view.again != Again::No,
        may_go_on: view.again == Again::Either,
        address: String::new(),
        address_error: None,
    }
}

fn expired(token: &str) -> FreshExpiredPage {
    FreshExpiredPage { post_to: format!("{}/new-link", fresh_path(token)) }
}
