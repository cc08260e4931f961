//! The sign-up box alone in a frame, and the pages on which admins get what publishers copy.
use serde::Serialize;

use super::admin::AdminPage;
use super::rendering::{Frame, Head, fill, render_in};
use super::{Card, ConditionOption, SignUpBox};
use crate::messages::{self, Language, Values};

/// The sign-up box in a frame on another site.
#[derive(Debug, Clone, Serialize)]
pub struct EmbedPage {
    pub sign_up: SignUpBox,
    #[serde(skip)]
    pub frame: Frame,
}

impl EmbedPage {
    pub fn render(&self, language: Language) -> String {
        let title = self.sign_up.title(language, &self.sign_up.series_title);
        let head = Head { layout: "box", switch: !self.sign_up.answers_a_form(), ..Head::note(&title) };
        render_in(language, "embed", &head, Some(&self.frame), self)
    }
}

/// The series of which there is a box.
#[derive(Debug, Clone, Serialize)]
pub struct EmbedListPage {
    pub series: Vec<Card>,
}

impl AdminPage for EmbedListPage {
    const TEMPLATE: &'static str = "embed_list";

    fn title(&self, language: Language) -> String {
        messages::text(language, "snippets-list-title")
    }
}

/// What a publisher copies, and how it looks.
#[derive(Debug, Clone, Serialize)]
pub struct EmbedSnippetsPage {
    pub series_slug: String,
    pub series_title: String,
    /// The look that was chosen; without one the reader's browser decides.
    pub language: Option<&'static str>,
    pub theme: Option<&'static str>,
    /// Tag, name, and whether it is chosen.
    pub languages: Vec<(&'static str, &'static str, bool)>,
    /// Word, and whether it is chosen.
    pub themes: Vec<(&'static str, bool)>,
    pub frame_path: String,
    /// As in the configuration.
    pub origins: Vec<String>,
    /// Ours.
    pub site: String,
    pub script: String,
    pub frame: String,
    pub form: String,
}

impl AdminPage for EmbedSnippetsPage {
    const TEMPLATE: &'static str = "embed_snippets";
    // The script is there for its copying alone.
    const SCRIPT: Option<&'static str> = Some("site.js");

    fn title(&self, language: Language) -> String {
        let values = Values::new().with("title", self.series_title.as_str());
        messages::filled(language, "snippets-title", &values)
    }
}

/// What the snippets are made of. They are HTML for another site, shown as text on ours.
#[derive(Debug, Clone, Serialize)]
pub struct Snippets {
    /// Where we are: `https://series.example.org`.
    pub site: String,
    pub series_slug: String,
    pub series_title: String,
    pub language: Option<&'static str>,
    pub theme: Option<&'static str>,
    pub frame_path: String,
    /// The language of the plain form.
    pub form_language: &'static str,
    pub conditions: Vec<ConditionOption>,
}

impl Snippets {
    pub fn script(&self, words: Language) -> String {
        fill(words, "snippet_script", self)
    }

    pub fn frame(&self, words: Language) -> String {
        fill(words, "snippet_frame", self)
    }

    pub fn form(&self, words: Language) -> String {
        fill(words, "snippet_form", self)
    }
}
