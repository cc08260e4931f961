//! When the next step is due: the previous step plus a delay, moved into the send window of the reader's own clock.
use std::fmt;

use chrono::{
    DateTime, Datelike as _, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc,
};
use chrono_tz::Tz;

/// Why a part of a series' plan cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("not a time zone of the IANA database; it should look like America/New_York")]
    Zone,
    #[error("not a delay; write 0, or a number with m, h or d: 90m, 36h, 3d (at most 366d)")]
    Delay,
    #[error("not a time of day; it should look like 09:00")]
    Time,
}

/// An IANA time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    pub fn parse(name: &str) -> Result<Self, PlanError> {
        name.parse().map(Self).map_err(|_| PlanError::Zone)
    }

    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Every name in the IANA database, other names for the same zone included, in the order of the alphabet.
    pub fn names() -> impl Iterator<Item = &'static str> {
        chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())
    }

    /// What a clock on the reader's wall shows.
    pub fn local(self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.0).naive_local()
    }

    /// The instant of a local time. One that exists twice takes the first; one that does not exist moves to the end of
    /// the gap.
    pub fn instant(self, local: NaiveDateTime) -> DateTime<Utc> {
        match self.0.from_local_datetime(&local).earliest() {
            Some(at) => at.with_timezone(&Utc),
            None => self.end_of_gap(local),
        }
    }

    /// Whether a clock that goes back shows this local time for the second time after a while.
    pub(super) fn is_twice(self, local: NaiveDateTime) -> bool {
        matches!(self.0.from_local_datetime(&local), LocalResult::Ambiguous(..))
    }

    /// The first instant whose local time is not before `local`, to the second. Zones differ from UTC by at most 14 h,
    /// and the longest gap was a whole day (Pacific/Apia, 30 December 2011).
    fn end_of_gap(self, local: NaiveDateTime) -> DateTime<Utc> {
        let (mut before, mut after) = (local.and_utc() - TimeDelta::hours(40), local.and_utc() + TimeDelta::hours(40));
        while after - before > TimeDelta::seconds(1) {
            let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
            if self.local(middle) < local { before = middle } else { after = middle }
        }
        // The search runs on whole seconds from a local time that may carry a fraction; transitions never do.
        self.0.from_utc_datetime(&after.naive_utc()).with_timezone(&Utc) - fraction(local)
    }
}

fn fraction(local: NaiveDateTime) -> TimeDelta {
    TimeDelta::nanoseconds(i64::from(local.and_utc().timestamp_subsec_nanos()))
}

impl fmt::Display for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// What lies between a step's acceptance and the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delay {
    /// Local calendar days of the reader, to the preferred hour.
    Days(u16),
    /// Elapsed time, in minutes.
    Minutes(u32),
}

impl Delay {
    /// `0`, `90m`, `36h`, `3d`.
    pub fn parse(text: &str) -> Result<Self, PlanError> {
        if text == "0" {
            return Ok(Self::Minutes(0));
        }
        let unit = text.chars().last().ok_or(PlanError::Delay)?;
        let digits = &text[..text.len() - unit.len_utf8()];
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PlanError::Delay);
        }
        let number: u32 = digits.parse().map_err(|_| PlanError::Delay)?;
        let minutes_a_year = 366 * 24 * 60;
        let delay = match unit {
            'd' if number <= 366 => Self::Days(u16::try_from(number).map_err(|_| PlanError::Delay)?),
            'h' => Self::Minutes(number.checked_mul(60).ok_or(PlanError::Delay)?),
            'm' => Self::Minutes(number),
            _ => return Err(PlanError::Delay),
        };
        match delay {
            Self::Minutes(minutes) if minutes > minutes_a_year => Err(PlanError::Delay),
            delay => Ok(delay),
        }
    }

    pub fn is_zero(self) -> bool {
        matches!(self, Self::Days(0) | Self::Minutes(0))
    }
}

/// As [`Delay::parse`] reads it.
impl fmt::Display for Delay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Minutes(0) => out.write_str("0"),
            Self::Days(days) => write!(out, "{days}d"),
            Self::Minutes(minutes) if minutes % 60 == 0 => write!(out, "{}h", minutes / 60),
            Self::Minutes(minutes) => write!(out, "{minutes}m"),
        }
    }
}

/// The hours in which a series sends, on the reader's clock; `to` is outside. From 20:00 to 02:00 runs over midnight;
/// equal ends mean the whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: NaiveTime,
    pub to: NaiveTime,
}

