//! After a restored backup: what went out since is not known here, so nothing of it is sent again.
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::audit::{self, Target};
use super::settle::{Settled, settle_in};
use super::tidy::uncertain_outcome;
use super::{ActionError, Actor, Service};
use crate::model::Bucket;
use crate::store::{admin, installation};

/// Marks as uncertain, and holds, whatever is due by now, whether it fell due since the backup or was late already; then
/// what would have followed from it in that time, and so on. Refuses while a dispatcher runs. Each bucket is one transaction: stopping in the middle and running again is safe. Answers how
/// many deliveries were marked.
pub async fn recover(service: &Service, since: DateTime<Utc>, node: Uuid, by: &Actor) -> Result<u64, ActionError> {
    let hands = service.hands();
    if since > hands.series {
        return Err(ActionError::Refused("--since is in the future: give the time of the backup".into()));
    }
    if installation::dispatcher_seen_since(service.db(), hands.real - TimeDelta::minutes(1)).await? {
        return Err(ActionError::Refused(
            "a dispatcher runs on this database: stop it first, and wait a minute".into(),
        ));
    }
    audit::record(service, service.db(), by, "recover", Target::None).await?;
    let mut marked = 0;
    for bucket in Bucket::all() {
        let mut tx = service.db().begin().await?;
        loop {
            let held = admin::mark_unknown(&mut *tx, bucket, hands.series, hands.real).await?;
            if held.is_empty() {
                break;
            }
            let settled: Vec<Settled> = held
                .iter()
                .map(|one| Settled {
                    outcome: uncertain_outcome((one.id, one.attempt), "restored from a backup"),
                    no_such_user: false,
                    // The next step is reckoned from when this one was due, as if it had been accepted then.
                    accepted_at: Some(one.due_at.max(since)),
                })
                .collect();
            marked += settle_in(service, &mut tx, bucket, &settled, node, hands).await? as u64;
        }
        tx.commit().await?;
    }
    Ok(marked)
}
