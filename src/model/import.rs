//! Why a line of an import is refused.
use super::words::words;

words! {
    /// The word that is stored; [`Refused::text`] says what to do.
    Refused ("reason") {
        Columns = "columns",
        Utf8 = "utf8",
        Series = "series",
        Address = "address",
        Condition = "condition",
        Ended = "ended",
        ConsentAt = "consent_at",
        ConsentTooOld = "consent_too_old",
        ConsentSource = "consent_source",
        ConsentText = "consent_text",
        ConfirmedAt = "confirmed_at",
        Zone = "zone",
        Language = "language",
        Hour = "hour",
        Spacing = "spacing",
        Parts = "parts",
        NothingLeft = "nothing_left",
        Twice = "twice",
        Suppressed = "suppressed",
        Open = "open",
        Left = "left",
        Completed = "completed",
        Asked = "asked",
    }
}

impl Refused {
    pub fn text(self) -> &'static str {
        match self {
            Self::Columns => "it has another number of cells than the heading",
            Self::Utf8 => "it is not UTF-8: save the file as UTF-8",
            Self::Series => "it is about another series",
            Self::Address => "the address is none that mail can be sent to",
            Self::Condition => "the series has no such condition: write its key, such as lung",
            Self::Ended => "the file says that the series has ended, or is paused, for this reader",
            Self::ConsentAt => {
                "consent_at must say when the reader agreed, such as 2026-03-01T12:00:00Z, not in the future"
            }
            Self::ConsentTooOld => {
                "the reader agreed more than 30 days ago and has not confirmed: a confirmation would come out of the blue"
            }
            Self::ConsentSource => "consent_source must say where the reader agreed: a page (https://…) or another way",
            Self::ConsentText => {
                "consent_text must name what the reader agreed to (1 to 100 characters), or privacy_version and terms_version"
            }
            Self::ConfirmedAt => {
                "confirmed_at must be a time that is neither before consent_at nor in the future, or empty"
            }
            Self::Zone => "the zone is none of the IANA database: it should look like America/New_York, or be empty",
            Self::Language => "the language must be en or es, or empty",
            Self::Hour => "the hour must look like 09:00, or be empty",
            Self::Spacing => "the series does not offer this spacing: write one that it offers, or leave it empty",
            Self::Parts => "the series has no such part: write the keys of those received, with spaces between them",
            Self::NothingLeft => "the reader has received every part",
            Self::Twice => "the address stands in an earlier line of this file",
            Self::Suppressed => "the address is suppressed: it is never mailed",
            Self::Open => "the reader gets the series already, or has been asked to confirm",
            Self::Left => "the reader has left this series: they come back by signing up themselves",
            Self::Completed => "the reader has had the whole series",
            Self::Asked => "the address has had all confirmations that it may have in a day: try again tomorrow",
        }
    }
}
