//! A run: whom it is for, what it sends, and what that means for one reader.
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::words::words;
use super::{DeliveryState, EnrollmentState, StepKey};

words! {
    /// Where a run stands.
    RunState ("state of a run") {
        /// Prepared: it is counted, and sends nothing.
        Draft = "draft",
        Running = "running",
        Paused = "paused",
        Cancelled = "cancelled",
        Finished = "finished",
    }
}

/// Whom a run is for. It names neither an address nor a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "choice", rename_all = "snake_case")]
pub enum Who {
    Reader {
        bucket: i16,
        subscriber: Uuid,
    },
    /// Whose next step is due within this time.
    DueWithin {
        seconds: i64,
    },
    NotReceived {
        step: StepKey,
    },
    /// Who had this step accepted, in this version of the content if one is given.
    Received {
        step: StepKey,
        version: Option<String>,
    },
    /// The subscribers that a list of addresses named.
    List,
    /// What is none does not matter.
    Filter {
        state: Option<String>,
        /// So many steps were accepted.
        parts: Option<i32>,
        language: Option<String>,
        /// Signed up at this instant or later.
        since: Option<DateTime<Utc>>,
        /// Signed up before this instant.
        before: Option<DateTime<Utc>>,
    },
}

impl Who {
    pub fn due_within(span: TimeDelta) -> Self {
        Self::DueWithin { seconds: span.num_seconds() }
    }

    pub fn word(&self) -> &'static str {
        match self {
            Self::Reader { .. } => "reader",
            Self::DueWithin { .. } => "due_within",
            Self::NotReceived { .. } => "not_received",
            Self::Received { .. } => "received",
            Self::List => "list",
            Self::Filter { .. } => "filter",
        }
    }
}

/// What a run sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "choice", rename_all = "snake_case")]
pub enum What {
    /// The step that waits for each reader, now.
    Next,
    /// This step; to those who have had it only when it is to be sent again.
    Step { step: StepKey, again: bool },
    /// A correction of the series' folder, once to each.
    Correction { key: StepKey },
}

impl What {
    /// What no second run may send at the same time: a copy that each run makes anew could be doubled.
    pub fn sends(&self) -> Option<String> {
        match self {
            Self::Next => None,
            Self::Step { step, .. } => Some(format!("step {step}")),
            Self::Correction { key } => Some(format!("correction {key}")),
        }
    }

    pub fn word(&self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Step { .. } => "step",
            Self::Correction { .. } => "correction",
        }
    }

    /// The word for `runs.kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Next => "send next",
            Self::Step { .. } => "send step",
            Self::Correction { .. } => "send correction",
        }
    }

    /// The step or the correction, if it is a given one.
    pub fn key(&self) -> Option<&StepKey> {
        match self {
            Self::Next => None,
            Self::Step { step: key, .. } | Self::Correction { key } => Some(key),
        }
    }
}

/// One reader among those whom a run is for.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub enrollment: Uuid,
    pub subscriber: Uuid,
    pub state: EnrollmentState,
    /// Of the address.
    pub domain: String,
    pub sealed_condition: Option<Vec<u8>>,
    pub suppressed: bool,
    /// The scheduled step that is owed and not under way.
    pub waiting: Option<Waiting>,
    /// The scheduled copy of the step that the run sends.
    pub scheduled: Option<DeliveryState>,
    /// Whether this step, or this correction, was accepted already.
    pub received: bool,
    /// Whether a run has made another copy that is still owed.
    pub under_way: bool,
}

#[derive(Debug, Clone)]
pub struct Waiting {
    pub delivery: Uuid,
    pub step: String,
    /// Whether another run that is not over has it.
    pub taken: bool,
}

words! {
    /// Why a reader whom a run is for gets nothing from it.
    LeftOut ("reason") {
        Suppressed = "suppressed",
        /// The reader has paused, or has come to the end of the series.
        NotActive = "not_active",
        /// There is no step that waits.
        NothingWaits = "nothing_waits",
        /// The step comes in its own time: the order of a series is kept.
        NotYet = "not_yet",
        Received = "received",
        /// Another copy is owed already.
        UnderWay = "under_way",
    }
}

/// What a run does for one reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// The scheduled copy is due now.
    MakeDue(Uuid),
    /// A copy whose occasion is the run.
    Copy,
}

/// | what | the reader | |
/// |---|---|---|
/// | next | a step waits | made due |
/// | step | it is the step that waits | made due |
/// | step | had it | a copy, if again |
/// | step | was passed by: it was rejected, skipped or is uncertain | a copy |
/// | step | has not come so far | left out |
/// | correction | has not had it | a copy |
pub fn reach(what: &What, one: &Candidate) -> Result<Reached, LeftOut> {
    if one.suppressed {
        return Err(LeftOut::Suppressed);
    }
    let is_correction = matches!(what, What::Correction { .. });
    if one.state != EnrollmentState::Active && !is_correction {
        return Err(LeftOut::NotActive);
    }
    if one.under_way {
        return Err(LeftOut::UnderWay);
    }
    match what {
        What::Next => make_due(one.waiting.as_ref().ok_or(LeftOut::NothingWaits)?),
        What::Correction { .. } if one.received => Err(LeftOut::Received),
        What::Correction { .. } => Ok(Reached::Copy),
        What::Step { step, again } => match (&one.waiting, one.scheduled) {
            (Some(waiting), _) if waiting.step == step.as_str() => make_due(waiting),
            (_, Some(DeliveryState::Claimed | DeliveryState::Sending | DeliveryState::Pending)) => {
                Err(LeftOut::UnderWay)
            }
            _ if one.received && !again => Err(LeftOut::Received),
            _ if one.received => Ok(Reached::Copy),
            (_, Some(DeliveryState::Rejected | DeliveryState::Skipped | DeliveryState::Uncertain)) => Ok(Reached::Copy),
            _ => Err(LeftOut::NotYet),
        },
    }
}

