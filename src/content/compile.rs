//! From files to a library, or to every fault at once.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::article;
use super::bundle::{Bundle, TRANSLATION, Translated};
use super::faults::{Fault, Faults};
use super::layout::{Frame, Layout};
use super::mail::{self, Mail};
use super::pieces::Cutter;
use super::policies::{self, Policy, PolicyPage};
use super::related;
use super::render::{ReaderLinks, SystemHead, Templates, correction_name, step_name};
use super::series::{Correction, Series, Step};
use super::series_file::{SeriesFile, StepEntry};
use super::survey;
use super::variables::{Marks, Vocabulary};
use crate::model::{Kind, Language, SeriesSlug, StepKey};

/// Gmail cuts a mail off at 102 KB, and with it the way to unsubscribe.
const MAX_HTML_BYTES: usize = 100 * 1024;

/// Each step is compiled for each condition; more would only be a slip or an attack on the memory.
const MAX_TEMPLATES: usize = 2000;

/// Folders of `emails/` that are no series.
const RESERVED: [&str; 9] =
    ["layouts", "partials", "policies", "confirmation", "reminder", "already-signed-up", "fresh-link", "move", "moved"];

pub(super) const STEP_LINKS: &[&str] =
    &["unsubscribe_url", "manage_url", "privacy_url", "terms_url", "site_url", "view_url", "helpful_url"];

/// The folder of a series that has its corrections, and what each can show.
const CORRECTIONS: &str = "corrections";
const CORRECTION_LINKS: &[&str] = &["unsubscribe_url", "manage_url", "privacy_url", "terms_url", "site_url"];

/// A mail that belongs to no step: its folder, the reader's values that it can show, and those that it must.
struct SystemMail {
    kind: Kind,
    folder: &'static str,
    links: &'static [&'static str],
    must: &'static [&'static str],
}

const ASKS: &[&str] = &["confirm_url", "never_url", "privacy_url", "terms_url", "site_url", "expires_in"];
const SYSTEM_MAILS: [SystemMail; 6] = [
    SystemMail { kind: Kind::Confirmation, folder: "confirmation", links: ASKS, must: &["confirm_url", "never_url"] },
    SystemMail { kind: Kind::Reminder, folder: "reminder", links: ASKS, must: &["confirm_url", "never_url"] },
    SystemMail {
        kind: Kind::AlreadySignedUp,
        folder: "already-signed-up",
        links: &["unsubscribe_url", "manage_url", "never_url", "privacy_url", "terms_url", "site_url"],
        must: &["manage_url"],
    },
    SystemMail {
        kind: Kind::FreshLink,
        folder: "fresh-link",
        links: &["fresh_url", "manage_url", "never_url", "privacy_url", "terms_url", "site_url"],
        must: &["fresh_url"],
    },
    SystemMail {
        kind: Kind::Move,
        folder: "move",
        links: &["confirm_url", "never_url", "privacy_url", "terms_url", "site_url"],
        must: &["confirm_url", "never_url"],
    },
    SystemMail {
        kind: Kind::Moved,
        folder: "moved",
        links: &["unsubscribe_url", "manage_url", "never_url", "privacy_url", "terms_url", "site_url"],
        must: &["unsubscribe_url", "never_url"],
    },
];

/// All texts of one version, without a fault.
#[derive(Debug)]
pub struct Library {
    /// The version of the bundle, which each delivery records.
    pub version: String,
    pub series: BTreeMap<SeriesSlug, Arc<Series>>,
    translations: BTreeMap<(SeriesSlug, Language), Arc<Series>>,
    privacy: PolicyPage,
    terms: PolicyPage,
    translated_policies: BTreeMap<(Policy, Language), PolicyPage>,
}

impl Library {
    pub fn policy(&self, policy: Policy) -> &PolicyPage {
        match policy {
            Policy::Privacy => &self.privacy,
            Policy::Terms => &self.terms,
        }
    }

    /// The policy in this language, if it is translated; else as it is.
    pub fn policy_in(&self, policy: Policy, language: Language) -> &PolicyPage {
        self.translated_policies.get(&(policy, language)).unwrap_or_else(|| self.policy(policy))
    }

