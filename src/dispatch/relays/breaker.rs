//! A relay that fails as a whole is left alone for a while, then tried with little; no reader's attempt is charged for it.
use std::time::Duration;

use tokio::time::Instant;

use crate::metrics::RelayState;

#[derive(Default)]
pub(in crate::dispatch) struct Breaker {
    state: State,
    /// How often in a row it failed.
    failures: u32,
    /// How many mails in a row lost their connection half-way.
    lost: u32,
}

#[derive(Default)]
enum State {
    #[default]
    Closed,
    /// The relay is left alone.
    Open { until: Instant },
    /// One micro-batch over one connection shows whether it works again.
    HalfOpen,
}

/// What may go to the relay now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dispatch) enum Lets {
    Everything,
    /// One micro-batch, over one connection.
    OneProbe,
    /// Nothing until then.
    NothingUntil(Instant),
    /// Nothing until the probe has an answer.
    NothingYet,
}

/// One mail may be what a relay stumbles over; so many in a row are not.
const LOST_IN_A_ROW: u32 = 5;

impl Breaker {
    pub(in crate::dispatch) fn lets(&self, now: Instant) -> Lets {
        match self.state {
            State::Closed => Lets::Everything,
            State::Open { until } if until > now => Lets::NothingUntil(until),
            State::Open { .. } => Lets::OneProbe,
            State::HalfOpen => Lets::NothingYet,
        }
    }

    /// How it stands, for the metrics.
    pub(in crate::dispatch) fn stands(&self) -> RelayState {
        match self.state {
            State::Closed => RelayState::Working,
            State::Open { .. } => RelayState::Resting,
            State::HalfOpen => RelayState::Probed,
        }
    }

    pub(in crate::dispatch) fn probe_begins(&mut self) {
        self.state = State::HalfOpen;
    }

    /// What was to be the probe was not sent after all: the next one is.
    pub(in crate::dispatch) fn probe_came_to_nothing(&mut self, now: Instant) {
        if matches!(self.state, State::HalfOpen) {
            self.state = State::Open { until: now };
        }
    }

    /// The relay answered a mail. Answers whether that is news.
    pub(in crate::dispatch) fn worked(&mut self) -> bool {
        let news = !matches!(self.state, State::Closed);
        *self = Self::default();
        news
    }

    /// The relay failed as a whole. Failures of connections that were opened before the rest began count once.
    pub(in crate::dispatch) fn failed(&mut self, now: Instant) {
        if !matches!(self.lets(now), Lets::NothingUntil(_)) {
            self.state = State::Open { until: now + rest_after(self.failures) };
            self.failures = self.failures.saturating_add(1);
            self.lost = 0;
        }
    }

    /// A connection was lost while a mail was on its way.
    pub(in crate::dispatch) fn lost(&mut self, now: Instant) {
        self.lost += 1;
        if matches!(self.state, State::HalfOpen) || self.lost >= LOST_IN_A_ROW {
            self.failed(now);
        }
    }
}

/// 1 s, 2 s, 4 s … 1 min, 1 min.
pub(in crate::dispatch) fn rest_after(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.min(6)).min(Duration::from_mins(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(breaker: &Breaker) -> u64 {
        match breaker.lets(Instant::now()) {
            Lets::NothingUntil(until) => (until - Instant::now()).as_secs(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn rests_grow_to_a_minute_with_one_probe_between_and_end_when_one_works() {
        let mut breaker = Breaker::default();
        assert_eq!(breaker.lets(Instant::now()), Lets::Everything);
        breaker.failed(Instant::now());
        let mut rests = Vec::new();
        for _ in 0..8 {
            rests.push(rest(&breaker));
            breaker.failed(Instant::now());
            assert_eq!(rest(&breaker), rests[rests.len() - 1], "one rest, not two");
            tokio::time::advance(Duration::from_secs(rests[rests.len() - 1])).await;
            assert_eq!(breaker.lets(Instant::now()), Lets::OneProbe);
            breaker.probe_begins();
            assert_eq!(breaker.lets(Instant::now()), Lets::NothingYet, "one and no more");
            tokio::time::advance(Duration::from_mins(9)).await;
            assert_eq!(breaker.lets(Instant::now()), Lets::NothingYet, "a relay may take its time to answer");
            breaker.failed(Instant::now());
        }
        assert_eq!(rests, [1, 2, 4, 8, 16, 32, 60, 60]);
        tokio::time::advance(Duration::from_mins(1)).await;
        breaker.probe_begins();
        assert!(breaker.worked() && !breaker.worked());
        assert_eq!(breaker.lets(Instant::now()), Lets::Everything);
        breaker.failed(Instant::now());
        assert_eq!(rest(&breaker), 1, "it begins anew");
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_was_not_sent_leaves_the_turn_to_the_next() {
        let mut breaker = Breaker::default();
        breaker.failed(Instant::now());
        tokio::time::advance(Duration::from_secs(1)).await;
        breaker.probe_begins();
        breaker.probe_came_to_nothing(Instant::now());
        assert_eq!(breaker.lets(Instant::now()), Lets::OneProbe);
        breaker.worked();
        breaker.probe_came_to_nothing(Instant::now());
        assert_eq!(breaker.lets(Instant::now()), Lets::Everything, "a late word of the probe changes nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn connections_lost_in_a_row_are_a_failure_and_one_is_in_a_probe() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            breaker.lost(Instant::now());
        }
        assert_eq!(breaker.lets(Instant::now()), Lets::Everything);
        breaker.worked();
        for _ in 0..5 {
            assert_eq!(breaker.lets(Instant::now()), Lets::Everything, "a mail that went through between them");
            breaker.lost(Instant::now());
        }
        assert_eq!(rest(&breaker), 1);
        tokio::time::advance(Duration::from_secs(1)).await;
        breaker.probe_begins();
        breaker.lost(Instant::now());
        assert_eq!(rest(&breaker), 2);
    }
}
