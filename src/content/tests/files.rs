//! Broken series files, layouts, articles and policies.
use super::*;

const TOML: &str = "rest/series.toml";

#[test]
fn a_fault_of_a_series_file_has_its_line() {
    let table = [
        (
            "title = \"Reading & Resting\"",
            "titel = \"R\"",
            vec![
                "rest/series.toml: `title` is missing",
                "rest/series.toml:1: unknown key `titel`; known here: `title`, `language`, `from`, `reply_to`, `postal_address`, `sponsor`, `default_zone`, `min_gap`, `spacings`, `window`, `review`, `conditions`, `steps`",
            ],
        ),
        ("title = \"Reading & Resting\"", "title = 5", vec!["rest/series.toml:1: `title` must be a text in quotes"]),
        (
            "title = \"Reading & Resting\"",
            "title = \"{{x}}\"",
            vec!["rest/series.toml:1: `title` cannot have curly braces"],
        ),
        (
            "language = \"en\"",
            "language = \"English!\"",
            vec!["rest/series.toml:2: `language`: not a language tag; it should look like en or de-CH"],
        ),
        (
            "<series@example.com>",
            "<series>",
            vec![
                "rest/series.toml:3: `from`: This does not look like an e-mail address. It should look like name@example.org.",
            ],
        ),
        (
            "<series@example.com>",
            "<series@example.com>\\r\\nBcc: <x@example.com>",
            vec!["rest/series.toml:3: `from` must be one line without control characters"],
        ),
        (
            "America/New_York",
            "America/Gotham",
            vec![
                "rest/series.toml:6: `default_zone`: not a time zone of the IANA database; it should look like America/New_York",
            ],
        ),
        (
            "min_gap = \"20h\"",
            "min_gap = \"20\"",
            vec![
                "rest/series.toml:7: `min_gap`: not a delay; write 0, or a number with m, h or d: 90m, 36h, 3d (at most 366d)",
            ],
        ),
        (
            "min_gap = \"20h\"",
            "min_gap = \"20h\"\nspacings = [\"3d\", \"12h\", \"0d\", 5]",
            vec![
                "rest/series.toml:8: `spacings` must be a text in quotes",
                "rest/series.toml:8: `spacings`: each is a number of days such as \"3d\" (1d to 366d)",
            ],
        ),
        (
            "min_gap = \"20h\"",
            "min_gap = \"20h\"\nspacings = \"3d\"",
            vec!["rest/series.toml:8: `spacings` must be a list in square brackets"],
        ),
        (
            "from = \"08:00\"",
            "from = \"8 o'clock\"",
            vec!["rest/series.toml:10: `from`: not a time of day; it should look like 09:00"],
        ),
        (
            "preferred = \"09:00\"",
            "preferred = \"21:00\"",
            vec!["rest/series.toml:9: `preferred` lies outside the window"],
        ),
        (
            "[window]",
            "[windows]",
            vec![
                "rest/series.toml: `window` is missing",
                "rest/series.toml:9: unknown key `windows`; known here: `title`, `language`, `from`, `reply_to`, `postal_address`, `sponsor`, `default_zone`, `min_gap`, `spacings`, `window`, `review`, `conditions`, `steps`",
            ],
        ),
        (
            "2026-11-05",
            "5 November",
            vec!["rest/series.toml:15: `last_edited`: not a date; it should look like 2026-11-25"],
        ),
        (
            "key = \"other\"",
            "key = \"knee\"",
            vec![
                "rest/01-first/conditions.md:5: unknown condition `other`: series.toml does not have it",
                "rest/series.toml:22: duplicate condition key `knee`; first in line 18",
            ],
        ),
        (
            "key = \"second\"",
            "key = \"first\"",
            vec!["rest/series.toml:31: duplicate step key `first`; first in line 26"],
        ),
        ("key = \"second\"\n", "", vec!["rest/series.toml:30: `key` is missing"]),
        (
            "key = \"second\"",
            "key = \"Second\"",
            vec![
                "rest/series.toml:31: `key`: must be 1 to 64 characters a–z, 0–9 and hyphens, beginning with a letter or digit",
            ],
        ),
        (
            "delay = \"3d\"",
            "delay = \"3 days\"",
            vec![
                "rest/series.toml:32: `delay`: not a delay; write 0, or a number with m, h or d: 90m, 36h, 3d (at most 366d)",
            ],
        ),
        (
            "folder = \"02-second\"",
            "folder = \"02-secnd\"",
            vec![
                "rest/02-second: no step of series.toml names this folder",
                "rest/series.toml:33: the folder `02-secnd` has no body.md",
            ],
        ),
        (
            "folder = \"02-second\"",
            "folder = \"01-first\"",
            vec![
                "rest/02-second: no step of series.toml names this folder",
                "rest/series.toml:33: duplicate step folder `01-first`; first in line 28",
            ],
        ),
        (
            "folder = \"02-second\"",
            "folder = \"../x\"",
            vec![
                "rest/02-second: no step of series.toml names this folder",
                "rest/series.toml:33: `folder` must be the name of a folder, of a–z, 0–9 and hyphens",
                "rest/series.toml:33: the folder `../x` has no body.md",
            ],
        ),
    ];
    for (old, new, faults) in table {
        assert_eq!(faults_after(|files| edit(files, TOML, old, new)), faults, "{new}");
    }
}

