//! The fast sink: an SMTP server that takes every mail and keeps none of it, as a process of its own.
//!
//! It counts, notes when mails came, remembers the Message-IDs of a run in 17 octets each, and can answer late, as a
//! distant relay does. It runs on one thread, so that what it costs is comparable to Postfix's smtp-sink. Its owner talks
//! to it in lines over standard input (see [`control`]); when that ends, so does the process.
mod conversation;
mod tally;

use std::io::{BufRead as _, Write as _};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use conversation::Conversation;
pub(super) use tally::Report;
use tally::Tally;

use crate::clock::Clock;

/// How the sink behaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct SinkOptions {
    /// Each reply leaves so long after its command came.
    pub delay: Duration,
    /// Whether Message-IDs are remembered, to find doubles and losses.
    pub ids: bool,
    /// Whether the time of each mail is remembered too.
    pub times: bool,
}

/// Serves on a free port of loopback, which is the first line printed, until standard input ends.
pub fn serve(options: SinkOptions, clock: &Clock) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    let port = listener.local_addr()?.port();
    let sink = Arc::new(Sink { options, clock: clock.clone(), tally: Mutex::new(Tally::new(options)) });
    let serving = sink.clone();
    // The thread ends with the process: nothing that it holds is worth saving.
    std::thread::spawn(move || runtime.block_on(accept(listener, serving)));
    control(&sink, port)
}

/// `report` answers the counts as a line of JSON, `reset` begins to count anew, and `dump FILE` writes each remembered
/// mail: its id in 16 octets, and the microseconds of its time in 8.
#[allow(clippy::print_stdout)]
fn control(sink: &Sink, port: u16) -> anyhow::Result<()> {
    println!("{port}");
    std::io::stdout().flush()?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let answer = match verb {
            "report" => serde_json::to_string(&sink.tally().report())?,
            "reset" => {
                *sink.tally() = Tally::new(sink.options);
                "{}".to_owned()
            }
            "dump" => {
                let path = Path::new(rest);
                sink.tally().dump(path).with_context(|| format!("{} cannot be written", path.display()))?;
                "{}".to_owned()
            }
            _ => anyhow::bail!("the sink knows report, reset and dump"),
        };
        println!("{answer}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

struct Sink {
    options: SinkOptions,
    clock: Clock,
    tally: Mutex<Tally>,
}

impl Sink {
    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, sink: Arc<Sink>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve_one(stream, sink.clone()));
            }
            // A shortage of descriptors passes.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Takes what comes until the peer leaves. Errors are the peer's, and end its connection alone.
async fn serve_one(stream: TcpStream, sink: Arc<Sink>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let (input, output) = stream.into_split();
    let mut replies = Replies::new(output, sink.options.delay);
    if replies.send(conversation::GREETING.to_vec()).await.is_ok() {
        converse(input, &mut replies, &sink).await;
    }
}

async fn converse(mut input: OwnedReadHalf, replies: &mut Replies, sink: &Sink) {
    let mut conversation = Conversation::default();
    let mut buffer = Vec::with_capacity(BUFFER);
    loop {
        match input.read_buf(&mut buffer).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return,
        }
        let mut out = Vec::new();
        let used = conversation.hear(&buffer, &mut out, |mail| {
            let at = sink.clock.real().timestamp_micros();
            sink.tally().take(mail, at);
        });
        buffer.drain(..used);
        if !out.is_empty() && replies.send(out).await.is_err() {
            return;
        }
        if conversation.over() {
            return;
        }
    }
}

/// Several mails of the usual size.
const BUFFER: usize = 256 * 1024;

/// Replies, written at once, or each so long after its command as a distant relay's would take.
enum Replies {
    AtOnce(OwnedWriteHalf),
    Later { delay: Duration, queue: mpsc::UnboundedSender<(Instant, Vec<u8>)> },
}

impl Replies {
    fn new(mut output: OwnedWriteHalf, delay: Duration) -> Self {
        if delay.is_zero() {
            return Self::AtOnce(output);
        }
        let (queue, mut waiting) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
        tokio::spawn(async move {
            while let Some((due, octets)) = waiting.recv().await {
                tokio::time::sleep_until(due).await;
                if output.write_all(&octets).await.is_err() {
                    return;
                }
            }
        });
        Self::Later { delay, queue }
    }

    async fn send(&mut self, octets: Vec<u8>) -> std::io::Result<()> {
        match self {
            Self::AtOnce(output) => output.write_all(&octets).await,
            Self::Later { delay, queue } => queue
                .send((Instant::now() + *delay, octets))
                .map_err(|_| std::io::Error::from(std::io::ErrorKind::BrokenPipe)),
        }
    }
}
