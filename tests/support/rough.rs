//! A relay that misbehaves in every way it can, and remembers exactly what it kept.
//!
//! What it does to a mail follows from the seed, the reader and how often it has met that reader before, so the same seed
//! treats everybody the same, whatever else happens around it. It never lies about what counts: a mail that it said yes to
//! is kept, and one that it refused is not.
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::relay::delivery_of;

/// Where in a conversation it misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum At {
    Connect,
    Ehlo,
    Mail,
    Rcpt,
    Data,
    Body,
    Dot,
}

/// How.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    HangUp,
    Reset,
    /// It answers well and hangs up.
    AnswerAndHangUp,
    /// 421, and it hangs up.
    Closing,
    Temporary,
    Permanent,
    NoSuchUser,
    /// What it says is no reply.
    Garbage,
    /// It says nothing for a while, or for ever.
    Silence,
    Slowly,
    InPieces,
    /// It says the same twice.
    Twice,
    /// It refuses the recipient and wants the message all the same (RFC 2920 3.1).
    DataAnyway,
}

/// How often each happens, in 10,000.
const RATES: &[(At, How, u32)] = &[
    (At::Connect, How::HangUp, 150),
    (At::Connect, How::Reset, 100),
    (At::Connect, How::Closing, 100),
    (At::Connect, How::Permanent, 50),
    (At::Connect, How::Garbage, 50),
    (At::Connect, How::Silence, 100),
    (At::Connect, How::Slowly, 300),
    (At::Ehlo, How::HangUp, 100),
    (At::Ehlo, How::Permanent, 500),
    (At::Ehlo, How::Closing, 50),
    (At::Ehlo, How::InPieces, 1_000),
    (At::Mail, How::HangUp, 25),
    (At::Mail, How::Reset, 15),
    (At::Mail, How::AnswerAndHangUp, 15),
    (At::Mail, How::Closing, 10),
    (At::Mail, How::Temporary, 40),
    (At::Mail, How::Permanent, 5),
    (At::Mail, How::Garbage, 10),
    (At::Mail, How::Silence, 10),
    (At::Mail, How::InPieces, 100),
    (At::Mail, How::Twice, 15),
    (At::Rcpt, How::HangUp, 25),
    (At::Rcpt, How::Reset, 15),
    (At::Rcpt, How::AnswerAndHangUp, 15),
    (At::Rcpt, How::Closing, 10),
    (At::Rcpt, How::Temporary, 80),
    (At::Rcpt, How::Permanent, 30),
    (At::Rcpt, How::NoSuchUser, 20),
    (At::Rcpt, How::Garbage, 10),
    (At::Rcpt, How::Silence, 10),
    (At::Rcpt, How::Twice, 15),
    (At::Rcpt, How::DataAnyway, 50),
    (At::Data, How::HangUp, 25),
    (At::Data, How::Reset, 15),
    (At::Data, How::AnswerAndHangUp, 15),
    (At::Data, How::Closing, 10),
    (At::Data, How::Temporary, 40),
    (At::Data, How::Permanent, 20),
    (At::Data, How::Garbage, 10),
    (At::Data, How::Silence, 10),
    (At::Data, How::Twice, 15),
    (At::Body, How::HangUp, 40),
    (At::Body, How::Reset, 30),
    (At::Body, How::Silence, 10),
    (At::Body, How::Slowly, 50),
    (At::Dot, How::HangUp, 40),
    (At::Dot, How::Reset, 30),
    (At::Dot, How::AnswerAndHangUp, 40),
    (At::Dot, How::Closing, 10),
    (At::Dot, How::Temporary, 50),
    (At::Dot, How::Permanent, 30),
    (At::Dot, How::Garbage, 20),
    (At::Dot, How::Silence, 25),
    (At::Dot, How::Slowly, 150),
    (At::Dot, How::InPieces, 200),
    (At::Dot, How::Twice, 15),
];

/// A mail that the relay kept.
#[derive(Debug, Clone)]
pub struct Kept {
    pub delivery: Uuid,
    pub to: String,
}