    /// The languages that a series is translated into, beside its own.
    pub fn translations_of(&self, slug: &SeriesSlug) -> impl Iterator<Item = Language> {
        Language::ALL.into_iter().filter(|language| self.translations.contains_key(&(slug.clone(), *language)))
    }

    /// The series in this language, if it is translated; else as it is.
    pub fn series_in(&self, slug: &SeriesSlug, language: Language) -> Option<Arc<Series>> {
        let series = self.series.get(slug)?;
        let translated = || self.translations.get(&(slug.clone(), language));
        Some(translated().unwrap_or(series).clone())
    }
}

/// Reads, checks and compiles everything that does not depend on a reader.
pub fn compile(bundle: &Bundle) -> Result<Library, Vec<Fault>> {
    let mut faults = Faults::default();
    check_characters(bundle, &mut faults);
    let marks = Marks::for_bundle(bundle);
    let (base, translations) = bundle.by_language();
    let texts = Texts::read(&base, &marks, None, &mut faults);
    let mut library = Library {
        version: bundle.version(),
        series: texts.series.into_iter().map(|one| (one.slug.clone(), Arc::new(one))).collect(),
        translations: BTreeMap::new(),
        privacy: texts.privacy.unwrap_or_default(),
        terms: texts.terms.unwrap_or_default(),
        translated_policies: BTreeMap::new(),
    };
    for (language, translated) in &translations {
        check_origins(*language, &base, translated, &mut faults);
        let mut theirs = Faults::default();
        let texts = Texts::read(&translated.bundle, &marks, Some(*language), &mut theirs);
        faults.take_over(theirs, &translated.origins);
        for one in &texts.series {
            let original = library.series.get(&one.slug).and_then(|original| original.survey.as_ref());
            let file = translated.origins.get(&survey::file(one.slug.as_str()));
            if let Some((file, (original, theirs))) = file.zip(original.zip(one.survey.as_ref())) {
                survey::check_translation(file, original, theirs, &mut faults);
            }
        }
        let series = texts.series.into_iter().map(|one| ((one.slug.clone(), *language), Arc::new(one)));
        library.translations.extend(series);
        let policies = [(Policy::Privacy, texts.privacy), (Policy::Terms, texts.terms)];
        for (policy, page) in policies.into_iter().filter_map(|(policy, page)| Some((policy, page?))) {
            check_version(&library, policy, &page, translated, &mut faults);
            library.translated_policies.insert((policy, *language), page);
        }
    }
    if faults.is_empty() { Ok(library) } else { Err(faults.into_vec()) }
}

/// What is read of one language; what is missing has its fault.
struct Texts {
    series: Vec<Series>,
    privacy: Option<PolicyPage>,
    terms: Option<PolicyPage>,
}

impl Texts {
    /// All texts, or only those which there are in `language`.
    fn read(bundle: &Bundle, marks: &Marks, language: Option<Language>, faults: &mut Faults) -> Self {
        let layouts = Language::ALL.map(|words| Layout::load(bundle, words, faults));
        let policy = |policy, faults: &mut Faults| policies::read(policy, bundle, marks, faults);
        let (privacy, terms) = (policy(Policy::Privacy, faults), policy(Policy::Terms, faults));
        let series = Compiler { bundle, marks, layouts: &layouts, language, faults }.all_series();
        Self { series, privacy, terms }
    }
}

/// A translation of nothing is a slip in a name; and a series is translated with its name, or not at all.
fn check_origins(language: Language, base: &Bundle, translated: &Translated, faults: &mut Faults) {
    for (original, file) in &translated.origins {
        let series = original.split('/').next().unwrap_or_default();
        let is_series = base.get(&format!("{series}/series.toml")).is_some();
        if !original.ends_with(TRANSLATION) && base.get(original).is_none() {
            faults.add(file, None, format!("this translates nothing: there is no {original}"));
        }
        if is_series && !translated.origins.contains_key(&format!("{series}/{TRANSLATION}")) {
            let file = format!("{series}/{language}/series.toml");
            faults.add(&file, None, "missing: a translated series says its title and its conditions here");
        }
    }
}

