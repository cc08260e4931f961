//! The mail as it goes over the wire: MIME, headers, DKIM, and the envelope sender that names the delivery.
//!
//! Everything here is a function of its arguments (a DKIM signature's `t=` apart, which the signing library takes from the
//! machine's clock), so a resend of the same delivery carries the same Message-ID.
mod dkim;
mod envelope;
mod message;
#[cfg(test)]
mod tests;

pub use dkim::{DkimKey, KeyError};
pub use envelope::{envelope_sender, parse_envelope_sender};
pub use message::{ListHeaders, MailError, Message, MessageId, build};
