//! Time with two hands, and randomness: both are parameters everywhere else.
//!
//! *Real time* runs leases, back-off, tokens, limits and dates in mails: the process's monotonic clock, its offset taken
//! from PostgreSQL, so that all nodes agree and a clock set back on one machine moves nothing. *Series time* runs delays,
//! windows and pauses: in production it is real time; a demo runs it faster, a test moves it by hand.
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng as _, RngCore as _, SeedableRng as _, rngs::StdRng};
use uuid::Uuid;

/// Cheap to clone; clones share their time.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    hand: RwLock<Hand>,
    random: Mutex<StdRng>,
}

enum Hand {
    Running { base: Instant, real_base: DateTime<Utc>, series_base: DateTime<Utc>, speed: f64 },
    Manual { real: DateTime<Utc>, series: DateTime<Utc> },
}

impl Clock {
    /// The machine's clock until [`Clock::agree`] corrects it; series time is real time.
    pub fn system() -> Self {
        let now = system_now();
        Self::running(now, now, 1.0)
    }

    /// A clock whose series time runs `speed` times as fast, beginning at `series_start`.
    pub fn fast(series_start: DateTime<Utc>, speed: f64) -> Self {
        Self::running(system_now(), series_start, speed)
    }

    /// A clock that stands still until it is moved, with repeatable randomness.
    pub fn manual(at: DateTime<Utc>, seed: u64) -> Self {
        let hand = Hand::Manual { real: at, series: at };
        Self(Arc::new(Inner { hand: RwLock::new(hand), random: Mutex::new(StdRng::seed_from_u64(seed)) }))
    }

    fn running(real_base: DateTime<Utc>, series_base: DateTime<Utc>, speed: f64) -> Self {
        let hand = Hand::Running { base: Instant::now(), real_base, series_base, speed };
        Self(Arc::new(Inner { hand: RwLock::new(hand), random: Mutex::new(StdRng::from_os_rng()) }))
    }

    pub fn real(&self) -> DateTime<Utc> {
        match &*self.hand() {
            Hand::Running { base, real_base, .. } => *real_base + elapsed(*base),
            Hand::Manual { real, .. } => *real,
        }
    }

    pub fn series(&self) -> DateTime<Utc> {
        match &*self.hand() {
            Hand::Running { base, series_base, speed, .. } => *series_base + scaled(elapsed(*base), *speed),
            Hand::Manual { series, .. } => *series,
        }
    }

    /// How long, in real time, until series time is `at`; nothing if it is past. A clock moved by hand never says: its
    /// mover wakes whoever waits.
    pub fn until_series(&self, at: DateTime<Utc>) -> Option<std::time::Duration> {
        let left = at - self.series();
        match &*self.hand() {
            Hand::Running { speed, .. } => Some(scaled(left, 1.0 / speed).to_std().unwrap_or_default()),
            Hand::Manual { .. } => None,
        }
    }

    /// Takes over PostgreSQL's time. Real time never goes back by it: a correction backwards is refused while it is under
    /// a minute (leases allow for that much), and a larger one is the machine's clock having been wrong at start.
    pub fn agree(&self, server: DateTime<Utc>) -> TimeDelta {
        let mut hand = self.0.hand.write().unwrap_or_else(PoisonError::into_inner);
        let Hand::Running { base, real_base, series_base, speed } = &mut *hand else { return TimeDelta::zero() };
        let off = server - (*real_base + elapsed(*base));
        if off > TimeDelta::zero() || off < TimeDelta::minutes(-1) {
            *real_base += off;
            // Exact on purpose: 1.0 is how production says that series time is real time.
            #[allow(clippy::float_cmp)]
            if *speed == 1.0 {
                *series_base += off;
            }
        }
        off
    }

    /// Moves a clock that stands still, both hands.
    ///
    /// # Panics
    /// On a running clock.
    pub fn advance(&self, by: TimeDelta) {
        self.advance_real(by);
        self.advance_series(by);
    }

    pub fn advance_real(&self, by: TimeDelta) {
        match &mut *self.0.hand.write().unwrap_or_else(PoisonError::into_inner) {
            Hand::Manual { real, .. } => *real += by,
            Hand::Running { .. } => panic!("a running clock cannot be moved"),
        }
    }

    pub fn advance_series(&self, by: TimeDelta) {
        match &mut *self.0.hand.write().unwrap_or_else(PoisonError::into_inner) {
            Hand::Manual { series, .. } => *series += by,
            Hand::Running { .. } => panic!("a running clock cannot be moved"),
        }
    }

    /// A version 7 UUID of real time (RFC 9562 5.7).
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.real().timestamp_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.random_bytes()).into_uuid()
    }

    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random().fill_bytes(&mut bytes);
        bytes
    }

    /// Evenly from 0 up to 1.
    pub fn random_fraction(&self) -> f64 {
        self.random().random()
    }

    fn hand(&self) -> std::sync::RwLockReadGuard<'_, Hand> {
        self.0.hand.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn random(&self) -> std::sync::MutexGuard<'_, StdRng> {
        self.0.random.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[allow(clippy::disallowed_methods)]
fn system_now() -> DateTime<Utc> {
    Utc::now()
}

fn elapsed(since: Instant) -> TimeDelta {
    TimeDelta::from_std(since.elapsed()).unwrap_or(TimeDelta::MAX)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn scaled(span: TimeDelta, by: f64) -> TimeDelta {
    TimeDelta::microseconds((span.num_microseconds().unwrap_or(i64::MAX) as f64 * by) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_time_runs_faster_and_real_time_does_not() {
        let start = "2026-01-01T00:00:00Z".parse().unwrap();
        let clock = Clock::fast(start, 1e9);
        let real = clock.real();
        while clock.series() < start + TimeDelta::days(365) {}
        assert!(clock.real() - real < TimeDelta::seconds(30));
        assert_eq!(clock.until_series(start), Some(std::time::Duration::ZERO));
    }

    #[test]
    fn a_server_clock_ahead_is_followed_and_one_a_little_behind_never_moves_time_back() {
        let clock = Clock::system();
        clock.agree(clock.real() + TimeDelta::hours(1));
        let ahead = clock.real();
        assert!(ahead > Clock::system().real() + TimeDelta::minutes(59));
        clock.agree(ahead - TimeDelta::seconds(30));
        assert!(clock.real() >= ahead);
        clock.agree(ahead - TimeDelta::hours(1));
        assert!(clock.real() < ahead, "an hour off is not jitter");
    }

    #[test]
    fn a_manual_clock_repeats_its_randomness() {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(Clock::manual(at, 7).random_bytes::<16>(), Clock::manual(at, 7).random_bytes::<16>());
        assert_ne!(Clock::manual(at, 7).random_bytes::<16>(), Clock::manual(at, 8).random_bytes::<16>());
        assert_eq!(Clock::manual(at, 7).uuid().get_version_num(), 7);
    }
}
