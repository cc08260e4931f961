//! Admins' pages about webhooks, with whatever text a test wants to see in them.
use super::admins::shell;
use super::*;
use crate::web::pages::admin::AdminPage as _;
use crate::web::pages::readers::Pick;
use crate::web::pages::webhooks::*;

pub(super) fn saying(text: &str) -> Vec<(&'static str, String)> {
    let row = |fails: bool| WebhookRow {
        path: "/admin/webhooks/1".into(),
        name: text.into(),
        url: text.into(),
        events: text.into(),
        series: fails.then(|| text.into()),
        with_address: fails,
        health: text.into(),
        fails,
        disabled: fails,
        pending: 1,
        failed: i64::from(fails),
    };
    let pick = || vec![Pick { value: "value".into(), text: text.into(), chosen: true }];
    let list = |webhooks| WebhooksPage {
        webhooks,
        secret: Some(text.into()),
        name: text.into(),
        url: text.into(),
        events: pick(),
        series: pick(),
        with_address: true,
        why: text.into(),
    };
    let message = |waits: bool| MessageRow {
        id: "1".into(),
        event: text.into(),
        about: text.into(),
        at: text.into(),
        state: text.into(),
        tries: 2,
        answer: text.into(),
        next_try: waits.then(|| text.into()),
        again_path: (!waits).then(|| "/admin/webhooks/1/messages/1/again".into()),
    };
    let one = |fails, messages| WebhookPage {
        webhook: row(fails),
        made: text.into(),
        made_by: Some(text.into()),
        states: pick(),
        messages,
        next_path: Some("/admin/webhooks/1?after=1".into()),
    };
    vec![
        ("admin-webhooks", list(vec![row(true), row(false)]).render(English, &shell(text))),
        ("admin-webhooks-none", list(vec![]).render(English, &shell(text))),
        ("admin-webhook", one(true, vec![message(true), message(false)]).render(English, &shell(text))),
        ("admin-webhook-plain", one(false, vec![]).render(English, &shell(text))),
    ]
}
