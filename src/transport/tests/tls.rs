//! TLS and the login.
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;

use super::support::{ANN, BODY, Line, Server, recite, relay, reply, to};
use crate::local::smtp::Options;
use crate::transport::{Connection, Credentials, Proof, Relay, SendError, Tls};

/// A server with a certificate of its own making, and that certificate as PEM.
async fn secure(change: impl FnOnce(&mut Options)) -> (Server, String) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let mut options = Options { tls: Some(Arc::new(config)), ..Options::default() };
    change(&mut options);
    (Server::start(options).await, cert.pem())
}

fn trusting(server: &Server, pem: &str, tls: Tls) -> Relay {
    let mut relay = Relay { tls, ..server.relay() };
    relay.trust_pem(pem.as_bytes()).unwrap();
    relay
}

fn login(relay: Relay, secret: &str) -> Relay {
    prove(relay, Proof::Password(secret.into()))
}

fn prove(relay: Relay, proof: Proof) -> Relay {
    Relay { auth: Some(Credentials { user: "ann".into(), proof }), ..relay }
}

async fn fails_to_open(relay: &Relay) -> String {
    match Connection::open(relay).await.err() {
        Some(SendError::Relay { why }) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn protects_the_way_as_asked() {
    for tls in [Tls::Required, Tls::Opportunistic, Tls::Implicit] {
        let (server, pem) = secure(|options| options.implicit_tls = tls == Tls::Implicit).await;
        let mut connection = Connection::open(&trusting(&server, &pem, tls)).await.unwrap();
        // Two mails with a look at the idle connection between them: session tickets are no farewell.
        for _ in 0..2 {
            connection.send(&to(ANN), BODY).await.unwrap();
            assert!(connection.alive().await);
        }
        assert!(server.mails().iter().all(|mail| mail.tls && mail.data == BODY));
        server.stop().await;
        assert!(!connection.alive().await, "the server is gone");
    }
}

#[tokio::test]
async fn a_large_mail_survives_tls_records() {
    let (server, pem) = secure(|_| {}).await;
    let mut connection = Connection::open(&trusting(&server, &pem, Tls::Required)).await.unwrap();
    let body = b".line of a long mail\r\n".repeat(50_000);
    connection.send(&to(ANN), &body).await.unwrap();
    assert!(server.mails()[0].data == body);
}

#[tokio::test]
async fn an_unknown_certificate_is_refused() {
    let (server, _) = secure(|_| {}).await;
    let (_, other_pem) = secure(|_| {}).await;
    for tls in [Tls::Required, Tls::Opportunistic] {
        let why = fails_to_open(&trusting(&server, &other_pem, tls)).await;
        assert!(why.contains("TLS"), "{why}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let (server, pem) = secure(|_| {}).await;
    let relay = Relay { host: "localhost".into(), ..trusting(&server, &pem, Tls::Required) };
    let why = fails_to_open(&relay).await;
    assert!(why.contains("TLS"), "{why}");
}

#[tokio::test]
async fn required_tls_is_not_given_up() {
    let plain = Server::start(Options::default()).await;
    let why = fails_to_open(&Relay { tls: Tls::Required, ..plain.relay() }).await;
    assert!(why.contains("STARTTLS"), "{why}");
    Connection::open(&Relay { tls: Tls::Opportunistic, ..plain.relay() }).await.unwrap();

    let (server, pem) = secure(|_| {}).await;
    server.once("starttls", reply(454, "4.7.0 not now"));
    let why = fails_to_open(&trusting(&server, &pem, Tls::Required)).await;
    assert!(why.contains("454"), "{why}");
}

#[tokio::test]
async fn replies_slipped_in_before_the_handshake_are_refused() {
    let (address, server) = recite(vec![
        Line::Say("220 x\r\n"),
        Line::Hear("EHLO"),
        Line::Say("250-x\r\n250 STARTTLS\r\n"),
        Line::Hear("STARTTLS"),
        Line::Say("220 go\r\n250-x\r\n250 AUTH PLAIN\r\n"),
    ])
    .await;
    let why = fails_to_open(&relay(address, "?tls=required")).await;
    assert!(why.contains("before the TLS handshake"), "{why}");
    server.await.unwrap();
}

#[tokio::test]
async fn logs_in_with_plain_and_with_login() {
    let (server, pem) = secure(|options| options.auth = true).await;
    let relay = login(trusting(&server, &pem, Tls::Required), "hunter2");
    let mut connection = Connection::open(&relay).await.unwrap();
    connection.send(&to(ANN), BODY).await.unwrap();
    assert_eq!(server.mails()[0].authenticated.as_deref(), Some("ann"));

    // The local server offers both, so LOGIN alone is recited. The prompts are of the unusual kind.
    let (address, server) = recite(vec![
        Line::Say("220 x\r\n"),
        Line::Hear("EHLO"),
        Line::Say("250-x\r\n250 AUTH=LOGIN\r\n"),
        Line::Hear("AUTH LOGIN\r\n"),
        Line::Say("334 V2hvPw==\r\n"),
        Line::Hear("YW5u\r\n"),
        Line::Say("334 \r\n"),
        Line::Hear("aHVudGVyMg==\r\n"),
        Line::Say("235 Ok\r\n"),
    ])
    .await;
    Connection::open(&login(super::support::relay(address, ""), "hunter2")).await.unwrap();
    server.await.unwrap();
}

#[tokio::test]
async fn a_refused_login_is_the_relays_failure_and_tells_no_secret() {
    let server = Server::start(Options { auth: true, ..Options::default() }).await;
    let why = fails_to_open(&login(server.relay(), "hunter3")).await;
    assert_eq!(why, "the login was refused with 535 5.7.8");

    let without = Server::start(Options::default()).await;
    let why = fails_to_open(&login(without.relay(), "hunter2")).await;
    assert!(why.contains("AUTH"), "{why}");
}

/// A greeting that offers XOAUTH2, and the login of `ann` with the token `t1`.
fn until_token() -> Vec<Line> {
    vec![
        Line::Say("220 x\r\n"),
        Line::Hear("EHLO"),
        Line::Say("250-x\r\n250 AUTH PLAIN XOAUTH2\r\n"),
        Line::Hear("AUTH XOAUTH2 dXNlcj1hbm4BYXV0aD1CZWFyZXIgdDEBAQ==\r\n"),
    ]
}

#[tokio::test]
async fn logs_in_with_a_token() {
    let mut lines = until_token();
    lines.push(Line::Say("235 2.7.0 Accepted\r\n"));
    let (address, server) = recite(lines).await;
    Connection::open(&prove(relay(address, ""), Proof::Token("t1".into()))).await.unwrap();
    server.await.unwrap();
}

#[tokio::test]
async fn a_token_in_a_file_is_read_at_each_login() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let proof = Proof::TokenFile(file.path().into());
    for text in ["", "two words\n", "t\u{e9}"] {
        std::fs::write(file.path(), text).unwrap();
        let (address, server) = recite(until_token()[..3].iter().map(Line::again).collect()).await;
        let why = fails_to_open(&prove(relay(address, ""), proof.clone())).await;
        assert!(why.contains("holds no token"), "{text:?}: {why}");
        server.await.unwrap();
    }
    std::fs::write(file.path(), "t1\n").unwrap();
    let mut lines = until_token();
    lines.push(Line::Say("235 x\r\n"));
    let (address, server) = recite(lines).await;
    Connection::open(&prove(relay(address, ""), proof)).await.unwrap();
    server.await.unwrap();

    let (address, server) = recite(until_token()[..3].iter().map(Line::again).collect()).await;
    let why = fails_to_open(&prove(relay(address, ""), Proof::TokenFile("/nowhere/token".into()))).await;
    assert!(why.contains("cannot be read"), "{why}");
    server.await.unwrap();
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_the_relays_failure_and_goes_nowhere_else() {
    let mut lines = until_token();
    lines.extend([
        Line::Say("334 eyJzdGF0dXMiOiI0MDEifQ==\r\n"),
        Line::Hear("\r\n"),
        Line::Say("535 5.7.8 no: t1\r\n"),
        // No other mechanism is tried with it.
        Line::End,
    ]);
    let (address, server) = recite(lines).await;
    let why = fails_to_open(&prove(relay(address, ""), Proof::Token("t1".into()))).await;
    assert_eq!(why, "the login was refused with 535 5.7.8");
    server.await.unwrap();

    let plain = Server::start(Options { auth: true, ..Options::default() }).await;
    let why = fails_to_open(&prove(plain.relay(), Proof::Token("hunter2".into()))).await;
    assert!(why.contains("XOAUTH2"), "{why}");
}

#[tokio::test]
async fn a_stripped_starttls_is_not_gone_along_with_and_no_password_is_said() {
    // Whoever sits between takes STARTTLS out of the offers, and would have the login.
    let (address, server) = recite(vec![
        Line::Say("220 x\r\n"),
        Line::Hear("EHLO"),
        Line::Say("250-x\r\n250 AUTH PLAIN LOGIN\r\n"),
        Line::End,
    ])
    .await;
    let why = fails_to_open(&login(relay(address, "?tls=required"), "hunter2")).await;
    assert!(why.contains("STARTTLS"), "{why}");
    server.await.unwrap();
}

#[tokio::test]
async fn replies_slipped_in_behind_the_starttls_reply_are_refused_in_any_piece() {
    // In one packet with the reply it is seen before the handshake; later it is no TLS, and the handshake fails.
    for slipped in [&["220 go\r\n250 x\r\n"][..], &["220 go\r\n", "250 x\r\n"]] {
        let mut lines = vec![
            Line::Say("220 x\r\n"),
            Line::Hear("EHLO"),
            Line::Say("250-x\r\n250 STARTTLS\r\n"),
            Line::Hear("STARTTLS"),
        ];
        lines.extend(slipped.iter().map(|text| Line::Say(text)));
        let (address, server) = recite(lines).await;
        let why = fails_to_open(&login(relay(address, "?tls=required"), "hunter2")).await;
        assert!(why.contains("TLS"), "{why}");
        server.await.unwrap();
    }
}
