//! Where the readers of a series are.
use sqlx::PgExecutor;

use super::settle::parse_steps;
use super::unknown_word;
use crate::model::{SeriesSlug, StepKey};

/// Enrolled readers who wait for the same step and have had the same ones.
#[derive(Debug, Clone)]
pub struct Place {
    pub waits_for: StepKey,
    pub done: Vec<StepKey>,
    pub readers: i64,
}

/// All readers to whom a step is owed, paused ones included. Reads much of its tables: an admin asks for it.
pub async fn places(db: impl PgExecutor<'_>, series: &SeriesSlug) -> Result<Vec<Place>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select d.step as "step!", e.done_steps, count(*) as "readers!"
           from enrollments e
           join deliveries d on d.bucket = e.bucket and d.enrollment = e.id and d.kind = 'step' and d.occasion = 0
               and d.state in ('pending', 'paused', 'claimed', 'sending')
           where e.series = $1 and e.state in ('active', 'paused')
           group by 1, 2"#,
        series.as_str()
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let waits_for = StepKey::parse(&row.step).map_err(|_| unknown_word("step"))?;
            Ok(Place { waits_for, done: parse_steps(&row.done_steps)?, readers: row.readers })
        })
        .collect()
}
