//! What readers say without saying who they are: whether a text was helpful, and what they answer to the survey.
mod ballot;
pub mod helpful;
pub mod survey;
mod waiting;

pub use ballot::Ballot;
pub use waiting::Waiting;

use chrono::TimeDelta;

use super::{ActionError, Service};
use crate::store::voices;

/// Forgets used ballots that nobody could use again. Answers how many.
pub async fn forget_ballots(service: &Service) -> Result<u64, ActionError> {
    let today = service.clock().real().date_naive();
    // Counted on the day after it was made at the latest, a ballot could not be used again on the day after that.
    Ok(voices::forget_ballots(service.db(), today - TimeDelta::days(1)).await?)
}
