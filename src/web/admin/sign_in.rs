//! The pages that lead to a session, and out of it.
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::gate::{SignedIn, Visitor};
use super::route::{Needs, Route};
use super::{AppState, cookie, shell};
use crate::actions::ActionError;
use crate::actions::admins::links;
use crate::actions::admins::password::{ChangeError, PasswordFault};
use crate::actions::admins::sessions::{self, Begun};
use crate::actions::admins::sign_in::{self, Refused};
use crate::messages::{self, Language, Values};
use crate::web::error::WebError;
use crate::web::pages::admin::{
    ChoosePasswordPage, ForgotPage, ForgotSentPage, LinkGonePage, SecondFactorPage, SignInPage,
};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/admin/sign-in", Needs::Nobody, show),
        Route::post("/admin/sign-in", Needs::Nobody, sign_in),
        Route::get("/admin/second-factor", Needs::SecondFactor, show_second_factor),
        Route::post("/admin/second-factor", Needs::SecondFactor, second_factor),
        Route::post("/admin/sign-out", Needs::SignedIn, sign_out),
        Route::get("/admin/forgot", Needs::Nobody, show_forgot),
        Route::post("/admin/forgot", Needs::Nobody, forgot),
        Route::get("/admin/password/{token}", Needs::Nobody, show_choice),
        Route::post("/admin/password/{token}", Needs::Nobody, choose),
    ]
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
    said: Option<String>,
}

async fn show(State(state): State<AppState>, visitor: Visitor, Query(query): Query<Next>) -> Response {
    let notice = shell::said(visitor.language, query.said.as_deref());
    let (address, provider) = (String::new(), provider(&state));
    let page = SignInPage { address, next: inside(&query.next), problem: None, provider };
    shell::page_for(&visitor, StatusCode::OK, &page, notice)
}

