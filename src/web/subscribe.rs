//! The sign-up form, as HTML and as JSON.
use std::sync::{Arc, LazyLock};

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::AppState;
use super::embed;
use super::error::{Problem, WebError};
use super::guards::{Client, ConsentBody, bearer, field_fault, later as why_later, once_more, problem};
use super::language::Lang;
use super::public::{article, error_page, failed, html};
use crate::actions::Service;
use crate::actions::guards::{self, Refusal, Stopped, Visitor};
use crate::actions::sign_up::SignUp;
use crate::content::Series;
use crate::messages::{self, Language};
use crate::model::{AddressError, ConditionKey, EmailAddress, SeriesSlug, Zone};
use crate::web::pages::{CheckInboxPage, ErrorPage, Frame};

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
    /// The form's token.
    #[serde(default)]
    pub(super) token: String,
    /// The proof of work, under the name that ALTCHA's widget gives it.
    #[serde(default)]
    altcha: String,
    /// A field that no person sees.
    #[serde(default)]
    reader_remark: String,
    /// What a publisher's server says of its reader's consent.
    consent: Option<ConsentBody>,
}

/// What is wrong with it, by field.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) email: Option<String>,
    pub(super) condition: Option<String>,
    /// Nothing is wrong with what was typed, and it could not be written all the same.
    pub(super) passing: Option<String>,
}

pub(super) async fn subscribe(
    State(state): State<AppState>,
    lang: Lang,
    client: Client,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/x-www-form-urlencoded" => from_form(&state, lang, client, &body).await,
        "application/json" => from_json(&state, lang, client, bearer(&headers), &body).await,
        _ => error_page(lang.get(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "error-media"),
    }
}

async fn from_form(state: &AppState, lang: Lang, client: Client, body: &[u8]) -> Response {
    let typed: Typed = form_fields(body);
    let language = typed.language(lang);
    let service = &state.service;
    let Some(series) = series_of(state, &typed, language) else {
        return error_page(language, StatusCode::NOT_FOUND, "error-no-series");
    };
    Form { service, series: &series, language, typed: &typed, frame: None }.answer(client).await
}

/// The page is the same for all, and what a busy service answers most.
static CHECK_INBOX: LazyLock<[String; 2]> = LazyLock::new(|| {
    Language::ALL.map(|language| CheckInboxPage { again_path: "/#sign-up".into() }.render_in(language, None))
});

/// A form that came in, and where it stood.
pub(super) struct Form<'a> {
    pub(super) service: &'a Service,
    pub(super) series: &'a Series,
    pub(super) language: Language,
    pub(super) typed: &'a Typed,
    /// Nothing on our own site.
    pub(super) frame: Option<&'a Frame>,
}

impl Form<'_> {
    /// Signs up, or shows the form again with all that was typed.
    pub(super) async fn answer(&self, client: Client) -> Response {
        let Self { service, series, language, typed, .. } = *self;
        if typed.is_trapped(service, client) {
            return self.check_inbox();
        }
        let channel = if self.frame.is_some() { "embed" } else { "form" };
        let request = match checked(series, typed, language, channel) {
            Ok(request) => request,
            Err(faults) => return self.again(StatusCode::UNPROCESSABLE_ENTITY, &faults),
        };
        if let Err(refusal) = guards::look_at_form(service, &typed.token, series.slug.as_str(), client.0) {
            return self.refused(refusal);
        }
        let visitor = Visitor::Anybody { from: client.0, proof: &typed.altcha };
        match guards::sign_up(service, visitor, request).await {
            Ok(()) => self.check_inbox(),
            Err(Stopped::Refused(refusal)) => self.refused(refusal),
            Err(Stopped::Failed(error)) => match WebError::from(error) {
                error if error.retry_after().is_some() => self.later(&error, messages::text(language, error.message())),
                error => self.failed(&error),
            },
        }
    }

    fn check_inbox(&self) -> Response {
        match self.frame {
            None => (StatusCode::OK, Html(CHECK_INBOX[self.language as usize].as_str())).into_response(),
            Some(frame) => {
                let page = CheckInboxPage { again_path: frame.path.clone() };
                html(StatusCode::OK, page.render_in(self.language, Some(frame)))
            }
        }
    }

    fn again(&self, status: StatusCode, faults: &Faults) -> Response {
        let page = match self.frame {
            None => article(self.service, self.series, self.language, self.typed, faults).render(self.language),
            Some(frame) => embed::again(self, frame, faults),
        };
        html(status, page)
    }

    /// Pressing the button is all that is left to do, in a while.
    fn later(&self, error: &WebError, why: String) -> Response {
        let mut response = self.again(error.status(), &Faults { passing: Some(why), ..Faults::default() });
        if let Some(seconds) = error.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }

    fn refused(&self, refusal: Refusal) -> Response {
        if refusal.passes() {
            let error = problem(self.service, refusal);
            return self.later(&error, why_later(self.service, self.language, refusal));
        }
        match field_fault(self.language, refusal) {
            Some(fault) => {
                let faults = Faults { email: Some(fault), ..Faults::default() };
                self.again(StatusCode::UNPROCESSABLE_ENTITY, &faults)
            }
            None => once_more(self.service, self.series, self.language, self.typed, refusal, self.frame),
        }
    }

    fn failed(&self, error: &WebError) -> Response {
        let Some(frame) = self.frame else { return failed(self.language, error) };
        let [title, detail] = ["error-wrong", error.message()].map(|key| messages::text(self.language, key));
        let page = ErrorPage { status: error.status().as_u16(), title, detail };
        html(error.status(), page.render_in(self.language, Some(frame)))
    }
}

