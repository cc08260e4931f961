//! The reader's calendar, a part as a page, and the page behind a fresh link.
use chrono::{Datelike as _, NaiveDate, NaiveDateTime, Timelike as _};
use serde::Serialize;

use super::Source;
use super::rendering::{Head, private, render};
use crate::messages::{self, Language, Values};

/// Where an enrollment stands, as far as its reader needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ManageState {
    /// Not confirmed yet.
    Pending,
    Active,
    Paused,
    /// Completed or unsubscribed.
    Ended,
    /// Ended here; it goes on at another address.
    Elsewhere,
}

/// What a change that was just asked for has come to; told at the top of the page that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    Saved,
    Hurried,
    Nothing,
    /// No day that a pause can end on.
    Date,
    /// Not among what can be chosen.
    Choice,
    Condition,
    Address,
    Again,
    Stays,
}

impl Said {
    const ALL: [(Self, &'static str, &'static str); 9] = [
        (Self::Saved, "saved", "said-saved"),
        (Self::Hurried, "hurried", "said-hurried"),
        (Self::Nothing, "nothing", "said-nothing"),
        (Self::Date, "date", "said-date"),
        (Self::Choice, "choice", "said-choice"),
        (Self::Condition, "condition", "said-condition"),
        (Self::Address, "address", "said-address"),
        (Self::Again, "again", "said-again"),
        (Self::Stays, "stays", "said-stays"),
    ];

    /// The word for it in a URL.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(said, ..)| *said == self).map_or("", |(_, word, _)| word)
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == word).map(|(said, ..)| *said)
    }

    fn text(self, language: Language) -> String {
        let key = Self::ALL.iter().find(|(said, ..)| *said == self).map_or("said-saved", |(.., key)| key);
        messages::text(language, key)
    }

    /// Whether the reader has to do something about it.
    fn is_fault(self) -> bool {
        matches!(self, Self::Date | Self::Choice)
    }
}

#[derive(Serialize)]
struct Notice {
    text: String,
    fault: bool,
}

impl Notice {
    fn of(said: Option<Said>, language: Language) -> Option<Self> {
        said.map(|said| Self { text: said.text(language), fault: said.is_fault() })
    }
}

/// When a part came, comes, or may come. Times are those of the reader's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Received(Option<NaiveDateTime>),
    OnItsWay,
    Next(NaiveDateTime),
    Later(NaiveDateTime),
    Waits,
    Unclear,
    Refused,
    LeftOut,
    NotComing,
}

impl When {
    fn text(self, language: Language) -> String {
        let (key, at) = match self {
            Self::Received(Some(at)) => ("part-received-on", Some(at)),
            Self::Received(None) => ("part-received", None),
            Self::OnItsWay => ("part-on-its-way", None),
            Self::Next(at) => ("part-next", Some(at)),
            Self::Later(at) => ("part-later", Some(at)),
            Self::Waits => ("part-waits", None),
            Self::Unclear => ("part-unclear", None),
            Self::Refused => ("part-refused", None),
            Self::LeftOut => ("part-left-out", None),
            Self::NotComing => ("part-not-coming", None),
        };
        messages::filled(language, key, &at.map_or_else(Values::new, time_values))
    }

    fn class(self) -> &'static str {
        match self {
            Self::Received(_) => "had",
            Self::OnItsWay | Self::Next(_) => "next",
            Self::Later(_) | Self::Waits => "later",
            Self::Unclear | Self::Refused | Self::LeftOut | Self::NotComing => "not-had",
        }
    }
}

fn time_values(at: NaiveDateTime) -> Values<'static> {
    date_values(at.date()).with("time", clock(at.time()))
}

fn date_values(date: NaiveDate) -> Values<'static> {
    Values::new()
        .with("weekday", date.weekday().number_from_monday())
        .with("day", date.day())
        .with("month", date.month())
}

/// `9:00`
fn clock(time: chrono::NaiveTime) -> String {
    format!("{}:{:02}", time.hour(), time.minute())
}

