//! The dispatcher alone: Redis and the lane scripts, without a ledger, over a thousand tenants.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use patchbay_queue::lanes::Window;
use patchbay_queue::{Envelope, Lanes};
use uuid::Uuid;

use super::Plan;
use super::median::median;
use super::ours::World;
use crate::bench::rate;
use crate::measure::cpu::Cpu;
use crate::measure::redis_stats::RedisStats;
use crate::report::{Bar, Report};

const QUEUE: &str = "bench-lanes";
const TENANTS: usize = 1_000;
/// Claimers at a time, as two workers would be.
const CLAIMERS: usize = 2;
/// A worker with this many free slots asks for so many.
const CLAIM: usize = 256;

/// In rounds.
pub async fn measure(plan: Plan, report: &mut Report) -> Result<()> {
    let world = World::new().await?;
    let (mut pushes, mut claims) = (Vec::new(), Vec::new());
    let mut measured = Ok(());
    for round in 0..plan.rounds {
        match once(&world, plan.drain, report, round == 0).await {
            Ok((push, claim)) => {
                pushes.push(push);
                claims.push(claim);
            }
            Err(error) => measured = Err(error),
        }
    }
    world.end().await?;
    measured?;
    report.figure("dispatcher alone: push", median(&pushes).unwrap_or_default(), "jobs/s", None);
    let name = "dispatcher alone: claim and ack, 1,000 tenants";
    report.figure(name, median(&claims).unwrap_or_default(), "jobs/s", Some(Bar::AtLeast(40_000.0)));
    Ok(())
}

/// Pushes jobs of many tenants, then claims and acknowledges them all; answers both rates.
async fn once(world: &World, count: usize, report: &mut Report, remark: bool) -> Result<(f64, f64)> {
    let tenants = world.tenants(TENANTS);
    let jobs: Vec<Envelope> = (0..count).map(|n| Envelope::from(&world.job(tenants[n % TENANTS], ""))).collect();
    let lanes = &world.lanes;
    lanes.forget(QUEUE).await?;
    // What a keeper does once it has told Redis the pauses and limits; no keeper knows this queue.
    lanes.open(QUEUE, false).await?;
    let window = Window { lane: count, queue: count };

    let redis = RedisStats::now(&world.place.redis).await?;
    let start = Instant::now();
    let pushes = jobs.chunks(count.div_ceil(CLAIMERS)).map(|part| lanes.push(QUEUE, part, window, start));
    let taken: usize = try_join_all(pushes).await?.into_iter().sum();
    let pushed = start.elapsed();
    ensure!(taken == count, "{taken} of {count} jobs were pushed");
    if remark {
        report.remark(format!("push: {}", redis.since().await?));
    }

    let (redis, cpu) = (RedisStats::now(&world.place.redis).await?, Cpu::now());
    let start = Instant::now();
    let claimed: usize = try_join_all((0..CLAIMERS).map(|n| claim_all(lanes, n))).await?.into_iter().sum();
    let took = start.elapsed();
    ensure!(claimed == count, "{claimed} of {count} jobs were claimed");
    if remark {
        report.remark(format!("claim and ack: {}", redis.since().await?));
        report.remark(format!("claim and ack, cores used: {}", cpu.since()));
    }
    lanes.forget(QUEUE).await?;
    Ok((rate(count, pushed), rate(count, took)))
}

async fn claim_all(lanes: &Lanes, n: usize) -> Result<usize> {
    let mut total = 0;
    loop {
        let claimed = lanes.claim(QUEUE, CLAIM, Duration::from_secs(30), &format!("bench-{n}")).await?;
        if claimed.jobs.is_empty() {
            return Ok(total);
        }
        let leases: Vec<(Uuid, i64)> = claimed.jobs.iter().map(|job| (job.id, job.token)).collect();
        total += lanes.ack(QUEUE, &leases).await?;
    }
}
