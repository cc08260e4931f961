//! Webhooks: made, tried, watched, given a new secret, and ended.
use axum::Json;
use axum::extract::{Path, State};
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Answer;
use super::asked::{Ask, Change, Of, day, invalid, slug, word};
use super::bodies::{Items, MakeWebhook, Reason, SendAgain};
use crate::actions::once::Done;
use crate::actions::webhooks::{self, Again, Asked, Listed, Message, Secret};
use crate::actions::{ActionError, Page};
use crate::model::{MessageState, SeriesSlug};
use crate::web::AppState;
use crate::web::caller::{May, rights};

pub(super) fn reading() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_webhooks)).routes(routes!(show_webhook)).routes(routes!(list_messages))
}

pub(super) fn changing() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(make_webhook))
        .routes(routes!(test_webhook))
        .routes(routes!(send_failed_again))
        .routes(routes!(send_message_again))
        .routes(routes!(rotate_secret))
        .routes(routes!(disable_webhook))
        .routes(routes!(enable_webhook))
        .routes(routes!(delete_webhook))
}

/// A new secret of a webhook.
#[derive(Serialize, ToSchema)]
struct WebhookSecret {
    id: Uuid,
    /// `whsec_…`. It is kept nowhere in the clear: null in an answer that is given again.
    secret: Option<String>,
}

impl From<Secret> for WebhookSecret {
    fn from(Secret { id, secret }: Secret) -> Self {
        Self { id, secret: Some(secret) }
    }
}

/// The webhooks, and how each stands
#[utoipa::path(get, path = "/webhooks", tag = "webhooks",
    responses((status = 200, description = "All of them", body = Items<Listed>)))]
async fn list_webhooks(State(state): State<AppState>, _may: May<rights::People>) -> Answer<Items<Listed>> {
    Ok(Json(Items { items: webhooks::list(&state.service).await? }))
}

/// One webhook
#[utoipa::path(get, path = "/webhooks/{webhook}", tag = "webhooks", params(("webhook" = Uuid, Path)),
    responses((status = 200, description = "How it stands", body = Listed),
        (status = 404, description = "There is no such webhook")))]
async fn show_webhook(State(state): State<AppState>, _may: May<rights::People>, Of(of): Of) -> Answer<Listed> {
    Ok(Json(webhooks::get(&state.service, id(&of)?).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MessagesQuery {
    /// `pending`, `sent` or `failed`.
    state: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// What a webhook was told and will be
///
/// The newest first, 50 at a time. Names no address.
#[utoipa::path(get, path = "/webhooks/{webhook}/messages", tag = "webhooks",
    params(("webhook" = Uuid, Path), MessagesQuery),
    responses((status = 200, description = "A page of the log", body = Page<Message>),
        (status = 404, description = "There is no such webhook")))]
async fn list_messages(
    State(state): State<AppState>,
    _may: May<rights::People>,
    Of(of): Of,
    Ask(query): Ask<MessagesQuery>,
) -> Answer<Page<Message>> {
    let wanted = word::<MessageState>("state", query.state.as_deref())?;
    let webhook = webhooks::get(&state.service, id(&of)?).await?.webhook.id;
    Ok(Json(webhooks::log(&state.service, webhook, wanted, query.after.as_deref()).await?))
}

/// Make a webhook
#[utoipa::path(post, path = "/webhooks", tag = "webhooks", request_body = MakeWebhook,
    responses((status = 200, description = "Its secret, which is shown once", body = WebhookSecret),
        (status = 404, description = "There is no such series"),
        (status = 409, description = "The name is taken, the address must not be sent to, or there are too many")))]
async fn make_webhook(
    State(state): State<AppState>,
    by: May<rights::People>,
    Change(body, cause): Change<MakeWebhook>,
) -> Answer<WebhookSecret> {
    let events = body.events.iter().map(|event| event.parse()).collect::<Result<Vec<_>, _>>();
    let events = events.map_err(|error: crate::model::UnknownWord| invalid("events", &error.to_string()))?;
    let series = body.series.iter().map(|one| slug(one)).collect::<Result<Vec<SeriesSlug>, _>>()?;
    let MakeWebhook { name, url, with_address, .. } = &body;
    let asked = Asked { name, url, events: &events, series: &series, with_address: *with_address };
    Ok(Json(webhooks::make(&state.service, &asked, &cause.of(&by)).await?.into()))
}

/// Send a webhook a message about nothing
#[utoipa::path(post, path = "/webhooks/{webhook}/test", tag = "webhooks", params(("webhook" = Uuid, Path)),
    request_body = Reason,
    responses((status = 200, description = "It will be sent; the log says what became of it", body = Done),
        (status = 404, description = "There is no such webhook")))]
