//! What happens to readers, written down for the endpoints that want to hear of it: in the very transaction in which it happens,
//! so that a crash loses nothing and makes nothing up.
//!
//! Whether any endpoint wants to hear of something is known without the database ([`Wishes`]): where there is none, nothing
//! here costs a statement. What a process knows may be ten seconds old. An endpoint that is new hears of all that happens
//! from then on, and what is written for one that was deleted meanwhile is deleted with all that is old.
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use sqlx::PgConnection;
use uuid::Uuid;

use crate::actions::Service;
use crate::model::{Bucket, DeliveryState, EnrollmentState, Event, Kind, SeriesSlug, StepKey};
use crate::store::enrollments::{self, Enrollment};
use crate::store::imports::Newcomer;
use crate::store::settle::{Changed, Locked};
use crate::store::sign_up::NewSignUp;
use crate::store::webhook_messages::{self as store, NewMessage};
use crate::store::webhooks::{self, Wish};

/// What the endpoints that are enabled want to be told, as it was when this process looked last; none before it has.
#[derive(Default)]
pub struct Known(RwLock<Option<Arc<Wishes>>>);

/// What endpoints want to be told.
#[derive(Debug, Default)]
pub struct Wishes(Vec<Wish>);

impl Wishes {
    pub(in crate::actions) fn want(&self, event: Event) -> bool {
        self.0.iter().any(|one| one.events.contains(&event))
    }

