//! Runs: whom to send what, by hand. A run is prepared as a draft, counted without doing anything, and started by whoever
//! says how many it reaches; then it is worked off (`work`), and can be paused, resumed and cancelled.
pub mod choice;
pub mod dry_run;
pub mod work;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::audit::{self, Target};
use super::once::{self, Done};
use super::readers::full;
use super::{ActionError, Actor, Page, Service};
use crate::model::{Bucket, EmailAddress, RunState, SeriesSlug, What, Who, rate_per_minute, time_for};
pub use crate::store::runs::Sampled;
use crate::store::runs::{self, NewRun, Run};
use crate::store::{admin, run_work, wake};
use dry_run::DryRun;
use work::{Step, Sweep};

/// A dry run is good for this long (real time): after it, readers have gone on.
const COUNT_IS_GOOD_FOR: TimeDelta = TimeDelta::hours(1);
/// Runs on a page of the list.
pub const PAGE: u32 = 50;
/// A list may name so many addresses.
pub const LONGEST_LIST: usize = 200_000;

/// What is asked for, as the row keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Detail {
    pub who: Who,
    pub what: What,
}

impl Detail {
    fn of(value: &Value) -> Result<Self, ActionError> {
        Self::read(value).ok_or_else(|| ActionError::Refused("this run was made by another version of regimen".into()))
    }

    fn read(value: &Value) -> Option<Self> {
        serde_json::from_value(value.clone()).ok()
    }

    fn is_list(&self) -> bool {
        self.who == Who::List
    }

    /// Where the only reader is, if it is one.
    fn only_bucket(&self) -> Option<i16> {
        match self.who {
            Who::Reader { bucket, .. } => Some(bucket),
            _ => None,
        }
    }
}

/// A run as an admin asks for it.
#[derive(Debug)]
pub struct NewDraft {
    pub series: SeriesSlug,
    pub who: Who,
    pub what: What,
    /// For [`Who::List`]; others have none.
    pub addresses: Vec<EmailAddress>,
}

/// A draft that was written.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Prepared {
    pub id: i64,
    /// Always `draft`.
    #[schema(value_type = String)]
    pub state: RunState,
}

/// Writes a draft, which sends nothing. Its dry run is worked off like everything else.
pub async fn prepare(service: &Service, draft: &NewDraft, by: &Actor) -> Result<Prepared, ActionError> {
    check(service, draft)?;
    let detail = Detail { who: draft.who.clone(), what: draft.what.clone() };
    let sends = draft.what.sends();
    let new = NewRun {
        kind: if matches!((&draft.who, &draft.what), (Who::DueWithin { .. }, What::Next)) {
            "send due"
        } else {
            draft.what.kind()
        },
        series: &draft.series,
        // A reason that is about one reader may name them. It is kept in the audit log alone, which fewer see.
        by: (&by.who, if matches!(draft.who, Who::Reader { .. }) { "for one reader" } else { &by.why }),
        detail: &json!(detail),
        sends: sends.as_deref(),
        at: service.clock().real(),
    };
    let mut tx = service.db().begin().await?;
    let run = runs::add(&mut tx, &new).await?;
    if detail.is_list() {
        let not_subscribers = add_list(&mut tx, run, &draft.addresses).await?;
        let found = DryRun { not_subscribers, ..DryRun::default() };
        runs::set_counted(&mut *tx, run, 0, &json!(found), None).await?;
    }
    let details = json!({ "run": run, "series": draft.series.as_str(), "for": draft.who.word(), "sends": sends });
    audit::record_with(service, &mut *tx, by, "prepare run", target(run, Some(&detail)), &details).await?;
    let prepared = once::answer(&mut tx, by, Prepared { id: run, state: RunState::Draft }).await?;
    tx.commit().await?;
    Ok(prepared)
}

/// What is done to one reader is found under the reader.
fn target(run: i64, detail: Option<&Detail>) -> Target<'static> {
    match detail.map(|detail| &detail.who) {
        Some(Who::Reader { subscriber, .. }) => Target::Subscriber(*subscriber),
        _ => Target::Run(run),
    }
}

