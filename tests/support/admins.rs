//! An admin with a browser that keeps its cookies.
use std::collections::BTreeMap;

use regimen::actions::admins::{self, password, totp};
use regimen::actions::{Actor, Service};
use regimen::model::Role;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use uuid::Uuid;

use super::{App, address};

pub const PASSWORD: &str = "a long enough password";

pub fn by() -> Actor {
    Actor::command_line("the tests", "")
}

/// Makes an admin who can sign in.
pub async fn create(service: &Service, email: &str, role: Role) -> Uuid {
    let id = admins::create(service, &address(email), "Ada Example", role, &by()).await.unwrap();
    password::set_by_hand(service, id, PASSWORD, &by()).await.unwrap();
    id
}

/// What an app shows now.
pub fn code(app: &App, secret: &str) -> String {
    let secret = totp::from_base32(&secret.replace(' ', "")).unwrap();
    totp::code(&secret, app.service.clock().real().timestamp() / 30)
}

#[derive(Default)]
pub struct Browser {
    pub cookies: BTreeMap<String, String>,
    /// The last page, with the token of its forms.
    pub html: String,
}

impl Browser {
    /// Somebody with this role, signed in.
    pub async fn signed_in(app: &App, role: Role) -> Self {
        let email = format!("{role}@example.org");
        create(&app.service, &email, role).await;
        let mut browser = Self::default();
        assert_eq!(browser.sign_in(app, &email, PASSWORD).await, StatusCode::SEE_OTHER);
        browser
    }

    pub async fn sign_in(&mut self, app: &App, email: &str, password: &str) -> StatusCode {
        self.get(app, "/admin/sign-in").await;
        self.post(app, "/admin/sign-in", &[("address", email), ("password", password)]).await.0
    }

    /// Answers the status, and where it leads.
    pub async fn get(&mut self, app: &App, path: &str) -> (StatusCode, String) {
        let response = self.request(app, Method::GET, path).send().await.unwrap();
        self.take(response).await
    }

    /// The same, without waiting for the end of the answer.
    pub async fn begin(&self, app: &App, path: &str) -> (StatusCode, String) {
        let response = self.request(app, Method::GET, path).send().await.unwrap();
        (response.status(), location(&response))
    }

    /// A request of one's own making, with the cookies.
    pub fn request(&self, app: &App, method: Method, path: &str) -> RequestBuilder {
        app.http.request(method, format!("{}{path}", app.base)).header("cookie", self.cookie())
    }

    /// Sends a form of the last page.
    pub async fn post(&mut self, app: &App, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
        let token = self.form_token();
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("form_token", token.as_str())]).collect();
        self.post_raw(app, path, &fields, &[]).await
    }

    pub async fn post_raw(
        &mut self,
        app: &App,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> (StatusCode, String) {
        let mut request = self.request(app, Method::POST, path).form(fields);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.take(request.send().await.unwrap()).await
    }

    /// Goes to where an answer leads.
    pub async fn follow(&mut self, app: &App, location: &str) -> StatusCode {
        let path = location.split('#').next().unwrap().to_owned();
        self.get(app, &path).await.0
    }

    pub fn form_token(&self) -> String {
        self.between("name=\"form_token\" value=\"", "\"").unwrap_or_default()
    }

    pub fn between(&self, from: &str, to: &str) -> Option<String> {
        let (_, rest) = self.html.split_once(from)?;
        Some(rest.split_once(to)?.0.to_owned())
    }

    pub fn session(&self) -> Option<&String> {
        self.cookies.get("__Host-regimen")
    }

    fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    async fn take(&mut self, response: Response) -> (StatusCode, String) {
        for line in response.headers().get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = location(&response);
        let status = response.status();
        // What leads on has no page of its own.
        let html = response.text().await.unwrap();
        if !html.is_empty() {
            self.html = html;
        }
        (status, location)
    }
}

fn location(response: &Response) -> String {
    response.headers().get("location").map_or("", |value| value.to_str().unwrap()).to_owned()
}
