//! One registry of compiled templates, and the frame that every page stands in.
use std::sync::LazyLock;

use handlebars::{Handlebars, handlebars_helper};
use serde::Serialize;

use crate::web::assets;

/// What the frame around a page needs to know.
#[derive(Debug, Serialize)]
pub(super) struct Head<'a> {
    pub(super) language: &'a str,
    pub(super) title: &'a str,
    pub(super) description: Option<&'a str>,
    /// Kept out of search engines; sends no referrer.
    pub(super) private: bool,
    /// What the link to the start page is called.
    pub(super) brand: Option<&'a str>,
    /// A class: `wide`, `text` or `note`.
    pub(super) layout: &'a str,
    /// Whether there is a sign-up box, which needs the script that fills in the time zone.
    pub(super) sign_up: bool,
}

/// A short page that is for one reader alone.
pub(super) fn private(template: &str, title: &str, brand: Option<&str>, page: &impl Serialize) -> String {
    let head = Head { language: "en", title, description: None, private: true, brand, layout: "note", sign_up: false };
    render(template, &head, page)
}

pub(super) fn render(template: &str, head: &Head<'_>, page: &impl Serialize) -> String {
    let body = fill(template, page);
    fill("shell", &Framed { head, sheet: head.layout == "note", body: &body })
}

#[derive(Serialize)]
struct Framed<'a> {
    #[serde(flatten)]
    head: &'a Head<'a>,
    /// Whether the page is short and stands on a sheet of its own.
    sheet: bool,
    body: &'a str,
}

fn fill(template: &str, data: &impl Serialize) -> String {
    // Templates are part of the binary and their data is typed, so what could fail here fails in the tests of every page.
    TEMPLATES.render(template, data).expect("a page's template fits its data")
}

static TEMPLATES: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut templates = Handlebars::new();
    templates.set_strict_mode(true);
    templates.set_prevent_indent(true);
    templates.register_helper("asset", Box::new(asset));
    templates.register_helper("in_words", Box::new(in_words));
    templates.register_helper("plural", Box::new(plural));
    templates.register_helper("dots", Box::new(dots));
    templates.register_helper("is_web", Box::new(is_web));
    templates.register_helper("mail_path", Box::new(mail_path));
    for (name, source) in SOURCES {
        templates.register_template_string(name, source).expect("an embedded template can be parsed");
    }
    templates
});

const SOURCES: [(&str, &str); 21] = [
    ("shell", include_str!("shell.hbs")),
    ("mark", include_str!("mark.hbs")),
    ("icon_mail", include_str!("icon_mail.hbs")),
    ("icon_check", include_str!("icon_check.hbs")),
    ("icon_clock", include_str!("icon_clock.hbs")),
    ("sign_up_box", include_str!("sign_up_box.hbs")),
    ("article", include_str!("article.hbs")),
    ("check_inbox", include_str!("check_inbox.hbs")),
    ("confirm", include_str!("confirm.hbs")),
    ("confirmed", include_str!("confirmed.hbs")),
    ("already_confirmed", include_str!("already_confirmed.hbs")),
    ("expired", include_str!("expired.hbs")),
    ("superseded", include_str!("superseded.hbs")),
    ("new_link_sent", include_str!("new_link_sent.hbs")),
    ("unsubscribe", include_str!("unsubscribe.hbs")),
    ("unsubscribed", include_str!("unsubscribed.hbs")),
    ("manage", include_str!("manage.hbs")),
    ("never", include_str!("never.hbs")),
    ("never_done", include_str!("never_done.hbs")),
    ("policy", include_str!("policy.hbs")),
    ("error", include_str!("error.hbs")),
];

handlebars_helper!(asset: |name: str| assets::path(name).expect("templates ask only for assets that exist"));

handlebars_helper!(in_words: |count: u64| words_for(count));

handlebars_helper!(plural: |count: u64, one: str, many: str| (if count == 1 { one } else { many }).to_owned());

// One mark a part, true for those received; a very long series is told in the sentence beside it alone.
handlebars_helper!(dots: |received: u64, parts: u64| {
    let shown = if parts <= 24 { parts } else { 0 };
    (0..shown).map(|part| part < received).collect::<Vec<bool>>()
});

handlebars_helper!(is_web: |url: str| url.starts_with("https://") || url.starts_with("http://"));

handlebars_helper!(mail_path: |address: str| percent_encoded(address));

fn words_for(count: u64) -> String {
    const WORDS: [&str; 13] =
        ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    usize::try_from(count)
        .ok()
        .and_then(|count| WORDS.get(count))
        .map_or_else(|| count.to_string(), ToString::to_string)
}

/// An address may contain `?`, `&` or `%`, which in a `mailto:` link would begin something else.
fn percent_encoded(address: &str) -> String {
    address.bytes().fold(String::with_capacity(address.len()), |mut path, octet| {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'@' | b'.' | b'-' | b'_' | b'+' => path.push(char::from(octet)),
            _ => path.extend(["%", &format!("{octet:02X}")]),
        }
        path
    })
}
