//! How each series does: its books, its funnel, its days, what comes next.
//!
//! With millions of rows this takes seconds, so nobody waits for it but the first who asks: whoever comes later gets what
//! was counted last, with the moment it is of, and sets off the next counting when that is old. What is counted quickly is
//! counted often: a hundredth of the time at the most goes into it.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::{ActionError, Service};
use crate::model::{DeliveryState, EnrollmentState, Kind, SeriesSlug, StepKey};
use crate::store::admin::{self, BookLine};
use crate::store::dashboard::{self as store, Standing};
pub use crate::store::dashboard::{Coming, Day, RelayDay};
use crate::store::readers;

/// How many days back and ahead are told.
const BACK: u64 = 30;
const AHEAD: i64 = 7;
/// What was counted is good for this long, or for as many times as long as it took.
const FRESH: Duration = Duration::from_secs(2);
const FRESH_TIMES: u32 = 100;

/// What is known of one series, all of one moment.
#[derive(Debug, Clone)]
pub struct Figures {
    pub as_of: DateTime<Utc>,
    pub paused: bool,
    /// Signed up, confirmed, received each part, completed; each counts those who came at least so far.
    pub funnel: Vec<(Stage, i64)>,
    pub books: Vec<Account>,
    /// The last days on which something was accepted, the oldest first.
    pub days: Vec<Day>,
    /// What waits and is due within an hour of series time.
    pub next_hour: i64,
    /// What waits, by the day it is due. A reader's later parts are written when the one before was accepted, and so are
    /// not in it yet.
    pub coming: Vec<Coming>,
}

/// How far a reader came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    SignedUp,
    Confirmed,
    /// From 1.
    Received(usize),
    Completed,
}

/// A line of the books. What is due is the sum of the rest, but for what is due later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    pub kind: String,
    /// From 1, of a step that the series still has.
    pub part: Option<usize>,
    pub step: Option<String>,
    /// Copies besides the scheduled one.
    pub repeats: bool,
    pub accepted: i64,
    pub rejected: i64,
    pub uncertain: i64,
    /// Due and not at its end: also what was put off, is on its way or paused.
    pub waiting: i64,
    /// By reason.
    pub skipped: BTreeMap<String, i64>,
    /// Not due yet.
    pub later: i64,
}

impl Account {
    pub fn due(&self) -> i64 {
        self.accepted + self.rejected + self.uncertain + self.waiting + self.skipped.values().sum::<i64>()
    }

    fn add(&mut self, line: &BookLine) {
        match line.state.parse() {
            Ok(DeliveryState::Accepted) => self.accepted += line.count,
            Ok(DeliveryState::Rejected) => self.rejected += line.count,
            Ok(DeliveryState::Uncertain) => self.uncertain += line.count,
            Ok(DeliveryState::Skipped) => {
                let reason = line.reason.clone().unwrap_or_default();
                *self.skipped.entry(reason).or_default() += line.count;
            }
            _ if line.due => self.waiting += line.count,
            _ => self.later += line.count,
        }
    }
}

/// What was counted last, of each series.
#[derive(Default)]
pub struct Kept {
    counted: Mutex<BTreeMap<SeriesSlug, Counted>>,
    /// Only one counts at a time.
    counting: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Counted {
    figures: Arc<Figures>,
    at: Instant,
    took: Duration,
}

impl Counted {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < FRESH.max(self.took * FRESH_TIMES)
    }
}

impl Kept {
    fn of(&self, series: &SeriesSlug) -> Option<Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).get(series).cloned()
    }

    fn keep(&self, series: &SeriesSlug, counted: Counted) {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).insert(series.clone(), counted);
    }
}

/// What is known of a series. Waits only when nothing is known yet.
pub async fn look(service: &Service, series: &SeriesSlug) -> Result<Arc<Figures>, ActionError> {
    service.series(series)?;
    match service.figures().of(series) {
        Some(known) if known.is_fresh() => Ok(known.figures),
        Some(known) => {
            let (service, series) = (service.clone(), series.clone());
            tokio::spawn(async move {
                // Who counts already will know soon enough.
                let Ok(_only) = service.figures().counting.try_lock() else { return };
                if let Err(error) = count_and_keep(&service, &series).await {
                    tracing::warn!(%error, %series, "the figures of a series could not be counted");
                }
            });
            Ok(known.figures)
        }
        None => {
            let _only = service.figures().counting.lock().await;
            match service.figures().of(series) {
                Some(known) => Ok(known.figures),
                None => count_and_keep(service, series).await,
            }
        }
    }
}

async fn count_and_keep(service: &Service, series: &SeriesSlug) -> Result<Arc<Figures>, ActionError> {
    let at = Instant::now();
    let figures = Arc::new(count(service, series).await?);
    service.figures().keep(series, Counted { figures: figures.clone(), at: Instant::now(), took: at.elapsed() });
    Ok(figures)
}

/// Counts anew, which reads every delivery of the series.
pub async fn count(service: &Service, slug: &SeriesSlug) -> Result<Figures, ActionError> {
    let series = service.series(slug)?;
    let (real, now) = (service.clock().real(), service.clock().series());
    let since = real - TimeDelta::days(i64::try_from(BACK).unwrap_or(i64::MAX));
    let mut tx = service.db().begin().await?;
    store::of_one_moment(&mut tx).await?;
    let standings = store::standings(&mut *tx, slug).await?;
    let lines = admin::books(&mut *tx, slug, now).await?;
    let days = store::days(&mut *tx, slug, since).await?;
    let next_hour = store::count_due_before(&mut *tx, slug, now + TimeDelta::hours(1)).await?;
    let coming = store::coming(&mut *tx, slug, now, now + TimeDelta::days(AHEAD)).await?;
    let paused = readers::series_pause(&mut *tx, slug.as_str()).await?.is_some();
    tx.rollback().await?;
    let position = |step: &str| StepKey::parse(step).ok().and_then(|key| series.position(&key)).map(|index| index + 1);
    Ok(Figures {
        as_of: real,
        paused,
        funnel: funnel(&standings, series.steps.len()),
        books: accounts(&lines, position),
        days: every_day(&days, real.date_naive(), BACK, |day| day.day, |day| Day { day, accepted: 0, late: None }),
        next_hour,
        coming: coming_days(&coming, now.date_naive()),
    })
}

