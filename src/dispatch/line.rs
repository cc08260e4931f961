//! The mails that are marked `sending` and wait for a connection of the relay. What lies here is what a crash can leave
//! uncertain, so it is short, and nothing comes in while nobody is connected.
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore};

use super::prepare::Prepared;
use crate::store::admin::TestSend;

/// What a sender does with its connection.
pub(super) enum Errand {
    Mail(Box<Prepared>),
    Test(TestSend),
}

/// Two ways through the dispatcher: what a reader waits for at the screen does not wait behind steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Urgent,
    Steps,
}

pub(super) struct Line {
    state: Mutex<State>,
    /// The state has changed in a way that a sender may wait for.
    for_senders: Notify,
    /// A connection was opened, or could not be.
    for_markers: Notify,
    room: [Semaphore; 2],
}

#[derive(Default)]
struct State {
    urgent: VecDeque<Errand>,
    steps: VecDeque<Errand>,
    connected: usize,
    /// Of those, how many wait for something to do.
    idle: usize,
    /// Somebody has work and asks for a connection.
    knocked: bool,
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
    /// With room for `most` mails in each lane.
    pub(super) fn new(most: usize) -> Self {
        Self {
            state: Mutex::default(),
            for_senders: Notify::new(),
            for_markers: Notify::new(),
            room: [Semaphore::new(most.max(1)), Semaphore::new(most.max(1))],
        }
    }

    /// Adds to the end of a lane, once there is room.
    pub(super) async fn push(&self, lane: Lane, errand: Errand) {
        self.room[lane as usize].acquire().await.expect("it is never closed").forget();
        self.change(|state| match lane {
            Lane::Urgent => state.urgent.push_back(errand),
            Lane::Steps => state.steps.push_back(errand),
        });
    }

    /// The next, urgent ones first.
    pub(super) fn take(&self) -> Option<Errand> {
        let mut state = self.lock();
        let (errand, lane) = match state.urgent.pop_front() {
            Some(errand) => (errand, Lane::Urgent),
            None => (state.steps.pop_front()?, Lane::Steps),
        };
        self.room[lane as usize].add_permits(1);
        Some(errand)
    }

    /// The next, if it is a mail.
    pub(super) fn take_mail(&self) -> Option<Box<Prepared>> {
        let tests_next = matches!(self.lock().urgent.front(), Some(Errand::Test(_)));
        match if tests_next { None } else { self.take() } {
            Some(Errand::Mail(mail)) => Some(mail),
            Some(Errand::Test(_)) | None => None,
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
                let state = self.lock();
                let waiting = state.urgent.len() + state.steps.len();
                let enough = if connected { 0 } else { state.idle };
                if waiting > enough || (!connected && state.knocked && state.connected == 0) {
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

    /// No connection could be opened. Answers whether somebody else has one.
    pub(super) fn not_connected(&self) -> bool {
        self.lock().knocked = false;
        self.for_markers.notify_waiters();
        self.lock().connected > 0
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

    fn test_send() -> Errand {
        let word = String::new;
        Errand::Test(TestSend {
            id: uuid::Uuid::nil(),
            series: word(),
            step: word(),
            condition: word(),
            recipient: word(),
        })
    }

    #[tokio::test]
    async fn a_sender_without_a_connection_is_called_only_when_the_others_are_not_enough() {
        let line = Line::new(4);
        line.connected();
        let mut idle = Box::pin(line.called(true));
        let mut unconnected = Box::pin(line.called(false));
        assert!(idle.as_mut().now_or_never().is_none() && unconnected.as_mut().now_or_never().is_none());
        line.push(Lane::Steps, test_send()).await;
        assert!(unconnected.as_mut().now_or_never().is_none(), "one mail, one idle connection");
        line.push(Lane::Steps, test_send()).await;
        assert_eq!(unconnected.now_or_never(), Some(Call::Work));
        assert_eq!(idle.now_or_never(), Some(Call::Work));
    }

    #[tokio::test]
    async fn a_knock_calls_for_the_first_connection_and_hears_when_there_is_none() {
        let line = Line::new(4);
        let mut knocking = Box::pin(line.somebody_connected());
        assert!(knocking.as_mut().now_or_never().is_none());
        assert_eq!(line.called(false).now_or_never(), Some(Call::Work));
        assert!(!line.not_connected(), "nobody else has one");
        assert_eq!(knocking.now_or_never(), Some(false));

        let mut knocking = Box::pin(line.somebody_connected());
        assert!(knocking.as_mut().now_or_never().is_none());
        line.connected();
        assert_eq!(knocking.now_or_never(), Some(true));
        assert_eq!(line.somebody_connected().now_or_never(), Some(true));
    }

    #[tokio::test]
    async fn each_lane_has_room_of_its_own_and_the_urgent_one_goes_first() {
        let line = Line::new(1);
        line.push(Lane::Steps, test_send()).await;
        let mut full = Box::pin(line.push(Lane::Steps, test_send()));
        assert!(full.as_mut().now_or_never().is_none());
        line.push(Lane::Urgent, test_send()).now_or_never().expect("its lane is empty");
        line.take().unwrap();
        assert!(full.as_mut().now_or_never().is_none(), "that was the urgent one");
        line.take().unwrap();
        full.now_or_never().expect("now there is room");
        line.close();
        assert_eq!(line.called(true).now_or_never(), Some(Call::Work), "what lies there is done first");
        line.take().unwrap();
        assert_eq!(line.called(true).now_or_never(), Some(Call::Closed));
        assert!(line.take().is_none());
    }
}
