use super::*;

fn reply(code: u16, text: &str) -> Reply {
    Reply { code, lines: text.split('\n').map(str::to_owned).collect() }
}

fn envelope() -> Envelope {
    Envelope { from: "bounce@example.com".into(), to: "ann.lee@example.org".into() }
}

#[test]
fn replies_mean_what_the_table_says() {
    use Meaning::{Deferred, NoSuchUser, Rejected, Relay};
    use Stage::{Data, Mail, Message, Rcpt};
    for (stage, code, text, expected) in [
        (Rcpt, 550, "5.1.1 The email account does not exist", NoSuchUser),
        (Message, 550, "5.1.1 User unknown", NoSuchUser),
        (Rcpt, 551, "5.1.6 Mailbox has moved", NoSuchUser),
        (Rcpt, 550, "No such user here", NoSuchUser),
        (Rcpt, 550, "<ann.lee@example.org>: User unknown in virtual mailbox table", NoSuchUser),
        (Message, 550, "User unknown", Rejected),
        (Rcpt, 554, "User unknown", Rejected),
        (Rcpt, 550, "5.7.1 User unknown", Rejected),
        (Rcpt, 550, "Verification failed for <bounce@example.com>\nNo such user\nSender verify failed", Rejected),
        (Rcpt, 550, "Mailbox unavailable", Rejected),
        (Rcpt, 550, "4.1.1 User unknown", NoSuchUser),
        (Rcpt, 550, "5.1.10 Recipient address has null MX", Rejected),
        (Rcpt, 550, "5.1.2 No such domain", Rejected),
        (Rcpt, 552, "5.2.2 Mailbox full", Rejected),
        (Rcpt, 550, "5.2.1 Mailbox disabled", Rejected),
        (Rcpt, 550, "5.4.1 Access denied", Rejected),
        (Message, 554, "5.7.1 Looks like spam", Rejected),
        (Data, 554, "No valid recipients", Rejected),
        (Rcpt, 530, "5.7.0 Authentication required", Relay),
        (Mail, 535, "5.7.8 Bad credentials", Relay),
        (Mail, 538, "5.7.11 Encryption required", Relay),
        (Mail, 454, "4.7.0 TLS not available", Relay),
        (Mail, 550, "5.7.1 Your address is listed", Relay),
        (Mail, 553, "5.1.8 Sender domain unknown", Relay),
        (Mail, 550, "No such user", Relay),
        (Mail, 552, "Too large", Rejected),
        (Mail, 554, "5.3.4 Too large", Rejected),
        (Rcpt, 421, "4.7.0 Too many connections", Relay),
        (Message, 421, "4.3.2 Closing", Relay),
        (Rcpt, 450, "4.7.1 Greylisted", Deferred),
        (Rcpt, 450, "4.3.2 Not now", Deferred),
        (Rcpt, 452, "4.5.3 Too many recipients", Deferred),
        (Mail, 452, "4.3.1 Disk full", Deferred),
        (Message, 451, "4.1.1 User unknown, perhaps", Deferred),
    ] {
        let got = match reply(code, text).refusal(stage, &envelope()) {
            Some(SendError::Relay { .. }) => Relay,
            Some(SendError::Deferred { .. }) => Deferred,
            Some(SendError::Rejected { no_such_user: false, .. }) => Rejected,
            Some(SendError::Rejected { no_such_user: true, .. }) => NoSuchUser,
            other => panic!("{code} {text}: {other:?}"),
        };
        assert_eq!(got, expected, "{stage:?}: {code} {text}");
    }
    for code in [199, 250, 354, 600] {
        assert_eq!(reply(code, "Ok").refusal(Stage::Rcpt, &envelope()), None);
    }
}

