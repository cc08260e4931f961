//! Articles, what stands below them, and the survey's figures.
use super::samples::*;
use super::*;

#[test]
fn trusted_html_stays_html() {
    let html = article().render(English);
    assert!(html.contains("<p>Before the box.</p>") && html.contains("<h2>After the box</h2>"));
    let before = html.find("Before the box").expect("it is there");
    let form = html.find("action=\"/subscribe").expect("it is there");
    let after = html.find("After the box").expect("it is there");
    assert!(before < form && form < after);
}

#[test]
fn only_a_web_address_becomes_a_link_to_a_source() {
    let mut page = article();
    page.sources[0].url = "javascript:alert(1)".into();
    let html = page.render(English);
    assert!(!html.contains("javascript:"));
    assert!(html.contains("<li>National Cancer Institute: Immunotherapy</li>"));
    assert!(article().render(English).contains("<a href=\"https://www.cancer.gov/\">Immunotherapy</a>"));
}

#[test]
fn the_frame_of_the_article_is_small() {
    let octets = article().render(English).len();
    assert!(octets < 10 * 1024, "{octets} octets");
}

#[test]
fn an_article_says_when_it_was_edited_and_who_pays_before_it_begins() {
    let reviewed = Review { reviewer: Some("Example Reviewer".into()), ..head().review };
    for (page, line) in [
        (article().render(English), "Medical review is pending."),
        (related().render(English), "Medical review is pending."),
        (
            RelatedPage { head: ArticleHead { review: reviewed, ..head() }, ..related() }.render(English),
            "Example Reviewer.",
        ),
    ] {
        let head = between(&page, "<header class=\"story-head\">", "</header>");
        assert!(
            head.contains("<time datetime=\"2026-11-05\">November 5, 2026</time>") && head.contains(line),
            "{head}"
        );
        assert!(head.contains("Who pays for this:") && head.contains("No sponsor has been named."), "{head}");
    }
    assert!(article().render(Spanish).contains("<time datetime=\"2026-11-05\">5 de noviembre de 2026</time>"));
}

#[test]
fn an_article_tells_machines_what_it_is_and_where() {
    let html = article().render(English);
    let url = "https://series.example.org/articles/fighting-cancer-with-immunotherapy";
    assert!(html.contains(&format!("<link rel=\"canonical\" href=\"{url}\">")));
    for (property, content) in [
        ("og:title", "What is immunotherapy?"),
        ("og:description", "How it helps the body."),
        ("og:type", "article"),
        ("og:url", url),
    ] {
        assert!(html.contains(&format!("<meta property=\"{property}\" content=\"{content}\">")), "{property}");
    }
    // What answers a form is nowhere to be found again.
    let mut faulty = article();
    faulty.sign_up.email_error = Some("Please look".into());
    assert!(!faulty.render(English).contains("canonical"));
}

#[test]
fn a_share_link_says_what_it_should_and_no_more() {
    let html = article().render(English);
    let link = between(&html, "href=\"mailto:", "\"");
    let expected = "?subject=An%20article%3A%20What%20is%20immunotherapy%3F&amp;body=";
    assert!(link.starts_with(expected), "{link}");
    assert!(link.ends_with("https%3A%2F%2Fseries.example.org%2Fa%3Fb%3Dc%26d%3De"), "{link}");
    // Without the script there is only that link.
    for tag in tags(&html, "button").into_iter().filter(|tag| tag.contains("data-share") || tag.contains("data-copy")) {
        assert!(tag.contains(" hidden"), "{tag}");
    }
}

#[test]
fn a_figure_of_few_is_a_word() {
    let html = figures("Plain").render(English, &Shell::default());
    assert!(html.contains("10 or more") && html.contains("fewer than 5"));
    assert!(html.contains("<rect class=\"bar-length\" width=\"100\"") && html.contains("width=\"0\""));
    assert!(
        SurveyFiguresPage { forms: None, ..figures("Plain") }
            .render(English, &Shell::default())
            .contains("Fewer than 5 people")
    );
}
