//! Working runs off: each step is one small transaction over a few hundred rows of one bucket, which commits what it did
//! together with the place where the next goes on. A process that dies takes nothing with it, and a second one that
//! comes at the same moment finds the run's row of `run_work` locked and leaves it alone.
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use tracing::Instrument as _;
use uuid::Uuid;

use super::dry_run::DryRun;
use super::{Counts, Detail};
use crate::actions::{ActionError, Service};
use crate::model::{
    Bucket, Candidate, ConditionKey, DeliveryState, Kind, LeftOut, Mark, Reached, RunState, What, add_mark, reach,
};
use crate::store::run_work::{self, Place, Work};
use crate::store::settle::{self, NewDelivery};
use crate::store::{runs, wake};

/// Enrollments that are looked at, and deliveries that are changed, in one transaction at most.
const A_STEP: i64 = 500;

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There may be more.
    Went,
    /// There is nothing to do for now.
    Nothing,
    /// Another process does it at this moment, or the run has ended.
    NotOurs,
}

/// Works off whatever there is to do on all runs, as long as `go_on` says so. Any number of processes may do this at once.
pub async fn work(service: &Service, go_on: impl Fn() -> bool) -> Result<(), ActionError> {
    let mut fault = None;
    for run in run_work::open_runs(service.db()).await? {
        // One that cannot go on does not keep the others waiting.
        if let Err(error) = work_on(service, run, &go_on).await {
            tracing::error!(run, %error, "a run does not go on");
            fault = Some(error);
        }
    }
    fault.map_or(Ok(()), Err)
}

async fn work_on(service: &Service, run: i64, go_on: impl Fn() -> bool) -> Result<(), ActionError> {
    while go_on() && step(service, run).await? == Step::Went {}
    if go_on() {
        look_after(service, run).await?;
    }
    Ok(())
}

/// One small transaction of one run.
pub async fn step(service: &Service, run: i64) -> Result<Step, ActionError> {
    let mut tx = service.db().begin().await?;
    let Some(work) = run_work::take(&mut *tx, run).await? else { return Ok(Step::NotOurs) };
    let sweeps = work.sweep.is_some() && work.sweep_at < Bucket::COUNT;
    let walks = work.at_bucket < Bucket::COUNT;
    let span = |name| tracing::info_span!(parent: None, "run", otel.name = name, regimen.run = run);
    match work.state {
        RunState::Draft if !work.counted => {
            count(service, &mut tx, &work).instrument(span("run count")).await?;
        }
        RunState::Running | RunState::Paused | RunState::Cancelled if sweeps => {
            sweep(service, &mut tx, &work).instrument(span("run sweep")).await?;
        }
        RunState::Running if walks => place(service, &mut tx, &work).instrument(span("run place")).await?,
        _ => {
            // At once, not when the connection is used again: until then it would look as if somebody worked on it.
            tx.rollback().await?;
            return Ok(Step::Nothing);
        }
    }
    if work.state == RunState::Running {
        wake(&mut *tx).await?;
    }
    tx.commit().await?;
    if work.state == RunState::Running {
        service.wake_dispatcher();
    }
    Ok(Step::Went)
}

/// The next enrollments of the dry run.
async fn count(service: &Service, tx: &mut PgConnection, work: &Work) -> Result<(), ActionError> {
    let detail = Detail::of(&work.detail)?;
    let mut found: DryRun = serde_json::from_value(work.dry_run.clone()).unwrap_or_default();
    let looked = look(service, tx, work, &detail).await?;
    for (bucket, one, reached) in &looked.readers {
        found.add(*bucket, one, *reached);
    }
    run_work::walked(&mut *tx, work.run, looked.next.0, looked.next.1, 0).await?;
    let over = (looked.next.0 >= Bucket::COUNT).then(|| service.clock().real());
    if over.is_some() {
        found = found.blurred();
    }
    let is_told = over.is_some() || !found.by_condition;
    let (readers, found) = (if is_told { found.reached } else { 0 }, json!(found));
    Ok(runs::set_counted(&mut *tx, work.run, readers, &found, over).await?)
}

