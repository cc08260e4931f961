//! Short articles beside the main one, which readers are led to when they have read it.
use super::article;
use super::bundle::Bundle;
use super::faults::Faults;
use super::front::Source;
use super::markdown::{self, Ids, Place};
use super::pieces::{Cutter, Piece};
use super::series_file::SeriesFile;
use super::variables::Vocabulary;
use crate::model::StepKey;

/// What the main article is called among a series' articles.
pub const MAIN_ARTICLE: &str = "article";

/// More would be a site, and each is shown with each.
const MOST: usize = 12;

/// A related article as HTML; headings begin at `<h2>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The file's name without its number: `1-side-effects.md` is `side-effects`.
    pub slug: String,
    pub title: String,
    pub description: String,
    pub byline: String,
    pub html: String,
    pub sources: Vec<Source>,
}

/// All of a series, in the order of their files' names.
pub(super) fn read_all(
    series: &str,
    bundle: &Bundle,
    file: &SeriesFile,
    vocabulary: &Vocabulary<'_>,
    faults: &mut Faults,
) -> Vec<Related> {
    let folder = format!("{series}/article/related");
    for name in bundle.folders(&folder) {
        faults.add(&format!("{folder}/{name}"), None, "nothing reads this; related articles are files");
    }
    let mut slugs: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for name in bundle.names(&folder) {
        let path = format!("{folder}/{name}");
        let Some(slug) = slug(name) else {
            faults.add(&path, None, "not a name for a related article; it should look like 1-side-effects.md");
            continue;
        };
        if slug == MAIN_ARTICLE || slugs.iter().any(|other| other == slug) {
            faults.add(&path, None, format!("another article is called `{slug}` already"));
            continue;
        }
        slugs.push(slug.to_owned());
        all.extend(read(&path, slug, bundle, file, vocabulary, faults));
    }
    if slugs.len() > MOST {
        faults.add(&folder, None, format!("more than {MOST} related articles"));
    }
    all
}

/// `1-side-effects.md` and `side-effects.md` are both `side-effects`: the number only makes an order.
fn slug(name: &str) -> Option<&str> {
    let stem = name.strip_suffix(".md")?;
    let unnumbered = stem.split_once('-').filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()));
    let slug = unnumbered.map_or(stem, |(_, rest)| rest);
    StepKey::parse(slug).is_ok().then_some(slug)
}

fn read(
    path: &str,
    slug: &str,
    bundle: &Bundle,
    series: &SeriesFile,
    vocabulary: &Vocabulary<'_>,
    faults: &mut Faults,
) -> Option<Related> {
    let (front, body) = article::read_front(path, bundle.get(path)?, faults)?;
    let cutter = Cutter { bundle, vocabulary, slots: &[] };
    let (mut html, mut ids) = (String::new(), Ids::default());
    for piece in cutter.cut(&body, faults) {
        if let Piece::Text(text) = piece {
            let events = markdown::parse(&text, vocabulary, &mut Place::Page(&mut ids), &series.language, faults);
            html.push_str(&markdown::to_html(&events));
        }
    }
    if html.trim().is_empty() {
        faults.add(path, None, "the article is empty");
    }
    Some(Related {
        slug: slug.to_owned(),
        title: front.title?,
        description: front.description?,
        byline: front.byline?,
        html,
        sources: front.sources,
    })
}
