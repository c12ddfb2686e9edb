//! The least that sending costs: a loop of requests with the same form to the same simulator.
//!
//! As many requests at a time as a worker has under way, by the same HTTP client, and with the receipts going to a server
//! that answers 204 and does nothing, so that the simulator has the same work. Done when the last receipt is in.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use reqwest::Client;

use super::sink::Sink;
use crate::customer::{Account, SENDER};
use crate::simulated::Simulated;
use crate::stack::hex;

/// What a worker has under way at most (`sends_at_once` in `workers`).
pub const CONCURRENCY: usize = 128;
/// The text of every message; one segment.
pub const BODY: &str = "Hi, thank you for asking about our homes. An agent will call you today. Reply STOP to opt out.";
/// `sent` and `delivered`.
const RECEIPTS: usize = 2;

/// From the first request to the last receipt.
pub async fn measure(like: &Simulated, count: usize) -> Result<Duration> {
    let account = Account { sid: format!("AC{}", hex::<16>()), token: hex::<16>() };
    let world = Simulated::new(like.base.clone(), account).await?;
    let sink = Sink::start().await?;
    let http = Client::builder().timeout(Duration::from_secs(15)).pool_max_idle_per_host(CONCURRENCY).build()?;
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    try_join_all((0..CONCURRENCY).map(|_| send(&http, &world, &sink, &next, count))).await?;
    sink.until(count * RECEIPTS, Duration::from_secs(120)).await?;
    Ok(start.elapsed())
}

async fn send(http: &Client, world: &Simulated, sink: &Sink, next: &AtomicUsize, count: usize) -> Result<()> {
    let url = format!("{}/2010-04-01/Accounts/{}/Messages.json", world.base, world.account.sid);
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= count {
            return Ok(());
        }
        let (to, callback) = (format!("+1415{:07}", 2_000_000 + n), sink.url(n));
        let form = [("To", to.as_str()), ("From", SENDER), ("Body", BODY), ("StatusCallback", callback.as_str())];
        let request = http.post(&url).basic_auth(&world.account.sid, Some(&world.account.token)).form(&form);
        let answer = request.send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        ensure!(status.is_success(), "the simulator answered {status}: {}", String::from_utf8_lossy(&body));
    }
}