fn make_due(waiting: &Waiting) -> Result<Reached, LeftOut> {
    if waiting.taken { Err(LeftOut::UnderWay) } else { Ok(Reached::MakeDue(waiting.delivery)) }
}

/// How many had come to an end at an instant.
pub type Mark = (DateTime<Utc>, i64);

/// Marks of about the last minute: enough to tell the rate.
const RATE_OF: TimeDelta = TimeDelta::seconds(60);

/// Puts a mark behind the others and drops what is too old; one that is older than a minute stays, to count from.
pub fn add_mark(marks: &mut Vec<Mark>, mark: Mark) {
    marks.push(mark);
    while marks.len() > 2 && marks[1].0 <= mark.0 - RATE_OF {
        marks.remove(0);
    }
}

/// How many came to an end in a minute.
///
/// Examples: 10 in the 60 s between the first mark and the last are 10.0; 5 in 10 s are 30.0; one mark tells nothing.
pub fn rate_per_minute(marks: &[Mark]) -> Option<f64> {
    let ((from, before), (to, after)) = (marks.first()?, marks.last()?);
    let seconds = (*to - *from).as_seconds_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    (seconds > 0.0).then(|| (after - before).max(0) as f64 * 60.0 / seconds)
}

/// How long so many take at this rate; none when nothing moves.
pub fn time_for(mails: i64, per_minute: f64) -> Option<TimeDelta> {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "an estimate")]
    let seconds = (per_minute > 0.0).then(|| (mails.max(0) as f64 * 60.0 / per_minute).ceil().min(1e12) as i64)?;
    TimeDelta::try_seconds(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate() -> Candidate {
        Candidate {
            enrollment: Uuid::from_u128(1),
            subscriber: Uuid::from_u128(2),
            state: EnrollmentState::Active,
            domain: "example.org".into(),
            sealed_condition: None,
            suppressed: false,
            waiting: Some(Waiting { delivery: Uuid::from_u128(3), step: "two".into(), taken: false }),
            scheduled: None,
            received: false,
            under_way: false,
        }
    }

    fn step(key: &str, again: bool) -> What {
        What::Step { step: StepKey::parse(key).unwrap(), again }
    }

    #[test]
    fn the_next_step_is_made_due_and_never_copied() {
        let due = Ok(Reached::MakeDue(Uuid::from_u128(3)));
        assert_eq!(reach(&What::Next, &candidate()), due);
        assert_eq!(reach(&step("two", true), &candidate()), due, "also when it is asked for again");
        let nothing = Candidate { waiting: None, ..candidate() };
        assert_eq!(reach(&What::Next, &nothing), Err(LeftOut::NothingWaits));
        let taken = Waiting { taken: true, ..candidate().waiting.unwrap() };
        assert_eq!(reach(&What::Next, &Candidate { waiting: Some(taken), ..candidate() }), Err(LeftOut::UnderWay));
    }

    #[test]
    fn a_given_step_goes_to_who_missed_it_and_again_only_on_purpose() {
        let had = Candidate { received: true, scheduled: Some(DeliveryState::Accepted), ..candidate() };
        assert_eq!(reach(&step("one", false), &had), Err(LeftOut::Received));
        assert_eq!(reach(&step("one", true), &had), Ok(Reached::Copy));
        for missed in [DeliveryState::Rejected, DeliveryState::Skipped, DeliveryState::Uncertain] {
            let missed = Candidate { scheduled: Some(missed), ..candidate() };
            assert_eq!(reach(&step("one", false), &missed), Ok(Reached::Copy));
        }
        assert_eq!(reach(&step("three", false), &candidate()), Err(LeftOut::NotYet), "the order is kept");
        let sending = Candidate { waiting: None, scheduled: Some(DeliveryState::Sending), ..candidate() };
        assert_eq!(reach(&step("two", true), &sending), Err(LeftOut::UnderWay));
    }

    #[test]
    fn a_correction_goes_once_to_each_also_to_who_has_paused_or_is_through() {
        let correction = What::Correction { key: StepKey::parse("dose").unwrap() };
        for state in [EnrollmentState::Active, EnrollmentState::Paused, EnrollmentState::Completed] {
            assert_eq!(reach(&correction, &Candidate { state, ..candidate() }), Ok(Reached::Copy));
        }
        assert_eq!(reach(&correction, &Candidate { received: true, ..candidate() }), Err(LeftOut::Received));
        assert_eq!(reach(&correction, &Candidate { under_way: true, ..candidate() }), Err(LeftOut::UnderWay));
        assert_eq!(reach(&correction, &Candidate { suppressed: true, ..candidate() }), Err(LeftOut::Suppressed));
        assert_eq!(
            reach(&What::Next, &Candidate { state: EnrollmentState::Paused, ..candidate() }),
            Err(LeftOut::NotActive)
        );
    }

    #[test]
    fn the_rate_is_that_of_the_last_minute() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let mut marks = Vec::new();
        for second in 0..200 {
            add_mark(&mut marks, (at(second), if second < 100 { 0 } else { (second - 100) * 2 }));
        }
        assert!(marks.len() <= 62, "{}", marks.len());
        assert_eq!(rate_per_minute(&marks), Some(120.0));
        assert_eq!(rate_per_minute(&marks[..1]), None);
        assert_eq!(time_for(1_000, 120.0), Some(TimeDelta::seconds(500)));
        assert_eq!(time_for(1, 0.0), None);
    }
}
