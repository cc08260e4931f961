//! Where PostgreSQL's server programs are. Distributions keep them out of PATH, each in its own way.

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

/// The SQL of this service is written for this version and newer ones.
const OLDEST: u32 = 15;

/// The folders of which each sub-folder `…/bin` is one version, and how the names of those sub-folders begin.
const BY_VERSION: [(&str, &str); 7] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql@"),
    ("/Applications/Postgres.app/Contents/Versions", ""),
    ("/var/cache/regimen/postgresql", ""),
];

/// The server programs of one PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// Holds `initdb` and `postgres`.
    pub folder: PathBuf,
    /// Its major version, such as 17.
    pub major: u32,
}

impl Programs {
    /// One of the programs in that folder; others than those two need not be there.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Finds PostgreSQL's server programs: in `PG_BIN` if that is set, else in the first of these that has them: what
/// `pg_config` names, where distributions put them (newest first), PATH, and `regimen/postgresql/*/bin` in the user's
/// cache (`XDG_CACHE_HOME` or `~/.cache`) or in /var/cache.
pub fn find_programs() -> Result<Programs> {
    choose(&folders()?, None, |_| true)
}

/// Every folder that may hold the programs, best first.
pub(super) fn folders() -> Result<Vec<PathBuf>> {
    if let Some(folder) = env::var_os("PG_BIN").filter(|it| !it.is_empty()).map(PathBuf::from) {
        if has_programs(&folder) {
            return Ok(vec![folder]);
        }
        bail!("PG_BIN is {}, which does not hold the programs initdb and postgres", folder.display());
    }
    let mut folders = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output()
        && output.status.success()
    {
        folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    for (base, prefix) in BY_VERSION {
        folders.extend(newest_first(Path::new(base), prefix));
    }
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let home_cache = || Some(PathBuf::from(env::var_os("HOME")?).join(".cache"));
    let cache = env::var_os("XDG_CACHE_HOME").filter(|it| !it.is_empty()).map(PathBuf::from).or_else(home_cache);
    if let Some(cache) = cache {
        folders.extend(newest_first(&cache.join("regimen/postgresql"), ""));
    }
    Ok(folders)
}

/// Takes the first folder whose programs run, are of the wanted version, if any, and may be run by the account.
pub(super) fn choose(folders: &[PathBuf], wanted: Option<u32>, may_run: impl Fn(&Path) -> bool) -> Result<Programs> {
    let mut passed_over = String::new();
    for folder in folders.iter().filter(|it| has_programs(it)) {
        let reason = match major_of(folder) {
            _ if !may_run(folder) => "cannot be run by the user that PostgreSQL would run as".to_owned(),
            None => "does not run".to_owned(),
            Some(major) if wanted.is_some_and(|it| it != major) => format!("is version {major}"),
            Some(major) if major < OLDEST => format!("is version {major}, older than {OLDEST}"),
            Some(major) => return Ok(Programs { folder: folder.clone(), major }),
        };
        let _ = write!(passed_over, "\n  - the one in {} {reason}", folder.display());
    }
    let found = if passed_over.is_empty() { String::new() } else { format!(" that can be used:{passed_over}\n ") };
    match wanted {
        Some(major) => bail!(
            "the data was made by PostgreSQL {major}, and no PostgreSQL {major} was found{found}; install PostgreSQL {major}, \
             set PG_BIN to the folder that holds its initdb and postgres, or remove the data to start anew"
        ),
        None => bail!(
            "no server programs of PostgreSQL (initdb, postgres) were found{found}. Do one of these:\n  \
             - set DATABASE_URL to a PostgreSQL you have\n  \
             - install one: apt-get install postgresql | dnf install postgresql-server | brew install postgresql@17\n  \
             - set PG_BIN to the folder that holds initdb and postgres"
        ),
    }
}

fn has_programs(folder: &Path) -> bool {
    folder.join("postgres").is_file() && folder.join("initdb").is_file()
}

/// The `bin` folders below `base`, by the number in their parent's name, which begins with `prefix`.
fn newest_first(base: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    let mut versions: Vec<_> =
        entries.filter_map(|entry| Some((version_in(&entry.file_name(), prefix)?, entry.path().join("bin")))).collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

/// The numbers of a version: `postgresql@17` is [17], `17.6.0` is [17, 6, 0].
fn version_in(name: &OsStr, prefix: &str) -> Option<Vec<u32>> {
    let version = name.to_str()?.strip_prefix(prefix)?;
    let numbers: Vec<u32> = version.split(|it: char| !it.is_ascii_digit()).filter_map(|it| it.parse().ok()).collect();
    version.starts_with(|it: char| it.is_ascii_digit()).then_some(numbers)
}

/// Asks the program: `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)` is 15.
fn major_of(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().find(|it| it.starts_with(|it: char| it.is_ascii_digit()))?;
    version.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder with programs that say what version they are.
    fn programs_in(folder: &Path, version: &str) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        for name in ["initdb", "postgres"] {
            let path = folder.join(name);
            fs::write(&path, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version} (Example 1-2)'\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder.to_owned()
    }

    #[test]
    fn versions_are_numbers_and_the_newest_comes_first() {
        let base = tempfile::tempdir().unwrap();
        for name in ["9.6", "15", "17.6.0", "17.10.1", "other"] {
            fs::create_dir(base.path().join(name)).unwrap();
        }
        let names: Vec<_> = newest_first(base.path(), "")
            .iter()
            .map(|it| it.strip_prefix(base.path()).unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["17.10.1/bin", "17.6.0/bin", "15/bin", "9.6/bin"]);
        assert_eq!(version_in(OsStr::new("postgresql@17"), "postgresql@"), Some(vec![17]));
        assert_eq!(version_in(OsStr::new("share"), "postgresql@"), None);
    }

    #[test]
    fn the_wanted_version_is_taken_even_if_a_newer_one_comes_first() {
        let base = tempfile::tempdir().unwrap();
        let folders = [
            base.path().join("empty"),
            programs_in(&base.path().join("a"), "18beta1"),
            programs_in(&base.path().join("b"), "15.14"),
            programs_in(&base.path().join("c"), "14.2"),
        ];
        assert_eq!(choose(&folders, None, |_| true).unwrap().major, 18);
        assert_eq!(choose(&folders, Some(15), |_| true).unwrap(), Programs { folder: folders[2].clone(), major: 15 });
        assert_eq!(choose(&folders, None, |it| it.ends_with("b")).unwrap().major, 15, "only that one may be run");

        let error = choose(&folders, Some(16), |_| true).unwrap_err().to_string();
        assert!(error.contains("made by PostgreSQL 16") && error.contains("is version 18"), "{error}");
        let error = choose(&folders[3..], None, |_| true).unwrap_err().to_string();
        assert!(error.contains("older than 15") && error.contains("DATABASE_URL"), "{error}");
        let error = choose(&folders[1..2], None, |_| false).unwrap_err().to_string();
        assert!(error.contains("cannot be run by the user"), "{error}");
        let error = choose(&folders[..1], None, |_| true).unwrap_err().to_string();
        assert!(error.contains("apt-get install postgresql") && error.contains("PG_BIN"), "{error}");
    }

    #[test]
    fn this_machine_has_programs() {
        let programs = find_programs().unwrap();
        assert!(programs.major >= OLDEST && programs.path("initdb").is_file());
    }
}
