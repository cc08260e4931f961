//! Every page that a reader can come to, on a desktop and on a phone.
use crate::admins;
use crate::browser::{Browser, WIDTHS};
use crate::demo::{Demo, PARTS, SERIES};
use crate::eventually;
use crate::story::sign_up;
use crate::voices::LEAVE;

#[tokio::test]
async fn every_page_fits_and_is_quiet() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    visit_all(&demo, &browser, async |_| browser.check_fit(&WIDTHS).await).await;
    browser.check_quiet(&[404, 422]).await;
}

/// What the other tests rely on: faults are seen.
#[tokio::test]
async fn faults_are_noticed() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    browser.open(&demo.pages).await;
    browser.check_fit(&WIDTHS).await;
    browser.run("document.querySelector('h1').style.minWidth = '800px'").await;
    assert_eq!(browser.too_wide(1280).await.len(), 0);
    assert_ne!(browser.too_wide(360).await.len(), 0);

    browser.check_quiet(&[]).await;
    browser
        .run(r#"document.body.innerHTML = '<p style="color: red">A style and <img src="http://example.com/x.png">'"#)
        .await;
    let mut faults = String::new();
    eventually("both faults", async || {
        faults += &browser.faults(&[]).await.concat();
        (faults.contains("style-src") && faults.contains("img-src")).then_some(())
    })
    .await;
}

/// Goes to each page in turn; `look` is given the page's name.
pub async fn visit_all(demo: &Demo, browser: &Browser, mut look: impl AsyncFnMut(&str)) {
    for (name, path) in [
        ("article", "/"),
        ("privacy", "/privacy"),
        ("terms", "/terms"),
        ("not-found", "/nowhere"),
        ("bad-link", "/confirm/nonsense"),
        ("related", "/articles/fighting-cancer-with-immunotherapy/side-effects"),
        ("helpful", "/helpful/fighting-cancer-with-immunotherapy/antibodies"),
        ("api", "/api/v1/docs"),
        ("survey", "/survey/fighting-cancer-with-immunotherapy"),
        ("survey-thanks", "/survey/fighting-cancer-with-immunotherapy/thanks"),
    ] {
        browser.open(format!("{}{path}", demo.pages)).await;
        browser.find("main h1").await;
        look(name).await;
    }
    browser.open(&demo.pages).await;
    browser.press("Get started").await;
    browser.find("#condition-error").await;
    look("article-faults").await;
    of_the_box(demo, browser, &mut look).await;
    admins::visit(demo, browser, &mut look).await;
    browser.open(&demo.pages).await;
    browser.run(LEAVE).await;
    look("article-leave").await;
    browser.open(format!("{}/helpful/fighting-cancer-with-immunotherapy/antibodies", demo.pages)).await;
    browser.press("Yes").await;
    browser.see("Thank you").await;
    look("helpful-thanks").await;
    sign_up(demo, browser, "four@example.com").await;
    look("check-inbox").await;
    before_the_first_part(demo, browser, &mut look).await;
    with_the_first_part(demo, browser, &mut look).await;
    of_a_move(demo, browser, &mut look).await;
    in_the_inbox(demo, browser, &mut look).await;
    admins::visit_reader(demo, browser, &mut look).await;
    at_the_end(demo, browser, &mut look).await;
}

/// The box alone, as it stands in a frame.
async fn of_the_box(demo: &Demo, browser: &Browser, look: &mut impl AsyncFnMut(&str)) {
    let path = format!("{}/embed/{SERIES}", demo.pages);
    browser.open(&path).await;
    browser.find("#sign-up").await;
    look("embed").await;
    browser.open(format!("{path}?lang=es&theme=dark")).await;
    browser.press("Comenzar").await;
    browser.find("#condition-error").await;
    look("embed-faults").await;
    browser.open(&path).await;
    browser.find("#condition").await.select_by_label("Melanoma").await.unwrap();
    browser.find("#email").await.send_keys("three@example.com").await.unwrap();
    browser.press("Get started").await;
    browser.see("Check your inbox").await;
    look("embed-check-inbox").await;
}

async fn before_the_first_part(demo: &Demo, browser: &Browser, look: &mut impl AsyncFnMut(&str)) {
    let address = "one@example.com";
    demo.sign_up(address).await;
    let first = demo.mail_to(address, 0).await;
    demo.sign_up(address).await;
    let second = demo.mail_to(address, 1).await;
    browser.open(first.link("confirm")).await;
    browser.see("There is a newer link").await;
    look("superseded").await;
    browser.open(second.link("never")).await;
    browser.see("Was this not you?").await;
    look("never").await;
    browser.open(second.link("confirm")).await;
    browser.see("Please confirm").await;
    look("confirm").await;
    browser.press("Yes, send me the series").await;
    browser.see("You are signed up").await;
    look("confirmed").await;
    browser.open(second.link("confirm")).await;
    browser.see("You have already confirmed").await;
    look("already-confirmed").await;

    let stranger = "two@example.com";
    demo.sign_up(stranger).await;
    browser.open(demo.mail_to(stranger, 0).await.link("never")).await;
    browser.press("Never write to me again").await;
    browser.see("We will not write again").await;
    look("never-done").await;
}

