//! From a client's wish to send to the provider's receipt of the call, at a steady 100 messages a second.
//!
//! The client's clock and the simulator's are the same machine's. Counted from the instant a request was *due*; the
//! simulator notes the millisecond in which it took the message.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::bench::Scale;
use crate::clock;
use crate::customer::Customer;
use crate::http::Connections;
use crate::measure::cpu::Cpu;
use crate::measure::latency::Latencies;
use crate::measure::open_loop;
use crate::report::{Bar, Report};
use crate::simulated::Simulated;

const RATE: f64 = 100.0;

/// Half a minute of single messages.
pub async fn measure(customer: &Customer, world: &Simulated, scale: Scale, report: &mut Report) -> Result<()> {
    // The first second opens connections and prepares statements.
    send(customer, "warming up", 100).await?;
    let cpu = Cpu::now();
    let count = scale.of(3_000);
    let due = send(customer, "measured", count).await?;
    let until = Instant::now() + Duration::from_secs(30);
    let taken = loop {
        let taken = taken(world, count).await?;
        if taken.len() == count {
            break taken;
        }
        ensure!(Instant::now() < until, "the provider was called {} times for {count} messages", taken.len());
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let all = Latencies::new();
    for (n, taken) in taken {
        let due = due.get(&n).with_context(|| format!("nobody sent message {n}"))?;
        all.record(Duration::from_millis(u64::try_from(taken - due).unwrap_or(0)));
    }
    report.figure("accept to provider call at 100/s: p50", all.percentile_ms(50.0), "ms", Some(Bar::AtMost(15.0)));
    report.figure("accept to provider call at 100/s: p99", all.percentile_ms(99.0), "ms", Some(Bar::AtMost(100.0)));
    report.remark(format!("accept to provider call: {}; cores used: {}", all.summary(), cpu.since()));
    Ok(())
}

/// Sends `count` messages; answers when each was due, in Unix milliseconds.
async fn send(customer: &Customer, word: &'static str, count: usize) -> Result<HashMap<usize, i64>> {
    let (start, start_ms) = (Instant::now(), clock::now().timestamp_millis());
    let connections = Arc::new(Connections::new(customer.api));
    let times: Arc<Mutex<HashMap<usize, i64>>> = Arc::default();
    let (key, noted) = (customer.key.clone(), times.clone());
    let outcome = open_loop::run(RATE, count, move |n, due| {
        let (connections, key) = (connections.clone(), key.clone());
        let due_ms = start_ms + i64::try_from((due - start).as_millis()).unwrap_or(i64::MAX);
        noted.lock().expect("no holder of this lock can panic").insert(n, due_ms);
        async move {
            let body = json!({"to": format!("+1415{:07}", 2_000_000 + n), "body": format!("{word} {n} ")});
            let mut connection = connections.take().await?;
            connection.accepted("/v1/messages", &key, body.to_string().into()).await?;
            connections.give_back(connection);
            Ok(())
        }
    })
    .await;
    ensure!(outcome.failed == 0, "{} messages were not accepted: {:?}", outcome.failed, outcome.errors);
    let times = times.lock().expect("no holder of this lock can panic");
    Ok(times.clone())
}

/// When the simulator took each message, in Unix milliseconds.
async fn taken(world: &Simulated, count: usize) -> Result<HashMap<usize, i64>> {
    let found = world.ask("messages", &format!("&body_contains=measured&limit={}", 2 * count)).await?;
    let messages = found["messages"].as_array().context("the simulator tells no messages")?;
    let read = |message: &Value| {
        let n = message["body"].as_str()?.split_whitespace().nth(1)?.parse().ok()?;
        Some((n, message["accepted_at_ms"].as_i64()?))
    };
    messages.iter().map(|message| read(message).with_context(|| format!("not one of ours: {message}"))).collect()
}