fn check(service: &Service, draft: &NewDraft) -> Result<(), ActionError> {
    let series = service.series(&draft.series)?;
    let steps = match (&draft.who, &draft.what) {
        (Who::NotReceived { step } | Who::Received { step, .. }, What::Step { step: other, .. }) => vec![step, other],
        (Who::NotReceived { step } | Who::Received { step, .. }, _) | (_, What::Step { step, .. }) => vec![step],
        _ => Vec::new(),
    };
    if steps.into_iter().any(|step| series.step(step).is_none()) {
        return Err(ActionError::NotFound("step in this series"));
    }
    if let What::Correction { key } = &draft.what
        && series.correction(key).is_none()
    {
        return Err(ActionError::NotFound("correction in this series"));
    }
    if draft.who == Who::List && draft.addresses.is_empty() {
        return Err(ActionError::Refused("the list names no address".into()));
    }
    if draft.addresses.len() > LONGEST_LIST {
        return Err(ActionError::Refused(format!("a list may name {LONGEST_LIST} addresses at most: cut it up")));
    }
    Ok(())
}

/// Notes the subscribers whom a list names, and answers how many of its addresses are none.
async fn add_list(tx: &mut PgConnection, run: i64, addresses: &[EmailAddress]) -> Result<i64, ActionError> {
    let mut by_bucket: BTreeMap<Bucket, Vec<String>> = BTreeMap::new();
    for address in addresses {
        by_bucket.entry(address.bucket()).or_default().push(address.normalised().to_owned());
    }
    let mut unknown = 0;
    for (bucket, mut normalised) in by_bucket {
        normalised.sort_unstable();
        normalised.dedup();
        let known = runs::add_readers(&mut *tx, bucket, run, &normalised).await?;
        unknown += normalised.len() as u64 - known;
    }
    Ok(i64::try_from(unknown).unwrap_or(i64::MAX))
}

async fn forget_list(tx: &mut PgConnection, run: i64, detail: &Value) -> Result<(), ActionError> {
    if Detail::read(detail).is_some_and(|detail| detail.is_list()) {
        for bucket in Bucket::all() {
            runs::forget_readers(&mut *tx, bucket, run).await?;
        }
    }
    Ok(())
}

/// The subscriber of an address, as a run names one reader.
pub async fn reader(service: &Service, address: &EmailAddress) -> Result<Who, ActionError> {
    let subscriber = admin::subscriber_id(service.db(), address).await?.ok_or(ActionError::NotFound("subscriber"))?;
    Ok(Who::Reader { bucket: address.bucket().get(), subscriber })
}

/// Starts a draft. `readers` is the number that its dry run found, typed by whoever starts it: whoever has seen another
/// number, or comes second, starts nothing.
pub async fn start(service: &Service, run: i64, readers: i64, by: &Actor) -> Result<Done, ActionError> {
    start_answering(service, run, readers, by, Done { done: true }).await
}

/// The same, with what a call is answered when it is made again under its key.
pub(super) async fn start_answering<T: Serialize>(
    service: &Service,
    run: i64,
    readers: i64,
    by: &Actor,
    answer: T,
) -> Result<T, ActionError> {
    let real = service.clock().real();
    let mut tx = service.db().begin().await?;
    let draft = locked(&mut tx, run).await?;
    match runs::start(&mut *tx, run, readers, real - COUNT_IS_GOOD_FOR, real).await {
        Ok(true) => {}
        Ok(false) => return Err(ActionError::Refused(why_not_started(&draft, readers, real))),
        Err(sqlx::Error::Database(error)) if error.constraint() == Some(runs::ONE_AT_A_TIME) => {
            return Err(ActionError::Refused(
                "another run that sends the same is not over: wait for it, or cancel it".into(),
            ));
        }
        Err(error) => return Err(error.into()),
    }
    run_work::begin_walk(&mut *tx, run).await?;
    let details = json!({ "run": run, "readers": readers });
    let of = target(run, Detail::read(&draft.detail).as_ref());
    audit::record_with(service, &mut *tx, by, "start run", of, &details).await?;
    let answer = once::answer(&mut tx, by, answer).await?;
    tx.commit().await?;
    Ok(answer)
}

fn why_not_started(draft: &Run, readers: i64, real: DateTime<Utc>) -> String {
    match (draft.state, draft.counted_at) {
        (RunState::Draft, None) => "it is not counted yet: look at the dry run first".into(),
        (RunState::Draft, Some(_)) if draft.readers != readers => {
            "the number is not the one that the dry run found: look at it again".into()
        }
        (RunState::Draft, Some(at)) if at < real - COUNT_IS_GOOD_FOR => {
            "the dry run is more than an hour old: prepare the run anew".into()
        }
        (RunState::Draft, Some(_)) => {
            "another run has sent the same since this one was counted: prepare it anew if it is still needed".into()
        }
        (state, _) => format!("this run is {state} already"),
    }
}

