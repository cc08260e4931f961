//! An admin's way in: a password, then a second step that is turned on, then both. And each of the admins' pages.
use regimen::actions::admins::totp;
use regimen::clock::Clock;

use crate::browser::{Browser, WIDTHS, gone};
use crate::demo::{Demo, OWNER, PASSWORD, SERIES};

const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";

#[tokio::test]
async fn an_admin_turns_on_the_second_step_and_signs_in_by_keyboard() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    let used = turn_on(&demo, &browser).await;
    sign_in_again(&demo, &browser, used.0, &used.1).await;
    browser.check_quiet(&[422]).await;
}

#[tokio::test]
async fn and_so_without_scripts_on_a_phone() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start_without_scripts());
    browser.stay_at(WIDTHS[1]).await;
    let used = turn_on(&demo, &browser).await;
    sign_in_again(&demo, &browser, used.0, &used.1).await;
}

/// Answers the app's key, and the recovery codes.
async fn turn_on(demo: &Demo, browser: &Browser) -> (String, Vec<String>) {
    browser.open(format!("{}/admin/account", demo.pages)).await;
    browser.see("Sign in").await;
    fill_in(browser, "address", &[OWNER, TAB, "not the password", ENTER]).await;
    browser.see("Sign in").await;
    browser.hear("Address or password is wrong.").await;
    assert_eq!(browser.value("#address").await, OWNER, "what was right is still there");
    fill_in(browser, "password", &[PASSWORD, ENTER]).await;
    browser.see("Your account").await;
    fill_in(browser, "on-password", &[PASSWORD, ENTER]).await;
    browser.see("Turn on the second step").await;
    let key = browser.text("main code").await;
    fill_in(browser, "code", &[&code(&key), ENTER]).await;
    browser.see("Your recovery codes").await;
    let codes: Vec<String> = browser.text(".codes").await.lines().map(str::to_owned).collect();
    assert_eq!(codes.len(), 10);
    browser.follow("I have kept them").await;
    browser.hear("10 recovery codes are left").await;
    (key, codes)
}

async fn sign_in_again(demo: &Demo, browser: &Browser, key: String, codes: &[String]) {
    browser.press("Sign out").await;
    browser.see("Sign in").await;
    browser.open(format!("{}/admin/people", demo.pages)).await;
    browser.see("Sign in").await;
    fill_in(browser, "address", &[OWNER, TAB, PASSWORD, ENTER]).await;
    browser.see("Second step").await;
    // The code that turned it on is used up; the recovery code is not.
    let wrong = if code(&key) == "000000" { "111111" } else { "000000" };
    fill_in(browser, "code", &[wrong, ENTER]).await;
    browser.hear("This code is wrong, or was used before.").await;
    fill_in(browser, "code", &[&codes[0], ENTER]).await;
    browser.see("People").await;
    assert_eq!(browser.text(".admin-nav [aria-current]").await, "People");
}

/// Types into a field and on from there, as somebody who never takes a mouse; comes back when the next page is there.
async fn fill_in(browser: &Browser, id: &str, keys: &[&str]) {
    let field = browser.find(&format!("#{id}")).await;
    let (first, rest) = keys.split_first().expect("something is typed");
    field.send_keys(first).await.unwrap();
    for keys in rest {
        browser.type_keys(keys).await;
    }
    gone(&field).await;
}

fn code(key: &str) -> String {
    let secret = totp::from_base32(&key.replace(' ', "")).expect("the page shows the app's key");
    totp::code(&secret, Clock::system().real().timestamp() / 30)
}

