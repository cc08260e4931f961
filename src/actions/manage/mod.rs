//! The reader's own pages: the calendar behind the link in each part, and what only a fresh link may do.
//!
//! A link in a mail can be forwarded. What is in [`look`], [`parts`] and [`change`] is what whoever has it may see and do:
//! neither address nor condition is named, and nothing is lost by it. The rest asks for a fresh link ([`fresh`]), which goes
//! to the address and works for a quarter of an hour.
pub mod address;
pub mod change;
pub mod erase;
pub mod export;
pub mod fresh;
pub mod parts;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use uuid::Uuid;

use super::service::copy_message;
use super::{ActionError, Actor, Service, moves};
use crate::content::Series;
use crate::links::{Link, Purpose};
use crate::model::{
    Bucket, DeliveryState, EnrollmentState, Language, Rhythm, StepKey, Window, Zone, forecast, shifted,
};
use crate::store::admin;
use crate::store::calendar::{self, StepLine};
use crate::store::enrollments::{self, Enrollment};

/// What the page behind a manage link shows; neither address nor condition, since a link can be forwarded.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is one answer that the page shows")]
pub struct Calendar {
    pub series_title: String,
    /// What the reader's mails are in.
    pub language: Language,
    pub state: EnrollmentState,
    /// It has ended here, and goes on at another address, which is not named.
    pub is_elsewhere: bool,
    /// Another address was named, and may confirm still.
    pub may_move: bool,
    /// The editors have paused the whole series.
    pub series_paused: bool,
    pub zone: Zone,
    /// Series time, as all times here.
    pub now: DateTime<Utc>,
    /// When a pause ends by itself.
    pub paused_until: Option<DateTime<Utc>>,
    pub parts: Vec<Part>,
    /// The hours in which parts are sent.
    pub window: Window,
    /// The reader's own hour, if one was chosen, and the series'.
    pub hour: (Option<NaiveTime>, NaiveTime),
    /// The days between two parts that may be chosen, and the reader's choice.
    pub spacings: Vec<u16>,
    pub spacing: Option<u16>,
    /// Whether the next part can be asked for at once.
    pub may_hurry: bool,
    /// The path of the page to leave on; none when there is nothing to leave.
    pub unsubscribe_path: Option<String>,
}

/// One part of the series on the reader's calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u32,
    pub step: StepKey,
    pub subject: String,
    pub state: PartState,
    /// Names the part of this reader to other programs, and says nothing about either.
    pub uid: String,
}

impl Part {
    /// Whether it is still to come.
    pub fn is_ahead(&self) -> bool {
        matches!(self.state, PartState::OnItsWay | PartState::Next(_) | PartState::Later(_) | PartState::Waits)
    }
}

/// What became, becomes or will become of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartState {
    /// When is not known of what was pruned or carried over.
    Received(Option<DateTime<Utc>>),
    OnItsWay,
    Next(DateTime<Utc>),
    /// If each part before it is accepted when it is due.
    Later(DateTime<Utc>),
    /// It comes, and nobody knows when: a pause without an end.
    Waits,
    /// Nobody can say whether it arrived, and it is not sent again.
    Unclear,
    /// The reader's mail provider did not take it.
    Refused,
    /// It was left out, and the series went on.
    LeftOut,
    /// It will not come.
    NotComing,
}

