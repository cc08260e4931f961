use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::calendar::{Change, forecast, replanned, shifted};
use super::plan::{Delay, Rhythm, Window, Zone, parse_time};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn rhythm(zone: &str) -> Rhythm {
    let time = |text| parse_time(text).unwrap();
    Rhythm {
        zone: Zone::parse(zone).unwrap(),
        window: Window { from: time("08:00"), to: time("20:00") },
        preferred: time("09:00"),
        min_gap: TimeDelta::hours(20),
        spacing: None,
    }
}

/// An instant of a zone's clock.
fn local(rhythm: &Rhythm, text: &str) -> DateTime<Utc> {
    rhythm.zone.instant(text.parse().unwrap())
}

fn shown(rhythm: &Rhythm, at: DateTime<Utc>) -> String {
    rhythm.zone.local(at).format("%a %-d %b %H:%M").to_string()
}

#[test]
fn the_forecast_of_the_documentation_holds_over_a_clock_change() {
    let new_york = rhythm("America/New_York");
    let weekly = Rhythm { spacing: Some(7), ..new_york };
    let first = local(&new_york, "2026-03-05T09:00:00");
    let tell = |rhythm: &Rhythm, delays: &[Delay]| -> Vec<String> {
        forecast(first, delays.iter().copied(), rhythm).into_iter().map(|due| shown(rhythm, due)).collect()
    };
    let three = Delay::Days(3);
    assert_eq!(tell(&new_york, &[three, three]), ["Sun 8 Mar 09:00", "Wed 11 Mar 09:00"]);
    assert_eq!(tell(&weekly, &[three, three]), ["Thu 12 Mar 09:00", "Thu 19 Mar 09:00"]);
    assert_eq!(tell(&new_york, &[Delay::Minutes(36 * 60)]), ["Sat 7 Mar 08:00"]);
    assert_eq!(tell(&new_york, &[]), Vec::<String>::new());
}

#[test]
fn steps_that_belong_together_stay_so_and_hours_are_not_spaced() {
    let weekly = Rhythm { spacing: Some(7), min_gap: TimeDelta::zero(), ..rhythm("UTC") };
    let first = at("2026-03-05T09:00:00Z");
    assert_eq!(forecast(first, [Delay::Days(0)], &weekly), [first]);
    assert_eq!(forecast(first, [Delay::Minutes(120)], &weekly), [first + TimeDelta::hours(2)]);
}

#[test]
fn a_pause_moves_what_is_left_by_its_length() {
    let berlin = rhythm("Europe/Berlin");
    let table = [
        // Ten days exactly: the same hour, ten days later.
        ("2026-03-05T09:00:00", "2026-03-03T10:00:00", "2026-03-13T10:00:00", "Sun 15 Mar 09:00"),
        // The clocks go forward on 29 March: the hour is an hour later, since the pause was elapsed time.
        ("2026-03-27T09:00:00", "2026-03-26T10:00:00", "2026-03-31T11:00:00", "Wed 1 Apr 10:00"),
        // What lands in the night waits for the window.
        ("2026-03-05T09:00:00", "2026-03-03T10:00:00", "2026-03-08T00:00:00", "Tue 10 Mar 08:00"),
        // What was due before the pause began comes at its end.
        ("2026-03-03T09:00:00", "2026-03-03T10:00:00", "2026-03-20T00:00:00", "Fri 20 Mar 08:00"),
    ];
    for (due, since, until, then) in table {
        let due = shifted(local(&berlin, due), local(&berlin, since), local(&berlin, until), &berlin);
        assert_eq!(shown(&berlin, due), then, "{since} to {until}");
    }
}

#[test]
fn a_pause_that_ends_in_the_hour_that_does_not_exist_is_no_trouble() {
    // Midnight was skipped in Beirut on 26 March 2023: that day began at 1:00.
    let beirut = rhythm("Asia/Beirut");
    let until = local(&beirut, "2023-03-26T00:00:00");
    assert_eq!(shown(&beirut, until), "Sun 26 Mar 01:00");
    let due = shifted(local(&beirut, "2023-03-20T09:00:00"), local(&beirut, "2023-03-20T09:00:00"), until, &beirut);
    assert_eq!(shown(&beirut, due), "Sun 26 Mar 08:00");
}

