//! What an admin sends in one go: the next step to one reader, to all whose next step is due soon, or a test to an editor.
use chrono::TimeDelta;
use serde::Serialize;
use utoipa::ToSchema;

use super::audit::{self, Target};
use super::runs::{self, NewDraft, RunView};
use super::{ActionError, Actor, Service, once};
use crate::model::{ConditionKey, EmailAddress, Kind, Language, LeftOut, SeriesSlug, StepKey, What, Who};
use crate::store::admin::{self, TestSend};
use crate::store::{calendar, enrollments, wake};

/// Whom a trigger is for.
#[derive(Debug)]
pub enum Audience {
    /// The next step, now, to one reader.
    Reader(EmailAddress),
    /// All whose next step is due within this time.
    DueWithin(TimeDelta),
}

/// What a trigger did, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Triggered {
    /// None for a dry run.
    pub run: Option<i64>,
    pub readers: i64,
}

/// Makes the scheduled copies due at once; it never adds one, so nobody gets a step twice. A paused series or reader
/// stays paused. The same as a run that is prepared, counted and started in one go; a dry run is thrown away.
pub async fn trigger(
    service: &Service,
    slug: &SeriesSlug,
    audience: &Audience,
    by: &Actor,
    dry_run: bool,
) -> Result<Triggered, ActionError> {
    let who = match audience {
        Audience::Reader(address) => runs::reader(service, address).await?,
        Audience::DueWithin(span) => Who::due_within(*span),
    };
    let draft = NewDraft { series: slug.clone(), who, what: What::Next, condition: None, addresses: Vec::new() };
    in_one_go(service, &draft, by, dry_run).await
}

/// Sends one reader a step once more that they have had, or that has passed them by: another copy, whose occasion is a run, so
/// the reader's place in the series stays as it is. Never the step that waits, and none that is still to come.
pub async fn resend(
    service: &Service,
    slug: &SeriesSlug,
    address: &EmailAddress,
    step: &StepKey,
    by: &Actor,
) -> Result<Triggered, ActionError> {
    let who = runs::reader(service, address).await?;
    let Who::Reader { subscriber, .. } = who else { return Err(ActionError::NotFound("subscriber")) };
    let bucket = address.bucket();
    let newest = enrollments::newest(service.db(), bucket, subscriber, slug).await?;
    let newest = newest.ok_or(ActionError::NotFound("enrollment in this series"))?;
    let lines = calendar::steps(service.db(), bucket, newest.id).await?;
    let line = lines.iter().rfind(|line| line.step == *step);
    if line.is_some_and(|line| !line.state.is_final()) {
        return Err(ActionError::Refused("this part waits or is on its way: send the next part now instead".into()));
    }
    if line.is_none() && !newest.done_steps.contains(step) {
        return Err(ActionError::Refused(
            "this part has not come to this reader yet: to have it come next, move the reader to it".into(),
        ));
    }
    let what = What::Step { step: step.clone(), again: true };
    in_one_go(service, &NewDraft { series: slug.clone(), who, what, condition: None, addresses: Vec::new() }, by, false)
        .await
}

async fn in_one_go(service: &Service, draft: &NewDraft, by: &Actor, dry_run: bool) -> Result<Triggered, ActionError> {
    // What this call is answered is known when the run is started.
    let quietly = by.clone().under(None);
    let run = runs::prepare(service, draft, &quietly).await?.id;
    runs::work_now(service, run).await?;
    let counted = runs::show(service, run).await?;
    let readers = counted.readers;
    let reaches_nobody = readers == 0 && matches!(draft.who, Who::Reader { .. });
    if dry_run || reaches_nobody {
        runs::cancel(service, run, &quietly).await?;
        if dry_run {
            return Ok(Triggered { run: None, readers });
        }
        return Err(ActionError::Refused(why_nobody(&counted)));
    }
    let triggered = runs::start_answering(service, run, readers, by, Triggered { run: Some(run), readers }).await?;
    runs::work_now(service, run).await?;
    Ok(triggered)
}

/// Why a run for one reader does not reach them, and what to do.
fn why_nobody(counted: &RunView) -> String {
    let mut reasons = counted.dry_run.iter().flat_map(|found| found.left_out.keys());
    let reason = reasons.find_map(|word| word.parse::<LeftOut>().ok());
    match reason {
        Some(LeftOut::Suppressed) => "the address is suppressed: nothing is sent to it",
        Some(LeftOut::NotActive) => {
            "the series is paused or over for this reader: resume it first. What was received can be read on the reader's own page"
        }
        Some(LeftOut::UnderWay) => "it is on its way to this reader already",
        _ => "no step waits for this reader in this series, or it is sent already: look at `regimen subscribers show`",
    }
    .into()
}

/// A test that will be sent.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct TestSent {
    pub id: uuid::Uuid,
}

/// Asks a dispatcher to send a test of a step to an editor, in the series' own language if none is named.
pub async fn test_send(
    service: &Service,
    slug: &SeriesSlug,
    (step, condition, language): (&StepKey, &ConditionKey, Option<Language>),
    to: &EmailAddress,
    by: &Actor,
) -> Result<TestSent, ActionError> {
    let series = service.series(slug)?;
    if series.position(step).is_none() {
        return Err(ActionError::NotFound("step in this series"));
    }
    if series.condition(condition).is_none() {
        return Err(ActionError::NotFound("condition in this series"));
    }
    let language = language.map_or("", Language::tag);
    test_mail(service, slug, (Kind::Step, step, condition.as_str(), language), to, by).await
}

/// The same of a correction, which has no condition.
pub async fn test_correction(
    service: &Service,
    slug: &SeriesSlug,
    key: &StepKey,
    to: &EmailAddress,
    by: &Actor,
) -> Result<TestSent, ActionError> {
    if service.series(slug)?.correction(key).is_none() {
        return Err(ActionError::NotFound("correction in this series"));
    }
    test_mail(service, slug, (Kind::Correction, key, "", ""), to, by).await
}

async fn test_mail(
    service: &Service,
    slug: &SeriesSlug,
    (kind, key, condition, language): (Kind, &StepKey, &str, &str),
    to: &EmailAddress,
    by: &Actor,
) -> Result<TestSent, ActionError> {
    if !service.settings().editors.iter().any(|editor| editor.normalised() == to.normalised()) {
        return Err(ActionError::Refused(
            "test sends go only to editors: add the address to admin.editors in the configuration".into(),
        ));
    }
    let test = TestSend {
        id: service.clock().uuid(),
        kind: kind.as_str().to_owned(),
        series: slug.to_string(),
        step: key.to_string(),
        condition: condition.to_owned(),
        language: language.to_owned(),
        recipient: to.as_typed().to_owned(),
    };
    let real = service.clock().real();
    let mut tx = service.db().begin().await?;
    admin::add_test_send(&mut *tx, &test, (&by.who, &by.why), real).await?;
    audit::record(service, &mut *tx, by, "test send", Target::Series(slug)).await?;
    wake(&mut *tx).await?;
    let sent = once::answer(&mut tx, by, TestSent { id: test.id }).await?;
    tx.commit().await?;
    service.wake_dispatcher();
    Ok(sent)
}

/// What became of a test send; none while it waits.
pub async fn test_send_outcome(service: &Service, id: uuid::Uuid) -> Result<Option<String>, ActionError> {
    admin::test_send_outcome(service.db(), id).await?.ok_or(ActionError::NotFound("test send"))
}
