//! One reader's story: what was agreed, what was sent and what the relay said to it, what comes next and why.
use chrono::{DateTime, NaiveTime, Utc};
use uuid::Uuid;

use super::super::audit::{self, Target};
use super::super::manage::{self, Part};
use super::super::{ActionError, Actor, LinksOf, Service};
use super::parse_cursor;
use super::standing::{Facts, standing};
use crate::content::{PartPage, Series, part_page};
use crate::model::{Bucket, DeliveryState, EnrollmentState, Language, StepKey, Zone};
use crate::store::admin;
pub use crate::store::admin::{AttemptLine, ConsentLine};
use crate::store::enrollments::{self as store, Enrollment};
use crate::store::export;
use crate::store::readers::{self, Delivery, Suppression};

/// All about one subscriber but the condition, which no admin task needs.
#[derive(Debug)]
pub struct Story {
    pub address: String,
    pub created_at: DateTime<Utc>,
    pub suppression: Option<Suppression>,
    /// The newest first.
    pub chapters: Vec<Chapter>,
}

/// One way through one series.
#[derive(Debug)]
pub struct Chapter {
    pub series: String,
    pub series_title: String,
    pub state: EnrollmentState,
    pub zone: Zone,
    pub language: Language,
    /// The reader's own hour, or the series'.
    pub hour: NaiveTime,
    /// The days between two parts that the reader chose.
    pub spacing: Option<u16>,
    pub received: usize,
    /// What comes next and why, or why nothing does: see [`standing`].
    pub standing: String,
    /// In the order in which it happened.
    pub events: Vec<Event>,
    /// Every part that the series has, in its order.
    pub steps: Vec<Part>,
}

/// Something that happened, at an instant of real time.
#[derive(Debug)]
pub struct Event {
    pub at: DateTime<Utc>,
    pub what: What,
}

#[derive(Debug)]
pub enum What {
    Consent(ConsentLine),
    /// A mail that came to its end or, until then, was tried last.
    Mail(Box<Mail>),
}

/// One delivery and the tries to hand it over.
#[derive(Debug)]
pub struct Mail {
    pub delivery: Delivery,
    /// From 1, of a step that the series still has.
    pub part: Option<usize>,
    /// The subject of a step that the series still has.
    pub subject: Option<String>,
    pub attempts: Vec<AttemptLine>,
}

/// The story of the subscriber with this id, as the list of readers gives it. Who has looked is written down.
pub async fn story(service: &Service, id: &str, by: &Actor) -> Result<Story, ActionError> {
    let (bucket, subscriber) = parse_id(id)?;
    let row = export::subscriber(service.db(), bucket, subscriber).await?.ok_or(ActionError::NotFound("reader"))?;
    audit::record(service, service.db(), by, "show reader", Target::Subscriber(subscriber)).await?;
    let suppression = readers::suppression(service.db(), bucket, &row.normalised).await?;
    let consents = admin::consents(service.db(), bucket, subscriber).await?;
    let enrollments = readers::enrollments(service.db(), bucket, subscriber).await?;
    let deliveries = readers::deliveries(service.db(), bucket, &ids_of(&enrollments)).await?;
    let ids: Vec<Uuid> = deliveries.iter().map(|one| one.id).collect();
    let attempts = admin::attempts(service.db(), bucket, &ids).await?;
    let mut chapters = Vec::new();
    let told =
        Told { suppression: suppression.as_ref(), consents: &consents, deliveries: &deliveries, attempts: &attempts };
    for (id, ended_at) in enrollments {
        let Some(enrollment) = store::by_id(service.db(), bucket, id).await? else { continue };
        chapters.push(chapter(service, &enrollment, ended_at, &told).await?);
    }
    Ok(Story { address: row.address, created_at: row.created_at, suppression, chapters })
}

/// What is stored about all of a subscriber's enrollments.
struct Told<'a> {
    suppression: Option<&'a Suppression>,
    consents: &'a [ConsentLine],
    deliveries: &'a [Delivery],
    attempts: &'a [AttemptLine],
}

async fn chapter(
    service: &Service,
    enrollment: &Enrollment,
    ended_at: Option<DateTime<Utc>>,
    told: &Told<'_>,
) -> Result<Chapter, ActionError> {
    let series = service.series_in(&enrollment.series, enrollment.language).ok();
    let series_pause = readers::series_pause(service.db(), enrollment.series.as_str()).await?;
    let parts = match &series {
        Some(series) => manage::parts_of(service, enrollment, series, series_pause.is_some()).await?,
        None => Vec::new(),
    };
    let own: Vec<&Delivery> = told.deliveries.iter().filter(|one| one.enrollment == enrollment.id).collect();
    let owed = owed(&own);
    let owed_name = owed.map(|owed| name(owed, series.as_deref())).unwrap_or_default();
    let standing = standing(&Facts {
        state: enrollment.state,
        zone: enrollment.zone,
        ended_at,
        paused_at: enrollment.paused_at,
        paused_until: enrollment.paused_until,
        suppression: told.suppression,
        series_pause: series_pause.as_ref(),
        owed,
        owed_name: &owed_name,
        series_now: service.clock().series(),
        real_now: service.clock().real(),
    });
    let hour = series.as_deref().map_or(NaiveTime::MIN, |series| series.preferred);
    Ok(Chapter {
        series: enrollment.series.to_string(),
        series_title: series.as_deref().map_or_else(|| enrollment.series.to_string(), |series| series.title.clone()),
        state: enrollment.state,
        zone: enrollment.zone,
        language: enrollment.language,
        hour: enrollment.preferred_time.unwrap_or(hour),
        spacing: enrollment.spacing,
        received: enrollment.done_steps.len(),
        standing,
        events: events(enrollment, &own, told, series.as_deref()),
        steps: parts,
    })
}

