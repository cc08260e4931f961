//! What an answer of the relay means for a delivery.
use chrono::{DateTime, Utc};

use super::Settings;
use super::prepare::Prepared;
use crate::actions::settle::Settled;
use crate::model::{DeliveryState, Kind, retry_after};
use crate::store::queue::Claimed;
use crate::store::settle::Outcome;
use crate::transport::{Accepted, SendError};

/// What becomes of a delivery after an attempt.
pub(super) enum Verdict {
    Settle(Settled),
    /// Nobody can say whether the relay took it.
    Uncertain {
        why: String,
    },
}

impl Verdict {
    /// The outcome's word.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Settle(settled) => settled.outcome.word,
            Self::Uncertain { .. } => "uncertain",
        }
    }
}

pub(super) fn accepted(mail: &Prepared, answer: &Accepted) -> Settled {
    let claimed = &mail.claimed;
    let step = claimed.kind == Kind::Step;
    Settled::now(Outcome {
        code: Some(code(answer.code)),
        reply: Some(answer.reply.clone()),
        content_version: Some(mail.content_version.clone()),
        condition: step.then(|| claimed.condition.clone()),
        charged: true,
        ..outcome(claimed, DeliveryState::Accepted, "accepted")
    })
}

/// Reads an error. `real` is now; `jitter` is from 0 to 1.
pub(super) fn refused(
    claimed: &Claimed,
    error: SendError,
    settings: &Settings,
    real: DateTime<Utc>,
    jitter: f64,
) -> Verdict {
    let settled = match error {
        SendError::Rejected { code: number, reply, no_such_user } => Settled {
            outcome: Outcome {
                reason: Some(if no_such_user { "no_such_user" } else { "refused" }.into()),
                code: Some(code(number)),
                reply: Some(reply),
                charged: true,
                ..outcome(claimed, DeliveryState::Rejected, "rejected")
            },
            no_such_user,
            accepted_at: None,
        },
        SendError::Deferred { code: number, reply, .. } => {
            deferred(claimed, settings, real, jitter, Some(code(number)), reply)
        }
        SendError::Broken { why } => deferred(claimed, settings, real, jitter, None, why),
        SendError::Utf8Unsupported => Settled::now(Outcome {
            reason: Some("smtputf8_unsupported".into()),
            ..outcome(claimed, DeliveryState::Skipped, "skipped")
        }),
        SendError::Relay { why } => not_charged(claimed, real, why),
        SendError::Uncertain { why } => return Verdict::Uncertain { why },
    };
    Verdict::Settle(settled)
}

/// A temporary failure: later again, until the tries are used up.
fn deferred(
    claimed: &Claimed,
    settings: &Settings,
    real: DateTime<Utc>,
    jitter: f64,
    code: Option<i16>,
    reply: String,
) -> Settled {
    let tries = u16::try_from(claimed.tries).unwrap_or(0) + 1;
    if tries >= settings.max_tries {
        return Settled::now(Outcome {
            reason: Some("gave_up".into()),
            code,
            reply: Some(reply),
            charged: true,
            ..outcome(claimed, DeliveryState::Rejected, "rejected")
        });
    }
    let wait = chrono::TimeDelta::from_std(retry_after(tries, jitter)).unwrap_or_default();
    Settled::now(Outcome {
        not_before: Some(real + wait),
        code,
        reply: Some(reply),
        charged: true,
        ..outcome(claimed, DeliveryState::Pending, "deferred")
    })
}

/// Back to the queue until `not_before`; the reader is not charged.
pub(super) fn not_charged(claimed: &Claimed, not_before: DateTime<Utc>, why: String) -> Settled {
    Settled::now(Outcome {
        not_before: Some(not_before),
        reply: Some(why),
        ..outcome(claimed, DeliveryState::Pending, "deferred")
    })
}

fn outcome(claimed: &Claimed, state: DeliveryState, word: &'static str) -> Outcome {
    Outcome {
        id: claimed.id,
        attempt: claimed.attempt,
        state,
        word,
        reason: None,
        not_before: None,
        charged: false,
        uncertain: false,
        code: None,
        reply: None,
        content_version: None,
        condition: None,
    }
}

fn code(number: u16) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}
