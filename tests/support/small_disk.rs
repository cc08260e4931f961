//! A disk that can be full.
use std::io::Write as _;
use std::path::PathBuf;

use super::process::Folder;

/// A file system of a few megabytes; gone when it is dropped.
pub struct SmallDisk(Folder);

impl SmallDisk {
    /// None where this user may not mount one, which is said aloud.
    pub fn mount(megabytes: u32) -> Option<Self> {
        let folder = Folder::new();
        let options = format!("size={megabytes}m,mode=0777");
        let mount = ["-t", "tmpfs", "-o", &options, "tmpfs", folder.text()];
        let output = std::process::Command::new("mount").args(mount).output();
        if output.as_ref().is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        println!("SKIPPED: this user may not mount a small disk: {output:?}");
        None
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes until there is no room.
    pub fn fill(&self) {
        let mut ballast = std::fs::File::create(self.join("ballast")).unwrap();
        while ballast.write(&[1; 4096]).is_ok() {}
    }

    pub fn make_room(&self) {
        std::fs::remove_file(self.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        std::process::Command::new("umount").args(["-l", self.0.text()]).status().ok();
    }
}
