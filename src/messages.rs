//! The words of pages and mails in every language that there is: Fluent files in `messages/<language>/`, built into the
//! binary. What is missing in one language is a fault that the tests find; at run time English stands in for it.
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentError, FluentResource, FluentValue};
use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderErrorReason, html_escape,
};
use include_dir::{Dir, include_dir};
use serde_json::Value;

pub use crate::model::Language;

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/messages");

/// The values of a message's variables.
#[derive(Default)]
pub struct Values<'v>(FluentArgs<'v>);

impl<'v> Values<'v> {
    pub fn new() -> Self {
        Self::default()
    }

    /// A text or a number; only a number can choose a plural form.
    #[must_use]
    pub fn with(mut self, name: &'v str, value: impl Into<FluentValue<'v>>) -> Self {
        self.0.set(name, value);
        self
    }
}

/// A message without variables.
pub fn text(language: Language, key: &str) -> String {
    filled(language, key, &Values::new())
}

/// A message with its variables. One that does not exist is shown as its key: nothing that a reader does leads there, and
/// the tests ask for every key that code and templates name.
pub fn filled(language: Language, key: &str, values: &Values<'_>) -> String {
    let (text, faults) = format(language, key, &values.0);
    debug_assert!(faults.is_empty(), "{key}: {faults:?}");
    text
}

/// Whether there is a message of this key in this language.
pub fn exists(language: Language, key: &str) -> bool {
    bundle(language).has_message(key)
}

/// The text, and what was wrong with the values: a variable that none was given for is shown as its name.
fn format(language: Language, key: &str, values: &FluentArgs<'_>) -> (String, Vec<FluentError>) {
    let mut bundles = [language, Language::English].into_iter().map(bundle);
    let found = bundles.find_map(|bundle| Some((bundle, bundle.get_message(key)?.value()?)));
    let mut faults = Vec::new();
    let text = found.map(|(bundle, pattern)| bundle.format_pattern(pattern, Some(values), &mut faults).into_owned());
    (text.unwrap_or_else(|| key.to_owned()), faults)
}

type Bundle = FluentBundle<FluentResource>;

fn bundle(language: Language) -> &'static Bundle {
    &BUNDLES[language as usize]
}

static BUNDLES: LazyLock<[Bundle; 2]> = LazyLock::new(|| Language::ALL.map(load));

fn load(language: Language) -> Bundle {
    let tag = language.tag().parse().expect("a tag of ours is one");
    let mut bundle = Bundle::new_concurrent(vec![tag]);
    // Marks for the direction of writing would stand in pages, subjects and links; all our languages run one way.
    bundle.set_use_isolating(false);
    for (file, text) in files(language) {
        let resource = FluentResource::try_new(text.to_owned());
        let resource = resource.unwrap_or_else(|(_, faults)| panic!("{file}: {faults:?}"));
        bundle.add_resource(resource).unwrap_or_else(|faults| panic!("{file}: {faults:?}"));
    }
    bundle
}

fn files(language: Language) -> Vec<(String, &'static str)> {
    let folder = FILES.get_dir(language.tag()).expect("each language has its folder");
    folder.files().filter_map(|file| Some((file.path().display().to_string(), file.contents_utf8()?))).collect()
}

/// What a template says with the helper that `register` makes, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    /// Into HTML: all of it is escaped.
    Escaped,
    /// Into HTML, with markup of its own: only the values are escaped.
    Markup,
    /// Into plain text.
    Plain,
}

/// Makes `{{name "key" …}}` say messages of this language.
pub fn register(templates: &mut Handlebars<'_>, name: &str, language: Language, say: Say) {
    templates.register_helper(name, Box::new(Words { language, say }));
}

struct Words {
    language: Language,
    say: Say,
}

impl HelperDef for Words {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let key = helper.param(0).and_then(|key| key.value().as_str());
        let key = key.filter(|key| exists(Language::English, key));
        let key = key.ok_or_else(|| RenderErrorReason::Other("there is no such message".to_owned()))?;
        let values = helper.hash().iter();
        let values = values.fold(Values::new(), |values, (name, value)| values.with(name, self.value(value.value())));
        let (text, faults) = format(self.language, key, &values.0);
        if !faults.is_empty() {
            // A layout is a file of the installation: what it leaves out is a fault of that file.
            let reason = format!("the message \"{key}\" needs a variable that is not given here");
            return Err(RenderErrorReason::Other(reason).into());
        }
        let text = if self.say == Say::Escaped { html_escape(&text) } else { text };
        out.write(&text)?;
        Ok(())
    }
}

impl Words {
    fn value(&self, value: &Value) -> FluentValue<'static> {
        match value {
            Value::Number(number) => number.as_f64().unwrap_or_default().into(),
            Value::String(text) if self.say == Say::Markup => html_escape(text).into(),
            Value::String(text) => text.clone().into(),
            other => other.to_string().into(),
        }
    }
}

#[cfg(test)]
mod tests;