impl Window {
    pub fn contains(self, time: NaiveTime) -> bool {
        match self.from.cmp(&self.to) {
            std::cmp::Ordering::Less => self.from <= time && time < self.to,
            std::cmp::Ordering::Equal => true,
            std::cmp::Ordering::Greater => time >= self.from || time < self.to,
        }
    }
}

/// A reader's clock and a series' habits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    pub zone: Zone,
    pub window: Window,
    /// The hour at which a delay in days ends; one outside the window counts as the window's start.
    pub preferred: NaiveTime,
    /// At least this lies between two scheduled steps.
    pub min_gap: TimeDelta,
    /// The days between two steps that the reader chose, in place of the series' own.
    pub spacing: Option<u16>,
}

impl Rhythm {
    /// The hour at which a delay in days ends.
    pub(super) fn hour(&self) -> NaiveTime {
        if self.window.contains(self.preferred) { self.preferred } else { self.window.from }
    }

    /// How many days a delay in days is for this reader. No day stays none: such steps belong together.
    pub(super) fn days(&self, days: u16) -> u16 {
        if days == 0 { 0 } else { self.spacing.unwrap_or(days) }
    }
}

/// When the first step is due for a reader who has confirmed at `confirmed` (series time): confirming is an explicit wish, so
/// without a delay it goes out at once, whatever the hour.
pub fn first_due(confirmed: DateTime<Utc>, delay: Delay, rhythm: &Rhythm) -> DateTime<Utc> {
    if delay.is_zero() { confirmed } else { next_due(confirmed, delay, rhythm) }
}

/// When the next step is due, after the previous was accepted at `accepted` (series time).
///
/// With a window from 8:00 to 20:00, 9:00 preferred and 20 hours' gap, in New York:
///
/// | accepted (local) | delay | due (local) |
/// |---|---|---|
/// | Mon 14:10 | 3d | Thu 9:00 |
/// | Mon 23:50 | 1d | Wed 9:00 (Tue 9:00 is within the gap) |
/// | Mon 14:10 | 36h | Wed 8:00 (Wed 2:10 is outside the window) |
pub fn next_due(accepted: DateTime<Utc>, delay: Delay, rhythm: &Rhythm) -> DateTime<Utc> {
    let earliest = accepted + rhythm.min_gap;
    match delay {
        Delay::Days(days) => {
            let date = rhythm.zone.local(accepted).date() + Days::new(u64::from(rhythm.days(days)));
            first_in_window(rhythm, date, rhythm.hour(), earliest)
        }
        Delay::Minutes(minutes) => into_window(earliest.max(accepted + TimeDelta::minutes(i64::from(minutes))), rhythm),
    }
}

/// `at` itself when the reader's clock is inside the send window, else the window's next start.
pub fn into_window(at: DateTime<Utc>, rhythm: &Rhythm) -> DateTime<Utc> {
    let local = rhythm.zone.local(at);
    if rhythm.window.contains(local.time()) {
        return at;
    }
    first_in_window(rhythm, local.date(), rhythm.window.from, at)
}

/// The first day from `date` on whose `hour` is inside the window and not before `earliest`. An hour that a clock change
/// swallows moves to the end of the gap, which may lie outside the window: then the next day is taken.
pub(super) fn first_in_window(
    rhythm: &Rhythm,
    date: NaiveDate,
    hour: NaiveTime,
    earliest: DateTime<Utc>,
) -> DateTime<Utc> {
    let gap_days = rhythm.min_gap.num_days().unsigned_abs() + 4;
    let mut last = earliest;
    for days in 0..=gap_days {
        let at = rhythm.zone.instant((date + Days::new(days)).and_time(hour));
        if at >= earliest && rhythm.window.contains(rhythm.zone.local(at).time()) {
            return at;
        }
        last = last.max(at);
    }
    debug_assert!(date.year() > 0, "a day without its window follows another");
    last
}

/// A day as `2026-11-26`. One that is no day of anybody's life is none: neither can PostgreSQL hold all that chrono can, nor
/// can one go on from the last of them.
pub fn parse_day(text: &str) -> Option<NaiveDate> {
    text.trim().parse().ok().filter(|day| is_of_our_time(*day))
}

/// From 1900 to 9999.
pub fn is_of_our_time(day: NaiveDate) -> bool {
    (1900..=9999).contains(&day.year())
}

/// The instant at which a day of UTC begins.
pub fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// The instant at which it ends, which the next one begins with; none for the last day that there is.
pub fn end_of_day(day: NaiveDate) -> Option<DateTime<Utc>> {
    day.checked_add_days(Days::new(1)).map(midnight)
}

/// A time of day as `09:00`.
pub fn parse_time(text: &str) -> Result<NaiveTime, PlanError> {
    NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| PlanError::Time)
}
