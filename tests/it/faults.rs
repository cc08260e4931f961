//! Faults of daily life: what a process says and does when something around it is not there, or not right.
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use rustix::process::Signal;
use sqlx::PgPool;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::support::database;
use crate::support::process::{Ended, Environment, Folder, Process, copy_folder, until};
use crate::support::relay::Relay;
use crate::support::small_disk::SmallDisk;

async fn count(db: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

/// Where the tests' server listens.
fn socket_of(database_url: &str) -> String {
    let url = url::Url::parse(database_url).unwrap();
    let (_, folder) =
        url.query_pairs().find(|(name, _)| name == "host").expect("the tests' server is on a Unix socket");
    format!("{folder}/.s.PGSQL.5432")
}

/// The same database, another way in.
fn by_way_of(database_url: &str, host: &str) -> String {
    let mut url = url::Url::parse(database_url).unwrap();
    url.query_pairs_mut().clear().append_pair("host", host);
    url.to_string()
}

fn said(ended: &Ended, code: i32, parts: &[&str]) {
    assert_eq!(ended.code, Some(code), "{}", ended.err);
    for part in parts {
        assert!(ended.err.contains(part), "{part:?} is missing in: {}", ended.err);
    }
}

#[tokio::test]
async fn a_database_that_is_not_up_yet_is_waited_for() {
    let (folder, database_url, relay) = (Folder::new(), database::fresh().await, Relay::start().await);
    let environment = Environment::production(&by_way_of(&database_url, folder.text()), &relay.url());
    let mut process = Process::start(&["serve"], &environment);
    process.says("waiting for the database, which does not answer yet").await;
    let listener = UnixListener::bind(folder.join(".s.PGSQL.5432")).unwrap();
    let socket = socket_of(&database_url);
    let proxy = tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = UnixStream::connect(&socket).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await.ok() });
        }
    });
    let site = process.pages().await;
    until("its dispatcher moves", async || (site.get("/readyz").await.status() == StatusCode::OK).then_some(())).await;
    assert_eq!(process.err().matches("waiting for the database").count(), 1, "once is enough");
    assert_eq!(process.stop(Signal::TERM).await.code, Some(0));
    proxy.abort();
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_named_at_once_and_the_wait_can_be_stopped() {
    // Nobody listens there any more, and for the moment nobody else is given it.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let url = format!("postgresql://regimen:a-secret-word@127.0.0.1:{port}/regimen");
    let began = Instant::now();
    let mut process = Process::start(&["serve"], &Environment::production(&url, "smtp://127.0.0.1:1?tls=none"));
    process.says("waiting for the database").await;
    assert!(process.err().contains("Connection refused"), "{}", process.err());
    assert!(began.elapsed() < Duration::from_secs(8), "it was silent for {:?}", began.elapsed());
    let asked = Instant::now();
    let ended = process.stop(Signal::TERM).await;
    said(&ended, 0, &["stopping"]);
    assert!(asked.elapsed() < Duration::from_secs(3), "it waited on for {:?}", asked.elapsed());
    assert!(!ended.err.contains("a-secret-word"));

    let short = Environment::production(&url, "smtp://127.0.0.1:1?tls=none").with("REGIMEN__DATABASE__WAIT", "1s");
    said(&Process::run(&["serve"], &short).await, 1, &["the database did not answer in 1s", "Connection refused"]);
}

