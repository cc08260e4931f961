//! The admins' pages, each with everything that it can show.
use super::*;
use crate::web::pages::admin::*;

pub(super) fn shell(text: &str) -> Shell {
    let link = |here| NavLink { path: "/admin", label: text.into(), here };
    Shell {
        name: Some(text.into()),
        nav: vec![link(true), link(false)],
        form_token: text.into(),
        notice: Some(Notice { text: text.into(), problem: true }),
    }
}

fn people(text: &str) -> PeoplePage {
    let roles = || vec![RoleOption { word: "viewer", selected: false }, RoleOption { word: "owner", selected: true }];
    let row = |id: &str, disabled| PersonRow {
        id: id.into(),
        name: text.into(),
        address: text.into(),
        roles: roles(),
        role: "owner",
        second_factor: true,
        signed_in: Some(text.into()),
        disabled,
        own: true,
    };
    PeoplePage { people: vec![row("1", false), row("2", true)], roles: roles(), link: Some(text.into()) }
}

fn tokens(text: &str) -> TokensPage {
    let row = |id: &str, revoked| TokenRow {
        id: id.into(),
        name: text.into(),
        rights: text.into(),
        made_by: Some(text.into()),
        made: text.into(),
        used: Some(text.into()),
        expires: Some(text.into()),
        revoked,
    };
    let tokens = vec![row("1", None), row("2", Some(text.to_owned()))];
    TokensPage { tokens, rights: vec!["figures", "audit"], made: Some(text.into()) }
}

fn audit(text: &str) -> AuditPage {
    let row = AuditRow {
        at: text.into(),
        who: text.into(),
        kind: text.into(),
        origin: Some(text.into()),
        action: text.into(),
        target_kind: Some(text.into()),
        target: Some(text.into()),
        reason: Some(text.into()),
        details: Some(text.into()),
    };
    AuditPage {
        who: text.into(),
        target: text.into(),
        from: text.into(),
        until: text.into(),
        actions: vec![ActionOption { word: text.into(), selected: true }],
        rows: vec![row],
        csv_path: "/admin/audit/log.csv".into(),
        next_path: Some("/admin/audit?after=1".into()),
    }
}

fn account(text: &str) -> AccountPage {
    let row = |here| SessionRow { id: text.into(), origin: text.into(), begun: text.into(), seen: text.into(), here };
    AccountPage {
        name: text.into(),
        address: text.into(),
        role: "owner",
        second_factor: true,
        codes_left: 1,
        sessions: vec![row(true), row(false)],
    }
}

pub(super) fn saying(text: &str) -> Vec<(&'static str, String)> {
    let (shell, t) = (shell(text), || text.to_owned());
    let render = |page: &dyn Fn(&Shell) -> String| page(&shell);
    let off = AccountPage { second_factor: false, ..account(text) };
    let choose = ChoosePasswordPage { name: t(), address: t(), post_to: t(), problem: Some(t()) };
    let offer = OfferPage { picture_html: "<svg></svg>".into(), key: t(), problem: Some(t()) };
    vec![
        (
            "admin-sign-in",
            render(&|s| {
                SignInPage { address: t(), next: t(), problem: Some(t()), provider: Some(t()) }.render(English, s)
            }),
        ),
        (
            "admin-provider",
            render(&|s| ProviderPage { provider: t(), url: "https://login.example.org/".into() }.render(English, s)),
        ),
        ("admin-second-factor", render(&|s| SecondFactorPage { next: t(), problem: Some(t()) }.render(English, s))),
        ("admin-forgot", render(&|s| ForgotPage {}.render(English, s))),
        ("admin-forgot-sent", render(&|s| ForgotSentPage {}.render(English, s))),
        ("admin-choose", render(&|s| choose.render(English, s))),
        ("admin-link-gone", render(&|s| LinkGonePage {}.render(English, s))),
        ("admin-forbidden", render(&|s| ForbiddenPage { right: Some("people") }.render(English, s))),
        ("admin-form", render(&|s| ForbiddenPage { right: None }.render(English, s))),
        ("admin-error", render(&|s| AdminErrorPage { status: 500, detail: t() }.render(English, s))),
        ("admin-account", render(&|s| account(text).render(English, s))),
        ("admin-account-off", render(&|s| off.render(English, s))),
        ("admin-offer", render(&|s| offer.render(English, s))),
        ("admin-codes", render(&|s| RecoveryCodesPage { codes: vec![t()] }.render(English, s))),
        ("admin-people", render(&|s| people(text).render(English, s))),
        ("admin-tokens", render(&|s| tokens(text).render(English, s))),
        ("admin-audit", render(&|s| audit(text).render(English, s))),
    ]
}

#[test]
fn every_form_that_changes_something_carries_its_token() {
    for (name, html) in saying("Plain") {
        for form in html.split("<form ").skip(1) {
            let (head, inside) = form.split_once('>').expect("a tag ends");
            let inside = inside.split("</form>").next().unwrap_or_default();
            let has_token = inside.contains("name=\"form_token\" value=\"Plain\"");
            assert_eq!(has_token, head.contains("method=\"post\""), "{name}: {head}");
        }
    }
}
