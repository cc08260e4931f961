//! A small SMTP server: the demo's catch-all inbox listens with it, and tests script it.
//!
//! It speaks the protocol strictly (bad sequence, unknown parameter, bare line feeds and over-long lines are refused), so a
//! fault in what regimen sends shows here first. What becomes of a mail is the [`Mailbox`]'s business.
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod wire;
use wire::{End, IDLE, Line, Wire};

#[cfg(test)]
mod tests;

/// One mail as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The envelope's sender, empty for the null sender.
    pub from: String,
    /// The envelope's recipients that were accepted.
    pub to: Vec<String>,
    /// The message with its transparency dots removed and CRLF line ends.
    pub data: Vec<u8>,
    /// Whether the sender asked for SMTPUTF8.
    pub smtputf8: bool,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The user that had authenticated.
    pub authenticated: Option<String>,
    /// Which connection it came on; the first is 1.
    pub connection: u64,
}

/// The points at which a [`Mailbox`] is asked how to answer.
pub enum Stage<'a> {
    Connect,
    Ehlo,
    StartTls,
    Auth { user: &'a str, secret: &'a str },
    MailFrom(&'a str),
    Rcpt(&'a str),
    Data,
    Message(&'a Received),
}

/// How the server answers at one [`Stage`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The ordinary positive reply.
    Accept,
    /// This reply; lines are split at `\n`, and 421 also closes the connection. A 354 to DATA takes the message even when every
    /// recipient was refused, as RFC 2920 lets a server do.
    Reply(u16, String),
    /// Close the connection now, without a reply.
    Drop,
    /// Never answer; the connection stays until the peer closes it.
    Stall,
    /// At [`Stage::Message`]: hand the mail over, then close without a reply. Elsewhere the same as `Drop`.
    AcceptThenDrop,
}

/// Where the mails of a server go.
pub trait Mailbox: Send + Sync + 'static {
    /// Decides the answer at one stage.
    fn verdict(&self, _stage: Stage<'_>) -> impl Future<Output = Verdict> + Send {
        async { Verdict::Accept }
    }

    /// Takes a mail; the sender is told "accepted" only after this returned.
    fn deliver(&self, mail: Received) -> impl Future<Output = ()> + Send;
}

/// What a server offers.
pub struct Options {
    /// Lines of the EHLO reply, such as `PIPELINING` or `SIZE 1000`. STARTTLS and AUTH are added from the fields below.
    pub extensions: Vec<String>,
    /// The certificate; without it there is no TLS.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// TLS from the first byte instead of STARTTLS.
    pub implicit_tls: bool,
    /// Whether AUTH PLAIN and LOGIN are offered.
    pub auth: bool,
    /// The largest message taken, in octets.
    pub max_size: usize,
}

impl Default for Options {
    fn default() -> Self {
        let max_size = 10 * 1024 * 1024;
        let extensions = vec!["PIPELINING".into(), "8BITMIME".into(), "SMTPUTF8".into(), format!("SIZE {max_size}")];
        Self { extensions, tls: None, implicit_tls: false, auth: false, max_size }
    }
}

/// Serves until `stop` is cancelled, and returns when the last connection has ended.
pub async fn serve<M: Mailbox>(listener: TcpListener, mailbox: Arc<M>, options: Options, stop: CancellationToken) {
    let options = Arc::new(options);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let tasks = TaskTracker::new();
    let mut connection = 0;
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => {
                let Ok(place) = place else { break };
                tokio::select! {
                    () = stop.cancelled() => break,
                    socket = listener.accept() => socket.map(|(socket, _)| (socket, place)),
                }
            }
        };
        // A failed accept is the peer's (it reset at once) or a shortage of descriptors, which passes: either way go on.
        let Ok((socket, place)) = accepted else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        connection += 1;
        let (mailbox, options, stop) = (Arc::clone(&mailbox), Arc::clone(&options), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = converse(socket, connection, mailbox, options) => {}
            }
            drop(place);
        });
    }
    tasks.close();
    tasks.wait().await;
}

