//! Defaults ← file ← environment: what each says is laid over what was there. Every key there is stands in the defaults, with
//! the type it must have.
use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use super::DEFAULTS;

/// All layers as one table; what cannot be used is noted and left out.
pub(super) fn merged(file: Option<&Path>, env: &BTreeMap<String, String>, faults: &mut Vec<String>) -> Table {
    let mut values: Table = DEFAULTS.parse().expect("the embedded defaults are TOML");
    if let Some(path) = file {
        match read_table(path) {
            Ok(table) => merge(&mut values, table, "", &path.display().to_string(), faults),
            Err(fault) => faults.push(fault),
        }
    }
    merge_environment(&mut values, env, faults);
    values
}

fn read_table(path: &Path) -> Result<Table, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        format!("{}:{line}: {}", path.display(), error.message())
    })
}

/// Lays `from` over `into`.
fn merge(into: &mut Table, from: Table, prefix: &str, source: &str, faults: &mut Vec<String>) {
    for (key, value) in from {
        let name = format!("{prefix}{key}");
        match (into.get_mut(&key), value) {
            (None, _) => {
                let known: Vec<&str> = into.keys().map(String::as_str).collect();
                faults.push(format!("{source}: unknown key {name}; known here: {}", known.join(", ")));
            }
            (Some(Value::Table(into)), Value::Table(value)) => {
                merge(into, value, &format!("{name}."), source, faults);
            }
            (Some(old), value) if old.same_type(&value) => *old = value,
            (Some(old), value) => {
                faults.push(format!("{source}: {name} must be a {}, not a {}", old.type_str(), value.type_str()));
            }
        }
    }
}

const PREFIX: &str = "REGIMEN__";
const PLAIN_NAMES: [(&str, &str, &str); 4] = [
    ("DATABASE_URL", "database", "url"),
    ("SMTP_URL", "smtp", "url"),
    ("PUBLIC_URL", "web", "public_url"),
    ("BIND", "web", "bind"),
];

/// Plain names first, so that the structured ones win when both are set.
fn merge_environment(values: &mut Table, env: &BTreeMap<String, String>, faults: &mut Vec<String>) {
    for (name, section, key) in PLAIN_NAMES {
        if let Some(value) = env.get(name).filter(|value| !value.is_empty()) {
            set(values, section, key, value, name, faults);
        }
    }
    for (name, value) in env {
        let Some(path) = name.strip_prefix(PREFIX) else { continue };
        match path.to_ascii_lowercase().split_once("__") {
            Some((section, key)) => set(values, section, key, value, name, faults),
            None => faults.push(format!("{name}: should look like {PREFIX}WEB__BIND")),
        }
    }
}

fn set(values: &mut Table, section: &str, key: &str, text: &str, name: &str, faults: &mut Vec<String>) {
    let Some(old) = values.get_mut(section).and_then(|section| section.get_mut(key)) else {
        faults.push(format!("{name}: there is no key {section}.{key}"));
        return;
    };
    let new = match old {
        Value::String(_) => Some(Value::String(text.to_owned())),
        Value::Integer(_) => text.parse().ok().map(Value::Integer),
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        // Lists of texts are comma-separated; a list of tables only a file can give.
        Value::Array(_) if !["dkim", "relays", "domains"].contains(&key) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Some(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
        }
        _ => None,
    };
    match new {
        Some(new) => *old = new,
        None => faults.push(format!("{name}: must be a {}", old.type_str())),
    }
}
