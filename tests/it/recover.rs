//! A restored backup must not send again what went out since it was made.
use regimen::actions::recover::recover;

use crate::support::{App, days, hours};

#[tokio::test]
async fn what_fell_due_since_the_backup_is_held_and_the_rest_goes_on() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    app.enroll("other@example.org").await;
    // The backup is made here: part 2 is owed. Then a week passes, in which parts 2 and 3 go out, and the disk dies.
    let backup = app.service.clock().series();
    app.advance(days(7));
    let by = regimen::actions::Actor::command_line("an editor", "a test");
    let marked = recover(&app.service, backup + hours(1), app.node(), &by).await.unwrap();
    assert_eq!(marked, 4, "parts 2 and 3 of two readers");
    let before = app.relay.taken().len();
    app.dispatch_all_due().await;
    assert_eq!(app.relay.taken().len(), before, "nothing of that week is sent again");
    assert_eq!(app.api_get("/deliveries?state=uncertain").await["items"].as_array().unwrap().len(), 4);
    assert_eq!(
        recover(&app.service, backup + hours(1), app.node(), &by).await.unwrap(),
        0,
        "twice is the same as once"
    );
    app.live_through(days(30)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), 2 + 3, "parts 4, 5 and 6 arrive");
}

#[tokio::test]
async fn what_was_late_when_the_backup_was_made_is_held_too() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    app.advance(days(3));
    app.relay.reply_next(crate::support::relay::At::Rcpt, 450, "4.2.1 mailbox busy");
    app.dispatch_all_due().await;
    // The backup is made here, with part 2 deferred; a minute later it goes out, and the disk dies.
    let backup = app.service.clock().series() + hours(1);
    app.advance(hours(2));
    let by = regimen::actions::Actor::command_line("an editor", "a test");
    assert_eq!(recover(&app.service, backup, app.node(), &by).await.unwrap(), 1);
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("reader@example.org").len(), 2);
}

#[tokio::test]
async fn recovering_beside_a_running_dispatcher_is_refused() {
    let app = App::start().await;
    let real = app.service.clock().real();
    regimen::store::installation::node_seen(app.db(), app.node(), "serve", real, None).await.unwrap();
    let by = regimen::actions::Actor::command_line("an editor", "a test");
    let refused = recover(&app.service, real, app.node(), &by).await.unwrap_err();
    assert!(refused.to_string().contains("stop it first"), "{refused}");
}
