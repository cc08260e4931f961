//! The guards on a sign-up as a form and a program meet them. What a reader may do about a refusal is always said, and
//! nothing that was typed is lost. The rules are in `actions::guards`.
mod client;
mod publisher;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::AppState;
use super::error::{Problem, WebError};
use crate::actions::Service;
use crate::actions::guards::{self, ProofFault, Refusal, Stopped, TokenFault};
use crate::content::Series;
use crate::messages::{self, Language, Values};
use crate::model::SeriesSlug;
use crate::web::pages::{Frame, GuardFields, OnceMorePage};
use crate::web::public::html;
use crate::web::subscribe::Typed;
pub(super) use client::Client;
pub(super) use publisher::{ConsentBody, bearer};

/// Where a browser fetches its arithmetic.
const CHALLENGE: &str = "/subscribe/challenge";

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/subscribe/token", get(token)).route(CHALLENGE, get(challenge))
}

/// What a form must carry when it is shown now. `given` is the token that came in, if it is shown again.
pub(super) fn fields(service: &Service, series: &SeriesSlug, given: &str) -> GuardFields {
    GuardFields {
        token: guards::form_token(service, given, series.as_str()),
        challenge: service.settings().guards.proof.required.then_some(CHALLENGE),
    }
}

/// The page with all that was typed and one button: what came was no faulty form, only not one that we had just shown.
pub(super) fn once_more(
    service: &Service,
    series: &Series,
    language: Language,
    typed: &Typed,
    refusal: Refusal,
    frame: Option<&Frame>,
) -> Response {
    let article = format!("/articles/{}#sign-up", series.slug);
    let page = OnceMorePage {
        why: messages::text(language, why_once_more(refusal)),
        post_to: frame.map_or("/subscribe", |frame| &frame.path).to_owned(),
        again_path: frame.map_or(article, |frame| frame.path.clone()),
        series_slug: series.slug.to_string(),
        series_title: series.title.clone(),
        // Both were checked before.
        email: typed.email.clone(),
        condition: typed.condition.clone(),
        condition_name: series
            .conditions
            .iter()
            .find(|one| one.key.as_str() == typed.condition)
            .map_or_else(String::new, |one| one.name.clone()),
        timezone: typed.timezone.chars().filter(|one| !one.is_control()).take(64).collect(),
        language: language.tag().to_owned(),
        guards: fields(service, &series.slug, &typed.token),
    };
    html(StatusCode::UNPROCESSABLE_ENTITY, page.render_in(language, frame))
}

fn why_once_more(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Token(TokenFault::TooOld) => "once-more-old",
        Refusal::Token(TokenFault::TooYoung) => "once-more-fast",
        Refusal::Proof(_) => "once-more-proof",
        _ => "once-more-elsewhere",
    }
}

/// What a page says of a refusal that passes by itself.
pub(super) fn later(service: &Service, language: Language, refusal: Refusal) -> String {
    let minutes = guards::until_next_window(service).num_minutes() + 1;
    let key = match refusal {
        Refusal::Domain => "guards-domain",
        Refusal::NoScript => "guards-no-script",
        Refusal::Ballots => "guards-ballots",
        _ => "guards-network",
    };
    messages::filled(language, key, &Values::new().with("minutes", minutes))
}

/// What stands beside the address of which nothing else is wrong.
pub(super) fn field_fault(language: Language, refusal: Refusal) -> Option<String> {
    match refusal {
        Refusal::Disposable => Some(messages::text(language, "guards-disposable")),
        Refusal::NoMail => Some(messages::text(language, "guards-no-mail")),
        _ => None,
    }
}

/// When to try again.
fn retry_after(service: &Service) -> u64 {
    u64::try_from(guards::until_next_window(service).num_seconds()).unwrap_or(0) + 1
}

/// Whether a client may use another ballot; else what to tell it.
pub(super) async fn let_vote(service: &Service, client: Client) -> Result<(), WebError> {
    guards::let_vote(service, client.0).await.map_err(|stopped| match stopped {
        Stopped::Refused(refusal) => problem(service, refusal),
        Stopped::Failed(error) => WebError::from(error),
    })
}

/// The same for a program.
pub(super) fn problem(service: &Service, refusal: Refusal) -> WebError {
    match refusal {
        Refusal::Token(fault) => WebError::Invalid(vec![("token", token_text(fault).to_owned())]),
        Refusal::Proof(fault) => WebError::Invalid(vec![("altcha", proof_text(fault).to_owned())]),
        Refusal::Disposable | Refusal::NoMail => {
            WebError::Invalid(vec![("email", field_fault(Language::English, refusal).unwrap_or_default())])
        }
        Refusal::UnknownToken => WebError::UnknownToken,
        _ => WebError::TooMany { text: later(service, Language::English, refusal), seconds: retry_after(service) },
    }
}

fn token_text(fault: TokenFault) -> &'static str {
    match fault {
        TokenFault::Missing => "Get a token from GET /subscribe/token?series=… and send it as `token`.",
        TokenFault::TooYoung => "The token is too new: wait until its `not_before`, then send the same again.",
        TokenFault::TooOld => "The token is too old: get a new one from GET /subscribe/token.",
    }
}

fn proof_text(fault: ProofFault) -> &'static str {
    match fault {
        ProofFault::Wrong => "This is no solution of a challenge of ours: get one from GET /subscribe/challenge.",
        ProofFault::Expired => "The challenge has expired: get a new one from GET /subscribe/challenge.",
        ProofFault::Used => "The challenge was used before: get a new one from GET /subscribe/challenge.",
    }
}

#[derive(Deserialize)]
struct TokenQuery {
    #[serde(default)]
    series: String,
}

/// For programs, and for pages that show a form of their own making.
async fn token(State(state): State<AppState>, Query(query): Query<TokenQuery>) -> Response {
    let library = state.service.library();
    let slug = if query.series.is_empty() {
        library.series.keys().next().cloned()
    } else {
        SeriesSlug::parse(&query.series).ok().filter(|slug| library.series.contains_key(slug))
    };
    let Some(slug) = slug else {
        return Problem(WebError::NotFound("There is no such series.".into())).into_response();
    };
    let (real, settings) = (state.service.clock().real(), &state.service.settings().guards);
    let token = guards::form_token(&state.service, "", slug.as_str());
    Json(json!({
        "token": token,
        "series": slug.as_str(),
        "not_before": real + settings.form_min_age,
        "expires_at": real + settings.form_max_age,
    }))
    .into_response()
}

/// In ALTCHA's format.
async fn challenge(State(state): State<AppState>) -> Response {
    match guards::new_challenge(&state.service) {
        Some(challenge) => Json(challenge).into_response(),
        None => Problem(WebError::NotFound("No proof of work is asked for here.".into())).into_response(),
    }
}
