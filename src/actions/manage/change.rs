//! What whoever has a mail may change: pause, resume, the next part now, clock and spacing.
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use sqlx::{PgConnection, Postgres, Transaction};

use super::super::readers::resume_in;
use super::{ActionError, Named, Service, of_token, rhythm_of};
use crate::content::Series;
use crate::model::{Change, Delay, DeliveryState, EnrollmentState, Rhythm, Zone, replanned};
use crate::store::calendar::EndedPause;
use crate::store::enrollments::{self, Enrollment};
use crate::store::{admin, calendar, wake};

/// After "the next part now" the next such wish waits this long (real time): a second press is not a second part, and whoever
/// was forwarded a mail cannot empty the series into its reader's inbox.
const HURRY_AGAIN: TimeDelta = TimeDelta::hours(1);
/// A pause may be no longer than this.
const LONGEST_PAUSE: Days = Days::new(366);
/// Pauses that are looked at together at most.
const ROUND: i64 = 500;

/// Whether a wish was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Yes,
    /// It was so already, or there is nothing that it could change.
    Nothing,
    /// What was asked for is not among what can be had.
    Refused,
}

/// Pauses until the beginning of `until` on the reader's own clock, or until it is resumed. A reader who is paused already
/// gets the new end.
pub async fn pause(service: &Service, token: &str, until: Option<NaiveDate>) -> Result<Done, ActionError> {
    let (mut tx, enrollment) = begin(service, token).await?;
    let now = service.clock().series();
    let today = enrollment.zone.local(now).date();
    if until.is_some_and(|date| date <= today || date > today + LONGEST_PAUSE) {
        return Ok(Done::Refused);
    }
    let until = until.map(|date| enrollment.zone.instant(date.and_time(NaiveTime::MIN)));
    let done = match enrollment.state {
        EnrollmentState::Active => {
            enrollments::pause(&mut *tx, enrollment.bucket, enrollment.id, now, until).await?;
            Done::Yes
        }
        EnrollmentState::Paused => {
            calendar::set_paused_until(&mut *tx, enrollment.bucket, enrollment.id, until).await?;
            Done::Yes
        }
        _ => Done::Nothing,
    };
    tx.commit().await?;
    Ok(done)
}

/// Goes on with the series: what is left comes as much later as the pause was long.
pub async fn resume(service: &Service, token: &str) -> Result<Done, ActionError> {
    let (mut tx, enrollment) = begin(service, token).await?;
    if enrollment.state != EnrollmentState::Paused {
        return Ok(Done::Nothing);
    }
    resume_in(service, &mut tx, &enrollment).await?;
    commit_and_wake(service, tx).await?;
    Ok(Done::Yes)
}

/// Ends the pauses whose time has come, each in a transaction of its own. Any number of processes may do this at once:
/// whoever comes second finds the enrollment active. One that cannot be ended keeps nobody behind it waiting. Answers how
/// many this process ended.
pub async fn end_pauses(service: &Service) -> Result<u64, ActionError> {
    let mut ended = 0;
    let now = service.clock().series();
    // A series that is gone from the content may come back: its readers stay paused until then.
    let slugs = service.slugs();
    let mut after = None;
    loop {
        let round = calendar::ended_pauses(service.db(), now, &slugs, after, ROUND).await?;
        let Some(last) = round.last() else { return Ok(ended) };
        after = Some((last.until, last.id));
        for pause in &round {
            match end_pause(service, pause, now).await {
                Ok(true) => ended += 1,
                Ok(false) => {}
                Err(error) => tracing::error!(enrollment = %pause.id, %error, "a pause could not be ended"),
            }
        }
    }
}

async fn end_pause(service: &Service, pause: &EndedPause, now: DateTime<Utc>) -> Result<bool, ActionError> {
    let mut tx = service.db().begin().await?;
    let locked = enrollments::lock(&mut *tx, pause.bucket, pause.id).await?;
    let over =
        |one: &Enrollment| one.state == EnrollmentState::Paused && one.paused_until.is_some_and(|until| until <= now);
    let Some(enrollment) = locked.filter(over) else { return Ok(false) };
    resume_in(service, &mut tx, &enrollment).await?;
    commit_and_wake(service, tx).await?;
    Ok(true)
}

/// The next part at once: exempt from gap and window, never from a pause. What is under way already stays as it is.
pub async fn hurry(service: &Service, token: &str) -> Result<Done, ActionError> {
    let (mut tx, enrollment) = begin(service, token).await?;
    let paused = admin::series_paused_at(&mut *tx, &enrollment.series).await?.is_some();
    if enrollment.state != EnrollmentState::Active || paused || has_hurried(service, &enrollment) {
        return Ok(Done::Nothing);
    }
    let hands = service.hands();
    match calendar::lock_owed(&mut *tx, enrollment.bucket, enrollment.id).await? {
        Some(owed) if owed.state == DeliveryState::Pending && owed.due_at > hands.series => {
            calendar::move_step(&mut *tx, enrollment.bucket, owed.id, hands.series).await?;
        }
        _ => return Ok(Done::Nothing),
    }
    calendar::set_hurried(&mut *tx, enrollment.bucket, enrollment.id, hands.real).await?;
    commit_and_wake(service, tx).await?;
    Ok(Done::Yes)
}

