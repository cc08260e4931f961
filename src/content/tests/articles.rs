//! The article, its figure, and the policies.
use super::*;
use crate::content::Policy;

#[test]
fn an_article_is_cut_where_the_sign_up_box_stands() {
    let library = library(&small());
    let article = &series(&library).article;
    let svg = FIGURE.replace("<!-- A dot. -->", "");
    assert_eq!(
        article.before_sign_up,
        format!("<p>Rest is good.</p>\n<h2 id=\"the-basics\">The basics</h2>\n<figure>\n{}\n</figure>\n", svg.trim()),
    );
    assert_eq!(
        article.after_sign_up,
        "<h2 id=\"the-basics-2\">The basics</h2>\n<p>More of Reading &amp; Resting, on <a href=\"/page\">a page</a>.</p>\n",
    );
    assert_eq!((article.title.as_str(), article.byline.as_str()), ("Why we rest", "The editors"));
    assert_eq!(article.sources.len(), 1);
}

#[test]
fn policies_have_a_version_and_headings_with_ids() {
    let library = library(&small());
    let privacy = library.policy(Policy::Privacy);
    assert_eq!((privacy.title.as_str(), privacy.version.as_str()), ("A policy", "2026-11-25"));
    assert_eq!(privacy.html, "<h2 id=\"we-keep-little\">We keep little</h2>\n<p>And we say what.</p>\n");
    assert_eq!(library.policy(Policy::Terms).html, privacy.html);
}

#[test]
fn a_figure_that_could_run_load_or_style_anything_is_refused() {
    let table = [
        ("<script>alert(1)</script>", "<script> cannot be used in a figure"),
        ("<style>a { }</style>", "<style> cannot be used in a figure"),
        ("<foreignObject></foreignObject>", "<foreignObject> cannot be used in a figure"),
        ("<image href=\"#dot\"/>", "<image> cannot be used in a figure"),
        ("<a href=\"#dot\">x</a>", "<a> cannot be used in a figure"),
        ("<animate attributeName=\"href\"/>", "<animate> cannot be used in a figure"),
        ("<SCRIPT/>", "<SCRIPT> cannot be used in a figure"),
        ("<g onload=\"alert(1)\"/>", "onload: a figure cannot run scripts"),
        ("<g OnClick=\"alert(1)\"/>", "OnClick: a figure cannot run scripts"),
        ("<g style=\"fill:red\"/>", "style: a figure cannot have style attributes; use presentation attributes"),
        (
            "<use href=\"https://example.com/x.svg#a\"/>",
            "href: a figure can refer only to its own parts, as href=\"#id\"",
        ),
        ("<use href=\"data:image/svg+xml,x\"/>", "href: a figure can refer only to its own parts, as href=\"#id\""),
        ("<use xlink:href=\"#dot\"/>", "xlink:href: a figure can refer only to its own parts, as href=\"#id\""),
        ("<g fill=\"url(https://example.com/a)\"/>", "fill: a figure cannot load anything"),
        ("<g fill=\"url(#a) URL(//example.com)\"/>", "fill: a figure cannot load anything"),
        ("<g fill=\"u&#114;l(x)\"/>", "fill: this cannot be used in a figure"),
        ("<g fill='url(x)'/>", "an attribute must be name=\"value\""),
        ("<g xmlns=\"http://www.w3.org/1999/xhtml\"/>", "xmlns: an unknown namespace"),
        ("<g/ onload=\"x\">", "<g/> cannot be used in a figure"),
        ("<g fill=\"", "a tag without its end"),
        ("<![CDATA[<script>]]>", "<![CDATA[<script> cannot be used in a figure"),
        ("<?xml version=\"1.0\"?>", "<?xml> cannot be used in a figure"),
        ("<!-- open", "a comment without its end"),
        ("</g>", "an end tag that closes nothing"),
        ("<g>", "an end tag that closes nothing"),
        ("</svg><svg>", "elements are nested too deeply, or are not all inside one <svg>"),
        ("&nbsp;", "text that cannot stand here"),
    ];
    for (inside, message) in table {
        let faults = faults_after(|files| {
            let svg = format!("<svg>\n{inside}</svg>");
            files.insert("rest/article/figure.svg".to_owned(), svg);
        });
        let lines = ["rest/article/figure.svg:2: ", "rest/article/figure.svg:3: "];
        let expected = lines.map(|line| format!("{line}{message}"));
        assert!(faults.len() == 1 && expected.contains(&faults[0]), "{inside}: {faults:?}");
    }
    for whole in ["", "svg", "<p>x</p>", "<svg></svg><p></p>", "<svg></svg> words"] {
        let faults = faults_after(|files| {
            files.insert("rest/article/figure.svg".to_owned(), whole.to_owned());
        });
        assert_eq!(
            faults,
            ["rest/article/figure.svg:1: the file must be one <svg> element and nothing else"],
            "{whole}"
        );
    }
}
