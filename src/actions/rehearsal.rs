//! A whole series for a sample of readers, before any reader has it: each reader's calendar, by the functions that the
//! dispatcher's settle goes by, and why a part comes when it comes. Nothing is written, and nothing is waited for.
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use serde::Serialize;

use crate::content::{Series, Step};
use crate::messages::{self, Language, Values};
use crate::model::{Moved, StepKey, Zone, clock_changes, clock_moved, first_due, next_due, why_moved};

/// Clocks of every kind: north and south of the equator, changed at two and at midnight, by an hour and by half of one, for
/// Ramadan and never, beside whole hours, and the first of all.
const ZONES: [&str; 9] = [
    "America/New_York",
    "America/Santiago",
    "Europe/Berlin",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
];
/// Some readers confirm in the middle of a day, some just before its end.
const BY_DAY: NaiveTime = NaiveTime::from_hms_opt(14, 10, 0).expect("a time of day");
const LATE: NaiveTime = NaiveTime::from_hms_opt(23, 50, 0).expect("a time of day");
const A_WEEK: Days = Days::new(7);

/// What a rehearsal is asked for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The day on which the first readers confirm, on each reader's own calendar.
    pub from: NaiveDate,
    /// The readers' zones; those of [`sample_zones`] if there are none.
    pub zones: Vec<Zone>,
    /// What readers have chosen, if they have.
    pub hour: Option<NaiveTime>,
    pub spacing: Option<u16>,
}

/// What it found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Rehearsal {
    pub series: String,
    /// The subject of each part, in the order of sending.
    pub parts: Vec<String>,
    pub readers: Vec<Rehearsed>,
}

/// One reader's calendar.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Rehearsed {
    pub zone: &'static str,
    pub when: When,
    pub confirmed: DateTime<Utc>,
    /// What the reader's clock shows then.
    #[schema(value_type = String, example = "2026-03-02T09:00:00")]
    pub confirmed_local: NaiveDateTime,
    pub parts: Vec<RehearsedPart>,
}

/// Why a reader is in the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The day that was asked for.
    Asked,
    /// A week before the clock goes forward.
    BeforeForward,
    /// A week before the clock goes back.
    BeforeBack,
}

/// One part of a reader's calendar, if each part is accepted when it is due.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RehearsedPart {
    pub step: String,
    pub due: DateTime<Utc>,
    #[schema(value_type = String, example = "2026-03-02T09:00:00")]
    pub local: NaiveDateTime,
    pub moved: Vec<Moved>,
}

/// The zones of the sample.
pub fn sample_zones() -> Vec<Zone> {
    ZONES.into_iter().filter_map(|name| Zone::parse(name).ok()).collect()
}

/// Runs the whole series for each reader of the sample: in each zone one who confirms on the day that was asked for, and one
/// late in the evening, a week before each of the next changes of the clock within a year.
pub fn rehearse(series: &Series, ask: &Ask) -> Rehearsal {
    let zones = if ask.zones.is_empty() { sample_zones() } else { ask.zones.clone() };
    let readers = zones.into_iter().flat_map(|zone| {
        let reader = move |(when, local)| reader(series, ask, zone, when, local);
        sign_ups(zone, ask.from).into_iter().map(reader)
    });
    Rehearsal {
        series: series.slug.to_string(),
        parts: series.steps.iter().map(|step| step.subject.clone()).collect(),
        readers: readers.collect(),
    }
}

/// When the readers of one zone confirm, on their clocks.
fn sign_ups(zone: Zone, from: NaiveDate) -> Vec<(When, NaiveDateTime)> {
    let begin = zone.instant((from + A_WEEK).and_time(NaiveTime::MIN));
    let changes = clock_changes(zone, begin, begin + TimeDelta::days(366));
    let before = changes.into_iter().take(2).map(|change| {
        let a_second = TimeDelta::seconds(1);
        let forward = clock_moved(zone, change - a_second, change) > TimeDelta::zero();
        let when = if forward { When::BeforeForward } else { When::BeforeBack };
        (when, (zone.local(change).date() - A_WEEK).and_time(LATE))
    });
    std::iter::once((When::Asked, from.and_time(BY_DAY))).chain(before).collect()
}

fn reader(series: &Series, ask: &Ask, zone: Zone, when: When, local: NaiveDateTime) -> Rehearsed {
    let confirmed = zone.instant(local);
    Rehearsed {
        zone: zone.name(),
        when,
        confirmed,
        confirmed_local: zone.local(confirmed),
        parts: calendar(series, ask, zone, confirmed),
    }
}

/// When one reader gets one part.
pub fn part_for(
    series: &Series,
    ask: &Ask,
    zone: Zone,
    confirmed: DateTime<Utc>,
    step: &StepKey,
) -> Option<RehearsedPart> {
    calendar(series, ask, zone, confirmed).into_iter().find(|part| part.step == step.as_str())
}

/// Goes from step to step as the dispatcher does, each accepted at the moment when it is due.
pub(super) fn calendar(series: &Series, ask: &Ask, zone: Zone, confirmed: DateTime<Utc>) -> Vec<RehearsedPart> {
    let rhythm = series.rhythm(Some(zone), ask.hour, ask.spacing);
    let part =
        |step: &Step, due, moved| RehearsedPart { step: step.key.to_string(), due, local: zone.local(due), moved };
    let Some(first) = series.first_step_not_in(&[]) else { return Vec::new() };
    let mut due = first_due(confirmed, first.delay, &rhythm);
    let moved = if first.delay.is_zero() { Vec::new() } else { why_moved(confirmed, first.delay, &rhythm) };
    let mut parts = vec![part(first, due, moved)];
    for next in series.steps_after(&first.key, &[]) {
        let moved = why_moved(due, next.delay, &rhythm);
        due = next_due(due, next.delay, &rhythm);
        parts.push(part(next, due, moved));
    }
    parts
}

