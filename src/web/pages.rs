//! The pages a reader sees: one struct a page, each with what it shows, and `render`.
//!
//! They need no script, and fit a policy without inline styles or scripts. Pages behind a link from a mail name neither
//! address nor condition, keep the series out of the tab's title (and so out of the browser's history), and change
//! nothing until their button is pressed. Every word that comes from a reader, a URL or a setting is escaped; only the
//! fields whose names end in `html` are trusted as they are.
pub(in crate::web) mod admin;
mod api;
mod calendar;
pub(in crate::web) mod dashboard;
mod embed;
pub(in crate::web) mod imports;
pub(in crate::web) mod readers;
mod rendering;
pub(in crate::web) mod runs;
pub(in crate::web) mod series;
#[cfg(test)]
mod tests;
mod voices;
pub(in crate::web) mod webhooks;

use serde::Serialize;

pub use api::{ApiAnswer, ApiCall, ApiField, ApiPage, ApiShape};
pub use calendar::{
    Choice, ErasedPage, FreshExpiredPage, FreshPage, FreshSentPage, ManagePage, ManageState, ReadPartPage, Said,
    TimelinePart, When, ZoneGroup,
};
pub use embed::{EmbedListPage, EmbedPage, EmbedSnippetsPage, Snippets};
pub use rendering::Frame;
use rendering::{Head, private, render, render_in};

pub use voices::{
    AfterArticle, Bar, Card, FiguresOfQuestion, HelpfulBox, HelpfulPage, RelatedPage, SeriesListPage, Share,
    SurveyAnswer, SurveyFiguresPage, SurveyOffer, SurveyPage, SurveyQuestion, SurveyThanksPage, helpful_count,
};

use crate::messages::{self, Language, Values};

/// What an article says about itself.
#[derive(Debug, Clone, Serialize)]
pub struct ArticleHead {
    pub title: String,
    pub description: String,
    pub byline: String,
    /// The language of the text, for screen readers: not that of the page around it, if there is none in that.
    pub text_language: String,
    pub review: Review,
    pub sponsor: String,
    /// Where search engines and readers should find it.
    pub canonical: String,
}

/// When a text was last edited, and who has reviewed it, if somebody has.
#[derive(Debug, Clone, Serialize)]
pub struct Review {
    /// For machines: `2026-11-05`.
    pub date: String,
    pub day: u32,
    pub month: u32,
    pub year: i32,
    pub reviewer: Option<String>,
}

/// The article, with the sign-up box in it or beside it. After a faulty sign-up it is shown again (status 422).
#[derive(Debug, Clone, Serialize)]
pub struct ArticlePage {
    pub head: ArticleHead,
    /// Trusted HTML from the content: what comes before the sign-up box.
    pub before_sign_up_html: String,
    /// Trusted HTML from the content: what comes after it.
    pub after_sign_up_html: String,
    pub sources: Vec<Source>,
    pub sign_up: SignUpBox,
    /// The language of the page around the text.
    pub language: String,
    /// Not on a page that answers a form.
    pub after: Option<AfterArticle>,
}

/// Where a claim in the article comes from. Only a web address becomes a link.
#[derive(Debug, Clone, Serialize)]
pub struct Source {
    pub publisher: String,
    pub title: String,
    pub url: String,
}

/// The form a sign-up comes from: `POST /subscribe` with the fields `series`, `email`, `condition` and `timezone`.
///
/// With errors, everything typed is kept and a summary leads to the faulty fields.
#[derive(Debug, Clone, Serialize)]
pub struct SignUpBox {
    /// Where the form goes.
    pub post_to: String,
    pub series_slug: String,
    pub series_title: String,
    pub parts: usize,
    pub conditions: Vec<ConditionOption>,
    pub email: String,
    /// A sentence that says what to do.
    pub email_error: Option<String>,
    /// A sentence that says what to do.
    pub condition_error: Option<String>,
    /// Nothing is wrong with the fields, and yet it did not work: a sentence that says what to do.
    pub passing_error: Option<String>,
    /// Empty until the browser has filled it in.
    pub timezone: String,
    /// The tag of the language that the form is in, which the series is then sent in.
    pub language: String,
    pub guards: GuardFields,
}

