//! How each series does, and whether everything lives; told anew while somebody looks.
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::{Stream, stream};

use super::gate::SignedIn;
use super::route::{Needs, Route};
use super::{AppState, embed, series, shell};
use crate::actions::dashboard::{self, Account, Coming, Day, Figures, Stage};
use crate::actions::health;
use crate::content::Series;
use crate::messages::Language;
use crate::model::Right;
use crate::web::error::WebError;
use crate::web::pages::dashboard::{
    AccountView, Chart, Live, NodeView, OverviewPage, RelayView, SeriesView, StageView,
};

const LIVE: &str = "/admin/live";
/// How often the page is told anew, and how many times in one connection: whoever goes on looking connects again, and the
/// session is looked at again.
const EVERY: Duration = Duration::from_secs(5);
const TIMES: u32 = 60;

pub(super) fn routes() -> Vec<Route> {
    let needs = Needs::Right(Right::Figures);
    vec![Route::get("/admin", needs, show).in_nav("admin-nav-overview"), Route::get(LIVE, needs, news)]
}

async fn show(State(state): State<AppState>, by: SignedIn) -> Response {
    match live(&state).await {
        Ok(live) => shell::page(&by, &OverviewPage { live, live_path: LIVE }, None),
        Err(error) => shell::failed(by.visitor.language, &error),
    }
}

/// Server-sent events (WHATWG HTML 9.2): the live part of the page, in full each time.
async fn news(State(state): State<AppState>, by: SignedIn) -> Response {
    Sse::new(parts(state, by.visitor.language)).into_response()
}

fn parts(state: AppState, language: Language) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((state, TIMES), move |(state, left)| async move {
        // The first at once: the page may come from before a pause of the connection.
        if left < TIMES {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = state.stopping.cancelled() => return None,
            }
        }
        let left = left.checked_sub(1)?;
        // A database that is away for a moment is no reason to hang up.
        let event = match live(&state).await {
            Ok(live) => Event::default().event("figures").data(live.render(language)),
            Err(_) => Event::default().comment("not now"),
        };
        Some((Ok(event), (state, left)))
    })
}

async fn live(state: &AppState) -> Result<Live, WebError> {
    let service = &state.service;
    let health = health::health(service).await?;
    let mut series = Vec::new();
    for one in service.library().series.values() {
        let figures = dashboard::look(service, &one.slug).await?;
        let paused = dashboard::is_paused(service, &one.slug).await?;
        series.push(series_view(one, &figures, paused));
    }
    let nodes = health.nodes.iter().map(|node| NodeView {
        id: node.id.simple().to_string()[..8].to_owned(),
        role: node.role.clone(),
        alive: node.alive,
        started: shell::minute(node.started_at),
        seen: node.seen_at.format("%H:%M:%S").to_string(),
        holds: node.holds,
    });
    let relays = dashboard::relays(service).await?;
    Ok(Live {
        overdue: health.overdue,
        nobody_dispatches: health.dispatchers() == 0,
        series,
        nodes: nodes.collect(),
        relays: relays.into_iter().map(|one| RelayView { name: one.relay, taken: one.taken }).collect(),
    })
}

fn series_view(series: &Series, figures: &Figures, paused: bool) -> SeriesView {
    let signed_up = figures.funnel.first().map_or(0, |(_, count)| *count);
    let minutes = |day: &Day| day.late.map_or(0, whole_minutes);
    SeriesView {
        title: series.title.clone(),
        article_path: format!("/articles/{}", series.slug),
        series_path: series::path(&series.slug),
        embed_path: embed::path(&series.slug),
        figures_path: series.survey.is_some().then(|| format!("/admin/survey/{}", series.slug)),
        paused,
        is_new: figures.books.is_empty(),
        as_of: figures.as_of.format("%Y-%m-%d %H:%M:%S").to_string(),
        funnel: figures.funnel.iter().map(|(stage, count)| stage_view(*stage, *count, signed_up)).collect(),
        books: figures.books.iter().map(account_view).collect(),
        total: total(&figures.books),
        delivered: Chart::new(figures.days.iter().map(|day| (day.day.to_string(), day.accepted))),
        lateness: Chart::new(figures.days.iter().map(|day| (day.day.to_string(), minutes(day)))),
        next_hour: figures.next_hour,
        coming: Chart::new(figures.coming.iter().map(|Coming { day, count }| (day.to_string(), *count))),
    }
}

/// Rounded up, so that what is late at all is seen.
fn whole_minutes(seconds: f64) -> i64 {
    // A lateness is far below what an i64 holds.
    #[expect(clippy::cast_possible_truncation)]
    let minutes = (seconds / 60.0).ceil() as i64;
    minutes
}

fn stage_view(stage: Stage, count: i64, signed_up: i64) -> StageView {
    let (stage, part) = match stage {
        Stage::SignedUp => ("live-signed-up", None),
        Stage::Confirmed => ("live-confirmed", None),
        Stage::Received(part) => ("live-part", Some(part)),
        Stage::Completed => ("live-completed", None),
    };
    StageView { stage, part, count, percent: (count * 100).checked_div(signed_up).unwrap_or(0) }
}

fn account_view(account: &Account) -> AccountView {
    let reasons = account.skipped.iter().map(|(reason, count)| format!("{} {count}", reason.replace('_', " ")));
    AccountView {
        part: account.part,
        kind: kind_message(&account.kind),
        step: account.step.clone(),
        repeats: account.repeats,
        due: account.due(),
        accepted: account.accepted,
        rejected: account.rejected,
        uncertain: account.uncertain,
        waiting: account.waiting,
        skipped: account.skipped.values().sum(),
        reasons: reasons.collect::<Vec<_>>().join(", "),
        later: account.later,
    }
}

/// The message that names a kind of mail, which is no step.
fn kind_message(kind: &str) -> &'static str {
    match kind {
        "confirmation" => "kind-confirmation",
        "reminder" => "kind-reminder",
        "already_signed_up" => "kind-already-signed-up",
        "fresh_link" => "kind-fresh-link",
        "move" => "kind-move",
        "moved" => "kind-moved",
        _ => "kind-correction",
    }
}

fn total(books: &[Account]) -> AccountView {
    let sum = |of: &dyn Fn(&Account) -> i64| books.iter().map(of).sum();
    AccountView {
        due: sum(&Account::due),
        accepted: sum(&|one| one.accepted),
        rejected: sum(&|one| one.rejected),
        uncertain: sum(&|one| one.uncertain),
        waiting: sum(&|one| one.waiting),
        skipped: sum(&|one| one.skipped.values().sum()),
        later: sum(&|one| one.later),
        ..AccountView::default()
    }
}