/// What moved a part, in a few words.
pub fn in_words(language: Language, moved: Moved) -> String {
    let text = |key| messages::text(language, key);
    match moved {
        Moved::Gap => text("moved-gap"),
        Moved::Window => text("moved-window"),
        Moved::Swallowed => text("moved-swallowed"),
        Moved::Twice => text("moved-twice"),
        Moved::Clock { minutes } => {
            let key = if minutes > 0 { "moved-forward" } else { "moved-back" };
            messages::filled(language, key, &Values::new().with("minutes", minutes.abs()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{Bundle, Library, compile};
    use crate::model::SeriesSlug;

    fn library() -> Library {
        compile(&Bundle::embedded()).unwrap()
    }

    fn series(library: &Library) -> &Series {
        &library.series[&SeriesSlug::parse("fighting-cancer-with-immunotherapy").unwrap()]
    }

    fn ask(zone: &str) -> Ask {
        let zones = vec![Zone::parse(zone).unwrap()];
        Ask { from: NaiveDate::from_ymd_opt(2026, 1, 12).unwrap(), zones, hour: None, spacing: None }
    }

    fn told(reader: &Rehearsed) -> Vec<String> {
        let part = |part: &RehearsedPart| {
            let words: Vec<String> = part.moved.iter().map(|moved| in_words(Language::English, *moved)).collect();
            format!("{} {}", part.local.format("%a %-d %b %H:%M"), words.join(", ")).trim_end().to_owned()
        };
        reader.parts.iter().map(part).collect()
    }

    #[test]
    fn a_reader_in_new_york_has_nine_oclock_over_both_changes_of_the_clock() {
        let library = library();
        let found = rehearse(series(&library), &ask("America/New_York"));
        let [plain, forward, back] = &found.readers[..] else { panic!("{} readers", found.readers.len()) };
        assert_eq!([plain.when, forward.when, back.when], [When::Asked, When::BeforeForward, When::BeforeBack]);
        assert_eq!(
            told(plain),
            [
                "Mon 12 Jan 14:10",
                "Thu 15 Jan 09:00",
                "Sun 18 Jan 09:00",
                "Wed 21 Jan 09:00",
                "Sat 24 Jan 09:00",
                "Tue 27 Jan 09:00"
            ]
        );
        // Clocks go forward on Sunday 8 March, at two.
        assert_eq!(
            told(forward),
            [
                "Sun 1 Mar 23:50",
                "Wed 4 Mar 09:00",
                "Sat 7 Mar 09:00",
                "Tue 10 Mar 09:00 clock +60 min",
                "Fri 13 Mar 09:00",
                "Mon 16 Mar 09:00"
            ]
        );
        assert_eq!(forward.parts[3].due - forward.parts[2].due, TimeDelta::hours(71), "one of these days was short");
        // And back on Sunday 1 November.
        assert_eq!(told(back)[0], "Sun 25 Oct 23:50");
        assert_eq!(told(back)[3], "Tue 3 Nov 09:00 clock −60 min");
        assert_eq!(back.parts[3].due - back.parts[2].due, TimeDelta::hours(73));
    }

    #[test]
    fn south_of_the_equator_it_is_the_other_way_round_and_on_lord_howe_half_an_hour() {
        let library = library();
        let found = rehearse(series(&library), &ask("Australia/Lord_Howe"));
        let [_, back, forward] = &found.readers[..] else { panic!("{} readers", found.readers.len()) };
        assert_eq!([back.when, forward.when], [When::BeforeBack, When::BeforeForward]);
        // Back on Sunday 5 April, forward on Sunday 4 October.
        assert_eq!(told(back)[..2], ["Sun 29 Mar 23:50", "Wed 1 Apr 09:00"]);
        assert_eq!(told(back)[3], "Tue 7 Apr 09:00 clock −30 min");
        assert_eq!(told(forward)[3], "Tue 6 Oct 09:00 clock +30 min");
    }

    #[test]
    fn the_gap_and_a_skipped_hour_are_told() {
        let library = library();
        let daily = Ask { spacing: Some(1), ..ask("Europe/Berlin") };
        let found = rehearse(series(&library), &daily);
        // Monday at nine is less than twenty hours after Sunday, ten to midnight; clocks go forward on 29 March.
        assert_eq!(
            told(&found.readers[1])[..3],
            ["Sun 22 Mar 23:50", "Tue 24 Mar 09:00 shortest gap", "Wed 25 Mar 09:00"]
        );
        let early = Ask { hour: NaiveTime::from_hms_opt(2, 30, 0), ..ask("Europe/Berlin") };
        assert_eq!(told(&rehearse(series(&library), &early).readers[0])[1], "Thu 15 Jan 08:00 hours of sending");
    }

    #[test]
    fn the_sample_has_every_zone_and_is_rehearsed_in_a_moment() {
        let library = library();
        let ask = Ask { zones: Vec::new(), ..ask("UTC") };
        let found = rehearse(series(&library), &ask);
        assert_eq!(sample_zones().len(), ZONES.len(), "each is a zone");
        let of = |name: &str| found.readers.iter().filter(|reader| reader.zone == name).count();
        assert_eq!(ZONES.map(of), [3, 3, 3, 3, 1, 1, 3, 3, 1]);
        assert!(found.readers.iter().all(|reader| reader.parts.len() == 6));
    }
}
