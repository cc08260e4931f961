//! The first view of an article is light enough for a phone with a poor line.
use crate::browser::Browser;
use crate::demo::{Demo, SERIES};
use crate::eventually;

/// In octets on the wire, with headers, nothing kept from before.
const HEAVIEST: f64 = 60_000.0;

#[tokio::test]
async fn the_first_view_of_an_article_is_light() {
    let demo = Demo::start("1h").await;
    for path in ["/", "/?lang=es", &format!("/articles/{SERIES}/side-effects")] {
        let browser = Browser::start().await;
        browser.open(format!("{}{path}", demo.pages)).await;
        let mut fetched = Vec::new();
        // The icon comes after all else or, as a browser likes, not at all.
        eventually("page, style and script", async || {
            fetched.extend(browser.fetched().await);
            let has = |part: &str| fetched.iter().any(|(url, _)| url.contains(part));
            (has("/style.") && has("/site.")).then_some(())
        })
        .await;
        let total: f64 = fetched.iter().map(|(_, octets)| octets).sum();
        println!("The first view of {path}: {total} octets");
        for (url, octets) in &fetched {
            println!("  {octets:6.0}  {url}");
            assert!(url.starts_with(&demo.pages), "asked elsewhere");
        }
        assert!(fetched.len() >= 3, "page, style and script: {fetched:?}");
        assert!(total < HEAVIEST, "{path} takes {total} octets");
    }
}
