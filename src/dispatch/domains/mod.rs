//! What of a claimed batch may go on now, by its recipients' domains: their rates, how many mails may be in flight to one at
//! once, and domains that asked for less. What may not go waits in the queue, its times spread so that it comes back in the
//! order and at the speed in which it can go; it is not charged and holds nobody else up.
//!
//! No domain is logged: one of a single person's is that person.
mod pace;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use tokio::time::Instant;

use super::DomainSettings;
use super::prepare::Prepared;
use crate::store::limits::{self, Closing, Limited, Rate, SlowDomain};
use crate::store::queue::{Claimed, Fence};
use crate::transport::Slow;
use pace::{Pace, Room};

pub(super) struct Domains {
    rules: HashMap<String, Rule>,
    /// For each domain that has no rule of its own.
    others: Option<Rule>,
    known: Mutex<HashMap<String, Pace>>,
    /// Whether any domain has asked for less, or may have: where none has and there are no rules, nobody looks at addresses.
    any_slow: AtomicBool,
    /// When the slow domains were last read.
    read_at: tokio::sync::Mutex<Option<Instant>>,
}

/// What a domain wants.
#[derive(Debug, Clone, Copy)]
struct Rule {
    connections: Option<usize>,
    rate: Option<Rate>,
}

const NO_RULE: Rule = Rule { connections: None, rate: None };

/// What a batch comes to.
#[derive(Default)]
pub(super) struct Admission {
    pub(super) go: Vec<(Claimed, Option<Passage>)>,
    /// Until when each of the others waits (real time).
    pub(super) wait: Vec<(Fence, DateTime<Utc>)>,
}

/// What the others have found out is read this often.
const FRESH: std::time::Duration = std::time::Duration::from_secs(1);
/// More slow domains than this are not looked at: something else is wrong then.
const MOST_SLOW: i64 = 10_000;
/// Domains that are kept in mind before those with nothing to keep are forgotten.
const MOST_KNOWN: usize = 10_000;
/// When the database cannot be asked.
const AFTER_TROUBLE: TimeDelta = TimeDelta::seconds(2);

/// Greylisting is over after minutes. RFC 6647 leaves the time to the receiver; most have five minutes or less.
const GREYLISTED: Closing = Closing { first: TimeDelta::minutes(1), most: TimeDelta::minutes(5) };
const TOO_FAST: Closing = Closing { first: TimeDelta::minutes(1), most: TimeDelta::hours(1) };

impl Domains {
    pub(super) fn new(settings: &[DomainSettings]) -> Self {
        let rule =
            |one: &DomainSettings| Rule { connections: one.connections, rate: one.per_minute.map(Rate::per_minute) };
        Self {
            rules: settings.iter().map(|one| (one.domain.clone(), rule(one))).collect(),
            others: settings.iter().find(|one| one.domain == "*").map(rule),
            known: Mutex::default(),
            any_slow: AtomicBool::new(false),
            read_at: tokio::sync::Mutex::default(),
        }
    }

    /// Says of each mail whether it may go on now.
    pub(super) async fn admit(self: &Arc<Self>, db: &PgPool, claimed: Vec<Claimed>, real: DateTime<Utc>) -> Admission {
        self.read_slow(db, real).await;
        let mut admission = Admission::default();
        if self.rules.is_empty() && !self.any_slow.load(Ordering::Relaxed) {
            admission.go = claimed.into_iter().map(|one| (one, None)).collect();
            return admission;
        }
        let mut order = Vec::new();
        let mut by_domain: HashMap<String, Vec<Claimed>> = HashMap::new();
        for one in claimed {
            let domain = domain_of(&one.normalised).to_owned();
            if self.rule(&domain).is_none() && !self.known().contains_key(&domain) {
                admission.go.push((one, None));
                continue;
            }
            let mails = by_domain.entry(domain).or_insert_with_key(|domain| {
                order.push(domain.clone());
                Vec::new()
            });
            mails.push(one);
        }
        for domain in order {
            let mails = by_domain.remove(&domain).unwrap_or_default();
            self.admit_domain(db, &domain, mails, real, &mut admission).await;
        }
        // As they were claimed.
        admission.go.sort_by_key(|(one, _)| (one.due_at, one.id));
        admission
    }

    /// Takes out those whose domain has asked for less since they were admitted.
    pub(super) fn closed_meanwhile(
        &self,
        mails: Vec<Prepared>,
        real: DateTime<Utc>,
    ) -> (Vec<Prepared>, Vec<(Fence, DateTime<Utc>)>) {
        if !self.any_slow.load(Ordering::Relaxed) {
            return (mails, Vec::new());
        }
        let turns: Vec<Option<DateTime<Utc>>> = {
            let mut known = self.known();
            let turn = |mail: &Prepared| {
                let pace = known.get_mut(domain_of(&mail.claimed.normalised))?;
                pace.closed_until(real).is_some().then(|| pace.turn(real, None, None))
            };
            mails.iter().map(turn).collect()
        };
        let (mut open, mut wait) = (Vec::with_capacity(mails.len()), Vec::new());
        // The lock is free again: what is dropped here lands.
        for (mail, turn) in mails.into_iter().zip(turns) {
            match turn {
                Some(turn) => wait.push((mail.claimed.fence(), turn)),
                None => open.push(mail),
            }
        }
        (open, wait)
    }

