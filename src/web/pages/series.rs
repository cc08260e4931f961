//! A series as admins see it before its readers do.
use serde::Serialize;

use super::readers::Pick;

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
