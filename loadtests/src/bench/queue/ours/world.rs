//! A database, a namespace, a keeper and workers of ours.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use patchbay_db::ids::TenantId;
use patchbay_db::{Db, DbConfig, Ids, Pools};
use patchbay_queue::lanes::{PauseScope, Window};
use patchbay_queue::ledger::controls;
use patchbay_queue::{Dispatcher, Enqueuer, JobRequest, Keeper, KeeperSettings, Lanes, NewJob};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::job::{Nothing, QUEUE};
use super::worker::{Work, Worker};
use crate::bench::queue::field::{CONCURRENCY, Place, SINGLE_CALLS};
use crate::{clock, stack};

/// What the engine needs to run.
pub struct World {
    /// The way into the database; enqueues as the product does.
    pub db: Db,
    /// The dispatcher's side.
    pub lanes: Lanes,
    /// Where it all is.
    pub place: Place,
    enqueuer: Enqueuer,
    pools: Pools,
    begin: Instant,
    stop: CancellationToken,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

impl World {
    /// A migrated database, an empty namespace, a keeper at work; some jobs have run, so that the queue is open, statements
    /// are prepared and pools are filled.
    pub async fn new() -> Result<Self> {
        let place = Place::fresh().await?;
        patchbay_db::migrate::up(&place.database.url().to_owned().into()).await?;
        let (pools, lanes) = connect(place.database.url(), &place.redis, place.namespace.name())?;
        let dispatcher = Dispatcher::start(lanes.clone(), Window::default());
        let enqueuer = Enqueuer::new(pools.system().clone(), dispatcher.clone());
        let db = Db::new(pools.clone(), Ids::new(stack::random()), dispatcher);
        let stop = CancellationToken::new();
        let keeper = Keeper::new(lanes.clone(), pools.system().clone(), KeeperSettings::new("bench"));
        let keeper = Mutex::new(Some(tokio::spawn(keeper.run(stop.clone()))));
        let this = Self { db, lanes, place, enqueuer, pools, begin: Instant::now(), stop, keeper };
        this.warm_up().await?;
        Ok(this)
    }

    /// A new tenant; the engine knows tenants only as ids.
    pub fn tenant(&self) -> TenantId {
        self.db.new_id(clock::now())
    }

    /// So many new tenants.
    pub fn tenants(&self, count: usize) -> Vec<TenantId> {
        (0..count).map(|_| self.tenant()).collect()
    }

    /// A job of `tenant` that waits in its lane `lane`.
    pub fn job(&self, tenant: TenantId, lane: &str) -> NewJob {
        self.job_at(tenant, lane, 0)
    }

    fn job_at(&self, tenant: TenantId, lane: &str, at_us: u64) -> NewJob {
        let id = self.db.ids().uuid(clock::now());
        JobRequest::new(id, tenant.into(), Nothing::new(at_us)).lane(lane).into()
    }

    /// A worker in this process, for jobs that do nothing.
    pub fn work(&self) -> Worker {
        self.work_as(CONCURRENCY, Duration::ZERO)
    }

    /// A worker in this process for so many jobs at a time, each of which waits a while.
    pub fn work_as(&self, concurrency: usize, wait: Duration) -> Worker {
        let name = format!("bench-{}", Uuid::from(self.tenant()));
        Worker::start(self.lanes.clone(), &self.pools, Work { name, concurrency, wait, begin: self.begin })
    }

    /// A job of this instant.
    fn job_now(&self, tenant: TenantId, lane: &str) -> NewJob {
        let at = u64::try_from(self.begin.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.job_at(tenant, lane, at.max(1))
    }

    /// Enqueues one job of this instant and nothing else, as the peers do.
    pub async fn enqueue(&self, tenant: TenantId, lane: &str) -> Result<()> {
        self.enqueuer.enqueue(self.job_now(tenant, lane)).await?;
        Ok(())
    }

    /// Enqueues one in its tenant's transaction: what a request pays that has something else to write.
    pub async fn enqueue_in_transaction(&self, tenant: TenantId, lane: &str) -> Result<()> {
        let mut tx = self.db.begin(tenant).await?;
        tx.enqueue(self.job_now(tenant, lane)).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn warm_up(&self) -> Result<()> {
        self.run_one_each(&[self.tenant(); SINGLE_CALLS], "").await
    }

    /// Enqueues a job for each of `tenants` at the same time, and runs them.
    pub async fn run_one_each(&self, tenants: &[TenantId], lane: &str) -> Result<()> {
        futures_util::future::try_join_all(tenants.iter().map(|tenant| self.enqueue(*tenant, lane))).await?;
        let worker = self.work();
        self.all_done().await?;
        worker.stop().await
    }

    /// Lets nothing start until [`resume`](Self::resume).
    pub async fn pause(&self) -> Result<()> {
        let mut tx = self.db.system("a bench's pause").await?;
        controls::pause(&mut tx, QUEUE, &PauseScope::Queue, None, "a backlog comes first", "bench").await?;
        tx.commit().await?;
        Ok(self.lanes.pause(QUEUE, &PauseScope::Queue, None).await?)
    }

    /// Lets jobs start again, at once.
    pub async fn resume(&self) -> Result<()> {
        let mut tx = self.db.system("a bench's pause is over").await?;
        controls::resume(&mut tx, QUEUE, &PauseScope::Queue).await?;
        tx.commit().await?;
        Ok(self.lanes.resume(QUEUE, &PauseScope::Queue).await?)
    }

    /// Waits until so many jobs wait in Redis.
    pub async fn all_here(&self, count: usize) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(60);
        while self.lanes.queue_stats(QUEUE).await?.waiting < u64::try_from(count)? {
            anyhow::ensure!(Instant::now() < until, "{count} jobs were not in Redis within a minute");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Jobs that have not ended, by the ledger.
    pub async fn unfinished(&self) -> Result<i64> {
        let client = self.place.database.observe().await?;
        let row = client.query_one("SELECT count(*) FROM queue.jobs WHERE state = 'waiting'", &[]).await?;
        Ok(row.get(0))
    }

    /// Waits until every job has ended in the ledger.
    pub async fn all_done(&self) -> Result<()> {
        let client = self.place.database.observe().await?;
        let until = Instant::now() + Duration::from_secs(300);
        loop {
            let row = client.query_one("SELECT EXISTS (SELECT FROM queue.jobs WHERE state = 'waiting')", &[]).await?;
            if !row.get::<_, bool>(0) {
                return Ok(());
            }
            anyhow::ensure!(
                Instant::now() < until,
                "{} jobs did not end within five minutes",
                self.unfinished().await?
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Tidies up.
    pub async fn end(self) -> Result<()> {
        self.stop.cancel();
        let keeper = self.keeper.lock().expect("no holder of this lock can panic").take();
        if let Some(keeper) = keeper {
            keeper.await.context("the keeper panicked")?;
        }
        self.pools.close();
        self.place.leave().await
    }
}

/// The pools and the lanes of a process that works in a world; one connection for each caller of the application's role, so
/// that their commits share the disk.
pub fn connect(postgres: &str, redis: &str, namespace: &str) -> Result<(Pools, Lanes)> {
    let config = DbConfig { app_connections: SINGLE_CALLS, ..DbConfig::new(postgres.to_owned()) };
    Ok((Pools::new(&config)?, Lanes::connect(redis, namespace)?))
}
