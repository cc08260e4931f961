//! A headless Chromium with an empty profile, and what a reader and a critic do with it.
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::eventually;
use crate::process::Process;

/// Where the browser believes to be: no zone of the series, nor of a developer's machine.
pub const ZONE: &str = "Australia/Adelaide";
/// A desktop and a phone.
pub const WIDTHS: [u32; 2] = [1280, 360];
/// The key, as `WebDriver` writes it (<https://www.w3.org/TR/webdriver2/#keyboard-actions>).
const CONTROL: char = '\u{E009}';

const ARGUMENTS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-prefers-reduced-motion",
    "--hide-scrollbars",
];
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC_NAMES: [&str; 2] = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
/// Answers what sticks out to the right, outermost first.
const TOO_WIDE: &str = r"
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const wide = [...document.querySelectorAll('body, body *')].filter(it => it.getBoundingClientRect().right > width);
    return ['scrolls to ' + document.documentElement.scrollWidth, ...wide.map(it => it.outerHTML.slice(0, 120))];";

pub struct Browser {
    pub client: Client,
    downloads: PathBuf,
    /// The reader's own width, which other widths give way to again.
    width: AtomicU32,
    _driver: Process,
}

impl Browser {
    pub async fn start() -> Self {
        Self::start_with(json!({})).await
    }

    /// As for a reader who has switched scripts off.
    pub async fn start_without_scripts() -> Self {
        Self::start_with(json!({ "profile.managed_default_content_settings.javascript": 2 })).await
    }

    /// As for a reader whose browser asks for pages in this language.
    pub async fn start_in(language: &str) -> Self {
        Self::start_with(json!({ "intl.accept_languages": language })).await
    }

