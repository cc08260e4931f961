//! Why a step comes when it comes: what the rules of [`next_due`] have moved, told from what it answers without each of them.
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use serde::Serialize;

use super::plan::{Delay, Rhythm, Window, Zone, next_due};

/// What has moved a step from where its delay alone would have put it, or makes its time a strange one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "why", rename_all = "snake_case")]
#[schema(as = MovedBy)]
pub enum Moved {
    /// Too little would lie between it and the step before.
    Gap,
    /// It would come outside the hours in which the series sends.
    Window,
    /// The clock goes forward over the hour at which it would come; it comes at the end of that.
    Swallowed,
    /// The clock shows its hour twice on that day; it comes at the first.
    Twice,
    /// The clock has gone forward since the step before, or back if the minutes are negative: a day was shorter or longer.
    Clock { minutes: i64 },
}

/// What moved a step that follows one accepted at `accepted`.
///
/// With a window from 8:00 to 20:00, 9:00 preferred and 20 hours' gap, in New York, where clocks go forward on 8 March 2026:
///
/// | accepted (local) | delay | due (local) | moved by |
/// |---|---|---|---|
/// | Mon 2 March 14:10 | 3d | Thu 5 March 9:00 | nothing |
/// | Mon 2 March 23:50 | 1d | Wed 4 March 9:00 | the gap |
/// | Mon 2 March 14:10 | 36h | Wed 4 March 8:00 | the window |
/// | Fri 6 March 9:00 | 3d | Mon 9 March 9:00 | the clock, by 60 minutes |
pub fn why_moved(accepted: DateTime<Utc>, delay: Delay, rhythm: &Rhythm) -> Vec<Moved> {
    let due = next_due(accepted, delay, rhythm);
    let without_gap = Rhythm { min_gap: TimeDelta::zero(), ..*rhythm };
    let without_window = Rhythm { window: Window::ALL_DAY, ..without_gap };
    let wish = next_due(accepted, delay, &without_window);
    let in_days = matches!(delay, Delay::Days(_));
    let minutes = clock_moved(rhythm.zone, accepted, due).num_minutes();
    let found = [
        (next_due(accepted, delay, &without_gap) != due, Moved::Gap),
        (next_due(accepted, delay, &without_gap) != wish, Moved::Window),
        (in_days && rhythm.zone.local(wish).time() != rhythm.preferred, Moved::Swallowed),
        (in_days && rhythm.zone.is_twice(rhythm.zone.local(due)), Moved::Twice),
        (minutes != 0, Moved::Clock { minutes }),
    ];
    found.into_iter().filter_map(|(is, moved)| is.then_some(moved)).collect()
}

/// How far a zone's clock goes forward between two instants; negative when it goes back.
pub fn clock_moved(zone: Zone, from: DateTime<Utc>, until: DateTime<Utc>) -> TimeDelta {
    (zone.local(until) - zone.local(from)) - (until - from)
}

/// The instants at which a zone's clock goes forward or back, to the second. Two changes within a day count as none if the
/// second takes back the first.
pub fn clock_changes(zone: Zone, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let days = std::iter::successors(Some(from), |day| day.checked_add_days(Days::new(1)));
    let days = days.take_while(|day| *day < until).map(|day| (day, day + TimeDelta::days(1)));
    days.filter(|(day, next)| !clock_moved(zone, *day, *next).is_zero())
        .map(|(mut before, mut after)| {
            while after - before > TimeDelta::seconds(1) {
                let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
                if clock_moved(zone, before, middle).is_zero() { before = middle } else { after = middle }
            }
            after
        })
        .filter(|change| *change < until)
        .collect()
}

impl Window {
    /// No hour is outside.
    const ALL_DAY: Self = Self { from: NaiveTime::MIN, to: NaiveTime::MIN };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::parse_time;

    fn rhythm(zone: &str, (from, to): (&str, &str), preferred: &str) -> Rhythm {
        let time = |text| parse_time(text).unwrap();
        Rhythm {
            zone: Zone::parse(zone).unwrap(),
            window: Window { from: time(from), to: time(to) },
            preferred: time(preferred),
            min_gap: TimeDelta::hours(20),
            spacing: None,
        }
    }

    fn moved(rhythm: &Rhythm, accepted: &str, delay: &str) -> Vec<Moved> {
        let accepted = rhythm.zone.instant(accepted.parse().unwrap());
        why_moved(accepted, Delay::parse(delay).unwrap(), rhythm)
    }

    const DAY: (&str, &str) = ("08:00", "20:00");

    #[test]
    fn the_table_of_the_documentation_holds() {
        let new_york = rhythm("America/New_York", DAY, "09:00");
        assert_eq!(moved(&new_york, "2026-03-02T14:10:00", "3d"), []);
        assert_eq!(moved(&new_york, "2026-03-02T23:50:00", "1d"), [Moved::Gap]);
        assert_eq!(moved(&new_york, "2026-03-02T14:10:00", "36h"), [Moved::Window]);
        assert_eq!(moved(&new_york, "2026-03-06T09:00:00", "3d"), [Moved::Clock { minutes: 60 }]);
    }

    #[test]
    fn an_hour_that_the_clock_swallows_or_repeats_is_told() {
        let berlin = rhythm("Europe/Berlin", ("00:00", "00:00"), "02:30");
        let forward = Moved::Clock { minutes: 60 };
        assert_eq!(moved(&berlin, "2026-03-26T09:00:00", "3d"), [Moved::Swallowed, forward]);
        assert_eq!(moved(&berlin, "2026-10-22T09:00:00", "3d"), [Moved::Twice]);
        let back = Moved::Clock { minutes: -60 };
        assert_eq!(moved(&berlin, "2026-10-22T09:00:00", "4d"), [back]);
    }

    #[test]
    fn an_hour_outside_the_window_is_moved_by_it() {
        let early = rhythm("Asia/Kolkata", DAY, "06:00");
        assert_eq!(moved(&early, "2026-03-02T14:10:00", "3d"), [Moved::Window]);
        // The end of the gap is outside the window: the next day is taken.
        let narrow = rhythm("Europe/Berlin", ("02:00", "02:59"), "02:30");
        let found = moved(&narrow, "2026-03-26T02:30:00", "3d");
        assert_eq!(found, [Moved::Window, Moved::Swallowed, Moved::Clock { minutes: 60 }]);
    }

    #[test]
    fn the_changes_of_a_clock_are_found_to_the_second() {
        let changes = |zone: &str| -> Vec<String> {
            let (from, until) = ("2026-01-01T11:00:00Z".parse().unwrap(), "2027-01-01T00:00:00Z".parse().unwrap());
            let changes = clock_changes(Zone::parse(zone).unwrap(), from, until);
            changes.into_iter().map(|at| at.format("%F %T").to_string()).collect()
        };
        // From the IANA database: New York at 2:00 local, Lord Howe by half an hour, Santiago at midnight.
        assert_eq!(changes("America/New_York"), ["2026-03-08 07:00:00", "2026-11-01 06:00:00"]);
        assert_eq!(changes("Australia/Lord_Howe"), ["2026-04-04 15:00:00", "2026-10-03 15:30:00"]);
        assert_eq!(changes("America/Santiago"), ["2026-04-05 03:00:00", "2026-09-06 04:00:00"]);
        assert_eq!(changes("Asia/Kolkata"), Vec::<String>::new());
    }
}
