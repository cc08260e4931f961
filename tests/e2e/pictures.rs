//! Pictures of the pages: not tests, so they are made only when asked for.
use std::path::Path;

use crate::browser::{Browser, WIDTHS};
use crate::demo::{Demo, PARTS};
use crate::eventually;
use crate::every_page::visit_all;

/// The pictures of the documentation: `cargo test --test e2e -- --ignored screenshots`.
#[tokio::test]
#[ignore = "writes docs/images"]
async fn screenshots() {
    let (demo, browser) = tokio::join!(Demo::start("500ms"), Browser::start());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images");
    std::fs::create_dir_all(&folder).unwrap();
    let save = |name: &str, picture: Vec<u8>| std::fs::write(folder.join(name), picture).unwrap();

    let address = "reader@example.com";
    demo.sign_up(address).await;
    browser.open(demo.mail_to(address, 0).await.link("confirm")).await;
    browser.press("Yes, send me the series").await;
    browser.open(&demo.pages).await;
    save("article.png", browser.picture(1280, Some(900), 1.0).await);
    save("article-phone.png", browser.picture(360, Some(780), 2.0).await);

    browser.open(&demo.inbox).await;
    eventually("all parts", async || (browser.count(".mails li").await == 1 + PARTS).then_some(())).await;
    save("inbox.png", browser.picture(1280, None, 1.0).await);
    let part = demo.mail_to(address, 3).await;
    browser.open(format!("{}/mail/{}", demo.inbox, part.id)).await;
    browser.see(&part.subject).await;
    save("mail.png", browser.picture(1280, Some(900), 1.0).await);
}

/// Every page, light and dark, wide and narrow, for a look at them after a change of the looks:
/// `cargo test --test e2e -- --ignored every_picture`.
#[tokio::test]
#[ignore = "writes pictures for a person to look at"]
async fn every_picture() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).unwrap();
    visit_all(&demo, &browser, async |name| {
        for (dark, scheme) in [(false, "light"), (true, "dark")] {
            browser.set_dark(dark).await;
            for width in WIDTHS {
                let picture = browser.picture(width, None, 1.0).await;
                std::fs::write(folder.join(format!("{name}-{scheme}-{width}.png")), picture).unwrap();
            }
        }
        browser.set_dark(false).await;
        browser.resize(WIDTHS[0]).await;
    })
    .await;
    println!("Look into {}", folder.display());
}
