//! Admins' pages about runs, with whatever text a test wants to see in them.
use super::admins::shell;
use super::*;
use crate::web::pages::admin::AdminPage as _;
use crate::web::pages::readers::Pick;
use crate::web::pages::runs::*;

pub(super) fn saying(text: &str) -> Vec<(&'static str, String)> {
    let switch = |slug: &str, paused| SeriesSwitch { slug: slug.into(), title: text.into(), paused };
    let row = RunRow {
        path: "/admin/runs/1".into(),
        id: 1,
        at: text.into(),
        kind: text.into(),
        series: text.into(),
        state: "running",
        accepted: 1,
        readers: 2,
        who: text.into(),
        why: text.into(),
    };
    let list = RunsPage {
        runs: vec![row],
        next_path: Some("/admin/runs?after=1".into()),
        series: vec![switch("one", true), switch("other", false)],
    };
    let none = RunsPage { runs: vec![], next_path: None, series: vec![] };
    let draft = RunPage { state: "draft", draft: Some(draft(text)), progress: None, ..run(text) };
    let counting = DraftView { counting: Some(40), ..draft.draft.clone().unwrap() };
    let counting = RunPage { draft: Some(counting), ..draft.clone() };
    vec![
        ("admin-runs", list.render(English, &shell(text))),
        ("admin-runs-none", none.render(English, &shell(text))),
        ("admin-run-new", form(text).render(English, &shell(text))),
        ("admin-run", run(text).render(English, &shell(text))),
        ("admin-run-draft", draft.render(English, &shell(text))),
        ("admin-run-counting", counting.render(English, &shell(text))),
    ]
}

fn picks(text: &str) -> Vec<Pick> {
    vec![Pick { value: "value".into(), text: text.into(), chosen: true }]
}

fn form(text: &str) -> NewRunPage {
    NewRunPage {
        series: picks(text),
        whom: picks(text),
        address: text.into(),
        within: text.into(),
        had: picks(text),
        versions: picks(text),
        states: picks(text),
        parts: text.into(),
        languages: picks(text),
        conditions: picks(text),
        since: text.into(),
        until: text.into(),
        addresses: text.into(),
        what: picks(text),
        steps: picks(text),
        again: true,
        corrections: picks(text),
        why: text.into(),
    }
}

fn draft(text: &str) -> DraftView {
    let rows = || vec![CountRow { name: text.into(), count: 2 }];
    DraftView {
        counting: None,
        by_condition: true,
        reached: true,
        states: rows(),
        left_out: rows(),
        domains: rows(),
        other_domains: 1,
        not_subscribers: 1,
        takes: Some(text.into()),
        test: Some(TestView { steps: picks(text), conditions: picks(text), editors: vec![text.into()] }),
        sample: vec![SampleRow { address: text.into(), state: text.into(), received: 1 }],
    }
}

fn run(text: &str) -> RunPage {
    let counts = vec![CountRow { name: text.into(), count: 1 }];
    RunPage {
        id: 1,
        path: "/admin/runs/1".into(),
        kind: text.into(),
        series_title: text.into(),
        state: "running",
        whom: Some(text.into()),
        what: Some(text.into()),
        who: text.into(),
        why: text.into(),
        at: text.into(),
        started: Some(text.into()),
        ended: Some(text.into()),
        readers: 2,
        draft: None,
        progress: Some(ProgressView { settled: 1, counts, rate: Some(60), left: Some(text.into()) }),
        may_pause: true,
        may_resume: true,
        may_cancel: true,
        watched: true,
    }
}
