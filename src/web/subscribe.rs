//! The sign-up form, as HTML and as JSON.
use std::sync::{Arc, LazyLock};

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::AppState;
use super::error::{Problem, WebError};
use super::language::Lang;
use super::public::{article, error_page, failed, html};
use crate::actions::sign_up::{SignUp, sign_up};
use crate::content::Series;
use crate::messages::{self, Language};
use crate::model::{AddressError, ConditionKey, EmailAddress, SeriesSlug, Zone};
use crate::web::pages::CheckInboxPage;

/// What came in, as it was typed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    pub(super) series: String,
    #[serde(default)]
    pub(super) email: String,
    #[serde(default)]
    pub(super) condition: String,
    #[serde(default)]
    pub(super) timezone: String,
    /// The tag of the language that the series is wished in; empty: what the request says.
    #[serde(default)]
    pub(super) language: String,
}

/// What is wrong with it, by field.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) email: Option<String>,
    pub(super) condition: Option<String>,
    /// Nothing is wrong with what was typed, and it could not be written all the same.
    pub(super) passing: Option<String>,
}

pub(super) async fn subscribe(State(state): State<AppState>, lang: Lang, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/x-www-form-urlencoded" => from_form(&state, lang, &body).await,
        "application/json" => from_json(&state, lang, &body).await,
        _ => error_page(lang.get(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "error-media"),
    }
}

async fn from_form(state: &AppState, lang: Lang, body: &[u8]) -> Response {
    let typed: Typed = form_fields(body);
    let language = typed.language(lang);
    let Some(series) = series_of(state, &typed, language) else {
        return error_page(language, StatusCode::NOT_FOUND, "error-no-series");
    };
    match checked(&series, &typed, language, "form") {
        Err(faults) => {
            let page = article(&series, language, &typed, &faults);
            html(StatusCode::UNPROCESSABLE_ENTITY, page.render(language))
        }
        Ok(request) => match sign_up(&state.service, request).await.map_err(WebError::from) {
            Ok(()) => (StatusCode::OK, Html(CHECK_INBOX[language as usize].as_str())).into_response(),
            Err(error) => match error.retry_after() {
                Some(seconds) => try_again(&series, language, &typed, &error, seconds),
                None => failed(language, &error),
            },
        },
    }
}

/// The page is the same for all, and what a busy service answers most.
static CHECK_INBOX: LazyLock<[String; 2]> =
    LazyLock::new(|| Language::ALL.map(|language| CheckInboxPage {}.render(language)));

/// The form again, with all that was typed: pressing the button is all that is left to do.
fn try_again(series: &Series, language: Language, typed: &Typed, error: &WebError, seconds: HeaderValue) -> Response {
    let faults = Faults { passing: Some(messages::text(language, error.message())), ..Faults::default() };
    let mut response = html(error.status(), article(series, language, typed, &faults).render(language));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}

async fn from_json(state: &AppState, lang: Lang, body: &[u8]) -> Response {
    let Ok(typed) = serde_json::from_slice::<Typed>(body) else {
        let text = "The body must be a JSON object with email, condition and, if known, timezone and language.";
        return Problem(WebError::BadRequest(text.into())).into_response();
    };
    let language = typed.language(lang);
    let signed_up = async {
        let no_series = || WebError::NotFound("There is no such series.".into());
        let series = series_of(state, &typed, language).ok_or_else(no_series)?;
        let request = checked(&series, &typed, language, "api").map_err(|faults| {
            let fields = [("email", faults.email), ("condition", faults.condition)];
            WebError::Invalid(fields.into_iter().filter_map(|(field, fault)| Some((field, fault?))).collect())
        })?;
        sign_up(&state.service, request).await.map_err(WebError::from)
    };
    match signed_up.await {
        Ok(()) => (StatusCode::ACCEPTED, Json(json!({ "status": "check your inbox" }))).into_response(),
        Err(error) => Problem(error).into_response(),
    }
}

impl Typed {
    fn language(&self, lang: Lang) -> Language {
        Language::parse(&self.language).unwrap_or_else(|| lang.get())
    }
}

/// A form's fields; a name that is given twice takes the first, as a browser's form has each once.
fn form_fields(body: &[u8]) -> Typed {
    let mut typed = Typed::default();
    let mut seen = std::collections::HashSet::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        let field = match name.as_ref() {
            "series" => &mut typed.series,
            "email" => &mut typed.email,
            "condition" => &mut typed.condition,
            "timezone" => &mut typed.timezone,
            "language" => &mut typed.language,
            _ => continue,
        };
        if seen.insert(name.into_owned()) {
            *field = value.into_owned();
        }
    }
    typed
}

/// The series that was named, or the first one; in the reader's language, if it is there.
fn series_of(state: &AppState, typed: &Typed, language: Language) -> Option<Arc<Series>> {
    let library = state.service.library();
    if typed.series.is_empty() {
        library.series_in(library.series.keys().next()?, language)
    } else {
        library.series_in(&SeriesSlug::parse(&typed.series).ok()?, language)
    }
}

fn checked(series: &Series, typed: &Typed, language: Language, channel: &'static str) -> Result<SignUp, Faults> {
    let address = EmailAddress::parse(&typed.email);
    let condition = ConditionKey::parse(&typed.condition).ok().filter(|key| series.condition(key).is_some());
    match (address, condition) {
        (Ok(address), Some(condition)) => Ok(SignUp {
            series: series.slug.clone(),
            address,
            condition,
            // A zone that we do not know is the browser's fault, not the reader's: the series' own is taken.
            zone: Zone::parse(&typed.timezone).ok(),
            language,
            channel,
        }),
        (address, condition) => Err(Faults {
            email: address.err().map(|error| messages::text(language, address_fault(error))),
            condition: condition.is_none().then(|| messages::text(language, "sign-up-no-condition")),
            passing: None,
        }),
    }
}

fn address_fault(error: AddressError) -> &'static str {
    match error {
        AddressError::Empty => "address-empty",
        AddressError::TooLong => "address-too-long",
        AddressError::ControlCharacter => "address-control",
        AddressError::Syntax => "address-syntax",
        AddressError::Domain => "address-domain",
    }
}
