//! Who did what, from where, and why: written in the same transaction as what was done, and never changed.
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::readers::full;
use super::{ActionError, Page, Service, once};
use crate::model::SeriesSlug;
pub use crate::store::audit::Entry;
use crate::store::audit::{self as store, Filter, NewEntry};

/// Who does something, and why; recorded with what is done.
#[derive(Debug, Clone)]
pub struct Actor {
    kind: Kind,
    id: Option<Uuid>,
    pub who: String,
    pub why: String,
    origin: Option<IpAddr>,
    /// Under which call, for one that is done once however often it is made.
    pub(super) once: Option<once::Call>,
}

/// What an actor is, as the log calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Admin,
    Token,
    ConfigToken,
    CommandLine,
    Nobody,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Token => "token",
            Self::ConfigToken => "config token",
            Self::CommandLine => "command line",
            Self::Nobody => "nobody",
        }
    }
}

impl Actor {
    /// Whoever has a shell on the server.
    pub fn command_line(who: impl Into<String>, why: impl Into<String>) -> Self {
        Self { kind: Kind::CommandLine, id: None, who: who.into(), why: why.into(), origin: None, once: None }
    }

    /// Somebody who is signed in.
    pub fn admin(id: Uuid, name: &str, origin: IpAddr) -> Self {
        Self {
            kind: Kind::Admin,
            id: Some(id),
            who: name.to_owned(),
            why: String::new(),
            origin: Some(origin),
            once: None,
        }
    }

    /// A program with a token of its own.
    pub fn token(id: Uuid, name: &str, origin: IpAddr) -> Self {
        Self {
            kind: Kind::Token,
            id: Some(id),
            who: name.to_owned(),
            why: String::new(),
            origin: Some(origin),
            once: None,
        }
    }

    /// A program with the token of the configuration, and whom it says it acts for.
    pub fn config_token(origin: IpAddr) -> Self {
        Self {
            kind: Kind::ConfigToken,
            id: None,
            who: "api".into(),
            why: String::new(),
            origin: Some(origin),
            once: None,
        }
    }

    /// Somebody who is not signed in, and tries to be.
    pub fn nobody(origin: IpAddr) -> Self {
        Self {
            kind: Kind::Nobody,
            id: None,
            who: "nobody".into(),
            why: String::new(),
            origin: Some(origin),
            once: None,
        }
    }

    /// The same with a reason.
    #[must_use]
    pub fn because(self, why: impl Into<String>) -> Self {
        Self { why: why.into(), ..self }
    }

    /// The same under a call that is done once.
    #[must_use]
    pub fn under(self, call: Option<once::Call>) -> Self {
        Self { once: call, ..self }
    }

    /// Whom the program says that it acts for: believed of the configuration's token alone, since any other has a name.
    #[must_use]
    pub fn acting_for(self, who: &str) -> Self {
        match self.kind {
            Kind::ConfigToken => Self { who: who.to_owned(), ..self },
            _ => self,
        }
    }

    /// The token of the program that does it, if it has one of its own.
    pub(super) fn token_id(&self) -> Option<Uuid> {
        self.id.filter(|_| self.kind == Kind::Token)
    }

    /// The admin who does it, if it is one.
    pub(super) fn admin_id(&self) -> Option<Uuid> {
        self.id.filter(|_| self.kind == Kind::Admin)
    }
}

/// What it was done to.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    None,
    Series(&'a SeriesSlug),
    Run(i64),
    Import(i64),
    Subscriber(Uuid),
    Admin(Uuid),
    /// By its name.
    Token(&'a str),
    /// By its name.
    Webhook(&'a str),
}

impl Target<'_> {
    /// An address that is suppressed need not be a subscriber's.
    pub(super) fn some_subscriber(id: Option<Uuid>) -> Self {
        id.map_or(Self::None, Self::Subscriber)
    }

    fn kind(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Series(_) => Some("series"),
            Self::Run(_) => Some("run"),
            Self::Import(_) => Some("import"),
            Self::Subscriber(_) => Some("subscriber"),
            Self::Admin(_) => Some("admin"),
            Self::Token(_) => Some("token"),
            Self::Webhook(_) => Some("webhook"),
        }
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Series(slug) => Some(slug.to_string()),
            Self::Run(number) | Self::Import(number) => Some(number.to_string()),
            Self::Subscriber(id) | Self::Admin(id) => Some(id.to_string()),
            Self::Token(name) | Self::Webhook(name) => Some((*name).to_owned()),
        }
    }
}

/// Writes down what is done; `db` is the transaction that does it.
pub(super) async fn record(
    service: &Service,
    db: impl PgExecutor<'_>,
    by: &Actor,
    action: &str,
    target: Target<'_>,
) -> Result<(), ActionError> {
    record_with(service, db, by, action, target, &json!({})).await
}

/// The same with details, which name neither an address nor a condition.
pub(super) async fn record_with(
    service: &Service,
    db: impl PgExecutor<'_>,
    by: &Actor,
    action: &str,
    target: Target<'_>,
    details: &Value,
) -> Result<(), ActionError> {
    let (origin, of) = (by.origin.map(|origin| origin.to_string()), target.text());
    let entry = NewEntry {
        at: service.clock().real(),
        actor_kind: by.kind.word(),
        actor: by.id,
        actor_name: &by.who,
        origin: origin.as_deref(),
        action,
        target_kind: target.kind(),
        target: of.as_deref(),
        reason: Some(by.why.as_str()).filter(|why| !why.is_empty()),
        details,
    };
    Ok(store::add(db, &entry).await?)
}

/// What is asked of the log.
#[derive(Debug, Default)]
pub struct Search {
    /// The beginning of a name.
    pub who: Option<String>,
    pub action: Option<String>,
    pub target: Option<String>,
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub after: Option<String>,
}

/// How many rows a page has, and how many a file has at most.
const PAGE: i64 = 50;
const FILE: i64 = 10_000;

pub async fn search(service: &Service, ask: &Search) -> Result<Page<Entry>, ActionError> {
    let items = store::entries(service.db(), &filter(ask, PAGE)?).await?;
    let next = full(items.len(), PAGE).then(|| items.last().map(|last| last.id.to_string())).flatten();
    Ok(Page { items, next })
}

/// The newest rows that fit, for a file; that they were taken out is written down, too.
pub async fn export(service: &Service, ask: &Search, by: &Actor) -> Result<Vec<Entry>, ActionError> {
    let entries = store::entries(service.db(), &filter(ask, FILE)?).await?;
    record_with(service, service.db(), by, "export audit log", Target::None, &json!({ "rows": entries.len() })).await?;
    Ok(entries)
}

/// Every action that the log has.
pub async fn actions(service: &Service) -> Result<Vec<String>, ActionError> {
    Ok(store::actions(service.db()).await?)
}

fn filter(ask: &Search, limit: i64) -> Result<Filter, ActionError> {
    let before = ask.after.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| ActionError::Cursor)?;
    let Search { who, action, target, from, until, .. } = ask;
    let (who, action, target) = (who.clone(), action.clone(), target.clone());
    Ok(Filter { who, action, target, from: *from, until: *until, before, limit })
}