/// A consent names one version: what was agreed to is the same in all languages.
fn check_version(library: &Library, policy: Policy, page: &PolicyPage, translated: &Translated, faults: &mut Faults) {
    let original = &library.policy(policy).version;
    let file = translated.origins.get(&policies::file(policy));
    if let Some(file) = file.filter(|_| page.version != *original) {
        faults.add(file, None, format!("the version is not that of the original, {original}"));
    }
}

fn check_characters(bundle: &Bundle, faults: &mut Faults) {
    for (file, text) in bundle.files() {
        for (number, line) in text.split('\n').enumerate() {
            if line.chars().any(|one| one.is_control() && one != '\t') {
                faults.add(file, super::keys::count(number) + 1, "a control character");
            }
        }
    }
}

struct Compiler<'c> {
    bundle: &'c Bundle,
    marks: &'c Marks,
    /// For each language of words.
    layouts: &'c [Option<Layout>; 2],
    /// The language to translate into.
    language: Option<Language>,
    faults: &'c mut Faults,
}

/// What the mails of one series share.
struct SeriesParts<'s> {
    folder: &'s str,
    file: &'s SeriesFile,
    templates: Templates,
}

/// What a mail is in its series.
struct Role<'r> {
    /// Of its templates.
    name: &'r str,
    /// None for a mail that is no step.
    part_number: Option<usize>,
    /// The links without which it is useless.
    must: &'r [&'r str],
}

impl<'c> Compiler<'c> {
    fn all_series(&mut self) -> Vec<Series> {
        let folders: Vec<&str> = self.bundle.folders("").into_iter().filter(|name| !RESERVED.contains(name)).collect();
        if folders.is_empty() {
            self.faults.add("", None, "no series: there is no folder with a series.toml");
            let file = SeriesFile::stand_in();
            self.system_mails(&mut SeriesParts { folder: "", file: &file, templates: Templates::new() });
        }
        folders.into_iter().filter_map(|folder| self.series(folder)).collect()
    }

    fn series(&mut self, folder: &str) -> Option<Series> {
        let path = format!("{folder}/series.toml");
        let Some(text) = self.bundle.get(&path) else {
            self.faults.add(&path, None, "missing: a folder that is no series has no place here");
            return None;
        };
        let translation = format!("{folder}/{TRANSLATION}");
        let translation = match self.language {
            Some(language) => Some((language, self.bundle.get(&translation)?, translation)),
            None => None,
        };
        let slug = SeriesSlug::parse(folder).map_err(|error| self.faults.add(folder, None, error.to_string())).ok();
        let mut file = SeriesFile::read(&path, text, self.faults);
        if let Some((language, text, path)) = translation {
            file.translate(language, &path, text, self.faults);
        }
        self.check_folders(folder, &file);
        if file.steps.len() * file.conditions.len() > MAX_TEMPLATES {
            self.faults.add(&path, None, format!("steps times conditions are more than {MAX_TEMPLATES}"));
            return None;
        }
        let mut parts = SeriesParts { folder, file: &file, templates: Templates::new() };
        let entries = file.steps.iter().enumerate();
        let steps = entries.filter_map(|(index, entry)| self.step(&mut parts, index, entry)).collect();
        self.system_mails(&mut parts);
        let corrections = self.corrections(&mut parts);
        let templates = parts.templates;
        let vocabulary = Vocabulary { marks: self.marks, constants: file.constants(), reader: &[] };
        let article = article::read(folder, self.bundle, &file, &vocabulary, self.faults);
        let related = related::read_all(folder, self.bundle, &file, &vocabulary, self.faults);
        let survey = survey::read(folder, self.bundle, self.faults);
        let words = file.words();
        let hours = file.hours?;
        Some(Series {
            slug: slug?,
            title: file.title,
            words,
            language: file.language,
            from: file.from?,
            reply_to: file.reply_to,
            postal_address: file.postal_address,
            sponsor: file.sponsor,
            default_zone: file.default_zone?,
            window: hours.window,
            preferred: hours.preferred,
            min_gap: file.min_gap?,
            spacings: file.spacings,
            last_edited: file.last_edited,
            reviewer: file.reviewer,
            conditions: file.conditions,
            steps,
            article: article?,
            related,
            survey,
            corrections,
            templates,
        })
    }

