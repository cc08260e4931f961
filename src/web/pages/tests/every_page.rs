//! What holds for every page: its frame, its words, its script, and that nothing typed becomes markup.
use super::samples::*;
use super::*;

#[test]
fn every_page_is_a_whole_document() {
    for (name, html) in pages_saying("Fighting Cancer") {
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"), "{name}");
        assert!(html.trim_end().ends_with("</html>"), "{name}");
        assert_eq!(html.matches("<h1").count(), 1, "{name} has one main heading");
        assert_eq!(html.matches("<title>").count(), 1, "{name}");
        assert!(!html.contains("<title></title>"), "{name}");
        assert!(html.contains("<main id=\"main\"") && html.contains("href=\"#main\""), "{name} can be skipped into");
        assert!(!html.contains("{{") && !html.contains("}}"), "{name} has nothing left to fill in");
    }
}

#[test]
fn every_page_is_in_the_readers_language_and_can_be_switched() {
    let page = ConfirmPage { series_title: "Fighting <Cancer>".into(), post_to: "/confirm/t".into() };
    let html = page.render(Spanish);
    assert!(html.contains("<html lang=\"es\">") && html.contains("Sí, envíenme la serie"));
    assert!(
        html.contains("le enviaremos <strong>Fighting &lt;Cancer&gt;</strong>"),
        "values are escaped, markup is not"
    );
    assert!(html.contains("<a href=\"?lang=en\" lang=\"en\" hreflang=\"en\">English</a>"));
    // What answers a form cannot be asked for again.
    assert!(!CheckInboxPage { again_path: "/#sign-up".into() }.render_in(Spanish, None).contains("?lang="));
}

#[test]
fn what_a_stranger_typed_stays_text() {
    let hostile = r#""><script>alert(1)</script><img src=x onerror=alert(1)> '{{title}}' & javascript:alert(1)"#;
    for (name, html) in pages_saying(hostile).into_iter().chain(embed::framed_saying(hostile)) {
        assert!(!html.contains("<script>"), "{name}");
        assert!(!html.contains("<img"), "{name}");
        assert!(!html.contains(r#"">&lt;"#), "{name}: no attribute ends early");
        assert!(!html.contains("href=\"javascript:"), "{name}");
    }
    let html = ErrorPage { status: 404, title: hostile.into(), detail: "Go on.".into() }.render(English);
    assert!(html.contains("{{title}}"), "braces are shown, not filled in");
    assert!(html.contains("&quot;&gt;&lt;script&gt;"));
}

#[test]
fn the_strict_content_policy_holds() {
    for (name, html) in pages_saying("Plain").into_iter().chain(embed::framed_saying("Plain")) {
        assert!(!html.contains("<style") && !html.contains(" style="), "{name} has no inline style");
        let handler =
            all_tags(&html).flat_map(str::split_whitespace).find(|word| word.starts_with("on") && word.contains('='));
        assert_eq!((handler, html.contains("javascript:")), (None, false), "{name} has no inline script");
        for script in tags(&html, "script") {
            assert!(attribute(script, "src").is_some(), "{name}: {script}");
        }
        let loaded = tags(&html, "link").into_iter().filter(|tag| attribute(tag, "rel") != Some("canonical"));
        for link in loaded.chain(tags(&html, "script")) {
            let url = attribute(link, "href").or_else(|| attribute(link, "src")).expect("it points somewhere");
            let asset = url.strip_prefix("/assets/").and_then(crate::web::assets::get);
            assert!(asset.is_some() || url == "/embed.js", "{name}: {url} is served");
        }
    }
}

#[test]
fn few_pages_have_a_script() {
    for (name, html) in pages_saying("Plain") {
        let runs = ["admin-run", "admin-run-draft", "admin-run-counting"];
        let imports = ["admin-import", "admin-import-plain", "admin-import-going-on"];
        let watched = runs.iter().chain(&imports).chain(&["admin", "admin-nothing"]).any(|one| *one == name);
        let has_one = watched || name.starts_with("article") || ["related", "snippets"].contains(&name);
        assert_eq!(html.contains("<script"), has_one, "{name}");
    }
}

#[test]
fn every_input_has_a_label_and_every_reference_a_target() {
    for (name, html) in pages_saying("Plain").into_iter().chain(embed::framed_saying("Plain")) {
        let ids: Vec<&str> = all_tags(&html).filter_map(|tag| attribute(tag, "id")).collect();
        for input in tags(&html, "input").into_iter().chain(tags(&html, "select")) {
            // A password's form names its account for whoever keeps passwords, and shows it to nobody.
            let is_shown = attribute(input, "type") != Some("hidden") && !input.ends_with(" hidden");
            if is_shown {
                let id = attribute(input, "id").expect("it has an id");
                assert!(html.contains(&format!("<label for=\"{id}\">")), "{name}: {id}");
            }
        }
        for tag in all_tags(&html) {
            for reference in ["aria-labelledby", "aria-describedby", "for"] {
                for id in attribute(tag, reference).unwrap_or_default().split_whitespace() {
                    assert_eq!(ids.iter().filter(|known| **known == id).count(), 1, "{name}: {reference} {id}");
                }
            }
            let link = attribute(tag, "href").and_then(|href| href.strip_prefix('#'));
            assert!(link.is_none_or(|id| ids.contains(&id)), "{name}: {tag}");
        }
    }
}

#[test]
fn one_button_posts_where_it_was_told() {
    let series_title = || "Fighting Cancer".to_owned();
    let post_to = || "/do/token".to_owned();
    for html in [
        ConfirmPage { series_title: series_title(), post_to: post_to() }.render(English),
        ExpiredPage { series_title: series_title(), post_to: post_to() }.render(English),
        UnsubscribePage { series_title: series_title(), post_to: post_to() }.render(English),
        NeverPage { post_to: post_to() }.render(English),
        FreshExpiredPage { post_to: post_to() }.render(English),
    ] {
        assert_eq!(html.matches("<form method=\"post\" action=\"/do/token\">").count(), 1);
        assert_eq!((html.matches("<form").count(), html.matches("<button type=\"submit\"").count()), (1, 1));
    }
}

#[test]
fn pages_for_one_reader_are_kept_out_of_search_and_history() {
    let series = "Fighting Cancer With Immunotherapy";
    for (name, html) in pages_saying(series) {
        let private = !["article", "article-full", "related", "series-list", "policy"].contains(&name);
        assert_eq!(html.contains("content=\"noindex, nofollow\""), private, "{name}");
        // A browser that tells nothing would not say where an admin's form was sent from.
        let tells_nothing = private && !html.contains("<body class=\"admin\">");
        assert_eq!(html.contains("name=\"referrer\" content=\"no-referrer\""), tells_nothing, "{name}");
        let title = between(&html, "<title>", "</title>");
        // The article and an error are titled by whoever wrote them.
        let titled_by_us = private && !["article-errors", "error", "survey", "figures", "snippets"].contains(&name);
        assert!(!(titled_by_us && title.contains(series)), "{name}: {title}");
    }
}