#[test]
fn toml_that_cannot_be_read_has_its_line_and_hides_no_other_fault() {
    let faults = faults_after(|files| {
        edit(files, TOML, "sponsor = ", "sponsor : ");
        edit(files, TOML, "America/New_York", "Nowhere");
    });
    assert!(faults.iter().any(|fault| fault.starts_with("rest/series.toml:5: ")), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.starts_with("rest/series.toml:6: `default_zone`")), "{faults:?}");
    let faults = faults_after(|files| edit(files, TOML, "language = ", "title = \"Again\"\nlanguage = "));
    assert!(faults.iter().any(|fault| fault.starts_with("rest/series.toml:2: ")), "{faults:?}");
}

#[test]
fn a_layout_that_forgets_loads_or_runs_something_is_a_fault() {
    let html = "layouts/mail.html.hbs";
    let table = [
        (html, "{{unsubscribe_url}}", "", vec!["layouts/mail.html.hbs: the mail does not show {{unsubscribe_url}}"]),
        (html, "{{postal_address}}", "", vec!["layouts/mail.html.hbs: the mail does not show {{postal_address}}"]),
        (html, "{{sponsor}}", "", vec!["layouts/mail.html.hbs: the mail does not show {{sponsor}}"]),
        (html, "{{review_line}}", "", vec!["layouts/mail.html.hbs: the mail does not show {{review_line}}"]),
        (
            "layouts/mail.txt.hbs",
            "{{unsubscribe_url}}",
            "",
            vec!["layouts/mail.txt.hbs: the mail does not show {{unsubscribe_url}}"],
        ),
        ("layouts/mail.txt.hbs", "{{url}}", "", vec!["layouts/mail.txt.hbs: the mail does not show {{sources}}"]),
        (
            html,
            "</body>",
            "<img src=\"https://example.com/open.gif\"></body>",
            vec!["layouts/mail.html.hbs: a mail neither runs nor loads anything: no <img"],
        ),
        (
            html,
            "</body>",
            "<script>1</script></body>",
            vec!["layouts/mail.html.hbs: a mail neither runs nor loads anything: no <script"],
        ),
        (
            "layouts/mail.css",
            ".page {",
            "@import 'x';\n.page {",
            vec!["layouts/mail.css:3: a mail loads nothing: no url(), @import, </ or {{ in its styles"],
        ),
        (
            "layouts/mail.css",
            "prefers-color-scheme: dark",
            "prefers-color-scheme: light",
            vec!["layouts/mail.css: no `@media (prefers-color-scheme: dark)` for readers who use dark mode"],
        ),
        (
            html,
            "{{preheader}}",
            "{{preheeder}}",
            vec!["layouts/mail.html.hbs:15: Failed to access variable in strict mode Some(\"preheeder\")"],
        ),
        (
            html,
            "{{privacy_url}}",
            "\\{{privacy_url}}",
            vec![
                "layouts/mail.html.hbs: a variable stands beside a brace or a backslash",
                "layouts/mail.html.hbs: the mail does not show {{privacy_url}}",
            ],
        ),
    ];
    for (file, old, new, faults) in table {
        assert_eq!(faults_after(|files| edit(files, file, old, new)), faults, "{file}: {new}");
    }
    let faults = faults_after(|files| edit(files, html, "{{#if is_step}}", "{{#if is_step}"));
    assert!(faults.len() == 1 && faults[0].starts_with("layouts/mail.html.hbs:"), "{faults:?}");
}

#[test]
fn articles_and_policies_are_checked_too() {
    let article = "rest/article/article.md";
    let table = [
        (
            article,
            "{{> sign-up}}",
            "",
            vec!["rest/article/article.md: no line `{{> sign-up}}` that says where the sign-up box stands"],
        ),
        (
            article,
            "{{> sign-up}}",
            "{{> sign-up}}\n\n{{> sign-up}}",
            vec!["rest/article/article.md:19: the sign-up box is here for the second time"],
        ),
        (
            article,
            "{{series_title}}",
            "{{manage_url}}",
            vec![
                "rest/article/article.md:21: unknown variable `{{manage_url}}`; this text has: series_title, parts, sponsor, postal_address, review_line",
            ],
        ),
        (
            article,
            "(/page)",
            "(//example.com)",
            vec![
                "rest/article/article.md:21: a link must lead to https://, mailto:, tel:, or to /a page or #part of ours",
            ],
        ),
        (
            article,
            "[a page](/page)",
            "it\n\n[A page](/page \"button\")",
            vec!["rest/article/article.md:23: a button must be a paragraph of its own in a mail"],
        ),
        (
            "policies/terms.md",
            "2026-11-25",
            "25 November",
            vec!["policies/terms.md:3: `version`: not a version; it should look like 2026-11-25"],
        ),
        (
            "policies/terms.md",
            "And we",
            "And {{sponsor}}",
            vec!["policies/terms.md:7: unknown variable `{{sponsor}}`; this text has: none"],
        ),
    ];
    for (file, old, new, faults) in table {
        assert_eq!(faults_after(|files| edit(files, file, old, new)), faults, "{file}: {new}");
    }
}
