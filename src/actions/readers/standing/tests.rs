use super::*;
use uuid::Uuid;

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_440_200, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn owed(state: &str, due: i64) -> Delivery {
    Delivery {
        id: Uuid::nil(),
        enrollment: Uuid::nil(),
        kind: "step".into(),
        step: Some("antibodies".into()),
        state: state.into(),
        reason: None,
        due_at: at(due),
        not_before: None,
        tries: 0,
        uncertain_count: 0,
        content_version: None,
        run: None,
        settled_at: None,
    }
}

fn facts(owed: Option<&Delivery>) -> Facts<'_> {
    Facts {
        state: EnrollmentState::Active,
        zone: Zone::parse("Europe/Vienna").unwrap(),
        ended_at: None,
        paused_at: None,
        paused_until: None,
        suppression: None,
        series_pause: None,
        owed,
        owed_name: "Part 2",
        series_now: at(0),
        real_now: at(0),
    }
}

#[test]
fn what_is_owed_says_when_it_comes() {
    let says = |delivery: &Delivery| standing(&facts(Some(delivery)));
    assert_eq!(says(&owed("pending", 30)), "Part 2 is due on Mon 2 Mar 2026, 10:00 (Europe/Vienna).");
    assert_eq!(says(&owed("pending", -1)), "Part 2 is due now.");
    assert!(says(&owed("pending", -30)).contains("was due on Mon 2 Mar 2026, 09:00"), "late");
    let put_off = Delivery { not_before: Some(at(5)), tries: 2, ..owed("pending", -1) };
    assert!(says(&put_off).contains("put off by the relay (tries: 2). The next try is on Mon 2 Mar 2026, 09:35"));
    let slow_domain = Delivery { not_before: Some(at(5)), ..owed("pending", -1) };
    assert!(says(&slow_domain).contains("takes no more just now"));
    assert!(says(&owed("sending", -1)).contains("just now") && says(&owed("uncertain", -1)).contains("held"));
}

#[test]
fn what_stands_in_the_way_is_named_before_what_is_owed() {
    let pending = owed("pending", 30);
    let suppression =
        Suppression { reason: "no_such_user".into(), why: Some("550 5.1.1".into()), by: None, at: at(-60) };
    let pause = SeriesPause { paused_at: at(-60), by: Some("Ana".into()), why: Some("a mistake in part 2".into()) };
    let all = Facts { suppression: Some(&suppression), series_pause: Some(&pause), ..facts(Some(&pending)) };
    assert!(standing(&all).contains("suppressed (no such user)") && standing(&all).contains("550 5.1.1"));
    let series = Facts { series_pause: Some(&pause), ..facts(Some(&pending)) };
    assert!(standing(&series).contains("by Ana: “a mistake in part 2”"));
    let paused = Facts { state: EnrollmentState::Paused, paused_at: Some(at(-60)), ..facts(Some(&pending)) };
    assert!(standing(&paused).contains("without an end"));
    let until = Facts { paused_until: Some(at(60)), ..paused };
    assert!(standing(&until).contains("by itself on Mon 2 Mar 2026, 10:30"));
}

#[test]
fn an_ended_series_says_how_it_ended() {
    for state in
        [EnrollmentState::Completed, EnrollmentState::Unsubscribed, EnrollmentState::Expired, EnrollmentState::Erased]
    {
        let said = standing(&Facts { state, ended_at: Some(at(-60)), ..facts(None) });
        assert!(said.contains("nothing more comes"), "{said}");
    }
}
