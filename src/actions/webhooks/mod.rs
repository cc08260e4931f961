//! Webhooks: other programs that are told what happens to readers. Who they are is here, what they are told is written by
//! [`tell`], and the module `hooks` sends it.
pub mod tell;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::audit::{self, Target};
use super::once;
use super::readers::full;
use super::{ActionError, Actor, Page, Service};
use crate::model::{Bucket, Disabled, Event, HookUrl, MessageState, SeriesSlug};
use crate::seal::WEBHOOK_SECRET_LEN;
pub use crate::store::webhook_messages::Message;
use crate::store::webhook_messages::{self as messages, NewMessage};
pub use crate::store::webhooks::Webhook;
use crate::store::webhooks::{self as store, NewWebhook};

/// Endpoints at most: each is sent to by each process at its own pace.
const MOST: usize = 20;
/// Rows of the log on a page.
const PAGE: i64 = 50;
/// So long the secret of before signs beside the new one.
const BOTH_SIGN: TimeDelta = TimeDelta::days(1);

/// How webhooks are kept, from the config.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether an endpoint may be on this machine, in a private network, or without TLS.
    pub allow_private: bool,
    /// Messages are deleted after this, whatever became of them.
    pub kept: TimeDelta,
}

impl Default for Settings {
    fn default() -> Self {
        Self { allow_private: false, kept: TimeDelta::days(30) }
    }
}

/// An endpoint that is asked for.
#[derive(Debug)]
pub struct Asked<'a> {
    pub name: &'a str,
    pub url: &'a str,
    /// None: all of them.
    pub events: &'a [Event],
    /// None: all of them.
    pub series: &'a [SeriesSlug],
    pub with_address: bool,
}

/// How an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    Works,
    /// The last try failed, and none has succeeded since then.
    Fails(DateTime<Utc>),
    Disabled(Disabled),
}

/// An endpoint, and what of its messages waits or has failed.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Listed {
    #[serde(flatten)]
    pub webhook: Webhook,
    pub pending: i64,
    pub failed: i64,
}

impl Listed {
    pub fn health(&self) -> Health {
        match (self.webhook.disabled_because, self.webhook.failing_since) {
            (Some(because), _) => Health::Disabled(because),
            (None, Some(since)) => Health::Fails(since),
            (None, None) => Health::Works,
        }
    }
}

/// A new secret, which is shown once.
#[derive(Debug, Clone, Serialize)]
pub struct Secret {
    pub id: Uuid,
    /// `whsec_…`
    pub secret: String,
}

/// How many messages are owed once more.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct Again {
    pub messages: u64,
}

pub async fn list(service: &Service) -> Result<Vec<Listed>, ActionError> {
    let all = store::all(service.db()).await?;
    let ids: Vec<Uuid> = all.iter().map(|one| one.id).collect();
    let counts = messages::counts(service.db(), &ids, &[MessageState::Pending, MessageState::Failed]).await?;
    let count = |of: Uuid, state: MessageState| {
        counts.iter().find(|(id, word, _)| *id == of && *word == state.as_str()).map_or(0, |(.., count)| *count)
    };
    let listed = |webhook: Webhook| Listed {
        pending: count(webhook.id, MessageState::Pending),
        failed: count(webhook.id, MessageState::Failed),
        webhook,
    };
    Ok(all.into_iter().map(listed).collect())
}

pub async fn get(service: &Service, id: Uuid) -> Result<Listed, ActionError> {
    list(service).await?.into_iter().find(|one| one.webhook.id == id).ok_or(ActionError::NotFound("webhook"))
}

