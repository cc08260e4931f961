//! What admins see of readers, and what they do for one.
pub mod export;
mod place;
pub mod search;
pub mod standing;
pub mod steer;
pub mod story;

use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::audit::{self, Target};
use super::once::{self, Done};
use super::{ActionError, Actor, Page, Service};
use crate::model::{Bucket, EmailAddress, EnrollmentState, SeriesSlug, into_window, shifted};
pub use crate::store::admin::Reader;
use crate::store::admin::{self, AttemptLine, ConsentLine, DeliveryFilter, DeliveryLine, ReaderFilter};
use crate::store::enrollments::{self, Enrollment};
use crate::store::{records, wake};
pub use place::move_to;

/// What is asked of the list of readers.
#[derive(Debug, Default)]
pub struct ListReaders {
    pub state: Option<EnrollmentState>,
    pub series: Option<SeriesSlug>,
    pub after: Option<String>,
    /// 1 to 500; 100 when none is given.
    pub limit: Option<u32>,
}

/// All about one address; the condition is left out on purpose, since no admin task needs it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Dossier {
    pub enrollments: Vec<Reader>,
    pub deliveries: Vec<DeliveryLine>,
    pub attempts: Vec<AttemptLine>,
    pub consents: Vec<ConsentLine>,
    pub suppressed: bool,
}

/// Who has looked at readers is written down, here for each page of the list.
pub async fn list(service: &Service, ask: &ListReaders, by: &Actor) -> Result<Page<Reader>, ActionError> {
    let limit = i64::from(ask.limit.unwrap_or(100).clamp(1, 500));
    let filter = ReaderFilter {
        state: ask.state.map(|state| state.as_str().to_owned()),
        series: ask.series.as_ref().map(|series| series.as_str().to_owned()),
        normalised: None,
        after: ask.after.as_deref().map(parse_cursor).transpose()?,
        limit,
    };
    let items = admin::readers(service.db(), &filter).await?;
    audit_list(service, ask.series.as_ref(), items.len(), by).await?;
    let next = full(items.len(), limit).then(|| items.last().map(|last| cursor(last.bucket, last.id))).flatten();
    Ok(Page { items, next })
}

/// Writes down who has looked at so many readers.
async fn audit_list(
    service: &Service,
    series: Option<&SeriesSlug>,
    readers: usize,
    by: &Actor,
) -> Result<(), ActionError> {
    let target = series.map_or(Target::None, Target::Series);
    let details = json!({ "readers": readers });
    audit::record_with(service, service.db(), by, "list readers", target, &details).await
}

/// Who has looked at a reader is written down.
pub async fn show(service: &Service, address: &EmailAddress, by: &Actor) -> Result<Dossier, ActionError> {
    let suppressed = records::is_suppressed(service.db(), address).await?;
    let bucket = address.bucket();
    let Some(subscriber) = admin::subscriber_id(service.db(), address).await? else {
        if suppressed {
            return Ok(Dossier {
                enrollments: vec![],
                deliveries: vec![],
                attempts: vec![],
                consents: vec![],
                suppressed,
            });
        }
        return Err(ActionError::NotFound("subscriber"));
    };
    audit::record(service, service.db(), by, "show reader", Target::Subscriber(subscriber)).await?;
    let filter = ReaderFilter { normalised: Some(address.normalised().to_owned()), limit: 500, ..Default::default() };
    let enrollments = admin::readers(service.db(), &filter).await?;
    let filter = DeliveryFilter { subscriber: Some((bucket, subscriber)), limit: 1_000, ..Default::default() };
    let mut deliveries = admin::deliveries(service.db(), &filter).await?;
    deliveries.sort_by_key(|one| (one.due_at, one.id));
    let ids: Vec<Uuid> = deliveries.iter().map(|one| one.id).collect();
    let attempts = admin::attempts(service.db(), bucket, &ids).await?;
    let consents = admin::consents(service.db(), bucket, subscriber).await?;
    Ok(Dossier { enrollments, deliveries, attempts, consents, suppressed })
}