    /// A reply asked for less.
    pub(super) async fn asked_for_less(&self, db: &PgPool, normalised: &str, how: Slow, real: DateTime<Utc>) {
        let domain = domain_of(normalised).to_owned();
        let closing = match how {
            Slow::Greylisted => GREYLISTED,
            Slow::TooFast => TOO_FAST,
        };
        let closed = self.known().entry(domain.clone()).or_default().asked_for_less(real, real + closing.first);
        self.any_slow.store(true, Ordering::Relaxed);
        if !closed {
            return;
        }
        match limits::slow_domain(db, &domain, closing, real).await {
            Ok(slow) => self.known().entry(domain).or_default().closed(slow.until),
            Err(error) => tracing::warn!(%error, "that a domain asked for less could not be noted for the others"),
        }
    }

    /// A mail was accepted: a domain that had asked for less, and whose time is up, is open again.
    pub(super) async fn accepted(&self, db: &PgPool, normalised: &str, real: DateTime<Utc>) {
        if !self.any_slow.load(Ordering::Relaxed) {
            return;
        }
        let domain = domain_of(normalised);
        if !self.known().get_mut(domain).is_some_and(|pace| pace.open(real)) {
            return;
        }
        if let Err(error) = limits::forget_slow_domain(db, domain, real).await {
            tracing::warn!(%error, "that a domain takes mail again could not be noted for the others");
        }
    }

    /// What this process may still send is for the others now.
    pub(super) async fn give_back(&self, db: &PgPool, real: DateTime<Utc>) {
        let unspent: Vec<(String, u32)> = {
            let mut known = self.known();
            known.iter_mut().map(|(domain, pace)| (domain.clone(), pace.take_all())).filter(|(_, n)| *n > 0).collect()
        };
        for (domain, mails) in unspent {
            let Some(rate) = self.rule(&domain).and_then(|rule| rule.rate) else { continue };
            if let Err(error) = limits::take_tokens(db, Limited::Domain, &domain, rate, 0, mails, real).await {
                tracing::warn!(%error, "what domains may still be sent could not be given back");
                return;
            }
        }
    }

    async fn admit_domain(
        self: &Arc<Self>,
        db: &PgPool,
        domain: &str,
        mails: Vec<Claimed>,
        real: DateTime<Utc>,
        admission: &mut Admission,
    ) {
        let rule = self.rule(domain).unwrap_or(NO_RULE);
        let room = self.known().entry(domain.to_owned()).or_default().room(real, rule.connections);
        let may_go = match room {
            Room::Closed => 0,
            Room::For(most) => most.min(mails.len()),
        };
        if let Some(rate) = rule.rate.filter(|_| may_go > 0) {
            self.ask_for_tokens(db, domain, rate, may_go, real).await;
        }
        // Those that had to wait before go first. While some have been given a turn, nobody else comes between but what a
        // reader waits for at the screen.
        let goes_first = |one: &Claimed| one.put_off || one.kind.is_urgent();
        let (mut queue, newcomers): (Vec<Claimed>, Vec<Claimed>) = mails.into_iter().partition(goes_first);
        let first = queue.len();
        let (granted, lacks_tokens, behind) = {
            let mut known = self.known();
            let pace = known.entry(domain.to_owned()).or_default();
            let behind = if pace.has_promised(real) {
                newcomers
            } else {
                queue.extend(newcomers);
                Vec::new()
            };
            let wanted = may_go.min(queue.len());
            let granted = if rule.rate.is_some() { pace.spend(wanted, real) } else { wanted };
            (granted, granted < wanted, behind)
        };
        let mut waiting = queue.split_off(granted);
        let first = first.saturating_sub(granted);
        waiting.extend(behind);
        for one in queue {
            admission.go.push((one, Some(Passage::begin(self, domain))));
        }
        if waiting.is_empty() {
            return;
        }
        let times = match rule.rate {
            Some(rate) if room != Room::Closed && (lacks_tokens || may_go > granted) => {
                self.turns(db, domain, rate, first, waiting.len(), real).await
            }
            rate => {
                let mut known = self.known();
                let pace = known.entry(domain.to_owned()).or_default();
                let turn = |one: &Claimed| {
                    if one.kind.is_urgent() { pace.opening(real) } else { pace.turn(real, rate, rule.connections) }
                };
                waiting.iter().map(turn).collect()
            }
        };
        admission.wait.extend(waiting.iter().map(Claimed::fence).zip(times));
    }

