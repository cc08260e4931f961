//! The fresh link: sent to the address on request, good for a quarter of an hour from when its mail is rendered, for what a
//! forwarded mail must not do.
use chrono::TimeDelta;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::sign_up::owe_now;
use super::super::webhooks::tell::{Fact, tell};
use super::super::{confirm, moves, unsubscribe};
use super::change::Done;
use super::{ActionError, Named, Service, of_link};
use crate::content::Condition;
use crate::links::{Link, Purpose};
use crate::model::{
    Bucket, ConditionKey, DeliveryState, EnrollmentState, Event, Kind, Language, StepKey, SuppressionReason,
};
use crate::store::enrollments::{self, Enrollment};
use crate::store::moves::lock_subscriber;
use crate::store::settle::add_deliveries;
use crate::store::{calendar, records, wake};

/// How long a fresh link works.
pub const WORKS_FOR: TimeDelta = TimeDelta::minutes(15);
/// One address gets at most so many a day …
const A_DAY: i64 = 3;
/// … and none so soon after another.
const COOL_DOWN: TimeDelta = TimeDelta::minutes(5);
/// Who has left the series gets fewer by a link from one of its mails, which may be another's by now: so many a week.
const A_WEEK_AFTER: i64 = 2;
/// Who has confirmed or started again so often within a day has had enough copies of the first part.
const AGAIN_A_DAY: i64 = 3;

/// What a fresh link shows. It names neither the address nor which of the conditions is the reader's.
#[derive(Debug, Clone)]
pub struct Fresh {
    pub series_title: String,
    /// What the reader's mails are in.
    pub language: Language,
    pub conditions: Vec<Condition>,
    /// Whether the series is on its way, so that it can take another condition or address.
    pub is_open: bool,
    pub again: Again,
}

/// How an enrollment that has ended can start again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It has not ended, or may not.
    No,
    /// From the first part.
    FromTheStart,
    /// From the first part, or where it stopped.
    Either,
}

/// Where to start again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    TheStart,
    WhereItStopped,
}

/// What is behind a fresh link.
#[derive(Debug)]
pub enum Opened<T> {
    Yes(T),
    /// The link is too old; its page, in the language of the reader's mails, can send a new one.
    Expired(Language),
}

impl<T> Opened<T> {
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Opened<U> {
        match self {
            Self::Yes(inside) => Opened::Yes(map(inside)),
            Self::Expired(language) => Opened::Expired(language),
        }
    }
}

/// Sends a fresh link to the address that the enrollment is for. `purpose` is that of the link it is asked for with: one
/// from a part, or an older fresh one. The answer, the language of the reader's mails, is always the same. An address gets at most
/// three a day, and two a week when it has left the series or is suppressed: then the link is the one mail that it is sent, since
/// who must not be written to may still take out or erase what is stored. Where nobody reads the mail it gets nothing.
pub async fn send_link(service: &Service, token: &str, purpose: Purpose) -> Result<Language, ActionError> {
    debug_assert!(matches!(purpose, Purpose::Manage | Purpose::Fresh), "no other link shows a page to ask from");
    let link = service.link_key().read(token, purpose)?;
    let current = of_link(service, &link).await?.current;
    let mut tx = service.db().begin().await?;
    let Some(enrollment) = enrollments::lock(&mut *tx, current.bucket, current.id).await? else {
        return Err(ActionError::NotFound("subscription"));
    };
    if !may_have_one(service, &mut tx, &enrollment, purpose).await? {
        return Ok(enrollment.language);
    }
    let (bucket, kind) = (enrollment.bucket, Kind::FreshLink);
    let occasion = enrollments::next_occasion(&mut *tx, bucket, enrollment.id, kind.as_str()).await?;
    owe_now(service, &mut tx, bucket, (enrollment.subscriber, enrollment.id), &enrollment.series, kind, occasion)
        .await?;
    wake(&mut *tx).await?;
    tx.commit().await?;
    service.wake_dispatcher();
    Ok(enrollment.language)
}

