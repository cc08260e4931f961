//! A process whose machine has the wrong time.
use std::process::Command;

use chrono::TimeDelta;

use super::process::{Environment, Folder};

/// Answers the wall clock's time wrongly and the monotonic clock's rightly, as a machine does whose clock was never set.
const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    long answer = syscall(SYS_clock_gettime, clock, now);
    const char *off = getenv("WRONG_BY_SECONDS");
    if (answer == 0 && off && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += atol(off);
    return (int)answer;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *now) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}
"#;

/// A library that is loaded before all others.
pub struct WrongClock(Folder);

impl WrongClock {
    /// None where a program cannot be given another clock, which is said aloud.
    pub fn build() -> Option<Self> {
        if !cfg!(target_os = "linux") {
            println!("SKIPPED: only on Linux can a process be given a wrong clock");
            return None;
        }
        let folder = Folder::new();
        let source = folder.write("clock.c", SOURCE);
        // Rust's own linker is a C compiler.
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(folder.join("clock.so")).arg(source);
        let output = compiler.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(Self(folder))
    }

    /// The same environment on a machine whose clock is wrong by this much.
    pub fn wrong_by(&self, environment: &Environment, off: TimeDelta) -> Environment {
        let library = self.0.join("clock.so");
        environment
            .clone()
            .with("LD_PRELOAD", library.to_str().unwrap())
            .with("WRONG_BY_SECONDS", &off.num_seconds().to_string())
    }
}
