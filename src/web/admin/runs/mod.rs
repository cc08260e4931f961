//! Runs: prepared in a form, looked at, started with a number, watched, paused, resumed, cancelled; and the switch of each
//! series.
mod form;
mod view;

use axum::extract::{Form, Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::AppState;
use super::Said;
use super::gate::SignedIn;
use super::route::{Needs, Route};
use super::shell::{self, minute};
use crate::actions::runs::{self, RunView, Sampled, TestOf};
use crate::actions::{ActionError, series};
use crate::model::{ConditionKey, EmailAddress, Overdue, Right, RunState, SeriesSlug, StepKey};
use crate::web::error::WebError;
use crate::web::pages::admin::Notice;
use crate::web::pages::runs::{RunRow, RunsPage, SeriesSwitch};

const HERE: &str = "/admin/runs";
const NEEDS: Needs = Needs::Right(Right::Operate);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(HERE, NEEDS, list).in_nav("admin-nav-runs"),
        Route::post(HERE, NEEDS, form::prepare),
        Route::get("/admin/runs/new", NEEDS, form::show),
        Route::post("/admin/runs/series/{series}/pause", NEEDS, pause_series),
        Route::post("/admin/runs/series/{series}/resume", NEEDS, resume_series),
        Route::get("/admin/runs/{run}", NEEDS, show),
        Route::post("/admin/runs/{run}/sample", NEEDS, sample),
        Route::post("/admin/runs/{run}/test", NEEDS, test),
        Route::post("/admin/runs/{run}/start", NEEDS, start),
        Route::post("/admin/runs/{run}/pause", NEEDS, pause),
        Route::post("/admin/runs/{run}/resume", NEEDS, resume),
        Route::post("/admin/runs/{run}/cancel", NEEDS, cancel),
    ]
}

#[derive(Debug, Default, Deserialize)]
struct Listed {
    after: Option<String>,
    said: Option<String>,
}

async fn list(State(state): State<AppState>, by: SignedIn, Query(ask): Query<Listed>) -> Response {
    let notice = shell::said(by.visitor.language, ask.said.as_deref());
    runs_page(&state, &by, ask.after.as_deref(), notice).await
}

