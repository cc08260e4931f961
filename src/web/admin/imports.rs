//! Imports: a file of readers is sent in, looked at in a dry run, and taken in by whoever types the number; how far each is and
//! what it has refused. Nobody is named here.
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Form, Multipart, Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::Said;
use super::gate::SignedIn;
use super::route::{Needs, Route};
use super::{AppState, shell};
use crate::actions::ActionError;
use crate::actions::imports::{self, ImportView, RefusedLines, Started};
use crate::model::Right;
use crate::web::error::WebError;
use crate::web::pages::admin::Notice;
use crate::web::pages::imports::{ImportPage, ImportRow, ImportsPage, NewImportPage, ReasonRow};
use crate::web::pages::readers::Pick;
use crate::web::{files, upload};

const HERE: &str = "/admin/imports";
const NEEDS: Needs = Needs::Right(Right::Operate);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(HERE, NEEDS, list).in_nav("admin-nav-imports"),
        Route::upload(HERE, NEEDS, send),
        Route::get("/admin/imports/new", NEEDS, new),
        Route::get("/admin/imports/{import}", NEEDS, show),
        Route::get("/admin/imports/{import}/refused.csv", NEEDS, refused),
        Route::post("/admin/imports/{import}/start", NEEDS, start),
        Route::post("/admin/imports/{import}/cancel", NEEDS, cancel),
    ]
}

#[derive(Debug, Deserialize)]
struct Listed {
    after: Option<String>,
}

