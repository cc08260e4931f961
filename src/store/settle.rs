//! Settling: outcomes, attempts, and what follows from them. The rules are in `actions::settle`; these are its rows.
use std::collections::HashMap;

use chrono::{DateTime, NaiveTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::queue::Hands;
use super::unknown_word;
use crate::model::{Bucket, DeliveryState, EnrollmentState, Kind, SeriesSlug, StepKey, Zone};

/// What became of one attempt.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub id: Uuid,
    pub attempt: i32,
    /// The delivery's new state; `Pending` is a deferral.
    pub state: DeliveryState,
    /// The word for `attempts.outcome`.
    pub word: &'static str,
    pub reason: Option<String>,
    /// For a deferral: real time of the next try.
    pub not_before: Option<DateTime<Utc>>,
    /// Whether this attempt counts against the limit.
    pub charged: bool,
    pub uncertain: bool,
    pub code: Option<i16>,
    /// The relay's words, without addresses.
    pub reply: Option<String>,
    pub content_version: Option<String>,
    /// The sealed condition that was used.
    pub condition: Option<Vec<u8>>,
}

/// A delivery whose state this settle did change.
#[derive(Debug)]
pub struct Changed {
    pub id: Uuid,
    pub enrollment: Uuid,
    pub subscriber: Uuid,
    pub series: String,
    pub kind: Kind,
    pub step: Option<StepKey>,
    pub state: DeliveryState,
    pub reason: Option<String>,
    pub occasion: i64,
}

/// An enrollment, locked until the transaction ends.
#[derive(Debug)]
pub struct Locked {
    pub id: Uuid,
    pub subscriber: Uuid,
    pub series: SeriesSlug,
    pub state: EnrollmentState,
    pub zone: Zone,
    pub preferred_time: Option<NaiveTime>,
    pub spacing: Option<u16>,
    pub done_steps: Vec<StepKey>,
}

/// A delivery to be written.
#[derive(Debug)]
pub struct NewDelivery {
    pub id: Uuid,
    pub subscriber: Uuid,
    pub enrollment: Uuid,
    pub series: SeriesSlug,
    pub kind: Kind,
    pub step: Option<StepKey>,
    pub occasion: i64,
    pub state: DeliveryState,
    /// Series time.
    pub due_at: DateTime<Utc>,
    pub run: Option<i64>,
}

/// A delivery about to be settled.
#[derive(Debug)]
pub struct Standing {
    pub delivery: Uuid,
    pub kind: Kind,
    /// Whether its enrollment's state lets it be sent, and so go back to the queue.
    pub may_be_sent: bool,
    pub enrollment: Uuid,
    pub enrollment_state: EnrollmentState,
}

/// Locks the enrollments of these deliveries until the transaction ends.
pub async fn lock(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    deliveries: &[Uuid],
) -> Result<(Vec<Standing>, HashMap<Uuid, Locked>), sqlx::Error> {
    let rows = sqlx::query_file!("src/store/sql/lock.sql", bucket.get(), deliveries).fetch_all(db).await?;
    let (mut standings, mut enrollments) = (Vec::with_capacity(rows.len()), HashMap::new());
    for row in rows {
        let state = row.state.parse().map_err(|_| unknown_word("state"))?;
        standings.push(Standing {
            delivery: row.delivery,
            kind: row.kind.parse().map_err(|_| unknown_word("kind"))?,
            may_be_sent: row.may_be_sent,
            enrollment: row.id,
            enrollment_state: state,
        });
        let locked = Locked {
            id: row.id,
            subscriber: row.subscriber,
            series: SeriesSlug::parse(&row.series).map_err(|_| unknown_word("series"))?,
            state,
            zone: Zone::parse(&row.zone).map_err(|_| unknown_word("zone"))?,
            preferred_time: row.preferred_time,
            spacing: row.spacing.and_then(|days| u16::try_from(days).ok()),
            done_steps: parse_steps(&row.done_steps)?,
        };
        enrollments.insert(locked.id, locked);
    }
    Ok((standings, enrollments))
}

/// Writes the outcomes of one bucket, fenced, and answers which rows they changed.
pub async fn settle(
    db: &mut PgConnection,
    bucket: Bucket,
    outcomes: &[Outcome],
    hands: Hands,
) -> Result<Vec<Changed>, sqlx::Error> {
    let mut outcomes: Vec<&Outcome> = outcomes.iter().collect();
    // As all statements that lock several deliveries do.
    outcomes.sort_by_key(|one| one.id);
    let ids: Vec<Uuid> = outcomes.iter().map(|one| one.id).collect();
    let attempts: Vec<i32> = outcomes.iter().map(|one| one.attempt).collect();
    let states: Vec<String> = outcomes.iter().map(|one| one.state.as_str().to_owned()).collect();
    let reasons: Vec<Option<String>> = outcomes.iter().map(|one| one.reason.clone()).collect();
    let not_before: Vec<Option<DateTime<Utc>>> = outcomes.iter().map(|one| one.not_before).collect();
    let charged: Vec<i16> = outcomes.iter().map(|one| i16::from(one.charged)).collect();
    let uncertain: Vec<i16> = outcomes.iter().map(|one| i16::from(one.uncertain)).collect();
    let versions: Vec<Option<String>> = outcomes.iter().map(|one| one.content_version.clone()).collect();
    let conditions: Vec<Option<Vec<u8>>> = outcomes.iter().map(|one| one.condition.clone()).collect();
    let rows = sqlx::query_file!(
        "src/store/sql/settle.sql",
        bucket.get(),
        &ids,
        &attempts,
        &states,
        &reasons as &[Option<String>],
        &not_before as &[Option<DateTime<Utc>>],
        &charged,
        &uncertain,
        &versions as &[Option<String>],
        hands.real,
        hands.series,
        &conditions as &[Option<Vec<u8>>],
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Changed {
                id: row.id,
                enrollment: row.enrollment,
                subscriber: row.subscriber,
                series: row.series,
                kind: row.kind.parse().map_err(|_| unknown_word("kind"))?,
                step: row.step.map(|step| StepKey::parse(&step)).transpose().map_err(|_| unknown_word("step"))?,
                state: row.state.parse().map_err(|_| unknown_word("state"))?,
                reason: row.reason,
                occasion: row.occasion,
            })
        })
        .collect()
}

