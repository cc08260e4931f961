//! Who may get in: admins, and programs with their tokens. What is one admin's own, as the password, is on that admin's page
//! alone.
use axum::Json;
use axum::extract::State;
use chrono::TimeDelta;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Answer;
use super::asked::{Change, Of, address, invalid, within, word};
use super::bodies::{InviteAdmin, Items, MakeToken, Reason, SetRole};
use crate::actions::ActionError;
use crate::actions::admins::links::{self, Invited};
use crate::actions::admins::tokens::{self, Made, Token};
use crate::actions::admins::{self, Admin, second_factor};
use crate::actions::once::Done;
use crate::model::{Right, Role};
use crate::web::AppState;
use crate::web::caller::{May, rights};
use crate::web::error::Problem;

pub(super) fn reading() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_admins)).routes(routes!(list_tokens))
}

pub(super) fn changing() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(invite_admin))
        .routes(routes!(set_role))
        .routes(routes!(invite_again))
        .routes(routes!(disable_admin))
        .routes(routes!(enable_admin))
        .routes(routes!(reset_second_factor))
        .routes(routes!(make_token))
        .routes(routes!(revoke_token))
}

/// The link with which somebody chooses a password.
#[derive(Serialize, ToSchema)]
struct Invitation {
    id: Uuid,
    /// It is kept nowhere in the clear: null in an answer that is given again.
    link: Option<String>,
}

impl From<Invited> for Invitation {
    fn from(Invited { id, link }: Invited) -> Self {
        Self { id, link: Some(link) }
    }
}

/// The token of a program.
#[derive(Serialize, ToSchema)]
struct NewToken {
    id: Uuid,
    /// It is kept nowhere in the clear: null in an answer that is given again.
    token: Option<String>,
}

impl From<Made> for NewToken {
    fn from(Made { id, token }: Made) -> Self {
        Self { id, token: Some(token) }
    }
}

/// Who may sign in, and as what
#[utoipa::path(get, path = "/admins", tag = "people",
    responses((status = 200, description = "All of them", body = Items<Admin>)))]
async fn list_admins(State(state): State<AppState>, _may: May<rights::People>) -> Answer<Items<Admin>> {
    Ok(Json(Items { items: admins::list(&state.service).await? }))
}

/// Let somebody in
///
/// A mail with a link goes to them; the link in the answer is another one, for where no mail can be sent yet.
#[utoipa::path(post, path = "/admins", tag = "people", request_body = InviteAdmin,
    responses((status = 200, description = "They choose a password with the link", body = Invitation),
        (status = 409, description = "There is an admin of this address already, or the name is none")))]
async fn invite_admin(
    State(state): State<AppState>,
    by: May<rights::People>,
    Change(body, cause): Change<InviteAdmin>,
) -> Answer<Invitation> {
    let (address, role) = (address("address", &body.address)?, role(&body.role)?);
    let invited = links::create_and_invite(&state.service, &address, &body.name, role, &cause.of(&by)).await?;
    Ok(Json(invited.into()))
}

/// Change what an admin may do
#[utoipa::path(post, path = "/admins/{admin}/role", tag = "people", params(("admin" = Uuid, Path)),
    request_body = SetRole,
    responses((status = 200, description = "It holds from the next page that they open", body = Done),
        (status = 404, description = "There is no such admin"),
        (status = 409, description = "They are the last owner")))]
async fn set_role(
    State(state): State<AppState>,
    by: May<rights::People>,
    Of(of): Of,
    Change(body, cause): Change<SetRole>,
) -> Answer<Done> {
    Ok(Json(admins::set_role(&state.service, admin(&of)?, role(&body.role)?, &cause.of(&by)).await?))
}

/// Send an admin another link to choose a password
#[utoipa::path(post, path = "/admins/{admin}/invite", tag = "people", params(("admin" = Uuid, Path)),
    request_body = Reason,
    responses((status = 200, description = "As for a new one", body = Invitation),
        (status = 404, description = "There is no such admin")))]
async fn invite_again(
    State(state): State<AppState>,
    by: May<rights::People>,
    Of(of): Of,
    Change(_reason, cause): Change<Reason>,
) -> Answer<Invitation> {
    Ok(Json(links::invite(&state.service, admin(&of)?, &cause.of(&by)).await?.into()))
}

