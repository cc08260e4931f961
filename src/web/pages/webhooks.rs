//! What admins see of webhooks. In English alone, as all that is for admins only.
use serde::Serialize;

use super::readers::Pick;

/// The webhooks, and a form for another.
#[derive(Debug, Clone, Serialize)]
pub struct WebhooksPage {
    pub webhooks: Vec<WebhookRow>,
    /// The secret of one that was just made or has a new one, shown once.
    pub secret: Option<String>,
    /// What was typed.
    pub name: String,
    pub url: String,
    pub events: Vec<Pick>,
    pub series: Vec<Pick>,
    pub with_address: bool,
    pub why: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct WebhookRow {
    pub path: String,
    pub name: String,
    pub url: String,
    pub events: String,
    /// None: all of them.
    pub series: Option<String>,
    pub with_address: bool,
    /// In words.
    pub health: String,
    /// Whether somebody should look.
    pub fails: bool,
    pub disabled: bool,
    pub pending: i64,
    pub failed: i64,
}

/// One webhook and what it is told.
#[derive(Debug, Clone, Serialize)]
pub struct WebhookPage {
    pub webhook: WebhookRow,
    pub made: String,
    pub made_by: Option<String>,
    pub states: Vec<Pick>,
    pub messages: Vec<MessageRow>,
    pub next_path: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct MessageRow {
    pub id: String,
    pub event: String,
    /// The series, and the step if it is about one.
    pub about: String,
    pub at: String,
    pub state: String,
    pub tries: i16,
    /// How the last try was answered.
    pub answer: String,
    /// When it is tried next, while it waits.
    pub next_try: Option<String>,
    /// Where it is sent again from; none while it waits.
    pub again_path: Option<String>,
}