/// A run and its work, held until the transaction ends.
async fn locked(tx: &mut PgConnection, run: i64) -> Result<Run, ActionError> {
    if !run_work::lock(&mut *tx, run).await? {
        return Err(not_found(runs::by_id(&mut *tx, run).await?.is_some()));
    }
    runs::by_id(&mut *tx, run).await?.ok_or(ActionError::NotFound("run"))
}

/// A run of before 0012 has no work left that could be stopped.
fn not_found(is_old: bool) -> ActionError {
    if is_old { ActionError::Refused("this run is over".into()) } else { ActionError::NotFound("run") }
}

/// Nothing of a run that is not with a relay yet is handed to one until it is resumed.
pub async fn pause(service: &Service, run: i64, by: &Actor) -> Result<Done, ActionError> {
    change(service, run, &[RunState::Running], RunState::Paused, Sweep::HOLD, ("pause run", by)).await
}

pub async fn resume(service: &Service, run: i64, by: &Actor) -> Result<Done, ActionError> {
    change(service, run, &[RunState::Paused], RunState::Running, Sweep::RELEASE, ("resume run", by)).await
}

/// Takes back what is not with a relay: copies are skipped, and a scheduled step comes when it would have come by itself. A
/// draft is thrown away.
pub async fn cancel(service: &Service, run: i64, by: &Actor) -> Result<Done, ActionError> {
    let from = [RunState::Running, RunState::Paused, RunState::Draft];
    change(service, run, &from, RunState::Cancelled, Sweep::TAKE_BACK, ("cancel run", by)).await
}

async fn change(
    service: &Service,
    run: i64,
    from: &[RunState],
    to: RunState,
    sweep: &str,
    (action, by): (&str, &Actor),
) -> Result<Done, ActionError> {
    let mut tx = service.db().begin().await?;
    let now = locked(&mut tx, run).await?;
    if !from.contains(&now.state) {
        return Err(ActionError::Refused(format!("this run is {}", now.state)));
    }
    if now.state == RunState::Draft {
        forget_list(&mut tx, run, &now.detail).await?;
        runs::throw_away(&mut tx, run).await?;
    } else {
        runs::change(&mut *tx, run, now.state, to).await?;
        run_work::set_sweep(&mut *tx, run, Some(sweep)).await?;
    }
    let of = target(run, Detail::read(&now.detail).as_ref());
    audit::record_with(service, &mut *tx, by, action, of, &json!({ "run": run })).await?;
    wake(&mut *tx).await?;
    let done = once::answer(&mut tx, by, Done { done: true }).await?;
    tx.commit().await?;
    Ok(done)
}

