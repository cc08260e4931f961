//! One error for all handlers. Causes are logged, never shown; an API caller gets problem details (RFC 9457).
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::actions::ActionError;
use crate::links::LinkError;
use crate::messages::{self, Language};
use crate::model::Right;

/// Why a request was not carried out, in words that may be shown.
#[derive(Debug)]
pub enum WebError {
    /// The bearer token is missing or wrong.
    Unauthorised,
    /// The token is good, and not for this.
    Forbidden(Right),
    NotFound(String),
    /// A link of a mail is none of ours.
    Link(LinkError),
    /// It may not be done, or not now; the text says what to do instead.
    Conflict(String),
    /// A field is wrong: its name, and what to do.
    Invalid(Vec<(&'static str, String)>),
    BadRequest(String),
    MethodNotAllowed,
    TooLarge,
    /// A file of readers has more octets than may come over the web.
    TooLargeFile(u64),
    /// It is not announced as what it should be.
    UnsupportedMedia,
    /// The same call is being made at this moment.
    UnderWay,
    /// The database is away, or full: nothing was written.
    Unavailable,
    /// There is more to do than can be done just now: nothing was written.
    Busy,
    /// A publisher's token is none of ours.
    UnknownToken,
    /// So many sign-ups are not let in within an hour: what to do, and when it is over.
    TooMany {
        text: String,
        seconds: u64,
    },
    Internal,
}

impl WebError {
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorised | Self::UnknownToken => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::NotFound(_) | Self::Link(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) | Self::UnderWay => StatusCode::CONFLICT,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge | Self::TooLargeFile(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unavailable | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// When to try again, in seconds, for what passes by itself.
    pub fn retry_after(&self) -> Option<HeaderValue> {
        match self {
            Self::Busy | Self::UnderWay => Some(HeaderValue::from_static("5")),
            Self::Unavailable => Some(HeaderValue::from_static("60")),
            Self::TooMany { seconds, .. } => Some(HeaderValue::from(*seconds)),
            _ => None,
        }
    }

    /// What a page says of it: the key of a message.
    pub fn message(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "error-gone",
            Self::Link(LinkError::Malformed) => "error-link-incomplete",
            Self::Link(LinkError::BadSignature) => "error-link-altered",
            Self::Link(LinkError::WrongPurpose) => "error-link-other",
            Self::Conflict(_)
            | Self::Invalid(_)
            | Self::BadRequest(_)
            | Self::MethodNotAllowed
            | Self::TooLarge
            | Self::TooLargeFile(_)
            | Self::UnsupportedMedia
            | Self::UnderWay
            | Self::Unauthorised
            | Self::Forbidden(_)
            | Self::UnknownToken => "error-refused",
            Self::Unavailable => "error-unavailable",
            Self::Busy | Self::TooMany { .. } => "error-busy",
            Self::Internal => "error-internal",
        }
    }

    /// What the API says of it.
    pub fn detail(&self) -> String {
        match self {
            Self::Unauthorised => {
                "Send a token of the admins' page, or the configuration's: Authorization: Bearer …".into()
            }
            Self::Forbidden(right) => format!("This token does not have the right `{right}`."),
            Self::UnknownToken => {
                "This token is none of ours, or was revoked: `regimen token create` makes one.".into()
            }
            Self::NotFound(text) | Self::Conflict(text) | Self::BadRequest(text) | Self::TooMany { text, .. } => {
                text.clone()
            }
            Self::MethodNotAllowed => "This address does not take that method: see Allow.".into(),
            Self::TooLarge => "The body may have 32 KiB.".into(),
            Self::TooLargeFile(most) => format!(
                "A file may have {} MB here (admin.import_megabytes): cut it in two, or use `regimen import`, which takes any.",
                most / 1_000_000
            ),
            Self::UnsupportedMedia => {
                "Send JSON, with Content-Type: application/json; a file as multipart/form-data.".into()
            }
            Self::UnderWay => "The same call is under way: ask for its answer with the same key in a moment.".into(),
            Self::Link(error) => format!("This link does not work: {error}."),
            Self::Invalid(_) => "Some fields need another value.".into(),
            Self::Unavailable | Self::Busy | Self::Internal => messages::text(Language::English, self.message()),
        }
    }
}

impl From<ActionError> for WebError {
    fn from(error: ActionError) -> Self {
        match error {
            // A second press does it.
            undone if undone.was_undone() => Self::Busy,
            ActionError::NotFound(what) => Self::NotFound(format!("There is no such {what}.")),
            ActionError::Busy => Self::Busy,
            ActionError::Refused(why) => Self::Conflict(why),
            ActionError::Cursor => Self::Invalid(vec![("after", "the `next` of the page before".into())]),
            ActionError::Link(error) => Self::Link(error),
            ActionError::Database(error) => Self::from(error),
            ActionError::Seal(error) => {
                tracing::error!(%error, "a condition could not be opened");
                Self::Internal
            }
            ActionError::Render(error) => {
                tracing::error!(%error, "a page or mail could not be rendered");
                Self::Internal
            }
        }
    }
}

impl From<sqlx::Error> for WebError {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the database refused");
        match &error {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => {
                Self::Unavailable
            }
            // Classes 08 (connection), 53 (disk full, too many connections), 57 (shutdown).
            sqlx::Error::Database(inner) if inner.code().is_some_and(|code| is_passing(&code)) => Self::Unavailable,
            _ => Self::Internal,
        }
    }
}

fn is_passing(code: &str) -> bool {
    ["08", "53", "57", "25006"].iter().any(|class| code.starts_with(class))
}

/// Problem details (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// What the status means.
    title: &'static str,
    status: u16,
    /// What to do.
    detail: String,
    /// The fields that need another value, if that is what is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldFault>,
}

/// What is wrong with a field.
#[derive(Serialize, ToSchema)]
pub struct FieldFault {
    field: &'static str,
    message: String,
}

/// An answer for API callers.
pub struct Problem(pub WebError);

impl<E: Into<WebError>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.0.status();
        let faults = if let WebError::Invalid(fields) = &self.0 { fields.as_slice() } else { &[] };
        let fault = |(field, message): &(&'static str, String)| FieldFault { field, message: message.clone() };
        let body = ProblemBody {
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: self.0.detail(),
            errors: faults.iter().map(fault).collect(),
        };
        let mut response = (status, Json(body)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.0.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}
