//! What admins see of imports. In English alone, as all that is for admins only.
use serde::Serialize;

use super::readers::Pick;

/// The imports, the newest first.
#[derive(Debug, Clone, Serialize)]
pub struct ImportsPage {
    pub imports: Vec<ImportRow>,
    /// Where the list goes on, if it does.
    pub next_path: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ImportRow {
    pub path: String,
    pub id: i64,
    pub series: String,
    pub dry_run: bool,
    pub ended: bool,
    /// `going on`, `done`, `cancelled` or `failed`.
    pub state: &'static str,
    /// How much of the file is done.
    pub percent: i64,
    pub lines: i64,
    pub active: i64,
    pub pending: i64,
    pub refused: i64,
    /// `2026-11-26 13:05`, UTC.
    pub at: String,
    pub who: String,
    pub why: String,
}

/// One import.
#[derive(Debug, Clone, Serialize)]
pub struct ImportPage {
    pub import: ImportRow,
    pub reasons: Vec<ReasonRow>,
    /// The numbers of the refused lines as a file, if there are any.
    pub refused_path: Option<String>,
    /// Whether the page changes by itself.
    pub watched: bool,
    /// Whether its file came over the web, and it goes on without anybody.
    pub by_itself: bool,
    /// Where the readers whom a dry run has found are taken in.
    pub start_path: Option<String>,
    /// How many they are.
    pub readers: i64,
    pub cancel_path: Option<String>,
    /// Of the dry run before it.
    pub follows_path: Option<String>,
    /// Of the import that has taken in those whom this dry run found.
    pub followed_by_path: Option<String>,
    /// Why it could not go on.
    pub fault: Option<String>,
}

/// The form for a file.
#[derive(Debug, Clone, Serialize)]
pub struct NewImportPage {
    pub series: Vec<Pick>,
    /// The largest file.
    pub megabytes: u64,
}

/// How many lines were refused for one reason.
#[derive(Debug, Clone, Serialize)]
pub struct ReasonRow {
    pub text: &'static str,
    pub count: i64,
}