/// Let an admin in no more
///
/// They are signed out everywhere, and the tokens that they made are refused.
#[utoipa::path(post, path = "/admins/{admin}/disable", tag = "people", params(("admin" = Uuid, Path)),
    request_body = Reason,
    responses((status = 200, description = "They are disabled", body = Done),
        (status = 404, description = "There is no such admin"),
        (status = 409, description = "They are the last owner, or disabled already")))]
async fn disable_admin(
    State(state): State<AppState>,
    by: May<rights::People>,
    Of(of): Of,
    Change(_reason, cause): Change<Reason>,
) -> Answer<Done> {
    Ok(Json(admins::disable(&state.service, admin(&of)?, &cause.of(&by)).await?))
}

/// Let an admin in again
#[utoipa::path(post, path = "/admins/{admin}/enable", tag = "people", params(("admin" = Uuid, Path)),
    request_body = Reason,
    responses((status = 200, description = "They sign in with the password from before", body = Done),
        (status = 404, description = "There is no such admin"),
        (status = 409, description = "They are not disabled")))]
async fn enable_admin(
    State(state): State<AppState>,
    by: May<rights::People>,
    Of(of): Of,
    Change(_reason, cause): Change<Reason>,
) -> Answer<Done> {
    Ok(Json(admins::enable(&state.service, admin(&of)?, &cause.of(&by)).await?))
}

/// Turn an admin's second factor off
///
/// For one who has lost app and codes: the password alone lets in then.
#[utoipa::path(post, path = "/admins/{admin}/second-factor/off", tag = "people", params(("admin" = Uuid, Path)),
    request_body = Reason,
    responses((status = 200, description = "It is off", body = Done),
        (status = 404, description = "There is no such admin")))]
async fn reset_second_factor(
    State(state): State<AppState>,
    by: May<rights::People>,
    Of(of): Of,
    Change(_reason, cause): Change<Reason>,
) -> Answer<Done> {
    let admin = admins::show(&state.service, admin(&of)?).await?.id;
    Ok(Json(second_factor::reset(&state.service, admin, &cause.of(&by)).await?))
}

/// The tokens of programs, without themselves
#[utoipa::path(get, path = "/tokens", tag = "people",
    responses((status = 200, description = "All of them", body = Items<Token>)))]
async fn list_tokens(State(state): State<AppState>, _may: May<rights::People>) -> Answer<Items<Token>> {
    Ok(Json(Items { items: tokens::list(&state.service).await? }))
}

/// Make a token for a program
#[utoipa::path(post, path = "/tokens", tag = "people", request_body = MakeToken,
    responses((status = 200, description = "The token, which is shown once", body = NewToken),
        (status = 409, description = "The name is taken or none, or no right is named")))]
async fn make_token(
    State(state): State<AppState>,
    by: May<rights::People>,
    Change(body, cause): Change<MakeToken>,
) -> Answer<NewToken> {
    let rights = body.rights.iter().map(|right| right.parse()).collect::<Result<Vec<Right>, _>>();
    let rights = rights.map_err(|error| invalid("rights", &error.to_string()))?;
    let good_for = within("days", body.days, 1, 3650)?.map(|days| TimeDelta::days(days.into()));
    Ok(Json(tokens::make(&state.service, &body.name, &rights, good_for, &cause.of(&by)).await?.into()))
}

/// Refuse a token from now on
#[utoipa::path(post, path = "/tokens/{token}/revoke", tag = "people", params(("token" = Uuid, Path)),
    request_body = Reason,
    responses((status = 200, description = "It is refused", body = Done),
        (status = 404, description = "There is no such token that is still good")))]
async fn revoke_token(
    State(state): State<AppState>,
    by: May<rights::People>,
    Of(of): Of,
    Change(_reason, cause): Change<Reason>,
) -> Answer<Done> {
    let token = of.parse().map_err(|_| ActionError::NotFound("token"))?;
    Ok(Json(tokens::revoke(&state.service, token, &cause.of(&by)).await?))
}

fn admin(id: &str) -> Result<Uuid, ActionError> {
    id.parse().map_err(|_| ActionError::NotFound("admin"))
}

fn role(text: &str) -> Result<Role, Problem> {
    word("role", Some(text))?.ok_or_else(|| invalid("role", "say which"))
}
