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
    let marked = recover(&app.service, backup + hours(1), app.node()).await.unwrap();
    assert_eq!(marked, 4, "parts 2 and 3 of two readers");
    let before = app.relay.taken().len();
    app.dispatch_all_due().await;
    assert_eq!(app.relay.taken().len(), before, "nothing of that week is sent again");
    assert_eq!(app.api_get("/deliveries?state=uncertain").await["items"].as_array().unwrap().len(), 4);
    assert_eq!(recover(&app.service, backup + hours(1), app.node()).await.unwrap(), 0, "twice is the same as once");
    app.live_through(days(30)).await;
    assert_eq!(app.mails_to("reader@example.org").len(), 2 + 3, "parts 4, 5 and 6 arrive");
}
