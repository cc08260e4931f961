//! What this process holds under a lease, and the heartbeat that renews it.
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Shared;
use crate::model::Bucket;
use crate::store::queue::{self, Fence};

#[derive(Default)]
pub(super) struct Held(Mutex<HashMap<Uuid, Lease>>);

struct Lease {
    bucket: Bucket,
    attempt: i32,
    /// Real time.
    until: DateTime<Utc>,
}

impl Held {
    pub(super) fn take(&self, bucket: Bucket, fences: impl IntoIterator<Item = Fence>, until: DateTime<Utc>) {
        let mut held = self.lock();
        held.extend(fences.into_iter().map(|(id, attempt)| (id, Lease { bucket, attempt, until })));
    }

    pub(super) fn let_go(&self, ids: impl IntoIterator<Item = Uuid>) {
        let mut held = self.lock();
        for id in ids {
            held.remove(&id);
        }
    }

    /// The database says that the leases of these hold until then.
    pub(super) fn renewed(&self, ids: impl IntoIterator<Item = Uuid>, until: DateTime<Utc>) {
        let mut held = self.lock();
        for id in ids {
            if let Some(lease) = held.get_mut(&id) {
                lease.until = lease.until.max(until);
            }
        }
    }

    /// Whether nobody else may have taken this over by now (real time).
    pub(super) fn is_ours(&self, id: Uuid, real: DateTime<Utc>) -> bool {
        self.lock().get(&id).is_some_and(|lease| real < lease.until)
    }

    /// What would be lost before this instant (real time).
    fn ending_before(&self, instant: DateTime<Utc>) -> BTreeMap<Bucket, Vec<Fence>> {
        let mut buckets: BTreeMap<Bucket, Vec<Fence>> = BTreeMap::new();
        for (id, lease) in self.lock().iter().filter(|(_, lease)| lease.until < instant) {
            buckets.entry(lease.bucket).or_default().push((*id, lease.attempt));
        }
        buckets
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Lease>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks six times in a lease's span, and renews each that has lived through a sixth of it: a relay may take ten minutes over
/// one mail (RFC 5321 4.5.3.2). Most mails are settled long before, and are left to those who settle them. So at any time each
/// lease is good for two thirds of its span or more, unless renewals fail.
pub(super) async fn heartbeat(shared: Arc<Shared>, stop: CancellationToken) {
    let every = shared.settings.lease.to_std().unwrap_or_default() / 6;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        let real = shared.service.clock().real();
        let until = real + shared.settings.lease;
        for (bucket, fences) in shared.held.ending_before(real + shared.settings.lease * 5 / 6) {
            match queue::renew(shared.service.hot_db(), bucket, &fences, until).await {
                Ok(renewed) => shared.held.renewed(renewed, until),
                Err(error) => {
                    tracing::warn!(%error, "leases could not be renewed");
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn only_what_grows_old_is_renewed_and_only_what_is_held() {
        let (held, bucket) = (Held::default(), Bucket::new(7).unwrap());
        let now = DateTime::UNIX_EPOCH;
        let [old, young, gone] = [1, 2, 3].map(Uuid::from_u128);
        held.take(bucket, [(old, 1), (gone, 1)], now + TimeDelta::seconds(20));
        held.take(bucket, [(young, 4)], now + TimeDelta::seconds(30));
        held.let_go([gone]);
        let soon = now + TimeDelta::seconds(25);
        assert_eq!(held.ending_before(soon), BTreeMap::from([(bucket, vec![(old, 1)])]));
        held.renewed([old, gone], now + TimeDelta::seconds(30));
        assert!(held.ending_before(soon).is_empty());
        assert!(held.is_ours(old, soon) && !held.is_ours(gone, now));
    }
}
