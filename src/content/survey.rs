//! `survey.toml`: the questions of the short survey that is offered at the end of a visit.
//!
//! There is no free text, which could name somebody: every answer is one of those that stand here, so that answers can be
//! kept as counts.
use super::bundle::Bundle;
use super::faults::Faults;
use super::keys::{Section, TomlText};
use crate::model::StepKey;

/// Answered within a few minutes, or not at all.
const MOST_MINUTES: u32 = 3;
const MOST_QUESTIONS: usize = 10;
const MOST_ANSWERS: usize = 20;
const LONGEST_SCALE: u32 = 10;

/// A series' survey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    pub title: String,
    pub introduction: String,
    /// How long it takes, as readers are told.
    pub minutes: u32,
    pub questions: Vec<Question>,
}

/// One question. Its key never changes, since answers are counted under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub key: String,
    pub text: String,
    pub answers: Answers,
}

/// What can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answers {
    One(Vec<Answer>),
    Many(Vec<Answer>),
    /// Whole numbers from `from` to `to`, with words for the two ends.
    Scale {
        from: u32,
        to: u32,
        low: String,
        high: String,
    },
}

/// One answer that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub key: String,
    pub text: String,
}

impl Question {
    /// The keys of all its answers, in their order.
    pub fn answer_keys(&self) -> Vec<String> {
        match &self.answers {
            Answers::One(answers) | Answers::Many(answers) => answers.iter().map(|one| one.key.clone()).collect(),
            Answers::Scale { from, to, .. } => (*from..=*to).map(|number| number.to_string()).collect(),
        }
    }

    /// Whether more than one answer can be chosen.
    pub fn takes_many(&self) -> bool {
        matches!(self.answers, Answers::Many(_))
    }
}

/// Where a series' survey is.
pub(super) fn file(series: &str) -> String {
    format!("{series}/survey.toml")
}

/// None if the series has none.
pub(super) fn read(series: &str, bundle: &Bundle, faults: &mut Faults) -> Option<Survey> {
    let file = file(series);
    let text = bundle.get(&file)?;
    TomlText { file: &file, first_line: 1, text }.read(faults, survey)
}

/// All languages are counted together, so all must have the same questions and answers, in whatever order.
pub(super) fn check_translation(file: &str, original: &Survey, translated: &Survey, faults: &mut Faults) {
    let keys = |survey: &Survey| {
        let keys = survey.questions.iter().map(|one| {
            let mut answers = one.answer_keys();
            answers.sort();
            (one.key.clone(), std::mem::discriminant(&one.answers), answers)
        });
        let mut keys: Vec<_> = keys.collect();
        keys.sort_by(|one, other| one.0.cmp(&other.0));
        keys
    };
    if keys(original) != keys(translated) {
        faults.add(file, None, "the keys and kinds of its questions and answers are not those of the original");
    }
}

fn survey(file: &mut Section<'_, '_>, faults: &mut Faults) -> Option<Survey> {
    let [title, introduction] = ["title", "introduction"].map(|key| file.plain(key, faults));
    let minutes = file.number("minutes", faults).map(|(minutes, line)| {
        if !(1..=MOST_MINUTES).contains(&minutes) {
            file.fault(line, format!("`minutes` must be 1 to {MOST_MINUTES}: who leaves has no more"), faults);
        }
        minutes
    });
    let mut keys = Vec::new();
    let mut met = 0;
    let questions = file.sections("questions", faults, |one, faults| {
        met += 1;
        question(one, &mut keys, faults)
    });
    if !file.broken() && !(1..=MOST_QUESTIONS).contains(&met) {
        file.fault(None, format!("a survey has 1 to {MOST_QUESTIONS} of [[questions]]"), faults);
    }
    Some(Survey { title: title?.text, introduction: introduction?.text, minutes: minutes?, questions })
}

fn question(one: &mut Section<'_, '_>, keys: &mut Vec<String>, faults: &mut Faults) -> Option<Question> {
    let key = key(one, keys, faults);
    let text = one.plain("text", faults);
    let kind = one.text("kind", faults)?;
    let answers = match kind.text.as_str() {
        "one" => Some(Answers::One(answers(one, faults))),
        "many" => Some(Answers::Many(answers(one, faults))),
        "scale" => scale(one, faults),
        _ => {
            one.fault(kind.line, "`kind` must be \"one\", \"many\" or \"scale\": there is no free text", faults);
            None
        }
    };
    Some(Question { key: key?, text: text?.text, answers: answers? })
}

fn answers(question: &mut Section<'_, '_>, faults: &mut Faults) -> Vec<Answer> {
    let mut keys = Vec::new();
    let mut met = 0;
    let answers = question.sections("answers", faults, |one, faults| {
        met += 1;
        let (key, text) = (key(one, &mut keys, faults), one.plain("text", faults));
        Some(Answer { key: key?, text: text?.text })
    });
    if !question.broken() && !(2..=MOST_ANSWERS).contains(&met) {
        question.fault(question.line(), format!("a question has 2 to {MOST_ANSWERS} of [[questions.answers]]"), faults);
    }
    answers
}

fn scale(question: &mut Section<'_, '_>, faults: &mut Faults) -> Option<Answers> {
    let (from, to) = (question.number("from", faults), question.number("to", faults));
    let [low, high] = ["low", "high"].map(|key| question.plain(key, faults));
    let ((from, _), (to, line)) = (from?, to?);
    if to <= from || to - from >= LONGEST_SCALE {
        let message = format!("`to` must be above `from`, with at most {LONGEST_SCALE} numbers in all");
        question.fault(line, message, faults);
        return None;
    }
    Some(Answers::Scale { from, to, low: low?.text, high: high?.text })
}

/// A key that is a slug, and not there before.
fn key(one: &mut Section<'_, '_>, met: &mut Vec<String>, faults: &mut Faults) -> Option<String> {
    let key = one.parsed("key", faults, StepKey::parse)?.as_str().to_owned();
    if met.contains(&key) {
        one.fault(one.line(), format!("duplicate key `{key}`"), faults);
        return None;
    }
    met.push(key.clone());
    Some(key)
}
