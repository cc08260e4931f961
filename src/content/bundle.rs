//! The files below `emails/`, from the binary, a folder or a row of the database.
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use super::faults::{Fault, Faults};
use crate::model::Language;

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/emails");

/// Under this name a translated series file lies beside the series file.
pub(super) const TRANSLATION: &str = "translation.toml";

/// All files below `emails/`: path (with `/`) and text, with line ends as `\n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    files: BTreeMap<String, String>,
}

impl Bundle {
    /// A text of this size is no mail.
    pub const MAX_FILE_BYTES: usize = 256 * 1024;
    pub const MAX_TOTAL_BYTES: usize = 4 * 1024 * 1024;
    pub const MAX_FILES: usize = 1000;
    const MAX_DEPTH: usize = 6;

    /// The texts that were built into this binary.
    pub fn embedded() -> Self {
        let mut files = BTreeMap::new();
        collect_embedded(&EMBEDDED, &mut files);
        Self { files }
    }

    /// The texts of a folder. Names that begin with a dot are passed over; a link is followed if it stays inside.
    pub fn from_folder(folder: &Path) -> Result<Self, Vec<Fault>> {
        let mut reading = Reading { files: Vec::new(), bytes: 0, faults: Faults::default() };
        match folder.canonicalize() {
            Ok(root) => reading.folder(&root, &root, "", 0),
            Err(error) => reading.faults.add(&folder.display().to_string(), None, error.to_string()),
        }
        if reading.faults.is_empty() { Self::from_files(reading.files) } else { Err(reading.faults.into_vec()) }
    }

    /// Texts from anywhere, held to the same limits.
    pub fn from_files(files: impl IntoIterator<Item = (String, String)>) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        let mut bundle = Self { files: BTreeMap::new() };
        let mut bytes = 0usize;
        for (path, text) in files {
            if !is_plain_path(&path) {
                faults.add(&path.escape_debug().to_string(), None, "not a plain relative path");
                continue;
            }
            if text.len() > Self::MAX_FILE_BYTES {
                faults.add(&path, None, too_large());
                continue;
            }
            bytes = bytes.saturating_add(text.len());
            bundle.files.insert(path, normalise(&text));
            if bundle.files.len() > Self::MAX_FILES || bytes > Self::MAX_TOTAL_BYTES {
                faults.add("", None, too_many());
                break;
            }
        }
        if faults.is_empty() { Ok(bundle) } else { Err(faults.into_vec()) }
    }

    /// The form in which published texts lie in the database.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "files": self.files })
    }

    pub fn from_json(value: &serde_json::Value) -> anyhow::Result<Self> {
        let files = value.get("files").and_then(serde_json::Value::as_object).context("a bundle without its files")?;
        let text = |(path, text): (&String, &serde_json::Value)| {
            text.as_str().map(|text| (path.clone(), text.to_owned())).context("a file of a bundle is no text")
        };
        let files = files.iter().map(text).collect::<anyhow::Result<Vec<_>>>()?;
        Self::from_files(files).map_err(|faults| {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("a bundle that cannot be read: {}", lines.join("; "))
        })
    }

    /// Names these very texts: 16 hex digits of a hash of all paths and contents.
    pub fn version(&self) -> String {
        let mut hash = Sha256::new();
        for (path, text) in &self.files {
            for part in [path, text] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part.as_bytes());
            }
        }
        let digest = hash.finalize();
        let start = digest.iter().take(8).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        format!("{start:016x}")
    }

    pub fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Path and text of every file, by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The texts without those of language folders (`confirmation/es/…`), and, for each language that has such folders,
    /// the texts in which its files stand in the places of those they translate.
    pub(super) fn by_language(&self) -> (Self, BTreeMap<Language, Translated>) {
        let mut base = Self { files: BTreeMap::new() };
        let mut translations: BTreeMap<Language, Vec<(&str, String)>> = BTreeMap::new();
        for (path, text) in &self.files {
            match translates(path) {
                Some((language, original)) => translations.entry(language).or_default().push((path, original)),
                None => drop(base.files.insert(path.clone(), text.clone())),
            }
        }
        let overlay = |files: Vec<(&str, String)>| {
            let (mut bundle, mut origins) = (base.clone(), BTreeMap::new());
            for (path, original) in files {
                bundle.files.insert(original.clone(), self.files[path].clone());
                origins.insert(original, path.to_owned());
            }
            Translated { bundle, origins }
        };
        let translations = translations.into_iter().map(|(language, files)| (language, overlay(files))).collect();
        (base, translations)
    }

    /// The names directly below `folder` that are folders themselves.
    pub(super) fn folders<'b>(&'b self, folder: &'b str) -> Vec<&'b str> {
        let inside = self.files.keys().filter_map(|path| below(path, folder));
        let mut names: Vec<&str> = inside.filter_map(|rest| rest.split_once('/')).map(|(name, _)| name).collect();
        names.dedup();
        names
    }

    /// The names directly below `folder` that are files.
    pub(super) fn names<'b>(&'b self, folder: &'b str) -> impl Iterator<Item = &'b str> {
        self.files.keys().filter_map(move |path| below(path, folder)).filter(|rest| !rest.contains('/'))
    }
}