/// What the page of this link shows, in a language that was chosen or in that of the reader's mails. Changes nothing.
pub async fn look(service: &Service, token: &str, chosen: Option<Language>) -> Result<Calendar, ActionError> {
    let Named { own, current: enrollment } = of_token(service, token).await?;
    let mut db = service.db().acquire().await?;
    let is_elsewhere = !enrollment.state.is_open() && moves::goes_on(&mut db, &own).await?.is_some();
    let wish = moves::wish_of(&mut db, &enrollment).await?;
    drop(db);
    let may_move = wish.is_some_and(|wish| !moves::is_stale(&wish, service.clock().real()));
    let series = service.series_in(&enrollment.series, chosen.unwrap_or(enrollment.language))?;
    let series_paused = admin::series_paused_at(service.db(), &enrollment.series).await?.is_some();
    let parts = parts_of(service, &enrollment, &series, series_paused).await?;
    let waits = parts.iter().any(|part| matches!(part.state, PartState::Next(_)));
    let may_hurry = waits && enrollment.state == EnrollmentState::Active && !change::has_hurried(service, &enrollment);
    Ok(Calendar {
        series_title: series.title.clone(),
        language: enrollment.language,
        state: enrollment.state,
        is_elsewhere,
        may_move,
        series_paused,
        zone: enrollment.zone,
        now: service.clock().series(),
        paused_until: enrollment.paused_until.filter(|_| enrollment.state == EnrollmentState::Paused),
        parts,
        window: series.window,
        hour: (enrollment.preferred_time, series.preferred),
        spacings: series.spacings.clone(),
        spacing: enrollment.spacing.filter(|days| series.spacings.contains(days)),
        may_hurry,
        // A link to stop it elsewhere names the enrollment that has ended here, and not the other.
        unsubscribe_path: (enrollment.state.is_open() || is_elsewhere).then(|| {
            let named = if is_elsewhere { &own } else { &enrollment };
            service.unsubscribe_path(named.bucket, named.id)
        }),
    })
}

/// All parts of a reader's series, and what becomes of each.
pub(super) async fn parts_of(
    service: &Service,
    enrollment: &Enrollment,
    series: &Series,
    series_paused: bool,
) -> Result<Vec<Part>, ActionError> {
    let lines = calendar::steps(service.db(), enrollment.bucket, enrollment.id).await?;
    let scene = Scene { enrollment, series, series_paused, now: service.clock().series() };
    Ok(scene.parts(service, &lines))
}

/// The enrollments that a link is about.
#[derive(Debug)]
pub(super) struct Named {
    /// The one that the link names.
    pub(super) own: Enrollment,
    /// The one that is open now under the same address and series, else the same: links in mails outlive enrollments.
    pub(super) current: Enrollment,
}

async fn of_token(service: &Service, token: &str) -> Result<Named, ActionError> {
    of_link(service, &service.link_key().read(token, Purpose::Manage)?).await
}

async fn of_link(service: &Service, link: &Link) -> Result<Named, ActionError> {
    let own = enrollments::by_id(service.db(), link.bucket, link.enrollment).await?;
    let own = own.ok_or(ActionError::NotFound("subscription"))?;
    if own.state.is_open() {
        return Ok(Named { current: own.clone(), own });
    }
    let newest = enrollments::newest(service.db(), own.bucket, own.subscriber, &own.series).await?;
    Ok(Named { current: newest.unwrap_or_else(|| own.clone()), own })
}

fn rhythm_of(series: &Series, enrollment: &Enrollment) -> Rhythm {
    series.rhythm(Some(enrollment.zone), enrollment.preferred_time, enrollment.spacing)
}

/// Everything that decides what becomes of a reader's parts.
struct Scene<'a> {
    enrollment: &'a Enrollment,
    series: &'a Series,
    series_paused: bool,
    now: DateTime<Utc>,
}

