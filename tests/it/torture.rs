//! Everything at once: three dispatchers at full speed on one PostgreSQL that is restarted and crashes, a relay that
//! misbehaves in every way it can, processes killed and frozen at random. Then all is let through, and the books close.
//!
//! The short form runs with the other tests. The long one by hand:
//! `REGIMEN_TORTURE_SECONDS=600 REGIMEN_TORTURE_READERS=5000 cargo test --release --test it torture:: -- --nocapture`.
//! `REGIMEN_TORTURE_SEED` repeats the choices of a run, which prints its seed.
mod books;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use regimen::clock::Clock;
use regimen::links::{Link, LinkKey, Purpose};
use reqwest::StatusCode;
use rustix::process::Signal;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::own_postgres::OwnPostgres;
use crate::support::process::{Environment, Folder, LINK_KEY, PATIENCE, Process, Site, copy_folder, until};
use crate::support::readers::{Reader, enroll, readers, spare_them_the_back_off};
use crate::support::rough::RoughRelay;
use crate::support::{SERIES, database};
use books::Books;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_torture_nothing_is_lost_and_doubled_is_only_what_is_listed_as_uncertain() {
    let (torture, books) = torture("resend", setting("REGIMEN_TORTURE_SECONDS", 14)).await;
    books.must_close();
    torture.must_have_hurt(&books);
    assert_eq!(books.lost, Vec::<Uuid>::new());
    assert!(!books.uncertain.is_empty(), "nothing was uncertain: the test shows nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_torture_with_hold_nothing_is_doubled_and_what_may_be_lost_is_listed() {
    let (torture, books) = torture("hold", setting("REGIMEN_TORTURE_SECONDS", 10)).await;
    books.must_close();
    torture.must_have_hurt(&books);
    assert_eq!(books.lost, Vec::<Uuid>::new());
    assert_eq!(books.doubled, Vec::<Uuid>::new());
    assert_eq!(books.held, books.uncertain, "what was uncertain stays so");
    assert!(!books.held.is_empty(), "nothing was uncertain: the test shows nothing");
}

/// A number from the environment, or what the short form takes.
fn setting(name: &str, short: u64) -> u64 {
    std::env::var(name).map_or(short, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// The shortest lease that the configuration allows.
const LEASE: Duration = Duration::from_secs(5);
const PROCESSES: usize = 3;

/// What was done to the processes and to PostgreSQL.
#[derive(Debug, Default)]
struct Deeds {
    kills: usize,
    freezes: usize,
    fast_restarts: usize,
    immediate_restarts: usize,
    crashes: usize,
    /// Processes that could not start because PostgreSQL went away just then.
    false_starts: usize,
}

impl Deeds {
    fn must_have_hurt(&self, books: &Books) {
        assert!(self.kills > 0 && self.freezes > 0, "{self:?}");
        assert!(self.fast_restarts + self.immediate_restarts > 0 && self.crashes > 0, "{self:?}");
        assert!(books.unsubscribed > 0 && books.rejected > 0, "{books:?}");
    }
}

async fn torture(on_uncertain: &str, seconds: u64) -> (Deeds, Books) {
    let began = Instant::now();
    let seed = setting("REGIMEN_TORTURE_SEED", 1);
    println!("REGIMEN_TORTURE_SEED={seed}, on_uncertain = {on_uncertain}, {seconds} seconds");
    let (postgres, relay, content) = (OwnPostgres::start().await, RoughRelay::start(seed).await, Folder::new());
    let db = database::connect(&postgres.url());
    books::call_a_witness(&db).await;
    let environment = Environment::production(&postgres.url(), &relay.url())
        .with("REGIMEN__DISPATCH__LEASE", "5s")
        .with("REGIMEN__DISPATCH__POLL", "500ms")
        .with("REGIMEN__SCHEDULE__REAP", "* * * * * *")
        .with("REGIMEN__DISPATCH__ON_UNCERTAIN", on_uncertain);
    without_waiting(&content);
    let publisher = environment.clone().with("REGIMEN__CONTENT__FOLDER", content.text());
    let mut web = Process::start(&["web"], &publisher);
    let site = Arc::new(web.pages().await);

    let stop = CancellationToken::new();
    let enrolled: Arc<Mutex<Vec<Reader>>> = Arc::default();
    let feeding = tokio::spawn(feed(db.clone(), enrolled.clone(), stop.clone()));
    let leaving = tokio::spawn(unsubscribe(site, enrolled.clone(), seed, stop.clone()));
    let _retrying = spare_them_the_back_off(&db);

    let mut torturer = Torturer::new(postgres, environment, seed);
    torturer.torture_for(Duration::from_secs(seconds), &relay).await;
    stop.cancel();
    feeding.await.unwrap();
    let left = leaving.await.unwrap();
    relay.behave();
    let under_torture = relay.count();
    torturer.let_go();
    let calm = Instant::now();
    torturer.until_nothing_is_due(&db, &relay).await;
    let (deeds, _postgres) = torturer.end().await;
    assert_eq!(web.stop(Signal::TERM).await.code, Some(0));

    let books = Books::read(&db, &relay, &left).await;
    println!(
        "{books} {under_torture} mails were kept in {seconds} s of torture, and the rest let through in {:.1} s; {:.1} s in all. \
         {deeds:?}. The relay: {:?}",
        calm.elapsed().as_secs_f64(),
        began.elapsed().as_secs_f64(),
        relay.misdeeds()
    );
    (deeds, books)
}

/// The series of this repository with all parts due at once: one part's end is the next one's beginning. Its texts are
/// short, so that a process that was killed is soon replaced.
fn without_waiting(folder: &Folder) {
    const BODY: &str = "+++\nsubject = \"A part\"\npreheader = \"What it is about\"\n\n[[sources]]\n\
        publisher = \"Example Institute\"\ntitle = \"A page\"\nurl = \"https://example.org/\"\n+++\nShort.\n\n{{> condition}}\n";
    copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("emails"), folder.path());
    let file = folder.join(&format!("{SERIES}/series.toml"));
    let text = std::fs::read_to_string(&file).unwrap();
    let (head, rest) = text.split_once("[[conditions]]").unwrap();
    let steps = &rest[rest.find("[[steps]]").unwrap()..];
    let text = format!("{head}[[conditions]]\nkey = \"lung\"\nname = \"Lung cancer\"\n\n{steps}")
        .replace("delay = \"3d\"", "delay = \"0\"")
        .replace("min_gap = \"20h\"", "min_gap = \"0\"")
        .replace("from = \"08:00\"", "from = \"00:00\"")
        .replace("to = \"20:00\"", "to = \"00:00\"");
    assert_eq!(text.matches("= \"00:00\"").count() + text.matches("delay = \"0\"").count(), 2 + 6, "{text}");
    for step in steps.lines().filter_map(|line| line.strip_prefix("folder = ")) {
        let step = step.trim_matches('"');
        folder.write(&format!("{SERIES}/{step}/body.md"), BODY);
        folder.write(&format!("{SERIES}/{step}/conditions.md"), "## lung\n\nShort.\n");
    }
    // In the language of the series alone.
    std::fs::remove_dir_all(folder.join(&format!("{SERIES}/es"))).unwrap();
    std::fs::write(file, text).unwrap();
}

/// Enrolls readers whenever little is left to send, so that the send never comes to its end by itself.
async fn feed(db: PgPool, enrolled: Arc<Mutex<Vec<Reader>>>, stop: CancellationToken) {
    // So few buckets that each claim finds many.
    const BUCKETS: i16 = 8;
    let wave = usize::try_from(setting("REGIMEN_TORTURE_READERS", 150)).unwrap();
    let mut known = 0;
    while !stop.is_cancelled() {
        let owed = books::owed(&db).await;
        if owed.is_some_and(|owed| owed < i64::try_from(wave).unwrap()) {
            let some = wave * 64 / usize::from(BUCKETS.unsigned_abs());
            let new = readers(known..known + some, BUCKETS);
            if enroll(&db, &new).await.is_ok() {
                known += some;
                enrolled.lock().unwrap().extend(new);
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Who left, and when they had been told so.
type Left = BTreeMap<Uuid, DateTime<Utc>>;

/// Readers leave, one after another, by the link in their mails.
async fn unsubscribe(site: Arc<Site>, enrolled: Arc<Mutex<Vec<Reader>>>, seed: u64, stop: CancellationToken) -> Left {
    let (key, clock) = (LinkKey::parse(LINK_KEY).unwrap(), Clock::system());
    let mut random = StdRng::seed_from_u64(seed ^ 1);
    let mut left = Left::new();
    while !stop.is_cancelled() {
        tokio::time::sleep(Duration::from_millis(random.random_range(20..200))).await;
        let reader = {
            let enrolled = enrolled.lock().unwrap();
            // One of the newest, who still has parts to come.
            let newest = enrolled.len().saturating_sub(300);
            if enrolled.is_empty() {
                continue;
            }
            enrolled[random.random_range(newest..enrolled.len())].clone()
        };
        let (bucket, enrollment) = (reader.bucket, reader.enrollment);
        let link = Link { purpose: Purpose::Unsubscribe, bucket, enrollment, request: 0, issued: clock.real() };
        let path = format!("/unsubscribe/{}", key.sign(&link));
        if site.post(&path).await.status() == StatusCode::OK {
            left.entry(enrollment).or_insert_with(|| clock.real());
        }
    }
    left
}

struct Torturer {
    postgres: OwnPostgres,
    environment: Environment,
    random: StdRng,
    processes: Vec<Victim>,
    deeds: Deeds,
}

struct Victim {
    process: Process,
    frozen_until: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Kill,
    Freeze,
    RestartFast,
    RestartImmediately,
    Crash,
}

impl Torturer {
    fn new(postgres: OwnPostgres, environment: Environment, seed: u64) -> Self {
        let mut this = Self {
            postgres,
            environment,
            random: StdRng::seed_from_u64(seed),
            processes: Vec::new(),
            deeds: Deeds::default(),
        };
        this.revive();
        this
    }

    async fn torture_for(&mut self, span: Duration, relay: &RoughRelay) {
        until("the send goes on", async || (relay.count() > 20).then_some(())).await;
        let began = Instant::now();
        // Each once, so that also a short torture is one, then at random.
        let mut first = vec![Deed::RestartImmediately, Deed::Kill, Deed::Crash, Deed::Kill, Deed::Freeze, Deed::Kill];
        if self.random.random() {
            first[0] = Deed::RestartFast;
        }
        while began.elapsed() < span || !first.is_empty() {
            self.let_some_through(relay).await;
            self.thaw();
            self.revive();
            let deed = first.pop().unwrap_or_else(|| self.choose());
            self.commit(deed).await;
        }
    }

    /// A deed hits only what is at work: on a slow machine there is more time between two of them.
    async fn let_some_through(&mut self, relay: &RoughRelay) {
        let (enough, began) = (relay.count() + self.random.random_range(10..250), Instant::now());
        while relay.count() < enough && began.elapsed() < Duration::from_secs(2) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_micros(self.random.random_range(0..20_000))).await;
    }

    fn choose(&mut self) -> Deed {
        match self.random.random_range(0..100) {
            0..58 => Deed::Kill,
            58..85 => Deed::Freeze,
            85..90 => Deed::RestartFast,
            90..95 => Deed::RestartImmediately,
            _ => Deed::Crash,
        }
    }

    async fn commit(&mut self, deed: Deed) {
        let victim = self.random.random_range(0..PROCESSES);
        match deed {
            Deed::Kill => {
                self.deeds.kills += 1;
                self.processes.remove(victim).process.kill();
                self.revive();
            }
            Deed::Freeze if self.processes.iter().all(|one| one.frozen_until.is_none()) => {
                self.deeds.freezes += 1;
                // Past its lease, and until the others have taken over what it held.
                let span = LEASE + Duration::from_millis(self.random.random_range(500..3_000));
                self.processes[victim].process.signal(Signal::STOP);
                self.processes[victim].frozen_until = Some(Instant::now() + span);
            }
            Deed::Freeze => {}
            Deed::RestartFast => {
                self.deeds.fast_restarts += 1;
                self.postgres.restart(Signal::INT).await;
            }
            Deed::RestartImmediately => {
                self.deeds.immediate_restarts += 1;
                self.postgres.restart(Signal::QUIT).await;
            }
            Deed::Crash => {
                self.deeds.crashes += 1;
                self.postgres.crash().await;
            }
        }
    }

    fn thaw(&mut self) {
        for one in &mut self.processes {
            if one.frozen_until.is_some_and(|until| Instant::now() >= until) {
                one.process.signal(Signal::CONT);
                one.frozen_until = None;
            }
        }
    }

    /// There are always so many processes, as a supervisor sees to it.
    fn revive(&mut self) {
        let mut still_there = Vec::new();
        for mut one in self.processes.drain(..) {
            if one.process.is_gone() {
                let ended = one.process.kill();
                assert!(ended.err.contains("regimen: "), "it ended by itself: {}", ended.err);
                self.deeds.false_starts += 1;
            } else {
                still_there.push(one);
            }
        }
        self.processes = still_there;
        while self.processes.len() < PROCESSES {
            let process = Process::start(&["dispatch"], &self.environment);
            self.processes.push(Victim { process, frozen_until: None });
        }
    }

    /// Nobody is frozen any more.
    fn let_go(&mut self) {
        for one in &mut self.processes {
            one.process.signal(Signal::CONT);
            one.frozen_until = None;
        }
    }

    /// However long it takes, as long as it goes on.
    async fn until_nothing_is_due(&mut self, db: &PgPool, relay: &RoughRelay) {
        let (mut before, mut moved) = ((0, None), Instant::now());
        loop {
            self.revive();
            let now = (relay.count(), books::owed(db).await);
            if now.1 == Some(0) {
                return;
            }
            if now != before {
                (before, moved) = (now, Instant::now());
            }
            assert!(moved.elapsed() < PATIENCE, "it does not go on: {now:?}, {:#?}", books::what_is_owed(db).await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops the processes in good order; PostgreSQL is left, for the books.
    async fn end(mut self) -> (Deeds, OwnPostgres) {
        self.revive();
        for one in self.processes {
            let ended = one.process.stop(Signal::TERM).await;
            assert_eq!(ended.code, Some(0), "{}", ended.err);
        }
        (self.deeds, self.postgres)
    }
}
