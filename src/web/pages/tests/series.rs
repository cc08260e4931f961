//! A series' pages for admins, with whatever text a test wants to see in them.
use super::admins::shell;
use super::*;
use crate::web::pages::admin::AdminPage as _;
use crate::web::pages::readers::Pick;
use crate::web::pages::series::*;

pub(super) fn saying(text: &str) -> Vec<(&'static str, String)> {
    let plain = SeriesPage { findings: Vec::new(), spacings: None, ..series(text) };
    let line = SeriesLine { title: text.into(), path: text.into(), parts: 2, findings: 1, languages: text.into() };
    let no_message =
        StepPage { message: None, editors: Vec::new(), due: None, before_path: None, after_path: None, ..step(text) };
    let list = |all, changes_path| AllSeriesPage { all, changes_path }.render(English, &shell(text));
    let nothing = ChangesPage { folder: None, faults: vec![], same: true, series: vec![] };
    vec![
        ("admin-step", step(text).render(English, &shell(text))),
        ("admin-step-plain", no_message.render(English, &shell(text))),
        ("admin-series-list", list(vec![line], Some("/admin/series-changes"))),
        ("admin-series-list-none", list(vec![], None)),
        ("admin-series-changes", changes(text).render(English, &shell(text))),
        ("admin-series-changes-none", nothing.render(English, &shell(text))),
        ("admin-series", series(text).render(English, &shell(text))),
        ("admin-series-plain", plain.render(English, &shell(text))),
        ("admin-rehearsal", rehearsal(text).render(English, &shell(text))),
    ]
}

fn picks(text: &str) -> Vec<Pick> {
    vec![Pick { value: text.into(), text: text.into(), chosen: true }]
}

fn series(text: &str) -> SeriesPage {
    let part = |has_passages, preview_path| PartView {
        number: 1,
        subject: text.into(),
        preheader: text.into(),
        key: text.into(),
        day: 3,
        delay: text.into(),
        languages: text.into(),
        has_passages,
        words: 700,
        kilobytes: 20,
        preview_path,
    };
    SeriesPage {
        title: text.into(),
        version: text.into(),
        languages: text.into(),
        conditions: 10,
        window_from: text.into(),
        window_to: text.into(),
        preferred: text.into(),
        min_gap: 20,
        spacings: Some(text.into()),
        rehearsal_path: text.into(),
        parts: vec![part(true, Some(text.to_owned())), part(false, None)],
        findings: vec![FindingView { file: text.into(), message: text.into() }],
    }
}

fn changes(text: &str) -> ChangesPage {
    let series = SeriesChangesView {
        series: text.into(),
        path: Some(text.into()),
        kind: "changed",
        settings: vec![SettingRow { name: "title", was: text.into(), will_be: text.into() }],
        steps: vec![StepChangesRow { step: text.into(), changes: text.into() }],
        readers: vec![FateRow { waits_for: text.into(), readers: 3, fate: text.into() }],
        untouched: 4,
    };
    let untouched =
        SeriesChangesView { path: None, settings: vec![], steps: vec![], readers: vec![], ..series.clone() };
    ChangesPage { folder: Some(text.into()), faults: vec![text.into()], same: false, series: vec![series, untouched] }
}

fn step(text: &str) -> StepPage {
    let header = HeaderView { name: text.into(), value: text.into() };
    StepPage {
        series_title: text.into(),
        series_path: text.into(),
        number: 1,
        subject: text.into(),
        preheader: text.into(),
        before_path: Some(text.into()),
        after_path: Some(text.into()),
        path: text.into(),
        conditions: picks(text),
        languages: picks(text),
        colours: picks(text),
        zone: text.into(),
        hours: picks(text),
        due: Some(text.into()),
        html_path: text.into(),
        language: "es",
        text: text.into(),
        html_size: text.into(),
        percent_of_clip: 20,
        message: Some(MessageView { headers: vec![header], is_signed: true, size: text.into() }),
        test_path: text.into(),
        condition: text.into(),
        editors: vec![text.into()],
    }
}

fn rehearsal(text: &str) -> RehearsalPage {
    let marks = |text: &str| [true, false].map(|moves| Mark { text: text.into(), moves }).to_vec();
    let cell = || CalendarCell { weekday: text.into(), time: text.into(), marks: marks(text) };
    RehearsalPage {
        series_title: text.into(),
        series_path: text.into(),
        path: text.into(),
        from: text.into(),
        zone: text.into(),
        hours: picks(text),
        spacings: picks(text),
        parts: vec![1],
        rows: vec![CalendarRow {
            zone: "Europe/Berlin",
            when: "rehearsal-asked",
            confirms: cell(),
            parts: vec![cell()],
        }],
    }
}
