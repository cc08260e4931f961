//! Every line, with its goal.
use super::report::Better::{Higher, Lower};
use super::report::Line;
use super::report::Of::{Figure, Ratio};

/// A figure that must reach this share of its ceiling.
const fn share(name: &'static str, unit: &'static str, goal: f64, about: &'static str) -> Line {
    Line { name, unit, goal, of: Ratio, better: Higher, long: false, about }
}

/// A figure that must not be above its goal.
const fn at_most(name: &'static str, unit: &'static str, goal: f64, about: &'static str) -> Line {
    Line { name, unit, goal, of: Figure, better: Lower, long: false, about }
}

const fn long(line: Line) -> Line {
    Line { long: true, ..line }
}

/// In the order in which they are measured; those that are measured together stand together.
pub const LINES: &[Line] = &[
    share("sink", "mails/s", 0.9, "smtp-source into our sink / into Postfix's: ours must not be what is measured"),
    share("pipeline-ed25519", "mails/s", 0.5, "the whole pipeline, Ed25519, 16 connections / smtp-source -s 16"),
    share("pipeline-rsa2048", "mails/s", 0.33, "the same, signed with RSA-2048"),
    share("one-connection", "mails/s", 1.3, "the whole pipeline, one connection / smtp-source -s 1"),
    Line {
        better: Higher,
        ..at_most("slow-relay", "mails/s", 600.0, "a relay that takes 10 ms for a reply, 8 connections")
    },
    at_most("slow-relay-stalls", "%", 0.1, "mails to it that were held up for 35 ms or longer within their text"),
    share("steady", "mails/s", 0.9, "four times as many mails in a row / a run of the usual length"),
    at_most("rss", "MiB", 128.0, "memory of the dispatcher at its peak, over these runs"),
    at_most("lateness-p99", "ms", 1_000.0, "from due to accepted at half of the pipeline's rate, 99th percentile"),
    at_most("idle-cpu", "%", 1.0, "processor time of a dispatcher with nothing due, of one core"),
    at_most("idle-rss", "MiB", 64.0, "its memory"),
    share("subscribe", "1/s", 0.45, "POST /subscribe, 64 clients / pgbench writing the same rows in one statement"),
    at_most("subscribe-p99", "ms", 15.0, "how long a reader waits for the answer, 99th percentile"),
    long(share("steady-300k", "mails/s", 0.9, "300,000 mails in a row / a run of the usual length")),
    long(at_most("rss-1m", "MiB", 128.0, "memory of the dispatcher at its peak while it sends 1,000,000 mails")),
    long(at_most("rss-growth-1m", "%", 10.0, "growth of that memory from the second quarter of the run to the last")),
    long(at_most("idle-cpu-1m", "%", 1.0, "processor time with 1,000,000 readers and nothing due, of one core")),
    long(at_most("idle-rss-1m", "MiB", 64.0, "the memory then")),
    long(at_most(
        "admin-pages",
        "ms",
        300.0,
        "the slowest of the admins' pages, 1,000,000 readers, 5,000,000 deliveries",
    )),
    long(share("rows-10m", "mails/s", 0.9, "the same due work among 10,000,000 readers / among 1,000,000")),
    at_most("lost-or-doubled", "mails", 0.0, "of all mails of this benchmark: lost, doubled or not settled"),
];
