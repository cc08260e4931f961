//! Who may get in, and as what.
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::gate::SignedIn;
use super::route::{Needs, Route};
use super::shell::{self, minute};
use super::{AppState, Said};
use crate::actions::ActionError;
use crate::actions::admins::links::Invited;
use crate::actions::admins::{self, Admin, links, second_factor};
use crate::actions::once::Done;
use crate::model::{EmailAddress, Right, Role};
use crate::web::error::WebError;
use crate::web::pages::admin::{Notice, PeoplePage, PersonRow, RoleOption};

const HERE: &str = "/admin/people";
const NEEDS: Needs = Needs::Right(Right::People);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(HERE, NEEDS, show).in_nav("admin-nav-people"),
        Route::post(HERE, NEEDS, invite),
        Route::post("/admin/people/{id}/role", NEEDS, set_role),
        Route::post("/admin/people/{id}/link", NEEDS, make_link),
        Route::post("/admin/people/{id}/disable", NEEDS, disable),
        Route::post("/admin/people/{id}/enable", NEEDS, enable),
        Route::post("/admin/people/{id}/second-factor/off", NEEDS, reset_second_factor),
    ]
}

async fn show(State(state): State<AppState>, by: SignedIn, Query(said): Query<Said>) -> Response {
    let notice = shell::said(by.visitor.language, said.said.as_deref());
    people(&state, &by, notice, None).await
}

async fn people(state: &AppState, by: &SignedIn, notice: Option<Notice>, link: Option<String>) -> Response {
    match admins::list(&state.service).await {
        Ok(list) => {
            let people = list.into_iter().map(|admin| row(by, admin)).collect();
            shell::page(by, &PeoplePage { people, roles: roles(Role::Viewer), link }, notice)
        }
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

fn row(by: &SignedIn, admin: Admin) -> PersonRow {
    PersonRow {
        id: admin.id.to_string(),
        roles: roles(admin.role),
        role: admin.role.as_str(),
        second_factor: admin.second_factor_at.is_some(),
        signed_in: admin.signed_in_at.map(minute),
        disabled: admin.disabled_at.is_some(),
        own: admin.id == by.session.admin,
        name: admin.name,
        address: admin.address,
    }
}

fn roles(selected: Role) -> Vec<RoleOption> {
    Role::ALL.iter().map(|role| RoleOption { word: role.as_str(), selected: *role == selected }).collect()
}

#[derive(Deserialize)]
struct Invitation {
    #[serde(default)]
    name: String,
    #[serde(default)]
    address: String,
    #[serde(default)]
    role: String,
}

/// The link is shown here and goes out by mail: an installation that cannot send yet must be able to let somebody in.
async fn invite(State(state): State<AppState>, by: SignedIn, Form(form): Form<Invitation>) -> Response {
    let made = async {
        let refused = |text: String| ActionError::Refused(text.trim_end_matches('.').to_owned());
        let address = EmailAddress::parse(&form.address).map_err(|error| refused(error.to_string()))?;
        let role: Role = form.role.parse().map_err(|error: crate::model::UnknownWord| refused(error.to_string()))?;
        links::create_and_invite(&state.service, &address, &form.name, role, &by.actor()).await
    };
    match made.await {
        Ok(Invited { link, .. }) => {
            let notice = shell::said(by.visitor.language, Some("people-invited"));
            people(&state, &by, notice, Some(link)).await
        }
        Err(error) => refused(&state, &by, error).await,
    }
}

#[derive(Deserialize)]
struct RoleForm {
    #[serde(default)]
    role: String,
}

async fn set_role(
    State(state): State<AppState>,
    by: SignedIn,
    Path(id): Path<Uuid>,
    Form(form): Form<RoleForm>,
) -> Response {
    let role = form.role.parse::<Role>().map_err(|error| ActionError::Refused(error.to_string()));
    let set = match role {
        Ok(role) => admins::set_role(&state.service, id, role, &by.actor()).await,
        Err(error) => Err(error),
    };
    changed(&state, &by, set).await
}

async fn make_link(State(state): State<AppState>, by: SignedIn, Path(id): Path<Uuid>) -> Response {
    match links::invite(&state.service, id, &by.actor()).await {
        Ok(Invited { link, .. }) => people(&state, &by, None, Some(link)).await,
        Err(error) => refused(&state, &by, error).await,
    }
}

async fn disable(State(state): State<AppState>, by: SignedIn, Path(id): Path<Uuid>) -> Response {
    let done = admins::disable(&state.service, id, &by.actor()).await;
    changed(&state, &by, done).await
}

async fn enable(State(state): State<AppState>, by: SignedIn, Path(id): Path<Uuid>) -> Response {
    let done = admins::enable(&state.service, id, &by.actor()).await;
    changed(&state, &by, done).await
}

async fn reset_second_factor(State(state): State<AppState>, by: SignedIn, Path(id): Path<Uuid>) -> Response {
    let done = second_factor::reset(&state.service, id, &by.actor()).await;
    changed(&state, &by, done).await
}

async fn changed(state: &AppState, by: &SignedIn, done: Result<Done, ActionError>) -> Response {
    match done {
        Ok(_) => shell::done(HERE, "people-changed"),
        Err(error) => refused(state, by, error).await,
    }
}

async fn refused(state: &AppState, by: &SignedIn, error: ActionError) -> Response {
    match shell::refusal(by.visitor.language, error) {
        Ok(notice) => people(state, by, Some(notice), None).await,
        Err(error) => shell::failed(by.visitor.language, &error),
    }
}
