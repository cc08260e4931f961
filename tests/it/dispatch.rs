//! What a relay can do to a mail, and what becomes of the reader.
use regimen::actions::tidy::OnUncertain;
use regimen::local::smtp::Verdict;
use serde_json::json;

use crate::support::relay::{At, Relay};
use crate::support::{App, Setup, days, hours, minutes, neighbours};

/// A reader whose second part is due now.
async fn second_part_due(setup: Setup) -> App {
    let app = App::start_with(setup).await;
    app.enroll("reader@example.org").await;
    app.advance(days(3));
    app
}

#[tokio::test]
async fn a_temporary_refusal_is_tried_again_later_and_arrives_once() {
    let app = second_part_due(Setup::default()).await;
    app.relay.reply_next(At::Rcpt, 450, "4.2.1 mailbox busy");
    app.relay.reply_next(At::Message, 451, "4.3.0 try later");
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("reader@example.org").len(), 2);
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("reader@example.org").len(), 2, "not before its back-off has passed");
    app.service.clock().advance_real(minutes(2));
    app.dispatch_all_due().await;
    app.service.clock().advance_real(minutes(7));
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("reader@example.org").len(), 3);
    assert_eq!(app.count("select tries::bigint from deliveries where step = 'antibodies'").await, 3);
    assert_eq!(app.count("select count(*) from attempts where outcome = 'deferred'").await, 2);
}

#[tokio::test]
async fn a_mailbox_that_is_busy_for_days_is_given_up_and_the_series_goes_on() {
    let app = second_part_due(Setup::default()).await;
    app.relay.always(At::Rcpt, "reader@", Verdict::Reply(450, "4.2.1 mailbox busy".into()));
    for _ in 0..12 {
        app.dispatch_all_due().await;
        app.service.clock().advance_real(hours(11));
    }
    let reason: String = sqlx::query_scalar("select reason from deliveries where step = 'antibodies'")
        .fetch_one(app.db())
        .await
        .unwrap();
    assert_eq!(reason, "gave_up");
    app.relay.accept_all();
    app.live_through(days(4)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), 3, "the third part came");
}

#[tokio::test]
async fn a_refused_mail_ends_that_delivery_and_the_next_part_is_still_owed() {
    let app = second_part_due(Setup::default()).await;
    app.relay.reply_next(At::Message, 554, "5.7.1 message refused");
    app.dispatch_all_due().await;
    assert_eq!(app.step_states().await["rejected"], 1);
    assert_eq!(
        app.count("select count(*) from suppressions").await,
        0,
        "a refused message says nothing about the address"
    );
    app.live_through(days(30)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), 6);
}

#[tokio::test]
async fn no_such_user_suppresses_the_address() {
    let app = second_part_due(Setup::default()).await;
    app.relay.reply_next(At::Rcpt, 550, "5.1.1 <reader@example.org> no such user here");
    app.live_through(days(30)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), 2);
    let (reason, state): (String, String) =
        sqlx::query_as("select s.reason, e.state from suppressions s, enrollments e")
            .fetch_one(app.db())
            .await
            .unwrap();
    assert_eq!((reason.as_str(), state.as_str()), ("no_such_user", "suppressed"));
    let reply: String =
        sqlx::query_scalar("select reply from attempts where code = 550").fetch_one(app.db()).await.unwrap();
    assert!(!reply.contains("reader@"), "no address in what is kept of a reply: {reply}");
}

#[tokio::test]
async fn a_relay_that_is_down_charges_nobody() {
    let app = second_part_due(Setup::default()).await;
    for verdict in
        [Verdict::Drop, Verdict::Reply(421, "4.3.2 closing".into()), Verdict::Reply(554, "5.3.2 no service".into())]
    {
        app.relay.always(At::Connect, "", verdict);
        app.dispatch_all_due().await;
        app.relay.accept_all();
    }
    assert_eq!(app.count("select tries::bigint from deliveries where step = 'antibodies'").await, 0);
    assert_eq!(app.step_states().await["pending"], 1);
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("reader@example.org").len(), 3);
}

