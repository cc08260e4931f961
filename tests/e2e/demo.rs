//! `regimen demo` as a child, and what it says through its interfaces.
use std::process::Command;

use reqwest::Url;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::eventually;
use crate::process::Process;

pub const SERIES: &str = "fighting-cancer-with-immunotherapy";
pub const PARTS: usize = 6;
/// Whom the demo says that it lets in.
pub const OWNER: &str = "owner@example.org";
pub const PASSWORD: &str = "only for the demo";

/// Names in the environment that would make another demo of it.
const SETTINGS: [&str; 8] =
    ["REGIMEN_CONFIG", "DATABASE_URL", "SMTP_URL", "PUBLIC_URL", "BIND", "ADMIN_TOKEN", "SEAL_KEYS", "LINK_KEY"];

pub struct Demo {
    process: Process,
    /// Where the reader's pages are, such as `http://127.0.0.1:8080`.
    pub pages: String,
    /// Where the inbox is.
    pub inbox: String,
    token: String,
    http: reqwest::Client,
}

/// A mail in the inbox.
pub struct Mail {
    pub id: u64,
    pub subject: String,
    pub text: String,
}

impl Mail {
    /// The link to `/<kind>/…` in the mail's text.
    pub fn link(&self, kind: &str) -> Url {
        let words = self.text.split(|one: char| one.is_whitespace() || "()".contains(one));
        let mut links = words.filter_map(|word| Url::parse(word).ok());
        links.find(|link| link.path().starts_with(&format!("/{kind}/"))).expect("the mail has such a link")
    }
}

impl Demo {
    /// `day` is how long a day of the series takes, as on the command line.
    pub async fn start(day: &str) -> Self {
        Self::start_with(day, &[]).await
    }

    /// The same with settings from the environment.
    pub async fn start_with(day: &str, settings: &[(&str, &str)]) -> Self {
        let mut process = Process::start("the demo", |folder| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_regimen"));
            // Port 0 is any that is free.
            command.args(["demo", "--day", day, "--port", "0", "--inbox-port", "0", "--data-dir"]);
            command.arg(folder.join("data"));
            let ours = std::env::vars_os().map(|(name, _)| name);
            for name in ours.filter(|name| name.to_string_lossy().starts_with("REGIMEN__")) {
                command.env_remove(name);
            }
            for name in SETTINGS {
                command.env_remove(name);
            }
            command.envs(settings.iter().copied());
            command
        });
        let pages = process.line_after("Sign up ").await;
        let inbox = process.line_after("Read the mail ").await;
        let api = process.line_after("Admin API ").await;
        let (_, token) = api.split_once("Bearer ").expect("the demo prints the admin token");
        Self {
            process,
            pages: pages.trim_end_matches('/').to_owned(),
            inbox: inbox.trim_end_matches('/').to_owned(),
            token: token.trim_end_matches(')').to_owned(),
            http: reqwest::Client::new(),
        }
    }

    /// Opens a page for admins, after signing in as the owner if need be.
    pub async fn open_as_owner(&self, browser: &Browser, path: &str) {
        browser.open(format!("{}{path}", self.pages)).await;
        browser.find("main h1").await;
        if browser.count("input#password").await == 0 {
            return;
        }
        browser.find("#address").await.send_keys(OWNER).await.unwrap();
        browser.find("#password").await.send_keys(PASSWORD).await.unwrap();
        browser.press("Sign in").await;
        browser.find(".sign-out").await;
    }

    /// Signs up without a browser.
    pub async fn sign_up(&self, address: &str) {
        self.sign_up_in("en", address).await;
    }

    /// Signs up and confirms; the first part has come.
    pub async fn enroll(&self, browser: &Browser, address: &str) {
        self.sign_up(address).await;
        browser.open(self.mail_to(address, 0).await.link("confirm")).await;
        browser.find("main form button").await.click().await.unwrap();
        self.mail_to(address, 1).await;
    }

    /// The same as `sign_up`, for mails in another language.
    pub async fn sign_up_in(&self, language: &str, address: &str) {
        let fields = [
            ("series", SERIES),
            ("email", address),
            ("condition", "lung"),
            ("language", language),
            ("timezone", "Europe/Vienna"),
        ];
        let answer = self.http.post(format!("{}/subscribe", self.pages)).form(&fields).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// Presses the button that a page has, without a browser.
    pub async fn press(&self, link: &Url) {
        let answer = self.http.post(link.clone()).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// Where its database can be reached.
    pub fn database(&self) -> String {
        let sockets = std::fs::read_to_string(self.process.folder().join("data/database/sockets")).unwrap();
        let host: String = url::form_urlencoded::byte_serialize(sockets.trim().as_bytes()).collect();
        format!("postgresql://postgres@localhost:5432/postgres?host={host}")
    }

    pub async fn html_of(&self, mail: &Mail) -> String {
        let answer = self.http.get(format!("{}/mail/{}/html", self.inbox, mail.id)).send().await.unwrap();
        answer.error_for_status().unwrap().text().await.unwrap()
    }

    /// The reasons for which the guards would have refused somebody, had it not been in a demo.
    pub async fn refused(&self) -> Vec<String> {
        let request = self.http.get(format!("{}/api/v1/guards", self.pages)).bearer_auth(&self.token);
        let answer: Value = request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
        let items = answer["items"].as_array().unwrap().iter();
        items.map(|one| one["reason"].as_str().unwrap().to_owned()).collect()
    }

    /// All about one address, as the admin API tells it.
    pub async fn dossier(&self, address: &str) -> Value {
        let request = self.http.post(format!("{}/api/v1/subscribers/show", self.pages)).bearer_auth(&self.token);
        let answer = request.json(&json!({ "address": address })).send().await.unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    }

    pub async fn enrollment(&self, address: &str) -> Value {
        self.dossier(address).await["enrollments"][0].clone()
    }

    /// The states of the steps' deliveries to one address.
    pub async fn step_states(&self, address: &str) -> Vec<String> {
        let dossier = self.dossier(address).await;
        let deliveries = dossier["deliveries"].as_array().unwrap();
        let steps = deliveries.iter().filter(|one| one["kind"] == "step");
        steps.map(|one| one["state"].as_str().unwrap().to_owned()).collect()
    }

    /// The mails to one address, oldest first.
    pub async fn mails_to(&self, address: &str) -> Vec<Mail> {
        let list = self.inbox_json(&format!("/api/mails?to={address}")).await;
        let mut mails = Vec::new();
        for item in list["items"].as_array().unwrap().iter().rev() {
            let id = item["id"].as_u64().unwrap();
            let mail = self.inbox_json(&format!("/api/mails/{id}")).await;
            let word = |name: &str| mail[name].as_str().unwrap().to_owned();
            mails.push(Mail { id, subject: word("subject"), text: word("text") });
        }
        mails
    }

    /// Waits for the mail of this number, from 0, to an address.
    pub async fn mail_to(&self, address: &str, number: usize) -> Mail {
        eventually("a mail", async || self.mails_to(address).await.into_iter().nth(number)).await
    }

    async fn inbox_json(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.inbox)).send().await.unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    }
}