/// All texts as one language has them.
pub(super) struct Translated {
    pub(super) bundle: Bundle,
    /// For each file that is translated, where its translation really lies.
    pub(super) origins: BTreeMap<String, String>,
}

/// `confirmation/es/body.md` translates `confirmation/body.md`. What a series file says in another language is a file of
/// its own kind, which does not replace the series file.
fn translates(path: &str) -> Option<(Language, String)> {
    let (top, rest) = path.split_once('/')?;
    let (folder, rest) = rest.split_once('/')?;
    let language = Language::ALL.into_iter().find(|one| one.tag() == folder)?;
    let rest = if rest == "series.toml" { TRANSLATION } else { rest };
    Some((language, format!("{top}/{rest}")))
}

fn below<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    if folder.is_empty() { Some(path) } else { path.strip_prefix(folder)?.strip_prefix('/') }
}

struct Reading {
    files: Vec<(String, String)>,
    bytes: usize,
    faults: Faults,
}

impl Reading {
    fn folder(&mut self, root: &Path, folder: &Path, prefix: &str, depth: usize) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.faults.add(prefix, None, error.to_string()),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.faults.add(prefix, None, error.to_string()),
            };
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                self.faults.add(&entry.file_name().display().to_string(), None, "the name is not UTF-8");
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            if self.files.len() >= Bundle::MAX_FILES || self.bytes > Bundle::MAX_TOTAL_BYTES {
                return self.faults.add("", None, too_many());
            }
            self.entry(root, &entry.path(), &path, depth);
        }
    }

    fn entry(&mut self, root: &Path, on_disk: &Path, path: &str, depth: usize) {
        let real = match on_disk.canonicalize() {
            Ok(real) => real,
            Err(error) => return self.faults.add(path, None, error.to_string()),
        };
        if !real.starts_with(root) {
            self.faults.add(path, None, "a link that leads out of the folder");
        } else if real.is_dir() {
            if depth < Bundle::MAX_DEPTH {
                self.folder(root, &real, path, depth + 1);
            } else {
                self.faults.add(path, None, "folders are nested too deeply");
            }
        } else if real.is_file() {
            match read_text(&real) {
                Ok(text) => {
                    self.bytes += text.len();
                    self.files.push((path.to_owned(), text));
                }
                Err(message) => self.faults.add(path, None, message),
            }
        } else {
            self.faults.add(path, None, "neither a file nor a folder");
        }
    }
}

/// Reads no more than is allowed, whatever the size said before.
fn read_text(path: &Path) -> Result<String, String> {
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let most = u64::try_from(Bundle::MAX_FILE_BYTES).unwrap_or(u64::MAX);
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > Bundle::MAX_FILE_BYTES {
        return Err(too_large());
    }
    String::from_utf8(bytes).map_err(|_| "not UTF-8 text".to_owned())
}

fn collect_embedded(folder: &Dir<'_>, files: &mut BTreeMap<String, String>) {
    for file in folder.files() {
        let parts: Vec<_> = file.path().iter().map(|part| part.to_string_lossy()).collect();
        if !parts.iter().any(|part| part.starts_with('.')) {
            files.insert(parts.join("/"), normalise(&String::from_utf8_lossy(file.contents())));
        }
    }
    for folder in folder.dirs() {
        collect_embedded(folder, files);
    }
}

/// The same text on every machine, so that the version is the same too.
fn normalise(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n")
}

fn is_plain_path(path: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.');
    path.len() <= 300
        && path.split('/').all(plain)
        && path.split('/').count() <= Bundle::MAX_DEPTH + 1
        && !path.chars().any(|one| one.is_control() || one == '\\')
}

fn too_large() -> String {
    format!("larger than {} KB", Bundle::MAX_FILE_BYTES / 1024)
}

fn too_many() -> String {
    format!("more than {} files or {} MB in all", Bundle::MAX_FILES, Bundle::MAX_TOTAL_BYTES / 1024 / 1024)
}
