//! Pages for admins. Every page is a line of the table that [`routes`] puts together: method, path, what it needs, and what
//! shows it. `gate` stands before all of them, and `shell` around them.
//!
//! A new page is a function that takes [`gate::SignedIn`] and answers with [`shell::page`], a struct with a template in
//! `web/pages`, and its line in the `routes` of its file.
mod account;
mod audit;
mod cookie;
mod dashboard;
mod deeds;
mod embed;
mod export;
mod figures;
pub(super) mod gate;
mod imports;
mod oidc;
mod people;
mod readers;
pub mod route;
mod runs;
mod series;
pub(super) mod shell;
mod sign_in;
mod tokens;
mod webhooks;

use axum::Router;
use serde::Deserialize;

use super::AppState;
pub(super) use figures::as_csv;
pub(super) use oidc::Provider;
use route::Route;

pub(super) fn router(state: &AppState) -> Router<AppState> {
    route::router(state)
}

/// Every page, in the order of the navigation.
fn routes() -> Vec<Route> {
    [
        dashboard::routes(),
        readers::routes(),
        deeds::routes(),
        export::routes(),
        imports::routes(),
        runs::routes(),
        series::routes(),
        figures::routes(),
        embed::routes(),
        people::routes(),
        tokens::routes(),
        webhooks::routes(),
        audit::routes(),
        account::routes(),
        sign_in::routes(),
        oidc::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a page is asked to say about what was just done.
#[derive(Deserialize)]
struct Said {
    said: Option<String>,
}
