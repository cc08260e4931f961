//! Imports: a file is sent in, looked at in a dry run, and taken in with the number that it found.
use axum::Json;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use super::asked::{Ask, Change, Of, cause, invalid};
use super::bodies::{Reason, StartRun};
use crate::actions::imports::{self, ImportView, Progress, RefusedLines, Started};
use crate::actions::once::Done;
use crate::actions::{ActionError, Page};
use crate::web::caller::{May, rights};
use crate::web::error::{Problem, WebError};
use crate::web::{AppState, files, upload};

pub(super) fn reading() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_imports)).routes(routes!(show_import)).routes(routes!(refused_lines))
}

/// What takes a file, and no key: it is known by its file.
pub(super) fn taking_files(state: &AppState) -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(upload_import)).layer(upload::limit(state))
}

pub(super) fn changing() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(start_import)).routes(routes!(cancel_import))
}

/// An import, and what came of it so far.
#[derive(Serialize, ToSchema)]
struct ImportBody {
    #[serde(flatten)]
    progress: Progress,
    who: String,
    why: String,
    at: DateTime<Utc>,
    /// How many lines were refused for which reason, the most first; empty in a list.
    refused_for: Vec<RefusedFor>,
    /// Whether its file is kept, and it goes on without anybody.
    by_itself: bool,
    /// The dry run whose file it takes in.
    follows: Option<i64>,
    /// The import that takes in those whom this dry run has found; null in a list.
    followed_by: Option<i64>,
}

#[derive(Serialize, ToSchema)]
struct RefusedFor {
    reason: &'static str,
    lines: i64,
}

impl From<ImportView> for ImportBody {
    fn from(view: ImportView) -> Self {
        let ImportView { progress, who, why, at, refused, by_itself, follows, followed_by } = view;
        let refused_for =
            refused.into_iter().map(|(reason, lines)| RefusedFor { reason: reason.as_str(), lines }).collect();
        Self { progress, who, why, at, refused_for, by_itself, follows, followed_by }
    }
}

/// A file of readers, and what is to be done with it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes a form that is read while it comes")]
struct ImportForm {
    #[schema(pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")]
    series: String,
    /// What those become whose line says when they confirmed: `pending` (if it is not said) or `active`.
    state: Option<String>,
    /// Who does it; `api` if it is not said.
    #[schema(max_length = 200)]
    who: Option<String>,
    /// It is recorded.
    #[schema(min_length = 1, max_length = 1000, example = "the list of our old program")]
    why: String,
    /// CSV (docs/FILES.md).
    #[schema(format = Binary)]
    file: String,
}

/// What an upload has begun.
#[derive(Serialize, ToSchema)]
struct DryRunBegun {
    /// The number of the dry run.
    import: i64,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ImportsQuery {
    /// The `next` of the page before.
    after: Option<String>,
}

/// Imports and dry runs of the last 30 days
///
/// The newest first, 50 at a time. Names nobody.
#[utoipa::path(get, path = "/imports", tag = "imports", params(ImportsQuery),
    responses((status = 200, description = "A page of them", body = Page<ImportBody>)))]
async fn list_imports(
    State(state): State<AppState>,
    _may: May<rights::Operate>,
    Ask(query): Ask<ImportsQuery>,
) -> Answer<Page<ImportBody>> {
    let page = imports::list(&state.service, query.after.as_deref()).await?;
    Ok(Json(Page { items: page.items.into_iter().map(ImportBody::from).collect(), next: page.next }))
}

/// One import, with how far it is
#[utoipa::path(get, path = "/imports/{import}", tag = "imports", params(("import" = i64, Path)),
    responses((status = 200, description = "The import", body = ImportBody),
        (status = 404, description = "There is no such import")))]
async fn show_import(State(state): State<AppState>, _may: May<rights::Operate>, Of(import): Of) -> Answer<ImportBody> {
    Ok(Json(imports::show(&state.service, number(&import)?).await?.into()))
}

/// The numbers of the lines that were refused
///
/// Each with the reason. What the lines say is in your file.
#[utoipa::path(get, path = "/imports/{import}/refused.csv", tag = "imports", params(("import" = i64, Path)),
    responses((status = 200, description = "A line for each", body = String, content_type = "text/csv"),
        (status = 404, description = "There is no such import")))]
async fn refused_lines(
    State(state): State<AppState>,
    _may: May<rights::Operate>,
    Of(import): Of,
) -> Result<Response, Problem> {
    let lines = RefusedLines::of(&state.service, number(&import)?).await?;
    Ok(files::of_refused_lines(&state, lines).await?)
}

/// Send a file of readers
///
/// Its dry run begins by itself and takes nobody in. The same file, sent again while that is under way, is the same dry run. The file
/// is kept sealed until its import is over, and for a day at most after the dry run.
#[utoipa::path(post, path = "/imports/upload", tag = "imports",
    request_body(content = ImportForm, content_type = "multipart/form-data"),
    responses((status = 200, description = "The dry run", body = DryRunBegun),
        (status = 404, description = "There is no such series"),
        (status = 409, description = "The file is none that can be read, or lacks a column")))]
async fn upload_import(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    form: Result<Multipart, MultipartRejection>,
) -> Answer<DryRunBegun> {
    let form = form.map_err(|_| Problem(WebError::UnsupportedMedia))?;
    let sent = upload::read(&state, form, None).await?;
    let actor = match cause(sent.field("who"), sent.field("why")) {
        Ok(cause) => cause.of(&by),
        Err(problem) => {
            sent.discard().await;
            return Err(problem);
        }
    };
    let ask = sent.ask();
    if let Err(ActionError::Refused(text)) = &ask {
        let problem = invalid("state", text);
        sent.discard().await;
        return Err(problem);
    }
    Ok(Json(DryRunBegun { import: sent.begin(ask, &actor).await? }))
}

/// Take in whom a dry run has found
///
/// With their number, active and pending together: whoever has seen another, or comes second, starts nothing.
#[utoipa::path(post, path = "/imports/{import}/start", tag = "imports", params(("import" = i64, Path)),
    request_body = StartRun,
    responses((status = 200, description = "It goes on by itself now", body = Started),
        (status = 404, description = "There is no such import"),
        (status = 409, description = "It is no dry run that is over, its file is not kept any more, or the number is another")))]
async fn start_import(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Of(import): Of,
    Change(body, cause): Change<StartRun>,
) -> Answer<Started> {
    Ok(Json(imports::start(&state.service, number(&import)?, body.readers, &cause.of(&by)).await?))
}

/// Cancel an import, or delete the file of a dry run
///
/// Whoever it has taken in stays.
#[utoipa::path(post, path = "/imports/{import}/cancel", tag = "imports", params(("import" = i64, Path)),
    request_body = Reason,
    responses((status = 200, description = "It is over, and its file is deleted", body = Done),
        (status = 404, description = "There is no such import"),
        (status = 409, description = "It is over, or is carried out on the command line")))]
async fn cancel_import(
    State(state): State<AppState>,
    by: May<rights::Operate>,
    Of(import): Of,
    Change(_reason, cause): Change<Reason>,
) -> Answer<Done> {
    Ok(Json(imports::cancel(&state.service, number(&import)?, &cause.of(&by)).await?))
}

fn number(import: &str) -> Result<i64, ActionError> {
    import.parse().map_err(|_| ActionError::NotFound("import"))
}
