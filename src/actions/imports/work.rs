//! Imports whose files came over the web go on by themselves, in whichever process is there.
use chrono::TimeDelta;

use super::{ActionError, Importing, Service, Step, forget_addresses, over, store};
use crate::model::Bucket;
use crate::store::imports::End;
use crate::store::uploads;

/// A file of which nothing came for so long never comes to its end.
const COMES_WITHIN: TimeDelta = TimeDelta::hours(1);
/// After a dry run its file is kept for so long.
const WAITS_FOR: TimeDelta = TimeDelta::days(1);

/// Goes on with every one that is not over, in turns, until `go_on` says no; and deletes the files that nobody needs.
pub async fn work(service: &Service, go_on: impl Fn() -> bool) -> Result<(), ActionError> {
    delete_unneeded(service).await?;
    let mut fault = None;
    loop {
        let mut went = false;
        for import in store::open_of_uploads(service.db()).await? {
            // One that cannot go on does not keep the others waiting.
            match take_turn(service, import, &go_on).await {
                Ok(more) => went |= more,
                Err(error) => {
                    tracing::warn!(import, %error, "an import does not go on; it is tried again");
                    fault = Some(error);
                }
            }
        }
        if !went || !go_on() {
            return fault.map_or(Ok(()), Err);
        }
    }
}

/// Somebody may start an import of a file at the moment when it is looked at: what is locked is looked at once more.
async fn delete_unneeded(service: &Service) -> Result<(), ActionError> {
    let real = service.clock().real();
    let (came_before, ended_before) = (real - COMES_WITHIN, real - WAITS_FOR);
    for upload in uploads::left_over(service.db(), came_before, ended_before, None).await? {
        let mut tx = service.db().begin().await?;
        uploads::lock(&mut *tx, upload).await?;
        if !uploads::left_over(&mut *tx, came_before, ended_before, Some(upload)).await?.is_empty() {
            uploads::delete(&mut *tx, upload).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Answers whether there is more to do.
async fn take_turn(service: &Service, import: i64, go_on: impl Fn() -> bool) -> Result<bool, ActionError> {
    let why = match go_on_with(service, import, &go_on).await {
        // What the file, the database or the keys say to it will not change: whoever looks is told.
        Err(ActionError::Refused(why)) => why,
        Err(ActionError::NotFound(what)) => {
            // Another process may know more than this one, which learns it now.
            service.refresh_content().await.map_err(|_| ActionError::Busy)?;
            match Importing::resume(service, import).await {
                Err(ActionError::NotFound(_)) => format!("there is no such {what} any more"),
                _ => return Ok(true),
            }
        }
        Err(ActionError::Seal(error)) => error.to_string(),
        Err(error) if error.is_about_a_row() => "a line of it cannot be stored".to_owned(),
        other => return other,
    };
    if let Some(found) = store::by_id(service.db(), import).await? {
        over(service, &found, End::Fault(&why)).await?;
        forget_addresses(service, import).await?;
    }
    Ok(false)
}

/// At most a chunk, so that others have their turn.
async fn go_on_with(service: &Service, import: i64, go_on: impl Fn() -> bool) -> Result<bool, ActionError> {
    let Some(mut importing) = Importing::resume(service, import).await? else { return Ok(false) };
    for _ in 0..Bucket::COUNT {
        if !go_on() || importing.step().await? != Step::Went {
            return Ok(false);
        }
    }
    Ok(true)
}
