//! `POST /v1/messages` as fast as it goes, beside pgbench running the same inserts.
//!
//! pgbench has as many clients as the API has connections to the database, and runs half before and half after the API, so
//! that neither has the smaller tables.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use tokio::time::sleep;

use super::{BODY, message};
use crate::bench::{Scale, rate};
use crate::customer::{Customer, SENDER};
use crate::http::Connection;
use crate::measure::cpu::Cpu;
use crate::postgres::Pgbench;
use crate::report::{Bar, Report};
use crate::stack::Stack;

const CONNECTIONS: usize = 64;
/// The default of `database.app_pool_max`.
const POOL: usize = 12;

/// Messages a second, each by a request of its own.
pub async fn measure(stack: &Stack, customer: &Customer, scale: Scale, report: &mut Report) -> Result<()> {
    let seconds = scale.of(20).max(2) / 2;
    let before = pgbench(stack, seconds).await?;
    let cpu = Cpu::now();
    let accepted = load(customer, Duration::from_secs(u64::try_from(2 * seconds)?)).await?;
    report.remark(format!("saturation, cores used: {}", cpu.since()));
    let after = pgbench(stack, seconds).await?;
    let name = format!("POST /v1/messages, {CONNECTIONS} connections");
    let Some((before, after)) = before.zip(after) else {
        report.figure(&name, accepted, "messages/s", None);
        report.remark("pgbench was not found: install it (it comes with PostgreSQL's server) to compare");
        return Ok(());
    };
    report.remark(format!("pgbench, {POOL} clients: {before:.0}/s before, {after:.0}/s after"));
    let inserts = f64::midpoint(before, after);
    report.compared(&name, accepted, "messages/s", ("pgbench, the same inserts", inserts), Some(Bar::AtLeast(0.5)));
    Ok(())
}

/// Closed loops on all connections; counts what is answered after a second of warming up.
async fn load(customer: &Customer, time: Duration) -> Result<f64> {
    let next = AtomicUsize::new(0);
    let counted = AtomicUsize::new(0);
    let begin = Instant::now() + Duration::from_secs(1);
    let end = begin + time;
    let loops = (0..CONNECTIONS).map(|_| async {
        let mut connection = Connection::open(customer.api).await?;
        while Instant::now() < end {
            let n = next.fetch_add(1, Ordering::Relaxed);
            connection.accepted("/v1/messages", &customer.key, message(n)).await?;
            let now = Instant::now();
            if now >= begin && now < end {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok::<_, anyhow::Error>(())
    });
    try_join_all(loops).await?;
    // What Redis is still told about must not run into what is measured next.
    sleep(Duration::from_secs(1)).await;
    Ok(rate(counted.into_inner(), time))
}

async fn pgbench(stack: &Stack, seconds: usize) -> Result<Option<f64>> {
    let client = stack.database.observe().await?;
    let row = client.query_one("SELECT tenant_id::text, id::text FROM provider_accounts", &[]).await?;
    let milliseconds = u64::try_from(crate::clock::now().timestamp_millis()).context("a clock before 1970")?;
    let script = include_str!("../../../sql/accept_message.sql")
        .replace("@tenant", row.get(0))
        .replace("@account", row.get(1))
        .replace("@sender", SENDER)
        .replace("@body", BODY)
        .replace("@prefix", &format!("{milliseconds:012x}"));
    Pgbench { script, url: stack.database.url(), clients: POOL, seconds }.run().await
}
