//! Broken bundles, and the whole list of faults that each gives.
use super::*;

const BODY: &str = "rest/02-second/body.md";
const TOML: &str = "rest/series.toml";

#[test]
fn the_small_bundle_has_no_fault() {
    assert_eq!(faults_after(|_| {}), Vec::<String>::new());
}

/// One change each, and its one fault.
#[test]
fn a_fault_of_a_body_has_its_file_and_line() {
    let table: [(&str, &str, &str); 34] = [
        (
            "Do little.",
            "Do {{littel}}.",
            "10: unknown variable `{{littel}}`; this text has: series_title, condition_name, part_number, parts, sponsor, postal_address, review_line, unsubscribe_url, manage_url, privacy_url, terms_url, site_url, view_url, helpful_url",
        ),
        (
            "Do little.",
            "Do {{confirm_url}}.",
            "10: unknown variable `{{confirm_url}}`; this text has: series_title, condition_name, part_number, parts, sponsor, postal_address, review_line, unsubscribe_url, manage_url, privacy_url, terms_url, site_url, view_url, helpful_url",
        ),
        ("Do little.", "Do {{{sponsor}}}.", "10: write `{{variable}}` with two braces and nothing before them"),
        ("Do little.", "Do \\{{sponsor}}.", "10: write `{{variable}}` with two braces and nothing before them"),
        (
            "Do little.",
            "Do {{#if sponsor}}x.",
            "10: `{{#if sponsor}}` is no variable: only `{{variable}}` and `{{> include}}` can be used",
        ),
        ("Do little.", "Do {{sponsor.", "10: `{{` without `}}` in the same line"),
        ("Do little.", "Do }} it.", "10: curly braces can be used only for `{{variable}}` and `{{> include}}`"),
        (
            "Do little.",
            "Do {\\{sponsor}\\}.",
            "10: curly braces can be used only for `{{variable}}` and `{{> include}}`",
        ),
        (
            "Do little.",
            "Do &#123;{{sponsor}}.",
            "10: curly braces can be used only for `{{variable}}` and `{{> include}}`",
        ),
        ("Do little.", "Do {{> goodbye}}.", "10: the include `{{> goodbye}}` must stand on a line of its own"),
        ("Do little.", "\n\n{{> nothing}}\n\n", "12: dead include `{{> nothing}}`: there is no partials/nothing.md"),
        (
            "Do little.",
            "\n{{> condition}}\n",
            "11: dead include `{{> condition}}`: there is no rest/02-second/conditions.md",
        ),
        ("Do little.", "\n\n<b>Do</b> little.\n", "12: raw HTML cannot be used; write Markdown"),
        ("Do little.", "\n<div>\nDo little.\n</div>\n", "11: raw HTML cannot be used; write Markdown"),
        ("Do little.", "<!-- little -->\n", "10: raw HTML cannot be used; write Markdown"),
        (
            "Do little.",
            "One.\n\nTwo ![three](https://example.com/x.png).",
            "12: images cannot be used: a picture that is loaded tells when it was opened",
        ),
        (
            "Do little.",
            "[Here](http://example.org/).",
            "10: a link must lead to https://, mailto:, tel: or a {{…_url}} variable",
        ),
        (
            "Do little.",
            "[Here](javascript:alert(1)).",
            "10: a link must lead to https://, mailto:, tel: or a {{…_url}} variable",
        ),
        ("Do little.", "[Here](/page).", "10: a link must lead to https://, mailto:, tel: or a {{…_url}} variable"),
        (
            "Do little.",
            "[Here]({{sponsor}}).",
            "10: a link must lead to https://, mailto:, tel: or a {{…_url}} variable",
        ),
        ("Do little.", "[](https://example.org/).", "10: a link without text"),
        (
            "Do little.",
            "[Here](https://example.org/ \"Title\").",
            "10: the only title that a link can have is \"button\"",
        ),
        (
            "Do little.",
            "[Here](https://example.org/ \"button\") and there.",
            "10: a button must be a paragraph of its own in a mail",
        ),
        ("Do little.", "# Do little\n", "10: headings begin at `##`: the subject or title is the only h1"),
        ("Do little.", "## Do\n\n#### Little\n", "12: this heading leaves out a level"),
        ("Do little.", "##\n", "10: a heading without text"),
        (
            "subject = \"What to do\"",
            "subject = \"{{condition_name}}\"",
            "2: `{{condition_name}}` in the subject: an illness must not show in a list of mails",
        ),
        (
            "preheader = \"The rest\"",
            "preheader = \"For {{condition_name}}\"",
            "3: `{{condition_name}}` in the preheader: an illness must not show in a list of mails",
        ),
        (
            "subject = \"What to do\"",
            "subject = \"{{site_url}}\"",
            "2: unknown variable `{{site_url}}`; a subject has: part_number, parts, postal_address, review_line, series_title, sponsor",
        ),
        (
            "subject = \"What to do\"",
            "subject = \"What\\nBcc: x\"",
            "2: `subject` must be one line without control characters",
        ),
        ("subject = \"What to do\"", "subject = \"\"", "2: `subject` is empty"),
        (
            "url = \"https://example.org/more\"",
            "url = \"http://example.org/more\"",
            "8: a source's `url` must be an https:// address",
        ),
        ("publisher = ", "\npublisher = ", ""),
        (
            "preheader = \"The rest\"",
            "preheader = \"The rest\"\nimage = \"x\"",
            "4: unknown key `image`; known here: `subject`, `preheader`, `sources`",
        ),
    ];
    for (old, new, fault) in table {
        let faults = faults_after(|files| edit(files, BODY, old, new));
        let expected: Vec<String> = if fault.is_empty() { Vec::new() } else { vec![format!("{BODY}:{fault}")] };
        assert_eq!(faults, expected, "{new}");
    }
}

