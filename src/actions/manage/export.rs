//! Everything that is stored about a reader, as JSON; also under the other addresses that changes of address have tied to the
//! one of the link. One to which the series has gone since is not named: the link may have gone to a mailbox that is another's
//! by now.
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::audit::{self, Target};
use super::super::moves::{self, Address};
use super::fresh::{Opened, open};
use super::{ActionError, Actor, Service};
use crate::model::Bucket;
use crate::store::admin::{self, AttemptLine, ConsentLine};
use crate::store::enrollments::Enrollment;
use crate::store::export::{self, DeliveryRow, EnrollmentRow, SubscriberRow, SuppressionRow};

/// All of it. `Debug` is missing on purpose: address and condition are in it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Export {
    pub taken_at: DateTime<Utc>,
    #[serde(flatten)]
    pub here: OfAddress,
    /// The same of the reader's other addresses.
    pub other_addresses: Vec<OfAddress>,
}

/// What is stored under one address.
#[derive(Serialize, utoipa::ToSchema)]
pub struct OfAddress {
    /// None of an address to which the series has gone since.
    pub subscriber: Option<SubscriberRow>,
    pub enrollments: Vec<ExportedEnrollment>,
    pub consents: Vec<ConsentLine>,
    /// Why the address must not be mailed, if so.
    pub suppression: Option<SuppressionRow>,
}

/// One way through a series, with every mail of it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ExportedEnrollment {
    pub series: String,
    pub state: String,
    pub condition: String,
    pub zone: String,
    pub language: String,
    pub preferred_time: Option<String>,
    pub days_between_parts: Option<i16>,
    pub parts_received: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub requested_at: DateTime<Utc>,
    pub confirmed_at: Option<DateTime<Utc>>,
    pub reminded_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub paused_at: Option<DateTime<Utc>>,
    pub paused_until: Option<DateTime<Utc>>,
    pub asked_for_the_next_part_at: Option<DateTime<Utc>>,
    pub deliveries: Vec<ExportedDelivery>,
}

/// One mail, sent or owed.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ExportedDelivery {
    pub kind: String,
    pub part: Option<String>,
    pub occasion: i64,
    pub state: String,
    pub reason: Option<String>,
    /// How often it was tried, as far as that counts against the limit.
    pub tries: i16,
    /// How often nobody could say whether it had arrived.
    pub times_uncertain: i16,
    pub due_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub settled_at: Option<DateTime<Utc>>,
    pub content_version: Option<String>,
    /// What the part was about when it was sent.
    pub condition: Option<String>,
    pub attempts: Vec<ExportedAttempt>,
}

/// One try to hand a mail to a relay.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ExportedAttempt {
    pub outcome: String,
    pub code: Option<i16>,
    pub reply: Option<String>,
    pub ended_at: DateTime<Utc>,
}

/// All that is stored about the reader of a fresh link, in all series. Changes nothing.
pub async fn export(service: &Service, token: &str) -> Result<Opened<Export>, ActionError> {
    let Enrollment { bucket, subscriber, .. } = match open(service, token).await? {
        Opened::Yes(enrollment) => enrollment,
        Opened::Expired(language) => return Ok(Opened::Expired(language)),
    };
    Ok(Opened::Yes(everything(service, bucket, subscriber).await?))
}

/// The same, which an admin takes out for a reader who has asked. It is the one thing that shows an admin a condition, so it is
/// written down before anything is read.
pub async fn by_hand(
    service: &Service,
    (bucket, subscriber): (Bucket, Uuid),
    by: &Actor,
) -> Result<Export, ActionError> {
    audit::record(service, service.db(), by, "export reader", Target::Subscriber(subscriber)).await?;
    everything(service, bucket, subscriber).await
}

async fn everything(service: &Service, bucket: Bucket, subscriber: Uuid) -> Result<Export, ActionError> {
    // One moment for all of it.
    let mut tx = service.db().begin_with("begin isolation level repeatable read read only").await?;
    let mut all = Vec::new();
    for address in moves::addresses(&mut tx, bucket, subscriber).await? {
        all.push(of_address(service, &mut tx, address).await?);
    }
    tx.commit().await?;
    let other_addresses = all.split_off(1);
    let here = all.pop().ok_or(ActionError::NotFound("subscription"))?;
    Ok(Export { taken_at: service.clock().real(), here, other_addresses })
}