async fn from_json(state: &AppState, lang: Lang, client: Client, bearer: Option<&str>, body: &[u8]) -> Response {
    let Ok(typed) = serde_json::from_slice::<Typed>(body) else {
        let text = "The body must be a JSON object with email, condition and, if known, timezone and language.";
        return Problem(WebError::BadRequest(text.into())).into_response();
    };
    let signed_up = match bearer {
        Some(token) => of_publisher(state, lang, token, &typed).await,
        None if typed.is_trapped(&state.service, client) => Ok(()),
        None => of_program(state, lang, client, &typed).await,
    };
    match signed_up {
        Ok(()) => (StatusCode::ACCEPTED, Json(json!({ "status": "check your inbox" }))).into_response(),
        Err(error) => Problem(error).into_response(),
    }
}

/// A program meets the same guards as a form.
async fn of_program(state: &AppState, lang: Lang, client: Client, typed: &Typed) -> Result<(), WebError> {
    let service = &state.service;
    let request = named(state, lang, typed, "api")?;
    let refused = |refusal| problem(service, refusal);
    guards::look_at_form(service, &typed.token, request.series.as_str(), client.0).map_err(refused)?;
    let visitor = Visitor::Anybody { from: client.0, proof: &typed.altcha };
    guards::sign_up(service, visitor, request).await.map_err(|stopped| stopped_by(service, stopped))
}

/// A publisher's server has looked at its readers itself, and says what they agreed to.
async fn of_publisher(state: &AppState, lang: Lang, token: &str, typed: &Typed) -> Result<(), WebError> {
    let service = &state.service;
    let publisher = guards::tokens::publisher(service, token).await?.ok_or(WebError::UnknownToken)?;
    let mut request = named(state, lang, typed, "publisher")?;
    let consent = typed.consent.as_ref().ok_or_else(|| {
        let text = "What the reader agreed to: privacy_version, terms_version, at, and page or channel.";
        WebError::Invalid(vec![("consent", text.to_owned())])
    })?;
    request.publisher = Some(consent.checked(publisher, service.clock().real()).map_err(WebError::Invalid)?);
    guards::sign_up(service, Visitor::Publisher, request).await.map_err(|stopped| stopped_by(service, stopped))
}

fn stopped_by(service: &Service, stopped: Stopped) -> WebError {
    match stopped {
        Stopped::Refused(refusal) => problem(service, refusal),
        Stopped::Failed(error) => error.into(),
    }
}

/// A program's sign-up with its series, checked.
fn named(state: &AppState, lang: Lang, typed: &Typed, channel: &'static str) -> Result<SignUp, WebError> {
    let language = typed.language(lang);
    let no_series = || WebError::NotFound("There is no such series.".into());
    let series = series_of(state, typed, language).ok_or_else(no_series)?;
    checked(&series, typed, language, channel).map_err(|faults| {
        let fields = [("email", faults.email), ("condition", faults.condition)];
        WebError::Invalid(fields.into_iter().filter_map(|(field, fault)| Some((field, fault?))).collect())
    })
}

impl Typed {
    pub(super) fn language(&self, lang: Lang) -> Language {
        Language::parse(&self.language).unwrap_or_else(|| lang.get())
    }

    /// The answer is then the usual one: who fills that field in learns nothing.
    fn is_trapped(&self, service: &Service, client: Client) -> bool {
        !self.reader_remark.is_empty() && guards::refuse(service, Refusal::Trap, Some(client.0)).is_err()
    }
}

/// A form's fields; a name that is given twice takes the first, as a browser's form has each once.
pub(super) fn form_fields(body: &[u8]) -> Typed {
    let mut typed = Typed::default();
    let mut seen = std::collections::HashSet::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        let field = match name.as_ref() {
            "series" => &mut typed.series,
            "email" => &mut typed.email,
            "condition" => &mut typed.condition,
            "timezone" => &mut typed.timezone,
            "language" => &mut typed.language,
            "token" => &mut typed.token,
            "altcha" => &mut typed.altcha,
            "reader_remark" => &mut typed.reader_remark,
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
            publisher: None,
        }),
        (address, condition) => Err(Faults {
            email: address.err().map(|error| messages::text(language, address_fault(error))),
            condition: condition.is_none().then(|| messages::text(language, "sign-up-no-condition")),
            passing: None,
        }),
    }
}

/// The message about it.
pub(super) fn address_fault(error: AddressError) -> &'static str {
    match error {
        AddressError::Empty => "address-empty",
        AddressError::TooLong => "address-too-long",
        AddressError::ControlCharacter => "address-control",
        AddressError::Syntax => "address-syntax",
        AddressError::Domain => "address-domain",
    }
}
