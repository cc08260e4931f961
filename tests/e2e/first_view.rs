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
        // The icon comes last, and not until all else is there.
        eventually("the icon", async || {
            fetched.extend(browser.fetched().await);
            fetched.iter().any(|(url, _)| url.contains("/favicon.")).then_some(())
        })
        .await;
        let total: f64 = fetched.iter().map(|(_, octets)| octets).sum();
        println!("The first view of {path}: {total} octets");
        for (url, octets) in &fetched {
            println!("  {octets:6.0}  {url}");
            assert!(url.starts_with(&demo.pages), "asked elsewhere");
        }
        assert!(fetched.len() >= 4, "page, style, script and icon: {fetched:?}");
        assert!(total < HEAVIEST, "{path} takes {total} octets");
    }
}