/// Makes an endpoint, whose secret is shown once.
pub async fn make(service: &Service, asked: &Asked<'_>, by: &Actor) -> Result<Secret, ActionError> {
    let name = asked.name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(ActionError::Refused("a webhook's name has 1 to 100 characters".into()));
    }
    let url = HookUrl::parse(asked.url, service.settings().webhooks.allow_private);
    let url = url.map_err(|error| ActionError::Refused(error.to_string()))?;
    let events: Vec<Event> = if asked.events.is_empty() { subscribable() } else { asked.events.to_vec() };
    let series: Vec<String> = asked.series.iter().map(ToString::to_string).collect();
    for slug in asked.series {
        service.series(slug)?;
    }
    let id = service.clock().uuid();
    let (secret, sealed) = new_secret(service, id);
    let mut tx = service.db().begin().await?;
    if store::all(&mut *tx).await?.len() >= MOST {
        return Err(ActionError::Refused(format!(
            "there are {MOST} webhooks, and no more are possible: delete one first"
        )));
    }
    let new = NewWebhook {
        id,
        name,
        url: url.as_str(),
        events: &events,
        series: &series,
        with_address: asked.with_address,
        secret: &sealed,
        made_by: by.admin_id(),
    };
    if !store::add(&mut *tx, &new, service.clock().real()).await? {
        return Err(ActionError::Refused("there is a webhook of this name: choose another".into()));
    }
    let details = json!({ "host": url.host(), "events": events, "series": series, "with address": asked.with_address });
    audit::record_with(service, &mut *tx, by, "make webhook", Target::Webhook(name), &details).await?;
    once::answer(&mut tx, by, json!({ "id": id, "secret": null })).await?;
    tx.commit().await?;
    hear_of_it(service).await;
    Ok(Secret { id, secret })
}

/// Has this process tell the endpoint at once. It is written already: should this fail, the next look finds it.
async fn hear_of_it(service: &Service) {
    if let Err(error) = tell::refresh(service).await {
        tracing::debug!(%error, "a change of a webhook is heard of in some seconds");
    }
}

/// All events but the one that nobody has to ask for.
pub fn subscribable() -> Vec<Event> {
    Event::ALL.iter().copied().filter(|event| *event != Event::Test).collect()
}

/// Gives an endpoint a new secret. For a day messages are signed with both.
pub async fn rotate(service: &Service, id: Uuid, by: &Actor) -> Result<Secret, ActionError> {
    let (secret, sealed) = new_secret(service, id);
    let mut tx = service.db().begin().await?;
    let name = name_of(&mut tx, id).await?;
    store::rotate(&mut *tx, id, &sealed, service.clock().real() + BOTH_SIGN).await?;
    audit::record(service, &mut *tx, by, "rotate webhook secret", Target::Webhook(&name)).await?;
    once::answer(&mut tx, by, json!({ "id": id, "secret": null })).await?;
    tx.commit().await?;
    Ok(Secret { id, secret })
}

/// It is told nothing from now on. What waits is kept until it is enabled, or old.
pub async fn disable(service: &Service, id: Uuid, by: &Actor) -> Result<once::Done, ActionError> {
    change(service, id, by, "disable webhook", async |tx| {
        store::disable(&mut *tx, id, Disabled::Admin, service.clock().real()).await
    })
    .await
}

/// It is told what waited, and all that happens from now on.
pub async fn enable(service: &Service, id: Uuid, by: &Actor) -> Result<once::Done, ActionError> {
    change(service, id, by, "enable webhook", async |tx| store::enable(&mut *tx, id).await).await
}

/// Deletes an endpoint with all that it was told. What a crash leaves of that is deleted when it is old.
pub async fn delete(service: &Service, id: Uuid, by: &Actor) -> Result<once::Done, ActionError> {
    let done = change(service, id, by, "delete webhook", async |tx| store::delete(&mut *tx, id).await).await?;
    for bucket in Bucket::all() {
        messages::delete_of(service.db(), bucket, id).await?;
    }
    Ok(done)
}

async fn change(
    service: &Service,
    id: Uuid,
    by: &Actor,
    action: &str,
    carry_out: impl AsyncFnOnce(&mut PgConnection) -> Result<bool, sqlx::Error>,
) -> Result<once::Done, ActionError> {
    let mut tx = service.db().begin().await?;
    let name = name_of(&mut tx, id).await?;
    if !carry_out(&mut tx).await? {
        return Err(ActionError::Refused("the webhook is in this state already".into()));
    }
    audit::record(service, &mut *tx, by, action, Target::Webhook(&name)).await?;
    let done = once::answer(&mut tx, by, once::Done { done: true }).await?;
    tx.commit().await?;
    hear_of_it(service).await;
    Ok(done)
}

