//! Rendering for one reader, and what a series knows about its steps.
use chrono::{NaiveTime, TimeDelta};

use super::*;
use crate::content::{ReaderLinks, RenderError, Rendered};
use crate::model::{ConditionKey, Delay, Kind, StepKey, Zone};

const SYSTEM: [Kind; 6] =
    [Kind::Confirmation, Kind::Reminder, Kind::AlreadySignedUp, Kind::FreshLink, Kind::Move, Kind::Moved];

fn step(key: &str) -> StepKey {
    StepKey::parse(key).unwrap()
}

fn condition(key: &str) -> ConditionKey {
    ConditionKey::parse(key).unwrap()
}

/// Every mail of a series that can be rendered.
fn all_mails(series: &Series) -> Vec<(String, Rendered)> {
    let links = ReaderLinks::example();
    let mut mails = Vec::new();
    for step in &series.steps {
        for condition in &series.conditions {
            let mail = series.render_step(&step.key, &condition.key, &links).unwrap();
            mails.push((format!("{} for {}", step.key, condition.key.as_str()), mail));
        }
    }
    mails.extend(SYSTEM.map(|kind| (kind.to_string(), series.render_system(kind, &links).unwrap())));
    mails
}

#[test]
fn every_built_in_mail_is_complete() {
    let library = compile(&Bundle::embedded()).unwrap_or_else(|faults| panic!("{}", lines(&faults).join("\n")));
    assert!(!library.series.is_empty());
    for series in library.series.values() {
        let mails = all_mails(series);
        assert_eq!(mails.len(), series.steps.len() * series.conditions.len() + SYSTEM.len());
        for (name, mail) in mails {
            for form in [&mail.subject, &mail.preheader, &mail.html, &mail.text] {
                assert!(!form.contains("{{") && !form.trim().is_empty(), "{name}");
            }
            assert!(mail.html.len() < 30 * 1024, "{name} has {} bytes", mail.html.len());
            assert!(mail.html.contains("@media (prefers-color-scheme: dark)"), "{name}");
            assert!(mail.html.find("<meta charset").unwrap() < 1024, "{name}");
            assert!(mail.text.lines().all(|line| line.trim_end() == line), "{name} has spaces at a line's end");
            assert!(mail.text.contains("https://example.org/privacy"), "{name}");
            let marks = mail.text.lines().any(|line| line.chars().count() > 78 && line.trim_start().contains(' '));
            assert!(!marks, "{name} has a long line that could be broken");
        }
    }
}

#[test]
fn every_built_in_step_ends_with_why_how_to_stop_and_who() {
    let library = compile(&Bundle::embedded()).unwrap_or_else(|faults| panic!("{}", lines(&faults).join("\n")));
    let links = ReaderLinks::example();
    for series in library.series.values() {
        for step in &series.steps {
            let mail = series.render_step(&step.key, &series.conditions[0].key, &links).unwrap();
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let (text, html) = (words(&mail.text), words(&mail.html));
            let shown =
                [&links.unsubscribe_url, &links.manage_url, &links.privacy_url, &links.site_url, &links.helpful_url];
            let said = [&series.review_line(), &series.sponsor, &series.postal_address];
            for what in shown.into_iter().chain(said) {
                assert!(text.contains(&words(what)) && html.contains(&words(what)), "{}: {what}", step.key);
            }
            for source in &step.sources {
                assert!(text.contains(&source.url) && html.contains(&source.url), "{}: {}", step.key, source.url);
            }
            assert!(mail.text.contains("medical review") || mail.text.contains("Medical review"), "{}", step.key);
        }
    }
}

#[test]
fn no_built_in_subject_or_preheader_differs_by_condition() {
    let library = compile(&Bundle::embedded()).unwrap_or_else(|faults| panic!("{}", lines(&faults).join("\n")));
    let links = ReaderLinks::example();
    for series in library.series.values() {
        for step in &series.steps {
            let mut seen = std::collections::BTreeSet::new();
            for condition in &series.conditions {
                let mail = series.render_step(&step.key, &condition.key, &links).unwrap();
                seen.insert((mail.subject, mail.preheader));
            }
            assert_eq!(seen.len(), 1, "{}", step.key);
        }
    }
}

