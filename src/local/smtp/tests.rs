//! The server as a raw client sees it; `transport`'s tests script it from the other side.
use std::sync::Mutex;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::*;

#[derive(Default)]
struct Inbox(Mutex<Vec<Received>>);

impl Mailbox for Inbox {
    async fn deliver(&self, mail: Received) {
        self.0.lock().unwrap().push(mail);
    }
}

struct Raw {
    wire: BufReader<TcpStream>,
    inbox: Arc<Inbox>,
    stop: CancellationToken,
    server: tokio::task::JoinHandle<()>,
}

impl Raw {
    async fn connect(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (inbox, stop) = (Arc::new(Inbox::default()), CancellationToken::new());
        let server = tokio::spawn(serve(listener, Arc::clone(&inbox), options, stop.clone()));
        let wire = BufReader::new(TcpStream::connect(address).await.unwrap());
        let mut raw = Self { wire, inbox, stop, server };
        assert_eq!(raw.codes(1).await, [220]);
        raw
    }

    async fn say(&mut self, text: &[u8]) {
        self.wire.get_mut().write_all(text).await.unwrap();
    }

    /// The codes of the next replies.
    async fn codes(&mut self, count: usize) -> Vec<u16> {
        let mut codes = Vec::new();
        while codes.len() < count {
            let mut line = String::new();
            self.wire.read_line(&mut line).await.unwrap();
            if line.as_bytes()[3] == b' ' {
                codes.push(line[..3].parse().unwrap());
            }
        }
        codes
    }
}

#[tokio::test]
async fn answers_a_whole_pipelined_conversation_in_order() {
    let mut raw = Raw::connect(Options::default()).await;
    raw.say(
        b"EHLO me\r\nMAIL FROM:<> SIZE=20 BODY=8BITMIME\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n\
          Subject: x\r\n\r\n..two dots\r\n.\r\nRSET\r\nNOOP\r\nVRFY ann\r\nQUIT\r\n",
    )
    .await;
    assert_eq!(raw.codes(9).await, [250, 250, 250, 354, 250, 250, 250, 252, 221]);
    assert_eq!(raw.wire.read(&mut [0]).await.unwrap(), 0, "QUIT closes the connection");
    let mails = raw.inbox.0.lock().unwrap();
    assert_eq!(mails[0].data, b"Subject: x\r\n\r\n.two dots\r\n");
    assert_eq!((mails[0].from.as_str(), mails[0].to.as_slice()), ("", ["ann@example.org".to_owned()].as_slice()));
}

#[tokio::test]
async fn refuses_what_is_out_of_order_or_malformed() {
    let mut raw = Raw::connect(Options::default()).await;
    for (line, code) in [
        ("MAIL FROM:<a@example.com>", 503),
        ("EHLO me", 250),
        ("RCPT TO:<a@example.com>", 503),
        ("DATA", 503),
        ("MAIL TO:<a@example.com>", 501),
        ("MAIL FROM:<a@example.com> WISH=1", 555),
        ("MAIL FROM:<a@example.com> SIZE=99999999", 552),
        ("MAIL FROM:<ä@example.com>", 553),
        ("STARTTLS", 502),
        ("AUTH PLAIN AGEAYg==", 503),
        ("PRAY", 500),
        ("MAIL FROM:<a@example.com>", 250),
        ("MAIL FROM:<a@example.com>", 503),
        ("DATA", 554),
        ("NOOP\nNOOP", 500),
    ] {
        raw.say(format!("{line}\r\n").as_bytes()).await;
        assert_eq!(raw.codes(1).await, [code], "{line}");
    }
}

#[tokio::test]
async fn lines_and_messages_are_bounded() {
    let mut raw = Raw::connect(Options { max_size: 3000, ..Options::default() }).await;
    raw.say(&[vec![b'x'; 40_000], b"\r\nEHLO me\r\n".to_vec()].concat()).await;
    assert_eq!(raw.codes(2).await, [500, 250]);
    for (body, code) in [
        ("x".repeat(998), 250),
        (format!(".{}", "x".repeat(998)), 250),
        ("x".repeat(999), 500),
        ("bare\nfeed".to_owned(), 550),
        ("smuggled\n.\nMAIL FROM:<b@example.com>".to_owned(), 550),
        (format!("{}\r\n", "x".repeat(900)).repeat(4), 552),
    ] {
        raw.say(format!("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n{body}\r\n.\r\n").as_bytes())
            .await;
        assert_eq!(raw.codes(4).await, [250, 250, 354, code], "{} octets", body.len());
    }
    assert_eq!(raw.inbox.0.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn stopping_ends_open_connections() {
    let mut raw = Raw::connect(Options::default()).await;
    raw.stop.cancel();
    raw.server.await.unwrap();
    assert_eq!(raw.wire.read(&mut [0]).await.unwrap_or(0), 0);
}