#[derive(Deserialize)]
struct Credentials {
    #[serde(default)]
    address: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

async fn sign_in(
    State(state): State<AppState>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<Credentials>,
) -> Response {
    let device = cookie::device(&state, &headers);
    let (service, device, before) = (&state.service, device.as_deref(), visitor.session.as_ref());
    let begun = sign_in::sign_in(service, &form.address, &form.password, device, before, visitor.origin).await;
    match begun {
        Ok(begun) => signed_in(&state, visitor.language, begun, &form.next).await,
        Err(refused) => again(&visitor, refused, "sign-in-wrong", |problem| SignInPage {
            address: form.address,
            next: inside(&form.next),
            problem,
            provider: provider(&state),
        }),
    }
}

/// What the button for an identity provider calls it, if there is one.
fn provider(state: &AppState) -> Option<String> {
    state.provider.as_ref().map(|provider| provider.label().to_owned())
}

async fn show_second_factor(visitor: Visitor, Query(query): Query<Next>) -> Response {
    let page = SecondFactorPage { next: inside(&query.next), problem: None };
    shell::page_for(&visitor, StatusCode::OK, &page, None)
}

#[derive(Deserialize)]
struct Code {
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

async fn second_factor(
    State(state): State<AppState>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<Code>,
) -> Response {
    // The gate lets in nobody without one.
    let Some(session) = &visitor.session else { return Redirect::to("/admin/sign-in").into_response() };
    let device = cookie::device(&state, &headers);
    let begun = sign_in::second_factor(&state.service, session, &form.code, device.as_deref(), visitor.origin).await;
    match begun {
        Ok(begun) => signed_in(&state, visitor.language, begun, &form.next).await,
        Err(refused) => again(&visitor, refused, "second-factor-wrong", |problem| SecondFactorPage {
            next: inside(&form.next),
            problem,
        }),
    }
}

/// On to the second factor, or to where somebody wanted to go.
pub(super) async fn signed_in(state: &AppState, language: Language, begun: Begun, next: &str) -> Response {
    let session = cookie::of_session(state, &begun.token);
    let next = inside(next);
    if begun.waits {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", &next).finish();
        let mut response = Redirect::to(&format!("/admin/second-factor?{query}")).into_response();
        shell::add_cookies(response.headers_mut(), [session]);
        return response;
    }
    let device = match sign_in::device_token(&state.service, begun.admin).await {
        Ok(token) => cookie::of_device(state, &token),
        Err(error) => return shell::failed(language, &WebError::from(error)),
    };
    let mut response = Redirect::to(&next).into_response();
    shell::add_cookies(response.headers_mut(), [session, device]);
    response
}

/// The same page with what was wrong.
fn again<P: crate::web::pages::admin::AdminPage>(
    visitor: &Visitor,
    refused: Refused,
    wrong: &str,
    page: impl FnOnce(Option<String>) -> P,
) -> Response {
    match refused {
        Refused::Wrong => {
            let problem = messages::text(visitor.language, wrong);
            shell::page_for(visitor, StatusCode::UNPROCESSABLE_ENTITY, &page(Some(problem)), None)
        }
        Refused::Wait(span) => {
            let seconds = span.num_seconds() + 1;
            let problem = messages::filled(visitor.language, "sign-in-wait", &Values::new().with("seconds", seconds));
            let mut response = shell::page_for(visitor, StatusCode::TOO_MANY_REQUESTS, &page(Some(problem)), None);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
        // The session that waited has ended meanwhile.
        Refused::Failed(ActionError::Refused(_)) => Redirect::to("/admin/sign-in").into_response(),
        Refused::Failed(error) => shell::failed(visitor.language, &WebError::from(error)),
    }
}

async fn sign_out(State(state): State<AppState>, by: SignedIn) -> Response {
    match sessions::end(&state.service, by.session.id, &by.actor()).await {
        // It may just have ended elsewhere.
        Ok(()) | Err(ActionError::NotFound(_)) => {}
        Err(error) => return shell::failed(by.visitor.language, &WebError::from(error)),
    }
    let mut response = Redirect::to("/admin/sign-in").into_response();
    shell::add_cookies(response.headers_mut(), [cookie::no_session(&state)]);
    response
}

async fn show_forgot(visitor: Visitor) -> Response {
    shell::page_for(&visitor, StatusCode::OK, &ForgotPage {}, None)
}

#[derive(Deserialize)]
struct Address {
    #[serde(default)]
    address: String,
}

async fn forgot(State(state): State<AppState>, visitor: Visitor, Form(form): Form<Address>) -> Response {
    match links::ask(&state.service, &form.address, visitor.origin).await {
        Ok(()) => shell::page_for(&visitor, StatusCode::OK, &ForgotSentPage {}, None),
        Err(error) => shell::failed(visitor.language, &WebError::from(error)),
    }
}

async fn show_choice(State(state): State<AppState>, visitor: Visitor, Path(token): Path<String>) -> Response {
    choice(&state, &visitor, &token, None).await
}

#[derive(Deserialize)]
struct NewPassword {
    #[serde(default)]
    new: String,
}

async fn choose(
    State(state): State<AppState>,
    visitor: Visitor,
    Path(token): Path<String>,
    Form(form): Form<NewPassword>,
) -> Response {
    match links::choose(&state.service, &token, &form.new, visitor.origin).await {
        Ok(Some(admin)) => {
            let mut response = shell::done("/admin/sign-in", "choose-done");
            // Whoever has the mail is known here from now on, also while others try the account.
            if let Ok(device) = sign_in::device_token(&state.service, admin.id).await {
                shell::add_cookies(response.headers_mut(), [cookie::of_device(&state, &device)]);
            }
            response
        }
        Ok(None) => shell::page_for(&visitor, StatusCode::NOT_FOUND, &LinkGonePage {}, None),
        Err(ChangeError::Fault(fault)) => choice(&state, &visitor, &token, Some(fault)).await,
        Err(ChangeError::Failed(error)) => shell::failed(visitor.language, &WebError::from(error)),
        Err(ChangeError::Wrong) => shell::failed(visitor.language, &WebError::Internal),
    }
}

async fn choice(state: &AppState, visitor: &Visitor, token: &str, fault: Option<PasswordFault>) -> Response {
    match links::look(&state.service, token).await {
        Ok(Some(admin)) => {
            let page = ChoosePasswordPage {
                name: admin.name,
                address: admin.address,
                post_to: visitor.path.clone(),
                problem: fault.map(|fault| messages::text(visitor.language, fault_message(fault))),
            };
            let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
            shell::page_for(visitor, status, &page, None)
        }
        Ok(None) => shell::page_for(visitor, StatusCode::NOT_FOUND, &LinkGonePage {}, None),
        Err(error) => shell::failed(visitor.language, &WebError::from(error)),
    }
}

pub(super) fn fault_message(fault: PasswordFault) -> &'static str {
    match fault {
        PasswordFault::TooShort => "password-too-short",
        PasswordFault::TooLong => "password-too-long",
        PasswordFault::Guessable => "password-guessable",
    }
}

/// A path of the admins' pages; what leads anywhere else leads to the first of them.
pub(super) fn inside(next: &str) -> String {
    let is_inside = next == "/admin" || next.starts_with("/admin/") || next.starts_with("/admin?");
    let is_plain = next.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'\\');
    if is_inside && is_plain { next.to_owned() } else { "/admin".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_one_comes_to_one_of_our_pages() {
        for same in ["/admin", "/admin/audit?who=Ada&action=sign+in", "/admin?lang=es"] {
            assert_eq!(inside(same), same);
        }
        for other in
            ["", "/", "//example.org", "/administrator", "https://example.org/admin", "/admin/\\x", "/admin/\r\nx"]
        {
            assert_eq!(inside(other), "/admin", "{other}");
        }
    }
}
