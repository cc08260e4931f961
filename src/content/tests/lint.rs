//! What could be better without being a fault.
use super::*;
use crate::content::lint;

fn found_after(change: impl FnOnce(&mut Files)) -> Vec<String> {
    let mut files = small();
    edit(&mut files, "rest/series.toml", "<series@example.com>", "<series@rest.org>");
    edit(&mut files, "rest/series.toml", "Example Publisher, 1 Example Street, Example City", "A House, A Street");
    edit(
        &mut files,
        "rest/series.toml",
        "last_edited = \"2026-11-05\"",
        "last_edited = \"2026-11-05\"\nreviewer = \"Dr. R\"",
    );
    edit(
        &mut files,
        "rest/01-first/body.md",
        "What {{series_title}} means",
        "What this series means, for all who rest",
    );
    edit(&mut files, "rest/02-second/body.md", "\"The rest\"", "\"The rest of it, as far as it is known\"");
    change(&mut files);
    let today = "2026-11-26".parse().unwrap();
    let found = lint(&library(&files), &SeriesSlug::parse("rest").unwrap(), today);
    found.into_iter().map(|one| format!("{}: {}", one.file, one.message)).collect()
}

#[test]
fn a_good_series_has_no_finding() {
    assert_eq!(found_after(|_| ()), Vec::<String>::new());
}

#[test]
fn each_finding_is_told_with_its_file() {
    let table: [(&str, &str, &str, &str); 6] = [
        ("rest/series.toml", "rest.org", "example.net", "rest/series.toml: `from` is an example address"),
        ("rest/series.toml", "reviewer = ", "# ", "rest/series.toml: nobody has reviewed the text"),
        ("rest/series.toml", "2026-11-05", "2025-11-05", "rest/series.toml: last edited on 2025-11-05"),
        ("rest/series.toml", "\"3d\"", "\"90m\"", "rest/series.toml: the delay of `second` is shorter than `min_gap`"),
        (
            "rest/02-second/body.md",
            "subject = \"What",
            "subject = \"What in all the wide and restless world there is still left for us",
            "rest/02-second/body.md: the subject has",
        ),
        (
            "rest/02-second/body.md",
            "The rest of it, as far as it is known",
            "The rest",
            "rest/02-second/body.md: the preheader has 8 characters",
        ),
    ];
    for (file, old, new, expected) in table {
        let found = found_after(|files| edit(files, file, old, new));
        assert!(found.len() == 1 && found[0].starts_with(expected), "{old} -> {new}: {found:?}");
    }
}

#[test]
fn two_parts_with_one_subject_and_a_large_mail_are_told() {
    let found = found_after(|files| {
        edit(files, "rest/01-first/body.md", "Part {{part_number}}: why rest?", "What to do");
        let long = format!("{}\n\n{{{{> condition}}}}", "Rest a little more. ".repeat(4_300));
        edit(files, "rest/01-first/body.md", "{{> condition}}", &long);
    });
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("KB: Gmail cuts") && found[1].contains("the same subject"), "{found:?}");
}

#[test]
fn a_part_that_is_not_translated_is_told() {
    let translation = "title = \"Leer y descansar\"\nsponsor = \"Nadie.\"\n\n[[conditions]]\nkey = \"knee\"\nname = \"Una rodilla\"\n\n\
                       [[conditions]]\nkey = \"other\"\nname = \"Otra cosa\"\n";
    let found = found_after(|files| {
        files.insert("rest/es/series.toml".into(), translation.into());
        let first = files["rest/01-first/body.md"].replace("why rest?", "¿por qué?");
        files.insert("rest/es/01-first/body.md".into(), first);
    });
    assert_eq!(found, ["rest/es/02-second/body.md: this part is not translated into es"]);
}
