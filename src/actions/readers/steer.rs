//! What an admin does for one reader, from the reader's page: always with a reason.
use super::story::parse_id;
use crate::actions::trigger::{self, Audience};
use crate::actions::{ActionError, Actor, Service, suppress};
use crate::model::{EmailAddress, SeriesSlug};
use crate::store::export;

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The step that waits goes out now.
    SendNext,
    Pause,
    Resume,
    /// Nothing is ever sent to the address again; all its series end.
    Suppress,
    /// The address may sign up again; nothing that has ended goes on by itself.
    Unsuppress,
}

impl Deed {
    pub const ALL: [Self; 5] = [Self::SendNext, Self::Pause, Self::Resume, Self::Suppress, Self::Unsuppress];

    /// As a form names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::SendNext => "send-next",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Suppress => "suppress",
            Self::Unsuppress => "unsuppress",
        }
    }
}

/// Does it to the reader with this id, in this series where it is about one.
pub async fn steer(
    service: &Service,
    id: &str,
    series: &SeriesSlug,
    deed: Deed,
    by: &Actor,
) -> Result<(), ActionError> {
    if by.why.trim().is_empty() {
        return Err(ActionError::Refused("Say why: it is kept in the audit log, for whoever asks later.".into()));
    }
    let (bucket, subscriber) = parse_id(id)?;
    let row = export::subscriber(service.db(), bucket, subscriber).await?.ok_or(ActionError::NotFound("reader"))?;
    let address = EmailAddress::parse(&row.address).map_err(|_| ActionError::NotFound("reader"))?;
    match deed {
        Deed::SendNext => {
            let sent = trigger::trigger(service, series, &Audience::Reader(address), by, false).await?;
            if sent.readers == 0 {
                return Err(ActionError::Refused("Nothing waits that could be sent now.".into()));
            }
            Ok(())
        }
        Deed::Pause => super::pause(service, &address, series, by).await.map(drop),
        Deed::Resume => super::resume(service, &address, series, by).await.map(drop),
        Deed::Suppress => suppress::suppress(service, &address, by).await.map(drop),
        Deed::Unsuppress => suppress::unsuppress(service, &address, by).await.map(drop),
    }
}
