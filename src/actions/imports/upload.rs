//! A file that comes over the web: kept in sealed pieces while its imports need it. None of it is on a disk in the clear, and
//! whichever process is there goes on with it.
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::{ActionError, Ask, Importing, Same, Source, add, forget_addresses, of_row, other_process, record, store};
use crate::actions::audit::{self, Target};
use crate::actions::{Actor, Service, once};
use crate::store::imports::{End, Import};
use crate::store::uploads;

/// Each piece but the last has so many octets.
const PIECE: usize = 256 * 1024;

/// A file that is coming in.
pub struct Upload {
    service: Service,
    id: i64,
    hash: Sha256,
    octets: u64,
    /// What is not a whole piece yet.
    rest: Vec<u8>,
    pieces: i32,
}

impl Upload {
    pub async fn begin(service: &Service) -> Result<Self, ActionError> {
        let id = uploads::add(service.db(), service.clock().real()).await?;
        let rest = Vec::with_capacity(PIECE);
        Ok(Self { service: service.clone(), id, hash: Sha256::new(), octets: 0, rest, pieces: 0 })
    }

    /// Takes in what comes next. A file of which nothing comes for an hour is deleted.
    pub async fn take(&mut self, mut octets: &[u8]) -> Result<(), ActionError> {
        self.hash.update(octets);
        self.octets += octets.len() as u64;
        while !octets.is_empty() {
            let (now, later) = octets.split_at(octets.len().min(PIECE - self.rest.len()));
            self.rest.extend_from_slice(now);
            octets = later;
            if self.rest.len() == PIECE {
                self.write().await?;
            }
        }
        Ok(())
    }

    pub fn octets(&self) -> u64 {
        self.octets
    }

    async fn write(&mut self) -> Result<(), ActionError> {
        let sealed = seal(&self.service, (self.id, self.pieces), &self.rest);
        let real = self.service.clock().real();
        if !uploads::add_piece(self.service.db(), (self.id, self.pieces), &sealed, real).await? {
            return Err(ActionError::Refused("nothing came for an hour: send the file again".into()));
        }
        self.pieces += 1;
        self.rest.clear();
        Ok(())
    }

    /// The whole file is here: its dry run begins, and is carried out by [`super::work`]. Answers its number; that of the one
    /// that is under way already, if the same file came a moment ago.
    pub async fn finish(mut self, ask: &Ask, by: &Actor) -> Result<i64, ActionError> {
        let begun = self.begin_import(ask, by).await;
        if !matches!(begun, Ok((_, true))) {
            self.discard().await;
        }
        begun.map(|(id, _)| id)
    }

    /// Whether the file is needed.
    async fn begin_import(&mut self, ask: &Ask, by: &Actor) -> Result<(i64, bool), ActionError> {
        if !self.rest.is_empty() {
            self.write().await?;
        }
        let hash = std::mem::take(&mut self.hash).finalize().into();
        let source = Source::stored(&self.service, self.id, self.octets, hash);
        let heading = Importing::check(&self.service, &source, ask).await?;
        let same = Same { file: &source.hash, series: &ask.series, state: ask.state, dry_run: ask.dry_run };
        let mut tx = self.service.db().begin().await?;
        let added = match store::open(&mut *tx, &same).await? {
            Some(_) => None,
            None => add(&self.service, &mut tx, &same, (&source, &heading), by).await?,
        };
        let id = match added {
            Some(id) => id,
            None => match store::open(&mut *tx, &same).await?.ok_or_else(other_process)? {
                (open, Some(_)) => return Ok((open, false)),
                // One of the command line, which may have broken off: now it goes on by itself.
                (open, None) => {
                    record(&self.service, &mut tx, &same, open, by).await?;
                    open
                }
            },
        };
        store::belongs(&mut *tx, id, self.id, None).await?;
        tx.commit().await?;
        Ok((id, true))
    }

    /// Nobody needs it. If this cannot be written it is deleted within the hour.
    pub async fn discard(self) {
        if let Err(error) = uploads::delete_unneeded(self.service.db(), self.id).await {
            tracing::debug!(%error, upload = self.id, "a file that nobody needs is kept for an hour");
        }
    }
}

fn seal(service: &Service, of: (i64, i32), piece: &[u8]) -> Vec<u8> {
    service.keyring().seal_piece(piece, of, service.clock().random_bytes())
}

