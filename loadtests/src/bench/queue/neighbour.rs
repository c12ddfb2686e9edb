//! A noisy neighbour: one tenant has filled the pool and a million jobs wait behind; another's single job has to start soon.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Plan;
use super::field::{NEIGHBOUR, POOL};
use super::median::median;
use super::ours::{QUEUE, World, seed};
use crate::measure::latency::Latencies;
use crate::report::{Bar, Report};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// So many tries into the same backlog, a few times over.
pub async fn measure(plan: Plan, report: &mut Report) -> Result<()> {
    let world = World::new().await?;
    let measured = measure_in(&world, plan, report).await;
    world.end().await?;
    measured
}

async fn measure_in(world: &World, plan: Plan, report: &mut Report) -> Result<()> {
    seed::backlog(world, &[world.tenant()], plan.neighbour, "waiting").await?;
    let worker = world.work_as(POOL, NEIGHBOUR);
    // The pool is full once the keeper has found the backlog.
    worker.until(POOL * 10).await;
    let (quiet, mut p99s, mut looks) = (world.tenant(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let mut waits = Vec::new();
        for _ in 0..plan.tries {
            let stats = world.lanes.queue_stats(QUEUE).await?;
            looks.push((stats.running.min(POOL as u64), stats.waiting));
            world.enqueue(quiet, "").await?;
            let waited = tokio::time::timeout(Duration::from_secs(60), worker.next_wait()).await;
            waits.push(waited.context("a quiet tenant's job did not start within a minute")?);
            tokio::time::sleep(PAUSE).await;
        }
        let waits = Latencies::of(&waits);
        report.remark(format!("noisy neighbour: enqueue to start: {}", waits.summary()));
        p99s.push(waits.percentile_ms(99.0));
    }
    let (ran, left) = (worker.runs(), world.unfinished().await?);
    let here = world.lanes.queue_stats(QUEUE).await?.waiting;
    report.remark(format!("noisy neighbour: {ran} jobs ran meanwhile, {left} still waited, {here} of them in Redis"));
    ensure!(left > 0, "the backlog was worked off before the tries were over");
    // A job beside free slots waits for nobody, and proves nothing; nor does one with nobody before it in Redis.
    let tries = u64::try_from(looks.len())?;
    let busy: u64 = looks.iter().map(|(running, _)| running).sum();
    let full = looks.iter().filter(|(running, _)| *running == POOL as u64).count();
    let dry = looks.iter().filter(|(_, waiting)| *waiting == 0).count();
    report.remark(format!(
        "noisy neighbour: of {tries} tries {full} found no free slot, {dry} nobody before them in Redis"
    ));
    let percent = |part: u64, whole: u64| -> Result<f64> { Ok(f64::from(u32::try_from(part * 100 / whole.max(1))?)) };
    let name = format!("noisy neighbour: slots of the {POOL} that are in use at a try");
    report.figure(&name, percent(busy, tries * POOL as u64)?, "%", Some(Bar::AtLeast(90.0)));
    let name = "noisy neighbour: tries that found others before them in Redis";
    report.figure(name, percent(tries - u64::try_from(dry)?, tries)?, "%", Some(Bar::AtLeast(99.0)));
    let name = format!("noisy neighbour: start beside {} waiting, p99 of {} tries", plan.neighbour, plan.tries);
    report.figure(&name, median(&p99s).unwrap_or_default(), "ms", Some(Bar::AtMost(50.0)));
    worker.stop().await
}
