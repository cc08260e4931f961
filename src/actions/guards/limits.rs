//! Sign-ups within an hour, of all processes together, without asking the database at each.
//!
//! A process lets the first few of each key in by itself and remembers them. When more come it books those and takes a
//! portion of what all processes share, so that a reader who comes alone costs no statement, and a flood costs one in a
//! portion. With one process no more than the limit are let in. With several it is the limit and, for each process that had
//! not yet booked, the few that it may let in by itself (a tenth of the limit, twenty at most): a bound, not a guess.
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use sqlx::PgPool;

use crate::links::LinkKey;
use crate::store::guards::{self as store, Guarded, HashedKey};

pub(super) type Key = HashedKey;

/// Limits are counted by the hour of the clock.
pub(super) const WINDOW: TimeDelta = TimeDelta::hours(1);
/// No more keys than this are remembered, some 15 MB. When there are more, those that came once are forgotten: to gain one
/// sign-up by that somebody has to come from a hundred thousand other networks in between. If most came more than once, new ones
/// are asked for each time.
const MOST_KEYS: usize = 200_000;
/// How long the database may take over a limit.
const PATIENCE: Duration = Duration::from_secs(5);

/// When the hour of `real` began.
pub(super) fn window(real: DateTime<Utc>) -> DateTime<Utc> {
    real.duration_trunc(WINDOW).unwrap_or(real)
}

/// A network or domain as it is remembered: hashed with a key, since it may name a person.
pub(super) fn key(key: &LinkKey, what: Guarded, name: &[u8]) -> Key {
    let mut message = what.as_str().as_bytes().to_vec();
    message.push(0);
    message.extend_from_slice(name);
    key.mac(b"guard", &message)
}

/// The octets that one client has: an IPv4 address, or an IPv6 /64, of which a household has a whole one.
pub(in crate::actions) fn network_of(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets()[..8].to_vec(),
    }
}

/// Those that its neighbours share: an IPv4 /24, or an IPv6 /48, of which a customer may have a whole one.
pub(super) fn range_of(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets()[..3].to_vec(),
        IpAddr::V6(address) => address.octets()[..6].to_vec(),
    }
}

/// What this process has of the windows.
#[derive(Default)]
pub(super) struct Windows {
    now: Mutex<Window>,
    /// Held by whoever asks for a key, so that not all ask at once.
    asking: [tokio::sync::Mutex<()>; 16],
}

#[derive(Default)]
struct Window {
    begins: DateTime<Utc>,
    keys: HashMap<(Guarded, Key), Share>,
    /// Forgetting those that came once did not make room.
    crowded: bool,
}

/// What this process has of one key's window.
#[derive(Debug, Default, Clone, Copy)]
struct Share {
    /// Let in by this process by itself, and not booked yet.
    unbooked: u32,
    /// Taken of what all share, and not used yet.
    purse: u32,
    /// Whether it has taken of what all share: from then on it lets none in by itself.
    booked: bool,
    /// Nothing is left of what all share.
    empty: bool,
}

impl Windows {
    /// Whether one more may be let in; if so, it is counted.
    pub(super) async fn take(
        &self,
        db: &PgPool,
        what: Guarded,
        key: Key,
        begins: DateTime<Utc>,
        cap: u32,
    ) -> Result<bool, sqlx::Error> {
        if let Some(taken) = self.take_here(what, key, begins, cap) {
            return Ok(taken);
        }
        let _asking = self.asking[usize::from(key[0]) % self.asking.len()].lock().await;
        // Somebody else may have asked meanwhile.
        if let Some(taken) = self.take_here(what, key, begins, cap) {
            return Ok(taken);
        }
        let (unbooked, remembered) = self.unbooked(what, key, begins);
        let want = unbooked + if remembered { portion(cap) } else { 1 };
        let asked = tokio::time::timeout(PATIENCE, store::take_of_window(db, what, &key, begins, want, cap));
        let granted = asked.await.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
        let mut window = self.window(begins);
        let Some(share) = window.keys.get_mut(&(what, key)) else { return Ok(granted > 0) };
        // Those that were let in meanwhile by nobody: who has booked asks.
        share.purse += granted.saturating_sub(unbooked);
        share.unbooked = share.unbooked.saturating_sub(unbooked);
        share.booked = true;
        share.empty = granted < want;
        let taken = share.purse > 0;
        share.purse = share.purse.saturating_sub(1);
        Ok(taken)
    }

    /// One that was let in did not sign up after all.
    pub(super) fn give_back(&self, what: Guarded, key: &Key, begins: DateTime<Utc>) {
        if let Some(share) = self.window(begins).keys.get_mut(&(what, *key)) {
            match share.unbooked {
                0 => share.purse += 1,
                _ => share.unbooked -= 1,
            }
        }
    }

