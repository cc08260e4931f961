//! What a run sends, to an editor first.
use super::{ActionError, Actor, Service, show};
use crate::actions::trigger::{self, TestSent};
use crate::model::{ConditionKey, EmailAddress, SeriesSlug, StepKey, What};

/// Which of the mails that a run sends is looked at; of a correction there is only one.
#[derive(Debug, Clone, Default)]
pub struct TestOf {
    pub step: Option<StepKey>,
    pub condition: Option<ConditionKey>,
}

/// Sends an editor what a run sends its readers.
pub async fn test(
    service: &Service,
    run: i64,
    of: &TestOf,
    to: &EmailAddress,
    by: Actor,
) -> Result<TestSent, ActionError> {
    let view = show(service, run).await?;
    let missing = |what: &str| ActionError::Refused(format!("choose {what}"));
    let series = SeriesSlug::parse(&view.series).map_err(|_| ActionError::NotFound("series"))?;
    let by = by.because(format!("a test for run {}", view.id));
    if let Some(What::Correction { key }) = view.asked.as_ref().map(|asked| &asked.what) {
        return trigger::test_correction(service, &series, key, to, &by).await;
    }
    let step = of.step.as_ref().ok_or_else(|| missing("a part"))?;
    let condition = of.condition.as_ref().ok_or_else(|| missing("a condition"))?;
    trigger::test_send(service, &series, (step, condition, None), to, &by).await
}
