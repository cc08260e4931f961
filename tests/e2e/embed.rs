//! The sign-up box on somebody else's site, whose policy is strict and whose style sheet is hostile.
use crate::browser::{Browser, WIDTHS};
use crate::demo::{Demo, SERIES};
use crate::eventually;
use crate::host::Host;

/// The arithmetic that keeps robots out, in a frame too.
const PROOF: [(&str, &str); 2] = [("REGIMEN__GUARDS__PROOF_OF_WORK", "true"), ("REGIMEN__GUARDS__WITHOUT_SCRIPT", "0")];
/// How the box looks: its label's letters, their colour, and what is behind them.
const LOOK: &str = "const label = getComputedStyle(document.querySelector('label'));
    return [label.fontSize, label.color, getComputedStyle(document.querySelector('#sign-up h2')).fontFamily,
        getComputedStyle(document.querySelector('main')).backgroundColor].join(' ')";

/// The snippets as an admin copies them: script, frame and form.
async fn snippets(demo: &Demo, browser: &Browser, query: &str) -> [String; 3] {
    demo.open_as_owner(browser, &format!("/admin/embed/{SERIES}{query}")).await;
    let mut copied = Vec::new();
    for name in ["script", "frame", "form"] {
        copied.push(browser.value(&format!("#snippet-{name}")).await);
    }
    copied.try_into().unwrap()
}

/// What a site that allows nothing must allow for the box.
fn strict(demo: &Demo) -> String {
    format!("default-src 'none'; script-src {0}; frame-src {0}; style-src 'self'; img-src data:", demo.pages)
}

async fn height(browser: &Browser) -> i64 {
    let height =
        browser.run("return Math.round(document.querySelector('iframe').getBoundingClientRect().height)").await;
    height.as_i64().unwrap()
}

/// Waits until the frame is as high as what is in it, and answers that; the browser is then in the frame.
async fn enter_fitting_frame(browser: &Browser) -> i64 {
    eventually("a frame that fits its page", async || {
        browser.client.enter_parent_frame().await.ok()?;
        let outside = height(browser).await;
        browser.find("iframe").await.enter_frame().await.ok()?;
        let inside = browser.run(INSIDE).await.as_i64()?;
        (inside > 100 && outside == inside).then_some(inside)
    })
    .await
}

const INSIDE: &str = "if (!document.body || !document.body.classList.contains('framed')) return 0;
    return Math.ceil(document.documentElement.getBoundingClientRect().height)";

async fn fill_in(browser: &Browser, address: &str) {
    browser.find("#condition").await.select_by_label("Melanoma").await.unwrap();
    browser.find("#email").await.send_keys(address).await.unwrap();
    browser.press("Get started").await;
    browser.see("Check your inbox").await;
}

async fn confirm(demo: &Demo, browser: &Browser, address: &str) {
    browser.open(demo.mail_to(address, 0).await.link("confirm")).await;
    browser.press("Yes, send me the series").await;
    browser.see("You are signed up").await;
    let dossier = demo.dossier(address).await;
    assert_eq!(dossier["enrollments"][0]["state"], "active");
    let consents = dossier["consents"].as_array().unwrap().iter();
    assert_eq!(consents.filter(|one| one["channel"] == "embed").count(), 1, "{dossier:#}");
}

#[tokio::test]
async fn the_box_stands_on_a_strict_and_hostile_site_grows_with_its_faults_and_signs_up() {
    let (demo, browser, host) = tokio::join!(Demo::start("1h"), Browser::start(), Host::start());
    browser.open(format!("{}/embed/{SERIES}", demo.pages)).await;
    let look = browser.run(LOOK).await;
    let [script, ..] = snippets(&demo, &browser, "").await;
    let page = host.page("/", &strict(&demo), "", &script);
    browser.faults(&[401]).await;

    for width in WIDTHS {
        browser.resize(width).await;
        browser.open(&page).await;
        let plain = enter_fitting_frame(&browser).await;
        assert_eq!(browser.run(LOOK).await, look, "the site around it changes nothing in it");
        let wide =
            browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth").await;
        assert_eq!(wide, 0, "at {width} pixels");
        browser.press("Get started").await;
        browser.find("#condition-error").await;
        assert_eq!(browser.value("input[name=timezone]").await, crate::browser::ZONE);
        let faulty = enter_fitting_frame(&browser).await;
        assert!(faulty > plain + 50, "{plain} became {faulty} at {width} pixels");
        let address = format!("reader{width}@example.org");
        fill_in(&browser, &address).await;
        enter_fitting_frame(&browser).await;
        let opens = browser.run("return [...document.querySelectorAll('a')].map(it => it.target).join()").await;
        assert_eq!(opens, ",_blank", "the box again in the frame, and the article beside it");
        assert!(browser.faults(&[422]).await.is_empty());
        confirm(&demo, &browser, &address).await;
    }
    browser.check_quiet(&[422]).await;
}

