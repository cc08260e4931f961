//! Due times on clocks that jump, in zones of every offset.
use chrono::{DateTime, NaiveTime, TimeDelta, Timelike as _, Utc};
use proptest::prelude::*;

use super::plan::{Delay, Rhythm, Window, Zone, into_window, next_due, parse_time};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn time(text: &str) -> NaiveTime {
    parse_time(text).unwrap()
}

fn rhythm(zone: &str, from: &str, to: &str, preferred: &str) -> Rhythm {
    Rhythm {
        zone: Zone::parse(zone).unwrap(),
        window: Window { from: time(from), to: time(to) },
        preferred: time(preferred),
        min_gap: TimeDelta::hours(20),
        spacing: None,
    }
}

fn due_local(zone: &str, accepted: &str, delay: &str) -> String {
    let rhythm = rhythm(zone, "08:00", "20:00", "09:00");
    let due = next_due(at(accepted), Delay::parse(delay).unwrap(), &rhythm);
    rhythm.zone.local(due).format("%a %d %b %H:%M").to_string()
}

#[test]
fn the_table_of_the_documentation_holds() {
    // Monday 2 March 2026, New York at UTC−5.
    assert_eq!(due_local("America/New_York", "2026-03-02T19:10:00Z", "3d"), "Thu 05 Mar 09:00");
    assert_eq!(due_local("America/New_York", "2026-03-03T04:50:00Z", "1d"), "Wed 04 Mar 09:00");
    assert_eq!(due_local("America/New_York", "2026-03-02T19:10:00Z", "36h"), "Wed 04 Mar 08:00");
}

#[test]
fn nine_oclock_stays_nine_oclock_over_both_clock_changes() {
    assert_eq!(due_local("America/New_York", "2026-03-06T14:00:00Z", "3d"), "Mon 09 Mar 09:00");
    assert_eq!(due_local("America/New_York", "2026-10-30T13:00:00Z", "3d"), "Mon 02 Nov 09:00");
    assert_eq!(due_local("Europe/Berlin", "2026-03-27T08:00:00Z", "3d"), "Mon 30 Mar 09:00");
    // Half an hour of daylight saving.
    assert_eq!(due_local("Australia/Lord_Howe", "2026-04-03T02:00:00Z", "3d"), "Mon 06 Apr 09:00");
}

#[test]
fn zones_with_half_and_quarter_hours_keep_their_own_nine_oclock() {
    assert_eq!(due_local("Asia/Kolkata", "2026-06-01T10:00:00Z", "3d"), "Thu 04 Jun 09:00");
    assert_eq!(due_local("Asia/Kathmandu", "2026-06-01T10:00:00Z", "3d"), "Thu 04 Jun 09:00");
    let rhythm = rhythm("Asia/Kathmandu", "08:00", "20:00", "09:00");
    assert_eq!(next_due(at("2026-06-01T10:00:00Z"), Delay::Days(3), &rhythm), at("2026-06-04T03:15:00Z"));
    assert_eq!(due_local("Pacific/Chatham", "2026-06-01T10:00:00Z", "3d"), "Thu 04 Jun 09:00");
}

#[test]
fn leap_day_is_a_day() {
    assert_eq!(due_local("America/New_York", "2028-02-26T15:00:00Z", "3d"), "Tue 29 Feb 09:00");
    assert_eq!(due_local("America/New_York", "2028-02-27T15:00:00Z", "3d"), "Wed 01 Mar 09:00");
    assert_eq!(due_local("America/New_York", "2027-02-26T15:00:00Z", "3d"), "Mon 01 Mar 09:00");
}

#[test]
fn a_local_time_that_does_not_exist_moves_to_the_end_of_the_gap() {
    let berlin = Zone::parse("Europe/Berlin").unwrap();
    let local = |text: &str| text.parse::<chrono::NaiveDateTime>().unwrap();
    assert_eq!(berlin.instant(local("2026-03-29T02:30:00")), at("2026-03-29T01:00:00Z"));
    assert_eq!(berlin.instant(local("2026-03-29T02:30:00.5")), at("2026-03-29T01:00:00Z"));
    // Samoa left out 30 December 2011 altogether.
    let apia = Zone::parse("Pacific/Apia").unwrap();
    assert_eq!(apia.local(apia.instant(local("2011-12-30T09:00:00"))), local("2011-12-31T00:00:00"));
}

