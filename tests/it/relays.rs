//! Several relays, fairly used, and domains that want their mail slowly.
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use regimen::dispatch::{self, DomainSettings, RelaySettings, Settings};
use regimen::local::smtp::Verdict;
use regimen::store::limits::{self, Closing, Limited, Rate};
use tokio_util::sync::CancellationToken;

use crate::support::relay::{At, Relay};
use crate::support::{App, Setup, database, hours, minutes};

/// A relay under a name of its own.
fn through(relay: &Relay, name: &str) -> RelaySettings {
    let mut way: regimen::transport::Relay = relay.url().parse().unwrap();
    way.name = name.into();
    RelaySettings::new(way, 4)
}

fn settings(app: &App, relays: Vec<RelaySettings>, domains: Vec<DomainSettings>) -> Settings {
    Settings { relays, domains, ..app.dispatch_settings() }
}

async fn drain(app: &App, settings: Settings) {
    dispatch::drain(app.service.clone(), settings, app.node()).await;
}

async fn sign_up_many(app: &App, domain: &str, count: usize) {
    for number in 0..count {
        app.sign_up(&format!("reader{number}@{domain}")).await;
    }
}

/// Polls until it is so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Runs a dispatcher beside `story`, and ends it.
async fn with_dispatcher(app: &App, settings: Settings, story: impl Future<Output = ()>) {
    let stop = CancellationToken::new();
    let running = dispatch::run(app.service.clone(), settings, app.node(), stop.clone());
    let story = async {
        story.await;
        stop.cancel();
    };
    let both = async { tokio::join!(running, story) };
    tokio::time::timeout(Duration::from_mins(2), both).await.expect("it ends when it is asked to");
}

fn domain(name: &str, connections: Option<usize>, per_minute: Option<u32>) -> DomainSettings {
    DomainSettings { domain: name.into(), connections, per_minute }
}

fn taken_of(relay: &Relay, domain: &str) -> Vec<String> {
    let all = relay.taken().into_iter().flat_map(|mail| mail.to);
    all.filter(|to| to.ends_with(&format!("@{domain}"))).collect()
}

#[tokio::test]
async fn two_relays_share_the_mails_by_their_weights() {
    let app = App::start().await;
    let second = Relay::start().await;
    sign_up_many(&app, "example.org", 240).await;
    let relays = vec![RelaySettings { weight: 3, ..through(&app.relay, "first") }, through(&second, "second")];
    drain(&app, settings(&app, relays, Vec::new())).await;
    let (one, other) = (app.relay.taken().len(), second.taken().len());
    assert_eq!(one + other, 240);
    assert!((150..=210).contains(&one), "{one} and {other} are not three to one");
}

#[tokio::test]
async fn when_a_relay_fails_the_other_gets_all_and_no_reader_is_charged() {
    let app = App::start().await;
    let second = Relay::start().await;
    sign_up_many(&app, "example.org", 60).await;
    app.relay.always(At::Connect, "", Verdict::Reply(421, "4.3.2 closing".into()));
    let relays = || vec![RelaySettings { weight: 9, ..through(&app.relay, "first") }, through(&second, "second")];
    drain(&app, settings(&app, relays(), Vec::new())).await;
    assert_eq!((app.relay.taken().len(), second.taken().len()), (0, 60));
    assert!(app.relay.connections() < 10, "{} connections to a relay that is down", app.relay.connections());
    assert_eq!(
        app.count("select count(*) from deliveries where tries <> 1").await,
        0,
        "one try each, the accepted one"
    );

    // It dies between two mails: what it has not taken goes another way, and is not charged either.
    app.relay.accept_all();
    app.relay.reply_next(At::MailFrom, 421, "4.7.0 too much, closing");
    app.relay.always(At::Rcpt, "", Verdict::Reply(421, "4.3.2 closing".into()));
    sign_up_many(&app, "example.net", 60).await;
    drain(&app, settings(&app, relays(), Vec::new())).await;
    assert_eq!((app.relay.taken().len(), second.taken().len()), (0, 120));
    assert_eq!(app.count("select count(*) from deliveries where tries <> 1").await, 0);
}