#[test]
fn every_link_of_a_reader_is_in_both_forms() {
    let library = library(&small());
    let mut links = ReaderLinks::example();
    links.expires_in = "two weeks".to_owned();
    let mail = series(&library).render_system(Kind::Confirmation, &links).unwrap();
    for link in [&links.confirm_url, &links.never_url, &links.privacy_url, &links.terms_url, &links.expires_in] {
        assert!(mail.html.contains(link) && mail.text.contains(link), "{link}");
    }
    let mail = series(&library).render_step(&step("second"), &condition("knee"), &links).unwrap();
    for link in [&links.unsubscribe_url, &links.manage_url, &links.privacy_url, &links.site_url] {
        assert!(mail.html.contains(link) && mail.text.contains(link), "{link}");
    }
    assert!(!mail.text.contains(&links.confirm_url));
}

#[test]
fn values_are_escaped_in_html_and_as_they_are_in_text() {
    let library = library(&small());
    let mut links = ReaderLinks::example();
    links.manage_url = "https://example.org/m?a=1&b='2'\"><script>{{sponsor}}</script>".to_owned();
    let mail = series(&library).render_step(&step("first"), &condition("knee"), &links).unwrap();
    let escaped = "https://example.org/m?a=1&amp;b=&#39;2&#39;&quot;&gt;&lt;script&gt;{{sponsor}}&lt;/script&gt;";
    assert!(mail.html.contains(escaped) && !mail.html.contains("<script>"));
    assert!(mail.text.contains(&links.manage_url));
    // Names from series.toml, filled in at load.
    assert!(mail.html.contains("Rest <strong>A \"sore\" knee</strong>."), "{}", mail.html);
    assert!(mail.html.contains("No sponsor &lt;has&gt; been named."));
    assert!(mail.html.contains("https://example.org/rest?a=1&amp;b=2"));
    assert!(mail.text.contains("Rest A \"sore\" knee."));
    assert!(mail.text.contains("No sponsor <has> been named."));
    assert_eq!(mail.preheader, "What Reading & Resting means");
}

#[test]
fn values_that_look_like_markdown_or_marks_stay_words() {
    let mut files = small();
    edit(&mut files, "rest/series.toml", "A \\\"sore\\\" knee", "a **bold** [x](y) _z_ vq0x01z vq0x");
    let library = library(&files);
    let mail = series(&library).render_step(&step("first"), &condition("knee"), &ReaderLinks::example()).unwrap();
    assert!(mail.html.contains("<strong>a **bold** [x](y) _z_ vq0x01z vq0x</strong>"), "{}", mail.html);
    assert!(mail.text.contains("a **bold** [x](y) _z_ vq0x01z vq0x"));
}

#[test]
fn a_condition_that_was_taken_out_falls_back_to_other_and_then_to_the_first() {
    let mut files = small();
    let with_other = library(&files);
    let links = ReaderLinks::example();
    let gone = condition("elbow");
    let mail = series(&with_other).render_step(&step("first"), &gone, &links).unwrap();
    assert!(mail.text.contains("Rest, whatever it is."));
    edit(&mut files, "rest/series.toml", "key = \"other\"", "key = \"hip\"");
    edit(&mut files, "rest/01-first/conditions.md", "## other", "## hip");
    let without = library(&files);
    let mail = series(&without).render_step(&step("first"), &gone, &links).unwrap();
    assert!(mail.text.contains("Rest A \"sore\" knee."));
}

#[test]
fn what_cannot_be_rendered_is_said_without_the_condition() {
    let library = library(&small());
    let links = ReaderLinks::example();
    let error = series(&library).render_step(&step("third"), &condition("knee"), &links).unwrap_err();
    assert_eq!(error.to_string(), "the series rest has no step third");
    assert!(!format!("{error:?}").contains("knee"));
    for kind in [Kind::Step, Kind::Correction] {
        let error = series(&library).render_system(kind, &links).unwrap_err();
        assert!(matches!(error, RenderError::System { .. }));
    }
}

