//! What a change of the content means for the readers who are on their way: said before, and so it happens.
use std::collections::BTreeMap;

use regimen::actions::changes::{self, Fate, Kind, SeriesChanges};
use regimen::actions::{Actor, series, service};
use regimen::content::{Bundle, Change, compile};
use regimen::model::{Overdue, SeriesSlug, StepKey};

use crate::support::{App, SERIES, days};

type Files = BTreeMap<String, String>;

/// The built-in content after a change.
fn changed(change: impl FnOnce(&mut Files)) -> Bundle {
    let embedded = Bundle::embedded();
    let mut files: Files = embedded.files().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    change(&mut files);
    Bundle::from_files(files).unwrap()
}

/// Puts the steps of the series into this order, each with its own lines; the folders of those that are left out go.
fn reorder(files: &mut Files, keys: &[&str]) {
    let path = format!("{SERIES}/series.toml");
    let (head, steps) = files[&path].split_once("[[steps]]").unwrap();
    let of = |key: &&str| {
        let own = steps.split("[[steps]]").find(|step| step.contains(&format!("key = \"{key}\"")));
        own.map_or_else(|| format!("\nkey = \"{key}\"\ndelay = \"3d\"\nfolder = \"{key}\"\n"), str::to_owned)
    };
    let kept: Vec<String> = keys.iter().map(|key| format!("[[steps]]{}\n", of(key).trim_end())).collect();
    let gone: Vec<String> = steps
        .split("[[steps]]")
        .filter(|step| !keys.iter().any(|key| step.contains(&format!("key = \"{key}\""))))
        .filter_map(|step| Some(step.split_once("folder = \"")?.1.split('"').next()?.to_owned()))
        .collect();
    let text = head.to_owned() + &kept.concat();
    files.insert(path, text);
    files.retain(|path, _| !gone.iter().any(|folder| path.contains(&format!("/{folder}/"))));
}

fn steps(keys: &[&str]) -> Vec<StepKey> {
    keys.iter().map(|key| StepKey::parse(key).unwrap()).collect()
}

