//! What this process knows of one recipients' domain.
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::store::limits::{Rate, Taken};

#[derive(Default)]
pub(super) struct Pace {
    /// It has asked for less: nothing goes to it until then, and then a few, until one is accepted.
    slow_until: Option<DateTime<Utc>>,
    /// It has asked for less once since a mail was accepted, and that may have been about one mailbox.
    suspected_at: Option<DateTime<Utc>>,
    in_flight: usize,
    /// How long a mail is in flight, on average, in seconds; 0 when that is not known.
    flight: f64,
    /// The last turn that was given out here.
    last_turn: Option<DateTime<Utc>>,
    /// Of the limits that all share: tokens that this process holds, since when, and when to ask again if there were none.
    tokens: u32,
    taken_at: DateTime<Utc>,
    again: Option<DateTime<Utc>>,
    /// Until when turns were given out by anybody.
    promised_until: Option<DateTime<Utc>>,
}

/// For how many more mails there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Closed,
    For(usize),
}

/// Mails in flight at once to a domain that is being tried again.
const PROBES: usize = 5;
/// After so long one reply means nothing any more.
const SUSPICION: TimeDelta = TimeDelta::minutes(30);
/// Tokens that were not spent after this long are given back.
const KEPT: TimeDelta = TimeDelta::seconds(2);
/// How long a mail is in flight until that is known.
const FLIGHT: f64 = 0.5;
/// The bounds of what is reckoned with.
const FLIGHT_BOUNDS: (f64, f64) = (0.05, 60.0);

impl Pace {
    /// `connections` is how many may be in flight at once.
    pub(super) fn room(&self, real: DateTime<Utc>, connections: Option<usize>) -> Room {
        if self.closed_until(real).is_some() {
            return Room::Closed;
        }
        let most = connections.unwrap_or(usize::MAX).min(if self.is_slow() { PROBES } else { usize::MAX });
        Room::For(most.saturating_sub(self.in_flight))
    }

    pub(super) fn closed_until(&self, real: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.slow_until.filter(|until| *until > real)
    }

    pub(super) fn is_slow(&self) -> bool {
        self.slow_until.is_some()
    }

    /// It asked for less. Closes at the second time with no mail accepted between, and at once when it is being tried again.
    /// Answers whether it was closed by this.
    pub(super) fn asked_for_less(&mut self, real: DateTime<Utc>, until: DateTime<Utc>) -> bool {
        if self.closed_until(real).is_some() {
            // The replies to what was on its way.
            return false;
        }
        if !self.is_slow() && !self.is_suspected(real) {
            self.suspected_at = Some(real);
            return false;
        }
        self.slow_until = Some(until);
        true
    }

    pub(super) fn is_suspected(&self, real: DateTime<Utc>) -> bool {
        self.suspected_at.is_some_and(|at| real - at < SUSPICION)
    }

    /// All agree that it is closed until then.
    pub(super) fn closed(&mut self, until: DateTime<Utc>) {
        self.slow_until = Some(until);
    }

    /// It takes mail. If it was slow and its time is up it is open again. Answers whether that is news.
    pub(super) fn open(&mut self, real: DateTime<Utc>) -> bool {
        self.suspected_at = None;
        let news = self.slow_until.is_some_and(|until| until <= real);
        if news {
            self.slow_until = None;
        }
        news
    }

    /// When the next mail that has to wait may come again, each a little after the one before.
    pub(super) fn turn(
        &mut self,
        real: DateTime<Utc>,
        rate: Option<Rate>,
        connections: Option<usize>,
    ) -> DateTime<Utc> {
        let (flight, from) = (self.expected_flight(), self.opening(real));
        let at_once = connections.unwrap_or(PROBES).clamp(1, if self.is_slow() { PROBES } else { usize::MAX });
        let spacing = flight / i32::try_from(at_once).unwrap_or(i32::MAX);
        let spacing = rate.map_or(spacing, |rate| rate.time_for(1.0).max(spacing));
        let turn = self.last_turn.map_or(from, |last| from.max(last + spacing));
        self.last_turn = Some(turn);
        turn
    }

    /// When something may go again at the earliest.
    pub(super) fn opening(&self, real: DateTime<Utc>) -> DateTime<Utc> {
        self.closed_until(real).unwrap_or(real + self.expected_flight())
    }

    pub(super) fn takes_off(&mut self) {
        self.in_flight += 1;
    }

