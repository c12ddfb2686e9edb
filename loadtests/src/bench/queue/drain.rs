//! Enqueueing a backlog in bulk, and working it off: ledger, dispatcher, keeper and worker together.

use std::time::Instant;

use anyhow::Result;
use patchbay_queue::NewJob;

use super::world::World;
use crate::bench::{Scale, rate};
use crate::measure::cpu::Cpu;
use crate::measure::redis_stats::RedisStats;
use crate::report::Report;

const TENANTS: usize = 100;
/// Jobs of one transaction.
const BATCH: usize = 1_000;

/// A backlog of 100,000 jobs over 100 tenants.
pub async fn measure(world: &World, scale: Scale, report: &mut Report) -> Result<()> {
    let count = scale.of(100_000);
    let tenants: Vec<_> = (0..TENANTS).map(|_| world.tenant()).collect();
    let jobs: Vec<NewJob> = (0..count).map(|n| world.job(tenants[n % TENANTS], None)).collect();

    let cpu = Cpu::now();
    let start = Instant::now();
    for batch in jobs.chunks(BATCH) {
        let mut tx = world.db.system("a bench's backlog").await?;
        tx.enqueue_all(batch.to_vec()).await?;
        tx.commit().await?;
    }
    report.figure("enqueue, 1,000 a transaction", rate(count, start.elapsed()), "jobs/s", None);
    report.remark(format!("enqueue, cores used: {}", cpu.since()));

    let (redis, cpu) = (RedisStats::now(&world.redis).await?, Cpu::now());
    let start = Instant::now();
    let worker = world.work();
    worker.until(count).await;
    let ran = start.elapsed();
    world.all_done().await?;
    let took = start.elapsed();
    report.figure("drain of no-op jobs, 100 tenants, one worker", rate(count, took), "jobs/s", None);
    report.remark(format!(
        "drain: all had run after {:.2} s, all outcomes were written after {:.2} s",
        ran.as_secs_f64(),
        took.as_secs_f64()
    ));
    report.remark(format!("drain: {}", redis.since().await?));
    report.remark(format!("drain, cores used: {}", cpu.since()));
    // A refill that read the ledger just before an outcome was written brings back what is done.
    report.figure(
        "drain: runs beyond one for each job",
        f64::from(u32::try_from(worker.runs() - count)?),
        "runs",
        None,
    );
    worker.stop().await
}
