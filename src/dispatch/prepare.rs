//! From a claimed row to the octets that go over the wire. No network, no database: runs on a blocking thread.
use anyhow::Context as _;
use tracing::Span;
use tracing::field::Empty;
use uuid::Uuid;

use crate::actions::preview::Preview;
use crate::actions::{LinksOf, Service};
use crate::content::{Rendered, Series};
use crate::mail::{self, DkimKey, FeedbackId, ListHeaders, Message, MessageId};
use crate::model::{EmailAddress, Kind, StepKey};
use crate::store::queue::Claimed;
use crate::transport::Envelope;

use super::Settings;
use super::domains::Passage;

/// A mail that is ready to be handed over.
pub(super) struct Prepared {
    pub(super) claimed: Claimed,
    pub(super) envelope: Envelope,
    pub(super) octets: Vec<u8>,
    pub(super) content_version: String,
    /// Where its recipient's domain is looked after.
    #[expect(dead_code, reason = "it is held, and says by being dropped that the mail is in flight no more")]
    pub(super) passage: Option<Passage>,
    /// The mail's way through this process.
    pub(super) span: Span,
}

/// A mail's way through this process, for a collector of traces: named by ids alone.
fn span_of(claimed: &Claimed) -> Span {
    tracing::info_span!(
        parent: None,
        "mail",
        regimen.delivery = %claimed.id,
        regimen.series = claimed.series.as_str(),
        regimen.kind = claimed.kind.as_str(),
        regimen.step = claimed.step.as_ref().map(StepKey::as_str),
        regimen.relay = Empty,
        regimen.outcome = Empty,
    )
}

/// Renders, builds and signs. What goes wrong here is the content's or the keys' fault, never the reader's.
pub(super) fn prepare(
    service: &Service,
    settings: &Settings,
    claimed: Claimed,
) -> Result<Prepared, Box<(Claimed, anyhow::Error)>> {
    let span = span_of(&claimed);
    let preparing = tracing::info_span!(parent: &span, "prepare");
    match preparing.in_scope(|| mail_of(service, settings, &claimed)) {
        Ok((envelope, octets, content_version)) => {
            Ok(Prepared { claimed, envelope, octets, content_version, passage: None, span })
        }
        Err(error) => Err(Box::new((claimed, error))),
    }
}

fn mail_of(service: &Service, settings: &Settings, claimed: &Claimed) -> anyhow::Result<(Envelope, Vec<u8>, String)> {
    let library = service.library();
    let series = library.series_in(&claimed.series, claimed.language);
    let series = series.context("this series is not published any more")?;
    let links = service.reader_links(&LinksOf {
        bucket: claimed.bucket,
        enrollment: claimed.enrollment,
        confirm_request: claimed.request,
        language: series.words,
        series: &claimed.series,
        step: claimed.step.as_ref().filter(|_| claimed.kind == Kind::Step),
    });
    let rendered = match (claimed.kind, &claimed.step) {
        (Kind::Step, Some(step)) => {
            let condition = service.keyring().open(&claimed.condition, claimed.subscriber)?;
            series.render_step(step, &condition, &links)?
        }
        (Kind::Correction, Some(key)) => series.render_correction(key, &links)?,
        (kind, _) => series.render_system(kind, &links)?,
    };
    let to = EmailAddress::parse(&claimed.address)?;
    // What goes to many can be left with one press, and is no answer to anything.
    let to_many = !claimed.kind.is_urgent();
    let list = to_many.then(|| ListHeaders {
        series: &claimed.series,
        unsubscribe_url: &links.unsubscribe_url,
        mailto: settings.unsubscribe_mailto.as_deref(),
    });
    let id = MessageId::new(claimed.id, &series.from);
    let message = Message {
        list,
        auto_submitted: !to_many,
        feedback_id: Some(FeedbackId { series: &claimed.series, kind: claimed.kind, step: claimed.step.as_ref() }),
        ..plain(service, &series, &id, &to, &rendered)
    };
    let octets = mail::build(&message, &settings.signers)?;
    let sender = mail::envelope_sender(
        settings.bounce_domain.as_deref(),
        &series.from,
        service.link_key(),
        claimed.id,
        claimed.bucket,
    );
    Ok((Envelope { from: sender, to: to.as_typed().to_owned() }, octets, library.version.clone()))
}

/// The message of a preview, as a reader would get it; to nobody, and under an id that no mail has.
pub fn sample(
    service: &Service,
    signers: &[DkimKey],
    unsubscribe_mailto: Option<&str>,
    preview: &Preview,
) -> anyhow::Result<Vec<u8>> {
    let Preview { series, step, links, mail } = preview;
    let (id, to) = (MessageId::new(Uuid::nil(), &series.from), EmailAddress::parse("reader@example.com")?);
    let message = Message {
        list: Some(ListHeaders {
            series: &series.slug,
            unsubscribe_url: &links.unsubscribe_url,
            mailto: unsubscribe_mailto,
        }),
        feedback_id: Some(FeedbackId { series: &series.slug, kind: Kind::Step, step: Some(step) }),
        ..plain(service, series, &id, &to, mail)
    };
    Ok(mail::build(&message, signers)?)
}

/// A message without what makes it one of a list, an answer or a test.
pub(super) fn plain<'a>(
    service: &Service,
    series: &'a Series,
    id: &'a MessageId,
    to: &'a EmailAddress,
    rendered: &'a Rendered,
) -> Message<'a> {
    Message {
        id,
        date: service.clock().real(),
        from: &series.from,
        reply_to: series.reply_to.as_ref(),
        to,
        subject: &rendered.subject,
        html: &rendered.html,
        text: &rendered.text,
        list: None,
        auto_submitted: false,
        feedback_id: None,
        test: false,
    }
}
