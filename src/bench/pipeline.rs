//! The whole way of a mail, claim → render → sign → send → settle, beside a client that only writes.
use super::ceiling::{Ceiling, postfix, source_rate};
use super::ground::Ground;
use super::keys::Signing;
use super::report::median;
use super::rig::{Rig, Setup};
use super::sink::SinkOptions;
use super::{Bench, line};

/// One of the lines that are judged by smtp-source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pipeline {
    pub(super) name: &'static str,
    pub(super) connections: usize,
    pub(super) signing: Signing,
}

pub(super) const LINES: [Pipeline; 3] = [
    Pipeline { name: "pipeline-ed25519", connections: 16, signing: Signing::Ed25519 },
    Pipeline { name: "pipeline-rsa2048", connections: 16, signing: Signing::Rsa2048 },
    Pipeline { name: "one-connection", connections: 1, signing: Signing::Ed25519 },
];

/// Runs of both, one after the other and again, with mails of the same size; the middle ones count.
pub(super) async fn pipeline(bench: &mut Bench, ground: &Ground, what: Pipeline) -> anyhow::Result<()> {
    let sink = SinkOptions { ids: true, ..SinkOptions::default() };
    let mut rig = Rig::start(ground, Setup { connections: what.connections, signing: what.signing, sink }).await?;
    let octets = rig.warm_up(bench.options.mails.min(2_000)).await?;
    let mut ceiling = Ceiling::open(ground).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=bench.options.rounds {
        theirs.push(ceiling.measure(ground, what.connections, bench.options.mails, octets).await?);
        let run = rig.run(bench.options.mails).await?;
        bench.books.add(run.books);
        ours.push(run.rate);
        bench.say(&format!(
            "{} {round}/{}: {:.0}/s, the ceiling {:.0}/s",
            what.name,
            bench.options.rounds,
            run.rate,
            theirs.last().copied().unwrap_or_default()
        ));
    }
    rig.stop().await?;
    let note = format!("{} mails of {octets} octets, median of {}", bench.options.mails, bench.options.rounds);
    if what.name == "pipeline-ed25519" {
        bench.peak = Some(median(&ours));
    }
    bench.put(line(what.name).against(median(&ours), median(&theirs), ceiling.name(what.connections), note));
    Ok(())
}

/// Whether our sink is at least as fast as the one that the ceiling is measured with.
pub(super) async fn sink(bench: &mut Bench, ground: &Ground) -> anyhow::Result<()> {
    let Some(source) = postfix("smtp-source") else {
        bench.say("sink: left out, since smtp-source is not installed (Debian's package is postfix)");
        return Ok(());
    };
    let sink = ground.sink(SinkOptions { ids: true, ..SinkOptions::default() })?;
    let mut ceiling = Ceiling::open(ground).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds {
        theirs.push(ceiling.measure(ground, 16, bench.options.mails, USUAL_OCTETS).await?);
        ours.push(source_rate(ground, &source, sink.port(), 16, bench.options.mails, USUAL_OCTETS).await?);
    }
    bench.say(&format!("sink: {:.0}/s, Postfix's {:.0}/s", median(&ours), median(&theirs)));
    let note = format!("{} mails of {USUAL_OCTETS} octets, median of {}", bench.options.mails, bench.options.rounds);
    bench.put(line("sink").against(median(&ours), median(&theirs), ceiling.name(16), note));
    Ok(())
}

/// About what a mail of the built-in series has.
const USUAL_OCTETS: usize = 21_000;

/// A relay that answers 10 ms after each command, as one in another town does.
pub(super) async fn slow_relay(bench: &mut Bench, ground: &Ground) -> anyhow::Result<()> {
    let delay = std::time::Duration::from_millis(10);
    let sink = SinkOptions { ids: true, delay, ..SinkOptions::default() };
    let mut rig = Rig::start(ground, Setup { connections: 8, signing: Signing::Ed25519, sink }).await?;
    rig.warm_up(bench.options.mails.min(500)).await?;
    let mails = bench.options.mails.div_ceil(5);
    let (mut rates, mut stalled, mut all) = (Vec::new(), 0, 0);
    for round in 1..=bench.options.rounds {
        let run = rig.run(mails).await?;
        bench.books.add(run.books);
        bench.say(&format!("slow-relay {round}/{}: {:.0}/s", bench.options.rounds, run.rate));
        rates.push(run.rate);
        stalled += run.sink.stalled;
        all += run.sink.mails;
    }
    rig.stop().await?;
    let note = format!("{mails} mails, median of {}", bench.options.rounds);
    bench.put(line("slow-relay").alone(median(&rates), note));
    #[allow(clippy::cast_precision_loss)]
    let share = stalled as f64 * 100.0 / all.max(1) as f64;
    let note = format!("{stalled} of {all} mails stopped for 35 ms or more between their first octet and their last");
    bench.put(line("slow-relay-stalls").alone(share, note));
    Ok(())
}
