//! A series' pages for admins, with whatever text a test wants to see in them.
use super::admins::shell;
use super::*;
use crate::web::pages::admin::AdminPage as _;
use crate::web::pages::readers::Pick;
use crate::web::pages::series::*;

pub(super) fn saying(text: &str) -> Vec<(&'static str, String)> {
    vec![("admin-rehearsal", rehearsal(text).render(English, &shell(text)))]
}

fn picks(text: &str) -> Vec<Pick> {
    vec![Pick { value: text.into(), text: text.into(), chosen: true }]
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