#[test]
fn a_library_is_shared_between_threads_and_shows_no_mail_in_debug_output() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    let library = library(&small());
    shared(&library);
    let links = ReaderLinks::example();
    let mail = series(&library).render_step(&step("first"), &condition("knee"), &links).unwrap();
    let shown = format!("{mail:?}");
    assert!(!shown.contains("knee") && !shown.contains("https://"), "{shown}");
}

#[test]
fn a_series_knows_its_file() {
    let library = library(&small());
    let series = series(&library);
    assert_eq!(library.version, bundle(&small()).version());
    assert_eq!((series.title.as_str(), series.language.as_str()), ("Reading & Resting", "en"));
    assert_eq!(series.from.name.as_deref(), Some("Reading & Resting"));
    assert_eq!(series.from.address.as_typed(), "series@example.com");
    assert!(series.reply_to.is_none());
    assert_eq!(series.min_gap, TimeDelta::hours(20));
    assert_eq!(series.steps[1].delay, Delay::Days(3));
    assert_eq!(series.steps[0].subject, "Part 1: why rest?");
    assert_eq!(series.review_line(), "Last edited November 5, 2026. Medical review is pending.");
    let rhythm = series.rhythm(None, None, None);
    assert_eq!((rhythm.zone.name(), rhythm.preferred), ("America/New_York", NaiveTime::from_hms_opt(9, 0, 0).unwrap()));
    let noon = NaiveTime::from_hms_opt(12, 0, 0);
    let rhythm = series.rhythm(Zone::parse("Asia/Kathmandu").ok(), noon, None);
    assert_eq!((rhythm.zone.name(), Some(rhythm.preferred)), ("Asia/Kathmandu", noon));
}

#[test]
fn a_named_reviewer_is_named_in_mail_and_article() {
    let mut files = small();
    edit(&mut files, "rest/series.toml", "2026-11-05\"", "2026-11-05\"\nreviewer = \"The Example Board\"");
    let library = library(&files);
    let line = "Last edited November 5, 2026. Reviewed by The Example Board.";
    assert_eq!(series(&library).article.review_line, line);
    let mail = series(&library).render_step(&step("first"), &condition("knee"), &ReaderLinks::example()).unwrap();
    assert!(mail.text.contains(line) && mail.html.contains(line));
}

#[test]
fn the_next_step_is_found_also_when_the_series_has_changed() {
    let library = library(&small());
    let series = series(&library);
    let key = |step: Option<&crate::content::Step>| step.map(|step| step.key.to_string());
    let (first, second, gone) = (step("first"), step("second"), step("gone"));
    let table = [
        (&first, vec![], Some("second")),
        (&first, vec![first.clone()], Some("second")),
        (&first, vec![first.clone(), second.clone()], None),
        (&second, vec![], None),
        (&second, vec![second.clone()], None),
        // Its place is not known any more: whatever the reader has not had yet.
        (&gone, vec![gone.clone()], Some("first")),
        (&gone, vec![first.clone(), gone.clone()], Some("second")),
        (&gone, vec![first.clone(), second.clone()], None),
    ];
    for (after, done, next) in table {
        assert_eq!(key(series.next_step(after, &done)).as_deref(), next, "after {after}, done {done:?}");
    }
    assert_eq!(key(series.first_step_not_in(&[])).as_deref(), Some("first"));
    assert_eq!(key(series.first_step_not_in(std::slice::from_ref(&second))).as_deref(), Some("first"));
    assert_eq!(series.first_step_not_in(&[second, first]), None);
    assert_eq!((series.position(&step("second")), series.position(&gone)), (Some(1), None));
    assert!(series.condition(&condition("knee")).is_some() && series.condition(&condition("hip")).is_none());
}
