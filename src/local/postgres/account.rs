//! Whom postgres runs as. It refuses to run as root, which is what one is in many a container.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The user that postgres runs as: our own, or a lesser one when we are root.
#[derive(Debug)]
pub(super) struct Account(Option<Ids>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ids {
    user: u32,
    group: u32,
}

impl Account {
    /// Chooses the account for a cluster: as root, the one that owns it, else `postgres` or `nobody`.
    pub(super) fn for_cluster(cluster: &Path) -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        // Which accounts there are may have changed since the cluster was made.
        if let Ok(owner) = fs::metadata(cluster)
            && owner.uid() != 0
        {
            return Ok(Self(Some(Ids { user: owner.uid(), group: owner.gid() })));
        }
        let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
        match ["postgres", "_postgres", "nobody"].iter().find_map(|name| ids_of(&accounts, name)) {
            Some(ids) => Ok(Self(Some(ids))),
            None => bail!(
                "PostgreSQL refuses to run as root, and /etc/passwd has neither `postgres` nor `nobody` to run it as; \
                 run as an ordinary user, or set DATABASE_URL to a PostgreSQL you have"
            ),
        }
    }

    /// Gives a folder to this account, for it alone, and makes sure that the account gets there.
    pub(super) fn take_over(&self, folder: &Path) -> Result<()> {
        let Some(Ids { user, group }) = self.0 else {
            return fs::set_permissions(folder, Permissions::from_mode(0o700)).with_context(|| {
                format!("cannot take over {}; choose another folder with --data-dir", folder.display())
            });
        };
        let powerless = || {
            format!(
                "PostgreSQL refuses to run as root, and this process may not become user {user} (does a container lack \
                 CAP_SETUID, CAP_SETGID or CAP_CHOWN?); run as an ordinary user, or set DATABASE_URL to a PostgreSQL you have"
            )
        };
        chown(folder, Some(user), Some(group)).with_context(powerless)?;
        fs::set_permissions(folder, Permissions::from_mode(0o700)).with_context(powerless)?;
        let mut probe = self.command(Path::new("/bin/sh"), Path::new("/"));
        probe.args(["-c", "cd \"$1\" && test -w .", "probe"]).arg(folder);
        if !succeeds(probe).with_context(powerless)? {
            bail!(
                "PostgreSQL refuses to run as root, so it runs as user {user}, who cannot get to {}; choose a folder that \
                 is open to every user with --data-dir (such as one under /var/lib or /tmp), or set DATABASE_URL to a \
                 PostgreSQL you have",
                folder.display()
            );
        }
        Ok(())
    }

    /// Whether this account may run the programs in `folder`.
    pub(super) fn may_run(&self, folder: &Path) -> bool {
        let mut probe = self.command(Path::new("/bin/sh"), Path::new("/"));
        probe.args(["-c", "test -x \"$1/postgres\" && test -x \"$1/initdb\"", "probe"]).arg(folder);
        succeeds(probe).unwrap_or(false)
    }

    /// A command that runs as this account in `folder`, without the PG* variables that change what PostgreSQL's programs
    /// do, and with messages in one language.
    pub(super) fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).env("LC_ALL", "C");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        if let Some(Ids { user, group }) = self.0 {
            // As root, this gives up all other groups too.
            command.gid(group).uid(user).env("HOME", folder);
        }
        command
    }
}

fn succeeds(mut command: Command) -> std::io::Result<bool> {
    Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?.success())
}

/// Finds an account in the text of /etc/passwd: `name:password:user:group:…`. An account that is root is not one.
fn ids_of(passwd: &str, name: &str) -> Option<Ids> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (found, user, group) = (fields.next()?, fields.nth(1)?, fields.next()?);
        let ids = Ids { user: user.parse().ok()?, group: group.parse().ok()? };
        (found == name && ids.user != 0).then_some(ids)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_their_whole_name() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\npostgres2:x:7:7::/:\npostgres:x:101:104:,,,:/:/bin/sh\n";
        assert_eq!(ids_of(passwd, "postgres"), Some(Ids { user: 101, group: 104 }));
        assert_eq!(ids_of(passwd, "nobody"), None);
        assert_eq!(ids_of(passwd, "root"), None, "postgres would refuse");
    }

    #[test]
    fn commands_do_not_see_what_would_change_them() {
        let command = Account(None).command(Path::new("/bin/true"), Path::new("/"));
        let kept =
            command.get_envs().find(|(name, value)| name.as_encoded_bytes().starts_with(b"PG") && value.is_some());
        assert_eq!(kept, None);
        assert!(command.get_envs().any(|(name, value)| name == "LC_ALL" && value.is_some_and(|it| it == "C")));
    }
}
