//! Who got what, when, and why not: readers looked for, and a mail as it was sent.
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use super::asked::{Body, address, day, given, slug, step, within, word};
use super::bodies::{OneMail, SearchReaders};
use crate::actions::readers::search::{self, Row, Search};
use crate::actions::readers::story;
use crate::actions::{ActionError, Page};
use crate::model::EnrollmentState;
use crate::web::AppState;
use crate::web::caller::{May, rights};

pub(super) fn reading() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(search_subscribers)).routes(routes!(show_mail))
}

/// An enrollment that was found.
#[derive(Serialize, ToSchema)]
struct Found {
    address: String,
    series: String,
    state: String,
    suppressed: bool,
    /// The parts that were accepted.
    parts: Vec<String>,
    signed_up_at: DateTime<Utc>,
}

impl From<Row> for Found {
    fn from(row: Row) -> Self {
        let Row { address, series, state, suppressed, done_steps, created_at, .. } = row;
        Self { address, series, state, suppressed, parts: done_steps, signed_up_at: created_at }
    }
}

/// A mail as it was sent.
#[derive(Serialize, ToSchema)]
struct SentMail {
    title: String,
    /// From 1.
    part: usize,
    language: String,
    html: String,
}

/// Look for readers
///
/// The newest first, 50 at a time. It changes nothing; it is a POST so that the address stands in no query. Who has looked is in
/// the audit log.
#[utoipa::path(post, path = "/subscribers/search", tag = "subscribers", request_body = SearchReaders,
    responses((status = 200, description = "A page of enrollments", body = Page<Found>),
        (status = 409, description = "That would take too long to find: ask for less")))]
async fn search_subscribers(
    State(state): State<AppState>,
    by: May<rights::Readers>,
    Body(body): Body<SearchReaders>,
) -> Answer<Page<Found>> {
    let ask = Search {
        part: given("part", body.part)?,
        series: body.series.as_deref().map(slug).transpose()?,
        state: word::<EnrollmentState>("state", body.state.as_deref())?,
        parts: within("parts", body.parts, 0, 1_000)?,
        waits_for: body.waits_for.as_deref().map(step).transpose()?,
        since: day("since", body.since)?,
        until: day("until", body.until)?,
        after: body.after,
    };
    let page = search::search(&state.service, &ask, &by.actor()).await?;
    Ok(Json(Page { items: page.items.into_iter().map(Found::from).collect(), next: page.next }))
}

/// A step as it was sent to one reader
///
/// Made again from the content that was published then, without the passage about the condition and without links that do
/// anything. It changes nothing.
#[utoipa::path(post, path = "/subscribers/mail", tag = "subscribers", request_body = OneMail,
    responses((status = 200, description = "The mail", body = SentMail),
        (status = 404, description = "The address is no subscriber's, or there is no such mail that can be shown again")))]
async fn show_mail(
    State(state): State<AppState>,
    by: May<rights::Readers>,
    Body(body): Body<OneMail>,
) -> Answer<SentMail> {
    let address = address("address", &body.address)?;
    let reader = search::exactly(&state.service, address.as_typed()).await?;
    let reader = reader.ok_or(ActionError::NotFound("subscriber"))?;
    let part = story::as_sent(&state.service, &reader, body.delivery, &by.actor()).await?;
    Ok(Json(SentMail { title: part.title, part: part.number, language: part.language, html: part.html }))
}
