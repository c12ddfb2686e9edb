//! From the wish to enqueue to the start of the run, at a steady 500 a second.

use std::sync::Arc;

use anyhow::{Result, ensure};

use super::world::World;
use crate::bench::Scale;
use crate::measure::open_loop;
use crate::report::Report;

const RATE: f64 = 500.0;
const TENANTS: usize = 20;

/// Twenty seconds of arrivals; each is a transaction of one of twenty tenants.
pub async fn measure(world: &Arc<World>, scale: Scale, report: &mut Report) -> Result<()> {
    let count = scale.of(10_000);
    let worker = world.work();
    let tenants: Vec<_> = (0..TENANTS).map(|_| world.tenant()).collect();
    let accepting = world.clone();
    let outcome = open_loop::run(RATE, count, move |n, due| {
        let (world, tenant) = (accepting.clone(), tenants[n % TENANTS]);
        async move {
            let mut tx = world.db.begin(tenant).await?;
            tx.enqueue(world.job(tenant, Some(due))).await?;
            tx.commit().await?;
            Ok(())
        }
    })
    .await;
    ensure!(outcome.failed == 0, "{} jobs were not accepted: {:?}", outcome.failed, outcome.errors);
    world.all_done().await?;
    let seen = worker.latencies();
    ensure!(seen.count() == u64::try_from(count)?, "{count} jobs were accepted, {} ran", seen.count());
    report.figure("enqueue to start at 500/s: p50", seen.percentile_ms(50.0), "ms", None);
    report.figure("enqueue to start at 500/s: p99", seen.percentile_ms(99.0), "ms", None);
    report.remark(format!("enqueue to start: {}", seen.summary()));
    worker.stop().await
}