/// More connections than this wait in the listener's backlog.
const MAX_CONNECTIONS: usize = 512;
/// RFC 5321 4.5.3.1.4 allows 512 octets; the parameters of SIZE, 8BITMIME, SMTPUTF8 and AUTH add to it.
const MAX_COMMAND: usize = 1_100;
/// RFC 4954 section 4: the longest line of an AUTH exchange.
const MAX_AUTH_LINE: usize = 12_288;
/// RFC 5321 4.5.3.1.6: the octets of a text line with its CRLF; a transparency dot does not count.
const MAX_TEXT: usize = 1_000;
/// RFC 5321 4.5.3.1.8.
const MAX_RECIPIENTS: usize = 100;

async fn converse<M: Mailbox>(socket: TcpStream, connection: u64, mailbox: Arc<M>, options: Arc<Options>) {
    if socket.set_nodelay(true).is_err() {
        return;
    }
    let implicit = options.tls.clone().filter(|_| options.implicit_tls);
    let tls = implicit.is_some();
    let wire = match implicit {
        None => Wire::new(socket),
        Some(config) => match timeout(IDLE, TlsAcceptor::from(config).accept(socket)).await {
            Ok(Ok(stream)) => Wire::new(stream),
            _ => return,
        },
    };
    let mut session = Session { wire, mailbox, options, connection, tls, greeted: false, user: None, mail: None };
    // `run` never returns `Ok`: a conversation always has an end.
    if let Err(End::Bye) = session.run().await {
        session.wire.linger().await;
    }
}

struct Transaction {
    from: String,
    to: Vec<String>,
    smtputf8: bool,
}

struct Session<M> {
    wire: Wire,
    mailbox: Arc<M>,
    options: Arc<Options>,
    connection: u64,
    tls: bool,
    greeted: bool,
    user: Option<String>,
    mail: Option<Transaction>,
}

impl<M: Mailbox> Session<M> {
    async fn run(&mut self) -> Result<(), End> {
        if !self.ask(Stage::Connect).await? {
            return Err(End::Bye);
        }
        self.wire.reply(220, "localhost ESMTP");
        loop {
            match self.wire.line(MAX_COMMAND).await? {
                Line::TooLong => self.wire.reply(500, "5.5.2 Line too long"),
                Line::Whole(line) => match String::from_utf8(line) {
                    Ok(line) if !line.contains(['\0', '\r', '\n']) => self.command(&line).await?,
                    _ => self.wire.reply(500, "5.5.2 Invalid characters"),
                },
            }
        }
    }