async fn with_the_first_part(demo: &Demo, browser: &Browser, look: &mut impl AsyncFnMut(&str)) {
    let part = demo.mail_to("one@example.com", 2).await;
    browser.open(part.link("manage")).await;
    let counted = format!("1 of {PARTS} parts received");
    assert!(browser.text(".status").await.contains(&counted));
    look("manage").await;
    for summary in ["Pause the series", "Slower or faster", "Time zone and hour", "Add the parts to my calendar"] {
        browser.unfold(summary).await;
    }
    look("manage-unfolded").await;
    browser.press("Pause until I come back").await;
    browser.find("form[action$='/resume']").await;
    look("manage-paused").await;
    browser.open(format!("{}/parts/what-is-immunotherapy", part.link("manage"))).await;
    browser.find(".part-page").await;
    look("part").await;
    behind_a_fresh_link(demo, browser, look).await;
    browser.open(part.link("unsubscribe")).await;
    browser.see("Stop the series?").await;
    look("unsubscribe").await;
    browser.press("Unsubscribe").await;
    browser.see("You are unsubscribed").await;
    look("unsubscribed").await;
    browser.open(part.link("manage")).await;
    look("manage-ended").await;
    browser.open(demo.mail_to("one@example.com", 3).await.link("fresh")).await;
    browser.unfold("Start again").await;
    look("fresh-ended").await;
}

async fn behind_a_fresh_link(demo: &Demo, browser: &Browser, look: &mut impl AsyncFnMut(&str)) {
    let address = "one@example.com";
    browser.open(demo.mail_to(address, 2).await.link("manage")).await;
    browser.press("Send me the link").await;
    browser.see("Check your inbox").await;
    look("fresh-sent").await;
    browser.open(demo.mail_to(address, 3).await.link("fresh")).await;
    browser.see("More settings").await;
    for summary in ["Change the condition", "Change the e-mail address", "Take a copy of my data", "Erase my data"] {
        browser.unfold(summary).await;
    }
    look("fresh").await;
}

/// A reader has the series sent to another address: what both ends see and get.
async fn of_a_move(demo: &Demo, browser: &Browser, look: &mut impl AsyncFnMut(&str)) {
    let (old, new) = ("old@example.com", "new@example.com");
    demo.sign_up(old).await;
    demo.press(&demo.mail_to(old, 0).await.link("confirm")).await;
    let part = demo.mail_to(old, 1).await;
    browser.open(part.link("manage")).await;
    browser.press("Send me the link").await;
    browser.see("Check your inbox").await;
    browser.open(demo.mail_to(old, 2).await.link("fresh")).await;
    browser.unfold("Change the e-mail address").await;
    browser.find("#address").await.send_keys(new).await.unwrap();
    browser.press("Use this address").await;
    browser.find("[role=status]").await;
    look("fresh-asked").await;
    browser.open(part.link("manage")).await;
    browser.find("form[action$='/stay']").await;
    look("manage-may-move").await;

    let asked = demo.mail_to(new, 0).await;
    browser.open(format!("{}/mail/{}/html", demo.inbox, asked.id)).await;
    look("mail-move").await;
    browser.open(asked.link("confirm")).await;
    browser.see("Get the series here?").await;
    look("confirm-move").await;
    browser.press("Yes, send it here").await;
    browser.see("The series goes on here").await;
    look("moved-here").await;

    let told = demo.mail_to(old, 3).await;
    browser.open(format!("{}/mail/{}/html", demo.inbox, told.id)).await;
    look("mail-moved").await;
    browser.open(part.link("manage")).await;
    assert_eq!(browser.text("#status-title").await, "The series goes to another address now");
    look("manage-elsewhere").await;
    browser.open(demo.mail_to(old, 0).await.link("confirm")).await;
    browser.see("The series goes to another address now").await;
    look("elsewhere").await;
    browser.press("Unsubscribe").await;
    browser.see("You are unsubscribed").await;
    assert_eq!(demo.enrollment(new).await["state"], "unsubscribed");
}

async fn in_the_inbox(demo: &Demo, browser: &Browser, look: &mut impl AsyncFnMut(&str)) {
    let part = demo.mail_to("one@example.com", 2).await.id;
    let fresh = demo.mail_to("one@example.com", 3).await.id;
    for (name, path) in [
        ("inbox", "/".to_owned()),
        ("inbox-nothing", "/?to=nobody".to_owned()),
        ("inbox-mail", format!("/mail/{part}")),
        ("inbox-mail-phone", format!("/mail/{part}?view=html&width=phone")),
        ("inbox-text", format!("/mail/{part}?view=text")),
        ("inbox-headers", format!("/mail/{part}?view=headers")),
        ("inbox-raw", format!("/mail/{part}?view=raw")),
        ("inbox-not-found", "/mail/999".to_owned()),
        ("mail", format!("/mail/{part}/html")),
        ("mail-confirmation", "/mail/1/html".to_owned()),
        ("mail-fresh", format!("/mail/{fresh}/html")),
    ] {
        browser.open(format!("{}{path}", demo.inbox)).await;
        look(name).await;
    }
}

async fn at_the_end(demo: &Demo, browser: &Browser, look: &mut impl AsyncFnMut(&str)) {
    browser.open(demo.mail_to("one@example.com", 3).await.link("fresh")).await;
    browser.unfold("Erase my data").await;
    browser.press("Erase everything about me").await;
    browser.see("Everything is erased").await;
    look("erased").await;
}
