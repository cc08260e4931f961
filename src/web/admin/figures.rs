//! A survey's figures as a page for admins: read only.
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use chrono::Datelike as _;

use super::gate::SignedIn;
use super::route::{Needs, Route};
use super::{AppState, shell};
use crate::actions::voices::survey::{self, Figures, QuestionFigures, SMALLEST_CELL};
use crate::model::{Right, SeriesSlug};
use crate::web::error::WebError;
use crate::web::pages::{Bar, FiguresOfQuestion, SurveyFiguresPage};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/admin/survey/{series}", Needs::Right(Right::Figures), show),
        Route::get("/admin/survey/{series}/answers.csv", Needs::Right(Right::Figures), csv),
    ]
}

async fn show(State(state): State<AppState>, by: SignedIn, Path(slug): Path<String>) -> Response {
    match figures(&state, &slug).await {
        Ok((figures, series_title)) => shell::page(&by, &page(figures, series_title), None),
        Err(error) => shell::failed(by.visitor.language, &error),
    }
}

async fn csv(State(state): State<AppState>, by: SignedIn, Path(slug): Path<String>) -> Response {
    match figures(&state, &slug).await {
        Ok((figures, _)) => as_csv(&figures),
        Err(error) => shell::failed(by.visitor.language, &error),
    }
}

/// The figures, to be saved under the name of their series.
pub(in crate::web) fn as_csv(figures: &Figures) -> Response {
    let name = format!("attachment; filename=\"survey-{}.csv\"", figures.series);
    let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], figures.to_csv()).into_response()
}

async fn figures(state: &AppState, slug: &str) -> Result<(Figures, String), WebError> {
    let slug = SeriesSlug::parse(slug).map_err(|_| WebError::NotFound("There is no such series.".into()))?;
    let title = state.service.series(&slug)?.title.clone();
    Ok((survey::figures(&state.service, &slug).await?, title))
}

fn page(figures: Figures, series_title: String) -> SurveyFiguresPage {
    SurveyFiguresPage {
        csv_path: format!("/admin/survey/{}/answers.csv", figures.series),
        title: figures.title,
        series_title,
        day: figures.before.day(),
        month: figures.before.month(),
        year: figures.before.year(),
        smallest: SMALLEST_CELL,
        forms: figures.forms,
        questions: figures.questions.into_iter().map(question).collect(),
    }
}

fn question(question: QuestionFigures) -> FiguresOfQuestion {
    let longest = question.answers.iter().filter_map(|one| one.count).max().unwrap_or(1);
    let bars = question.answers.into_iter().map(|one| Bar {
        percent: one.count.unwrap_or(0) * 100 / longest,
        text: one.text,
        count: one.count,
    });
    FiguresOfQuestion { text: question.text, many: question.many, answers: bars.collect() }
}
