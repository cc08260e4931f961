//! What a dispatcher costs that has nothing to do.
use std::time::{Duration, Instant};

use super::ground::Ground;
use super::keys::Signing;
use super::readers::{Due, load};
use super::rig::{Rig, Setup};
use super::sink::SinkOptions;
use super::usage::{mebibytes, usage};
use super::{Bench, line};

/// The names of the two lines, and how many readers are enrolled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Idle {
    pub(super) cpu: &'static str,
    pub(super) rss: &'static str,
    pub(super) readers: usize,
}

/// Time for what happens once after the start.
const SETTLES_IN: Duration = Duration::from_secs(5);

/// Watches for `span`.
pub(super) async fn idle(bench: &mut Bench, ground: &Ground, what: Idle, span: Duration) -> anyhow::Result<()> {
    let database = ground.database().await?;
    bench.say(&format!("{}: {} readers, nothing due", what.cpu, what.readers));
    load(ground, &database, 0..what.readers, Due::Later, |_| ()).await?;
    let setup = Setup { connections: 4, signing: Signing::Ed25519, sink: SinkOptions::default() };
    let mut rig = Rig::start_on(ground, database, what.readers, setup).await?;
    tokio::time::sleep(SETTLES_IN.min(span)).await;
    let (began, ours, postgres) = (Instant::now(), usage(rig.dispatch.id())?, postgres(&rig).await?);
    tokio::time::sleep(span).await;
    rig.dispatch.must_run()?;
    let (after, postgres_after) = (usage(rig.dispatch.id())?, self::postgres(&rig).await?);
    let took = began.elapsed().as_secs_f64();
    let share = |from: Duration, to: Duration| to.saturating_sub(from).as_secs_f64() * 100.0 / took;
    let note = format!(
        "{} readers, over {took:.0} s; PostgreSQL's part of it {:.2} %",
        what.readers,
        share(postgres, postgres_after)
    );
    rig.stop().await?;
    bench.put(line(what.cpu).alone(share(ours.cpu, after.cpu), note));
    bench.put(line(what.rss).alone(mebibytes(after.rss), format!("{} readers", what.readers)));
    Ok(())
}

/// Processor time of the server's processes that answer the dispatcher, and ours, which ask nothing meanwhile.
async fn postgres(rig: &Rig<'_>) -> anyhow::Result<Duration> {
    let pids = sqlx::query_scalar!(
        r#"select pid as "pid!" from pg_stat_activity where datname = current_database() and backend_type = 'client backend'"#
    )
    .fetch_all(&rig.database.pool)
    .await?;
    // One may have ended since.
    Ok(pids.into_iter().filter_map(|pid| usage(pid.cast_unsigned()).ok()).map(|one| one.cpu).sum())
}
