//! The link of the confirmation mail: a page to look at, and a button that activates.
use super::manage::address::{lock_both, take_over};
use super::sign_up::{confirmations_used_up, owe_now, supersede_confirmations};
use super::webhooks::tell::{Fact, tell};
use super::{ActionError, Service, moves};
use crate::content::{Policy, Series};
use crate::links::{Link, Purpose};
use crate::model::{DeliveryState, EnrollmentState, Event, Kind, Language, first_due};
use crate::store::enrollments::{self, Enrollment};
use crate::store::records::{self, Consent};
use crate::store::settle::{NewDelivery, add_deliveries};

/// What a confirmation link can still do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// Pressing the button will confirm (or has just confirmed, as the answer to a POST).
    Ready,
    /// The enrollment is active already.
    AlreadyDone,
    /// Too old; a new one can be asked for.
    Expired,
    /// A newer link was sent.
    Superseded,
    /// The reader has left since: signing up again is how to come back.
    Left,
    /// The series goes on at another address; it can be stopped on this path.
    Elsewhere { leave_path: String },
    /// A wish to move the series here that waits no more: it is too old, or the series has ended where it came from. Nothing
    /// has moved.
    NothingMoved,
}

/// What the page shows.
#[derive(Debug, Clone)]
pub struct LinkView {
    pub series_title: String,
    /// How many parts the series has.
    pub parts: usize,
    pub state: LinkState,
    /// The series comes from another address, and goes on here.
    pub is_move: bool,
    /// What the reader reads.
    pub language: Language,
}

/// What the link would do. Changes nothing.
pub async fn look(service: &Service, token: &str) -> Result<LinkView, ActionError> {
    let link = service.link_key().read(token, Purpose::Confirm)?;
    let enrollment = enrollments::by_id(service.db(), link.bucket, link.enrollment).await?;
    let enrollment = enrollment.ok_or(ActionError::NotFound("sign-up"))?;
    let series = service.series_in(&enrollment.series, enrollment.language)?;
    let mut view = view_of(service, &series, &link, &enrollment);
    let mut db = service.db().acquire().await?;
    if view.state == LinkState::Ready && view.is_move {
        let old = match enrollment.moves {
            Some((bucket, id)) => enrollments::by_id(&mut *db, bucket, id).await?,
            None => None,
        };
        if !moves::holds(&mut db, &enrollment, old.as_ref()).await? {
            view.state = LinkState::NothingMoved;
        }
    }
    if view.state == LinkState::Left && moves::goes_on(&mut db, &enrollment).await?.is_some() {
        view.state = LinkState::Elsewhere { leave_path: service.unsubscribe_path(enrollment.bucket, enrollment.id) };
    }
    Ok(view)
}

/// Activates the enrollment and owes the first step, in one transaction; one that is for another address of the same reader
/// takes the place of the old one, or is forgotten when that has ended. Pressing twice is the same as pressing once.
pub async fn confirm(service: &Service, token: &str) -> Result<LinkView, ActionError> {
    let link = service.link_key().read(token, Purpose::Confirm)?;
    let mut tx = service.db().begin().await?;
    let (enrollment, old) = lock_both(&mut tx, link.bucket, link.enrollment).await?;
    let enrollment = enrollment.ok_or(ActionError::NotFound("sign-up"))?;
    let series = service.series_in(&enrollment.series, enrollment.language)?;
    let view = view_of(service, &series, &link, &enrollment);
    if view.state == LinkState::Left {
        drop(tx);
        return look(service, token).await;
    }
    if view.state != LinkState::Ready {
        return Ok(view);
    }
    if view.is_move && !moves::holds(&mut tx, &enrollment, old.as_ref()).await? {
        enrollments::forget(&mut tx, link.bucket, enrollment.id).await?;
        tx.commit().await?;
        return Ok(LinkView { state: LinkState::NothingMoved, ..view });
    }
    let real = service.clock().real();
    enrollments::activate(&mut *tx, link.bucket, enrollment.id, real).await?;
    supersede_confirmations(service, &mut tx, link.bucket, enrollment.id).await?;
    let library = service.library();
    let consent = Consent {
        id: service.clock().uuid(),
        subscriber: enrollment.subscriber,
        enrollment: enrollment.id,
        action: "confirm",
        privacy_version: &library.policy(Policy::Privacy).version,
        terms_version: &library.policy(Policy::Terms).version,
        channel: "link",
    };
    records::add_consent(&mut *tx, link.bucket, &consent, real).await?;
    tell(service, &mut tx, link.bucket, Event::Confirmed, || Fact::of(Event::Confirmed, &enrollment)).await?;
    let delivery = match &old {
        Some(old) if view.is_move => take_over(service, &mut tx, &series, &enrollment, old).await?,
        _ => first_step(service, &series, &enrollment),
    };
    if let Some(delivery) = delivery {
        add_deliveries(&mut *tx, link.bucket, &[delivery], real).await?;
        crate::store::wake(&mut *tx).await?;
    }
    tx.commit().await?;
    service.wake_dispatcher();
    Ok(view)
}