#[tokio::test]
async fn a_relay_that_closes_between_mails_charges_nobody() {
    let app = second_part_due(Setup::default()).await;
    app.relay.reply_next(At::MailFrom, 421, "4.7.0 too much, closing");
    app.dispatch_all_due().await;
    app.service.clock().advance_real(minutes(1));
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("reader@example.org").len(), 3);
    assert_eq!(app.count("select tries::bigint from deliveries where step = 'antibodies'").await, 1);
}

#[tokio::test]
async fn a_connection_lost_before_the_final_dot_is_a_temporary_failure() {
    let app = second_part_due(Setup::default()).await;
    app.relay.next(At::Data, Verdict::Drop);
    app.dispatch_all_due().await;
    assert_eq!(app.count("select uncertain_count::bigint from deliveries where step = 'antibodies'").await, 0);
    app.service.clock().advance_real(minutes(2));
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("reader@example.org").len(), 3);
}

#[tokio::test]
async fn a_mail_that_the_relay_took_without_saying_so_is_uncertain_and_resent_under_its_message_id() {
    let app = second_part_due(Setup::default()).await;
    app.relay.next(At::Message, Verdict::AcceptThenDrop);
    app.dispatch_all_due().await;
    app.service.clock().advance_real(minutes(2));
    app.dispatch_all_due().await;
    let mails = app.mails_to("reader@example.org");
    assert_eq!(mails.len(), 4);
    assert_eq!(mails[2].message_id, mails[3].message_id);
    let list = app.api_get("/deliveries?was=uncertain").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
    assert_eq!((&list["items"][0]["state"], &list["items"][0]["step"]), (&json!("accepted"), &json!("antibodies")));
}

#[tokio::test]
async fn with_hold_an_uncertain_mail_is_never_sent_twice_and_the_series_goes_on() {
    let app = second_part_due(Setup { on_uncertain: OnUncertain::Hold, ..Setup::default() }).await;
    app.relay.next(At::Message, Verdict::AcceptThenDrop);
    app.dispatch_all_due().await;
    app.live_through(days(30)).await;
    let mails = app.mails_to("reader@example.org");
    assert_eq!(mails.len(), 7);
    let ids: std::collections::HashSet<&String> = mails.iter().map(|mail| &mail.message_id).collect();
    assert_eq!(ids.len(), 7, "none twice");
    assert_eq!(app.step_states().await["uncertain"], 1);
    assert_eq!(app.api_get("/deliveries?state=uncertain").await["items"][0]["reason"], json!(null));
}

#[tokio::test]
async fn a_relay_that_always_takes_and_never_says_so_does_not_flood_the_reader() {
    let app = second_part_due(Setup::default()).await;
    app.relay.always(At::Message, "reader@", Verdict::AcceptThenDrop);
    for _ in 0..10 {
        app.dispatch_all_due().await;
        app.service.clock().advance_real(hours(9));
    }
    assert_eq!(app.mails_to("reader@example.org").len(), 2 + 4, "the first copy and three resends");
    assert_eq!(app.step_states().await["uncertain"], 1);
}

#[tokio::test]
async fn after_a_rejection_the_same_connection_carries_the_next_mail() {
    let app = App::start_with(Setup { connections: 1, ..Setup::default() }).await;
    for number in 0..6 {
        app.sign_up(&format!("reader{number}@example.org")).await;
    }
    app.relay.always(At::Rcpt, "reader2@", Verdict::Reply(550, "5.1.1 unknown".into()));
    app.dispatch_all_due().await;
    assert_eq!(app.relay.taken().len(), 5);
    assert_eq!(app.relay.connections(), 1);
}

