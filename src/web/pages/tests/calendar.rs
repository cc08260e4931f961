//! The reader's own pages: the calendar, the page behind a fresh link, and a part that is read again.
use super::samples::*;
use super::*;

#[test]
fn the_series_page_offers_what_can_be_done() {
    let active = manage(ManageState::Active).render(English);
    assert!(active.contains("Part 3 arrives Tuesday, March 10, about 9:00, your time (America/New_York)."), "{active}");
    assert!(active.contains("2 of 6 parts received") && active.contains("Received Wednesday, March 4"));
    assert_eq!((active.matches("<li class=\"done\">").count(), active.matches("<li></li>").count()), (2, 4));
    for verb in ["pause", "now", "clock", "spacing", "fresh-link"] {
        assert!(active.contains(&format!("action=\"/manage/t/{verb}\"")), "{verb}");
    }
    assert!(active.contains("action=\"/unsubscribe/t\"") && active.contains("href=\"/manage/t/calendar.ics\""));
    assert!(
        active.contains("<option value=\"10:00\" selected>") && active.contains("<option value=\"7\" selected>7 days")
    );
    assert!(!active.contains("/manage/t/resume"));

    let paused = manage(ManageState::Paused).render(English);
    assert!(paused.contains("action=\"/manage/t/resume\"") && !paused.contains("/manage/t/now"));
    let until = chrono::NaiveDate::from_ymd_opt(2026, 3, 20);
    let until = ManagePage { paused_until: until, ..manage(ManageState::Paused) };
    assert!(until.render(English).contains(">Paused until Friday, March 20<"));
    assert!(until.render(Spanish).contains(">En pausa hasta el viernes 20 de marzo<"));

    let may_move = ManagePage { may_move: true, ..manage(ManageState::Active) };
    assert!(may_move.render(Spanish).contains("action=\"/manage/t/stay\"") && !active.contains("/manage/t/stay"));
    let elsewhere = ManagePage { unsubscribe_to: Some("/unsubscribe/t".into()), ..manage(ManageState::Elsewhere) };
    let elsewhere = elsewhere.render(English);
    assert!(elsewhere.contains(">The series goes to another address now<") && elsewhere.contains("/unsubscribe/t"));
    assert!(!elsewhere.contains("/manage/t/pause"));

    let stopped = manage(ManageState::Ended).render(English);
    assert!(stopped.contains(">Stopped<") && stopped.contains("Not planned"));
    assert_eq!(stopped.matches("<form").count(), 1, "only the fresh link is left");
    let parts = vec![TimelinePart { number: 1, subject: "A".into(), when: When::Received(None), read_at: None }];
    let finished = ManagePage { parts, ..manage(ManageState::Ended) }.render(English);
    assert!(finished.contains("You have had every part"));
    let no_choice = ManagePage { spacings: vec![], hours: vec![], ..manage(ManageState::Active) }.render(English);
    assert!(!no_choice.contains("/spacing") && no_choice.contains("selected>As the series has it (9:00)"));
}

#[test]
fn every_word_about_a_change_reads_back_and_says_something() {
    for word in ["saved", "hurried", "nothing", "date", "choice", "condition", "address", "again"] {
        let said = Said::parse(word).unwrap();
        assert_eq!(said.word(), word);
        let html = ManagePage { said: Some(said), ..manage(ManageState::Active) }.render(English);
        assert!(html.contains("role=\"status\"") != html.contains("role=\"alert\""), "{word}");
    }
    assert_eq!(Said::parse("<script>"), None);
}

#[test]
fn the_page_behind_a_fresh_link_offers_what_can_be_done_and_chooses_nothing() {
    let open = fresh(true).render(English);
    for verb in ["condition", "address", "export", "erase"] {
        assert!(open.contains(&format!("action=\"/fresh/t/{verb}\"")), "{verb}");
    }
    assert!(open.contains("<option value=\"\" selected>") && !open.contains("/again"));
    let ended = fresh(false).render(English);
    assert!(!ended.contains("/fresh/t/condition") && ended.matches("action=\"/fresh/t/again\"").count() == 2);
}

#[test]
fn a_part_that_is_read_keeps_its_own_language() {
    let html = read_part().render(Spanish);
    assert!(html.contains("<div class=\"story-text\" lang=\"en\">\n<p>It helps the body.</p>"), "{html}");
    assert!(html.contains("href=\"/manage/t\""));
}
