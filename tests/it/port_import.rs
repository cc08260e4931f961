//! Readers from a file: who is taken in and who is not, and what becomes of those who are.
use std::collections::BTreeMap;
use std::path::Path;

use regimen::actions::imports::{Ask, Importing, Progress, Source, Step};
use regimen::actions::readers::export::{self, Export};
use regimen::actions::{readers, suppress, tidy};
use regimen::clock::Clock;
use regimen::model::{EnrollmentState, Format, Refused, Role, SeriesSlug};
use reqwest::{Method, StatusCode};

use crate::support::admins::{Browser, by};
use crate::support::process::{Environment, Folder, Process};
use crate::support::{App, SERIES, address, days, hours, minutes};

const HEADING: &str =
    "address,condition,consent_at,consent_source,consent_text,confirmed_at,zone,language,hour,spacing,parts";

fn series() -> SeriesSlug {
    SeriesSlug::parse(SERIES).unwrap()
}

fn ask(state: EnrollmentState, dry_run: bool) -> Ask {
    Ask { series: series(), state, dry_run }
}

async fn begin(app: &App, file: &Path, ask: &Ask) -> Importing {
    let source = Source::open(file).await.unwrap();
    Importing::begin(&app.service, source, ask, &by()).await.unwrap()
}

/// The end of an import, and its report by line.
async fn import(app: &App, file: &Path, ask: &Ask) -> (Progress, BTreeMap<u64, String>) {
    let mut importing = begin(app, file, ask).await;
    while importing.step().await.unwrap() == Step::Went {}
    let (mut report, mut text) = (importing.report(), Vec::new());
    while let Some(piece) = report.next().await.unwrap() {
        text.extend(piece);
    }
    let mut lines = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_slice());
    let refused = lines.records().map(|line| {
        let line = line.unwrap();
        (line[0].parse().unwrap(), line[1].to_owned())
    });
    (importing.progress(), refused.collect())
}

/// A line as good as any, with one cell replaced.
fn line(name: &str, column: &str, cell: &str) -> String {
    let cells = [name, "lung", "2026-03-01T12:00:00Z", "https://example.com/box", "2026-01", "", "", "", "", "", ""];
    let place = HEADING.split(',').position(|one| one == column).unwrap();
    let cells: Vec<&str> = cells.iter().enumerate().map(|(at, other)| if at == place { cell } else { other }).collect();
    cells.join(",")
}

async fn unsubscribed(app: &App, email: &str) {
    app.enroll(email).await;
    let link = app.relay.last_to(email).link("unsubscribe");
    assert!(app.post(&link).await.status().is_success());
}

