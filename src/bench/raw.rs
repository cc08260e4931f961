//! A client that only writes: the ceiling where Postfix's smtp-source is not installed.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::ensure;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::task::JoinSet;

use super::report::per_second;

const COMMANDS: &[u8] = b"MAIL FROM:<series@example.com>\r\nRCPT TO:<reader@example.org>\r\nDATA\r\n";

/// Mails of so many octets a second, pipelined over kept connections. On a thread of its own, as a program would be.
pub(super) async fn rate(port: u16, connections: usize, mails: usize, octets: usize) -> anyhow::Result<f64> {
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(send_all(port, connections, mails, octets))
    };
    tokio::task::spawn_blocking(work).await?
}

async fn send_all(port: u16, connections: usize, mails: usize, octets: usize) -> anyhow::Result<f64> {
    let text: Arc<[u8]> = text(octets).into();
    let left = Arc::new(AtomicUsize::new(mails));
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..connections {
        senders.spawn(send(port, text.clone(), left.clone()));
    }
    while let Some(sender) = senders.join_next().await {
        sender??;
    }
    Ok(per_second(mails as u64, began.elapsed()))
}

async fn send(port: u16, text: Arc<[u8]>, left: Arc<AtomicUsize>) -> anyhow::Result<()> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (input, mut output) = stream.into_split();
    let mut input = BufReader::new(input);
    expect(&mut input, "220").await?;
    output.write_all(b"EHLO series.example.org\r\n").await?;
    expect(&mut input, "250").await?;
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        output.write_all(COMMANDS).await?;
        for code in ["250", "250", "354"] {
            expect(&mut input, code).await?;
        }
        output.write_all(&text).await?;
        expect(&mut input, "250").await?;
    }
    output.write_all(b"QUIT\r\n").await?;
    Ok(())
}

async fn expect(input: &mut BufReader<OwnedReadHalf>, code: &str) -> anyhow::Result<()> {
    let mut line = String::new();
    loop {
        line.clear();
        input.read_line(&mut line).await?;
        ensure!(line.starts_with(code), "the sink answered {:?}", line.trim_end());
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(());
        }
    }
}

/// A mail with its final dot.
fn text(octets: usize) -> Vec<u8> {
    let mut text = b"From: <series@example.com>\r\nTo: <reader@example.org>\r\nSubject: ceiling\r\n\r\n".to_vec();
    while text.len() + 5 < octets {
        let line = (octets - text.len() - 5).clamp(1, 74);
        text.resize(text.len() + line, b'x');
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b".\r\n");
    text
}
