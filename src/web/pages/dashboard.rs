//! Where the admins' pages begin: how each series does, and whether everything lives.
use serde::Serialize;

use super::rendering::fill;
use crate::messages::Language;

/// The page; what is in `live` is written anew while somebody looks.
#[derive(Debug, Clone, Serialize)]
pub struct OverviewPage {
    #[serde(flatten)]
    pub live: Live,
    /// Where the news come from.
    pub live_path: &'static str,
}

/// What changes while one looks.
#[derive(Debug, Clone, Serialize)]
pub struct Live {
    /// Due for long, never tried, and nobody paused it.
    pub overdue: i64,
    /// When no process dispatches, nothing is sent at all.
    pub nobody_dispatches: bool,
    pub series: Vec<SeriesView>,
    pub nodes: Vec<NodeView>,
    pub relays: Vec<RelayView>,
}

impl Live {
    /// The part of the page, without a page around it.
    pub fn render(&self, language: Language) -> String {
        fill(language, "admin_live", self)
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct SeriesView {
    pub title: String,
    pub article_path: String,
    pub series_path: String,
    pub embed_path: String,
    /// Only a series with a survey has figures.
    pub figures_path: Option<String>,
    pub paused: bool,
    /// Nothing was ever owed.
    pub is_new: bool,
    /// `2026-11-26 13:05:07`, UTC.
    pub as_of: String,
    pub funnel: Vec<StageView>,
    pub books: Vec<AccountView>,
    pub total: AccountView,
    pub delivered: Chart,
    /// In minutes.
    pub lateness: Chart,
    pub next_hour: i64,
    pub coming: Chart,
}

/// A bar of the funnel.
#[derive(Debug, Clone, Serialize)]
pub struct StageView {
    /// A message: what the readers have come to.
    pub stage: &'static str,
    pub part: Option<usize>,
    pub count: i64,
    /// Of those who signed up.
    pub percent: i64,
}

/// A line of the books.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AccountView {
    pub part: Option<usize>,
    /// A message: what it is when it is no part of the series.
    pub kind: &'static str,
    pub step: Option<String>,
    pub repeats: bool,
    pub due: i64,
    pub accepted: i64,
    pub rejected: i64,
    pub uncertain: i64,
    pub waiting: i64,
    pub skipped: i64,
    /// `unsubscribed 3, suppressed 1`.
    pub reasons: String,
    pub later: i64,
}

/// Columns, one a day.
#[derive(Debug, Clone, Serialize)]
pub struct Chart {
    pub columns: Vec<Column>,
    pub highest: i64,
    /// Of the view box.
    pub width: usize,
    /// Its first day and its last.
    pub first: String,
    pub last: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Column {
    /// `2026-11-26`.
    pub day: String,
    pub count: i64,
    pub x: usize,
    pub y: i64,
    pub height: i64,
}

impl Chart {
    /// In units of the view box: a column and the room after it, and the whole height.
    const STEP: usize = 10;
    const HEIGHT: i64 = 100;

    /// Of days and their counts, the oldest first. What is not nothing is seen.
    pub fn new(days: impl IntoIterator<Item = (String, i64)>) -> Self {
        let days: Vec<(String, i64)> = days.into_iter().collect();
        let highest = days.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let column = |(index, (day, count)): (usize, (String, i64))| {
            let height = if count > 0 { (count * Self::HEIGHT / highest).max(2) } else { 0 };
            Column { day, count, x: index * Self::STEP, y: Self::HEIGHT - height, height }
        };
        let width = days.len() * Self::STEP;
        let day = |one: Option<&(String, i64)>| one.map(|(day, _)| day.clone()).unwrap_or_default();
        let (first, last) = (day(days.first()), day(days.last()));
        Self { columns: days.into_iter().enumerate().map(column).collect(), highest, width, first, last }
    }
}

/// A process.
#[derive(Debug, Clone, Serialize)]
pub struct NodeView {
    pub id: String,
    pub role: String,
    pub alive: bool,
    /// `2026-11-26 13:05`, UTC.
    pub started: String,
    pub seen: String,
    pub holds: i64,
}

#[derive(Debug, Clone, Serialize)]
pub struct RelayView {
    pub name: String,
    /// Mails of today (UTC).
    pub taken: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_column_is_whole_and_the_least_is_seen() {
        let chart = Chart::new([("a".into(), 0), ("b".into(), 1), ("c".into(), 1_000)]);
        let heights: Vec<i64> = chart.columns.iter().map(|one| one.height).collect();
        assert_eq!((heights, chart.highest, chart.width), (vec![0, 2, 100], 1_000, 30));
        assert_eq!(Chart::new([]).highest, 0);
    }
}
