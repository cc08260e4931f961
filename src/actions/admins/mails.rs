//! Mails to admins with a link to choose a password. They are owed in the transaction that asks for them, and no deliveries:
//! an admin is no subscriber. The link is made when the mail is written, so that no row holds one that works.
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ActionError, Service, links};
use crate::messages::{self, Language, Values};
use crate::store::admin_mails::{self as store, AdminMail};

/// After so many tries, some minutes apart, nobody waits for it any more.
pub const MOST_TRIES: i32 = 10;

/// What a mail is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Invitation,
    Reset,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reset => "reset",
        }
    }
}

/// Owes a mail; the caller wakes the dispatcher.
pub(super) async fn owe(service: &Service, db: &mut PgConnection, admin: Uuid, kind: Kind) -> Result<(), ActionError> {
    Ok(store::owe(db, service.clock().uuid(), admin, kind.word(), service.clock().real()).await?)
}

/// A mail without its headers; no `Debug`, since it holds a link.
pub struct Written {
    pub subject: String,
    pub html: String,
    pub text: String,
}

/// Writes a mail with a link of its own. A second one, after a crash, has another link, and both work until a password is
/// chosen.
pub async fn write(service: &Service, owed: &AdminMail) -> Result<Written, ActionError> {
    let (good_for, lead) = if owed.kind == Kind::Invitation.word() {
        (links::INVITATION, "admin-mail-invitation")
    } else {
        (links::RESET, "admin-mail-reset")
    };
    let mut connection = service.db().acquire().await?;
    let url = links::make_in(service, &mut connection, owed.admin, good_for).await?;
    // What language an admin reads is not known.
    let language = Language::default();
    let values = Values::new().with("name", owed.name.as_str()).with("site", service.public_url());
    let subject = messages::text(language, "admin-mail-subject");
    let lead = messages::filled(language, lead, &values);
    let not_you = messages::text(language, "admin-mail-not-you");
    let text = format!("{lead}\n\n{url}\n\n{not_you}\n");
    let [title, lead, link, not_you] = [&subject, &lead, &url, &not_you].map(|one| handlebars::html_escape(one));
    let html = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body>\n\
         <main>\n<p>{lead}</p>\n<p><a href=\"{link}\">{link}</a></p>\n<p>{not_you}</p>\n</main>\n</body>\n</html>\n",
        language.tag()
    );
    Ok(Written { subject, html, text })
}
