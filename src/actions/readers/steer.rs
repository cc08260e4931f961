//! What an admin does for one reader, from the reader's page: always with a reason.
use uuid::Uuid;

use super::story::parse_id;
use crate::actions::audit::{self, Search};
use crate::actions::manage::erase;
use crate::actions::manage::export::{self as taken, Export};
use crate::actions::trigger::{self, Audience};
use crate::actions::{ActionError, Actor, Service, suppress, unsubscribe};
use crate::model::{Bucket, EmailAddress, SeriesSlug, StepKey};
use crate::store::export;

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The step that waits goes out now.
    SendNext,
    /// A step that the reader has had, or was passed by, goes out once more.
    Resend,
    /// The reader goes on with a later step.
    Move,
    Pause,
    Resume,
    /// The series ends, as behind the link in each part.
    Unsubscribe,
    /// Nothing is ever sent to the address again; all its series end.
    Suppress,
    /// The address may sign up again; nothing that has ended goes on by itself.
    Unsuppress,
}

impl Deed {
    pub const ALL: [Self; 8] = [
        Self::SendNext,
        Self::Resend,
        Self::Move,
        Self::Pause,
        Self::Resume,
        Self::Unsubscribe,
        Self::Suppress,
        Self::Unsuppress,
    ];

    /// As a form names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::SendNext => "send-next",
            Self::Resend => "resend",
            Self::Move => "move",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Unsubscribe => "unsubscribe",
            Self::Suppress => "suppress",
            Self::Unsuppress => "unsuppress",
        }
    }
}

/// What is asked for. Which series and which step is said where the deed is about one.
#[derive(Debug)]
pub struct Asked {
    pub deed: Deed,
    pub series: Option<SeriesSlug>,
    pub step: Option<StepKey>,
}

/// Does it to the reader with this id.
pub async fn steer(service: &Service, id: &str, asked: &Asked, by: &Actor) -> Result<(), ActionError> {
    has_reason(by)?;
    let address = address_of(service, of(service, id).await?).await?;
    let series = || asked.series.as_ref().ok_or_else(|| refused("Choose a series."));
    let step = || asked.step.as_ref().ok_or_else(|| refused("Choose the part."));
    match asked.deed {
        Deed::SendNext => trigger::trigger(service, series()?, &Audience::Reader(address), by, false).await.map(drop),
        Deed::Resend => trigger::resend(service, series()?, &address, step()?, by).await.map(drop),
        Deed::Move => super::move_to(service, &address, series()?, step()?, by).await.map(drop),
        Deed::Pause => super::pause(service, &address, series()?, by).await.map(drop),
        Deed::Resume => super::resume(service, &address, series()?, by).await.map(drop),
        Deed::Unsubscribe => unsubscribe::by_hand(service, &address, series()?, by).await.map(drop),
        Deed::Suppress => suppress::suppress(service, &address, by).await.map(drop),
        Deed::Unsuppress => suppress::unsuppress(service, &address, by).await.map(drop),
    }
}

/// Takes out all that is stored about the reader with this id.
pub async fn export(service: &Service, id: &str, by: &Actor) -> Result<Export, ActionError> {
    has_reason(by)?;
    taken::by_hand(service, of(service, id).await?, by).await
}

/// Erases the reader with this id.
pub async fn erase(service: &Service, id: &str, by: &Actor) -> Result<(), ActionError> {
    has_reason(by)?;
    erase::by_hand(service, of(service, id).await?, by).await.map(drop)
}

/// Whether an admin has erased the reader who had this id. Who erased themself is known to nobody.
pub async fn was_erased(service: &Service, id: &str) -> Result<bool, ActionError> {
    let (_, subscriber) = parse_id(id)?;
    let (action, target) = (Some("erase reader".to_owned()), Some(subscriber.to_string()));
    Ok(!audit::search(service, &Search { action, target, ..Search::default() }).await?.items.is_empty())
}

fn has_reason(by: &Actor) -> Result<(), ActionError> {
    if by.why.trim().is_empty() {
        return Err(refused("Say why: it is kept in the audit log, for whoever asks later."));
    }
    Ok(())
}

async fn of(service: &Service, id: &str) -> Result<(Bucket, Uuid), ActionError> {
    let (bucket, subscriber) = parse_id(id)?;
    let row = export::subscriber(service.db(), bucket, subscriber).await?;
    row.map(|_| (bucket, subscriber)).ok_or(ActionError::NotFound("reader"))
}

async fn address_of(service: &Service, (bucket, subscriber): (Bucket, Uuid)) -> Result<EmailAddress, ActionError> {
    let row = export::subscriber(service.db(), bucket, subscriber).await?.ok_or(ActionError::NotFound("reader"))?;
    EmailAddress::parse(&row.address).map_err(|_| ActionError::NotFound("reader"))
}

fn refused(text: &str) -> ActionError {
    ActionError::Refused(text.to_owned())
}
