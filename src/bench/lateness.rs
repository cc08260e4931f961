//! From due to accepted, at half of what the pipeline can do.
use std::collections::HashMap;
use std::time::Duration;

use chrono::TimeDelta;

use super::ground::Ground;
use super::keys::Signing;
use super::readers::{Due, load_at_once};
use super::report::share;
use super::rig::{Rig, Setup, patience};
use super::sink::SinkOptions;
use super::{Bench, line};

/// Two clocks of one machine, one of which was set by PostgreSQL's, may differ by so much.
const EARLY: f64 = -50.0;

/// Deliveries that fall due evenly over `span`.
pub(super) async fn lateness(bench: &mut Bench, ground: &Ground, span: Duration) -> anyhow::Result<()> {
    let sink = SinkOptions { ids: true, times: true, ..SinkOptions::default() };
    let mut rig = Rig::start(ground, Setup { connections: 16, signing: Signing::Ed25519, sink }).await?;
    rig.warm_up(bench.options.mails.min(2_000)).await?;
    let peak = match bench.peak {
        Some(peak) => peak,
        None => rig.run(bench.options.mails).await?.rate,
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let mails = ((peak / 2.0 * span.as_secs_f64()) as usize).max(1);
    bench.say(&format!("lateness-p99: {mails} mails over {} s", span.as_secs_f64()));
    rig.sink.reset()?;
    let numbers = rig.take(mails);
    // The rows must be there before the first is due.
    let room = Duration::from_secs(5) + Duration::from_micros(mails as u64 * 200);
    let from = ground.clock.real() + room;
    let due = Due::Spread { from, over: TimeDelta::from_std(span)? };
    let (owed, at) = load_at_once(ground, &rig.database, numbers, due).await?;
    anyhow::ensure!(at < from, "loading took longer than {room:?}; the machine is too busy for this line");
    rig.sink.wait_for(mails as u64, room + span + patience(mails as u64), &mut rig.dispatch).await?;
    let books = rig.close_books(&owed).await?;
    bench.books.add(books);
    let taken: HashMap<u128, i64> = rig.sink.taken()?.into_iter().collect();
    rig.stop().await?;
    #[allow(clippy::cast_precision_loss)]
    let late: Vec<f64> = owed
        .iter()
        .filter_map(|one| Some((taken.get(&one.id.as_u128())? - one.due_at.timestamp_micros()) as f64 / 1_000.0))
        .collect();
    let early = late.iter().filter(|one| **one < EARLY).count();
    anyhow::ensure!(early == 0, "{early} mails went out before they were due");
    let note = format!(
        "{mails} mails over {} s, {:.0}/s; half of them within {:.0} ms, all within {:.0} ms",
        span.as_secs_f64(),
        peak / 2.0,
        share(&late, 0.5),
        share(&late, 1.0)
    );
    bench.put(line("lateness-p99").alone(share(&late, 0.99), note));
    Ok(())
}
