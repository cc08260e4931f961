//! The reader's own page: what came, what comes and when, and what whoever has the link may change.
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, Timelike as _};
use serde::Deserialize;

use super::{AppState, calendar_file, private, unlisted};
use crate::actions::ActionError;
use crate::actions::manage::change::{self, Done};
use crate::actions::manage::{self, Calendar, PartState, address, fresh, parts};
use crate::actions::voices::helpful::Text;
use crate::content::PartPage;
use crate::links::Purpose;
use crate::model::{EnrollmentState, StepKey, Window, Zone, parse_time};
use crate::web::language::Lang;
use crate::web::pages::{
    Choice, FreshSentPage, ManagePage, ManageState, ReadPartPage, Said, Source, TimelinePart, When, ZoneGroup,
};

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/manage/{token}", get(show))
        .route("/manage/{token}/pause", post(press_pause))
        .route("/manage/{token}/resume", post(press_resume))
        .route("/manage/{token}/now", post(press_now))
        .route("/manage/{token}/clock", post(press_clock))
        .route("/manage/{token}/spacing", post(press_spacing))
        .route("/manage/{token}/stay", post(press_stay))
        .route("/manage/{token}/fresh-link", post(press_fresh_link))
        .route("/manage/{token}/calendar.ics", get(calendar_of))
        .route("/manage/{token}/parts/{step}", get(read_part))
        .route("/manage/{token}/parts/{step}/{proof}", get(read_mail))
}

/// What the page before has to say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Before {
    #[serde(default)]
    said: String,
}

impl Before {
    pub(super) fn said(&self) -> Option<Said> {
        Said::parse(&self.said)
    }
}

async fn show(
    State(state): State<AppState>,
    lang: Lang,
    Path(token): Path<String>,
    Query(before): Query<Before>,
) -> Response {
    let view = manage::look(&state.service, &token, lang.chosen()).await;
    private(lang, view, |view| manage_page(&view, &token, before.said()).render(lang.or(view.language)))
}

async fn press_pause(State(state): State<AppState>, lang: Lang, Path(token): Path<String>, body: Bytes) -> Response {
    let until = match field(&body, "until").as_str() {
        "" => None,
        text => match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Ok(date) => Some(date),
            Err(_) => return after(lang, &manage_path(&token), Ok(Done::Refused), Said::Saved, Said::Date),
        },
    };
    let done = change::pause(&state.service, &token, until).await;
    after(lang, &manage_path(&token), done, Said::Saved, Said::Date)
}

async fn press_resume(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    let done = change::resume(&state.service, &token).await;
    after(lang, &manage_path(&token), done, Said::Saved, Said::Choice)
}

async fn press_now(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    let done = change::hurry(&state.service, &token).await;
    after(lang, &manage_path(&token), done, Said::Hurried, Said::Choice)
}

async fn press_clock(State(state): State<AppState>, lang: Lang, Path(token): Path<String>, body: Bytes) -> Response {
    let hour = match field(&body, "hour").as_str() {
        "" => Ok(None),
        text => parse_time(text).map(Some),
    };
    let done = match (Zone::parse(&field(&body, "zone")), hour) {
        (Ok(zone), Ok(hour)) => change::set_clock(&state.service, &token, zone, hour).await,
        _ => Ok(Done::Refused),
    };
    after(lang, &manage_path(&token), done, Said::Saved, Said::Choice)
}

async fn press_spacing(State(state): State<AppState>, lang: Lang, Path(token): Path<String>, body: Bytes) -> Response {
    let done = match field(&body, "days").as_str() {
        "" => change::set_spacing(&state.service, &token, None).await,
        text => match text.parse() {
            Ok(days) => change::set_spacing(&state.service, &token, Some(days)).await,
            Err(_) => Ok(Done::Refused),
        },
    };
    after(lang, &manage_path(&token), done, Said::Saved, Said::Choice)
}

async fn press_stay(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    let done = address::stay(&state.service, &token).await;
    after(lang, &manage_path(&token), done, Said::Stays, Said::Choice)
}

async fn press_fresh_link(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    let sent = fresh::send_link(&state.service, &token, Purpose::Manage).await;
    private(lang, sent, |language| FreshSentPage {}.render(lang.or(language)))
}

async fn read_part(state: State<AppState>, lang: Lang, Path((token, step)): Path<(String, String)>) -> Response {
    read(state, lang, &token, &step, None).await
}

