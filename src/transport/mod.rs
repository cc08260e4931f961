//! The outgoing SMTP connection: hands one mail after another to a relay and says what became of each.
//!
//! regimen holds its connections itself. lettre writes the commands and checks the addresses, but its client cannot carry them:
//! it keeps no SIZE or PIPELINING of an EHLO reply, writes the final dot apart from the body, closes the connection on every
//! refused command, turns a reply into an error before its text can be classified, and does not tell a connection lost before
//! the final dot (nothing was accepted) from one lost after it (the relay may have accepted the mail). That last difference
//! is what "neither lost nor doubled" rests on, so the stream, the replies and TLS are spoken here.
mod classify;
mod connection;
mod login;
mod relay;
mod tls;
mod wire;

#[cfg(test)]
mod tests;

pub use connection::Connection;
pub use relay::{BadUrl, Credentials, Proof, Relay, Timeouts, Tls};

/// Who a mail is from and for, as the relay is told. A domain that is not ASCII travels as its A-label.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The address bounces go to; empty for none.
    pub from: String,
    /// The one recipient.
    pub to: String,
}

/// Hides the addresses: they belong in no log line.
impl std::fmt::Debug for Envelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Envelope").finish_non_exhaustive()
    }
}

/// The relay has taken the mail over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub code: u16,
    /// What it said, safe to store and to show.
    pub reply: String,
}

/// Why a mail was not accepted, told apart by what to do next. Every text in it is short and free of addresses and secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The relay itself failed or wants none of our mail: no connection, no TLS, no login, a refused sender, 421. Try another relay
    /// or later; no reader's delivery is charged with it.
    #[error("the relay failed: {why}")]
    Relay { why: String },
    /// This mail was put off (4xx): try it again later. `slow` says that its recipient's domain wants less at a time.
    #[error("put off with {code} {reply}")]
    Deferred { code: u16, reply: String, slow: Option<Slow> },
    /// This mail was refused for good (5xx). `no_such_user` says that the relay is sure the mailbox does not exist.
    #[error("refused with {code} {reply}")]
    Rejected { code: u16, reply: String, no_such_user: bool },
    /// The address has a local part beyond ASCII and the relay does not offer SMTPUTF8.
    #[error("the relay does not carry addresses beyond ASCII")]
    Utf8Unsupported,
    /// The whole mail was written and no answer came: the relay may have accepted it.
    #[error("the relay may have accepted it: {why}")]
    Uncertain { why: String },
    /// The connection failed before the final dot, so nothing was accepted: try again later, on a new connection.
    #[error("the connection broke before the mail was handed over: {why}")]
    Broken { why: String },
}

/// How a recipient's domain asks to be sent to more slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slow {
    /// It puts off what it has not seen before, and takes it a little later (RFC 6647).
    Greylisted,
    /// It had too much, or too much at a time.
    TooFast,
}
