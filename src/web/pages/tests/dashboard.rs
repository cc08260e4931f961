//! The overview, with all that it can show and with nothing.
use super::admins::shell;
use super::*;
use crate::web::pages::dashboard::*;

fn live(text: &str) -> Live {
    let account = |part| AccountView {
        part,
        kind: "kind-confirmation",
        step: part.map(|_| text.into()),
        reasons: text.into(),
        repeats: true,
        ..AccountView::default()
    };
    let chart = || Chart::new([("2026-03-01".to_owned(), 1), ("2026-03-02".to_owned(), 3)]);
    let series = SeriesView {
        title: text.into(),
        article_path: text.into(),
        series_path: text.into(),
        embed_path: text.into(),
        figures_path: Some(text.into()),
        paused: true,
        is_new: false,
        as_of: text.into(),
        funnel: vec![
            StageView { stage: "live-confirmed", part: None, count: 2, percent: 50 },
            StageView { stage: "live-part", part: Some(1), count: 1, percent: 25 },
        ],
        books: vec![account(Some(1)), account(None)],
        total: AccountView::default(),
        delivered: chart(),
        lateness: chart(),
        next_hour: 1,
        coming: chart(),
    };
    let node = NodeView {
        id: text.into(),
        role: text.into(),
        alive: false,
        started: text.into(),
        seen: text.into(),
        holds: 1,
    };
    Live {
        overdue: 2,
        nobody_dispatches: true,
        series: vec![SeriesView { is_new: true, figures_path: None, ..series.clone() }, series],
        nodes: vec![node],
        relays: vec![RelayView { name: text.into(), taken: 1 }],
    }
}

pub(super) fn saying(text: &str) -> Vec<(&'static str, String)> {
    let nothing = Live { overdue: 0, nobody_dispatches: false, series: vec![], nodes: vec![], relays: vec![] };
    let page = |live| OverviewPage { live, live_path: "/admin/live" }.render(English, &shell(text));
    vec![("admin", page(live(text))), ("admin-nothing", page(nothing))]
}
