//! Webhooks: made, tried, watched, given a new secret, and ended. They let data out, so they are an owner's.
use axum::body::Bytes;
use axum::extract::{Form, Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use url::form_urlencoded;
use uuid::Uuid;

use super::AppState;
use super::gate::SignedIn;
use super::route::{Needs, Route};
use super::shell::{self, minute};
use crate::actions::webhooks::{self, Asked, Health, Listed, Message, Secret};
use crate::actions::{ActionError, Actor};
use crate::model::{Disabled, Event, MessageState, Right, SeriesSlug, UnknownWord};
use crate::web::error::WebError;
use crate::web::pages::admin::Notice;
use crate::web::pages::readers::Pick;
use crate::web::pages::webhooks::{MessageRow, WebhookPage, WebhookRow, WebhooksPage};

const HERE: &str = "/admin/webhooks";
const NEEDS: Needs = Needs::Right(Right::People);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(HERE, NEEDS, list).in_nav("admin-nav-webhooks"),
        Route::post(HERE, NEEDS, make),
        Route::get("/admin/webhooks/{id}", NEEDS, show),
        Route::post("/admin/webhooks/{id}/test", NEEDS, test),
        Route::post("/admin/webhooks/{id}/again", NEEDS, again),
        Route::post("/admin/webhooks/{id}/rotate", NEEDS, rotate),
        Route::post("/admin/webhooks/{id}/disable", NEEDS, disable),
        Route::post("/admin/webhooks/{id}/enable", NEEDS, enable),
        Route::post("/admin/webhooks/{id}/delete", NEEDS, delete),
        Route::post("/admin/webhooks/{id}/messages/{message}/again", NEEDS, message_again),
    ]
}

async fn list(State(state): State<AppState>, by: SignedIn, Query(said): Query<super::Said>) -> Response {
    let notice = shell::said(by.visitor.language, said.said.as_deref());
    all(&state, &by, notice, None, Wish::default()).await
}

async fn all(state: &AppState, by: &SignedIn, notice: Option<Notice>, secret: Option<String>, wish: Wish) -> Response {
    let listed = match webhooks::list(&state.service).await {
        Ok(listed) => listed,
        Err(error) => return shell::failed(by.visitor.language, &WebError::from(error)),
    };
    let pick = |value: &str, text: &str, chosen: bool| Pick { value: value.into(), text: text.into(), chosen };
    let library = state.service.library();
    let events = webhooks::subscribable();
    let page = WebhooksPage {
        webhooks: listed.into_iter().map(row).collect(),
        secret,
        events: events.iter().map(|one| pick(one.as_str(), one.as_str(), wish.events.contains(one))).collect(),
        series: library
            .series
            .values()
            .map(|one| pick(one.slug.as_str(), &one.title, wish.series.contains(&one.slug)))
            .collect(),
        name: wish.name,
        url: wish.url,
        with_address: wish.with_address,
        why: wish.why,
    };
    shell::page(by, &page, notice)
}

fn row(one: Listed) -> WebhookRow {
    let health = one.health();
    let words = match health {
        Health::Works => "works".to_owned(),
        Health::Fails(since) => format!("fails since {} UTC", minute(since)),
        Health::Disabled(Disabled::Admin) => "disabled".to_owned(),
        Health::Disabled(Disabled::Gone) => "disabled: it answered that it is gone".to_owned(),
        Health::Disabled(Disabled::Failing) => "disabled: it has failed for five days".to_owned(),
    };
    let events: Vec<&str> = one.webhook.events.iter().map(|event| event.as_str()).collect();
    WebhookRow {
        path: format!("{HERE}/{}", one.webhook.id),
        name: one.webhook.name,
        url: one.webhook.url,
        events: events.join(", "),
        series: (!one.webhook.series.is_empty()).then(|| one.webhook.series.join(", ")),
        with_address: one.webhook.with_address,
        health: words,
        fails: !matches!(health, Health::Works | Health::Disabled(Disabled::Admin)),
        disabled: matches!(health, Health::Disabled(_)),
        pending: one.pending,
        failed: one.failed,
    }
}

