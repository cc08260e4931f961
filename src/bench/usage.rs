//! What a process uses, as the kernel counts it.
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Of one process, all its threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) cpu: Duration,
    /// Memory that is resident now, and at most so far; octets.
    pub(super) rss: u64,
    pub(super) peak: u64,
}

pub(super) fn usage(pid: u32) -> anyhow::Result<Usage> {
    let read = |name: &str| {
        let path = format!("/proc/{pid}/{name}");
        std::fs::read_to_string(&path).with_context(|| format!("{path} cannot be read: this line needs Linux"))
    };
    let status = read("status")?;
    let cpu = cpu(&read("stat")?, rustix::param::clock_ticks_per_second()).context("/proc/…/stat has its fields")?;
    Ok(Usage { cpu, rss: kibibytes(&status, "VmRSS:") * 1024, peak: kibibytes(&status, "VmHWM:") * 1024 })
}

/// User and system time: the 14th and 15th field, counted behind the name, which may hold anything.
fn cpu(stat: &str, ticks_per_second: u64) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_micros(ticks * 1_000_000 / ticks_per_second))
}

fn kibibytes(status: &str, field: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Looks at a process's memory again and again until it is asked.
pub(super) struct Watch {
    stop: CancellationToken,
    seen: JoinHandle<Vec<u64>>,
}

impl Watch {
    pub(super) fn start(pid: u32) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let seen = tokio::spawn(async move {
            let mut seen = Vec::new();
            while !stopped.is_cancelled() {
                seen.extend(usage(pid).ok().map(|usage| usage.rss));
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(100)) => {}
                    () = stopped.cancelled() => {}
                }
            }
            seen
        });
        Self { stop, seen }
    }

    /// What was resident, in order.
    pub(super) async fn end(self) -> anyhow::Result<Vec<u64>> {
        self.stop.cancel();
        Ok(self.seen.await?)
    }
}

/// By how many per cent the last quarter's middle lies above the second quarter's: what grows with the mails that were
/// sent, rather than with the first ones.
#[allow(clippy::cast_precision_loss)]
pub(super) fn growth(seen: &[u64]) -> f64 {
    let quarter = seen.len() / 4;
    let middle = |part: &[u64]| super::report::median(&part.iter().map(|one| *one as f64).collect::<Vec<_>>());
    if quarter == 0 {
        return 0.0;
    }
    let (early, late) = (middle(&seen[quarter..2 * quarter]), middle(&seen[3 * quarter..]));
    ((late / early.max(1.0)) - 1.0) * 100.0
}

/// Octets as MiB.
#[allow(clippy::cast_precision_loss)]
pub(super) fn mebibytes(octets: u64) -> f64 {
    octets as f64 / 1024.0 / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "12 (a ) b) S 1 12 12 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 5 0 100 1000 200 0";
        assert_eq!(cpu(stat, 100), Some(Duration::from_secs(3)));
        assert_eq!(cpu("12 (x", 100), None);
    }

    #[test]
    fn this_process_uses_memory() {
        let usage = usage(std::process::id()).unwrap();
        assert!(usage.rss > 1024 * 1024 && usage.peak >= usage.rss, "{usage:?}");
    }

    #[test]
    fn growth_compares_the_end_with_the_run_and_not_with_the_start() {
        assert!(growth(&[10, 10, 100, 100, 100, 100, 100, 100]).abs() < 1e-9);
        assert!((growth(&[10, 10, 100, 100, 100, 100, 150, 150]) - 50.0).abs() < 1e-9);
        assert!(growth(&[1, 2]).abs() < 1e-9);
    }
}