async fn list(State(state): State<AppState>, by: SignedIn, Query(ask): Query<Listed>) -> Response {
    match imports::list(&state.service, ask.after.as_deref()).await {
        Ok(page) => {
            let next_path = page.next.map(|next| format!("{HERE}?after={next}"));
            let imports = page.items.into_iter().map(row).collect();
            shell::page(&by, &ImportsPage { imports, next_path }, None)
        }
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

async fn new(State(state): State<AppState>, by: SignedIn) -> Response {
    form(&state, &by, None)
}

fn form(state: &AppState, by: &SignedIn, notice: Option<Notice>) -> Response {
    let library = state.service.library();
    let pick = |one: &crate::content::Series| Pick {
        value: one.slug.to_string(),
        text: one.title.clone(),
        chosen: library.series.len() == 1,
    };
    let page = NewImportPage {
        series: library.series.values().map(|one| pick(one)).collect(),
        megabytes: state.largest_import / 1_000_000,
    };
    shell::page(by, &page, notice)
}

/// The file is read while it comes, after the form's token has been looked at.
async fn send(State(state): State<AppState>, by: SignedIn, form_of: Result<Multipart, MultipartRejection>) -> Response {
    match sent(&state, &by, form_of).await {
        Ok(import) => shell::done(&path(import), "imports-sent"),
        Err(error @ (WebError::Internal | WebError::Unavailable | WebError::Busy)) => {
            shell::failed(by.visitor.language, &error)
        }
        Err(error) => form(&state, &by, Some(Notice { text: error.detail(), problem: true })),
    }
}

async fn sent(state: &AppState, by: &SignedIn, form: Result<Multipart, MultipartRejection>) -> Result<i64, WebError> {
    let form = form.map_err(|_| WebError::BadRequest("Choose a file.".into()))?;
    let sent = upload::read(state, form, Some(&by.visitor.form_token)).await?;
    let actor = match by.because(sent.field("why")) {
        Ok(actor) => actor,
        Err(error) => {
            sent.discard().await;
            return Err(error.into());
        }
    };
    let ask = sent.ask();
    Ok(sent.begin(ask, &actor).await?)
}

async fn show(
    State(state): State<AppState>,
    by: SignedIn,
    Path(import): Path<String>,
    Query(said): Query<Said>,
) -> Response {
    let notice = shell::said(by.visitor.language, said.said.as_deref());
    one(&state, &by, &import, notice).await
}

async fn one(state: &AppState, by: &SignedIn, import: &str, notice: Option<Notice>) -> Response {
    let looked = async { imports::show(&state.service, number(import)?).await };
    match looked.await {
        Ok(import) => shell::page(by, &page(import), notice),
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Deed {
    readers: String,
    why: String,
}

async fn start(
    State(state): State<AppState>,
    by: SignedIn,
    Path(import): Path<String>,
    Form(deed): Form<Deed>,
) -> Response {
    let started = async {
        let readers = deed.readers.trim().parse();
        let readers = readers.map_err(|_| ActionError::Refused("type the number of readers".into()))?;
        imports::start(&state.service, number(&import)?, readers, &by.because(&deed.why)?).await
    };
    match started.await {
        Ok(Started { import }) => shell::done(&path(import), "imports-started"),
        Err(error) => told(&state, &by, &import, error).await,
    }
}

async fn cancel(
    State(state): State<AppState>,
    by: SignedIn,
    Path(import): Path<String>,
    Form(deed): Form<Deed>,
) -> Response {
    let cancelled = async { imports::cancel(&state.service, number(&import)?, &by.because(&deed.why)?).await };
    match cancelled.await {
        Ok(_) => shell::done(&format!("{HERE}/{import}"), "imports-cancelled"),
        Err(error) => told(&state, &by, &import, error).await,
    }
}

/// Says on the import's page why something was not done.
async fn told(state: &AppState, by: &SignedIn, import: &str, error: ActionError) -> Response {
    match shell::refusal(by.visitor.language, error) {
        Ok(notice) => one(state, by, import, Some(notice)).await,
        Err(error) => shell::failed(by.visitor.language, &error),
    }
}

fn path(import: i64) -> String {
    format!("{HERE}/{import}")
}

async fn refused(State(state): State<AppState>, by: SignedIn, Path(import): Path<String>) -> Response {
    let file = async {
        let lines = RefusedLines::of(&state.service, number(&import)?).await?;
        files::of_refused_lines(&state, lines).await
    };
    file.await.unwrap_or_else(|error| shell::failed(by.visitor.language, &WebError::from(error)))
}

fn number(import: &str) -> Result<i64, ActionError> {
    import.parse().map_err(|_| ActionError::NotFound("import"))
}

fn page(view: ImportView) -> ImportPage {
    let refused = view.refused.iter();
    let reasons = refused.map(|(reason, count)| ReasonRow { text: reason.text(), count: *count }).collect();
    let (follows, followed_by, fault) = (view.follows, view.followed_by, view.progress.fault.clone());
    let by_itself = view.by_itself;
    let import = row(view);
    let readers = import.active + import.pending;
    let waits = by_itself && import.dry_run && import.ended && followed_by.is_none();
    ImportPage {
        refused_path: (import.refused > 0).then(|| format!("{}/refused.csv", import.path)),
        watched: !import.ended,
        by_itself,
        start_path: (waits && readers > 0).then(|| format!("{}/start", import.path)),
        cancel_path: (by_itself && (waits || !import.ended)).then(|| format!("{}/cancel", import.path)),
        follows_path: follows.map(path),
        followed_by_path: followed_by.map(path),
        readers,
        fault,
        import,
        reasons,
    }
}

fn row(import: ImportView) -> ImportRow {
    let ImportView { progress, who, why, at, .. } = import;
    let state = match (progress.ended, progress.cancelled, &progress.fault) {
        (false, ..) => "going on",
        (true, true, _) => "cancelled",
        (true, false, Some(_)) => "failed",
        (true, false, None) => "done",
    };
    ImportRow {
        path: path(progress.id),
        id: progress.id,
        series: progress.series,
        dry_run: progress.dry_run,
        ended: progress.ended,
        state,
        percent: (progress.octets_done * 100).checked_div(progress.octets).unwrap_or(100),
        lines: progress.lines,
        active: progress.active,
        pending: progress.pending,
        refused: progress.refused,
        at: shell::minute(at),
        who,
        why,
    }
}