impl SignUpBox {
    /// Of a page that the box is on: what a screen reader says first.
    fn title(&self, language: Language, title: &str) -> String {
        let with = |key| messages::filled(language, key, &Values::new().with("title", title));
        match &self.passing_error {
            Some(_) => with("sign-up-title-later"),
            None if self.answers_a_form() => with("sign-up-title-again"),
            None => title.to_owned(),
        }
    }

    fn answers_a_form(&self) -> bool {
        self.email_error.is_some() || self.condition_error.is_some() || self.passing_error.is_some()
    }
}

/// What a form carries so that robots do not sign other people up (the template `guard_fields`).
#[derive(Debug, Clone, Default, Serialize)]
pub struct GuardFields {
    /// Says when the form was shown.
    pub token: String,
    /// Where the browser's arithmetic is fetched, when some is asked for.
    pub challenge: Option<&'static str>,
}

/// After a form that was not one of ours, or not fresh: all that was typed, and one button (status 422).
#[derive(Debug, Clone, Serialize)]
pub struct OnceMorePage {
    /// A sentence.
    pub why: String,
    /// Where the button posts to.
    pub post_to: String,
    /// Where the form can be filled in anew.
    pub again_path: String,
    pub series_slug: String,
    pub series_title: String,
    pub email: String,
    pub condition: String,
    pub condition_name: String,
    pub timezone: String,
    pub language: String,
    pub guards: GuardFields,
}

impl OnceMorePage {
    pub fn render_in(&self, language: Language, frame: Option<&Frame>) -> String {
        let title = messages::text(language, "once-more-title");
        let head = Head { switch: false, brand: Some(&self.series_title), ..Head::note(&title) };
        render_in(language, "once_more", &head, frame, self)
    }
}

/// One condition in the form.
#[derive(Debug, Clone, Serialize)]
pub struct ConditionOption {
    pub key: String,
    pub name: String,
    pub selected: bool,
}

impl ArticlePage {
    pub fn render(&self, language: Language) -> String {
        let title = self.sign_up.title(language, &self.head.title);
        let answers_a_form = self.sign_up.answers_a_form();
        let head = Head {
            title: &title,
            description: Some(&self.head.description),
            private: answers_a_form,
            brand: Some(&self.sign_up.series_title),
            layout: "wide",
            sign_up: Some("#sign-up"),
            script: true,
            canonical: (!answers_a_form).then_some(self.head.canonical.as_str()),
            switch: !answers_a_form,
        };
        render(language, "article", &head, self)
    }
}

/// After a sign-up; the same whatever was known about the address.
#[derive(Debug, Clone, Serialize)]
pub struct CheckInboxPage {
    /// Where one can sign up once more.
    pub again_path: String,
}

impl CheckInboxPage {
    pub fn render_in(&self, language: Language, frame: Option<&Frame>) -> String {
        let title = messages::text(language, "check-inbox-title");
        render_in(language, "check_inbox", &Head { switch: false, ..Head::note(&title) }, frame, self)
    }
}

/// Where the link in a confirmation leads: one button.
#[derive(Debug, Clone, Serialize)]
pub struct ConfirmPage {
    pub series_title: String,
    /// Where the button posts to.
    pub post_to: String,
}

impl ConfirmPage {
    pub fn render(&self, language: Language) -> String {
        private(language, "confirm", "confirm-title", Some(&self.series_title), self)
    }
}

/// After the press: what comes next.
#[derive(Debug, Clone, Serialize)]
pub struct ConfirmedPage {
    pub series_title: String,
    pub parts: usize,
}

impl ConfirmedPage {
    pub fn render(&self, language: Language) -> String {
        private(language, "confirmed", "confirmed-title", Some(&self.series_title), self)
    }
}

/// Where the mail that asks a new address leads: one button.
#[derive(Debug, Clone, Serialize)]
pub struct ConfirmMovePage {
    pub series_title: String,
    /// Where the button posts to.
    pub post_to: String,
}

impl ConfirmMovePage {
    pub fn render(&self, language: Language) -> String {
        private(language, "confirm_move", "confirm-move-title", Some(&self.series_title), self)
    }
}

/// After that press: the series goes on here.
#[derive(Debug, Clone, Serialize)]
pub struct MovedHerePage {
    pub series_title: String,
}

impl MovedHerePage {
    pub fn render(&self, language: Language) -> String {
        private(language, "moved_here", "moved-here-title", Some(&self.series_title), self)
    }
}

