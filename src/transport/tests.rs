//! Whole conversations with `local::smtp`, and with a bare socket where a server must misbehave in a special way.
mod support;
mod tls;

use std::time::Duration;

use futures::FutureExt as _;

use self::support::{ANN, BEN, BODY, Line, Server, both, offering, recite, relay, reply, to};
use super::{Accepted, Connection, Envelope, Relay, SendError};
use crate::local::smtp::{Options, Verdict};

fn spawnable<F: Future + Send>(future: F) -> F {
    future
}

#[tokio::test]
async fn hands_many_mails_over_one_connection() {
    for options in both() {
        let server = Server::start(options).await;
        let mut connection = spawnable(Connection::open(&server.relay())).await.unwrap();
        for _ in 0..20 {
            let accepted = spawnable(connection.send(&to(ANN), BODY)).await.unwrap();
            assert_eq!(accepted, Accepted { code: 250, reply: "2.0.0 Ok, delivered".into() });
            assert!(connection.reusable() && connection.alive().await);
        }
        let mails = server.mails();
        assert_eq!(mails.len(), 20);
        for mail in mails {
            assert_eq!(
                (mail.connection, mail.from.as_str(), mail.to.as_slice()),
                (1, "series@example.com", [ANN.into()].as_slice())
            );
            assert!(mail.data == BODY && !mail.tls && !mail.smtputf8);
        }
        connection.quit().await;
    }
}

#[tokio::test]
async fn a_connection_is_used_so_often_and_no_more() {
    let server = Server::start(Options::default()).await;
    let relay = Relay { mails_per_connection: 2, ..server.relay() };
    let mut connection = Connection::open(&relay).await.unwrap();
    connection.send(&to(ANN), BODY).await.unwrap();
    assert!(connection.reusable());
    connection.send(&to(ANN), BODY).await.unwrap();
    assert!(!connection.reusable());
}

#[tokio::test]
async fn the_null_sender_is_sent_as_such() {
    let server = Server::start(Options::default()).await;
    let envelope = Envelope { from: String::new(), to: ANN.into() };
    server.connect().await.send(&envelope, BODY).await.unwrap();
    assert_eq!(server.mails()[0].from, "");
}

#[tokio::test]
async fn a_refusal_at_any_stage_spares_the_next_mail() {
    let deferred = |code, text: &str| SendError::Deferred { code, reply: text.into(), slow: None };
    let rejected = |code, text: &str, no_such_user| SendError::Rejected { code, reply: text.into(), no_such_user };
    for (stage, code, text, expected) in [
        ("mail", 451, "4.3.0 later", deferred(451, "4.3.0 later")),
        ("rcpt", 450, "4.2.1 later", deferred(450, "4.2.1 later")),
        ("data", 451, "later", deferred(451, "later")),
        ("message", 452, "4.3.1 later", deferred(452, "4.3.1 later")),
        ("mail", 552, "5.3.4 big", rejected(552, "5.3.4 big", false)),
        ("mail", 550, "5.7.1 go away", SendError::Relay { why: "550 5.7.1 go away".into() }),
        ("rcpt", 550, "5.1.1 <ann@example.org> unknown", rejected(550, "5.1.1 <address> unknown", true)),
        ("rcpt", 554, "5.7.1 no\n5.7.1 never", rejected(554, "5.7.1 no never", false)),
        ("data", 554, "5.5.1 no", rejected(554, "5.5.1 no", false)),
        ("message", 550, "5.7.1 spam", rejected(550, "5.7.1 spam", false)),
    ] {
        for options in both() {
            let server = Server::start(options).await;
            let mut connection = server.connect().await;
            server.once(stage, reply(code, text));
            assert_eq!(connection.send(&to(ANN), BODY).await, Err(expected.clone()), "{stage}");
            assert!(connection.reusable() && connection.alive().await, "{stage}");
            connection.send(&to(BEN), BODY).await.unwrap();
            let mails = server.mails();
            assert_eq!((mails.len(), mails[0].to[0].as_str(), mails[0].connection), (1, BEN, 1), "{stage}");
        }
    }
}

