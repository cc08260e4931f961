//! One mail, ready for a relay: headers, MIME, DKIM, and the envelope sender that a bounce comes back to.
//!
//! Nothing here reads a clock or draws a random number: the same [`Message`] and keys give the same octets.
mod address;
mod dkim;
#[cfg(test)]
mod dkim_tests;
mod envelope;
mod message;
#[cfg(test)]
mod message_tests;

pub use address::{needs_smtputf8, on_the_wire};
pub use dkim::{DkimKey, KeyError};
pub use envelope::{envelope_sender, parse_envelope_sender};
pub use message::{FeedbackId, ListHeaders, MailError, Message, MessageId, build};
