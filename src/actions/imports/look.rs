//! Imports as admins look at them: how far each is, what it has refused.
use chrono::{DateTime, Utc};

use super::{A_PAGE, ActionError, Progress, Refused, Service, progress, store};
use crate::actions::Page;
use crate::actions::readers::full;
use crate::store::imports::Import;

/// An import, who made it, and what came of it so far.
#[derive(Debug, Clone)]
pub struct ImportView {
    pub progress: Progress,
    pub who: String,
    pub why: String,
    pub at: DateTime<Utc>,
    /// How many lines were refused for each reason, the most first; none in a list.
    pub refused: Vec<(Refused, i64)>,
    /// Whether its file is kept, and it goes on by itself.
    pub by_itself: bool,
    /// The dry run whose file it takes in.
    pub follows: Option<i64>,
    /// The import that has taken in the file of this dry run, or does; none in a list.
    pub followed_by: Option<i64>,
}

impl ImportView {
    fn of(import: Import, refused: Vec<(Refused, i64)>) -> Self {
        Self {
            progress: progress(&import),
            who: import.who,
            why: import.why,
            at: import.at,
            refused,
            by_itself: import.upload.is_some(),
            follows: import.follows,
            followed_by: None,
        }
    }
}

/// Imports on a page of the list.
const LISTED: i64 = 50;

/// The newest first.
pub async fn list(service: &Service, after: Option<&str>) -> Result<Page<ImportView>, ActionError> {
    let before = after.map(str::parse).transpose().map_err(|_| ActionError::Cursor)?;
    let imports = store::list(service.db(), before, LISTED).await?;
    let next = imports.last().filter(|_| full(imports.len(), LISTED)).map(|last| last.id.to_string());
    Ok(Page { items: imports.into_iter().map(|import| ImportView::of(import, Vec::new())).collect(), next })
}

pub async fn show(service: &Service, id: i64) -> Result<ImportView, ActionError> {
    let import = store::by_id(service.db(), id).await?.ok_or(ActionError::NotFound("import"))?;
    let refused = store::refused_by_reason(service.db(), id).await?;
    let refused = refused.into_iter().filter_map(|(reason, count)| Some((reason.parse().ok()?, count)));
    let followed_by = store::following(service.db(), id).await?;
    Ok(ImportView { followed_by, ..ImportView::of(import, refused.collect()) })
}

/// The numbers of the lines that an import has refused, each with the reason, as a file. What the lines say is in the report
/// of the command line alone: it has the file.
pub struct RefusedLines {
    service: Service,
    import: i64,
    /// The last line that is written; none when all are.
    after: Option<i64>,
}

impl RefusedLines {
    pub async fn of(service: &Service, import: i64) -> Result<Self, ActionError> {
        store::by_id(service.db(), import).await?.ok_or(ActionError::NotFound("import"))?;
        Ok(Self { service: service.clone(), import, after: Some(0) })
    }

    /// The next piece; none at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ActionError> {
        let Some(after) = self.after else { return Ok(None) };
        let rows = store::refusals(self.service.db(), self.import, (after, i64::MAX), A_PAGE).await?;
        let mut piece = csv::Writer::from_writer(Vec::new());
        if after == 0 {
            piece.write_record(["line", "refused"]).expect("a Vec takes all");
        }
        self.after = rows.last().filter(|_| full(rows.len(), A_PAGE)).map(|(line, _)| *line);
        for (line, reason) in rows {
            let known = reason.parse::<Refused>().ok();
            let text = known.map_or(reason.as_str(), |known| known.text());
            piece.write_record([&line.to_string(), text]).expect("a Vec takes all");
        }
        Ok(Some(piece.into_inner().unwrap_or_default()))
    }
}