#[test]
fn shown_text_has_no_address() {
    for (text, expected) in [
        ("5.1.1 <ann.lee@example.org>: unknown", "5.1.1 <address>: unknown"),
        ("no ann.lee@example.org.", "no <address>."),
        ("a@b.example,c+d@[127.0.0.1]; ü@bücher.example", "<address>,<address>; <address>"),
        ("no \"ann lee\"@example.org here", "no <address> here"),
        ("see https://help.example/?who=ann%40example.org&x=1", "see https:<address>&x=1"),
        ("lone @ sign, @home, at@ end", "lone @ sign, @home, at@ end"),
        ("user Ann.Lee unknown, not joann.leeward", "user <address> unknown, not joann.leeward"),
        ("reject\x07ed\tby\x1b[31m us", "rejectedby[31m us"),
        ("5.7.1 one\n5.7.1 two\n5.7.12 three", "5.7.1 one two 5.7.12 three"),
    ] {
        let shown = reply(550, text).shown(&envelope());
        assert_eq!(shown, expected, "{text}");
    }
    assert_eq!(reply(550, &"é".repeat(300)).shown(&envelope()).chars().count(), 200);
    // A mailbox called "address" does not nest the mark into itself.
    let named = Envelope { from: String::new(), to: "address@example.org".into() };
    assert_eq!(reply(550, "<address@example.org> has no address").shown(&named), "<address> has no <address>");
}

#[test]
fn an_enhanced_code_must_agree_with_its_reply() {
    for (code, text, expected) in [
        (550, "5.1.1 x", Some("5.1.1")),
        (250, "2.1.5", Some("2.1.5")),
        (550, "4.1.1 x", None),
        (550, "5.1 x", None),
        (550, "5.1.1.1 x", None),
        (550, "5.1.1234 x", None),
        (550, "", None),
    ] {
        assert_eq!(reply(code, text).status(), expected, "{code} {text}");
    }
}

#[test]
fn some_temporary_refusals_slow_their_domain() {
    use Slow::{Greylisted, TooFast};
    use Stage::{Data, Mail, Message, Rcpt};
    for (stage, code, text, expected) in [
        (Rcpt, 450, "4.2.0 <ann.lee@example.org>: Recipient address rejected: Greylisted", Some(Greylisted)),
        (Rcpt, 451, "Graylisted, please come back in 300 seconds", Some(Greylisted)),
        (Data, 451, "4.7.1 Please try again later", Some(Greylisted)),
        (Rcpt, 450, "4.7.1 Try later", Some(Greylisted)),
        (Rcpt, 421, "4.7.1 You are greylisted for five minutes", Some(Greylisted)),
        (Rcpt, 451, "4.7.1 Greylisted: too many messages", Some(Greylisted)),
        (Message, 450, "4.7.28 Our systems have seen a flood", Some(TooFast)),
        (Rcpt, 451, "4.7.650 The mail server has been temporarily rate limited", Some(TooFast)),
        (Rcpt, 451, "4.7.0 Later", Some(TooFast)),
        (Rcpt, 452, "4.5.3 Too many recipients", Some(TooFast)),
        (Rcpt, 450, "4.3.2 Not now", Some(TooFast)),
        (Rcpt, 451, "4.4.5 Congested", Some(TooFast)),
        (Message, 451, "You are sending too fast", Some(TooFast)),
        (Rcpt, 450, "Too many connections from your host", Some(TooFast)),
        (Rcpt, 450, "4.7.651\n4.7.651 limited", Some(TooFast)),
        // About the relay, the mailbox or this mail.
        (Rcpt, 421, "4.7.0 Too many connections", None),
        (Rcpt, 421, "4.7.1 Try later", None),
        (Mail, 451, "4.7.1 Greylisted", None),
        (Rcpt, 450, "4.2.1 The user you are trying to contact is receiving mail too quickly", None),
        (Rcpt, 450, "4.2.1 Rate limit of this one", None),
        (Rcpt, 452, "4.2.2 Mailbox full", None),
        (Rcpt, 450, "The mailbox has had too many messages", None),
        (Rcpt, 452, "Too many hops", None),
        (Message, 451, "4.3.0 Later", None),
        (Rcpt, 451, "4.7.10 x", None),
        (Rcpt, 550, "5.7.1 Greylisted", None),
    ] {
        let slow = match reply(code, text).refusal(stage, &envelope()) {
            Some(SendError::Deferred { slow, .. }) => slow,
            _ => None,
        };
        assert_eq!(slow, expected, "{stage:?}: {code} {text}");
    }
}