#[tokio::test]
async fn a_relay_that_failed_is_tried_with_one_connection_and_then_has_its_share_again() {
    let app = App::start().await;
    let second = Relay::start().await;
    app.relay.always(At::Connect, "", Verdict::Reply(421, "4.3.2 closing".into()));
    let relays = vec![RelaySettings { weight: 3, ..through(&app.relay, "first") }, through(&second, "second")];
    let dispatcher = settings(&app, relays, Vec::new());
    let story = async {
        sign_up_many(&app, "example.org", 30).await;
        until("the second has all", || second.taken().len() == 30).await;
        // It comes back, and takes its time over the first mail.
        let (release, released) = tokio::sync::oneshot::channel::<()>();
        let (reached, at_the_dot) = tokio::sync::oneshot::channel();
        app.relay.meanwhile(At::Message, async {
            reached.send(()).unwrap();
            released.await.ok();
        });
        app.relay.accept_all();
        let before = app.relay.connections();
        let mut at_the_dot = at_the_dot;
        let mut number = 0;
        while at_the_dot.try_recv().is_err() {
            app.sign_up(&format!("later{number}@example.net")).await;
            number += 1;
        }
        // Until its answer nothing else goes there.
        sign_up_many(&app, "example.com", 60).await;
        until("the second has all but the probe", || taken_of(&second, "example.com").len() == 60).await;
        assert_eq!(app.relay.connections() - before, 1, "one connection finds out");
        assert!(app.relay.taken().is_empty());
        release.send(()).unwrap();
        until("the probe is answered", || !app.relay.taken().is_empty()).await;
        sign_up_many(&app, "example.info", 80).await;
        until("all are sent", || {
            taken_of(&app.relay, "example.info").len() + taken_of(&second, "example.info").len() == 80
        })
        .await;
        let share = taken_of(&app.relay, "example.info").len();
        assert!(share >= 45, "{share} of 80 is not its share again");
    };
    with_dispatcher(&app, dispatcher, story).await;
    assert_eq!(app.count("select count(*) from deliveries where tries > 1").await, 0);
}

#[tokio::test]
async fn a_rate_holds_over_two_processes_and_a_restart() {
    let one = App::start().await;
    // Another process: it shares the database and nothing else.
    let other = App::start_on(one.database_url.clone(), one.relay.clone(), Setup::default()).await;
    sign_up_many(&one, "example.org", 60).await;
    let limited = |app: &App| {
        let relay = RelaySettings { per_minute: Some(600), ..through(&one.relay, "first") };
        settings(app, vec![relay], Vec::new())
    };
    drain(&one, limited(&one)).await;
    assert_eq!(one.relay.taken().len(), 10, "a second's worth");
    drain(&other, limited(&other)).await;
    assert_eq!(one.relay.taken().len(), 10, "and no more, whoever asks");
    let advance = |span: TimeDelta| {
        one.advance(span);
        other.advance(span);
    };
    advance(TimeDelta::milliseconds(500));
    drain(&other, limited(&other)).await;
    assert_eq!(one.relay.taken().len(), 15);
    let mut tenths = 5;
    while one.relay.taken().len() < 60 {
        advance(TimeDelta::milliseconds(700));
        tenths += 7;
        tokio::join!(drain(&one, limited(&one)), drain(&other, limited(&other)));
        let most = 10 + tenths;
        assert!(one.relay.taken().len() <= most, "{} after {tenths} tenths of a second", one.relay.taken().len());
        assert!(tenths < 200, "the rate is used");
    }
    assert_eq!(one.count("select count(*) from deliveries where tries <> 1").await, 0, "waiting is not charged");
    assert_eq!(one.count("select count(*) from attempts where outcome <> 'accepted'").await, 0, "nor written down");
}

