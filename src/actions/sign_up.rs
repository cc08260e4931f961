//! A reader signs up, and is answered after the commit; the answer is the same whatever was known before.
//!
//! An address that is new, the ordinary case, is written in one statement, together with others when there are many
//! ([`line`]). What is known already is looked after by [`sign_up_known`], in a transaction of its own.
mod line;

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgConnection;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use uuid::Uuid;

use super::webhooks::tell::tell_of;
use super::{ActionError, Service};
use crate::content::{Policy, Series};
use crate::model::{
    Bucket, ConditionKey, DeliveryState, EmailAddress, EnrollmentState, Event, Kind, Language, SeriesSlug, StepKey,
    Zone,
};
use crate::store::enrollments::{self, Enrollment, Pending};
use crate::store::records::{self, Consent, Evidence};
use crate::store::settle::{NewDelivery, add_deliveries};
use crate::store::sign_up::{NewSignUp, Written};
use line::Line;

/// A checked sign-up.
pub struct SignUp {
    pub series: SeriesSlug,
    pub address: EmailAddress,
    pub condition: ConditionKey,
    pub zone: Option<Zone>,
    pub language: Language,
    /// Where it came from: "form", "api" or "publisher".
    pub channel: &'static str,
    /// What a publisher's server says of the reader's consent.
    pub publisher: Option<PublisherConsent>,
}

/// A consent that was given on a publisher's own pages.
pub struct PublisherConsent {
    /// The name of the publisher's token.
    pub source: String,
    /// The versions of the texts that the reader was shown.
    pub privacy_version: String,
    pub terms_version: String,
    /// When and where it was given, as JSON.
    pub evidence: serde_json::Value,
}

/// How much sign-ups may take, so that they hold up nothing else.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections to the database at most. Half of them write what is new, the others look after what is known.
    pub connections: usize,
    /// Sign-ups that may be under way at a time; more are refused.
    pub most_waiting: usize,
    /// Longer than this nobody waits for a turn.
    pub longest_wait: Duration,
    /// New addresses written in one statement at most.
    pub written_together: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 4, most_waiting: 1_000, longest_wait: Duration::from_secs(2), written_together: 64 }
    }
}

impl Limits {
    fn writers(&self) -> usize {
        (self.connections / 2).max(1)
    }
}

/// The mails that ask an address whether it wants a series.
pub(super) const ASKS: [Kind; 3] = [Kind::Confirmation, Kind::Reminder, Kind::Move];

/// Where this process's sign-ups wait for their turn.
pub struct SignUps {
    line: Line,
    places: Semaphore,
    known: Semaphore,
    longest_wait: Duration,
}

impl SignUps {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            line: Line::new(limits.clone()),
            places: Semaphore::new(limits.most_waiting),
            known: Semaphore::new((limits.connections - limits.writers().min(limits.connections)).max(1)),
            longest_wait: limits.longest_wait,
        }
    }

    /// How many new addresses wait for their turn to be written.
    pub fn waiting(&self) -> usize {
        self.line.waiting()
    }

    /// Waits until what has been taken in is written, also for those who have gone away.
    pub async fn finished(&self) {
        self.line.finished().await;
    }
}

/// Writes subscriber, consent, pending enrollment and the confirmation owed, together or not at all. The answer is the
/// same for a new address, a known one, a suppressed one and one that has met its cap. [`ActionError::Busy`] when there
/// are more sign-ups than can be written: nothing was.
pub async fn sign_up(service: &Service, request: SignUp) -> Result<(), ActionError> {
    let series = service.series(&request.series)?;
    let sign_ups = service.sign_ups();
    let _place = sign_ups.places.try_acquire().map_err(|_| ActionError::Busy)?;
    // A publisher's evidence is written with the consent. The line, which is for many at once, does not carry it.
    if request.publisher.is_none() {
        let row = new_sign_up(service, &series, &request);
        if sign_ups.line.write(service, row).await? != Written::Known {
            return Ok(());
        }
    }
    // Longer than for a place in the line: to be refused more often than a stranger would tell that one is known.
    let turn = timeout(5 * sign_ups.longest_wait, sign_ups.known.acquire()).await;
    let _turn = turn.ok().and_then(Result::ok).ok_or(ActionError::Busy)?;
    sign_up_known(service, &series, &request).await
}

