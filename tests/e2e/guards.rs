//! What keeps robots out costs a reader nothing that could be seen.
use crate::browser::Browser;
use crate::demo::Demo;
use crate::story::sign_up;

/// Without an allowance, whoever comes without the proof of work is counted.
const PROOF: [(&str, &str); 2] = [("REGIMEN__GUARDS__PROOF_OF_WORK", "true"), ("REGIMEN__GUARDS__WITHOUT_SCRIPT", "0")];

#[tokio::test]
async fn a_browser_does_its_arithmetic_while_the_form_is_filled_in() {
    let (demo, browser) = tokio::join!(Demo::start_with("1h", &PROOF), Browser::start());
    browser.open(&demo.pages).await;
    assert!(!browser.find("#reader-remark").await.is_displayed().await.unwrap(), "nobody sees the hidden field");
    sign_up(&demo, &browser, "reader@example.net").await;
    let refused = demo.refused().await;
    assert!(!refused.iter().any(|reason| reason.starts_with("proof") || reason == "no-script"), "{refused:?}");
    browser.check_quiet(&[]).await;
}

#[tokio::test]
async fn a_browser_without_scripts_is_one_that_comes_without_it() {
    let (demo, browser) = tokio::join!(Demo::start_with("1h", &PROOF), Browser::start_without_scripts());
    browser.open(&demo.pages).await;
    sign_up(&demo, &browser, "reader@example.net").await;
    assert!(demo.refused().await.contains(&"no-script".to_owned()));
}