    /// Folders that no step names, and files that nothing reads: usually a slip in a name.
    fn check_folders(&mut self, series: &str, file: &SeriesFile) {
        let bundle = self.bundle;
        for name in bundle.folders(series) {
            let folder = format!("{series}/{name}");
            let is_step = file.steps.iter().any(|step| step.folder == name);
            let known: &[&str] = match name {
                "article" => &["article.md", "figure.svg"],
                CORRECTIONS => continue,
                _ if is_step => &["body.md", "conditions.md"],
                _ if file.broken => continue,
                _ => {
                    self.faults.add(&folder, None, "no step of series.toml names this folder");
                    continue;
                }
            };
            let strange = bundle.names(&folder).filter(|name| !known.contains(name));
            let folders = bundle.folders(&folder).into_iter().filter(|inner| name != "article" || *inner != "related");
            for name in strange.chain(folders) {
                let message = format!("nothing reads this; the folder has {}", known.join(" and "));
                self.faults.add(&format!("{folder}/{name}"), None, message);
            }
        }
    }

    fn step(&mut self, parts: &mut SeriesParts<'_>, index: usize, entry: &StepEntry) -> Option<Step> {
        let folder = format!("{}/{}", parts.folder, entry.folder);
        let body = format!("{folder}/body.md");
        if self.bundle.get(&body).is_none() {
            let series = format!("{}/series.toml", parts.folder);
            self.faults.add(&series, entry.line, format!("the folder `{}` has no body.md", entry.folder));
            return None;
        }
        let mut constants = parts.file.constants();
        constants.insert("part_number", (index + 1).to_string());
        constants.insert("condition_name", String::new());
        let mut vocabulary = Vocabulary { marks: self.marks, constants, reader: STEP_LINKS };
        let mail = Mail::read(body, self.bundle, &vocabulary, true, self.faults)?;
        let passages = self.passages(&folder, &mail, parts.file, &vocabulary);
        for condition in &parts.file.conditions {
            vocabulary.constants.insert("condition_name", condition.name.clone());
            let passage = passages.get(condition.key.as_str()).map(Vec::as_slice).unwrap_or_default();
            let body = mail.body(passage, &vocabulary, &parts.file.language, self.faults);
            let name = step_name(&entry.key, &condition.key);
            let role = Role { name: &name, part_number: Some(index + 1), must: &[] };
            self.add(parts, &mail, &body, &vocabulary, &role);
        }
        let Mail { subject, preheader, sources, .. } = mail;
        let (key, delay, folder) = (entry.key.clone(), entry.delay, entry.folder.clone());
        let has_passages = !passages.is_empty();
        Some(Step { key, delay, folder, subject, preheader, sources, has_passages })
    }

    fn passages(
        &mut self,
        folder: &str,
        mail: &Mail,
        series: &SeriesFile,
        vocabulary: &Vocabulary<'_>,
    ) -> mail::Passages {
        let path = format!("{folder}/conditions.md");
        let asked = mail.slot_lines();
        for line in asked.iter().skip(1) {
            self.faults.add(&mail.file, *line, "the reader's passage is here for the second time");
        }
        match (self.bundle.get(&path), asked.first()) {
            (None, None) => mail::Passages::new(),
            (None, Some(line)) => {
                self.faults.add(&mail.file, *line, format!("dead include `{{{{> condition}}}}`: there is no {path}"));
                mail::Passages::new()
            }
            (Some(text), asked) => {
                if asked.is_none() {
                    self.faults.add(&path, None, "no line `{{> condition}}` of body.md asks for these passages");
                }
                let cutter = Cutter { bundle: self.bundle, vocabulary, slots: &[] };
                mail::read_passages(&path, text, &series.conditions, &cutter, self.faults)
            }
        }
    }

