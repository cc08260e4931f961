//! Pages for admins. Every page is a line of the table that [`routes`] puts together: method, path, what it needs, and what
//! shows it. `gate` stands before all of them, and `shell` around them.
//!
//! A new page is a function that takes [`gate::SignedIn`] and answers with [`shell::page`], a struct with a template in
//! `web/pages`, and its line in the `routes` of its file.
mod account;
mod audit;
mod cookie;
mod embed;
mod figures;
pub(super) mod gate;
mod people;
mod readers;
pub mod route;
mod runs;
pub(super) mod shell;
mod sign_in;
mod tokens;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::AppState;
use crate::model::Right;
use crate::web::pages::admin::{AdminSeries, OverviewPage};
pub(super) use figures::as_csv;
use gate::SignedIn;
use route::{Needs, Route};

pub(super) fn router(state: &AppState) -> Router<AppState> {
    route::router(state)
}

/// Every page, in the order of the navigation.
fn routes() -> Vec<Route> {
    let index = Route::get("/admin", Needs::Right(Right::Figures), index).in_nav("admin-nav-overview");
    [
        vec![index],
        readers::routes(),
        runs::routes(),
        figures::routes(),
        embed::routes(),
        people::routes(),
        tokens::routes(),
        audit::routes(),
        account::routes(),
        sign_in::routes(),
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

/// What there is of each series.
async fn index(State(state): State<AppState>, by: SignedIn) -> Response {
    let library = state.service.library();
    let series = library.series.values().map(|series| AdminSeries {
        title: series.title.clone(),
        article_path: format!("/articles/{}", series.slug),
        embed_path: embed::path(&series.slug),
        figures_path: series.survey.is_some().then(|| format!("/admin/survey/{}", series.slug)),
    });
    shell::page(&by, &OverviewPage { series: series.collect() }, None)
}
