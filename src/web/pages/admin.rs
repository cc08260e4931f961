//! The admins' pages: how they get in, their account, the people, programs' tokens and the audit log. They stand in a frame
//! of their own, which says who is signed in and leads to what they may see.
use serde::Serialize;

use super::dashboard::OverviewPage;
use super::imports::{ImportPage, ImportsPage, NewImportPage};
use super::readers::{ReaderGonePage, ReaderPage, ReadersPage, SentPage};
use super::rendering::{Switch, fill, switches};
use super::runs::{NewRunPage, RunPage, RunsPage};
use super::series::{AllSeriesPage, ChangesPage, RehearsalPage, SeriesPage, StepPage};
use super::webhooks::{WebhookPage, WebhooksPage};
use crate::messages::{self, Language};

/// What stands around a page for admins.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Shell {
    /// Who is signed in; nobody on the pages that lead there.
    pub name: Option<String>,
    pub nav: Vec<NavLink>,
    /// What each form must carry.
    pub form_token: String,
    /// What was done, or why it was not.
    pub notice: Option<Notice>,
}

#[derive(Debug, Clone, Serialize)]
pub struct NavLink {
    pub path: &'static str,
    pub label: String,
    /// Whether it leads to the page that it stands on.
    pub here: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct Notice {
    pub text: String,
    /// Something was not done.
    pub problem: bool,
}

/// A page in that frame: its template, and its title, which is a text.
pub(in crate::web) trait AdminPage: Serialize {
    const TEMPLATE: &'static str;
    /// Whether it stands on a sheet of its own, being short.
    const SHEET: bool = false;
    /// The script with which something on it works better.
    const SCRIPT: Option<&'static str> = None;

    fn title(&self, language: Language) -> String;

    fn render(&self, language: Language, shell: &Shell) -> String {
        let body = fill(language, Self::TEMPLATE, &WithToken { form_token: &shell.form_token, page: self });
        let frame = Framed {
            title: self.title(language),
            language: language.tag(),
            language_name: language.own_name(),
            switch_to: switches(language),
            sheet: Self::SHEET,
            script: Self::SCRIPT,
            shell,
            body: &body,
        };
        fill(language, "admin_shell", &frame)
    }
}

/// A page's template finds the forms' token at its root, whatever it goes through.
#[derive(Serialize)]
struct WithToken<'a, P: ?Sized> {
    form_token: &'a str,
    #[serde(flatten)]
    page: &'a P,
}

#[derive(Serialize)]
struct Framed<'a> {
    title: String,
    language: &'static str,
    language_name: &'static str,
    switch_to: Vec<Switch>,
    sheet: bool,
    script: Option<&'static str>,
    #[serde(flatten)]
    shell: &'a Shell,
    body: &'a str,
}

macro_rules! admin_pages {
    ($($page:ty: $template:literal, $title:literal $(, $flag:ident)*;)+) => {
        $(impl AdminPage for $page {
            const TEMPLATE: &'static str = $template;
            $(const $flag: bool = true;)*

            fn title(&self, language: Language) -> String {
                messages::text(language, $title)
            }
        })+
    };
}

admin_pages! {
    ReadersPage: "admin_readers", "readers-title";
    ReaderPage: "admin_reader", "reader-title";
    ReaderGonePage: "admin_reader_gone", "reader-gone-title", SHEET;
    SentPage: "admin_sent", "sent-title";
    ImportsPage: "admin_imports", "imports-title";
    NewImportPage: "admin_import_new", "import-new-title";
    RunsPage: "admin_runs", "runs-title";
    NewRunPage: "admin_run_new", "run-new-title";
    AllSeriesPage: "admin_series_list", "all-series-title";
    ChangesPage: "admin_series_changes", "changes-title";
    SeriesPage: "admin_series", "series-title";
    StepPage: "admin_step", "step-title";
    RehearsalPage: "admin_rehearsal", "rehearsal-title";
    SignInPage: "admin_sign_in", "sign-in-title", SHEET;
    ProviderPage: "admin_provider", "provider-title", SHEET;
    SecondFactorPage: "admin_second_factor", "second-factor-title", SHEET;
    ForgotPage: "admin_forgot", "forgot-title", SHEET;
    ForgotSentPage: "admin_forgot_sent", "check-inbox-title", SHEET;
    ChoosePasswordPage: "admin_choose_password", "choose-title", SHEET;
    LinkGonePage: "admin_link_gone", "link-gone-title", SHEET;
    ForbiddenPage: "admin_forbidden", "forbidden-title", SHEET;
    AdminErrorPage: "admin_error", "error-wrong", SHEET;
    AccountPage: "admin_account", "account-title";
    OfferPage: "admin_offer", "offer-title", SHEET;
    RecoveryCodesPage: "admin_recovery_codes", "codes-title", SHEET;
    PeoplePage: "admin_people", "people-title";
    TokensPage: "admin_tokens", "tokens-title";
    WebhooksPage: "admin_webhooks", "webhooks-title";
    WebhookPage: "admin_webhook", "webhook-title";
    AuditPage: "admin_audit", "audit-title";
}

impl AdminPage for OverviewPage {
    const TEMPLATE: &'static str = "admin";
    const SCRIPT: Option<&'static str> = Some("admin.js");

