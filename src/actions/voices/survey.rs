//! The survey: filled-in forms become counts by day, and the counts become figures for admins that tell of nobody.
use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{Datelike as _, NaiveDate};
use serde::Serialize;

use super::Ballot;
use super::waiting::Form;
use crate::actions::{ActionError, Service};
use crate::content::{Answers, Question, Survey};
use crate::model::{SeriesSlug, quoted};
use crate::store::voices::{self, Cell, Count};

/// Under this question the filled-in forms themselves are counted; no key of a question is empty.
const FORMS: &str = "";

/// Counts below it are not shown, and the others only in steps of it.
pub const SMALLEST_CELL: i64 = 5;

/// What was chosen: keys of questions and of their answers, as they came in.
pub type Chosen = Vec<(String, String)>;

/// What became of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Taken, now or before; or nothing was chosen.
    Done,
    /// Its ballot is none of ours or too old; nothing was counted.
    Stale,
}

/// What admins see of a survey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Figures {
    pub series: String,
    pub title: String,
    /// All figures are of the days before this one (UTC).
    pub before: NaiveDate,
    /// How many forms were filled in, in steps of five.
    pub forms: Option<i64>,
    pub questions: Vec<QuestionFigures>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct QuestionFigures {
    pub key: String,
    pub text: String,
    /// Whether one form could choose several answers.
    pub many: bool,
    pub answers: Vec<AnswerFigures>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AnswerFigures {
    pub key: String,
    pub text: String,
    /// In steps of five; none if there are fewer.
    pub count: Option<i64>,
}

/// The survey's ballot, which makes a second press count nothing.
pub fn ballot(service: &Service, series: &SeriesSlug) -> String {
    Ballot::issue(service, &usage(series))
}

/// Takes a filled-in form. It waits until it can be added to the counts together with others. What the survey does not have
/// is passed over, and all of a question that takes one answer and was given several.
pub async fn answer(
    service: &Service,
    series: &SeriesSlug,
    ballot: &str,
    chosen: &Chosen,
) -> Result<Taken, ActionError> {
    let content = service.series(series)?;
    let survey = content.survey.as_ref().ok_or(ActionError::NotFound("survey"))?;
    let Some(ballot) = Ballot::read(service, &usage(series), ballot) else { return Ok(Taken::Stale) };
    let Some(cells) = cells(survey, chosen) else { return Ok(Taken::Done) };
    if voices::spent(service.db(), &ballot.hash).await?.is_some() {
        return Ok(Taken::Done);
    }
    let together = service.waiting_forms().add(series, Form { ballot: ballot.hash, cells });
    if !together.is_empty() {
        write(service, series, service.clock().real().date_naive(), together).await?;
    }
    Ok(Taken::Done)
}

/// Writes the forms that wait in this process, which is about to end. Fewer than five would tell too much about their day:
/// they are counted on the first of the month.
pub async fn flush(service: &Service) -> Result<(), ActionError> {
    let today = service.clock().real().date_naive();
    let month = today.with_day(1).unwrap_or(today);
    for (series, forms) in service.waiting_forms().take_all() {
        write(service, &series, month, forms).await?;
    }
    Ok(())
}

/// Adds forms to the counts of a day, all in one transaction.
async fn write(service: &Service, series: &SeriesSlug, day: NaiveDate, forms: Vec<Form>) -> Result<(), ActionError> {
    let written = write_in(service, series, day, &forms).await;
    if written.is_err() {
        service.waiting_forms().put_back(series, forms);
    }
    written
}

async fn write_in(service: &Service, series: &SeriesSlug, day: NaiveDate, forms: &[Form]) -> Result<(), ActionError> {
    // In an order that says nothing about when they came, and that is the same in all processes.
    let mut forms: Vec<&Form> = forms.iter().collect();
    forms.sort_unstable_by_key(|form| form.ballot);
    let today = service.clock().real().date_naive();
    let mut sums = BTreeMap::new();
    let mut tx = service.db().begin().await?;
    for form in forms {
        if voices::spend(&mut *tx, &form.ballot, today, None).await? {
            for (question, answer, chosen) in &form.cells {
                *sums.entry((question.clone(), answer.clone())).or_default() += chosen;
            }
        }
    }
    let cells: Vec<Cell> = sums.into_iter().map(|((question, answer), chosen)| (question, answer, chosen)).collect();
    voices::add_answers(&mut tx, series, day, &cells).await?;
    tx.commit().await?;
    Ok(())
}

/// The figures of all days that are over. Today's are left out and all are in steps of five, so that nobody who looks again
/// and again can see one form come in.
pub async fn figures(service: &Service, series: &SeriesSlug) -> Result<Figures, ActionError> {
    let content = service.series(series)?;
    let survey = content.survey.as_ref().ok_or(ActionError::NotFound("survey"))?;
    let today = service.clock().real().date_naive();
    let counts = voices::answers_before(service.db(), series, today).await?;
    let counts = counts.into_iter().map(|Count { question, answer, answers }| ((question, answer), answers)).collect();
    Ok(Figures {
        series: series.to_string(),
        title: survey.title.clone(),
        before: today,
        forms: shown(&counts, FORMS, FORMS),
        questions: survey.questions.iter().map(|question| question_figures(question, &counts)).collect(),
    })
}

impl Figures {
    /// As comma-separated values (RFC 4180). A count of fewer than five is empty.
    pub fn to_csv(&self) -> String {
        let mut csv = "question,question_text,answer,answer_text,count\r\n".to_owned();
        for question in &self.questions {
            for answer in &question.answers {
                let count = answer.count.map(|count| count.to_string()).unwrap_or_default();
                let fields = [&question.key, &question.text, &answer.key, &answer.text].map(|text| quoted(text));
                writeln!(csv, "{},{count}\r", fields.join(",")).expect("a String takes all");
            }
        }
        csv
    }
}

fn usage(series: &SeriesSlug) -> String {
    format!("/survey/{series}")
}

/// Every cell of the survey, chosen or not; none if nothing was chosen.
fn cells(survey: &Survey, chosen: &Chosen) -> Option<Vec<Cell>> {
    let mut cells = Vec::new();
    for question in &survey.questions {
        let is_chosen = |key: &String| chosen.iter().any(|(of, answer)| *of == question.key && answer == key);
        let keys = question.answer_keys();
        let several = keys.iter().filter(|key| is_chosen(key)).count() > 1;
        let counts = question.takes_many() || !several;
        cells.extend(
            keys.into_iter().map(|key| (question.key.clone(), key.clone(), i64::from(counts && is_chosen(&key)))),
        );
    }
    let any = cells.iter().any(|(_, _, chosen)| *chosen > 0);
    cells.push((FORMS.to_owned(), FORMS.to_owned(), 1));
    any.then_some(cells)
}

type Counts = BTreeMap<(String, String), i64>;

fn question_figures(question: &Question, counts: &Counts) -> QuestionFigures {
    let figures =
        |(key, text): (String, String)| AnswerFigures { count: shown(counts, &question.key, &key), key, text };
    QuestionFigures {
        key: question.key.clone(),
        text: question.text.clone(),
        many: question.takes_many(),
        answers: question.answer_keys().into_iter().zip(answer_texts(question)).map(figures).collect(),
    }
}

fn answer_texts(question: &Question) -> Vec<String> {
    match &question.answers {
        Answers::One(answers) | Answers::Many(answers) => answers.iter().map(|one| one.text.clone()).collect(),
        Answers::Scale { from, to, low, high } => (*from..=*to)
            .map(|number| match number {
                _ if number == *from => format!("{number}: {low}"),
                _ if number == *to => format!("{number}: {high}"),
                _ => number.to_string(),
            })
            .collect(),
    }
}

/// Rounded down to a whole number of fives, and nothing if that is none: a difference between two figures, whether of two
/// cells or of two days, is then never the count of a small one.
fn shown(counts: &Counts, question: &str, answer: &str) -> Option<i64> {
    let count = counts.get(&(question.to_owned(), answer.to_owned())).copied().unwrap_or(0);
    (count >= SMALLEST_CELL).then_some(count - count % SMALLEST_CELL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Answer;

    fn survey() -> Survey {
        let answers = || ["a", "b"].map(|key| Answer { key: key.into(), text: format!("\"{key}\"") }).to_vec();
        let question = |key: &str, answers| Question { key: key.into(), text: format!("{key}?"), answers };
        Survey {
            title: "Questions".into(),
            introduction: "A few.".into(),
            minutes: 1,
            questions: vec![
                question("one", Answers::One(answers())),
                question("many", Answers::Many(answers())),
                question("scale", Answers::Scale { from: 1, to: 2, low: "low".into(), high: "high".into() }),
            ],
        }
    }

    fn chosen(pairs: &[(&str, &str)]) -> Option<Vec<String>> {
        let pairs = pairs.iter().map(|(question, answer)| ((*question).to_owned(), (*answer).to_owned())).collect();
        let cells = cells(&survey(), &pairs)?;
        assert_eq!(cells.len(), 7, "all cells are written whatever was chosen");
        Some(cells.into_iter().filter(|cell| cell.2 > 0).map(|cell| format!("{}={}", cell.0, cell.1)).collect())
    }

    #[test]
    fn what_the_survey_does_not_ask_is_not_counted() {
        assert_eq!(chosen(&[]), None);
        assert_eq!(chosen(&[("one", "c"), ("other", "a"), ("", ""), ("scale", "3")]), None);
        assert_eq!(chosen(&[("one", "a"), ("one", "b")]), None, "one answer was asked for");
        assert_eq!(chosen(&[("one", "a"), ("one", "a")]).unwrap(), ["one=a", "="]);
        assert_eq!(
            chosen(&[("many", "a"), ("many", "b"), ("scale", "2")]).unwrap(),
            ["many=a", "many=b", "scale=2", "="]
        );
    }

    #[test]
    fn small_counts_are_not_shown_and_the_others_in_fives() {
        let counts = |count| Counts::from([(("one".into(), "a".into()), count)]);
        let table = [(0, None), (4, None), (5, Some(5)), (9, Some(5)), (10, Some(10)), (14, Some(10))];
        for (count, seen) in table {
            assert_eq!(shown(&counts(count), "one", "a"), seen, "{count}");
        }
        assert_eq!(shown(&counts(9), "one", "b"), None);
    }
}