/// What is written if the address is new.
fn new_sign_up(service: &Service, series: &Series, request: &SignUp) -> NewSignUp {
    let (clock, library) = (service.clock(), service.library());
    let subscriber = clock.uuid();
    NewSignUp {
        bucket: request.address.bucket(),
        address: request.address.clone(),
        subscriber,
        enrollment: clock.uuid(),
        consent: clock.uuid(),
        delivery: clock.uuid(),
        series: series.slug.clone(),
        condition: service.keyring().seal(&request.condition, subscriber, clock.random_bytes()),
        zone: request.zone.unwrap_or(series.default_zone),
        privacy_version: library.policy(Policy::Privacy).version.clone(),
        terms_version: library.policy(Policy::Terms).version.clone(),
        channel: request.channel,
        language: request.language,
    }
}

/// The same for an address of which there may be a subscriber, one transaction for each: what is written depends on its newest enrollment.
async fn sign_up_known(service: &Service, series: &Series, request: &SignUp) -> Result<(), ActionError> {
    let mut tx = service.db().begin().await?;
    if records::is_suppressed(&mut *tx, &request.address).await? {
        return Ok(());
    }
    if ask(service, &mut tx, series, request, Kind::Confirmation).await? == Asked::Nothing {
        return Ok(());
    }
    crate::store::wake(&mut *tx).await?;
    tx.commit().await?;
    service.wake_dispatcher();
    Ok(())
}

/// What an address that is not suppressed was asked or told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// It has had all that it may get for now.
    Nothing,
    /// That it gets the series already.
    Told,
    /// Whether it wants the series: the pending enrollment.
    ToConfirm(Uuid),
}

/// Asks an address to confirm, or tells it that it gets the series already, in a transaction of the caller's. `kind` is the
/// mail that asks: a confirmation, or a move from another address.
pub(super) async fn ask(
    service: &Service,
    tx: &mut PgConnection,
    series: &Series,
    request: &SignUp,
    kind: Kind,
) -> Result<Asked, ActionError> {
    let bucket = request.address.bucket();
    let real = service.clock().real();
    let subscriber = enrollments::subscriber(&mut *tx, &request.address, service.clock().uuid(), real).await?;
    let newest = match enrollments::newest(&mut *tx, bucket, subscriber, &series.slug).await? {
        // Its reader may confirm or leave in this moment, for which nobody locks the subscriber.
        Some(open) if open.state.is_open() => enrollments::lock(&mut *tx, bucket, open.id).await?,
        newest => newest,
    };
    let known = Known { bucket, subscriber, series };
    match newest {
        Some(open) if open.state.is_going_on() => remind_of_enrollment(service, tx, &known, &open).await,
        // A sign-up that waits is its own reader's: whoever names the address from another does not replace it.
        Some(waits) if waits.state == EnrollmentState::Pending && kind == Kind::Move => Ok(Asked::Nothing),
        newest => ask_to_confirm(service, tx, &known, request, kind, newest).await,
    }
}

struct Known<'a> {
    bucket: Bucket,
    subscriber: Uuid,
    series: &'a Series,
}

/// An open enrollment is never altered by a sign-up: its reader gets at most one note a cool-down.
async fn remind_of_enrollment(
    service: &Service,
    tx: &mut PgConnection,
    known: &Known<'_>,
    open: &Enrollment,
) -> Result<Asked, ActionError> {
    let kind = Kind::AlreadySignedUp;
    let since = service.clock().real() - service.settings().already_cooldown;
    if enrollments::promised_since(&mut *tx, known.bucket, known.subscriber, &[kind.as_str()], since).await? > 0 {
        return Ok(Asked::Nothing);
    }
    let occasion = enrollments::next_occasion(&mut *tx, known.bucket, open.id, kind.as_str()).await?;
    owe_now(service, tx, open.bucket, (open.subscriber, open.id), &open.series, kind, occasion).await?;
    Ok(Asked::Told)
}