/// One part on the calendar.
#[derive(Debug, Clone)]
pub struct TimelinePart {
    pub number: u32,
    pub subject: String,
    pub when: When,
    /// Where it can be read; none of what the reader does not have.
    pub read_at: Option<String>,
}

/// Something that can be chosen from a list.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub selected: bool,
}

/// Zones of one region of the world.
#[derive(Debug, Clone, Serialize)]
pub struct ZoneGroup {
    pub region: String,
    pub zones: Vec<Choice>,
}

/// Where the manage link in a mail leads: the calendar, and what a forwarded link may change.
#[derive(Debug, Clone)]
pub struct ManagePage {
    pub series_title: String,
    pub state: ManageState,
    /// Another address was named, and may confirm still.
    pub may_move: bool,
    pub series_paused: bool,
    pub paused_until: Option<NaiveDate>,
    pub said: Option<Said>,
    pub zone: String,
    pub parts: Vec<TimelinePart>,
    /// `/manage/<token>`: what all forms post below.
    pub path: String,
    pub may_hurry: bool,
    /// The first and the last day that a pause can end on.
    pub pause_days: (NaiveDate, NaiveDate),
    pub zones: Vec<ZoneGroup>,
    /// The hours that parts can come at, and the series' own, as `9:00`.
    pub hours: Vec<Choice>,
    pub series_hour: String,
    /// Days between parts; empty when there is no choice.
    pub spacings: Vec<(u16, bool)>,
    pub unsubscribe_to: Option<String>,
}

impl ManagePage {
    pub fn render(&self, language: Language) -> String {
        let say = |key: &str, values: Values<'_>| messages::filled(language, key, &values);
        let next = self.parts.iter().find_map(|part| match part.when {
            When::Next(at) => {
                let values = time_values(at).with("part", part.number).with("zone", self.zone.clone());
                Some(say("manage-next", values))
            }
            When::OnItsWay => Some(say("manage-on-its-way", Values::new().with("part", part.number))),
            _ => None,
        });
        let until = self.paused_until.map(|date| say("manage-paused-until", date_values(date)));
        let received = self.parts.iter().filter(|part| matches!(part.when, When::Received(_))).count();
        let spacing = |(days, selected): &(u16, bool)| Choice {
            value: days.to_string(),
            label: say("manage-spacing-days", Values::new().with("days", *days)),
            selected: *selected,
        };
        let parts = self.parts.iter().map(|part| TimelineLine {
            number: part.number,
            subject: &part.subject,
            when: part.when.text(language),
            class: part.when.class(),
            read_at: part.read_at.as_deref(),
        });
        let view = ManageView {
            series_title: &self.series_title,
            state: self.state,
            may_move: self.may_move,
            headline: until.unwrap_or_else(|| messages::text(language, self.headline(received))),
            ends_by_itself: self.paused_until.is_some(),
            series_paused: self.series_paused,
            notice: Notice::of(self.said, language),
            next,
            received,
            count: self.parts.len(),
            has_dates: self.parts.iter().any(|part| matches!(part.when, When::Next(_) | When::Later(_))),
            zone: &self.zone,
            parts: parts.collect(),
            path: &self.path,
            may_hurry: self.may_hurry,
            first_day: self.pause_days.0.to_string(),
            last_day: self.pause_days.1.to_string(),
            zones: &self.zones,
            hours: &self.hours,
            own_hour: self.hours.iter().any(|hour| hour.selected),
            series_hour: &self.series_hour,
            own_spacing: self.spacings.iter().any(|(_, selected)| *selected),
            spacings: self.spacings.iter().map(spacing).collect(),
            unsubscribe_to: self.unsubscribe_to.as_deref(),
        };
        private(language, "manage", "manage-title", Some(&self.series_title), &view)
    }

    fn headline(&self, received: usize) -> &'static str {
        match self.state {
            ManageState::Pending => "manage-pending",
            ManageState::Active => "manage-active",
            ManageState::Paused => "manage-paused",
            ManageState::Elsewhere => "elsewhere-title",
            ManageState::Ended if received == self.parts.len() => "manage-complete",
            ManageState::Ended => "manage-stopped",
        }
    }
}

