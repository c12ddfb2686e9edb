//! apalis-redis 1.0, fed in portions: with 8,000 or more due jobs its fetch script fails for good ("too many results to
//! unpack"), so never more than [`PORTION`] wait while a worker runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use apalis_core::backend::TaskSink;
use apalis_core::backend::ext::BackendExt;
use apalis_core::error::BoxDynError;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::ext::parallelize::ParallelizeExt;
use apalis_redis::{Config, ConnectionManager, RedisStorage};
use async_trait::async_trait;

use super::Nothing;
use super::running::Running;
use super::seen::Seen;
use super::steady::Steady;
use crate::bench::queue::field::Place;
use crate::bench::queue::field::{BATCH, BULK_CALLS, Contender, RATE, SINGLE_CALLS, Spread};
use crate::bench::queue::turns::turns;
use crate::measure::open_loop;

/// Jobs that wait at a time.
const PORTION: usize = 5_000;
/// How often an idle worker looks.
const POLL: Duration = Duration::from_millis(2);

/// It, in a place of its own.
pub struct Redis {
    place: Place,
    conn: ConnectionManager,
}

impl Redis {
    /// Connects.
    pub async fn open() -> Result<Self> {
        let place = Place::fresh().await?;
        let conn = apalis_redis::connect(place.redis.as_str()).await?;
        Ok(Self { place, conn })
    }

    fn config(&self) -> Config {
        // The queue's name is the beginning of all its keys.
        let config = Config::default().queue(self.place.namespace.name()).batch_size(BATCH);
        Config { emit_events: false, lock_tasks: false, ..config }
    }

    fn storage(&self) -> RedisStorage<Nothing> {
        RedisStorage::new(self.conn.clone()).with_config(self.config())
    }

    fn work(&self, name: &str, seen: &Arc<Seen>) -> Running {
        let seen = seen.clone();
        let backend = self.storage().poll_with_strategy(Steady::new(POLL));
        let worker = WorkerBuilder::new(name).backend(backend).parallelize(tokio::spawn).build(move |job: Nothing| {
            let seen = seen.clone();
            async move {
                seen.run(&job).await;
                Ok::<(), BoxDynError>(())
            }
        });
        Running::start(|until| worker.run_until(until))
    }

    /// Waits until so many are noted as done.
    async fn all_done(&mut self, count: usize) -> Result<()> {
        let key = format!("{}:done", self.place.namespace.name());
        loop {
            let done: usize = redis::cmd("SCARD").arg(&key).query_async(&mut self.conn).await?;
            if done >= count {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

#[async_trait]
impl Contender for Redis {
    async fn enqueue(&mut self, count: usize) -> Result<Duration> {
        let start = Instant::now();
        turns(count / BATCH, BULK_CALLS, |_| {
            let mut storage = self.storage();
            async move { Ok(storage.push_bulk(vec![Nothing::new(0); BATCH]).await?) }
        })
        .await?;
        let took = start.elapsed();
        // No worker could ever fetch from so many.
        self.place.namespace.remove().await?;
        Ok(took)
    }

    /// Only the draining of the portions is counted, not their feeding.
    async fn drain(&mut self, count: usize) -> Result<Duration> {
        let mut took = Duration::ZERO;
        let mut done = 0;
        while done < count {
            let portion = PORTION.min(count - done);
            for _ in 0..portion.div_ceil(BATCH) {
                self.storage().push_bulk(vec![Nothing::new(0); BATCH.min(portion)]).await?;
            }
            let seen = Arc::new(Seen::new(false));
            let start = Instant::now();
            let worker = self.work(&format!("bench-{done}"), &seen);
            seen.until(portion).await;
            done += portion;
            self.all_done(done).await?;
            took += start.elapsed();
            worker.stop().await?;
        }
        Ok(took)
    }

    async fn one_by_one(&mut self, count: usize) -> Result<Duration> {
        let push = |_| {
            let mut storage = self.storage();
            async move { Ok(storage.push(Nothing::new(0)).await?) }
        };
        // Connections are made before the clock runs.
        turns(SINGLE_CALLS, SINGLE_CALLS, push).await?;
        let start = Instant::now();
        turns(count, SINGLE_CALLS, push).await?;
        Ok(start.elapsed())
    }

    async fn latency(&mut self, count: usize) -> Result<Spread> {
        let seen = Arc::new(Seen::new(false));
        let worker = self.work("bench", &seen);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (storage, clock) = (self.storage(), seen.clone());
        let outcome = open_loop::run(RATE, count, move |_, _| {
            let (mut storage, job) = (storage.clone(), clock.job());
            async move { Ok(storage.push(job).await?) }
        })
        .await;
        anyhow::ensure!(outcome.failed == 0, "{:?}", outcome.errors);
        seen.until(count).await;
        worker.stop().await?;
        Ok(seen.spread())
    }

    async fn behind(&mut self) -> Result<Duration> {
        anyhow::bail!("it cannot hold a backlog")
    }

    fn place(&self) -> &Place {
        &self.place
    }

    async fn close(self: Box<Self>) -> Result<()> {
        self.place.leave().await
    }
}
