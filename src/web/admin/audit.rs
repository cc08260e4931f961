//! Who did what: searched page by page, and as a file.
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use url::form_urlencoded;

use super::AppState;
use super::gate::SignedIn;
use super::route::{Needs, Route};
use super::shell;
use crate::actions::ActionError;
use crate::actions::audit::{self, Entry, Search};
use crate::model::{Right, end_of_day, midnight, parse_day, quoted};
use crate::web::error::WebError;
use crate::web::pages::admin::{ActionOption, AuditPage, AuditRow};

const HERE: &str = "/admin/audit";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(HERE, Needs::Right(Right::Audit), show).in_nav("admin-nav-audit"),
        Route::get("/admin/audit/log.csv", Needs::Right(Right::Audit), csv),
    ]
}

/// Days are of UTC, as the log's times are. What is none is not asked for.
#[derive(Debug, Default, Deserialize)]
struct Ask {
    #[serde(default)]
    who: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    target: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    until: String,
    after: Option<String>,
}

impl Ask {
    fn search(&self) -> Search {
        // No text that is stored has a null character.
        let given = |text: &str| Some(text.trim().replace('\0', "")).filter(|text| !text.is_empty());
        Search {
            who: given(&self.who),
            action: given(&self.action),
            target: given(&self.target),
            from: parse_day(&self.from).map(midnight),
            until: parse_day(&self.until).and_then(end_of_day),
            after: self.after.clone(),
        }
    }

    /// The same search again, at another path or from another place on.
    fn path(&self, path: &str, after: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("who", &*self.who),
            ("action", &*self.action),
            ("target", &*self.target),
            ("from", &*self.from),
            ("until", &*self.until),
            ("after", after.unwrap_or_default()),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("{path}?{}", query.finish())
    }
}

async fn show(State(state): State<AppState>, by: SignedIn, Query(ask): Query<Ask>) -> Response {
    match look(&state, &ask).await {
        Ok(page) => shell::page(&by, &page, None),
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

async fn look(state: &AppState, ask: &Ask) -> Result<AuditPage, ActionError> {
    let found = audit::search(&state.service, &ask.search()).await?;
    let actions = audit::actions(&state.service).await?;
    let option = |word: String| ActionOption { selected: word == ask.action, word };
    Ok(AuditPage {
        who: ask.who.clone(),
        target: ask.target.clone(),
        from: ask.from.clone(),
        until: ask.until.clone(),
        actions: actions.into_iter().map(option).collect(),
        rows: found.items.into_iter().map(row).collect(),
        csv_path: ask.path("/admin/audit/log.csv", None),
        next_path: found.next.as_deref().map(|next| ask.path(HERE, Some(next))),
    })
}

fn row(entry: Entry) -> AuditRow {
    AuditRow {
        at: entry.at.format("%Y-%m-%d %H:%M:%S").to_string(),
        who: entry.actor_name,
        kind: entry.actor_kind,
        origin: entry.origin,
        action: entry.action,
        target_kind: entry.target_kind,
        target: entry.target,
        reason: entry.reason,
        details: Some(entry.details.to_string()).filter(|text| text != "{}"),
    }
}

async fn csv(State(state): State<AppState>, by: SignedIn, Query(ask): Query<Ask>) -> Response {
    match audit::export(&state.service, &ask.search(), &by.actor()).await {
        Ok(entries) => {
            let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
            let name = HeaderValue::from_static("attachment; filename=\"audit-log.csv\"");
            ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], as_csv(entries)).into_response()
        }
        Err(error) => shell::failed(by.visitor.language, &WebError::from(error)),
    }
}

/// RFC 4180.
fn as_csv(entries: Vec<Entry>) -> String {
    let mut text = "at,who,kind,origin,action,target_kind,target,reason,details\r\n".to_owned();
    for entry in entries {
        let row = row(entry);
        let cells = [
            Some(row.at),
            Some(row.who),
            Some(row.kind),
            row.origin,
            Some(row.action),
            row.target_kind,
            row.target,
            row.reason,
            row.details,
        ];
        let cells: Vec<String> = cells.into_iter().map(|cell| quoted(&cell.unwrap_or_default())).collect();
        text += &cells.join(",");
        text += "\r\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_goes_on_with_what_was_asked() {
        let ask = Ask { who: "Ada & co".into(), until: "2026-03-02".into(), ..Ask::default() };
        assert_eq!(ask.path(HERE, Some("7")), "/admin/audit?who=Ada+%26+co&until=2026-03-02&after=7");
        let until = ask.search().until.unwrap().to_rfc3339();
        assert_eq!(until, "2026-03-03T00:00:00+00:00", "the whole day is meant");
    }
}
