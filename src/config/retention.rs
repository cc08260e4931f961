//! `[retention]`: how long history is kept.
use chrono::TimeDelta;

use super::Reader;

/// How long history is kept.
#[derive(Debug, Clone)]
pub struct Retention {
    /// Attempts of deliveries that have come to an end.
    pub attempts: TimeDelta,
    /// Deliveries of enrollments that have.
    pub ended: TimeDelta,
}

impl Reader<'_> {
    pub(super) fn retention(&mut self) -> Option<Retention> {
        let [attempts, ended] = ["attempts", "ended"].map(|key| self.span("retention", key));
        let retention = Retention { attempts: attempts?, ended: ended? };
        // The caps of sign-up count deliveries of the last days, also those of an enrollment that has ended.
        if retention.attempts < TimeDelta::days(7) || retention.ended < TimeDelta::days(7) {
            self.faults.push("retention.attempts and retention.ended must be at least 7d".into());
        }
        if retention.attempts > retention.ended {
            self.faults.push(
                "retention.attempts must not be longer than retention.ended: attempts go with their deliveries".into(),
            );
        }
        Some(retention)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;
    use crate::config::tests::env;

    #[test]
    fn history_is_kept_for_days_and_attempts_no_longer_than_their_deliveries() {
        let kept = |attempts: &str, ended: &str| {
            load(None, &env(&[("REGIMEN__RETENTION__ATTEMPTS", attempts), ("REGIMEN__RETENTION__ENDED", ended)]))
        };
        assert_eq!(kept("7d", "7d").unwrap().retention.ended, TimeDelta::days(7));
        assert_eq!(kept("3d", "30d").unwrap_err().0.len(), 1);
        assert_eq!(kept("40d", "30d").unwrap_err().0.len(), 1);
        assert_eq!(kept("never", "soon").unwrap_err().0.len(), 2);
    }
}