async fn may_have_one(
    service: &Service,
    tx: &mut PgConnection,
    enrollment: &Enrollment,
    purpose: Purpose,
) -> Result<bool, ActionError> {
    let (bucket, subscriber) = (enrollment.bucket, enrollment.subscriber);
    let suppression = suppression(tx, bucket, subscriber).await?;
    let nobody_reads = matches!(suppression, Some(SuppressionReason::NoSuchUser | SuppressionReason::Bounce));
    if nobody_reads || enrollment.state == EnrollmentState::Erased {
        return Ok(false);
    }
    let real = service.clock().real();
    let kind = [Kind::FreshLink.as_str()];
    let has_left = suppression.is_some() || (!enrollment.state.is_open() && purpose == Purpose::Manage);
    let (most, span) = if has_left { (A_WEEK_AFTER, TimeDelta::days(7)) } else { (A_DAY, TimeDelta::days(1)) };
    let so_many = enrollments::promised_since(&mut *tx, bucket, subscriber, &kind, real - span).await?;
    let lately = enrollments::promised_since(&mut *tx, bucket, subscriber, &kind, real - COOL_DOWN).await?;
    Ok(so_many < most && lately == 0)
}

/// What this link's page shows. Changes nothing.
pub async fn look(service: &Service, token: &str, chosen: Option<Language>) -> Result<Opened<Fresh>, ActionError> {
    let enrollment = match open(service, token).await? {
        Opened::Yes(enrollment) => enrollment,
        Opened::Expired(language) => return Ok(Opened::Expired(language)),
    };
    let language = enrollment.language;
    let series = service.series_in(&enrollment.series, chosen.unwrap_or(language))?;
    let left = series.first_step_not_in(&enrollment.done_steps).is_some() && !enrollment.done_steps.is_empty();
    let again = match enrollment.state {
        EnrollmentState::Unsubscribed if goes_on_elsewhere(service, &enrollment).await? => Again::No,
        EnrollmentState::Unsubscribed if left => Again::Either,
        EnrollmentState::Completed | EnrollmentState::Unsubscribed => Again::FromTheStart,
        _ => Again::No,
    };
    let is_open = enrollment.state.is_going_on();
    let (series_title, conditions) = (series.title.clone(), series.conditions.clone());
    Ok(Opened::Yes(Fresh { series_title, language, conditions, is_open, again }))
}

/// Parts that are rendered from now on are about this condition. That the reader chose it is recorded.
pub async fn change_condition(
    service: &Service,
    token: &str,
    condition: &ConditionKey,
) -> Result<Opened<Done>, ActionError> {
    let enrollment = match open(service, token).await? {
        Opened::Yes(enrollment) => enrollment,
        Opened::Expired(language) => return Ok(Opened::Expired(language)),
    };
    if service.series(&enrollment.series)?.condition(condition).is_none() {
        return Ok(Opened::Yes(Done::Refused));
    }
    let mut tx = service.db().begin().await?;
    let locked = enrollments::lock(&mut *tx, enrollment.bucket, enrollment.id).await?;
    let enrollment = locked.ok_or(ActionError::NotFound("subscription"))?;
    if !enrollment.state.is_going_on() {
        return Ok(Opened::Yes(Done::Nothing));
    }
    let sealed = service.keyring().seal(condition, enrollment.subscriber, service.clock().random_bytes());
    calendar::set_condition(&mut *tx, enrollment.bucket, enrollment.id, &sealed).await?;
    unsubscribe::record(service, &mut tx, &enrollment, "change-condition").await?;
    tx.commit().await?;
    Ok(Opened::Yes(Done::Yes))
}

