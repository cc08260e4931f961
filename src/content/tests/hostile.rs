//! Files that nobody meant well with.
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::content::ReaderLinks;

/// Pieces that mean something to one of the readers that a text passes through.
const SNIPPETS: [&str; 40] = [
    "{{",
    "}}",
    "{{{",
    "{{> condition}}",
    "{{> goodbye}}",
    "\n{{> goodbye}}\n",
    "{{manage_url}}",
    "{{#if x}}",
    "{{/if}}",
    "{{else}}",
    "\\",
    "+++\n",
    "\n+++\n",
    "## ",
    "\n## knee\n",
    "\"",
    "'''",
    "\"\"\"",
    "[[steps]]\n",
    "[window]\n",
    "= ",
    "vq0x",
    "vq0x01z",
    "vq0x99z",
    "<",
    ">",
    "&#123;",
    "<!--",
    "-->",
    "]]>",
    "<svg>",
    "</svg>",
    "```\n",
    "> > > ",
    "1. ",
    "[a](b \"button\")",
    "\u{0}",
    "\u{2028}",
    "é\u{301}",
    "@media (prefers-color-scheme: dark) {",
];

#[derive(Debug, Clone)]
enum Change {
    Insert(Index, Index, Index),
    Cut(Index, Index, Index),
    Remove(Index),
    Swap(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        6 => (at(), at(), at()).prop_map(|(file, at, what)| Change::Insert(file, at, what)),
        3 => (at(), at(), at()).prop_map(|(file, from, to)| Change::Cut(file, from, to)),
        1 => at().prop_map(Change::Remove),
        1 => (at(), at()).prop_map(|(from, to)| Change::Swap(from, to)),
    ]
}

fn apply(files: &mut Files, change: &Change) {
    let names: Vec<String> = files.keys().cloned().collect();
    if names.is_empty() {
        return;
    }
    let boundary = |text: &str, index: &Index| {
        let at = index.index(text.len() + 1);
        (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
    };
    match change {
        Change::Insert(file, at, what) => {
            let text = files.get_mut(file.get(&names)).unwrap();
            let at = boundary(text, at);
            text.insert_str(at, SNIPPETS[what.index(SNIPPETS.len())]);
        }
        Change::Cut(file, from, to) => {
            let text = files.get_mut(file.get(&names)).unwrap();
            let (from, to) = (boundary(text, from), boundary(text, to));
            text.replace_range(from.min(to)..from.max(to), "");
        }
        Change::Remove(file) => {
            files.remove(file.get(&names));
        }
        Change::Swap(from, to) => {
            let text = files[from.get(&names)].clone();
            files.insert(to.get(&names).clone(), text);
        }
    }
}

#[test]
fn deep_nesting_overflows_no_stack() {
    let html = "layouts/mail.html.hbs";
    for deep in ["<div>", "<b>", "<table><tr><td>", "{{#if is_step}}", "{{(", "{{#if (", "[", "a."] {
        let mut files = small();
        edit(&mut files, html, "</body>", &format!("{}</body>", deep.repeat(2000)));
        // A wall of elements may be ugly and still right: what matters is that there is an answer.
        let _ = compile(&bundle(&files));
    }
    for deep in ["[", "*", "> ", "- ", "**a ", "[a](", "![", "`", "\\"] {
        let mut files = small();
        edit(&mut files, "rest/02-second/body.md", "Do little.", &deep.repeat(20_000));
        let _ = compile(&bundle(&files));
    }
    for deep in ["[", "{a=", "a.", "[a]\n", "[[a.b]]\n"] {
        let mut files = small();
        let text = format!("x = {}", deep.repeat(20_000));
        files.insert("rest/series.toml".to_owned(), text);
        assert!(compile(&bundle(&files)).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever is done to the files: no panic, and what compiles renders whole.
    #[test]
    fn mutated_files_give_faults_or_whole_mails(changes in prop::collection::vec(change(), 1..6)) {
        let mut files = small();
        for change in &changes {
            apply(&mut files, change);
        }
        match compile(&bundle(&files)) {
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                for fault in faults {
                    let lines = files.get(&fault.file).map_or(1, |text| text.split('\n').count() + 1);
                    prop_assert!(fault.line.is_none_or(|line| line >= 1 && line as usize <= lines), "{fault}");
                    prop_assert!(!fault.message.contains(char::is_control), "{fault:?}");
                }
            }
            Ok(library) => {
                for series in library.series.values() {
                    for step in &series.steps {
                        for condition in &series.conditions {
                            let mail = series.render_step(&step.key, &condition.key, &ReaderLinks::example()).unwrap();
                            prop_assert!(!mail.html.contains("{{") && !mail.text.contains("{{"), "{}", mail.text);
                            prop_assert!(!mail.subject.contains(char::is_control));
                            prop_assert!(mail.text.contains("https://example.org/unsubscribe/"));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn any_text_as_a_body_a_series_file_or_a_drawing_is_survived(text in any::<String>(), of in 0usize..6) {
        let paths = ["rest/series.toml", "rest/02-second/body.md", "rest/01-first/conditions.md",
            "rest/article/figure.svg", "layouts/mail.html.hbs", "layouts/mail.css"];
        let mut files = small();
        files.insert(paths[of].to_owned(), text);
        let compiled = compile(&bundle(&files));
        prop_assert!(compiled.is_err() || of == 1 || of == 5);
    }
}
