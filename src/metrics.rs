//! What a process counts of its own work, for whoever watches it; docs/METRICS.md lists it. A label is a word of ours, a
//! relay's name or a route's pattern: never an address, a condition, or anything else that a reader has said.
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];
type Counts<const N: usize> = Family<Labels<N>, Counter>;
type Gauges<const N: usize> = Family<Labels<N>, Gauge>;
type Spans<const N: usize> = Family<Labels<N>, Histogram, Buckets>;

/// Upper bounds of a histogram, in seconds.
#[derive(Debug, Clone, Copy)]
struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

/// From a second, which a reader at the screen does not notice, to a day, which every reader does.
const LATENESS: Buckets = Buckets(&[1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0]);
const SEND: Buckets = Buckets(&[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0]);
const REQUEST: Buckets = Buckets(&[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0]);

/// One metric, as docs/METRICS.md has it.
#[derive(Debug, Clone)]
pub struct Described {
    /// As it is exposed.
    pub name: String,
    pub kind: &'static str,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

/// How a relay's circuit breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayState {
    Working,
    Probed,
    Resting,
}

impl RelayState {
    const ALL: [Self; 3] = [Self::Working, Self::Probed, Self::Resting];

    fn word(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Probed => "probed",
            Self::Resting => "resting",
        }
    }
}

/// What the database says of the queue and of all processes.
#[derive(Debug, Clone, Default)]
pub struct Looked {
    /// Due now and waiting, by lane.
    pub due: Vec<(&'static str, i64)>,
    pub overdue: i64,
    /// Under a lease.
    pub held: i64,
    /// Messages to webhooks, by state.
    pub untold: Vec<(&'static str, i64)>,
    pub webhooks_given_up: i64,
    /// Processes that live, by role.
    pub nodes: BTreeMap<String, i64>,
    /// When any process's scheduler ticked last, in seconds since 1970.
    pub last_tick: Option<i64>,
}

/// A pool's connections.
#[derive(Debug, Clone, Copy)]
pub struct Pool {
    pub name: &'static str,
    pub used: usize,
    pub idle: usize,
    pub most: u32,
}

/// All metrics of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    described: Vec<Described>,
    /// Real time.
    looked_at: Mutex<Option<DateTime<Utc>>>,
    attempts: Counts<3>,
    lateness: Spans<1>,
    send: Spans<1>,
    claims: Counts<1>,
    claimed: Counts<1>,
    expired: Counts<1>,
    uncertain: Counts<0>,
    relay_state: Gauges<2>,
    relay_connections: Gauges<1>,
    requests: Counts<3>,
    request: Spans<2>,
    sign_ups: Counts<1>,
    refusals: Counts<1>,
    told: Counts<1>,
    untold: Gauges<1>,
    webhooks_given_up: Gauges<0>,
    due: Gauges<1>,
    overdue: Gauges<0>,
    held: Gauges<0>,
    nodes: Gauges<1>,
    last_tick: Gauges<0>,
    database_up: Gauges<0>,
    connections: Gauges<2>,
    most_connections: Gauges<1>,
}

/// Registers each metric and keeps how it is described.
#[derive(Default)]
struct Shelf {
    registry: Registry,
    described: Vec<Described>,
}

impl Shelf {
    fn counts<const N: usize>(
        &mut self,
        name: &str,
        labels: &'static [&'static str; N],
        help: &'static str,
    ) -> Counts<N> {
        // The encoder adds this to the name of every counter.
        self.add(name, "_total", "counter", labels, help, Counts::default())
    }