/// Owes an endpoint a message about nothing, so that somebody sees whether it comes.
pub async fn test(service: &Service, id: Uuid, by: &Actor) -> Result<once::Done, ActionError> {
    let message = NewMessage {
        id: service.clock().uuid(),
        webhook: id,
        event: Event::Test,
        subscriber: None,
        enrollment: None,
        series: None,
        step: None,
        kind: None,
        reason: None,
    };
    let bucket = Bucket::all().next().expect("there are 64 buckets");
    let mut tx = service.db().begin().await?;
    let name = name_of(&mut tx, id).await?;
    messages::add(&mut *tx, bucket, &[message], service.clock().real()).await?;
    audit::record(service, &mut *tx, by, "test webhook", Target::Webhook(&name)).await?;
    let done = once::answer(&mut tx, by, once::Done { done: true }).await?;
    tx.commit().await?;
    Ok(done)
}

/// A page of what an endpoint was told and will be, the newest first. Without a state, all of it.
pub async fn log(
    service: &Service,
    id: Uuid,
    state: Option<MessageState>,
    after: Option<&str>,
) -> Result<Page<Message>, ActionError> {
    let before = after.map_or(Ok(Uuid::max()), str::parse).map_err(|_| ActionError::Cursor)?;
    let states: &[MessageState] = state.as_ref().map_or(MessageState::ALL, std::slice::from_ref);
    let items = messages::log(service.db(), id, states, before, PAGE).await?;
    let next = full(items.len(), PAGE).then(|| items.last().map(|last| last.id.to_string())).flatten();
    Ok(Page { items, next })
}

/// Owes a message that was sent or given up once more, under the same id.
pub async fn send_again(service: &Service, id: Uuid, message: Uuid, by: &Actor) -> Result<Again, ActionError> {
    let mut tx = service.db().begin().await?;
    let name = name_of(&mut tx, id).await?;
    let bucket = messages::bucket_of(&mut *tx, id, message).await?.ok_or(ActionError::NotFound("message"))?;
    if !messages::send_again(&mut *tx, bucket, message, service.clock().real()).await? {
        return Err(ActionError::Refused("the message waits to be sent already".into()));
    }
    let details = json!({ "message": message });
    audit::record_with(service, &mut *tx, by, "send message again", Target::Webhook(&name), &details).await?;
    let again = once::answer(&mut tx, by, Again { messages: 1 }).await?;
    tx.commit().await?;
    Ok(again)
}

/// The same for all that were given up and tell of something since `since`.
pub async fn send_failed_again(
    service: &Service,
    id: Uuid,
    since: DateTime<Utc>,
    by: &Actor,
) -> Result<Again, ActionError> {
    let mut tx = service.db().begin().await?;
    let name = name_of(&mut tx, id).await?;
    let (real, mut count) = (service.clock().real(), 0);
    for bucket in Bucket::all() {
        count += messages::send_failed_again(&mut *tx, bucket, id, since, real).await?;
    }
    let details = json!({ "messages": count, "since": since });
    audit::record_with(service, &mut *tx, by, "send failed messages again", Target::Webhook(&name), &details).await?;
    let again = once::answer(&mut tx, by, Again { messages: count }).await?;
    tx.commit().await?;
    Ok(again)
}

async fn name_of(tx: &mut PgConnection, id: Uuid) -> Result<String, ActionError> {
    let all = store::all(&mut *tx).await?;
    all.into_iter().find(|one| one.id == id).map(|one| one.name).ok_or(ActionError::NotFound("webhook"))
}

/// A secret as its receiver is told it, and sealed.
fn new_secret(service: &Service, id: Uuid) -> (String, Vec<u8>) {
    let secret = service.clock().random_bytes::<WEBHOOK_SECRET_LEN>();
    let sealed = service.keyring().seal_webhook_secret(&secret, id, service.clock().random_bytes());
    (format!("whsec_{}", BASE64_STANDARD.encode(secret)), sealed)
}
