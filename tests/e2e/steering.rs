//! A reader steers the series without an account: with scripts and without, on a desktop and on a phone.
use serde_json::Value;

use crate::browser::{Browser, WIDTHS};
use crate::demo::{Demo, PARTS};
use crate::eventually;
use crate::story::{SERIES_TITLE, sign_up};

#[tokio::test]
async fn with_scripts_on_a_desktop() {
    steer(Browser::start(), WIDTHS[0]).await;
}

#[tokio::test]
async fn with_scripts_on_a_phone() {
    steer(Browser::start(), WIDTHS[1]).await;
}

#[tokio::test]
async fn without_scripts_on_a_desktop() {
    steer(Browser::start_without_scripts(), WIDTHS[0]).await;
}

#[tokio::test]
async fn without_scripts_on_a_phone() {
    steer(Browser::start_without_scripts(), WIDTHS[1]).await;
}

/// From the sign-up until nothing is known of the reader any more.
async fn steer(browser: impl Future<Output = Browser>, width: u32) {
    let (demo, browser) = tokio::join!(Demo::start("1h"), browser);
    browser.stay_at(width).await;
    let address = "reader@example.com";
    sign_up(&demo, &browser, address).await;
    browser.open(demo.mail_to(address, 0).await.link("confirm")).await;
    browser.press("Yes, send me the series").await;
    browser.see("You are signed up").await;

    let reader = Reader { demo, browser, address };
    reader.pauses_and_goes_on().await;
    reader.chooses_spacing_zone_and_hour().await;
    reader.asks_for_the_next_part_and_reads_it().await;
    let fresh = reader.gets_a_fresh_link().await;
    reader.changes_the_condition_and_takes_the_data(&fresh).await;
    reader.stops_and_starts_again(&fresh).await;
    reader.is_erased(&fresh).await;
    reader.browser.check_quiet(&[404]).await;
}

struct Reader {
    demo: Demo,
    browser: Browser,
    address: &'static str,
}

impl Reader {
    async fn pauses_and_goes_on(&self) {
        self.open_own_page(1).await;
        self.browser.unfold("Pause the series").await;
        self.browser.press("Pause until I come back").await;
        self.browser.hear("No part is sent while the series is paused").await;
        assert_eq!(self.enrollment().await["state"], "paused");
        self.browser.press("Go on with the series").await;
        self.browser.hear("The series is on its way to you").await;

        self.browser.unfold("Pause the series").await;
        self.browser.run("const it = document.getElementById('until'); it.value = it.min").await;
        self.browser.press("Pause until this day").await;
        self.browser.hear("Paused until").await;
        assert_eq!(self.enrollment().await["state"], "paused");
        self.browser.press("Go on with the series").await;
        self.browser.hear("The series is on its way to you").await;
        assert_eq!(self.enrollment().await["state"], "active");
    }

    async fn chooses_spacing_zone_and_hour(&self) {
        let before = self.browser.text(".status").await;
        self.browser.unfold("Slower or faster").await;
        self.browser.choose("days", "7").await;
        self.browser.click("form[action$='/spacing'] button").await;
        self.browser.hear("Your change is saved.").await;
        assert_ne!(self.browser.text(".status").await, before, "the next part comes later");

        self.browser.unfold("Time zone and hour").await;
        self.browser.choose("zone", "Pacific/Honolulu").await;
        self.browser.choose("hour", "10:00").await;
        self.browser.click("form[action$='/clock'] button").await;
        self.browser.hear("about 10:00, your time (Pacific/Honolulu)").await;
        assert_eq!(self.enrollment().await["zone"], "Pacific/Honolulu");
        self.browser.see(SERIES_TITLE).await;
    }

    async fn asks_for_the_next_part_and_reads_it(&self) {
        self.browser.press("Send me the next part now").await;
        self.browser.hear("The next part is on its way.").await;
        let part = self.demo.mail_to(self.address, 2).await;
        self.open_own_page(2).await;
        self.browser.follow(&format!("Part 2: {}", part.subject)).await;
        self.browser.see(&part.subject).await;
        self.browser.follow("Tell us").await;
        self.browser.see("Was this helpful?").await;
        self.browser.press("Yes").await;
        self.browser.see("Thank you").await;
        self.browser.hear("One reader has answered, and found it helpful.").await;
        // The same question stands at the foot of the mail.
        self.browser.open(part.link("helpful")).await;
        self.browser.see("Was this helpful?").await;
    }

    async fn gets_a_fresh_link(&self) -> String {
        self.open_own_page(2).await;
        self.browser.press("Send me the link").await;
        self.browser.see("Check your inbox").await;
        self.demo.mail_to(self.address, 3).await.link("fresh").to_string()
    }

    async fn changes_the_condition_and_takes_the_data(&self, fresh: &str) {
        self.open_fresh(fresh, "Change the condition").await;
        self.browser.choose("condition", "kidney").await;
        self.browser.click("form[action$='/condition'] button").await;
        self.browser.hear("Your condition is changed.").await;

        self.open_fresh(fresh, "Take a copy of my data").await;
        self.browser.press("Download my data").await;
        let data: Value = serde_json::from_str(&self.browser.downloaded().await).unwrap();
        let data = data.to_string();
        assert!(data.contains(self.address) && data.contains("kidney") && data.contains("Pacific/Honolulu"), "{data}");
    }

    async fn stops_and_starts_again(&self, fresh: &str) {
        self.browser.open(self.demo.mail_to(self.address, 1).await.link("unsubscribe")).await;
        self.browser.press("Unsubscribe").await;
        self.browser.see("You are unsubscribed").await;
        self.open_fresh(fresh, "Start again").await;
        self.browser.press("Start with the first part").await;
        self.browser.hear("The series starts again.").await;
        let first = self.demo.mail_to(self.address, 4).await;
        assert_eq!(first.subject, self.demo.mail_to(self.address, 1).await.subject);
    }

    async fn is_erased(&self, fresh: &str) {
        self.open_fresh(fresh, "Erase my data").await;
        self.browser.press("Erase everything about me").await;
        self.browser.see("Everything is erased").await;
        self.browser.open(self.demo.mail_to(self.address, 1).await.link("manage")).await;
        assert_eq!(self.browser.count("main form").await, 0, "the links do not work any more");
    }

    /// With the last part settled, which may be a moment later than its mail.
    async fn open_own_page(&self, received: usize) {
        let manage = self.demo.mail_to(self.address, 1).await.link("manage");
        let counted = format!("{received} of {PARTS} parts received");
        eventually(&counted, async || {
            self.browser.open(&manage).await;
            self.browser.text(".status").await.contains(&counted).then_some(())
        })
        .await;
        self.browser.see(SERIES_TITLE).await;
    }

    async fn open_fresh(&self, fresh: &str, summary: &str) {
        self.browser.open(fresh).await;
        self.browser.see("More settings").await;
        self.browser.unfold(summary).await;
    }

    async fn enrollment(&self) -> Value {
        self.demo.enrollment(self.address).await
    }
}
