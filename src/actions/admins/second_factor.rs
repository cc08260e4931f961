//! The second factor: an authenticator app, and recovery codes for whoever has lost it.
use qrcode::QrCode;
use qrcode::render::svg;
use sqlx::PgConnection;
use url::Url;
use uuid::Uuid;

use super::{ActionError, Actor, Admin, Service, audit, hash, password, totp};
use crate::actions::audit::Target;
use crate::actions::once::{self, Done};
use crate::store::people as store;

const CODES: usize = 10;
/// No letter that is easily taken for another (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What an app is shown to learn the secret.
pub struct Offer {
    /// Trusted: made here.
    pub picture_svg: String,
    /// For those who cannot take a picture, in groups of four.
    pub key: String,
}

/// A secret that is still to be confirmed: the one offered before, or a new one. Nothing for whom it is on already.
pub async fn offer(service: &Service, admin: Uuid) -> Result<Option<Offer>, ActionError> {
    let who = super::show(service, admin).await?;
    let (sealed, confirmed) = store::second_factor(service.db(), admin).await?;
    if confirmed {
        return Ok(None);
    }
    let Some(sealed) = sealed else { return Ok(None) };
    let secret = service.keyring().open_second_factor(&sealed, admin)?;
    let site = Url::parse(service.public_url()).ok().and_then(|url| url.host_str().map(str::to_owned));
    let url = totp::url(&secret, site.as_deref().unwrap_or("regimen"), &who.address);
    let groups = totp::base32(&secret);
    let groups: Vec<&str> = groups.as_bytes().chunks(4).filter_map(|four| std::str::from_utf8(four).ok()).collect();
    Ok(Some(Offer { picture_svg: picture(&url), key: groups.join(" ") }))
}

/// Makes a new secret, which is then offered. The password is asked for: whoever finds a screen open must not be able to
/// shut its owner out. Answers false when it is not right.
pub async fn begin(service: &Service, admin: Uuid, given: &str, by: &Actor) -> Result<bool, ActionError> {
    if !password::is_of(service, admin, given).await? {
        return Ok(false);
    }
    let sealed =
        service.keyring().seal_second_factor(&service.clock().random_bytes(), admin, service.clock().random_bytes());
    let mut tx = service.db().begin().await?;
    if !store::set_second_factor(&mut *tx, admin, Some(&sealed)).await? {
        return Err(ActionError::Refused("the second factor is on already: turn it off first".into()));
    }
    audit::record(service, &mut *tx, by, "offer second factor", Target::Admin(admin)).await?;
    tx.commit().await?;
    Ok(true)
}

/// Turns it on, with a code that shows that the app has the secret. Answers the recovery codes, which are shown once;
/// nothing when the code is not right.
pub async fn confirm(
    service: &Service,
    admin: Uuid,
    code: &str,
    by: &Actor,
) -> Result<Option<Vec<String>>, ActionError> {
    let mut tx = service.db().begin().await?;
    if !is_code(service, &mut tx, admin, code).await? {
        return Ok(None);
    }
    if !store::confirm_second_factor(&mut *tx, admin, service.clock().real()).await? {
        return Err(ActionError::Refused("the second factor is on already".into()));
    }
    let codes = new_codes(service, &mut tx, admin).await?;
    audit::record(service, &mut *tx, by, "turn on second factor", Target::Admin(admin)).await?;
    tx.commit().await?;
    Ok(Some(codes))
}

/// New recovery codes; the old ones are good no more. Nothing when the password is not right.
pub async fn renew_codes(
    service: &Service,
    admin: Uuid,
    given: &str,
    by: &Actor,
) -> Result<Option<Vec<String>>, ActionError> {
    if !password::is_of(service, admin, given).await? {
        return Ok(None);
    }
    let mut tx = service.db().begin().await?;
    let (_, on) = store::second_factor(&mut *tx, admin).await?;
    if !on {
        return Err(ActionError::Refused("the second factor is off".into()));
    }
    let codes = new_codes(service, &mut tx, admin).await?;
    audit::record(service, &mut *tx, by, "renew recovery codes", Target::Admin(admin)).await?;
    tx.commit().await?;
    Ok(Some(codes))
}

/// Turns it off. Answers false when the password is not right.
pub async fn turn_off(service: &Service, admin: Uuid, given: &str, by: &Actor) -> Result<bool, ActionError> {
    if !password::is_of(service, admin, given).await? {
        return Ok(false);
    }
    take_away(service, admin, "turn off second factor", by).await?;
    Ok(true)
}

