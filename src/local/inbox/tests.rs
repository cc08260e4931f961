//! These speak HTTP with a served inbox, as a browser does.

use reqwest::header::{CONTENT_SECURITY_POLICY, HOST, ORIGIN};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::*;

const HOSTILE: &[u8] = b"From: =?utf-8?q?=22=3E=3Cscript=3Ealert=281=29=3C=2Fscript=3E?= <news@example.com>\r\n\
To: \xe9\xff\x80 <a@example.org>\r\n\
Subject: =?utf-8?q?Hello=0D=0AX-Injected:_yes_=3Cimg_src=3Dx_onerror=3Dalert=282=29=3E?=\r\n\
Date: Thu, 99 Foo 2026 99:99:99 +9999\r\n\
X-Odd: <script>alert(3)</script> \xff\xfe\r\n\
MIME-Version: 1.0\r\n\
Content-Type: multipart/alternative; boundary=\"b\"\r\n\r\n\
--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHi <script>alert(4)</script>, go to https://example.com/a?b=1&c=\"x\r\n\
--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<!doctype html><base target=\"_self\"><script>alert(5)</script><p>Hi \xff</p>\r\n\
--b--\r\n";

/// A served inbox and a browser.
struct Site {
    inbox: Inbox,
    base: String,
    browser: reqwest::Client,
    folder: TempDir,
}

impl Site {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(folder.path(), noon).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = inbox.router();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let browser =
            reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { inbox, base, browser, folder }
    }

    async fn get(&self, path: &str) -> Response {
        self.browser.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    async fn text(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        self.get(path).await.json().await.unwrap()
    }

    async fn mail(&self, to: &str, data: &[u8]) {
        let to = to.split(' ').map(str::to_owned).collect();
        self.inbox.keep("bounces@example.com".into(), to, data.to_vec()).await.unwrap();
    }
}

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn plain(subject: &str) -> Vec<u8> {
    format!(
        "From: News <news@example.com>\r\nTo: A <a@example.org>\r\nSubject: {subject}\r\n\
         Date: Mon, 21 Sep 2026 15:33:20 +0200\r\n\r\nHello\r\n"
    )
    .into_bytes()
}

fn policy(response: &Response) -> &str {
    response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap()
}

