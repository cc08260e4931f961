//! A step as a reader would get it, with links that lead nowhere.
use super::{ActionError, LinksOf, Service};
use crate::content::Rendered;
use crate::model::{ConditionKey, SeriesSlug, StepKey};

/// Renders a step for a condition. Its links are signed for an enrollment that does not exist.
pub fn preview(
    service: &Service,
    series: &SeriesSlug,
    step: &StepKey,
    condition: Option<&ConditionKey>,
) -> Result<Rendered, ActionError> {
    let series = service.series(series)?;
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
    Ok(series.render_step(step, condition, &links)?)
}
