//! Bytes out and replies in, over plain text or TLS.
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::classify::Reply;
use super::relay::Relay;
use super::tls;

/// Errors are a sentence's end for an operator.
pub(super) struct Wire {
    stream: Stream,
    /// What was read and not yet taken as a reply.
    input: Vec<u8>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    pub(super) async fn connect(relay: &Relay) -> Result<Self, String> {
        let connect = TcpStream::connect((relay.host.as_str(), relay.port));
        let socket = timeout(relay.timeouts.connect, connect).await.map_err(|_| late("the connection"))?;
        let socket = socket.map_err(|error| format!("no connection: {error}"))?;
        // Without it every small write would wait for the relay's acknowledgement of the one before.
        socket.set_nodelay(true).map_err(|error| format!("no connection: {error}"))?;
        Ok(Self { stream: Stream::Plain(socket), input: Vec::new() })
    }

    /// Goes on in TLS. Whatever arrived in plain text before is an attempt to slip replies in.
    pub(super) async fn start_tls(self, relay: &Relay) -> Result<Self, String> {
        if !self.input.is_empty() {
            return Err("it spoke in plain text before the TLS handshake".into());
        }
        let Stream::Plain(socket) = self.stream else { return Ok(self) };
        let stream = timeout(relay.timeouts.connect, tls::handshake(socket, relay))
            .await
            .map_err(|_| late("the TLS handshake"))??;
        Ok(Self { stream: Stream::Tls(Box::new(stream)), input: Vec::new() })
    }

    /// Whether a password may be said here: nobody on the way can listen, or there is no way.
    pub(super) fn keeps_secrets(&self) -> bool {
        let peer = self.socket().peer_addr().ok();
        matches!(self.stream, Stream::Tls(_)) || peer.is_some_and(|peer| is_this_machine(peer.ip()))
    }

    /// Writes all of it; `limit` is for each piece to be taken. After an error the last bytes have not left this process, because
    /// a TLS record that was not written whole cannot be read by the other end.
    pub(super) async fn write(&mut self, mut bytes: &[u8], limit: Duration) -> Result<(), String> {
        while !bytes.is_empty() {
            let written = match &mut self.stream {
                Stream::Plain(stream) => timeout(limit, stream.write(bytes)).await,
                Stream::Tls(stream) => timeout(limit, stream.write(bytes)).await,
            };
            match written.map_err(|_| late("what was written to be taken"))?.map_err(|error| lost(&error))? {
                0 => return Err(CLOSED.into()),
                written => bytes = &bytes[written..],
            }
        }
        if let Stream::Tls(stream) = &mut self.stream {
            let flushed = timeout(limit, stream.flush()).await;
            flushed.map_err(|_| late("what was written to be taken"))?.map_err(|error| lost(&error))?;
        }
        Ok(())
    }

    /// Whether replies, or parts of them, lie here that nobody has asked for yet.
    pub(super) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    pub(super) async fn reply(&mut self, limit: Duration) -> Result<Reply, String> {
        timeout(limit, self.read_reply()).await.map_err(|_| late("an answer"))?
    }

    async fn read_reply(&mut self) -> Result<Reply, String> {
        let mut reply = Reply { code: 0, lines: Vec::new() };
        loop {
            let line = self.line().await?;
            let (code, rest) = line.split_at_checked(3).ok_or(NO_REPLY)?;
            let code: u16 = std::str::from_utf8(code).ok().and_then(|code| code.parse().ok()).ok_or(NO_REPLY)?;
            let (more, text) = match rest.split_first() {
                None => (false, rest),
                Some((b' ', text)) => (false, text),
                Some((b'-', text)) => (true, text),
                Some(_) => return Err(NO_REPLY.into()),
            };
            let consistent = reply.lines.is_empty() || reply.code == code;
            if !consistent || !(200..600).contains(&code) || reply.lines.len() == MAX_LINES {
                return Err(NO_REPLY.into());
            }
            reply.code = code;
            reply.lines.push(String::from_utf8_lossy(text).into_owned());
            if !more {
                return Ok(reply);
            }
        }
    }

    /// The next line without its end.
    async fn line(&mut self) -> Result<Vec<u8>, String> {
        let mut seen = 0;
        loop {
            if let Some(at) = self.input[seen..].iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.input.drain(..=seen + at).collect();
                line.pop();
                line.pop_if(|byte| *byte == b'\r');
                return Ok(line);
            }
            seen = self.input.len();
            if seen > MAX_LINE {
                return Err(NO_REPLY.into());
            }
            let read = match &mut self.stream {
                Stream::Plain(stream) => stream.read_buf(&mut self.input).await,
                Stream::Tls(stream) => stream.read_buf(&mut self.input).await,
            };
            if read.map_err(|error| lost(&error))? == 0 {
                return Err(CLOSED.into());
            }
        }
    }

    /// Whether an idle connection is still there, without asking the relay. Anything it said meanwhile is a farewell.
    pub(super) async fn is_open(&mut self) -> bool {
        loop {
            let mut byte = [std::mem::MaybeUninit::uninit()];
            let peeked = socket2::SockRef::from(self.socket()).peek(&mut byte);
            match (peeked, &mut self.stream) {
                (Err(error), _) => return error.kind() == io::ErrorKind::WouldBlock,
                (Ok(0), _) | (Ok(_), Stream::Plain(_)) => return false,
                // Between two mails a TLS server may send records that carry nothing to read, such as session tickets. A farewell
                // may lie behind them, so what is there is asked again until there is nothing.
                (Ok(_), Stream::Tls(stream)) => {
                    let known = stream.get_ref().0.readable().await.is_ok();
                    // Reading nothing takes those records in, and a zero limit keeps it from waiting for more.
                    let read = timeout(Duration::ZERO, stream.read_buf(&mut self.input)).await;
                    if !known || read.is_ok() {
                        return false;
                    }
                }
            }
        }
    }

    fn socket(&self) -> &TcpStream {
        match &self.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.get_ref().0,
        }
    }
}

/// RFC 5321 4.5.3.1.5 says 512; real relays go beyond.
const MAX_LINE: usize = 4_096;
const MAX_LINES: usize = 100;

const CLOSED: &str = "the connection was closed";
const NO_REPLY: &str = "what came back is no SMTP reply";

fn is_this_machine(peer: IpAddr) -> bool {
    peer.to_canonical().is_loopback()
}

fn late(what: &str) -> String {
    format!("waited too long for {what}")
}

fn lost(error: &io::Error) -> String {
    format!("the connection was lost: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn small_writes_do_not_wait_for_acknowledgements() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay: Relay = format!("smtp://{}", listener.local_addr().unwrap()).parse().unwrap();
        let wire = Wire::connect(&relay).await.unwrap();
        assert!(wire.socket().nodelay().unwrap());
    }

    #[test]
    fn only_loopback_is_this_machine() {
        for (peer, expected) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("::", false),
        ] {
            assert_eq!(is_this_machine(peer.parse().unwrap()), expected, "{peer}");
        }
    }
}