#[tokio::test]
async fn an_expired_claim_goes_back_and_an_expired_sending_is_uncertain() {
    let app = App::start().await;
    for number in 0..2 {
        app.enroll(&format!("reader{number}@example.org")).await;
    }
    app.advance(days(3));
    let hands = app.service.hands();
    let until = hands.real + chrono::TimeDelta::seconds(30);
    let series = vec![crate::support::SERIES.to_owned()];
    let heads = regimen::store::queue::look(app.db(), &series, &[0, 1], hands).await.unwrap().due;
    assert_eq!(heads.len(), 2);
    let mut held = Vec::new();
    for head in &heads {
        let claimed = regimen::store::queue::claim(app.db(), head, hands, until, app.node(), 10).await.unwrap();
        held.push((head.bucket, claimed[0].clone()));
    }
    // One of them was being sent when the process died.
    let (bucket, claimed) = held.pop().unwrap();
    assert_eq!(regimen::store::queue::mark_sending(app.db(), bucket, &[&claimed], until).await.unwrap().len(), 1);
    assert_eq!(app.reap().await, (0, 0), "their leases hold");
    app.service.clock().advance_real(minutes(1));
    assert_eq!(app.reap().await, (1, 1));
    app.dispatch_all_due().await;
    assert_eq!(app.step_states().await["accepted"], 3, "what is uncertain waits, like all that is put off");
    app.service.clock().advance_real(minutes(2));
    app.dispatch_all_due().await;
    assert_eq!(app.step_states().await["accepted"], 4);
    assert_eq!(app.count("select count(*) from deliveries where uncertain_count > 0").await, 1);

    // The frozen worker wakes: its result changes nothing.
    let stale = regimen::actions::settle::Settled::now(regimen::store::settle::Outcome {
        id: claimed.id,
        attempt: claimed.attempt,
        state: regimen::model::DeliveryState::Rejected,
        word: "rejected",
        reason: Some("refused".into()),
        not_before: None,
        charged: true,
        uncertain: false,
        code: Some(550),
        reply: None,
        content_version: None,
        condition: None,
    });
    let ours = regimen::actions::settle::settle(&app.service, bucket, &[stale], app.node(), app.service.hands())
        .await
        .unwrap();
    assert_eq!(ours, 0);
    assert_eq!(app.step_states().await["accepted"], 4);
}

#[tokio::test]
async fn a_local_part_in_another_script_is_skipped_by_a_relay_that_cannot_carry_it_and_not_suppressed() {
    let options = regimen::local::smtp::Options { extensions: vec!["8BITMIME".into()], ..Default::default() };
    let relay = Relay::start_with(options).await;
    let app = App::start_on(crate::support::database::fresh().await, relay, Setup::default()).await;
    app.sign_up("zoë@example.org").await;
    app.sign_up("reader@bücher.example").await;
    app.dispatch_all_due().await;
    let reason: String =
        sqlx::query_scalar("select reason from deliveries where state = 'skipped'").fetch_one(app.db()).await.unwrap();
    assert_eq!(reason, "smtputf8_unsupported");
    assert_eq!(app.count("select count(*) from suppressions").await, 0);
    assert_eq!(app.relay.taken().len(), 1, "a domain in another script needs no extension");
}

