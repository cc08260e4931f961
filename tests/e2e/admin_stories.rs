//! What admins come for, each in their own role, as they would do it: with a mouse, from page to page.
use crate::browser::Browser;
use crate::demo::{Demo, OWNER, PASSWORD};
use crate::eventually;

/// The links above each page that this role has.
const OF_A_VIEWER: &[&str] = &["Overview", "Series", "Sign-up box"];
const OF_AN_OPERATOR: &[&str] = &["Overview", "Readers", "Imports", "Runs", "Series", "Sign-up box"];

#[tokio::test]
async fn an_owner_invites_an_operator_who_answers_a_reader_and_sends_the_next_part() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    let reader = "dana@example.com";
    demo.enroll(&browser, reader).await;
    invite(&demo, &browser, "Olga Example", "olga@example.org", "operator").await;
    assert_eq!(nav(&browser).await, OF_AN_OPERATOR);

    // "Where is my second part?", on the telephone.
    browser.follow("Readers").await;
    browser.see("Readers").await;
    browser.find("#part").await.send_keys("dana").await.unwrap();
    browser.press("Find").await;
    browser.follow(reader).await;
    browser.see(reader).await;
    browser.hear("1 of 6 parts").await;
    assert!(!browser.text("main").await.contains("lung"), "nobody sees the condition");
    browser.unfold("Do something for this reader").await;
    browser.click("[value='send-next']").await;
    browser.press("Do it").await;
    assert_eq!(demo.mails_to(reader).await.len(), 2, "without a reason nothing is done");
    browser.find("#why-0").await.send_keys("Asked on the telephone").await.unwrap();
    browser.press("Do it").await;
    let part = demo.mail_to(reader, 2).await;
    assert!(part.subject.contains("antibodies"), "{}", part.subject);
    eventually("the page to tell it", async || {
        browser.run("location.reload()").await;
        browser.text("main").await.contains("2 of 6 parts").then_some(())
    })
    .await;
    browser.follow("Read it as it was sent").await;
    browser.find(".part-page h1").await;

    // What she may not do is not there, and is refused to whoever types its address.
    browser.open(format!("{}/admin/people", demo.pages)).await;
    browser.see("You may not do this").await;

    // The owner sees who did what, to whom, and why.
    sign_out(&browser).await;
    demo.open_as_owner(&browser, "/admin/audit").await;
    browser.hear("Olga Example").await;
    browser.hear("“Asked on the telephone”").await;
    browser.check_quiet(&[403]).await;
}

#[tokio::test]
async fn an_operator_sends_to_many_with_the_number_and_takes_another_run_back() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    for reader in ["eva@example.com", "fritz@example.com"] {
        demo.enroll(&browser, reader).await;
    }
    invite(&demo, &browser, "Olga Example", "olga@example.org", "operator").await;
    browser.follow("Runs").await;
    browser.hear("Nothing was sent by hand yet.").await;
    prepare(&browser, &["fritz@example.com", "nobody@example.com"]).await;
    browser.hear("One address of the list is no subscriber’s.").await;
    browser.press("Throw the draft away").await;
    browser.hear("The draft is thrown away.").await;

    prepare(&browser, &["eva@example.com", "fritz@example.com"]).await;
    browser.hear("2 readers").await;
    browser.find("#readers").await.send_keys("3").await.unwrap();
    browser.press("Start the run").await;
    browser.hear("the number is not the one that the dry run found").await;
    browser.find("#readers").await.send_keys("2").await.unwrap();
    browser.press("Start the run").await;
    // The page goes on by itself.
    browser.hear("2 of 2 have come to an end").await;
    for reader in ["eva@example.com", "fritz@example.com"] {
        assert!(demo.mail_to(reader, 2).await.subject.contains("antibodies"));
    }
    browser.check_quiet(&[409]).await;
}

#[tokio::test]
async fn an_operator_takes_readers_in_from_a_file() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    invite(&demo, &browser, "Olga Example", "olga@example.org", "operator").await;
    browser.follow("Imports").await;
    browser.hear("Nobody has come with a file").await;
    browser.follow("Take readers in from a file").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("readers.csv");
    let consent = "2025-01-01T10:00:00Z,the counter,2025-01,2025-01-02T10:00:00Z";
    let heading = "address,condition,consent_at,consent_source,consent_text,confirmed_at";
    let text =
        format!("{heading}\nhanna@example.com,lung,{consent}\nivo@example.com,lung,{consent}\nnobody,lung,{consent}\n");
    std::fs::write(&file, text).unwrap();
    browser.click("#active").await;
    browser.find("#why").await.send_keys("The list of our old program").await.unwrap();
    browser.find("#file").await.send_keys(file.to_str().unwrap()).await.unwrap();
    browser.press("Send it and look").await;
    browser.hear("A dry run looks at every line now.").await;
    // The page goes on by itself.
    browser.hear("It is done, and has taken nobody in").await;
    browser.hear("Type the number of readers that are to be taken in: 2").await;
    let told = browser.text("main").await;
    assert!(told.contains("1 × ") && !told.contains("example.com"), "{told}");
    browser.find("#readers").await.send_keys("3").await.unwrap();
    browser.find("#start-why").await.send_keys("As agreed").await.unwrap();
    browser.press("Take them in").await;
    browser.hear("the number is another").await;
    browser.find("#readers").await.send_keys("2").await.unwrap();
    browser.find("#start-why").await.send_keys("As agreed").await.unwrap();
    browser.press("Take them in").await;
    browser.hear("The readers are being taken in.").await;
    browser.hear("It is done.").await;
    browser.follow("Readers").await;
    browser.hear("hanna@example.com").await;
    browser.hear("ivo@example.com").await;
    browser.check_quiet(&[409]).await;
}

