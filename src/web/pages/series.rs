//! A series as admins see it before its readers do.
use serde::Serialize;

use super::readers::Pick;

/// Every series that is published.
#[derive(Debug, Clone, Serialize)]
pub struct AllSeriesPage {
    pub all: Vec<SeriesLine>,
    /// For those who may see what is not published.
    pub changes_path: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
pub struct SeriesLine {
    pub title: String,
    pub path: String,
    pub parts: usize,
    pub findings: usize,
    pub languages: String,
}

/// What would change for whom. In English alone, as all that is said about files.
#[derive(Debug, Clone, Serialize)]
pub struct ChangesPage {
    /// On the disk of the server; none for the content that is built in.
    pub folder: Option<String>,
    pub faults: Vec<String>,
    /// Whether nothing differs.
    pub same: bool,
    /// Those that differ.
    pub series: Vec<SeriesChangesView>,
}

#[derive(Debug, Clone, Serialize)]
pub struct SeriesChangesView {
    pub series: String,
    /// Of one that is published.
    pub path: Option<String>,
    pub kind: &'static str,
    pub settings: Vec<SettingRow>,
    pub steps: Vec<StepChangesRow>,
    pub readers: Vec<FateRow>,
    pub untouched: i64,
}

#[derive(Debug, Clone, Serialize)]
pub struct SettingRow {
    pub name: &'static str,
    pub was: String,
    pub will_be: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct StepChangesRow {
    pub step: String,
    pub changes: String,
}

/// Readers who wait for the same step, and what happens to them.
#[derive(Debug, Clone, Serialize)]
pub struct FateRow {
    pub waits_for: String,
    pub readers: i64,
    pub fate: String,
}

/// A series: its parts on a time line, its rules, and what could be better.
#[derive(Debug, Clone, Serialize)]
pub struct SeriesPage {
    pub title: String,
    /// Of the content that is published.
    pub version: String,
    pub languages: String,
    /// How many conditions readers choose from.
    pub conditions: usize,
    /// `08:00`
    pub window_from: String,
    pub window_to: String,
    pub preferred: String,
    /// In hours.
    pub min_gap: i64,
    /// `1, 3, 7`, in days; none when readers have no choice.
    pub spacings: Option<String>,
    pub rehearsal_path: String,
    pub parts: Vec<PartView>,
    pub findings: Vec<FindingView>,
}

/// One part on the time line.
#[derive(Debug, Clone, Serialize)]
pub struct PartView {
    pub number: usize,
    pub subject: String,
    pub preheader: String,
    pub key: String,
    /// Days after the confirmation.
    pub day: i64,
    /// When it comes, in words.
    pub delay: String,
    pub languages: String,
    pub has_passages: bool,
    pub words: usize,
    pub kilobytes: usize,
    /// For those who may see it.
    pub preview_path: Option<String>,
}

/// What could be better, and where; in English, as all that is said about files.
#[derive(Debug, Clone, Serialize)]
pub struct FindingView {
    pub file: String,
    pub message: String,
}

/// One part as a reader would get it.
#[derive(Debug, Clone, Serialize)]
pub struct StepPage {
    pub series_title: String,
    pub series_path: String,
    pub number: usize,
    pub subject: String,
    pub preheader: String,
    /// Of the part before and the part after, with the same choices.
    pub before_path: Option<String>,
    pub after_path: Option<String>,
    /// Where the form asks again.
    pub path: String,
    pub conditions: Vec<Pick>,
    pub languages: Vec<Pick>,
    pub colours: Vec<Pick>,
    pub zone: String,
    pub hours: Vec<Pick>,
    /// When the reader who is named there would get it, in a sentence; none when the zone is none.
    pub due: Option<String>,
    /// The mail's HTML as a document of its own.
    pub html_path: String,
    /// The language of the mail.
    pub language: &'static str,
    pub text: String,
    /// In kilobytes, with one digit behind the point.
    pub html_size: String,
    /// Of all that Gmail shows before it cuts a mail off.
    pub percent_of_clip: usize,
    /// None where this process makes no messages.
    pub message: Option<MessageView>,
    pub test_path: String,
    /// What the form for a test sends along.
    pub condition: String,
    pub editors: Vec<String>,
}

/// What is around a mail's texts.
#[derive(Debug, Clone, Serialize)]
pub struct MessageView {
    pub headers: Vec<HeaderView>,
    pub is_signed: bool,
    pub size: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct HeaderView {
    pub name: String,
    pub value: String,
}

/// The whole series for a sample of readers.
#[derive(Debug, Clone, Serialize)]
pub struct RehearsalPage {
    pub series_title: String,
    pub series_path: String,
    /// Where the form asks again.
    pub path: String,
    /// `2026-11-26`
    pub from: String,
    /// As it was typed; empty for the sample.
    pub zone: String,
    pub hours: Vec<Pick>,
    pub spacings: Vec<Pick>,
    /// The numbers of the parts.
    pub parts: Vec<usize>,
    pub rows: Vec<CalendarRow>,
}

/// One reader's calendar.
#[derive(Debug, Clone, Serialize)]
pub struct CalendarRow {
    pub zone: &'static str,
    /// Why the reader is in the sample: a message.
    pub when: &'static str,
    pub confirms: CalendarCell,
    pub parts: Vec<CalendarCell>,
}

/// One time of a reader's clock.
#[derive(Debug, Clone, Serialize)]
pub struct CalendarCell {
    pub weekday: String,
    /// `2026-03-09 09:00`
    pub time: String,
    pub marks: Vec<Mark>,
}

/// What is remarkable about a time.
#[derive(Debug, Clone, Serialize)]
pub struct Mark {
    pub text: String,
    /// The part comes at another time than its delay alone would have it.
    pub moves: bool,
}
