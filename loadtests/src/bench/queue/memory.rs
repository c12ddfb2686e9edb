//! What Redis needs beside a backlog of millions: a bounded window of it, whatever waits in the ledger.
//!
//! All that Redis uses counts, what it used before included: that is what the bar is about. Measured once, because to fill the
//! ledger takes minutes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Plan;
use super::ours::{QUEUE, World, seed};
use crate::report::{Bar, Report};

const TENANTS: usize = 1_000;
/// No job more comes to Redis for so long: its window is full. More than two audits of the keeper.
const SETTLED: Duration = Duration::from_secs(10);

/// Fills the ledger, lets the keeper fill Redis, and weighs that.
pub async fn measure(plan: Plan, report: &mut Report) -> Result<()> {
    let world = World::new().await?;
    let measured = measure_in(&world, plan, report).await;
    world.end().await?;
    measured
}

async fn measure_in(world: &World, plan: Plan, report: &mut Report) -> Result<()> {
    let before = used_memory(&world.place.redis).await?;
    let start = Instant::now();
    seed::backlog(world, &world.tenants(TENANTS), plan.memory / TENANTS, "waiting").await?;
    report.remark(format!("{} waiting jobs were written in {:.1?}", plan.memory, start.elapsed()));
    let start = Instant::now();
    let (mut here, mut since) = (0, Instant::now());
    while here == 0 || since.elapsed() < SETTLED {
        let now = world.lanes.queue_stats(QUEUE).await?.waiting;
        if now != here {
            (here, since) = (now, Instant::now());
        }
        anyhow::ensure!(
            start.elapsed() < Duration::from_secs(300),
            "the keeper did not fill Redis within five minutes"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let filled = start.elapsed().saturating_sub(since.elapsed());
    let after = used_memory(&world.place.redis).await?;
    report.remark(format!(
        "Redis holds {here} of {} waiting jobs, after {filled:.1?}; of what it uses, {before:.1} MB were used before",
        plan.memory
    ));
    let name = format!("Redis with {} jobs waiting, {TENANTS} tenants", plan.memory);
    report.once(&name, after, "MB", Some(Bar::AtMost(64.0)));
    Ok(())
}

/// `used_memory` of Redis, in MB of 2^20 bytes.
pub async fn used_memory(url: &str) -> Result<f64> {
    let mut conn = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    let info: String = redis::cmd("INFO").arg("memory").query_async(&mut conn).await?;
    let bytes = info.lines().find_map(|line| line.strip_prefix("used_memory:")).context("INFO names no used_memory")?;
    let kilobytes = u32::try_from(bytes.trim().parse::<u64>()? / 1024)?;
    Ok(f64::from(kilobytes) / 1024.0)
}
