//! Admins' pages about imports, with whatever text a test wants to see in them.
use super::admins::shell;
use super::*;
use crate::web::pages::admin::AdminPage as _;
use crate::web::pages::imports::*;
use crate::web::pages::readers::Pick;

pub(super) fn saying(text: &str) -> Vec<(&'static str, String)> {
    let row = |ended: bool| ImportRow {
        path: "/admin/imports/1".into(),
        id: 1,
        series: text.into(),
        dry_run: !ended,
        ended,
        state: if ended { "done" } else { "going on" },
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
    let one = |ended: bool| ImportPage {
        import: row(ended),
        reasons: vec![ReasonRow { text: "it is about another series", count: 2 }],
        refused_path: Some("/admin/imports/1/refused.csv".into()),
        watched: !ended,
        by_itself: !ended,
        start_path: Some("/admin/imports/1/start".into()),
        readers: 8,
        cancel_path: Some("/admin/imports/1/cancel".into()),
        follows_path: Some("/admin/imports/2".into()),
        followed_by_path: Some("/admin/imports/3".into()),
        fault: ended.then(|| text.into()),
    };
    let plain = ImportPage {
        reasons: vec![],
        refused_path: None,
        watched: false,
        start_path: None,
        cancel_path: None,
        follows_path: None,
        followed_by_path: None,
        fault: None,
        ..one(true)
    };
    let pick = || Pick { value: text.into(), text: text.into(), chosen: true };
    let new = NewImportPage { series: vec![pick()], megabytes: 200 };
    vec![
        ("admin-imports", list.render(English, &shell(text))),
        ("admin-imports-none", none.render(English, &shell(text))),
        ("admin-import", one(true).render(English, &shell(text))),
        ("admin-import-plain", plain.render(English, &shell(text))),
        ("admin-import-new", new.render(English, &shell(text))),
        ("admin-import-going-on", one(false).render(English, &shell(text))),
    ]
}