    async fn command(&mut self, line: &str) -> Result<(), End> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.hello(true).await?,
            "HELO" => self.hello(false).await?,
            "STARTTLS" => self.start_tls().await?,
            "AUTH" => self.auth(rest).await?,
            "MAIL" => self.mail_from(rest).await?,
            "RCPT" => self.rcpt_to(rest).await?,
            "DATA" => self.data().await?,
            "RSET" => {
                self.mail = None;
                self.wire.reply(250, "2.0.0 Ok");
            }
            "NOOP" => self.wire.reply(250, "2.0.0 Ok"),
            "VRFY" => self.wire.reply(252, "2.5.0 Send some mail and see"),
            "QUIT" => {
                self.wire.reply(221, "2.0.0 Bye");
                return Err(End::Bye);
            }
            _ => self.wire.reply(500, "5.5.1 Command unknown"),
        }
        Ok(())
    }

    async fn hello(&mut self, extended: bool) -> Result<(), End> {
        self.mail = None;
        if !self.ask(Stage::Ehlo).await? {
            return Ok(());
        }
        self.greeted = true;
        let mut lines = vec!["localhost".to_owned()];
        if extended {
            lines.extend(self.options.extensions.iter().cloned());
            if self.options.tls.is_some() && !self.tls {
                lines.push("STARTTLS".into());
            }
            if self.options.auth {
                lines.push("AUTH PLAIN LOGIN".into());
            }
        }
        self.wire.reply(250, &lines.join("\n"));
        Ok(())
    }

    async fn start_tls(&mut self) -> Result<(), End> {
        let Some(config) = self.options.tls.clone().filter(|_| !self.tls) else {
            self.wire.reply(502, "5.5.1 No TLS here");
            return Ok(());
        };
        if !self.ask(Stage::StartTls).await? {
            return Ok(());
        }
        self.wire.reply(220, "2.0.0 Go ahead");
        self.wire.flush().await?;
        self.wire.start_tls(config).await?;
        (self.tls, self.greeted, self.user, self.mail) = (true, false, None, None);
        Ok(())
    }

    async fn auth(&mut self, rest: &str) -> Result<(), End> {
        if !self.options.auth || !self.greeted || self.user.is_some() || self.mail.is_some() {
            self.wire.reply(503, "5.5.1 Not now");
            return Ok(());
        }
        let (mechanism, initial) =
            rest.split_once(' ').map_or((rest, None), |(name, text)| (name, Some(text.to_owned())));
        let pair = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let text = self.challenge("", initial).await?;
                text.and_then(|text| {
                    let mut parts = text.split('\0').skip(1).map(str::to_owned);
                    parts.next().zip(parts.next())
                })
            }
            "LOGIN" => {
                let user = self.challenge("VXNlcm5hbWU6", initial).await?;
                let secret = if user.is_some() { self.challenge("UGFzc3dvcmQ6", None).await? } else { None };
                user.zip(secret)
            }
            _ => {
                self.wire.reply(504, "5.5.4 Mechanism unknown");
                return Ok(());
            }
        };
        let Some((user, secret)) = pair else {
            self.wire.reply(501, "5.5.2 Not an answer to the challenge");
            return Ok(());
        };
        if self.ask(Stage::Auth { user: &user, secret: &secret }).await? {
            self.user = Some(user);
            self.wire.reply(235, "2.7.0 Authenticated");
        }
        Ok(())
    }

    /// The decoded answer to a challenge, or nothing when it was cancelled or is no base64.
    async fn challenge(&mut self, challenge: &str, initial: Option<String>) -> Result<Option<String>, End> {
        let answer = if let Some(initial) = initial {
            initial.into_bytes()
        } else {
            self.wire.reply(334, challenge);
            match self.wire.line(MAX_AUTH_LINE).await? {
                Line::Whole(line) => line,
                Line::TooLong => return Ok(None),
            }
        };
        Ok(STANDARD.decode(answer).ok().and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    async fn mail_from(&mut self, rest: &str) -> Result<(), End> {
        if !self.greeted || self.mail.is_some() {
            self.wire.reply(503, "5.5.1 Not now");
            return Ok(());
        }
        let Some((from, parameters)) = path(rest, "FROM:") else {
            self.wire.reply(501, "5.5.4 MAIL FROM:<address>");
            return Ok(());
        };
        let mut smtputf8 = false;
        for parameter in parameters.split_ascii_whitespace().map(str::to_ascii_uppercase) {
            let (key, value) = parameter.split_once('=').unwrap_or((&parameter, ""));
            match key {
                "SIZE" if self.offers("SIZE") => {
                    if value.parse().is_ok_and(|size: usize| size > self.options.max_size) {
                        self.wire.reply(552, "5.3.4 Message too large");
                        return Ok(());
                    }
                }
                "BODY" if self.offers("8BITMIME") => {}
                "AUTH" if self.options.auth => {}
                "SMTPUTF8" if self.offers("SMTPUTF8") => smtputf8 = true,
                _ => {
                    self.wire.reply(555, "5.5.4 Parameter unknown");
                    return Ok(());
                }
            }
        }
        if !from.is_ascii() && !smtputf8 {
            self.wire.reply(553, "5.6.7 Not ASCII");
        } else if self.ask(Stage::MailFrom(from)).await? {
            self.mail = Some(Transaction { from: from.to_owned(), to: Vec::new(), smtputf8 });
            self.wire.reply(250, "2.1.0 Ok");
        }
        Ok(())
    }

    async fn rcpt_to(&mut self, rest: &str) -> Result<(), End> {
        let Some((known, smtputf8)) = self.mail.as_ref().map(|mail| (mail.to.len(), mail.smtputf8)) else {
            self.wire.reply(503, "5.5.1 MAIL first");
            return Ok(());
        };
        match path(rest, "TO:") {
            None | Some(("", _)) => self.wire.reply(501, "5.5.4 RCPT TO:<address>"),
            Some((_, parameters)) if !parameters.is_empty() => self.wire.reply(555, "5.5.4 Parameter unknown"),
            Some((to, _)) if !to.is_ascii() && !smtputf8 => self.wire.reply(553, "5.6.7 Not ASCII"),
            Some(_) if known == MAX_RECIPIENTS => self.wire.reply(452, "4.5.3 Too many recipients"),
            Some((to, _)) => {
                if self.ask(Stage::Rcpt(to)).await? {
                    self.mail.iter_mut().for_each(|mail| mail.to.push(to.to_owned()));
                    self.wire.reply(250, "2.1.5 Ok");
                }
            }
        }
        Ok(())
    }

    async fn data(&mut self) -> Result<(), End> {
        let Some(recipients) = self.mail.as_ref().map(|mail| mail.to.len()) else {
            self.wire.reply(503, "5.5.1 MAIL first");
            return Ok(());
        };
        match self.mailbox.verdict(Stage::Data).await {
            Verdict::Accept if recipients == 0 => {
                self.wire.reply(554, "5.5.1 No valid recipients");
                return Ok(());
            }
            Verdict::Accept => self.wire.reply(354, "End with a lone dot"),
            Verdict::Reply(354, text) => self.wire.reply(354, &text),
            other => return self.obey(other).await.map(drop),
        }
        let body = self.body().await?;
        // The transaction is over with the final dot, whatever the answer.
        let Some(Transaction { from, to, smtputf8 }) = self.mail.take() else { return Ok(()) };
        let data = match body {
            Ok(data) => data,
            Err((code, text)) => {
                self.wire.reply(code, text);
                return Ok(());
            }
        };
        if to.is_empty() {
            self.wire.reply(554, "5.5.1 No valid recipients");
            return Ok(());
        }
        let (tls, authenticated, connection) = (self.tls, self.user.clone(), self.connection);
        let received = Received { from, to, data, smtputf8, tls, authenticated, connection };
        match self.mailbox.verdict(Stage::Message(&received)).await {
            Verdict::Accept => {
                self.mailbox.deliver(received).await;
                self.wire.reply(250, "2.0.0 Ok, delivered");
                Ok(())
            }
            Verdict::AcceptThenDrop => {
                self.mailbox.deliver(received).await;
                Err(End::Gone)
            }
            other => self.obey(other).await.map(drop),
        }
    }

    /// Reads up to the lone dot. What is wrong with the message is told only then, as the protocol wants.
    async fn body(&mut self) -> Result<Result<Vec<u8>, (u16, &'static str)>, End> {
        let mut data = Vec::new();
        let mut fault = None;
        loop {
            match self.wire.line(MAX_TEXT + 1).await? {
                Line::TooLong => fault = Some((500, "5.6.0 Line too long")),
                Line::Whole(line) if line == b"." => break,
                Line::Whole(line) => {
                    let text = line.strip_prefix(b".").unwrap_or(&line);
                    if text.len() + 2 > MAX_TEXT {
                        fault = Some((500, "5.6.0 Line too long"));
                    } else if text.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
                        fault = Some((550, "5.6.11 A line must end with CRLF"));
                    } else if data.len() + text.len() + 2 > self.options.max_size {
                        fault = Some((552, "5.3.4 Message too large"));
                    } else if fault.is_none() {
                        data.extend_from_slice(text);
                        data.extend_from_slice(b"\r\n");
                    }
                }
            }
        }
        Ok(fault.map_or(Ok(data), Err))
    }

    async fn ask(&mut self, stage: Stage<'_>) -> Result<bool, End> {
        let verdict = self.mailbox.verdict(stage).await;
        self.obey(verdict).await
    }

    /// Whether the verdict lets the conversation's ordinary course go on; if not, its reply is already in place.
    async fn obey(&mut self, verdict: Verdict) -> Result<bool, End> {
        match verdict {
            Verdict::Accept => Ok(true),
            Verdict::Reply(code, text) => {
                self.wire.reply(code, &text);
                if code == 421 { Err(End::Bye) } else { Ok(false) }
            }
            Verdict::Drop | Verdict::AcceptThenDrop => {
                self.wire.flush().await?;
                Err(End::Gone)
            }
            Verdict::Stall => {
                self.wire.stall().await?;
                Err(End::Gone)
            }
        }
    }

    fn offers(&self, keyword: &str) -> bool {
        let first = |line: &String| line.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(keyword));
        self.options.extensions.iter().any(first)
    }
}

/// Splits `FROM:<address> parameters`.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let head = rest.get(..keyword.len()).filter(|head| head.eq_ignore_ascii_case(keyword))?;
    let (address, parameters) = rest[head.len()..].trim_start().strip_prefix('<')?.rsplit_once('>')?;
    Some((address, parameters.trim()))
}
