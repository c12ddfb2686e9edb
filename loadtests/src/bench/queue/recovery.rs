//! A worker is killed with its hands full and started again: how long until everything is done.
//!
//! The clock runs from the start of the new process. What the dead one held comes back when its leases have run out.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Plan;
use super::median::median;
use super::ours::process::Process;
use super::ours::{QUEUE, World};
use crate::report::{Bar, Report};

/// How long a job takes.
const WAIT: Duration = Duration::from_millis(200);
const TENANTS: usize = 10;

/// One kill a round, each in a new world.
pub async fn measure(plan: Plan, report: &mut Report) -> Result<()> {
    let mut seconds = Vec::new();
    for _ in 0..plan.rounds {
        let world = World::new().await?;
        let took = kill(&world, plan, report).await;
        world.end().await?;
        seconds.push(took?.as_secs_f64());
    }
    let name = format!("kill -9 with {} of {} in flight: all done after the restart", plan.in_flight, plan.recovery);
    report.figure(&name, median(&seconds).unwrap_or_default(), "s", Some(Bar::AtMost(15.0)));
    Ok(())
}

async fn kill(world: &World, plan: Plan, report: &mut Report) -> Result<Duration> {
    let tenants = world.tenants(TENANTS);
    let mut tx = world.db.system("a bench's backlog").await?;
    tx.enqueue_all((0..plan.recovery).map(|n| world.job(tenants[n % TENANTS], "")).collect()).await?;
    tx.commit().await?;
    let doomed = Process::start(world, plan.in_flight, WAIT).await?;
    let until = Instant::now() + Duration::from_secs(60);
    let held = loop {
        let held = world.lanes.queue_stats(QUEUE).await?.running;
        if held >= u64::try_from(plan.in_flight)? {
            break held;
        }
        ensure!(Instant::now() < until, "only {held} jobs were in flight within a minute");
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    doomed.kill().await?;
    let left = world.unfinished().await?;
    let start = Instant::now();
    let next = Process::start(world, plan.in_flight, WAIT).await?;
    world.all_done().await.context("after a kill")?;
    let took = start.elapsed();
    report.remark(format!("kill -9: {held} in flight, {left} not done; all done {took:.1?} after the restart"));
    next.end().await?;
    Ok(took)
}
