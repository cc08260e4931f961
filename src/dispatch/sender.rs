//! One connection to a relay and the mails that go over it.
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::Shared;
use super::apart::{Apart, Outcome, not_accepted};
use super::line::{Call, Errand};
use super::outcome::{Verdict, accepted, not_charged, refused};
use super::prepare::Prepared;
use super::relays::{Relay, rest_after};
use super::settler::Done;
use crate::transport::{Accepted, Connection, Envelope, SendError};

/// Takes mails from the line until it is closed and empty.
pub(super) async fn run(shared: Arc<Shared>, relay: Arc<Relay>, outcomes: mpsc::Sender<Done>) {
    let mut sender =
        Sender { shared: shared.clone(), relay: relay.clone(), outcomes, connection: None, next: None, refusals: 0 };
    while relay.line.called(sender.connection.is_some()).await == Call::Work {
        if shared.stop.is_cancelled() {
            sender.give_up_the_line(STOPPED).await;
        } else if sender.connect().await {
            sender.empty_the_line().await;
        }
    }
    sender.hang_up().await;
}

struct Sender {
    shared: Arc<Shared>,
    relay: Arc<Relay>,
    outcomes: mpsc::Sender<Done>,
    connection: Option<Connection>,
    /// Taken from the line while the one before was on its way, so that the relay could be told of it.
    next: Option<Box<Prepared>>,
    /// How often in a row the relay would have no further connection of ours.
    refusals: u32,
}

impl Sender {
    async fn empty_the_line(&mut self) {
        loop {
            let errand = match self.next.take() {
                Some(mail) => Some(Errand::Mail(mail)),
                None => self.relay.line.take(),
            };
            match errand {
                Some(Errand::Mail(mail)) => self.mail(mail).await,
                Some(Errand::Apart(apart)) => {
                    let relay = self.relay.server.name.as_str();
                    let span =
                        tracing::info_span!(parent: None, "mail apart", otel.kind = "client", regimen.relay = relay);
                    self.apart(apart).instrument(span).await;
                }
                None => return,
            }
            if self.connection.is_none() && self.next.is_none() {
                return;
            }
        }
    }

    async fn mail(&mut self, mail: Box<Prepared>) {
        if let Err(why) = self.may_send(&mail) {
            // The relay may have been told of it already, and would wait for it.
            self.drop_connection();
            return self.put_back(&mail, why).await;
        }
        if !self.connect().await {
            return self.put_back(&mail, "the relay could not be reached").await;
        }
        self.next = self.relay.line.take_mail();
        let began = Instant::now();
        let sending = tracing::info_span!(
            parent: &mail.span,
            "send",
            otel.kind = "client",
            network.protocol.name = "smtp",
            regimen.relay = self.relay.server.name.as_str(),
        );
        let sent = self.send(&mail).instrument(sending).await;
        self.shared.service.metrics().sent(&self.relay.server.name, began.elapsed());
        let clock = self.shared.service.clock();
        self.shared.service.vitals().dispatcher_moved(clock.real());
        let relay_failed = matches!(sent, Err(SendError::Relay { .. }));
        self.learn_of_domain(&mail, &sent).await;
        let verdict = match sent {
            Ok(answer) => {
                let late = clock.series() - mail.claimed.due_at;
                self.shared.service.metrics().late(mail.claimed.kind.as_str(), late.as_seconds_f64());
                Verdict::Settle(accepted(&mail, &answer))
            }
            Err(error) => refused(&mail.claimed, error, &self.shared.settings, clock.real(), clock.random_fraction()),
        };
        self.tell(&mail, verdict).await;
        if relay_failed && self.drop_connection() == 0 {
            self.give_up_the_line("the relay failed").await;
        }
    }