    /// Takes tokens for so many mails from what all share, unless this process has them or there were none a moment ago.
    async fn ask_for_tokens(&self, db: &PgPool, domain: &str, rate: Rate, mails: usize, real: DateTime<Utc>) {
        let mails = u32::try_from(mails).unwrap_or(u32::MAX);
        let (want, back) = {
            let mut known = self.known();
            let pace = known.entry(domain.to_owned()).or_default();
            let has = pace.has(real);
            if has >= mails || !pace.should_ask(real) {
                return;
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate from the configuration"
            )]
            let a_seconds_worth = rate.per_second.ceil() as u32;
            (a_seconds_worth.max(mails - has), pace.stale(real))
        };
        let taken = limits::take_tokens(db, Limited::Domain, domain, rate, want, back, real).await;
        let mut known = self.known();
        let pace = known.entry(domain.to_owned()).or_default();
        match taken {
            Ok(taken) => pace.took(taken, real),
            Err(error) => {
                tracing::warn!(%error, "what a domain may be sent could not be asked for; trying again");
                pace.ask_again(real + AFTER_TROUBLE);
            }
        }
    }

    /// Turns for those that have to wait for the rate: the first `early` come again soon, the others behind all that have
    /// been given a turn.
    async fn turns(
        &self,
        db: &PgPool,
        domain: &str,
        rate: Rate,
        early: usize,
        count: usize,
        real: DateTime<Utc>,
    ) -> Vec<DateTime<Utc>> {
        let newcomers = u32::try_from(count - early).unwrap_or(u32::MAX);
        let first = if newcomers == 0 {
            real
        } else {
            match limits::take_turns(db, Limited::Domain, domain, rate, newcomers, real).await {
                Ok(first) => first,
                Err(error) => {
                    tracing::warn!(%error, "turns of a domain could not be asked for; trying again");
                    real + AFTER_TROUBLE
                }
            }
        };
        let after = |from: DateTime<Utc>, turns: usize| {
            from + rate.time_for(f64::from(u32::try_from(turns).unwrap_or(u32::MAX)))
        };
        let times: Vec<DateTime<Utc>> =
            (0..count).map(|at| if at < early { after(real, at + 1) } else { after(first, at - early + 1) }).collect();
        if newcomers > 0 {
            let last = times[count - 1];
            self.known().entry(domain.to_owned()).or_default().promised(last);
        }
        times
    }

    /// Reads which domains have asked for less, if that is not fresh.
    async fn read_slow(&self, db: &PgPool, real: DateTime<Utc>) {
        let mut read_at = self.read_at.lock().await;
        if read_at.is_some_and(|at| at.elapsed() < FRESH) {
            return;
        }
        match limits::slow_domains(db, real, MOST_SLOW).await {
            Ok(slow) => self.learn(slow, real),
            Err(error) => {
                tracing::warn!(%error, "which domains asked for less cannot be read; going on with what is known");
            }
        }
        *read_at = Some(Instant::now());
    }

    fn learn(&self, slow: Vec<SlowDomain>, real: DateTime<Utc>) {
        let mut known = self.known();
        let slow: HashMap<String, SlowDomain> = slow.into_iter().map(|one| (one.domain.clone(), one)).collect();
        for (domain, pace) in known.iter_mut() {
            if pace.is_slow() && !slow.contains_key(domain) {
                // Another process has had a mail accepted, or it is long ago.
                pace.open(real);
            }
        }
        let any = !slow.is_empty() || known.values().any(|pace| pace.is_slow() || pace.is_suspected(real));
        self.any_slow.store(any, Ordering::Relaxed);
        for (domain, one) in slow {
            known.entry(domain).or_default().closed(one.until);
        }
        if known.len() > MOST_KNOWN {
            known.retain(|_, pace| pace.is_worth_keeping(real));
        }
    }

    fn rule(&self, domain: &str) -> Option<Rule> {
        self.rules.get(domain).copied().or(self.others)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Pace>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A mail is in flight to a domain that is looked after, until this is dropped.
pub(super) struct Passage {
    domains: Arc<Domains>,
    domain: String,
    began: Instant,
}

impl Passage {
    fn begin(domains: &Arc<Domains>, domain: &str) -> Self {
        domains.known().entry(domain.to_owned()).or_default().takes_off();
        Self { domains: domains.clone(), domain: domain.to_owned(), began: Instant::now() }
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        if let Some(pace) = self.domains.known().get_mut(&self.domain) {
            pace.lands(self.began.elapsed());
        }
    }
}

/// Of a normalised address, as the rules and the slow domains are named.
fn domain_of(normalised: &str) -> &str {
    normalised.rsplit_once('@').map_or("", |(_, domain)| domain)
}
