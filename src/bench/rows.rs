//! The same work among ten times as many readers.
use std::time::Instant;

use rand::seq::SliceRandom as _;
use rand::{SeedableRng as _, rngs::StdRng};

use super::ceiling::Ceiling;
use super::ground::{Database, Ground};
use super::keys::Signing;
use super::readers::{Due, Owed, load};
use super::report::median;
use super::rig::{Rig, Setup};
use super::sink::SinkOptions;
use super::{Bench, line};

/// `few` readers, then `many`; the due ones are drawn from all of them.
pub(super) async fn rows(bench: &mut Bench, ground: &Ground, few: usize, many: usize) -> anyhow::Result<()> {
    let database = ground.database().await?;
    let mut random = StdRng::from_seed(ground.clock.random_bytes());
    let mut owed = grow(bench, ground, &database, 0..few).await?;
    owed.shuffle(&mut random);
    let first = measure(bench, ground, database, &mut owed, few).await?;
    let mut more = grow(bench, ground, &first.database, few..many).await?;
    owed.append(&mut more);
    owed.shuffle(&mut random);
    let last = measure(bench, ground, first.database, &mut owed, many).await?;
    let note = format!(
        "{few} readers: {}; {many} readers: {}; smtp-source or its stand-in beside them {:.0}/s and {:.0}/s",
        first.sizes, last.sizes, first.ceiling, last.ceiling
    );
    bench.put(line("rows-10m").against(last.rate, first.rate, format!("the same with {few} readers"), note));
    Ok(())
}

struct Measured {
    database: Database,
    rate: f64,
    ceiling: f64,
    sizes: String,
}

async fn grow(
    bench: &Bench,
    ground: &Ground,
    database: &Database,
    numbers: std::ops::Range<usize>,
) -> anyhow::Result<Vec<Owed>> {
    let (began, count) = (Instant::now(), numbers.len());
    let mut said = 0;
    let owed = load(ground, database, numbers, Due::Later, |done| {
        if done >= said + 500_000 {
            said = done;
            bench.say(&format!("{done} readers loaded in {:.0} s", began.elapsed().as_secs_f64()));
        }
    })
    .await?;
    bench.say(&format!("{count} readers loaded, vacuumed and analysed in {:.0} s", began.elapsed().as_secs_f64()));
    Ok(owed)
}

/// Takes the due ones off the end of `owed`.
async fn measure(
    bench: &mut Bench,
    ground: &Ground,
    database: Database,
    owed: &mut Vec<Owed>,
    readers: usize,
) -> anyhow::Result<Measured> {
    let sizes = sizes(&database).await?;
    let sink = SinkOptions { ids: true, ..SinkOptions::default() };
    let setup = Setup { connections: 16, signing: Signing::Ed25519, sink };
    let mut rig = Rig::start_on(ground, database, readers, setup).await?;
    let mut ceiling = Ceiling::open(ground).await?;
    let mut draw = |mails: usize| owed.split_off(owed.len() - mails.min(owed.len()));
    let warm = rig.run_with(&draw(bench.options.mails.min(2_000))).await?;
    let octets = usize::try_from(warm.sink.octets / warm.sink.mails.max(1))?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=bench.options.rounds {
        theirs.push(ceiling.measure(ground, 16, bench.options.mails, octets).await?);
        let run = rig.run_with(&draw(bench.options.mails)).await?;
        bench.books.add(run.books);
        bench.say(&format!("{readers} readers, {round}/{}: {:.0}/s", bench.options.rounds, run.rate));
        ours.push(run.rate);
    }
    let database = rig.stop().await?;
    Ok(Measured { database, rate: median(&ours), ceiling: median(&theirs), sizes })
}

/// How large the tables are, with their indexes.
async fn sizes(database: &Database) -> anyhow::Result<String> {
    let sizes = sqlx::query!(
        r#"select relname::text as "name!", pg_size_pretty(pg_total_relation_size(oid)) as "size!" from pg_class
           where relname in ('subscribers', 'enrollments', 'deliveries') order by relname"#
    )
    .fetch_all(&database.pool)
    .await?;
    let sizes: Vec<String> = sizes.into_iter().map(|row| format!("{} {}", row.name, row.size)).collect();
    Ok(sizes.join(", "))
}
