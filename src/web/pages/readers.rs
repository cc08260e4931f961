//! What admins see of readers. In English alone, as all that is for admins only.
use serde::Serialize;

/// The list of readers, with what can be asked of it.
#[derive(Debug, Clone, Serialize)]
pub struct ReadersPage {
    pub ask: Ask,
    /// Whether anything is asked, so that an empty list is not called an empty house.
    pub is_search: bool,
    pub readers: Vec<ReaderRow>,
    /// Where the list goes on, if it does.
    pub next_path: Option<String>,
    /// Where they are to be had as a file, for those who may.
    pub files: Option<Files>,
}

/// All readers of the series and state that are asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Files {
    pub csv: String,
    pub json_lines: String,
}

/// The fields of the form, as they were filled in.
#[derive(Debug, Clone, Serialize)]
pub struct Ask {
    pub part: String,
    pub series: Vec<Pick>,
    pub states: Vec<Pick>,
    pub parts: Vec<Pick>,
    /// The part that comes next.
    pub next: Vec<Pick>,
    /// `2026-11-26` or empty.
    pub since: String,
    pub until: String,
}

/// One answer of a drop-down list.
#[derive(Debug, Clone, Serialize)]
pub struct Pick {
    pub value: String,
    pub text: String,
    pub chosen: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct ReaderRow {
    pub path: String,
    pub address: String,
    pub series: String,
    pub state: String,
    pub suppressed: bool,
    pub received: usize,
    /// `2026-11-26 13:05`, UTC.
    pub signed_up: String,
}

/// One reader's story.
#[derive(Debug, Clone, Serialize)]
pub struct ReaderPage {
    pub address: String,
    pub signed_up: String,
    pub suppressed: bool,
    /// Where something is done for the reader, by those who may.
    pub act_path: Option<String>,
    pub of_address: AddressDeeds,
    /// Names this view of the page: what its forms ask for is done once.
    pub request: String,
    pub chapters: Vec<ChapterView>,
}

/// What can be done to the address as a whole.
#[derive(Debug, Clone, Serialize)]
pub struct AddressDeeds {
    /// Suppressing it, or lifting that.
    pub deed: Pick,
    pub export_path: Option<String>,
    pub erase_path: Option<String>,
}

/// Of a reader whom the database does not know any more.
#[derive(Debug, Clone, Serialize)]
pub struct ReaderGonePage {
    /// By an admin; of others nothing is known.
    pub erased: bool,
}

/// One way through one series.
#[derive(Debug, Clone, Serialize)]
pub struct ChapterView {
    pub series: String,
    /// What can be done.
    pub deeds: Vec<Pick>,
    /// The parts that it can be done with.
    pub steps: Vec<Pick>,
    pub series_title: String,
    pub state: String,
    /// What comes next and why, or why nothing does.
    pub standing: String,
    pub zone: String,
    pub language: String,
    pub hour: String,
    pub spacing: Option<u16>,
    pub received: usize,
    pub parts: usize,
    pub events: Vec<EventView>,
    pub ahead: Vec<AheadView>,
}

#[derive(Debug, Clone, Serialize)]
pub struct EventView {
    /// The reader's local time.
    pub when: String,
    /// For machines, in UTC.
    pub at: String,
    pub title: String,
    pub detail: String,
    /// A class: `good`, `bad` or `open`.
    pub tone: &'static str,
    pub attempts: Vec<AttemptView>,
    /// Where the mail can be read as it was sent.
    pub sent_path: Option<String>,
}

/// One try, with the relay's own words.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptView {
    pub number: i32,
    pub outcome: String,
    pub when: String,
    pub reply: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct AheadView {
    pub number: u32,
    pub subject: String,
    pub when: String,
}

/// A mail as it was sent, but for the passage about the condition.
#[derive(Debug, Clone, Serialize)]
pub struct SentPage {
    pub title: String,
    pub number: usize,
    pub parts: usize,
    /// The language of the text, for screen readers.
    pub text_language: String,
    /// Trusted HTML from the content.
    pub html: String,
    /// The way back to the reader.
    pub back_to: String,
}
