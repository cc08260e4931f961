//! From the article to the sixth part, and out again.
use serde_json::json;

use crate::browser::{Browser, WIDTHS, ZONE, gone};
use crate::demo::{Demo, PARTS};
use crate::eventually;

pub const SERIES_TITLE: &str = "Fighting Cancer With Immunotherapy";
const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";

#[tokio::test]
async fn one_reader_leaves_after_a_part_and_another_receives_all_six() {
    let (demo, browser) = tokio::join!(Demo::start("2s"), Browser::start());
    let (leaver, stayer) = ("leaver@example.com", "stayer@example.org");

    sign_up_with_a_slip(&demo, &browser, leaver).await;
    confirm_by_mail(&demo, &browser, leaver).await;
    let received = leave(&demo, &browser, leaver).await;

    sign_up(&demo, &browser, stayer).await;
    confirm_by_mail(&demo, &browser, stayer).await;
    watch_all_parts_arrive(&demo, &browser, stayer).await;

    // In that time the other reader, too, would have got all of them.
    let mails = demo.mails_to(leaver).await;
    assert_eq!(mails.len(), 1 + received, "nothing came after the confirmation and the parts received before");
    assert_eq!(demo.enrollment(leaver).await["state"], "unsubscribed");
    assert_eq!(demo.enrollment(stayer).await["state"], "completed");
    every_mail_fits(&demo, &browser, stayer).await;
    browser.check_quiet(&[422]).await;
}

/// The first time the address lacks its end. By keyboard alone, and on the width of a phone, where the box is far down.
async fn sign_up_with_a_slip(demo: &Demo, browser: &Browser, address: &str) {
    let slip = address.replace(".com", "");
    browser.open(&demo.pages).await;
    browser.see("What is immunotherapy, and how does it fight cancer?").await;
    browser.resize(WIDTHS[1]).await;
    browser.run("document.getElementById('condition').focus()").await;
    assert_eq!(browser.value("input[name=timezone]").await, ZONE, "the script tells the reader's zone");
    browser.type_keys("Kid").await;
    assert_eq!(browser.value("#condition").await, "kidney");
    browser.type_keys(TAB).await;
    assert_eq!(browser.focused().await, "email");
    let field = browser.find("#email").await;
    browser.type_keys(&format!("{slip}{ENTER}")).await;
    gone(&field).await;

    let summary = browser.find(".problem[role=alert]").await;
    assert!(browser.run(IN_SIGHT).await.as_bool().unwrap(), "the reader lands where the fault is told");
    browser.check_fit(&WIDTHS).await;
    let fault = browser.run("return document.getElementById('email-error').lastChild.data").await;
    assert!(summary.text().await.unwrap().contains(fault.as_str().unwrap()), "the summary names the fault: {fault}");
    let field = browser.find("#email").await;
    assert_eq!(field.attr("aria-invalid").await.unwrap().as_deref(), Some("true"));
    assert_eq!(field.attr("aria-describedby").await.unwrap().as_deref(), Some("email-error"));
    assert_eq!(browser.value("#email").await, slip);
    assert_eq!(browser.value("#condition").await, "kidney");
    assert_eq!(browser.value("input[name=timezone]").await, ZONE);

    let link = browser.find(".problem a").await;
    browser.run("document.querySelector('.problem a').focus()").await;
    browser.type_keys(ENTER).await;
    eventually("the field to be focused", async || (browser.focused().await == "email").then_some(())).await;
    assert!(link.is_displayed().await.unwrap());
    field.clear().await.unwrap();
    field.send_keys(address).await.unwrap();
    browser.press("Get started").await;
    browser.see("Check your inbox").await;
    assert_eq!(demo.enrollment(address).await["zone"], ZONE);
}

const IN_SIGHT: &str = "const it = document.querySelector('.problem').getBoundingClientRect();
    return it.top >= 0 && it.bottom <= window.innerHeight";

/// With mouse and keyboard, as most do.
pub async fn sign_up(demo: &Demo, browser: &Browser, address: &str) {
    browser.open(&demo.pages).await;
    browser.find("#condition").await.select_by_label("Melanoma").await.unwrap();
    browser.find("#email").await.send_keys(address).await.unwrap();
    browser.press("Get started").await;
    browser.see("Check your inbox").await;
}

