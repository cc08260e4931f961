//! What an admin sends by hand: a `run`, with a dry run that says whom it would reach.
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::audit::{self, Target};
use super::readers::full;
use super::{ActionError, Actor, Page, Service, once};
use crate::model::{Bucket, ConditionKey, EmailAddress, SeriesSlug, StepKey};
pub use crate::store::admin::Run;
use crate::store::admin::{self, TestSend};
use crate::store::wake;

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
/// stays paused.
pub async fn trigger(
    service: &Service,
    slug: &SeriesSlug,
    audience: &Audience,
    by: &Actor,
    dry_run: bool,
) -> Result<Triggered, ActionError> {
    service.series(slug)?;
    let now = service.clock().series();
    let (kind, until, subscriber) = match audience {
        Audience::Reader(address) => {
            let id = admin::subscriber_id(service.db(), address).await?.ok_or(ActionError::NotFound("subscriber"))?;
            ("send next", DateTime::<Utc>::MAX_UTC, Some((address.bucket(), id)))
        }
        Audience::DueWithin(span) => ("send due", now + *span, None),
    };
    let mut tx = service.db().begin().await?;
    if dry_run {
        let readers = admin::count_waiting(&mut *tx, slug, until, subscriber).await?;
        return Ok(Triggered { run: None, readers });
    }
    let detail = json!({ "due_within_seconds": match audience {
        Audience::DueWithin(span) => Some(span.num_seconds()),
        Audience::Reader(_) => None,
    }});
    let real = service.clock().real();
    let run = admin::add_run(&mut *tx, kind, slug, (&by.who, &by.why), &detail, real).await?;
    let mut readers = 0;
    for bucket in Bucket::all().filter(|bucket| subscriber.is_none_or(|(only, _)| only == *bucket)) {
        let only = subscriber.map(|(_, id)| id);
        readers += admin::make_due(&mut *tx, bucket, slug, until, now, only, run).await?;
    }
    let readers = i64::try_from(readers).unwrap_or(i64::MAX);
    if readers == 0 && subscriber.is_some() {
        return Err(ActionError::Refused(
            "this reader has no step that waits in this series: look at `regimen subscribers show`".into(),
        ));
    }
    admin::set_run_readers(&mut *tx, run, readers).await?;
    let details = json!({ "run": run, "series": slug.as_str(), "readers": readers });
    let target = subscriber.map_or(Target::Series(slug), |(_, id)| Target::Subscriber(id));
    audit::record_with(service, &mut *tx, by, kind, target, &details).await?;
    wake(&mut *tx).await?;
    let triggered = once::answer(&mut tx, by, Triggered { run: Some(run), readers }).await?;
    tx.commit().await?;
    service.wake_dispatcher();
    Ok(triggered)
}

/// What is asked of the list of runs.
#[derive(Debug, Default)]
pub struct ListRuns {
    pub after: Option<String>,
    /// 1 to 500; 100 when none is given.
    pub limit: Option<u32>,
}

/// The newest first.
pub async fn runs(service: &Service, ask: &ListRuns) -> Result<Page<Run>, ActionError> {
    let limit = i64::from(ask.limit.unwrap_or(100).clamp(1, 500));
    let before: Option<i64> = ask.after.as_deref().map(str::parse).transpose().map_err(|_| ActionError::Cursor)?;
    let items = admin::runs(service.db(), before.unwrap_or(i64::MAX), limit).await?;
    let next = full(items.len(), limit).then(|| items.last().map(|last| last.id.to_string())).flatten();
    Ok(Page { items, next })
}

/// A test that will be sent.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct TestSent {
    pub id: uuid::Uuid,
}

/// Asks a dispatcher to send a test of a step to an editor.
pub async fn test_send(
    service: &Service,
    slug: &SeriesSlug,
    step: &StepKey,
    condition: &ConditionKey,
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
    if !service.settings().editors.iter().any(|editor| editor.normalised() == to.normalised()) {
        return Err(ActionError::Refused(
            "test sends go only to editors: add the address to admin.editors in the configuration".into(),
        ));
    }
    let test = TestSend {
        id: service.clock().uuid(),
        series: slug.to_string(),
        step: step.to_string(),
        condition: condition.as_str().to_owned(),
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
