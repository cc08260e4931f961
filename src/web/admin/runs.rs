//! Runs: prepared in a form, looked at, started with a number, watched, paused, resumed, cancelled; and the switch of each
//! series.
use std::time::Duration;

use axum::extract::{Form, Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::AppState;
use super::Said;
use super::gate::SignedIn;
use super::route::{Needs, Route};
use super::shell::{self, minute};
use crate::actions::runs::choice::Choice;
use crate::actions::runs::dry_run::DryRun;
use crate::actions::runs::{self, RunView, Sampled};
use crate::actions::{ActionError, Actor, series, trigger};
use crate::content::Series;
use crate::messages::{self, Language};
use crate::model::{
    ConditionKey, EmailAddress, EnrollmentState, LeftOut, Overdue, Right, RunState, SeriesSlug, StepKey, What,
};
use crate::web::error::WebError;
use crate::web::pages::admin::Notice;
use crate::web::pages::readers::Pick;
use crate::web::pages::runs::{
    CountRow, DraftView, NewRunPage, ProgressView, RunPage, RunRow, RunsPage, SampleRow, SeriesSwitch, TestView,
};

const HERE: &str = "/admin/runs";
const NEEDS: Needs = Needs::Right(Right::Operate);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(HERE, NEEDS, list).in_nav("admin-nav-runs"),
        Route::post(HERE, NEEDS, prepare),
        Route::get("/admin/runs/new", NEEDS, form),
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

/// The form as it was typed.
#[derive(Debug, Default, Deserialize)]
struct Typed {
    #[serde(flatten)]
    choice: Choice,
    #[serde(default)]
    why: String,
}

async fn form(State(state): State<AppState>, by: SignedIn) -> Response {
    shell::page(&by, &form_page(&state, by.visitor.language, &Typed::default()), None)
}

async fn prepare(State(state): State<AppState>, by: SignedIn, Form(typed): Form<Typed>) -> Response {
    let prepared = async {
        let actor = because(&by, &typed.why)?;
        let draft = typed.choice.draft(&state.service).await?;
        runs::prepare(&state.service, &draft, &actor).await.map(|prepared| prepared.id)
    };
    let error = match prepared.await {
        Ok(run) => return axum::response::IntoResponse::into_response(axum::response::Redirect::to(&path(run))),
        // An address that is nobody's is a slip in the form, not a page that does not exist.
        Err(ActionError::NotFound(what)) => ActionError::Refused(format!("there is no such {what}")),
        Err(error) => error,
    };
    match shell::refusal(by.visitor.language, error) {
        Ok(notice) => shell::page(&by, &form_page(&state, by.visitor.language, &typed), Some(notice)),
        Err(error) => shell::failed(by.visitor.language, &error),
    }
}

fn because(by: &SignedIn, why: &str) -> Result<Actor, ActionError> {
    let why = why.trim();
    if why.is_empty() || why.len() > 1_000 {
        return Err(ActionError::Refused("say why, in at most 1,000 characters: it is recorded".into()));
    }
    Ok(by.actor().because(why))
}

fn path(run: i64) -> String {
    format!("{HERE}/{run}")
}

/// Whom a run can be for, and the message that says it.
const FOR: [(&str, &str); 6] = [
    ("reader", "run-for-reader"),
    ("due_within", "run-for-due-within"),
    ("not_received", "run-for-not-received"),
    ("received", "run-for-received"),
    ("filter", "run-for-filter"),
    ("list", "run-for-list"),
];
/// What it can send; a correction only where there is one.
const WHAT: [(&str, &str); 3] =
    [("next", "run-what-next"), ("step", "run-what-step"), ("correction", "run-what-correction")];

fn form_page(state: &AppState, language: Language, typed: &Typed) -> NewRunPage {
    let library = state.service.library();
    let choice = &typed.choice;
    let said = |words: &[(&str, &str)], chosen: &str| {
        words.iter().map(|(word, key)| pick(word, messages::text(language, key), chosen)).collect::<Vec<Pick>>()
    };
    let steps =
        |chosen: &str| -> Vec<Pick> { library.series.values().flat_map(|series| steps_of(series, chosen)).collect() };
    let corrections = library.series.values().flat_map(|series| &series.corrections);
    let state_of = |one: EnrollmentState| pick(one.as_str(), one.to_string(), &choice.state);
    let has_corrections = library.series.values().any(|series| !series.corrections.is_empty());
    NewRunPage {
        series: library.series.values().map(|one| pick(one.slug.as_str(), one.title.clone(), &choice.series)).collect(),
        whom: said(&FOR, &choice.whom),
        address: choice.address.clone(),
        within: choice.within.clone(),
        had: steps(&choice.had),
        version: choice.version.clone(),
        states: [EnrollmentState::Active, EnrollmentState::Paused, EnrollmentState::Completed].map(state_of).to_vec(),
        parts: choice.parts.clone(),
        languages: Language::ALL
            .into_iter()
            .map(|one| pick(one.tag(), one.own_name().to_owned(), &choice.language))
            .collect(),
        since: choice.since.clone(),
        until: choice.until.clone(),
        addresses: choice.addresses.clone(),
        what: said(if has_corrections { &WHAT } else { &WHAT[..2] }, &choice.what),
        steps: steps(&choice.step),
        again: !choice.again.is_empty(),
        corrections: corrections.map(|one| pick(one.key.as_str(), one.subject.clone(), &choice.correction)).collect(),
        why: typed.why.clone(),
    }
}

fn pick(value: &str, text: String, chosen: &str) -> Pick {
    Pick { value: value.to_owned(), text, chosen: value == chosen }
}

fn steps_of<'s>(series: &'s Series, chosen: &'s str) -> impl Iterator<Item = Pick> + 's {
    let text = |(index, subject): (usize, &str)| format!("{}. {subject}", index + 1);
    series
        .steps
        .iter()
        .enumerate()
        .map(move |(index, step)| pick(step.key.as_str(), text((index, &step.subject)), chosen))
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
        Ok(view) => shell::page(by, &page_of(state, by.visitor.language, &view, sample), notice),
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

fn number(run: &str) -> Result<i64, ActionError> {
    run.parse().map_err(|_| ActionError::NotFound("run"))
}

fn page_of(state: &AppState, language: Language, run: &RunView, sample: Vec<Sampled>) -> RunPage {
    let series = SeriesSlug::parse(&run.series).ok().and_then(|slug| state.service.series(&slug).ok());
    let is_draft = run.state == RunState::Draft;
    let is_over = run.ended_at.is_some();
    let draft = run.dry_run.as_ref().filter(|_| is_draft);
    let draft = draft.map(|found| draft_view(state, language, run, series.as_deref(), found, sample));
    RunPage {
        id: run.id,
        path: path(run.id),
        kind: run.kind.clone(),
        series_title: series.as_ref().map_or_else(|| run.series.clone(), |series| series.title.clone()),
        state: run.state.as_str(),
        who: run.who.clone(),
        why: run.why.clone(),
        at: minute(run.at),
        started: run.started_at.map(minute),
        ended: run.ended_at.map(minute),
        readers: run.readers,
        draft,
        progress: (!is_draft).then(|| progress_view(language, run)),
        may_pause: run.state == RunState::Running,
        may_resume: run.state == RunState::Paused,
        may_cancel: matches!(run.state, RunState::Draft | RunState::Running | RunState::Paused),
        watched: !is_over && (!is_draft || run.counted_at.is_none()),
    }
}

fn draft_view(
    state: &AppState,
    language: Language,
    run: &RunView,
    series: Option<&Series>,
    found: &DryRun,
    sample: Vec<Sampled>,
) -> DraftView {
    let rows = |counts: &std::collections::BTreeMap<String, i64>| {
        let mut rows: Vec<CountRow> =
            counts.iter().map(|(name, count)| CountRow { name: name.clone(), count: *count }).collect();
        rows.sort_by_key(|row| -row.count);
        rows
    };
    let left_out = rows(&found.left_out).into_iter().map(|row| {
        let name = messages::text(language, left_out_message(&row.name));
        CountRow { name, ..row }
    });
    let sample =
        sample.into_iter().map(|one| SampleRow { address: one.address, state: one.state, received: one.received });
    DraftView {
        counting: run.counted_at.is_none().then(|| run.counted_percent.max(1)),
        states: rows(&found.by_state),
        left_out: left_out.collect(),
        domains: rows(&found.by_domain),
        other_domains: found.other_domains,
        not_subscribers: found.not_subscribers,
        takes: run.seconds_left.map(span),
        test: series.and_then(|series| test_view(state, run, series)),
        sample: sample.collect(),
    }
}

/// The message that says why a run is not for somebody.
fn left_out_message(reason: &str) -> &'static str {
    match reason.parse() {
        Ok(LeftOut::Suppressed) => "run-left-suppressed",
        Ok(LeftOut::NotActive) => "run-left-not-active",
        Ok(LeftOut::NothingWaits) => "run-left-nothing-waits",
        Ok(LeftOut::NotYet) => "run-left-not-yet",
        Ok(LeftOut::Received) => "run-left-received",
        Ok(LeftOut::UnderWay) | Err(_) => "run-left-under-way",
    }
}

fn test_view(state: &AppState, run: &RunView, series: &Series) -> Option<TestView> {
    let editors: Vec<String> =
        state.service.settings().editors.iter().map(|editor| editor.as_typed().to_owned()).collect();
    let conditions = || {
        let first = series.conditions.first().map_or("", |one| one.key.as_str());
        series.conditions.iter().map(|one| pick(one.key.as_str(), one.name.clone(), first)).collect()
    };
    match &run.asked.as_ref()?.what {
        What::Next => Some(TestView { steps: steps_of(series, "").collect(), conditions: conditions(), editors }),
        What::Step { step, .. } => {
            let steps = steps_of(series, step.as_str()).filter(|pick| pick.chosen).collect();
            Some(TestView { steps, conditions: conditions(), editors })
        }
        What::Correction { .. } => Some(TestView { steps: Vec::new(), conditions: Vec::new(), editors }),
    }
}

fn progress_view(language: Language, run: &RunView) -> ProgressView {
    let counts = &run.counts;
    let counts = [
        ("run-count-accepted", counts.accepted),
        ("run-count-rejected", counts.rejected),
        ("run-count-skipped", counts.skipped),
        ("run-count-uncertain", counts.uncertain),
        ("run-count-pending", counts.pending),
        ("run-count-paused", counts.paused),
        ("run-count-taken-back", run.taken_back),
    ];
    let row = |(key, count): (&str, i64)| CountRow { name: messages::text(language, key), count };
    #[expect(clippy::cast_possible_truncation, reason = "a rate to look at")]
    let rate = run.per_minute.map(|rate| rate.round() as i64);
    ProgressView {
        settled: run.counts.settled(),
        counts: counts.into_iter().map(row).collect(),
        rate,
        left: run.seconds_left.map(span),
    }
}

/// `1h 20m`: the two largest units are enough.
fn span(seconds: i64) -> String {
    let text = humantime::format_duration(Duration::from_secs(seconds.unsigned_abs())).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
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
        let view = runs::show(&state.service, number(&run)?).await?;
        let missing = |what: &str| ActionError::Refused(format!("choose {what}"));
        let series = SeriesSlug::parse(&view.series).map_err(|_| ActionError::NotFound("series"))?;
        let to = EmailAddress::parse(&form.to).map_err(|_| missing("an editor"))?;
        let actor = by.actor().because(format!("a test for run {}", view.id));
        if let Some(What::Correction { key }) = view.asked.as_ref().map(|asked| &asked.what) {
            return trigger::test_correction(&state.service, &series, key, &to, &actor).await;
        }
        let step = StepKey::parse(&form.step).map_err(|_| missing("a part"))?;
        let condition = ConditionKey::parse(&form.condition).map_err(|_| missing("a condition"))?;
        trigger::test_send(&state.service, &series, &step, &condition, &to, &actor).await
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
    let done = async { runs::pause(&state.service, number(&run)?, &because(&by, &form.why)?).await };
    let done = done.await;
    told(&state, &by, &run, done, "runs-paused").await
}

async fn resume(
    State(state): State<AppState>,
    by: SignedIn,
    Path(run): Path<String>,
    Form(form): Form<RunForm>,
) -> Response {
    let done = async { runs::resume(&state.service, number(&run)?, &because(&by, &form.why)?).await };
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
        let actor = if is_draft { by.actor() } else { because(&by, &form.why)? };
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
    let done = async { series::pause(&state.service, &parsed(&slug)?, &because(&by, &form.why)?).await.map(drop) };
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
        series::resume(&state.service, &parsed(&slug)?, overdue, &because(&by, &form.why)?).await.map(drop)
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
