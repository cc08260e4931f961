//! Every statement of the program: the checked macros leave each one's text in `.sqlx`, and `./dev prepare --check` says
//! whether that is so.
use std::fs;
use std::path::Path;

use serde_json::Value;

/// A statement with its parameters' types as PostgreSQL calls them.
#[derive(Debug, Clone)]
pub struct Statement {
    pub text: String,
    pub parameters: Vec<String>,
}

impl Statement {
    /// Its beginning, for messages.
    pub fn begin(&self) -> String {
        let words: Vec<&str> = code(&self.text).split_whitespace().collect();
        words.join(" ").chars().take(120).collect()
    }
}

/// All of them, in a fixed order.
pub fn all() -> Vec<Statement> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| read(&fs::read_to_string(file).unwrap())).collect()
}

fn read(json: &str) -> Statement {
    let query: Value = serde_json::from_str(json).unwrap();
    let types = query["describe"]["parameters"]["Left"].as_array().expect("types of parameters");
    let parameters = types.iter().map(|one| type_name(one.as_str().expect("a type of PostgreSQL's own"))).collect();
    Statement { text: query["query"].as_str().unwrap().to_owned(), parameters }
}

/// `TimestamptzArray` is `timestamptz[]`.
fn type_name(word: &str) -> String {
    match word.strip_suffix("Array") {
        Some(of) => format!("{}[]", of.to_ascii_lowercase()),
        None => word.to_ascii_lowercase(),
    }
}

/// The text without its comments.
pub fn code(text: &str) -> &str {
    let mut rest = text.trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    rest
}
