//! A relay that fails as a whole is left alone for a while; no reader's attempt is charged for it.
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

#[derive(Default)]
pub(super) struct RelayHealth(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    rest_until: Option<Instant>,
}

impl RelayHealth {
    /// Notes a failure; answers how long the relay is left alone. Failures of connections that were opened before the
    /// rest began count once.
    pub(super) fn failed(&self) -> Duration {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(left) = state.rest_until.and_then(|until| until.checked_duration_since(now)) {
            return left;
        }
        let rest = rest_after(state.failures);
        state.failures += 1;
        state.rest_until = Some(now + rest);
        rest
    }

    pub(super) fn worked(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    /// Until when the relay is left alone, if it is.
    pub(super) fn rest_until(&self) -> Option<Instant> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.rest_until.filter(|until| *until > Instant::now())
    }
}

/// 1 s, 2 s, 4 s … 1 min, 1 min.
pub(super) fn rest_after(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.min(6)).min(Duration::from_mins(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn rests_grow_to_a_minute_and_end_when_it_works() {
        let health = RelayHealth::default();
        let mut rests = Vec::new();
        for _ in 0..8 {
            rests.push(health.failed().as_secs());
            assert!(health.failed() <= Duration::from_secs(rests[rests.len() - 1]), "one rest, not two");
            tokio::time::advance(Duration::from_secs(61)).await;
        }
        assert_eq!(rests, [1, 2, 4, 8, 16, 32, 60, 60]);
        health.failed();
        assert!(health.rest_until().is_some());
        health.worked();
        assert!(health.rest_until().is_none());
        assert_eq!(health.failed().as_secs(), 1);
    }
}
