//! What a relay may still carry: its rate and its day's cap, which all processes share, and of which this process holds a
//! second's worth, so that five thousand mails a second are not five thousand statements.
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use sqlx::PgPool;

use crate::dispatch::RelaySettings;
use crate::store::limits::{self, Limited, Rate};

pub(super) struct Allowance {
    /// The relay's name.
    key: String,
    rate: Option<Rate>,
    per_day: Option<u32>,
    warm_up: Vec<u32>,
    purse: Mutex<Purse>,
    /// Held by whoever asks, so that not all ask at once.
    asking: tokio::sync::Mutex<()>,
}

/// What was taken and is not spent yet.
#[derive(Default)]
struct Purse {
    mails: u32,
    /// When it was taken (real time).
    taken_at: DateTime<Utc>,
    /// Nothing can be had before then (real time).
    again: Option<DateTime<Utc>>,
    /// The first day on which the relay was used, once that is known.
    first_day: Option<NaiveDate>,
}

/// What is not spent after this long is given back and asked for anew: another process may have use for it.
const KEPT: TimeDelta = TimeDelta::seconds(2);
/// When the database cannot be asked.
const AFTER_TROUBLE: TimeDelta = TimeDelta::seconds(1);
/// Of a day without a rate, so much is taken at a time at most.
const MOST_OF_A_DAY: u32 = 500;

impl Allowance {
    pub(super) fn new(settings: &RelaySettings) -> Self {
        Self {
            key: settings.relay.name.clone(),
            rate: settings.per_minute.map(Rate::per_minute),
            per_day: settings.per_day,
            warm_up: settings.warm_up.clone(),
            purse: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn is_limited(&self) -> bool {
        self.rate.is_some() || self.per_day.is_some() || !self.warm_up.is_empty()
    }

    /// How many of so many mails may go without asking.
    pub(super) fn has(&self, mails: u32, real: DateTime<Utc>) -> u32 {
        if self.is_limited() { self.purse().fresh(real).min(mails) } else { mails }
    }

    pub(super) fn spend(&self, mails: u32, real: DateTime<Utc>) -> u32 {
        if !self.is_limited() {
            return mails;
        }
        let mut purse = self.purse();
        let spent = purse.fresh(real).min(mails);
        purse.mails -= spent;
        spent
    }

    /// Mails of that day that were not sent after all.
    pub(super) fn refund(&self, mails: u32, day: NaiveDate) {
        let mut purse = self.purse();
        if self.is_limited() && purse.taken_at.date_naive() == day {
            purse.mails += mails;
        }
    }

    /// When there may be something again, if there is nothing now and not yet.
    pub(super) fn again(&self, real: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let purse = self.purse();
        purse.again.filter(|again| *again > real && self.is_limited() && purse.fresh(real) == 0)
    }

    /// Asks for more, for so many mails, if there is nothing left and it is time to.
    pub(super) async fn ask(&self, db: &PgPool, mails: u32, real: DateTime<Utc>) {
        if !self.should_ask(real) {
            return;
        }
        let _asking = self.asking.lock().await;
        // Somebody else may have asked meanwhile.
        if !self.should_ask(real) {
            return;
        }
        let asked = self.take(db, mails, real).await;
        let mut purse = self.purse();
        match asked {
            Ok((granted, again)) => {
                purse.mails += granted;
                purse.taken_at = real;
                purse.again = again;
            }
            Err(error) => {
                tracing::warn!(relay = %self.key, %error, "a relay's limits cannot be asked for; trying again");
                purse.again = Some(real + AFTER_TROUBLE);
            }
        }
    }

    /// Gives back what is not spent.
    pub(super) async fn give_back(&self, db: &PgPool, real: DateTime<Utc>) -> Result<(), sqlx::Error> {
        let (unspent, day) = self.unspent();
        if unspent == 0 {
            return Ok(());
        }
        if let Some(rate) = self.rate {
            limits::take_tokens(db, Limited::Relay, &self.key, rate, 0, unspent, real).await?;
        }
        if self.has_days() {
            limits::give_day_back(db, &self.key, day, unspent).await?;
        }
        Ok(())
    }

    fn should_ask(&self, real: DateTime<Utc>) -> bool {
        let purse = self.purse();
        self.is_limited() && purse.fresh(real) == 0 && purse.again.is_none_or(|again| again <= real)
    }

    /// Answers what was granted and, if that was nothing, when to ask again.
    async fn take(
        &self,
        db: &PgPool,
        mails: u32,
        real: DateTime<Utc>,
    ) -> Result<(u32, Option<DateTime<Utc>>), sqlx::Error> {
        self.give_back(db, real).await?;
        let today = real.date_naive();
        let cap = self.cap(db, today).await?;
        let want = self.portion(mails, cap);
        let (mut granted, mut again) = (want, None);
        if let Some(rate) = self.rate {
            let taken = limits::take_tokens(db, Limited::Relay, &self.key, rate, want, 0, real).await?;
            granted = taken.granted;
            again = (granted == 0).then(|| real + taken.next.max(TimeDelta::milliseconds(1)));
        }
        if let Some(cap) = cap.filter(|_| granted > 0) {
            let of_day = limits::take_of_day(db, &self.key, today, cap, granted).await?;
            if let Some(rate) = self.rate.filter(|_| of_day < granted) {
                limits::take_tokens(db, Limited::Relay, &self.key, rate, 0, granted - of_day, real).await?;
            }
            granted = of_day;
            again = (granted == 0).then(|| midnight_after(today));
        }
        Ok((granted, again))
    }

    /// The cap of a day, if there is one.
    async fn cap(&self, db: &PgPool, today: NaiveDate) -> Result<Option<u32>, sqlx::Error> {
        if !self.has_days() {
            return Ok(None);
        }
        let known = self.purse().first_day;
        let first = match known {
            Some(first) => first,
            None => limits::first_day(db, &self.key).await?.unwrap_or(today),
        };
        self.purse().first_day = Some(first);
        Ok(cap_on(today, first, self.per_day, &self.warm_up))
    }

    /// About a second's worth, and never less than what is to be sent now.
    fn portion(&self, mails: u32, cap: Option<u32>) -> u32 {
        let portion = match (self.rate, cap) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate from the configuration"
            )]
            (Some(rate), _) => rate.per_second.ceil() as u32,
            (None, Some(cap)) => (cap / 100).min(MOST_OF_A_DAY),
            (None, None) => MOST_OF_A_DAY,
        };
        portion.max(mails)
    }

    /// Empties the purse; answers what was in it and of which day.
    fn unspent(&self) -> (u32, NaiveDate) {
        let mut purse = self.purse();
        (std::mem::take(&mut purse.mails), purse.taken_at.date_naive())
    }

    fn has_days(&self) -> bool {
        self.per_day.is_some() || !self.warm_up.is_empty()
    }

    fn purse(&self) -> MutexGuard<'_, Purse> {
        self.purse.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Purse {
    /// What may be spent: taken today and not long ago.
    fn fresh(&self, real: DateTime<Utc>) -> u32 {
        let is_fresh = real - self.taken_at < KEPT && real.date_naive() == self.taken_at.date_naive();
        if is_fresh { self.mails } else { 0 }
    }
}