#[test]
fn a_local_time_that_exists_twice_takes_the_first() {
    let berlin = Zone::parse("Europe/Berlin").unwrap();
    let twice = "2026-10-25T02:30:00".parse().unwrap();
    assert_eq!(berlin.instant(twice), at("2026-10-25T00:30:00Z"));
}

#[test]
fn a_window_over_midnight_sends_on_both_sides_of_it() {
    let night = rhythm("Europe/Berlin", "20:00", "02:00", "21:00");
    let inside = at("2026-06-01T23:30:00Z"); // 01:30 in Berlin
    assert_eq!(into_window(inside, &night), inside);
    assert_eq!(into_window(at("2026-06-01T10:00:00Z"), &night), at("2026-06-01T18:00:00Z"));
}

#[test]
fn delays_are_read_or_refused() {
    let table = [
        ("0", Some(Delay::Minutes(0))),
        ("90m", Some(Delay::Minutes(90))),
        ("36h", Some(Delay::Minutes(2160))),
        ("3d", Some(Delay::Days(3))),
        ("366d", Some(Delay::Days(366))),
        ("367d", None),
        ("", None),
        ("d", None),
        ("3", None),
        ("-3d", None),
        ("3 d", None),
        ("3ä", None),
        ("99999999999h", None),
        ("4294967295h", None),
    ];
    for (text, delay) in table {
        assert_eq!(Delay::parse(text).ok(), delay, "{text:?}");
        assert!(
            delay.is_none_or(|delay| Delay::parse(&delay.to_string()) == Ok(delay)),
            "{text:?} is written so again"
        );
    }
}

prop_compose! {
    fn any_rhythm()(
        zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        from in 0u32..1440, to in 0u32..1440, preferred in 0u32..1440, gap in 0i64..72,
    ) -> Rhythm {
        let time = |minutes: u32| NaiveTime::from_hms_opt(minutes / 60, minutes % 60, 0).unwrap();
        Rhythm {
            zone: Zone::parse(zone.name()).unwrap(),
            window: Window { from: time(from), to: time(to) },
            preferred: time(preferred),
            min_gap: TimeDelta::hours(gap),
            spacing: None,
        }
    }
}

fn any_delay() -> impl Strategy<Value = Delay> {
    prop_oneof![(0u16..40).prop_map(Delay::Days), (0u32..60_000).prop_map(Delay::Minutes)]
}

proptest! {
    #[test]
    fn what_is_due_is_in_the_window_after_the_gap_and_not_days_too_late(
        rhythm in any_rhythm(), delay in any_delay(), seconds in 1_600_000_000i64..2_500_000_000,
    ) {
        let accepted = DateTime::from_timestamp(seconds, 0).unwrap();
        let due = next_due(accepted, delay, &rhythm);
        let local = rhythm.zone.local(due);
        prop_assert!(due >= accepted + rhythm.min_gap, "the gap holds");
        let window = rhythm.window;
        // A window of minutes that a clock change swallows whole is the one excuse, and then a day is skipped.
        prop_assert!(window.contains(local.time()), "{local} is outside {window:?}");
        let wish = match delay {
            Delay::Days(days) => TimeDelta::days(i64::from(days)),
            Delay::Minutes(minutes) => TimeDelta::minutes(i64::from(minutes)),
        };
        prop_assert!(due <= accepted + wish.max(rhythm.min_gap) + TimeDelta::hours(51), "at most two days late");
    }

    #[test]
    fn a_delay_in_days_ends_at_the_readers_hour_on_that_day(
        zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        days in 2u16..40, seconds in 1_600_000_000i64..2_500_000_000,
    ) {
        let rhythm = rhythm(zone.name(), "08:00", "20:00", "09:00");
        let accepted = DateTime::from_timestamp(seconds, 0).unwrap();
        let local = rhythm.zone.local(next_due(accepted, Delay::Days(days), &rhythm));
        prop_assert_eq!((local.hour(), local.minute()), (9, 0));
        let date = rhythm.zone.local(accepted).date() + chrono::Days::new(u64::from(days));
        prop_assert_eq!(local.date(), date);
    }

    #[test]
    fn moving_into_the_window_twice_is_moving_once(
        rhythm in any_rhythm(), seconds in 1_600_000_000i64..2_500_000_000,
    ) {
        let once = into_window(DateTime::from_timestamp(seconds, 0).unwrap(), &rhythm);
        prop_assert_eq!(into_window(once, &rhythm), once);
    }
}
