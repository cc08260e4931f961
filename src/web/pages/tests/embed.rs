//! The sign-up box in a frame, and what publishers copy.
use super::samples::*;
use super::*;

fn frame() -> Frame {
    let path = |lang: &str| format!("/embed/s?lang={lang}&theme=dark");
    Frame {
        theme: Some("dark"),
        path: path("en"),
        article_path: "/articles/s".into(),
        text_language: "en".into(),
        sponsor: "No sponsor has been named.".into(),
        languages: vec![(English, path("en")), (Spanish, path("es"))],
    }
}

fn embed(sign_up: SignUpBox) -> EmbedPage {
    EmbedPage { sign_up: SignUpBox { post_to: frame().path, ..sign_up }, frame: frame() }
}

fn snippets(text: &str) -> Snippets {
    Snippets {
        site: "https://series.example.org".into(),
        series_slug: "s".into(),
        series_title: text.into(),
        language: Some("es"),
        theme: None,
        frame_path: "/embed/s?lang=es&amp;theme=dark".into(),
        form_language: "es",
        conditions: vec![ConditionOption { key: "lung".into(), name: text.into(), selected: false }],
    }
}

/// Every page that stands in a frame.
pub(super) fn framed_saying(text: &str) -> Vec<(&'static str, String)> {
    let hostile = Frame {
        theme: Some("dark"),
        path: text.into(),
        article_path: text.into(),
        text_language: text.into(),
        sponsor: text.into(),
        languages: vec![(Spanish, text.into())],
    };
    let faulty = SignUpBox {
        series_title: text.into(),
        email: text.into(),
        email_error: Some(text.into()),
        condition_error: Some(text.into()),
        passing_error: Some(text.into()),
        ..sign_up()
    };
    let inbox = CheckInboxPage { again_path: text.into() };
    let error = ErrorPage { status: 404, title: text.into(), detail: text.into() };
    vec![
        ("framed-box", EmbedPage { sign_up: sign_up(), frame: hostile.clone() }.render(English)),
        ("framed-faults", EmbedPage { sign_up: faulty, frame: hostile.clone() }.render(English)),
        ("framed-once-more", once_more(text).render_in(English, Some(&hostile))),
        ("framed-check-inbox", inbox.render_in(English, Some(&hostile))),
        ("framed-error", error.render_in(English, Some(&Frame::default()))),
    ]
}

/// The admins' pages that have to do with it.
pub(super) fn admin_saying(text: &str) -> Vec<(&'static str, String)> {
    let card = Card { title: text.into(), description: text.into(), path: text.into() };
    let copied = EmbedSnippetsPage {
        series_slug: text.into(),
        series_title: text.into(),
        language: Some("es"),
        theme: Some("dark"),
        languages: vec![("en", "English", false), ("es", "Español", true)],
        themes: vec![("light", false), ("dark", true)],
        frame_path: text.into(),
        origins: vec![text.into()],
        site: text.into(),
        script: snippets(text).script(English),
        frame: snippets(text).frame(English),
        form: snippets(text).form(English),
    };
    vec![
        ("embed-list", EmbedListPage { series: vec![card] }.render(English, &Shell::default())),
        ("snippets", copied.render(English, &Shell::default())),
        ("api", api(text).render(English)),
    ]
}

fn api(text: &str) -> ApiPage {
    let named = || text.to_owned();
    let field = ApiField { name: named(), kind: named(), required: true, text: named(), shape: Some(named()) };
    let call = ApiCall {
        anchor: named(),
        method: "POST".into(),
        path: named(),
        summary: named(),
        text: named(),
        parameters: vec![field.clone()],
        body: Some(named()),
        answers: vec![ApiAnswer { status: "200".into(), text: named(), shape: Some(named()) }],
    };
    let shape = ApiShape { name: named(), text: named(), fields: vec![field] };
    ApiPage { version: named(), calls: vec![call], shapes: vec![shape] }
}

