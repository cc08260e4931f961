//! What comes next for a reader, and why, or why nothing does: the question that admins ask most.
use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{EnrollmentState, Zone};
use crate::store::readers::{Delivery, SeriesPause, Suppression};

/// What decides whether the next mail comes.
#[derive(Debug)]
pub struct Facts<'a> {
    pub state: EnrollmentState,
    pub zone: Zone,
    pub ended_at: Option<DateTime<Utc>>,
    /// Series time.
    pub paused_at: Option<DateTime<Utc>>,
    /// Series time at which the pause ends by itself.
    pub paused_until: Option<DateTime<Utc>>,
    pub suppression: Option<&'a Suppression>,
    pub series_pause: Option<&'a SeriesPause>,
    /// What is owed: the oldest that has not come to its end.
    pub owed: Option<&'a Delivery>,
    /// What it is called, such as “Part 3”.
    pub owed_name: &'a str,
    pub series_now: DateTime<Utc>,
    pub real_now: DateTime<Utc>,
}

/// Due for longer than this, a delivery should have gone.
const SOON: TimeDelta = TimeDelta::minutes(2);

/// In sentences, the strongest reason first.
pub fn standing(facts: &Facts<'_>) -> String {
    if let Some(suppression) = facts.suppression {
        return suppressed(suppression, facts.zone);
    }
    match facts.state {
        EnrollmentState::Completed => return "The series is complete: nothing more comes.".into(),
        EnrollmentState::Unsubscribed => return ended("The reader unsubscribed", facts),
        EnrollmentState::Expired => return ended("The sign-up was never confirmed and has expired", facts),
        EnrollmentState::Erased => return ended("The reader had everything erased", facts),
        EnrollmentState::Suppressed => return ended("The address was suppressed", facts),
        EnrollmentState::Pending | EnrollmentState::Active | EnrollmentState::Paused => {}
    }
    if let Some(pause) = facts.series_pause {
        return series_paused(pause, facts.zone);
    }
    if facts.state == EnrollmentState::Paused {
        return paused(facts);
    }
    match facts.owed {
        Some(owed) => of_delivery(owed, facts),
        None if facts.state == EnrollmentState::Pending => {
            "Waits for the reader to confirm; nothing else is owed.".into()
        }
        None => "Nothing is owed, though the series goes on. This should not be: please report it.".into(),
    }
}

/// `Tue 9 Mar 2027, 09:00`.
pub fn local(at: DateTime<Utc>, zone: Zone) -> String {
    zone.local(at).format("%a %-d %b %Y, %H:%M").to_string()
}

/// The same with the zone's name.
fn in_zone(at: DateTime<Utc>, zone: Zone) -> String {
    format!("{} ({})", local(at, zone), zone.name())
}

fn suppressed(suppression: &Suppression, zone: Zone) -> String {
    let reason = suppression.reason.replace('_', " ");
    let by = suppression.by.as_deref().map(|by| format!(", by {by}")).unwrap_or_default();
    let why = suppression.why.as_deref().map(|why| format!(": “{why}”")).unwrap_or_default();
    format!("Nothing is sent to this address: suppressed ({reason}) since {}{by}{why}.", in_zone(suppression.at, zone))
}

fn ended(what: &str, facts: &Facts<'_>) -> String {
    let when = facts.ended_at.map(|at| format!(" on {}", in_zone(at, facts.zone))).unwrap_or_default();
    format!("{what}{when}: nothing more comes.")
}

fn series_paused(pause: &SeriesPause, zone: Zone) -> String {
    let by = pause.by.as_deref().unwrap_or("an admin");
    let why = pause.why.as_deref().map(|why| format!(": “{why}”")).unwrap_or_default();
    format!(
        "The whole series is paused since {} by {by}{why}. It goes on when it is resumed.",
        in_zone(pause.paused_at, zone)
    )
}

fn paused(facts: &Facts<'_>) -> String {
    let since = facts.paused_at.map(|at| format!(" since {}", in_zone(at, facts.zone))).unwrap_or_default();
    match facts.paused_until {
        Some(until) => format!("Paused{since}. It goes on by itself on {}.", in_zone(until, facts.zone)),
        None => format!("Paused{since}, without an end. It goes on when the reader or an admin resumes it."),
    }
}

fn of_delivery(owed: &Delivery, facts: &Facts<'_>) -> String {
    let name = facts.owed_name;
    match owed.state.as_str() {
        "claimed" => return format!("{name} is being made ready to be sent."),
        "sending" => return format!("{name} is being handed to a relay just now."),
        "uncertain" => {
            return format!(
                "{name}: nobody can say whether the relay took it, and it is held. Send it again, or leave it: the series \
                 goes on."
            );
        }
        _ => {}
    }
    if owed.due_at > facts.series_now {
        return format!("{name} is due on {}.", in_zone(owed.due_at, facts.zone));
    }
    if let Some(again) = owed.not_before.filter(|again| *again > facts.real_now) {
        let again = in_zone(again, facts.zone);
        return match owed.tries {
            0 => format!("{name} is due, and waits until {again}: its domain or the relay takes no more just now."),
            tries => format!("{name} was put off by the relay (tries: {tries}). The next try is on {again}."),
        };
    }
    if facts.series_now - owed.due_at > SOON {
        let due = in_zone(owed.due_at, facts.zone);
        return format!("{name} was due on {due} and has not gone yet. See whether a dispatcher and a relay live.");
    }
    format!("{name} is due now.")
}

#[cfg(test)]
mod tests;
