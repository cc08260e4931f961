//! What readers say without saying who they are: counts of votes and of answers, and the ballots that were used.
use chrono::NaiveDate;
use sqlx::{PgConnection, PgExecutor};

use crate::model::SeriesSlug;

/// A text that readers can call helpful.
#[derive(Debug, Clone, Copy)]
pub struct Page<'p> {
    pub series: &'p SeriesSlug,
    /// `part` or `article`.
    pub kind: &'p str,
    pub page: &'p str,
}

/// A used ballot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// The day on which it was counted.
    pub day: NaiveDate,
    /// What it said, unless it was a survey's.
    pub vote: Option<String>,
}

/// Marks a ballot as used; false if it was already. Waits for another transaction that is using it.
pub async fn spend(
    db: impl PgExecutor<'_>,
    ballot: &[u8],
    day: NaiveDate,
    vote: Option<&str>,
) -> Result<bool, sqlx::Error> {
    let spent = sqlx::query!(
        "insert into spent_ballots (ballot, day, vote) values ($1, $2, $3) on conflict (ballot) do nothing",
        ballot,
        day,
        vote
    )
    .execute(db)
    .await?;
    Ok(spent.rows_affected() == 1)
}

pub async fn spent(db: impl PgExecutor<'_>, ballot: &[u8]) -> Result<Option<Spent>, sqlx::Error> {
    sqlx::query_as!(Spent, "select day, vote from spent_ballots where ballot = $1", ballot).fetch_optional(db).await
}

/// The same, and nobody else changes it until the transaction ends.
pub async fn lock_spent(db: impl PgExecutor<'_>, ballot: &[u8]) -> Result<Option<Spent>, sqlx::Error> {
    sqlx::query_as!(Spent, "select day, vote from spent_ballots where ballot = $1 for update", ballot)
        .fetch_optional(db)
        .await
}

pub async fn change_vote(db: impl PgExecutor<'_>, ballot: &[u8], vote: &str) -> Result<(), sqlx::Error> {
    let changed =
        sqlx::query!("update spent_ballots set vote = $2 where ballot = $1", ballot, vote).execute(db).await?;
    super::exactly_one(&changed)
}

/// Adds a vote.
pub async fn add_vote(db: impl PgExecutor<'_>, page: &Page<'_>, day: NaiveDate, vote: &str) -> Result<(), sqlx::Error> {
    let Page { series, kind, page } = *page;
    sqlx::query!(
        "insert into helpful_votes (series, kind, page, day, answer, votes) values ($1, $2, $3, $4, $5, 1)
         on conflict (series, kind, page, day, answer) do update set votes = helpful_votes.votes + 1",
        series.as_str(),
        kind,
        page,
        day,
        vote
    )
    .execute(db)
    .await
    .map(drop)
}

/// Takes a vote back that was added before.
pub async fn take_vote(
    db: impl PgExecutor<'_>,
    page: &Page<'_>,
    day: NaiveDate,
    vote: &str,
) -> Result<(), sqlx::Error> {
    let Page { series, kind, page } = *page;
    let taken = sqlx::query!(
        "update helpful_votes set votes = votes - 1
         where series = $1 and kind = $2 and page = $3 and day = $4 and answer = $5",
        series.as_str(),
        kind,
        page,
        day,
        vote
    )
    .execute(db)
    .await?;
    super::exactly_one(&taken)
}

/// How many said yes, and how many said anything.
pub async fn votes(db: impl PgExecutor<'_>, page: &Page<'_>) -> Result<(i64, i64), sqlx::Error> {
    let Page { series, kind, page } = *page;
    let sums = sqlx::query!(
        r#"select coalesce(sum(votes) filter (where answer = 'yes'), 0)::bigint as "yes!",
               coalesce(sum(votes), 0)::bigint as "all!"
           from helpful_votes where series = $1 and kind = $2 and page = $3"#,
        series.as_str(),
        kind,
        page
    )
    .fetch_one(db)
    .await?;
    Ok((sums.yes, sums.all))
}

/// One answer that a survey counts: its question, its key, and how often it was chosen.
pub type Cell = (String, String, i64);

/// Counts filled-in forms. `cells` are all there are, chosen or not, and all are written, in one order: see the migration.
pub async fn add_answers(
    db: &mut PgConnection,
    series: &SeriesSlug,
    day: NaiveDate,
    cells: &[Cell],
) -> Result<(), sqlx::Error> {
    let questions: Vec<String> = cells.iter().map(|cell| cell.0.clone()).collect();
    let answers: Vec<String> = cells.iter().map(|cell| cell.1.clone()).collect();
    let added: Vec<i64> = cells.iter().map(|cell| cell.2).collect();
    sqlx::query!(
        "insert into survey_counts (series, day, question, answer, answers)
         select $1, $2, cell.question, cell.answer, cell.added
         from unnest($3::text[], $4::text[], $5::bigint[]) as cell (question, answer, added)
         order by cell.question, cell.answer
         on conflict (series, day, question, answer)
             do update set answers = survey_counts.answers + excluded.answers",
        series.as_str(),
        day,
        &questions[..],
        &answers[..],
        &added[..]
    )
    .execute(db)
    .await
    .map(drop)
}

/// A count of a survey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    pub question: String,
    pub answer: String,
    pub answers: i64,
}

/// What was counted before `day`.
pub async fn answers_before(
    db: impl PgExecutor<'_>,
    series: &SeriesSlug,
    day: NaiveDate,
) -> Result<Vec<Count>, sqlx::Error> {
    sqlx::query_as!(
        Count,
        r#"select question, answer, sum(answers)::bigint as "answers!"
           from survey_counts where series = $1 and day < $2 group by question, answer"#,
        series.as_str(),
        day
    )
    .fetch_all(db)
    .await
}

/// Forgets the ballots that were used before `day`.
pub async fn forget_ballots(db: impl PgExecutor<'_>, day: NaiveDate) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query!("delete from spent_ballots where day < $1", day).execute(db).await?.rows_affected())
}