#[test]
fn what_stands_in_a_frame_has_no_site_around_it() {
    for (name, html) in framed_saying("Fighting Cancer") {
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\""), "{name}");
        assert!(html.contains("class=\"framed\"") && html.trim_end().ends_with("</html>"), "{name}");
        assert!(!html.contains("class=\"top\"") && !html.contains("class=\"bottom\""), "{name}");
        assert!(html.contains("content=\"noindex, nofollow\"") && html.contains("/assets/embed-frame."), "{name}");
        assert!(!html.contains("{{"), "{name}");
    }
    let dark = embed(sign_up()).render(English);
    assert!(dark.contains(" data-theme=\"dark\"") && dark.contains("name=\"color-scheme\" content=\"dark\""));
    let auto = EmbedPage { frame: Frame { theme: None, ..frame() }, ..embed(sign_up()) }.render(English);
    assert!(!auto.contains("data-theme") && auto.contains("name=\"color-scheme\" content=\"light dark\""));
}

#[test]
fn what_leads_out_of_the_frame_opens_beside_it() {
    let frame = frame();
    let inbox = CheckInboxPage { again_path: frame.path.clone() }.render_in(English, Some(&frame));
    let again = OnceMorePage { again_path: frame.path.clone(), ..once_more("x") };
    let mut faulty = sign_up();
    faulty.email_error = Some("Look again".into());
    for html in
        [embed(sign_up()).render(English), embed(faulty).render(English), inbox, again.render_in(English, Some(&frame))]
    {
        let links: Vec<&str> = tags(&html, "a");
        assert!(!links.is_empty());
        for link in links {
            let leads = attribute(link, "href").unwrap();
            let stays = leads.starts_with('#') || leads.starts_with("/embed/s?");
            assert_eq!(attribute(link, "target"), (!stays).then_some("_blank"), "{link}");
            assert_eq!(attribute(link, "rel"), (!stays).then_some("noopener"), "{link}");
        }
    }
}

#[test]
fn the_box_in_a_frame_says_and_asks_what_the_box_on_our_site_does() {
    for language in [English, Spanish] {
        let sign_up = || SignUpBox { language: language.tag().into(), ..sign_up() };
        let framed = embed(sign_up()).render(language).replace(" target=\"_blank\" rel=\"noopener\"", "");
        let site = ArticlePage { sign_up: sign_up(), ..article() }.render(language);
        let of = |html: &str| between(html, "<section class=\"box\"", "</section>").to_owned();
        let action = between(&of(&framed), "action=\"", "\"").to_owned();
        assert!(action.starts_with("/embed/s?") && action.ends_with("#problem"), "{action}");
        assert_eq!(of(&framed).replace(&action, "/subscribe#problem"), of(&site));
        assert!(framed.contains("No sponsor has been named."));
    }
    let html = embed(sign_up()).render(English);
    assert!(html.contains("lang=\"es\" hreflang=\"es\">Español</a>") && !html.contains(">English</a>"));
    let mut faulty = sign_up();
    faulty.condition_error = Some("Choose".into());
    let html = embed(faulty).render(English);
    assert!(between(&html, "<title>", "</title>").starts_with("Please look again: ") && !html.contains("hreflang"));
}

#[test]
fn a_snippet_is_html_of_its_own_in_which_every_title_stays_text() {
    let hostile = "\"><script>alert(1)</script>";
    let (script, frame, form) =
        (snippets(hostile).script(Spanish), snippets(hostile).frame(Spanish), snippets(hostile).form(Spanish));
    for html in [&script, &frame, &form] {
        assert!(!html.contains("<script>") && !html.contains("style="), "{html}");
        assert!(html.contains("https://series.example.org/"), "{html}");
    }
    assert!(
        script.contains("src=\"https://series.example.org/embed.js\" data-series=\"s\" data-lang=\"es\" async"),
        "{script}"
    );
    assert!(
        script.contains("<noscript>") && script.contains("https://series.example.org/articles/s#sign-up"),
        "{script}"
    );
    assert!(frame.contains("src=\"https://series.example.org/embed/s?lang=es&amp;theme=dark\""), "{frame}");
    assert!(
        form.contains("action=\"https://series.example.org/subscribe\"") && form.contains("value=\"lung\""),
        "{form}"
    );
    // What is agreed to is what the box says, with links that lead to us.
    let agreed = messages::text(Spanish, "sign-up-agree").replace("href=\"/", "href=\"https://series.example.org/");
    assert!(agreed.contains("series.example.org/privacy") && form.contains(&agreed), "{form}");
    for name in ["series", "language", "condition", "email"] {
        assert!(form.contains(&format!("name=\"{name}\"")), "{name}");
    }
}