/// Records each attempt. What a stale worker learned goes to its own attempt and nowhere else.
pub async fn record_attempts(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    outcomes: &[Outcome],
    node: Uuid,
    real: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = outcomes.iter().map(|one| one.id).collect();
    let attempts: Vec<i32> = outcomes.iter().map(|one| one.attempt).collect();
    let words: Vec<String> = outcomes.iter().map(|one| one.word.to_owned()).collect();
    let codes: Vec<Option<i16>> = outcomes.iter().map(|one| one.code).collect();
    let replies: Vec<Option<String>> = outcomes.iter().map(|one| one.reply.clone()).collect();
    sqlx::query!(
        "insert into attempts (bucket, delivery, attempt, node, outcome, code, reply, ended_at)
         select d.bucket, r.id, r.attempt, $7, r.word, r.code, r.reply, $8
         from unnest($2::uuid[], $3::int[], $4::text[], $5::smallint[], $6::text[]) as r (id, attempt, word, code, reply)
         join deliveries d on d.bucket = $1 and d.id = r.id
         on conflict (bucket, delivery, attempt)
         do update set outcome = excluded.outcome, code = excluded.code, reply = excluded.reply",
        bucket.get(),
        &ids,
        &attempts,
        &words,
        &codes as &[Option<i16>],
        &replies as &[Option<String>],
        node,
        real
    )
    .execute(db)
    .await
    .map(drop)
}

/// Writes deliveries of one bucket; one that exists already is left as it is. Answers how many are new.
pub async fn add_deliveries(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    new: &[NewDelivery],
    real: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let ids: Vec<Uuid> = new.iter().map(|one| one.id).collect();
    let subscribers: Vec<Uuid> = new.iter().map(|one| one.subscriber).collect();
    let enrollments: Vec<Uuid> = new.iter().map(|one| one.enrollment).collect();
    let series: Vec<String> = new.iter().map(|one| one.series.as_str().to_owned()).collect();
    let kinds: Vec<String> = new.iter().map(|one| one.kind.as_str().to_owned()).collect();
    let steps: Vec<Option<String>> =
        new.iter().map(|one| one.step.as_ref().map(|step| step.as_str().to_owned())).collect();
    let occasions: Vec<i64> = new.iter().map(|one| one.occasion).collect();
    let priorities: Vec<i16> = new.iter().map(|one| i16::from(!one.kind.is_urgent())).collect();
    let states: Vec<String> = new.iter().map(|one| one.state.as_str().to_owned()).collect();
    let due: Vec<DateTime<Utc>> = new.iter().map(|one| one.due_at).collect();
    let runs: Vec<Option<i64>> = new.iter().map(|one| one.run).collect();
    let result = sqlx::query!(
        "insert into deliveries (bucket, id, subscriber, enrollment, series, kind, step, occasion, priority, state,
            due_at, run, created_at)
         select $1, r.id, r.subscriber, r.enrollment, r.series, r.kind, r.step, r.occasion, r.priority, r.state,
            r.due_at, r.run, $13
         from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::bigint[],
            $9::smallint[], $10::text[], $11::timestamptz[], $12::bigint[])
            as r (id, subscriber, enrollment, series, kind, step, occasion, priority, state, due_at, run)
         on conflict do nothing",
        bucket.get(),
        &ids,
        &subscribers,
        &enrollments,
        &series,
        &kinds,
        &steps as &[Option<String>],
        &occasions,
        &priorities,
        &states,
        &due,
        &runs as &[Option<i64>],
        real
    )
    .execute(db)
    .await?;
    Ok(result.rows_affected())
}

/// What an ended step means for its enrollment.
#[derive(Debug)]
pub struct Advance {
    pub enrollment: Uuid,
    /// The step, if it was accepted.
    pub done: Option<StepKey>,
    /// Whether it was the last.
    pub completed: bool,
}

/// Notes accepted steps and ends the enrollments that have had their last. Each enrollment may occur once.
pub async fn advance(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    batch: &[Advance],
    real: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let enrollments: Vec<Uuid> = batch.iter().map(|one| one.enrollment).collect();
    let done: Vec<Option<String>> = batch.iter().map(|one| one.done.as_ref().map(ToString::to_string)).collect();
    let completed: Vec<bool> = batch.iter().map(|one| one.completed).collect();
    let result = sqlx::query_file!(
        "src/store/sql/advance.sql",
        bucket.get(),
        &enrollments,
        &done as &[Option<String>],
        &completed,
        real
    )
    .execute(db)
    .await?;
    super::exactly(&result, batch.len())
}

pub(super) fn parse_steps(steps: &[String]) -> Result<Vec<StepKey>, sqlx::Error> {
    steps.iter().map(|step| StepKey::parse(step).map_err(|_| unknown_word("step"))).collect()
}