/// The next deliveries of a run.
async fn place(service: &Service, tx: &mut PgConnection, work: &Work) -> Result<(), ActionError> {
    let detail = Detail::of(&work.detail)?;
    let hands = service.hands();
    let looked = look(service, tx, work, &detail).await?;
    let (mut due, mut copies, mut at) = (Vec::new(), Vec::new(), None);
    for (bucket, one, reached) in looked.readers {
        at = Some(bucket);
        match reached {
            Ok(Reached::MakeDue(delivery)) => due.push(delivery),
            Ok(Reached::Copy) => copies.push(NewDelivery {
                id: service.clock().uuid(),
                subscriber: one.subscriber,
                enrollment: one.enrollment,
                series: super::slug(&work.series)?,
                kind: if matches!(detail.what, What::Correction { .. }) { Kind::Correction } else { Kind::Step },
                step: detail.what.key().cloned(),
                occasion: work.run,
                state: DeliveryState::Pending,
                due_at: hands.series,
                run: Some(work.run),
            }),
            Err(_) => {}
        }
    }
    let mut placed = 0;
    if let Some(bucket) = at {
        placed += run_work::make_due(&mut *tx, bucket, work.run, &due, hands.series).await?;
        placed += settle::add_deliveries(&mut *tx, bucket, &copies, hands.real).await?;
    }
    let placed = i64::try_from(placed).unwrap_or(i64::MAX);
    run_work::walked(&mut *tx, work.run, looked.next.0, looked.next.1, placed).await?;
    Ok(())
}

struct Looked {
    readers: Vec<(Bucket, Candidate, Result<Reached, LeftOut>)>,
    /// Where the next look goes on.
    next: (i16, Uuid),
}

async fn look(service: &Service, tx: &mut PgConnection, work: &Work, detail: &Detail) -> Result<Looked, ActionError> {
    let bucket = Bucket::new(work.at_bucket).ok_or(ActionError::NotFound("bucket"))?;
    let place = Place { bucket, after: work.after, limit: A_STEP };
    let others: Vec<i64> = run_work::open_runs(&mut *tx).await?.into_iter().filter(|run| *run != work.run).collect();
    let now = service.clock().series();
    let asked = (&detail.who, &detail.what);
    let looked = run_work::look(&mut *tx, (&work.series, work.run), &place, asked, &others, now).await?;
    let condition = detail.condition.as_deref().map(|sealed| service.keyring().open_choice(sealed)).transpose();
    let condition = condition.map_err(|_| ActionError::Refused("the key of this run's condition is gone".into()))?;
    let readers = looked.candidates.into_iter().filter(|one| has(service, one, condition.as_ref())).map(|one| {
        let reached = reach(&detail.what, &one);
        (bucket, one, reached)
    });
    let next = match (looked.last, detail.only_bucket()) {
        (Some(last), _) => (bucket.get(), last),
        (None, Some(only)) if only > bucket.get() => (only, Uuid::nil()),
        (None, Some(_)) => (Bucket::COUNT, Uuid::nil()),
        (None, None) => (bucket.get() + 1, Uuid::nil()),
    };
    Ok(Looked { readers: readers.collect(), next })
}

/// Whether a reader has the condition that is asked for, if one is.
fn has(service: &Service, one: &Candidate, condition: Option<&ConditionKey>) -> bool {
    condition.is_none_or(|condition| {
        let sealed = one.sealed_condition.as_deref();
        let theirs = sealed.and_then(|sealed| service.keyring().open(sealed, one.subscriber).ok());
        theirs.as_ref() == Some(condition)
    })
}

