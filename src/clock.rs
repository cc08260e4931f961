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
    Running(Running),
    Manual { real: DateTime<Utc>, series: DateTime<Utc> },
}

struct Running {
    base: Instant,
    real_base: DateTime<Utc>,
    series_base: DateTime<Utc>,
    speed: f64,
    /// Where real time stands still after a correction backwards, until the corrected time has caught up.
    floor: DateTime<Utc>,
    /// Whether the server's time was taken over before.
    agreed: bool,
}

impl Running {
    fn real(&self) -> DateTime<Utc> {
        (self.real_base + elapsed(self.base)).max(self.floor)
    }

    fn series(&self) -> DateTime<Utc> {
        // Exact on purpose: 1.0 is how production says that series time is real time.
        #[allow(clippy::float_cmp)]
        if self.speed == 1.0 {
            return self.real() + (self.series_base - self.real_base);
        }
        self.series_base + scaled(elapsed(self.base), self.speed)
    }
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
        let floor = DateTime::<Utc>::MIN_UTC;
        let hand = Hand::Running(Running { base: Instant::now(), real_base, series_base, speed, floor, agreed: false });
        Self(Arc::new(Inner { hand: RwLock::new(hand), random: Mutex::new(StdRng::from_os_rng()) }))
    }

    pub fn real(&self) -> DateTime<Utc> {
        match &*self.hand() {
            Hand::Running(running) => running.real(),
            Hand::Manual { real, .. } => *real,
        }
    }

    pub fn series(&self) -> DateTime<Utc> {
        match &*self.hand() {
            Hand::Running(running) => running.series(),
            Hand::Manual { series, .. } => *series,
        }
    }

    /// How long, in real time, until series time is `at`; nothing if it is past. A clock moved by hand never says: its
    /// mover wakes whoever waits.
    pub fn until_series(&self, at: DateTime<Utc>) -> Option<std::time::Duration> {
        let left = at - self.series();
        match &*self.hand() {
            Hand::Running(Running { speed, .. }) => Some(scaled(left, 1.0 / speed).to_std().unwrap_or_default()),
            Hand::Manual { .. } => None,
        }
    }

    /// Takes over PostgreSQL's time. The first agreement, and a difference of more than a minute, are the machine's clock
    /// having been wrong: they are followed at once. Otherwise real time never goes back: it stands still until the
    /// server's has caught up, since a node that stayed ahead would take the others' leases for expired and send their
    /// mails again. Less than a second behind is the way of the answer, and nothing to mend.
    pub fn agree(&self, server: DateTime<Utc>) -> TimeDelta {
        let mut hand = self.0.hand.write().unwrap_or_else(PoisonError::into_inner);
        let Hand::Running(running) = &mut *hand else { return TimeDelta::zero() };
        let shown = running.real();
        let off = server - (running.real_base + elapsed(running.base));
        let at_once = !std::mem::replace(&mut running.agreed, true) || off < TimeDelta::minutes(-1);
        if off < TimeDelta::zero() && off > TimeDelta::seconds(-1) {
            return off;
        }
        running.floor = if at_once { DateTime::<Utc>::MIN_UTC } else { shown };
        running.real_base += off;
        #[allow(clippy::float_cmp)]
        if running.speed == 1.0 {
            running.series_base += off;
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
            Hand::Running(_) => panic!("a running clock cannot be moved"),
        }
    }

    pub fn advance_series(&self, by: TimeDelta) {
        match &mut *self.0.hand.write().unwrap_or_else(PoisonError::into_inner) {
            Hand::Manual { series, .. } => *series += by,
            Hand::Running(_) => panic!("a running clock cannot be moved"),
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
    fn a_machine_that_starts_ahead_of_the_server_agrees_with_it_at_once() {
        let clock = Clock::system();
        let server = clock.real() - TimeDelta::seconds(40);
        clock.agree(server);
        assert!(clock.real() < server + TimeDelta::seconds(5), "else it would take live leases for expired");
        assert_eq!(clock.real().timestamp(), clock.series().timestamp());
    }

    #[test]
    fn a_clock_that_ran_ahead_stands_still_until_the_server_has_caught_up() {
        let clock = Clock::system();
        clock.agree(clock.real());
        let ahead = clock.real();
        clock.agree(ahead - TimeDelta::seconds(40));
        let still = (clock.real(), clock.series());
        assert!(still.0 >= ahead && still.0 < ahead + TimeDelta::seconds(5));
        std::thread::yield_now();
        assert_eq!((clock.real(), clock.series()), still);
        clock.agree(ahead + TimeDelta::seconds(1));
        assert!(clock.real() >= ahead + TimeDelta::seconds(1));
    }

    #[test]
    fn a_manual_clock_repeats_its_randomness() {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(Clock::manual(at, 7).random_bytes::<16>(), Clock::manual(at, 7).random_bytes::<16>());
        assert_ne!(Clock::manual(at, 7).random_bytes::<16>(), Clock::manual(at, 8).random_bytes::<16>());
        assert_eq!(Clock::manual(at, 7).uuid().get_version_num(), 7);
    }
}
