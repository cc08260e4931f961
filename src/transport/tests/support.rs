//! A server that follows a script, and short ways to say what is sent.
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::local::smtp::{Mailbox, Options, Received, Stage, Verdict, serve};
use crate::transport::{Connection, Envelope, Relay};

/// What the server answers at a stage, first come first served; then it accepts.
#[derive(Default)]
pub struct Script {
    verdicts: Mutex<HashMap<&'static str, Vec<Verdict>>>,
    mails: Mutex<Vec<Received>>,
}

impl Mailbox for Script {
    async fn verdict(&self, stage: Stage<'_>) -> Verdict {
        let key = match stage {
            Stage::Connect => "connect",
            Stage::Ehlo => "ehlo",
            Stage::StartTls => "starttls",
            Stage::Auth { user: "ann", secret: "hunter2" } => return Verdict::Accept,
            Stage::Auth { .. } => return reply(535, "5.7.8 no: AUTH PLAIN hunter3"),
            Stage::MailFrom(_) => "mail",
            Stage::Rcpt(_) => "rcpt",
            Stage::Data => "data",
            Stage::Message(_) => "message",
        };
        let mut verdicts = self.verdicts.lock().unwrap();
        verdicts.get_mut(key).and_then(Vec::pop).unwrap_or(Verdict::Accept)
    }

    async fn deliver(&self, mail: Received) {
        self.mails.lock().unwrap().push(mail);
    }
}

pub struct Server {
    pub address: SocketAddr,
    script: Arc<Script>,
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (script, stop) = (Arc::new(Script::default()), CancellationToken::new());
        let task = tokio::spawn(serve(listener, Arc::clone(&script), options, stop.clone()));
        Self { address, script, stop: stop.drop_guard(), task }
    }

    /// Answers once so at this stage.
    pub fn once(&self, stage: &'static str, verdict: Verdict) {
        self.script.verdicts.lock().unwrap().entry(stage).or_default().insert(0, verdict);
    }

    pub fn relay(&self) -> Relay {
        relay(self.address, "")
    }

    pub async fn connect(&self) -> Connection {
        Connection::open(&self.relay()).await.unwrap()
    }

    pub fn mails(&self) -> Vec<Received> {
        std::mem::take(&mut self.script.mails.lock().unwrap())
    }

    /// Stops it and closes what is open.
    pub async fn stop(self) {
        drop(self.stop);
        self.task.await.unwrap();
    }
}

/// A server that offers exactly these extensions.
pub fn offering(extensions: &[&str]) -> Options {
    Options { extensions: extensions.iter().map(ToString::to_string).collect(), ..Options::default() }
}

/// The same conversation must go well with and without PIPELINING.
pub fn both() -> [Options; 2] {
    [offering(&["PIPELINING", "SIZE 1000000", "8BITMIME"]), offering(&[])]
}

pub fn relay(address: SocketAddr, query: &str) -> Relay {
    let mut relay: Relay = format!("smtp://{address}{query}").parse().unwrap();
    // Nothing here takes long; a test that hangs should end before anyone loses patience.
    relay.timeouts.command = Duration::from_secs(20);
    relay.timeouts.end_of_data = Duration::from_secs(20);
    relay
}

pub fn reply(code: u16, text: &str) -> Verdict {
    Verdict::Reply(code, text.into())
}

pub fn to(to: &str) -> Envelope {
    Envelope { from: "series@example.com".into(), to: to.into() }
}

pub const ANN: &str = "ann@example.org";
pub const BEN: &str = "ben@example.org";
pub const BODY: &[u8] = b"Subject: x\r\n\r\nHello\r\n";

/// One line of a conversation as a bare socket holds it.
pub enum Line {
    Say(&'static str),
    Hear(&'static str),
    /// The client closes without another word.
    End,
}

impl Line {
    pub fn again(&self) -> Self {
        match self {
            Self::Say(text) => Self::Say(text),
            Self::Hear(text) => Self::Hear(text),
            Self::End => Self::End,
        }
    }
}

/// A server that says and expects exactly these lines, once, and then closes. Its task fails when it hears something else.
pub async fn recite(lines: Vec<Line>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut socket = BufReader::new(listener.accept().await.unwrap().0);
        for line in lines {
            match line {
                Line::Say(text) => socket.get_mut().write_all(text.as_bytes()).await.unwrap(),
                Line::Hear(expected) => {
                    let mut heard = String::new();
                    socket.read_line(&mut heard).await.unwrap();
                    assert!(heard.starts_with(expected), "heard {heard:?}, not {expected:?}");
                }
                Line::End => {
                    let mut heard = String::new();
                    socket.read_line(&mut heard).await.unwrap();
                    assert_eq!(heard, "");
                }
            }
        }
    });
    (address, task)
}
