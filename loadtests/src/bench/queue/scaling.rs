//! One, two and four worker processes with jobs that wait 20 ms: nobody holds up anybody, so twice the workers do twice
//! the work, until the processors are full. And what such a process weighs when it has nothing to wait for.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Plan;
use super::field::CONCURRENCY;
use super::median::median;
use super::ours::World;
use super::ours::process::Process;
use crate::bench::rate;
use crate::measure::cpu::Cpu;
use crate::report::{Bar, Report};

const WAIT: Duration = Duration::from_millis(20);
/// Jobs at a time in each process: 1,600 a second at the most.
const SLOTS: usize = 32;
const TENANTS: usize = 100;
const WORKERS: [usize; 3] = [1, 2, 4];

/// The rates of one, two and four, in rounds.
pub async fn measure(plan: Plan, report: &mut Report) -> Result<()> {
    let mut rates: [Vec<f64>; 3] = Default::default();
    for round in 0..plan.rounds {
        for (workers, rates) in WORKERS.into_iter().zip(&mut rates) {
            let world = World::new().await?;
            let measured = work_off(&world, workers, plan.scaling * workers).await;
            world.end().await?;
            let (rate, cpu) = measured?;
            rates.push(rate);
            if round == 0 {
                report.remark(format!("{workers} worker processes, cores used: {cpu}"));
            }
        }
    }
    let one = median(&rates[0]).unwrap_or_default();
    report.figure(&format!("1 worker process, {SLOTS} jobs of 20 ms at a time"), one, "jobs/s", None);
    for (workers, rates) in WORKERS.into_iter().zip(&rates).skip(1) {
        let linear = one * f64::from(u32::try_from(workers)?);
        let name = format!("{workers} worker processes");
        let against = format!("{workers} x one");
        report.compared(
            &name,
            median(rates).unwrap_or_default(),
            "jobs/s",
            (&against, linear),
            Some(Bar::AtLeast(0.9)),
        );
    }
    Ok(())
}

async fn enqueue(world: &World, count: usize) -> Result<()> {
    let tenants = world.tenants(TENANTS);
    let mut tx = world.db.system("a bench's backlog").await?;
    tx.enqueue_all((0..count).map(|n| world.job(tenants[n % TENANTS], "")).collect()).await?;
    tx.commit().await?;
    Ok(())
}

/// All processes run, and all jobs wait, before the first is let go: what is measured is work.
async fn work_off(world: &World, workers: usize, count: usize) -> Result<(f64, String)> {
    let starts = (0..workers).map(|_| Process::start(world, SLOTS, WAIT));
    let processes = futures_util::future::try_join_all(starts).await?;
    world.pause().await?;
    enqueue(world, count).await?;
    world.all_here(count).await?;
    let (cpu, start) = (Cpu::now(), Instant::now());
    world.resume().await?;
    world.all_done().await?;
    let measured = (rate(count, start.elapsed()), cpu.since());
    for process in processes {
        process.end().await?;
    }
    Ok(measured)
}

/// The peak memory of a worker process that works off a backlog as fast as it can.
pub async fn weigh(plan: Plan, report: &mut Report) -> Result<()> {
    let mut peaks = Vec::new();
    for _ in 0..plan.rounds {
        let world = World::new().await?;
        let peak = peak(&world, plan.drain).await;
        world.end().await?;
        peaks.extend(peak?);
    }
    if let Some(peak) = median(&peaks) {
        report.figure("worker process at full speed, peak resident", peak, "MB", Some(Bar::AtMost(60.0)));
    }
    Ok(())
}

async fn peak(world: &World, count: usize) -> Result<Option<f64>> {
    for _ in 0..count.div_ceil(10_000) {
        enqueue(world, count.min(10_000)).await?;
    }
    let process = Process::start(world, CONCURRENCY, Duration::ZERO).await?;
    world.all_done().await.context("a worker process at full speed")?;
    let peak = process.peak_memory_mb();
    process.end().await?;
    Ok(peak)
}
