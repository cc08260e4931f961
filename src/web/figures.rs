//! A survey's figures as a page for admins: read only, behind HTTP Basic authentication (RFC 7617). The user may be
//! anything, the password is the admin token.
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use chrono::Datelike as _;
use subtle::ConstantTimeEq as _;

use super::AppState;
use super::error::WebError;
use super::language::Lang;
use super::public::{error_page, failed, html};
use crate::actions::voices::survey::{self, Figures, QuestionFigures, SMALLEST_CELL};
use crate::model::SeriesSlug;
use crate::web::pages::{Bar, FiguresOfQuestion, SurveyFiguresPage};

pub(super) fn router(state: AppState) -> Router<AppState> {
    Router::new()
        .route("/admin/survey/{series}", get(show))
        .route("/admin/survey/{series}/answers.csv", get(csv))
        .route_layer(middleware::from_fn_with_state(state, authorised))
}

/// Compares in constant time. Without an admin token nobody is let in.
async fn authorised(State(state): State<AppState>, lang: Lang, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let password = given.and_then(password).unwrap_or_default();
    match &state.admin_token {
        Some(token) if bool::from(token.0.as_bytes().ct_eq(password.as_bytes())) => next.run(request).await,
        _ => {
            let mut response = error_page(lang.get(), StatusCode::UNAUTHORIZED, "error-admins");
            let basic = HeaderValue::from_static("Basic realm=\"regimen\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
            response
        }
    }
}

fn password(header: &str) -> Option<String> {
    let (scheme, credentials) = header.split_once(' ')?;
    let octets = BASE64_STANDARD.decode(credentials.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    String::from_utf8(octets).ok()?.split_once(':').map(|(_, password)| password.to_owned())
}

async fn show(State(state): State<AppState>, lang: Lang, Path(slug): Path<String>) -> Response {
    match figures(&state, &slug).await {
        Ok((figures, series_title)) => html(StatusCode::OK, page(figures, series_title).render(lang.get())),
        Err(error) => failed(lang.get(), &error),
    }
}

async fn csv(State(state): State<AppState>, lang: Lang, Path(slug): Path<String>) -> Response {
    match figures(&state, &slug).await {
        Ok((figures, _)) => as_csv(&figures),
        Err(error) => failed(lang.get(), &error),
    }
}

/// The figures, to be saved under the name of their series.
pub(super) fn as_csv(figures: &Figures) -> Response {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_what_follows_the_first_colon() {
        let header = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
        assert_eq!(password(&header("anybody:a:token")).as_deref(), Some("a:token"));
        assert_eq!(password(&header(":token")).as_deref(), Some("token"));
        for broken in ["", "Basic", "Basic !", "Bearer YTpi", &header("no colon")] {
            assert_eq!(password(broken), None, "{broken}");
        }
    }
}
