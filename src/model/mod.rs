//! The nouns, and when the next step is due. Pure: no database, no network, no clock.
mod address;
mod backoff;
mod calendar;
#[cfg(test)]
mod calendar_tests;
mod cell;
mod import;
mod language;
mod mailbox;
mod names;
mod origin;
mod plan;
#[cfg(test)]
mod plan_tests;
mod reasons;
mod role;
mod run;
mod webhook;
mod words;

pub use address::{AddressError, EmailAddress};
pub use backoff::retry_after;
pub use calendar::{Change, forecast, replanned, shifted};
pub use cell::{as_it_was, no_formula, quoted};
pub use import::Refused;
pub use language::Language;
pub use mailbox::{Mailbox, MailboxError, is_plain_name};
pub use names::{Bucket, ConditionKey, NameError, SeriesSlug, StepKey};
pub use origin::{EmbedOrigin, OriginError};
pub use plan::{
    Delay, PlanError, Rhythm, Window, Zone, end_of_day, first_due, into_window, is_of_our_time, midnight, next_due,
    parse_day, parse_time,
};
pub use reasons::{Moved, clock_changes, clock_moved, why_moved};
pub use role::{Right, Role};
pub use run::{
    Candidate, LeftOut, Mark, Reached, RunState, Waiting, What, Who, add_mark, rate_per_minute, reach, time_for,
};
pub use webhook::{Disabled, Event, HookUrl, HookUrlError, MessageState, is_public, tell_again_after};
pub use words::{DeliveryState, EnrollmentState, Format, Kind, Overdue, SuppressionReason, UnknownWord};
