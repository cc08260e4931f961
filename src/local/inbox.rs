//! The catch-all inbox of the demo: it takes every mail, keeps it as a file, and shows it on web pages of its own.
//!
//! What is in a mail is a stranger's: see `pages` for how it is kept from doing harm in the reader's browser.

mod files;
mod guard;
mod mail;
mod pages;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::local::smtp::{Mailbox, Received};
use files::Files;
use mail::Summary;

/// How many mails are kept; beyond it the oldest go.
const KEEP: usize = 5_000;

/// An inbox that takes every mail. Its clones are the same inbox.
#[derive(Clone)]
pub struct Inbox {
    inner: Arc<Inner>,
}

struct Inner {
    files: Files,
    keep: usize,
    clock_now: Box<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    entries: Mutex<BTreeMap<u64, Entry>>,
    next_id: AtomicU64,
    changes: AtomicU64,
}

/// Who handed the mail over and for whom, and when: what the mail itself need not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Envelope {
    from: String,
    to: Vec<String>,
    received_at: DateTime<Utc>,
}

/// What is known of a mail without reading its file.
#[derive(Debug, Clone)]
struct Entry {
    id: u64,
    envelope: Envelope,
    summary: Summary,
}

/// One page of the list.
struct Selection {
    /// Newest first.
    entries: Vec<Entry>,
    /// How many match, on all pages.
    matching: usize,
    /// How many there are.
    total: usize,
    /// Whether older ones match, too.
    more: bool,
}

impl Inbox {
    /// Opens the inbox that is kept in `folder`, which is made if need be. `clock_now` tells when a mail came.
    pub fn open(folder: &Path, clock_now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> io::Result<Self> {
        Self::open_keeping(KEEP, folder, clock_now)
    }

    /// The pages and the JSON interface, to be served on a port of their own.
    pub fn router(&self) -> axum::Router {
        pages::router(self.clone())
    }

    fn open_keeping(
        keep: usize,
        folder: &Path,
        clock_now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let files = Files::open(folder)?;
        let mut entries = BTreeMap::new();
        for id in files.ids()? {
            let (envelope, head) = files.read_head(id)?;
            entries.insert(id, Entry { id, envelope, summary: mail::summarize(&head) });
        }
        let next_id = AtomicU64::new(entries.last_key_value().map_or(1, |(id, _)| id + 1));
        let clock_now = Box::new(clock_now);
        let entries = Mutex::new(entries);
        let inner = Inner { files, keep, clock_now, entries, next_id, changes: AtomicU64::new(0) };
        inner.drop_oldest();
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Keeps a mail; when this returns it is on the disk.
    async fn keep(&self, from: String, to: Vec<String>, data: Vec<u8>) -> io::Result<()> {
        let inner = Arc::clone(&self.inner);
        let work = move || {
            let envelope = Envelope { from, to, received_at: (inner.clock_now)() };
            let id = inner.next_id.fetch_add(1, Ordering::Relaxed);
            inner.files.write(id, &envelope, &data)?;
            inner.entries().insert(id, Entry { id, envelope, summary: mail::summarize(&data) });
            inner.drop_oldest();
            inner.changes.fetch_add(1, Ordering::Release);
            Ok(())
        };
        spawn_blocking(work).await.map_err(io::Error::other)?
    }

    async fn delete_all(&self) -> io::Result<()> {
        let inner = Arc::clone(&self.inner);
        let work = move || {
            let deleted = std::mem::take(&mut *inner.entries());
            inner.changes.fetch_add(1, Ordering::Release);
            deleted.into_keys().try_for_each(|id| inner.files.remove(id))
        };
        spawn_blocking(work).await.map_err(io::Error::other)?
    }

    fn entry(&self, id: u64) -> Option<Entry> {
        self.inner.entries().get(&id).cloned()
    }

    /// The ids of the next newer and the next older mail.
    fn neighbours(&self, id: u64) -> (Option<u64>, Option<u64>) {
        let entries = self.inner.entries();
        let newer = entries.range(id + 1..).next().map(|(id, _)| *id);
        (newer, entries.range(..id).next_back().map(|(id, _)| *id))
    }

    /// The mails for a recipient (or everyone), older than `before`, at most `limit`.
    fn select(&self, to: &str, before: Option<u64>, limit: usize) -> Selection {
        let entries = self.inner.entries();
        let matching: Vec<&Entry> = entries.values().rev().filter(|it| it.is_for(to)).collect();
        let mut older = matching.iter().filter(|it| before.is_none_or(|before| it.id < before));
        let page = older.by_ref().take(limit).map(|it| (*it).clone()).collect();
        Selection { entries: page, matching: matching.len(), total: entries.len(), more: older.next().is_some() }
    }

    /// Differs whenever the list does.
    fn token(&self) -> String {
        let changes = self.inner.changes.load(Ordering::Acquire);
        let entries = self.inner.entries();
        // After a restart the changes count from 0 again, hence the other two.
        let last = entries.last_key_value().map_or(0, |(id, _)| *id);
        format!("{changes}.{}.{last}", entries.len())
    }

    async fn data(&self, id: u64) -> io::Result<Vec<u8>> {
        tokio::fs::read(self.inner.files.mail(id)).await
    }
}

impl Mailbox for Inbox {
    async fn deliver(&self, mail: Received) {
        if let Err(error) = self.keep(mail.from, mail.to, mail.data).await {
            tracing::error!(%error, "The inbox could not keep a mail.");
        }
    }
}

impl Inner {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<u64, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_oldest(&self) {
        let mut dropped = Vec::new();
        let mut entries = self.entries();
        while entries.len() > self.keep {
            dropped.extend(entries.pop_first());
        }
        drop(entries);
        for (id, _) in dropped {
            if let Err(error) = self.files.remove(id) {
                tracing::warn!(%error, "The inbox could not remove an old mail.");
            }
        }
    }
}

impl Entry {
    /// Whether one of the envelope's recipients is meant by `wanted`: a whole address, or a part of one such as a name
    /// or `@domain`. Everyone is meant by nothing.
    fn is_for(&self, wanted: &str) -> bool {
        let wanted = wanted.trim().to_lowercase();
        let whole = wanted.find('@').is_some_and(|at| at > 0);
        self.envelope
            .to
            .iter()
            .map(|it| it.to_lowercase())
            .any(|to| if whole { to == wanted } else { to.contains(&wanted) })
            || wanted.is_empty()
    }
}
