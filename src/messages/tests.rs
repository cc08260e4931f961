//! All languages say the same things, and everything that is said is asked for.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// Key and the variables that its message names.
fn messages(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let mut messages = BTreeMap::new();
    for (_, text) in files(language) {
        let mut key = String::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, _)) = line.split_once(" =").filter(|(name, _)| is_key(name)) {
                key = name.to_owned();
                let new = messages.insert(key.clone(), BTreeSet::new()).is_none();
                assert!(new, "{language}: {key} is said twice");
            }
            let names =
                line.split('$').skip(1).map(|rest| rest.chars().take_while(|one| is_key_letter(*one)).collect());
            if let Some(variables) = messages.get_mut(&key) {
                variables.extend(names.collect::<Vec<String>>());
            }
        }
    }
    messages
}

fn is_key(text: &str) -> bool {
    text.starts_with(|one: char| one.is_ascii_lowercase()) && text.chars().all(is_key_letter)
}

fn is_key_letter(one: char) -> bool {
    one.is_ascii_alphanumeric() || one == '-' || one == '_'
}

#[test]
fn all_languages_have_the_same_messages_with_the_same_variables() {
    let english = messages(Language::English);
    assert!(english.len() > 50);
    for language in Language::ALL {
        let other = messages(language);
        let keys = |of: &BTreeMap<String, BTreeSet<String>>| of.keys().cloned().collect::<BTreeSet<_>>();
        let missing: Vec<_> = keys(&english).symmetric_difference(&keys(&other)).cloned().collect();
        assert_eq!(missing, Vec::<String>::new(), "{language}");
        for (key, variables) in &other {
            assert_eq!(variables, &english[key], "{language}: {key}");
        }
    }
}

/// A key in code is a whole string, in a template the first word of `t` or `th`.
#[test]
fn every_message_is_asked_for_and_every_one_asked_for_is_there() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut asked = String::new();
    for folder in ["src", "emails/layouts"] {
        for file in all_files(&source.join(folder)) {
            if file.extension().is_some_and(|end| end == "rs" || end == "hbs") && !file.ends_with("messages/tests.rs") {
                asked.push_str(&fs::read_to_string(file).unwrap());
            }
        }
    }
    for key in messages(Language::English).keys() {
        let by_another = files(Language::English).iter().any(|(_, text)| text.contains(&format!("{{ {key} }}")));
        assert!(by_another || asked.contains(&format!("\"{key}\"")), "nobody asks for {key}");
    }
    for helper in ["{{t \"", "{{th \"", "(t \""] {
        for rest in asked.split(helper).skip(1) {
            let key = rest.split('"').next().unwrap();
            assert!(exists(Language::English, key), "a template asks for {key}");
        }
    }
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, mut files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    files.extend(folders.iter().flat_map(|folder| all_files(folder)));
    files
}

#[test]
fn a_number_chooses_the_form() {
    let parts = |language, count: u32| filled(language, "sign-up-what", &Values::new().with("parts", count));
    assert!(parts(Language::English, 6).contains("six e-mails"), "{}", parts(Language::English, 6));
    assert!(parts(Language::English, 1).contains("one e-mail,"), "{}", parts(Language::English, 1));
    assert!(parts(Language::Spanish, 6).contains("seis correos"), "{}", parts(Language::Spanish, 6));
    assert!(parts(Language::English, 40).contains("40 e-mails"), "{}", parts(Language::English, 40));
}
