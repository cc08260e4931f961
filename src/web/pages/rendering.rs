//! One registry of compiled templates for each language, and the frame that every page stands in.
use std::sync::LazyLock;

use handlebars::{Handlebars, handlebars_helper, html_escape};
use include_dir::{Dir, include_dir};
use serde::Serialize;

use crate::messages::{self, Language, Say};
use crate::web::assets;

/// What the frame around a page needs to know.
#[derive(Debug, Serialize)]
pub(super) struct Head<'a> {
    pub(super) title: &'a str,
    pub(super) description: Option<&'a str>,
    /// Kept out of search engines; sends no referrer.
    pub(super) private: bool,
    /// What the link to the start page is called.
    pub(super) brand: Option<&'a str>,
    /// A class: `wide`, `text` or `note`.
    pub(super) layout: &'a str,
    /// Where the sign-up box is that the page leads to.
    pub(super) sign_up: Option<&'a str>,
    /// Whether the page has something that works better with the script.
    pub(super) script: bool,
    /// The address under which the page should be found and shared.
    pub(super) canonical: Option<&'a str>,
    /// Whether the page can be asked for again in another language: not so what answers a form.
    pub(super) switch: bool,
}

/// A short page that is for one reader alone. `title` is a message.
pub(super) fn private(
    language: Language,
    template: &str,
    title: &str,
    brand: Option<&str>,
    page: &impl Serialize,
) -> String {
    let title = messages::text(language, title);
    render(language, template, &Head { brand, ..Head::note(&title) }, page)
}

impl<'a> Head<'a> {
    /// A short page behind a link.
    pub(super) fn note(title: &'a str) -> Self {
        Self {
            title,
            description: None,
            private: true,
            brand: None,
            layout: "note",
            sign_up: None,
            script: false,
            canonical: None,
            switch: true,
        }
    }
}

pub(super) fn render(language: Language, template: &str, head: &Head<'_>, page: &impl Serialize) -> String {
    render_in(language, template, head, None, page)
}

/// The same, in a frame on another site if one is given.
pub(super) fn render_in(
    language: Language,
    template: &str,
    head: &Head<'_>,
    frame: Option<&Frame>,
    page: &impl Serialize,
) -> String {
    let body = fill(language, template, page);
    if let Some(frame) = frame {
        return in_frame(language, head, frame, &body);
    }
    let switch_to = if head.switch { switches(language) } else { Vec::new() };
    let frame = Framed {
        head,
        language: language.tag(),
        language_name: language.own_name(),
        sheet: head.layout == "note",
        switch_to,
        body: &body,
    };
    fill(language, "shell", &frame)
}

#[derive(Serialize)]
struct Framed<'a> {
    #[serde(flatten)]
    head: &'a Head<'a>,
    language: &'static str,
    language_name: &'static str,
    /// Whether the page is short and stands on a sheet of its own.
    sheet: bool,
    switch_to: Vec<Switch>,
    body: &'a str,
}

/// The same page in every other language.
pub(super) fn switches(language: Language) -> Vec<Switch> {
    let others = Language::ALL.into_iter().filter(|other| *other != language);
    others.map(|other| Switch { tag: other.tag(), name: other.own_name() }).collect()
}

/// A link to the same page in another language.
#[derive(Serialize)]
pub(super) struct Switch {
    tag: &'static str,
    name: &'static str,
}

/// A frame on another site that a page stands in, in place of our own site around it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Frame {
    /// `light` or `dark`; without one the reader's system decides.
    pub theme: Option<&'static str>,
    /// Where the sign-up box is, in this frame's look.
    pub path: String,
    /// The same on our own site; empty when there is no such series.
    pub article_path: String,
    /// The language of the series' own words.
    pub text_language: String,
    pub sponsor: String,
    /// Where the box is in each language.
    #[serde(skip)]
    pub languages: Vec<(Language, String)>,
}