/// What the answer to “what comes next” hangs on: what is on its way, else what is held, else what waits.
fn owed<'a>(own: &[&'a Delivery]) -> Option<&'a Delivery> {
    let open = |one: &&&Delivery| matches!(one.state.as_str(), "pending" | "paused" | "claimed" | "sending");
    let oldest = own.iter().filter(open).min_by_key(|one| one.due_at);
    oldest.or_else(|| own.iter().rfind(|one| one.state == DeliveryState::Uncertain.as_str())).copied()
}

/// “Part 3”, or what else it is.
fn name(delivery: &Delivery, series: Option<&Series>) -> String {
    match part_of(delivery, series) {
        Some((part, _)) => format!("Part {part}"),
        None => format!("The {}", delivery.kind.replace('_', " ")),
    }
}

/// Number and subject of a step that the series still has.
fn part_of<'s>(delivery: &Delivery, series: Option<&'s Series>) -> Option<(usize, &'s str)> {
    let key = StepKey::parse(delivery.step.as_deref()?).ok()?;
    let series = series?;
    let index = series.position(&key)?;
    Some((index + 1, &series.steps[index].subject))
}

fn events(enrollment: &Enrollment, own: &[&Delivery], told: &Told<'_>, series: Option<&Series>) -> Vec<Event> {
    let consents = told.consents.iter().filter(|one| one.enrollment == enrollment.id);
    let consents = consents.map(|one| Event { at: one.at, what: What::Consent(one.clone()) });
    let mails = own.iter().filter_map(|delivery| {
        let part = part_of(delivery, series);
        let mail = Mail {
            delivery: (*delivery).clone(),
            part: part.map(|(number, _)| number),
            subject: part.map(|(_, subject)| subject.to_owned()),
            attempts: told.attempts.iter().filter(|one| one.delivery == delivery.id).cloned().collect(),
        };
        // What only waits has not happened yet.
        let last_try = mail.attempts.last().map(|one| one.ended_at);
        let at = delivery.settled_at.or(last_try)?;
        Some(Event { at, what: What::Mail(Box::new(mail)) })
    });
    let mut all: Vec<Event> = consents.chain(mails).collect();
    all.sort_by_key(|event| event.at);
    all
}

/// A mail as it was sent: made again from the version of the content that its delivery recorded. The passage about the
/// condition is left out. Only of steps; the other mails say the same to everybody. Who has looked is written down.
pub async fn as_sent(service: &Service, id: &str, delivery: Uuid, by: &Actor) -> Result<PartPage, ActionError> {
    const GONE: ActionError = ActionError::NotFound("mail that can be shown again");
    let (bucket, subscriber) = parse_id(id)?;
    let enrollments = readers::enrollments(service.db(), bucket, subscriber).await?;
    let all = readers::deliveries(service.db(), bucket, &ids_of(&enrollments)).await?;
    let delivery = all.into_iter().find(|one| one.id == delivery).ok_or(GONE)?;
    let (Some(step), Some(version)) = (delivery.step, delivery.content_version) else { return Err(GONE) };
    let step = StepKey::parse(&step).map_err(|_| GONE)?;
    let enrollment = store::by_id(service.db(), bucket, delivery.enrollment).await?.ok_or(GONE)?;
    // A link of the reader's is the reader's alone.
    let series = service.series_in(&enrollment.series, enrollment.language)?;
    let links = service.reader_links(&LinksOf::nobody(&series, &step));
    let bundle = service.bundle(&version).await?.ok_or(GONE)?;
    audit::record(service, service.db(), by, "read sent mail", Target::Subscriber(subscriber)).await?;
    part_page(&bundle, (&enrollment.series, enrollment.language), &step, None, &links).map_err(|_| GONE)
}

fn ids_of(enrollments: &[(Uuid, Option<DateTime<Utc>>)]) -> Vec<Uuid> {
    enrollments.iter().map(|(id, _)| *id).collect()
}

pub(super) fn parse_id(id: &str) -> Result<(Bucket, Uuid), ActionError> {
    let (bucket, id) = parse_cursor(id).map_err(|_| ActionError::NotFound("reader"))?;
    let bucket = Bucket::all().find(|one| one.get() == bucket).ok_or(ActionError::NotFound("reader"))?;
    Ok((bucket, id))
}
