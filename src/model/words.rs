//! The closed lists of words that rows, pages and the API share.
/// A word that is not in the list; its text is not repeated, since it may be somebody's input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what}: use one of {known}")]
pub struct UnknownWord {
    pub what: &'static str,
    pub known: String,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident ($what:literal) { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The word as it is stored and shown.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::model::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok($name::$variant),)+
                    _ => Err($crate::model::UnknownWord { what: $what, known: [$($word),+].join(", ") }),
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, out: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                out.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }
    };
}

pub(super) use words;

words! {
    /// How readers are written to a file.
    Format ("format") {
        /// With a heading; cells that would be formulas begin with an apostrophe.
        Csv = "csv",
        /// One object in each line.
        JsonLines = "json-lines",
    }
}

words! {
    /// What a delivery is.
    Kind ("kind of delivery") {
        Confirmation = "confirmation",
        Reminder = "reminder",
        /// The note to somebody who signs up while the series is on its way to them.
        AlreadySignedUp = "already_signed_up",
        /// The link for what a forwarded mail must not do.
        FreshLink = "fresh_link",
        /// The question to a new address whether the series may go on there.
        Move = "move",
        /// The note to the old address that it does.
        Moved = "moved",
        Step = "step",
        Correction = "correction",
    }
}

words! {
    /// Where a delivery stands.
    DeliveryState ("delivery state") {
        /// Owed; also after a deferral.
        Pending = "pending",
        Paused = "paused",
        /// Under a lease; nothing has been handed over.
        Claimed = "claimed",
        /// Under a lease; the relay may have it.
        Sending = "sending",
        Accepted = "accepted",
        Rejected = "rejected",
        Skipped = "skipped",
        Uncertain = "uncertain",
    }
}

words! {
    /// What becomes of the steps that fell due while a series was paused.
    Overdue ("what to do with overdue steps") {
        /// They are sent now, as fast as the relays may.
        Send = "send",
        /// All that waits comes as much later as the pause was long.
        Shift = "shift",
        /// They are not sent, and each reader goes on with the step after.
        Skip = "skip",
    }
}

words! {
    /// Where an enrollment stands.
    EnrollmentState ("enrollment state") {
        Pending = "pending",
        Active = "active",
        Paused = "paused",
        Completed = "completed",
        Unsubscribed = "unsubscribed",
        Suppressed = "suppressed",
        Erased = "erased",
        Expired = "expired",
    }
}

words! {
    /// Why an address must not be mailed.
    SuppressionReason ("suppression reason") {
        NoSuchUser = "no_such_user",
        NotMe = "not_me",
        Admin = "admin",
        Complaint = "complaint",
        Bounce = "bounce",
    }
}

impl Kind {
    /// What a reader waits for at the screen: it goes before what is sent to many.
    pub fn is_urgent(self) -> bool {
        !matches!(self, Self::Step | Self::Correction)
    }
}

impl DeliveryState {
    /// It has come to its end: nothing changes it any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Accepted | Self::Rejected | Self::Skipped | Self::Uncertain)
    }
}

impl EnrollmentState {
    /// An open enrollment may still lead to mail; a subscriber has at most one in a series.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Active | Self::Paused)
    }

    /// Confirmed, and with parts still to come, now or after a pause.
    pub fn is_going_on(self) -> bool {
        matches!(self, Self::Active | Self::Paused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_as_what_they_were() {
        for &state in DeliveryState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        for &state in EnrollmentState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        for &kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_known_ones() {
        let error = "sent".parse::<DeliveryState>().unwrap_err().to_string();
        assert!(error.contains("accepted") && !error.contains("sent"), "{error}");
    }
}