/// Pauses one reader's series.
pub async fn pause(
    service: &Service,
    address: &EmailAddress,
    series: &SeriesSlug,
    by: &Actor,
) -> Result<Done, ActionError> {
    let mut tx = service.db().begin().await?;
    let open = open_enrollment(&mut tx, address, series).await?;
    if !enrollments::pause(&mut *tx, open.bucket, open.id, service.clock().series(), None).await? {
        return Err(ActionError::Refused(format!(
            "the enrollment is {}, and only an active one is paused",
            open.state
        )));
    }
    log(service, &mut tx, "pause enrollment", &open, by).await?;
    let done = once::answer(&mut tx, by, Done { done: true }).await?;
    tx.commit().await?;
    Ok(done)
}

/// Resumes one reader's series: what is left comes as much later as the pause was long.
pub async fn resume(
    service: &Service,
    address: &EmailAddress,
    series: &SeriesSlug,
    by: &Actor,
) -> Result<Done, ActionError> {
    let mut tx = service.db().begin().await?;
    let open = open_enrollment(&mut tx, address, series).await?;
    if open.state != EnrollmentState::Paused {
        return Err(ActionError::Refused(format!("the enrollment is {}, not paused", open.state)));
    }
    resume_in(service, &mut tx, &open).await?;
    log(service, &mut tx, "resume enrollment", &open, by).await?;
    wake(&mut *tx).await?;
    let done = once::answer(&mut tx, by, Done { done: true }).await?;
    tx.commit().await?;
    service.wake_dispatcher();
    Ok(done)
}

/// Makes a paused enrollment, which the caller has locked, active again. A pause that was to end by itself has ended when it
/// said, also if nobody came to see to it until now.
pub(super) async fn resume_in(
    service: &Service,
    tx: &mut PgConnection,
    enrollment: &Enrollment,
) -> Result<(), ActionError> {
    let (bucket, now) = (enrollment.bucket, service.clock().series());
    let series = service.series(&enrollment.series)?;
    let rhythm = series.rhythm(Some(enrollment.zone), enrollment.preferred_time, enrollment.spacing);
    let since = enrollment.paused_at.unwrap_or(now);
    let until = enrollment.paused_until.map_or(now, |until| until.min(now)).max(since);
    enrollments::resume(&mut *tx, bucket, enrollment.id).await?;
    for (id, due_at) in enrollments::paused_deliveries(&mut *tx, bucket, enrollment.id).await? {
        let due_at = into_window(shifted(due_at, since, until, &rhythm).max(now), &rhythm);
        enrollments::resume_delivery(&mut *tx, bucket, id, due_at).await?;
    }
    Ok(())
}

/// The subscriber of an address.
pub async fn key(service: &Service, address: &EmailAddress) -> Result<(Bucket, Uuid), ActionError> {
    let subscriber = admin::subscriber_id(service.db(), address).await?;
    subscriber.map(|id| (address.bucket(), id)).ok_or(ActionError::NotFound("subscriber"))
}

/// The open enrollment of an address, locked.
async fn open_enrollment(
    tx: &mut PgConnection,
    address: &EmailAddress,
    series: &SeriesSlug,
) -> Result<Enrollment, ActionError> {
    let bucket = address.bucket();
    let subscriber = admin::subscriber_id(&mut *tx, address).await?.ok_or(ActionError::NotFound("subscriber"))?;
    let newest = enrollments::newest(&mut *tx, bucket, subscriber, series).await?;
    let newest = newest.ok_or(ActionError::NotFound("enrollment in this series"))?;
    let locked = enrollments::lock(&mut *tx, bucket, newest.id).await?;
    locked.ok_or(ActionError::NotFound("enrollment in this series"))
}

async fn log(
    service: &Service,
    tx: &mut PgConnection,
    action: &str,
    enrollment: &Enrollment,
    by: &Actor,
) -> Result<(), ActionError> {
    let details = json!({ "series": enrollment.series.as_str() });
    audit::record_with(service, tx, by, action, Target::Subscriber(enrollment.subscriber), &details).await
}

/// A place in a list: bucket and id of the last item.
pub(super) fn cursor(bucket: i16, id: Uuid) -> String {
    format!("{bucket}.{}", id.simple())
}

pub(super) fn parse_cursor(text: &str) -> Result<(i16, Uuid), ActionError> {
    let parsed = text.split_once('.').and_then(|(bucket, id)| Some((bucket.parse().ok()?, id.parse().ok()?)));
    parsed.ok_or(ActionError::Cursor)
}

pub(super) fn full(len: usize, limit: i64) -> bool {
    i64::try_from(len).unwrap_or(i64::MAX) >= limit
}
