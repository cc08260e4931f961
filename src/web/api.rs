//! The JSON API of admins: the same verbs as the command line, behind a bearer token. Each handler names the right that it
//! needs ([`May`]).
//!
//! Addresses are in bodies, never in paths or queries, since those end up in logs.
mod runs;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::AppState;
use super::admin::as_csv;
use super::caller::{self, May, rights};
use super::error::{Problem, WebError};
use crate::actions::deliveries::ListDeliveries;
use crate::actions::readers::ListReaders;
use crate::actions::trigger::Audience;
use crate::actions::voices::survey;
use crate::actions::{Actor, deliveries, guards, health, preview, readers, series, suppress, trigger};
use crate::model::{ConditionKey, DeliveryState, EmailAddress, EnrollmentState, Overdue, SeriesSlug, StepKey};

type Answer<T = Json<Value>> = Result<T, Problem>;

pub(super) fn router(state: AppState) -> Router<AppState> {
    Router::new()
        .route("/health", get(show_health))
        .route("/deliveries", get(list_deliveries))
        .route("/subscribers", get(list_subscribers))
        .route("/subscribers/show", post(show_subscriber))
        .route("/subscribers/pause", post(pause_subscriber))
        .route("/subscribers/resume", post(resume_subscriber))
        .route("/subscribers/suppress", post(suppress_address))
        .route("/subscribers/unsuppress", post(unsuppress_address))
        .route("/series", get(list_series))
        .route("/series/{slug}", get(show_series))
        .route("/series/{slug}/pause", post(pause_series))
        .route("/series/{slug}/resume", post(resume_series))
        .route("/series/{slug}/preview", post(preview_step))
        .route("/series/{slug}/survey", get(show_survey))
        .route("/series/{slug}/survey.csv", get(survey_as_csv))
        .route("/send/next", post(send_next))
        .route("/send/due", post(send_due))
        .route("/send/test", post(send_test))
        .route("/send/test/{id}", get(test_outcome))
        .merge(runs::routes())
        .route("/guards", get(list_refused))
        .fallback(async || Problem(WebError::NotFound("There is no such address in this API.".into())))
        .method_not_allowed_fallback(async || {
            Problem(WebError::BadRequest("This address does not take that method.".into()))
        })
        .layer(middleware::from_fn_with_state(state, caller::known))
}

/// A JSON body; what is wrong with it is said in problem details.
struct Body<T>(T);

impl<T: serde::de::DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(JsonRejection::JsonDataError(error)) => Err(Problem(WebError::BadRequest(error.body_text()))),
            Err(JsonRejection::MissingJsonContentType(_)) => {
                Err(Problem(WebError::BadRequest("Send JSON, with Content-Type: application/json.".into())))
            }
            Err(_) => Err(Problem(WebError::BadRequest("The body is not JSON.".into()))),
        }
    }
}

/// A query; what is wrong with it is said in problem details.
struct Ask<T>(T);

impl<T: serde::de::DeserializeOwned> FromRequestParts<AppState> for Ask<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(error) => Err(Problem(WebError::BadRequest(error.body_text()))),
        }
    }
}

async fn show_health(State(state): State<AppState>, _: May<rights::Figures>) -> Answer<Json<health::Health>> {
    Ok(Json(health::health(&state.service).await?))
}

