//! Pictures of the pages: not tests, so they are made only when asked for.
use std::path::Path;

use crate::browser::{Browser, WIDTHS};
use crate::demo::{Demo, PARTS, SERIES};
use crate::eventually;
use crate::every_page::visit_all;

/// The pictures of the documentation: `cargo test --test e2e -- --ignored screenshots`.
#[tokio::test]
#[ignore = "writes docs/images"]
async fn screenshots() {
    let (fast, browser) = tokio::join!(Demo::start("500ms"), Browser::start());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images");
    std::fs::create_dir_all(&folder).unwrap();
    let save = |name: &str, picture: Vec<u8>| std::fs::write(folder.join(name), picture).unwrap();

    let demo = Demo::start("1h").await;
    browser.open(&demo.pages).await;
    save("article.png", browser.picture(1280, Some(900), 1.0).await);
    save("article-phone.png", browser.picture(360, Some(780), 2.0).await);
    browser.set_dark(true).await;
    save("article-dark.png", browser.picture(1280, Some(900), 1.0).await);
    browser.set_dark(false).await;
    save("article-foot.png", browser.picture_below(".after", 1280, 900).await);
    browser.open(format!("{}/survey/{SERIES}", demo.pages)).await;
    browser.click("label[for=q-clear-4]").await;
    save("survey.png", browser.picture(1280, Some(900), 1.0).await);
    calendar(&demo, &browser, &save).await;

    let address = "reader@example.com";
    fast.sign_up(address).await;
    fast.press(&fast.mail_to(address, 0).await.link("confirm")).await;
    browser.open(&fast.inbox).await;
    eventually("all parts", async || (browser.count(".mails li").await == 1 + PARTS).then_some(())).await;
    save("inbox.png", browser.picture(1280, None, 1.0).await);
    let part = fast.mail_to(address, 3).await;
    browser.open(format!("{}/mail/{}", fast.inbox, part.id)).await;
    browser.see(&part.subject).await;
    save("mail.png", browser.picture(1280, Some(900), 1.0).await);
}

/// What a reader sees in the middle of the series.
async fn calendar(demo: &Demo, browser: &Browser, save: &impl Fn(&str, Vec<u8>)) {
    let address = "another@example.com";
    demo.sign_up(address).await;
    demo.press(&demo.mail_to(address, 0).await.link("confirm")).await;
    let manage = demo.mail_to(address, 1).await.link("manage");
    let received = async |parts: &str| {
        eventually(parts, async || {
            browser.open(&manage).await;
            browser.text(".status").await.contains(parts).then_some(())
        })
        .await;
    };
    received("1 of 6 parts").await;
    browser.press("Send me the next part now").await;
    demo.mail_to(address, 2).await;
    received("2 of 6 parts").await;
    save("calendar.png", browser.picture(1280, Some(1250), 1.0).await);
    browser.set_dark(true).await;
    save("calendar-phone.png", browser.picture(360, Some(780), 2.0).await);
    browser.set_dark(false).await;
    browser.open(format!("{manage}/parts/antibodies")).await;
    save("part.png", browser.picture(1280, Some(900), 1.0).await);
    browser.open(&manage).await;
    browser.press("Send me the link").await;
    browser.open(demo.mail_to(address, 3).await.link("fresh")).await;
    browser.unfold("Change the condition").await;
    save("fresh.png", browser.picture(1280, Some(900), 1.0).await);
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
