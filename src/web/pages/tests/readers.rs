//! Admins' pages about readers, with whatever text a test wants to see in them.
use super::admins::shell;
use super::*;
use crate::web::pages::admin::AdminPage as _;
use crate::web::pages::readers::*;

pub(super) fn saying(text: &str) -> Vec<(&'static str, String)> {
    let pick = || vec![Pick { value: text.into(), text: text.into(), chosen: true }];
    let ask = Ask {
        part: text.into(),
        series: pick(),
        states: pick(),
        parts: pick(),
        next: pick(),
        since: text.into(),
        until: text.into(),
    };
    let row = ReaderRow {
        path: "/admin/readers/1.2".into(),
        address: text.into(),
        series: text.into(),
        state: "active".into(),
        suppressed: true,
        received: 1,
        signed_up: text.into(),
    };
    let list = |readers: Vec<ReaderRow>, is_search: bool| {
        let next_path = (!readers.is_empty()).then(|| "/admin/readers?after=1".into());
        let files =
            Some(Files { csv: "/admin/readers/export?format=csv".into(), json_lines: "/admin/readers/export".into() });
        ReadersPage { ask: ask.clone(), is_search, readers, next_path, files }.render(English, &shell(text))
    };
    vec![
        ("admin-readers", list(vec![row], false)),
        ("admin-readers-none", list(vec![], false)),
        ("admin-readers-search", list(vec![], true)),
        ("admin-reader", reader(text).render(English, &shell(text))),
        ("admin-reader-gone", ReaderGonePage { erased: true }.render(English, &shell(text))),
        ("admin-reader-unknown", ReaderGonePage { erased: false }.render(English, &shell(text))),
        ("admin-sent", sent(text).render(English, &shell(text))),
    ]
}

fn reader(text: &str) -> ReaderPage {
    let attempt = AttemptView { number: 1, outcome: text.into(), when: text.into(), reply: text.into() };
    let event = EventView {
        when: text.into(),
        at: "2026-03-02T17:00:00Z".into(),
        title: text.into(),
        detail: text.into(),
        tone: "good",
        attempts: vec![attempt],
        sent_path: Some("/admin/readers/1.2/mails/3".into()),
    };
    let deed = || Pick { value: text.into(), text: text.into(), chosen: false };
    let chapter = ChapterView {
        series: text.into(),
        deeds: vec![deed()],
        steps: vec![deed()],
        series_title: text.into(),
        state: "active".into(),
        standing: text.into(),
        zone: text.into(),
        language: text.into(),
        hour: text.into(),
        spacing: Some(3),
        received: 1,
        parts: 6,
        events: vec![event],
        ahead: vec![AheadView { number: 2, subject: text.into(), when: text.into() }],
    };
    ReaderPage {
        address: text.into(),
        signed_up: text.into(),
        suppressed: true,
        act_path: Some("/admin/readers/1.2".into()),
        of_address: AddressDeeds {
            deed: deed(),
            export_path: Some("/admin/readers/1.2/export".into()),
            erase_path: Some("/admin/readers/1.2/erase".into()),
        },
        request: "1f".into(),
        chapters: vec![chapter],
    }
}

fn sent(text: &str) -> SentPage {
    SentPage {
        title: text.into(),
        number: 1,
        parts: 6,
        text_language: "en".into(),
        html: "<p>Text.</p>".into(),
        back_to: "/admin/readers/1.2".into(),
    }
}