    fn system_mails(&mut self, parts: &mut SeriesParts<'_>) {
        for system in &SYSTEM_MAILS {
            let constants = parts.file.constants();
            let vocabulary = Vocabulary { marks: self.marks, constants, reader: system.links };
            let path = format!("{}/body.md", system.folder);
            let Some(mail) = Mail::read(path, self.bundle, &vocabulary, false, self.faults) else { continue };
            let body = mail.body(&[], &vocabulary, &parts.file.language, self.faults);
            let role = Role { name: system.kind.as_str(), part_number: None, must: system.must };
            self.add(parts, &mail, &body, &vocabulary, &role);
            let Mail { subject, preheader, .. } = mail;
            parts.templates.system.push(SystemHead { kind: system.kind, subject, preheader });
        }
    }

    /// Each folder below `corrections` is one message: subject, preheader and body, as the other mails have them.
    fn corrections(&mut self, parts: &mut SeriesParts<'_>) -> Vec<Correction> {
        let folder = format!("{}/{CORRECTIONS}", parts.folder);
        for name in self.bundle.names(&folder) {
            self.faults.add(
                &format!("{folder}/{name}"),
                None,
                "nothing reads this; a correction is a folder of its own",
            );
        }
        self.bundle.folders(&folder).into_iter().filter_map(|name| self.correction(parts, &folder, name)).collect()
    }

    fn correction(&mut self, parts: &mut SeriesParts<'_>, folder: &str, name: &str) -> Option<Correction> {
        let path = format!("{folder}/{name}");
        let key = StepKey::parse(name).map_err(|error| self.faults.add(&path, None, error.to_string())).ok()?;
        let constants = parts.file.constants();
        let vocabulary = Vocabulary { marks: self.marks, constants, reader: CORRECTION_LINKS };
        let mail = Mail::read(format!("{path}/body.md"), self.bundle, &vocabulary, false, self.faults)?;
        let body = mail.body(&[], &vocabulary, &parts.file.language, self.faults);
        let role = Role { name: &correction_name(&key), part_number: None, must: &["unsubscribe_url"] };
        self.add(parts, &mail, &body, &vocabulary, &role);
        Some(Correction { key, subject: mail.subject, preheader: mail.preheader })
    }

    /// Sets a body into the layout, compiles both forms and tries them once.
    fn add(
        &mut self,
        parts: &mut SeriesParts<'_>,
        mail: &Mail,
        body: &mail::Body,
        vocabulary: &Vocabulary<'c>,
        role: &Role<'_>,
    ) {
        let Role { name, part_number, must } = *role;
        for variable in must {
            if !vocabulary.has(&body.html, variable) {
                self.faults.add(&mail.file, None, format!("this mail must have the link `{{{{{variable}}}}}`"));
            }
        }
        let review_line = parts.file.review_line();
        let frame = Frame {
            language: &parts.file.language,
            subject: &mail.subject,
            preheader: &mail.preheader,
            series_title: &parts.file.title,
            sponsor: &parts.file.sponsor,
            postal_address: &parts.file.postal_address,
            review_line: &review_line,
            is_step: part_number.is_some(),
            part_number: part_number.unwrap_or(0),
            parts: parts.file.steps.len(),
            sources: &mail.sources,
            links: vocabulary.reader_marks(),
        };
        let framed = self.layouts[parts.file.words() as usize]
            .as_ref()
            .and_then(|layout| layout.set(&frame, &body.html, &body.text, self.marks, self.faults));
        let Some(framed) = framed else { return };
        if let Err(error) = parts.templates.add(name, &framed.html, &framed.text) {
            return self.faults.add(&mail.file, None, format!("not a template: {}", error.reason()));
        }
        match parts.templates.fill(name, &ReaderLinks::example()) {
            None => self.faults.add(&mail.file, None, "cannot be rendered: a variable is missing"),
            Some((html, _)) if html.len() > MAX_HTML_BYTES => {
                let size = html.len().div_ceil(1024);
                self.faults.add(
                    &mail.file,
                    None,
                    format!("the HTML form has {size} KB; at most {} KB", MAX_HTML_BYTES / 1024),
                );
            }
            Some(_) => {}
        }
    }
}
