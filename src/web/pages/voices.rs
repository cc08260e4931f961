//! What stands around an article, and the pages of its votes and its survey.
use serde::Serialize;

use super::admin::AdminPage;
use super::rendering::{Head, render};
use super::{ArticleHead, Source};
use crate::messages::{self, Language, Values};

/// What follows an article: the question whether it was helpful, ways to share it, what else there is to read, and the
/// survey.
#[derive(Debug, Clone, Serialize)]
pub struct AfterArticle {
    pub helpful: HelpfulBox,
    pub share: Share,
    pub related: Vec<Card>,
    pub survey: Option<SurveyOffer>,
}

/// "Was this helpful?" It carries no ballot, since the page is kept by caches: a press asks for one.
#[derive(Debug, Clone, Serialize)]
pub struct HelpfulBox {
    pub post_to: String,
    /// How many said yes, of …
    pub yes: i64,
    /// … how many.
    pub all: i64,
}

/// A link that readers pass on by themselves. Nothing is sent by us.
#[derive(Debug, Clone, Serialize)]
pub struct Share {
    pub title: String,
    pub url: String,
    /// Of the mail that a reader's own program prepares.
    pub subject: String,
    pub body: String,
}

impl Share {
    pub fn new(language: Language, title: &str, url: &str) -> Self {
        Self {
            subject: messages::filled(language, "share-subject", &Values::new().with("title", title)),
            body: messages::filled(language, "share-body", &Values::new().with("url", url)),
            title: title.to_owned(),
            url: url.to_owned(),
        }
    }
}

/// Another article.
#[derive(Debug, Clone, Serialize)]
pub struct Card {
    pub title: String,
    pub description: String,
    pub path: String,
}

/// Leads to the survey.
#[derive(Debug, Clone, Serialize)]
pub struct SurveyOffer {
    pub path: String,
    pub minutes: u32,
}

/// A related article. Its invitation leads to the sign-up box of the main one.
#[derive(Debug, Clone, Serialize)]
pub struct RelatedPage {
    pub head: ArticleHead,
    pub html: String,
    pub sources: Vec<Source>,
    pub series_title: String,
    pub parts: usize,
    pub sign_up_path: String,
    pub language: String,
    pub after: Option<AfterArticle>,
}

impl RelatedPage {
    pub fn render(&self, language: Language) -> String {
        let head = Head {
            private: false,
            description: Some(&self.head.description),
            brand: Some(&self.series_title),
            layout: "wide",
            sign_up: Some(&self.sign_up_path),
            script: true,
            canonical: Some(&self.head.canonical),
            ..Head::note(&self.head.title)
        };
        render(language, "related", &head, self)
    }
}

/// The start page of an installation with several series.
#[derive(Debug, Clone, Serialize)]
pub struct SeriesListPage {
    pub series: Vec<Card>,
    pub canonical: String,
}

impl SeriesListPage {
    pub fn render(&self, language: Language) -> String {
        let [title, description] = ["series-list-title", "series-list-lead"].map(|key| messages::text(language, key));
        let head = Head {
            private: false,
            description: Some(&description),
            layout: "text",
            canonical: Some(&self.canonical),
            ..Head::note(&title)
        };
        render(language, "series_list", &head, self)
    }
}

/// "Was this helpful?" as a page of its own, with a ballot.
#[derive(Debug, Clone, Serialize)]
pub struct HelpfulPage {
    pub series_title: String,
    /// Of the text that is asked about.
    pub title: String,
    pub post_to: String,
    pub ballot: String,
    /// What was pressed without a ballot: it needs one more press.
    pub pressed: Option<&'static str>,
    /// What was counted.
    pub said: Option<&'static str>,
    pub yes: i64,
    pub all: i64,
    /// Where the text can be read, if it is a page.
    pub read_at: Option<String>,
}

impl HelpfulPage {
    pub fn render(&self, language: Language) -> String {
        let title = messages::text(language, if self.said.is_some() { "helpful-thanks" } else { "helpful-question" });
        let switch = self.said.is_none() && self.pressed.is_none();
        let head = Head { switch, brand: Some(&self.series_title), ..Head::note(&title) };
        render(language, "helpful", &head, self)
    }
}

/// "12 of 15 readers found this helpful."
pub fn helpful_count(language: Language, yes: i64, all: i64) -> String {
    messages::filled(language, "helpful-count", &Values::new().with("yes", yes).with("all", all))
}

/// The survey. Every question may be left out.
#[derive(Debug, Clone, Serialize)]
pub struct SurveyPage {
    pub series_title: String,
    pub title: String,
    pub introduction: String,
    pub minutes: u32,
    pub text_language: String,
    pub post_to: String,
    pub ballot: String,
    /// The form came too late, with a ballot that is not good any more: all that was chosen is kept.
    pub stale: bool,
    pub questions: Vec<SurveyQuestion>,
}

/// A question with its answers.
#[derive(Debug, Clone, Serialize)]
pub struct SurveyQuestion {
    pub text: String,
    /// Several answers can be chosen.
    pub many: bool,
    /// The words for the two ends of a scale.
    pub ends: Option<(String, String)>,
    pub answers: Vec<SurveyAnswer>,
}

/// An answer: a radio button or a checkbox.
#[derive(Debug, Clone, Serialize)]
pub struct SurveyAnswer {
    pub kind: &'static str,
    pub id: String,
    pub name: String,
    pub value: String,
    pub text: String,
    pub chosen: bool,
}

impl SurveyPage {
    pub fn render(&self, language: Language) -> String {
        let head = Head { switch: !self.stale, brand: Some(&self.series_title), ..Head::note(&self.title) };
        render(language, "survey", &head, self)
    }
}

/// After the survey; the same whatever was answered.
#[derive(Debug, Clone, Serialize)]
pub struct SurveyThanksPage {
    pub series_title: String,
    pub article_path: String,
}

impl SurveyThanksPage {
    pub fn render(&self, language: Language) -> String {
        let title = messages::text(language, "survey-thanks");
        render(language, "survey_thanks", &Head { brand: Some(&self.series_title), ..Head::note(&title) }, self)
    }
}

/// What admins see of a survey: a bar for each answer.
#[derive(Debug, Clone, Serialize)]
pub struct SurveyFiguresPage {
    pub title: String,
    pub series_title: String,
    /// All figures are of the days before this one.
    pub day: u32,
    pub month: u32,
    pub year: i32,
    pub smallest: i64,
    pub forms: Option<i64>,
    pub csv_path: String,
    pub questions: Vec<FiguresOfQuestion>,
}

#[derive(Debug, Clone, Serialize)]
pub struct FiguresOfQuestion {
    pub text: String,
    pub many: bool,
    pub answers: Vec<Bar>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Bar {
    pub text: String,
    pub count: Option<i64>,
    /// Of the longest bar, in percent.
    pub percent: i64,
}

impl AdminPage for SurveyFiguresPage {
    const TEMPLATE: &'static str = "survey_figures";

    fn title(&self, language: Language) -> String {
        messages::filled(language, "figures-title", &Values::new().with("title", self.title.as_str()))
    }
}
