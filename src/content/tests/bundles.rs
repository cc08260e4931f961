//! Where files come from.
use std::path::PathBuf;

use super::*;

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("regimen-content-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn faults(&self) -> Vec<String> {
        Bundle::from_folder(&self.0).map_or_else(|faults| lines(&faults), |_| Vec::new())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

#[test]
fn a_bundle_is_the_same_from_a_folder_from_json_and_on_every_system() {
    let folder = Folder::new("same");
    for (path, text) in small() {
        folder.write(&path, format!("\u{feff}{}", text.replace('\n', "\r\n")).as_bytes());
    }
    folder.write(".git/config", b"\xff");
    folder.write("rest/.body.md.swp", b"\xff");
    let read = Bundle::from_folder(&folder.0).unwrap();
    assert_eq!(read, bundle(&small()));
    assert_eq!(Bundle::from_json(&read.to_json()).unwrap(), read);
    assert_eq!(read.version().len(), 16);
    let mut files = small();
    edit(&mut files, "partials/goodbye.md", "Until", "till");
    assert_ne!(bundle(&files).version(), read.version());
}

#[test]
fn the_version_depends_on_which_file_has_which_text() {
    let version = |files: [(&str, &str); 2]| {
        Bundle::from_files(files.map(|(path, text)| (path.to_owned(), text.to_owned()))).unwrap().version()
    };
    let versions = [
        version([("a", "x"), ("b", "y")]),
        version([("a", "y"), ("b", "x")]),
        version([("a", "xb"), ("by", "")]),
        version([("a", ""), ("xb", "y")]),
    ];
    let different: std::collections::BTreeSet<&String> = versions.iter().collect();
    assert_eq!(different.len(), versions.len());
}

#[test]
fn what_cannot_be_read_from_a_folder_is_all_said_at_once() {
    let folder = Folder::new("bad");
    folder.write("a/latin.md", b"caf\xe9");
    folder.write("b/large.md", &vec![b'x'; Bundle::MAX_FILE_BYTES + 1]);
    folder.write("c/good.md", b"good");
    assert_eq!(folder.faults(), ["a/latin.md: not UTF-8 text", "b/large.md: larger than 256 KB"]);
    let missing = Bundle::from_folder(&folder.0.join("missing")).unwrap_err();
    assert_eq!(missing.len(), 1);
}

#[cfg(unix)]
#[test]
fn links_may_lead_about_but_not_out_nor_in_circles() {
    let outside = Folder::new("outside");
    outside.write("secret.md", b"secret");
    let folder = Folder::new("links");
    folder.write("real/body.md", b"text");
    std::os::unix::fs::symlink("real", folder.0.join("again")).unwrap();
    let read = Bundle::from_folder(&folder.0).unwrap();
    assert_eq!(read.get("again/body.md"), Some("text"));
    std::os::unix::fs::symlink(outside.0.join("secret.md"), folder.0.join("real/secret.md")).unwrap();
    assert!(folder.faults().iter().all(|fault| fault.ends_with("/secret.md: a link that leads out of the folder")));
    assert_eq!(folder.faults().len(), 2);
    std::fs::remove_file(folder.0.join("real/secret.md")).unwrap();
    std::os::unix::fs::symlink("..", folder.0.join("real/up")).unwrap();
    assert!(folder.faults().iter().any(|fault| fault.ends_with(": folders are nested too deeply")));
}

#[test]
fn json_that_is_no_bundle_is_refused() {
    let table = [
        serde_json::json!({}),
        serde_json::json!({ "files": [] }),
        serde_json::json!({ "files": { "a": 1 } }),
        serde_json::json!({ "files": { "../a": "x" } }),
        serde_json::json!({ "files": { "/a": "x" } }),
        serde_json::json!({ "files": { "a//b": "x" } }),
        serde_json::json!({ "files": { "a\nb": "x" } }),
        serde_json::json!({ "files": { "a": "x".repeat(Bundle::MAX_FILE_BYTES + 1) } }),
    ];
    for json in table {
        assert!(Bundle::from_json(&json).is_err());
    }
}
