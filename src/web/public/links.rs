//! The pages behind the links of mails that confirm, leave, and say "this was not me".
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};

use super::{AppState, private};
use crate::actions::confirm::{self, LinkState, LinkView};
use crate::actions::unsubscribe::{self, UnsubscribeView};
use crate::actions::{ActionError, suppress};
use crate::messages::Language;
use crate::web::language::Lang;
use crate::web::pages::{
    AlreadyConfirmedPage, ConfirmMovePage, ConfirmPage, ConfirmedPage, ElsewherePage, ExpiredPage, MovedHerePage,
    NeverDonePage, NeverPage, NewLinkSentPage, NothingMovedPage, SupersededPage, UnsubscribePage, UnsubscribedPage,
};

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/confirm/{token}", get(show_confirm).post(press_confirm))
        .route("/confirm/{token}/new-link", post(new_link))
        .route("/unsubscribe/{token}", get(show_unsubscribe).post(press_unsubscribe))
        .route("/never/{token}", get(show_never).post(press_never))
}

async fn show_confirm(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    private(lang, confirm::look(&state.service, &token).await, |view| {
        let language = lang.or(view.language);
        match view.state {
            LinkState::Ready if view.is_move => {
                ConfirmMovePage { series_title: view.series_title, post_to: format!("/confirm/{token}") }
                    .render(language)
            }
            LinkState::Ready => {
                ConfirmPage { series_title: view.series_title, post_to: format!("/confirm/{token}") }.render(language)
            }
            _ => link_page(view, &token, language),
        }
    })
}

async fn press_confirm(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    private(lang, confirm::confirm(&state.service, &token).await, |view| {
        let language = lang.or(view.language);
        match view.state {
            LinkState::Ready if view.is_move => MovedHerePage { series_title: view.series_title }.render(language),
            LinkState::Ready => ConfirmedPage { series_title: view.series_title, parts: view.parts }.render(language),
            _ => link_page(view, &token, language),
        }
    })
}

/// A link that can no longer confirm.
fn link_page(view: LinkView, token: &str, language: Language) -> String {
    let series_title = view.series_title;
    match view.state {
        LinkState::Ready | LinkState::AlreadyDone => AlreadyConfirmedPage { series_title }.render(language),
        LinkState::Expired => {
            ExpiredPage { series_title, post_to: format!("/confirm/{token}/new-link") }.render(language)
        }
        LinkState::Superseded => SupersededPage { series_title }.render(language),
        LinkState::Left => UnsubscribedPage { series_title }.render(language),
        LinkState::Elsewhere { leave_path } => ElsewherePage { series_title, post_to: leave_path }.render(language),
        LinkState::NothingMoved => NothingMovedPage { series_title }.render(language),
    }
}

async fn new_link(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    let sent = confirm::send_new_link(&state.service, &token).await;
    private(lang, sent, |language| NewLinkSentPage {}.render(lang.or(language)))
}

async fn show_unsubscribe(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    unsubscribe_page(lang, unsubscribe::look(&state.service, &token).await, &token)
}

/// The page's button and one-click (RFC 8058) alike: no cookie, no token in the body, no Origin, and no redirect. The
/// body is not looked at.
async fn press_unsubscribe(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    unsubscribe_page(lang, unsubscribe::unsubscribe(&state.service, &token).await, &token)
}

fn unsubscribe_page(lang: Lang, view: Result<UnsubscribeView, ActionError>, token: &str) -> Response {
    private(lang, view, |view| {
        let (series_title, language) = (view.series_title, lang.or(view.language));
        if view.done {
            UnsubscribedPage { series_title }.render(language)
        } else {
            UnsubscribePage { series_title, post_to: format!("/unsubscribe/{token}") }.render(language)
        }
    })
}

async fn show_never(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    private(lang, suppress::never_look(&state.service, &token).await, |language| {
        NeverPage { post_to: format!("/never/{token}") }.render(lang.or(language))
    })
}

async fn press_never(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    let done = suppress::never(&state.service, &token).await;
    private(lang, done, |language| NeverDonePage {}.render(lang.or(language)))
}
