//! Who gets to a page: the session in the cookie, the right that the page needs, and for a form its token and where it was
//! sent from.
use std::net::IpAddr;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use subtle::ConstantTimeEq as _;
use url::{Url, form_urlencoded};

use super::route::{Form, Needs};
use super::{AppState, cookie, shell};
use crate::actions::admins::sessions::{self, Session};
use crate::actions::{ActionError, Actor};
use crate::messages::Language;
use crate::model::Right;
use crate::web::LARGEST_BODY;
use crate::web::error::WebError;
use crate::web::guards::Client;
use crate::web::language::Lang;
use crate::web::pages::admin::ForbiddenPage;

/// What a form must carry; also the header of what is no form.
const FORM_TOKEN: &str = "form_token";
const FORM_TOKEN_HEADER: &str = "x-form-token";

/// Somebody on one of the admins' pages: signed in, or on the way there.
#[derive(Debug, Clone)]
pub(in crate::web) struct Visitor {
    pub(in crate::web) session: Option<Session>,
    pub(in crate::web) form_token: String,
    pub(in crate::web) origin: IpAddr,
    pub(in crate::web) language: Language,
    /// The path of the page.
    pub(in crate::web) path: String,
}

/// An admin who is signed in, and has the right that the page needs.
#[derive(Debug, Clone)]
pub(in crate::web) struct SignedIn {
    pub(in crate::web) session: Session,
    pub(in crate::web) visitor: Visitor,
}

impl SignedIn {
    pub(in crate::web) fn actor(&self) -> Actor {
        Actor::admin(self.session.admin, &self.session.name, self.visitor.origin)
    }

    /// The same, with a reason that had to be typed.
    pub(super) fn because(&self, why: &str) -> Result<Actor, ActionError> {
        let why = why.trim();
        if why.is_empty() || why.len() > 1_000 || why.contains('\0') {
            return Err(ActionError::Refused("say why, in at most 1,000 characters: it is recorded".into()));
        }
        Ok(self.actor().because(why))
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, StatusCode> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        let session = visitor.session.clone().filter(|session| !session.waits);
        Ok(Self { session: session.ok_or(StatusCode::INTERNAL_SERVER_ERROR)?, visitor })
    }
}

/// Stands before every page.
pub(super) async fn pass(
    State((state, needs, form)): State<(AppState, Needs, Form)>,
    lang: Lang,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(Client(origin)) = Client::from_request_parts(&mut parts, &state).await;
    let session = match cookie::session(&state, &parts.headers) {
        Some(token) => match sessions::look(&state.service, &token).await {
            Ok(session) => session,
            Err(error) => return shell::failed(lang.get(), &WebError::from(error)),
        },
        None => None,
    };
    let mut new_cookie = None;
    let form_token = match &session {
        Some(session) if needs != Needs::Nobody => session.form_token.clone(),
        _ => {
            let kept = cookie::form(&state, &parts.headers);
            let secret = kept.unwrap_or_else(|| {
                let secret = BASE64_URL_SAFE_NO_PAD.encode(state.service.clock().random_bytes::<16>());
                new_cookie = cookie::of_form(&state, &secret);
                secret
            });
            sessions::form_token_of(&state.service, &secret)
        }
    };
    let path = parts.uri.path().to_owned();
    let visitor = Visitor { session, form_token, origin, language: lang.get(), path };
    if let Some(refused) = refused(needs, &visitor, &parts) {
        return refused;
    }
    let body = if parts.method == Method::POST && form == Form::WithFile {
        if !is_from_here(&state, &parts.headers) {
            return forbidden(&visitor, None);
        }
        body
    } else if parts.method == Method::POST {
        match form_of_ours(&state, &visitor, &parts.headers, body).await {
            Some(body) => body,
            None => return forbidden(&visitor, None),
        }
    } else {
        body
    };
    parts.extensions.insert(visitor);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let headers = response.headers_mut();
    if let Some(new_cookie) = new_cookie {
        headers.append(header::SET_COOKIE, new_cookie);
    }
    response
}

/// Why a visitor does not come to a page, if so.
fn refused(needs: Needs, visitor: &Visitor, parts: &Parts) -> Option<Response> {
    match (needs, &visitor.session) {
        (Needs::Nobody, _) => None,
        (Needs::SecondFactor, Some(session)) => (!session.waits).then(|| Redirect::to("/admin").into_response()),
        (_, Some(session)) if session.waits => Some(led_to("/admin/second-factor", parts)),
        (Needs::Right(right), Some(session)) if !session.role.may(right) => Some(forbidden(visitor, Some(right))),
        (_, Some(_)) => None,
        (_, None) => Some(led_to("/admin/sign-in", parts)),
    }
}

/// Leads to where one signs in, and back afterwards; after a form, to the first page.
fn led_to(page: &str, parts: &Parts) -> Response {
    let back = parts.uri.path_and_query().filter(|_| parts.method != Method::POST);
    let back = back.map_or("/admin", |back| back.as_str());
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", back).finish();
    Redirect::to(&format!("{page}?{query}")).into_response()
}

fn forbidden(visitor: &Visitor, right: Option<Right>) -> Response {
    let page = ForbiddenPage { right: right.map(Right::as_str) };
    shell::page_for(visitor, StatusCode::FORBIDDEN, &page, None)
}

/// The body of a form that was sent from one of our pages and carries their token; else nothing.
async fn form_of_ours(state: &AppState, visitor: &Visitor, headers: &HeaderMap, body: Body) -> Option<Body> {
    if !is_from_here(state, headers) {
        return None;
    }
    let octets = axum::body::to_bytes(body, LARGEST_BODY).await.ok()?;
    let in_header = headers.get(FORM_TOKEN_HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let in_form =
        || form_urlencoded::parse(&octets).find(|(name, _)| name == FORM_TOKEN).map(|(_, value)| value.into_owned());
    let given = in_header.or_else(in_form)?;
    let same = bool::from(given.as_bytes().ct_eq(visitor.form_token.as_bytes()));
    same.then(|| Body::from(octets))
}

/// What a browser says of where a form was sent from. Our own pages are at the public address, or at the address that the
/// request itself names: another site can have neither.
fn is_from_here(state: &AppState, headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(origin) = text(header::ORIGIN) {
        let ours = Url::parse(state.service.public_url()).map(|url| url.origin().ascii_serialization());
        let host = text(header::HOST).unwrap_or_default();
        let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
        return ours.as_deref() == Ok(origin) || (!host.is_empty() && authority == host);
    }
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    site.is_none_or(|site| matches!(site, "same-origin" | "none"))
}