/// For an admin who has lost app and codes: from the command line, or by an owner.
pub async fn reset(service: &Service, admin: Uuid, by: &Actor) -> Result<Done, ActionError> {
    super::refuse_for_oneself(admin, by)?;
    take_away(service, admin, "reset second factor", by).await
}

async fn take_away(service: &Service, admin: Uuid, action: &str, by: &Actor) -> Result<Done, ActionError> {
    let mut tx = service.db().begin().await?;
    store::set_second_factor(&mut *tx, admin, None).await?;
    store::forget_recovery_codes(&mut *tx, admin).await?;
    audit::record(service, &mut *tx, by, action, Target::Admin(admin)).await?;
    let done = once::answer(&mut tx, by, Done { done: true }).await?;
    tx.commit().await?;
    Ok(done)
}

pub async fn codes_left(service: &Service, admin: Uuid) -> Result<i64, ActionError> {
    Ok(store::recovery_codes_left(service.db(), admin).await?)
}

/// Whether it is a code of the app, or a recovery code. Each is good once.
pub(super) async fn is_right(service: &Service, admin: &Admin, given: &str, by: &Actor) -> Result<bool, ActionError> {
    let mut tx = service.db().begin().await?;
    let mut right = is_code(service, &mut tx, admin.id, given).await?;
    if !right {
        let hash = hash_of_code(admin.id, given);
        right = store::take_recovery_code(&mut *tx, admin.id, &hash, service.clock().real()).await?;
        if right {
            audit::record(service, &mut *tx, by, "use recovery code", Target::Admin(admin.id)).await?;
        }
    }
    tx.commit().await?;
    Ok(right)
}

async fn is_code(service: &Service, tx: &mut PgConnection, admin: Uuid, given: &str) -> Result<bool, ActionError> {
    let (Some(sealed), _) = store::second_factor(&mut *tx, admin).await? else { return Ok(false) };
    let secret = service.keyring().open_second_factor(&sealed, admin)?;
    match totp::step_of(&secret, given, service.clock().real()) {
        Some(step) => Ok(store::take_code(&mut *tx, admin, step).await?),
        None => Ok(false),
    }
}

async fn new_codes(service: &Service, tx: &mut PgConnection, admin: Uuid) -> Result<Vec<String>, ActionError> {
    let codes: Vec<String> = (0..CODES).map(|_| new_code(service.clock().random_bytes())).collect();
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| hash_of_code(admin, code).to_vec()).collect();
    store::forget_recovery_codes(&mut *tx, admin).await?;
    store::add_recovery_codes(&mut *tx, admin, &hashes).await?;
    Ok(codes)
}

/// Eighty bits in groups of four, such as `7k2m-9xqa-04bd-hs3w`.
fn new_code(random: [u8; 16]) -> String {
    let letters: Vec<char> = random.iter().map(|octet| char::from(LETTERS[usize::from(octet & 31)])).collect();
    letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

fn hash_of_code(admin: Uuid, given: &str) -> [u8; 32] {
    let letters = given.to_lowercase();
    let letters: String = letters.chars().filter(char::is_ascii_alphanumeric).collect();
    hash(&format!("{admin} {letters}"))
}

/// Black on white whatever the page's colours are, since not every app reads it the other way round.
fn picture(url: &str) -> String {
    let code = QrCode::new(url).expect("an address of at most 254 octets and a key fit");
    let drawn = code.render::<svg::Color>().min_dimensions(200, 200).build();
    // Inside a page the document's declaration is none.
    drawn.split_once("?>").map_or(drawn.clone(), |(_, svg)| svg.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_is_read_however_it_is_typed() {
        let code = new_code(std::array::from_fn(|place| u8::try_from(place * 11).unwrap()));
        assert_eq!(code.len(), 19);
        let admin = Uuid::from_u128(1);
        let typed = format!(" {} ", code.to_uppercase().replace('-', " "));
        assert_eq!(hash_of_code(admin, &code), hash_of_code(admin, &typed));
        assert_ne!(hash_of_code(admin, &code), hash_of_code(Uuid::from_u128(2), &code));
    }

    #[test]
    fn the_picture_is_markup_without_style_or_script() {
        let svg = picture("otpauth://totp/example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(svg.trim_start().starts_with("<svg") && !svg.contains("style=") && !svg.contains("<script"), "{svg}");
    }
}
