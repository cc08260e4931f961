//! What an admin does for one reader, from the reader's page: forms that are carried out once, however often they are sent.
use axum::extract::{Form, Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::AppState;
use super::gate::SignedIn;
use super::readers::{page_of, reader_path};
use super::route::{Needs, Route};
use super::shell;
use crate::actions::once::{self, Begun};
use crate::actions::readers::steer::{self, Asked, Deed};
use crate::actions::readers::story::{Chapter, Story};
use crate::actions::{ActionError, Actor};
use crate::model::{EnrollmentState, Right, SeriesSlug, StepKey};
use crate::web::pages::admin::Notice;
use crate::web::pages::readers::{AddressDeeds, Pick};

/// What is typed to erase a reader.
const ERASE: &str = "erase";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/admin/readers/{reader}", Needs::Right(Right::Operate), act),
        Route::post("/admin/readers/{reader}/export", Needs::Right(Right::Export), export),
        Route::post("/admin/readers/{reader}/erase", Needs::Right(Right::Erase), erase),
    ]
}

/// What is done, in which series, with which part, and why.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    deed: String,
    series: String,
    step: String,
    why: String,
    /// What has to be typed.
    confirm: String,
    /// Names the page that the form was on.
    request: String,
}

async fn act(
    State(state): State<AppState>,
    by: SignedIn,
    Path(reader): Path<String>,
    Form(wanted): Form<Wanted>,
) -> Response {
    let Some(deed) = Deed::ALL.into_iter().find(|deed| deed.word() == wanted.deed) else {
        return say(&state, &by, &reader, "Choose what to do.").await;
    };
    let asked = Asked { deed, series: SeriesSlug::parse(&wanted.series).ok(), step: StepKey::parse(&wanted.step).ok() };
    let done = done_once(&state, &by, &reader, &wanted, async |by: Actor| {
        steer::steer(&state.service, &reader, &asked, &by).await
    });
    match done.await {
        Ok(()) => shell::done(&reader_path(&reader), "reader-done"),
        Err(error) => refused(&state, &by, &reader, error).await,
    }
}

async fn export(
    State(state): State<AppState>,
    by: SignedIn,
    Path(reader): Path<String>,
    Form(wanted): Form<Wanted>,
) -> Response {
    match steer::export(&state.service, &reader, &by.actor().because(wanted.why.trim())).await {
        Ok(all) => {
            let kind = HeaderValue::from_static("application/json");
            let name = HeaderValue::from_static("attachment; filename=\"reader-data.json\"");
            let text = serde_json::to_string_pretty(&all).expect("plain texts and times are JSON");
            ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], text).into_response()
        }
        Err(error) => refused(&state, &by, &reader, error).await,
    }
}

async fn erase(
    State(state): State<AppState>,
    by: SignedIn,
    Path(reader): Path<String>,
    Form(wanted): Form<Wanted>,
) -> Response {
    if !wanted.confirm.trim().eq_ignore_ascii_case(ERASE) {
        return say(&state, &by, &reader, "Nothing was erased: type the word erase to say that you mean it.").await;
    }
    let done =
        done_once(&state, &by, &reader, &wanted, async |by: Actor| steer::erase(&state.service, &reader, &by).await);
    match done.await {
        Ok(()) => shell::done(&reader_path(&reader), "reader-done"),
        Err(error) => refused(&state, &by, &reader, error).await,
    }
}

/// A second press of the same form does nothing and is answered like the first.
async fn done_once(
    state: &AppState,
    by: &SignedIn,
    reader: &str,
    wanted: &Wanted,
    carry_out: impl AsyncFnOnce(Actor) -> Result<(), ActionError>,
) -> Result<(), ActionError> {
    let actor = by.actor().because(wanted.why.trim());
    if wanted.request.is_empty() {
        return carry_out(actor).await;
    }
    let Wanted { deed, series, step, why, .. } = wanted;
    let what = [reader, deed, series, step, why].join("\n");
    let admin = by.session.admin.as_bytes();
    let call = match once::begin(&state.service, admin, &wanted.request, what.as_bytes()).await? {
        Begun::Now(call) => call,
        Begun::Before(_) => return Ok(()),
        Begun::UnderWay => return Err(ActionError::Refused("This is done at this moment: look again soon.".into())),
        Begun::Otherwise => {
            let text = "This page has been used for something else: here it is anew, choose once more.";
            return Err(ActionError::Refused(text.into()));
        }
    };
    let done = carry_out(actor.under(Some(call))).await;
    once::release_unless_done(&state.service, &call).await;
    done
}

async fn say(state: &AppState, by: &SignedIn, reader: &str, text: &str) -> Response {
    page_of(state, by, reader, Some(Notice { text: text.to_owned(), problem: true })).await
}

async fn refused(state: &AppState, by: &SignedIn, reader: &str, error: ActionError) -> Response {
    match shell::refusal(by.visitor.language, error) {
        Ok(notice) => page_of(state, by, reader, Some(notice)).await,
        Err(error) => shell::failed(by.visitor.language, &error),
    }
}

/// What can be done in a series, in its state.
pub(super) fn of_chapter(chapter: &Chapter) -> Vec<Pick> {
    let state = chapter.state;
    let fits = |deed: &Deed| match deed {
        Deed::SendNext | Deed::Resend | Deed::Pause => state == EnrollmentState::Active,
        Deed::Move => state.is_going_on(),
        Deed::Resume => state == EnrollmentState::Paused,
        Deed::Unsubscribe => state.is_open(),
        Deed::Suppress | Deed::Unsuppress => false,
    };
    Deed::ALL.into_iter().filter(fits).map(pick).collect()
}

/// What can be done to the address, by whoever looks.
pub(super) fn of_address(story: &Story, reader: &str, by: &SignedIn) -> AddressDeeds {
    let may = |right: Right, path: String| by.session.role.may(right).then_some(path);
    let deed = if story.suppression.is_some() { Deed::Unsuppress } else { Deed::Suppress };
    AddressDeeds {
        deed: pick(deed),
        export_path: may(Right::Export, format!("{}/export", reader_path(reader))),
        erase_path: may(Right::Erase, format!("{}/erase", reader_path(reader))),
    }
}

fn pick(deed: Deed) -> Pick {
    let text = match deed {
        Deed::SendNext => "Send the next part now",
        Deed::Resend => "Send a part again that has been sent, or was left out",
        Deed::Move => "Move on to a later part: it takes the place of the next one, and those between are left out",
        Deed::Pause => "Pause the series",
        Deed::Resume => "Resume the series",
        Deed::Unsubscribe => "Unsubscribe: the series ends, as behind the link in each part",
        Deed::Suppress => "Suppress the address: nothing is ever sent to it again",
        Deed::Unsuppress => "Lift the suppression: the address may sign up again",
    };
    Pick { value: deed.word().into(), text: text.into(), chosen: false }
}
