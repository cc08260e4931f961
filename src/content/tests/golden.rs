//! What a mail looks like, word for word.
use super::*;
use crate::content::ReaderLinks;
use crate::model::{ConditionKey, Kind, StepKey};

fn links() -> ReaderLinks {
    let link = |name: &str| format!("https://example.com/{name}");
    ReaderLinks {
        unsubscribe_url: link("unsubscribe"),
        manage_url: link("manage"),
        fresh_url: link("fresh"),
        confirm_url: link("confirm"),
        never_url: link("never"),
        privacy_url: link("privacy"),
        terms_url: link("terms"),
        site_url: link(""),
        view_url: link("manage/parts/first"),
        helpful_url: link("helpful/a-series/first"),
        expires_in: "3 days".to_owned(),
    }
}

fn first_step() -> crate::content::Rendered {
    let library = library(&small());
    let step = StepKey::parse("first").unwrap();
    series(&library).render_step(&step, &ConditionKey::parse("knee").unwrap(), &links()).unwrap()
}

/// Elements and words, without what only says how they look.
fn structure(html: &str) -> String {
    let (head, rest) = html.split_once("<style>").unwrap();
    let (_, rest) = rest.split_once("</style>").unwrap();
    let mut out = head.to_owned();
    let mut rest = rest;
    while let Some((before, after)) = rest.split_once(" style=\"") {
        out.push_str(before);
        rest = after.split_once('"').unwrap().1;
    }
    out.push_str(rest);
    out.replace("&nbsp;\u{200c}", "")
}

#[test]
fn a_step_as_plain_text() {
    insta::assert_snapshot!(first_step().text);
}

#[test]
fn a_step_as_html() {
    insta::assert_snapshot!(structure(&first_step().html));
}

#[test]
fn a_confirmation_as_plain_text_and_html() {
    let library = library(&small());
    let mail = series(&library).render_system(Kind::Confirmation, &links()).unwrap();
    insta::assert_snapshot!("a_confirmation_as_plain_text", mail.text);
    insta::assert_snapshot!("a_confirmation_as_html", structure(&mail.html));
}