#[tokio::test]
async fn an_editor_reads_a_part_as_it_will_be_read_has_a_test_sent_and_rehearses_the_series() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    invite(&demo, &browser, "Edda Example", "edda@example.org", "editor").await;
    assert_eq!(nav(&browser).await, OF_A_VIEWER);
    browser.follow("Series").await;
    browser.follow("Fighting Cancer With Immunotherapy").await;
    browser.follow("Preview part 2").await;
    browser.hear("percent of the 102 KB").await;
    browser.choose("language", "es").await;
    browser.choose("colours", "dark").await;
    browser.press("Show").await;
    browser.find("iframe.desktop[src*='dark']").await.enter_frame().await.unwrap();
    browser.find("h1, h2").await;
    let (words, scripts) = (browser.text("body").await, browser.count("script").await);
    browser.client.enter_parent_frame().await.unwrap();
    assert!(words.contains("anticuerpos") && scripts == 0, "{words}");
    assert!(browser.text(".mail-text").await.contains("anticuerpos"));
    browser.press("Send the test").await;
    browser.hear("The test will be sent in a moment.").await;
    assert!(demo.mail_to(OWNER, 0).await.subject.contains("nticuerpos"), "as it was looked at");
    browser.follow("Fighting Cancer With Immunotherapy").await;
    browser.follow("Rehearse it for a sample of readers").await;
    browser.hear("a week before the clock goes forward").await;
    browser.find("#zone").await.send_keys("Mars/Olympus").await.unwrap();
    browser.press("Rehearse").await;
    browser.hear("There is no such time zone").await;
    browser.check_quiet(&[409]).await;
}

#[tokio::test]
async fn a_viewer_sees_figures_and_nothing_of_one_reader() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    let reader = "gisela@example.com";
    demo.enroll(&browser, reader).await;
    invite(&demo, &browser, "Victor Example", "victor@example.org", "viewer").await;
    assert_eq!(nav(&browser).await, OF_A_VIEWER);
    browser.hear("How far readers come").await;
    let mut seen = browser.text("main").await;
    browser.follow("Series").await;
    browser.follow("Fighting Cancer With Immunotherapy").await;
    browser.see("Fighting Cancer With Immunotherapy").await;
    seen += &browser.text("main").await;
    assert!(!seen.contains("gisela") && !seen.contains("example.com"), "{seen}");
    for path in ["/admin/readers", "/admin/runs", "/admin/audit", "/admin/tokens"] {
        browser.open(format!("{}{path}", demo.pages)).await;
        browser.see("You may not do this").await;
    }
    browser.check_quiet(&[403]).await;
}

/// The owner invites somebody, who chooses a password with the link in the mail and is signed in afterwards.
async fn invite(demo: &Demo, browser: &Browser, name: &str, address: &str, role: &str) {
    assert_ne!(address, OWNER);
    demo.open_as_owner(browser, "/admin/people").await;
    browser.find("#name").await.send_keys(name).await.unwrap();
    browser.find("#address").await.send_keys(address).await.unwrap();
    browser.choose("role", role).await;
    browser.press("Invite somebody").await;
    browser.hear("A link to choose a password").await;
    sign_out(browser).await;
    browser.open(demo.mail_to(address, 0).await.link("admin/password")).await;
    browser.see("Choose a password").await;
    browser.find("#new").await.send_keys(PASSWORD).await.unwrap();
    browser.press("Save the password").await;
    browser.see("Sign in").await;
    browser.find("#address").await.send_keys(address).await.unwrap();
    browser.find("#password").await.send_keys(PASSWORD).await.unwrap();
    browser.press("Sign in").await;
    browser.find(".sign-out").await;
}

async fn sign_out(browser: &Browser) {
    browser.press("Sign out").await;
    browser.see("Sign in").await;
}

async fn nav(browser: &Browser) -> Vec<String> {
    let links = browser.run("return [...document.querySelectorAll('.admin-nav a, .admin-nav [aria-current]')].map(a => a.textContent.trim())");
    serde_json::from_value(links.await).unwrap()
}

/// A run that sends to each on a list the part that comes next.
async fn prepare(browser: &Browser, list: &[&str]) {
    browser.follow("Prepare a run").await;
    browser.see("Prepare a run").await;
    browser.click("#for-list").await;
    browser.find("#addresses").await.send_keys(&list.join("\n")).await.unwrap();
    browser.click("#what-next").await;
    browser.find("#why").await.send_keys("They were promised it").await.unwrap();
    browser.press("See whom it reaches").await;
}
