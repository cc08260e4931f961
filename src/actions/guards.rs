//! What keeps robots and list-bombers from signing other people up: the form's token, limits by network and by recipient's
//! domain, an optional proof of work, and optional looks at the recipient's domain. What is refused is counted by reason.
//!
//! None of it is needed for a mail to be neither lost nor doubled, and none of it asks what is known of an address: a refusal
//! tells nobody whether somebody has signed up.
mod counts;
mod domains;
pub mod form;
mod limits;
pub mod proof;
pub mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ipnet::IpNet;

use super::sign_up::{self, SignUp};
use super::{ActionError, Service};
use crate::model::EmailAddress;
pub use crate::store::guards::Refused;
use crate::store::guards::{self as store, Guarded};
use counts::Counts;
use domains::Domains;
pub use form::TokenFault;
pub(super) use limits::network_of;
use limits::{Key, Windows};
pub use proof::ProofFault;

/// How sign-ups are guarded, from the config.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whose word is taken for where a request comes from.
    pub trusted_proxies: Vec<IpNet>,
    /// Loopback clients are counted and never refused: for a demo.
    pub spare_loopback: bool,
    /// Whether a form must carry a token of ours.
    pub form_token: bool,
    /// A form that comes back sooner was not filled in by a person.
    pub form_min_age: TimeDelta,
    pub form_max_age: TimeDelta,
    pub limits: Limits,
    pub proof: Proof,
    /// Whether the recipient's domain is asked for in DNS.
    pub mx: Option<Mx>,
    /// Domains of addresses that are thrown away, in A-labels.
    pub disposable: Arc<BTreeSet<String>>,
}

/// Sign-ups within an hour by the clock, of all processes together; 0 is no limit.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Of one client: an IPv4 address, or an IPv6 /64.
    pub network: u32,
    /// Of its neighbourhood: an IPv4 /24, or an IPv6 /48.
    pub range: u32,
    /// For one recipient's domain.
    pub domain: u32,
    /// For each domain of `large_domains`.
    pub large_domain: u32,
    /// Where many people who do not know each other have their addresses, in A-labels.
    pub large_domains: Arc<BTreeSet<String>>,
    /// Domains with a limit of their own, in A-labels.
    pub domains: Arc<BTreeMap<String, u32>>,
}

impl Limits {
    fn of_domain(&self, domain: &str) -> u32 {
        match self.domains.get(domain) {
            Some(own) => *own,
            None if self.large_domains.contains(domain) => self.large_domain,
            None => self.domain,
        }
    }
}

/// A little arithmetic that each sign-up must bring along, compatible with ALTCHA.
#[derive(Debug, Clone)]
pub struct Proof {
    pub required: bool,
    /// How many numbers must be tried at most.
    pub effort: u32,
    pub expires: TimeDelta,
    /// Sign-ups that come without it within an hour, of everybody together: browsers without scripts. 0 is none.
    pub without_script: u32,
}

/// How DNS is asked.
#[derive(Debug, Clone)]
pub struct Mx {
    pub timeout: Duration,
    /// The system's resolvers if none is named.
    pub server: Option<SocketAddr>,
}

impl Default for Settings {
    /// As `config/default.toml` has it, without its list of large domains.
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            spare_loopback: false,
            form_token: true,
            form_min_age: TimeDelta::seconds(2),
            form_max_age: TimeDelta::days(1),
            limits: Limits { network: 200, range: 1_000, domain: 200, large_domain: 20_000, ..Limits::default() },
            proof: Proof { required: false, effort: 50_000, expires: TimeDelta::minutes(20), without_script: 60 },
            mx: None,
            disposable: Arc::default(),
        }
    }
}

/// What this process knows of sign-ups that were let in and refused.
pub struct Guards {
    windows: Windows,
    counts: Counts,
    domains: Domains,
    tokens: tokens::Known,
}

impl Guards {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            windows: Windows::default(),
            counts: Counts::default(),
            domains: Domains::new(settings.mx.as_ref()),
            tokens: tokens::Known::default(),
        }
    }
}

/// Why a sign-up was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A field was filled in that no person sees.
    Trap,
    Token(TokenFault),
    Proof(ProofFault),
    /// No proof of work came along, and the hour's allowance for browsers without scripts is used up.
    NoScript,
    Network,
    Range,
    Domain,
    /// More votes and surveys than one client has in an hour.
    Ballots,
    Disposable,
    /// No mail can be sent to the domain.
    NoMail,
    /// An API token that is none of ours, or was revoked.
    UnknownToken,
}

