//! Related articles and the survey.
use super::*;
use crate::content::Answers;

const SIDE: &str = r#"+++
title = "On naps"
description = "Short sleep."
byline = "The editors"

[[sources]]
publisher = "Example Institute"
title = "Naps"
url = "https://example.org/naps"
+++
Naps help with {{series_title}}.

## How long?

Not long; see [the article](/articles/rest).
"#;

const SURVEY: &str = r#"title = "Questions"
introduction = "A few."
minutes = 2

[[questions]]
key = "clear"
kind = "scale"
text = "How clear was it?"
from = 1
to = 3
low = "Not"
high = "Very"

[[questions]]
key = "reason"
kind = "one"
text = "Why?"

[[questions.answers]]
key = "tired"
text = "I am tired"

[[questions.answers]]
key = "other"
text = "Something else"
"#;

const RELATED: &str = "rest/article/related/1-naps.md";
const FILE: &str = "rest/survey.toml";

fn with_voices(files: &mut Files) {
    files.insert(RELATED.to_owned(), SIDE.to_owned());
    files.insert(FILE.to_owned(), SURVEY.to_owned());
}

#[test]
fn related_articles_come_in_the_order_of_their_numbers_and_are_called_without_them() {
    let mut files = small();
    with_voices(&mut files);
    files.insert("rest/article/related/2-beds.md".to_owned(), SIDE.replace("On naps", "On beds"));
    files.insert("rest/article/related/10th-hour.md".to_owned(), SIDE.to_owned());
    let library = library(&files);
    let series = series(&library);
    let slugs: Vec<&str> = series.related.iter().map(|one| one.slug.as_str()).collect();
    assert_eq!(slugs, ["naps", "10th-hour", "beds"]);
    let naps = series.related("naps").unwrap();
    assert_eq!((naps.title.as_str(), naps.byline.as_str(), naps.sources.len()), ("On naps", "The editors", 1));
    assert!(naps.html.starts_with("<p>Naps help with Reading &amp; Resting.</p>\n<h2 id=\"how-long\">"));
    assert!(naps.html.contains("<a href=\"/articles/rest\">"));
    assert_eq!(series.related("1-naps"), None);
}

#[test]
fn a_fault_of_a_related_article_has_its_file() {
    let table: [(&str, &str, &str); 5] = [
        ("## How long?", "# How long?", "1-naps.md:13: headings begin at `##`: the subject or title is the only h1"),
        (
            "(/articles/rest)",
            "(http://example.org)",
            "1-naps.md:15: a link must lead to https://, mailto:, tel:, or to /a page or #part of ours",
        ),
        ("byline = \"The editors\"\n", "", "1-naps.md: `byline` is missing"),
        (
            "## How long?",
            "{{> sign-up}}",
            "1-naps.md:13: dead include `{{> sign-up}}`: there is no partials/sign-up.md",
        ),
        (
            "{{series_title}}",
            "{{manage_url}}",
            "1-naps.md:11: unknown variable `{{manage_url}}`; this text has: series_title, parts, sponsor, postal_address, review_line",
        ),
    ];
    for (old, new, fault) in table {
        let faults = faults_after(|files| {
            with_voices(files);
            edit(files, RELATED, old, new);
        });
        assert_eq!(faults, [format!("rest/article/related/{fault}")], "{new}");
    }
}

#[test]
fn what_is_no_related_article_has_no_place_among_them() {
    let names = [
        ("2-naps.md", "rest/article/related/2-naps.md: another article is called `naps` already"),
        ("article.md", "rest/article/related/article.md: another article is called `article` already"),
        (
            "Naps.md",
            "rest/article/related/Naps.md: not a name for a related article; it should look like 1-side-effects.md",
        ),
        (
            "3-.md",
            "rest/article/related/3-.md: not a name for a related article; it should look like 1-side-effects.md",
        ),
        (
            "naps.txt",
            "rest/article/related/naps.txt: not a name for a related article; it should look like 1-side-effects.md",
        ),
        ("more/a.md", "rest/article/related/more: nothing reads this; related articles are files"),
    ];
    for (name, fault) in names {
        let faults = faults_after(|files| {
            with_voices(files);
            files.insert(format!("rest/article/related/{name}"), SIDE.to_owned());
        });
        assert_eq!(faults, [fault]);
    }
    let faults = faults_after(|files| {
        files.insert("rest/article/relatde/1-naps.md".to_owned(), SIDE.to_owned());
    });
    assert_eq!(faults, ["rest/article/relatde: nothing reads this; the folder has article.md and figure.svg"]);
}

