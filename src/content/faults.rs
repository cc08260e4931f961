//! What is wrong with a text, and where.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One fault of one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema)]
pub struct Fault {
    /// Below `emails/`.
    pub file: String,
    /// From 1; none when the fault has no one line, like a missing file.
    pub line: Option<u32>,
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "{}:{line}: {}", self.file, self.message),
            None => write!(out, "{}: {}", self.file, self.message),
        }
    }
}

/// Collects faults in the order of file and line. The same one, met once per condition, is kept once.
#[derive(Debug, Default)]
pub(super) struct Faults(BTreeSet<Fault>);

impl Faults {
    /// More than anybody reads at once; a hostile file must not fill the memory.
    const MOST: usize = 1000;

    pub(super) fn add(&mut self, file: &str, line: impl Into<Option<u32>>, message: impl Into<String>) {
        if self.0.len() < Self::MOST {
            self.0.insert(Fault { file: file.to_owned(), line: line.into(), message: message.into() });
        }
    }

    /// Takes over the faults of those files that `origins` knows, under the names that they really have.
    pub(super) fn take_over(&mut self, other: Self, origins: &BTreeMap<String, String>) {
        for fault in other.0 {
            if let Some(file) = origins.get(&fault.file) {
                self.add(file, fault.line, fault.message);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_vec(self) -> Vec<Fault> {
        self.0.into_iter().collect()
    }
}
