//! What a process says of itself to whoever watches it: what it has counted, and a look at the database that is cheap, not
//! too often, and given up soon.
use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::health::{PATIENCE, last_seen_before};
use super::{ActionError, Service};
use crate::metrics::{Looked, Pool};
use crate::model::MessageState;
use crate::store::queue::{self, Due};
use crate::store::{admin, installation, limit_statements, webhook_messages, webhooks};

/// However often the metrics are asked for, the database is asked once in this time.
const LOOK_EVERY: TimeDelta = TimeDelta::seconds(5);
/// A statement of a look is given up after this …
const STATEMENT: Duration = Duration::from_secs(1);
/// … and a look as a whole after this, with the wait for a connection.
const LOOK: Duration = Duration::from_secs(2);

/// What a process may run.
const ROLES: [&str; 3] = ["dispatch", "serve", "web"];

/// The metrics of this process as text.
pub async fn metrics(service: &Service) -> String {
    let metrics = service.metrics();
    if metrics.wants_a_look(service.clock().real(), LOOK_EVERY) {
        let looked = match tokio::time::timeout(LOOK, look(service)).await {
            Ok(Ok(looked)) => Some(looked),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the database did not answer what the metrics ask it");
                None
            }
            Err(_) => {
                tracing::warn!("the database took too long over what the metrics ask it");
                None
            }
        };
        metrics.looked(looked.as_ref());
    }
    metrics.pool(pool("ordinary", service.db()));
    metrics.pool(pool("queue", service.hot_db()));
    metrics.text()
}

async fn look(service: &Service) -> Result<Looked, ActionError> {
    let (slugs, hands) = (service.slugs(), service.hands());
    // As the queue's own statements are planned: with millions of rows that wait, another plan reads them all.
    let mut tx = service.hot_db().begin().await?;
    limit_statements(&mut *tx, STATEMENT).await?;
    let due = queue::due(&mut *tx, &slugs, hands).await?;
    let overdue = queue::overdue(&mut *tx, &slugs, hands.series - PATIENCE).await?;
    let held = admin::held_by_node(&mut *tx).await?;
    // That there is none of a role is news, too.
    let mut nodes = BTreeMap::from(ROLES.map(|role| (role.to_owned(), 0)));
    for node in installation::nodes(&mut *tx).await? {
        if node.seen_at > last_seen_before(hands.real) {
            *nodes.entry(node.role).or_default() += 1;
        }
    }
    let (untold, webhooks_given_up) = (untold(&mut tx).await?, webhooks::given_up(&mut *tx).await?);
    let last_tick = admin::last_tick(&mut *tx).await?.map(|tick| tick.timestamp());
    let Due { urgent, steps } = due;
    let held = held.into_iter().map(|(_, count)| count).sum();
    let due = vec![("urgent", urgent), ("steps", steps)];
    Ok(Looked { due, overdue, held, untold, webhooks_given_up, nodes, last_tick })
}

/// How many messages to webhooks wait, and how many were given up.
async fn untold(tx: &mut PgConnection) -> Result<Vec<(&'static str, i64)>, ActionError> {
    let all: Vec<Uuid> = webhooks::all(&mut *tx).await?.into_iter().map(|one| one.id).collect();
    let states = [MessageState::Pending, MessageState::Failed];
    let counts = webhook_messages::counts(&mut *tx, &all, &states).await?;
    let sum = |state: MessageState| counts.iter().filter(|(_, word, _)| *word == state.as_str()).map(|(.., n)| n).sum();
    Ok(states.map(|state| (state.as_str(), sum(state))).to_vec())
}

fn pool(name: &'static str, pool: &PgPool) -> Pool {
    let open = usize::try_from(pool.size()).unwrap_or(usize::MAX);
    let idle = pool.num_idle().min(open);
    Pool { name, used: open - idle, idle, most: pool.options().get_max_connections() }
}
