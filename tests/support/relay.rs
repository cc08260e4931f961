//! An SMTP server that a test scripts, and that remembers what it took.
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use mail_parser::{MessageParser, MimeHeaders as _};
use regimen::local::smtp::{self, Mailbox, Options, Received, Stage, Verdict};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// Where in a mail's way the script answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Connect,
    MailFrom,
    Rcpt,
    Data,
    Message,
}

/// What else happens while the relay is asked.
type Event = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Default)]
struct Script {
    /// Happens the next time a mail gets there, before the answer.
    event: Option<(At, Event)>,
    /// Answers of the next times, in order; then everything is accepted.
    next: VecDeque<(At, Verdict)>,
    /// Answers for ever, to recipients that contain a text.
    always: Vec<(At, String, Verdict)>,
    taken: Vec<Received>,
    connections: usize,
}

#[derive(Clone)]
pub struct Relay {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    _stop: Arc<DropGuard>,
}

struct Box_(Arc<Mutex<Script>>);

impl Mailbox for Box_ {
    async fn verdict(&self, stage: Stage<'_>) -> Verdict {
        let (at, to) = match &stage {
            Stage::Connect => (At::Connect, String::new()),
            Stage::MailFrom(_) => (At::MailFrom, String::new()),
            Stage::Rcpt(to) => (At::Rcpt, (*to).to_owned()),
            Stage::Data => (At::Data, String::new()),
            Stage::Message(mail) => (At::Message, mail.to.join(" ")),
            _ => return Verdict::Accept,
        };
        let event = self.0.lock().unwrap().event.take_if(|(when, _)| *when == at);
        if let Some((_, event)) = event {
            event.await;
        }
        let mut script = self.0.lock().unwrap();
        if at == At::Connect {
            script.connections += 1;
        }
        if let Some((_, _, verdict)) =
            script.always.iter().find(|(when, part, _)| *when == at && to.contains(part.as_str()))
        {
            return verdict.clone();
        }
        match script.next.iter().position(|(when, _)| *when == at) {
            Some(index) => script.next.remove(index).unwrap().1,
            None => Verdict::Accept,
        }
    }

    async fn deliver(&self, mail: Received) {
        self.0.lock().unwrap().taken.push(mail);
    }
}

impl Relay {
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub async fn start_with(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(Script::default()));
        let stop = CancellationToken::new();
        tokio::spawn(smtp::serve(listener, Arc::new(Box_(script.clone())), options, stop.clone()));
        Self { address, script, _stop: Arc::new(stop.drop_guard()) }
    }

    pub fn url(&self) -> String {
        format!("smtp://{}?tls=none", self.address)
    }

    /// The next time that a mail gets to `at`, this is the answer.
    pub fn next(&self, at: At, verdict: Verdict) {
        self.script.lock().unwrap().next.push_back((at, verdict));
    }

    /// The next time that a mail gets to `at`, this happens before it is answered.
    pub fn meanwhile(&self, at: At, event: impl Future<Output = ()> + Send + 'static) {
        self.script.lock().unwrap().event = Some((at, Box::pin(event)));
    }

    pub fn reply_next(&self, at: At, code: u16, text: &str) {
        self.next(at, Verdict::Reply(code, text.to_owned()));
    }

    /// Whenever a mail to a recipient that contains `part` gets to `at`, this is the answer.
    pub fn always(&self, at: At, part: &str, verdict: Verdict) {
        self.script.lock().unwrap().always.push((at, part.to_owned(), verdict));
    }

    /// Back to accepting everything.
    pub fn accept_all(&self) {
        let mut script = self.script.lock().unwrap();
        script.always.clear();
        script.next.clear();
    }

    pub fn taken(&self) -> Vec<Received> {
        self.script.lock().unwrap().taken.clone()
    }

    pub fn connections(&self) -> usize {
        self.script.lock().unwrap().connections
    }

    /// The mails to an address, oldest first.
    pub fn mails_to(&self, address: &str) -> Vec<Mail> {
        self.taken().iter().filter(|one| one.to.iter().any(|to| to == address)).map(Mail::of).collect()
    }

    pub fn last_to(&self, address: &str) -> Mail {
        self.mails_to(address).pop().unwrap_or_else(|| panic!("no mail went to {address}"))
    }
}

/// A mail as its reader sees it.
#[derive(Debug, Clone)]
pub struct Mail {
    pub subject: String,
    pub html: String,
    pub text: String,
    pub message_id: String,
    pub raw: String,
}

impl Mail {
    fn of(received: &Received) -> Self {
        let parsed = MessageParser::default().parse(&received.data).expect("a mail can be parsed");
        assert!(parsed.attachments().next().is_none() && parsed.content_type().is_some());
        Self {
            subject: parsed.subject().unwrap_or_default().to_owned(),
            html: parsed.body_html(0).unwrap_or_default().into_owned(),
            text: parsed.body_text(0).unwrap_or_default().into_owned(),
            message_id: parsed.message_id().unwrap_or_default().to_owned(),
            raw: String::from_utf8_lossy(&received.data).into_owned(),
        }
    }

    /// The path of the link to one of our pages, such as `/confirm/…`, from the text.
    pub fn link(&self, page: &str) -> String {
        let start =
            self.text.find(&format!("/{page}/")).unwrap_or_else(|| panic!("no link to {page} in: {}", self.text));
        self.text[start..].chars().take_while(|letter| !letter.is_whitespace() && !")>".contains(*letter)).collect()
    }

    /// A header's value, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.raw.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ").replace("\r\n\t", " ");
        head.lines()
            .find_map(|line| line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(name)))
            .map(|(_, value)| value.trim().to_owned())
    }
}

/// The delivery that a mail is of, which its Message-ID says.
pub fn delivery_of(mail: &[u8]) -> Uuid {
    let text = String::from_utf8_lossy(mail);
    let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with("message-id:")).expect("a Message-ID");
    let id = line.split(['<', '@']).nth(1).expect("<delivery@domain>");
    id.parse().expect("a delivery's id")
}
