//! What calls send and are answered with, where it is not a row of a list.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::asked::Reasoned;

/// A reason, and nothing else.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    /// Who does it; `api` if it is not said.
    #[schema(max_length = 200)]
    who: Option<String>,
    /// It is recorded.
    #[serde(default)]
    #[schema(required, min_length = 1, max_length = 1000, example = "asked by phone")]
    why: String,
}

/// One address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OneAddress {
    #[serde(default)]
    #[schema(required, format = "email", example = "reader@example.org")]
    pub(super) address: String,
}

/// One address, and why something is done about it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfAddress {
    #[serde(default)]
    #[schema(required, format = "email", example = "reader@example.org")]
    pub(super) address: String,
    /// Who does it; `api` if it is not said.
    #[schema(max_length = 200)]
    who: Option<String>,
    /// It is recorded.
    #[serde(default)]
    #[schema(required, min_length = 1, max_length = 1000, example = "asked by phone")]
    why: String,
}

/// One reader's way through one series.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfReader {
    #[serde(default)]
    #[schema(required, format = "email", example = "reader@example.org")]
    pub(super) address: String,
    #[serde(default)]
    #[schema(required, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")]
    pub(super) series: String,
    /// Who does it; `api` if it is not said.
    #[schema(max_length = 200)]
    who: Option<String>,
    /// It is recorded.
    #[serde(default)]
    #[schema(required, min_length = 1, max_length = 1000, example = "asked by phone")]
    why: String,
}

/// The next step of one reader.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SendNext {
    #[serde(default)]
    #[schema(required, format = "email", example = "reader@example.org")]
    pub(super) address: String,
    #[serde(default)]
    #[schema(required, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")]
    pub(super) series: String,
    /// Answers whom it would reach, and does nothing.
    #[serde(default)]
    pub(super) dry_run: bool,
    /// Who does it; `api` if it is not said.
    #[schema(max_length = 200)]
    who: Option<String>,
    /// It is recorded.
    #[serde(default)]
    #[schema(required, min_length = 1, max_length = 1000, example = "asked by phone")]
    why: String,
}

/// All steps that fall due soon.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SendDue {
    #[serde(default)]
    #[schema(required, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")]
    pub(super) series: String,
    /// A span of time, at most 366d.
    #[serde(default)]
    #[schema(required, example = "12h")]
    pub(super) within: String,
    /// Answers whom it would reach, and does nothing.
    #[serde(default)]
    pub(super) dry_run: bool,
    /// Who does it; `api` if it is not said.
    #[schema(max_length = 200)]
    who: Option<String>,
    /// It is recorded.
    #[serde(default)]
    #[schema(required, min_length = 1, max_length = 1000, example = "asked by phone")]
    why: String,
}

/// One step, to an editor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SendTest {
    #[serde(default)]
    #[schema(required, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "fighting-cancer-with-immunotherapy")]
    pub(super) series: String,
    #[serde(default)]
    #[schema(required, pattern = "^[a-z0-9][a-z0-9-]{0,63}$", example = "antibodies")]
    pub(super) step: String,
    /// Whose passage is shown.
    #[serde(default)]
    #[schema(required, pattern = "^[a-z0-9][a-z0-9-]{0,47}$", example = "lung")]
    pub(super) condition: String,
    /// An address of `admin.editors`.
    #[serde(default)]
    #[schema(required, format = "email", example = "editor@example.org")]
    pub(super) to: String,
    /// Who does it; `api` if it is not said.
    #[schema(max_length = 200)]
    who: Option<String>,
    /// It is recorded.
    #[serde(default)]
    #[schema(required, min_length = 1, max_length = 1000, example = "asked by phone")]
    why: String,
}

macro_rules! reasoned {
    ($($body:ty),+) => { $(
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

reasoned!(Reason, OfAddress, OfReader, SendNext, SendDue, SendTest);

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
}

/// A step as it would be sent.
#[derive(Serialize, ToSchema)]
pub(super) struct Preview {
    pub(super) subject: String,
    pub(super) preheader: String,
    pub(super) html: String,
    pub(super) text: String,
}

/// A list that has no pages.
#[derive(Serialize, ToSchema)]
pub(super) struct Items<T> {
    pub(super) items: Vec<T>,
}

/// What became of a test send.
#[derive(Serialize, ToSchema)]
pub(super) struct TestOutcome {
    pub(super) id: uuid::Uuid,
    /// Null while it waits.
    pub(super) outcome: Option<String>,
}
