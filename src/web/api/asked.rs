//! What a call brings along, taken apart: what is wrong with it is said in problem details.
use std::fmt;
use std::marker::PhantomData;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use chrono::NaiveDate;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::once::Once;
use crate::actions::Actor;
use crate::model::{ConditionKey, EmailAddress, Language, SeriesSlug, StepKey, is_of_our_time};
use crate::web::AppState;
use crate::web::caller::May;
use crate::web::error::{Problem, WebError};

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let wrong = match Json::<Object<T>>::from_request(request, state).await {
            Ok(Json(Object(body))) => return Ok(Self(body)),
            Err(JsonRejection::JsonDataError(error)) => WebError::BadRequest(error.body_text()),
            Err(JsonRejection::JsonSyntaxError(_)) => WebError::BadRequest("The body is not JSON.".into()),
            Err(JsonRejection::MissingJsonContentType(_)) => WebError::UnsupportedMedia,
            Err(other) if other.status() == StatusCode::PAYLOAD_TOO_LARGE => WebError::TooLarge,
            Err(_) => WebError::BadRequest("The body could not be read.".into()),
        };
        Err(Problem(wrong))
    }
}

/// What is written as an object. A struct alone could be read from a list of its fields, too, which no caller means.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(OfObject(PhantomData)).map(Self)
    }
}

struct OfObject<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OfObject<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// The body of a call that changes something: what is to be done, and who does it, and why.
pub(super) trait Reasoned {
    fn who(&self) -> Option<&str>;
    fn why(&self) -> &str;
}

/// Such a body, with what it says of itself.
pub(super) struct Change<T>(pub(super) T, pub(super) Cause);

/// Whom a program says that it acts for, why, and under which key.
pub(super) struct Cause {
    who: Option<String>,
    why: String,
    once: Option<Once>,
}

impl Cause {
    /// Who acts, with all of that.
    pub(super) fn of<R>(self, by: &May<R>) -> Actor {
        let by = by.actor().because(self.why).under(self.once.map(|once| once.0));
        if let Some(who) = self.who { by.acting_for(&who) } else { by }
    }
}

impl<T: DeserializeOwned + Reasoned> FromRequest<AppState> for Change<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let once = request.extensions().get::<Once>().copied();
        let Body(body) = Body::<T>::from_request(request, state).await?;
        let cause = Cause { once, ..cause(body.who().unwrap_or_default(), body.why())? };
        Ok(Self(body, cause))
    }
}

/// Who acts and why, as a body or a form says it.
pub(super) fn cause(who: &str, why: &str) -> Result<Cause, Problem> {
    let why = why.trim();
    if why.is_empty() {
        return Err(invalid("why", "say why: it is recorded"));
    }
    let who = Some(who.trim()).filter(|who| !who.is_empty());
    if who.is_some_and(|who| who.len() > 200) || why.len() > 1_000 {
        return Err(invalid("why", "at most 1,000 characters, and 200 for `who`"));
    }
    if [who.unwrap_or_default(), why].iter().any(|text| text.contains('\0')) {
        return Err(invalid("why", "no null characters, which cannot be stored"));
    }
    Ok(Cause { who: who.map(str::to_owned), why: why.to_owned(), once: None })
}

/// A query.
pub(super) struct Ask<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Ask<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(error) => Err(Problem(WebError::BadRequest(error.body_text()))),
        }
    }
}

/// The part of the path that names something.
pub(super) struct Of(pub(super) String);

impl FromRequestParts<AppState> for Of {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let path: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        match path {
            Ok(Path(text)) => Ok(Self(text)),
            Err(_) => Err(Problem(WebError::BadRequest("The path is not UTF-8.".into()))),
        }
    }
}

pub(super) fn invalid(field: &'static str, message: &str) -> Problem {
    Problem(WebError::Invalid(vec![(field, message.to_owned())]))
}

/// A text that is looked for, if one is given. No text that is stored has a null character.
pub(super) fn given(field: &'static str, text: Option<String>) -> Result<Option<String>, Problem> {
    match text {
        Some(text) if text.contains('\0') => Err(invalid(field, "no null characters")),
        text => Ok(text.filter(|text| !text.trim().is_empty())),
    }
}

/// A number of a query that has bounds.
pub(super) fn within(field: &'static str, given: Option<i64>, least: u16, most: u16) -> Result<Option<u16>, Problem> {
    let Some(given) = given else { return Ok(None) };
    let fits = u16::try_from(given).ok().filter(|number| (least..=most).contains(number));
    fits.map(Some).ok_or_else(|| invalid(field, &format!("a number from {least} to {most}")))
}

/// How long a page may be.
pub(super) fn limit(given: Option<i64>) -> Result<Option<u32>, Problem> {
    Ok(within("limit", given, 1, 500)?.map(u32::from))
}

pub(super) fn word<T: std::str::FromStr<Err = crate::model::UnknownWord>>(
    field: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse().map_err(|error: crate::model::UnknownWord| invalid(field, &error.to_string())))
        .transpose()
}

pub(super) fn address(field: &'static str, text: &str) -> Result<EmailAddress, Problem> {
    EmailAddress::parse(text).map_err(|error| invalid(field, &error.to_string()))
}

pub(super) fn slug(text: &str) -> Result<SeriesSlug, Problem> {
    SeriesSlug::parse(text).map_err(|error| invalid("series", &error.to_string()))
}

pub(super) fn step(text: &str) -> Result<StepKey, Problem> {
    StepKey::parse(text).map_err(|error| invalid("step", &error.to_string()))
}

pub(super) fn condition(text: &str) -> Result<ConditionKey, Problem> {
    ConditionKey::parse(text).map_err(|error| invalid("condition", &error.to_string()))
}

pub(super) fn language(tag: Option<&str>) -> Result<Option<Language>, Problem> {
    tag.map(|tag| Language::parse(tag).ok_or_else(|| invalid("language", "`en` or `es`"))).transpose()
}

/// A day that can be.
pub(super) fn day(field: &'static str, given: Option<NaiveDate>) -> Result<Option<NaiveDate>, Problem> {
    match given {
        Some(day) if !is_of_our_time(day) => Err(invalid(field, "a day from 1900-01-01 to 9999-12-31")),
        day => Ok(day),
    }
}