#[derive(Default)]
struct Ledger {
    kept: Vec<Kept>,
    misdeeds: BTreeMap<(At, How), usize>,
    /// How often each thing was met before.
    met: HashMap<(At, String), u32>,
}

struct Inner {
    seed: u64,
    rough: watch::Sender<bool>,
    ledger: Mutex<Ledger>,
}

pub struct RoughRelay {
    address: SocketAddr,
    inner: Arc<Inner>,
    _stop: DropGuard,
}

impl RoughRelay {
    pub async fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner { seed, rough: watch::Sender::new(true), ledger: Mutex::default() });
        let stop = CancellationToken::new();
        let (serving, stopped) = (inner.clone(), stop.clone());
        tokio::spawn(async move {
            let mut number = 0;
            while let Some(Ok((socket, _))) = stopped.run_until_cancelled(listener.accept()).await {
                number += 1;
                let talk = Talk::new(serving.clone(), socket, number);
                tokio::spawn(stopped.clone().run_until_cancelled_owned(talk.run()));
            }
        });
        Self { address, inner, _stop: stop.drop_guard() }
    }

    pub fn url(&self) -> String {
        format!("smtp://{}?tls=none", self.address)
    }

    /// From now on it takes everything, and lets go of whom it had keep waiting.
    pub fn behave(&self) {
        self.inner.rough.send_replace(false);
    }

    pub fn kept(&self) -> Vec<Kept> {
        self.inner.ledger.lock().unwrap().kept.clone()
    }

    pub fn count(&self) -> usize {
        self.inner.ledger.lock().unwrap().kept.len()
    }

    /// What it did, and how often.
    pub fn misdeeds(&self) -> BTreeMap<(At, How), usize> {
        self.inner.ledger.lock().unwrap().misdeeds.clone()
    }
}

impl Inner {
    fn random(&self, at: At, of: &str, met: u32) -> StdRng {
        let mut hasher = DefaultHasher::new();
        (self.seed, at, of, met).hash(&mut hasher);
        StdRng::seed_from_u64(hasher.finish())
    }

    /// What happens to `of` this time, with the randomness for how exactly.
    fn fate(&self, at: At, of: &str) -> (Option<How>, StdRng) {
        let mut ledger = self.ledger.lock().unwrap();
        let met = ledger.met.entry((at, of.to_owned())).or_default();
        *met += 1;
        let mut random = self.random(at, of, *met);
        let mut left = random.random_range(0..10_000);
        if !*self.rough.borrow() {
            return (None, random);
        }
        for (_, how, rate) in RATES.iter().filter(|(place, ..)| *place == at) {
            if left < *rate {
                *ledger.misdeeds.entry((at, *how)).or_default() += 1;
                return (Some(*how), random);
            }
            left -= rate;
        }
        (None, random)
    }
}

/// The connection is over.
struct Bye;

struct Talk {
    relay: Arc<Inner>,
    socket: TcpStream,
    input: Vec<u8>,
    number: u64,
    mails: u64,
}

/// A mail's way until its final dot.
#[derive(Default)]
struct Transaction {
    sender: bool,
    to: Option<String>,
    /// The recipient was refused, and the message is wanted all the same.
    anyway: bool,
}

impl Talk {
    fn new(relay: Arc<Inner>, socket: TcpStream, number: u64) -> Self {
        socket.set_nodelay(true).ok();
        Self { relay, socket, input: Vec::new(), number, mails: 0 }
    }

    async fn run(mut self) {
        self.converse().await.unwrap_or(());
    }

