//! `POST /v1/messages/batch` with 1,000 messages a call.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Result;
use bytes::Bytes;
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::{BODY, number};
use crate::bench::{Scale, rate};
use crate::customer::Customer;
use crate::http::Connection;
use crate::measure::cpu::Cpu;
use crate::report::{Bar, Report};

const BATCH: usize = 1_000;
/// Calls under way at a time.
const CLIENTS: usize = 4;

/// Messages accepted a second.
pub async fn measure(customer: &Customer, scale: Scale, report: &mut Report) -> Result<()> {
    let calls = scale.of(100);
    // Made beforehand: writing JSON is not what is measured.
    let bodies: Vec<Bytes> = (0..=calls).map(batch).collect();
    Connection::open(customer.api).await?.accepted("/v1/messages/batch", &customer.key, bodies[calls].clone()).await?;
    let next = AtomicUsize::new(0);
    let (cpu, start) = (Cpu::now(), Instant::now());
    let clients = (0..CLIENTS).map(|_| async {
        let mut connection = Connection::open(customer.api).await?;
        while let Some(body) = bodies[..calls].get(next.fetch_add(1, Ordering::Relaxed)) {
            connection.accepted("/v1/messages/batch", &customer.key, body.clone()).await?;
        }
        Ok::<_, anyhow::Error>(())
    });
    try_join_all(clients).await?;
    let accepted = rate(calls * BATCH, start.elapsed());
    report.figure("POST /v1/messages/batch of 1,000", accepted, "messages/s", Some(Bar::AtLeast(10_000.0)));
    report.remark(format!("batch, {CLIENTS} calls at a time; cores used: {}", cpu.since()));
    Ok(())
}

fn batch(n: usize) -> Bytes {
    let messages: Vec<Value> = (0..BATCH).map(|i| json!({"to": number(n * BATCH + i), "body": BODY})).collect();
    json!({"messages": messages}).to_string().into()
}