#[test]
fn a_survey_is_questions_with_their_answers() {
    let mut files = small();
    assert!(series(&library(&files)).survey.is_none());
    with_voices(&mut files);
    let library = library(&files);
    let survey = series(&library).survey.as_ref().unwrap();
    assert_eq!((survey.title.as_str(), survey.minutes, survey.questions.len()), ("Questions", 2, 2));
    assert_eq!(survey.questions[0].answer_keys(), ["1", "2", "3"]);
    assert_eq!(survey.questions[1].answer_keys(), ["tired", "other"]);
    assert!(matches!(survey.questions[1].answers, Answers::One(_)) && !survey.questions[1].takes_many());
}

#[test]
fn a_fault_of_a_survey_has_its_line() {
    let table = [
        ("minutes = 2", "minutes = 9", "3: `minutes` must be 1 to 3: who leaves has no more"),
        ("minutes = 2", "minutes = \"2\"", "3: `minutes` must be a whole number"),
        ("minutes = 2", "minutes = -2", "3: `minutes` must be a whole number"),
        (
            "kind = \"one\"",
            "kind = \"text\"",
            "16: `kind` must be \"one\", \"many\" or \"scale\": there is no free text",
        ),
        ("key = \"reason\"", "key = \"clear\"", "14: duplicate key `clear`"),
        ("key = \"other\"", "key = \"tired\"", "23: duplicate key `tired`"),
        (
            "key = \"reason\"",
            "key = \"My reason\"",
            "15: `key`: must be 1 to 64 characters a–z, 0–9 and hyphens, beginning with a letter or digit",
        ),
        ("to = 3", "to = 1", "10: `to` must be above `from`, with at most 10 numbers in all"),
        ("to = 3", "to = 90", "10: `to` must be above `from`, with at most 10 numbers in all"),
        ("low = \"Not\"", "low = \"{{Not}}\"", "11: `low` cannot have curly braces"),
        (
            "[[questions.answers]]\nkey = \"other\"\ntext = \"Something else\"\n",
            "",
            "14: a question has 2 to 20 of [[questions.answers]]",
        ),
    ];
    for (old, new, fault) in table {
        let faults = faults_after(|files| {
            with_voices(files);
            edit(files, FILE, old, new);
        });
        let expected = format!("{FILE}:{fault}");
        assert!(faults.contains(&expected), "{new}: {faults:?}");
    }
    let faults = faults_after(|files| {
        files.insert(FILE.to_owned(), "title = \"Q\"\nintroduction = \"A few.\"\nminutes = 1\n".to_owned());
    });
    assert_eq!(faults, ["rest/survey.toml: a survey has 1 to 10 of [[questions]]"]);
}

#[test]
fn a_translated_survey_asks_the_same_questions() {
    let translated = |change: fn(&str) -> String| {
        faults_after(|files| {
            with_voices(files);
            let toml = "title = \"Descansar\"\nsponsor = \"Nadie.\"\n\n[[conditions]]\nkey = \"knee\"\nname = \"Rodilla\"\n\n[[conditions]]\nkey = \"other\"\nname = \"Otra cosa\"\n";
            files.insert("rest/es/series.toml".to_owned(), toml.to_owned());
            files.insert("rest/es/survey.toml".to_owned(), change(SURVEY));
        })
    };
    assert_eq!(translated(|text| text.replace("Something else", "Otra cosa")), Vec::<String>::new());
    let fault = ["rest/es/survey.toml: the keys and kinds of its questions and answers are not those of the original"];
    assert_eq!(translated(|text| text.replace("tired", "cansado")), fault);
    assert_eq!(translated(|text| text.replace("to = 3", "to = 4")), fault);
    assert_eq!(translated(|text| text.replace("kind = \"one\"", "kind = \"many\"")), fault);
}

#[test]
fn the_built_in_series_has_related_articles_and_a_survey_in_every_language() {
    let library = compile(&Bundle::embedded()).unwrap();
    for slug in library.series.keys() {
        for language in crate::model::Language::ALL {
            let series = library.series_in(slug, language).unwrap();
            assert!(series.related.len() >= 2, "{language}");
            assert!((4..=6).contains(&series.survey.as_ref().unwrap().questions.len()), "{language}");
            assert!(series.related.iter().all(|one| series.language == language.tag() && !one.sources.is_empty()));
        }
    }
}
