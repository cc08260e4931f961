//! The mails that are marked `sending` and wait for a connection of the relay. What lies here is what a crash can leave
//! uncertain, so it is short, and nothing comes in while nobody is connected.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::apart::Apart;
use super::prepare::Prepared;

/// What a sender does with its connection.
pub(super) enum Errand {
    Mail(Box<Prepared>),
    Apart(Apart),
}

/// Two ways through the dispatcher: what a reader waits for at the screen does not wait behind steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Urgent,
    Steps,
}

impl Lane {
    /// How metrics call it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Steps => "steps",
        }
    }
}

pub(super) struct Line {
    state: Mutex<State>,
    /// The state has changed in a way that a sender may wait for.
    for_senders: Notify,
    /// A connection was opened, or could not be.
    for_markers: Notify,
    /// There is more room than there was.
    roomier: Arc<Notify>,
    /// Mails in each lane, at most.
    most: usize,
}

#[derive(Default)]
struct State {
    urgent: VecDeque<Errand>,
    steps: VecDeque<Errand>,
    /// Room that is kept in each lane for what is being marked.
    reserved: [usize; 2],
    connected: usize,
    /// Of those, how many wait for something to do.
    idle: usize,
    /// Somebody has work and asks for a connection.
    knocked: bool,
    /// The relay is tried with one connection.
    one_only: bool,
    closed: bool,
}

/// Why a sender was woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// There is something to do for one more.
    Work,
    /// Nothing will come any more.
    Closed,
}

impl Line {
    /// With room in each lane for two micro-batches: one that waits and one that is being marked, or both being marked.
    pub(super) fn new(micro_batch: usize, roomier: Arc<Notify>) -> Self {
        let (for_senders, for_markers) = (Notify::new(), Notify::new());
        Self { state: Mutex::default(), for_senders, for_markers, roomier, most: 2 * micro_batch.max(1) }
    }

    /// For how many more there is room in a lane.
    pub(super) fn room(&self, lane: Lane) -> usize {
        let state = self.lock();
        self.most.saturating_sub(state.waiting(lane) + state.reserved[lane as usize])
    }

    /// Keeps room for what will be put in.
    pub(super) fn reserve(&self, lane: Lane, errands: usize) {
        self.lock().reserved[lane as usize] += errands;
    }

    /// Of the room that was kept, so much is not needed.
    pub(super) fn release(&self, lane: Lane, errands: usize) {
        if errands > 0 {
            self.lock().reserved[lane as usize] -= errands;
            self.roomier.notify_waiters();
        }
    }

    /// Adds to the end of a lane, where room was kept for it.
    pub(super) fn put(&self, lane: Lane, errand: Errand) {
        self.change(|state| {
            state.reserved[lane as usize] -= 1;
            match lane {
                Lane::Urgent => state.urgent.push_back(errand),
                Lane::Steps => state.steps.push_back(errand),
            }
        });
    }

    /// With one connection only, no other sender is called, however much there is to do.
    pub(super) fn one_connection_only(&self, one_only: bool) {
        self.change(|state| state.one_only = one_only);
    }

    /// The next, urgent ones first.
    pub(super) fn take(&self) -> Option<Errand> {
        let (errand, left) = {
            let mut state = self.lock();
            match state.urgent.pop_front() {
                Some(errand) => (errand, state.urgent.len()),
                None => (state.steps.pop_front()?, state.steps.len()),
            }
        };
        // Whoever waits for room waits for that of a micro-batch, and need not look after each mail.
        if left <= self.most / 2 {
            self.roomier.notify_waiters();
        }
        Some(errand)
    }

    /// The next, if it is a mail.
    pub(super) fn take_mail(&self) -> Option<Box<Prepared>> {
        let apart_next = matches!(self.lock().urgent.front(), Some(Errand::Apart(_)));
        match if apart_next { None } else { self.take() } {
            Some(Errand::Mail(mail)) => Some(mail),
            Some(Errand::Apart(_)) | None => None,
        }
    }