#[test]
fn passages_are_one_for_each_condition() {
    let file = "rest/01-first/conditions.md";
    let faults = faults_after(|files| {
        let text = "Stray.\n\n## knee\n\nRest.\n\n## knee\n\nAgain.\n\n## elbow\n\nRest {{ now }}.\n\n## other\n";
        files.insert(file.to_owned(), text.to_owned());
    });
    let variables = "series_title, condition_name, part_number, parts, sponsor, postal_address, review_line, \
                     unsubscribe_url, manage_url, privacy_url, terms_url, site_url, view_url, helpful_url";
    let expected = [
        format!("{file}:1: text before the first `## condition`"),
        format!("{file}:7: duplicate passage `knee`; first in line 3"),
        format!("{file}:11: unknown condition `elbow`: series.toml does not have it"),
        format!("{file}:13: unknown variable `{{{{now}}}}`; this text has: {variables}"),
        format!("{file}:15: the passage `other` is empty"),
    ];
    assert_eq!(faults, expected);
    let faults = faults_after(|files| edit(files, file, "## knee\n\nRest **{{condition_name}}**.\n\n", ""));
    assert_eq!(faults, [format!("{file}: no passage for the condition `knee`")]);
    let faults = faults_after(|files| edit(files, "rest/01-first/body.md", "{{> condition}}", ""));
    assert_eq!(faults, [format!("{file}: no line `{{{{> condition}}}}` of body.md asks for these passages")]);
    let faults = faults_after(|files| {
        edit(files, "rest/01-first/body.md", "{{> condition}}", "{{> condition}}\n\n{{> condition}}");
    });
    assert_eq!(faults, ["rest/01-first/body.md:29: the reader's passage is here for the second time"]);
}

#[test]
fn a_fault_in_markdown_of_a_passage_or_partial_has_its_own_line() {
    let faults =
        faults_after(|files| edit(files, "rest/01-first/conditions.md", "whatever it is", "<i>whatever</i> it is"));
    // One for the opening and one for the closing tag, in the same line: said once.
    assert_eq!(faults, ["rest/01-first/conditions.md:7: raw HTML cannot be used; write Markdown"]);
    let faults = faults_after(|files| edit(files, "partials/goodbye.md", "your", "[your](http://example.org)"));
    assert_eq!(faults, ["partials/goodbye.md:2: a link must lead to https://, mailto:, tel: or a {{…_url}} variable"]);
    let faults = faults_after(|files| edit(files, "partials/goodbye.md", "your", "\n{{> goodbye}}\n"));
    assert_eq!(faults, ["partials/goodbye.md:3: `{{> goodbye}}` is nested too deeply; it may include itself"]);
}