#[derive(Serialize)]
struct TimelineLine<'a> {
    number: u32,
    subject: &'a str,
    when: String,
    class: &'static str,
    read_at: Option<&'a str>,
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is one question of the template")]
struct ManageView<'a> {
    series_title: &'a str,
    state: ManageState,
    may_move: bool,
    headline: String,
    ends_by_itself: bool,
    series_paused: bool,
    notice: Option<Notice>,
    next: Option<String>,
    received: usize,
    count: usize,
    has_dates: bool,
    zone: &'a str,
    parts: Vec<TimelineLine<'a>>,
    path: &'a str,
    may_hurry: bool,
    first_day: String,
    last_day: String,
    zones: &'a [ZoneGroup],
    hours: &'a [Choice],
    own_hour: bool,
    series_hour: &'a str,
    own_spacing: bool,
    spacings: Vec<Choice>,
    unsubscribe_to: Option<&'a str>,
}

/// A part that the reader has, as a page.
#[derive(Clone, Serialize)]
pub struct ReadPartPage {
    pub series_title: String,
    pub title: String,
    /// The language of the text, for screen readers.
    pub text_language: String,
    pub number: usize,
    pub parts: usize,
    /// Trusted HTML from the content.
    pub html: String,
    pub sources: Vec<Source>,
    pub review_line: String,
    pub sponsor: String,
    /// The way back to the calendar.
    pub back_to: String,
    /// Where this part can be called helpful or not.
    pub helpful: String,
}

impl ReadPartPage {
    pub fn render(&self, language: Language) -> String {
        let title = messages::text(language, "manage-title");
        let head = Head { layout: "text", brand: Some(&self.series_title), ..Head::note(&title) };
        render(language, "read_part", &head, self)
    }
}

/// Where a fresh link leads: what a forwarded link must not do.
#[derive(Debug, Clone)]
pub struct FreshPage {
    pub series_title: String,
    /// `/fresh/<token>`: what all forms post below.
    pub path: String,
    pub said: Option<Said>,
    /// Key and name; none is marked as the reader's.
    pub conditions: Vec<Choice>,
    pub is_open: bool,
    pub may_start_again: bool,
    pub may_go_on: bool,
    /// What was typed as the new address, and the message that says what is wrong with it.
    pub address: String,
    pub address_error: Option<&'static str>,
}

impl FreshPage {
    pub fn render(&self, language: Language) -> String {
        let view = FreshView {
            path: &self.path,
            notice: Notice::of(self.said, language),
            series_title: &self.series_title,
            conditions: &self.conditions,
            is_open: self.is_open,
            may_start_again: self.may_start_again,
            may_go_on: self.may_go_on,
            address: &self.address,
            address_error: self.address_error.map(|key| messages::text(language, key)),
        };
        private(language, "fresh", "fresh-title", Some(&self.series_title), &view)
    }
}

#[derive(Serialize)]
struct FreshView<'a> {
    path: &'a str,
    notice: Option<Notice>,
    series_title: &'a str,
    conditions: &'a [Choice],
    is_open: bool,
    may_start_again: bool,
    may_go_on: bool,
    address: &'a str,
    address_error: Option<String>,
}

/// After asking for a fresh link; the same whatever became of it.
#[derive(Debug, Clone, Serialize)]
pub struct FreshSentPage {}

impl FreshSentPage {
    pub fn render(&self, language: Language) -> String {
        private(language, "fresh_sent", "check-inbox-title", None, self)
    }
}

/// A fresh link that is too old; its button asks for a new one.
#[derive(Debug, Clone, Serialize)]
pub struct FreshExpiredPage {
    /// Where the button posts to.
    pub post_to: String,
}

impl FreshExpiredPage {
    pub fn render(&self, language: Language) -> String {
        private(language, "fresh_expired", "expired-title", None, self)
    }
}

/// After erasing.
#[derive(Debug, Clone, Serialize)]
pub struct ErasedPage {}

impl ErasedPage {
    pub fn render(&self, language: Language) -> String {
        private(language, "erased", "erased-title", None, self)
    }
}
