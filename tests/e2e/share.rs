//! The row that shares an article, and the switch of the language.
use reqwest::Url;
use serde_json::{Value, json};

use crate::browser::{Browser, WIDTHS};
use crate::demo::{Demo, SERIES};
use crate::eventually;

/// A browser that can hand a page on to other programs.
const CAN_SHARE: &str = "navigator.share = it => { window.shared = it; return Promise.resolve(); }";
const CANNOT_SHARE: &str = "Object.defineProperty(navigator, 'share', { value: undefined })";
const ARTICLE_TITLE: &str = "What is immunotherapy, and how does it fight cancer?";

#[tokio::test]
async fn sharing_opens_the_readers_own_mail_program_and_asks_us_for_nothing() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start_without_scripts());
    let address = format!("{}/articles/{SERIES}", demo.pages);
    for width in WIDTHS {
        browser.stay_at(width).await;
        browser.open(&demo.pages).await;
        let mail = browser.find(".share a").await;
        assert!(mail.is_displayed().await.unwrap());
        let mail = Url::parse(&mail.attr("href").await.unwrap().unwrap()).unwrap();
        assert_eq!((mail.scheme(), mail.path()), ("mailto", ""), "to nobody yet");
        let fields: Vec<(String, String)> = mail.query_pairs().into_owned().collect();
        assert_eq!(fields[0], ("subject".to_owned(), format!("An article: {ARTICLE_TITLE}")));
        assert!(fields[1].0 == "body" && fields[1].1.ends_with(&format!(": {address}")), "{}", fields[1].1);
        assert!(!mail.query().unwrap().contains('+'), "a mail program shows a plus as a plus");
        for button in ["[data-copy]", "[data-share]"] {
            assert!(!browser.find(button).await.is_displayed().await.unwrap(), "{button} would do nothing");
        }
    }
}

#[tokio::test]
async fn the_link_is_copied() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    browser.run_in_each_page(CANNOT_SHARE).await;
    browser.allow_reading_the_clipboard().await;
    browser.open(format!("{}/?lang=en", demo.pages)).await;
    assert!(!browser.find("[data-share]").await.is_displayed().await.unwrap(), "this browser cannot");
    browser.press("Copy the link").await;
    eventually("the word that it is done", async || {
        (browser.text("[data-copy-status]").await == "The link is copied.").then_some(())
    })
    .await;
    let copied = "navigator.clipboard.readText().then(arguments[0], fault => arguments[0](String(fault)))";
    let copied = browser.client.execute_async(copied, vec![]).await.unwrap();
    assert_eq!(copied, json!(format!("{}/articles/{SERIES}", demo.pages)));
    browser.check_quiet(&[]).await;
}

#[tokio::test]
async fn a_browser_that_can_share_shares() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    browser.run_in_each_page(CAN_SHARE).await;
    browser.open(format!("{}/articles/{SERIES}/side-effects", demo.pages)).await;
    browser.press("Share").await;
    let shared: Value = browser.run("return window.shared").await;
    assert_eq!(shared["url"], json!(format!("{}/articles/{SERIES}/side-effects", demo.pages)));
    assert_eq!(shared["title"].as_str().unwrap(), browser.text("h1").await);
    browser.check_quiet(&[]).await;
}

#[tokio::test]
async fn the_language_is_switched_with_scripts() {
    switch(Browser::start(), WIDTHS[0]).await;
}

#[tokio::test]
async fn the_language_is_switched_without_scripts() {
    switch(Browser::start_without_scripts(), WIDTHS[1]).await;
}

/// Also the mails are in the language of the page.
async fn switch(browser: impl Future<Output = Browser>, width: u32) {
    let (demo, browser) = tokio::join!(Demo::start("1h"), browser);
    browser.stay_at(width).await;
    let language = async || browser.run("return document.documentElement.lang").await;
    browser.open(&demo.pages).await;
    assert_eq!(language().await, "en");
    browser.follow("Español").await;
    eventually("Spanish", async || (language().await == "es").then_some(())).await;
    browser.open(&demo.pages).await;
    assert_eq!(language().await, "es", "it is remembered");
    browser.choose("condition", "kidney").await;
    browser.find("#email").await.send_keys("lectora@example.com").await.unwrap();
    browser.press("Comenzar").await;
    browser.see("Revise su correo").await;
    let mail = demo.mail_to("lectora@example.com", 0).await;
    browser.open(mail.link("confirm")).await;
    assert_eq!(language().await, "es");
    browser.press("Sí, envíenme la serie").await;
    browser.see("Ya está inscrito").await;
    browser.open(&demo.pages).await;
    browser.follow("English").await;
    eventually("English", async || (language().await == "en").then_some(())).await;
    browser.check_quiet(&[]).await;
}
