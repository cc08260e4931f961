//! One connection to a relay: opened once, used for many mails.
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Quit, Rcpt, Rset, Starttls};
use lettre::transport::smtp::extension::{ClientId, MailBodyParameter, MailParameter};
use memchr::memchr2;

use super::classify::{Reply, Stage, shown};
use super::login::log_in;
use super::relay::{Relay, Timeouts, Tls};
use super::wire::Wire;
use super::{Accepted, Envelope, SendError};

/// A greeted, protected and logged-in connection.
pub struct Connection {
    wire: Wire,
    offers: Offers,
    timeouts: Timeouts,
    /// How many mails may go over it, and how many have.
    most: u32,
    sent: u32,
    /// False while a mail is on its way, so it stays false when that was given up half-way.
    healthy: bool,
    /// A refused mail has left its transaction open; RSET goes before the next one.
    needs_reset: bool,
    /// The mail whose commands were already written behind the one before.
    announced: Option<Prepared>,
    /// Reused for each mail's text on the wire.
    body: Vec<u8>,
    /// From the first octet of a mail's text to the answer to its final dot.
    message_out: bool,
}

/// What the relay's EHLO reply lists.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one extension, offered or not")]
pub(super) struct Offers {
    pipelining: bool,
    eight_bit: bool,
    smtputf8: bool,
    starttls: bool,
    size: Option<usize>,
    pub(super) auth_plain: bool,
    pub(super) auth_login: bool,
    pub(super) auth_xoauth2: bool,
}

/// The commands that open one mail's transaction.
#[derive(PartialEq, Eq)]
struct Prepared {
    mail: String,
    rcpt: String,
}

/// Why a transaction ended early, and whether the connection can go on after a RSET.
struct Refusal {
    error: SendError,
    usable: bool,
}

impl Connection {
    /// Connects, greets, starts TLS and logs in, as the relay wants. Every failure is the relay's.
    pub async fn open(relay: &Relay) -> Result<Self, SendError> {
        Self::establish(relay).await.map_err(|why| SendError::Relay { why: shown(&why) })
    }

    /// Hands one mail over. Nothing may be assumed of a mail whose `send` was dropped before it returned but what
    /// [`SendError::Uncertain`] says, and the connection is then no longer [`reusable`](Self::reusable).
    pub async fn send(&mut self, envelope: &Envelope, message: &[u8]) -> Result<Accepted, SendError> {
        self.send_with_next(envelope, message, None).await
    }

    /// Hands one mail over and announces the next one in the same breath, which halves the waiting for a distant relay
    /// (RFC 2920 lets a new transaction's commands follow the final dot). The next call must then be for `next`, unchanged;
    /// any other mail gets [`SendError::Broken`], and dropping the connection instead is harmless. Announcing delivers nothing. Without PIPELINING it is the same as [`send`](Self::send).
    pub async fn send_with_next(
        &mut self,
        envelope: &Envelope,
        message: &[u8],
        next: Option<(&Envelope, &[u8])>,
    ) -> Result<Accepted, SendError> {
        if !self.healthy {
            return Err(SendError::Broken { why: "the connection was not fit for another mail".into() });
        }
        let prepared = self.offers.prepare(envelope, message)?;
        self.sent += 1;
        let room = self.sent < self.most;
        let next = next.filter(|_| room && self.offers.pipelining);
        let next = next.and_then(|(envelope, message)| self.offers.prepare(envelope, message).ok());
        self.healthy = false;
        let result = self.transact(envelope, prepared, message, next).await;
        self.healthy = result.as_ref().map_or_else(|refusal| refusal.usable, |_| true);
        result.map_err(|refusal| refusal.error)
    }

    /// Whether the relay may have the mail whose `send` was dropped: before its text began it has not.
    pub fn may_have_handed_over(&self) -> bool {
        self.message_out
    }

    /// Whether another mail may go over this connection.
    pub fn reusable(&self) -> bool {
        self.healthy && self.sent < self.most
    }

    /// Whether an idle connection is still there. It asks the system, not the relay, so it costs no round trip.
    pub async fn alive(&mut self) -> bool {
        // Of an announced mail the replies may be here already.
        self.healthy =
            self.healthy && (self.announced.is_some() || (!self.wire.has_input() && self.wire.is_open().await));
        self.healthy
    }

    /// Says goodbye, briefly: whether it is heard changes nothing.
    pub async fn quit(mut self) {
        if self.healthy && self.announced.is_none() {
            let limit = self.timeouts.command.min(FAREWELL);
            if self.wire.write(Quit.to_string().as_bytes(), limit).await.is_ok() {
                let _ = self.wire.reply(limit).await;
            }
        }
    }