#[derive(Deserialize)]
struct DeliveriesQuery {
    state: Option<String>,
    was: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

async fn list_deliveries(
    State(state): State<AppState>,
    _: May<rights::Readers>,
    Ask(query): Ask<DeliveriesQuery>,
) -> Answer {
    let was_uncertain = match query.was.as_deref() {
        None => false,
        Some("uncertain") => true,
        Some(_) => return Err(invalid("was", "the only value is `uncertain`")),
    };
    let ask = ListDeliveries {
        state: word::<DeliveryState>("state", query.state.as_deref())?,
        was_uncertain,
        after: query.after,
        limit: query.limit,
    };
    Ok(page(&deliveries::list(&state.service, &ask).await?))
}

#[derive(Deserialize)]
struct SubscribersQuery {
    state: Option<String>,
    series: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

async fn list_subscribers(
    State(state): State<AppState>,
    _: May<rights::Readers>,
    Ask(query): Ask<SubscribersQuery>,
) -> Answer {
    let ask = ListReaders {
        state: word::<EnrollmentState>("state", query.state.as_deref())?,
        series: query.series.as_deref().map(slug).transpose()?,
        after: query.after,
        limit: query.limit,
    };
    Ok(page(&readers::list(&state.service, &ask).await?))
}

#[derive(Deserialize)]
struct AddressBody {
    address: String,
}

async fn show_subscriber(
    State(state): State<AppState>,
    by: May<rights::Readers>,
    Body(body): Body<AddressBody>,
) -> Answer<Json<readers::Dossier>> {
    Ok(Json(readers::show(&state.service, &address(&body.address)?, &by.actor()).await?))
}

/// What every verb that changes something needs: who and why.
#[derive(Deserialize)]
struct Change {
    address: Option<String>,
    series: Option<String>,
    who: Option<String>,
    why: Option<String>,
    /// For sends: answer whom it would reach, and do nothing.
    #[serde(default)]
    dry_run: bool,
    /// For `send/due`: a span such as `12h`.
    within: Option<String>,
    step: Option<String>,
    /// For the resume of a series: `send`, `shift` or `skip`.
    overdue: Option<String>,
    condition: Option<String>,
    to: Option<String>,
}

impl Change {
    fn actor<R>(&self, by: &May<R>) -> Result<Actor, Problem> {
        actor(by, self.who.as_deref(), self.why.as_deref())
    }

    fn address(&self) -> Result<EmailAddress, Problem> {
        address(self.address.as_deref().unwrap_or_default())
    }

