//! The sign-up path: 64 readers who press the button as fast as they are answered, past all guards, each from a network of
//! its own as a proxy would say it.
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::ground::Ground;
use super::pgbench::Writer;
use super::report::{median, per_second, share};
use super::{Bench, line};
use crate::store::growth;

const CLIENTS: usize = 64;

/// Our pages and a database that only stores, in turns; afterwards every sign-up that was answered well must be there.
pub(super) async fn subscribe(bench: &mut Bench, ground: &Ground, span: Duration) -> anyhow::Result<()> {
    let (database, theirs) = (ground.database().await?, ground.database().await?);
    let (web, address) = ground.web(&database).await?;
    let writer = Writer::find();
    let series = ground.series.slug.as_str().to_owned();
    let form = form(address, &series).await?;
    let mut first = 0;
    let mut answered = 0;
    let (mut rates, mut ceilings, mut latencies) = (Vec::new(), Vec::new(), Vec::new());
    let mut others = BTreeMap::new();
    for round in 0..=bench.options.rounds {
        // The first round only warms up.
        let span = if round == 0 { span / 4 } else { span };
        let ceiling = writer.measure(ground, &theirs, span).await?;
        let load = load(address, form.clone(), first, span).await?;
        // As `regimen dispatch` does beside it, which is not measured here.
        growth::analyze_doubled(&database.pool).await?;
        first = load.next;
        answered += load.millis.len() as u64;
        for (status, count) in &load.others {
            *others.entry(*status).or_insert(0_u64) += count;
        }
        if round > 0 {
            let rate = per_second(load.millis.len() as u64, load.took);
            bench.say(&format!("subscribe {round}/{}: {rate:.0}/s, the ceiling {ceiling:.0}/s", bench.options.rounds));
            rates.push(rate);
            ceilings.push(ceiling);
            latencies.push(share(&load.millis, 0.99));
        }
    }
    web.stop().await?;
    let there = sqlx::query_scalar!(
        r#"select count(*) as "count!" from subscribers s
           where exists (select from deliveries d where d.bucket = s.bucket and d.subscriber = s.id)"#
    )
    .fetch_one(&database.pool)
    .await?;
    let there = u64::try_from(there)?;
    ensure!(there >= answered, "{answered} sign-ups were answered well and only {there} are in the database");
    let refused = if others.is_empty() { String::new() } else { format!("; other answers: {others:?}") };
    let note = format!("{CLIENTS} clients, {answered} sign-ups answered, all of them in the database{refused}");
    bench.put(line("subscribe").against(median(&rates), median(&ceilings), writer.name(), note));
    bench.put(line("subscribe-p99").alone(median(&latencies), format!("{CLIENTS} clients, each waits for its answer")));
    Ok(())
}

/// What the clients saw.
#[derive(Default)]
struct Load {
    took: Duration,
    /// Of each sign-up that was answered with 200.
    millis: Vec<f64>,
    others: BTreeMap<u16, u64>,
    next: u64,
}

/// The fields that our page puts into the form, once they are old enough.
async fn form(address: SocketAddr, series: &str) -> anyhow::Result<String> {
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    let request = format!("GET /subscribe/token?series={series} HTTP/1.1\r\nHost: series.example.org\r\n\r\n");
    stream.get_mut().write_all(request.as_bytes()).await?;
    let (status, body) = answer(&mut stream).await?;
    ensure!(status == 200, "there is no token for a form: status {status}");
    let body: serde_json::Value = serde_json::from_slice(&body)?;
    let token = body["token"].as_str().context("a token is text")?;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    Ok(format!("series={series}&token={token}"))
}

/// Another address for each reader; a range of 256 has a hundred.
fn network(number: u64) -> Ipv4Addr {
    let (range, place) = (number / 100, number % 100);
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + u32::try_from((range % 65_536) * 256 + place).unwrap_or(0))
}

/// On a thread of its own, as a program would be.
async fn load(address: SocketAddr, form: String, first: u64, span: Duration) -> anyhow::Result<Load> {
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(load_from(address, &form, first, span))
    };
    tokio::task::spawn_blocking(work).await?
}

async fn load_from(address: SocketAddr, form: &str, first: u64, span: Duration) -> anyhow::Result<Load> {
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(press(address, form.to_owned(), first + client as u64, began + span));
    }
    let mut all = Load { next: first, ..Load::default() };
    while let Some(one) = clients.join_next().await {
        let one = one??;
        all.millis.extend(one.millis);
        for (status, count) in one.others {
            *all.others.entry(status).or_insert(0) += count;
        }
        all.next = all.next.max(one.next);
    }
    all.took = began.elapsed();
    Ok(all)
}

/// One client on one kept connection, with every 64th number.
async fn press(address: SocketAddr, form: String, first: u64, end: Instant) -> anyhow::Result<Load> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut load = Load { next: first, ..Load::default() };
    while Instant::now() < end {
        let body = format!(
            "{form}&email=reader{}%40mail{}.example.org&condition=melanoma&timezone=Europe%2FBerlin",
            load.next,
            load.next % 20
        );
        let request = format!(
            "POST /subscribe HTTP/1.1\r\nHost: series.example.org\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             X-Forwarded-For: {}\r\nContent-Length: {}\r\n\r\n{body}",
            network(load.next),
            body.len()
        );
        load.next += CLIENTS as u64;
        let began = Instant::now();
        stream.get_mut().write_all(request.as_bytes()).await?;
        match answer(&mut stream).await?.0 {
            200 => load.millis.push(began.elapsed().as_secs_f64() * 1_000.0),
            other => *load.others.entry(other).or_insert(0) += 1,
        }
    }
    Ok(load)
}

/// Reads one answer whole: its status and its body.
pub(super) async fn answer(stream: &mut BufReader<TcpStream>) -> anyhow::Result<(u16, Vec<u8>)> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).context("that is no answer of HTTP")?;
    let mut length = None;
    loop {
        line.clear();
        ensure!(stream.read_line(&mut line).await? > 0, "the answer broke off");
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok();
        }
    }
    let Some(length) = length else { bail!("the answer does not say its length") };
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok((status, body))
}