    fn gauges<const N: usize>(
        &mut self,
        name: &str,
        labels: &'static [&'static str; N],
        help: &'static str,
    ) -> Gauges<N> {
        self.add(name, "", "gauge", labels, help, Gauges::default())
    }

    fn spans<const N: usize>(
        &mut self,
        name: &str,
        labels: &'static [&'static str; N],
        buckets: Buckets,
        help: &'static str,
    ) -> Spans<N> {
        self.add(name, "", "histogram", labels, help, Spans::new_with_constructor(buckets))
    }

    fn add<M: Metric + Clone>(
        &mut self,
        name: &str,
        ending: &str,
        kind: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
        metric: M,
    ) -> M {
        let name = format!("regimen_{name}");
        self.registry.register(name.clone(), help, metric.clone());
        self.described.push(Described { name: name + ending, kind, labels, help });
        metric
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut shelf = Shelf::default();
        let s = &mut shelf;
        let build = s.gauges("build_info", &["version"], "1, with the version of this process");
        build.get_or_create(&[("version", env!("CARGO_PKG_VERSION").into())]).set(1);
        Self {
            looked_at: Mutex::default(),
            attempts: s.counts(
                "attempts",
                &["kind", "outcome", "relay"],
                "Attempts that a sender of this process brought to an outcome",
            ),
            lateness: s.spans(
                "lateness_seconds",
                &["kind"],
                LATENESS,
                "How long after it was due a delivery was accepted by a relay, in series time",
            ),
            send: s.spans(
                "send_seconds",
                &["relay"],
                SEND,
                "How long a relay took over one mail, whatever it answered",
            ),
            claims: s.counts("claims", &["lane"], "Claims that found something"),
            claimed: s.counts("claimed_deliveries", &["lane"], "Deliveries that were claimed"),
            expired: s.counts("leases_expired", &["state"], "Leases that ran out and were taken back by this process"),
            uncertain: s.counts("uncertain", &[], "Attempts of which nobody can say whether the relay took the mail"),
            relay_state: s.gauges(
                "relay_state",
                &["relay", "state"],
                "1 for the state that the relay's circuit breaker is in: working, resting after a failure, or probed",
            ),
            relay_connections: s.gauges("relay_connections", &["relay"], "Open connections to a relay"),
            requests: s.counts("http_requests", &["method", "route", "status"], "Requests that were answered"),
            request: s.spans("http_request_seconds", &["method", "route"], REQUEST, "How long a request took"),
            sign_ups: s.counts(
                "sign_ups",
                &["result"],
                "Sign-ups that passed the form's checks, by what became of them",
            ),
            refusals: s.counts(
                "guard_refusals",
                &["reason"],
                "What the guards refused, also where it was only counted",
            ),
            told: s.counts("webhook_tries", &["outcome"], "Tries to tell a webhook something: sent, or failed"),
            untold: s.gauges("webhook_messages", &["state"], "Messages to webhooks that wait, or were given up"),
            webhooks_given_up: s.gauges(
                "webhooks_given_up",
                &[],
                "Webhooks that are disabled since they are gone or failed for days",
            ),
            due: s.gauges(
                "queue_due",
                &["lane"],
                "Deliveries that are due now and wait, of series that are not paused",
            ),
            overdue: s.gauges("queue_overdue", &[], "Deliveries due for over ten minutes, never tried and not paused"),
            held: s.gauges("queue_held", &[], "Deliveries under a lease"),
            nodes: s.gauges("nodes", &["role"], "Processes on this database that live"),
            last_tick: s.gauges("last_tick_timestamp_seconds", &[], "When any process's scheduler ticked last"),
            database_up: s.gauges("database_up", &[], "1 if the database answered what the metrics ask it, else 0"),
            connections: s.gauges("database_connections", &["pool", "state"], "Connections to the database"),
            most_connections: s.gauges("database_connections_max", &["pool"], "How many a pool opens at most"),
            registry: shelf.registry,
            described: shelf.described,
        }
    }
}

impl Metrics {
    /// What there is, in the order in which it is exposed.
    pub fn described(&self) -> &[Described] {
        &self.described
    }

