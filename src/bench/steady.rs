//! Many mails in a row: as fast at the end as at the beginning, and in the same memory.
use super::ground::Ground;
use super::keys::Signing;
use super::report::median;
use super::rig::{Rig, Run, Setup};
use super::sink::SinkOptions;
use super::usage::{Watch, growth, mebibytes, usage};
use super::{Bench, line};

const SETUP: Setup = Setup {
    connections: 16,
    signing: Signing::Ed25519,
    sink: SinkOptions { delay: std::time::Duration::ZERO, ids: true, times: false },
};

/// `mails` in a row, beside runs of the usual length.
pub(super) async fn steady(bench: &mut Bench, ground: &Ground, name: &'static str, mails: usize) -> anyhow::Result<()> {
    let mut rig = Rig::start(ground, SETUP).await?;
    rig.warm_up(bench.options.mails.min(2_000)).await?;
    let mut short = Vec::new();
    let mut long: Option<(Run, Vec<u64>)> = None;
    for round in 0..=bench.options.rounds {
        // The long run stands between the short ones, so that what changes on the machine changes for both.
        if round == bench.options.rounds.div_ceil(2) {
            bench.say(&format!("{name}: {mails} mails in a row"));
            let watch = Watch::start(rig.dispatch.id());
            let run = rig.run(mails).await?;
            bench.books.add(run.books);
            long = Some((run, watch.end().await?));
        } else {
            let run = rig.run(bench.options.mails).await?;
            bench.books.add(run.books);
            bench.say(&format!("{name}: {:.0}/s over {} mails", run.rate, bench.options.mails));
            short.push(run.rate);
        }
    }
    let peak = usage(rig.dispatch.id())?.peak;
    rig.stop().await?;
    let Some((run, _)) = long else { return Ok(()) };
    let books = run.books;
    let note = format!("{mails} mails: {} lost, {} doubled, {} not settled", books.lost, books.doubled, books.open);
    bench.put(line(name).against(run.rate, median(&short), format!("runs of {} mails", bench.options.mails), note));
    if name == "steady" {
        let note = format!("over all {} mails", mails + bench.options.rounds * bench.options.mails);
        bench.put(line("rss").alone(mebibytes(peak), note));
    }
    Ok(())
}

/// So many in one run that whatever grows with them shows.
pub(super) async fn memory(bench: &mut Bench, ground: &Ground, mails: usize) -> anyhow::Result<()> {
    let mut rig = Rig::start(ground, SETUP).await?;
    rig.warm_up(bench.options.mails.min(2_000)).await?;
    bench.say(&format!("rss-1m: {mails} mails in a row"));
    let watch = Watch::start(rig.dispatch.id());
    let run = rig.run(mails).await?;
    bench.books.add(run.books);
    let seen = watch.end().await?;
    let peak = usage(rig.dispatch.id())?.peak;
    rig.stop().await?;
    let note = format!("{mails} mails at {:.0}/s", run.rate);
    bench.put(line("rss-1m").alone(mebibytes(peak), note));
    bench.put(line("rss-growth-1m").alone(growth(&seen), "from the second quarter of the run to the last"));
    Ok(())
}
