//! The survey: its page, and what becomes of a filled-in form.
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::articles::article_path;
use super::helpful::see_other;
use super::{AppState, error_page, html, private};
use crate::actions::voices::survey::{self, Chosen, Taken};
use crate::content::{Answers, MAIN_ARTICLE, Question, Series, Survey};
use crate::messages::Language;
use crate::model::SeriesSlug;
use crate::web::error::WebError;
use crate::web::guards::{Client, let_vote};
use crate::web::language::Lang;
use crate::web::pages::{SurveyAnswer, SurveyPage, SurveyQuestion, SurveyThanksPage};

/// Before the key of a question in the name of its field.
const FIELD: &str = "q-";

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/survey/{series}", get(show).post(submit)).route("/survey/{series}/thanks", get(thanks))
}

async fn show(State(state): State<AppState>, lang: Lang, Path(slug): Path<String>) -> Response {
    let language = lang.get();
    match with_survey(&state, &slug, language) {
        Some(series) => private(lang, Ok(()), |()| page(&state, &series, &Vec::new(), false, language)),
        None => no_such(lang),
    }
}

async fn submit(
    State(state): State<AppState>,
    lang: Lang,
    client: Client,
    Path(slug): Path<String>,
    body: Bytes,
) -> Response {
    let language = lang.get();
    let Some(series) = with_survey(&state, &slug, language) else { return no_such(lang) };
    if let Err(error) = let_vote(&state.service, client).await {
        return super::failed(language, &error);
    }
    let (ballot, chosen) = fields(&body);
    match survey::answer(&state.service, &series.slug, &ballot, &chosen).await {
        Ok(Taken::Done) => see_other(&format!("/survey/{}/thanks", series.slug)),
        Ok(Taken::Stale) => html(StatusCode::UNPROCESSABLE_ENTITY, page(&state, &series, &chosen, true, language)),
        Err(error) => super::failed(language, &WebError::from(error)),
    }
}

async fn thanks(State(state): State<AppState>, lang: Lang, Path(slug): Path<String>) -> Response {
    let language = lang.get();
    match with_survey(&state, &slug, language) {
        Some(series) => {
            let page = SurveyThanksPage {
                series_title: series.title.clone(),
                article_path: article_path(&series, MAIN_ARTICLE),
            };
            private(lang, Ok(page), |page| page.render(language))
        }
        None => no_such(lang),
    }
}

fn with_survey(state: &AppState, slug: &str, language: Language) -> Option<Arc<Series>> {
    let series = state.service.library().series_in(&SeriesSlug::parse(slug).ok()?, language)?;
    series.survey.is_some().then_some(series)
}

/// The ballot, and what was chosen.
fn fields(body: &[u8]) -> (String, Chosen) {
    let (mut ballot, mut chosen) = (String::new(), Vec::new());
    for (name, value) in url::form_urlencoded::parse(body).take(500) {
        match name.strip_prefix(FIELD) {
            Some(question) => chosen.push((question.to_owned(), value.into_owned())),
            None if name == "ballot" => ballot = value.into_owned(),
            None => {}
        }
    }
    (ballot, chosen)
}

fn page(state: &AppState, series: &Series, chosen: &Chosen, late: bool, language: Language) -> String {
    let Some(Survey { title, introduction, minutes, questions }) = &series.survey else { return String::new() };
    SurveyPage {
        series_title: series.title.clone(),
        title: title.clone(),
        introduction: introduction.clone(),
        minutes: *minutes,
        text_language: series.language.clone(),
        post_to: format!("/survey/{}", series.slug),
        ballot: survey::ballot(&state.service, &series.slug),
        stale: late,
        questions: questions.iter().map(|one| question(one, chosen)).collect(),
    }
    .render(language)
}

fn question(one: &Question, chosen: &Chosen) -> SurveyQuestion {
    let answer = |value: String, text: String| SurveyAnswer {
        kind: if one.takes_many() { "checkbox" } else { "radio" },
        id: format!("{FIELD}{}-{value}", one.key),
        name: format!("{FIELD}{}", one.key),
        chosen: chosen.iter().any(|(question, answer)| *question == one.key && *answer == value),
        value,
        text,
    };
    let (ends, answers) = match &one.answers {
        Answers::One(answers) | Answers::Many(answers) => {
            (None, answers.iter().map(|one| answer(one.key.clone(), one.text.clone())).collect())
        }
        Answers::Scale { from, to, low, high } => {
            let numbers = (*from..=*to).map(|number| answer(number.to_string(), number.to_string()));
            (Some((low.clone(), high.clone())), numbers.collect())
        }
    };
    SurveyQuestion { text: one.text.clone(), many: one.takes_many(), ends, answers }
}

fn no_such(lang: Lang) -> Response {
    error_page(lang.get(), StatusCode::NOT_FOUND, "error-no-page")
}
