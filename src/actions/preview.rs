//! A step as a reader would get it, with links that lead nowhere.
use std::sync::Arc;

use super::{ActionError, LinksOf, Service};
use crate::content::{ReaderLinks, Rendered, Series};
use crate::model::{ConditionKey, Language, SeriesSlug, StepKey};

/// A step as one reader would get it. `Debug` is missing on purpose: its links are signed, if for nobody.
pub struct Preview {
    /// In the language that was asked for.
    pub series: Arc<Series>,
    pub step: StepKey,
    pub links: ReaderLinks,
    pub mail: Rendered,
}

/// Makes the message of a preview, headers and signatures included, as this process's dispatcher would.
pub type AsMessage = dyn Fn(&Service, &Preview) -> anyhow::Result<Vec<u8>> + Send + Sync;

/// Renders a step for a condition. Its links are signed for an enrollment that does not exist.
pub fn preview(
    service: &Service,
    series: &SeriesSlug,
    step: &StepKey,
    condition: Option<&ConditionKey>,
) -> Result<Rendered, ActionError> {
    Ok(look(service, service.series(series)?, step, condition)?.mail)
}

/// The same in one of the languages of the series, if it is translated into it.
pub fn preview_in(
    service: &Service,
    series: &SeriesSlug,
    language: Language,
    step: &StepKey,
    condition: Option<&ConditionKey>,
) -> Result<Preview, ActionError> {
    look(service, service.series_in(series, language)?, step, condition)
}

fn look(
    service: &Service,
    series: Arc<Series>,
    step: &StepKey,
    condition: Option<&ConditionKey>,
) -> Result<Preview, ActionError> {
    if series.position(step).is_none() {
        return Err(ActionError::NotFound("step in this series"));
    }
    let condition = match condition {
        Some(key) if series.condition(key).is_none() => {
            return Err(ActionError::NotFound("condition in this series"));
        }
        Some(key) => key,
        None => &series.conditions.first().ok_or(ActionError::NotFound("condition in this series"))?.key,
    };
    let links = service.reader_links(&LinksOf::nobody(&series, step));
    let mail = series.render_step(step, condition, &links)?;
    Ok(Preview { series, step: step.clone(), links, mail })
}
