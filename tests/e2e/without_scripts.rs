//! Everything a reader needs works without scripts.
use crate::browser::Browser;
use crate::demo::Demo;
use crate::story::sign_up;

#[tokio::test]
async fn a_reader_without_scripts_signs_up_and_gets_the_first_part() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start_without_scripts());
    let address = "reader@example.net";
    browser.open(&demo.pages).await;
    assert_eq!(browser.value("input[name=timezone]").await, "", "scripts are off");

    sign_up(&demo, &browser, address).await;
    let link = demo.mail_to(address, 0).await.link("confirm");
    browser.open(&link).await;
    browser.see("Please confirm").await;
    browser.press("Yes, send me the series").await;
    browser.see("You are signed up").await;
    assert_eq!(demo.enrollment(address).await["zone"], "America/New_York", "the series' own zone");

    // The list loads itself anew where no script can refresh it.
    browser.open(format!("{}/?to={address}", demo.inbox)).await;
    assert_eq!(browser.count("noscript meta[http-equiv=refresh]").await, 1);
    let part = demo.mail_to(address, 1).await;
    browser.open(part.link("unsubscribe")).await;
    browser.see("Stop the series?").await;
    browser.press("Unsubscribe").await;
    browser.see("You are unsubscribed").await;
    browser.check_quiet(&[]).await;
}