async fn runs_page(state: &AppState, by: &SignedIn, after: Option<&str>, notice: Option<Notice>) -> Response {
    let looked = async {
        let found = runs::list(&state.service, after, runs::PAGE).await?;
        let switch = |one: series::SeriesLine| SeriesSwitch { slug: one.slug, title: one.title, paused: one.paused };
        let series = series::list(&state.service).await?.into_iter().map(switch).collect();
        let next_path = found.next.map(|next| format!("{HERE}?after={next}"));
        Ok::<_, ActionError>(RunsPage { runs: found.items.into_iter().map(row).collect(), next_path, series })
    };
    match looked.await {
        Ok(page) => shell::page(by, &page, notice),
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

fn row(run: RunView) -> RunRow {
    RunRow {
        path: format!("{HERE}/{}", run.id),
        id: run.id,
        at: minute(run.at),
        kind: run.kind,
        series: run.series,
        state: run.state.as_str(),
        accepted: run.accepted,
        readers: run.readers,
        who: run.who,
        why: run.why,
    }
}

fn path(run: i64) -> String {
    format!("{HERE}/{run}")
}

async fn show(
    State(state): State<AppState>,
    by: SignedIn,
    Path(run): Path<String>,
    Query(said): Query<Said>,
) -> Response {
    let notice = shell::said(by.visitor.language, said.said.as_deref());
    run_page(&state, &by, &run, notice, Vec::new()).await
}

/// Addresses are shown to who asks for them, and that is written down: looking at a page writes nothing.
async fn sample(State(state): State<AppState>, by: SignedIn, Path(run): Path<String>) -> Response {
    let looked = async {
        let view = runs::show(&state.service, number(&run)?).await?;
        runs::sample(&state.service, &view, &by.actor()).await
    };
    match looked.await {
        Ok(sample) => run_page(&state, &by, &run, None, sample).await,
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

async fn run_page(
    state: &AppState,
    by: &SignedIn,
    run: &str,
    notice: Option<Notice>,
    sample: Vec<Sampled>,
) -> Response {
    let looked = async { runs::show(&state.service, number(run)?).await };
    match looked.await {
        Ok(view) => shell::page(by, &view::page_of(state, by.visitor.language, &view, sample), notice),
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

fn number(run: &str) -> Result<i64, ActionError> {
    run.parse().map_err(|_| ActionError::NotFound("run"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TestForm {
    step: String,
    condition: String,
    to: String,
}

async fn test(
    State(state): State<AppState>,
    by: SignedIn,
    Path(run): Path<String>,
    Form(form): Form<TestForm>,
) -> Response {
    let sent = async {
        let to = EmailAddress::parse(&form.to).map_err(|_| ActionError::Refused("choose an editor".into()))?;
        let of = TestOf { step: StepKey::parse(&form.step).ok(), condition: ConditionKey::parse(&form.condition).ok() };
        runs::test(&state.service, number(&run)?, &of, &to, by.actor()).await
    };
    let sent = sent.await.map(drop);
    told(&state, &by, &run, sent, "runs-test-sent").await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RunForm {
    readers: String,
    why: String,
}

async fn start(
    State(state): State<AppState>,
    by: SignedIn,
    Path(run): Path<String>,
    Form(form): Form<RunForm>,
) -> Response {
    let Ok(readers) = form.readers.trim().parse() else {
        let notice = shell::problem(by.visitor.language, "run-no-number");
        return run_page(&state, &by, &run, Some(notice), Vec::new()).await;
    };
    let started = async { runs::start(&state.service, number(&run)?, readers, &by.actor()).await };
    let started = started.await;
    told(&state, &by, &run, started, "runs-started").await
}

async fn pause(
    State(state): State<AppState>,
    by: SignedIn,
    Path(run): Path<String>,
    Form(form): Form<RunForm>,
) -> Response {
    let done = async { runs::pause(&state.service, number(&run)?, &by.because(&form.why)?).await };
    let done = done.await;
    told(&state, &by, &run, done, "runs-paused").await
}

async fn resume(
    State(state): State<AppState>,
    by: SignedIn,
    Path(run): Path<String>,
    Form(form): Form<RunForm>,
) -> Response {
    let done = async { runs::resume(&state.service, number(&run)?, &by.because(&form.why)?).await };
    let done = done.await;
    told(&state, &by, &run, done, "runs-resumed").await
}

/// A draft needs no reason: it has done nothing.
async fn cancel(
    State(state): State<AppState>,
    by: SignedIn,
    Path(run): Path<String>,
    Form(form): Form<RunForm>,
) -> Response {
    let done = async {
        let number = number(&run)?;
        let is_draft = runs::show(&state.service, number).await?.state == RunState::Draft;
        let actor = if is_draft { by.actor() } else { by.because(&form.why)? };
        runs::cancel(&state.service, number, &actor).await?;
        Ok(is_draft)
    };
    match done.await {
        Ok(true) => shell::done(HERE, "runs-thrown-away"),
        done => told(&state, &by, &run, done.map(drop), "runs-cancelled").await,
    }
}

/// Says on the run's page that something was done, or why it was not.
async fn told<T>(
    state: &AppState,
    by: &SignedIn,
    run: &str,
    done: Result<T, ActionError>,
    said: &'static str,
) -> Response {
    match done {
        Ok(_) => shell::done(&format!("{HERE}/{run}"), said),
        Err(error) => match shell::refusal(by.visitor.language, error) {
            Ok(notice) => run_page(state, by, run, Some(notice), Vec::new()).await,
            Err(error) => shell::failed(by.visitor.language, &error),
        },
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SeriesForm {
    overdue: String,
    why: String,
}

async fn pause_series(
    State(state): State<AppState>,
    by: SignedIn,
    Path(slug): Path<String>,
    Form(form): Form<SeriesForm>,
) -> Response {
    let done = async { series::pause(&state.service, &parsed(&slug)?, &by.because(&form.why)?).await.map(drop) };
    let done = done.await;
    switched(&state, &by, done, "series-paused").await
}

async fn resume_series(
    State(state): State<AppState>,
    by: SignedIn,
    Path(slug): Path<String>,
    Form(form): Form<SeriesForm>,
) -> Response {
    let done = async {
        let overdue: Overdue = form
            .overdue
            .parse()
            .map_err(|_| ActionError::Refused("choose what becomes of the parts that fell due meanwhile".into()))?;
        series::resume(&state.service, &parsed(&slug)?, overdue, &by.because(&form.why)?).await.map(drop)
    };
    let done = done.await;
    switched(&state, &by, done, "series-resumed").await
}

fn parsed(slug: &str) -> Result<SeriesSlug, ActionError> {
    SeriesSlug::parse(slug).map_err(|_| ActionError::NotFound("series"))
}

async fn switched(state: &AppState, by: &SignedIn, done: Result<(), ActionError>, said: &'static str) -> Response {
    match done {
        Ok(()) => shell::done(HERE, said),
        Err(error) => match shell::refusal(by.visitor.language, error) {
            Ok(notice) => runs_page(state, by, None, Some(notice)).await,
            Err(error) => shell::failed(by.visitor.language, &error),
        },
    }
}