/// "View in the browser": the link of the mail itself.
async fn read_mail(
    state: State<AppState>,
    lang: Lang,
    Path((token, step, proof)): Path<(String, String, String)>,
) -> Response {
    read(state, lang, &token, &step, Some(&proof)).await
}

async fn read(State(state): State<AppState>, lang: Lang, token: &str, step: &str, proof: Option<&str>) -> Response {
    let part = match StepKey::parse(step) {
        Ok(step) => parts::read(&state.service, token, &step, proof, lang.chosen()).await,
        Err(_) => Err(ActionError::NotFound("part")),
    };
    private(lang, part, |part| part_page(part.page, token, &part.helpful).render(lang.or(part.language)))
}

/// A calendar program takes no empty file: without parts to come there is only the page.
async fn calendar_of(State(state): State<AppState>, lang: Lang, Path(token): Path<String>) -> Response {
    let view = match manage::look(&state.service, &token, lang.chosen()).await {
        Ok(view) => view,
        Err(error) => return private(lang, Err::<(), _>(error), |()| String::new()),
    };
    match calendar_file::calendar_file(&view, lang.or(view.language), state.service.clock().real()) {
        None => to(&manage_path(&token)),
        Some(text) => {
            let headers = [
                (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"calendar.ics\""),
            ];
            unlisted((StatusCode::OK, headers, text).into_response())
        }
    }
}

/// A field of a form; empty when it is not there.
pub(super) fn field(body: &[u8], name: &str) -> String {
    let mut fields = url::form_urlencoded::parse(body);
    fields.find(|(known, _)| known == name).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// Back to the page, which says what came of the press.
pub(super) fn after(lang: Lang, path: &str, done: Result<Done, ActionError>, yes: Said, refused: Said) -> Response {
    let said = match done {
        Ok(Done::Yes) => yes,
        Ok(Done::Nothing) => Said::Nothing,
        Ok(Done::Refused) => refused,
        Err(error) => return private(lang, Err::<(), _>(error), |()| String::new()),
    };
    to(&format!("{path}?said={}", said.word()))
}

/// Another page, asked for with GET (RFC 9110 15.4.4): reloading it presses nothing again.
fn to(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    // A path that is no header's value cannot have led here.
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, location);
    unlisted(response)
}

fn manage_path(token: &str) -> String {
    format!("/manage/{}", token.trim())
}

fn manage_page(view: &Calendar, token: &str, said: Option<Said>) -> ManagePage {
    let path = manage_path(token);
    let local = |at| view.zone.local(at);
    let today = local(view.now).date();
    let part = |part: &manage::Part| TimelinePart {
        number: part.number,
        subject: part.subject.clone(),
        when: match part.state {
            PartState::Received(at) => When::Received(at.map(local)),
            PartState::OnItsWay => When::OnItsWay,
            PartState::Next(at) => When::Next(local(at)),
            PartState::Later(at) => When::Later(local(at)),
            PartState::Waits => When::Waits,
            PartState::Unclear => When::Unclear,
            PartState::Refused => When::Refused,
            PartState::LeftOut => When::LeftOut,
            PartState::NotComing => When::NotComing,
        },
        read_at: matches!(part.state, PartState::Received(_) | PartState::Unclear)
            .then(|| format!("{path}/parts/{}", part.step)),
    };
    ManagePage {
        series_title: view.series_title.clone(),
        state: match view.state {
            EnrollmentState::Pending => ManageState::Pending,
            EnrollmentState::Active => ManageState::Active,
            EnrollmentState::Paused => ManageState::Paused,
            _ if view.is_elsewhere => ManageState::Elsewhere,
            _ => ManageState::Ended,
        },
        may_move: view.may_move,
        series_paused: view.series_paused,
        paused_until: view.paused_until.map(|at| local(at).date()),
        said,
        zone: view.zone.to_string(),
        parts: view.parts.iter().map(part).collect(),
        may_hurry: view.may_hurry,
        pause_days: (today + Days::new(1), today + Days::new(366)),
        zones: zones(view.zone),
        hours: hours(view.window, view.hour.0),
        series_hour: clock(view.hour.1),
        spacings: view.spacings.iter().map(|days| (*days, view.spacing == Some(*days))).collect(),
        unsubscribe_to: view.unsubscribe_path.clone(),
        path,
    }
}