#[tokio::test]
async fn after_a_refusal_rset_goes_before_the_next_mail_in_the_same_breath() {
    let (address, server) = recite(vec![
        Line::Say("220 x\r\n"),
        Line::Hear("EHLO"),
        Line::Say("250-x\r\n250 PIPELINING\r\n"),
        Line::Hear("MAIL"),
        Line::Hear("RCPT TO:<ann@example.org>"),
        Line::Hear("DATA"),
        Line::Say("250 x\r\n550 5.1.1 unknown\r\n503 x\r\n"),
        Line::Hear("RSET\r\n"),
        Line::Hear("MAIL"),
        Line::Hear("RCPT TO:<ben@example.org>"),
        Line::Hear("DATA"),
        Line::Say("250 x\r\n250 x\r\n250 x\r\n354 x\r\n"),
        Line::Hear("two\r\n"),
        Line::Hear(".\r\n"),
        Line::Say("250 second\r\n"),
    ])
    .await;
    let mut connection = Connection::open(&relay(address, "")).await.unwrap();
    assert!(matches!(connection.send(&to(ANN), BODY).await, Err(SendError::Rejected { .. })));
    assert_eq!(connection.send(&to(BEN), b"two\r\n").await.unwrap().reply, "second");
    server.await.unwrap();
}

#[tokio::test]
async fn a_relay_that_says_goodbye_to_an_idle_connection_is_heard_before_the_next_mail() {
    let (address, server) = recite(vec![
        Line::Say("220 x\r\n"),
        Line::Hear("EHLO"),
        Line::Say("250 x\r\n"),
        // A first mail goes well.
        Line::Hear("MAIL"),
        Line::Say("250 x\r\n"),
        Line::Hear("RCPT"),
        Line::Say("250 x\r\n"),
        Line::Hear("DATA"),
        Line::Say("354 x\r\n"),
        Line::Hear("one\r\n"),
        Line::Hear(".\r\n"),
        Line::Say("250 x\r\n"),
        Line::Say("421 4.4.2 idle for too long\r\n"),
    ])
    .await;
    let mut connection = Connection::open(&relay(address, "")).await.unwrap();
    connection.send(&to(ANN), b"one\r\n").await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while connection.alive().await {
        assert!(tokio::time::Instant::now() < deadline, "the goodbye was not noticed");
        tokio::task::yield_now().await;
    }
    // No command of the mail was written: nothing of it can be charged.
    assert!(matches!(connection.send(&to(ANN), BODY).await, Err(SendError::Broken { .. })));
    server.await.unwrap();
}

#[tokio::test]
async fn a_farewell_is_the_relays_failure() {
    for stage in ["connect", "ehlo", "mail", "rcpt", "data", "message"] {
        for options in both() {
            let server = Server::start(options).await;
            server.once(stage, reply(421, "4.7.0 Too many connections"));
            let result = match Connection::open(&server.relay()).await {
                Ok(mut connection) => {
                    let result = connection.send(&to(ANN), BODY).await;
                    assert!(!connection.reusable(), "{stage}");
                    result
                }
                Err(error) => Err(error),
            };
            assert!(
                matches!(&result, Err(SendError::Relay { why }) if why.contains("421 4.7.0")),
                "{stage}: {result:?}"
            );
            assert_eq!(server.mails(), []);
        }
    }
}

#[tokio::test]
async fn a_refused_recipient_whose_data_was_accepted_gets_a_lone_dot() {
    let server = Server::start(Options::default()).await;
    let mut connection = server.connect().await;
    server.once("rcpt", reply(550, "5.1.1 unknown"));
    server.once("data", reply(354, "go on"));
    let result = connection.send(&to(ANN), BODY).await;
    assert!(matches!(result, Err(SendError::Rejected { no_such_user: true, .. })), "{result:?}");
    connection.send(&to(BEN), BODY).await.unwrap();
    let mails = server.mails();
    assert_eq!((mails.len(), mails[0].data.as_slice()), (1, BODY));
}

#[tokio::test]
async fn no_lone_dot_goes_to_an_accepted_recipient() {
    let (address, server) = recite(vec![
        Line::Say("220 x\r\n"),
        Line::Hear("EHLO"),
        Line::Say("250-x\r\n250 PIPELINING\r\n"),
        Line::Hear("MAIL"),
        Line::Hear("RCPT"),
        Line::Hear("DATA"),
        Line::Say("451 no\r\n250 yes\r\n354 go\r\n"),
        Line::End,
    ])
    .await;
    let mut connection = Connection::open(&relay(address, "")).await.unwrap();
    let result = connection.send(&to(ANN), BODY).await;
    assert_eq!(result, Err(SendError::Deferred { code: 451, reply: "no".into(), slow: None }));
    assert!(!connection.reusable());
    connection.quit().await;
    server.await.unwrap();
}