#[derive(Serialize)]
struct InFrame<'a> {
    title: &'a str,
    language: &'static str,
    color_scheme: &'static str,
    sheet: bool,
    frame: &'a Frame,
    switch_to: Vec<FrameSwitch<'a>>,
    body: &'a str,
}

#[derive(Serialize)]
struct FrameSwitch<'a> {
    tag: &'static str,
    name: &'static str,
    path: &'a str,
}

fn in_frame(language: Language, head: &Head<'_>, frame: &Frame, body: &str) -> String {
    let others = frame.languages.iter().filter(|(other, _)| head.switch && *other != language);
    let page = InFrame {
        title: head.title,
        language: language.tag(),
        color_scheme: frame.theme.unwrap_or("light dark"),
        sheet: head.layout == "note",
        frame,
        switch_to: others.map(|(other, path)| FrameSwitch { tag: other.tag(), name: other.own_name(), path }).collect(),
        body: &in_new_tabs(body),
    };
    fill(language, "frame", &page)
}

/// What leads to our other pages opens in a tab of its own, since those stand in no frame; the box itself stays where it is.
/// What a reader has typed is escaped, so that every link in here is one of our templates'.
fn in_new_tabs(body: &str) -> String {
    const LINK: &str = "<a href=\"/";
    let mut parts = body.split(LINK);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |page, rest| {
        let stays = rest.starts_with("embed/");
        page + if stays { LINK } else { "<a target=\"_blank\" rel=\"noopener\" href=\"/" } + rest
    })
}

/// A template's text alone, without a page around it.
pub(super) fn fill(language: Language, template: &str, data: &impl Serialize) -> String {
    // Templates are part of the binary and their data is typed, so what could fail here fails in the tests of every page.
    TEMPLATES[language as usize].render(template, data).expect("a page's template fits its data")
}

/// All templates: a file's name without its end is its template's.
static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/web/pages");

static TEMPLATES: LazyLock<[Handlebars<'static>; 2]> = LazyLock::new(|| Language::ALL.map(compiled));

fn compiled(language: Language) -> Handlebars<'static> {
    let mut templates = Handlebars::new();
    templates.set_strict_mode(true);
    templates.set_prevent_indent(true);
    messages::register(&mut templates, "t", language, Say::Escaped);
    messages::register(&mut templates, "th", language, Say::Markup);
    templates.register_helper("on_site", Box::new(on_site));
    templates.register_helper("asset", Box::new(asset));
    templates.register_helper("dots", Box::new(dots));
    templates.register_helper("is_dark", Box::new(is_dark));
    templates.register_helper("is_web", Box::new(is_web));
    templates.register_helper("mail_path", Box::new(mail_path));
    for file in FILES.files().filter(|file| file.path().extension().is_some_and(|end| end == "hbs")) {
        let (name, source) = (file.path().file_stem().and_then(|name| name.to_str()), file.contents_utf8());
        let (name, source) = name.zip(source).expect("a template has a plain name and is text");
        templates.register_template_string(name, source).expect("an embedded template can be parsed");
    }
    templates
}

handlebars_helper!(asset: |name: str| assets::path(name).expect("templates ask only for assets that exist"));

// One mark a part, true for those received; a very long series is told in the sentence beside it alone.
handlebars_helper!(dots: |received: u64, parts: u64| {
    let shown = if parts <= 24 { parts } else { 0 };
    (0..shown).map(|part| part < received).collect::<Vec<bool>>()
});

// A text with links to our pages, as it must be written on another site. Only our own messages are given to it.
handlebars_helper!(on_site: |site: str, text: str| text.replace("href=\"/", &format!("href=\"{}/", html_escape(site))));

handlebars_helper!(is_dark: |theme: str| theme == "dark");

handlebars_helper!(is_web: |url: str| url.starts_with("https://") || url.starts_with("http://"));

handlebars_helper!(mail_path: |address: str| percent_encoded(address));

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