async fn of_address(service: &Service, tx: &mut PgConnection, address: Address) -> Result<OfAddress, ActionError> {
    let Address { bucket, subscriber: id, is_later } = address;
    let subscriber = export::subscriber(&mut *tx, bucket, id).await?.ok_or(ActionError::NotFound("subscription"))?;
    let enrollments = export::enrollments(&mut *tx, bucket, id).await?;
    let ids: Vec<Uuid> = enrollments.iter().map(|one| one.id).collect();
    let deliveries = export::deliveries(&mut *tx, bucket, &ids).await?;
    let ids: Vec<Uuid> = deliveries.iter().map(|one| one.id).collect();
    let attempts = admin::attempts(&mut *tx, bucket, &ids).await?;
    let consents = admin::consents(&mut *tx, bucket, id).await?;
    let suppression = export::suppression(&mut *tx, bucket, &subscriber.normalised).await?;
    let opening = Opening { service, subscriber: id };
    let mut mails = opening.mails(deliveries, attempts)?;
    let enrollments = enrollments
        .into_iter()
        .map(|row| {
            let deliveries = mails.remove(&row.id).unwrap_or_default();
            opening.enrollment(row, deliveries)
        })
        .collect::<Result<_, _>>()?;
    let subscriber = Some(subscriber).filter(|_| !is_later);
    Ok(OfAddress { subscriber, enrollments, consents, suppression })
}

/// Opens what is sealed for one subscriber.
struct Opening<'s> {
    service: &'s Service,
    subscriber: Uuid,
}

impl Opening<'_> {
    fn condition(&self, sealed: &[u8]) -> Result<String, ActionError> {
        Ok(self.service.keyring().open(sealed, self.subscriber)?.as_str().to_owned())
    }

    fn mails(
        &self,
        deliveries: Vec<DeliveryRow>,
        attempts: Vec<AttemptLine>,
    ) -> Result<BTreeMap<Uuid, Vec<ExportedDelivery>>, ActionError> {
        let mut tries: BTreeMap<Uuid, Vec<ExportedAttempt>> = BTreeMap::new();
        for AttemptLine { delivery, outcome, code, reply, ended_at, .. } in attempts {
            tries.entry(delivery).or_default().push(ExportedAttempt { outcome, code, reply, ended_at });
        }
        let mut mails: BTreeMap<Uuid, Vec<ExportedDelivery>> = BTreeMap::new();
        for row in deliveries {
            let mail = ExportedDelivery {
                condition: row.condition.as_deref().map(|sealed| self.condition(sealed)).transpose()?,
                attempts: tries.remove(&row.id).unwrap_or_default(),
                kind: row.kind,
                part: row.step,
                occasion: row.occasion,
                state: row.state,
                reason: row.reason,
                tries: row.tries,
                times_uncertain: row.uncertain_count,
                due_at: row.due_at,
                created_at: row.created_at,
                settled_at: row.settled_at,
                content_version: row.content_version,
            };
            mails.entry(row.enrollment).or_default().push(mail);
        }
        Ok(mails)
    }

    fn enrollment(
        &self,
        row: EnrollmentRow,
        deliveries: Vec<ExportedDelivery>,
    ) -> Result<ExportedEnrollment, ActionError> {
        Ok(ExportedEnrollment {
            condition: self.condition(&row.condition)?,
            preferred_time: row.preferred_time.map(|time| time.format("%H:%M").to_string()),
            series: row.series,
            state: row.state,
            zone: row.zone,
            language: row.language,
            days_between_parts: row.spacing,
            parts_received: row.done_steps,
            created_at: row.created_at,
            requested_at: row.requested_at,
            confirmed_at: row.confirmed_at,
            reminded_at: row.reminded_at,
            ended_at: row.ended_at,
            paused_at: row.paused_at,
            paused_until: row.paused_until,
            asked_for_the_next_part_at: row.hurried_at,
            deliveries,
        })
    }
}
