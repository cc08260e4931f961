//! These run a real PostgreSQL, as do most tests of this crate.

use std::io::{BufRead, BufReader, Read};
use std::process::Command;

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use super::*;

/// Where the helper process of `kill_9…` keeps its data.
const HELD_FOLDER: &str = "REGIMEN_TEST_HELD_FOLDER";
const QUICK: [(&str, &str); 2] = [("fsync", "off"), ("max_connections", "7")];

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("regimen-test-").tempdir_in("/tmp").unwrap()
}

fn refusal(data: &Path) -> String {
    format!("{:#}", PrivatePostgres::start(data, &QUICK).expect_err("it must not start"))
}

async fn ask(url: &str, sql: &'static str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn it_starts_keeps_its_data_and_stops() {
    let folder = folder();
    let first = PrivatePostgres::start(folder.path(), &QUICK).unwrap();
    let sockets = first.sockets.clone();
    assert_eq!(ask(&first.url(), "show max_connections").await, "7");
    assert_eq!(ask(&first.url(), "show listen_addresses").await, "");
    ask(&first.url(), "with made as (select set_config('a.b', 'c', false)) select * from made").await;
    let mut connection = PgConnection::connect(&first.url()).await.unwrap();
    sqlx::raw_sql("create table kept as select 'still here' as what").execute(&mut connection).await.unwrap();

    assert!(refusal(folder.path()).contains("in use by another process"));
    let pid = PidFile::read(&folder.path().join("cluster")).unwrap().pid;
    // With a connection open: a fast shutdown does not wait for it.
    first.stop();
    assert!(!leftovers::runs_on(pid, folder.path()) && !sockets.exists());

    let second = PrivatePostgres::start(folder.path(), &QUICK).unwrap();
    assert_eq!(ask(&second.url(), "select what from kept").await, "still here");
}

/// Not a test: the process that `kill_9…` kills. It does nothing when it is run by itself.
#[test]
#[ignore = "run by kill_9_of_the_owner_stops_postgres"]
fn hold_until_killed() {
    let Some(folder) = std::env::var_os(HELD_FOLDER) else { return };
    let postgres = PrivatePostgres::start(Path::new(&folder), &QUICK).unwrap();
    println!("\nheld {}", postgres.url());
    let _ = std::io::stdin().read(&mut [0]);
}

#[tokio::test]
async fn kill_9_of_the_owner_stops_postgres() {
    let folder = folder();
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "local::postgres::tests::hold_until_killed", "--ignored", "--nocapture"])
        .env(HELD_FOLDER, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let url = lines.map_while(Result::ok).find_map(|it| it.strip_prefix("held ").map(str::to_owned)).unwrap();
    let cluster = folder.path().canonicalize().unwrap().join("cluster");
    let PidFile { pid, sockets, .. } = PidFile::read(&cluster).unwrap();
    assert!(leftovers::runs_on(pid, &cluster) && sockets.exists());
    let mut connection = PgConnection::connect(&url).await.unwrap();

    owner.kill().unwrap();
    owner.wait().unwrap();
    // The server ends this query long before its time, which is how we hear of it.
    let cut_short = sqlx::query("select pg_sleep(600)").execute(&mut connection);
    let cut_short = tokio::time::timeout(Duration::from_mins(1), cut_short).await.expect("postgres goes on");
    assert!(cut_short.is_err());
    until("postgres is gone", || !leftovers::runs_on(pid, &cluster));
    until("the folder of its socket is gone", || !sockets.exists());
    PrivatePostgres::start(folder.path(), &QUICK).unwrap().stop();
}

