//! Enqueueing one by one, each in a transaction of its tenant: what every request pays.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Result;
use futures_util::future::try_join_all;
use patchbay_db::ids::TenantId;

use super::world::World;
use crate::bench::{Scale, rate};
use crate::measure::cpu::Cpu;
use crate::report::Report;

/// One client after the other's answer, and sixteen at a time.
pub async fn measure(world: &World, scale: Scale, report: &mut Report) -> Result<()> {
    let tenant = world.tenant();
    for (clients, full) in [(1, 4_000), (16, 20_000)] {
        let count = scale.of(full);
        let (cpu, start) = (Cpu::now(), Instant::now());
        let left = AtomicUsize::new(count);
        try_join_all((0..clients).map(|_| enqueue(world, tenant, &left))).await?;
        let name = format!("enqueue one by one, {clients} at a time");
        report.figure(&name, rate(count, start.elapsed()), "jobs/s", None);
        report.remark(format!("{name}, cores used: {}", cpu.since()));
    }
    let worker = world.work();
    world.all_done().await?;
    worker.stop().await
}

async fn enqueue(world: &World, tenant: TenantId, left: &AtomicUsize) -> Result<()> {
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        let mut tx = world.db.begin(tenant).await?;
        tx.enqueue(world.job(tenant, None)).await?;
        tx.commit().await?;
    }
    Ok(())
}