    fn title(&self, language: Language) -> String {
        messages::text(language, "admin-title")
    }
}

impl AdminPage for ImportPage {
    const TEMPLATE: &'static str = "admin_import";
    const SCRIPT: Option<&'static str> = Some("watch.js");

    fn title(&self, language: Language) -> String {
        messages::text(language, "import-title")
    }
}

impl AdminPage for RunPage {
    const TEMPLATE: &'static str = "admin_run";
    const SCRIPT: Option<&'static str> = Some("watch.js");

    fn title(&self, language: Language) -> String {
        messages::filled(language, "run-title", &messages::Values::new().with("id", self.id))
    }
}

/// Address and password.
#[derive(Debug, Clone, Serialize)]
pub struct SignInPage {
    pub address: String,
    pub next: String,
    /// A sentence that says what to do.
    pub problem: Option<String>,
    /// The name of an identity provider at which one may sign in, too.
    pub provider: Option<String>,
}

/// On the way to an identity provider.
#[derive(Debug, Clone, Serialize)]
pub struct ProviderPage {
    pub provider: String,
    pub url: String,
}

/// A code of the app, or a recovery code.
#[derive(Debug, Clone, Serialize)]
pub struct SecondFactorPage {
    pub next: String,
    /// A sentence that says what to do.
    pub problem: Option<String>,
}

/// For whoever has lost the password.
#[derive(Debug, Clone, Serialize)]
pub struct ForgotPage {}

/// The same whether or not there is such an account.
#[derive(Debug, Clone, Serialize)]
pub struct ForgotSentPage {}

/// Where a link for a password leads.
#[derive(Debug, Clone, Serialize)]
pub struct ChoosePasswordPage {
    pub name: String,
    pub address: String,
    pub post_to: String,
    /// A sentence that says what to do.
    pub problem: Option<String>,
}

/// A link for a password that is good no more.
#[derive(Debug, Clone, Serialize)]
pub struct LinkGonePage {}

/// Signed in, and without the right.
#[derive(Debug, Clone, Serialize)]
pub struct ForbiddenPage {
    /// What is needed, as docs/ADMINS.md calls it; none when the form was not one of ours.
    pub right: Option<&'static str>,
}

/// Something went wrong.
#[derive(Debug, Clone, Serialize)]
pub struct AdminErrorPage {
    pub status: u16,
    /// A sentence.
    pub detail: String,
}

/// One's own password, second factor and sessions.
#[derive(Debug, Clone, Serialize)]
pub struct AccountPage {
    pub name: String,
    pub address: String,
    pub role: &'static str,
    pub second_factor: bool,
    /// How many recovery codes are unused.
    pub codes_left: i64,
    pub sessions: Vec<SessionRow>,
}

#[derive(Debug, Clone, Serialize)]
pub struct SessionRow {
    pub id: String,
    pub origin: String,
    pub begun: String,
    pub seen: String,
    /// The one that the page is seen in.
    pub here: bool,
}

/// What an authenticator app is shown.
#[derive(Debug, Clone, Serialize)]
pub struct OfferPage {
    /// Trusted: drawn by us.
    pub picture_html: String,
    pub key: String,
    /// A sentence that says what to do.
    pub problem: Option<String>,
}

/// Shown once.
#[derive(Debug, Clone, Serialize)]
pub struct RecoveryCodesPage {
    pub codes: Vec<String>,
}

/// Who may get in, and a form for another.
#[derive(Debug, Clone, Serialize)]
pub struct PeoplePage {
    pub people: Vec<PersonRow>,
    /// For whoever is invited.
    pub roles: Vec<RoleOption>,
    /// A link that was just made, shown once.
    pub link: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct PersonRow {
    pub id: String,
    pub name: String,
    pub address: String,
    pub roles: Vec<RoleOption>,
    pub role: &'static str,
    pub second_factor: bool,
    pub signed_in: Option<String>,
    pub disabled: bool,
    /// The one who looks.
    pub own: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct RoleOption {
    pub word: &'static str,
    pub selected: bool,
}

/// Programs' tokens, and a form for another.
#[derive(Debug, Clone, Serialize)]
pub struct TokensPage {
    pub tokens: Vec<TokenRow>,
    /// Every right that there is.
    pub rights: Vec<&'static str>,
    /// One that was just made, shown once.
    pub made: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct TokenRow {
    pub id: String,
    pub name: String,
    pub rights: String,
    pub made_by: Option<String>,
    pub made: String,
    pub used: Option<String>,
    pub expires: Option<String>,
    pub revoked: Option<String>,
}

/// What was done, the newest first.
#[derive(Debug, Clone, Serialize)]
pub struct AuditPage {
    pub who: String,
    pub target: String,
    pub from: String,
    pub until: String,
    pub actions: Vec<ActionOption>,
    pub rows: Vec<AuditRow>,
    pub csv_path: String,
    pub next_path: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ActionOption {
    pub word: String,
    pub selected: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct AuditRow {
    pub at: String,
    pub who: String,
    pub kind: String,
    pub origin: Option<String>,
    pub action: String,
    pub target_kind: Option<String>,
    pub target: Option<String>,
    pub reason: Option<String>,
    pub details: Option<String>,
}
