//! Mails that stand outside the books, since they are no reader's: tests for editors, and links for admins. A test is tried
//! once; a link is tried again until the relay has it, since somebody waits for it and cannot see why it does not come.
use std::fmt::Display;

use super::Settings;
use super::prepare::plain;
use crate::actions::admins::mails;
use crate::actions::{LinksOf, Service};
use crate::content::Rendered;
use crate::mail::{self, Message, MessageId};
use crate::model::{Bucket, ConditionKey, EmailAddress, Kind, Language, SeriesSlug, StepKey};
use crate::store::admin::{self, TestSend};
use crate::store::admin_mails::{self, AdminMail};
use crate::transport::Envelope;

pub(super) enum Apart {
    Test(TestSend),
    Admin(AdminMail),
}

/// What became of it.
pub(super) enum Outcome {
    Accepted(String),
    Not(String),
}

pub(super) fn not_accepted(why: impl Display) -> Outcome {
    Outcome::Not(format!("not accepted: {why}"))
}

/// Takes the next one that waits.
pub(super) async fn take(service: &Service) -> anyhow::Result<Option<Apart>> {
    let real = service.clock().real();
    if let Some(mail) = admin_mails::take(service.db(), real).await? {
        return Ok(Some(Apart::Admin(mail)));
    }
    Ok(admin::take_test_send(service.db(), real).await?.map(Apart::Test))
}

impl Apart {
    pub(super) async fn prepare(&self, service: &Service, settings: &Settings) -> anyhow::Result<(Envelope, Vec<u8>)> {
        match self {
            Self::Test(test) => prepare_test(service, settings, test),
            Self::Admin(mail) => prepare_admin(service, settings, mail).await,
        }
    }

    pub(super) async fn settle(&self, service: &Service, outcome: &Outcome) {
        let (db, real) = (service.db(), service.clock().real());
        let (Outcome::Accepted(said) | Outcome::Not(said)) = outcome;
        let settled = match self {
            Self::Test(test) => admin::settle_test_send(db, test.id, said, real).await,
            Self::Admin(mail) => {
                let is_over = matches!(outcome, Outcome::Accepted(_)) || mail.tries >= mails::MOST_TRIES;
                admin_mails::settle(db, mail.id, said, is_over.then_some(real)).await
            }
        };
        if let Err(error) = settled {
            tracing::warn!(%error, "what became of a test send or an admin's mail could not be written");
        }
    }
}

/// A test of a step or a correction, for an editor: marked as such, with links that lead nowhere.
fn prepare_test(service: &Service, settings: &Settings, test: &TestSend) -> anyhow::Result<(Envelope, Vec<u8>)> {
    let slug = SeriesSlug::parse(&test.series)?;
    let series = match Language::parse(&test.language) {
        Some(language) => service.series_in(&slug, language)?,
        None => service.series(&slug)?,
    };
    let key = StepKey::parse(&test.step)?;
    let links = service.reader_links(&LinksOf::nobody(&series, &key));
    let rendered = if test.kind == Kind::Correction.as_str() {
        series.render_correction(&key, &links)?
    } else {
        series.render_step(&key, &ConditionKey::parse(&test.condition)?, &links)?
    };
    let to = EmailAddress::parse(&test.recipient)?;
    let id = MessageId::new(test.id, &series.from);
    let message = Message { test: true, ..plain(service, &series, &id, &to, &rendered) };
    let octets = mail::build(&message, &settings.signers)?;
    let sender = mail::envelope_sender(None, &series.from, service.link_key(), test.id, nobodys_bucket());
    Ok((Envelope { from: sender, to: to.as_typed().to_owned() }, octets))
}

/// A link for an admin, from the address that readers' mails come from.
async fn prepare_admin(
    service: &Service,
    settings: &Settings,
    owed: &AdminMail,
) -> anyhow::Result<(Envelope, Vec<u8>)> {
    let library = service.library();
    let series = library.series.values().next().ok_or_else(|| anyhow::anyhow!("no series is published"))?;
    let mails::Written { subject, html, text } = mails::write(service, owed).await?;
    let rendered = Rendered { subject, preheader: String::new(), html, text };
    let to = EmailAddress::parse(&owed.address)?;
    let id = MessageId::new(owed.id, &series.from);
    let message = Message { auto_submitted: true, ..plain(service, series, &id, &to, &rendered) };
    let octets = mail::build(&message, &settings.signers)?;
    let sender = mail::envelope_sender(None, &series.from, service.link_key(), owed.id, nobodys_bucket());
    Ok((Envelope { from: sender, to: to.as_typed().to_owned() }, octets))
}

fn nobodys_bucket() -> Bucket {
    Bucket::all().next().expect("there are 64 buckets")
}