#[test]
fn what_is_missing_is_named() {
    let table = [
        ("layouts/mail.txt.hbs", vec!["layouts/mail.txt.hbs: missing"]),
        ("layouts/mail.html.hbs", vec!["layouts/mail.html.hbs: missing"]),
        ("layouts/mail.css", vec!["layouts/mail.css: missing"]),
        ("policies/terms.md", vec!["policies/terms.md: missing"]),
        ("reminder/body.md", vec!["reminder/body.md: missing"]),
        ("rest/series.toml", vec!["rest/series.toml: missing: a folder that is no series has no place here"]),
        (
            "rest/article/article.md",
            vec!["rest/article/article.md: missing: a series has an article beside which readers sign up"],
        ),
        (
            "rest/article/figure.svg",
            vec!["rest/article/article.md:15: dead include `{{> figure}}`: there is no rest/article/figure.svg"],
        ),
        (
            "rest/01-first/conditions.md",
            vec!["rest/01-first/body.md:27: dead include `{{> condition}}`: there is no rest/01-first/conditions.md"],
        ),
        (
            "partials/goodbye.md",
            vec!["rest/01-first/body.md:29: dead include `{{> goodbye}}`: there is no partials/goodbye.md"],
        ),
    ];
    for (file, faults) in table {
        let found = faults_after(|files| {
            files.remove(file).unwrap();
        });
        if file == "rest/series.toml" {
            assert_eq!(found, faults);
        } else {
            assert_eq!(found, faults, "{file}");
        }
    }
    let faults = faults_after(|files| files.retain(|path, _| !path.starts_with("rest/")));
    assert_eq!(faults, [": no series: there is no folder with a series.toml"]);
    let all = compile(&Bundle::from_files([]).unwrap()).unwrap_err();
    assert!(all.len() >= 9, "{}", lines(&all).join("\n"));
}

#[test]
fn what_nothing_reads_is_named() {
    let faults = faults_after(|files| {
        for path in ["rest/01-first/conditons.md", "rest/03-third/body.md", "Upper/series.toml", "rest/article/x/y.md"]
        {
            files.insert(path.to_owned(), "x = 1".to_owned());
        }
    });
    assert!(faults.contains(
        &"rest/01-first/conditons.md: nothing reads this; the folder has body.md and conditions.md".to_owned()
    ));
    assert!(faults.contains(&"rest/03-third: no step of series.toml names this folder".to_owned()));
    assert!(
        faults.contains(&"rest/article/x: nothing reads this; the folder has article.md and figure.svg".to_owned())
    );
    assert!(faults.iter().any(|fault| fault.starts_with("Upper: must be 1 to 64 characters")), "{faults:?}");
}

#[test]
fn sizes_are_limited() {
    let faults = faults_after(|files| edit(files, BODY, "What to do", &"long ".repeat(16)));
    assert_eq!(faults, [format!("{BODY}:2: the subject has 79 characters; at most 78")]);
    let faults = faults_after(|files| edit(files, BODY, "Do little.", &"Do very little. ".repeat(7000)));
    assert_eq!(faults, [format!("{BODY}: the HTML form has 118 KB; at most 100 KB")]);
    let faults = faults_after(|files| edit(files, "layouts/mail.css", "/*", &format!("/*{}", "x".repeat(40_000))));
    assert_eq!(faults, ["layouts/mail.css: larger than 32 KB"]);
    let faults = faults_after(|files| edit(files, BODY, "Do little.", &format!("{} deep", ">".repeat(5000))));
    assert!(faults.contains(&format!("{BODY}:10: lists, quotes and emphasis are nested too deeply")), "{faults:?}");
}