#[tokio::test]
async fn every_line_that_is_refused_is_told_with_its_reason_and_a_dry_run_tells_the_same() {
    let app = App::start().await;
    app.sign_up("open@example.org").await;
    unsubscribed(&app, "left@example.org").await;
    app.enroll("done@example.org").await;
    for _ in 0..3 {
        app.sign_up("asked@example.org").await;
    }
    sqlx::raw_sql(
        "update enrollments e set state = 'completed' from subscribers s where s.id = e.subscriber and s.address like 'done%';
         update enrollments e set series = 'another' from subscribers s where s.id = e.subscriber and s.address like 'asked%'",
    )
    .execute(app.db())
    .await
    .unwrap();
    suppress::suppress(&app.service, &address("never@example.org"), &by().because("asked by phone")).await.unwrap();

    let good = |name: &str| line(name, "address", name);
    let cases = [
        (good("no address"), Refused::Address),
        (line("a1@example.org", "condition", "cold"), Refused::Condition),
        (line("a2@example.org", "consent_at", ""), Refused::ConsentAt),
        (line("a3@example.org", "consent_at", "2026-03-03"), Refused::ConsentAt),
        (line("a4@example.org", "consent_at", "2026-01-01"), Refused::ConsentTooOld),
        (line("a5@example.org", "consent_source", ""), Refused::ConsentSource),
        (line("a6@example.org", "consent_text", ""), Refused::ConsentText),
        (line("a7@example.org", "confirmed_at", "2026-02-28"), Refused::ConfirmedAt),
        (line("a8@example.org", "zone", "Mars/Olympus"), Refused::Zone),
        (line("a9@example.org", "language", "fr"), Refused::Language),
        (line("a10@example.org", "hour", "9 am"), Refused::Hour),
        (line("a11@example.org", "spacing", "77"), Refused::Spacing),
        (line("a12@example.org", "parts", "no-such-part"), Refused::Parts),
        (good("a13@example.org") + ",one more", Refused::Columns),
        (good("Good@example.org"), Refused::Twice),
        (good("never@example.org"), Refused::Suppressed),
        (good("open@example.org"), Refused::Open),
        (good("left@example.org"), Refused::Left),
        (good("done@example.org"), Refused::Completed),
        (good("asked@example.org"), Refused::Asked),
    ];
    let mut text = format!("{HEADING}\r\n{}\r\n", good("good@example.org"));
    let mut told = BTreeMap::new();
    for (number, (line, reason)) in (3..).zip(&cases) {
        text += line;
        text += "\r\n";
        told.insert(number, reason.text().to_owned());
    }
    let folder = Folder::new();
    let file = folder.write("readers.csv", &text);

    let rows = "select (select count(*) from subscribers) + (select count(*) from enrollments)
                  + (select count(*) from deliveries) + (select count(*) from consents)";
    let before = app.count(rows).await;
    let (dry, refused) = import(&app, &file, &ask(EnrollmentState::Pending, true)).await;
    assert_eq!(refused, told);
    assert_eq!((dry.pending, dry.active, dry.refused, dry.lines), (1, 0, 20, 21));
    assert_eq!(app.count(rows).await, before, "a dry run takes nobody in");
    let (real, refused) = import(&app, &file, &ask(EnrollmentState::Pending, false)).await;
    assert_eq!((refused, real.pending, real.lines), (told, 1, 21));
    assert_eq!(app.count(rows).await, before + 4);
    assert_eq!(app.count("select count(*) from import_addresses").await, 0, "no trace is left of whom it met");

    let (again, refused) = import(&app, &file, &ask(EnrollmentState::Pending, false)).await;
    assert_eq!((again.pending, refused[&2].as_str()), (0, Refused::Open.text()), "the same file takes nobody in twice");
}

#[tokio::test]
async fn who_has_confirmed_elsewhere_gets_the_next_part_at_their_own_hour_and_others_are_asked() {
    let app = App::start().await;
    let text = format!(
        "{HEADING}\nana@example.org,lung,2025-05-01,https://example.com/box?q=lung,2025-05,2025-05-02T10:00:00Z,\
         Europe/Berlin,es,07:30,,what-is-immunotherapy\nben@example.org,melanoma,2026-03-01,paper form,2025-05,,,,,,\n"
    );
    let folder = Folder::new();
    let file = folder.write("readers.csv", &text);
    let (done, _) = import(&app, &file, &ask(EnrollmentState::Active, false)).await;
    assert_eq!((done.active, done.pending, done.refused), (1, 1, 0));

    let ana = readers::show(&app.service, &address("ana@example.org"), &by()).await.unwrap();
    let [sign_up, confirm] = &ana.consents[..] else { panic!("{:?}", ana.consents) };
    assert_eq!((sign_up.action.as_str(), sign_up.channel.as_str()), ("sign-up", "import"));
    assert_eq!((sign_up.source.as_deref(), sign_up.privacy_version.as_str()), (Some("import 1"), "2025-05"));
    let evidence = sign_up.evidence.as_ref().unwrap();
    assert_eq!(
        (&evidence["at"], &evidence["page"]),
        (&"2025-05-01T00:00:00Z".into(), &"https://example.com/box".into())
    );
    assert_eq!(confirm.evidence.as_ref().unwrap()["at"], "2025-05-02T10:00:00Z");

    app.dispatch_all_due().await;
    assert_eq!((app.mails_to("ana@example.org").len(), app.mails_to("ben@example.org").len()), (0, 1));
    app.confirm("ben@example.org").await;
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("ben@example.org").len(), 2, "who was asked and confirms gets the first part at once");

    // Monday, 17:00 UTC, is 18:00 in Berlin; the window of the series opens at her hour or later.
    let due = ana.deliveries[0].due_at;
    assert_eq!(ana.deliveries[0].step.as_deref(), Some("antibodies"), "the part after the last that she had");
    app.advance(due - app.service.clock().series() - minutes(1));
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("ana@example.org").len(), 0);
    app.advance(minutes(2));
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("ana@example.org").len(), 1);
    assert!(due - "2026-03-02T17:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap() > hours(12), "{due}");
}