    /// What forbids to send what was marked: a process that was frozen, or a relay that took its time while the heartbeat was
    /// cut off, may find that another node has it by now.
    fn may_send(&self, mail: &Prepared) -> Result<(), &'static str> {
        if self.shared.stop.is_cancelled() {
            return Err(STOPPED);
        }
        if !self.shared.held.is_ours(mail.claimed.id, self.shared.service.clock().real()) {
            return Err("the lease had run out before it was sent");
        }
        Ok(())
    }

    /// Hands one mail over and tells the relay of the next one.
    async fn send(&mut self, mail: &Prepared) -> Result<Accepted, SendError> {
        let next = self.next.as_ref().map(|next| (&next.envelope, &*next.octets));
        let connection = self.connection.as_mut().expect("connected before");
        let result = unless_abandoned(&self.shared, connection, &mail.envelope, &mail.octets, next).await;
        self.learn(&result);
        result
    }

    /// What an answer says about the connection and the relay.
    fn learn(&mut self, result: &Result<Accepted, SendError>) {
        match result {
            Err(SendError::Relay { .. }) => {
                self.drop_connection();
                self.relay.failed();
                self.relay.not_taken(self.shared.service.clock().real());
            }
            Err(SendError::Broken { .. } | SendError::Uncertain { .. }) => {
                self.drop_connection();
                if !self.shared.abandon.is_cancelled() {
                    self.relay.lost();
                }
            }
            _ => self.relay.worked(),
        }
    }

    /// What it says about the recipient's domain.
    async fn learn_of_domain(&self, mail: &Prepared, result: &Result<Accepted, SendError>) {
        let (service, to) = (&self.shared.service, &mail.claimed.normalised);
        let real = service.clock().real();
        match result {
            Ok(_) => self.shared.domains.accepted(service.hot_db(), to, real).await,
            Err(SendError::Deferred { slow: Some(how), .. }) => {
                self.shared.domains.asked_for_less(service.hot_db(), to, *how, real).await;
            }
            Err(_) => {}
        }
    }

    /// Makes sure of a connection. If there can be none and nobody else has one, what waits in the line goes back.
    async fn connect(&mut self) -> bool {
        if let Some(connection) = &mut self.connection {
            if connection.reusable() && connection.alive().await {
                return true;
            }
            self.hang_up().await;
        }
        let opened = tokio::select! {
            opened = Connection::open(&self.relay.server) => opened,
            () = self.shared.abandon.cancelled() => Err(SendError::Relay { why: STOPPED.into() }),
        };
        let relay = &self.relay.server.name;
        match opened {
            Ok(connection) => {
                self.connection = Some(connection);
                self.refusals = 0;
                self.relay.line.connected();
                self.relay.show_connections();
                return true;
            }
            Err(why) if self.relay.line.connections() > 0 => {
                tracing::info!(%relay, %why, "the relay takes no further connection; the others go on");
                self.rest().await;
            }
            Err(why) => {
                // Before those that wait for a connection hear of it and look for another relay.
                self.relay.failed();
                self.relay.line.not_connected();
                tracing::warn!(%relay, %why, "the relay cannot be used; trying again later");
                self.give_up_the_line("the relay could not be reached").await;
            }
        }
        false
    }

    async fn rest(&mut self) {
        let span = rest_after(self.refusals);
        self.refusals += 1;
        tokio::select! {
            () = tokio::time::sleep(span) => {}
            () = self.relay.line.closed() => {}
            () = self.shared.stop.cancelled() => {}
        }
    }

    /// Nobody is connected: what is marked and was not sent goes back, and no reader is charged.
    async fn give_up_the_line(&mut self, why: &'static str) {
        while let Some(errand) = self.relay.line.take() {
            match errand {
                Errand::Mail(mail) => self.put_back(&mail, why).await,
                Errand::Apart(apart) => apart.settle(&self.shared.service, &not_accepted(why)).await,
            }
        }
    }

    async fn put_back(&self, mail: &Prepared, why: &str) {
        let real = self.shared.service.clock().real();
        self.relay.not_taken(real);
        let back = not_charged(&mail.claimed, real, why.to_owned());
        self.tell(mail, Verdict::Settle(back)).await;
    }

    async fn tell(&self, mail: &Prepared, verdict: Verdict) {
        let claimed = &mail.claimed;
        let relay = &self.relay.server.name;
        self.shared.service.metrics().attempted(claimed.kind.as_str(), verdict.word(), relay);
        mail.span.record("regimen.relay", relay.as_str());
        mail.span.record("regimen.outcome", verdict.word());
        let span = mail.span.clone();
        let done = Done { bucket: claimed.bucket, fence: claimed.fence(), tries: claimed.tries, verdict, span };
        // The settler outlives the senders.
        self.outcomes.send(done).await.ok();
    }

    async fn apart(&mut self, apart: Apart) {
        let outcome = match apart.prepare(&self.shared.service, &self.shared.settings).await {
            Ok((envelope, octets)) if self.connect().await => match self.send_apart(&envelope, &octets).await {
                Ok(answer) => Outcome::Accepted(format!("accepted: {} {}", answer.code, answer.reply)),
                Err(error) => not_accepted(error),
            },
            Ok(_) => not_accepted("the relay could not be reached"),
            Err(error) => Outcome::Not(format!("not sent: {error}")),
        };
        apart.settle(&self.shared.service, &outcome).await;
    }

    async fn send_apart(&mut self, envelope: &Envelope, octets: &[u8]) -> Result<Accepted, SendError> {
        let connection = self.connection.as_mut().expect("connected before");
        let result = unless_abandoned(&self.shared, connection, envelope, octets, None).await;
        self.learn(&result);
        result
    }

    async fn hang_up(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.relay.line.disconnected();
            self.relay.show_connections();
            let goodbye = connection.quit();
            tokio::time::timeout(GOODBYE, goodbye).await.ok();
        }
    }

    /// Answers how many connections are left.
    fn drop_connection(&mut self) -> usize {
        if self.connection.take().is_some() {
            self.relay.line.disconnected();
            self.relay.show_connections();
        }
        self.relay.line.connections()
    }
}

/// Sends, until the farewell is over. A relay that has not answered by then may have the mail, if it was told so much of it.
async fn unless_abandoned(
    shared: &Shared,
    connection: &mut Connection,
    envelope: &Envelope,
    octets: &[u8],
    next: Option<(&Envelope, &[u8])>,
) -> Result<Accepted, SendError> {
    tokio::select! {
        result = connection.send_with_next(envelope, octets, next) => return result,
        () = shared.abandon.cancelled() => {}
    }
    Err(if connection.may_have_handed_over() {
        SendError::Uncertain { why: "the dispatcher was stopped before the relay answered".into() }
    } else {
        SendError::Relay { why: STOPPED.into() }
    })
}

const STOPPED: &str = "the dispatcher was stopped";
/// The longest wait for the answer to QUIT, which changes nothing.
const GOODBYE: Duration = Duration::from_secs(2);
