//! The file of an import, read in chunks that can be found again: whoever goes on with an import reads the same chunk.
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use csv::{ByteRecord, ReaderBuilder};
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

use super::{ActionError, Service, unreadable, upload};

/// So many lines are in a chunk at most, and so many octets.
const MOST_LINES: usize = 16_384;
const MOST_OCTETS: usize = 4 << 20;

/// A file, and what makes it the same.
#[derive(Clone)]
pub struct Source {
    place: Place,
    pub(super) octets: u64,
    /// SHA-256.
    pub(super) hash: [u8; 32],
}

#[derive(Clone)]
enum Place {
    File(Arc<File>),
    /// One that came over the web.
    Upload(Service, i64),
}

impl Source {
    /// One that came over the web and is kept.
    pub(super) fn stored(service: &Service, upload: i64, octets: u64, hash: [u8; 32]) -> Self {
        Self { place: Place::Upload(service.clone(), upload), octets, hash }
    }

    /// Reads the file once, which takes a second for a gigabyte or two.
    pub async fn open(path: &Path) -> io::Result<Self> {
        let path = path.to_owned();
        blocking(move || {
            let mut file = File::open(path)?;
            let mut hash = Sha256::new();
            let octets = io::copy(&mut file, &mut hash)?;
            Ok(Self { place: Place::File(Arc::new(file)), octets, hash: hash.finalize().into() })
        })
        .await
    }

    /// What lies between two octets, cut off at the end of the file.
    async fn read(&self, from: u64, until: u64) -> Result<Vec<u8>, ActionError> {
        let until = until.min(self.octets);
        let file = match &self.place {
            Place::Upload(service, upload) => return upload::read(service, *upload, from, until).await,
            Place::File(file) => Arc::clone(file),
        };
        blocking(move || {
            let mut block = vec![0; usize::try_from(until.saturating_sub(from)).unwrap_or(MOST_OCTETS)];
            file.read_exact_at(&mut block, from)?;
            Ok(block)
        })
        .await
        .map_err(|error| unreadable(&error))
    }

    /// The heading, and how the file is written.
    pub(super) async fn heading(&self) -> Result<Heading, ActionError> {
        let block = self.read(0, MOST_OCTETS as u64).await?;
        let mark = if block.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
        let delimiter = delimiter(&block[mark..]);
        let chunk = cut(&block[mark..], delimiter, 1, 1, true).map_err(|error| unreadable(&error))?;
        let record = chunk.lines.into_iter().next().map(|(_, record)| record).unwrap_or_default();
        Ok(Heading { record, delimiter, end: (mark + chunk.octets) as u64, next_line: chunk.next_line })
    }

    /// The chunk that begins at an octet; the one that ends at another, if it was begun before.
    pub(super) async fn chunk(&self, heading: &Heading, place: (u64, u64), line: u64) -> Result<Chunk, ActionError> {
        let (from, until) = place;
        let is_known = until > from;
        let until = if is_known { until } else { (from + MOST_OCTETS as u64).min(self.octets) };
        let is_whole = is_known || until == self.octets;
        let (block, delimiter) = (self.read(from, until).await?, heading.delimiter);
        let chunk = blocking(move || cut(&block, delimiter, line, MOST_LINES, is_whole)).await;
        chunk.map_err(|error| unreadable(&error))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

/// The first line of a file.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    pub(super) record: ByteRecord,
    delimiter: u8,
    /// The octet and the line that follow it.
    pub(super) end: u64,
    pub(super) next_line: u64,
}

/// Some lines of a file, each with its number. One that a cell makes several is counted where it begins.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) lines: Vec<(u64, ByteRecord)>,
    pub(super) octets: usize,
    pub(super) next_line: u64,
}

/// Programs of countries that write 1,5 put semicolons between cells.
fn delimiter(block: &[u8]) -> u8 {
    let first = block.split(|octet| *octet == b'\n').next().unwrap_or_default();
    *[b',', b';', b'\t'].iter().find(|one| first.contains(one)).unwrap_or(&b',')
}

/// The lines of a block. Unless it is whole, its last line may be cut off and is left for the next chunk.
fn cut(block: &[u8], delimiter: u8, first_line: u64, most: usize, is_whole: bool) -> io::Result<Chunk> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(block);
    let place = |position: Option<&csv::Position>| {
        position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(block.len())
    };
    let mut chunk = Chunk { next_line: first_line, ..Chunk::default() };
    let (mut begin, mut record) = (0, ByteRecord::new());
    while chunk.lines.len() < most && reader.read_byte_record(&mut record).map_err(io::Error::other)? {
        let next = place(record.position());
        let next = next + block[next..].iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
        chunk.next_line += breaks(&block[begin..next]);
        begin = next;
        chunk.lines.push((chunk.next_line, record.clone()));
    }
    chunk.octets = place(Some(reader.position()));
    if chunk.octets < block.len() || is_whole {
        chunk.next_line += breaks(&block[begin..chunk.octets]);
        return Ok(chunk);
    }
    chunk.lines.pop();
    chunk.octets = begin;
    if chunk.lines.is_empty() {
        let text = format!("line {} is too long, or a quotation mark in it is never closed", chunk.next_line);
        return Err(io::Error::other(text));
    }
    Ok(chunk)
}

fn breaks(block: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', block).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first cell of each line, with its number, as chunks of so many lines and octets.
    fn chunks(text: &str, most: usize, octets: usize) -> Vec<Vec<(u64, String)>> {
        let (mut from, mut line, mut all) = (0, 1, Vec::new());
        while from < text.len() {
            let until = (from + octets).min(text.len());
            let chunk = cut(&text.as_bytes()[from..until], b',', line, most, until == text.len()).unwrap();
            let again = cut(&text.as_bytes()[from..from + chunk.octets], b',', line, most, true).unwrap();
            assert_eq!(again.lines, chunk.lines, "a chunk that was begun is found again");
            from += chunk.octets;
            line = chunk.next_line;
            let first = |(line, record): (u64, ByteRecord)| (line, String::from_utf8_lossy(&record[0]).into_owned());
            all.push(chunk.lines.into_iter().map(first).collect());
        }
        all
    }

    #[test]
    fn however_a_file_is_cut_it_has_the_same_lines() {
        for end in ["\n", "\r\n"] {
            let text = ["a,1", "b,\"x\ny\"", "", "c,3", "d,4", ""].join(end);
            let whole = [(1, "a"), (2, "b"), (5, "c"), (6, "d")].map(|(line, cell)| (line, cell.to_owned()));
            for most in 1..5 {
                for octets in [16, 17, 18, 19, 25, 1_000] {
                    let cut: Vec<_> = chunks(&text, most, octets).concat();
                    assert_eq!(cut, whole, "{most} lines, {octets} octets, {end:?}");
                }
            }
        }
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_is_told() {
        let error = cut(b"a,\"b\nc,d\ne,f\n", b',', 7, 10, false).unwrap_err().to_string();
        assert_eq!(error, "line 7 is too long, or a quotation mark in it is never closed");
    }

    #[test]
    fn cells_are_parted_by_what_the_heading_has() {
        assert_eq!(
            ["a,b;c\nx", "a;b\nx,y", "a\tb", "a"].map(|text| delimiter(text.as_bytes())),
            [b',', b';', b'\t', b',']
        );
    }
}