/// Goes to each of the admins' pages in turn.
pub async fn visit(demo: &Demo, browser: &Browser, look: &mut impl AsyncFnMut(&str)) {
    for (name, path, heading) in [
        ("admin-sign-in", "/admin/sign-in", "Sign in"),
        ("admin-forgot", "/admin/forgot", "Choose a new password"),
        ("admin-link-gone", "/admin/password/none", "This link works no more"),
    ] {
        browser.open(format!("{}{path}", demo.pages)).await;
        browser.see(heading).await;
        look(name).await;
    }
    demo.open_as_owner(browser, "/admin").await;
    look("admin").await;
    demo.open_as_owner(browser, "/admin/readers").await;
    look("admin-readers").await;
    browser.find("#part").await.send_keys("nobody at all").await.unwrap();
    browser.press("Find").await;
    browser.find(".search a").await;
    look("admin-readers-none").await;
    for (name, path) in [
        ("admin-series-list", "/admin/series".to_owned()),
        ("admin-series-changes", "/admin/series-changes".to_owned()),
        ("admin-series", format!("/admin/series/{SERIES}")),
        ("admin-rehearsal", format!("/admin/series/{SERIES}/rehearsal?from=2026-03-01&spacing=1")),
        ("admin-step", format!("/admin/series/{SERIES}/steps/antibodies")),
        ("admin-step-dark", format!("/admin/series/{SERIES}/steps/antibodies?language=es&colours=dark")),
        ("snippets", format!("/admin/embed/{SERIES}")),
        ("figures", format!("/admin/survey/{SERIES}")),
        ("admin-runs", "/admin/runs".to_owned()),
        ("admin-run-new", "/admin/runs/new".to_owned()),
        ("admin-imports", "/admin/imports".to_owned()),
        ("admin-import-new", "/admin/imports/new".to_owned()),
        ("admin-people", "/admin/people".to_owned()),
        ("admin-tokens", "/admin/tokens".to_owned()),
        ("admin-webhooks", "/admin/webhooks".to_owned()),
        ("admin-audit", "/admin/audit".to_owned()),
        ("admin-account", "/admin/account".to_owned()),
        ("admin-not-found", "/admin/embed/nothing".to_owned()),
    ] {
        demo.open_as_owner(browser, &path).await;
        look(name).await;
    }
    demo.open_as_owner(browser, "/admin/people").await;
    browser.find("#name").await.send_keys("Grace Example").await.unwrap();
    browser.find("#address").await.send_keys("grace@example.com").await.unwrap();
    browser.press("Invite somebody").await;
    browser.hear("A link to choose a password").await;
    look("admin-people-link").await;
    let link = browser.text("#link").await;
    browser.open(&link).await;
    browser.see("Choose a password").await;
    look("admin-choose").await;
    demo.open_as_owner(browser, "/admin/tokens").await;
    browser.find("#name").await.send_keys("a program").await.unwrap();
    browser.click("#right-figures").await;
    browser.press("Make a token").await;
    browser.hear("The new token").await;
    look("admin-tokens-made").await;
    demo.open_as_owner(browser, "/admin/webhooks").await;
    browser.find("#name").await.send_keys("crm").await.unwrap();
    browser.find("#url").await.send_keys("https://crm.example.org/hooks").await.unwrap();
    browser.find("#why").await.send_keys("The CRM").await.unwrap();
    browser.press("Make the webhook").await;
    browser.hear("The secret").await;
    look("admin-webhooks-made").await;
    browser.follow("crm").await;
    browser.find("#why").await.send_keys("Not yet").await.unwrap();
    browser.press("Disable it").await;
    browser.hear("disabled").await;
    // It is told nothing while it is disabled, and the message waits.
    browser.find("#why").await.send_keys("How the log looks").await.unwrap();
    browser.press("Send a message to try it").await;
    browser.hear("webhook.test").await;
    look("admin-webhook").await;
    demo.open_as_owner(browser, "/admin/account").await;
    browser.find("#on-password").await.send_keys(PASSWORD).await.unwrap();
    browser.press("Turn it on").await;
    browser.see("Turn on the second step").await;
    look("admin-offer").await;
}

/// Looks for a reader, and at what happened to them.
pub async fn visit_reader(demo: &Demo, browser: &Browser, look: &mut impl AsyncFnMut(&str)) {
    let address = "reached@example.com";
    demo.enroll(browser, address).await;
    demo.open_as_owner(browser, "/admin").await;
    look("admin-with-figures").await;
    demo.open_as_owner(browser, "/admin/readers").await;
    look("admin-readers-some").await;
    browser.find("#part").await.send_keys(address).await.unwrap();
    browser.press("Find").await;
    browser.see(address).await;
    for fold in [
        "Do something for this reader",
        "Suppress the address: nothing is ever sent to it again",
        "Take out all that is stored",
        "Erase the reader",
    ] {
        browser.unfold(fold).await;
    }
    look("admin-reader").await;
    browser.follow("Read it as it was sent").await;
    browser.find(".part-page h1").await;
    look("admin-sent").await;
    visit_run(demo, browser, address, look).await;
}

/// Sends everybody the next part by a run.
async fn visit_run(demo: &Demo, browser: &Browser, reader: &str, look: &mut impl AsyncFnMut(&str)) {
    demo.open_as_owner(browser, "/admin/runs/new").await;
    browser.click("#for-filter").await;
    browser.click("#what-next").await;
    browser.find("#why").await.send_keys("Asked on the telephone").await.unwrap();
    browser.press("See whom it reaches").await;
    browser.press("Show a few of them").await;
    browser.hear(reader).await;
    look("admin-run-draft").await;
    let reached = browser.text(".figure").await;
    let number = reached.split(' ').next().unwrap().replace("One", "1");
    browser.find("#readers").await.send_keys(&number).await.unwrap();
    browser.press("Start the run").await;
    browser.hear("finished").await;
    look("admin-run-over").await;
    demo.open_as_owner(browser, "/admin/runs").await;
    look("admin-runs-some").await;
}