#[test]
fn a_mail_without_words_or_sources_is_a_fault() {
    let faults = faults_after(|files| {
        files.insert(BODY.to_owned(), "+++\nsubject = \"A\"\npreheader = \"B\"\n+++\n \n".to_owned());
    });
    let expected = [
        format!("{BODY}: the body is empty, so there is no plain text"),
        format!("{BODY}: the plain text is empty"),
        format!("{BODY}:1: no source: what states facts lists its [[sources]]"),
    ];
    assert_eq!(faults, expected);
    let faults = faults_after(|files| {
        files.insert(BODY.to_owned(), "subject = \"A\"".to_owned());
        files.insert("reminder/body.md".to_owned(), "+++\nsubject = \"A\"".to_owned());
    });
    let expected = [
        "reminder/body.md:1: the front matter has no closing line `+++`".to_owned(),
        format!("{BODY}:1: the file must begin with a line `+++` and its front matter"),
    ];
    assert_eq!(faults, expected);
}

#[test]
fn system_mails_have_the_links_without_which_they_are_useless() {
    let faults = faults_after(|files| {
        edit(files, "confirmation/body.md", "{{confirm_url}}", "{{site_url}}");
        edit(files, "reminder/body.md", "{{never_url}}", "{{site_url}}");
        edit(files, "already-signed-up/body.md", "{{manage_url}}", "{{site_url}}");
        edit(files, "fresh-link/body.md", "{{fresh_url}}", "{{site_url}}");
        edit(files, "move/body.md", "{{confirm_url}}", "{{site_url}}");
        edit(files, "moved/body.md", "{{unsubscribe_url}}", "{{site_url}}");
    });
    let expected = [
        "already-signed-up/body.md: this mail must have the link `{{manage_url}}`",
        "confirmation/body.md: this mail must have the link `{{confirm_url}}`",
        "fresh-link/body.md: this mail must have the link `{{fresh_url}}`",
        "move/body.md: this mail must have the link `{{confirm_url}}`",
        "moved/body.md: this mail must have the link `{{unsubscribe_url}}`",
        "reminder/body.md: this mail must have the link `{{never_url}}`",
    ];
    assert_eq!(faults, expected);
}

#[test]
fn control_characters_are_found_wherever_they_are() {
    let faults = faults_after(|files| edit(files, BODY, "Do little.", "Do\u{0} little."));
    assert_eq!(faults, [format!("{BODY}:10: a control character")]);
}

/// The promise of `regimen series check`.
#[test]
fn every_fault_of_every_file_is_found_at_once() {
    let faults = faults_after(|files| {
        edit(files, TOML, "America/New_York", "America/Gotham");
        edit(files, TOML, "key = \"second\"", "key = \"first\"");
        edit(files, "rest/01-first/body.md", "This is part {{part_number}}", "This is part {{number}}");
        edit(files, "rest/01-first/body.md", "{{> goodbye}}", "{{> hello}}");
        edit(files, "rest/01-first/conditions.md", "## other", "## elbow");
        edit(files, BODY, "Do little.", &"Do very little. ".repeat(7000));
        files.insert(
            "already-signed-up/body.md".to_owned(),
            "+++\nsubject = \"A\"\npreheader = \"B\"\n+++\n".to_owned(),
        );
        let front = FIRST.find("[[sources]]").unwrap();
        let body = FIRST.rfind("+++\n").unwrap();
        files.insert("other/series.toml".to_owned(), SERIES.replace("02-second", "02"));
        files.insert("other/01-first/body.md".to_owned(), format!("{}{}", &FIRST[..front], &FIRST[body..]));
        files.insert("other/01-first/conditions.md".to_owned(), CONDITIONS.to_owned());
        files.insert("other/article/article.md".to_owned(), ARTICLE.to_owned());
        files.insert("other/article/figure.svg".to_owned(), FIGURE.to_owned());
    });
    insta::assert_snapshot!(faults.join("\n"));
}

#[test]
fn a_layout_that_leaves_out_a_message_or_its_variable_is_a_fault() {
    let part = "{{t \"mail-part\" part=part_number parts=parts}}";
    for (instead, told) in [
        ("{{t \"mail-part\" part=part_number}}", "the message \"mail-part\" needs a variable that is not given here"),
        ("{{t \"mail-nothing\"}}", "there is no such message"),
    ] {
        let faults = faults_after(|files| edit(files, "layouts/mail.txt.hbs", part, instead));
        assert!(faults.iter().any(|fault| fault.contains(told)), "{faults:?}");
    }
}
