//! A call under a key is done once, however often it is made: its answer is written in the transaction of what it did, so that
//! a crash leaves both or neither.
use chrono::TimeDelta;
use serde::Serialize;
use sqlx::PgConnection;

use super::{ActionError, Actor, Service};
use crate::store::once as store;
pub use crate::store::once::Call;

/// How long a call is remembered.
const REMEMBERED: TimeDelta = TimeDelta::days(1);
/// A call without an answer after this was broken off: no request takes so long.
const BROKEN_OFF: TimeDelta = TimeDelta::minutes(1);

/// What a verb answers that has nothing more to say.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct Done {
    /// Always true.
    pub done: bool,
}

/// What is known of a call that comes in under a key.
#[derive(Debug)]
pub enum Begun {
    /// It is to be done now.
    Now(Call),
    /// It was done, and answered so.
    Before(String),
    /// Another try is at it.
    UnderWay,
    /// The key was used for something else.
    Otherwise,
}

/// Begins a call. Of what the caller sent only hashes are kept: `what` names an address.
pub async fn begin(service: &Service, caller: &[u8], key: &str, what: &[u8]) -> Result<Begun, ActionError> {
    let hash = |usage: &[u8], text: &[u8]| service.link_key().mac(usage, text);
    let (token, key) = (hash(b"once-token", caller), hash(b"once-key", key.as_bytes()));
    let (request, real) = (hash(b"once-request", what), service.clock().real());
    let (broken_off, forgotten) = (real - BROKEN_OFF, real - REMEMBERED);
    let attempt = store::begin(service.db(), (&token, &key), &request, real, broken_off, forgotten).await?;
    if let Some(attempt) = attempt {
        return Ok(Begun::Now(Call { token, key, attempt }));
    }
    Ok(match store::known(service.db(), (&token, &key)).await? {
        Some(known) if known.request != request => Begun::Otherwise,
        Some(store::Known { answer: Some(answer), .. }) => Begun::Before(answer),
        // Given up between the two statements, or not done yet.
        _ => Begun::UnderWay,
    })
}

/// A call that came to nothing may be made again at once. If this cannot be written it may be in a minute.
pub async fn release_unless_done(service: &Service, call: &Call) {
    if let Err(error) = store::release(service.db(), call).await {
        tracing::debug!(%error, "a key of a call that came to nothing is kept for a minute");
    }
}

/// Writes what a verb is about to answer, in its own transaction, if its call has a key. The answer names nobody.
pub(super) async fn answer<T: Serialize>(tx: &mut PgConnection, by: &Actor, answer: T) -> Result<T, ActionError> {
    if let Some(call) = &by.once {
        let text = serde_json::to_string(&answer).expect("numbers, ids and words can be written as JSON");
        if !store::answer(&mut *tx, call, &text).await? {
            return Err(ActionError::Refused("another try of this call has taken over: ask for its answer".into()));
        }
    }
    Ok(answer)
}

/// Forgets calls that are older than a day.
pub(super) async fn forget(service: &Service) -> Result<(), ActionError> {
    store::forget(service.db(), service.clock().real() - REMEMBERED).await?;
    Ok(())
}