    pub(super) fn lands(&mut self, after: Duration) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let seconds = after.as_secs_f64();
        self.flight = if self.flight == 0.0 { seconds } else { self.flight * 0.9 + seconds * 0.1 };
    }

    /// How many tokens may be spent.
    pub(super) fn has(&self, real: DateTime<Utc>) -> u32 {
        if real - self.taken_at < KEPT { self.tokens } else { 0 }
    }

    pub(super) fn spend(&mut self, mails: usize, real: DateTime<Utc>) -> usize {
        let spent = self.has(real).min(u32::try_from(mails).unwrap_or(u32::MAX));
        self.tokens -= spent;
        spent as usize
    }

    /// Takes out what has lain here for too long.
    pub(super) fn stale(&mut self, real: DateTime<Utc>) -> u32 {
        if real - self.taken_at >= KEPT { self.take_all() } else { 0 }
    }

    pub(super) fn take_all(&mut self) -> u32 {
        std::mem::take(&mut self.tokens)
    }

    pub(super) fn should_ask(&self, real: DateTime<Utc>) -> bool {
        self.again.is_none_or(|again| again <= real)
    }

    pub(super) fn ask_again(&mut self, at: DateTime<Utc>) {
        self.again = Some(at);
    }

    pub(super) fn took(&mut self, taken: Taken, real: DateTime<Utc>) {
        self.tokens += taken.granted;
        self.taken_at = real;
        self.again = (taken.granted == 0).then(|| real + taken.next);
        self.promised_until = taken.turns_until;
    }

    pub(super) fn promised(&mut self, until: DateTime<Utc>) {
        self.promised_until = self.promised_until.max(Some(until));
    }

    /// Whether others wait for their turn.
    pub(super) fn has_promised(&self, real: DateTime<Utc>) -> bool {
        self.promised_until.is_some_and(|until| until > real)
    }

    pub(super) fn is_worth_keeping(&self, real: DateTime<Utc>) -> bool {
        self.is_slow() || self.in_flight > 0 || self.tokens > 0 || self.has_promised(real)
    }

    fn expected_flight(&self) -> TimeDelta {
        let seconds = if self.flight == 0.0 { FLIGHT } else { self.flight };
        let seconds = seconds.clamp(FLIGHT_BOUNDS.0, FLIGHT_BOUNDS.1);
        TimeDelta::from_std(Duration::from_secs_f64(seconds)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_770_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_domain_that_asked_for_less_is_closed_then_tried_with_a_few_then_open() {
        let mut pace = Pace::default();
        assert_eq!(pace.room(at(0), None), Room::For(usize::MAX));
        assert!(!pace.asked_for_less(at(0), at(60)), "one may be about one mailbox");
        pace.open(at(0));
        assert!(!pace.asked_for_less(at(0), at(60)) && !pace.is_slow(), "others were accepted");
        assert!(pace.asked_for_less(at(0), at(60)), "twice is no accident");
        assert!(!pace.asked_for_less(at(1), at(61)), "what was on its way counts once");
        assert_eq!(pace.room(at(59), None), Room::Closed);
        assert!(!pace.open(at(59)), "what was on its way and was accepted opens nothing");
        assert_eq!(pace.room(at(60), None), Room::For(5));
        for _ in 0..5 {
            pace.takes_off();
        }
        assert_eq!(pace.room(at(60), None), Room::For(0));
        pace.lands(Duration::from_secs(1));
        assert_eq!(pace.room(at(60), Some(4)), Room::For(0));
        assert_eq!(pace.room(at(60), Some(7)), Room::For(1));
        assert!(pace.asked_for_less(at(60), at(180)), "once is enough while it is being tried again");
        assert_eq!(pace.room(at(179), None), Room::Closed);
        assert!(pace.open(at(180)) && !pace.open(at(180)));
        assert_eq!(pace.room(at(180), Some(7)), Room::For(3));
        assert!(
            !pace.asked_for_less(at(200), at(260)) && !pace.asked_for_less(at(2_100), at(2_160)),
            "half an hour apart"
        );
    }

    #[test]
    fn turns_come_one_after_the_other() {
        let mut pace = Pace::default();
        pace.closed(at(60));
        let rate = Some(Rate::per_minute(30));
        let turns: Vec<i64> = (0..4).map(|_| (pace.turn(at(0), rate, None) - at(0)).num_seconds()).collect();
        assert_eq!(turns, [60, 62, 64, 66]);
        // Half a second each, five at once.
        let mut pace = Pace::default();
        let turns: Vec<i64> = (0..3).map(|_| (pace.turn(at(0), None, Some(5)) - at(0)).num_milliseconds()).collect();
        assert_eq!(turns, [500, 600, 700]);
        pace.lands(Duration::from_secs(10));
        assert_eq!((pace.turn(at(10), None, Some(1)) - at(10)).num_seconds(), 10, "as long as one is under way");
    }

    #[test]
    fn tokens_that_lay_for_too_long_are_given_back_and_not_spent() {
        let mut pace = Pace::default();
        let taken = Taken { granted: 10, next: TimeDelta::zero(), turns_until: None };
        pace.took(taken, at(0));
        assert_eq!((pace.spend(3, at(1)), pace.stale(at(1))), (3, 0));
        assert_eq!((pace.spend(3, at(2)), pace.stale(at(2)), pace.take_all()), (0, 7, 0));
        pace.took(Taken { granted: 0, next: TimeDelta::seconds(4), turns_until: Some(at(9)) }, at(2));
        assert!(!pace.should_ask(at(5)) && pace.should_ask(at(6)));
        assert!(pace.has_promised(at(8)) && !pace.has_promised(at(9)));
    }
}
