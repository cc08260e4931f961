//! The table of the admins' pages: each with its method, its path, what it needs, and what it is called in the navigation.
//! A test walks through all of it with every role, and with none.
use std::sync::LazyLock;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware;
use axum::routing::{MethodRouter, get, post};

use super::{AppState, gate};
use crate::actions::admins::sessions::Session;
use crate::messages::{self, Language};
use crate::model::{Right, Role};
use crate::web::pages::admin::NavLink;
use crate::web::upload;

/// Who may see a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Everybody: the pages that lead to a session.
    Nobody,
    /// A session that waits for the second factor.
    SecondFactor,
    /// Anybody who is signed in.
    SignedIn,
    /// An admin whose role has this right.
    Right(Right),
}

impl Needs {
    pub fn is_met_by(self, role: Role) -> bool {
        match self {
            Self::Nobody | Self::SignedIn => true,
            Self::SecondFactor => false,
            Self::Right(right) => role.may(right),
        }
    }
}

/// A page, or what a form of one does.
pub(super) struct Route {
    method: Method,
    path: &'static str,
    needs: Needs,
    handler: MethodRouter<AppState>,
    label: Option<&'static str>,
    form: Form,
}

/// Who looks for the token in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The gate, before the page hears of it.
    Short,
    /// The page itself, before it takes anything else in: the form has a file that is not held in memory.
    WithFile,
}

impl Route {
    pub(super) fn get<H: Handler<T, AppState>, T: 'static>(path: &'static str, needs: Needs, handler: H) -> Self {
        Self { method: Method::GET, path, needs, handler: get(handler), label: None, form: Form::Short }
    }

    pub(super) fn post<H: Handler<T, AppState>, T: 'static>(path: &'static str, needs: Needs, handler: H) -> Self {
        Self { method: Method::POST, path, needs, handler: post(handler), label: None, form: Form::Short }
    }

    /// A form with a file, whose handler reads it with [`crate::web::upload::read`].
    pub(super) fn upload<H: Handler<T, AppState>, T: 'static>(path: &'static str, needs: Needs, handler: H) -> Self {
        Self { method: Method::POST, path, needs, handler: post(handler), label: None, form: Form::WithFile }
    }

    /// Puts it into the navigation of those who may see it. `label` is a message.
    pub(super) fn in_nav(self, label: &'static str) -> Self {
        Self { label: Some(label), ..self }
    }
}

/// A line of the table.
#[derive(Debug, Clone)]
pub struct Declared {
    pub method: Method,
    pub path: &'static str,
    pub needs: Needs,
    label: Option<&'static str>,
}

static DECLARED: LazyLock<Vec<Declared>> = LazyLock::new(|| {
    let declared = |route: Route| {
        let Route { method, path, needs, label, .. } = route;
        Declared { method, path, needs, label }
    };
    super::routes().into_iter().map(declared).collect()
});

/// The whole table.
pub fn declared() -> &'static [Declared] {
    &DECLARED
}

pub(in crate::web) fn router(state: &AppState) -> Router<AppState> {
    super::routes().into_iter().fold(Router::new(), |router, route| {
        let handler = match route.form {
            Form::Short => route.handler,
            Form::WithFile => route.handler.layer(upload::limit(state)),
        };
        let gate = middleware::from_fn_with_state((state.clone(), route.needs, route.form), gate::pass);
        router.route(route.path, handler.route_layer(gate))
    })
}

/// What an admin may see, in the order of the table.
pub(super) fn nav(session: &Session, here: &str, language: Language) -> Vec<NavLink> {
    let seen = DECLARED.iter().filter(|one| one.needs.is_met_by(session.role));
    let link = |one: &Declared| {
        let label = messages::text(language, one.label?);
        // A page below another belongs to it; all are below the first.
        let below = one.path != "/admin" && here.strip_prefix(one.path).is_some_and(|rest| rest.starts_with('/'));
        Some(NavLink { path: one.path, label, here: here == one.path || below })
    };
    seen.filter_map(link).collect()
}
