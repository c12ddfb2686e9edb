//! Our engine as one of the field: jobs of a hundred tenants, all limits on, every job committed in PostgreSQL.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use async_trait::async_trait;
use patchbay_db::ids::TenantId;
use patchbay_queue::NewJob;

use super::limits::{self, LANE};
use super::world::World;
use crate::bench::queue::field::{BATCH, BULK_CALLS, Contender, NEIGHBOUR, POOL, Place, RATE, SINGLE_CALLS, Spread};
use crate::bench::queue::turns::turns;
use crate::bench::rate;
use crate::measure::cpu::Cpu;
use crate::measure::latency::Latencies;
use crate::measure::open_loop;
use crate::measure::redis_stats::RedisStats;

const TENANTS: usize = 100;

/// It, in a place of its own.
pub struct Ours {
    world: Arc<World>,
    tenants: Vec<TenantId>,
    remarks: Vec<String>,
}

impl Ours {
    /// With the limits set and in force: a Redis that knew nothing lets nothing through a limit of running jobs before a
    /// lease's time, in which every worker says what it runs. That is the price of a flush, not of a job.
    pub async fn open() -> Result<Self> {
        let world = Arc::new(World::new().await?);
        let tenants = world.tenants(TENANTS);
        limits::set(&world, &tenants).await?;
        world.run_one_each(&tenants, LANE).await?;
        Ok(Self { world, tenants, remarks: Vec::new() })
    }

    async fn insert(&self, jobs: Vec<NewJob>) -> Result<()> {
        let mut tx = self.world.db.system("a bench's backlog").await?;
        tx.enqueue_all(jobs).await?;
        tx.commit().await?;
        Ok(())
    }
}

#[async_trait]
impl Contender for Ours {
    async fn enqueue(&mut self, count: usize) -> Result<Duration> {
        let cpu = Cpu::now();
        let start = Instant::now();
        turns(count / BATCH, BULK_CALLS, |call| {
            let job = |n: usize| self.world.job(self.tenants[(call * BATCH + n) % TENANTS], LANE);
            self.insert((0..BATCH).map(job).collect())
        })
        .await?;
        let took = start.elapsed();
        self.remarks.push(format!("bulk, cores used: {}", cpu.since()));
        Ok(took)
    }

    async fn drain(&mut self, count: usize) -> Result<Duration> {
        let (redis, cpu) = (RedisStats::now(&self.world.place.redis).await?, Cpu::now());
        let start = Instant::now();
        let worker = self.world.work();
        worker.until(count).await;
        let ran = start.elapsed();
        self.world.all_done().await?;
        let took = start.elapsed();
        self.remarks.push(format!("drain: all had run after {ran:.2?}, all outcomes were written after {took:.2?}"));
        self.remarks.push(format!("drain: {}", redis.since().await?));
        self.remarks.push(format!("drain, cores used: {}", cpu.since()));
        // Nothing crashed, so nothing may run twice.
        ensure!(worker.runs() == count, "{} runs of {count} jobs", worker.runs());
        worker.stop().await?;
        Ok(took)
    }

    async fn one_by_one(&mut self, count: usize) -> Result<Duration> {
        let cpu = Cpu::now();
        let start = Instant::now();
        turns(count, SINGLE_CALLS, |n| self.world.enqueue(self.tenants[n % TENANTS], LANE)).await?;
        let took = start.elapsed();
        self.remarks.push(format!("one by one, cores used: {}", cpu.since()));
        // Not what the peers do, and what much of a product does.
        let (cpu, start, some) = (Cpu::now(), Instant::now(), count / 4);
        turns(some, SINGLE_CALLS, |n| self.world.enqueue_in_transaction(self.tenants[n % TENANTS], LANE)).await?;
        let each = rate(some, start.elapsed());
        let cores = cpu.since();
        self.remarks
            .push(format!("one by one, in a transaction each with its tenant set: {each:.0}/s, cores used: {cores}"));
        Ok(took)
    }

    async fn latency(&mut self, count: usize) -> Result<Spread> {
        let worker = self.world.work();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let cpu = Cpu::now();
        let (world, tenants) = (self.world.clone(), self.tenants.clone());
        let outcome = open_loop::run(RATE, count, move |n, _| {
            let (world, tenant) = (world.clone(), tenants[n % TENANTS]);
            async move { world.enqueue(tenant, LANE).await }
        })
        .await;
        ensure!(outcome.failed == 0, "{} jobs were not accepted: {:?}", outcome.failed, outcome.errors);
        self.remarks.push(format!("latency, cores used: {}", cpu.since()));
        self.world.all_done().await?;
        let seen = Latencies::of(&worker.waits());
        ensure!(seen.count() == u64::try_from(count)?, "{count} jobs were accepted, {} ran", seen.count());
        let spread = Spread { p50_ms: seen.percentile_ms(50.0), p99_ms: seen.percentile_ms(99.0) };
        self.remarks.push(format!("enqueue to start: {}", seen.summary()));
        worker.stop().await?;
        Ok(spread)
    }

    async fn behind(&mut self) -> Result<Duration> {
        let worker = self.world.work_as(POOL, NEIGHBOUR);
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.world.enqueue(self.world.tenant(), LANE).await?;
        let waited = worker.next_wait().await;
        worker.stop().await?;
        Ok(waited)
    }

    fn remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }

    fn place(&self) -> &Place {
        &self.world.place
    }

    async fn close(self: Box<Self>) -> Result<()> {
        let world = Arc::into_inner(self.world);
        world.ok_or_else(|| anyhow::anyhow!("somebody still uses the bench's world"))?.end().await
    }
}