impl Scene<'_> {
    fn parts(&self, service: &Service, lines: &[StepLine]) -> Vec<Part> {
        let ahead = self.ahead(lines);
        let of = |(index, step): (usize, &crate::content::Step)| Part {
            number: u32::try_from(index + 1).unwrap_or(u32::MAX),
            step: step.key.clone(),
            subject: step.subject.clone(),
            state: self.state_of(&step.key, lines, &ahead),
            uid: uid(service, self.enrollment.bucket, self.enrollment.id, &step.key),
        };
        self.series.steps.iter().enumerate().map(of).collect()
    }

    fn state_of(&self, step: &StepKey, lines: &[StepLine], ahead: &[(StepKey, PartState)]) -> PartState {
        let line = lines.iter().rfind(|line| line.step == *step);
        let has_it = self.enrollment.done_steps.contains(step);
        match line.map(|line| (line.state, line.settled_at)) {
            Some((DeliveryState::Accepted, at)) => PartState::Received(at),
            _ if has_it => PartState::Received(None),
            Some((DeliveryState::Claimed | DeliveryState::Sending, _)) => PartState::OnItsWay,
            Some((DeliveryState::Uncertain, _)) => PartState::Unclear,
            Some((DeliveryState::Rejected, _)) => PartState::Refused,
            Some((DeliveryState::Skipped, _)) if self.enrollment.state.is_open() => PartState::LeftOut,
            Some((DeliveryState::Skipped, _)) => PartState::NotComing,
            Some((DeliveryState::Pending | DeliveryState::Paused, _)) | None => {
                ahead.iter().find(|(key, _)| key == step).map_or(PartState::NotComing, |(_, state)| *state)
            }
        }
    }

    /// What is still to come: the step that is owed, and those that will follow it.
    fn ahead(&self, lines: &[StepLine]) -> Vec<(StepKey, PartState)> {
        if !self.enrollment.state.is_open() {
            return Vec::new();
        }
        let owed = lines.iter().rfind(|line| {
            use DeliveryState::{Claimed, Paused, Pending, Sending};
            matches!(line.state, Pending | Paused | Claimed | Sending)
        });
        let Some(owed) = owed else {
            // Nothing is written before the confirmation: all parts come, in time.
            let left = self.series.steps.iter().filter(|step| !self.enrollment.done_steps.contains(&step.key));
            return left.map(|step| (step.key.clone(), PartState::Waits)).collect();
        };
        let later = self.series.steps_after(&owed.step, &self.enrollment.done_steps);
        let rhythm = rhythm_of(self.series, self.enrollment);
        let goes_out = self.enrollment.state == EnrollmentState::Paused && owed.state == DeliveryState::Sending;
        let (first, due) = match self.due(owed, &rhythm) {
            None => (PartState::Waits, None),
            // What follows a part that is on the wire waits for the end of the pause.
            Some(_) if goes_out => (PartState::OnItsWay, None),
            Some(due) if due <= self.now => (PartState::OnItsWay, Some(self.now)),
            Some(due) => (PartState::Next(due), Some(due)),
        };
        let times = due.map(|due| forecast(due, later.iter().map(|step| step.delay), &rhythm)).unwrap_or_default();
        let state = |index: usize| times.get(index).map_or(PartState::Waits, |at| PartState::Later(*at));
        let rest = later.iter().enumerate().map(|(index, step)| (step.key.clone(), state(index)));
        std::iter::once((owed.step.clone(), first)).chain(rest).collect()
    }

    /// When the step that is owed comes; none if nobody knows.
    fn due(&self, owed: &StepLine, rhythm: &Rhythm) -> Option<DateTime<Utc>> {
        if self.series_paused && !matches!(owed.state, DeliveryState::Sending) {
            return None;
        }
        if self.enrollment.state != EnrollmentState::Paused || owed.state != DeliveryState::Paused {
            return Some(owed.due_at);
        }
        let since = self.enrollment.paused_at.unwrap_or(self.now);
        // A pause that has ended is seen to in a moment.
        let until = self.enrollment.paused_until?;
        Some(shifted(owed.due_at, since, until, rhythm).max(self.now + TimeDelta::seconds(1)))
    }
}

/// Always the same for one part of one reader. Whoever finds it in a calendar learns nothing from it.
fn uid(service: &Service, bucket: Bucket, enrollment: Uuid, step: &StepKey) -> String {
    let mac = service.link_key().mac(b"calendar", &copy_message(bucket, enrollment, step));
    Uuid::from_bytes(mac).simple().to_string()
}