    /// In the OpenMetrics text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes everything");
        text
    }

    pub fn attempted(&self, kind: &'static str, outcome: &'static str, relay: &str) {
        let labels = [("kind", kind.into()), ("outcome", outcome.into()), ("relay", owned(relay))];
        self.attempts.get_or_create(&labels).inc();
    }

    /// An accepted delivery was so late.
    pub fn late(&self, kind: &'static str, seconds: f64) {
        self.lateness.get_or_create(&[("kind", kind.into())]).observe(seconds.max(0.0));
    }

    pub fn sent(&self, relay: &str, took: Duration) {
        self.send.get_or_create(&[("relay", owned(relay))]).observe(took.as_secs_f64());
    }

    pub fn claimed(&self, lane: &'static str, deliveries: usize) {
        let labels = [("lane", lane.into())];
        self.claims.get_or_create(&labels).inc();
        self.claimed.get_or_create(&labels).inc_by(deliveries as u64);
    }

    /// Leases on what was `claimed` or `sending` ran out.
    pub fn expired(&self, state: &'static str, leases: u64) {
        self.expired.get_or_create(&[("state", state.into())]).inc_by(leases);
    }

    pub fn uncertain(&self, attempts: u64) {
        self.uncertain.get_or_create(&[]).inc_by(attempts);
    }

    pub fn relay_is(&self, relay: &str, state: RelayState) {
        for one in RelayState::ALL {
            let labels = [("relay", owned(relay)), ("state", one.word().into())];
            self.relay_state.get_or_create(&labels).set(i64::from(one == state));
        }
    }

    pub fn relay_connections(&self, relay: &str, open: usize) {
        self.relay_connections.get_or_create(&[("relay", owned(relay))]).set(number(open));
    }

    /// A request for a route, by its pattern.
    pub fn answered(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let (method, route) = (("method", method.into()), ("route", owned(route)));
        let status = ("status", Cow::from(status.to_string()));
        self.requests.get_or_create(&[method.clone(), route.clone(), status]).inc();
        self.request.get_or_create(&[method, route]).observe(took.as_secs_f64());
    }

    pub fn signed_up(&self, result: &'static str) {
        self.sign_ups.get_or_create(&[("result", result.into())]).inc();
    }

    pub fn refused(&self, reason: &'static str) {
        self.refusals.get_or_create(&[("reason", reason.into())]).inc();
    }

    /// A try to tell a webhook something has come to its end.
    pub fn told(&self, outcome: &'static str) {
        self.told.get_or_create(&[("outcome", outcome.into())]).inc();
    }

    /// Whether it is time to ask the database again; whoever is told so asks.
    pub fn wants_a_look(&self, real: DateTime<Utc>, at_most_every: TimeDelta) -> bool {
        let mut looked_at = self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        let wants = looked_at.is_none_or(|at| real - at >= at_most_every);
        if wants {
            *looked_at = Some(real);
        }
        wants
    }

    /// What the database said; nothing when it did not answer. Old figures are not shown as if they were new.
    pub fn looked(&self, looked: Option<&Looked>) {
        self.database_up.get_or_create(&[]).set(i64::from(looked.is_some()));
        self.nodes.clear();
        for one in [&self.overdue, &self.held, &self.last_tick, &self.webhooks_given_up] {
            one.clear();
        }
        self.due.clear();
        self.untold.clear();
        let Some(looked) = looked else { return };
        for (lane, due) in &looked.due {
            self.due.get_or_create(&[("lane", (*lane).into())]).set(*due);
        }
        for (state, messages) in &looked.untold {
            self.untold.get_or_create(&[("state", (*state).into())]).set(*messages);
        }
        self.webhooks_given_up.get_or_create(&[]).set(looked.webhooks_given_up);
        self.overdue.get_or_create(&[]).set(looked.overdue);
        self.held.get_or_create(&[]).set(looked.held);
        for (role, alive) in &looked.nodes {
            self.nodes.get_or_create(&[("role", owned(role))]).set(*alive);
        }
        if let Some(last_tick) = looked.last_tick {
            self.last_tick.get_or_create(&[]).set(last_tick);
        }
    }

    pub fn pool(&self, pool: Pool) {
        for (state, count) in [("used", pool.used), ("idle", pool.idle)] {
            let labels = [("pool", pool.name.into()), ("state", state.into())];
            self.connections.get_or_create(&labels).set(number(count));
        }
        self.most_connections.get_or_create(&[("pool", pool.name.into())]).set(i64::from(pool.most));
    }
}

fn owned(text: &str) -> Cow<'static, str> {
    Cow::Owned(text.to_owned())
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