/// The form as it was typed. An event comes as often as there are boxes that are ticked, which is more than a plain form's
/// struct can take.
#[derive(Debug, Default)]
struct Wish {
    name: String,
    url: String,
    events: Vec<Event>,
    series: Vec<SeriesSlug>,
    with_address: bool,
    why: String,
}

impl Wish {
    fn read(body: &[u8]) -> Result<Self, ActionError> {
        let mut wish = Self::default();
        for (field, value) in form_urlencoded::parse(body) {
            match &*field {
                "name" => wish.name = value.into_owned(),
                "url" => wish.url = value.into_owned(),
                "event" => {
                    let event = value.parse().map_err(|error: UnknownWord| ActionError::Refused(error.to_string()));
                    wish.events.push(event?);
                }
                "series" => {
                    wish.series.push(SeriesSlug::parse(&value).map_err(|_| ActionError::NotFound("series"))?);
                }
                "with_address" => wish.with_address = true,
                "why" => wish.why = value.into_owned(),
                _ => {}
            }
        }
        Ok(wish)
    }

    fn asked(&self) -> Asked<'_> {
        let Self { name, url, events, series, with_address, .. } = self;
        Asked { name, url, events, series, with_address: *with_address }
    }
}

async fn make(State(state): State<AppState>, by: SignedIn, body: Bytes) -> Response {
    let wish = match Wish::read(&body) {
        Ok(wish) => wish,
        Err(error) => return refused(&state, &by, error, Wish::default()).await,
    };
    let made = async { webhooks::make(&state.service, &wish.asked(), &by.because(&wish.why)?).await };
    match made.await {
        Ok(Secret { secret, .. }) => all(&state, &by, None, Some(secret), Wish::default()).await,
        Err(error) => refused(&state, &by, error, wish).await,
    }
}