    async fn establish(relay: &Relay) -> Result<Self, String> {
        let hello = hello(&relay.hello_name)?;
        let limit = relay.timeouts.command;
        let mut wire = Wire::connect(relay).await?;
        if relay.tls == Tls::Implicit {
            wire = wire.start_tls(relay).await?;
        }
        expect(&wire.reply(relay.timeouts.greeting).await?, 220, "the greeting")?;
        let mut offers = greet(&mut wire, &hello, limit).await?;
        if matches!(relay.tls, Tls::Opportunistic | Tls::Required) {
            let answer = if offers.starttls { Some(ask(&mut wire, &Starttls.to_string(), limit).await?) } else { None };
            match (answer, relay.tls) {
                (Some(answer), _) if answer.code == 220 => {
                    wire = wire.start_tls(relay).await?;
                    offers = greet(&mut wire, &hello, limit).await?;
                }
                (_, Tls::Opportunistic) => {}
                (Some(answer), _) => return Err(format!("STARTTLS was refused with {}", answer.codes())),
                (None, _) => return Err("it does not offer STARTTLS, which is required".into()),
            }
        }
        if let Some(credentials) = &relay.auth {
            if !wire.keeps_secrets() {
                return Err("the password would travel unprotected".into());
            }
            log_in(&mut wire, &offers, credentials, limit).await?;
        }
        Ok(Self {
            wire,
            offers,
            timeouts: relay.timeouts,
            most: relay.mails_per_connection,
            sent: 0,
            healthy: true,
            needs_reset: false,
            announced: None,
            body: Vec::new(),
            message_out: false,
        })
    }

    async fn transact(
        &mut self,
        envelope: &Envelope,
        prepared: Prepared,
        message: &[u8],
        next: Option<Prepared>,
    ) -> Result<Accepted, Refusal> {
        match self.announced.take() {
            Some(announced) if announced != prepared => return Err(broken("another mail had been announced")),
            Some(_) => {}
            None if self.wire.has_input() => return Err(broken("it spoke out of turn")),
            None if self.offers.pipelining => {
                let reset = if self.needs_reset { Rset.to_string() } else { String::new() };
                self.write(&format!("{reset}{}", prepared.group())).await?;
            }
            None => {
                self.take_turns(envelope, &prepared).await?;
                return self.hand_over(envelope, message, None).await;
            }
        }
        self.read_group(envelope).await?;
        self.hand_over(envelope, message, next).await
    }

    /// Without PIPELINING each command waits for the reply to the one before.
    async fn take_turns(&mut self, envelope: &Envelope, prepared: &Prepared) -> Result<(), Refusal> {
        if self.needs_reset {
            self.write(&Rset.to_string()).await?;
            self.read_reset().await?;
        }
        let data = Data.to_string();
        for (stage, command) in [(Stage::Mail, &prepared.mail), (Stage::Rcpt, &prepared.rcpt), (Stage::Data, &data)] {
            self.write(command).await?;
            let reply = self.read(self.timeouts.of(stage)).await?;
            if !stage.welcomes(&reply) {
                return Err(self.refused(&reply, stage, envelope));
            }
        }
        Ok(())
    }

    /// Reads the replies to a pipelined group. The first refusal counts; the later ones only follow from it.
    async fn read_group(&mut self, envelope: &Envelope) -> Result<(), Refusal> {
        if self.needs_reset {
            self.read_reset().await?;
        }
        let mut first = None;
        let mut recipient = false;
        for stage in [Stage::Mail, Stage::Rcpt, Stage::Data] {
            let reply = match (self.read(self.timeouts.of(stage)).await, first) {
                (Ok(reply), refusal) => {
                    first = refusal;
                    reply
                }
                // It refused and hung up: the refusal stands.
                (Err(_), Some(refusal)) => return Err(Refusal { usable: false, ..refusal }),
                (Err(lost), None) => return Err(lost),
            };
            let welcome = stage.welcomes(&reply);
            if !welcome && first.is_none() {
                let refusal = self.refused(&reply, stage, envelope);
                if !refusal.usable {
                    return Err(refusal);
                }
                first = Some(refusal);
            }
            recipient |= welcome && stage == Stage::Rcpt;
            if let (Some(refusal), true, Stage::Data) = (&mut first, welcome, stage) {
                // RFC 2920 3.1: the relay now waits for a message. An empty one ends that, unless somebody would get it.
                refusal.usable = !recipient && self.end_unwanted_data().await;
            }
        }
        first.map_or(Ok(()), Err)
    }

    async fn end_unwanted_data(&mut self) -> bool {
        self.wire.write(b".\r\n", self.timeouts.command).await.is_ok()
            && self.wire.reply(self.timeouts.command).await.is_ok()
    }