/// What lies between two octets of a file that is kept, `until` being no further than its end.
pub(super) async fn read(service: &Service, upload: i64, from: u64, until: u64) -> Result<Vec<u8>, ActionError> {
    let Some(last) = until.checked_sub(1).filter(|last| *last >= from) else { return Ok(Vec::new()) };
    let number = |octet: u64| i32::try_from(octet / PIECE as u64).unwrap_or(i32::MAX);
    let gone = || ActionError::Refused("the file is not kept any more".into());
    let skipped = usize::try_from(from % PIECE as u64).unwrap_or_default();
    let wanted = usize::try_from(until - from).unwrap_or(usize::MAX);
    let mut block = Vec::with_capacity(wanted);
    // One after the other: sealed and open, a chunk would be held three times.
    for at in number(from)..=number(last) {
        let sealed = uploads::piece(service.db(), (upload, at)).await?.ok_or_else(gone)?;
        let piece = service.keyring().open_piece(&sealed, (upload, at))?;
        let skipped = if block.is_empty() { skipped } else { 0 };
        let left = wanted - block.len();
        block.extend(piece.iter().skip(skipped).take(left));
    }
    if block.len() == wanted { Ok(block) } else { Err(gone()) }
}

/// Takes in those whom a dry run has found, in the number that it found: whoever has seen another, or comes second, starts
/// nothing. Answers the number of the import.
pub async fn start(service: &Service, dry_run: i64, readers: i64, by: &Actor) -> Result<Started, ActionError> {
    let refuse = |why: &str| Err(ActionError::Refused(why.to_owned()));
    let mut tx = service.db().begin().await?;
    let found = store::by_id(&mut *tx, dry_run).await?.ok_or(ActionError::NotFound("import"))?;
    if !found.dry_run || found.cancelled || found.fault.is_some() {
        return refuse("only a dry run that was carried out can be gone on with");
    }
    let is_kept = match found.upload {
        Some(upload) => uploads::lock(&mut *tx, upload).await?,
        None => false,
    };
    if store::following(&mut *tx, dry_run).await?.is_some() {
        return refuse("its readers are taken in already");
    }
    let Some(upload) = found.upload.filter(|_| is_kept) else {
        return refuse("the file is not kept any more: send it again");
    };
    if found.ended_at.is_none() {
        return refuse("the dry run is not over yet");
    }
    if readers != found.active + found.pending {
        return refuse("the number is another: look at what the dry run has found");
    }
    let import = begin_following(service, &mut tx, (&found, upload), by).await?;
    let started = once::answer(&mut tx, by, Started { import }).await?;
    tx.commit().await?;
    Ok(started)
}

/// What was started.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct Started {
    /// Its number.
    pub import: i64,
}

async fn begin_following(
    service: &Service,
    tx: &mut PgConnection,
    (found, upload): (&Import, i64),
    by: &Actor,
) -> Result<i64, ActionError> {
    let (ask, source) = of_row(service, found, upload)?;
    let ask = Ask { dry_run: false, ..ask };
    let heading = Importing::check(service, &source, &ask).await?;
    let same = Same { file: &source.hash, series: &ask.series, state: ask.state, dry_run: false };
    let import = add(service, &mut *tx, &same, (&source, &heading), by).await?.ok_or_else(other_process)?;
    store::belongs(&mut *tx, import, upload, Some(found.id)).await?;
    Ok(import)
}

/// Ends an import that came over the web, and deletes its file. Whoever it has taken in stays.
pub async fn cancel(service: &Service, id: i64, by: &Actor) -> Result<once::Done, ActionError> {
    let mut tx = service.db().begin().await?;
    let import = store::by_id(&mut *tx, id).await?.ok_or(ActionError::NotFound("import"))?;
    let is_kept = match import.upload {
        Some(upload) => uploads::lock(&mut *tx, upload).await?,
        None => false,
    };
    let Some(upload) = import.upload.filter(|_| is_kept) else {
        return Err(ActionError::Refused("it is over, or is carried out on the command line: stop it there".into()));
    };
    let was_open = store::end(&mut *tx, id, End::Cancelled, service.clock().real()).await?;
    // A dry run that was carried out leaves nothing but its file.
    if !was_open && store::following(&mut *tx, id).await?.is_some() {
        return Err(ActionError::Refused("its readers are being taken in: cancel that import".into()));
    }
    uploads::delete(&mut *tx, upload).await?;
    audit::record_with(
        service,
        &mut *tx,
        by,
        "cancel import",
        Target::Import(id),
        &json!({ "dry_run": import.dry_run }),
    )
    .await?;
    let done = once::answer(&mut tx, by, once::Done { done: true }).await?;
    tx.commit().await?;
    forget_addresses(service, id).await?;
    Ok(done)
}
