//! A reader's calendar: what is still to come and when, and how a pause and the reader's own wishes move it.
use chrono::{DateTime, Days, Utc};

use super::plan::{Delay, Rhythm, first_in_window, into_window, next_due};

/// When the steps that follow one that is due at `first` fall due, each accepted as soon as it was.
///
/// With three days between steps, 9:00 preferred, in New York, where clocks go forward on 8 March 2026:
///
/// | first (local) | delays | forecast (local) |
/// |---|---|---|
/// | Thu 5 March 9:00 | 3d, 3d | Sun 8 March 9:00, Wed 11 March 9:00 |
/// | Thu 5 March 9:00 | 3d, 3d, the reader chose 7 days | Thu 12 March 9:00, Thu 19 March 9:00 |
/// | Thu 5 March 9:00 | 36h | Fri 6 March 21:00 is outside the window: Sat 7 March 8:00 |
pub fn forecast(first: DateTime<Utc>, delays: impl IntoIterator<Item = Delay>, rhythm: &Rhythm) -> Vec<DateTime<Utc>> {
    delays
        .into_iter()
        .scan(first, |last, delay| {
            *last = next_due(*last, delay, rhythm);
            Some(*last)
        })
        .collect()
}

/// What was due at `due_at`, after a pause from `since` to `until`: as much later as the pause was long, not before its
/// end, and inside the window.
pub fn shifted(due_at: DateTime<Utc>, since: DateTime<Utc>, until: DateTime<Utc>, rhythm: &Rhythm) -> DateTime<Utc> {
    into_window((due_at + (until - since)).max(until), rhythm)
}

/// A reader's rhythm before and after a change, and what the new time must not be before.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    pub was: &'a Rhythm,
    pub is: &'a Rhythm,
    /// Series time; of a paused reader, when the pause began.
    pub now: DateTime<Utc>,
    /// When the step before came to its end, if that is known.
    pub previous: Option<DateTime<Utc>>,
}

/// The new time of a step that was planned for `due_at`. One with a delay in days keeps its local date, moved by what the
/// spacing differs, and comes at the reader's hour there: a pause or an admin's postponement that moved it before stays
/// part of it. One with a delay in hours keeps its time, inside the window. The gap to the step before holds, and nothing
/// moves into the past.
///
/// With 9:00 preferred, 20 hours' gap, the step before on Mon 2 March 14:10, now Tue 3 March:
///
/// | due (local) | change | due then (local) |
/// |---|---|---|
/// | Thu 9:00 New York | 18:00 | Thu 18:00 |
/// | Thu 9:00 New York | Europe/Berlin | Thu 9:00 Berlin, six hours earlier |
/// | Thu 9:00, three days | seven days | Mon 9 March 9:00 |
/// | Thu 9:00, three days | one day | Wed 9:00 (Tue 9:00 is past) |
pub fn replanned(due_at: DateTime<Utc>, delay: Delay, change: &Change<'_>) -> DateTime<Utc> {
    let Change { was, is, now, previous } = *change;
    let earliest = previous.map_or(now, |previous| now.max(previous + is.min_gap));
    let Delay::Days(days) = delay else { return into_window(due_at.max(earliest), is) };
    let date = was.zone.local(due_at).date();
    let (old, new) = (Days::new(u64::from(was.days(days))), Days::new(u64::from(is.days(days))));
    let date = (date - old + new).max(is.zone.local(earliest).date());
    first_in_window(is, date, is.hour(), earliest)
}