#[tokio::test]
async fn a_connection_lost_before_the_final_dot_is_broken() {
    for stage in ["mail", "rcpt", "data"] {
        for options in both() {
            let server = Server::start(options).await;
            let mut connection = server.connect().await;
            server.once(stage, Verdict::Drop);
            let result = connection.send(&to(ANN), BODY).await;
            assert!(matches!(result, Err(SendError::Broken { .. })), "{stage}: {result:?}");
            assert!(!connection.reusable());
            assert!(matches!(connection.send(&to(ANN), BODY).await, Err(SendError::Broken { .. })));
        }
    }
}

/// A bare server up to the point where the body is awaited.
fn until_body() -> Vec<Line> {
    let mut lines = vec![Line::Say("220 x\r\n"), Line::Hear("EHLO"), Line::Say("250 x\r\n")];
    for (command, answer) in [("MAIL", "250 x\r\n"), ("RCPT", "250 x\r\n"), ("DATA", "354 x\r\n")] {
        lines.extend([Line::Hear(command), Line::Say(answer)]);
    }
    lines
}

#[tokio::test]
async fn a_body_cut_short_is_broken() {
    let mut lines = until_body();
    lines.push(Line::Hear("line"));
    let (address, server) = recite(lines).await;
    let mut connection = Connection::open(&relay(address, "")).await.unwrap();
    // More than the sockets' buffers hold, so the end cannot have left.
    let result = connection.send(&to(ANN), &b"line\r\n".repeat(4_000_000)).await;
    assert!(matches!(result, Err(SendError::Broken { .. })), "{result:?}");
    server.await.unwrap();
}

#[tokio::test]
async fn a_relay_that_hangs_up_on_a_body_may_say_why() {
    let mut lines = until_body();
    lines.extend([Line::Hear("line"), Line::Say("552 5.3.4 too large\r\n")]);
    let (address, server) = recite(lines).await;
    let mut connection = Connection::open(&relay(address, "")).await.unwrap();
    let result = connection.send(&to(ANN), &b"line\r\n".repeat(4_000_000)).await;
    assert_eq!(result, Err(SendError::Rejected { code: 552, reply: "5.3.4 too large".into(), no_such_user: false }));
    assert!(!connection.reusable());
    server.await.unwrap();
}

#[tokio::test]
async fn a_connection_lost_after_the_final_dot_is_uncertain() {
    for (verdict, delivered) in [(Verdict::Drop, 0), (Verdict::AcceptThenDrop, 1), (reply(354, "what?"), 0)] {
        for options in both() {
            let server = Server::start(options).await;
            let mut connection = server.connect().await;
            server.once("message", verdict.clone());
            let result = connection.send(&to(ANN), BODY).await;
            assert!(matches!(result, Err(SendError::Uncertain { .. })), "{result:?}");
            assert!(!connection.reusable());
            assert_eq!(server.mails().len(), delivered);
        }
    }
}

#[tokio::test]
async fn a_silent_relay_is_given_up() {
    for stage in ["connect", "ehlo", "mail", "rcpt", "data", "message"] {
        for options in both() {
            let server = Server::start(options).await;
            server.once(stage, Verdict::Stall);
            let mut relay = server.relay();
            let limit = match stage {
                "connect" => &mut relay.timeouts.greeting,
                "data" => &mut relay.timeouts.data,
                "message" => &mut relay.timeouts.end_of_data,
                _ => &mut relay.timeouts.command,
            };
            *limit = Duration::from_millis(100);
            let result = match Connection::open(&relay).await {
                Ok(mut connection) => connection.send(&to(ANN), BODY).await,
                Err(error) => Err(error),
            };
            let expected = match stage {
                "connect" | "ehlo" => matches!(&result, Err(SendError::Relay { .. })),
                "message" => matches!(&result, Err(SendError::Uncertain { .. })),
                _ => matches!(&result, Err(SendError::Broken { .. })),
            };
            assert!(expected && format!("{result:?}").contains("waited too long"), "{stage}: {result:?}");
        }
    }
}

#[tokio::test]
async fn a_send_given_up_half_way_leaves_the_connection_unusable() {
    let server = Server::start(Options::default()).await;
    let mut connection = server.connect().await;
    assert!(connection.send(&to(ANN), BODY).now_or_never().is_none());
    assert!(!connection.reusable() && !connection.alive().await);
}

