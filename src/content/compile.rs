//! From files to a library, or to every fault at once.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::article;
use super::bundle::Bundle;
use super::faults::{Fault, Faults};
use super::layout::{Frame, Layout};
use super::mail::{self, Mail};
use super::pieces::Cutter;
use super::policies::{self, Policy, PolicyPage};
use super::render::{ReaderLinks, SystemHead, Templates, step_name};
use super::series::{Series, Step};
use super::series_file::{SeriesFile, StepEntry};
use super::variables::{Marks, Vocabulary};
use crate::model::{Kind, SeriesSlug};

/// Gmail cuts a mail off at 102 KB, and with it the way to unsubscribe.
const MAX_HTML_BYTES: usize = 100 * 1024;

/// Each step is compiled for each condition; more would only be a slip or an attack on the memory.
const MAX_TEMPLATES: usize = 2000;

/// Folders of `emails/` that are no series.
const RESERVED: [&str; 6] = ["layouts", "partials", "policies", "confirmation", "reminder", "already-signed-up"];

const STEP_LINKS: &[&str] = &["unsubscribe_url", "manage_url", "privacy_url", "terms_url", "site_url"];

/// A mail that belongs to no step: its folder, the reader's values that it can show, and those that it must.
struct SystemMail {
    kind: Kind,
    folder: &'static str,
    links: &'static [&'static str],
    must: &'static [&'static str],
}

const ASKS: &[&str] = &["confirm_url", "never_url", "privacy_url", "terms_url", "site_url", "expires_in"];
const SYSTEM_MAILS: [SystemMail; 3] = [
    SystemMail { kind: Kind::Confirmation, folder: "confirmation", links: ASKS, must: &["confirm_url", "never_url"] },
    SystemMail { kind: Kind::Reminder, folder: "reminder", links: ASKS, must: &["confirm_url", "never_url"] },
    SystemMail {
        kind: Kind::AlreadySignedUp,
        folder: "already-signed-up",
        links: &["unsubscribe_url", "manage_url", "never_url", "privacy_url", "terms_url", "site_url"],
        must: &["manage_url"],
    },
];

/// All texts of one version, without a fault.
#[derive(Debug)]
pub struct Library {
    /// The version of the bundle, which each delivery records.
    pub version: String,
    pub series: BTreeMap<SeriesSlug, Arc<Series>>,
    privacy: PolicyPage,
    terms: PolicyPage,
}

impl Library {
    pub fn policy(&self, policy: Policy) -> &PolicyPage {
        match policy {
            Policy::Privacy => &self.privacy,
            Policy::Terms => &self.terms,
        }
    }
}

/// Reads, checks and compiles everything that does not depend on a reader.
pub fn compile(bundle: &Bundle) -> Result<Library, Vec<Fault>> {
    let mut faults = Faults::default();
    check_characters(bundle, &mut faults);
    let marks = Marks::for_bundle(bundle);
    let layout = Layout::load(bundle, &mut faults);
    let privacy = policies::read(Policy::Privacy, bundle, &marks, &mut faults);
    let terms = policies::read(Policy::Terms, bundle, &marks, &mut faults);
    let mut compiler = Compiler { bundle, marks: &marks, layout: layout.as_ref(), faults: &mut faults };
    let series = compiler.all_series();
    match (privacy, terms, faults.is_empty()) {
        (Some(privacy), Some(terms), true) => {
            let series = series.into_iter().map(|one| (one.slug.clone(), Arc::new(one))).collect();
            Ok(Library { version: bundle.version(), series, privacy, terms })
        }
        _ => Err(faults.into_vec()),
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
    layout: Option<&'c Layout>,
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
        let slug = SeriesSlug::parse(folder).map_err(|error| self.faults.add(folder, None, error.to_string())).ok();
        let file = SeriesFile::read(&path, text, self.faults);
        self.check_folders(folder, &file);
        if file.steps.len() * file.conditions.len() > MAX_TEMPLATES {
            self.faults.add(&path, None, format!("steps times conditions are more than {MAX_TEMPLATES}"));
            return None;
        }
        let mut parts = SeriesParts { folder, file: &file, templates: Templates::new() };
        let entries = file.steps.iter().enumerate();
        let steps = entries.filter_map(|(index, entry)| self.step(&mut parts, index, entry)).collect();
        self.system_mails(&mut parts);
        let templates = parts.templates;
        let vocabulary = Vocabulary { marks: self.marks, constants: file.constants(), reader: &[] };
        let article = article::read(folder, self.bundle, &file, &vocabulary, self.faults);
        let hours = file.hours?;
        Some(Series {
            slug: slug?,
            title: file.title,
            language: file.language,
            from: file.from?,
            reply_to: file.reply_to,
            postal_address: file.postal_address,
            sponsor: file.sponsor,
            default_zone: file.default_zone?,
            window: hours.window,
            preferred: hours.preferred,
            min_gap: file.min_gap?,
            last_edited: file.last_edited,
            reviewer: file.reviewer,
            conditions: file.conditions,
            steps,
            article: article?,
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
                _ if is_step => &["body.md", "conditions.md"],
                _ if file.broken => continue,
                _ => {
                    self.faults.add(&folder, None, "no step of series.toml names this folder");
                    continue;
                }
            };
            let strange = bundle.names(&folder).filter(|name| !known.contains(name));
            for name in strange.chain(bundle.folders(&folder)) {
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
        Some(Step { key, delay, folder, subject, preheader, sources })
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
        let framed = self.layout.and_then(|layout| layout.set(&frame, &body.html, &body.text, self.marks, self.faults));
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