    fn series(&self) -> Result<SeriesSlug, Problem> {
        slug(self.series.as_deref().unwrap_or_default())
    }
}

fn actor<R>(by: &May<R>, who: Option<&str>, why: Option<&str>) -> Result<Actor, Problem> {
    let why = why.map(str::trim).filter(|why| !why.is_empty());
    let why = why.ok_or_else(|| invalid("why", "say why: it is recorded"))?;
    let who = who.map(str::trim).filter(|who| !who.is_empty());
    if who.is_some_and(|who| who.len() > 200) || why.len() > 1_000 {
        return Err(invalid("why", "at most 1,000 characters, and 200 for `who`"));
    }
    let by = by.actor().because(why);
    Ok(if let Some(who) = who { by.acting_for(who) } else { by })
}

async fn pause_subscriber(State(state): State<AppState>, by: May<rights::Operate>, Body(body): Body<Change>) -> Answer {
    readers::pause(&state.service, &body.address()?, &body.series()?, &body.actor(&by)?).await?;
    Ok(done())
}

async fn resume_subscriber(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Body(body): Body<Change>,
) -> Answer {
    readers::resume(&state.service, &body.address()?, &body.series()?, &body.actor(&by)?).await?;
    Ok(done())
}

async fn suppress_address(State(state): State<AppState>, by: May<rights::Operate>, Body(body): Body<Change>) -> Answer {
    suppress::suppress(&state.service, &body.address()?, &body.actor(&by)?).await?;
    Ok(done())
}

async fn unsuppress_address(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Body(body): Body<Change>,
) -> Answer {
    suppress::unsuppress(&state.service, &body.address()?, &body.actor(&by)?).await?;
    Ok(done())
}

async fn list_series(State(state): State<AppState>, _: May<rights::Figures>) -> Answer {
    Ok(Json(json!({ "items": series::list(&state.service).await? })))
}

async fn show_series(
    State(state): State<AppState>,
    _: May<rights::Figures>,
    Path(of): Path<String>,
) -> Answer<Json<series::SeriesBooks>> {
    Ok(Json(series::books(&state.service, &slug(&of)?).await?))
}

async fn show_survey(
    State(state): State<AppState>,
    _: May<rights::Figures>,
    Path(of): Path<String>,
) -> Answer<Json<survey::Figures>> {
    Ok(Json(survey::figures(&state.service, &slug(&of)?).await?))
}

async fn survey_as_csv(
    State(state): State<AppState>,
    _: May<rights::Figures>,
    Path(of): Path<String>,
) -> Answer<Response> {
    Ok(as_csv(&survey::figures(&state.service, &slug(&of)?).await?))
}

async fn pause_series(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Path(of): Path<String>,
    Body(body): Body<Change>,
) -> Answer {
    series::pause(&state.service, &slug(&of)?, &body.actor(&by)?).await?;
    Ok(done())
}

async fn resume_series(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Path(of): Path<String>,
    Body(body): Body<Change>,
) -> Answer {
    let overdue = word::<Overdue>("overdue", body.overdue.as_deref())?.unwrap_or(Overdue::Shift);
    let about = series::resume(&state.service, &slug(&of)?, overdue, &body.actor(&by)?).await?;
    let moved = if overdue == Overdue::Shift { about } else { 0 };
    Ok(Json(json!({ "moved": moved, "overdue": overdue, "deliveries": about })))
}

async fn preview_step(
    State(state): State<AppState>,
    _: May<rights::Preview>,
    Path(of): Path<String>,
    Body(body): Body<Change>,
) -> Answer {
    let step = step(body.step.as_deref())?;
    let condition = body.condition.as_deref().map(condition).transpose()?;
    let mail = preview::preview(&state.service, &slug(&of)?, &step, condition.as_ref())?;
    Ok(Json(json!({ "subject": mail.subject, "preheader": mail.preheader, "html": mail.html, "text": mail.text })))
}

async fn send_next(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Body(body): Body<Change>,
) -> Answer<Json<trigger::Triggered>> {
    let audience = Audience::Reader(body.address()?);
    Ok(Json(trigger::trigger(&state.service, &body.series()?, &audience, &body.actor(&by)?, body.dry_run).await?))
}

async fn send_due(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Body(body): Body<Change>,
) -> Answer<Json<trigger::Triggered>> {
    let within = humantime::parse_duration(body.within.as_deref().unwrap_or_default()).ok();
    let within = within.and_then(|span| chrono::TimeDelta::from_std(span).ok());
    let within = within.filter(|span| *span <= chrono::TimeDelta::days(366));
    let within = within.ok_or_else(|| invalid("within", "a span of time such as 12h or 2d, at most 366d"))?;
    let audience = Audience::DueWithin(within);
    Ok(Json(trigger::trigger(&state.service, &body.series()?, &audience, &body.actor(&by)?, body.dry_run).await?))
}

async fn send_test(State(state): State<AppState>, by: May<rights::Preview>, Body(body): Body<Change>) -> Answer {
    let to = address(body.to.as_deref().unwrap_or_default())?;
    let condition = condition(body.condition.as_deref().unwrap_or_default())?;
    let step = step(body.step.as_deref())?;
    let id = trigger::test_send(&state.service, &body.series()?, &step, &condition, &to, &body.actor(&by)?).await?;
    Ok(Json(json!({ "id": id })))
}

async fn test_outcome(State(state): State<AppState>, _: May<rights::Preview>, Path(id): Path<String>) -> Answer {
    let id: Uuid = id.parse().map_err(|_| Problem(WebError::NotFound("There is no such test send.".into())))?;
    Ok(Json(json!({ "id": id, "outcome": trigger::test_send_outcome(&state.service, id).await? })))
}

#[derive(Deserialize)]
struct RefusedQuery {
    days: Option<u16>,
}

/// What the guards of sign-up refused, by day and reason.
async fn list_refused(State(state): State<AppState>, _: May<rights::Figures>, Ask(query): Ask<RefusedQuery>) -> Answer {
    let days = query.days.unwrap_or(30);
    Ok(Json(json!({ "items": guards::refused(&state.service, days).await? })))
}

fn page<T: Serialize>(page: &crate::actions::Page<T>) -> Json<Value> {
    Json(json!({ "items": page.items, "next": page.next }))
}

fn done() -> Json<Value> {
    Json(json!({ "done": true }))
}

fn invalid(field: &'static str, message: &str) -> Problem {
    Problem(WebError::Invalid(vec![(field, message.to_owned())]))
}

fn word<T: std::str::FromStr<Err = crate::model::UnknownWord>>(
    field: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse().map_err(|error: crate::model::UnknownWord| invalid(field, &error.to_string())))
        .transpose()
}

fn address(text: &str) -> Result<EmailAddress, Problem> {
    EmailAddress::parse(text).map_err(|error| invalid("address", &error.to_string()))
}

fn slug(text: &str) -> Result<SeriesSlug, Problem> {
    SeriesSlug::parse(text).map_err(|error| invalid("series", &error.to_string()))
}

fn step(text: Option<&str>) -> Result<StepKey, Problem> {
    StepKey::parse(text.unwrap_or_default()).map_err(|error| invalid("step", &error.to_string()))
}

fn condition(text: &str) -> Result<ConditionKey, Problem> {
    ConditionKey::parse(text).map_err(|error| invalid("condition", &error.to_string()))
}