fn part_page(part: PartPage, token: &str, helpful: &Text) -> ReadPartPage {
    let source = |one: crate::content::Source| Source { publisher: one.publisher, title: one.title, url: one.url };
    ReadPartPage {
        series_title: part.series_title,
        title: part.title,
        text_language: part.language,
        number: part.number,
        parts: part.parts,
        html: part.html,
        sources: part.sources.into_iter().map(source).collect(),
        review_line: part.review_line,
        sponsor: part.sponsor,
        back_to: manage_path(token),
        helpful: helpful.path(),
    }
}

/// The zones of the world by region, the reader's own chosen. What lies in no region is another name for a zone that does,
/// and left out, unless it is the reader's.
fn zones(own: Zone) -> Vec<ZoneGroup> {
    const REGIONS: [&str; 10] =
        ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];
    let choice = |name: &str, label: &str| Choice {
        value: name.to_owned(),
        label: label.replace('_', " "),
        selected: name == own.name(),
    };
    let of_region = |region: &&str| {
        let zones = Zone::names().filter_map(|name| Some(choice(name, name.strip_prefix(region)?.strip_prefix('/')?)));
        ZoneGroup { region: (*region).to_owned(), zones: zones.collect() }
    };
    let mut groups: Vec<ZoneGroup> = REGIONS.iter().map(of_region).collect();
    let mut others = vec![choice("UTC", "UTC")];
    if own.name() != "UTC" && groups.iter().all(|group| group.zones.iter().all(|zone| !zone.selected)) {
        others.push(choice(own.name(), own.name()));
    }
    groups.push(ZoneGroup { region: "UTC".to_owned(), zones: others });
    groups
}

/// The whole hours in the window, and the reader's own if it is none of them.
fn hours(window: Window, own: Option<NaiveTime>) -> Vec<Choice> {
    let whole = (0..24).filter_map(|hour| NaiveTime::from_hms_opt(hour, 0, 0)).filter(|hour| window.contains(*hour));
    let mut hours: Vec<NaiveTime> = whole.chain(own).collect();
    hours.sort_by_key(|hour| (*hour - window.from).num_seconds().rem_euclid(TimeDelta::days(1).num_seconds()));
    hours.dedup();
    let choice = |hour: NaiveTime| Choice {
        value: hour.format("%H:%M").to_string(),
        label: clock(hour),
        selected: own == Some(hour),
    };
    hours.into_iter().map(choice).collect()
}

/// `9:00`
fn clock(time: NaiveTime) -> String {
    format!("{}:{:02}", time.hour(), time.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_of_the_world_can_be_chosen_and_the_readers_own_is() {
        let chosen = |name: &str| {
            let groups = zones(Zone::parse(name).unwrap());
            let all: Vec<Choice> = groups.into_iter().flat_map(|group| group.zones).collect();
            assert!(all.len() > 350 && all.iter().all(|zone| Zone::parse(&zone.value).is_ok()));
            let chosen: Vec<String> = all.into_iter().filter(|zone| zone.selected).map(|zone| zone.label).collect();
            chosen.join(", ")
        };
        assert_eq!(chosen("America/New_York"), "New York");
        assert_eq!(chosen("America/Argentina/Buenos_Aires"), "Argentina/Buenos Aires");
        assert_eq!(chosen("UTC"), "UTC");
        assert_eq!(chosen("US/Eastern"), "US/Eastern");
    }

    #[test]
    fn the_hours_are_those_of_the_window_in_its_order() {
        let time = |text: &str| parse_time(text).unwrap();
        let shown = |from, to, own: Option<&str>| {
            let hours = hours(Window { from: time(from), to: time(to) }, own.map(time));
            hours
                .iter()
                .map(|hour| format!("{}{}", hour.label, if hour.selected { "!" } else { "" }))
                .collect::<Vec<_>>()
        };
        assert_eq!(shown("08:00", "11:00", Some("09:30")), ["8:00", "9:00", "9:30!", "10:00"]);
        assert_eq!(shown("22:30", "02:00", Some("00:00")), ["23:00", "0:00!", "1:00"]);
        assert_eq!(shown("00:00", "00:00", None).len(), 24);
    }

    #[test]
    fn a_field_is_found_once_and_trimmed() {
        assert_eq!(field(b"zone=Europe%2FBerlin+&zone=UTC", "zone"), "Europe/Berlin");
        assert_eq!(field(b"zone=UTC", "hour"), "");
    }
}