/// Works on one run until there is nothing to do for now. For whoever waits for it; in a service the ticker does it.
pub async fn work_now(service: &Service, run: i64) -> Result<(), ActionError> {
    loop {
        match work::step(service, run).await? {
            Step::Went => {}
            Step::Nothing => return Ok(()),
            Step::NotOurs if runs::by_id(service.db(), run).await?.is_none_or(|run| run.ended_at.is_some()) => {
                return Ok(());
            }
            Step::NotOurs => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// How many of a run's deliveries have come to what. Those of readers who were erased since are in none.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Counts {
    pub accepted: i64,
    pub rejected: i64,
    pub skipped: i64,
    pub uncertain: i64,
    /// Owed, under way, or waiting for another try.
    pub pending: i64,
    /// Held while the run or the reader is paused.
    pub paused: i64,
}

impl Counts {
    fn of(states: &BTreeMap<String, i64>) -> Self {
        let of = |state: &str| states.get(state).copied().unwrap_or(0);
        Self {
            accepted: of("accepted"),
            rejected: of("rejected"),
            skipped: of("skipped"),
            uncertain: of("uncertain"),
            pending: of("pending") + of("claimed") + of("sending"),
            paused: of("paused"),
        }
    }

    pub fn settled(&self) -> i64 {
        self.accepted + self.rejected + self.skipped + self.uncertain
    }
}

fn settled(states: &BTreeMap<String, i64>) -> i64 {
    Counts::of(states).settled()
}

/// A run and how far it is.
#[derive(Debug, Clone, Serialize)]
pub struct RunView {
    pub id: i64,
    pub kind: String,
    pub series: String,
    pub state: RunState,
    pub who: String,
    pub why: String,
    /// None in a list, and for a run that another version has made.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    pub at: DateTime<Utc>,
    pub counted_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// How many it reaches, as the dry run counted.
    pub readers: i64,
    pub accepted: i64,
    pub counts: Counts,
    /// How many were made due or written so far, and how many were taken back.
    pub placed: i64,
    pub taken_back: i64,
    /// While the dry run goes on: how much of it is done.
    pub counted_percent: i64,
    /// None in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<DryRun>,
    pub per_minute: Option<f64>,
    pub seconds_left: Option<i64>,
}

/// The same as [`Detail`], for who reads it.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    #[serde(rename = "for")]
    pub whom: Who,
    pub what: What,
}

/// One run. While it goes on its deliveries are counted; afterwards it says what it said at its end.
pub async fn show(service: &Service, run: i64) -> Result<RunView, ActionError> {
    let run = runs::by_id(service.db(), run).await?.ok_or(ActionError::NotFound("run"))?;
    view(service, run).await
}

/// The newest first, `limit` at a time.
pub async fn list(service: &Service, after: Option<&str>, limit: u32) -> Result<Page<RunView>, ActionError> {
    let before = after.map(str::parse).transpose().map_err(|_| ActionError::Cursor)?;
    let limit = i64::from(limit.clamp(1, 500));
    let mut items = Vec::new();
    for run in runs::list(service.db(), before, limit).await? {
        // Who may see figures sees nothing of one reader.
        items.push(RunView { asked: None, dry_run: None, ..view(service, run).await? });
    }
    let is_full = full(items.len(), limit);
    let next = items.last().filter(|_| is_full).map(|last| last.id.to_string());
    Ok(Page { items, next })
}

async fn view(service: &Service, run: Run) -> Result<RunView, ActionError> {
    let work = runs::progress(service.db(), run.id).await?;
    let counts = match (&run.outcome, run.started_at) {
        (Some(outcome), _) => Counts::of(&serde_json::from_value(outcome.clone()).unwrap_or_default()),
        (None, None) => Counts::default(),
        (None, Some(_)) => {
            let counts = Counts::of(&runs::count_states(service.db(), run.id).await?);
            Counts { accepted: counts.accepted + run.accepted_pruned, ..counts }
        }
    };
    let goes_on = run.state == RunState::Running;
    let per_minute = work.as_ref().filter(|_| goes_on).and_then(|work| rate_per_minute(&work.marks));
    let (left, rate) = match run.state {
        RunState::Draft => (run.readers, service.settings().sends_per_minute.map(f64::from)),
        _ => (run.readers - counts.settled(), per_minute),
    };
    let seconds_left = rate.and_then(|rate| time_for(left, rate)).map(|time| time.num_seconds());
    let at_bucket = work.as_ref().map_or(0, |work| i64::from(work.at_bucket));
    Ok(RunView {
        id: run.id,
        kind: run.kind,
        series: run.series,
        state: run.state,
        who: run.who,
        why: run.why,
        asked: Detail::read(&run.detail).map(|detail| Asked { whom: detail.who, what: detail.what }),
        at: run.at,
        counted_at: run.counted_at,
        started_at: run.started_at,
        ended_at: run.ended_at,
        readers: run.readers,
        accepted: counts.accepted,
        counts,
        placed: work.as_ref().map_or(run.readers, |work| work.placed),
        taken_back: work.as_ref().map_or(0, |work| work.taken_back),
        counted_percent: if run.counted_at.is_some() { 100 } else { at_bucket * 100 / i64::from(Bucket::COUNT) },
        dry_run: Some(serde_json::from_value(run.dry_run).unwrap_or_default()),
        per_minute,
        seconds_left: seconds_left.filter(|_| goes_on || run.state == RunState::Draft),
    })
}

/// The readers of a dry run's sample; that an admin has seen their addresses is written down.
pub async fn sample(service: &Service, run: &RunView, by: &Actor) -> Result<Vec<Sampled>, ActionError> {
    let mut sample = Vec::new();
    for (bucket, enrollment) in run.dry_run.iter().flat_map(|found| &found.sample) {
        let Some(bucket) = Bucket::new(*bucket) else { continue };
        sample.extend(runs::sampled(service.db(), bucket, *enrollment).await?);
    }
    if !sample.is_empty() {
        let details = json!({ "readers": sample.len() });
        audit::record_with(service, service.db(), by, "see sample of run", Target::Run(run.id), &details).await?;
    }
    Ok(sample)
}

fn slug(text: &str) -> Result<SeriesSlug, ActionError> {
    SeriesSlug::parse(text).map_err(|_| ActionError::NotFound("series"))
}