#[tokio::test]
async fn what_is_no_smtp_is_not_taken_for_an_answer() {
    for answer in ["HTTP/1.1 400\r\n", "25\r\n", "250-x\r\n251 x\r\n", "250x\r\n", "999 x\r\n", "+25 x\r\n", "250 x"] {
        let (address, server) = recite(vec![
            Line::Say("220 x\r\n"),
            Line::Hear("EHLO"),
            Line::Say("250 x\r\n"),
            Line::Hear("MAIL"),
            Line::Say(answer),
        ])
        .await;
        let mut connection = Connection::open(&relay(address, "")).await.unwrap();
        let result = connection.send(&to(ANN), BODY).await;
        assert!(matches!(result, Err(SendError::Broken { .. })), "{answer}: {result:?}");
        server.await.unwrap();
    }
    let (address, _) = recite(vec![Line::Say("SSH-2.0-x\r\n")]).await;
    assert!(matches!(Connection::open(&relay(address, "")).await, Err(SendError::Relay { .. })));
    // Nobody listens any more.
    assert!(matches!(Connection::open(&relay(address, "")).await, Err(SendError::Relay { .. })));
}

#[tokio::test]
async fn a_refusal_stands_when_the_relay_hangs_up_after_it() {
    let (address, server) = recite(vec![
        Line::Say("220 x\r\n"),
        Line::Hear("EHLO"),
        Line::Say("250-x\r\n250 PIPELINING\r\n"),
        Line::Hear("MAIL"),
        Line::Hear("RCPT"),
        Line::Hear("DATA"),
        Line::Say("250 x\r\n554 5.7.1 no\r\n"),
    ])
    .await;
    let mut connection = Connection::open(&relay(address, "")).await.unwrap();
    let result = connection.send(&to(ANN), BODY).await;
    assert_eq!(result, Err(SendError::Rejected { code: 554, reply: "5.7.1 no".into(), no_such_user: false }));
    assert!(!connection.reusable());
    server.await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_is_noticed() {
    let server = Server::start(Options::default()).await;
    let mut connection = server.connect().await;
    assert!(connection.alive().await);
    server.stop().await;
    assert!(!connection.alive().await && !connection.reusable());
}

#[tokio::test]
async fn an_old_server_is_greeted_the_old_way() {
    let (address, server) = recite(vec![
        Line::Say("220-two\r\n220 lines\r\n"),
        Line::Hear("EHLO localhost\r\n"),
        Line::Say("502 What?\r\n"),
        Line::Hear("HELO localhost\r\n"),
        Line::Say("250\r\n"),
    ])
    .await;
    Connection::open(&relay(address, "")).await.unwrap();
    server.await.unwrap();
}

#[tokio::test]
async fn addresses_beyond_ascii() {
    let server = Server::start(offering(&["SMTPUTF8", "8BITMIME"])).await;
    let mut connection = server.connect().await;
    connection.send(&to("jürgen@bücher.example"), BODY).await.unwrap();
    connection.send(&to("ann@bücher.example"), BODY).await.unwrap();
    let got: Vec<_> = server.mails().into_iter().map(|mail| (mail.to[0].clone(), mail.smtputf8)).collect();
    assert_eq!(got, [("jürgen@xn--bcher-kva.example".into(), true), ("ann@xn--bcher-kva.example".into(), false)]);

    let plain = Server::start(offering(&[])).await;
    let mut connection = plain.connect().await;
    assert_eq!(connection.send(&to("jürgen@example.org"), BODY).await, Err(SendError::Utf8Unsupported));
    connection.send(&to("ann@bücher.example"), BODY).await.unwrap();
    assert_eq!(plain.mails()[0].to, ["ann@xn--bcher-kva.example"]);
}

#[tokio::test]
async fn what_the_relay_cannot_take_is_not_offered_to_it() {
    let server = Server::start(offering(&["SIZE 100"])).await;
    let mut connection = server.connect().await;
    for (address, body, code) in [
        (ANN, "x".repeat(101), 552),
        (ANN, "ü".to_owned(), 554),
        ("ann@example.org>\r\nRCPT TO:<ben@example.org", "x".to_owned(), 553),
        ("ann\0@example.org", "x".to_owned(), 553),
        ("ann\n@example.org", "x".to_owned(), 553),
        ("ann>@example.org", "x".to_owned(), 553),
        ("ann", "x".to_owned(), 553),
        ("", "x".to_owned(), 553),
    ] {
        let result = connection.send(&to(address), body.as_bytes()).await;
        assert!(
            matches!(result, Err(SendError::Rejected { code: got, no_such_user: false, .. }) if got == code),
            "{address:?}: {result:?}"
        );
    }
    let bad_sender = Envelope { from: "x@example.com\r\n".into(), to: ANN.into() };
    assert!(matches!(connection.send(&bad_sender, BODY).await, Err(SendError::Rejected { code: 553, .. })));
    connection.send(&to(ANN), BODY).await.unwrap();
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn dots_and_8_bit_text_arrive_as_they_were() {
    for extensions in [&["PIPELINING", "8BITMIME"][..], &["8BITMIME"]] {
        let server = Server::start(offering(extensions)).await;
        let mut connection = server.connect().await;
        let body = "Subject: x\r\n\r\n.\r\n..\r\n.ü\r\nQUIT\r\n.\r\n";
        connection.send(&to(ANN), body.as_bytes()).await.unwrap();
        connection.send(&to(ANN), "a\n.\nMAIL FROM:<x@example.com>\n".as_bytes()).await.unwrap();
        let mails = server.mails();
        assert_eq!(mails[0].data, body.as_bytes());
        assert_eq!(mails[1].data, b"a\r\n.\r\nMAIL FROM:<x@example.com>\r\n");
        assert_eq!(mails.len(), 2);
    }
}

#[tokio::test]
async fn the_next_mail_is_announced_behind_the_one_before() {
    let (address, server) = recite(vec![
        Line::Say("220 x\r\n"),
        Line::Hear("EHLO"),
        Line::Say("250-x\r\n250 PIPELINING\r\n"),
        Line::Hear("MAIL"),
        Line::Hear("RCPT TO:<ann@example.org>"),
        Line::Hear("DATA"),
        Line::Say("250 x\r\n250 x\r\n354 x\r\n"),
        Line::Hear("one\r\n"),
        Line::Hear(".\r\n"),
        // All of this is here before the first mail was answered.
        Line::Hear("MAIL"),
        Line::Hear("RCPT TO:<ben@example.org>"),
        Line::Hear("DATA"),
        Line::Say("250 first\r\n250 x\r\n250 x\r\n354 x\r\n"),
        Line::Hear("two\r\n"),
        Line::Hear(".\r\n"),
        Line::Say("250 second\r\n"),
    ])
    .await;
    let mut connection = Connection::open(&relay(address, "")).await.unwrap();
    let first = connection.send_with_next(&to(ANN), b"one\r\n", Some((&to(BEN), b"two\r\n"))).await.unwrap();
    assert!(connection.alive().await);
    let second = connection.send(&to(BEN), b"two\r\n").await.unwrap();
    assert_eq!((first.reply.as_str(), second.reply.as_str()), ("first", "second"));
    server.await.unwrap();
}

#[tokio::test]
async fn an_announced_mail_has_its_own_outcome() {
    for options in both() {
        let server = Server::start(options).await;
        let mut connection = server.connect().await;
        let (ann, ben) = (to(ANN), to(BEN));
        server.once("rcpt", Verdict::Accept);
        server.once("rcpt", reply(550, "5.1.1 unknown"));
        server.once("message", reply(554, "5.7.1 spam"));
        for (envelope, next, ok) in
            [(&ann, Some(&ben), false), (&ben, Some(&ann), false), (&ann, Some(&ben), true), (&ben, None, true)]
        {
            let result = connection.send_with_next(envelope, BODY, next.map(|next| (next, BODY))).await;
            assert_eq!(result.is_ok(), ok, "{result:?}");
            assert!(connection.reusable());
        }
        let mails = server.mails();
        assert_eq!(mails.iter().map(|mail| mail.to[0].as_str()).collect::<Vec<_>>(), [ANN, BEN]);
    }
}

#[tokio::test]
async fn another_mail_than_the_announced_one_does_not_take_its_place() {
    let server = Server::start(Options::default()).await;
    let mut connection = server.connect().await;
    connection.send_with_next(&to(ANN), BODY, Some((&to(BEN), BODY))).await.unwrap();
    assert!(matches!(connection.send(&to(ANN), BODY).await, Err(SendError::Broken { .. })));
    assert!(!connection.reusable());
    assert_eq!(server.mails().len(), 1);
}
