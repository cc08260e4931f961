//! The texts: series folders, templates, rendering to subject, HTML and plain text, and finding every fault in them.
//!
//! A [`Bundle`] is the files below `emails/`. [`compile`] reads all of them once and gives a [`Library`], or every fault
//! at once. What is left for each reader is the substitution of that reader's links into a compiled template
//! ([`Series::render_step`]).
//!
//! The way of one body: its variables become *marks* (plain letters, see `variables`), so that Markdown and the CSS
//! inliner can pass over them; the text is cut at its includes (`pieces`), read as Markdown (`markdown`), written as HTML
//! and as plain text (`plain`), and set into the layout (`layout`), where the marks become Handlebars variables again.
mod article;
mod bundle;
mod changes;
mod compile;
mod faults;
mod figure;
mod front;
mod keys;
mod layout;
mod lint;
mod mail;
mod markdown;
mod part;
mod pieces;
mod plain;
mod policies;
mod related;
mod render;
mod series;
mod series_file;
mod shown;
mod survey;
#[cfg(test)]
mod tests;
mod variables;

pub use article::Article;
pub use bundle::Bundle;
pub use changes::{Change, StepChanges, Version, step_changes};
pub use compile::{Library, compile};
pub use faults::Fault;
pub use front::Source;
pub use lint::{Finding, is_translated, lint};
pub use part::{PartPage, part_page};
pub use policies::{Policy, PolicyPage};
pub use related::{MAIN_ARTICLE, Related};
pub use render::{ReaderLinks, RenderError, Rendered};
pub use series::{Condition, Correction, Series, Step};
pub use shown::{MAIL_POLICY, in_colours, with_links_outward};
pub use survey::{Answer, Answers, Question, Survey};
