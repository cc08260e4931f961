//! What calls send and are answered with, where it is not a row of a list. What is missing is empty, and refused by its name.
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::asked::Reasoned;
use crate::actions::runs::choice::Choice;

/// Bodies that say who acts, and why. The two fields stand in each of them, since a body that is put together of two structs
/// cannot refuse fields that it does not know.
macro_rules! reasoned {
    ($($(#[$about:meta])* $body:ident { $($(#[$on:meta])* $field:ident: $kind:ty),* $(,)? })+) => { $(
        $(#[$about])*
        #[derive(Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $body {
            $($(#[$on])* #[serde(default)] pub(super) $field: $kind,)*
            /// Who does it; `api` if it is not said.
            #[schema(max_length = 200)]
            who: Option<String>,
            /// It is recorded.
            #[serde(default)]
            #[schema(required, min_length = 1, max_length = 1000, example = "asked by phone")]
            why: String,
        }

        impl Reasoned for $body {
            fn who(&self) -> Option<&str> {
                self.who.as_deref()
            }

            fn why(&self) -> &str {
                &self.why
            }
        }
    )+ };
}

reasoned! {
    /// A reason, and nothing else.
    Reason {}

    /// Whom to send what; which fields are read is up to `for` and `what`.
    PrepareRun {
        #[schema(required, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")]
        series: String,
        /// `reader`, `due_within`, `not_received`, `received`, `filter` or `list`.
        #[serde(rename = "for")]
        #[schema(required, example = "due_within")]
        whom: String,
        /// `next`, `step` or `correction`.
        #[schema(required, example = "next")]
        what: String,
        /// Of the one reader.
        address: String,
        /// A span of time.
        #[schema(example = "12h")]
        within: String,
        /// The step that was received, or was not.
        had: String,
        /// The version of the content that it was received in.
        version: String,
        state: String,
        parts: String,
        language: String,
        /// Only those with this condition. Then no count under five is shown, and fewer than five readers are not reached.
        condition: String,
        /// Days of sign-up (UTC).
        #[schema(example = "2026-03-02")]
        since: String,
        until: String,
        /// One address in a line.
        addresses: String,
        /// The step to send.
        step: String,
        /// Also to those who have had the step.
        again: bool,
        correction: String,
    }

    /// How many the dry run found.
    StartRun {
        #[schema(required, minimum = 0)]
        readers: i64,
    }

    /// What is looked at before a run starts.
    TestRun {
        /// Of a run that does not send one step: which of them.
        #[schema(pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "antibodies")]
        step: Option<String>,
        /// Whose passage is shown.
        #[schema(pattern = "^[a-z0-9][a-z0-9-]{0,47}$", example = "lung")]
        condition: Option<String>,
        /// An address of `admin.editors`.
        #[schema(required, format = "email", example = "editor@example.org")]
        to: String,
    }

    /// An endpoint that is to be told what happens.
    MakeWebhook {
        #[schema(required, min_length = 1, max_length = 100, example = "our CRM")]
        name: String,
        #[schema(required, format = "uri", example = "https://crm.example.org/hooks")]
        url: String,
        /// What it is told (docs/WEBHOOKS.md); all of it if none is named.
        events: Vec<String>,
        /// Of which series; of all if none is named.
        series: Vec<String>,
        /// Tell it the reader's address, too.
        with_address: bool,
    }

    /// Which messages are owed once more.
    SendAgain {
        /// Those that were given up and tell of something since then; all of them if it is not said.
        since: Option<DateTime<Utc>>,
    }

    /// Who is to come in, and as what.
    InviteAdmin {
        #[schema(required, format = "email", example = "editor@example.org")]
        address: String,
        #[schema(required, min_length = 1, max_length = 100, example = "The editor")]
        name: String,
        /// `viewer`, `editor`, `operator` or `owner`.
        #[schema(required, example = "editor")]
        role: String,
    }

    /// What an admin may do from now on.
    SetRole {
        /// `viewer`, `editor`, `operator` or `owner`.
        #[schema(required, example = "editor")]
        role: String,
    }

    /// A program, and what it may do.
    MakeToken {
        #[schema(required, min_length = 1, max_length = 100, example = "the statistics")]
        name: String,
        #[schema(required, min_items = 1, example = json!(["figures"]))]
        rights: Vec<String>,
        /// How long it is good; for ever if it is not said.
        #[schema(minimum = 1, maximum = 3650)]
        days: Option<i64>,
    }

    /// What becomes of the steps that fell due while a series was paused.
    ResumeSeries {
        /// `shift` (if it is not said: all that waits comes as much later as the pause was long), `send` (what fell due is
        /// sent now) or `skip` (it is not sent, and each reader goes on with the step after).
        #[schema(example = "shift")]
        overdue: Option<String>,
    }

    /// One address, and why something is done about it.
    OfAddress {
        #[schema(required, format = "email", example = "reader@example.org")]
        address: String,
    }

    /// One reader's way through one series.
    OfReader {
        #[schema(required, format = "email", example = "reader@example.org")]
        address: String,
        #[schema(required, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")]
        series: String,
    }

    /// One step of one reader.
    OfStep {
        #[schema(required, format = "email", example = "reader@example.org")]
        address: String,
        #[schema(required, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")]
        series: String,
        #[schema(required, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "antibodies")]
        step: String,
    }

    /// The next step of one reader.
    SendNext {
        #[schema(required, format = "email", example = "reader@example.org")]
        address: String,
        #[schema(required, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")]
        series: String,
        /// Answers whom it would reach, and does nothing.
        dry_run: bool,
    }

    /// All steps that fall due soon.
    SendDue {
        #[schema(required, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")]
        series: String,
        /// A span of time, at most 366d.
        #[schema(required, example = "12h")]
        within: String,
        /// Answers whom it would reach, and does nothing.
        dry_run: bool,
    }

    /// One step, to an editor.
    SendTest {
        #[schema(required, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")]
        series: String,
        #[schema(required, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "antibodies")]
        step: String,
        /// Whose passage is shown.
        #[schema(required, pattern = "^[a-z0-9][a-z0-9-]{0,47}$", example = "lung")]
        condition: String,
        /// `en` or `es`; the series' own if it is not said, or if it is not translated.
        #[schema(example = "es")]
        language: Option<String>,
        /// An address of `admin.editors`.
        #[schema(required, format = "email", example = "editor@example.org")]
        to: String,
    }
}

/// One address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OneAddress {
    #[serde(default)]
    #[schema(required, format = "email", example = "reader@example.org")]
    pub(super) address: String,
}

/// Which step is to be shown, for which condition.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PreviewOf {
    #[serde(default)]
    #[schema(required, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "antibodies")]
    pub(super) step: String,
    /// The first of the series if it is not said.
    #[schema(pattern = "^[a-z0-9][a-z0-9-]{0,47}$", example = "lung")]
    pub(super) condition: Option<String>,
    /// `en` or `es`; the series' own if it is not said, or if it is not translated.
    #[schema(example = "en")]
    pub(super) language: Option<String>,
}

/// Readers who are looked for. What is not said does not matter.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SearchReaders {
    /// A part of the address.
    #[schema(example = "@example.org")]
    pub(super) part: Option<String>,
    #[schema(pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")]
    pub(super) series: Option<String>,
    /// As for the list.
    pub(super) state: Option<String>,
    /// So many parts were accepted.
    #[schema(minimum = 0, maximum = 1000)]
    pub(super) parts: Option<i64>,
    /// This step is what comes next.
    #[schema(pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "antibodies")]
    pub(super) waits_for: Option<String>,
    /// Days of sign-up (UTC).
    pub(super) since: Option<NaiveDate>,
    pub(super) until: Option<NaiveDate>,
    /// The `next` of the page before.
    pub(super) after: Option<String>,
}

