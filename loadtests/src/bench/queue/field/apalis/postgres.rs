//! apalis-postgres 1.0.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use apalis_core::backend::TaskSink;
use apalis_core::backend::ext::BackendExt;
use apalis_core::error::BoxDynError;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::ext::parallelize::ParallelizeExt;
use apalis_postgres::{Config, PgConnectOptions, PgPool, PostgresStorage};
use async_trait::async_trait;
use tokio_postgres::Client;

use super::Nothing;
use super::running::Running;
use super::seen::Seen;
use super::steady::Steady;
use crate::bench::queue::field::Place;
use crate::bench::queue::field::{BATCH, BULK_CALLS, Contender, RATE, SINGLE_CALLS, Spread};
use crate::bench::queue::turns::turns;
use crate::measure::open_loop;

/// Polled often, because its worker asks again only then; a notification of each job (`with_pubsub`) makes enqueueing
/// wait for PostgreSQL's one queue of notifications.
const POLL: Duration = Duration::from_millis(10);

/// Tasks of one fetch. Each fetch sorts all that waits, so larger ones are faster up to here; beyond, results are written in
/// sets so large that fetching stops meanwhile.
const FETCH: usize = 3_000;

/// It, in a place of its own.
pub struct Postgres {
    place: Place,
    pool: PgPool,
    observer: Client,
}

impl Postgres {
    /// Makes its tables.
    pub async fn open() -> Result<Self> {
        let place = Place::for_a_peer().await?;
        let options: PgConnectOptions = place.database.url().parse()?;
        // As many connections as there are callers, so that their commits share the disk.
        let pool = PgPool::connect_lazy_with(options.clone());
        let callers = u32::try_from(SINGLE_CALLS)?;
        let pool = pool.options().clone().max_connections(callers).connect_lazy_with(options);
        PostgresStorage::setup(&pool).await.context("apalis-postgres could not make its tables")?;
        let observer = place.database.connect().await?;
        Ok(Self { place, pool, observer })
    }

    fn storage(&self) -> PostgresStorage<Nothing> {
        let config = Config::default().queue("bench").batch_size(FETCH).lock_tasks(false);
        PostgresStorage::new(&self.pool).with_config(config)
    }

    fn work(&self, seen: &Arc<Seen>) -> Running {
        let seen = seen.clone();
        let backend = self.storage().poll_with_strategy(Steady::new(POLL));
        let worker =
            WorkerBuilder::new("bench").backend(backend).parallelize(tokio::spawn).build(move |job: Nothing| {
                let seen = seen.clone();
                async move {
                    seen.run(&job).await;
                    Ok::<(), BoxDynError>(())
                }
            });
        Running::start(|until| worker.run_until(until))
    }

    async fn all_done(&self) -> Result<()> {
        let sql = "SELECT EXISTS (SELECT FROM apalis.jobs WHERE status IN ('Pending', 'Queued', 'Running'))";
        while self.observer.query_one(sql, &[]).await?.get::<_, bool>(0) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

#[async_trait]
impl Contender for Postgres {
    async fn enqueue(&mut self, count: usize) -> Result<Duration> {
        let start = Instant::now();
        turns(count / BATCH, BULK_CALLS, |_| {
            let mut storage = self.storage();
            async move { Ok(storage.push_bulk(vec![Nothing::new(0); BATCH]).await?) }
        })
        .await?;
        Ok(start.elapsed())
    }

    async fn drain(&mut self, count: usize) -> Result<Duration> {
        let seen = Arc::new(Seen::new(false));
        let start = Instant::now();
        let worker = self.work(&seen);
        seen.until(count).await;
        self.all_done().await?;
        let took = start.elapsed();
        worker.stop().await?;
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
        let worker = self.work(&seen);
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
        let seen = Arc::new(Seen::new(true));
        let worker = self.work(&seen);
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.storage().push(seen.job()).await?;
        let waited = seen.first().await;
        worker.stop().await?;
        Ok(waited)
    }

    fn place(&self) -> &Place {
        &self.place
    }

    async fn close(self: Box<Self>) -> Result<()> {
        // Not waited for: the database is dropped under what is left of it.
        drop(self.pool);
        self.place.leave().await
    }
}
