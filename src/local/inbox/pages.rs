//! The inbox's pages and its JSON interface.
//!
//! A mail's HTML is a document of its own (`/mail/{id}/html`), shown in a sandboxed frame and sent with a policy that
//! makes it a stranger to every origin: no scripts, no forms, nothing fetched. It may style itself, and its links open in
//! windows of their own. On all other pages, what is in a mail is text.

use std::sync::LazyLock;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use chrono::{DateTime, Utc};
use handlebars::Handlebars;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::mail::{self, Content};
use super::{Entry, Inbox, guard};
use crate::content::{MAIL_POLICY, with_links_outward};

/// How many mails one page lists.
const PER_PAGE: usize = 100;
/// How many characters the page with the raw mail shows.
const RAW_SHOWN: usize = 500_000;

static TEMPLATES: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut templates = Handlebars::new();
    templates.set_strict_mode(true);
    for (name, text) in [
        ("layout", include_str!("layout.hbs")),
        ("list", include_str!("list.hbs")),
        ("rows", include_str!("rows.hbs")),
        ("mail", include_str!("mail.hbs")),
        ("notice", include_str!("notice.hbs")),
    ] {
        templates.register_template_string(name, text).expect("the inbox's templates are tested");
    }
    templates
});

pub(super) fn router(inbox: Inbox) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/rows", get(rows))
        .route("/mail/{id}", get(show))
        .route("/mail/{id}/html", get(html))
        .route("/mail/{id}/eml", get(eml))
        .route("/delete-all", post(delete_all))
        .route("/api/mails", get(api_list))
        .route("/api/mails/{id}", get(api_show))
        .route("/inbox.css", get(async || asset("text/css; charset=utf-8", include_str!("inbox.css"))))
        .route("/inbox.js", get(async || asset("text/javascript; charset=utf-8", include_str!("inbox.js"))))
        .route("/icon.svg", get(async || asset("image/svg+xml", include_str!("icon.svg"))))
        .fallback(|| async { no_such_page() })
        .layer(middleware::from_fn(guard::guard))
        .with_state(inbox)
}

#[derive(Deserialize)]
struct ListQuery {
    #[serde(default)]
    to: String,
    before: Option<u64>,
    /// What the asker has already: nothing is answered while it is still true.
    since: Option<String>,
}

/// What the list's template shows.
#[derive(Serialize)]
struct ListView {
    token: String,
    to: String,
    count: String,
    total: usize,
    rows: Vec<Row>,
    newest: Option<String>,
    older: Option<String>,
}

#[derive(Serialize)]
struct Row {
    id: u64,
    from: String,
    to: String,
    subject: String,
    time: String,
    instant: String,
    envelope_from: String,
    envelope_to: String,
}

async fn list(State(inbox): State<Inbox>, Query(query): Query<ListQuery>) -> Response {
    page(StatusCode::OK, "list", &list_view(&inbox, &query))
}

/// The list alone, for the script that keeps it fresh.
async fn rows(State(inbox): State<Inbox>, Query(query): Query<ListQuery>) -> Response {
    if query.since.as_ref() == Some(&inbox.token()) {
        return StatusCode::NO_CONTENT.into_response();
    }
    page(StatusCode::OK, "rows", &list_view(&inbox, &query))
}

fn list_view(inbox: &Inbox, query: &ListQuery) -> ListView {
    // The token comes first: a mail that comes in between is then shown twice rather than not at all.
    let token = inbox.token();
    let selection = inbox.select(&query.to, query.before, PER_PAGE);
    let mails = |count| if count == 1 { "1 mail".to_owned() } else { format!("{count} mails") };
    let count = if query.to.is_empty() {
        mails(selection.total)
    } else {
        format!("{} of {}", selection.matching, mails(selection.total))
    };
    let last = selection.entries.last().map(|it| it.id).filter(|_| selection.more);
    let older = last.map(|last| link(&[("to", &query.to), ("before", &last.to_string())]));
    let newest = query.before.map(|_| link(&[("to", &query.to)]));
    let rows = selection.entries.into_iter().map(Row::from).collect();
    ListView { token, to: query.to.clone(), count, total: selection.total, rows, newest, older }
}

fn link(query: &[(&str, &str)]) -> String {
    format!("/?{}", url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish())
}

impl From<Entry> for Row {
    fn from(Entry { id, envelope, summary }: Entry) -> Self {
        Self {
            id,
            from: summary.from,
            to: summary.to,
            subject: summary.subject,
            time: readable(envelope.received_at),
            instant: envelope.received_at.to_rfc3339(),
            envelope_from: envelope.from,
            envelope_to: envelope.to.join(", "),
        }
    }
}