/// The cap of a day that is so long after the first: the plan's for its days, then the ordinary one. A day before the first
/// (a clock was wrong) has the first one's.
fn cap_on(today: NaiveDate, first: NaiveDate, per_day: Option<u32>, warm_up: &[u32]) -> Option<u32> {
    let number = usize::try_from((today - first).num_days()).unwrap_or(0);
    match (warm_up.get(number).copied(), per_day) {
        (Some(planned), Some(ordinary)) => Some(planned.min(ordinary)),
        (planned, ordinary) => planned.or(ordinary),
    }
}

fn midnight_after(day: NaiveDate) -> DateTime<Utc> {
    let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
    next.and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_warm_up_grows_day_by_day_and_ends_at_the_ordinary_cap() {
        let first = day("2026-02-27");
        let caps = |per_day, plan: &[u32]| {
            let dates = ["2026-02-26", "2026-02-27", "2026-02-28", "2026-03-01", "2026-04-01"];
            dates.map(|date| cap_on(day(date), first, per_day, plan))
        };
        assert_eq!(caps(Some(900), &[10, 50, 1_000]), [Some(10), Some(10), Some(50), Some(900), Some(900)]);
        assert_eq!(caps(None, &[10]), [Some(10), Some(10), None, None, None]);
        assert_eq!(caps(Some(5), &[]), [Some(5); 5]);
    }

    #[test]
    fn what_was_taken_yesterday_or_long_ago_is_not_spent() {
        let late = "2026-03-01T23:59:59.5Z".parse().unwrap();
        let purse = Purse { mails: 7, taken_at: late, ..Purse::default() };
        assert_eq!(purse.fresh(late), 7);
        assert_eq!(purse.fresh(late + TimeDelta::milliseconds(400)), 7);
        assert_eq!(purse.fresh(late + TimeDelta::seconds(1)), 0, "another day");
        assert_eq!(purse.fresh(late + TimeDelta::days(1)), 0);
        assert_eq!(midnight_after(day("2026-12-31")), "2027-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
    }
}
