//! Another place in a series: an admin has a reader go on with a later part.
//!
//! The part that is meant takes the place of the one that waits, with its time, and in a pause its pause; so nothing comes
//! sooner than it would have, and no two parts come together. Each part that is jumped over is `skipped` with the reason
//! `passed_over`, also those that were not owed yet: the books count them, the reader's calendar says that they were left out,
//! and each can be sent by hand later. They are not among the parts that the reader has had.
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::open_enrollment;
use crate::actions::audit::{self, Target};
use crate::actions::once::{self, Done};
use crate::actions::{ActionError, Actor, Service};
use crate::content::Series;
use crate::model::{DeliveryState, EmailAddress, EnrollmentState, Kind, SeriesSlug, StepKey, into_window};
use crate::store::calendar::{self, Owed, StepLine};
use crate::store::enrollments::Enrollment;
use crate::store::settle::{self, NewDelivery};
use crate::store::wake;

const PASSED_OVER: &str = "passed_over";

/// Has a reader go on with this step, which lies behind the one that waits. All in one transaction, which locks the enrollment
/// before its deliveries as a settle does: what a dispatcher has only claimed is taken back, and with what the relay may have
/// by now nothing is changed.
pub async fn move_to(
    service: &Service,
    address: &EmailAddress,
    slug: &SeriesSlug,
    step: &StepKey,
    by: &Actor,
) -> Result<Done, ActionError> {
    let series = service.series(slug)?;
    let mut tx = service.db().begin().await?;
    let enrollment = open_enrollment(&mut tx, address, slug).await?;
    if !enrollment.state.is_going_on() {
        return Err(refused(&format!(
            "the series is {} for this reader: only one that goes on moves",
            enrollment.state
        )));
    }
    let owed = calendar::lock_owed(&mut *tx, enrollment.bucket, enrollment.id).await?;
    let lines = calendar::steps(&mut *tx, enrollment.bucket, enrollment.id).await?;
    let jumped = jumped_over(&series, &enrollment, owed.as_ref(), &lines, step)?;
    take_the_place(service, &mut tx, &series, &enrollment, owed.as_ref(), &jumped, step).await?;
    let from = owed.as_ref().map(|owed| owed.step.as_str());
    let details = json!({ "series": slug.as_str(), "from": from, "to": step.as_str() });
    let target = Target::Subscriber(enrollment.subscriber);
    audit::record_with(service, &mut *tx, by, "move to step", target, &details).await?;
    wake(&mut *tx).await?;
    let done = once::answer(&mut tx, by, Done { done: true }).await?;
    tx.commit().await?;
    service.wake_dispatcher();
    Ok(done)
}

/// The steps before this one that will not come, but for the one that is owed; or why the reader cannot go on with it.
fn jumped_over(
    series: &Series,
    enrollment: &Enrollment,
    owed: Option<&Owed>,
    lines: &[StepLine],
    step: &StepKey,
) -> Result<Vec<StepKey>, ActionError> {
    let to = series.position(step).ok_or(ActionError::NotFound("step in this series"))?;
    if owed.is_some_and(|owed| owed.step == *step) {
        return Err(refused("this part is the one that comes next: to have it come at once, send the next part now"));
    }
    if owed.is_some_and(|owed| owed.state == DeliveryState::Sending) {
        return Err(refused("a part is on its way to this reader at this moment: try again in a minute"));
    }
    let has_line = |step: &StepKey| lines.iter().any(|line| line.step == *step);
    // What has taken its turn cannot come in its turn again; and a part that is behind the reader is sent by itself.
    let here = owed.and_then(|owed| series.position(&owed.step));
    if enrollment.done_steps.contains(step) || has_line(step) || here.is_some_and(|here| to < here) {
        return Err(refused("this part is behind the reader: it can be sent again, and the series goes on as it is"));
    }
    let before = series.steps[..to].iter().skip(here.map_or(0, |here| here + 1)).map(|one| &one.key);
    Ok(before.filter(|key| !enrollment.done_steps.contains(key) && !has_line(key)).cloned().collect())
}

async fn take_the_place(
    service: &Service,
    tx: &mut PgConnection,
    series: &Series,
    enrollment: &Enrollment,
    owed: Option<&Owed>,
    jumped: &[StepKey],
    step: &StepKey,
) -> Result<(), ActionError> {
    let (bucket, hands) = (enrollment.bucket, service.hands());
    let due_at: DateTime<Utc> = if let Some(owed) = owed {
        calendar::skip_step(&mut *tx, bucket, owed.id, PASSED_OVER, hands).await?
    } else {
        let rhythm = series.rhythm(Some(enrollment.zone), enrollment.preferred_time, enrollment.spacing);
        into_window(hands.series, &rhythm)
    };
    let delivery = |step: &StepKey, state: DeliveryState, due_at: DateTime<Utc>| NewDelivery {
        id: service.clock().uuid(),
        subscriber: enrollment.subscriber,
        enrollment: enrollment.id,
        series: enrollment.series.clone(),
        kind: Kind::Step,
        step: Some(step.clone()),
        occasion: 0,
        state,
        due_at,
        run: None,
    };
    let waits =
        if enrollment.state == EnrollmentState::Paused { DeliveryState::Paused } else { DeliveryState::Pending };
    let mut new = vec![delivery(step, waits, due_at)];
    new.extend(jumped.iter().map(|step| delivery(step, DeliveryState::Paused, hands.series)));
    let written = settle::add_deliveries(&mut *tx, bucket, &new, hands.real).await?;
    if written != new.len() as u64 {
        return Err(ActionError::Busy);
    }
    for one in &new[1..] {
        calendar::skip_step(&mut *tx, bucket, one.id, PASSED_OVER, hands).await?;
    }
    Ok(())
}

fn refused(why: &str) -> ActionError {
    ActionError::Refused(why.to_owned())
}