#[tokio::test]
async fn confirmations_of_an_import_have_a_pace_and_hold_up_nobody() {
    let app = App::start().await;
    let lines: String = (0..20).map(|number| line("", "address", &format!("r{number}@example.org")) + "\n").collect();
    let folder = Folder::new();
    let file = folder.write("readers.csv", &format!("{HEADING}\n{lines}"));
    import(&app, &file, &ask(EnrollmentState::Pending, false)).await;
    let apart = "select count(distinct due_at) from deliveries where kind = 'confirmation' and priority = 1";
    assert_eq!(app.count(apart).await, 20);
    let span = "select extract(epoch from max(due_at) - min(due_at))::bigint from deliveries";
    assert_eq!(app.count(span).await, 19 * 3_600 / 1_000);
    app.advance(days(40));
    tidy::forget_unconfirmed(&app.service).await.unwrap();
    assert_eq!(
        app.count("select count(*) from enrollments").await,
        0,
        "who does not confirm is forgotten like all others"
    );
}

#[tokio::test]
async fn an_operator_sees_how_far_an_import_is_and_which_lines_were_refused() {
    let app = App::start().await;
    let admin = &mut Browser::signed_in(&app, Role::Operator).await;
    admin.get(&app, "/admin/imports").await;
    assert!(admin.html.contains("Nobody has come with a file"));
    let lines: String = (0..200).map(|number| line("", "address", &format!("r{number}@example.org")) + "\n").collect();
    let folder = Folder::new();
    let bad = line("r200@example.org", "zone", "Mars/Olympus");
    let file = folder.write("readers.csv", &format!("{HEADING}\n{lines}{bad}\n"));
    let mut importing = begin(&app, &file, &ask(EnrollmentState::Pending, false)).await;
    importing.step().await.unwrap();
    admin.get(&app, "/admin/imports/1").await;
    assert!(admin.html.contains("<progress") && admin.html.contains("goes on with it"), "{}", admin.html);
    while importing.step().await.unwrap() == Step::Went {}
    admin.get(&app, "/admin/imports/1").await;
    assert!(admin.html.contains("It is done.") && admin.html.contains(Refused::Zone.text()), "{}", admin.html);
    assert!(!admin.html.contains("@example.org</"), "nobody is named");
    let refused = admin.request(&app, Method::GET, "/admin/imports/1/refused.csv").send().await.unwrap();
    let told = format!("line,refused\n202,\"{}\"\n", Refused::Zone.text());
    assert_eq!(refused.text().await.unwrap(), told);
    admin.get(&app, "/admin/imports").await;
    assert!(admin.html.contains("<a href=\"/admin/imports/1\">Import 1</a>"), "{}", admin.html);
    assert_eq!(admin.get(&app, "/admin/imports/2/refused.csv").await.0, StatusCode::NOT_FOUND);
    assert_eq!(admin.get(&app, "/admin/imports/x").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_import_that_goes_on_on_another_day_counts_each_line_once() {
    let app = App::start().await;
    // On the first day half of them have not agreed yet, and by the last day the other half has for too long.
    let at = |number: i32| if number % 2 == 0 { "2026-03-03T12:00:00Z" } else { "2026-02-01T12:00:00Z" };
    let with = |number: i32| line(&format!("r{number}@example.org"), "consent_at", at(number)) + "\n";
    let lines: String = (0..300).map(with).collect();
    let folder = Folder::new();
    let file = folder.write("readers.csv", &format!("{HEADING}\n{lines}"));
    let ask = ask(EnrollmentState::Pending, false);
    let mut first = begin(&app, &file, &ask).await;
    for _ in 0..20 {
        first.step().await.unwrap();
    }
    app.advance(days(5));
    let (done, refused) = import(&app, &file, &ask).await;
    assert_eq!((done.lines, done.pending + done.refused), (300, 300));
    assert_eq!(refused.len(), usize::try_from(done.refused).unwrap());
    assert!(refused.values().any(|reason| reason == Refused::ConsentAt.text()), "of the first day");
    assert!(refused.values().any(|reason| reason == Refused::ConsentTooOld.text()), "of the last");
    assert_eq!(app.count("select count(*) from enrollments").await, done.pending);
}

#[tokio::test]
async fn two_processes_with_the_same_file_do_not_do_the_same_twice() {
    let app = App::start().await;
    let lines: String = (0..200).map(|number| line("", "address", &format!("r{number}@example.org")) + "\n").collect();
    let folder = Folder::new();
    let file = folder.write("readers.csv", &format!("{HEADING}\n{lines}"));
    let ask = ask(EnrollmentState::Pending, false);
    let (mut one, mut other) = (begin(&app, &file, &ask).await, begin(&app, &file, &ask).await);
    assert!(!one.went_on() && other.went_on());
    assert_eq!(one.step().await.unwrap(), Step::Went);
    assert_eq!(other.step().await.unwrap(), Step::NotOurs);
    while one.step().await.unwrap() == Step::Went {}
    assert_eq!((one.progress().pending, app.count("select count(*) from enrollments").await), (200, 200));
}

#[tokio::test]
async fn a_series_moves_to_another_server() {
    let (here, there) = (App::start().await, App::start().await);
    here.enroll("ana@example.org").await;
    unsubscribed(&here, "left@example.org").await;
    here.sign_up("+new@example.org").await;
    let ask_all = export::Ask { condition: true, ..export::Ask::default() };
    let mut export = Export::begin(&here.service, ask_all, Format::Csv, &by()).await.unwrap();
    let mut text = Vec::new();
    while let Some(piece) = export.next().await.unwrap() {
        text.extend(piece);
    }
    let folder = Folder::new();
    let file = folder.write("readers.csv", &String::from_utf8(text).unwrap());
    let (done, refused) = import(&there, &file, &ask(EnrollmentState::Active, false)).await;
    assert_eq!((done.active, done.pending), (1, 1));
    assert_eq!(refused.into_values().collect::<Vec<_>>(), [Refused::Ended.text()]);
    let select = "select count(*) from enrollments e join subscribers s on s.id = e.subscriber
                  where s.address = 'ana@example.org' and done_steps = '{what-is-immunotherapy}'
                    and confirmed_at = '2026-03-02T17:00:00Z'";
    assert_eq!(there.count(select).await, 1);
    assert_eq!(there.count("select count(*) from subscribers where address = '+new@example.org'").await, 1);
}

#[tokio::test]
async fn the_command_line_tells_what_it_would_do_and_writes_a_report_that_can_be_mended() {
    let app = App::start().await;
    let environment = Environment::production(&app.database_url, &app.relay.url());
    let folder = Folder::new();
    // The program has the machine's clock.
    let now = Clock::system().real().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let bad = line("bad@example.org", "condition", "cold");
    let good = line("good@example.org", "consent_at", &now);
    let file = folder.write("readers.csv", &format!("{HEADING},note\n{good},x\n{bad},\"a, b\"\n"));
    let report = folder.join("refused.csv");
    let (file, report) = (file.to_str().unwrap(), report.to_str().unwrap());
    let command = ["import", file, "--series", SERIES, "--why", "a new list", "--report", report];
    let dry = Process::run(&[&command[..], &["--dry-run"]].concat(), &environment).await;
    assert_eq!(dry.code, Some(0), "{}", dry.err);
    assert!(dry.out.contains("a dry run") && dry.out.contains(Refused::Condition.text()), "{}", dry.out);
    assert!(dry.err.contains("these columns are not read: note"), "{}", dry.err);
    let text = std::fs::read_to_string(report).unwrap();
    let told = format!("3,\"{}\",{bad},\"a, b\"\n", Refused::Condition.text());
    assert_eq!(text, format!("line,refused,{HEADING},note\n{told}"));
    assert_eq!(app.count("select count(*) from enrollments").await, 0);

    let real = Process::run(&command, &environment).await;
    assert_eq!(real.code, Some(0), "{}", real.err);
    assert_eq!(app.count("select count(*) from enrollments where state = 'pending'").await, 1);
    let mended = folder.write("mended.csv", &text.replace("cold", "lung").replace("2026-03-01T12:00:00Z", &now));
    let again = ["import", mended.to_str().unwrap(), "--series", SERIES, "--why", "mended", "--json"];
    let again = Process::run(&again, &environment).await;
    assert!(again.out.contains("\"pending\": 1") && again.out.contains("\"refused\": []"), "{}", again.out);

    let lacking = folder.write("lacking.csv", "address;condition\nana@example.org;lung\n");
    let refused =
        Process::run(&["import", lacking.to_str().unwrap(), "--series", SERIES, "--why", "x"], &environment).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("the heading lacks consent_at, consent_source, consent_text"), "{}", refused.err);
}