#[derive(Deserialize)]
struct ShowQuery {
    view: Option<View>,
    #[serde(default)]
    width: Width,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum View {
    Html,
    Text,
    Headers,
    Raw,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Width {
    #[default]
    Fit,
    Phone,
    Desktop,
}

async fn show(State(inbox): State<Inbox>, Path(id): Path<u64>, Query(query): Query<ShowQuery>) -> Response {
    let Some((entry, data)) = find(&inbox, id).await else { return no_such_mail() };
    let content = mail::parse(&data);
    let view = query.view.unwrap_or(if content.html.is_some() { View::Html } else { View::Text });
    let raw = if view == View::Raw { String::from_utf8_lossy(&data).into_owned() } else { String::new() };
    let raw_shown: String = raw.chars().take(RAW_SHOWN).collect();
    let (newer, older) = inbox.neighbours(id);
    let dated = entry.summary.date.as_deref().and_then(|it| DateTime::parse_from_rfc3339(it).ok());
    let tabs = [(View::Html, "HTML"), (View::Text, "Text"), (View::Headers, "Headers"), (View::Raw, "Raw")]
        .map(|(tab, name)| json!({ "view": tab, "name": name, "current": tab == view }));
    let widths = [(Width::Fit, "Fit"), (Width::Phone, "Phone"), (Width::Desktop, "Desktop")]
        .map(|(width, name)| json!({ "width": width, "name": name, "current": width == query.width }));
    let shown = json!({
        "title": if entry.summary.subject.is_empty() { "A mail" } else { &entry.summary.subject },
        "dated": dated.map(|it| readable(it.to_utc())),
        "newer": newer,
        "older": older,
        "tabs": tabs,
        "widths": widths,
        "width": query.width,
        "as_html": view == View::Html,
        "as_text": view == View::Text,
        "as_headers": view == View::Headers,
        "as_raw": view == View::Raw,
        "has_html": content.html.is_some(),
        "text": content.text.as_deref().map(mail::stretches).unwrap_or_default(),
        "headers": content.headers,
        "raw_is_cut": raw_shown.len() < raw.len(),
        "source": raw_shown,
        "attachments": content.attachments,
        "row": Row::from(entry),
    });
    page(StatusCode::OK, "mail", &shown)
}

/// A mail's HTML as it is, with all that it could do taken away by the headers.
async fn html(State(inbox): State<Inbox>, Path(id): Path<u64>) -> Response {
    let content = find(&inbox, id).await.map(|(_, data)| mail::parse(&data));
    let Some(Content { html: Some(html), .. }) = content else { return no_such_mail() };
    let headers = [(CONTENT_SECURITY_POLICY, MAIL_POLICY), (REFERRER_POLICY, "no-referrer")];
    (headers, Html(with_links_outward(&html))).into_response()
}

async fn eml(State(inbox): State<Inbox>, Path(id): Path<u64>) -> Response {
    let Some((_, data)) = find(&inbox, id).await else { return no_such_mail() };
    let disposition = format!("attachment; filename=\"mail-{id}.eml\"");
    ([(CONTENT_TYPE, "message/rfc822".to_owned()), (CONTENT_DISPOSITION, disposition)], data).into_response()
}

async fn delete_all(State(inbox): State<Inbox>) -> Response {
    match inbox.delete_all().await {
        Ok(()) => Redirect::to("/").into_response(),
        Err(error) => {
            tracing::error!(%error, "The inbox could not delete its mails.");
            let text = "Not every mail could be deleted. The log says why.";
            notice(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", text)
        }
    }
}

async fn api_list(State(inbox): State<Inbox>, Query(query): Query<ListQuery>) -> Response {
    let selection = inbox.select(&query.to, query.before, usize::MAX);
    let items: Vec<_> = selection.entries.iter().map(api_item).collect();
    Json(json!({ "items": items })).into_response()
}

async fn api_show(State(inbox): State<Inbox>, Path(id): Path<u64>) -> Response {
    let Some((entry, data)) = find(&inbox, id).await else {
        return (StatusCode::NOT_FOUND, Json(json!({ "error": "no such mail" }))).into_response();
    };
    let content = mail::parse(&data);
    let mut item = api_item(&entry);
    item["envelope"] = json!({ "from": entry.envelope.from, "to": entry.envelope.to });
    item["headers"] = json!(content.headers);
    item["text"] = json!(content.text);
    item["html"] = json!(content.html);
    Json(item).into_response()
}

fn api_item(entry: &Entry) -> serde_json::Value {
    json!({
        "id": entry.id,
        "from": entry.summary.from,
        "to": entry.envelope.to,
        "subject": entry.summary.subject,
        "date": entry.summary.date,
        "received_at": entry.envelope.received_at,
    })
}

async fn find(inbox: &Inbox, id: u64) -> Option<(Entry, Vec<u8>)> {
    Some((inbox.entry(id)?, inbox.data(id).await.ok()?))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind)], text).into_response()
}

fn no_such_mail() -> Response {
    let text = "It was deleted, or it had to make room for newer ones.";
    notice(StatusCode::NOT_FOUND, "This mail is not here", text)
}

fn no_such_page() -> Response {
    notice(StatusCode::NOT_FOUND, "There is no such page", "The inbox has a list of mails and a page for each.")
}

fn notice(status: StatusCode, heading: &str, text: &str) -> Response {
    page(status, "notice", &json!({ "heading": heading, "text": text }))
}

fn page(status: StatusCode, template: &str, context: &impl Serialize) -> Response {
    match TEMPLATES.render(template, context) {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(template, reason = %error.reason(), "A page of the inbox could not be rendered.");
            (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be made; the log says why.\n").into_response()
        }
    }
}

fn readable(instant: DateTime<Utc>) -> String {
    instant.format("%-d %b %Y, %H:%M UTC").to_string()
}