fn funnel(standings: &[Standing], parts: usize) -> Vec<(Stage, i64)> {
    let count = |fits: &dyn Fn(&Standing) -> bool| -> i64 {
        standings.iter().filter(|one| fits(one)).map(|one| one.count).sum()
    };
    let completed = |one: &Standing| one.state == EnrollmentState::Completed.as_str();
    let mut stages = vec![(Stage::SignedUp, count(&|_| true)), (Stage::Confirmed, count(&|one| one.confirmed))];
    for part in 1..=parts {
        // A series that was shortened leaves readers who completed it with more steps than it has, or fewer.
        let came = |one: &Standing| usize::try_from(one.steps).is_ok_and(|steps| steps >= part);
        stages.push((Stage::Received(part), count(&came)));
    }
    stages.push((Stage::Completed, count(&completed)));
    stages
}

/// Steps in the order of the series, then all else, each with its repeats after it.
fn accounts(lines: &[BookLine], position: impl Fn(&str) -> Option<usize>) -> Vec<Account> {
    let mut accounts: BTreeMap<(&str, Option<&str>, bool), Account> = BTreeMap::new();
    for line in lines {
        let (kind, step) = (line.kind.as_str(), line.step.as_deref());
        let account = accounts.entry((kind, step, line.repeats)).or_insert_with(|| Account {
            kind: kind.to_owned(),
            part: step.and_then(&position),
            step: step.map(ToOwned::to_owned),
            repeats: line.repeats,
            ..Account::default()
        });
        account.add(line);
    }
    let mut accounts: Vec<Account> = accounts.into_values().collect();
    let is_step = |one: &Account| one.kind == Kind::Step.as_str();
    accounts.sort_by_key(|one| (!is_step(one), one.part.is_none(), one.part, one.kind.clone(), one.repeats));
    accounts
}

/// The days up to `today`, also those on which there was nothing; what is older than `back` days is left out.
fn every_day<T: Clone>(
    known: &[T],
    today: NaiveDate,
    back: u64,
    day_of: impl Fn(&T) -> NaiveDate,
    empty: impl Fn(NaiveDate) -> T,
) -> Vec<T> {
    let days = (0..back).rev().filter_map(|ago| today.checked_sub_days(Days::new(ago)));
    days.map(|day| known.iter().find(|one| day_of(one) == day).cloned().unwrap_or_else(|| empty(day))).collect()
}

fn coming_days(known: &[Coming], today: NaiveDate) -> Vec<Coming> {
    let last = today + Days::new(u64::try_from(AHEAD).unwrap_or(0) - 1);
    every_day(known, last, u64::try_from(AHEAD).unwrap_or(0), |one| one.day, |day| Coming { day, count: 0 })
}

/// The relays that are used today, and how much of their day is taken.
pub async fn relays(service: &Service) -> Result<Vec<RelayDay>, ActionError> {
    Ok(store::relays(service.db(), service.clock().real().date_naive()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(step: Option<&str>, state: &str, due: bool, count: i64) -> BookLine {
        let kind = if step.is_some() { "step" } else { "confirmation" }.into();
        BookLine { kind, step: step.map(Into::into), state: state.into(), reason: None, repeats: false, due, count }
    }

    #[test]
    fn the_books_add_up_and_stand_in_the_order_of_the_series() {
        let skipped = BookLine { reason: Some("unsubscribed".into()), ..line(Some("b"), "skipped", true, 3) };
        let lines = [
            line(None, "accepted", true, 9),
            line(Some("b"), "accepted", true, 5),
            skipped,
            line(Some("b"), "pending", false, 7),
            line(Some("b"), "sending", true, 2),
            line(Some("a"), "uncertain", true, 1),
            line(Some("gone"), "rejected", true, 4),
        ];
        let books = accounts(&lines, |step| ["a", "b"].iter().position(|one| *one == step).map(|at| at + 1));
        let order: Vec<_> = books.iter().map(|one| one.step.as_deref().unwrap_or("-")).collect();
        assert_eq!(order, ["a", "b", "gone", "-"]);
        assert_eq!((books[1].due(), books[1].waiting, books[1].later), (10, 2, 7));
        let all: i64 = books.iter().map(|one| one.due() + one.later).sum();
        assert_eq!(all, lines.iter().map(|one| one.count).sum::<i64>(), "each counts once");
    }

    #[test]
    fn the_funnel_never_grows_towards_its_end() {
        let of = |state: &str, confirmed, steps, count| Standing { state: state.into(), confirmed, steps, count };
        let all = [of("pending", false, 0, 4), of("active", true, 1, 3), of("completed", true, 2, 2)];
        let counts: Vec<i64> = funnel(&all, 2).iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [9, 5, 5, 2, 2]);
    }

    #[test]
    fn a_day_without_mail_is_a_day_too() {
        let today: NaiveDate = "2026-03-02".parse().unwrap();
        let known = vec![Coming { day: today + Days::new(2), count: 5 }];
        let counts: Vec<i64> = coming_days(&known, today).iter().map(|one| one.count).collect();
        assert_eq!(counts, [0, 0, 5, 0, 0, 0, 0]);
    }
}
