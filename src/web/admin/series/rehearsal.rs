//! The whole series for a sample of readers.
use axum::extract::{Path, Query, State};
use axum::response::Response;
use chrono::{Datelike as _, NaiveDateTime};
use serde::Deserialize;

use super::{AppState, hours, parsed, path, shell};
use crate::actions::ActionError;
use crate::actions::rehearsal::{self, Ask, Rehearsed, RehearsedPart, When, in_words};
use crate::content::Series;
use crate::messages::{self, Language, Values};
use crate::model::{Moved, Zone, parse_day, parse_time};
use crate::web::admin::gate::SignedIn;
use crate::web::error::WebError;
use crate::web::pages::admin::Notice;
use crate::web::pages::readers::Pick;
use crate::web::pages::series::{CalendarCell, CalendarRow, Mark, RehearsalPage};

/// The fields of the form. One that is empty or cannot be read asks nothing; a zone that is none is told.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    from: String,
    zone: String,
    hour: String,
    spacing: String,
}

pub(super) async fn show(
    State(state): State<AppState>,
    by: SignedIn,
    Path(slug): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let language = by.visitor.language;
    match look(&state, language, &slug, &asked) {
        Ok((page, notice)) => shell::page(&by, &page, notice),
        Err(error) => shell::failed(language, &WebError::from(error)),
    }
}

fn look(
    state: &AppState,
    language: Language,
    slug: &str,
    asked: &Asked,
) -> Result<(RehearsalPage, Option<Notice>), ActionError> {
    let series = state.service.series_in(&parsed(slug)?, language)?;
    let named = asked.zone.trim();
    let zone = Zone::parse(named).ok();
    let unknown = !named.is_empty() && zone.is_none();
    let ask = Ask {
        from: parse_day(&asked.from).unwrap_or_else(|| state.service.clock().series().date_naive()),
        zones: zone.into_iter().collect(),
        hour: parse_time(&asked.hour).ok(),
        spacing: asked.spacing.parse().ok(),
    };
    let notice = unknown.then(|| shell::problem(language, "rehearsal-zone-unknown"));
    Ok((page(language, &series, &ask, named), notice))
}

fn page(language: Language, series: &Series, ask: &Ask, zone: &str) -> RehearsalPage {
    let found = rehearsal::rehearse(series, ask);
    let days = |count: &u16| Pick {
        value: count.to_string(),
        text: messages::filled(language, "rehearsal-days", &Values::new().with("count", *count)),
        chosen: ask.spacing == Some(*count),
    };
    RehearsalPage {
        series_title: series.title.clone(),
        series_path: path(&series.slug),
        path: format!("{}/rehearsal", path(&series.slug)),
        from: ask.from.to_string(),
        zone: zone.to_owned(),
        hours: hours(ask.hour),
        spacings: series.spacings.iter().map(days).collect(),
        parts: (1..=found.parts.len()).collect(),
        rows: found.readers.iter().map(|reader| row(language, reader)).collect(),
    }
}

fn row(language: Language, reader: &Rehearsed) -> CalendarRow {
    CalendarRow {
        zone: reader.zone,
        when: match reader.when {
            When::Asked => "rehearsal-asked",
            When::BeforeForward => "rehearsal-before-forward",
            When::BeforeBack => "rehearsal-before-back",
        },
        confirms: cell(language, reader.confirmed_local, &[]),
        parts: reader.parts.iter().map(|RehearsedPart { local, moved, .. }| cell(language, *local, moved)).collect(),
    }
}

fn cell(language: Language, local: NaiveDateTime, moved: &[Moved]) -> CalendarCell {
    let weekday = Values::new().with("weekday", local.weekday().number_from_monday());
    CalendarCell {
        weekday: messages::filled(language, "date-weekday", &weekday),
        time: local.format("%Y-%m-%d %H:%M").to_string(),
        marks: moved
            .iter()
            .map(|one| Mark { text: in_words(language, *one), moves: !matches!(one, Moved::Clock { .. }) })
            .collect(),
    }
}
