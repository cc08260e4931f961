//! Admins' pages about imports, with whatever text a test wants to see in them.
use super::admins::shell;
use super::*;
use crate::web::pages::admin::AdminPage as _;
use crate::web::pages::imports::*;

pub(super) fn saying(text: &str) -> Vec<(&'static str, String)> {
    let row = |ended: bool| ImportRow {
        path: "/admin/imports/1".into(),
        id: 1,
        series: text.into(),
        dry_run: !ended,
        ended,
        percent: 40,
        lines: 10,
        active: 7,
        pending: 1,
        refused: 2,
        at: text.into(),
        who: text.into(),
        why: text.into(),
    };
    let list = ImportsPage { imports: vec![row(true), row(false)], next_path: Some("/admin/imports?after=1".into()) };
    let none = ImportsPage { imports: vec![], next_path: None };
    let one = |ended| ImportPage {
        import: row(ended),
        reasons: vec![ReasonRow { text: "it is about another series", count: 2 }],
        refused_path: Some("/admin/imports/1/refused.csv".into()),
    };
    vec![
        ("admin-imports", list.render(English, &shell(text))),
        ("admin-imports-none", none.render(English, &shell(text))),
        ("admin-import", one(true).render(English, &shell(text))),
        ("admin-import-going-on", one(false).render(English, &shell(text))),
    ]
}
