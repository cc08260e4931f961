//! What a series is made of, how it would be timed, and what a change of it would do.
use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use super::asked::{Ask, Of, day, invalid, slug, within};
use crate::actions::changes::{self, Proposed};
use crate::actions::outline::{self, Outline, PartOutline};
use crate::actions::rehearsal::{self, Rehearsal};
use crate::content::Finding;
use crate::model::{Language, Zone, parse_time};
use crate::web::AppState;
use crate::web::caller::{May, rights};

pub(super) fn reading() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(show_outline))
        .routes(routes!(rehearse_series))
        .routes(routes!(propose_content))
}

/// A series as a whole.
#[derive(Serialize, ToSchema)]
struct SeriesOutline {
    /// Of the content that is published.
    version: String,
    /// Its own first.
    languages: Vec<String>,
    parts: Vec<PartLine>,
    /// What could be better.
    findings: Vec<Finding>,
}

/// One part of a series.
#[derive(Serialize, ToSchema)]
struct PartLine {
    step: String,
    subject: String,
    preheader: String,
    /// From the part before or, for the first, from the confirmation: `0`, `90m`, `3d`.
    delay: String,
    /// Days after the confirmation, for a reader who confirms at noon and chooses nothing.
    day: i64,
    languages: Vec<String>,
    /// Of the plain text.
    words: usize,
    /// Of the largest mail's HTML.
    html_bytes: usize,
}

impl From<Outline> for SeriesOutline {
    fn from(outline: Outline) -> Self {
        let Outline { version, languages, parts, findings } = outline;
        Self { version, languages: tags(&languages), parts: parts.into_iter().map(PartLine::from).collect(), findings }
    }
}

impl From<PartOutline> for PartLine {
    fn from(part: PartOutline) -> Self {
        let PartOutline { step, day, languages, words, html_bytes } = part;
        Self {
            step: step.key.to_string(),
            delay: step.delay.to_string(),
            subject: step.subject,
            preheader: step.preheader,
            day,
            languages: tags(&languages),
            words,
            html_bytes,
        }
    }
}

fn tags(languages: &[Language]) -> Vec<String> {
    languages.iter().map(|one| one.tag().to_owned()).collect()
}

/// The parts of a series, and what could be better
#[utoipa::path(get, path = "/series/{slug}/outline", tag = "series", params(("slug" = String, Path, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")),
    responses((status = 200, description = "As it is published", body = SeriesOutline),
        (status = 404, description = "There is no such series")))]
async fn show_outline(State(state): State<AppState>, _may: May<rights::Figures>, Of(of): Of) -> Answer<SeriesOutline> {
    Ok(Json(outline::outline(&state.service, &slug(&of)?)?.into()))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RehearsalQuery {
    /// The day on which the first readers confirm; today if it is not said.
    from: Option<NaiveDate>,
    /// Of the readers, such as `Europe/Berlin`; a sample from around the world if it is not said.
    zone: Option<String>,
    /// The hour that the readers have chosen, such as `18:00`.
    hour: Option<String>,
    /// The days between two parts that the readers have chosen.
    #[param(minimum = 1, maximum = 366)]
    spacing: Option<i64>,
}

/// The whole series for a sample of readers
///
/// Each reader's calendar, and why a part comes when it comes. Nothing is sent or written.
#[utoipa::path(get, path = "/series/{slug}/rehearsal", tag = "series", params(("slug" = String, Path, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy"), RehearsalQuery),
    responses((status = 200, description = "The calendars", body = Rehearsal),
        (status = 404, description = "There is no such series")))]
async fn rehearse_series(
    State(state): State<AppState>,
    _may: May<rights::Figures>,
    Of(of): Of,
    Ask(query): Ask<RehearsalQuery>,
) -> Answer<Rehearsal> {
    let series = state.service.series(&slug(&of)?)?;
    let hour = query.hour.as_deref().map(parse_time).transpose();
    let hour = hour.map_err(|error| invalid("hour", &error.to_string()))?;
    let zone = query.zone.as_deref().map(Zone::parse).transpose();
    let zone = zone.map_err(|error| invalid("zone", &error.to_string()))?;
    let spacing = within("spacing", query.spacing, 1, 366)?;
    if spacing.is_some_and(|days| !series.spacings.contains(&days)) {
        return Err(invalid("spacing", "the series does not offer it"));
    }
    let from = day("from", query.from)?.unwrap_or_else(|| state.service.clock().series().date_naive());
    let ask = rehearsal::Ask { from, zones: zone.into_iter().collect(), hour, spacing };
    Ok(Json(rehearsal::rehearse(&series, &ask)))
}

/// What would change for whom if the content on the server were published now
///
/// The content folder of the configuration as it is on the disk, against what is published. It publishes nothing.
#[utoipa::path(get, path = "/content/changes", tag = "series",
    responses((status = 200, description = "What differs, and for how many readers it does", body = Proposed)))]
async fn propose_content(State(state): State<AppState>, _may: May<rights::Preview>) -> Answer<Proposed> {
    Ok(Json(changes::of_folder(&state.service, state.content_folder.clone()).await?))
}
