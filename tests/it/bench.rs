//! The benchmark measures with the real program, counts what is lost and doubled, and leaves nothing behind.
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::process::{Environment, Folder, Process, processes_naming, until};

fn bench(folder: &Folder, arguments: &[&str]) -> Process {
    let mut all = vec!["bench", "--data-dir", folder.text(), "--rounds", "1"];
    all.extend(arguments);
    Process::start(&all, &Environment::bare())
}

#[tokio::test]
async fn a_small_run_prints_figures_that_are_made_of_their_parts() {
    let folder = Folder::new();
    let ended = bench(&folder, &["--only", "pipeline-ed25519", "--mails", "40", "--json"]).ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = lines.iter().map(|line| line["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["pipeline-ed25519", "lost-or-doubled"]);
    let pipeline = &lines[0];
    let part = |name: &str| pipeline[name].as_f64().unwrap();
    assert!(part("figure") > 0.0 && part("ceiling") > 0.0, "{pipeline}");
    assert!((part("ratio") - part("figure") / part("ceiling")).abs() < 1e-9, "{pipeline}");
    assert_eq!((pipeline["unit"].as_str(), pipeline["better"].as_str()), (Some("mails/s"), Some("higher")));
    assert_eq!(pipeline["met"].as_bool(), Some(part("ratio") >= part("goal")), "{pipeline}");
    assert_eq!(lines[1]["figure"].as_f64(), Some(0.0), "{}", lines[1]);
    assert!(lines[1]["note"].as_str().unwrap().starts_with("40 mails"), "{}", lines[1]);
    assert_eq!(left_in(&folder), Vec::<String>::new());
    assert_eq!(processes_naming(folder.text()), Vec::<String>::new());
}

#[tokio::test]
async fn a_run_that_is_interrupted_leaves_nothing_behind() {
    let folder = Folder::new();
    // More mails than it could send meanwhile.
    let process = bench(&folder, &["--only", "slow-relay", "--mails", "1000000"]);
    until("the dispatcher runs", async || {
        processes_naming(folder.text()).iter().any(|line| line.ends_with("dispatch ")).then_some(())
    })
    .await;
    let ended = process.stop(Signal::INT).await;
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(ended.err.contains("stopped by a signal"), "{}", ended.err);
    assert_eq!(left_in(&folder), Vec::<String>::new());
    assert_eq!(processes_naming(folder.text()), Vec::<String>::new());
}

#[tokio::test]
async fn a_run_that_is_killed_leaves_nothing_behind_either() {
    let folder = Folder::new();
    let process = bench(&folder, &["--only", "slow-relay", "--mails", "1000000"]);
    until("the dispatcher runs", async || {
        processes_naming(folder.text()).iter().any(|line| line.ends_with("dispatch ")).then_some(())
    })
    .await;
    process.kill();
    until("all is gone", async || {
        (processes_naming(folder.text()).is_empty() && left_in(&folder).is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_lines_are_named_and_an_unknown_one_is_refused() {
    let listed = Process::run(&["bench", "--list"], &Environment::bare()).await;
    assert_eq!(listed.code, Some(0), "{}", listed.err);
    for name in ["pipeline-ed25519", "one-connection", "slow-relay", "idle-cpu", "subscribe", "rows-10m"] {
        assert!(listed.out.lines().any(|line| line.starts_with(&format!("{name} "))), "{name}: {}", listed.out);
    }
    let refused = Process::run(&["bench", "--only", "nothing"], &Environment::bare()).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("there is no line nothing") && refused.err.contains("--list"), "{}", refused.err);
    let help = Process::run(&["--help"], &Environment::bare()).await;
    assert!(!help.out.contains("bench"), "{}", help.out);
}

#[tokio::test]
async fn without_postgresql_it_says_what_to_do() {
    let folder = Folder::new();
    let nowhere = Environment::bare().with("PG_BIN", folder.text());
    let arguments = ["bench", "--only", "pipeline-ed25519", "--data-dir", folder.text()];
    let ended = Process::run(&arguments, &nowhere).await;
    assert_eq!(ended.code, Some(1), "{}", ended.out);
    assert!(ended.err.contains("PG_BIN") && ended.err.contains("PostgreSQL of its own"), "{}", ended.err);
    assert_eq!(left_in(&folder), Vec::<String>::new());
}

#[test]
fn the_sink_notices_a_doubled_mail_and_a_lost_one() {
    let folder = Folder::new();
    let mut sink = Sink::start(&["--ids"]);
    let (first, second) = ("0190a0b0c0d0e0f00102030405060708", "0190a0b0c0d0e0f00102030405060709");
    sink.send(&[first, second, first]);
    let report: Value = serde_json::from_str(&sink.ask("report")).unwrap();
    assert_eq!((report["mails"].as_u64(), report["doubled"].as_u64()), (Some(3), Some(1)), "{report}");
    assert!(report["last_at"].as_i64() >= report["first_at"].as_i64(), "{report}");
    // What is not in the dump is lost.
    let dump = folder.join("dump");
    sink.ask(&format!("dump {}", dump.display()));
    let octets = std::fs::read(&dump).unwrap();
    let mut taken: Vec<u128> =
        octets.chunks(24).map(|one| u128::from_be_bytes(one[..16].try_into().unwrap())).collect();
    taken.sort_unstable();
    assert_eq!(taken, [first, second].map(|id| u128::from_str_radix(id, 16).unwrap()));
    // And a new count begins.
    sink.ask("reset");
    sink.send(&[first]);
    let report: Value = serde_json::from_str(&sink.ask("report")).unwrap();
    assert_eq!((report["mails"].as_u64(), report["doubled"].as_u64()), (Some(1), Some(0)), "{report}");
}

/// What the benchmark made in its folder.
fn left_in(folder: &Folder) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

struct Sink {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
    port: u16,
}

impl Sink {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_regimen"))
            .arg("bench-sink")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut port = String::new();
        answers.read_line(&mut port).unwrap();
        Self { child, answers, port: port.trim().parse().unwrap() }
    }

    fn ask(&mut self, request: &str) -> String {
        writeln!(self.child.stdin.as_mut().unwrap(), "{request}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer
    }

    /// One connection, all of it pipelined; returns when the sink has said goodbye.
    fn send(&self, ids: &[&str]) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut input = "EHLO test.example.org\r\n".to_owned();
        for id in ids {
            input.push_str("MAIL FROM:<series@example.com>\r\nRCPT TO:<reader@example.org>\r\nDATA\r\n");
            input.extend(["Message-ID: <", id, "@example.com>\r\n\r\nA text.\r\n.\r\n"]);
        }
        input.push_str("QUIT\r\n");
        stream.write_all(input.as_bytes()).unwrap();
        let mut replies = String::new();
        stream.read_to_string(&mut replies).unwrap();
        assert_eq!(replies.lines().filter(|line| line.starts_with("354")).count(), ids.len(), "{replies}");
        assert!(replies.ends_with("221 2.0.0 Bye\r\n"), "{replies}");
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // The end of its input is what ends it.
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}