/// Sends a new link for a sign-up whose link has expired; not for a wish to move here, which has its day and no more. The
/// answer, the reader's language, is the same when a cap was met.
pub async fn send_new_link(service: &Service, token: &str) -> Result<Language, ActionError> {
    let link = service.link_key().read(token, Purpose::Confirm)?;
    let mut tx = service.db().begin().await?;
    let Some(enrollment) = enrollments::lock(&mut *tx, link.bucket, link.enrollment).await? else {
        return Err(ActionError::NotFound("sign-up"));
    };
    let spent = confirmations_used_up(service, &mut tx, link.bucket, enrollment.subscriber).await?;
    if enrollment.state != EnrollmentState::Pending || enrollment.moves.is_some() || spent {
        return Ok(enrollment.language);
    }
    let real = service.clock().real();
    supersede_confirmations(service, &mut tx, link.bucket, enrollment.id).await?;
    let number = enrollments::request_again(&mut *tx, link.bucket, enrollment.id, real).await?;
    let whom = (enrollment.subscriber, enrollment.id);
    let occasion = i64::from(number);
    owe_now(service, &mut tx, link.bucket, whom, &enrollment.series, Kind::Confirmation, occasion).await?;
    crate::store::wake(&mut *tx).await?;
    tx.commit().await?;
    service.wake_dispatcher();
    Ok(enrollment.language)
}

fn view_of(service: &Service, series: &Series, link: &Link, enrollment: &Enrollment) -> LinkView {
    let state = state_of(service, link, enrollment);
    LinkView {
        series_title: series.title.clone(),
        parts: series.steps.len(),
        state,
        is_move: enrollment.moves.is_some(),
        language: enrollment.language,
    }
}

fn state_of(service: &Service, link: &Link, enrollment: &Enrollment) -> LinkState {
    match enrollment.state {
        EnrollmentState::Active | EnrollmentState::Paused | EnrollmentState::Completed => LinkState::AlreadyDone,
        EnrollmentState::Pending => {
            if i64::from(link.request) < i64::from(enrollment.request) {
                LinkState::Superseded
            } else if enrollment.moves.is_some() && moves::is_stale(enrollment, service.clock().real()) {
                LinkState::NothingMoved
            } else if service.clock().real() > link.issued + service.settings().confirm_expires {
                LinkState::Expired
            } else {
                LinkState::Ready
            }
        }
        _ => LinkState::Left,
    }
}

/// The first step that was not accepted before. It goes out at once when the reader comes back, else by the series' rules.
pub(super) fn first_step(service: &Service, series: &Series, enrollment: &Enrollment) -> Option<NewDelivery> {
    let step = series.first_step_not_in(&enrollment.done_steps).or_else(|| series.steps.first())?;
    let now = service.clock().series();
    let due_at = if enrollment.done_steps.is_empty() {
        let rhythm = series.rhythm(Some(enrollment.zone), enrollment.preferred_time, enrollment.spacing);
        first_due(now, step.delay, &rhythm)
    } else {
        now
    };
    Some(NewDelivery {
        id: service.clock().uuid(),
        subscriber: enrollment.subscriber,
        enrollment: enrollment.id,
        series: series.slug.clone(),
        kind: Kind::Step,
        step: Some(step.key.clone()),
        occasion: 0,
        state: DeliveryState::Pending,
        due_at,
        run: None,
    })
}
