//! `[sign_up]`: how long a sign-up waits for its reader, and how many are taken at a time.
use std::time::Duration;

use chrono::TimeDelta;

use super::Reader;
use crate::actions::sign_up::Limits;

#[derive(Debug, Clone)]
pub struct SignUp {
    pub confirm_expires: TimeDelta,
    pub reminder_after: TimeDelta,
    pub pending_kept: TimeDelta,
    pub confirmations_per_day: i64,
    pub already_cooldown: TimeDelta,
    pub limits: Limits,
}

impl Reader<'_> {
    pub(super) fn sign_up(&mut self, all_connections: Option<u32>) -> Option<SignUp> {
        let confirmations = self.integer("sign_up", "confirmations_per_day", 1, 100);
        let [confirm_expires, reminder_after, pending_kept, already_cooldown] =
            ["confirm_expires", "reminder_after", "pending_kept", "already_cooldown"]
                .map(|key| self.span("sign_up", key));
        let limits = self.sign_up_limits(all_connections);
        let sign_up = SignUp {
            confirm_expires: confirm_expires?,
            reminder_after: reminder_after?,
            pending_kept: pending_kept?,
            confirmations_per_day: confirmations?,
            already_cooldown: already_cooldown?,
            limits: limits.clone().unwrap_or_default(),
        };
        if sign_up.reminder_after >= sign_up.confirm_expires {
            self.faults.push("sign_up.reminder_after must be shorter than sign_up.confirm_expires".into());
        }
        if sign_up.pending_kept < sign_up.confirm_expires {
            self.faults.push("sign_up.pending_kept must not be shorter than sign_up.confirm_expires".into());
        }
        // Only now, so that these faults are told with those of the limits.
        limits.map(|_| sign_up)
    }

    fn sign_up_limits(&mut self, all_connections: Option<u32>) -> Option<Limits> {
        let set = self.integer::<usize>("sign_up", "connections", 0, 1_000);
        let most_waiting = self.integer("sign_up", "most_waiting", 1, 100_000);
        let written_together = self.integer("sign_up", "written_together", 1, 1_000);
        let longest_wait = self.span("sign_up", "longest_wait").map(|wait| wait.to_std().unwrap_or_default());
        if longest_wait.is_some_and(|wait| wait > Duration::from_secs(5)) {
            self.faults.push("sign_up.longest_wait must be at most 5s: a reader waits for the page so long".into());
        }
        let half = usize::try_from(all_connections? / 2).unwrap_or(usize::MAX);
        if set.is_some_and(|set| set == 1 || set > half) {
            self.faults.push(format!(
                "sign_up.connections must be from 2 to {half}, half of database.max_connections, or 0: sending has the others"
            ));
        }
        let connections = set.map(|set| if set == 0 { half.min(4) } else { set });
        Some(Limits {
            connections: connections?,
            most_waiting: most_waiting?,
            longest_wait: longest_wait?,
            written_together: written_together?,
        })
    }
}
