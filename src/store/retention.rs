//! What is old is deleted, a small batch of one bucket at a time. The rules are in `actions::retention`.
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::queue::Hands;
use super::unknown_word;
use crate::model::Bucket;

/// A place among the ended enrollments of a bucket, the longest ended first.
pub type Place = (DateTime<Utc>, Uuid);

/// What a fold deleted of one run, or of none.
#[derive(Debug)]
pub struct Folded {
    pub run: Option<i64>,
    pub deliveries: i64,
    pub accepted: i64,
}

/// Enrollments behind `after` that ended before `before` and of which nothing has happened since, locked until the
/// transaction ends. What another process prunes at this moment is passed over. `now.series` keeps what is not due yet.
pub async fn lock_ended(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    before: DateTime<Utc>,
    now: Hands,
    after: Place,
    limit: i64,
) -> Result<Vec<Place>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select e.ended_at as "ended_at!", e.id from enrollments e
           where e.bucket = $1 and e.ended_at < $2 and e.pruned_at is null and (e.ended_at, e.id) > ($4, $5)
             and e.state in ('completed', 'unsubscribed', 'suppressed', 'erased', 'expired')
             and not exists (
                 select from deliveries d
                 where d.bucket = $1 and d.enrollment = e.id
                   and (d.state not in ('accepted', 'rejected', 'skipped', 'uncertain')
                        or d.settled_at is null or d.settled_at >= $2 or d.due_at > $3))
           order by e.ended_at, e.id limit $6
           for no key update of e skip locked"#,
        bucket.get(),
        before,
        now.series,
        after.0,
        after.1,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.ended_at, row.id)).collect())
}

/// Deletes the deliveries of these enrollments, with their attempts, and adds exactly what it deleted to the totals, in one statement: the books
/// close whatever happens meanwhile. The totals' rows are taken in one order, so that two folds wait for each other and
/// never deadlock.
pub async fn fold(db: &mut PgConnection, bucket: Bucket, enrollments: &[Uuid]) -> Result<Vec<Folded>, sqlx::Error> {
    sqlx::query_as!(
        Folded,
        r#"with gone as (
               delete from deliveries where bucket = $1 and enrollment = any($2)
               returning id, series, kind, step, occasion, state, reason, run
           ), attempts_gone as (
               delete from attempts a using gone where a.bucket = $1 and a.delivery = gone.id
           ), folded as (
               insert into step_totals (bucket, series, kind, step, state, reason, repeats, count)
               select $1, series, kind, coalesce(step, ''),
                      case when state in ('pending', 'paused', 'claimed', 'sending') then 'skipped' else state end,
                      case when state in ('pending', 'paused', 'claimed', 'sending') then 'expired'
                           else coalesce(reason, '') end,
                      kind = 'step' and occasion <> 0, count(*)
               from gone group by 2, 3, 4, 5, 6, 7 order by 2, 3, 4, 5, 6, 7
               on conflict (bucket, series, kind, step, state, reason, repeats)
               do update set count = step_totals.count + excluded.count
           )
           select run, count(*) as "deliveries!", count(*) filter (where state = 'accepted') as "accepted!"
           from gone group by run order by run"#,
        bucket.get(),
        enrollments
    )
    .fetch_all(db)
    .await
}

/// Marks enrollments whose deliveries were folded, so that the clean-up does not look at them again.
pub async fn mark_pruned(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    enrollments: &[Uuid],
    real: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update enrollments set pruned_at = $3 where bucket = $1 and id = any($2) and pruned_at is null",
        bucket.get(),
        enrollments,
        real
    )
    .execute(db)
    .await?;
    if usize::try_from(result.rows_affected()) == Ok(enrollments.len()) {
        Ok(())
    } else {
        Err(sqlx::Error::RowNotFound)
    }
}

/// Keeps a run's count of what was accepted when its deliveries go.
pub async fn keep_count_of_run(db: impl PgExecutor<'_>, run: i64, accepted: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("update runs set accepted_pruned = accepted_pruned + $2 where id = $1", run, accepted)
        .execute(db)
        .await
        .map(drop)
}

/// How far a pass over the attempts of a bucket has come.
#[derive(Debug, Default)]
pub struct Pass {
    pub deleted: u64,
    /// The last attempt that was looked at; none at the end of the bucket.
    pub last: Option<(Uuid, i32)>,
}

/// Looks at the next attempts behind `after` that may be old enough, and deletes those that ended before `before` and whose
/// delivery has come to an end, or is gone.
///
/// There is no index on the time: the primary key is one. A delivery's id begins with the millisecond at which it was
/// written (UUID version 7), and no attempt is older than its delivery, so whatever ended before `before` lies below the
/// first id of that moment.
pub async fn delete_attempts(
    db: impl PgExecutor<'_>,
    bucket: Bucket,
    before: DateTime<Utc>,
    after: (Uuid, i32),
    limit: i64,
) -> Result<Pass, sqlx::Error> {
    let row = sqlx::query!(
        r#"with looked_at as (
               select a.delivery, a.attempt, a.ended_at from attempts a
               where a.bucket = $1 and (a.delivery, a.attempt) > ($2, $3) and a.delivery < $4
               order by a.delivery, a.attempt limit $5
           ), old as (
               select a.delivery, a.attempt
               from looked_at l
               join attempts a on a.bucket = $1 and a.delivery = l.delivery and a.attempt = l.attempt
               where l.ended_at < $6 and not exists (
                   select from deliveries d
                   where d.bucket = $1 and d.id = l.delivery
                     and d.state not in ('accepted', 'rejected', 'skipped', 'uncertain'))
               order by a.delivery, a.attempt
               for update of a skip locked
           ), gone as (
               delete from attempts a using old
               where a.bucket = $1 and a.delivery = old.delivery and a.attempt = old.attempt
               returning a.attempt
           )
           select (select count(*) from gone) as "deleted!", (select count(*) from looked_at) as "looked_at!",
                  (select delivery from looked_at order by delivery desc, attempt desc limit 1) as delivery,
                  (select attempt from looked_at order by delivery desc, attempt desc limit 1) as attempt"#,
        bucket.get(),
        after.0,
        after.1,
        first_id_of(before),
        limit,
        before
    )
    .fetch_one(db)
    .await?;
    let last = if row.looked_at < limit { None } else { row.delivery.zip(row.attempt) };
    let deleted = u64::try_from(row.deleted).map_err(|_| unknown_word("count"))?;
    Ok(Pass { deleted, last })
}

/// Test sends name an editor's address, and stand outside the books.
pub async fn delete_test_sends(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let result = sqlx::query!("delete from test_sends where created_at < $1", before).execute(db).await?;
    Ok(result.rows_affected())
}

/// The lowest id that something written at this moment can have (RFC 9562 5.7: the first 48 bits are the milliseconds).
pub fn first_id_of(at: DateTime<Utc>) -> Uuid {
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or(0);
    Uuid::from_u128(millis << 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_before_a_moment_lies_below_its_first_id() {
        let at: DateTime<Utc> = "2026-03-02T17:00:00Z".parse().unwrap();
        let id = |millis: i64, octet: u8| {
            let millis = u64::try_from(at.timestamp_millis() + millis).unwrap();
            uuid::Builder::from_unix_timestamp_millis(millis, &[octet; 10]).into_uuid()
        };
        assert!(id(-1, 0xff) < first_id_of(at) && first_id_of(at) < id(0, 0));
        assert_eq!(first_id_of(DateTime::<Utc>::MIN_UTC), Uuid::nil());
    }
}