    /// Waits until there is something for a sender to do. One without a connection is called only when those that have one
    /// are not enough.
    pub(super) async fn called(&self, connected: bool) -> Call {
        let _idle = connected.then(|| Idle::begin(self));
        loop {
            let changed = self.for_senders.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut state = self.lock();
                let waiting = state.waiting(Lane::Urgent) + state.waiting(Lane::Steps);
                let enough = if connected { 0 } else { state.idle };
                let one_more = connected || state.connected == 0 || !state.one_only;
                // One answers a knock: whether the relay can be reached is not asked by all at once.
                let knocked = !connected && state.connected == 0 && std::mem::take(&mut state.knocked);
                if knocked || (one_more && waiting > enough) {
                    return Call::Work;
                }
                if state.closed {
                    return Call::Closed;
                }
            }
            changed.await;
        }
    }

    /// Waits until somebody is connected, and asks for it. False when no connection could be opened.
    pub(super) async fn somebody_connected(&self) -> bool {
        let changed = self.for_markers.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        if self.lock().connected > 0 {
            return true;
        }
        self.change(|state| state.knocked = true);
        changed.await;
        self.lock().connected > 0
    }

    /// Waits until nothing more will come.
    pub(super) async fn closed(&self) {
        loop {
            let changed = self.for_senders.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.lock().closed {
                return;
            }
            changed.await;
        }
    }

    pub(super) fn connected(&self) {
        self.change(|state| {
            state.connected += 1;
            state.knocked = false;
        });
        self.for_markers.notify_waiters();
    }

    /// A connection is gone. Answers how many are left.
    pub(super) fn disconnected(&self) -> usize {
        self.change(|state| state.connected -= 1);
        self.connections()
    }

    pub(super) fn connections(&self) -> usize {
        self.lock().connected
    }

    /// No connection could be opened, and nobody else has one.
    pub(super) fn not_connected(&self) {
        self.lock().knocked = false;
        self.for_markers.notify_waiters();
    }

    /// Nothing more will come.
    pub(super) fn close(&self) {
        self.change(|state| state.closed = true);
    }

    fn change(&self, how: impl FnOnce(&mut State)) {
        how(&mut self.lock());
        self.for_senders.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn waiting(&self, lane: Lane) -> usize {
        match lane {
            Lane::Urgent => self.urgent.len(),
            Lane::Steps => self.steps.len(),
        }
    }
}

/// A connected sender waits for something to do.
struct Idle<'a>(&'a Line);

impl<'a> Idle<'a> {
    fn begin(line: &'a Line) -> Self {
        line.lock().idle += 1;
        Self(line)
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.lock().idle -= 1;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::store::admin::TestSend;

    fn test_send() -> Errand {
        let word = String::new;
        Errand::Apart(Apart::Test(TestSend {
            kind: "step".into(),
            id: uuid::Uuid::nil(),
            series: word(),
            step: word(),
            condition: word(),
            language: word(),
            recipient: word(),
        }))
    }

    fn line(micro_batch: usize) -> Line {
        Line::new(micro_batch, Arc::default())
    }

    fn put_in(queue: &Line, lane: Lane) {
        queue.reserve(lane, 1);
        queue.put(lane, test_send());
    }

    #[tokio::test]
    async fn a_sender_without_a_connection_is_called_only_when_the_others_are_not_enough() {
        let line = line(4);
        line.connected();
        let mut idle = Box::pin(line.called(true));
        let mut unconnected = Box::pin(line.called(false));
        assert!(idle.as_mut().now_or_never().is_none() && unconnected.as_mut().now_or_never().is_none());
        put_in(&line, Lane::Steps);
        assert!(unconnected.as_mut().now_or_never().is_none(), "one mail, one idle connection");
        put_in(&line, Lane::Steps);
        line.one_connection_only(true);
        assert!(unconnected.as_mut().now_or_never().is_none(), "the relay is only tried");
        line.one_connection_only(false);
        assert_eq!(unconnected.now_or_never(), Some(Call::Work));
        assert_eq!(idle.now_or_never(), Some(Call::Work));
        // The one connection is gone, and what lies there has to go on.
        line.one_connection_only(true);
        line.disconnected();
        assert_eq!(line.called(false).now_or_never(), Some(Call::Work));
    }

    #[tokio::test]
    async fn a_knock_calls_for_the_first_connection_and_hears_when_there_is_none() {
        let line = line(4);
        let mut knocking = Box::pin(line.somebody_connected());
        assert!(knocking.as_mut().now_or_never().is_none());
        assert_eq!(line.called(false).now_or_never(), Some(Call::Work));
        assert_eq!(line.called(false).now_or_never(), None, "one is enough to find out");
        line.not_connected();
        assert_eq!(knocking.now_or_never(), Some(false));

        let mut knocking = Box::pin(line.somebody_connected());
        assert!(knocking.as_mut().now_or_never().is_none());
        line.connected();
        assert_eq!(knocking.now_or_never(), Some(true));
        assert_eq!(line.somebody_connected().now_or_never(), Some(true));
    }

    #[tokio::test]
    async fn each_lane_has_room_of_its_own_and_the_urgent_one_goes_first() {
        let line = line(1);
        line.reserve(Lane::Steps, 1);
        put_in(&line, Lane::Steps);
        assert_eq!((line.room(Lane::Steps), line.room(Lane::Urgent)), (0, 2));
        put_in(&line, Lane::Urgent);
        line.take().unwrap();
        assert_eq!((line.room(Lane::Steps), line.room(Lane::Urgent)), (0, 2), "that was the urgent one");
        line.release(Lane::Steps, 1);
        assert_eq!(line.room(Lane::Steps), 1);
        line.close();
        assert_eq!(line.called(true).now_or_never(), Some(Call::Work), "what lies there is done first");
        line.take().unwrap();
        assert_eq!(line.room(Lane::Steps), 2);
        assert_eq!(line.called(true).now_or_never(), Some(Call::Closed));
        assert!(line.take().is_none());
    }
}