async fn ask_to_confirm(
    service: &Service,
    tx: &mut PgConnection,
    known: &Known<'_>,
    request: &SignUp,
    kind: Kind,
    newest: Option<Enrollment>,
) -> Result<Asked, ActionError> {
    if confirmations_used_up(service, tx, known.bucket, known.subscriber).await? {
        return Ok(Asked::Nothing);
    }
    let real = service.clock().real();
    let zone = request.zone.unwrap_or(known.series.default_zone);
    let condition = service.keyring().seal(&request.condition, known.subscriber, service.clock().random_bytes());
    let (enrollment, number) = match newest {
        Some(open) if open.state == EnrollmentState::Pending => {
            let number =
                enrollments::replace_pending(&mut *tx, known.bucket, open.id, &condition, zone, request.language, real)
                    .await?;
            supersede_confirmations(service, tx, known.bucket, open.id).await?;
            (open.id, number)
        }
        newest => {
            let id = service.clock().uuid();
            let done_steps = steps_to_skip(newest.as_ref());
            let pending = Pending {
                id,
                subscriber: known.subscriber,
                series: &known.series.slug,
                condition: &condition,
                zone,
                language: request.language,
                done_steps: &done_steps,
            };
            enrollments::add_pending(&mut *tx, known.bucket, &pending, real).await?;
            tell_of(service, tx, known.bucket, id, Event::Subscribed, None).await?;
            (id, 1)
        }
    };
    agree(service, tx, known, request, enrollment).await?;
    let whom = (known.subscriber, enrollment);
    owe_now(service, tx, known.bucket, whom, &known.series.slug, kind, i64::from(number)).await?;
    Ok(Asked::ToConfirm(enrollment))
}

/// Writes down what was agreed, and what a publisher says of it.
async fn agree(
    service: &Service,
    tx: &mut PgConnection,
    known: &Known<'_>,
    request: &SignUp,
    enrollment: Uuid,
) -> Result<(), ActionError> {
    let library = service.library();
    let mut consent = Consent {
        id: service.clock().uuid(),
        subscriber: known.subscriber,
        enrollment,
        action: "sign-up",
        privacy_version: &library.policy(Policy::Privacy).version,
        terms_version: &library.policy(Policy::Terms).version,
        channel: request.channel,
    };
    let real = service.clock().real();
    match &request.publisher {
        None => records::add_consent(&mut *tx, known.bucket, &consent, real).await?,
        Some(publisher) => {
            consent.privacy_version = &publisher.privacy_version;
            consent.terms_version = &publisher.terms_version;
            let evidence = Evidence { source: &publisher.source, json: &publisher.evidence };
            records::add_consent_of_publisher(&mut *tx, known.bucket, &consent, &evidence, real).await?;
        }
    }
    Ok(())
}

/// Who unsubscribed goes on where they left; who completed the series starts again.
fn steps_to_skip(newest: Option<&Enrollment>) -> Vec<StepKey> {
    match newest {
        Some(closed) if closed.state != EnrollmentState::Completed => closed.done_steps.clone(),
        _ => Vec::new(),
    }
}

/// Whether the address has had its day's confirmations; a reminder is one more mail that asks the same.
pub(super) async fn confirmations_used_up(
    service: &Service,
    tx: &mut PgConnection,
    bucket: Bucket,
    subscriber: Uuid,
) -> Result<bool, ActionError> {
    let since = service.clock().real() - TimeDelta::days(1);
    let kinds = ASKS.map(Kind::as_str);
    let promised = enrollments::promised_since(&mut *tx, bucket, subscriber, &kinds, since).await?;
    Ok(promised >= service.settings().confirmations_per_day)
}

/// Older confirmations that have not left are not sent any more: their links would be refused.
pub(super) async fn supersede_confirmations(
    service: &Service,
    tx: &mut PgConnection,
    bucket: Bucket,
    enrollment: Uuid,
) -> Result<(), ActionError> {
    let kinds = ASKS.map(Kind::as_str);
    enrollments::skip_owed(&mut *tx, bucket, enrollment, &kinds, "superseded", service.hands()).await?;
    Ok(())
}

/// Owes a mail of the service itself (not a step) at once. `whom` is subscriber and enrollment.
pub(super) async fn owe_now(
    service: &Service,
    tx: &mut PgConnection,
    bucket: Bucket,
    whom: (Uuid, Uuid),
    series: &SeriesSlug,
    kind: Kind,
    occasion: i64,
) -> Result<(), ActionError> {
    let delivery = NewDelivery {
        id: service.clock().uuid(),
        subscriber: whom.0,
        enrollment: whom.1,
        series: series.clone(),
        kind,
        step: None,
        occasion,
        state: DeliveryState::Pending,
        due_at: service.clock().series(),
        run: None,
    };
    add_deliveries(&mut *tx, bucket, &[delivery], service.clock().real()).await?;
    Ok(())
}
