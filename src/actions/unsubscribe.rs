//! The reader's own links: unsubscribe, and a page that shows, pauses and resumes.
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::suppress::ALL_KINDS;
use super::{ActionError, Service};
use crate::content::Policy;
use crate::links::Purpose;
use crate::model::{EnrollmentState, Language, StepKey, Zone};
use crate::store::enrollments::{self, Enrollment};
use crate::store::records::{self, Consent};

/// What the unsubscribe page shows.
#[derive(Debug, Clone)]
pub struct UnsubscribeView {
    pub series_title: String,
    /// No further mail of this series will come.
    pub done: bool,
    /// What the reader reads.
    pub language: Language,
}

/// What the reader's own page shows; neither address nor condition, since a link can be forwarded.
#[derive(Debug, Clone)]
pub struct ManageView {
    pub series_title: String,
    pub state: EnrollmentState,
    /// The next part's number and when it is due.
    pub next: Option<(u32, DateTime<Utc>)>,
    pub received: u32,
    pub parts: u32,
    pub zone: Zone,
    /// What the reader reads.
    pub language: Language,
    /// The path of the page to leave on; none when there is nothing to leave.
    pub unsubscribe_path: Option<String>,
    /// Where to write for what a forwarded link must not do.
    pub contact: Option<String>,
}

/// Changes nothing.
pub async fn look(service: &Service, token: &str) -> Result<UnsubscribeView, ActionError> {
    let enrollment = of_token(service, token, Purpose::Unsubscribe).await?;
    view(service, &enrollment, !enrollment.state.is_open())
}

/// Ends the enrollment and skips what is owed, also what a dispatcher has claimed and not yet marked `sending`.
/// Doing it again is the same as doing it once.
pub async fn unsubscribe(service: &Service, token: &str) -> Result<UnsubscribeView, ActionError> {
    let link = service.link_key().read(token, Purpose::Unsubscribe)?;
    let mut tx = service.db().begin().await?;
    let enrollment = enrollments::lock(&mut *tx, link.bucket, link.enrollment).await?;
    let enrollment = enrollment.ok_or(ActionError::NotFound("subscription"))?;
    // A link of an old enrollment still means "stop": it ends the one that is open now, too.
    let newest = enrollments::newest(&mut *tx, link.bucket, enrollment.subscriber, &enrollment.series).await?;
    let target = newest.filter(|newest| newest.state.is_open()).unwrap_or(enrollment);
    let hands = service.hands();
    if enrollments::end(&mut *tx, target.bucket, target.id, EnrollmentState::Unsubscribed, hands.real).await? {
        enrollments::skip_owed(&mut *tx, target.bucket, target.id, &ALL_KINDS, "unsubscribed", hands).await?;
        record(service, &mut tx, &target, "unsubscribe").await?;
        tx.commit().await?;
    }
    view(service, &target, true)
}

/// Changes nothing.
pub async fn manage_look(service: &Service, token: &str) -> Result<ManageView, ActionError> {
    let enrollment = of_token(service, token, Purpose::Manage).await?;
    let series = service.series_in(&enrollment.series, enrollment.language)?;
    let owed = enrollments::next_step_owed(service.db(), enrollment.bucket, enrollment.id).await?;
    let next = owed.and_then(|(_, step, due_at)| {
        let position = series.position(&StepKey::parse(&step).ok()?)?;
        Some((count(position) + 1, due_at))
    });
    Ok(ManageView {
        series_title: series.title.clone(),
        state: enrollment.state,
        next,
        received: count(enrollment.done_steps.len()),
        parts: count(series.steps.len()),
        zone: enrollment.zone,
        language: enrollment.language,
        unsubscribe_path: enrollment
            .state
            .is_open()
            .then(|| service.unsubscribe_path(enrollment.bucket, enrollment.id)),
        contact: series.reply_to.as_ref().map(|reply_to| reply_to.address.as_typed().to_owned()),
    })
}

pub async fn pause_by_reader(service: &Service, token: &str) -> Result<(), ActionError> {
    let enrollment = of_token(service, token, Purpose::Manage).await?;
    enrollments::pause(service.db(), enrollment.bucket, enrollment.id, service.clock().series()).await?;
    Ok(())
}

pub async fn resume_by_reader(service: &Service, token: &str) -> Result<(), ActionError> {
    let enrollment = of_token(service, token, Purpose::Manage).await?;
    super::readers::resume_enrollment(service, enrollment.bucket, enrollment.id).await?;
    Ok(())
}

/// Appends to the consent record that consent was taken back.
pub(super) async fn record(
    service: &Service,
    tx: &mut PgConnection,
    enrollment: &Enrollment,
    action: &'static str,
) -> Result<(), ActionError> {
    let library = service.library();
    let consent = Consent {
        id: service.clock().uuid(),
        subscriber: enrollment.subscriber,
        enrollment: enrollment.id,
        action,
        privacy_version: &library.policy(Policy::Privacy).version,
        terms_version: &library.policy(Policy::Terms).version,
        channel: "link",
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

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
