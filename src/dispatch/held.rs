//! What this process holds under a lease, and the heartbeat that renews it.
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Shared;
use crate::model::Bucket;
use crate::store::queue::{self, Fence};

#[derive(Default)]
pub(super) struct Held(Mutex<HashMap<Uuid, (Bucket, i32)>>);

impl Held {
    pub(super) fn take(&self, bucket: Bucket, fences: impl IntoIterator<Item = Fence>) {
        let mut held = self.lock();
        held.extend(fences.into_iter().map(|(id, attempt)| (id, (bucket, attempt))));
    }

    pub(super) fn let_go(&self, ids: impl IntoIterator<Item = Uuid>) {
        let mut held = self.lock();
        for id in ids {
            held.remove(&id);
        }
    }

    fn by_bucket(&self) -> BTreeMap<Bucket, Vec<Fence>> {
        let mut buckets: BTreeMap<Bucket, Vec<Fence>> = BTreeMap::new();
        for (id, (bucket, attempt)) in self.lock().iter() {
            buckets.entry(*bucket).or_default().push((*id, *attempt));
        }
        buckets
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, (Bucket, i32)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Renews every held lease three times in its span: a relay may take ten minutes over one mail (RFC 5321 4.5.3.2).
pub(super) async fn heartbeat(shared: Arc<Shared>, stop: CancellationToken) {
    let every = shared.settings.lease.to_std().unwrap_or_default() / 3;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        let until = shared.service.clock().real() + shared.settings.lease;
        for (bucket, fences) in shared.held.by_bucket() {
            if let Err(error) = queue::renew(shared.service.db(), bucket, &fences, until).await {
                tracing::warn!(%error, "leases could not be renewed");
                break;
            }
        }
    }
}
