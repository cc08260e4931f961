//! What the sink has taken.
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::SinkOptions;
use super::conversation::Mail;

/// A mail whose end comes so long after its beginning was held up by a timer of TCP, not by the work.
const STALL: Duration = Duration::from_millis(35);

/// The sink's counts since the last reset. Times are microseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub mails: u64,
    pub octets: u64,
    /// Mails whose Message-ID came before.
    pub doubled: u64,
    /// Mails that stopped for 35 ms or longer between their first octet and their last.
    pub stalled: u64,
    pub first_at: i64,
    pub last_at: i64,
}

#[derive(Default)]
pub(super) struct Tally {
    report: Report,
    ids: Option<HashSet<u128, BuildHasherDefault<LowBits>>>,
    times: Option<Vec<(u128, i64)>>,
}

impl Tally {
    pub(super) fn new(options: SinkOptions) -> Self {
        Self { report: Report::default(), ids: options.ids.then(HashSet::default), times: options.times.then(Vec::new) }
    }

    pub(super) fn take(&mut self, mail: Mail, at: i64) {
        let report = &mut self.report;
        report.mails += 1;
        report.octets += mail.octets as u64;
        report.stalled += u64::from(mail.took >= STALL);
        report.first_at = if report.mails == 1 { at } else { report.first_at };
        report.last_at = at;
        if let Some(ids) = &mut self.ids {
            report.doubled += u64::from(!ids.insert(mail.id));
        }
        if let Some(times) = &mut self.times {
            times.push((mail.id, at));
        }
    }

    pub(super) fn report(&self) -> Report {
        self.report
    }

    /// Every mail with its time, or every id that was remembered.
    pub(super) fn dump(&self, path: &Path) -> std::io::Result<()> {
        let mut file = BufWriter::new(std::fs::File::create(path)?);
        let mut put = |id: u128, at: i64| {
            file.write_all(&id.to_be_bytes())?;
            file.write_all(&at.to_be_bytes())
        };
        match (&self.times, &self.ids) {
            (Some(times), _) => times.iter().try_for_each(|(id, at)| put(*id, *at))?,
            (None, Some(ids)) => ids.iter().try_for_each(|id| put(*id, 0))?,
            (None, None) => {}
        }
        file.into_inner()?.sync_data()
    }
}

/// Ids end in random bits, so there is nothing to hash.
#[derive(Default)]
struct LowBits(u64);

impl Hasher for LowBits {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for chunk in octets.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_ne_bytes(word);
        }
    }

    #[allow(clippy::cast_possible_truncation)]
    fn write_u128(&mut self, id: u128) {
        self.0 = id as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubled_mail_is_counted_and_a_stalled_one_too() {
        let mut tally = Tally::new(SinkOptions { ids: true, times: true, ..SinkOptions::default() });
        let mail = |id| Mail { octets: 10, id, took: Duration::ZERO };
        tally.take(mail(1), 5);
        tally.take(mail(2), 6);
        tally.take(mail(1), 9);
        tally.take(Mail { took: STALL, ..mail(3) }, 11);
        let expected = Report { mails: 4, octets: 40, doubled: 1, stalled: 1, first_at: 5, last_at: 11 };
        assert_eq!(tally.report(), expected);
    }

    #[test]
    fn without_ids_nothing_is_remembered() {
        let mut tally = Tally::new(SinkOptions::default());
        tally.take(Mail { octets: 1, id: 1, took: Duration::ZERO }, 5);
        tally.take(Mail { octets: 1, id: 1, took: Duration::ZERO }, 5);
        assert_eq!(tally.report().doubled, 0);
    }
}