    /// Writes the message up to its final dot and hears what became of it.
    async fn hand_over(
        &mut self,
        envelope: &Envelope,
        message: &[u8],
        next: Option<Prepared>,
    ) -> Result<Accepted, Refusal> {
        self.body.clear();
        stuff(message, &mut self.body);
        self.message_out = true;
        let written = self.wire.write(&self.body, self.timeouts.data).await;
        if self.body.capacity() > KEPT_BODY {
            self.body = Vec::new();
        }
        if let Err(why) = written {
            self.message_out = false;
            // The final dot has not left. A relay that hangs up on a message may have said why.
            let reply = self.wire.reply(self.timeouts.command.min(FAREWELL)).await.ok();
            let refusal = reply.and_then(|reply| reply.refusal(Stage::Message, envelope));
            return Err(Refusal { error: refusal.unwrap_or(SendError::Broken { why: shown(&why) }), usable: false });
        }
        let announced = next.is_some();
        if let Some(next) = next {
            // This mail is out; if the next one's commands do not get through, that is found when their replies are read.
            let _ = self.wire.write(next.group().as_bytes(), self.timeouts.command).await;
            self.announced = Some(next);
        }
        let answer = self.wire.reply(self.timeouts.end_of_data).await;
        self.message_out = false;
        let reply = match answer {
            Ok(reply) => reply,
            Err(why) => return Err(uncertain(&why)),
        };
        if reply.is_positive() {
            return Ok(Accepted { code: reply.code, reply: reply.shown(envelope) });
        }
        let Some(error) = reply.refusal(Stage::Message, envelope) else {
            return Err(uncertain(&format!("it answered the message with {}", reply.codes())));
        };
        // The transaction ended with the dot; RSET is only for relays that think otherwise, and cannot go into an announced one.
        self.needs_reset = !announced;
        Err(Refusal { error, usable: reply.code != CLOSING })
    }

    fn refused(&mut self, reply: &Reply, stage: Stage, envelope: &Envelope) -> Refusal {
        self.needs_reset = true;
        match reply.refusal(stage, envelope) {
            Some(error) => Refusal { error, usable: reply.code != CLOSING },
            None => broken(&format!("an answer of {} has no place here", reply.codes())),
        }
    }

    async fn read_reset(&mut self) -> Result<(), Refusal> {
        let reply = self.read(self.timeouts.command).await?;
        if !reply.is_positive() {
            return Err(broken(&format!("RSET was refused with {}", reply.codes())));
        }
        self.needs_reset = false;
        Ok(())
    }

    async fn write(&mut self, commands: &str) -> Result<(), Refusal> {
        self.wire.write(commands.as_bytes(), self.timeouts.command).await.map_err(|why| broken(&why))
    }

    async fn read(&mut self, limit: Duration) -> Result<Reply, Refusal> {
        self.wire.reply(limit).await.map_err(|why| broken(&why))
    }
}

/// "Closing the transmission channel" (RFC 5321 4.2.1).
const CLOSING: u16 = 421;
const FAREWELL: Duration = Duration::from_secs(2);
/// A larger buffer than this is given back after the mail.
const KEPT_BODY: usize = 1024 * 1024;

fn broken(why: &str) -> Refusal {
    Refusal { error: SendError::Broken { why: shown(why) }, usable: false }
}

fn uncertain(why: &str) -> Refusal {
    Refusal { error: SendError::Uncertain { why: shown(why) }, usable: false }
}

impl Stage {
    /// Whether the reply lets the transaction go on.
    fn welcomes(self, reply: &Reply) -> bool {
        if self == Self::Data { reply.code == 354 } else { reply.is_positive() }
    }
}

impl Timeouts {
    fn of(&self, stage: Stage) -> Duration {
        if stage == Stage::Data { self.data } else { self.command }
    }
}

impl Prepared {
    fn group(&self) -> String {
        format!("{}{}{Data}", self.mail, self.rcpt)
    }
}

