//! Passwords: Argon2id with the parameters that OWASP's Password Storage Cheat Sheet names (19 MiB, two passes), a few at a
//! time and on threads of their own, since each takes a core for tens of milliseconds.
use std::sync::LazyLock;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use super::{ActionError, Actor, Service, audit};
use crate::actions::audit::Target;
use crate::store::{people, sign_ins};

/// In characters: long beats clever (NIST SP 800-63B 3.1.1).
pub const SHORTEST: usize = 12;
/// In octets: what is hashed must have an end.
const LONGEST: usize = 512;
/// How many are hashed at the same moment, and how long one more waits.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
const PATIENCE: Duration = Duration::from_secs(5);
/// What a password is compared with where there is none, so that the answer takes as long.
static NOBODYS: LazyLock<String> = LazyLock::new(|| hashed("nobody's password", &[0; 16]));

/// Why a password cannot be chosen: the key of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFault {
    TooShort,
    TooLong,
    /// It is the address or the name, or the same few characters over and over.
    Guessable,
}

impl PasswordFault {
    /// In English, for the command line.
    pub fn text(self) -> &'static str {
        match self {
            Self::TooShort => "a password has at least 12 characters",
            Self::TooLong => "this password is too long",
            Self::Guessable => "this password is too easy to guess",
        }
    }
}

/// Whether somebody with these names may choose it.
pub fn check(password: &str, names: &[&str]) -> Result<(), PasswordFault> {
    if password.chars().count() < SHORTEST {
        return Err(PasswordFault::TooShort);
    }
    if password.len() > LONGEST {
        return Err(PasswordFault::TooLong);
    }
    let lower = password.to_lowercase();
    let different: std::collections::HashSet<char> = lower.chars().collect();
    // What is left of the password without a name must be one by itself.
    let long = names.iter().map(|name| name.to_lowercase()).filter(|name| name.chars().count() >= 4);
    let rest = long.fold(lower, |rest, name| rest.replace(&name, ""));
    if different.len() < 5 || rest.chars().count() < 8 {
        return Err(PasswordFault::Guessable);
    }
    Ok(())
}

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("the present password is another")]
    Wrong,
    #[error("{}", .0.text())]
    Fault(PasswordFault),
    #[error(transparent)]
    Failed(#[from] ActionError),
}

/// Changes the password of somebody who is signed in and knows the present one. All other sessions end.
pub async fn change(
    service: &Service,
    admin: Uuid,
    session: Uuid,
    present: &str,
    new: &str,
    by: &Actor,
) -> Result<(), ChangeError> {
    if !is_of(service, admin, present).await? {
        return Err(ChangeError::Wrong);
    }
    set(service, admin, new, Way::Session(session), "change password", by).await
}

/// Why somebody may set a password.
#[derive(Clone, Copy)]
pub(super) enum Way<'a> {
    /// They know the present one, and stay signed in here.
    Session(Uuid),
    /// They have a link, which is used by it.
    Link(&'a [u8; 32]),
    CommandLine,
}

/// Sets a password and ends all sessions but the one that it is done from.
pub(super) async fn set(
    service: &Service,
    admin: Uuid,
    new: &str,
    way: Way<'_>,
    action: &str,
    by: &Actor,
) -> Result<(), ChangeError> {
    let who = people::by_id(service.db(), admin).await.map_err(ActionError::from)?;
    let who = who.ok_or(ActionError::NotFound("admin"))?;
    let local = who.address.split('@').next().unwrap_or_default();
    check(new, &[&who.name, local]).map_err(ChangeError::Fault)?;
    let hash = hash(service, new).await?;
    let written = async {
        let (mut tx, real) = (service.db().begin().await?, service.clock().real());
        let stays = match way {
            Way::Session(session) => Some(session),
            Way::Link(link) => {
                people::take_link(&mut *tx, link, real).await?.ok_or(ActionError::NotFound("link"))?;
                None
            }
            Way::CommandLine => None,
        };
        people::set_password(&mut *tx, admin, &hash, real).await?;
        people::forget_links(&mut *tx, admin).await?;
        sign_ins::end_all(&mut *tx, admin, stays).await?;
        audit::record(service, &mut *tx, by, action, Target::Admin(admin)).await?;
        tx.commit().await?;
        Ok::<_, ActionError>(())
    };
    Ok(written.await?)
}

/// The same from the command line.
pub async fn set_by_hand(service: &Service, admin: Uuid, new: &str, by: &Actor) -> Result<(), ChangeError> {
    set(service, admin, new, Way::CommandLine, "set password", by).await
}

/// Whether it is the password of this admin.
pub async fn is_of(service: &Service, admin: Uuid, given: &str) -> Result<bool, ActionError> {
    verify(people::password_hash(service.db(), admin).await?, given).await
}

/// Compares with a hash, or with nobody's: the time does not tell which.
pub(super) async fn verify(hash: Option<String>, given: &str) -> Result<bool, ActionError> {
    let (given, _permit) = (given.to_owned(), permit().await?);
    let verified = tokio::task::spawn_blocking(move || {
        let is_nobodys = hash.is_none();
        let hash = hash.as_deref().unwrap_or(&NOBODYS);
        let same = given.len() <= LONGEST
            && PasswordHash::new(hash)
                .is_ok_and(|hash| Argon2::default().verify_password(given.as_bytes(), &hash).is_ok());
        same && !is_nobodys
    });
    Ok(verified.await.unwrap_or(false))
}

async fn hash(service: &Service, password: &str) -> Result<String, ActionError> {
    let (password, salt) = (password.to_owned(), service.clock().random_bytes::<16>());
    let _permit = permit().await?;
    tokio::task::spawn_blocking(move || hashed(&password, &salt)).await.map_err(|_| ActionError::Busy)
}

async fn permit() -> Result<SemaphorePermit<'static>, ActionError> {
    match tokio::time::timeout(PATIENCE, AT_ONCE.acquire()).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(ActionError::Busy),
    }
}

fn hashed(password: &str, salt: &[u8; 16]) -> String {
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), salt)
        .expect("the parameters and the salt's length are good ones");
    hash.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_names_its_parameters_and_fits_its_password_alone() {
        let hash = hashed("correct horse battery", &[7; 16]);
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let hash = PasswordHash::new(&hash).unwrap();
        let verify = |text: &str| Argon2::default().verify_password(text.as_bytes(), &hash).is_ok();
        assert!(verify("correct horse battery") && !verify("correct horse batterx"));
    }

    #[test]
    fn a_password_is_long_and_not_ones_own_name() {
        let names = ["Ada Example", "ada.example"];
        for (password, fault) in [
            ("elevenchars", Some(PasswordFault::TooShort)),
            ("äöüäöüäöüäöü", Some(PasswordFault::Guessable)),
            ("aaaaaaaaaaaaaaaa", Some(PasswordFault::Guessable)),
            ("Ada Example 1", Some(PasswordFault::Guessable)),
            ("ada.example2026", Some(PasswordFault::Guessable)),
            ("only for the demo", None),
            ("зонтик и чай в пять", None),
        ] {
            assert_eq!(check(password, &names).err(), fault, "{password}");
        }
        assert_eq!(check(&"long enough ".repeat(50), &names), Err(PasswordFault::TooLong));
    }
}
