//! How long a deferred delivery waits before the next try.
use std::time::Duration;

/// Waits in minutes; the last one repeats. RFC 5321 4.5.4.1 asks for at least 30 minutes after the first tries and for
/// four to five days in all.
const MINUTES: [u64; 8] = [1, 5, 15, 30, 60, 120, 240, 480];

/// The wait after `tries` charged attempts (1 after the first). `jitter` from 0 to 1 spreads it over ±20 %.
///
/// At `jitter = 0.5`: 1 min, 5 min, 15 min, 30 min, 1 h, 2 h, 4 h, 8 h, 8 h, …
pub fn retry_after(tries: u16, jitter: f64) -> Duration {
    let index = usize::from(tries.saturating_sub(1)).min(MINUTES.len() - 1);
    Duration::from_secs(MINUTES[index] * 60).mul_f64(0.8 + 0.4 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_spread() {
        let minutes: Vec<u64> = (1..=9).map(|tries| retry_after(tries, 0.5).as_secs() / 60).collect();
        assert_eq!(minutes, [1, 5, 15, 30, 60, 120, 240, 480, 480]);
        assert_eq!(retry_after(1, 0.0).as_secs(), 48);
        assert_eq!(retry_after(1, 1.0).as_secs(), 72);
    }
}
