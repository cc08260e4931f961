//! Parts as pages.
use super::*;
use crate::content::{PartPage, ReaderLinks, part_page};
use crate::model::{ConditionKey, Language, StepKey};

fn page(files: &Files, step: &str, condition: &str) -> Result<PartPage, Vec<String>> {
    let (slug, step) = (SeriesSlug::parse("rest").unwrap(), StepKey::parse(step).unwrap());
    let condition = ConditionKey::parse(condition).unwrap();
    part_page(&bundle(files), (&slug, Language::English), &step, Some(&condition), &ReaderLinks::example())
        .map_err(|faults| lines(&faults))
}

#[test]
fn a_part_is_a_page_with_the_words_of_the_mail_and_no_style_of_its_own() {
    let first = page(&small(), "first", "knee").ok().unwrap();
    assert_eq!((first.title.as_str(), first.number, first.parts), ("Part 1: why rest?", 1, 2));
    assert!(
        first.html.contains("<div class=\"passage\">\n<p>Rest <strong>A \"sore\" knee</strong>.</p>"),
        "{}",
        first.html
    );
    assert!(first.html.contains("your Reading &amp; Resting"), "includes are read: {}", first.html);
    assert_eq!((first.sources.len(), first.sponsor.as_str()), (1, "No sponsor <has> been named."));
    let second = page(&small(), "second", "knee").ok().unwrap();
    let links = ReaderLinks::example();
    assert!(second.html.contains(&format!("<a href=\"{}\">stop</a>", links.unsubscribe_url)), "{}", second.html);
    assert!(second.html.contains("<p><a class=\"button\" href=\"https://example.org/\">Read the page</a></p>"));
    for html in [first.html, second.html] {
        assert!(!html.contains("style=") && !html.contains("<table") && !html.contains("{{"), "{html}");
    }
}

#[test]
fn a_condition_that_a_version_does_not_have_reads_the_passage_of_the_others() {
    assert!(page(&small(), "first", "elbow").ok().unwrap().html.contains("Rest, whatever it is."));
}

#[test]
fn what_is_not_there_or_cannot_be_read_is_no_page() {
    assert!(page(&small(), "third", "knee").is_err());
    let mut files = small();
    files.remove("rest/series.toml");
    assert!(page(&files, "first", "knee").is_err());
    let mut files = small();
    edit(&mut files, "rest/02-second/body.md", "Do little.", "Do {{nothing}}.");
    let faults = page(&files, "second", "knee").err().unwrap();
    assert!(faults[0].contains("unknown variable `{{nothing}}`"), "{faults:?}");
    assert!(page(&files, "first", "knee").is_ok(), "a fault elsewhere is no hindrance");
}

#[test]
fn every_built_in_part_is_a_page_for_every_condition() {
    let embedded = Bundle::embedded();
    let library = compile(&embedded).unwrap_or_else(|faults| panic!("{}", lines(&faults).join("\n")));
    for series in library.series.values() {
        for step in &series.steps {
            for condition in &series.conditions {
                for language in Language::ALL {
                    let series = library.series_in(&series.slug, language).unwrap();
                    let links = ReaderLinks::example();
                    let page = part_page(&embedded, (&series.slug, language), &step.key, Some(&condition.key), &links);
                    let page = page.unwrap_or_else(|faults| panic!("{}", lines(&faults).join("\n")));
                    assert_eq!(page.title, series.step(&step.key).unwrap().subject);
                    assert_eq!(page.language, series.language);
                    assert!(!page.html.contains("style=") && !page.html.contains("{{"));
                }
            }
        }
    }
}

#[test]
fn without_a_condition_the_passage_is_left_out_and_the_page_says_so() {
    let slug = SeriesSlug::parse("rest").unwrap();
    let step = StepKey::parse("first").unwrap();
    let links = ReaderLinks::example();
    let page = part_page(&bundle(&small()), (&slug, Language::English), &step, None, &links).ok().unwrap();
    assert!(page.html.contains("This passage is left out here"), "{}", page.html);
    for condition in ["knee", "other"] {
        let key = ConditionKey::parse(condition).unwrap();
        let with = part_page(&bundle(&small()), (&slug, Language::English), &step, Some(&key), &links).ok().unwrap();
        let passage = with.html.split("class=\"passage\"").nth(1).unwrap().split("</p>").next().unwrap();
        assert!(!page.html.contains(passage), "{passage}");
    }
}