    async fn converse(&mut self) -> Result<(), Bye> {
        let name = self.number.to_string();
        self.answer(At::Connect, &name, "220 rough.example.org ESMTP\r\n").await?;
        let mut mail = Transaction::default();
        loop {
            let line = self.line().await?;
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => self.ehlo(&name).await?,
                "MAIL" => {
                    self.mails += 1;
                    let which = format!("{}/{}", self.number, self.mails);
                    let refusal = self.answer(At::Mail, &which, "250 2.1.0 Ok\r\n").await?;
                    mail = Transaction { sender: refusal.is_none(), ..Transaction::default() };
                }
                "RCPT" if mail.sender => {
                    let to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    let refusal = self.answer(At::Rcpt, &to, "250 2.1.5 Ok\r\n").await?;
                    mail.anyway = refusal == Some(How::DataAnyway);
                    mail.to = refusal.is_none().then_some(to);
                }
                "DATA" if mail.to.is_some() || mail.anyway => {
                    let finished = std::mem::take(&mut mail);
                    self.data(finished).await?;
                }
                "RCPT" | "DATA" => self.say("503 5.5.1 Bad sequence of commands\r\n").await?,
                "HELO" | "RSET" | "NOOP" => {
                    mail = Transaction::default();
                    self.say("250 2.0.0 Ok\r\n").await?;
                }
                "QUIT" => {
                    self.say("221 2.0.0 Bye\r\n").await?;
                    return Err(Bye);
                }
                _ => self.say("500 5.5.2 What?\r\n").await?,
            }
        }
    }

    async fn ehlo(&mut self, name: &str) -> Result<(), Bye> {
        // Some relays know no pipelining.
        let pipelining = self.relay.random(At::Ehlo, name, 0).random_bool(0.8);
        let offer = if pipelining { "250-PIPELINING\r\n" } else { "" };
        let reply = format!("250-rough.example.org\r\n{offer}250-8BITMIME\r\n250 SMTPUTF8\r\n");
        self.answer(At::Ehlo, name, &reply).await.map(drop)
    }

    async fn data(&mut self, mail: Transaction) -> Result<(), Bye> {
        let Some(to) = mail.to else {
            // Nobody would get it. Whatever comes is taken and thrown away.
            self.say("354 Go on all the same\r\n").await?;
            self.body().await?;
            return self.say("250 2.0.0 Thrown away\r\n").await;
        };
        if self.answer(At::Data, &to, "354 Go on\r\n").await?.is_some() {
            return Ok(());
        }
        let (how, mut random) = self.relay.fate(At::Body, &to);
        if let Some(how) = how {
            self.some_of_the_body(random.random_range(1..4_000)).await?;
            match how {
                How::HangUp => return Err(Bye),
                How::Reset => return Err(self.reset()),
                How::Silence => return Err(self.silence(&mut random).await),
                _ => tokio::time::sleep(millis(&mut random, 20..600)).await,
            }
        }
        let body = self.body().await?;
        self.dot(to, &body).await
    }

    async fn dot(&mut self, to: String, body: &[u8]) -> Result<(), Bye> {
        let (how, mut random) = self.relay.fate(At::Dot, &to);
        let refused = matches!(how, Some(How::Temporary | How::Permanent | How::Closing));
        let in_doubt = matches!(how, Some(How::HangUp | How::Reset | How::Garbage | How::Silence));
        if !refused && (!in_doubt || random.random_bool(0.6)) {
            let kept = Kept { delivery: delivery_of(body), to };
            self.relay.ledger.lock().unwrap().kept.push(kept);
        }
        self.act(At::Dot, how, &mut random, "250 2.0.0 Kept\r\n").await.map(drop)
    }

    /// Answers as the fates have it; nothing when it was a yes, else how it was not.
    async fn answer(&mut self, at: At, of: &str, yes: &str) -> Result<Option<How>, Bye> {
        let (how, mut random) = self.relay.fate(at, of);
        self.act(at, how, &mut random, yes).await
    }

    async fn act(&mut self, at: At, how: Option<How>, random: &mut StdRng, yes: &str) -> Result<Option<How>, Bye> {
        match how {
            None => self.say(yes).await?,
            Some(How::HangUp) => return Err(Bye),
            Some(How::Reset) => return Err(self.reset()),
            Some(How::Silence) => return Err(self.silence(random).await),
            Some(How::AnswerAndHangUp) => {
                self.say(yes).await?;
                return Err(Bye);
            }
            Some(How::Closing) => {
                self.say("421 4.3.2 Closing\r\n").await?;
                return Err(Bye);
            }
            Some(How::Slowly) => {
                tokio::time::sleep(millis(random, 20..600)).await;
                self.say(yes).await?;
            }
            Some(How::InPieces) => self.say_in_pieces(yes, random).await?,
            Some(How::Twice) => self.say(&format!("{yes}{yes}")).await?,
            Some(How::Garbage) => {
                let garbage =
                    ["\r\n", "OK\r\n", "25\r\n", "2500 what\r\n", "250-one\r\n251 other\r\n", "\u{0}\u{1}\r\n"];
                self.say(garbage[random.random_range(0..garbage.len())]).await?;
                return Ok(how);
            }
            Some(refused) => {
                self.say(refusal(at, refused)).await?;
                return Ok(how);
            }
        }
        Ok(None)
    }

    async fn say(&mut self, text: &str) -> Result<(), Bye> {
        self.socket.write_all(text.as_bytes()).await.map_err(|_| Bye)
    }

    async fn say_in_pieces(&mut self, text: &str, random: &mut StdRng) -> Result<(), Bye> {
        let middle = random.random_range(1..text.len());
        for part in [&text[..1], &text[1..middle.max(2)], &text[middle.max(2)..]] {
            self.say(part).await?;
            tokio::time::sleep(millis(random, 1..30)).await;
        }
        Ok(())
    }

    /// Says nothing until the other side has gone or, mostly, until a while has passed.
    async fn silence(&mut self, random: &mut StdRng) -> Bye {
        let for_ever = random.random_bool(0.2);
        let span = millis(random, 300..4_000);
        let mut rough = self.relay.rough.subscribe();
        let wait = async {
            if for_ever {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(span).await;
        };
        let gone = async {
            let mut thrown_away = [0; 4096];
            while let Ok(1..) = self.socket.read(&mut thrown_away).await {}
        };
        tokio::select! {
            () = wait => {}
            () = gone => {}
            _ = rough.wait_for(|rough| !rough) => {}
        }
        Bye
    }

    /// The connection ends with a RST instead of a FIN.
    fn reset(&self) -> Bye {
        SockRef::from(&self.socket).set_linger(Some(Duration::ZERO)).ok();
        Bye
    }

    async fn line(&mut self) -> Result<String, Bye> {
        loop {
            if let Some(end) = self.input.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.input.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            self.read().await?;
        }
    }

    /// Up to the final dot, which is the only thing that makes a mail whole.
    async fn body(&mut self) -> Result<Vec<u8>, Bye> {
        const END: &[u8] = b"\r\n.\r\n";
        let mut seen = 0;
        loop {
            if self.input.starts_with(b".\r\n") {
                self.input.drain(..3);
                return Ok(Vec::new());
            }
            if let Some(at) = self.input[seen..].windows(END.len()).position(|part| part == END) {
                return Ok(self.input.drain(..seen + at + END.len()).collect());
            }
            seen = self.input.len().saturating_sub(END.len() - 1);
            self.read().await?;
        }
    }

    async fn some_of_the_body(&mut self, octets: usize) -> Result<(), Bye> {
        while self.input.len() < octets {
            if self.input.ends_with(b"\r\n.\r\n") {
                return Ok(());
            }
            self.read().await?;
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<(), Bye> {
        match self.socket.read_buf(&mut self.input).await {
            Ok(1..) => Ok(()),
            _ => Err(Bye),
        }
    }
}

fn millis(random: &mut StdRng, span: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(random.random_range(span))
}

fn refusal(at: At, how: How) -> &'static str {
    match (at, how) {
        (_, How::NoSuchUser) => "550 5.1.1 No such user\r\n",
        (At::Connect, _) => "554 5.3.2 No service\r\n",
        (At::Ehlo, _) => "500 5.5.1 What is EHLO?\r\n",
        (_, How::Temporary) => "451 4.3.0 Try later\r\n",
        _ => "554 5.7.1 Refused\r\n",
    }
}