    /// The answer, if it can be given without asking.
    fn take_here(&self, what: Guarded, key: Key, begins: DateTime<Utc>, cap: u32) -> Option<bool> {
        let mut window = self.window(begins);
        let room = window.has_room(MOST_KEYS);
        let share = match window.keys.get_mut(&(what, key)) {
            Some(share) => share,
            None if room => window.keys.entry((what, key)).or_default(),
            None => return None,
        };
        if share.purse > 0 {
            share.purse -= 1;
            return Some(true);
        }
        if share.empty {
            return Some(false);
        }
        if !share.booked && share.unbooked < alone(cap) {
            share.unbooked += 1;
            return Some(true);
        }
        None
    }

    fn unbooked(&self, what: Guarded, key: Key, begins: DateTime<Utc>) -> (u32, bool) {
        let share = self.window(begins).keys.get(&(what, key)).copied();
        (share.map_or(0, |share| share.unbooked), share.is_some())
    }

    /// What was remembered of an earlier hour is forgotten.
    fn window(&self, begins: DateTime<Utc>) -> MutexGuard<'_, Window> {
        let mut window = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if window.begins != begins {
            *window = Window { begins, ..Window::default() };
        }
        window
    }
}

impl Window {
    fn has_room(&mut self, most: usize) -> bool {
        if self.keys.len() < most {
            return true;
        }
        if !self.crowded {
            self.keys.retain(|_, share| share.booked || share.unbooked > 1);
            self.crowded = self.keys.len() > most / 2;
        }
        !self.crowded
    }
}

/// How many of a key a process lets in by itself. Examples: 0 of 1, 1 of 10, 20 of 200, 20 of 20,000.
fn alone(cap: u32) -> u32 {
    (cap / 10).min(20)
}

/// How many are taken at a time of what all share. Examples: 1 of 10, 10 of 200, 100 of 20,000.
fn portion(cap: u32) -> u32 {
    (cap / 20).clamp(1, 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_what_one_client_has_and_ranges_what_neighbours_share() {
        let octets = |text: &str| (network_of(text.parse().unwrap()), range_of(text.parse().unwrap()));
        assert_eq!(octets("192.0.2.7"), (vec![192, 0, 2, 7], vec![192, 0, 2]));
        assert_eq!(octets("::ffff:192.0.2.7"), octets("192.0.2.7"), "the same client by another socket");
        let (one, other) = (octets("2001:db8:1:2:3:4:5:6"), octets("2001:db8:1:2::1"));
        assert_eq!(one, other);
        assert_ne!(one.0, octets("2001:db8:1:3::1").0);
        assert_eq!(one.1, octets("2001:db8:1:3::1").1);
    }

    #[test]
    fn keys_of_two_kinds_are_never_the_same() {
        let secret = LinkKey::parse(&"1".repeat(32)).unwrap();
        assert_ne!(key(&secret, Guarded::Network, b"x"), key(&secret, Guarded::Domain, b"x"));
        assert_eq!(key(&secret, Guarded::Domain, b"x"), key(&secret, Guarded::Domain, b"x"));
    }

    #[test]
    fn a_window_is_an_hour_of_the_clock() {
        assert_eq!(window("2026-03-01T12:59:59.9Z".parse().unwrap()).to_rfc3339(), "2026-03-01T12:00:00+00:00");
        assert_eq!(window("2026-03-01T13:00:00Z".parse().unwrap()).to_rfc3339(), "2026-03-01T13:00:00+00:00");
    }

    #[test]
    fn those_that_came_once_are_forgotten_when_there_are_too_many() {
        let shares = |number: u8, unbooked| ((Guarded::Network, [number; 16]), Share { unbooked, ..Share::default() });
        let window = |keys: Vec<_>| Window { keys: keys.into_iter().collect(), ..Window::default() };
        let mut some = window(vec![shares(1, 1), shares(2, 3), shares(3, 1), shares(4, 1)]);
        assert!(some.has_room(5) && some.keys.len() == 4);
        assert!(some.has_room(4) && some.keys.len() == 1 && !some.crowded);
        let mut busy = window(vec![shares(1, 2), shares(2, 3), shares(3, 9), shares(4, 1)]);
        assert!(!busy.has_room(4) && busy.crowded && busy.keys.len() == 3);
        assert!(!busy.has_room(3));
    }

    #[test]
    fn a_process_lets_a_few_in_by_itself_and_one_of_another_hour_anew() {
        let windows = Windows::default();
        let hour = |number: i64| DateTime::from_timestamp(number * 3_600, 0).unwrap();
        let taken = |number: i64| windows.take_here(Guarded::Domain, [7; 16], hour(number), 20);
        assert_eq!([taken(1), taken(1), taken(1)], [Some(true), Some(true), None]);
        windows.give_back(Guarded::Domain, &[7; 16], hour(1));
        assert_eq!([taken(1), taken(1)], [Some(true), None]);
        assert_eq!([taken(2), taken(2), taken(2)], [Some(true), Some(true), None]);
    }
}
