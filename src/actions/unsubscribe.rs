//! The reader's way out: a link in every part.
use serde_json::json;
use sqlx::PgConnection;

use super::audit::{self, Target};
use super::once::{self, Done};
use super::suppress::SERIES_KINDS;
use super::webhooks::tell::{Fact, tell};
use super::{ActionError, Actor, Service, moves};
use crate::content::Policy;
use crate::links::Purpose;
use crate::model::{EmailAddress, EnrollmentState, Event, Language, SeriesSlug};
use crate::store::admin;
use crate::store::enrollments::{self, Enrollment};
use crate::store::records::{self, Consent};

/// Enrollments that one press looks at, at most.
const MOST: u32 = 20;

/// What the unsubscribe page shows.
#[derive(Debug, Clone)]
pub struct UnsubscribeView {
    pub series_title: String,
    /// No further mail of this series will come.
    pub done: bool,
    /// What the reader reads.
    pub language: Language,
}

/// Changes nothing.
pub async fn look(service: &Service, token: &str) -> Result<UnsubscribeView, ActionError> {
    let enrollment = of_token(service, token, Purpose::Unsubscribe).await?;
    let mut db = service.db().acquire().await?;
    let goes_on = moves::goes_on(&mut db, &enrollment).await?;
    view(service, &enrollment, goes_on.is_none())
}

/// Ends the enrollment and skips what is owed, also what a dispatcher has claimed and not yet marked `sending`. A link of an old
/// enrollment still means "stop": it ends what is open under its address now, and what has gone on from there to another.
/// Doing it again is the same as doing it once.
pub async fn unsubscribe(service: &Service, token: &str) -> Result<UnsubscribeView, ActionError> {
    let enrollment = of_token(service, token, Purpose::Unsubscribe).await?;
    stop(service, &enrollment).await?;
    view(service, &enrollment, true)
}

/// The same for a reader who has asked an admin. The consent record says that it came from there.
pub async fn by_hand(
    service: &Service,
    address: &EmailAddress,
    series: &SeriesSlug,
    by: &Actor,
) -> Result<Done, ActionError> {
    let subscriber = admin::subscriber_id(service.db(), address).await?.ok_or(ActionError::NotFound("subscriber"))?;
    let newest = enrollments::newest(service.db(), address.bucket(), subscriber, series).await?;
    let newest = newest.ok_or(ActionError::NotFound("enrollment in this series"))?;
    if !stop_for(service, &newest, Some(by)).await? {
        return Err(ActionError::Refused(
            "nothing of this series is open for this reader: there is nothing to stop".into(),
        ));
    }
    Ok(Done { done: true })
}

/// Ends what a link of this enrollment stops, one enrollment after the other: it alone as long as it is open.
pub(super) async fn stop(service: &Service, own: &Enrollment) -> Result<(), ActionError> {
    stop_for(service, own, None).await.map(drop)
}

/// Answers whether anything was open. What an admin ends is in the audit log.
async fn stop_for(service: &Service, own: &Enrollment, admin: Option<&Actor>) -> Result<bool, ActionError> {
    let mut has_ended = false;
    for _ in 0..MOST {
        let mut tx = service.db().begin().await?;
        let own =
            enrollments::by_id(&mut *tx, own.bucket, own.id).await?.ok_or(ActionError::NotFound("subscription"))?;
        let Some(target) = moves::goes_on(&mut tx, &own).await? else { return Ok(has_ended) };
        enrollments::lock(&mut *tx, target.bucket, target.id).await?;
        let hands = service.hands();
        if !enrollments::end(&mut *tx, target.bucket, target.id, EnrollmentState::Unsubscribed, hands.real).await? {
            // It has ended in this moment, or gone to another address.
            continue;
        }
        enrollments::skip_owed(&mut *tx, target.bucket, target.id, &SERIES_KINDS, "unsubscribed", hands).await?;
        record_from(service, &mut tx, &target, "unsubscribe", if admin.is_some() { "admin" } else { "link" }).await?;
        let fact = || Fact::of(Event::Unsubscribed, &target).because("unsubscribed");
        tell(service, &mut tx, target.bucket, Event::Unsubscribed, fact).await?;
        if let Some(by) = admin {
            let (of, details) = (Target::Subscriber(target.subscriber), json!({ "series": target.series.as_str() }));
            audit::record_with(service, &mut *tx, by, "unsubscribe", of, &details).await?;
            if !has_ended {
                once::answer(&mut tx, by, Done { done: true }).await?;
            }
        }
        tx.commit().await?;
        has_ended = true;
        moves::forget_wish(service, (target.bucket, target.id)).await?;
        if target.id == own.id {
            return Ok(true);
        }
    }
    Err(ActionError::Busy)
}

/// Appends to the consent record what its reader did behind a link.
pub(super) async fn record(
    service: &Service,
    tx: &mut PgConnection,
    enrollment: &Enrollment,
    action: &'static str,
) -> Result<(), ActionError> {
    record_from(service, tx, enrollment, action, "link").await
}

/// The same, with where it came from.
pub(super) async fn record_from(
    service: &Service,
    tx: &mut PgConnection,
    enrollment: &Enrollment,
    action: &'static str,
    channel: &'static str,
) -> Result<(), ActionError> {
    let library = service.library();
    let consent = Consent {
        id: service.clock().uuid(),
        subscriber: enrollment.subscriber,
        enrollment: enrollment.id,
        action,
        privacy_version: &library.policy(Policy::Privacy).version,
        terms_version: &library.policy(Policy::Terms).version,
        channel,
    };
    records::add_consent(&mut *tx, enrollment.bucket, &consent, service.clock().real()).await?;
    Ok(())
}

async fn of_token(service: &Service, token: &str, purpose: Purpose) -> Result<Enrollment, ActionError> {
    let link = service.link_key().read(token, purpose)?;
    let enrollment = enrollments::by_id(service.db(), link.bucket, link.enrollment).await?;
    enrollment.ok_or(ActionError::NotFound("subscription"))
}

fn view(service: &Service, enrollment: &Enrollment, done: bool) -> Result<UnsubscribeView, ActionError> {
    let series = service.series_in(&enrollment.series, enrollment.language)?;
    Ok(UnsubscribeView { series_title: series.title.clone(), done, language: enrollment.language })
}
