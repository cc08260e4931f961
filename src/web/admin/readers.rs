//! Readers: the list with its search, one reader's story, a mail as it was sent. They only show; what is done is in
//! `deeds`.
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::AppState;
use super::gate::SignedIn;
use super::route::{Needs, Route};
use super::{Said, deeds, export, shell};
use crate::actions::manage::{Part, PartState};
use crate::actions::readers::search::{self, Row, Search};
use crate::actions::readers::standing::local;
use crate::actions::readers::steer;
use crate::actions::readers::story::{self, AttemptLine, Chapter, ConsentLine, Event, Mail, Story, What};
use crate::actions::{ActionError, Page};
use crate::model::{EnrollmentState, Format, Right, SeriesSlug, StepKey, Zone, parse_day};
use crate::web::error::WebError;
use crate::web::pages::admin::Notice;
use crate::web::pages::readers::{
    AheadView, Ask, AttemptView, ChapterView, EventView, Files, Pick, ReaderGonePage, ReaderPage, ReaderRow,
    ReadersPage, SentPage,
};

const HERE: &str = "/admin/readers";

pub(super) fn routes() -> Vec<Route> {
    let needs = Needs::Right(Right::Readers);
    vec![
        Route::get(HERE, needs, list).in_nav("admin-nav-readers"),
        Route::post(HERE, needs, find),
        Route::get("/admin/readers/{reader}", needs, show),
        Route::get("/admin/readers/{reader}/mails/{delivery}", needs, sent),
    ]
}

/// What the form asks, and the query of the list says. A field that is empty asks nothing.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Asked {
    /// A part of the address: in the form as it was typed, never in a query.
    #[serde(skip_serializing_if = "String::is_empty")]
    part: String,
    /// The same, sealed.
    #[serde(skip_serializing_if = "String::is_empty")]
    find: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    series: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    state: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    parts: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    next: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    since: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    until: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    after: String,
}

impl Asked {
    fn path(&self) -> String {
        let query = serde_urlencoded::to_string(self).unwrap_or_default();
        if query.is_empty() { HERE.into() } else { format!("{HERE}?{query}") }
    }

    fn is_search(&self) -> bool {
        let fields = [&self.part, &self.series, &self.state, &self.parts, &self.next, &self.since, &self.until];
        fields.iter().any(|field| !field.is_empty())
    }

    /// What cannot be read is told, never passed over: the list would show what was not asked for.
    fn search(&self) -> Result<Search, String> {
        Ok(Search {
            part: read(&self.part, "No address has a null character.", |text| {
                (!text.contains('\0')).then(|| text.to_owned())
            })?,
            series: read(&self.series, "There is no such series.", |text| SeriesSlug::parse(text).ok())?,
            state: read(&self.state, "There is no such state.", |text| text.parse().ok())?,
            parts: read(&self.parts, "The number of parts must be a number.", |text| text.parse().ok())?,
            waits_for: read(&self.next, "There is no such part.", |text| StepKey::parse(text).ok())?,
            since: read(&self.since, "A day is written like 2026-11-26.", parse_day)?,
            until: read(&self.until, "A day is written like 2026-11-26.", parse_day)?,
            after: given(&self.after).map(ToOwned::to_owned),
        })
    }
}

