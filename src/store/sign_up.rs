//! Sign-ups of new addresses: one statement for one of them, which names its bucket, or for many, in which every row does.
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::queue::Hands;
use super::unknown_word;
use crate::model::{Bucket, EmailAddress, Language, SeriesSlug, Zone};

/// All that a sign-up of a new address writes. The ids are chosen beforehand, so that a second try can tell whether the
/// first was written.
pub struct NewSignUp {
    pub bucket: Bucket,
    pub address: EmailAddress,
    pub subscriber: Uuid,
    pub enrollment: Uuid,
    pub consent: Uuid,
    pub delivery: Uuid,
    pub series: SeriesSlug,
    /// Sealed for `subscriber`.
    pub condition: Vec<u8>,
    pub zone: Zone,
    pub privacy_version: String,
    pub terms_version: String,
    pub channel: &'static str,
    pub language: Language,
}

/// What became of a sign-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Subscriber, enrollment, consent and confirmation are there.
    New,
    /// The address is a subscriber's: nothing was written.
    Known,
    /// The address must not be mailed: nothing was written.
    Suppressed,
}

/// Writes the sign-ups that are new, all of them or none, and answers for each in the order of `rows`. The rows must be in
/// the order of [`NewSignUp::order`].
pub async fn write(db: &mut PgConnection, rows: &[&NewSignUp], hands: Hands) -> Result<Vec<Written>, sqlx::Error> {
    match rows {
        [row] => Ok(vec![write_one(db, row, hands).await?]),
        rows => write_many(db, rows, hands).await,
    }
}

async fn write_one(db: &mut PgConnection, row: &NewSignUp, hands: Hands) -> Result<Written, sqlx::Error> {
    let answer = sqlx::query_file!(
        "src/store/sql/sign_up.sql",
        row.bucket.get(),
        row.address.as_typed(),
        row.address.normalised(),
        row.subscriber,
        row.enrollment,
        row.consent,
        row.delivery,
        row.series.as_str(),
        row.condition,
        row.zone.name(),
        row.privacy_version,
        row.terms_version,
        row.channel,
        hands.real,
        hands.series,
        row.language.tag(),
    )
    .fetch_one(db)
    .await?;
    Ok(Written::of(answer.fresh, answer.silenced))
}

async fn write_many(db: &mut PgConnection, rows: &[&NewSignUp], hands: Hands) -> Result<Vec<Written>, sqlx::Error> {
    let ids = |of: fn(&NewSignUp) -> Uuid| rows.iter().map(|row| of(row)).collect::<Vec<Uuid>>();
    let texts = |of: fn(&NewSignUp) -> &str| rows.iter().map(|row| of(row)).collect::<Vec<&str>>();
    let buckets: Vec<i16> = rows.iter().map(|row| row.bucket.get()).collect();
    let conditions: Vec<&[u8]> = rows.iter().map(|row| row.condition.as_slice()).collect();
    let answers = sqlx::query_file!(
        "src/store/sql/sign_ups.sql",
        &buckets,
        &texts(|row| row.address.as_typed()) as &[&str],
        &texts(|row| row.address.normalised()) as &[&str],
        &ids(|row| row.subscriber),
        &ids(|row| row.enrollment),
        &ids(|row| row.consent),
        &ids(|row| row.delivery),
        &texts(|row| row.series.as_str()) as &[&str],
        &conditions as &[&[u8]],
        &texts(|row| row.zone.name()) as &[&str],
        &texts(|row| &row.privacy_version) as &[&str],
        &texts(|row| &row.terms_version) as &[&str],
        &texts(|row| row.channel) as &[&str],
        hands.real,
        hands.series,
        &texts(|row| row.language.tag()) as &[&str],
    )
    .fetch_all(db)
    .await?;
    let mut written = vec![Written::Known; rows.len()];
    for answer in answers {
        let place = usize::try_from(answer.place - 1).ok().and_then(|place| written.get_mut(place));
        *place.ok_or_else(|| unknown_word("place"))? = Written::of(answer.fresh, answer.silenced);
    }
    Ok(written)
}

/// Whether an earlier try of this very sign-up was committed, though its answer was lost.
pub async fn is_written(db: impl PgExecutor<'_>, row: &NewSignUp) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from enrollments where bucket = $1 and id = $2) as "written!""#,
        row.bucket.get(),
        row.enrollment
    )
    .fetch_one(db)
    .await
}

impl Written {
    fn of(fresh: bool, silenced: bool) -> Self {
        match (fresh, silenced) {
            (true, _) => Self::New,
            (false, true) => Self::Suppressed,
            (false, false) => Self::Known,
        }
    }
}

impl NewSignUp {
    /// The order in which rows are locked.
    pub fn order(&self) -> (i16, &str) {
        (self.bucket.get(), self.address.normalised())
    }
}
