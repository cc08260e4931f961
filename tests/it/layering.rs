//! Dependencies point one way only: the `use crate::` lines say so.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Each module and the modules of ours that it may name. `cli` and `main` may name everything.
const MAY_USE: [(&str, &[&str]); 20] = [
    ("model", &[]),
    ("clock", &[]),
    ("metrics", &[]),
    ("links", &["model"]),
    ("seal", &["model"]),
    ("messages", &["model"]),
    ("content", &["model", "messages"]),
    ("mail", &["model", "links"]),
    ("transport", &[]),
    ("store", &["model"]),
    ("actions", &["model", "messages", "metrics", "content", "store", "clock", "links", "seal"]),
    ("config", &["actions", "model", "links", "seal"]),
    ("schedule", &["actions", "store", "config"]),
    ("dispatch", &["actions", "store", "content", "metrics", "model", "mail", "transport"]),
    ("hooks", &["actions", "store", "model"]),
    ("web", &["actions", "content", "model", "messages", "config", "links"]),
    ("telemetry", &["config"]),
    ("local", &["content"]),
    (
        "app",
        &[
            "actions",
            "clock",
            "config",
            "content",
            "dispatch",
            "hooks",
            "links",
            "local",
            "mail",
            "model",
            "schedule",
            "seal",
            "store",
            "telemetry",
            "transport",
            "web",
        ],
    ),
    ("bench", &["app", "clock", "content", "local", "model", "seal", "store"]),
];

#[test]
fn dependencies_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in rust_files(&source) {
        let relative = file.strip_prefix(&source).unwrap();
        let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        // A module's own tests may use what they test against.
        let tests = relative.iter().any(|part| part.to_string_lossy().trim_end_matches(".rs").ends_with("tests"));
        if tests || matches!(module, "cli" | "main" | "lib") {
            continue;
        }
        let may_use = allowed.get(module).unwrap_or_else(|| panic!("{module} has no place in the layering yet"));
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            for used in named_modules(line) {
                seen += 1;
                if used != module && !may_use.contains(&used.as_str()) {
                    wrong.push(format!("{}:{}: {module} uses {used}", relative.display(), number + 1));
                }
            }
        }
    }
    assert!(seen > 50, "the test reads no `crate::` paths any more");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The modules that a line names as `crate::module` or in `use crate::{a, b::c}`.
fn named_modules(line: &str) -> Vec<String> {
    let mut modules = Vec::new();
    for rest in line.split("crate::").skip(1) {
        let names = rest.strip_prefix('{').map_or_else(
            || vec![rest],
            |group| {
                let (mut depth, mut start, mut names) = (0, 0, Vec::new());
                for (at, letter) in group.char_indices() {
                    match letter {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            names.push(&group[start..at]);
                            start = at + 1;
                        }
                        _ => {}
                    }
                }
                names.push(&group[start..]);
                names
            },
        );
        for name in names {
            let name: String =
                name.trim().chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect();
            if !name.is_empty() {
                modules.push(name);
            }
        }
    }
    modules
}

fn rust_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files
}