impl Offers {
    fn read(reply: &Reply) -> Self {
        let mut offers = Self::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split([' ', '=']);
            match words.next().unwrap_or_default() {
                "PIPELINING" => offers.pipelining = true,
                "8BITMIME" => offers.eight_bit = true,
                "SMTPUTF8" => offers.smtputf8 = true,
                "STARTTLS" => offers.starttls = true,
                // RFC 1870: zero, or nothing, says that there is no fixed limit.
                "SIZE" => offers.size = Some(words.next().and_then(|size| size.parse().ok()).unwrap_or(0)),
                "AUTH" => words.for_each(|word| match word {
                    "PLAIN" => offers.auth_plain = true,
                    "LOGIN" => offers.auth_login = true,
                    "XOAUTH2" => offers.auth_xoauth2 = true,
                    _ => {}
                }),
                _ => {}
            }
        }
        offers
    }

    /// The commands for a mail, or why this relay cannot be asked to take it.
    fn prepare(&self, envelope: &Envelope, message: &[u8]) -> Result<Prepared, SendError> {
        let from = if envelope.from.is_empty() { None } else { Some(address(&envelope.from)?) };
        let to = address(&envelope.to)?;
        let mut parameters = Vec::new();
        if let Some(limit) = self.size {
            if limit > 0 && message.len() > limit {
                return Err(refused_here(552, "5.3.4 The message is larger than the relay takes"));
            }
            parameters.push(MailParameter::Size(message.len()));
        }
        if !message.is_ascii() {
            if !self.eight_bit {
                return Err(refused_here(554, "5.6.3 The relay takes no 8-bit messages"));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        if [Some(&to), from.as_ref()].into_iter().flatten().any(|address| !address.user().is_ascii()) {
            if !self.smtputf8 {
                return Err(SendError::Utf8Unsupported);
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        Ok(Prepared { mail: Mail::new(from, parameters).to_string(), rcpt: Rcpt::new(to, Vec::new()).to_string() })
    }
}

/// Checks an address and puts its domain into ASCII. Line ends and NUL would be commands of their own.
fn address(text: &str) -> Result<Address, SendError> {
    let bad = || refused_here(553, "5.1.3 The address cannot be written in SMTP");
    let (user, domain) = text.rsplit_once('@').filter(|_| !text.contains(char::is_control)).ok_or_else(bad)?;
    let domain =
        if domain.starts_with('[') { domain.to_owned() } else { idna::domain_to_ascii(domain).map_err(|_| bad())? };
    Address::new(user, domain).map_err(|_| bad())
}

/// A refusal that is ours, with the code a relay would have used.
fn refused_here(code: u16, reply: &str) -> SendError {
    SendError::Rejected { code, reply: reply.into(), no_such_user: false }
}

fn hello(name: &str) -> Result<ClientId, String> {
    match name.parse() {
        Ok(std::net::IpAddr::V4(ip)) => Ok(ClientId::Ipv4(ip)),
        Ok(std::net::IpAddr::V6(ip)) => Ok(ClientId::Ipv6(ip)),
        Err(_) if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(ClientId::Domain(name.into()))
        }
        Err(_) => Err("our own name for its greeting is no host name".into()),
    }
}

pub(super) async fn ask(wire: &mut Wire, command: &str, limit: Duration) -> Result<Reply, String> {
    if wire.has_input() {
        return Err("it spoke out of turn".into());
    }
    wire.write(command.as_bytes(), limit).await?;
    wire.reply(limit).await
}

fn expect(reply: &Reply, code: u16, what: &str) -> Result<(), String> {
    let nobody = Envelope { from: String::new(), to: String::new() };
    if reply.code == code { Ok(()) } else { Err(format!("{what} was {} {}", reply.code, reply.shown(&nobody))) }
}

async fn greet(wire: &mut Wire, hello: &ClientId, limit: Duration) -> Result<Offers, String> {
    let reply = ask(wire, &Ehlo::new(hello.clone()).to_string(), limit).await?;
    if (500..=504).contains(&reply.code) {
        let reply = ask(wire, &format!("HELO {hello}\r\n"), limit).await?;
        return expect(&reply, 250, "the answer to HELO").map(|()| Offers::default());
    }
    expect(&reply, 250, "the answer to EHLO")?;
    Ok(Offers::read(&reply))
}

/// Writes a message as it travels: every line ends with CRLF, a leading dot is doubled, and a lone dot comes last. A bare CR or
/// LF becomes a line end, since servers disagree on what it means and a second mail could be smuggled in with it.
fn stuff(message: &[u8], out: &mut Vec<u8>) {
    out.reserve(message.len() + message.len() / 32 + 16);
    let mut rest = message;
    while !rest.is_empty() {
        if rest[0] == b'.' {
            out.push(b'.');
        }
        let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..end]);
        out.extend_from_slice(b"\r\n");
        rest = &rest[end..];
        rest = rest.strip_prefix(b"\r\n").unwrap_or_else(|| rest.get(1..).unwrap_or_default());
    }
    out.extend_from_slice(b".\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffs_dots_and_mends_line_ends() {
        for (message, expected) in [
            ("", ".\r\n"),
            ("a", "a\r\n.\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            (".\r\n", "..\r\n.\r\n"),
            ("a\r\n.b\r\n\r\n..\r\nc.", "a\r\n..b\r\n\r\n...\r\nc.\r\n.\r\n"),
            ("a\n.\nQUIT\r.\rb\r\n", "a\r\n..\r\nQUIT\r\n..\r\nb\r\n.\r\n"),
        ] {
            let mut out = Vec::new();
            stuff(message.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{message:?}");
        }
    }
}