/// Opens the newest mail, looks into its frame, follows the link and presses the button.
async fn confirm_by_mail(demo: &Demo, browser: &Browser, address: &str) {
    browser.open(format!("{}/?to={address}", demo.inbox)).await;
    let row = browser.find(".mails a").await;
    assert!(row.text().await.unwrap().contains("Please confirm your address"));
    row.click().await.unwrap();
    browser.see("Please confirm your address").await;
    let link = link_in_mail(browser, "confirm").await;

    browser.open(&link).await;
    browser.see("Please confirm").await;
    let before = demo.enrollment(address).await;
    assert_eq!(before["state"], "pending", "only looking confirms nothing");
    browser.press("Yes, send me the series").await;
    browser.see("You are signed up").await;
    assert_eq!(demo.enrollment(address).await["state"], "active");
    browser.open(&link).await;
    browser.see("You have already confirmed").await;
}

/// The address of a link in the mail that the inbox shows.
async fn link_in_mail(browser: &Browser, kind: &str) -> String {
    browser.find("iframe[sandbox]").await.enter_frame().await.unwrap();
    // A part's own page lies below the reader's.
    let link = browser.find(&format!("a[href*='/{kind}/']:not([href*='/parts/'])")).await;
    let scripts = browser.count("script").await;
    let target = link.attr("href").await.unwrap().unwrap();
    browser.client.enter_parent_frame().await.unwrap();
    assert_eq!(scripts, 0);
    target
}

/// Pauses, goes on, and unsubscribes with the links of the first part. Answers how many parts were received by then.
async fn leave(demo: &Demo, browser: &Browser, address: &str) -> usize {
    let part = demo.mail_to(address, 1).await;
    browser.open(format!("{}/mail/{}", demo.inbox, part.id)).await;
    browser.see(&part.subject).await;
    let unsubscribe = link_in_mail(browser, "unsubscribe").await;
    let manage = link_in_mail(browser, "manage").await;

    browser.open(&manage).await;
    browser.see(SERIES_TITLE).await;
    browser.unfold("Pause the series").await;
    browser.press("Pause until I come back").await;
    eventually("the pause", async || {
        (demo.enrollment(address).await["state"] == "paused" && browser.text("#status-title").await == "Paused")
            .then_some(())
    })
    .await;
    browser.press("Go on with the series").await;
    eventually("the end of the pause", async || (demo.enrollment(address).await["state"] == "active").then_some(()))
        .await;

    browser.open(&unsubscribe).await;
    browser.see("Stop the series?").await;
    assert_eq!(demo.enrollment(address).await["state"], "active", "only looking stops nothing");
    let open = ["pending", "claimed", "sending"];
    assert!(demo.step_states(address).await.iter().any(|state| open.contains(&state.as_str())));
    browser.press("Unsubscribe").await;
    browser.see("You are unsubscribed").await;
    assert_eq!(demo.enrollment(address).await["state"], "unsubscribed");
    // What was on its way at that moment may still arrive.
    let states = eventually("the last mail to be settled", async || {
        let states = demo.step_states(address).await;
        states.iter().all(|state| !open.contains(&state.as_str())).then_some(states)
    })
    .await;
    let received = states.iter().filter(|state| *state == "accepted").count();
    assert!((1..PARTS).contains(&received), "the series was stopped midway: {states:?}");
    received
}

/// The list in the inbox grows while it is looked at, without being loaded anew.
async fn watch_all_parts_arrive(demo: &Demo, browser: &Browser, address: &str) {
    browser.open(format!("{}/?to={address}", demo.inbox)).await;
    browser.find(".mails a").await;
    browser.run("window.loadedOnce = true").await;
    eventually("all parts", async || (browser.count(".mails li").await == 1 + PARTS).then_some(())).await;
    assert_eq!(browser.run("return window.loadedOnce").await, json!(true));
    let mut subjects: Vec<String> = demo.mails_to(address).await.into_iter().map(|mail| mail.subject).collect();
    let shown = browser.run("return [...document.querySelectorAll('.mails .subject')].map(it => it.innerText)").await;
    subjects.reverse();
    assert_eq!(shown, json!(subjects), "the newest is on top");
    browser.check_fit(&WIDTHS).await;
}

/// In the inbox, and by itself on the width of a phone and of a mail program.
async fn every_mail_fits(demo: &Demo, browser: &Browser, address: &str) {
    for mail in demo.mails_to(address).await {
        browser.open(format!("{}/mail/{}", demo.inbox, mail.id)).await;
        browser.see(&mail.subject).await;
        browser.open(format!("{}/mail/{}/html", demo.inbox, mail.id)).await;
        browser.see(&mail.subject).await;
        browser.check_fit(&[360, 800]).await;
    }
}
