//! Mails to admins with a link to choose a password.
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ActionError, Service};
use crate::store::admin_mails as store;

/// What a mail is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Invitation,
    Reset,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reset => "reset",
        }
    }
}

/// Owes a mail; the caller wakes the dispatcher.
pub(super) async fn owe(service: &Service, db: &mut PgConnection, admin: Uuid, kind: Kind) -> Result<(), ActionError> {
    Ok(store::owe(db, service.clock().uuid(), admin, kind.word(), service.clock().real()).await?)
}
