//! Readers as a file for admins. The condition is in none that the pages give: no admin's task needs it, and what a browser
//! saves lies about. For moving to another server the command line writes it.
use axum::extract::{Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::gate::SignedIn;
use super::route::{Needs, Route};
use super::{AppState, shell};
use crate::actions::readers::export::{Ask, Export};
use crate::model::{Format, Right, SeriesSlug};
use crate::web::error::WebError;
use crate::web::files;

const HERE: &str = "/admin/readers/export";

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get(HERE, Needs::Right(Right::Export), take_out)]
}

/// What is asked for. A field that is empty asks nothing.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Wanted {
    #[serde(skip_serializing_if = "String::is_empty")]
    series: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    state: String,
    format: String,
}

/// Where the readers of a series and a state are to be had as a file.
pub(super) fn path(series: &str, state: &str, format: Format) -> String {
    let wanted = Wanted { series: series.into(), state: state.into(), format: format.to_string() };
    format!("{HERE}?{}", serde_urlencoded::to_string(wanted).unwrap_or_default())
}

async fn take_out(State(state): State<AppState>, by: SignedIn, Query(wanted): Query<Wanted>) -> Response {
    let answer = file(&state, &by, &wanted).await;
    answer.unwrap_or_else(|error| shell::failed(by.visitor.language, &error))
}

async fn file(state: &AppState, by: &SignedIn, wanted: &Wanted) -> Result<Response, WebError> {
    let fault = |text: String| WebError::BadRequest(text);
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let series = given(&wanted.series).map(|text| SeriesSlug::parse(&text)).transpose();
    let ask = Ask {
        series: series.map_err(|error| fault(error.to_string()))?,
        state: given(&wanted.state).map(|text| text.parse()).transpose().map_err(|error| fault(format!("{error}")))?,
        condition: false,
    };
    let format = given(&wanted.format).map_or(Ok(Format::Csv), |text| text.parse());
    let format = format.map_err(|error| fault(error.to_string()))?;
    let export = Export::begin(&state.service, ask, format, &by.actor()).await?;
    Ok(files::of_readers(state, export, format).await?)
}
