//! `POST /v1/messages` at a steady 300 requests a second: from the instant a request was due to its whole answer.

use std::sync::Arc;

use anyhow::{Result, ensure};

use super::message;
use crate::bench::Scale;
use crate::customer::Customer;
use crate::http::Connections;
use crate::measure::cpu::Cpu;
use crate::measure::latency::Latencies;
use crate::measure::open_loop;
use crate::report::{Bar, Report};
use crate::stack::Stack;

const RATE: f64 = 300.0;
const LIMIT_MS: f64 = 25.0;

/// While everything runs: what is accepted is sent, and receipts come in beside the requests.
pub async fn measure(stack: &Stack, scale: Scale, report: &mut Report) -> Result<()> {
    let customer = Customer::sign_up(stack).await?;
    customer.add_account().await?;
    steady(&customer, scale, "300/s, sending and receipts beside it", report).await
}

/// While nothing else runs.
pub async fn measure_api_alone(customer: &Customer, scale: Scale, report: &mut Report) -> Result<()> {
    steady(customer, scale, "300/s, API alone", report).await
}

async fn steady(customer: &Customer, scale: Scale, name: &str, report: &mut Report) -> Result<()> {
    let connections = Arc::new(Connections::new(customer.api));
    let all = Arc::new(Latencies::new());
    let load = |count: usize, seen: &Arc<Latencies>| {
        let (connections, seen, key) = (connections.clone(), seen.clone(), customer.key.clone());
        open_loop::run(RATE, count, move |n, due| {
            let (connections, seen, key) = (connections.clone(), seen.clone(), key.clone());
            async move {
                let mut connection = connections.take().await?;
                connection.accepted("/v1/messages", &key, message(n)).await?;
                seen.record(due.elapsed());
                connections.give_back(connection);
                Ok(())
            }
        })
    };
    // Statements are prepared and pools filled by the first second.
    load(300, &Arc::new(Latencies::new())).await;
    let cpu = Cpu::now();
    let outcome = load(scale.of(9_000), &all).await;
    ensure!(outcome.failed == 0, "{} requests failed: {:?}", outcome.failed, outcome.errors);
    report.figure(&format!("POST /v1/messages at {name}: p50"), all.percentile_ms(50.0), "ms", None);
    report.figure(
        &format!("POST /v1/messages at {name}: p99"),
        all.percentile_ms(99.0),
        "ms",
        Some(Bar::AtMost(LIMIT_MS)),
    );
    report.remark(format!("{name}: {}; cores used: {}", all.summary(), cpu.since()));
    Ok(())
}