#[tokio::test]
async fn an_empty_inbox_says_what_to_do() {
    let site = Site::open().await;
    let page = site.text("/").await;
    assert!(page.contains("No mail yet") && page.contains("Sign up on the demo"));
    assert!(page.contains(r#"<noscript><meta http-equiv="refresh""#));
    assert!(site.text("/?to=x%40example.org").await.contains("No mail to <bdi>x@example.org</bdi>"));
    assert_eq!(site.json("/api/mails").await, json!({ "items": [] }));
}

#[tokio::test]
async fn mails_are_listed_newest_first_and_by_recipient() {
    let site = Site::open().await;
    site.mail("a@example.org", &plain("First")).await;
    site.mail("ba@example.org c@example.com", &plain("Second")).await;

    let page = site.text("/").await;
    let (first, second) = (page.find("First").unwrap(), page.find("Second").unwrap());
    assert!(second < first && page.contains("2 mails") && page.contains("bounces@example.com"));
    let listed = site.json("/api/mails").await;
    assert_eq!(
        listed["items"][1],
        json!({
            "id": 1, "from": "News <news@example.com>", "to": ["a@example.org"], "subject": "First",
            "date": "2026-09-21T15:33:20+02:00", "received_at": "2026-09-21T14:13:20Z"
        })
    );

    let subjects = async |to: &str| {
        let found = site.json(&format!("/api/mails?to={to}")).await;
        let items = found["items"].as_array().unwrap().clone();
        items.iter().map(|it| it["subject"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(subjects("A%40EXAMPLE.ORG").await, ["First"], "a whole address is not a part of another");
    assert_eq!(subjects("%40example.com").await, ["Second"]);
    assert_eq!(subjects("a").await, ["Second", "First"]);
    let page = site.text("/?to=c%40example.com").await;
    assert!(page.contains("1 of 2 mails") && !page.contains("First") && page.contains(r#"value="c@example.com""#));
}

#[tokio::test]
async fn long_lists_have_pages() {
    let site = Site::open().await;
    for number in 1..=101 {
        site.mail("a@example.org", &plain(&format!("Number {number}."))).await;
    }
    let page = site.text("/?to=%40example.org").await;
    assert!(page.contains("Number 101.") && page.contains("Number 2.") && !page.contains("Number 1."));
    assert!(page.contains("/?to&#x3D;%40example.org&amp;before&#x3D;2"));
    let page = site.text("/?to=%40example.org&before=2").await;
    assert!(page.contains("Number 1.") && !page.contains("Number 2.") && page.contains("Newest mails"));
}

#[tokio::test]
async fn the_list_is_sent_again_only_when_it_changed() {
    let site = Site::open().await;
    let token = |rows: &str| rows.split("data-token=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let before = token(&site.text("/rows").await);
    assert_eq!(site.get(&format!("/rows?since={before}")).await.status(), StatusCode::NO_CONTENT);
    site.mail("a@example.org", &plain("News")).await;
    let rows = site.text(&format!("/rows?since={before}")).await;
    assert!(rows.contains("News") && rows.trim_start().starts_with("<div id=\"rows\""));
    assert_ne!(token(&rows), before);
}

#[tokio::test]
async fn a_mail_is_shown_in_every_view() {
    let site = Site::open().await;
    site.mail("a@example.org", &plain("Older")).await;
    site.mail("a@example.org", HOSTILE).await;
    site.mail("a@example.org", &plain("Newer")).await;

    let page = site.text("/mail/2").await;
    assert!(page.contains(r#"sandbox="allow-popups allow-popups-to-escape-sandbox""#));
    assert!(page.contains(r#"src="/mail/2/html""#) && page.contains(r#"href="/mail/3""#));
    assert!(site.text("/mail/2?width=phone").await.contains(r#"class="frame phone""#));
    assert!(site.text("/mail/1").await.contains("Hello"), "the text, as there is no HTML");
    assert!(site.text("/mail/1?view=html").await.contains("This mail has no HTML part."));
    assert!(site.text("/mail/2?view=headers").await.contains("X-Odd"));
    let page = site.text("/mail/2?view=raw").await;
    assert!(page.contains("multipart/alternative; boundary"), "{page}");

    let file = site.get("/mail/2/eml").await;
    assert_eq!(file.headers()["content-disposition"], "attachment; filename=\"mail-2.eml\"");
    assert_eq!(file.bytes().await.unwrap(), HOSTILE);

    let mail = site.json("/api/mails/1").await;
    assert_eq!(mail["text"], "Hello\r\n");
    assert_eq!(mail["html"], Value::Null);
    assert_eq!(mail["envelope"], json!({ "from": "bounces@example.com", "to": ["a@example.org"] }));
    assert_eq!(mail["headers"][2], json!({ "name": "Subject", "value": "Older" }));

    for path in ["/mail/9", "/mail/9/html", "/mail/1/html", "/mail/9/eml", "/api/mails/9", "/nothing"] {
        assert_eq!(site.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_hostile_mail_is_only_text_on_our_pages() {
    let site = Site::open().await;
    site.mail("a@example.org \"<b>\"@example.org", HOSTILE).await;
    for path in [
        "/",
        "/rows",
        "/?to=%3Cscript%3Ealert(6)%3C/script%3E",
        "/mail/1?view=text",
        "/mail/1?view=headers",
        "/mail/1?view=raw",
    ] {
        let response = site.get(path).await;
        assert!(policy(&response).starts_with("default-src 'none'; style-src 'self'; script-src 'self';"), "{path}");
        assert!(!policy(&response).contains("unsafe"), "{path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert!(response.headers().get("x-injected").is_none());
        let page = response.text().await.unwrap();
        assert!(!page.contains("<script>") && !page.contains("<img src=x") && !page.contains("<b>"), "{path}");
    }
    let mail = site.json("/api/mails/1").await;
    assert_eq!(mail["subject"], "Hello X-Injected: yes <img src=x onerror=alert(2)>");
    assert_eq!(mail["date"], Value::Null);
    let page = site.text("/mail/1?view=text").await;
    assert!(page.contains(
        r#"<a href="https://example.com/a?b&#x3D;1&amp;c&#x3D;" target="_blank" rel="noopener noreferrer">"#
    ));
}

#[tokio::test]
async fn a_mails_html_is_a_stranger_to_every_origin() {
    let site = Site::open().await;
    site.mail("a@example.org", HOSTILE).await;
    let response = site.get("/mail/1/html").await;
    assert_eq!(
        policy(&response),
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    );
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    let html = response.text().await.unwrap();
    assert!(html.starts_with("<!doctype html><base target=\"_blank\"><base target=\"_self\"><script>"), "{html}");
}

#[tokio::test]
async fn mails_without_sense_are_shown_as_they_are() {
    let site = Site::open().await;
    for data in [&b""[..], b"\r\n", b"\x00\xff\xfe\x80", b"no header at all", b"Subject: only this\r\n\r\n"] {
        site.mail("a@example.org", data).await;
    }
    assert!(site.text("/").await.contains("(no subject)"));
    for id in 1..=5 {
        for view in ["html", "text", "headers", "raw"] {
            site.text(&format!("/mail/{id}?view={view}")).await;
        }
        assert_eq!(site.json(&format!("/api/mails/{id}")).await["id"], id);
    }
    assert!(site.text("/mail/5?view=text").await.contains("This mail has no text part."));
}

#[tokio::test]
async fn only_this_machine_may_ask_and_only_our_own_pages_may_delete() {
    let site = Site::open().await;
    site.mail("a@example.org", &plain("Kept")).await;
    let rebound = site.browser.get(&site.base).header(HOST, "attacker.example.com").send().await.unwrap();
    assert_eq!(rebound.status(), StatusCode::FORBIDDEN);
    assert!(!rebound.text().await.unwrap().contains("Kept"));

    let delete = || site.browser.post(format!("{}/delete-all", site.base));
    for request in [
        delete().header(ORIGIN, "https://attacker.example.com"),
        delete().header(ORIGIN, "null"),
        delete().header(ORIGIN, "http://127.0.0.1:1"),
        delete().header("sec-fetch-site", "cross-site"),
    ] {
        assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(site.get("/delete-all").await.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(site.text("/").await.contains("Kept"));

    let done = delete().header(ORIGIN, &site.base).send().await.unwrap();
    assert_eq!((done.status(), &done.headers()["location"]), (StatusCode::SEE_OTHER, &"/".parse().unwrap()));
    assert!(site.text("/").await.contains("No mail yet"));
    assert_eq!(std::fs::read_dir(site.folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn mails_outlive_a_restart_and_the_oldest_make_room() {
    let folder = tempfile::tempdir().unwrap();
    let first = Inbox::open_keeping(3, folder.path(), noon).unwrap();
    for number in 1..=4 {
        first.keep(String::new(), vec!["a@example.org".into()], plain(&format!("Number {number}"))).await.unwrap();
    }
    std::fs::write(folder.path().join("00000009.eml.unfinished"), "Subject: half").unwrap();
    std::fs::remove_file(folder.path().join("00000004.json")).unwrap();

    let second = Inbox::open_keeping(2, folder.path(), noon).unwrap();
    let kept = second.select("", None, 9).entries;
    assert_eq!(kept.iter().map(|it| it.summary.subject.as_str()).collect::<Vec<_>>(), ["Number 4", "Number 3"]);
    assert_eq!(
        kept[1].envelope,
        Envelope { from: String::new(), to: vec!["a@example.org".into()], received_at: noon() }
    );
    assert!(kept[0].envelope.to.is_empty(), "a lost envelope does not lose the mail");
    second.keep(String::new(), vec![], plain("Number 5")).await.unwrap();
    assert_eq!(second.select("", None, 9).entries[0].id, 5);
    let mut names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["00000004.eml", "00000005.eml", "00000005.json"]);
}

#[tokio::test]
async fn what_smtp_brings_is_kept_before_it_is_accepted() {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    let site = Site::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let inbox = Arc::new(site.inbox.clone());
    let server =
        tokio::spawn(crate::local::smtp::serve(listener, inbox, crate::local::smtp::Options::default(), stop.clone()));

    let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
    let commands = [
        "",
        "HELO me\r\n",
        "MAIL FROM:<>\r\n",
        "RCPT TO:<a@example.org>\r\n",
        "DATA\r\n",
        "Subject: Hi\r\n\r\nYou\r\n.\r\n",
    ];
    for command in commands {
        stream.write_all(command.as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_line(&mut reply).await.unwrap();
        assert!(reply.starts_with(['2', '3']), "{command}: {reply}");
    }
    let listed = site.json("/api/mails").await;
    assert_eq!(listed["items"][0]["subject"], "Hi");
    assert_eq!(listed["items"][0]["to"], json!(["a@example.org"]));
    drop(stream);
    stop.cancel();
    server.await.unwrap();
}
