//! How often somebody may try to get in. It only slows down, and never shuts an account: whoever knows an address must not
//! be able to keep its owner out.
//!
//! Tries are counted for an account as it is tried from one network, so that an office is not kept out by one who guesses
//! there, and for an account wherever it is tried from, so that many networks gain nothing. A browser that the admin was
//! signed in with before is counted by itself, and is not slowed down by what others try.
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::{ActionError, Service};
use crate::actions::guards::network_of;
use crate::store::sign_ins::{self as store, Attempts, Counted};

/// After so long without a try the count begins anew.
pub const REMEMBERED: TimeDelta = TimeDelta::days(1);

/// How a count slows down.
struct Rule {
    /// So many cost nothing.
    free: i32,
    /// The first wait, which doubles with each further try, and the longest.
    first: TimeDelta,
    longest: TimeDelta,
}

const PAIR: Rule = Rule { free: 5, first: TimeDelta::seconds(1), longest: TimeDelta::minutes(15) };
const ACCOUNT: Rule = Rule { free: 20, first: TimeDelta::seconds(1), longest: TimeDelta::minutes(1) };
/// Wishes from one network, whosoever they are for.
const RESET_FROM: Rule = Rule { free: 20, first: TimeDelta::seconds(10), longest: TimeDelta::minutes(10) };
const RESET: Rule = Rule { free: 3, first: TimeDelta::minutes(10), longest: TimeDelta::hours(6) };

/// What is tried.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tried<'a> {
    Password(&'a str),
    SecondFactor(&'a str),
}

/// A try that was counted; one that succeeds is counted no more.
pub(super) struct Counting {
    what: Counted,
    key: [u8; 16],
}

/// Counts a try before it is made, so that many at the same moment gain nothing. Answers how long to wait, if that is
/// needed. `account` is what is tried, whether or not there is such an account.
pub(super) async fn count(
    service: &Service,
    tried: Tried<'_>,
    origin: IpAddr,
    known_device: Option<&str>,
) -> Result<Result<Counting, TimeDelta>, ActionError> {
    let (what, account) = match tried {
        Tried::Password(account) => (b"password".as_slice(), account),
        Tried::SecondFactor(account) => (b"second factor".as_slice(), account),
    };
    let key = |kind: &[u8], more: &[u8]| {
        service.link_key().mac(b"attempts", &[what, b"\0", account.as_bytes(), b"\0", kind, more].concat())
    };
    let pair = match known_device {
        Some(device) => key(b"device", device.as_bytes()),
        None => key(b"network", &network_of(origin)),
    };
    if let Some(wait) = take(service, Counted::Pair, &pair, &PAIR).await? {
        return Ok(Err(wait));
    }
    if known_device.is_none()
        && let Some(wait) = take(service, Counted::Account, &key(b"all", b""), &ACCOUNT).await?
    {
        return Ok(Err(wait));
    }
    Ok(Ok(Counting { what: Counted::Pair, key: pair }))
}

/// It was right. What others try with the account stays counted.
pub(super) async fn succeeded(service: &Service, counting: &Counting) -> Result<(), ActionError> {
    Ok(store::forget_attempts(service.db(), counting.what, &counting.key).await?)
}

/// It was wrong, and there is no account of which that could be written down: a write that takes as long as that would,
/// since the time must not tell whether there is one.
pub(super) async fn failed_for_nobody(service: &Service, counting: &Counting) -> Result<(), ActionError> {
    Ok(store::write_again(service.db(), counting.what, &counting.key).await?)
}

/// Whether another mail with a link may go to an account, and another wish may come from a network.
pub(super) async fn may_ask_for_link(
    service: &Service,
    tx: &mut PgConnection,
    normalised: &str,
    origin: IpAddr,
) -> Result<bool, ActionError> {
    let key = |kind: &[u8], of: &[u8]| service.link_key().mac(b"attempts", &[kind, of].concat());
    let (network, account) = (key(b"reset from\0", &network_of(origin)), key(b"reset\0", normalised.as_bytes()));
    Ok(take_in(service, tx, Counted::Reset, &network, &RESET_FROM).await?.is_none()
        && take_in(service, tx, Counted::Reset, &account, &RESET).await?.is_none())
}

async fn take(service: &Service, what: Counted, key: &[u8; 16], rule: &Rule) -> Result<Option<TimeDelta>, ActionError> {
    let mut tx = service.db().begin().await?;
    let wait = take_in(service, &mut tx, what, key, rule).await?;
    tx.commit().await?;
    Ok(wait)
}

async fn take_in(
    service: &Service,
    tx: &mut PgConnection,
    what: Counted,
    key: &[u8; 16],
    rule: &Rule,
) -> Result<Option<TimeDelta>, ActionError> {
    let real = service.clock().real();
    let before = store::lock_attempts(&mut *tx, what, key, real).await?;
    if before.not_before > real {
        return Ok(Some(before.not_before - real));
    }
    store::set_attempts(&mut *tx, what, key, &counted(&before, rule, real)).await?;
    Ok(None)
}

fn counted(before: &Attempts, rule: &Rule, real: DateTime<Utc>) -> Attempts {
    let failures = if real - before.last_at > REMEMBERED { 1 } else { before.failures.saturating_add(1) };
    Attempts { failures, last_at: real, not_before: real + wait_after(failures, rule) }
}

/// With a pair's rule: nothing after 1 to 5 tries, then 1 s, 2 s, 4 s … 15 min.
fn wait_after(failures: i32, rule: &Rule) -> TimeDelta {
    match u32::try_from(failures - rule.free - 1) {
        Err(_) => TimeDelta::zero(),
        Ok(doublings) => (rule.first * 2i32.pow(doublings.min(20))).min(rule.longest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_have_an_end() {
        let waits: Vec<i64> = [1, 5, 6, 7, 8, 12, 16, 1000].map(|one| wait_after(one, &PAIR).num_seconds()).into();
        assert_eq!(waits, [0, 0, 1, 2, 4, 64, 900, 900]);
        assert_eq!(wait_after(i32::MAX, &ACCOUNT), TimeDelta::minutes(1));
        assert_eq!(wait_after(4, &RESET), TimeDelta::minutes(10));
    }

    #[test]
    fn a_day_later_the_count_begins_anew() {
        let at: DateTime<Utc> = "2026-03-02T17:00:00Z".parse().unwrap();
        let before = Attempts { failures: 9, last_at: at, not_before: at };
        assert_eq!(counted(&before, &PAIR, at + TimeDelta::hours(24)).failures, 10);
        assert_eq!(counted(&before, &PAIR, at + TimeDelta::hours(25)).failures, 1);
    }
}
