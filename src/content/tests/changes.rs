//! What differs between two versions of a series.
use super::*;
use crate::content::{Change, Version, step_changes};

const FIVE: [&str; 5] = ["a", "b", "c", "d", "e"];

/// The small series with these steps, each of the same text.
fn with_steps(keys: &[&str]) -> Files {
    let mut files = small();
    let (head, _) = SERIES.split_once("[[steps]]").unwrap();
    let step = |key: &&str| format!("[[steps]]\nkey = \"{key}\"\ndelay = \"3d\"\nfolder = \"{key}\"\n");
    files.insert("rest/series.toml".into(), head.to_owned() + &keys.iter().map(step).collect::<String>());
    files.retain(|path, _| !path.starts_with("rest/0"));
    files.extend(keys.iter().map(|key| (format!("rest/{key}/body.md"), SECOND.to_owned())));
    files
}

fn told(old: &Files, new: &Files) -> Vec<String> {
    let (was, is) = (library(old), library(new));
    let (old, new) = (bundle(old), bundle(new));
    let version = |library, bundle| Version { series: series(library), bundle };
    let word = |change: &Change| match change {
        Change::Added { place } => format!("added as {place}"),
        Change::Removed { place } => format!("removed from {place}"),
        Change::Moved { from, to } => format!("moved {from} to {to}"),
        Change::Retimed { from, to } => format!("{from} to {to}"),
        Change::Reworded => "reworded".to_owned(),
    };
    let changes = step_changes(version(&was, &old), version(&is, &new));
    changes
        .iter()
        .map(|one| format!("{} {}", one.step, one.changes.iter().map(word).collect::<Vec<_>>().join(", ")))
        .collect()
}

#[test]
fn the_same_steps_have_no_change() {
    assert_eq!(told(&with_steps(&FIVE), &with_steps(&FIVE)), Vec::<String>::new());
}

#[test]
fn added_removed_and_moved_steps_are_told_and_no_others() {
    let table: [(&[&str], &[&str]); 6] = [
        (&["a", "b", "x", "c", "d", "e"], &["x added as 3"]),
        (&["a", "b", "d", "e"], &["c removed from 3"]),
        // One step is moved, however far, and not all those that it passes.
        (&["e", "a", "b", "c", "d"], &["e moved 5 to 1"]),
        (&["b", "c", "d", "e", "a"], &["a moved 1 to 5"]),
        (&["a", "c", "b", "x", "d"], &["c moved 3 to 2", "x added as 4", "e removed from 5"]),
        (&["x", "a", "b", "c", "d", "e"], &["x added as 1"]),
    ];
    for (keys, expected) in table {
        assert_eq!(told(&with_steps(&FIVE), &with_steps(keys)), expected, "{keys:?}");
    }
}

#[test]
fn other_words_and_another_delay_are_told_in_any_language() {
    let old = with_steps(&FIVE);
    let mut new = old.clone();
    edit(&mut new, "rest/b/body.md", "Do little.", "Do a little.");
    edit(&mut new, "rest/series.toml", "key = \"d\"\ndelay = \"3d\"", "key = \"d\"\ndelay = \"36h\"");
    assert_eq!(told(&old, &new), ["b reworded", "d 3d to 36h"]);
    // A folder of another name with the same text is no change that a reader could see.
    let mut renamed = old.clone();
    edit(&mut renamed, "rest/series.toml", "folder = \"a\"", "folder = \"z\"");
    let text = renamed.remove("rest/a/body.md").unwrap();
    renamed.insert("rest/z/body.md".into(), text);
    assert_eq!(told(&old, &renamed), Vec::<String>::new());
}
