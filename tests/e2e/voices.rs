//! "Was this helpful?", the survey and sharing, with scripts and without.
use crate::browser::{Browser, WIDTHS};
use crate::demo::Demo;
use crate::eventually;

const ESCAPE: &str = "\u{E00C}";
const SPACE: &str = " ";
/// As if the mouse went to the tabs.
pub const LEAVE: &str = "document.documentElement.dispatchEvent(new MouseEvent('mouseleave', { clientY: -1 }))";
const CARD: &str = "[data-survey-leave]";

async fn waits_for(browser: &Browser, text: &str) {
    eventually(text, async || browser.text("[data-helpful-count]").await.contains(text).then_some(())).await;
}

#[tokio::test]
async fn one_press_counts_and_another_in_the_same_visit_moves_the_vote() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    browser.open(&demo.pages).await;
    browser.press("Yes").await;
    waits_for(&browser, "One reader has answered, and found it helpful.").await;
    assert_eq!(browser.count(".helpful [aria-pressed=true][value=yes]").await, 1);
    browser.open(format!("{}/privacy", demo.pages)).await;
    browser.open(&demo.pages).await;
    browser.press("No").await;
    waits_for(&browser, "One reader has answered, and did not find it helpful.").await;
    browser.check_quiet(&[]).await;
}

#[tokio::test]
async fn without_scripts_a_second_press_counts() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start_without_scripts());
    browser.open(&demo.pages).await;
    assert!(!browser.find("[data-copy]").await.is_displayed().await.unwrap(), "it would do nothing");
    browser.press("No").await;
    browser.see("Was this helpful?").await;
    assert!(browser.text("main").await.contains("You chose No."));
    browser.press("No").await;
    browser.see("Thank you").await;
    browser.client.refresh().await.unwrap();
    browser.see("Thank you").await;
    assert!(browser.text("main").await.contains("One reader has answered, and did not find it helpful."));
    browser.press("I meant yes").await;
    eventually("the vote to be moved", async || {
        browser.text("main").await.contains("One reader has answered, and found it helpful.").then_some(())
    })
    .await;

    browser.open(&demo.pages).await;
    browser.find(".survey-offer a").await.click().await.unwrap();
    browser.see("A few quick questions").await;
    browser.find("label[for=q-reason-close]").await.click().await.unwrap();
    browser.press("Send").await;
    browser.see("Thank you").await;
    browser.check_quiet(&[]).await;
}

#[tokio::test]
async fn who_leaves_is_asked_once_and_is_not_held() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    browser.open(&demo.pages).await;
    let shown = async || browser.find(CARD).await.is_displayed().await.unwrap();
    assert!(!shown().await);
    let focused = browser.focused().await;
    browser.run(LEAVE).await;
    assert!(shown().await);
    browser.check_fit(&WIDTHS).await;
    assert_eq!(browser.focused().await, focused, "it takes no focus");
    browser.type_keys(ESCAPE).await;
    assert!(!shown().await);
    browser.run(LEAVE).await;
    assert!(!shown().await, "once a visit");
    browser.open(&demo.pages).await;
    browser.run(LEAVE).await;
    assert!(!shown().await, "also on another page");
    browser.check_quiet(&[]).await;
}

#[tokio::test]
async fn who_has_seen_the_offer_at_the_end_is_not_asked_again() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    browser.open(&demo.pages).await;
    browser.run("document.querySelector('[data-survey-end]').scrollIntoView()").await;
    eventually("the offer to be noticed", async || {
        browser.run("return sessionStorage.getItem('survey')").await.as_str().map(drop)
    })
    .await;
    browser.run(LEAVE).await;
    assert!(!browser.find(CARD).await.is_displayed().await.unwrap());
}

#[tokio::test]
async fn the_survey_is_filled_in_by_keyboard() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    browser.open(format!("{}/survey/fighting-cancer-with-immunotherapy", demo.pages)).await;
    browser.see("A few quick questions").await;
    browser.run("document.getElementById('q-clear-1').focus()").await;
    browser.type_keys(SPACE).await;
    browser.type_keys("\u{E014}").await;
    assert_eq!(browser.focused().await, "q-clear-2", "arrows go along the scale");
    browser.run("document.getElementById('q-more-cost').focus()").await;
    browser.type_keys(SPACE).await;
    assert_eq!(browser.count(":checked").await, 2);
    browser.run("document.querySelector('.survey [type=submit]').focus()").await;
    browser.type_keys("\u{E007}").await;
    browser.see("Thank you").await;
    browser.check_quiet(&[]).await;
}
