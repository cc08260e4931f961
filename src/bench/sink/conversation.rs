//! The sink's side of SMTP: no network, no clock of its own but for the gaps inside a mail.
use std::time::Instant;

use memchr::memmem;
use sha2::{Digest as _, Sha256};

pub(super) const GREETING: &[u8] = b"220 sink.example.org ESMTP\r\n";
const HELLO: &[u8] =
    b"250-sink.example.org\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 104857600\r\n";

/// A mail that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mail {
    /// Of its text, as it came over the wire.
    pub(super) octets: usize,
    /// Its Message-ID in short; zero when it has none.
    pub(super) id: u128,
    /// How long its last octet came after its first.
    pub(super) took: std::time::Duration,
}

/// What was heard so far. Replies to pipelined commands leave together.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// Inside a mail: how much of its text was searched for the end, and when it began.
    text: Option<Text>,
    over: bool,
}

#[derive(Debug, Default)]
struct Text {
    searched: usize,
    began: Option<Instant>,
}

impl Conversation {
    /// Takes what lies in `input`, puts the replies to it into `out`, and answers how much was used up.
    pub(super) fn hear(&mut self, input: &[u8], out: &mut Vec<u8>, mut take: impl FnMut(Mail)) -> usize {
        let mut used = 0;
        while used < input.len() && !self.over {
            let rest = &input[used..];
            let step = match &mut self.text {
                Some(text) => match text.end(rest) {
                    Some(end) => {
                        take(text.mail(&rest[..end]));
                        out.extend_from_slice(b"250 2.0.0 Ok\r\n");
                        self.text = None;
                        Some(end)
                    }
                    None => None,
                },
                None => memchr::memchr(b'\n', rest).map(|at| {
                    self.command(&rest[..at], out);
                    at + 1
                }),
            };
            match step {
                Some(step) => used += step,
                None => break,
            }
        }
        used
    }

    /// Whether the peer has said goodbye.
    pub(super) fn over(&self) -> bool {
        self.over
    }

    fn command(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let verb: Vec<u8> = line.iter().take(4).map(u8::to_ascii_uppercase).collect();
        let reply: &[u8] = match verb.as_slice() {
            b"EHLO" => HELLO,
            b"HELO" => b"250 sink.example.org\r\n",
            b"MAIL" => b"250 2.1.0 Ok\r\n",
            b"RCPT" => b"250 2.1.5 Ok\r\n",
            b"DATA" => {
                self.text = Some(Text::default());
                b"354 End with a lone dot\r\n"
            }
            b"RSET" | b"NOOP" => b"250 2.0.0 Ok\r\n",
            b"QUIT" => {
                self.over = true;
                b"221 2.0.0 Bye\r\n"
            }
            _ => b"502 5.5.1 Command unknown\r\n",
        };
        out.extend_from_slice(reply);
    }
}

impl Text {
    /// Where the text with its final dot ends, once that is here.
    fn end(&mut self, input: &[u8]) -> Option<usize> {
        const END: &[u8] = b"\r\n.\r\n";
        self.began.get_or_insert_with(Instant::now);
        if input.starts_with(b".\r\n") {
            return Some(3);
        }
        let found = memmem::find(&input[self.searched..], END).map(|at| self.searched + at + END.len());
        self.searched = input.len().saturating_sub(END.len() - 1);
        found
    }

    fn mail(&self, text: &[u8]) -> Mail {
        let took = self.began.map(|began| began.elapsed()).unwrap_or_default();
        Mail { octets: text.len(), id: message_id(text), took }
    }
}

/// The Message-ID in 128 bits. Ours begin with a delivery's id, which is taken as it is; of any other, the hash.
fn message_id(text: &[u8]) -> u128 {
    for line in text.split(|octet| *octet == b'\n') {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_at_checked(11) else { continue };
        if !name.eq_ignore_ascii_case(b"message-id:") {
            continue;
        }
        let value = value.trim_ascii().strip_prefix(b"<").unwrap_or(value);
        let ours = value.get(..32).and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(id) = ours.and_then(|hex| u128::from_str_radix(hex, 16).ok()) {
            return id;
        }
        let hash = Sha256::digest(value);
        return u128::from_be_bytes(hash[..16].try_into().expect("a hash is longer than that"));
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hears `input` in pieces of `size` octets.
    fn hear(input: &[u8], size: usize) -> (String, Vec<Mail>) {
        let (mut conversation, mut out, mut mails) = (Conversation::default(), Vec::new(), Vec::new());
        let mut buffer: Vec<u8> = Vec::new();
        for piece in input.chunks(size) {
            buffer.extend_from_slice(piece);
            let used = conversation.hear(&buffer, &mut out, |mail| mails.push(mail));
            buffer.drain(..used);
        }
        (String::from_utf8(out).unwrap(), mails)
    }

    #[test]
    fn pipelined_mails_are_taken_whatever_the_pieces() {
        let id = "0190a0b0c0d0e0f00102030405060708";
        let mail = format!("Date: x\r\nMESSAGE-id: <{id}@example.com>\r\n\r\nA line.\r\n..\r\n.\r\n");
        let input = format!(
            "EHLO a\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n{mail}\
             MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n.\r\nQUIT\r\n"
        );
        for size in [1, 2, 3, 7, 1000] {
            let (out, mails) = hear(input.as_bytes(), size);
            let codes: Vec<&str> = out.lines().map(|line| &line[..3]).collect();
            assert_eq!(codes[5..].join(" "), "250 250 354 250 250 250 354 250 221", "in pieces of {size}");
            assert_eq!(mails.len(), 2);
            assert_eq!((mails[0].id, mails[0].octets), (u128::from_str_radix(id, 16).unwrap(), mail.len()));
            assert_eq!((mails[1].id, mails[1].octets), (0, 3));
        }
    }

    #[test]
    fn a_foreign_message_id_is_hashed() {
        let id = |text: &str| message_id(text.as_bytes());
        let one = id("Message-ID: <one@example.com>\r\n\r\n");
        assert_ne!(one, 0);
        assert_eq!(one, id("To: x\r\nMessage-Id:  <one@example.com>\r\n\r\n"));
        assert_ne!(one, id("Message-ID: <two@example.com>\r\n\r\n"));
        assert_eq!(id("To: x\r\n\r\nMessage-ID: <one@example.com>\r\n"), 0, "that is the body");
    }
}
