//! A series as a whole: its switch and its books.
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit::{self, Target};
use super::once::{self, Done};
use super::settle::{Settled, settle_in};
use super::{ActionError, Actor, Service};
use crate::content::Series;
use crate::model::{Bucket, DeliveryState, Overdue, SeriesSlug, Zone, shifted};
use crate::store::admin::{self, BookLine};
use crate::store::queue::Fence;
use crate::store::settle::{Outcome, lock};
use crate::store::wake;

/// A line in the list of series.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeriesLine {
    pub slug: String,
    pub title: String,
    pub steps: Vec<String>,
    pub conditions: Vec<String>,
    pub paused: bool,
}

/// A series and its books.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeriesBooks {
    pub slug: String,
    pub paused: bool,
    /// The published content.
    pub content_version: String,
    pub lines: Vec<BookLine>,
}

/// What a resume did.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Moved {
    /// How many deliveries come later than they would have.
    pub moved: u64,
    /// How many it was about: moved, sent now, or skipped.
    pub deliveries: u64,
}

pub async fn list(service: &Service) -> Result<Vec<SeriesLine>, ActionError> {
    let library = service.library();
    let mut lines = Vec::new();
    for series in library.series.values() {
        lines.push(SeriesLine {
            slug: series.slug.to_string(),
            title: series.title.clone(),
            steps: series.steps.iter().map(|step| step.key.to_string()).collect(),
            conditions: series.conditions.iter().map(|one| one.key.as_str().to_owned()).collect(),
            paused: admin::series_paused_at(service.db(), &series.slug).await?.is_some(),
        });
    }
    Ok(lines)
}

/// Each delivery counts once, by its current state.
pub async fn books(service: &Service, slug: &SeriesSlug) -> Result<SeriesBooks, ActionError> {
    let series = service.series(slug)?;
    let lines = admin::books(service.db(), &series.slug, service.clock().series()).await?;
    let paused = admin::series_paused_at(service.db(), slug).await?.is_some();
    Ok(SeriesBooks { slug: slug.to_string(), paused, content_version: service.library().version.clone(), lines })
}

/// Nothing of a paused series is handed to a relay any more, confirmations included.
pub async fn pause(service: &Service, slug: &SeriesSlug, by: &Actor) -> Result<Done, ActionError> {
    service.series(slug)?;
    let mut tx = service.db().begin().await?;
    if !admin::pause_series(&mut *tx, slug, service.clock().series(), &by.who, &by.why).await? {
        return Err(ActionError::Refused("this series is paused already".into()));
    }
    audit::record(service, &mut *tx, by, "pause series", Target::Series(slug)).await?;
    let done = once::answer(&mut tx, by, Done { done: true }).await?;
    tx.commit().await?;
    Ok(done)
}

/// Lets a paused series go on. What fell due meanwhile is sent, shifted or skipped; what is not due yet comes when it is due,
/// but for a shift, which moves all that waits. Answers what was moved.
pub async fn resume(service: &Service, slug: &SeriesSlug, overdue: Overdue, by: &Actor) -> Result<Moved, ActionError> {
    let series = service.series(slug)?;
    let skipped = match overdue {
        Overdue::Skip => skip_overdue(service, slug).await?,
        Overdue::Send | Overdue::Shift => 0,
    };
    let now = service.clock().series();
    let mut tx = service.db().begin().await?;
    let paused_at = lock_paused(&mut tx, slug).await?;
    let about = match overdue {
        Overdue::Skip => skipped,
        Overdue::Send => admin::count_overdue(&mut *tx, slug, now).await?,
        Overdue::Shift => shift(&mut tx, &series, paused_at, now).await?,
    };
    admin::activate_series(&mut *tx, slug, &by.who, &by.why).await?;
    let details = json!({ "overdue": overdue, "deliveries": about });
    audit::record_with(service, &mut *tx, by, "resume series", Target::Series(slug), &details).await?;
    wake(&mut *tx).await?;
    let moved = if overdue == Overdue::Shift { about } else { 0 };
    let answer = once::answer(&mut tx, by, Moved { moved, deliveries: about }).await?;
    tx.commit().await?;
    service.wake_dispatcher();
    Ok(answer)
}

/// Since when a series is paused, locked until the transaction ends.
async fn lock_paused(tx: &mut PgConnection, slug: &SeriesSlug) -> Result<DateTime<Utc>, ActionError> {
    let paused_at = admin::lock_paused_series(&mut *tx, slug).await?;
    paused_at.ok_or_else(|| ActionError::Refused("this series is not paused".into()))
}

/// Each comes as much later as the pause was long, at its reader's hour; in the transaction that ends the pause, so that a
/// crash shifts nothing twice.
async fn shift(
    tx: &mut PgConnection,
    series: &Series,
    paused_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<u64, ActionError> {
    let mut moved = 0;
    for bucket in Bucket::all() {
        let waiting = admin::lock_waiting_steps(&mut *tx, bucket, &series.slug).await?;
        let shifted: Vec<_> = waiting
            .into_iter()
            .map(|one| {
                let rhythm = series.rhythm(Zone::parse(&one.zone).ok(), one.preferred_time, None);
                (one.id, shifted(one.due_at, paused_at, now, &rhythm))
            })
            .collect();
        moved += admin::move_due(&mut *tx, bucket, &shifted).await?;
    }
    Ok(moved)
}

/// So many are skipped in one transaction.
const SKIPPED_TOGETHER: i64 = 500;

/// Skips what is overdue while the series is paused, a few hundred of one bucket at a time, each with its successor: whoever
/// is stopped on the way asks again, and goes on where it was.
async fn skip_overdue(service: &Service, slug: &SeriesSlug) -> Result<u64, ActionError> {
    let hands = service.hands();
    let mut skipped = 0;
    for bucket in Bucket::all() {
        loop {
            let mut tx = service.db().begin().await?;
            lock_paused(&mut tx, slug).await?;
            let overdue = admin::overdue_steps(&mut *tx, bucket, slug, hands.series, SKIPPED_TOGETHER).await?;
            if overdue.is_empty() {
                break;
            }
            // Enrollments before their deliveries, as the settle does.
            lock(&mut *tx, bucket, &overdue).await?;
            let taken = admin::take_to_skip(&mut *tx, bucket, &overdue).await?;
            let settled: Vec<Settled> = taken.into_iter().map(|fence| Settled::now(skipped_by_admin(fence))).collect();
            skipped += settle_in(service, &mut tx, bucket, &settled, Uuid::nil(), hands).await? as u64;
            tx.commit().await?;
        }
    }
    Ok(skipped)
}

fn skipped_by_admin((id, attempt): Fence) -> Outcome {
    Outcome {
        id,
        attempt,
        state: DeliveryState::Skipped,
        word: "skipped",
        reason: Some("skipped_by_admin".into()),
        not_before: None,
        charged: false,
        uncertain: false,
        code: None,
        reply: None,
        content_version: None,
        condition: None,
    }
}
