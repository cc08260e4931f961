//! Imports whose files came over the web go on by themselves, in whichever process is there.
use chrono::TimeDelta;

use super::{ActionError, Importing, Service, Step, store};
use crate::store::imports::End;
use crate::store::uploads;

/// A file that has not come to its end in this time never will.
const COMES_WITHIN: TimeDelta = TimeDelta::hours(1);
/// After a dry run its file is kept for so long.
pub(super) const WAITS_FOR: TimeDelta = TimeDelta::days(1);

/// Goes on with every one that is not over, until `go_on` says no, and deletes the files that nobody needs.
pub async fn work(service: &Service, go_on: impl Fn() -> bool) -> Result<(), ActionError> {
    let mut fault = None;
    for import in store::open_of_uploads(service.db()).await? {
        // One that cannot go on does not keep the others waiting.
        if let Err(error) = work_on(service, import, &go_on).await {
            tracing::warn!(import, %error, "an import does not go on; it is tried again");
            fault = Some(error);
        }
    }
    let real = service.clock().real();
    for upload in uploads::left_over(service.db(), real - COMES_WITHIN, real - WAITS_FOR).await? {
        uploads::delete(service.db(), upload).await?;
    }
    fault.map_or(Ok(()), Err)
}

async fn work_on(service: &Service, import: i64, go_on: impl Fn() -> bool) -> Result<(), ActionError> {
    match go_on_with(service, import, go_on).await {
        // What the file or the content says will not change: whoever looks is told.
        Err(ActionError::Refused(why)) => give_up(service, import, &why).await,
        Err(ActionError::NotFound(what)) => {
            give_up(service, import, &format!("there is no such {what} any more")).await
        }
        other => other,
    }
}

async fn go_on_with(service: &Service, import: i64, go_on: impl Fn() -> bool) -> Result<(), ActionError> {
    let Some(mut importing) = Importing::resume(service, import).await? else { return Ok(()) };
    while go_on() && importing.step().await? == Step::Went {}
    Ok(())
}

async fn give_up(service: &Service, import: i64, why: &str) -> Result<(), ActionError> {
    let mut tx = service.db().begin().await?;
    let found = store::by_id(&mut *tx, import).await?;
    store::end(&mut *tx, import, End::Fault(why), service.clock().real()).await?;
    if let Some(upload) = found.and_then(|found| found.upload) {
        uploads::delete(&mut *tx, upload).await?;
    }
    tx.commit().await?;
    Ok(())
}
