//! Runs: whom to send what, by hand. A run is prepared as a draft, counted without doing anything, and started by whoever
//! says how many it reaches; then it is worked off (`work`), and can be paused, resumed and cancelled.
pub mod choice;
pub mod dry_run;
mod look;
mod test;
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
use super::{ActionError, Actor, Service};
use crate::model::{Bucket, ConditionKey, EmailAddress, RunState, SeriesSlug, What, Who};
use crate::store::runs::{self, NewRun, Run};
use crate::store::{admin, run_work, wake};
use dry_run::DryRun;
pub use look::{Asked, Counts, PAGE, RunView, Sampled, list, sample, show};
pub use test::{TestOf, test};
use work::{Step, Sweep};

/// A dry run is good for this long (real time): after it, readers have gone on.
const COUNT_IS_GOOD_FOR: TimeDelta = TimeDelta::hours(1);
/// A draft that nobody starts is thrown away after this long (real time).
const DRAFT_IS_KEPT_FOR: TimeDelta = TimeDelta::days(7);
/// A list may name so many addresses.
pub const LONGEST_LIST: usize = 200_000;

/// What is asked for, as the row keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Detail {
    pub who: Who,
    pub what: What,
    /// Sealed: only those with this condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
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
    /// For [`Who::Filter`]: only those with this condition.
    pub condition: Option<ConditionKey>,
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
    let seal = |condition| service.keyring().seal_choice(condition, service.clock().random_bytes());
    let condition = draft.condition.as_ref().map(seal);
    let detail = Detail { who: draft.who.clone(), what: draft.what.clone(), condition };
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
    let mut found = DryRun { by_condition: draft.condition.is_some(), ..DryRun::default() };
    if detail.is_list() {
        found.not_subscribers = add_list(&mut tx, run, &draft.addresses).await?;
    }
    if found != DryRun::default() {
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
    if let Some(condition) = &draft.condition
        && series.condition(condition).is_none()
    {
        return Err(ActionError::NotFound("condition in this series"));
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
    // Those few whom the dry run did not count would be reached.
    if readers == 0 && Detail::read(&draft.detail).is_some_and(|detail| detail.condition.is_some()) {
        return Err(ActionError::Refused(
            "fewer than five readers fit: with a condition, a run is for five or more".into(),
        ));
    }
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
        throw_away(&mut tx, &now).await?;
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

async fn throw_away(tx: &mut PgConnection, draft: &Run) -> Result<(), ActionError> {
    forget_list(tx, draft.id, &draft.detail).await?;
    Ok(runs::throw_away(tx, draft.id).await?)
}

/// Throws away the drafts that nobody has started. Answers how many.
pub async fn forget_drafts(service: &Service) -> Result<u64, ActionError> {
    let before = service.clock().real() - DRAFT_IS_KEPT_FOR;
    let mut forgotten = 0;
    for run in runs::drafts_of_before(service.db(), before).await? {
        let mut tx = service.db().begin().await?;
        // Another process may have thrown it away, or somebody started it, since it was found.
        if !run_work::lock(&mut *tx, run).await? {
            continue;
        }
        let draft = runs::by_id(&mut *tx, run).await?.filter(|run| run.state == RunState::Draft);
        if let Some(draft) = draft {
            throw_away(&mut tx, &draft).await?;
            tx.commit().await?;
            forgotten += 1;
        }
    }
    Ok(forgotten)
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

fn slug(text: &str) -> Result<SeriesSlug, ActionError> {
    SeriesSlug::parse(text).map_err(|_| ActionError::NotFound("series"))
}
