//! A reader's way, in a real browser: Chromium, driven by chromedriver, against `regimen demo`.
//!
//! Nothing here sleeps for a fixed time: each step waits for what it needs to see, up to a deadline.
mod accessible;
mod admin_stories;
mod admins;
mod browser;
mod critic;
mod demo;
mod embed;
mod every_page;
mod first_view;
mod guards;
mod host;
mod keyboard;
mod pictures;
mod process;
mod scanner;
mod share;
mod steering;
mod story;
mod voices;
mod without_scripts;

use std::time::{Duration, Instant};

/// How long anything may take before the test fails: far longer than it does take, for slow machines.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks again and again until there is an answer.
async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
