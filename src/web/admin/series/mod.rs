//! A series before its readers have it: how it would be timed.
mod rehearsal;

use super::route::{Needs, Route};
use super::{AppState, shell};
use crate::actions::ActionError;
use crate::model::{Right, SeriesSlug};

pub(super) fn routes() -> Vec<Route> {
    let needs = Needs::Right(Right::Figures);
    vec![Route::get("/admin/series/{series}/rehearsal", needs, rehearsal::show)]
}

/// Where a series' pages begin.
pub(super) fn path(slug: &SeriesSlug) -> String {
    format!("/admin/series/{slug}")
}

fn parsed(slug: &str) -> Result<SeriesSlug, ActionError> {
    SeriesSlug::parse(slug).map_err(|_| ActionError::NotFound("series"))
}