/// The next of a run's own deliveries, after a pause, a resume or a cancel.
async fn sweep(service: &Service, tx: &mut PgConnection, work: &Work) -> Result<(), ActionError> {
    let bucket = Bucket::new(work.sweep_at).ok_or(ActionError::NotFound("bucket"))?;
    let is_cancelled = work.sweep.as_deref() == Some(Sweep::TAKE_BACK);
    let changed = match work.sweep.as_deref() {
        Some(Sweep::HOLD) => run_work::hold(&mut *tx, bucket, work.run, A_STEP).await?,
        Some(Sweep::RELEASE) => run_work::release(&mut *tx, bucket, work.run, A_STEP).await?,
        _ => run_work::take_back(&mut *tx, bucket, work.run, A_STEP, service.hands()).await?,
    };
    let taken_back = if is_cancelled { i64::try_from(changed).unwrap_or(i64::MAX) } else { 0 };
    let next = if changed < A_STEP.unsigned_abs() { bucket.get() + 1 } else { bucket.get() };
    run_work::swept(&mut *tx, work.run, next, taken_back).await?;
    if next >= Bucket::COUNT && work.sweep.as_deref() == Some(Sweep::RELEASE) {
        run_work::set_sweep(&mut *tx, work.run, None).await?;
    }
    Ok(())
}

/// The words of `run_work.sweep`.
pub(super) struct Sweep;

impl Sweep {
    pub(super) const HOLD: &str = "hold";
    pub(super) const RELEASE: &str = "release";
    pub(super) const TAKE_BACK: &str = "take back";
}

/// Sees whether a run has come to its end, and how fast it goes. What was with a relay when the run was paused or cancelled
/// may have come back since: it is held, or taken back, too.
async fn look_after(service: &Service, run: i64) -> Result<(), ActionError> {
    let mut tx = service.db().begin().await?;
    let Some(work) = run_work::take(&mut *tx, run).await? else { return Ok(()) };
    if work.state == RunState::Draft {
        tx.rollback().await?;
        return Ok(());
    }
    let states = runs::count_states(&mut *tx, run).await?;
    let of = |state: DeliveryState| states.get(state.as_str()).copied().unwrap_or(0);
    let queued = of(DeliveryState::Pending) + of(DeliveryState::Claimed);
    let open = queued + of(DeliveryState::Sending);
    let real = service.clock().real();
    match work.state {
        RunState::Running if open == 0 && work.at_bucket >= Bucket::COUNT && work.sweep.is_none() => {
            end(&mut tx, &work, &states, real).await?;
        }
        RunState::Paused if queued > 0 => run_work::set_sweep(&mut *tx, run, Some(Sweep::HOLD)).await?,
        RunState::Cancelled if queued + of(DeliveryState::Paused) > 0 => {
            run_work::set_sweep(&mut *tx, run, Some(Sweep::TAKE_BACK)).await?;
        }
        RunState::Cancelled if open == 0 => end(&mut tx, &work, &states, real).await?,
        _ => {}
    }
    let mut marks: Vec<Mark> = serde_json::from_value(work.marks).unwrap_or_default();
    add_mark(&mut marks, (real, Counts::of(&states).settled()));
    run_work::set_marks(&mut *tx, run, &json!(marks)).await?;
    tx.commit().await?;
    Ok(())
}

async fn end(
    tx: &mut PgConnection,
    work: &Work,
    states: &BTreeMap<String, i64>,
    real: DateTime<Utc>,
) -> Result<(), ActionError> {
    let mut outcome: Value = json!(states);
    let pruned = runs::by_id(&mut *tx, work.run).await?.map_or(0, |run| run.accepted_pruned);
    let accepted = states.get("accepted").copied().unwrap_or(0) + pruned;
    outcome["accepted"] = json!(accepted);
    super::forget_list(tx, work.run, &work.detail).await?;
    runs::end(&mut *tx, work.run, work.state, &outcome, real).await?;
    Ok(())
}