#[tokio::test]
async fn a_dispatcher_waits_for_the_rate_and_keeps_to_it() {
    let app = App::start_with(Setup { clock: Some(regimen::clock::Clock::system()), ..Setup::default() }).await;
    sign_up_many(&app, "example.org", 40).await;
    let relay = RelaySettings { per_minute: Some(1_200), ..through(&app.relay, "first") };
    let began = std::time::Instant::now();
    with_dispatcher(&app, settings(&app, vec![relay], Vec::new()), async {
        until("all are sent", || app.relay.taken().len() == 40).await;
    })
    .await;
    // Twenty at once, then twenty a second.
    assert!(began.elapsed() >= Duration::from_millis(950), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_warm_up_and_a_daily_cap_stop_at_their_number_and_go_on_the_next_day() {
    let app = App::start().await;
    let second = App::start_on(app.database_url.clone(), app.relay.clone(), Setup::default()).await;
    sign_up_many(&app, "example.org", 60).await;
    let limited = |app: &App| {
        let relay = RelaySettings { per_day: Some(20), warm_up: vec![5, 12], ..through(&app.relay, "first") };
        settings(app, vec![relay], Vec::new())
    };
    for expected in [5, 17, 37, 57, 60] {
        for _ in 0..2 {
            drain(&app, limited(&app)).await;
            drain(&second, limited(&second)).await;
        }
        assert_eq!(app.relay.taken().len(), expected);
        for app in [&app, &second] {
            app.service.clock().advance_real(hours(24));
        }
    }
    assert_eq!(app.count("select count(*) from deliveries where tries <> 1").await, 0);
    let days: Vec<i64> =
        sqlx::query_scalar("select taken from relay_days order by day").fetch_all(app.db()).await.unwrap();
    assert_eq!(days, [5, 12, 20, 20, 3], "what was not used was given back");
}

#[tokio::test]
async fn what_a_relay_did_not_take_is_not_counted_against_its_day() {
    let app = App::start().await;
    sign_up_many(&app, "example.org", 12).await;
    app.relay.always(At::Connect, "", Verdict::Drop);
    let limited = || {
        let relay = RelaySettings { per_day: Some(10), ..through(&app.relay, "first") };
        settings(&app, vec![relay], Vec::new())
    };
    for _ in 0..5 {
        drain(&app, limited()).await;
    }
    app.relay.accept_all();
    drain(&app, limited()).await;
    assert_eq!(app.relay.taken().len(), 10);
}

#[tokio::test]
async fn a_domain_that_greylists_holds_nobody_else_up_and_is_charged_no_faster_than_the_back_off() {
    let app = App::start().await;
    let slow = "slow.example.org";
    sign_up_many(&app, slow, 120).await;
    sign_up_many(&app, "example.org", 30).await;
    app.relay.always(At::Rcpt, "@slow.example.org", Verdict::Reply(451, "4.7.1 Greylisted, try later".into()));
    app.dispatch_all_due().await;
    assert_eq!(taken_of(&app.relay, "example.org").len(), 30, "the others are not held up");
    let attempts = || app.count("select count(*) from attempts where outcome = 'deferred'");
    let tried = attempts().await;
    assert!((1..=100).contains(&tried), "{tried} of 120 were tried before it was closed");
    assert_eq!(app.count("select max(tries)::bigint from deliveries").await, 1);
    assert_eq!(
        app.count("select sum(tries)::bigint from deliveries where state = 'pending'").await,
        tried,
        "who waits is not charged"
    );

    // Another process, or the same one after a restart, knows it.
    let other = App::start_on(app.database_url.clone(), app.relay.clone(), Setup::default()).await;
    other.sign_up("late@slow.example.org").await;
    other.sign_up("late@example.org").await;
    other.dispatch_all_due().await;
    assert_eq!(attempts().await, tried, "nothing goes there");
    assert_eq!(taken_of(&app.relay, "example.org").len(), 31);

    // For half an hour it goes on so. Each mail has had no more tries than its own back-off allows, and the domain is asked
    // for a few at a time.
    let mut before = tried;
    for _ in 0..30 {
        app.service.clock().advance_real(minutes(1));
        app.dispatch_all_due().await;
        let now = attempts().await;
        assert!(now - before <= 15, "{} in one minute", now - before);
        before = now;
    }
    // 1, 5 and 15 minutes after each other, each ±20 %.
    assert!(app.count("select max(tries)::bigint from deliveries").await <= 4);
    assert_eq!(app.count("select count(*) from slow_domains where repeats > 3").await, 1);

    app.relay.accept_all();
    for _ in 0..60 {
        app.service.clock().advance_real(minutes(1));
        app.dispatch_all_due().await;
    }
    let mut all = taken_of(&app.relay, slow);
    all.sort();
    all.dedup();
    assert_eq!((all.len(), taken_of(&app.relay, slow).len()), (121, 121), "in the end each has one");
    assert_eq!(app.count("select count(*) from slow_domains").await, 0, "and nothing is held against it");
}

#[tokio::test]
async fn a_domains_rate_spreads_its_mails_in_due_order_and_holds_nobody_else_up() {
    let app = App::start().await;
    let other = App::start_on(app.database_url.clone(), app.relay.clone(), Setup::default()).await;
    let advance = |span: TimeDelta| {
        app.advance(span);
        other.advance(span);
    };
    let slow = "slow.example.org";
    // Of one bucket, so that their order is the queue's.
    let bucket = crate::support::address("reader@slow.example.org").bucket();
    let all = (0..).map(|number| format!("reader{number}@{slow}"));
    let readers: Vec<String> = all.filter(|one| crate::support::address(one).bucket() == bucket).take(14).collect();
    let later: Vec<String> = (1..14).map(|number| format!("later{number}@{slow}")).collect();
    for reader in readers.iter().chain(&later) {
        app.sign_up(reader).await;
    }
    sign_up_many(&app, "example.org", 20).await;
    app.dispatch_all_due().await;
    let confirmations = readers.len() + later.len();
    // Their first parts fall due one after the other.
    for reader in &readers {
        app.confirm(reader).await;
        advance(TimeDelta::milliseconds(1));
    }
    for number in 0..20 {
        app.confirm(&format!("reader{number}@example.org")).await;
    }
    let limited = |app: &App| settings(app, vec![through(&app.relay, "first")], vec![domain(slow, None, Some(60))]);
    let arrived = || taken_of(&app.relay, slow).split_off(confirmations);
    drain(&app, limited(&app)).await;
    assert_eq!(taken_of(&app.relay, "example.org").len(), 40, "the others have both their mails");
    assert_eq!(arrived(), readers[..1], "one a second");
    for second in 1..14 {
        // Somebody whose part falls due later does not come between.
        app.confirm(&later[second - 1]).await;
        advance(TimeDelta::seconds(1));
        let turn = if second % 2 == 0 { &app } else { &other };
        drain(turn, limited(turn)).await;
        assert_eq!(arrived(), readers[..=second]);
    }
    // What a reader waits for at the screen does.
    app.sign_up("new@slow.example.org").await;
    advance(TimeDelta::seconds(1));
    drain(&app, limited(&app)).await;
    assert_eq!(arrived()[14..], ["new@slow.example.org"]);
    for _ in 0..20 {
        advance(TimeDelta::seconds(1));
        drain(&app, limited(&app)).await;
    }
    assert_eq!(arrived().len(), 14 + 1 + 13);
    assert_eq!(app.count("select count(*) from attempts where outcome <> 'accepted'").await, 0);
    assert_eq!(app.count("select count(*) from deliveries where settled_at is not null and tries <> 1").await, 0);
}

#[tokio::test]
async fn no_more_mails_are_in_flight_to_a_domain_than_it_wants() {
    let app = App::start_with(Setup { clock: Some(regimen::clock::Clock::system()), ..Setup::default() }).await;
    sign_up_many(&app, "narrow.example.org", 6).await;
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let (reached, at_the_dot) = tokio::sync::oneshot::channel();
    app.relay.meanwhile(At::Message, async {
        reached.send(()).unwrap();
        released.await.ok();
    });
    let narrow = vec![domain("*", Some(1), None), domain("example.org", Some(50), None)];
    let dispatcher = settings(&app, vec![through(&app.relay, "first")], narrow);
    let story = async {
        at_the_dot.await.unwrap();
        sign_up_many(&app, "example.org", 40).await;
        until("the others are sent", || taken_of(&app.relay, "example.org").len() == 40).await;
        assert!(taken_of(&app.relay, "narrow.example.org").is_empty(), "the first is still on its way");
        release.send(()).unwrap();
        until("the rest follows", || taken_of(&app.relay, "narrow.example.org").len() == 6).await;
    };
    with_dispatcher(&app, dispatcher, story).await;
    assert_eq!(app.count("select count(*) from deliveries where tries <> 1").await, 0);
}

// What the processes keep to together, at its source.

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_770_000_000 + seconds, 0).unwrap()
}