impl Refusal {
    /// The word under which it is counted.
    pub fn word(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Token(TokenFault::Missing) => "form-token-missing",
            Self::Token(TokenFault::TooYoung) => "form-too-fast",
            Self::Token(TokenFault::TooOld) => "form-too-old",
            Self::Proof(ProofFault::Wrong) => "proof-wrong",
            Self::Proof(ProofFault::Expired) => "proof-expired",
            Self::Proof(ProofFault::Used) => "proof-used",
            Self::NoScript => "no-script",
            Self::Network => "network",
            Self::Range => "range",
            Self::Domain => "domain",
            Self::Ballots => "ballots",
            Self::Disposable => "disposable",
            Self::NoMail => "no-mail-domain",
            Self::UnknownToken => "unknown-api-token",
        }
    }

    /// Whether it passes by itself, when the hour is over.
    pub fn passes(self) -> bool {
        matches!(self, Self::NoScript | Self::Network | Self::Range | Self::Domain | Self::Ballots)
    }
}

/// Why a sign-up goes no further.
#[derive(Debug)]
pub enum Stopped {
    Refused(Refusal),
    Failed(ActionError),
}

impl From<ActionError> for Stopped {
    fn from(error: ActionError) -> Self {
        Self::Failed(error)
    }
}

impl From<sqlx::Error> for Stopped {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Whom a sign-up comes from.
#[derive(Debug, Clone, Copy)]
pub enum Visitor<'a> {
    /// A form or a program, from there, with the proof of work that it brought.
    Anybody { from: IpAddr, proof: &'a str },
    /// A publisher's server, which has looked at its readers itself.
    Publisher,
}

/// What a sign-up was let in on. It is given back when nothing was written after all.
pub(super) struct Admission {
    taken: Vec<(Guarded, Key)>,
}

/// Counts a refusal. Answers it back unless the client is one that is only counted.
pub fn refuse(service: &Service, refusal: Refusal, from: Option<IpAddr>) -> Result<(), Refusal> {
    service.guards().counts.add(service.clock().real().date_naive(), refusal.word());
    service.metrics().refused(refusal.word());
    let spared = service.settings().guards.spare_loopback && from.is_some_and(|from| from.is_loopback());
    if spared { Ok(()) } else { Err(refusal) }
}

/// Whether a form's token is one of ours and of the right age.
pub fn look_at_form(service: &Service, token: &str, series: &str, from: IpAddr) -> Result<(), Refusal> {
    let settings = &service.settings().guards;
    if !settings.form_token {
        return Ok(());
    }
    let real = service.clock().real();
    match form::check(service.link_key(), token, series, real, settings.form_min_age, settings.form_max_age) {
        Ok(()) => Ok(()),
        Err(fault) => refuse(service, Refusal::Token(fault), Some(from)),
    }
}

/// A token for a form that is shown now. One that only came back too soon stays: its time goes on running, and the next
/// press is in time.
pub fn form_token(service: &Service, given: &str, series: &str) -> String {
    let settings = &service.settings().guards;
    let real = service.clock().real();
    if form::issued(service.link_key(), given, series)
        .is_some_and(|at| at <= real && real - at < settings.form_max_age / 2)
    {
        return given.to_owned();
    }
    form::make(service.link_key(), series, real)
}

/// Something for a browser to do before it signs up, if that is asked for.
pub fn new_challenge(service: &Service) -> Option<proof::Challenge> {
    let (settings, clock) = (&service.settings().guards.proof, service.clock());
    settings.required.then(|| {
        proof::challenge(service.link_key(), settings.effort, clock.real(), settings.expires, clock.random_bytes())
    })
}

/// Signs somebody up who is let in.
pub async fn sign_up(service: &Service, visitor: Visitor<'_>, request: SignUp) -> Result<(), Stopped> {
    let result = let_in(service, visitor, request).await;
    service.metrics().signed_up(match &result {
        Ok(()) => "written",
        Err(Stopped::Refused(_)) => "refused",
        Err(Stopped::Failed(ActionError::Busy)) => "busy",
        Err(Stopped::Failed(_)) => "failed",
    });
    result
}

async fn let_in(service: &Service, visitor: Visitor<'_>, request: SignUp) -> Result<(), Stopped> {
    let admission = admit(service, visitor, &request.address).await?;
    let written = sign_up::sign_up(service, request).await;
    if written.is_err() {
        give_back(service, &admission);
    }
    Ok(written?)
}

/// Books a mail to an address that somebody names behind a link of their own: one more sign-up for its domain. None when that
/// has had its hour's.
pub(super) async fn book_domain(service: &Service, address: &EmailAddress) -> Result<Option<Admission>, ActionError> {
    let mut admission = Admission { taken: Vec::new() };
    if take_domain(service, address, &mut admission).await? {
        return Ok(Some(admission));
    }
    Ok(refuse(service, Refusal::Domain, None).ok().map(|()| admission))
}

/// Lets a sign-up in, or says why not. What costs least comes first; what is taken here is given back by [`give_back`].
async fn admit(service: &Service, visitor: Visitor<'_>, address: &EmailAddress) -> Result<Admission, Stopped> {
    let settings = &service.settings().guards;
    let mut admission = Admission { taken: Vec::new() };
    let from = match visitor {
        Visitor::Anybody { from, proof } => {
            take_network(service, from, &mut admission).await?;
            if settings.proof.required {
                look_at_proof(service, proof, from, &mut admission).await?;
            }
            Some(from)
        }
        Visitor::Publisher => None,
    };
    // A field that needs another value is told to everybody, whoever is spared else.
    if domains::is_listed(&settings.disposable, address.domain()) {
        refuse(service, Refusal::Disposable, None).map_err(Stopped::Refused)?;
    }
    if !service.guards().domains.take_mail(address.domain()).await {
        refuse(service, Refusal::NoMail, None).map_err(Stopped::Refused)?;
    }
    if !take_domain(service, address, &mut admission).await? {
        refuse(service, Refusal::Domain, from).map_err(Stopped::Refused)?;
    }
    Ok(admission)
}

/// Whether a client may use another ballot in this hour: a vote, or a survey. The limit is that of its sign-ups.
pub async fn let_vote(service: &Service, from: IpAddr) -> Result<(), Stopped> {
    let cap = service.settings().guards.limits.network;
    let key = limits::key(service.link_key(), Guarded::Ballots, &limits::network_of(from));
    let mut admission = Admission { taken: Vec::new() };
    if !take(service, Guarded::Ballots, key, cap, &mut admission).await? {
        refuse(service, Refusal::Ballots, Some(from)).map_err(Stopped::Refused)?;
    }
    Ok(())
}

/// Nothing was written: what was taken in this process may be taken by another sign-up.
pub(super) fn give_back(service: &Service, admission: &Admission) {
    let begins = limits::window(service.clock().real());
    for (what, key) in &admission.taken {
        service.guards().windows.give_back(*what, key, begins);
    }
}

/// How long until the limits begin anew.
pub fn until_next_window(service: &Service) -> TimeDelta {
    let real = service.clock().real();
    limits::window(real) + limits::WINDOW - real
}

/// Writes what was counted in this process, and forgets what is old.
pub async fn tidy(service: &Service) -> Result<(), ActionError> {
    flush(service).await?;
    let real = service.clock().real();
    store::forget_old(service.db(), limits::window(real) - limits::WINDOW, real - TimeDelta::minutes(5)).await?;
    Ok(())
}

/// Writes what was counted in this process.
pub async fn flush(service: &Service) -> Result<(), ActionError> {
    Ok(service.guards().counts.flush(service.db()).await?)
}

/// What was refused within so many days, by day and reason, the newest first.
pub async fn refused(service: &Service, days: u16) -> Result<Vec<Refused>, ActionError> {
    flush(service).await?;
    let since = service.clock().real().date_naive() - chrono::Days::new(u64::from(days));
    Ok(store::refused_since(service.db(), since).await?)
}

async fn take_network(service: &Service, from: IpAddr, admission: &mut Admission) -> Result<(), Stopped> {
    let limits = &service.settings().guards.limits;
    for (what, bits, cap, refusal) in [
        (Guarded::Range, limits::range_of(from), limits.range, Refusal::Range),
        (Guarded::Network, limits::network_of(from), limits.network, Refusal::Network),
    ] {
        let key = limits::key(service.link_key(), what, &bits);
        if !take(service, what, key, cap, admission).await? {
            give_back(service, admission);
            admission.taken.clear();
            refuse(service, refusal, Some(from)).map_err(Stopped::Refused)?;
        }
    }
    Ok(())
}

async fn look_at_proof(service: &Service, proof: &str, from: IpAddr, admission: &mut Admission) -> Result<(), Stopped> {
    if proof.trim().is_empty() {
        let key = limits::key(service.link_key(), Guarded::NoScript, b"");
        // No allowance at all is not the same as no limit.
        let cap = service.settings().guards.proof.without_script;
        if cap == 0 || !take(service, Guarded::NoScript, key, cap, admission).await? {
            refuse(service, Refusal::NoScript, Some(from)).map_err(Stopped::Refused)?;
        }
        return Ok(());
    }
    match proof::check(service.link_key(), proof, service.clock().real()) {
        Ok(solved) if store::spend_proof(service.db(), &solved.hash, solved.expires_at).await? => Ok(()),
        Ok(_) => refuse(service, Refusal::Proof(ProofFault::Used), Some(from)).map_err(Stopped::Refused),
        Err(fault) => refuse(service, Refusal::Proof(fault), Some(from)).map_err(Stopped::Refused),
    }
}

async fn take_domain(
    service: &Service,
    address: &EmailAddress,
    admission: &mut Admission,
) -> Result<bool, sqlx::Error> {
    let cap = service.settings().guards.limits.of_domain(address.domain());
    let key = limits::key(service.link_key(), Guarded::Domain, address.domain().as_bytes());
    take(service, Guarded::Domain, key, cap, admission).await
}

async fn take(
    service: &Service,
    what: Guarded,
    key: Key,
    cap: u32,
    admission: &mut Admission,
) -> Result<bool, sqlx::Error> {
    if cap == 0 {
        return Ok(true);
    }
    let begins = limits::window(service.clock().real());
    let taken = service.guards().windows.take(service.db(), what, key, begins, cap).await?;
    if taken {
        admission.taken.push((what, key));
    }
    Ok(taken)
}
