//! Readers in numbers, written by one statement: confirmed, and their first part due now.
use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{Rng as _, RngCore as _, SeedableRng as _};
use regimen::model::{Bucket, ConditionKey, EmailAddress};
use sqlx::PgPool;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::SERIES;
use super::process::keyring;

const ALL_BUCKETS: i16 = 64;

#[derive(Debug, Clone)]
pub struct Reader {
    pub bucket: Bucket,
    pub address: String,
    pub enrollment: Uuid,
    pub subscriber: Uuid,
    /// Of the first part.
    pub delivery: Uuid,
    sealed: Vec<u8>,
}

/// The same number is always the same reader. Only those of the first few buckets, when few readers are to fill batches.
pub fn readers(numbers: Range<usize>, buckets: i16) -> Vec<Reader> {
    let (keyring, condition) = (keyring(), ConditionKey::parse("lung").unwrap());
    numbers
        .filter_map(|number| {
            let address = EmailAddress::parse(&format!("reader{number}@example.org")).unwrap();
            if address.bucket().get() >= buckets {
                return None;
            }
            let mut random = StdRng::seed_from_u64(7_000_000 + number as u64);
            let [subscriber, enrollment, delivery] = [(); 3].map(|()| Uuid::from_u128(random.random()));
            let mut nonce = [0; 24];
            random.fill_bytes(&mut nonce);
            Some(Reader {
                bucket: address.bucket(),
                address: address.normalised().to_owned(),
                enrollment,
                subscriber,
                delivery,
                sealed: keyring.seal(&condition, subscriber, nonce),
            })
        })
        .collect()
}

/// Writes them if they are not there yet, so that it can be asked again after a connection was lost.
pub async fn enroll(db: &PgPool, readers: &[Reader]) -> Result<(), sqlx::Error> {
    let now: DateTime<Utc> = regimen::store::server_time(db).await?;
    let ids = |of: fn(&Reader) -> Uuid| readers.iter().map(of).collect::<Vec<_>>();
    sqlx::query(
        "with reader as (
             select * from unnest($1::smallint[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bytea[])
                 as r (bucket, address, subscriber, enrollment, delivery, condition)
         ), subscriber as (
             insert into subscribers (bucket, id, address, normalised, created_at)
             select bucket, subscriber, address, address, $7 from reader
             on conflict do nothing
         ), enrollment as (
             insert into enrollments
                 (bucket, id, subscriber, series, state, condition, zone, created_at, requested_at, confirmed_at)
             select bucket, enrollment, subscriber, $8, 'active', condition, 'UTC', $7, $7, $7 from reader
             on conflict do nothing
         )
         insert into deliveries (bucket, id, subscriber, enrollment, series, kind, step, due_at, created_at)
         select bucket, delivery, subscriber, enrollment, $8, 'step', 'what-is-immunotherapy', $7, $7 from reader
         on conflict do nothing",
    )
    .bind(readers.iter().map(|one| one.bucket.get()).collect::<Vec<_>>())
    .bind(readers.iter().map(|one| one.address.clone()).collect::<Vec<_>>())
    .bind(ids(|one| one.subscriber))
    .bind(ids(|one| one.enrollment))
    .bind(ids(|one| one.delivery))
    .bind(readers.iter().map(|one| one.sealed.clone()).collect::<Vec<_>>())
    .bind(now)
    .bind(SERIES)
    .execute(db)
    .await
    .map(drop)
}

/// Enrolls so many. Answers the deliveries of the first part, sorted.
pub async fn owe_first_part(db: &PgPool, number: usize) -> Vec<Uuid> {
    let readers = readers(0..number, ALL_BUCKETS);
    enroll(db, &readers).await.unwrap();
    let mut deliveries: Vec<Uuid> = readers.into_iter().map(|one| one.delivery).collect();
    deliveries.sort_unstable();
    deliveries
}

/// What is put off is due again at once, as long as the answer is held: a minute's back-off is more than a test lasts.
pub fn spare_them_the_back_off(db: &PgPool) -> DropGuard {
    let (db, stop) = (db.clone(), CancellationToken::new());
    let stopped = stop.clone();
    tokio::spawn(stopped.run_until_cancelled_owned(async move {
        loop {
            // Waits for nobody's locks and so gets into nobody's way. PostgreSQL may be away.
            sqlx::query(
                "update deliveries d set not_before = d.created_at
                 from (select bucket, id from deliveries where state = 'pending' and not_before > clock_timestamp()
                       for update skip locked) as late
                 where d.bucket = late.bucket and d.id = late.id",
            )
            .execute(&db)
            .await
            .ok();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }));
    stop.drop_guard()
}