#[tokio::test]
async fn two_dispatchers_on_one_database_share_the_work_and_double_nothing() {
    let app = App::start().await;
    // More than one of them takes while it is held up: its queues are short.
    for number in 0..480 {
        app.sign_up(&format!("reader{number}@example.org")).await;
    }
    let (one, other) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
    // Whoever is first is held up until the other has claimed something too.
    let db = app.db().clone();
    app.relay.meanwhile(At::Message, async move {
        let both = async {
            let nodes = "select count(distinct node) from deliveries";
            while sqlx::query_scalar::<_, i64>(nodes).fetch_one(&db).await.unwrap() < 2 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(crate::support::process::PATIENCE, both).await.expect("both claim");
    });
    tokio::join!(
        regimen::dispatch::drain(app.service.clone(), app.dispatch_settings(), one),
        regimen::dispatch::drain(app.service.clone(), app.dispatch_settings(), other),
    );
    let mut to: Vec<String> = app.relay.taken().into_iter().flat_map(|mail| mail.to).collect();
    to.sort();
    to.dedup();
    assert_eq!((to.len(), app.relay.taken().len()), (480, 480));
    assert_eq!(app.count("select count(distinct node) from attempts").await, 2, "both had a part in it");
}

#[tokio::test]
async fn a_confirmation_does_not_wait_behind_a_backlog_of_steps() {
    let app = std::sync::Arc::new(App::start_with(Setup { connections: 1, ..Setup::default() }).await);
    for number in 0..120 {
        app.sign_up(&format!("reader{number}@example.org")).await;
    }
    app.dispatch_all_due().await;
    for number in 0..120 {
        app.confirm(&format!("reader{number}@example.org")).await;
    }
    let before = app.relay.taken().len();
    // The backlog is on its way when somebody signs up.
    let visitor = app.clone();
    app.relay.meanwhile(At::Message, async move {
        visitor.sign_up("new@example.org").await;
        visitor.service.wake_dispatcher();
    });
    app.dispatch_all_due().await;
    let place = app.relay.taken()[before..].iter().position(|mail| mail.to == ["new@example.org"]);
    assert!(place.is_some_and(|place| place < 60), "it came at place {place:?} of 121");
}

#[tokio::test]
async fn a_sender_whose_leases_ran_out_while_it_was_held_up_does_not_send_on() {
    let app = App::start_with(Setup { connections: 1, ..Setup::default() }).await;
    let readers = neighbours(3);
    for reader in &readers {
        app.sign_up(reader).await;
    }
    // The process is frozen, or the relay slow and the heartbeat cut off, while the first of them is on the wire.
    let clock = app.service.clock().clone();
    app.relay.meanwhile(At::Message, async move { clock.advance_real(minutes(2)) });
    app.dispatch_all_due().await;
    app.dispatch_all_due().await;
    for reader in &readers {
        assert_eq!(app.mails_to(reader).len(), 1, "in the end each has one");
    }
    assert_eq!(app.count("select count(*) from deliveries where state = 'accepted'").await, 3);
    let put_back = "select count(*) from attempts where outcome = 'deferred' and reply like '%lease%'";
    assert_eq!(app.count(put_back).await, 2, "the others waited for a new claim");
    assert_eq!(app.count("select coalesce(sum(tries), 0)::bigint from deliveries").await, 3, "and nobody was charged");
}

#[tokio::test]
async fn what_another_node_took_over_from_a_sender_that_was_held_up_is_sent_once() {
    let app = App::start_with(Setup { connections: 1, ..Setup::default() }).await;
    let readers = neighbours(3);
    for reader in &readers {
        app.sign_up(reader).await;
    }
    let (service, other_node) = (app.service.clone(), uuid::Uuid::from_u128(2));
    app.relay.meanwhile(At::MailFrom, async move {
        service.clock().advance_real(minutes(2));
        regimen::actions::tidy::reap(&service, OnUncertain::Resend, other_node).await.unwrap();
    });
    app.dispatch_all_due().await;
    app.service.clock().advance_real(minutes(2));
    app.dispatch_all_due().await;
    let sent: Vec<usize> = readers.iter().map(|reader| app.mails_to(reader).len()).collect();
    assert_eq!(sent.iter().filter(|count| **count > 1).count(), 1, "only the one that was on the wire: {sent:?}");
    assert_eq!(app.count("select count(*) from deliveries where uncertain_count > 0").await, 3, "and all are listed");
}

/// Runs a dispatcher beside `story`, and ends it.
async fn with_dispatcher(app: &App, settings: regimen::dispatch::Settings, story: impl Future<Output = ()>) {
    let stop = tokio_util::sync::CancellationToken::new();
    let running = regimen::dispatch::run(app.service.clone(), settings, app.node(), stop.clone());
    let story = async {
        story.await;
        stop.cancel();
    };
    let both = async { tokio::join!(running, story) };
    tokio::time::timeout(std::time::Duration::from_secs(30), both).await.expect("it ends when it is asked to");
}

#[tokio::test]
async fn the_next_due_time_wakes_the_dispatcher_without_any_poll() {
    let app = App::start_with(Setup { clock: Some(regimen::clock::Clock::system()), ..Setup::default() }).await;
    app.enroll("reader@example.org").await;
    let soon = app.service.clock().series() + chrono::TimeDelta::milliseconds(700);
    let moved = sqlx::query("update deliveries set due_at = $1 where state = 'pending'").bind(soon);
    assert_eq!(moved.execute(app.db()).await.unwrap().rows_affected(), 1);
    let settings = regimen::dispatch::Settings { poll: std::time::Duration::from_hours(1), ..app.dispatch_settings() };
    let (arrived, arrival) = tokio::sync::oneshot::channel();
    app.relay.meanwhile(At::Message, async { arrived.send(()).unwrap() });
    with_dispatcher(&app, settings, async { arrival.await.unwrap() }).await;
    let lateness = app.service.clock().series() - soon;
    assert!(lateness >= chrono::TimeDelta::zero(), "never before its time");
    assert_eq!(app.step_states().await["accepted"], 2, "and it is settled");
}

#[tokio::test]
async fn an_order_to_stop_does_not_wait_for_ever_for_a_relay_that_never_answers() {
    let app = second_part_due(Setup::default()).await;
    let settings =
        regimen::dispatch::Settings { farewell: std::time::Duration::from_millis(50), ..app.dispatch_settings() };
    let (reached, at_the_dot) = tokio::sync::oneshot::channel();
    app.relay.meanwhile(At::Message, async {
        reached.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    with_dispatcher(&app, settings, async { at_the_dot.await.unwrap() }).await;
    assert_eq!(
        app.count("select count(*) from deliveries where uncertain_count = 1").await,
        1,
        "the relay may have it"
    );
    app.service.clock().advance_real(minutes(2));
    app.dispatch_all_due().await;
    assert_eq!(app.step_states().await["accepted"], 2);
}

#[tokio::test]
async fn an_outcome_that_the_database_refuses_does_not_take_the_others_with_it() {
    let app = App::start().await;
    let readers = neighbours(5);
    for reader in &readers {
        app.sign_up(reader).await;
    }
    sqlx::raw_sql(
        "create function refuse() returns trigger language plpgsql as $$
         begin
             if (select address from deliveries d join subscribers s on s.id = d.subscriber where d.id = new.delivery)
                 like (select min(address) from subscribers) then
                 raise exception 'not this one';
             end if;
             return new;
         end $$;
         create trigger refuse before insert on attempts for each row execute function refuse();",
    )
    .execute(app.db())
    .await
    .unwrap();
    app.dispatch_all_due().await;
    assert_eq!(app.relay.taken().len(), 5);
    assert_eq!(app.count("select count(*) from deliveries where state = 'accepted'").await, 4);
    assert_eq!(app.count("select count(*) from deliveries where state = 'sending'").await, 1, "its lease will run out");
}

#[tokio::test]
async fn a_relay_that_takes_one_connection_and_no_more_gets_all_mails_over_that_one() {
    let app = App::start_with(Setup { connections: 4, ..Setup::default() }).await;
    for number in 0..40 {
        app.sign_up(&format!("reader{number}@example.org")).await;
    }
    // From the second connection on.
    let relay = app.relay.clone();
    app.relay.meanwhile(At::MailFrom, async move {
        relay.always(At::Connect, "", Verdict::Reply(421, "4.3.2 too many connections".into()));
    });
    app.dispatch_all_due().await;
    assert_eq!(app.relay.taken().len(), 40);
    assert_eq!(
        app.count("select count(*) from attempts where outcome <> 'accepted'").await,
        0,
        "and none was put back"
    );
}