/// One mail of one reader.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OneMail {
    #[serde(default)]
    #[schema(required, format = "email", example = "reader@example.org")]
    pub(super) address: String,
    /// The id of its delivery.
    #[serde(default)]
    pub(super) delivery: Uuid,
}

/// A step as it would be sent.
#[derive(Serialize, ToSchema)]
pub(super) struct Preview {
    pub(super) subject: String,
    pub(super) preheader: String,
    pub(super) html: String,
    pub(super) text: String,
    pub(super) html_bytes: usize,
}

/// A list that has no pages.
#[derive(Serialize, ToSchema)]
pub(super) struct Items<T> {
    pub(super) items: Vec<T>,
}

/// What became of a test send.
#[derive(Serialize, ToSchema)]
pub(super) struct TestOutcome {
    pub(super) id: Uuid,
    /// Null while it waits.
    pub(super) outcome: Option<String>,
}

impl PrepareRun {
    pub(super) fn choice(self) -> Choice {
        let Self { series, whom, what, address, within, had, version, state, parts, language, since, .. } = self;
        let Self { condition, until, addresses, step, correction, .. } = self;
        let again = if self.again { "yes".to_owned() } else { String::new() };
        Choice {
            series,
            whom,
            address,
            within,
            had,
            version,
            state,
            parts,
            language,
            condition,
            since,
            until,
            addresses,
            what,
            step,
            again,
            correction,
        }
    }
}
