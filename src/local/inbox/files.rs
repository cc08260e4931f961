//! The inbox on the disk: each mail is `<number>.eml`, its envelope `<number>.json` beside it.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chrono::DateTime;

use super::Envelope;

/// How much of a mail is read for its headers when the inbox is opened.
const HEAD: u64 = 64 * 1024;

pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        for path in paths_in(folder)?.filter(|it| it.extension().is_some_and(|it| it == "unfinished")) {
            fs::remove_file(path)?;
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// The numbers of the mails.
    pub(super) fn ids(&self) -> io::Result<Vec<u64>> {
        let mails = paths_in(&self.folder)?.filter(|it| it.extension().is_some_and(|it| it == "eml"));
        Ok(mails.filter_map(|it| it.file_stem()?.to_str()?.parse().ok()).collect())
    }

    pub(super) fn mail(&self, id: u64) -> PathBuf {
        self.folder.join(format!("{id:08}.eml"))
    }

    fn envelope(&self, id: u64) -> PathBuf {
        self.folder.join(format!("{id:08}.json"))
    }

    /// The envelope of a mail and the beginning of it. One without an envelope is shown without.
    pub(super) fn read_head(&self, id: u64) -> io::Result<(Envelope, Vec<u8>)> {
        let mut head = Vec::new();
        File::open(self.mail(id))?.take(HEAD).read_to_end(&mut head)?;
        let envelope = fs::read(self.envelope(id)).ok().and_then(|it| serde_json::from_slice(&it).ok());
        let none = || Envelope { from: String::new(), to: Vec::new(), received_at: DateTime::UNIX_EPOCH };
        Ok((envelope.unwrap_or_else(none), head))
    }

    /// Writes a mail so that, whenever we are interrupted, it is there as a whole or not at all.
    pub(super) fn write(&self, id: u64, envelope: &Envelope, data: &[u8]) -> io::Result<()> {
        self.write_whole(&self.envelope(id), &serde_json::to_vec(envelope)?)?;
        self.write_whole(&self.mail(id), data)?;
        File::open(&self.folder)?.sync_all()
    }

    pub(super) fn remove(&self, id: u64) -> io::Result<()> {
        for path in [self.mail(id), self.envelope(id)] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn write_whole(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let unfinished = self.folder.join(format!("{name}.unfinished"));
        let mut file = File::options().create(true).write(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(data)?;
        file.sync_all()?;
        fs::rename(unfinished, path)
    }
}

fn paths_in(folder: &Path) -> io::Result<impl Iterator<Item = PathBuf>> {
    Ok(fs::read_dir(folder)?.flatten().map(|it| it.path()))
}