#[tokio::test]
async fn tokens_are_never_given_out_twice_however_many_ask() {
    let url = database::fresh().await;
    let rate = Rate { per_second: 50.0, burst: 80.0 };
    let granted = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let (granted, db) = (granted.clone(), database::connect(&url));
        tasks.spawn(async move {
            for step in 0..60_i64 {
                // Each has a clock of its own, up to a second apart, and one goes back at times.
                let now =
                    at(0) + TimeDelta::milliseconds(step * 100 + task * 125 - if step % 7 == 0 { 400 } else { 0 });
                let want = u32::try_from(step % 13).unwrap();
                let taken = limits::take_tokens(&db, Limited::Relay, "first", rate, want, 0, now).await.unwrap();
                assert!(taken.granted <= want);
                granted.fetch_add(taken.granted, std::sync::atomic::Ordering::Relaxed);
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    // From the first clock's beginning to the last one's end.
    let seconds = 0.4 + 5.9 + 0.875;
    let sum = granted.load(std::sync::atomic::Ordering::Relaxed);
    assert!(f64::from(sum) <= 80.0 + 50.0 * seconds, "{sum}");
    assert!(sum >= 300, "and what there is can be had: {sum}");

    // After a restart the bucket is as it was, and another name's is full.
    let db = database::connect(&url);
    let take = async |key: &str, want, back, now| {
        limits::take_tokens(&db, Limited::Relay, key, rate, want, back, now).await.unwrap()
    };
    take("first", 1_000, 0, at(7)).await;
    let empty = take("first", 10, 0, at(7)).await;
    assert_eq!(empty.granted, 0);
    assert!(empty.next <= TimeDelta::milliseconds(20) && empty.next > TimeDelta::zero(), "{empty:?}");
    assert_eq!(take("first", 10, 0, at(0)).await.granted, 0, "a clock that went back gets nothing");
    assert_eq!(take("first", 100, 7, at(7)).await.granted, 7, "what was given back");
    assert_eq!(take("first", 100, 0, at(8)).await.granted, 50);
    assert_eq!(take("first", 100, 1_000, at(9_000)).await.granted, 80, "no more than the burst");
    assert_eq!(take("second", 100, 0, at(0)).await.granted, 80);
    let domain = limits::take_tokens(&db, Limited::Domain, "first", rate, 100, 0, at(0)).await.unwrap();
    assert_eq!(domain.granted, 80, "a domain of a relay's name is something else");
}

#[tokio::test]
async fn turns_are_given_out_once_and_in_order() {
    let url = database::fresh().await;
    let db = database::connect(&url);
    let rate = Rate::per_minute(30);
    limits::take_tokens(&db, Limited::Domain, "example.org", rate, 1, 0, at(0)).await.unwrap();
    let turns = |mails, now| limits::take_turns(&db, Limited::Domain, "example.org", rate, mails, now);
    assert_eq!(turns(3, at(0)).await.unwrap(), at(0));
    assert_eq!(turns(1, at(0)).await.unwrap(), at(6));
    assert_eq!(turns(1, at(100)).await.unwrap(), at(100));
    let all: Vec<_> = futures::future::join_all((0..10).map(|_| turns(2, at(100)))).await;
    let mut firsts: Vec<i64> = all.into_iter().map(|first| (first.unwrap() - at(100)).num_seconds()).collect();
    firsts.sort_unstable();
    assert_eq!(firsts, [2, 6, 10, 14, 18, 22, 26, 30, 34, 38]);
    let taken = limits::take_tokens(&db, Limited::Domain, "example.org", rate, 1, 0, at(100)).await.unwrap();
    assert_eq!(taken.turns_until, Some(at(142)));
}

#[tokio::test]
async fn a_days_cap_holds_however_many_ask() {
    let url = database::fresh().await;
    let day = at(0).date_naive();
    let db = database::connect(&url);
    let ask = |want| limits::take_of_day(&db, "first", day, 100, want);
    let all = futures::future::join_all((0..40).map(|number| ask(number % 9))).await;
    assert_eq!(all.into_iter().map(Result::unwrap).sum::<u32>(), 100);
    assert_eq!(ask(5).await.unwrap(), 0);
    limits::give_day_back(&db, "first", day, 3).await.unwrap();
    assert_eq!(ask(5).await.unwrap(), 3);
    assert_eq!(limits::take_of_day(&db, "first", day, 50, 5).await.unwrap(), 0, "a cap may be lowered");
    assert_eq!(limits::first_day(&db, "first").await.unwrap(), Some(day));
    assert_eq!(limits::first_day(&db, "second").await.unwrap(), None);
}

#[tokio::test]
async fn a_slow_domain_is_left_alone_for_longer_each_time_and_forgotten_after_a_quiet_time() {
    let db = database::connect(&database::fresh().await);
    let closing = Closing { first: TimeDelta::seconds(60), most: TimeDelta::seconds(200) };
    let slow = |now: DateTime<Utc>| limits::slow_domain(&db, "example.org", closing, now);
    let mut now = at(0);
    for span in [60, 120, 200, 200] {
        let first = slow(now).await.unwrap();
        assert_eq!((first.until - now).num_seconds(), span);
        assert_eq!(slow(now + TimeDelta::seconds(5)).await.unwrap(), first, "the same storm counts once");
        now = first.until;
    }
    assert_eq!(limits::slow_domains(&db, now, 10).await.unwrap().len(), 1);
    limits::forget_slow_domain(&db, "example.org", now - TimeDelta::seconds(1)).await.unwrap();
    assert_eq!(limits::slow_domains(&db, now, 10).await.unwrap().len(), 1, "not while it is closed");
    let quiet = now + limits::SLOW_KEPT + TimeDelta::seconds(1);
    assert!(limits::slow_domains(&db, quiet, 10).await.unwrap().is_empty());
    assert_eq!((slow(quiet).await.unwrap().until - quiet).num_seconds(), 60, "it begins anew");
    limits::forget_domains(&db, quiet + TimeDelta::days(2)).await.unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from slow_domains").fetch_one(&db).await.unwrap();
    assert_eq!(left, 0);
}
