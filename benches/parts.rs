//! The pure parts of a mail's way, one at a time and on one core: what the pipeline's figure is made of.
use std::hint::black_box;

use chrono::{DateTime, TimeDelta, Utc};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use regimen::bench::Signing;
use regimen::content::{Bundle, Library, ReaderLinks, Rendered, Series, compile};
use regimen::mail::{DkimKey, FeedbackId, ListHeaders, Message, MessageId, build};
use regimen::model::{EmailAddress, Kind, Zone, next_due};
use regimen::seal::Keyring;
use uuid::Uuid;

fn library() -> Library {
    compile(&Bundle::embedded()).expect("the built-in content has no fault")
}

fn instant() -> DateTime<Utc> {
    "2026-03-02T17:00:00Z".parse().expect("that is a time")
}

fn rendered(series: &Series) -> Rendered {
    series
        .render_step(&series.steps[1].key, &series.conditions[0].key, &ReaderLinks::example())
        .expect("the built-in content can be rendered")
}

/// Builds the mail that the pipeline sends.
fn mail(series: &Series, rendered: &Rendered, signers: &[DkimKey]) -> Vec<u8> {
    let to = EmailAddress::parse("reader@example.org").expect("that is an address");
    let id = MessageId::new(Uuid::from_u128(7), &series.from);
    let links = ReaderLinks::example();
    let message = Message {
        id: &id,
        date: instant(),
        from: &series.from,
        reply_to: series.reply_to.as_ref(),
        to: &to,
        subject: &rendered.subject,
        html: &rendered.html,
        text: &rendered.text,
        list: Some(ListHeaders { series: &series.slug, unsubscribe_url: &links.unsubscribe_url, mailto: None }),
        auto_submitted: false,
        feedback_id: Some(FeedbackId { series: &series.slug, kind: Kind::Step, step: Some(&series.steps[1].key) }),
        test: false,
    };
    build(&message, signers).expect("the mail can be built")
}

fn render(criterion: &mut Criterion) {
    let library = library();
    let series = library.series.values().next().expect("there is a series");
    let links = ReaderLinks::example();
    let (step, condition) = (&series.steps[1].key, &series.conditions[0].key);
    criterion.bench_function("render a step", |bencher| {
        bencher.iter(|| series.render_step(black_box(step), black_box(condition), black_box(&links)));
    });
}

fn message(criterion: &mut Criterion) {
    let library = library();
    let series = library.series.values().next().expect("there is a series");
    let rendered = rendered(series);
    let mut group = criterion.benchmark_group("build the message");
    group.throughput(Throughput::Bytes(mail(series, &rendered, &[]).len() as u64));
    group.bench_function("unsigned", |bencher| bencher.iter(|| mail(series, black_box(&rendered), &[])));
    for signing in [Signing::Ed25519, Signing::Rsa2048] {
        let pem = signing.new_key().expect("a key can be made");
        let key = DkimKey::from_pem(&pem, "example.com", "bench").expect("the key is one");
        let signers = [key];
        group.bench_function(format!("{signing:?}"), |bencher| {
            bencher.iter(|| mail(series, black_box(&rendered), &signers));
        });
    }
    group.finish();
}

fn due(criterion: &mut Criterion) {
    let library = library();
    let series = library.series.values().next().expect("there is a series");
    let zones = ["America/New_York", "Europe/Berlin", "Asia/Tokyo"].map(|name| Zone::parse(name).expect("a zone"));
    let mut at = instant();
    criterion.bench_function("next due time", |bencher| {
        bencher.iter(|| {
            at += TimeDelta::minutes(7);
            zones.map(|zone| next_due(black_box(at), series.steps[1].delay, &series.rhythm(Some(zone), None, None)))
        });
    });
}

fn seal(criterion: &mut Criterion) {
    let library = library();
    let series = library.series.values().next().expect("there is a series");
    let ring = Keyring::parse(&Keyring::generate(1, [1; 32])).expect("a ring of one key");
    let subscriber = Uuid::from_u128(7);
    let sealed = ring.seal(&series.conditions[0].key, subscriber, [9; 24]);
    criterion.bench_function("open a sealed condition", |bencher| {
        bencher.iter(|| ring.open(black_box(&sealed), subscriber));
    });
}

criterion_group!(benches, render, message, due, seal);
criterion_main!(benches);
