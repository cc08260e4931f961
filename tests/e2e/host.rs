//! Somebody else's site: a tiny server on another port, and so another origin, that knows a few pages by heart.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a site might do to everything that stands in it.
const HOSTILE: &str = "* { color: red !important; font-size: 60px !important; display: block !important } \
     iframe { width: 50px !important; height: 20px !important; opacity: 0.1 !important; visibility: hidden !important }";

/// A page: its headers beyond the usual ones, and its body.
type Pages = BTreeMap<String, (String, String)>;

pub struct Host {
    /// Such as `http://127.0.0.1:4711`.
    pub origin: String,
    pages: Arc<Mutex<Pages>>,
}

impl Host {
    pub async fn start() -> Self {
        Self::start_on("127.0.0.1").await
    }

    /// On another address of this machine.
    pub async fn start_on(address: &str) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let pages: Arc<Mutex<Pages>> = Arc::default();
        let known = pages.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, known.clone()));
            }
        });
        let host = Self { origin, pages };
        host.put("/hostile.css", "text/css", "", HOSTILE);
        host.put("/kind.css", "text/css", "", "body { max-width: 60rem; margin: auto } iframe { border: 0 }");
        host
    }

    /// A page with this policy, further headers and the hostile style sheet; answers its address.
    pub fn page(&self, path: &str, policy: &str, more: &str, body: &str) -> String {
        self.styled(path, policy, more, "hostile", body)
    }

    /// A page whose style sheet does no harm.
    pub fn kind_page(&self, path: &str, policy: &str, body: &str) -> String {
        self.styled(path, policy, "", "kind", body)
    }

    fn styled(&self, path: &str, policy: &str, more: &str, sheet: &str, body: &str) -> String {
        let head = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>News</title>\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><link rel=\"icon\" href=\"data:,\">\
             <link rel=\"stylesheet\" href=\"/{sheet}.css\"></head><body><h1>News</h1>"
        );
        let headers = format!("Content-Security-Policy: {policy}\r\n{more}");
        self.put(path, "text/html; charset=utf-8", &headers, &format!("{head}{body}<p>The end.</p></body></html>"));
        format!("{}{path}", self.origin)
    }

    fn put(&self, path: &str, kind: &str, headers: &str, body: &str) {
        let headers = format!("Content-Type: {kind}\r\n{headers}");
        self.pages.lock().unwrap().insert(path.to_owned(), (headers, body.to_owned()));
    }
}

async fn answer(mut stream: TcpStream, pages: Arc<Mutex<Pages>>) {
    let mut asked = Vec::new();
    let mut piece = [0; 4096];
    while !asked.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(read) => asked.extend_from_slice(&piece[..read]),
        }
    }
    let asked = String::from_utf8_lossy(&asked);
    let path = asked.split(' ').nth(1).unwrap_or_default();
    let page = pages.lock().unwrap().get(path).cloned();
    let (status, (headers, body)) = match page {
        Some(page) => ("200 OK", page),
        None => ("404 Not Found", (String::new(), String::new())),
    };
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await.ok();
}
