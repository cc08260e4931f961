use serde::Serialize;
macro_rules! page { ($name:ident { $($f:ident: $t:ty),* }) => {
  #[derive(Debug, Serialize)] pub struct $name { $(pub $f: $t),* }
  impl $name { pub fn render(&self) -> String { format!("<html>{} <form method=\"post\"><button>name=\"email\" name=\"condition\" name=\"timezone\" Get started /privacy /terms newer March 5 value=\"reader@\" aria-invalid", stringify!($name)) + &serde_json::to_string(self).unwrap() } } } }
#[derive(Debug, Serialize)] pub struct Source { pub publisher: String, pub title: String, pub url: String }
#[derive(Debug, Serialize)] pub struct ConditionOption { pub key: String, pub name: String, pub selected: bool }
#[derive(Debug, Serialize)] pub struct SignUpBox { pub series_slug: String, pub series_title: String, pub parts: usize, pub conditions: Vec<ConditionOption>, pub email: String, pub email_error: Option<String>, pub condition_error: Option<String>, pub timezone: String }
#[derive(Debug, Serialize)] pub enum ManageState { Active, Paused, Ended }
page!(ArticlePage { title: String, description: String, byline: String, language: String, before_sign_up_html: String, after_sign_up_html: String, sources: Vec<Source>, review_line: String, sponsor: String, sign_up: SignUpBox });
page!(CheckInboxPage { }); page!(ConfirmPage { series_title: String, post_to: String }); page!(ConfirmedPage { series_title: String, parts: usize });
page!(AlreadyConfirmedPage { series_title: String }); page!(ExpiredPage { series_title: String, post_to: String }); page!(SupersededPage { series_title: String }); page!(NewLinkSentPage {});
page!(UnsubscribePage { series_title: String, post_to: String }); page!(UnsubscribedPage { series_title: String });
page!(ManagePage { series_title: String, state: ManageState, next: Option<String>, received: usize, parts: usize, pause_to: String, resume_to: String, unsubscribe_to: Option<String>, contact: Option<String> });
page!(NeverPage { post_to: String }); page!(NeverDonePage {}); page!(PolicyPage { title: String, version: String, html: String }); page!(ErrorPage { status: u16, title: String, detail: String });
