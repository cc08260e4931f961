//! No page and no mail shuts a reader out, as far as a program can tell (WCAG 2.2 A and AA, contrast included).
use crate::browser::{Browser, WIDTHS};
use crate::critic::{judge, sit_beside};
use crate::demo::{Demo, SERIES};
use crate::every_page::visit_all;

#[tokio::test]
async fn no_page_shuts_anybody_out_on_a_desktop() {
    judge_all(WIDTHS[0]).await;
}

#[tokio::test]
async fn no_page_shuts_anybody_out_on_a_phone() {
    judge_all(WIDTHS[1]).await;
}

async fn judge_all(width: u32) {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    sit_beside(&browser).await;
    let mut faults = Vec::new();
    visit_all(&demo, &browser, async |name| note(&browser, name, width, &mut faults).await).await;
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test]
async fn nor_in_spanish() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start_in("es"));
    sit_beside(&browser).await;
    let address = "lectora@example.com";
    demo.sign_up_in("es", address).await;
    let confirmation = demo.mail_to(address, 0).await;
    let mut faults = Vec::new();
    for (name, page) in [
        ("article", demo.pages.clone()),
        ("related", format!("{}/articles/{SERIES}/side-effects", demo.pages)),
        ("helpful", format!("{}/helpful/{SERIES}/antibodies", demo.pages)),
        ("survey", format!("{}/survey/{SERIES}", demo.pages)),
        ("privacy", format!("{}/privacy", demo.pages)),
        ("mail-confirmation", format!("{}/mail/{}/html", demo.inbox, confirmation.id)),
        ("confirm", confirmation.link("confirm").to_string()),
    ] {
        browser.open(page).await;
        assert_eq!(browser.run("return document.documentElement.lang").await, "es", "{name}");
        judge_both(&browser, name, &mut faults).await;
    }
    browser.find("main form button").await.click().await.unwrap();
    let part = demo.mail_to(address, 1).await;
    let manage = part.link("manage");
    for (name, page) in [
        ("mail", format!("{}/mail/{}/html", demo.inbox, part.id)),
        ("manage", manage.to_string()),
        ("part", format!("{manage}/parts/what-is-immunotherapy")),
        ("unsubscribe", part.link("unsubscribe").to_string()),
    ] {
        browser.open(page).await;
        assert_eq!(browser.run("return document.documentElement.lang").await, "es", "{name}");
        judge_both(&browser, name, &mut faults).await;
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// What the other tests rely on: a fault is seen, and named.
#[tokio::test]
async fn what_shuts_somebody_out_is_noticed() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    sit_beside(&browser).await;
    browser.open(format!("{}/privacy", demo.pages)).await;
    assert_eq!(judge(&browser).await, [""; 0]);
    browser
        .run(
            "const main = document.querySelector('main');
             main.append(Object.assign(document.createElement('input'), { id: 'nameless' }));
             const pale = Object.assign(document.createElement('p'), { id: 'pale', textContent: 'Hardly to be read' });
             pale.style.color = '#888';
             pale.style.backgroundColor = '#777';
             main.append(pale);
             main.append(Object.assign(document.createElement('h5'), { textContent: 'Out of order' }));",
        )
        .await;
    let faults = judge(&browser).await;
    for fault in ["label: ", "#nameless", "color-contrast: ", "dark: color-contrast: ", "#pale", "heading-order: "] {
        assert!(faults.iter().any(|found| found.contains(fault)), "{fault} is not among {faults:#?}");
    }
}

async fn judge_both(browser: &Browser, name: &str, faults: &mut Vec<String>) {
    for width in WIDTHS {
        note(browser, name, width, faults).await;
    }
}

async fn note(browser: &Browser, name: &str, width: u32, faults: &mut Vec<String>) {
    browser.resize(width).await;
    faults.extend(judge(browser).await.into_iter().map(|fault| format!("{name} at {width}: {fault}")));
    browser.resize(WIDTHS[0]).await;
}