    async fn start_with(mut preferences: Value) -> Self {
        let (mut profile, mut downloads) = (PathBuf::new(), PathBuf::new());
        let mut driver = Process::start("chromedriver (`./dev test` installs it)", |folder| {
            (profile, downloads) = (folder.join("profile"), folder.join("downloads"));
            let mut command = Command::new("chromedriver");
            // Chromium writes into its user's home, too.
            command.arg("--port=0").env("TZ", ZONE).env("HOME", folder).env("XDG_CONFIG_HOME", folder);
            command
        });
        let port = driver.line_after("started successfully on port ").await;
        preferences["download.default_directory"] = json!(downloads);
        let data = format!("--user-data-dir={}", profile.display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([data.as_str()]).collect();
        let mut options = json!({ "args": arguments, "prefs": preferences });
        if let Some(program) = program() {
            options["binary"] = json!(program);
        }
        let logs = json!({ "browser": "ALL", "performance": "ALL" });
        let wishes = json!({ "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(wishes.as_object().unwrap().clone());
        let client = builder.connect(&format!("http://127.0.0.1:{}", port.trim_end_matches('.'))).await;
        let client = client.expect("chromedriver starts Chromium, which `./dev test` installs");
        let browser = Self { client, downloads, width: WIDTHS[0].into(), _driver: driver };
        browser.resize(WIDTHS[0]).await;
        // Without a screen no window is in front, and scripts would not be told where the keyboard is.
        browser.devtools("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await;
        // What the browser's own first page has fetched is not ours, and it fetches nothing more once it is left.
        browser.open("about:blank").await;
        browser.log("performance").await;
        browser
    }

    pub async fn open(&self, url: impl AsRef<str>) {
        self.client.goto(url.as_ref()).await.unwrap();
    }

    /// The first element that fits, as soon as there is one.
    pub async fn find(&self, css: &str) -> Element {
        eventually(css, async || self.client.find(Locator::Css(css)).await.ok()).await
    }

    pub async fn count(&self, css: &str) -> usize {
        self.client.find_all(Locator::Css(css)).await.unwrap().len()
    }

    /// Of the page that is there: one that is just leaving is asked no more.
    pub async fn text(&self, css: &str) -> String {
        eventually(css, async || self.client.find(Locator::Css(css)).await.ok()?.text().await.ok()).await
    }

    /// As above.
    pub async fn value(&self, css: &str) -> String {
        let value = async || self.client.find(Locator::Css(css)).await.ok()?.prop("value").await.ok();
        eventually(css, value).await.unwrap_or_default()
    }

    /// What the keyboard goes to: its id.
    pub async fn focused(&self) -> String {
        self.run("return document.activeElement.id").await.as_str().unwrap().to_owned()
    }

    /// Types where the keyboard goes to. These are keys, since text that is sent to an element begins with focusing it
    /// anew, which leads from the middle of a date back to its start.
    pub async fn type_keys(&self, keys: &str) {
        let typed = keys.chars().fold(KeyActions::new("keyboard".into()), tap);
        self.client.perform_actions(typed).await.unwrap();
    }

    /// Selects all that is in the field where the keyboard is.
    pub async fn select_all(&self) {
        let held = KeyActions::new("keyboard".into()).then(KeyAction::Down { value: CONTROL });
        let typed = tap(held, 'a').then(KeyAction::Up { value: CONTROL });
        self.client.perform_actions(typed).await.unwrap();
    }

    /// Presses the button with this label.
    pub async fn press(&self, label: &str) {
        let path = format!("//button[normalize-space()='{label}']");
        let button = eventually(label, async || self.client.find(Locator::XPath(&path)).await.ok()).await;
        button.click().await.unwrap();
    }

    /// Follows the link with these words.
    pub async fn follow(&self, words: &str) {
        let path = format!("//a[normalize-space()='{words}']");
        let link = eventually(words, async || self.client.find(Locator::XPath(&path)).await.ok()).await;
        link.click().await.unwrap();
    }

    /// Chooses from the list of this id.
    pub async fn choose(&self, id: &str, value: &str) {
        self.find(&format!("#{id}")).await.select_by_value(value).await.unwrap();
    }

    /// Waits until `<main>` says this.
    pub async fn hear(&self, words: &str) {
        eventually(words, async || {
            let main = self.client.find(Locator::Css("main")).await.ok()?;
            main.text().await.ok()?.contains(words).then_some(())
        })
        .await;
    }

    /// The file that was downloaded last, as soon as it is whole.
    pub async fn downloaded(&self) -> String {
        eventually("a file", async || {
            let files = std::fs::read_dir(&self.downloads).ok()?.filter_map(Result::ok).map(|file| file.path());
            let whole = files.filter(|file| file.extension().is_some_and(|ending| ending != "crdownload"));
            let newest = whole.max_by_key(|file| file.metadata().and_then(|about| about.modified()).ok())?;
            std::fs::read_to_string(newest).ok().filter(|text| !text.is_empty())
        })
        .await
    }

    pub async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap();
    }

    /// Opens or closes what is behind a summary.
    pub async fn unfold(&self, summary: &str) {
        let path = format!("//summary[normalize-space()='{summary}']");
        let summary = eventually(summary, async || self.client.find(Locator::XPath(&path)).await.ok()).await;
        summary.click().await.unwrap();
    }

    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, vec![]).await.unwrap()
    }

    /// Runs this in each page that is opened from now on, before the page's own scripts.
    pub async fn run_in_each_page(&self, script: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }

    /// From now on no page's policy holds.
    pub async fn bypass_policies(&self) {
        self.devtools("Page.setBypassCSP", json!({ "enabled": true })).await;
    }

    /// Lets pages read what was copied.
    pub async fn allow_reading_the_clipboard(&self) {
        let permissions = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        self.devtools("Browser.grantPermissions", permissions).await;
    }

    /// Waits for the page with this heading, and looks whether it fits on each width.
    pub async fn see(&self, heading: &str) {
        eventually(heading, async || {
            let shown = self.client.find(Locator::Css("h1")).await.ok()?.text().await.ok()?;
            (shown == heading).then_some(())
        })
        .await;
        self.check_fit(&WIDTHS).await;
    }

    /// Fails if there is something to scroll sideways to.
    pub async fn check_fit(&self, widths: &[u32]) {
        for &width in widths {
            let wide = self.too_wide(width).await;
            let page = self.client.title().await.unwrap();
            assert!(wide.is_empty(), "“{page}” is too wide for {width} pixels: {wide:#?}");
        }
        self.resize(self.width.load(Ordering::Relaxed)).await;
    }

    /// From now on, what the browser goes back to.
    pub async fn stay_at(&self, width: u32) {
        self.width.store(width, Ordering::Relaxed);
        self.resize(width).await;
    }

    /// What sticks out when the page is so wide.
    pub async fn too_wide(&self, width: u32) -> Vec<Value> {
        self.resize(width).await;
        self.run(TOO_WIDE).await.as_array().unwrap().clone()
    }

    pub async fn resize(&self, width: u32) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    pub async fn set_dark(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// A PNG of the page as it is `width` pixels wide: its first `height` pixels, or all of it.
    pub async fn picture(&self, width: u32, height: Option<u32>, scale: f32) -> Vec<u8> {
        self.picture_from(0.0, width, height, scale).await
    }

    /// A picture that begins a little above an element.
    pub async fn picture_below(&self, css: &str, width: u32, height: u32) -> Vec<u8> {
        self.resize(width).await;
        let top = format!("return document.querySelector('{css}').getBoundingClientRect().top + scrollY - 40");
        let top = self.run(&top).await.as_f64().unwrap();
        self.picture_from(top, width, Some(height), 1.0).await
    }

    async fn picture_from(&self, top: f64, width: u32, height: Option<u32>, scale: f32) -> Vec<u8> {
        self.resize(width).await;
        let full = self.run("return Math.ceil(document.body.getBoundingClientRect().bottom)").await.as_f64().unwrap();
        let height = height.map_or(full, f64::from);
        let clip = json!({ "x": 0, "y": top, "width": width, "height": height, "scale": scale });
        let wishes = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let answer = self.devtools("Page.captureScreenshot", wishes).await;
        BASE64_STANDARD.decode(answer["data"].as_str().unwrap()).unwrap()
    }

    /// Fails if the console told of a fault, or if anything was asked of another machine.
    pub async fn check_quiet(&self, expected: &[u16]) {
        let faults = self.faults(expected).await;
        assert!(faults.is_empty(), "the console says {faults:#?}");
        let requests: Vec<Url> = self.log("performance").await.iter().filter_map(requested).collect();
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            requests.iter().filter(|url| url.has_host()).partition(|url| url.host_str() == Some("127.0.0.1"));
        assert!(!here.is_empty(), "the log of requests works");
        assert!(elsewhere.is_empty(), "asked elsewhere: {elsewhere:?}");
    }

    /// What the console told of since it was last asked; a violated policy is a fault. An answer that says no is one,
    /// too, unless `expected` has its status.
    pub async fn faults(&self, expected: &[u16]) -> Vec<String> {
        let console = self.log("browser").await;
        let faults = console.iter().map(|entry| entry["message"].as_str().unwrap_or_default());
        let wanted = |fault: &str| expected.iter().any(|code| fault.contains(&format!("with a status of {code} ")));
        faults.filter(|fault| !wanted(fault)).map(str::to_owned).collect()
    }

    /// The answers that have come since the log was last asked: address, and octets on the wire, headers included.
    pub async fn fetched(&self) -> Vec<(String, f64)> {
        let entries = self.log("performance").await;
        let texts = entries.iter().filter_map(|entry| entry["message"].as_str());
        let messages: Vec<Value> = texts.filter_map(|text| serde_json::from_str(text).ok()).collect();
        let (mut urls, mut answers) = (BTreeMap::new(), Vec::new());
        for message in messages.iter().map(|one| &one["message"]) {
            let about = &message["params"];
            let request = about["requestId"].as_str().unwrap_or_default();
            match message["method"].as_str() {
                Some("Network.responseReceived") => {
                    urls.insert(request, about["response"]["url"].as_str().unwrap_or_default());
                }
                Some("Network.loadingFinished") => {
                    let octets = about["encodedDataLength"].as_f64().unwrap_or_default();
                    // What had answered when the log was last read, and only ends now, was a straggler: an icon.
                    if let Some(url) = urls.get(request) {
                        answers.push(((*url).to_owned(), octets));
                    }
                }
                _ => {}
            }
        }
        answers
    }

    async fn log(&self, kind: &'static str) -> Vec<Value> {
        let answer = self.client.issue_cmd(Extension::Log(kind)).await.unwrap();
        answer.as_array().unwrap().clone()
    }

    async fn devtools(&self, command: &'static str, parameters: Value) -> Value {
        self.client.issue_cmd(Extension::DevTools(command, parameters)).await.unwrap()
    }
}

/// Presses a key and lets it go.
fn tap(typed: KeyActions, value: char) -> KeyActions {
    typed.then(KeyAction::Down { value }).then(KeyAction::Up { value })
}

/// The address of a request that the performance log tells of, unless the browser asked itself.
fn requested(entry: &Value) -> Option<Url> {
    let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
    let message = &message["message"];
    let asked = ["Network.requestWillBeSent", "Network.webSocketCreated"].iter().any(|it| message["method"] == *it);
    let parameters = &message["params"];
    let url = parameters["request"]["url"].as_str().or(parameters["url"].as_str())?;
    // `chrome:`, `chrome-extension:`, `chrome-untrusted:`: what the browser has inside.
    Url::parse(url).ok().filter(|url| asked && !url.scheme().starts_with("chrome"))
}

/// The first browser there is; without one, chromedriver looks for itself.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let named = NAMES.iter().flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)));
    named.chain(MAC_NAMES.iter().map(PathBuf::from)).find(|file| file.is_file())
}

/// What chromedriver can do beyond the standard.
#[derive(Debug)]
enum Extension {
    Log(&'static str),
    DevTools(&'static str, Value),
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        let path = match self {
            Self::Log(_) => "se/log",
            Self::DevTools(..) => "goog/cdp/execute",
        };
        base.join(&format!("session/{}/{path}", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        let body = match self {
            Self::Log(kind) => json!({ "type": kind }),
            Self::DevTools(command, parameters) => json!({ "cmd": command, "params": parameters }),
        };
        (Method::POST, Some(body.to_string()))
    }
}

/// Waits until the page that an element was on has given way to another.
pub async fn gone(element: &Element) {
    eventually("the next page", async || match element.tag_name().await {
        Err(CmdError::Standard(_)) => Some(()),
        _ => None,
    })
    .await;
}