#[tokio::test]
async fn without_scripts_the_frame_signs_up() {
    let (demo, browser, host) = tokio::join!(Demo::start("1h"), Browser::start_without_scripts(), Host::start());
    let [_, frame, _] = snippets(&demo, &browser, "").await;
    let policy = format!("default-src 'none'; frame-src {}; style-src 'self'; img-src data:", demo.pages);
    let page = host.kind_page("/", &policy, &frame);
    for width in WIDTHS {
        browser.resize(width).await;
        browser.open(&page).await;
        browser.find("iframe").await.enter_frame().await.unwrap();
        let address = format!("reader{width}@example.org");
        fill_in(&browser, &address).await;
        confirm(&demo, &browser, &address).await;
    }
}

#[tokio::test]
async fn the_plain_form_signs_up_from_any_site() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start_without_scripts());
    let host = Host::start_on("127.0.0.2").await;
    let [.., form] = snippets(&demo, &browser, "?language=es").await;
    let policy = format!("default-src 'none'; form-action {}; style-src 'self'; img-src data:", demo.pages);
    browser.open(host.kind_page("/", &policy, &form)).await;
    browser.find("#regimen-condition").await.select_by_label("Melanoma").await.unwrap();
    browser.find("#regimen-email").await.send_keys("reader@example.org").await.unwrap();
    browser.press("Comenzar").await;
    browser.see("Revise su correo").await;
    let mail = demo.mail_to("reader@example.org", 0).await;
    browser.open(mail.link("confirm")).await;
    browser.press("Sí, envíenme la serie").await;
}

/// Another address of this machine, which the demo does not name.
#[tokio::test]
async fn a_site_that_is_not_named_shows_a_link_and_says_why() {
    let (demo, browser) = tokio::join!(Demo::start("1h"), Browser::start());
    let host = Host::start_on("127.0.0.2").await;
    let [script, ..] = snippets(&demo, &browser, "?language=es").await;
    browser.faults(&[]).await;
    browser.open(host.page("/", &strict(&demo), "", &script)).await;
    let link = browser.find("iframe + p > a").await;
    assert_eq!(link.text().await.unwrap(), "Inscríbase en esta serie por correo electrónico");
    assert_eq!(link.attr("href").await.unwrap().unwrap(), format!("{}/articles/{SERIES}#sign-up", demo.pages));
    assert_eq!(height(&browser).await, 0);
    let said = browser.faults(&[]).await.concat();
    assert!(said.contains("web.embed_origins") && said.contains(&host.origin), "{said}");
    link.click().await.unwrap();
    browser.see("What is immunotherapy, and how does it fight cancer?").await;
}

#[tokio::test]
async fn an_isolated_site_may_have_two_boxes_that_prove_they_are_no_robots() {
    let (demo, browser, host) = tokio::join!(Demo::start_with("1h", &PROOF), Browser::start(), Host::start());
    let [light, ..] = snippets(&demo, &browser, "?language=es&theme=light").await;
    let [dark, ..] = snippets(&demo, &browser, "?language=en&theme=dark").await;
    let isolated = "Cross-Origin-Embedder-Policy: require-corp\r\nCross-Origin-Opener-Policy: same-origin\r\n";
    let page = host.page("/", &strict(&demo), isolated, &[dark, light].concat());
    browser.faults(&[401]).await;
    browser.open(&page).await;
    eventually("both boxes", async || (browser.count("iframe[title]").await == 2).then_some(())).await;
    let titles = browser.run("return [...document.querySelectorAll('iframe')].map(it => it.title).join('|')").await;
    assert_eq!(titles, "Sign up for a series by e-mail|Inscríbase en una serie por correo electrónico");
    enter_fitting_frame(&browser).await;
    assert_eq!(
        browser.run("return getComputedStyle(document.querySelector('main')).backgroundColor").await,
        "rgb(25, 34, 36)"
    );
    fill_in(&browser, "reader@example.org").await;
    let refused = demo.refused().await;
    assert!(!refused.iter().any(|reason| reason.starts_with("proof") || reason == "no-script"), "{refused:?}");
    browser.check_quiet(&[]).await;
}

#[tokio::test]
async fn a_snippet_that_was_spoilt_says_what_to_do() {
    let (demo, browser, host) = tokio::join!(Demo::start("1h"), Browser::start(), Host::start());
    let src = format!("src=\"{}/embed.js\"", demo.pages);
    let scripts = format!(
        "<script {src}></script><script {src} data-series=\"A Series!\"></script>\
         <script {src} type=\"module\" crossorigin data-series=\"{SERIES}\"></script>\
         <script {src} data-series=\"{SERIES}\" data-lang=\"tlh\" data-theme=\"pink\"></script>"
    );
    browser.open(host.page("/", &strict(&demo), "", &scripts)).await;
    enter_fitting_frame(&browser).await;
    browser.client.enter_parent_frame().await.unwrap();
    assert_eq!(browser.count("iframe").await, 1, "only the last is one");
    let said = browser.faults(&[]).await.concat();
    for words in ["is no series", "/admin/embed", "tlh", "en, es", "pink", "auto, light, dark"] {
        assert!(said.contains(words), "{words} is missing in {said}");
    }
}