    fn of<'a>(&'a self, fact: &'a Fact) -> impl Iterator<Item = &'a Wish> {
        self.0.iter().filter(|one| {
            let of_series = one.series.is_empty() || one.series.iter().any(|series| *series == fact.series.as_str());
            one.events.contains(&fact.event) && of_series
        })
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Something that has happened to an enrollment.
#[derive(Debug)]
pub struct Fact {
    pub event: Event,
    pub subscriber: Uuid,
    pub enrollment: Uuid,
    pub series: SeriesSlug,
    pub mail: Option<Mail>,
    /// A word that says more.
    pub reason: Option<String>,
}

/// The mail that it happened with.
#[derive(Debug)]
pub struct Mail {
    pub kind: Kind,
    pub step: Option<StepKey>,
}

impl Fact {
    pub fn of(event: Event, enrollment: &Enrollment) -> Self {
        Self {
            event,
            subscriber: enrollment.subscriber,
            enrollment: enrollment.id,
            series: enrollment.series.clone(),
            mail: None,
            reason: None,
        }
    }

    #[must_use]
    pub fn because(self, reason: &str) -> Self {
        Self { reason: Some(reason.to_owned()), ..self }
    }
}

/// Looks anew at what endpoints want to be told.
pub async fn refresh(service: &Service) -> Result<(), sqlx::Error> {
    let mut db = service.db().acquire().await?;
    look(service, &mut db).await?;
    Ok(())
}

/// What endpoints want to be told; only a process that has not looked yet asks the database, in the caller's transaction.
pub async fn wishes(service: &Service, db: &mut PgConnection) -> Result<Arc<Wishes>, sqlx::Error> {
    let known = service.webhook_wishes().0.read().unwrap_or_else(PoisonError::into_inner).clone();
    match known {
        Some(known) => Ok(known),
        None => look(service, db).await,
    }
}

async fn look(service: &Service, db: &mut PgConnection) -> Result<Arc<Wishes>, sqlx::Error> {
    let wishes = Arc::new(Wishes(webhooks::wishes(db).await?));
    *service.webhook_wishes().0.write().unwrap_or_else(PoisonError::into_inner) = Some(wishes.clone());
    Ok(wishes)
}

/// Writes what has happened for whoever wants to hear of it; `tx` is the transaction that it happens in. `fact` is asked for
/// only if somebody does.
pub(in crate::actions) async fn tell(
    service: &Service,
    tx: &mut PgConnection,
    bucket: Bucket,
    event: Event,
    fact: impl FnOnce() -> Fact,
) -> Result<(), sqlx::Error> {
    let wishes = wishes(service, tx).await?;
    if !wishes.want(event) {
        return Ok(());
    }
    write(service, tx, bucket, &wishes, &[fact()]).await
}

/// The same for an enrollment of which only the id is at hand.
pub(in crate::actions) async fn tell_of(
    service: &Service,
    tx: &mut PgConnection,
    bucket: Bucket,
    enrollment: Uuid,
    event: Event,
    reason: Option<&str>,
) -> Result<(), sqlx::Error> {
    let wishes = wishes(service, tx).await?;
    if !wishes.want(event) {
        return Ok(());
    }
    let Some(enrollment) = enrollments::by_id(&mut *tx, bucket, enrollment).await? else { return Ok(()) };
    let fact = Fact { reason: reason.map(str::to_owned), ..Fact::of(event, &enrollment) };
    write(service, tx, bucket, &wishes, &[fact]).await
}

/// Tells of sign-ups of new addresses that are written in this transaction.
pub(in crate::actions) async fn tell_signed_up(
    service: &Service,
    tx: &mut PgConnection,
    new: &[&NewSignUp],
) -> Result<(), sqlx::Error> {
    for one in new {
        let fact = || Fact {
            event: Event::Subscribed,
            subscriber: one.subscriber,
            enrollment: one.enrollment,
            series: one.series.clone(),
            mail: None,
            reason: None,
        };
        tell(service, tx, one.bucket, Event::Subscribed, fact).await?;
    }
    Ok(())
}

/// Tells of readers who came with a file: of who has confirmed elsewhere, both.
pub(in crate::actions) async fn tell_imported(
    service: &Service,
    tx: &mut PgConnection,
    bucket: Bucket,
    series: &SeriesSlug,
    new: &[&Newcomer],
) -> Result<(), sqlx::Error> {
    let wishes = wishes(service, tx).await?;
    if wishes.is_empty() {
        return Ok(());
    }
    let fact = |one: &Newcomer, event| Fact {
        event,
        subscriber: one.subscriber,
        enrollment: one.enrollment,
        series: series.clone(),
        mail: None,
        reason: Some("imported".to_owned()),
    };
    let facts: Vec<Fact> = new
        .iter()
        .flat_map(|one| {
            let confirmed = (one.state == EnrollmentState::Active).then(|| fact(one, Event::Confirmed));
            [fact(one, Event::Subscribed)].into_iter().chain(confirmed)
        })
        .collect();
    write(service, tx, bucket, &wishes, &facts).await
}

/// The same for what was settled: mails of a series that were accepted or refused, and enrollments that have had their last part.
pub(in crate::actions) async fn tell_settled(
    service: &Service,
    tx: &mut PgConnection,
    bucket: Bucket,
    changed: &[Changed],
    enrollments: &HashMap<Uuid, Locked>,
    completed: &[Uuid],
) -> Result<(), sqlx::Error> {
    let wishes = wishes(service, tx).await?;
    if wishes.is_empty() {
        return Ok(());
    }
    let mails = changed.iter().filter_map(|one| settled(one, enrollments.get(&one.enrollment)?));
    let ends = completed.iter().filter_map(|id| enrollments.get(id)).map(|one| Fact {
        event: Event::Completed,
        subscriber: one.subscriber,
        enrollment: one.id,
        series: one.series.clone(),
        mail: None,
        reason: None,
    });
    let facts: Vec<Fact> = mails.chain(ends).collect();
    write(service, tx, bucket, &wishes, &facts).await
}

/// What a settled delivery means to others. A mail of the service itself (a confirmation, a link) is told of only if it bounced.
fn settled(changed: &Changed, enrollment: &Locked) -> Option<Fact> {
    let event = match (changed.state, changed.kind) {
        (DeliveryState::Accepted, Kind::Step | Kind::Correction) => Event::Delivered,
        (DeliveryState::Rejected, _) => Event::Bounced,
        _ => return None,
    };
    Some(Fact {
        event,
        subscriber: changed.subscriber,
        enrollment: changed.enrollment,
        series: enrollment.series.clone(),
        mail: Some(Mail { kind: changed.kind, step: changed.step.clone() }),
        reason: changed.reason.clone().filter(|_| event == Event::Bounced),
    })
}

async fn write(
    service: &Service,
    tx: &mut PgConnection,
    bucket: Bucket,
    wishes: &Wishes,
    facts: &[Fact],
) -> Result<(), sqlx::Error> {
    let messages: Vec<NewMessage> =
        facts.iter().flat_map(|fact| wishes.of(fact).map(|wish| message(service, wish, fact))).collect();
    if !messages.is_empty() {
        store::add(&mut *tx, bucket, &messages, service.clock().real()).await?;
    }
    Ok(())
}

fn message(service: &Service, wish: &Wish, fact: &Fact) -> NewMessage {
    NewMessage {
        id: service.clock().uuid(),
        webhook: wish.id,
        event: fact.event,
        subscriber: Some(fact.subscriber),
        enrollment: Some(fact.enrollment),
        series: Some(fact.series.to_string()),
        step: fact.mail.as_ref().and_then(|mail| mail.step.as_ref()).map(ToString::to_string),
        kind: fact.mail.as_ref().map(|mail| mail.kind.as_str()),
        reason: fact.reason.clone(),
    }
}
