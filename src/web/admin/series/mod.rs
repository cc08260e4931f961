//! A series before its readers have it: its parts on a time line, each as a reader would get it, and how they would be timed.
mod changes;
mod rehearsal;
mod step;

use axum::extract::{Path, State};
use axum::response::Response;
use chrono::NaiveTime;

use super::gate::SignedIn;
use super::route::{Needs, Route};
use super::{AppState, shell};
use crate::actions::ActionError;
use crate::actions::outline::{self, Outline, PartOutline};
use crate::content::Series;
use crate::messages::{self, Language, Values};
use crate::model::{Delay, Right, SeriesSlug};
use crate::web::error::WebError;
use crate::web::pages::readers::Pick;
use crate::web::pages::series::{AllSeriesPage, FindingView, PartView, SeriesLine, SeriesPage};

const HERE: &str = "/admin/series";
const CHANGES: &str = "/admin/series-changes";

pub(super) fn routes() -> Vec<Route> {
    let (needs, preview) = (Needs::Right(Right::Figures), Needs::Right(Right::Preview));
    vec![
        Route::get(HERE, needs, list).in_nav("admin-nav-series"),
        Route::get(CHANGES, preview, changes::show),
        Route::get("/admin/series/{series}", needs, show),
        Route::get("/admin/series/{series}/rehearsal", needs, rehearsal::show),
        Route::get("/admin/series/{series}/steps/{step}", preview, step::show),
        Route::get("/admin/series/{series}/steps/{step}/html", preview, step::html),
        Route::post("/admin/series/{series}/steps/{step}/test", preview, step::test),
    ]
}

/// Where a series' pages begin.
pub(super) fn path(slug: &SeriesSlug) -> String {
    format!("{HERE}/{slug}")
}

fn parsed(slug: &str) -> Result<SeriesSlug, ActionError> {
    SeriesSlug::parse(slug).map_err(|_| ActionError::NotFound("series"))
}

async fn list(State(state): State<AppState>, by: SignedIn) -> Response {
    let library = state.service.library();
    let line = |series: &Series| {
        let found = outline::outline(&state.service, &series.slug)?;
        Ok(SeriesLine {
            title: series.title.clone(),
            path: path(&series.slug),
            parts: series.steps.len(),
            findings: found.findings.len(),
            languages: names(&found.languages),
        })
    };
    let lines: Result<Vec<SeriesLine>, ActionError> = library.series.values().map(|series| line(series)).collect();
    match lines {
        Ok(all) => {
            let changes_path = by.session.role.may(Right::Preview).then_some(CHANGES);
            shell::page(&by, &AllSeriesPage { all, changes_path }, None)
        }
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

async fn show(State(state): State<AppState>, by: SignedIn, Path(slug): Path<String>) -> Response {
    let found = || {
        let slug = parsed(&slug)?;
        Ok::<_, ActionError>((state.service.series(&slug)?, outline::outline(&state.service, &slug)?))
    };
    match found() {
        Ok((series, outline)) => shell::page(&by, &page(&by, &series, outline), None),
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

fn page(by: &SignedIn, series: &Series, outline: Outline) -> SeriesPage {
    let days: Vec<String> = series.spacings.iter().map(ToString::to_string).collect();
    let parts = outline.parts.into_iter().enumerate();
    SeriesPage {
        title: series.title.clone(),
        version: outline.version,
        languages: names(&outline.languages),
        conditions: series.conditions.len(),
        window_from: series.window.from.format("%H:%M").to_string(),
        window_to: series.window.to.format("%H:%M").to_string(),
        preferred: series.preferred.format("%H:%M").to_string(),
        min_gap: series.min_gap.num_hours(),
        spacings: (!days.is_empty()).then(|| days.join(", ")),
        rehearsal_path: format!("{}/rehearsal", path(&series.slug)),
        parts: parts.map(|(index, part)| part_view(by, &series.slug, index, part)).collect(),
        findings: outline
            .findings
            .into_iter()
            .map(|one| FindingView { file: one.file, message: one.message })
            .collect(),
    }
}

fn part_view(by: &SignedIn, slug: &SeriesSlug, index: usize, part: PartOutline) -> PartView {
    let may_preview = by.session.role.may(Right::Preview);
    PartView {
        number: index + 1,
        preview_path: may_preview.then(|| step::step_path(slug, &part.step.key)),
        key: part.step.key.to_string(),
        day: part.day,
        delay: delay(by.visitor.language, part.step.delay, index == 0),
        subject: part.step.subject,
        preheader: part.step.preheader,
        languages: names(&part.languages),
        has_passages: part.step.has_passages,
        words: part.words,
        kilobytes: part.html_bytes.div_ceil(1024),
    }
}

/// When a part comes, from the part before or, for the first, from the confirmation.
fn delay(language: Language, delay: Delay, is_first: bool) -> String {
    let counted = |key, count: u32| messages::filled(language, key, &Values::new().with("count", count));
    let span = match delay {
        delay if delay.is_zero() && is_first => return messages::text(language, "series-at-once"),
        Delay::Days(days) => counted("rehearsal-days", days.into()),
        Delay::Minutes(minutes) if minutes % 60 == 0 => counted("series-delay-hours", minutes / 60),
        Delay::Minutes(minutes) => counted("series-delay-minutes", minutes),
    };
    let key = if is_first { "series-after-confirmation" } else { "series-after-part" };
    messages::filled(language, key, &Values::new().with("span", span))
}

/// The whole hours of a day, for a reader who has chosen one.
fn hours(chosen: Option<NaiveTime>) -> Vec<Pick> {
    let pick = |hour: NaiveTime| {
        let text = hour.format("%H:%M").to_string();
        Pick { value: text.clone(), text, chosen: chosen == Some(hour) }
    };
    (0..24).filter_map(|hour| NaiveTime::from_hms_opt(hour, 0, 0)).map(pick).collect()
}

fn names(languages: &[Language]) -> String {
    languages.iter().map(|one| one.own_name()).collect::<Vec<_>>().join(", ")
}