/// Another clock: the zone, and the hour inside the series' window at which parts come (none: the series' own).
pub async fn set_clock(
    service: &Service,
    token: &str,
    zone: Zone,
    hour: Option<NaiveTime>,
) -> Result<Done, ActionError> {
    let (mut tx, enrollment) = begin(service, token).await?;
    let series = service.series(&enrollment.series)?;
    if hour.is_some_and(|hour| !series.window.contains(hour)) {
        return Ok(Done::Refused);
    }
    if !enrollment.state.is_going_on() {
        return Ok(Done::Nothing);
    }
    let hour = hour.filter(|hour| *hour != series.preferred);
    calendar::set_clock(&mut *tx, enrollment.bucket, enrollment.id, zone, hour).await?;
    if let Some(until) = enrollment.paused_until {
        // The pause ends on the same day, as it begins on the new clock.
        let day = enrollment.zone.local(until).date();
        let until = Some(zone.instant(day.and_time(NaiveTime::MIN)));
        calendar::set_paused_until(&mut *tx, enrollment.bucket, enrollment.id, until).await?;
    }
    let is = series.rhythm(Some(zone), hour, enrollment.spacing);
    replan(service, &mut tx, &series, &enrollment, &is).await?;
    commit_and_wake(service, tx).await?;
    Ok(Done::Yes)
}

/// Slower or faster: the days between two parts, one of those that the series offers (none: its own delays).
pub async fn set_spacing(service: &Service, token: &str, days: Option<u16>) -> Result<Done, ActionError> {
    let (mut tx, enrollment) = begin(service, token).await?;
    let series = service.series(&enrollment.series)?;
    if days.is_some_and(|days| !series.spacings.contains(&days)) {
        return Ok(Done::Refused);
    }
    if !enrollment.state.is_going_on() {
        return Ok(Done::Nothing);
    }
    calendar::set_spacing(&mut *tx, enrollment.bucket, enrollment.id, days).await?;
    let is = series.rhythm(Some(enrollment.zone), enrollment.preferred_time, days);
    replan(service, &mut tx, &series, &enrollment, &is).await?;
    commit_and_wake(service, tx).await?;
    Ok(Done::Yes)
}

/// Whether the next part was asked for so lately that it cannot be asked for again.
pub(super) fn has_hurried(service: &Service, enrollment: &Enrollment) -> bool {
    enrollment.hurried_at.is_some_and(|at| at + HURRY_AGAIN > service.clock().real())
}

/// A transaction, and the enrollment that a manage link is about, locked until it ends.
async fn begin(service: &Service, token: &str) -> Result<(Transaction<'static, Postgres>, Enrollment), ActionError> {
    let Named { current, .. } = of_token(service, token).await?;
    let mut tx = service.db().begin().await?;
    let locked = enrollments::lock(&mut *tx, current.bucket, current.id).await?;
    Ok((tx, locked.ok_or(ActionError::NotFound("subscription"))?))
}

/// Moves the step that waits to where the new rhythm has it. What is due by now, or under way, stays as it is.
async fn replan(
    service: &Service,
    tx: &mut PgConnection,
    series: &Series,
    enrollment: &Enrollment,
    is: &Rhythm,
) -> Result<(), ActionError> {
    let (bucket, id) = (enrollment.bucket, enrollment.id);
    let Some(owed) = calendar::lock_owed(&mut *tx, bucket, id).await? else { return Ok(()) };
    let now: DateTime<Utc> = enrollment.paused_at.unwrap_or_else(|| service.clock().series());
    if !matches!(owed.state, DeliveryState::Pending | DeliveryState::Paused) || owed.due_at <= now {
        return Ok(());
    }
    // A step that has been taken out of the series keeps its time, inside the window.
    let delay = series.step(&owed.step).map_or(Delay::Minutes(0), |step| step.delay);
    let previous = calendar::last_settled(&mut *tx, bucket, id).await?;
    let was = rhythm_of(series, enrollment);
    let due_at = replanned(owed.due_at, delay, &Change { was: &was, is, now, previous });
    calendar::move_step(&mut *tx, bucket, owed.id, due_at).await?;
    Ok(())
}

async fn commit_and_wake(service: &Service, mut tx: Transaction<'_, Postgres>) -> Result<(), ActionError> {
    wake(&mut *tx).await?;
    tx.commit().await?;
    service.wake_dispatcher();
    Ok(())
}
