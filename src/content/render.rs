//! Rendering for one reader: nothing but Handlebars' own substitution.
use std::fmt;

use handlebars::{Context, Handlebars, no_escape};
use serde::Serialize;

use super::series::Series;
use super::variables::escape_html;
use crate::model::{ConditionKey, Kind, SeriesSlug, StepKey};

/// What differs from reader to reader; without `Debug`, since links hold tokens. A mail takes from it what its text asks for.
#[derive(Clone, Serialize)]
pub struct ReaderLinks {
    pub unsubscribe_url: String,
    pub manage_url: String,
    /// What a forwarded mail must not do; works for a quarter of an hour from when the mail is rendered.
    pub fresh_url: String,
    pub confirm_url: String,
    pub never_url: String,
    pub privacy_url: String,
    pub terms_url: String,
    pub site_url: String,
    /// The same part as a page; empty in a mail that is no step.
    pub view_url: String,
    /// Where this part can be called helpful or not: the same for all readers. Empty as the one before.
    pub helpful_url: String,
    /// How long the confirmation link works, in words: `3 days`.
    pub expires_in: String,
}

impl ReaderLinks {
    /// Links that lead nowhere, for previews; as long as real ones.
    pub fn example() -> Self {
        let link = |verb: &str| format!("https://example.org/{verb}/{}", "0".repeat(120));
        Self {
            unsubscribe_url: link("unsubscribe"),
            manage_url: link("manage"),
            fresh_url: link("fresh"),
            confirm_url: link("confirm"),
            never_url: link("never"),
            privacy_url: "https://example.org/privacy".to_owned(),
            terms_url: "https://example.org/terms".to_owned(),
            site_url: "https://example.org/".to_owned(),
            view_url: link("manage"),
            helpful_url: "https://example.org/helpful/series/step".to_owned(),
            expires_in: "3 days".to_owned(),
        }
    }
}

/// A mail for one reader, without its headers. `Debug` does not show it: it holds links with tokens and a passage about
/// an illness.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub preheader: String,
    pub html: String,
    pub text: String,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Rendered").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// Why a mail cannot be rendered. Neither the condition nor a link is named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The step has been taken out of the series since.
    #[error("the series {series} has no step {step}")]
    UnknownStep { series: SeriesSlug, step: StepKey },
    #[error("the step {step} of the series {series} cannot be rendered")]
    Step { series: SeriesSlug, step: StepKey },
    /// It has been taken out of the series since, or cannot be rendered.
    #[error("the series {series} has no correction {key}")]
    Correction { series: SeriesSlug, key: StepKey },
    /// Only what `compile` lists as such are mails of their own.
    #[error("the series {series} has no mail {kind} that can be rendered by itself")]
    System { series: SeriesSlug, kind: Kind },
}

impl Series {
    /// A step for a reader with this condition. One that has been taken out of the series falls back to `other`, else to
    /// the first.
    pub fn render_step(
        &self,
        step: &StepKey,
        condition: &ConditionKey,
        links: &ReaderLinks,
    ) -> Result<Rendered, RenderError> {
        let unknown = || RenderError::UnknownStep { series: self.slug.clone(), step: step.clone() };
        let broken = || RenderError::Step { series: self.slug.clone(), step: step.clone() };
        let text = self.step(step).ok_or_else(unknown)?;
        let condition = self.condition_or_other(condition).ok_or_else(broken)?;
        let (html, plain) = self.templates.fill(&step_name(step, &condition.key), links).ok_or_else(broken)?;
        Ok(Rendered { subject: text.subject.clone(), preheader: text.preheader.clone(), html, text: plain })
    }

    /// A step's mails, one for each condition, with links that lead nowhere.
    pub fn examples(&self, step: &StepKey) -> impl Iterator<Item = Rendered> {
        let links = ReaderLinks::example();
        self.conditions.iter().filter_map(move |one| self.render_step(step, &one.key, &links).ok())
    }

    /// A correction, which is the same for all who get it.
    pub fn render_correction(&self, key: &StepKey, links: &ReaderLinks) -> Result<Rendered, RenderError> {
        let none = || RenderError::Correction { series: self.slug.clone(), key: key.clone() };
        let text = self.correction(key).ok_or_else(none)?;
        let (html, plain) = self.templates.fill(&correction_name(key), links).ok_or_else(none)?;
        Ok(Rendered { subject: text.subject.clone(), preheader: text.preheader.clone(), html, text: plain })
    }

    /// A confirmation, a reminder, an already-signed-up note, a fresh link, or what a change of address sends.
    pub fn render_system(&self, kind: Kind, links: &ReaderLinks) -> Result<Rendered, RenderError> {
        let none = || RenderError::System { series: self.slug.clone(), kind };
        let head = self.templates.system.iter().find(|head| head.kind == kind).ok_or_else(none)?;
        let (html, text) = self.templates.fill(kind.as_str(), links).ok_or_else(none)?;
        Ok(Rendered { subject: head.subject.clone(), preheader: head.preheader.clone(), html, text })
    }
}

/// The compiled mails of a series.
#[derive(Debug)]
pub(super) struct Templates {
    html: Handlebars<'static>,
    text: Handlebars<'static>,
    pub(super) system: Vec<SystemHead>,
}

/// Subject and preheader of a mail that is no step.
#[derive(Debug)]
pub(super) struct SystemHead {
    pub(super) kind: Kind,
    pub(super) subject: String,
    pub(super) preheader: String,
}

impl Templates {
    pub(super) fn new() -> Self {
        let mut html = Handlebars::new();
        html.set_strict_mode(true);
        html.register_escape_fn(escape_html);
        let mut text = Handlebars::new();
        text.set_strict_mode(true);
        text.register_escape_fn(no_escape);
        Self { html, text, system: Vec::new() }
    }

    pub(super) fn add(&mut self, name: &str, html: &str, text: &str) -> Result<(), Box<handlebars::TemplateError>> {
        self.html.register_template_string(name, html).map_err(Box::new)?;
        self.text.register_template_string(name, text).map_err(Box::new)
    }

    /// HTML and text. The cause of a failure names the template, and so the condition: it is left out.
    pub(super) fn fill(&self, name: &str, links: &ReaderLinks) -> Option<(String, String)> {
        let values = Context::wraps(links).ok()?;
        let html = self.html.render_with_context(name, &values).ok()?;
        let text = self.text.render_with_context(name, &values).ok()?;
        Some((html, text))
    }
}

/// Under this name a correction's templates are kept. Neither kinds nor steps have a colon.
pub(super) fn correction_name(key: &StepKey) -> String {
    format!("correction:{key}")
}

/// Under this name a step's templates for one condition are kept. Kinds have no slash.
pub(super) fn step_name(step: &StepKey, condition: &ConditionKey) -> String {
    format!("{step}/{}", condition.as_str())
}
