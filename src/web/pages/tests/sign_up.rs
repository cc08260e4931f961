//! The sign-up box, its faults, and the pages that come after it.
use super::samples::*;
use super::*;

#[test]
fn the_sign_up_box_asks_for_what_the_handler_reads() {
    let html = article().render(English);
    assert!(html.contains("You will receive six e-mails"));
    assert!(html.contains("<form method=\"post\" action=\"/subscribe#problem\""));
    let names: Vec<&str> = all_tags(&html).filter_map(|tag| attribute(tag, "name")).collect();
    for name in ["series", "timezone", "condition", "email"] {
        assert!(names.contains(&name), "{name}");
    }
    assert!(html.contains("name=\"series\" value=\"fighting-cancer-with-immunotherapy\""));
    assert!(html.contains("<option value=\"lung\">Lung cancer</option>"));
    assert!(html.contains("href=\"/privacy\"") && html.contains("href=\"/terms\""));
    assert!(!html.contains("aria-invalid") && !html.contains("role=\"alert\""), "nothing is wrong yet");
}

#[test]
fn a_faulty_sign_up_keeps_what_was_typed_and_leads_to_the_fault() {
    let mut page = article();
    page.sign_up.conditions[1].selected = true;
    page.sign_up.email = "reader@@example.com".into();
    page.sign_up.timezone = "Europe/Paris".into();
    page.sign_up.email_error = Some("Enter an address such as name@example.com".into());
    let html = page.render(English);
    assert!(between(&html, "<title>", "</title>").starts_with("Please look again: "));
    assert!(html.contains("<option value=\"lung\" selected>"));
    assert!(html.contains("name=\"timezone\" value=\"Europe/Paris\""));
    let email = tags(&html, "input").into_iter().find(|tag| attribute(tag, "name") == Some("email")).expect("a field");
    assert_eq!(attribute(email, "value"), Some("reader@@example.com"));
    assert_eq!(attribute(email, "aria-invalid"), Some("true"));
    assert_eq!(attribute(email, "aria-describedby"), Some("email-error"));
    assert!(html.contains("<li><a href=\"#email\">Enter an address such as name@example.com</a></li>"));
    let select = tags(&html, "select")[0];
    assert_eq!(
        (attribute(select, "aria-invalid"), attribute(select, "aria-describedby")),
        (None, Some("condition-hint"))
    );

    page.sign_up.condition_error = Some("Choose a condition".into());
    let html = page.render(English);
    let select = tags(&html, "select")[0];
    assert_eq!(attribute(select, "aria-invalid"), Some("true"));
    assert_eq!(attribute(select, "aria-describedby"), Some("condition-hint condition-error"));
    assert!(html.contains("<li><a href=\"#condition\">Choose a condition</a></li>"));
}

#[test]
fn what_passes_by_itself_is_said_above_the_form_and_no_field_is_called_faulty() {
    let mut page = article();
    page.sign_up.email = "reader@example.com".into();
    page.sign_up.passing_error = Some("Please try again in a few seconds.".into());
    let html = page.render(English);
    assert!(between(&html, "<title>", "</title>").starts_with("Please try again: "));
    assert!(between(&html, "<section class=\"", "\"").ends_with("faulty"));
    let said = between(&html, "role=\"alert\"", "</div>");
    assert!(said.contains("You are not signed up yet") && said.contains("Please try again in a few seconds."));
    assert!(html.contains("value=\"reader@example.com\"") && !html.contains("aria-invalid"));
}

#[test]
fn the_pages_say_what_comes_next() {
    let series_title = || "Fighting Cancer".to_owned();
    assert!(CheckInboxPage { again_path: "/#sign-up".into() }.render_in(English, None).contains("spam"));
    assert!(SupersededPage { series_title: series_title() }.render(English).contains("newer"));
    let confirmed = |parts| ConfirmedPage { series_title: series_title(), parts }.render(English);
    assert!(confirmed(6).contains("There are 6 in all"));
    assert!(confirmed(1).contains("The first and only part") && !confirmed(1).contains("in all"));
    assert!(confirmed(13).contains("There are 13 in all"));
    let unsubscribed = UnsubscribedPage { series_title: series_title() }.render(English);
    assert!(unsubscribed.contains("come back any time") && unsubscribed.contains("href=\"/#sign-up\""));
    let error =
        ErrorPage { status: 429, title: "Too many tries".into(), detail: "Wait a minute.".into() }.render(English);
    assert!(error.contains("Error 429") && error.contains("Wait a minute."));
}