async fn refused(state: &AppState, by: &SignedIn, error: ActionError, wish: Wish) -> Response {
    match shell::refusal(by.visitor.language, error) {
        Ok(notice) => all(state, by, Some(notice), None, wish).await,
        Err(error) => shell::failed(by.visitor.language, &error),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Listing {
    state: String,
    after: Option<String>,
    said: Option<String>,
}

async fn show(
    State(state): State<AppState>,
    by: SignedIn,
    Path(id): Path<Uuid>,
    Query(asked): Query<Listing>,
) -> Response {
    let notice = shell::said(by.visitor.language, asked.said.as_deref());
    one(&state, &by, id, &asked, notice).await
}

async fn one(state: &AppState, by: &SignedIn, id: Uuid, asked: &Listing, notice: Option<Notice>) -> Response {
    let wanted: Option<MessageState> = asked.state.parse().ok();
    let looked = async {
        let listed = webhooks::get(&state.service, id).await?;
        let log = webhooks::log(&state.service, id, wanted, asked.after.as_deref()).await?;
        Ok::<_, ActionError>((listed, log))
    };
    let (listed, log) = match looked.await {
        Ok(looked) => looked,
        Err(error) => return shell::failed(by.visitor.language, &WebError::from(error)),
    };
    let (made, made_by) = (minute(listed.webhook.made_at), listed.webhook.made_by.clone());
    let webhook = row(listed);
    let state_pick = |one: &MessageState| Pick {
        value: one.as_str().into(),
        text: one.as_str().into(),
        chosen: wanted == Some(*one),
    };
    let page = WebhookPage {
        states: MessageState::ALL.iter().map(state_pick).collect(),
        messages: log.items.into_iter().map(|message| message_row(message, &webhook.path)).collect(),
        next_path: log.next.map(|next| {
            let state = wanted.map_or("", MessageState::as_str);
            format!("{}?state={state}&after={next}", webhook.path)
        }),
        webhook,
        made,
        made_by,
    };
    shell::page(by, &page, notice)
}

fn message_row(message: Message, path: &str) -> MessageRow {
    let waits = message.state == MessageState::Pending.as_str();
    let about: Vec<String> = message.series.into_iter().chain(message.step).chain(message.reason).collect();
    let status = message.status.map(|status| status.to_string());
    let answer: Vec<String> = status.into_iter().chain(message.error).collect();
    MessageRow {
        again_path: (!waits).then(|| format!("{path}/messages/{}/again", message.id)),
        next_try: waits.then(|| minute(message.next_try_at)),
        id: message.id.to_string(),
        event: message.event,
        about: about.join(" · "),
        at: minute(message.at),
        state: message.state,
        tries: message.tries,
        answer: answer.join(" "),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Deed {
    why: String,
}

async fn test(State(state): State<AppState>, by: SignedIn, Path(id): Path<Uuid>, Form(deed): Form<Deed>) -> Response {
    let done = async { webhooks::test(&state.service, id, &by.because(&deed.why)?).await.map(drop) };
    told(&state, &by, id, done.await).await
}

/// All that was given up, however long ago.
async fn again(State(state): State<AppState>, by: SignedIn, Path(id): Path<Uuid>, Form(deed): Form<Deed>) -> Response {
    let done = async {
        let (by, since) = (by.because(&deed.why)?, chrono::DateTime::UNIX_EPOCH);
        webhooks::send_failed_again(&state.service, id, since, &by).await.map(drop)
    };
    told(&state, &by, id, done.await).await
}

async fn message_again(
    State(state): State<AppState>,
    by: SignedIn,
    Path((id, message)): Path<(Uuid, Uuid)>,
) -> Response {
    let actor: Actor = by.actor().because("sent again from the log");
    told(&state, &by, id, webhooks::send_again(&state.service, id, message, &actor).await.map(drop)).await
}

async fn rotate(State(state): State<AppState>, by: SignedIn, Path(id): Path<Uuid>, Form(deed): Form<Deed>) -> Response {
    let made = async { webhooks::rotate(&state.service, id, &by.because(&deed.why)?).await };
    match made.await {
        Ok(Secret { secret, .. }) => all(&state, &by, None, Some(secret), Wish::default()).await,
        Err(error) => told(&state, &by, id, Err(error)).await,
    }
}

async fn disable(
    State(state): State<AppState>,
    by: SignedIn,
    Path(id): Path<Uuid>,
    Form(deed): Form<Deed>,
) -> Response {
    let done = async { webhooks::disable(&state.service, id, &by.because(&deed.why)?).await.map(drop) };
    told(&state, &by, id, done.await).await
}

async fn enable(State(state): State<AppState>, by: SignedIn, Path(id): Path<Uuid>, Form(deed): Form<Deed>) -> Response {
    let done = async { webhooks::enable(&state.service, id, &by.because(&deed.why)?).await.map(drop) };
    told(&state, &by, id, done.await).await
}

async fn delete(State(state): State<AppState>, by: SignedIn, Path(id): Path<Uuid>, Form(deed): Form<Deed>) -> Response {
    let done = async { webhooks::delete(&state.service, id, &by.because(&deed.why)?).await };
    match done.await {
        Ok(_) => shell::done(HERE, "webhooks-deleted"),
        Err(error) => told(&state, &by, id, Err(error)).await,
    }
}

/// Says on the webhook's page that something was done, or why it was not.
async fn told(state: &AppState, by: &SignedIn, id: Uuid, done: Result<(), ActionError>) -> Response {
    match done {
        Ok(()) => shell::done(&format!("{HERE}/{id}"), "webhooks-done"),
        Err(error) => match shell::refusal(by.visitor.language, error) {
            Ok(notice) => one(state, by, id, &Listing::default(), Some(notice)).await,
            Err(error) => shell::failed(by.visitor.language, &error),
        },
    }
}