#[test]
fn the_table_of_changes_holds() {
    let new_york = rhythm("America/New_York");
    let evening = Rhythm { preferred: parse_time("18:00").unwrap(), ..new_york };
    let (weekly, daily) = (Rhythm { spacing: Some(7), ..new_york }, Rhythm { spacing: Some(1), ..new_york });
    let due = local(&new_york, "2026-03-05T09:00:00");
    let (previous, now) = (local(&new_york, "2026-03-02T14:10:00"), local(&new_york, "2026-03-03T12:00:00"));
    let three = Delay::Days(3);
    let moved = |is: &Rhythm| {
        let change = Change { was: &new_york, is, now, previous: Some(previous) };
        shown(is, replanned(due, three, &change))
    };
    assert_eq!(moved(&evening), "Thu 5 Mar 18:00");
    assert_eq!(moved(&rhythm("Europe/Berlin")), "Thu 5 Mar 09:00");
    assert_eq!(moved(&weekly), "Mon 9 Mar 09:00");
    assert_eq!(moved(&daily), "Wed 4 Mar 09:00");
    let change = Change { was: &weekly, is: &new_york, now, previous: Some(previous) };
    let back = replanned(local(&new_york, "2026-03-09T09:00:00"), three, &change);
    assert_eq!(shown(&new_york, back), "Thu 5 Mar 09:00", "there and back is where it was");
}

#[test]
fn a_change_keeps_the_gap_and_what_is_counted_in_hours() {
    let new_york = rhythm("America/New_York");
    let daily = Rhythm { spacing: Some(1), ..new_york };
    let previous = local(&new_york, "2026-03-02T19:30:00");
    let change = Change { was: &new_york, is: &daily, now: previous, previous: Some(previous) };
    let due = local(&new_york, "2026-03-05T09:00:00");
    // Tue 9:00 would be 13 hours after the step before.
    assert_eq!(shown(&daily, replanned(due, Delay::Days(3), &change)), "Wed 4 Mar 09:00");
    let elapsed = local(&new_york, "2026-03-04T10:30:00");
    assert_eq!(replanned(elapsed, Delay::Minutes(39 * 60), &change), elapsed);
    let tokyo = rhythm("Asia/Tokyo");
    let change = Change { is: &tokyo, ..change };
    assert_eq!(shown(&tokyo, replanned(elapsed, Delay::Minutes(39 * 60), &change)), "Thu 5 Mar 08:00");
}

proptest! {
    #[test]
    fn a_change_never_moves_into_the_past_nor_out_of_the_window(
        was in any_rhythm(), is in any_rhythm(), days in 0u16..40,
        now in 1_600_000_000i64..2_500_000_000, ahead in 0i64..4_000_000,
    ) {
        let now = DateTime::from_timestamp(now, 0).unwrap();
        let change = Change { was: &was, is: &is, now, previous: None };
        let due = replanned(now + TimeDelta::seconds(ahead), Delay::Days(days), &change);
        prop_assert!(due >= now);
        prop_assert!(is.window.contains(is.zone.local(due).time()), "{due}");
    }

    #[test]
    fn what_is_shifted_lies_behind_the_pause_and_in_the_window(
        rhythm in any_rhythm(), since in 1_600_000_000i64..2_500_000_000, length in 0i64..40_000_000,
        due in -1_000_000i64..4_000_000,
    ) {
        let since = DateTime::from_timestamp(since, 0).unwrap();
        let until = since + TimeDelta::seconds(length);
        let then = shifted(since + TimeDelta::seconds(due), since, until, &rhythm);
        prop_assert!(then >= until);
        prop_assert!(rhythm.window.contains(rhythm.zone.local(then).time()), "{then}");
    }
}

prop_compose! {
    fn any_rhythm()(
        zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()), hour in 0u32..24,
        spacing in prop::option::of(1u16..30),
    ) -> Rhythm {
        let preferred = NaiveTime::from_hms_opt(hour, 30, 0).unwrap();
        Rhythm { preferred, spacing, ..rhythm(zone.name()) }
    }
}