async fn diff(app: &App, bundle: &Bundle) -> SeriesChanges {
    let library = compile(bundle).unwrap();
    let mut found = changes::changes(&app.service, bundle, &library).await.unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

async fn publish(app: &App, bundle: &Bundle) {
    service::publish(app.db(), app.service.clock(), bundle).await.unwrap();
    app.service.refresh_content().await.unwrap();
}

/// The steps that a reader has had, in the order in which they came.
async fn had(app: &App, email: &str) -> Vec<String> {
    sqlx::query_scalar(
        "select d.step from deliveries d join subscribers s on s.bucket = d.bucket and s.id = d.subscriber
         where s.address = $1 and d.kind = 'step' and d.state = 'accepted' order by d.series_settled_at",
    )
    .bind(email)
    .fetch_all(app.db())
    .await
    .unwrap()
}

#[tokio::test]
async fn what_a_diff_says_is_what_happens() {
    let app = App::start().await;
    app.enroll("ahead@example.org").await;
    app.live_through(days(7)).await;
    app.enroll("behind@example.org").await;
    assert_eq!(had(&app, "ahead@example.org").await.len(), 3);

    // The last part comes third, the fifth is removed, another is added, and one is put in other words.
    let bundle = changed(|files| {
        let order = ["what-is-immunotherapy", "antibodies", "is-it-for-me", "checkpoint-inhibitors", "cancer-vaccines"];
        reorder(files, &[order.as_slice(), &["news"]].concat());
        let body = files[&format!("{SERIES}/02-antibodies/body.md")].clone();
        files.insert(format!("{SERIES}/news/body.md"), body.replace("{{> condition}}", "News."));
        files.insert(format!("{SERIES}/02-antibodies/body.md"), format!("{body}\nAnd that is all.\n"));
    });
    let found = diff(&app, &bundle).await;
    assert_eq!(found.kind, Kind::Changed);
    let told: Vec<(&str, &[Change])> = found.steps.iter().map(|one| (one.step.as_str(), &*one.changes)).collect();
    let expected: [(&str, &[Change]); 4] = [
        ("antibodies", &[Change::Reworded]),
        ("is-it-for-me", &[Change::Moved { from: 6, to: 3 }]),
        ("news", &[Change::Added { place: 6 }]),
        ("immune-cell-therapy", &[Change::Removed { place: 5 }]),
    ];
    assert_eq!(told, expected);
    let fates: Vec<(&str, i64, &Fate)> =
        found.readers.iter().map(|one| (one.waits_for.as_str(), one.readers, &one.fate)).collect();
    let behind = Fate {
        gets_too: steps(&["news"]),
        misses: steps(&["immune-cell-therapy"]),
        reworded: steps(&["antibodies"]),
        ..Fate::default()
    };
    let ahead =
        Fate { gets_too: steps(&["news"]), misses: steps(&["immune-cell-therapy", "is-it-for-me"]), ..Fate::default() };
    assert_eq!(fates, [("antibodies", 1, &behind), ("cancer-vaccines", 1, &ahead)]);
    assert_eq!(diff(&app, &Bundle::embedded()).await.kind, Kind::Same);

    publish(&app, &bundle).await;
    app.live_through(days(30)).await;
    let first = ["what-is-immunotherapy", "antibodies"];
    let ahead = ["checkpoint-inhibitors", "cancer-vaccines", "news"];
    assert_eq!(had(&app, "ahead@example.org").await, [first.as_slice(), &ahead].concat());
    let behind = ["is-it-for-me", "checkpoint-inhibitors", "cancer-vaccines", "news"];
    assert_eq!(had(&app, "behind@example.org").await, [first.as_slice(), &behind].concat());
    assert_eq!(app.count("select count(*) from enrollments where state = 'completed'").await, 2);
}

#[tokio::test]
async fn a_reader_who_waits_for_a_removed_part_stands_still_until_it_is_back_or_skipped() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let without = changed(|files| {
        let rest = ["what-is-immunotherapy", "checkpoint-inhibitors", "cancer-vaccines"];
        reorder(files, &[rest.as_slice(), &["immune-cell-therapy", "is-it-for-me"]].concat());
    });
    let found = diff(&app, &without).await;
    let [touched] = &found.readers[..] else { panic!("{found:?}") };
    assert_eq!((touched.waits_for.as_str(), touched.fate.stands_still), ("antibodies", true));
    assert_eq!(touched.fate.misses, [], "what comes after it comes");

    publish(&app, &without).await;
    app.advance(days(4));
    app.dispatch_all_due().await;
    assert_eq!(app.mails_to("reader@example.org").len(), 2, "the confirmation and the first part");
    assert_eq!(app.step_states().await, BTreeMap::from([("accepted".into(), 1), ("pending".into(), 1)]));

    publish(&app, &Bundle::embedded()).await;
    app.advance(days(1));
    app.dispatch_all_due().await;
    assert_eq!(had(&app, "reader@example.org").await.last().unwrap(), "antibodies", "it is back");

    // Without a way back, pausing the series and letting it go on with `skip` leads past it.
    let without = changed(|files| {
        let rest = ["what-is-immunotherapy", "antibodies", "cancer-vaccines"];
        reorder(files, &[rest.as_slice(), &["immune-cell-therapy", "is-it-for-me"]].concat());
    });
    publish(&app, &without).await;
    app.advance(days(4));
    app.dispatch_all_due().await;
    let (slug, by) = (SeriesSlug::parse(SERIES).unwrap(), Actor::command_line("an editor", "it is gone"));
    series::pause(&app.service, &slug, &by).await.unwrap();
    let moved = series::resume(&app.service, &slug, Overdue::Skip, &by).await.unwrap();
    assert_eq!(moved.deliveries, 1);
    app.live_through(days(4)).await;
    assert_eq!(had(&app, "reader@example.org").await.last().unwrap(), "cancer-vaccines");
}

#[tokio::test]
async fn a_new_delay_holds_from_the_next_part_on_and_never_moves_the_one_that_waits() {
    let app = App::start().await;
    app.enroll("reader@example.org").await;
    let slower = changed(|files| {
        let text = files.get_mut(&format!("{SERIES}/series.toml")).unwrap();
        *text = text.replace("delay = \"3d\"", "delay = \"10d\"");
    });
    let found = diff(&app, &slower).await;
    let [touched] = &found.readers[..] else { panic!("{found:?}") };
    assert_eq!(touched.waits_for.as_str(), "antibodies");
    assert_eq!(touched.fate.retimed.first().unwrap().as_str(), "checkpoint-inhibitors");
    publish(&app, &slower).await;
    app.live_through(days(4)).await;
    assert_eq!(had(&app, "reader@example.org").await.len(), 2, "the part that waited came when it was due");
    app.live_through(days(8)).await;
    assert_eq!(had(&app, "reader@example.org").await.len(), 2);
    app.live_through(days(2)).await;
    assert_eq!(had(&app, "reader@example.org").await.len(), 3, "and the next ten days later");
}
