//! The article beside which the sign-up box stands.
use chrono::NaiveDate;

use super::bundle::Bundle;
use super::faults::Faults;
use super::figure;
use super::front::{self, Source};
use super::markdown::{self, Ids, Place};
use super::pieces::{Cutter, Fragment, Piece};
use super::series_file::SeriesFile;
use super::variables::Vocabulary;

const FIGURE: &str = "figure";
const SIGN_UP: &str = "sign-up";

/// An article as HTML in two parts, with the place for the sign-up box between them. Headings begin at `<h2>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    pub title: String,
    pub description: String,
    pub byline: String,
    pub before_sign_up: String,
    pub after_sign_up: String,
    pub sources: Vec<Source>,
    pub last_edited: NaiveDate,
    pub review_line: String,
}

pub(super) fn read(
    slug: &str,
    bundle: &Bundle,
    series: &SeriesFile,
    vocabulary: &Vocabulary<'_>,
    faults: &mut Faults,
) -> Option<Article> {
    let file = format!("{slug}/article/article.md");
    let Some(text) = bundle.get(&file) else {
        faults.add(&file, None, "missing: a series has an article beside which readers sign up");
        return None;
    };
    let (front, body) = read_front(&file, text, faults)?;
    let cutter = Cutter { bundle, vocabulary, slots: &[FIGURE, SIGN_UP] };
    let pieces = cutter.cut(&body, faults);
    let figure = Figure { file: format!("{slug}/article/figure.svg"), bundle };
    let [before_sign_up, after_sign_up] = html(&file, &pieces, &figure, &series.language, vocabulary, faults);
    Some(Article {
        title: front.title?,
        description: front.description?,
        byline: front.byline?,
        before_sign_up,
        after_sign_up,
        sources: front.sources,
        last_edited: series.last_edited,
        review_line: series.review_line(),
    })
}

/// What every article says about itself; what is missing has its fault.
pub(super) struct Front {
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) byline: Option<String>,
    pub(super) sources: Vec<Source>,
}

/// The front matter of an article, and its body.
pub(super) fn read_front(file: &str, text: &str, faults: &mut Faults) -> Option<(Front, Fragment)> {
    let parts = front::split(file, text, faults)?;
    let front = parts.front.read(faults, |front, faults| Front {
        title: front.plain("title", faults).map(|located| located.text),
        description: front.plain("description", faults).map(|located| located.text),
        byline: front.plain("byline", faults).map(|located| located.text),
        sources: front::sources(front, faults),
    });
    Some((front, Fragment { file: file.to_owned(), line: parts.body_line, text: parts.body.to_owned() }))
}

struct Figure<'b> {
    file: String,
    bundle: &'b Bundle,
}

impl Figure<'_> {
    fn html(&self, asked_by: &str, line: u32, faults: &mut Faults) -> String {
        let Some(svg) = self.bundle.get(&self.file) else {
            faults.add(asked_by, line, format!("dead include `{{{{> figure}}}}`: there is no {}", self.file));
            return String::new();
        };
        figure::check(&self.file, svg, faults).map(|svg| format!("<figure>\n{svg}\n</figure>\n")).unwrap_or_default()
    }
}

/// The HTML before and after the sign-up box.
fn html(
    file: &str,
    pieces: &[Piece],
    figure: &Figure<'_>,
    language: &str,
    vocabulary: &Vocabulary<'_>,
    faults: &mut Faults,
) -> [String; 2] {
    let mut ids = Ids::default();
    let mut parts = [String::new(), String::new()];
    let mut signed_up = 0;
    let mut figures = 0;
    for piece in pieces {
        let part = &mut parts[usize::from(signed_up > 0)];
        match piece {
            Piece::Text(text) => {
                let events = markdown::parse(text, vocabulary, &mut Place::Page(&mut ids), language, faults);
                part.push_str(&markdown::to_html(&events));
            }
            Piece::Slot { name: SIGN_UP, line } => {
                signed_up += 1;
                if signed_up > 1 {
                    faults.add(file, *line, "the sign-up box is here for the second time");
                }
            }
            Piece::Slot { line, .. } => {
                figures += 1;
                if figures > 1 {
                    faults.add(file, *line, "the figure is here for the second time");
                } else {
                    part.push_str(&figure.html(file, *line, faults));
                }
            }
        }
    }
    if signed_up == 0 {
        faults.add(file, None, "no line `{{> sign-up}}` that says where the sign-up box stands");
    }
    if parts.iter().all(String::is_empty) {
        faults.add(file, None, "the article is empty");
    }
    parts
}
