//! A relay that takes its time over each mail and can be made to answer nobody.
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use regimen::local::smtp::{self, Mailbox, Options, Received, Stage, Verdict};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::relay::delivery_of;

/// A relay that takes its time over each mail, half of it before it has the mail and half before it says so.
pub struct SlowRelay {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<Uuid>>>,
    open: watch::Sender<bool>,
    _stop: DropGuard,
}

const HALF: Duration = Duration::from_millis(1);

struct Notebook {
    taken: Arc<Mutex<Vec<Uuid>>>,
    open: watch::Receiver<bool>,
}

impl Mailbox for Notebook {
    async fn verdict(&self, stage: Stage<'_>) -> Verdict {
        if matches!(stage, Stage::Message(_)) {
            self.open.clone().wait_for(|open| *open).await.ok();
            tokio::time::sleep(HALF).await;
        }
        Verdict::Accept
    }

    async fn deliver(&self, mail: Received) {
        self.taken.lock().unwrap().push(delivery_of(&mail.data));
        tokio::time::sleep(HALF).await;
    }
}

impl SlowRelay {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let taken: Arc<Mutex<Vec<Uuid>>> = Arc::default();
        let open = watch::Sender::new(true);
        let notebook = Arc::new(Notebook { taken: taken.clone(), open: open.subscribe() });
        tokio::spawn(smtp::serve(listener, notebook, Options::default(), stop.clone()));
        Self { address, taken, open, _stop: stop.drop_guard() }
    }

    /// From now on it answers no mail.
    pub fn shut(&self) {
        self.open.send_replace(false);
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }

    pub fn url(&self) -> String {
        format!("smtp://{}?tls=none", self.address)
    }

    pub fn taken(&self) -> Vec<Uuid> {
        self.taken.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.taken.lock().unwrap().len()
    }

    /// How many readers it has taken a mail for.
    pub fn readers(&self) -> usize {
        self.taken().into_iter().collect::<BTreeSet<_>>().len()
    }
}
