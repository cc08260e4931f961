//! A series as a whole: its switch and its books.
use serde::Serialize;
use utoipa::ToSchema;

use super::audit::{self, Target};
use super::once::{self, Done};
use super::{ActionError, Actor, Service};
use crate::model::{Bucket, SeriesSlug, Zone, shifted};
use crate::store::admin::{self, BookLine};
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

/// What waits comes as much later as the pause was long, each at its reader's hour; in one transaction, so that a crash
/// shifts nothing twice.
pub async fn resume(service: &Service, slug: &SeriesSlug, by: &Actor) -> Result<Moved, ActionError> {
    let series = service.series(slug)?;
    let now = service.clock().series();
    let mut tx = service.db().begin().await?;
    let Some(paused_at) = admin::lock_paused_series(&mut *tx, slug).await? else {
        return Err(ActionError::Refused("this series is not paused".into()));
    };
    let mut moved = 0;
    for bucket in Bucket::all() {
        let waiting = admin::lock_waiting_steps(&mut *tx, bucket, slug).await?;
        let shifted: Vec<_> = waiting
            .into_iter()
            .map(|one| {
                let rhythm = series.rhythm(Zone::parse(&one.zone).ok(), one.preferred_time, None);
                (one.id, shifted(one.due_at, paused_at, now, &rhythm))
            })
            .collect();
        moved += admin::move_due(&mut *tx, bucket, &shifted).await?;
    }
    admin::activate_series(&mut *tx, slug, &by.who, &by.why).await?;
    audit::record(service, &mut *tx, by, "resume series", Target::Series(slug)).await?;
    wake(&mut *tx).await?;
    let moved = once::answer(&mut tx, by, Moved { moved }).await?;
    tx.commit().await?;
    service.wake_dispatcher();
    Ok(moved)
}
