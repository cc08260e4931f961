//! Everything can be done with the keyboard alone, and the eye can follow where it is.
use serde_json::Value;

use crate::browser::{Browser, gone};
use crate::demo::{Demo, SERIES};
use crate::eventually;

const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";
const SPACE: &str = " ";
/// How many stops a page may have before the test believes to go in a circle.
const MANY: usize = 150;
/// Of what the keyboard goes to: its name, whether that is in sight, and whether it looks other than without the focus.
const STOP: &str = r"
    const it = document.activeElement;
    if (it === document.body) return null;
    const look = of => { const s = getComputedStyle(of); return [s.outlineStyle, s.outlineWidth, s.boxShadow].join(); };
    const box = it.getBoundingClientRect();
    const inSight = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth && box.width > 0;
    const twin = it.cloneNode(false);
    it.after(twin);
    const plain = look(twin);
    twin.remove();
    const name = it.id || it.getAttribute('aria-label') || it.textContent.trim().slice(0, 60) || it.outerHTML.slice(0, 60);
    return { name: name, visible: inSight && look(it) !== plain };";

#[tokio::test]
async fn a_reader_signs_up_by_keyboard_alone() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    browser.open(&demo.pages).await;
    assert_eq!(next_stop(&browser).await.as_deref(), Some("Skip to the text"), "the first stop");
    browser.type_keys(ENTER).await;
    eventually("the text", async || (browser.focused().await == "main").then_some(())).await;

    until(&browser, "condition").await;
    browser.type_keys("Kid").await;
    assert_eq!(browser.value("#condition").await, "kidney");
    assert_eq!(next_stop(&browser).await.as_deref(), Some("email"));
    let field = browser.find("#email").await;
    browser.type_keys(&format!("reader@example{ENTER}")).await;
    gone(&field).await;

    eventually("the summary of faults", async || (browser.focused().await == "problem").then_some(())).await;
    let fault = next_stop(&browser).await.unwrap();
    assert!(fault.contains("after the @"), "the next stop is the fault: {fault}");
    browser.type_keys(ENTER).await;
    eventually("the faulty field", async || (browser.focused().await == "email").then_some(())).await;
    assert_eq!(browser.value("#condition").await, "kidney", "what was right is still there");
    browser.select_all().await;
    browser.type_keys("reader@example.com").await;
    assert_eq!(browser.value("#email").await, "reader@example.com");
    assert_eq!(next_stop(&browser).await.as_deref(), Some("Get started"));
    browser.type_keys(SPACE).await;
    browser.see("Check your inbox").await;
    assert_eq!(demo.enrollment("reader@example.com").await["state"], "pending");
}

#[tokio::test]
async fn the_eye_can_follow_the_keyboard_through_every_page() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    let address = "reader@example.com";
    demo.sign_up(address).await;
    browser.open(demo.mail_to(address, 0).await.link("confirm")).await;
    browser.press("Yes, send me the series").await;
    let manage = demo.mail_to(address, 1).await.link("manage");
    for page in [demo.pages.clone(), format!("{}/survey/{SERIES}", demo.pages), manage.to_string(), demo.inbox.clone()]
    {
        browser.open(&page).await;
        browser.run("document.querySelectorAll('details').forEach(it => it.open = true)").await;
        let mut stops = Vec::new();
        while let Some(stop) = next_stop(&browser).await {
            stops.push(stop);
            assert!(stops.len() < MANY, "{stops:?}");
        }
        assert!(stops.len() > 3, "{page}: {stops:?}");
    }
}

/// Whether a stop is seen is really looked at.
#[tokio::test]
async fn a_stop_that_cannot_be_seen_is_noticed() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    browser.open(format!("{}/privacy", demo.pages)).await;
    browser.run("document.querySelector('.home').style.outline = 'none'").await;
    assert_eq!(next_stop(&browser).await.as_deref(), Some("Skip to the text"));
    browser.type_keys(TAB).await;
    assert_eq!(browser.run(STOP).await["visible"], false);
}

async fn until(browser: &Browser, id: &str) {
    for _ in 0..MANY {
        if next_stop(browser).await.as_deref() == Some(id) {
            return;
        }
    }
    panic!("the keyboard does not come to {id}");
}

/// Goes on by one stop, and answers its name; nothing after the last.
async fn next_stop(browser: &Browser) -> Option<String> {
    browser.type_keys(TAB).await;
    let stop = browser.run(STOP).await;
    let name = stop["name"].as_str()?.to_owned();
    assert_eq!(stop["visible"], Value::Bool(true), "nothing shows that the keyboard is at {name:?}");
    Some(name)
}
