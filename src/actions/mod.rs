//! The verbs that the web pages, the API and the command line share.
pub mod admins;
pub mod audit;
pub mod changes;
pub mod confirm;
pub mod dashboard;
pub mod deliveries;
pub mod guards;
pub mod health;
pub mod imports;
pub mod manage;
mod moves;
pub mod once;
pub mod outline;
pub mod preview;
pub mod readers;
pub mod recover;
pub mod rehearsal;
pub mod retention;
pub mod runs;
pub mod series;
pub mod service;
pub mod settle;
pub mod sign_up;
pub mod suppress;
pub mod tidy;
pub mod trigger;
pub mod unsubscribe;
pub mod voices;
pub mod watch;
pub mod webhooks;

pub use audit::Actor;
pub use service::{LinksOf, Publishing, Service, Settings};

use crate::content::RenderError;
use crate::links::LinkError;
use crate::seal::SealError;
use crate::store::was_undone_for_another;

/// A page of a list. `next` is the cursor of the following page.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// Why a verb was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// There is no such thing; the text names what was looked for, never an address.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// It may not be done; the text says what to do instead.
    #[error("{0}")]
    Refused(String),
    /// A place in a list that is none of ours.
    #[error("this is no cursor of ours: use the `next` of the page before")]
    Cursor,
    /// More is asked for than can be done just now, and nothing was done.
    #[error("there is more to do than can be done just now")]
    Busy,
    #[error("this link is not one of ours: {0}")]
    Link(#[from] LinkError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl ActionError {
    /// Whether PostgreSQL has undone a transaction so that another could go on: a second try answers it.
    pub fn was_undone(&self) -> bool {
        matches!(self, Self::Database(error) if was_undone_for_another(error))
    }

    /// Whether the database refuses what is written, rather than being unable to write now (SQLSTATE classes of PostgreSQL's
    /// appendix A: 22 data, 23 constraints, P0 what a trigger raises).
    pub fn is_about_a_row(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| ["22", "23", "P0"].iter().any(|class| code.starts_with(class)))
            }
            Self::Database(sqlx::Error::RowNotFound) => true,
            _ => false,
        }
    }
}

/// Carries out a transaction once more, and again, if PostgreSQL undoes it so that another can go on.
async fn again_if_undone<T, F: Future<Output = Result<T, ActionError>>>(
    mut carry_out: impl FnMut() -> F,
) -> Result<T, ActionError> {
    const MORE_TRIES: u32 = 2;
    for _ in 0..MORE_TRIES {
        match carry_out().await {
            Err(error) if error.was_undone() => {}
            other => return other,
        }
    }
    carry_out().await
}