/// Starts a series again that was completed or left: a new enrollment with the same condition and habits, active at once,
/// since the link has just come from the address. Its consents are recorded, and pressing twice is pressing once. While the
/// last part is on the wire nobody knows where it stopped, and the reader is asked to press again.
pub async fn start_again(service: &Service, token: &str, from: From) -> Result<Opened<Done>, ActionError> {
    let enrollment = match open(service, token).await? {
        Opened::Yes(enrollment) => enrollment,
        Opened::Expired(language) => return Ok(Opened::Expired(language)),
    };
    let series = service.series(&enrollment.series)?;
    let (bucket, subscriber) = (enrollment.bucket, enrollment.subscriber);
    let mut tx = service.db().begin().await?;
    if !lock_subscriber(&mut *tx, bucket, subscriber).await? {
        return Err(ActionError::NotFound("subscription"));
    }
    let newest = enrollments::newest(&mut *tx, bucket, subscriber, &enrollment.series).await?;
    let ended =
        newest.filter(|newest| matches!(newest.state, EnrollmentState::Completed | EnrollmentState::Unsubscribed));
    let Some(ended) = ended else { return Ok(Opened::Yes(Done::Nothing)) };
    if suppression(&mut tx, bucket, subscriber).await?.is_some() {
        return Ok(Opened::Yes(Done::Nothing));
    }
    if goes_on_elsewhere(service, &ended).await? {
        // It would come twice: it has to be stopped there first.
        return Ok(Opened::Yes(Done::Nothing));
    }
    let real = service.clock().real();
    let today = calendar::agreed_since(&mut *tx, bucket, subscriber, "confirm", real - TimeDelta::days(1)).await?;
    if today >= AGAIN_A_DAY {
        return Ok(Opened::Yes(Done::Refused));
    }
    if calendar::lock_owed(&mut *tx, bucket, ended.id).await?.is_some_and(|owed| owed.state == DeliveryState::Sending) {
        return Err(ActionError::Busy);
    }
    let goes_on = from == From::WhereItStopped && series.first_step_not_in(&ended.done_steps).is_some();
    let done: &[StepKey] = if goes_on { &ended.done_steps } else { &[] };
    let id = service.clock().uuid();
    calendar::add_again(&mut *tx, bucket, ended.id, id, done, real).await?;
    let new = enrollments::by_id(&mut *tx, bucket, id).await?.ok_or(ActionError::NotFound("subscription"))?;
    for action in ["sign-up", "confirm"] {
        unsubscribe::record(service, &mut tx, &new, action).await?;
    }
    for event in [Event::Subscribed, Event::Confirmed] {
        tell(service, &mut tx, bucket, event, || Fact::of(event, &new)).await?;
    }
    if let Some(delivery) = confirm::first_step(service, &series, &new) {
        add_deliveries(&mut *tx, bucket, &[delivery], real).await?;
        wake(&mut *tx).await?;
    }
    tx.commit().await?;
    service.wake_dispatcher();
    moves::forget_wish(service, (ended.bucket, ended.id)).await?;
    Ok(Opened::Yes(Done::Yes))
}

async fn goes_on_elsewhere(service: &Service, ended: &Enrollment) -> Result<bool, ActionError> {
    let mut db = service.db().acquire().await?;
    Ok(moves::goes_on(&mut db, ended).await?.is_some())
}

/// The enrollment that a fresh link is about, if the link is still fresh.
pub(super) async fn open(service: &Service, token: &str) -> Result<Opened<Enrollment>, ActionError> {
    let link = service.link_key().read(token, Purpose::Fresh)?;
    let Named { current, .. } = of_link(service, &link).await?;
    Ok(if is_fresh(service, &link) { Opened::Yes(current) } else { Opened::Expired(current.language) })
}

/// The time is told to the second in a token, and is that of the node that rendered the mail.
pub(super) fn is_fresh(service: &Service, link: &Link) -> bool {
    let age = service.clock().real() - link.issued;
    age <= WORKS_FOR && age > -WORKS_FOR
}

async fn suppression(
    tx: &mut PgConnection,
    bucket: Bucket,
    subscriber: Uuid,
) -> Result<Option<SuppressionReason>, ActionError> {
    let normalised = enrollments::normalised(&mut *tx, bucket, subscriber).await?;
    Ok(records::suppression_reason(&mut *tx, bucket, &normalised).await?)
}
