//! Lines in and replies out, over plain text or TLS.
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// Why a conversation is over.
pub(super) enum End {
    /// The peer is to read the last reply first.
    Bye,
    /// Nothing more is said.
    Gone,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

pub(super) enum Line {
    Whole(Vec<u8>),
    TooLong,
}

pub(super) struct Wire {
    stream: BufReader<Box<dyn Stream>>,
    /// Replies not yet written: those to pipelined commands leave together.
    out: Vec<u8>,
}

impl Wire {
    pub(super) fn new(stream: impl Stream + 'static) -> Self {
        Self { stream: BufReader::with_capacity(BUFFER, Box::new(stream)), out: Vec::new() }
    }

    pub(super) async fn start_tls(&mut self, config: Arc<rustls::ServerConfig>) -> Result<(), End> {
        let nothing: Box<dyn Stream> = Box::new(tokio::io::empty());
        // Taking the reader apart forgets what was pipelined in plain text behind STARTTLS, so nobody in between can inject a command.
        let plain = std::mem::replace(&mut self.stream, BufReader::new(nothing)).into_inner();
        let stream = timeout(IDLE, TlsAcceptor::from(config).accept(plain)).await.map_err(|_| End::Gone)??;
        self.stream = BufReader::with_capacity(BUFFER, Box::new(stream));
        Ok(())
    }

    /// The next line without its CRLF. Of a line longer than `limit` octets only the fact is kept, and a bare line feed ends none.
    pub(super) async fn line(&mut self, limit: usize) -> Result<Line, End> {
        let mut line = Vec::new();
        let mut too_long = false;
        let mut last = 0;
        loop {
            if self.stream.buffer().is_empty() {
                self.flush().await?;
            }
            let ready = timeout(IDLE, self.stream.fill_buf()).await.map_err(|_| End::Gone)??;
            let Some(stop) = ready.iter().position(|byte| *byte == b'\n').or(ready.len().checked_sub(1)) else {
                return Err(End::Gone);
            };
            let chunk = &ready[..=stop];
            let before = if stop == 0 { last } else { chunk[stop - 1] };
            last = chunk[stop];
            too_long |= line.len() + chunk.len() > limit;
            if !too_long {
                line.extend_from_slice(chunk);
            }
            self.stream.consume(stop + 1);
            if (before, last) == (b'\r', b'\n') {
                line.truncate(line.len().saturating_sub(2));
                return Ok(if too_long { Line::TooLong } else { Line::Whole(line) });
            }
        }
    }

    pub(super) fn reply(&mut self, code: u16, text: &str) {
        let mut lines = text.split('\n').peekable();
        while let Some(line) = lines.next() {
            let mark = if lines.peek().is_some() { '-' } else { ' ' };
            self.out.extend_from_slice(format!("{code}{mark}{line}\r\n").as_bytes());
        }
    }

    pub(super) async fn flush(&mut self) -> Result<(), End> {
        if !self.out.is_empty() {
            self.stream.get_mut().write_all(&self.out).await?;
            self.stream.get_mut().flush().await?;
            self.out.clear();
        }
        Ok(())
    }

    /// Reads and forgets until the peer closes.
    pub(super) async fn stall(&mut self) -> Result<(), End> {
        self.flush().await?;
        tokio::io::copy_buf(&mut self.stream, &mut tokio::io::sink()).await?;
        Ok(())
    }

    /// Closes so that the peer can still read the last reply: unread input would reset the connection under it.
    pub(super) async fn linger(&mut self) {
        if self.flush().await.is_ok() && self.stream.get_mut().shutdown().await.is_ok() {
            let mut rest = [0; 1024];
            let drain = async { while self.stream.read(&mut rest).await.is_ok_and(|read| read > 0) {} };
            // Whoever goes on talking after that is cut off.
            let _ = timeout(LINGER, drain).await;
        }
    }
}

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

const BUFFER: usize = 16 * 1024;
/// RFC 5321 4.5.3.2.7.
pub(super) const IDLE: Duration = Duration::from_mins(5);
const LINGER: Duration = Duration::from_secs(2);