async fn test_webhook(
    State(state): State<AppState>,
    by: May<rights::People>,
    Of(of): Of,
    Change(_reason, cause): Change<Reason>,
) -> Answer<Done> {
    Ok(Json(webhooks::test(&state.service, id(&of)?, &cause.of(&by)).await?))
}

/// Send again what was given up
#[utoipa::path(post, path = "/webhooks/{webhook}/again", tag = "webhooks", params(("webhook" = Uuid, Path)),
    request_body = SendAgain,
    responses((status = 200, description = "So many messages are owed once more", body = Again),
        (status = 404, description = "There is no such webhook")))]
async fn send_failed_again(
    State(state): State<AppState>,
    by: May<rights::People>,
    Of(of): Of,
    Change(body, cause): Change<SendAgain>,
) -> Answer<Again> {
    day("since", body.since.map(|at| at.date_naive()))?;
    let since = body.since.unwrap_or(DateTime::UNIX_EPOCH);
    Ok(Json(webhooks::send_failed_again(&state.service, id(&of)?, since, &cause.of(&by)).await?))
}

/// Send one message again
///
/// Under the same id.
#[utoipa::path(post, path = "/webhooks/{webhook}/messages/{message}/again", tag = "webhooks",
    params(("webhook" = Uuid, Path), ("message" = Uuid, Path)), request_body = Reason,
    responses((status = 200, description = "It is owed once more", body = Again),
        (status = 404, description = "There is no such webhook, or message"),
        (status = 409, description = "It waits to be sent already")))]
async fn send_message_again(
    State(state): State<AppState>,
    by: May<rights::People>,
    Path((webhook, message)): Path<(String, String)>,
    Change(_reason, cause): Change<Reason>,
) -> Answer<Again> {
    let message = message.parse().map_err(|_| ActionError::NotFound("message"))?;
    Ok(Json(webhooks::send_again(&state.service, id(&webhook)?, message, &cause.of(&by)).await?))
}

/// Give a webhook a new secret
///
/// For a day messages are signed with both.
#[utoipa::path(post, path = "/webhooks/{webhook}/rotate", tag = "webhooks", params(("webhook" = Uuid, Path)),
    request_body = Reason,
    responses((status = 200, description = "The new secret, which is shown once", body = WebhookSecret),
        (status = 404, description = "There is no such webhook")))]
async fn rotate_secret(
    State(state): State<AppState>,
    by: May<rights::People>,
    Of(of): Of,
    Change(_reason, cause): Change<Reason>,
) -> Answer<WebhookSecret> {
    Ok(Json(webhooks::rotate(&state.service, id(&of)?, &cause.of(&by)).await?.into()))
}

/// Tell a webhook nothing
///
/// What waits is kept until it is enabled, or old.
#[utoipa::path(post, path = "/webhooks/{webhook}/disable", tag = "webhooks", params(("webhook" = Uuid, Path)),
    request_body = Reason,
    responses((status = 200, description = "It is told nothing", body = Done),
        (status = 404, description = "There is no such webhook"),
        (status = 409, description = "It is disabled already")))]
async fn disable_webhook(
    State(state): State<AppState>,
    by: May<rights::People>,
    Of(of): Of,
    Change(_reason, cause): Change<Reason>,
) -> Answer<Done> {
    Ok(Json(webhooks::disable(&state.service, id(&of)?, &cause.of(&by)).await?))
}

/// Tell it what waited, and what happens from now on
#[utoipa::path(post, path = "/webhooks/{webhook}/enable", tag = "webhooks", params(("webhook" = Uuid, Path)),
    request_body = Reason,
    responses((status = 200, description = "It is told", body = Done),
        (status = 404, description = "There is no such webhook"),
        (status = 409, description = "It is enabled already")))]
async fn enable_webhook(
    State(state): State<AppState>,
    by: May<rights::People>,
    Of(of): Of,
    Change(_reason, cause): Change<Reason>,
) -> Answer<Done> {
    Ok(Json(webhooks::enable(&state.service, id(&of)?, &cause.of(&by)).await?))
}

/// Delete a webhook with all that it was told
#[utoipa::path(post, path = "/webhooks/{webhook}/delete", tag = "webhooks", params(("webhook" = Uuid, Path)),
    request_body = Reason,
    responses((status = 200, description = "It is gone", body = Done),
        (status = 404, description = "There is no such webhook")))]
async fn delete_webhook(
    State(state): State<AppState>,
    by: May<rights::People>,
    Of(of): Of,
    Change(_reason, cause): Change<Reason>,
) -> Answer<Done> {
    Ok(Json(webhooks::delete(&state.service, id(&of)?, &cause.of(&by)).await?))
}

fn id(webhook: &str) -> Result<Uuid, ActionError> {
    webhook.parse().map_err(|_| ActionError::NotFound("webhook"))
}
