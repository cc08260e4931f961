//! A part as a page of ours: the words of the mail without its frame and without inline styles, which our pages forbid.
//!
//! It is made when somebody asks for it, from the files of one version: to keep every part for every condition in memory
//! as a second form would cost more than all readers together gain.
use handlebars::Handlebars;

use super::bundle::{Bundle, TRANSLATION};
use super::compile::STEP_LINKS;
use super::faults::{Fault, Faults};
use super::front::Source;
use super::mail::{self, Mail, Passages};
use super::markdown::{self, Place};
use super::pieces::{Cutter, Fragment, Piece};
use super::render::ReaderLinks;
use super::series::condition_or_other;
use super::series_file::SeriesFile;
use super::variables::{Marks, Vocabulary, escape_html};
use crate::messages;
use crate::model::{ConditionKey, Language, SeriesSlug, StepKey};

/// What a page about one part shows. `Debug` is missing on purpose: the text is about an illness.
#[derive(Clone)]
pub struct PartPage {
    pub series_title: String,
    pub title: String,
    pub language: String,
    pub number: usize,
    pub parts: usize,
    /// Headings begin at `<h2>`.
    pub html: String,
    pub sources: Vec<Source>,
    pub review_line: String,
    pub sponsor: String,
}

/// Reads one step of one series out of `bundle`, in the language if the series is translated into it. A condition that this
/// version does not have falls back to `other`, as it does in a mail; without one the passage about it is left out, and the
/// page says so. Fails with all faults when the step is not there, or is not what this binary can read.
pub fn part_page(
    bundle: &Bundle,
    (slug, language): (&SeriesSlug, Language),
    step: &StepKey,
    condition: Option<&ConditionKey>,
    links: &ReaderLinks,
) -> Result<PartPage, Vec<Fault>> {
    let mut faults = Faults::default();
    let (base, mut translations) = bundle.by_language();
    let translation = format!("{slug}/{TRANSLATION}");
    let translated = translations.remove(&language).filter(|texts| texts.bundle.get(&translation).is_some());
    let (bundle, language) = translated.map_or((base, None), |texts| (texts.bundle, Some(language)));
    match read(&bundle, (slug, language), step, condition, links, &mut faults) {
        Some(page) if faults.is_empty() => Ok(page),
        _ => {
            if faults.is_empty() {
                faults.add(slug.as_str(), None, "the part is not in this version");
            }
            Err(faults.into_vec())
        }
    }
}

fn read(
    bundle: &Bundle,
    (slug, language): (&SeriesSlug, Option<Language>),
    step: &StepKey,
    condition: Option<&ConditionKey>,
    links: &ReaderLinks,
    faults: &mut Faults,
) -> Option<PartPage> {
    let path = format!("{slug}/series.toml");
    let mut file = SeriesFile::read(&path, bundle.get(&path)?, faults);
    if let Some(language) = language {
        let path = format!("{slug}/{TRANSLATION}");
        file.translate(language, &path, bundle.get(&path)?, faults);
    }
    let index = file.steps.iter().position(|entry| entry.key == *step)?;
    let words = language.or_else(|| Language::parse(&file.language)).unwrap_or_default();
    let condition = match condition {
        Some(condition) => Some(condition_or_other(&file.conditions, condition)?),
        None => None,
    };
    let marks = Marks::for_bundle(bundle);
    let mut constants = file.constants();
    constants.insert("part_number", (index + 1).to_string());
    // Empty for what is the same for all readers, such as the subject.
    constants.insert("condition_name", String::new());
    let mut vocabulary = Vocabulary { marks: &marks, constants, reader: STEP_LINKS };
    let folder = format!("{slug}/{}", file.steps[index].folder);
    let mail = Mail::read(format!("{folder}/body.md"), bundle, &vocabulary, true, faults)?;
    let conditions = format!("{folder}/conditions.md");
    let passages = bundle.get(&conditions).map_or_else(Passages::new, |text| {
        let cutter = Cutter { bundle, vocabulary: &vocabulary, slots: &[] };
        mail::read_passages(&conditions, text, &file.conditions, &cutter, faults)
    });
    let name = condition.map_or_else(|| messages::text(words, "part-your-condition"), |one| one.name.clone());
    vocabulary.constants.insert("condition_name", name);
    let passage = condition.map(|one| passages.get(one.key.as_str()).map(Vec::as_slice).unwrap_or_default());
    let left_out = escape_html(&messages::text(words, "part-passage-left-out"));
    let html = html_of(&mail, passage.ok_or(left_out.as_str()), &vocabulary, &file.language, faults);
    Some(PartPage {
        series_title: file.title.clone(),
        title: mail.subject,
        html: with_links(&html, &marks, links)?,
        number: index + 1,
        parts: file.steps.len(),
        sources: mail.sources,
        review_line: file.review_line(),
        language: file.language,
        sponsor: file.sponsor,
    })
}

/// `passage` is that of the reader's condition, or what to say in its place.
fn html_of(
    mail: &Mail,
    passage: Result<&[Piece], &str>,
    vocabulary: &Vocabulary<'_>,
    language: &str,
    faults: &mut Faults,
) -> String {
    let mut html = String::new();
    let mut add = |text: &Fragment, html: &mut String| {
        let events = markdown::parse(text, vocabulary, &mut Place::Mail, language, faults);
        html.push_str(&markdown::to_page_html(&events));
    };
    for piece in &mail.pieces {
        match piece {
            Piece::Text(text) => add(text, &mut html),
            Piece::Slot { .. } => {
                html.push_str("<div class=\"passage\">\n");
                match passage {
                    Ok(passage) => passage.iter().for_each(|piece| {
                        if let Piece::Text(text) = piece {
                            add(text, &mut html);
                        }
                    }),
                    Err(left_out) => html.extend(["<p>", left_out, "</p>\n"]),
                }
                html.push_str("</div>\n");
            }
        }
    }
    html
}

/// Puts the reader's own links in, as a mail's rendering does.
fn with_links(html: &str, marks: &Marks, links: &ReaderLinks) -> Option<String> {
    let template = marks.to_template(html).ok()?;
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_escape_fn(escape_html);
    handlebars.render_template(&template, links).ok()
}