#[tokio::test]
async fn a_postgres_without_its_watchdog_is_replaced() {
    let folder = folder();
    let mut first = PrivatePostgres::start(folder.path(), &QUICK).unwrap();
    let cluster = folder.path().canonicalize().unwrap().join("cluster");
    let old = PidFile::read(&cluster).unwrap();
    // As if all but postgres had been killed: the watchdog, its reader (they share a process group), and us.
    let reader = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", first.watchdog.id()));
    let Ok(children) = reader else { return }; // Only Linux tells.
    let reader: i32 = children.split_whitespace().filter_map(|it| it.parse().ok()).find(|it| *it != old.pid).unwrap();
    for pid in [first.watchdog.id().cast_signed(), reader] {
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL)
            .unwrap();
    }
    first.watchdog.wait().unwrap();
    let lock = File::options().append(true).open(folder.path().join("lock")).unwrap();
    first.lock = Lock(lock);
    assert!(leftovers::runs_on(old.pid, &cluster));

    let second = PrivatePostgres::start(folder.path(), &QUICK).unwrap();
    assert!(!leftovers::runs_on(old.pid, &cluster) && !old.sockets.exists());
    assert_eq!(ask(&second.url(), "show port").await, "5432");
}

#[test]
fn a_stale_pid_file_of_another_process_does_not_hinder() {
    let folder = folder();
    PrivatePostgres::start(folder.path(), &QUICK).unwrap().stop();
    let stale = format!("{}\n/elsewhere\n1\n5432\n/tmp/regimen-pg-gone\n\n  1 2\nready\n", std::process::id());
    fs::write(folder.path().join("cluster/postmaster.pid"), stale).unwrap();
    PrivatePostgres::start(folder.path(), &QUICK).unwrap().stop();
}

#[test]
fn data_of_another_version_is_left_alone() {
    let folder = folder();
    fs::write(folder.path().join("lock"), "").unwrap();
    fs::create_dir(folder.path().join("cluster")).unwrap();
    fs::write(folder.path().join("cluster/PG_VERSION"), "9\n").unwrap();
    let error = refusal(folder.path());
    assert!(error.contains("made by PostgreSQL 9") && error.contains("PG_BIN"), "{error}");
    fs::write(folder.path().join("cluster/PG_VERSION"), "new\n").unwrap();
    assert!(refusal(folder.path()).contains("does not hold a version"));
}

#[test]
fn the_lock_is_free_at_once_even_if_a_starting_child_still_has_the_file() {
    let folder = folder();
    let lock = Lock::take(folder.path()).unwrap();
    let inherited = lock.0.try_clone().unwrap();
    drop(lock);
    Lock::take(folder.path()).unwrap();
    drop(inherited);
}

#[test]
fn an_interrupted_initdb_is_begun_again() {
    let folder = folder();
    fs::write(folder.path().join("lock"), "").unwrap();
    fs::create_dir(folder.path().join("cluster.unfinished")).unwrap();
    fs::write(folder.path().join("cluster.unfinished/PG_VERSION"), "15\n").unwrap();
    PrivatePostgres::start(folder.path(), &QUICK).unwrap().stop();
    assert!(!folder.path().join("cluster.unfinished").exists());
}

#[test]
fn a_folder_with_other_files_is_not_taken_over() {
    let folder = folder();
    fs::write(folder.path().join("letters.txt"), "mine").unwrap();
    assert!(refusal(folder.path()).contains("choose an empty folder"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_setting_that_postgres_refuses_is_shown_with_its_log() {
    let folder = folder();
    let error = PrivatePostgres::start(folder.path(), &[("fsync", "off"), ("max_connections", "none")]).unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("ended at once") && error.contains("max_connections"), "{error}");
}

#[test]
fn root_is_told_when_postgres_cannot_get_to_the_folder() {
    if !rustix::process::geteuid().is_root() {
        return; // Any other user runs postgres as itself.
    }
    let closed = folder();
    fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).unwrap();
    let error = refusal(&closed.path().join("inner"));
    assert!(error.contains("--data-dir") && error.contains("DATABASE_URL"), "{error}");
}

#[test]
fn a_user_without_a_name_is_told_what_to_do() {
    let complaint = "initdb: error: could not look up effective user ID 12345: user does not exist";
    assert!(explain_initdb(complaint).contains("DATABASE_URL"));
    assert_eq!(explain_initdb("initdb: error: disk full"), "initdb: error: disk full");
}

/// Looks until it is so: another process's end can only be watched.
fn until(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "not in 30 s: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