/// A wish to move the series here that waits no more.
#[derive(Debug, Clone, Serialize)]
pub struct NothingMovedPage {
    pub series_title: String,
}

impl NothingMovedPage {
    pub fn render(&self, language: Language) -> String {
        private(language, "nothing_moved", "nothing-moved-title", Some(&self.series_title), self)
    }
}

/// An old link of an address from which the series has gone to another.
#[derive(Debug, Clone, Serialize)]
pub struct ElsewherePage {
    pub series_title: String,
    /// Where the button that stops it posts to.
    pub post_to: String,
}

impl ElsewherePage {
    pub fn render(&self, language: Language) -> String {
        private(language, "elsewhere", "elsewhere-title", Some(&self.series_title), self)
    }
}

/// The link was used before, and all is well.
#[derive(Debug, Clone, Serialize)]
pub struct AlreadyConfirmedPage {
    pub series_title: String,
}

impl AlreadyConfirmedPage {
    pub fn render(&self, language: Language) -> String {
        private(language, "already_confirmed", "already-confirmed-title", Some(&self.series_title), self)
    }
}

/// The link is too old; its button asks for a new one.
#[derive(Debug, Clone, Serialize)]
pub struct ExpiredPage {
    pub series_title: String,
    /// Where the button for a new link posts to.
    pub post_to: String,
}

impl ExpiredPage {
    pub fn render(&self, language: Language) -> String {
        private(language, "expired", "expired-title", Some(&self.series_title), self)
    }
}

/// A later sign-up has made a newer link.
#[derive(Debug, Clone, Serialize)]
pub struct SupersededPage {
    pub series_title: String,
}

impl SupersededPage {
    pub fn render(&self, language: Language) -> String {
        private(language, "superseded", "superseded-title", Some(&self.series_title), self)
    }
}

/// After asking for a new link; the same whatever became of it.
#[derive(Debug, Clone, Serialize)]
pub struct NewLinkSentPage {}

impl NewLinkSentPage {
    pub fn render(&self, language: Language) -> String {
        let title = messages::text(language, "check-inbox-title");
        render(language, "new_link_sent", &Head { switch: false, ..Head::note(&title) }, self)
    }
}

/// Where the unsubscribe link in a mail leads: one button.
#[derive(Debug, Clone, Serialize)]
pub struct UnsubscribePage {
    pub series_title: String,
    /// Where the button posts to.
    pub post_to: String,
}

impl UnsubscribePage {
    pub fn render(&self, language: Language) -> String {
        private(language, "unsubscribe", "unsubscribe-title", Some(&self.series_title), self)
    }
}

/// After unsubscribing.
#[derive(Debug, Clone, Serialize)]
pub struct UnsubscribedPage {
    pub series_title: String,
}

impl UnsubscribedPage {
    pub fn render(&self, language: Language) -> String {
        private(language, "unsubscribed", "unsubscribed-title", Some(&self.series_title), self)
    }
}

/// Where "this was not me" leads: one button.
#[derive(Debug, Clone, Serialize)]
pub struct NeverPage {
    /// Where the button posts to.
    pub post_to: String,
}

impl NeverPage {
    pub fn render(&self, language: Language) -> String {
        private(language, "never", "never-title", None, self)
    }
}

/// After "never write to me again".
#[derive(Debug, Clone, Serialize)]
pub struct NeverDonePage {}

impl NeverDonePage {
    pub fn render(&self, language: Language) -> String {
        private(language, "never_done", "never-done-title", None, self)
    }
}

/// The privacy policy or the user agreement.
#[derive(Debug, Clone, Serialize)]
pub struct PolicyPage {
    pub title: String,
    /// The version a consent names.
    pub version: String,
    /// Trusted HTML from the content.
    pub html: String,
}

impl PolicyPage {
    pub fn render(&self, language: Language) -> String {
        let head = Head { private: false, layout: "text", ..Head::note(&self.title) };
        render(language, "policy", &head, self)
    }
}

/// Something went wrong: what, and what the reader can do.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorPage {
    pub status: u16,
    pub title: String,
    pub detail: String,
}

impl ErrorPage {
    pub fn render(&self, language: Language) -> String {
        self.render_in(language, None)
    }

    pub fn render_in(&self, language: Language, frame: Option<&Frame>) -> String {
        render_in(language, "error", &Head { switch: false, ..Head::note(&self.title) }, frame, self)
    }
}