fn given(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

fn read<T>(text: &str, fault: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, String> {
    given(text).map(|text| parse(text).ok_or_else(|| fault.to_owned())).transpose()
}

/// A whole address that is known leads to its reader. All else leads to the list, and the typed part is sealed on the way:
/// an address is in no URL of ours.
async fn find(State(state): State<AppState>, by: SignedIn, Form(mut asked): Form<Asked>) -> Response {
    let part = std::mem::take(&mut asked.part);
    if let Some(part) = given(&part) {
        match search::exactly(&state.service, part).await {
            Ok(Some(reader)) => return Redirect::to(&reader_path(&reader)).into_response(),
            Ok(None) => {}
            Err(error) => return shell::failed(by.visitor.language, &WebError::from(error)),
        }
        asked.find = state.service.keyring().seal_search(part, state.service.clock().random_bytes());
    }
    asked.after.clear();
    Redirect::to(&asked.path()).into_response()
}

async fn list(State(state): State<AppState>, by: SignedIn, Query(mut asked): Query<Asked>) -> Response {
    // A token of another installation, or one that was cut off, finds nothing rather than everything.
    asked.part = match given(&asked.find).map(|token| state.service.keyring().open_search(token)) {
        None => String::new(),
        Some(Ok(part)) => part,
        Some(Err(_)) => {
            return shell::failed(by.visitor.language, &WebError::NotFound("There is no such search.".into()));
        }
    };
    let found = match asked.search() {
        Ok(ask) => search::search(&state.service, &ask, &by.actor()).await,
        Err(fault) => Err(ActionError::Refused(fault)),
    };
    match found {
        Ok(page) => shell::page(&by, &list_page(&state, &by, &asked, page), None),
        Err(ActionError::Refused(text)) => {
            let nothing = Page { items: Vec::new(), next: None };
            shell::page(&by, &list_page(&state, &by, &asked, nothing), Some(Notice { text, problem: true }))
        }
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

fn list_page(state: &AppState, by: &SignedIn, asked: &Asked, page: Page<Row>) -> ReadersPage {
    let next = |after| Asked { after, part: String::new(), ..asked.clone() }.path();
    ReadersPage {
        ask: form(state, asked),
        is_search: asked.is_search(),
        readers: page.items.into_iter().map(row).collect(),
        next_path: page.next.map(next),
        files: by.session.role.may(Right::Export).then(|| Files {
            csv: export::path(&asked.series, &asked.state, Format::Csv),
            json_lines: export::path(&asked.series, &asked.state, Format::JsonLines),
        }),
    }
}

fn form(state: &AppState, asked: &Asked) -> Ask {
    let library = state.service.library();
    let pick = |value: &str, text: &str, chosen: &str| Pick {
        value: value.into(),
        text: text.into(),
        chosen: value == chosen,
    };
    let series = library.series.values().map(|one| pick(one.slug.as_str(), &one.title, &asked.series));
    let most = library.series.values().map(|one| one.steps.len()).max().unwrap_or(0);
    let states = EnrollmentState::ALL.iter().map(|one| pick(one.as_str(), one.as_str(), &asked.state));
    let many = library.series.len() > 1;
    let next = library.series.values().flat_map(|series| {
        let of = if many { format!("{}: ", series.title) } else { String::new() };
        series.steps.iter().enumerate().map(move |(index, step)| {
            let text = format!("{of}Part {}: {}", index + 1, step.subject);
            pick(step.key.as_str(), &text, &asked.next)
        })
    });
    let parts = (0..=most).map(|number| pick(&number.to_string(), &number.to_string(), &asked.parts));
    Ask {
        part: asked.part.clone(),
        // One alone is no choice.
        series: if many { series.collect() } else { Vec::new() },
        states: states.collect(),
        parts: parts.collect(),
        next: next.collect(),
        since: asked.since.clone(),
        until: asked.until.clone(),
    }
}

fn row(row: Row) -> ReaderRow {
    ReaderRow {
        path: reader_path(&format!("{}.{}", row.bucket, row.subscriber.simple())),
        address: row.address,
        series: row.series,
        suppressed: row.suppressed && row.state != EnrollmentState::Suppressed.as_str(),
        state: row.state,
        received: row.done_steps.len(),
        signed_up: shell::minute(row.created_at),
    }
}

pub(super) fn reader_path(reader: &str) -> String {
    format!("{HERE}/{reader}")
}

async fn show(
    State(state): State<AppState>,
    by: SignedIn,
    Path(reader): Path<String>,
    Query(said): Query<Said>,
) -> Response {
    let notice = shell::said(by.visitor.language, said.said.as_deref());
    page_of(&state, &by, &reader, notice).await
}

pub(super) async fn page_of(state: &AppState, by: &SignedIn, reader: &str, notice: Option<Notice>) -> Response {
    match story::story(&state.service, reader, &by.actor()).await {
        Ok(story) => shell::page(by, &reader_page(state, story, reader, by), notice),
        Err(ActionError::NotFound(_)) => gone(state, by, reader).await,
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

async fn gone(state: &AppState, by: &SignedIn, reader: &str) -> Response {
    let (status, erased) = match steer::was_erased(&state.service, reader).await {
        Ok(true) => (StatusCode::GONE, true),
        Ok(false) | Err(ActionError::NotFound(_)) => (StatusCode::NOT_FOUND, false),
        Err(error) => return shell::failed(by.visitor.language, &WebError::from(error)),
    };
    shell::page_for(&by.visitor, status, &ReaderGonePage { erased }, None)
}

fn reader_page(state: &AppState, story: Story, reader: &str, by: &SignedIn) -> ReaderPage {
    ReaderPage {
        of_address: deeds::of_address(&story, reader, by),
        request: state.service.clock().uuid().simple().to_string(),
        address: story.address,
        signed_up: shell::minute(story.created_at),
        suppressed: story.suppression.is_some(),
        act_path: by.session.role.may(Right::Operate).then(|| reader_path(reader)),
        chapters: story.chapters.into_iter().map(|chapter| chapter_view(chapter, reader)).collect(),
    }
}

fn chapter_view(chapter: Chapter, reader: &str) -> ChapterView {
    let zone = chapter.zone;
    ChapterView {
        deeds: deeds::of_chapter(&chapter),
        series: chapter.series,
        series_title: chapter.series_title,
        steps: chapter.steps.iter().map(step_pick).collect(),
        state: chapter.state.to_string(),
        standing: chapter.standing,
        zone: zone.name().to_owned(),
        language: chapter.language.own_name().to_owned(),
        hour: chapter.hour.format("%H:%M").to_string(),
        spacing: chapter.spacing,
        received: chapter.received,
        parts: chapter.steps.len(),
        events: chapter.events.into_iter().map(|event| event_view(event, zone, reader)).collect(),
        ahead: chapter.steps.into_iter().filter(Part::is_ahead).map(|part| ahead_view(part, zone)).collect(),
    }
}

fn step_pick(part: &Part) -> Pick {
    let state = match part.state {
        PartState::Received(_) => "received",
        PartState::OnItsWay => "on its way",
        PartState::Next(_) => "comes next",
        PartState::Later(_) | PartState::Waits => "to come",
        PartState::Unclear => "nobody can say whether it arrived",
        PartState::Refused => "refused by the relay",
        PartState::LeftOut => "left out",
        PartState::NotComing => "does not come",
    };
    let text = format!("Part {}: {} ({state})", part.number, part.subject);
    Pick { value: part.step.to_string(), text, chosen: false }
}

fn event_view(event: Event, zone: Zone, reader: &str) -> EventView {
    let view = match event.what {
        What::Consent(consent) => consent_view(consent),
        What::Mail(mail) => mail_view(&mail, zone, reader),
    };
    EventView { when: local(event.at, zone), at: event.at.to_rfc3339(), ..view }
}

fn consent_view(consent: ConsentLine) -> EventView {
    let title = match consent.action.as_str() {
        "sign-up" => "Signed up".to_owned(),
        "confirm" => "Confirmed".to_owned(),
        "unsubscribe" => "Unsubscribed".to_owned(),
        "not-me" => "Said: this was not me, never again".to_owned(),
        other => other.to_owned(),
    };
    let source = consent.source.map(|source| format!(" ({source})")).unwrap_or_default();
    let texts = format!("privacy policy {}, user agreement {}", consent.privacy_version, consent.terms_version);
    EventView { title, detail: format!("by {}{source} · {texts}", consent.channel), tone: "good", ..plain() }
}

fn mail_view(mail: &Mail, zone: Zone, reader: &str) -> EventView {
    let delivery = &mail.delivery;
    let title = match (mail.part, &mail.subject, &delivery.step) {
        (Some(part), Some(subject), _) => format!("Part {part}: {subject}"),
        (_, _, Some(step)) => format!("A part that the series no longer has ({step})"),
        _ => sentence_case(&delivery.kind.replace('_', " ")),
    };
    let (what, tone) = match delivery.state.as_str() {
        "accepted" => ("the relay took it", "good"),
        "rejected" => ("the relay refused it for good", "bad"),
        "skipped" => ("not sent", "bad"),
        "uncertain" => ("nobody can say whether the relay took it", "bad"),
        "sending" | "claimed" => ("on its way", "open"),
        "paused" => ("waits for the end of a pause", "open"),
        _ => ("waits", "open"),
    };
    let reason = delivery.reason.as_deref().map(|reason| format!(" ({})", reason.replace('_', " ")));
    let run = delivery.run.map(|run| format!(", triggered by run {run}")).unwrap_or_default();
    let was_uncertain = match (delivery.uncertain_count, delivery.state.as_str()) {
        (0, _) | (_, "uncertain") => String::new(),
        (times, _) => format!(", may have arrived {times} times more"),
    };
    let has_been_made = delivery.step.is_some() && delivery.content_version.is_some();
    EventView {
        title,
        detail: format!("{what}{}{run}{was_uncertain}", reason.unwrap_or_default()),
        tone,
        attempts: mail.attempts.iter().map(|one| attempt_view(one, zone)).collect(),
        sent_path: has_been_made.then(|| format!("{}/mails/{}", reader_path(reader), delivery.id.simple())),
        ..plain()
    }
}

fn attempt_view(attempt: &AttemptLine, zone: Zone) -> AttemptView {
    AttemptView {
        number: attempt.attempt,
        outcome: attempt.outcome.clone(),
        when: local(attempt.ended_at, zone),
        reply: attempt.reply.clone().unwrap_or_default(),
    }
}

fn ahead_view(part: Part, zone: Zone) -> AheadView {
    let when = match part.state {
        PartState::Next(at) => format!("due {}", local(at, zone)),
        PartState::Later(at) => format!("expected {}", local(at, zone)),
        PartState::OnItsWay => "on its way".to_owned(),
        _ => "it comes, but nobody knows when".to_owned(),
    };
    AheadView { number: part.number, subject: part.subject, when }
}

fn plain() -> EventView {
    EventView {
        when: String::new(),
        at: String::new(),
        title: String::new(),
        detail: String::new(),
        tone: "open",
        attempts: Vec::new(),
        sent_path: None,
    }
}

fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

async fn sent(State(state): State<AppState>, by: SignedIn, Path((reader, delivery)): Path<(String, Uuid)>) -> Response {
    match story::as_sent(&state.service, &reader, delivery, &by.actor()).await {
        Ok(part) => {
            let page = SentPage {
                title: part.title,
                number: part.number,
                parts: part.parts,
                text_language: part.language,
                html: part.html,
                back_to: reader_path(&reader),
            };
            shell::page(&by, &page, None)
        }
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}