#[tokio::test]
async fn a_wrong_database_user_or_password_is_not_waited_for() {
    let (database_url, relay) = (database::fresh().await, Relay::start().await);
    let db = database::connect(&database_url);
    demand_a_password(&db, "with_password").await;
    let with = |change: &dyn Fn(&mut url::Url)| {
        let mut url = url::Url::parse(&database_url).unwrap();
        change(&mut url);
        url.to_string()
    };
    let faults = [
        (with(&|url| url.set_path("nowhere")), "database \"nowhere\" does not exist"),
        (with(&|url| url.set_username("nobody_here").unwrap()), "role \"nobody_here\" does not exist"),
        (
            with(&|url| {
                url.set_username("with_password").unwrap();
                url.set_password(Some("not-the-password")).unwrap();
            }),
            "password authentication failed",
        ),
    ];
    for (url, fault) in faults {
        let began = Instant::now();
        for command in [&["serve"][..], &["migrate"]] {
            let ended = Process::run(command, &Environment::production(&url, &relay.url())).await;
            said(&ended, 1, &["the database refuses", fault, "DATABASE_URL"]);
            assert!(!ended.err.contains("not-the-password"));
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{fault}: it waited {:?}", began.elapsed());
    }
    let nonsense = Environment::production("mysql://somebody@localhost/x", &relay.url());
    said(&Process::run(&["serve"], &nonsense).await, 1, &["DATABASE_URL cannot be read"]);
}

/// A role that must show a password, on a server that trusts all others.
async fn demand_a_password(db: &PgPool, role: &str) {
    let sql = format!("create role {role} login password 'the-password'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(db).await.unwrap();
    let file: String = sqlx::query_scalar("select current_setting('hba_file')").fetch_one(db).await.unwrap();
    let rules = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("local all {role} scram-sha-256\n{rules}")).unwrap();
    let reloaded: bool = sqlx::query_scalar("select pg_reload_conf()").fetch_one(db).await.unwrap();
    assert!(reloaded);
    until("the rule is read", async || {
        let loaded = "select count(*) from pg_hba_file_rules where auth_method = 'scram-sha-256' and error is null";
        (count(db, loaded).await == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_its_setting() {
    let (database_url, relay) = (database::fresh().await, Relay::start().await);
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let environment = Environment::production(&database_url, &relay.url()).with("BIND", &address.to_string());
    let ended = Process::run(&["serve"], &environment).await;
    said(&ended, 1, &[&format!("port {} is taken", address.port()), "BIND"]);
}

#[tokio::test]
async fn what_is_missing_is_said_all_at_once() {
    let ended = Process::run(&["serve"], &Environment::bare()).await;
    said(&ended, 1, &["DATABASE_URL", "PUBLIC_URL", "SEAL_KEYS", "LINK_KEY", "SMTP_URL", "regimen keys"]);
    let web = Process::run(&["web"], &Environment::bare().with("PUBLIC_URL", "http://series.example.org")).await;
    said(&web, 1, &["DATABASE_URL", "https://"]);
    assert!(!web.err.contains("SMTP_URL"), "pages need no relay");
}

#[tokio::test]
async fn what_is_wrong_in_the_configuration_is_said_all_at_once_with_exit_code_3() {
    let folder = Folder::new();
    let file = folder
        .write("regimen.toml", "[web]\nbint = \"127.0.0.1:1\"\n[smtp]\nconnections = 0\n[log]\nformat = \"xml\"\n");
    let environment = Environment::bare().with("LINK_KEY", "too-short").with("REGIMEN__DISPATCH__LEASE", "1s");
    let ended = Process::run(&["--config", file.to_str().unwrap(), "serve"], &environment).await;
    said(&ended, 3, &["web.bint", "smtp.connections", "log.format", "LINK_KEY", "dispatch.lease", "5 faults"]);
    assert!(!ended.err.contains("too-short"), "a secret is not repeated");
    let broken = folder.write("broken.toml", "[web]\n\nbind = \n");
    let ended = Process::run(&["serve"], &environment.with("REGIMEN_CONFIG", broken.to_str().unwrap())).await;
    said(&ended, 3, &["broken.toml:3"]);
}

#[tokio::test]
async fn secrets_from_regimen_keys_and_from_files_are_good() {
    let (folder, database_url, relay) = (Folder::new(), database::fresh().await, Relay::start().await);
    let keys = Process::run(&["keys"], &Environment::bare()).await;
    assert_eq!((keys.code, keys.err.as_str()), (Some(0), ""));
    let mut environment = Environment::production(&database_url, &relay.url());
    for line in keys.out.lines() {
        let (name, value) = line.split_once('=').unwrap();
        let path = folder.write(name, &format!("{value}\n"));
        let key = format!("REGIMEN__SECRETS__{name}_FILE");
        environment = environment.without(name).with(&key, path.to_str().unwrap());
    }
    let mut process = Process::start(&["web"], &environment);
    process.pages().await;
    assert_eq!(process.stop(Signal::TERM).await.code, Some(0));
}

#[tokio::test]
async fn a_relay_that_cannot_be_reached_charges_nobody() {
    let database_url = database::fresh().await;
    let db = database::connect(&database_url);
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let environment = Environment::production(&database_url, &format!("smtp://{nobody}?tls=none"));
    let mut process = Process::start(&["serve"], &environment);
    let site = process.pages().await;
    assert_eq!(site.sign_up("somebody@example.org", "lung").await.status(), StatusCode::OK);
    process.says("the relay cannot be used; trying again later").await;
    until("it was claimed and given back", async || {
        let back = "select count(*) from deliveries where state = 'pending' and attempt > 1 and tries = 0";
        (count(&db, back).await == 1).then_some(())
    })
    .await;
    assert_eq!(count(&db, "select count(*) from attempts").await, 0);
    assert_eq!(site.get("/readyz").await.status(), StatusCode::OK, "pages and database do their work");
    assert_eq!(process.stop(Signal::TERM).await.code, Some(0));
    assert_eq!(count(&db, "select count(*) from deliveries where state = 'pending'").await, 1);
}

#[tokio::test]
async fn a_schema_that_does_not_fit_is_named_with_what_to_do() {
    let (database_url, relay) = (database::empty().await, Relay::start().await);
    let db = database::connect(&database_url);
    let environment = Environment::production(&database_url, &relay.url());
    for command in [&["serve"][..], &["dispatch"], &["subscribers", "list"]] {
        said(&Process::run(command, &environment).await, 1, &["older than this binary", "run `regimen migrate`"]);
    }
    assert_eq!(count(&db, "select count(*) from pg_tables where schemaname = 'public'").await, 0, "nothing is made");
    for _ in 0..2 {
        let only_the_url = Environment::bare().with("DATABASE_URL", &database_url);
        let migrated = Process::run(&["migrate"], &only_the_url).await;
        assert_eq!((migrated.code, migrated.out.as_str()), (Some(0), "the database schema is up to date\n"));
    }
    sqlx::query("insert into _sqlx_migrations values (9999, 'of tomorrow', now(), true, '', 0)")
        .execute(&db)
        .await
        .unwrap();
    for command in [&["serve"][..], &["migrate"], &["health"]] {
        said(&Process::run(command, &environment).await, 1, &["newer than this binary", "9999"]);
    }
    sqlx::query("delete from _sqlx_migrations where version = 9999").execute(&db).await.unwrap();
    sqlx::query("update _sqlx_migrations set checksum = ''").execute(&db).await.unwrap();
    for command in [&["serve"][..], &["migrate"]] {
        said(&Process::run(command, &environment).await, 1, &["was changed after it had been applied"]);
    }
}

/// The series of this repository, in a folder of its own.
fn series_folder(folder: &Folder) {
    copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("emails"), &folder.join("emails"));
}

#[tokio::test]
async fn a_broken_series_leaves_the_version_published_before_live() {
    let (folder, database_url, relay) = (Folder::new(), database::fresh().await, Relay::start().await);
    series_folder(&folder);
    let part = folder.join(&format!("emails/{}/02-antibodies/body.md", crate::support::SERIES));
    let text = std::fs::read_to_string(&part).unwrap();
    let line = text.lines().count() + 2;
    let broken = format!("{text}\nHello {{{{ no_such_variable }}}}\n");
    let environment = Environment::production(&database_url, &relay.url())
        .with("REGIMEN__CONTENT__FOLDER", folder.join("emails").to_str().unwrap());
    let fault = format!("02-antibodies/body.md:{line}");

    std::fs::write(&part, &broken).unwrap();
    said(&Process::run(&["serve"], &environment).await, 1, &["none was published before", &fault]);

    std::fs::write(&part, &text).unwrap();
    let mut process = Process::start(&["serve"], &environment);
    let published = process.pages().await.json("/readyz").await["content_version"].clone();
    assert_eq!(process.stop(Signal::TERM).await.code, Some(0));

    std::fs::write(&part, &broken).unwrap();
    let mut process = Process::start(&["serve"], &environment);
    let site = process.pages().await;
    assert_eq!(site.json("/readyz").await["content_version"], published);
    let log = process.err();
    assert!(log.contains(&fault) && log.contains("the version published before stays live"), "{log}");
    assert_eq!(site.get("/").await.status(), StatusCode::OK);
    assert_eq!(site.sign_up("somebody@example.org", "lung").await.status(), StatusCode::OK);
    until("the confirmation went out", async || relay.mails_to("somebody@example.org").pop()).await;
    assert_eq!(process.stop(Signal::TERM).await.code, Some(0));

    // Nor does a folder that is gone take the pages down.
    let gone = environment.with("REGIMEN__CONTENT__FOLDER", folder.join("nowhere").to_str().unwrap());
    let mut process = Process::start(&["web"], &gone);
    assert_eq!(process.pages().await.json("/readyz").await["content_version"], published);
    assert!(process.err().contains("nowhere"), "{}", process.err());
}

const NOTHING_WRITTEN: &str = "select (select count(*) from subscribers) + (select count(*) from enrollments)
    + (select count(*) from consents) + (select count(*) from deliveries)";

/// A reader signs up while the disk is full, by form and by JSON, and again when there is room.
async fn sign_up_on_a_full_disk(database_url: &str, fill: &str, make_room: &str) {
    let relay = Relay::start().await;
    let db = database::connect(database_url);
    let mut process = Process::start(&["serve"], &Environment::production(database_url, &relay.url()));
    let site = process.pages().await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(fill.to_owned())).execute(&db).await.unwrap();

    let response = site.sign_up("somebody@example.org", "lung").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    let page = response.text().await.unwrap();
    assert!(page.contains("What you typed is still here"), "{page}");
    assert!(!page.to_lowercase().contains("disk"), "causes are logged, not shown: {page}");
    let body = serde_json::json!({ "email": "somebody@example.org", "condition": "lung" });
    let response = reqwest::Client::new().post(format!("{}/subscribe", site.base)).json(&body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(count(&db, NOTHING_WRITTEN).await, 0, "all or nothing");
    assert_eq!(site.get("/").await.status(), StatusCode::OK, "who reads is not disturbed");
    let log = process.err();
    assert!(log.contains("the database refused") && !log.contains("somebody@"), "{log}");

    sqlx::raw_sql(sqlx::AssertSqlSafe(make_room.to_owned())).execute(&db).await.unwrap();
    assert_eq!(site.sign_up("somebody@example.org", "lung").await.status(), StatusCode::OK);
    until("the confirmation went out", async || relay.mails_to("somebody@example.org").pop()).await;
    assert_eq!(process.stop(Signal::TERM).await.code, Some(0));
    db.close().await;
}

#[tokio::test]
async fn a_full_disk_is_answered_with_try_again_and_nothing_is_half_written() {
    const FILL: &str = "create function no_room() returns trigger language plpgsql as $$ begin
            raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
        end $$;
        create trigger full_disk before insert on deliveries for each row execute function no_room()";
    sign_up_on_a_full_disk(&database::fresh().await, FILL, "drop trigger full_disk on deliveries").await;
}

/// Writes until there is no room.
const FILLER: &str = "create table filler (text text) tablespace small;
    alter table filler alter text set storage plain;
    do $$ begin loop begin insert into filler values (repeat('x', 7000));
        exception when disk_full then exit; end; end loop; end $$";

/// The same with a disk that is really full, where the tests may mount one (as root): the table is moved onto it.
#[tokio::test]
async fn a_disk_that_is_really_full_is_no_different() {
    let Some(disk) = SmallDisk::mount(1) else { return };
    let tablespace = disk.join("tablespace");
    std::fs::create_dir(&tablespace).unwrap();
    let database_url = database::fresh().await;
    let db = database::connect(&database_url);
    let data: String = sqlx::query_scalar("select current_setting('data_directory')").fetch_one(&db).await.unwrap();
    let owner = std::fs::metadata(data)
        .map(|it| (std::os::unix::fs::MetadataExt::uid(&it), std::os::unix::fs::MetadataExt::gid(&it)))
        .unwrap();
    std::os::unix::fs::chown(&tablespace, Some(owner.0), Some(owner.1)).unwrap();
    let place = format!("create tablespace small location '{}'", tablespace.display());
    sqlx::raw_sql(sqlx::AssertSqlSafe(place)).execute(&db).await.unwrap();
    sqlx::raw_sql("alter table deliveries set tablespace small").execute(&db).await.unwrap();
    sign_up_on_a_full_disk(&database_url, FILLER, "drop table filler").await;
    sqlx::raw_sql("alter table deliveries set tablespace pg_default").execute(&db).await.unwrap();
    sqlx::raw_sql("drop tablespace small").execute(&db).await.unwrap();
}

/// What stands between a process and its database, and can be taken away.
struct Bridge {
    folder: Folder,
    socket: String,
    tasks: Vec<JoinHandle<()>>,
}

impl Bridge {
    fn to(database_url: &str) -> Self {
        Self { folder: Folder::new(), socket: socket_of(database_url), tasks: Vec::new() }
    }

    fn open(&mut self) {
        let listener = UnixListener::bind(self.folder.join(".s.PGSQL.5432")).unwrap();
        let socket = self.socket.clone();
        self.tasks.push(tokio::spawn(async move {
            // Dropped with this task, and all that goes over it with it.
            let mut crossing = tokio::task::JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = UnixStream::connect(&socket).await.unwrap();
                crossing.spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await.ok() });
            }
        }));
    }

    async fn take_away(&mut self) {
        std::fs::remove_file(self.folder.join(".s.PGSQL.5432")).unwrap();
        for task in self.tasks.drain(..) {
            task.abort();
            task.await.unwrap_err();
        }
    }
}

#[tokio::test]
async fn a_database_that_goes_away_for_a_while_is_answered_with_try_again_and_then_goes_on() {
    let (database_url, relay) = (database::fresh().await, Relay::start().await);
    let mut bridge = Bridge::to(&database_url);
    bridge.open();
    let environment = Environment::production(&by_way_of(&database_url, bridge.folder.text()), &relay.url());
    let mut process = Process::start(&["serve"], &environment);
    let site = process.pages().await;
    assert_eq!(site.sign_up("one@example.org", "lung").await.status(), StatusCode::OK);
    until("the first confirmation went out", async || relay.mails_to("one@example.org").pop()).await;

    bridge.take_away().await;
    let response = site.sign_up("two@example.org", "lung").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(site.get("/readyz").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(site.get("/healthz").await.status(), StatusCode::OK);
    assert_eq!(site.get("/").await.status(), StatusCode::OK);

    bridge.open();
    until("it is ready again", async || (site.get("/readyz").await.status() == StatusCode::OK).then_some(())).await;
    assert_eq!(site.sign_up("two@example.org", "lung").await.status(), StatusCode::OK);
    until("the second confirmation went out", async || relay.mails_to("two@example.org").pop()).await;
    let log = process.err();
    assert!(!log.contains("two@") && !log.contains("one@"), "{log}");
    assert_eq!(process.stop(Signal::TERM).await.code, Some(0));
}

#[tokio::test]
async fn a_stop_does_not_wait_for_browsers_that_keep_their_connection() {
    let (database_url, relay) = (database::fresh().await, Relay::start().await);
    let mut process = Process::start(&["serve"], &Environment::production(&database_url, &relay.url()));
    let site = process.pages().await;
    site.get("/").await;
    let idle = TcpStream::connect(site.base.trim_start_matches("http://")).await.unwrap();
    let asked = Instant::now();
    assert_eq!(process.stop(Signal::TERM).await.code, Some(0));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    drop(idle);
}

#[tokio::test]
async fn published_content_that_cannot_be_read_is_never_replaced_by_the_example() {
    let (database_url, relay) = (database::fresh().await, Relay::start().await);
    let db = database::connect(&database_url);
    let broken = "insert into content_versions values ('0123456789abcdef', '{\"files\": {}}', '2026-03-01T00:00:00Z')";
    sqlx::query(broken).execute(&db).await.unwrap();
    let environment = Environment::production(&database_url, &relay.url());
    said(&Process::run(&["dispatch"], &environment).await, 1, &["0123456789abcdef", "does not compile"]);
    let versions: Vec<String> =
        sqlx::query_scalar("select version from content_versions").fetch_all(&db).await.unwrap();
    assert_eq!(versions, ["0123456789abcdef"]);
}
