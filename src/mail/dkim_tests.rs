use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use mail_auth::common::parse::TxtRecordParser as _;
use mail_auth::common::verify::DomainKey;
use mail_auth::hickory_resolver::config::{ResolverConfig, ResolverOpts};
use mail_auth::{AuthenticatedMessage, DkimResult, MessageAuthenticator, Parameters, ResolverCache, Txt};

use super::dkim::der;
use super::message_tests::step;
use super::*;

/// The Ed25519 key of RFC 8463 A.2, as `openssl genpkey` would write it.
pub(super) fn ed25519_key() -> DkimKey {
    DkimKey::from_pem(&ed25519_pem(), "example.org", "ed").unwrap()
}

fn ed25519_pem() -> String {
    let seed = BASE64_STANDARD.decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").unwrap();
    let algorithm = der::write(0x30, &[&der::write(0x06, &[&[0x2b, 0x65, 0x70]])]);
    let inner = der::write(0x04, &[&der::write(0x04, &[&seed])]);
    pem("PRIVATE KEY", &der::write(0x30, &[&[2, 1, 0], &algorithm, &inner]))
}

/// One RSA key of 2048 bits in PKCS#8, made anew in every test run: no private key is kept in the repository.
static RSA_PKCS8: LazyLock<Vec<u8>> =
    LazyLock::new(|| rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap().serialize_der());

fn rsa_key() -> DkimKey {
    DkimKey::from_pem(&pem("PRIVATE KEY", &RSA_PKCS8), "example.org", "rsa").unwrap()
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
}

/// DNS, with the records that the keys ask for.
struct Records(HashMap<Box<str>, Txt>);

impl Records {
    fn of(keys: &[DkimKey]) -> Self {
        let entry = |key: &DkimKey| {
            let record = DomainKey::parse(key.dns_record().as_bytes()).unwrap();
            (format!("{}.", key.dns_name()).into_boxed_str(), Txt::DomainKey(Arc::new(record)))
        };
        Self(keys.iter().map(entry).collect())
    }
}

impl ResolverCache<Box<str>, Txt> for Records {
    fn get<Q: Hash + Eq + ?Sized>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
    {
        self.0.get(name).cloned()
    }

    fn remove<Q: Hash + Eq + ?Sized>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: Instant) {}
}

/// For each signature, whether it holds.
async fn verify(mail: &[u8], keys: &[DkimKey]) -> Vec<bool> {
    let records = Records::of(keys);
    let resolver = MessageAuthenticator::new(ResolverConfig::default(), ResolverOpts::default()).unwrap();
    let message = AuthenticatedMessage::parse(mail).unwrap();
    let results = resolver.verify_dkim(Parameters::new(&message).with_txt_cache(&records)).await;
    results.iter().map(|result| *result.result() == DkimResult::Pass).collect()
}

#[tokio::test]
async fn both_signatures_hold_and_break_with_the_mail() {
    let keys = [rsa_key(), ed25519_key()];
    let mail = String::from_utf8(build(&step(), &keys).unwrap()).unwrap();
    assert_eq!(verify(mail.as_bytes(), &keys).await, [true, true]);

    let altered = [
        mail.replace("softly", "hardly"),
        mail.replace("Example Health", "Example Wealth"),
        mail.replace("/u/Ag", "/u/Bg"),
        mail.replace("One-Click", "Two-Click"),
        mail.replace("questions@", "answers@"),
        mail.replacen("From: ", "From: Somebody Else <else@example.com>\r\nFrom: ", 1),
    ];
    for altered in altered {
        assert_ne!(altered, mail);
        assert_eq!(verify(altered.as_bytes(), &keys).await, [false, false], "{altered}");
    }
}

#[test]
fn every_header_is_signed_and_the_time_is_the_messages() {
    let mail = String::from_utf8(build(&step(), &[ed25519_key()]).unwrap()).unwrap();
    let unfolded = mail.split_once("\r\nDate:").unwrap().0.replace("\r\n\t", "");
    let tag = |name: &str| {
        let tag = unfolded.split(';').find_map(|tag| tag.trim().strip_prefix(name));
        tag.unwrap().trim_start_matches('=').to_owned()
    };
    let signed = "Content-Type:MIME-Version:Feedback-ID:List-Unsubscribe-Post:List-Unsubscribe:List-Id:Message-ID:Subject:To:Reply-To:From:Date:From";
    assert_eq!(tag("h"), signed);
    assert_eq!(tag("t"), step().date.timestamp().to_string());
    assert_eq!((tag("c"), tag("d"), tag("s")), ("relaxed/relaxed".into(), "example.org".into(), "ed".into()));
}

#[test]
fn an_rsa_key_is_read_in_both_forms() {
    let (_, pkcs1) = der::pkcs8(&RSA_PKCS8).unwrap();
    let key = DkimKey::from_pem(&pem("RSA PRIVATE KEY", pkcs1), "example.org", "rsa").unwrap();
    assert_eq!(key.dns_record(), rsa_key().dns_record());
    assert_eq!(build(&step(), &[key]), build(&step(), &[rsa_key()]));
}

#[test]
fn the_dns_record_holds_the_public_key() {
    assert_eq!(ed25519_key().dns_name(), "ed._domainkey.example.org");
    assert_eq!(ed25519_key().dns_record(), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    assert!(rsa_key().dns_record().starts_with("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA"));
}

#[test]
fn what_is_no_key_is_refused_with_its_reason() {
    let modulus = [&[0, 0x80][..], &[1; 127]].concat();
    let short = der::write(0x30, &[&[2, 1, 0], &der::write(0x02, &[&modulus])]);
    let elliptic = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let table = [
        (pem("RSA PRIVATE KEY", &short), "has 1024 bits"),
        (pem("RSA PRIVATE KEY", &RSA_PKCS8[..100]), "damaged"),
        (pem("PRIVATE KEY", &RSA_PKCS8[..100]), "damaged"),
        (elliptic, "does not sign mail"),
        (pem("ENCRYPTED PRIVATE KEY", &RSA_PKCS8), "without a passphrase"),
        (pem("PUBLIC KEY", &RSA_PKCS8), "no private key"),
        (String::new(), "no private key"),
    ];
    for (pem, reason) in table {
        let error = DkimKey::from_pem(&pem, "example.org", "one").unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let error = DkimKey::load(std::path::Path::new("/nonexistent/dkim.pem"), "example.org", "one").unwrap_err();
    assert!(error.to_string().contains("/nonexistent/dkim.pem"), "{error}");
}

#[test]
fn selector_and_domain_cannot_add_a_tag() {
    for selector in ["", "a;d=example.com", "a b", "a..b", "a\r\nb"] {
        assert!(matches!(DkimKey::from_pem(&ed25519_pem(), "example.org", selector), Err(KeyError::Selector)));
    }
    for domain in ["", "localhost", "example.org; s=x", "example .org"] {
        assert!(matches!(DkimKey::from_pem(&ed25519_pem(), domain, "one"), Err(KeyError::Domain)), "{domain}");
    }
    let key = DkimKey::from_pem(&ed25519_pem(), "bücher.example", "one.two").unwrap();
    assert_eq!((key.domain(), key.selector()), ("xn--bcher-kva.example", "one.two"));
}

#[test]
fn a_key_does_not_show_in_debug_output() {
    assert_eq!(format!("{:?}", ed25519_key()), "DkimKey(ed25519-sha256, ed._domainkey.example.org, …)");
}
