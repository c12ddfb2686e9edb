//! A database, a namespace and a worker for the engine's benches.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use apalis_core::worker::builder::WorkerBuilder;
use async_trait::async_trait;
use patchbay_db::ids::TenantId;
use patchbay_db::{Db, DbConfig, Ids, Pools};
use patchbay_queue::lanes::Window;
use patchbay_queue::{
    Dispatcher, Handler, Job, JobContext, JobError, JobRequest, Keeper, KeeperSettings, Lanes, NewJob, Outcome, Policy,
    QueueBackend, Registry, WorkerSettings,
};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::measure::latency::Latencies;
use crate::postgres::Database;
use crate::{clock, folders, stack};

/// The queue of these benches.
pub const QUEUE: &str = "bench";
/// Jobs that a worker runs at a time.
pub const CONCURRENCY: usize = 256;

/// A job that does nothing.
#[derive(Debug, Serialize, Deserialize)]
pub struct Nothing {
    /// When it was due to be enqueued, in microseconds of the world's life; 0 where nobody asks.
    pub due_us: u64,
}

impl Job for Nothing {
    const KIND: &'static str = "bench.nothing";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = QUEUE;
    const POLICY: Policy = Policy::DEFAULT;
}

/// What the handler saw.
pub struct Seen {
    begin: Instant,
    runs: AtomicUsize,
    latencies: Latencies,
}

#[derive(Clone)]
struct Counter(Arc<Seen>);

#[async_trait]
impl Handler<Nothing> for Counter {
    async fn run(&self, job: Nothing, _: &JobContext) -> Result<Outcome, JobError> {
        if job.due_us > 0 {
            self.0.latencies.record(self.0.begin.elapsed().saturating_sub(Duration::from_micros(job.due_us)));
        }
        self.0.runs.fetch_add(1, Ordering::Relaxed);
        Ok(Outcome::Done(None))
    }
}

/// What the engine's benches share.
pub struct World {
    /// The way into the database; enqueues as the product does.
    pub db: Db,
    /// The dispatcher's side.
    pub lanes: Lanes,
    /// Where Redis is.
    pub redis: String,
    pools: Pools,
    begin: Instant,
    database: Database,
    stop: CancellationToken,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

impl World {
    /// A migrated database, an empty namespace, a keeper at work.
    pub async fn new() -> Result<Self> {
        let redis = folders::required("REDIS_URL")?;
        let database = Database::create().await?;
        let url = secrecy::SecretString::from(database.url().to_owned());
        patchbay_db::migrate::up(&url).await?;
        let pools = Pools::new(&DbConfig::new(url))?;
        let namespace = format!("bench-{}", std::process::id());
        let lanes = Lanes::connect(&redis, &namespace)?;
        lanes.forget(QUEUE).await?;
        let db = Db::new(pools.clone(), Ids::new(stack::random()), Dispatcher::start(lanes.clone(), Window::default()));
        let stop = CancellationToken::new();
        let keeper = Keeper::new(lanes.clone(), pools.system().clone(), KeeperSettings::new("bench"));
        let keeper = Mutex::new(Some(tokio::spawn(keeper.run(stop.clone()))));
        let begin = Instant::now();
        Ok(Self { db, lanes, redis, pools, begin, database, stop, keeper })
    }

    /// A new tenant; the engine knows tenants only as ids.
    pub fn tenant(&self) -> TenantId {
        self.db.new_id(clock::now())
    }

    /// A job of `tenant` that does nothing.
    pub fn job(&self, tenant: TenantId, due: Option<Instant>) -> NewJob {
        let due = due.map_or(Duration::ZERO, |due| due - self.begin);
        let job = Nothing { due_us: u64::try_from(due.as_micros()).unwrap_or(u64::MAX) };
        JobRequest::new(self.db.ids().uuid(clock::now()), tenant.into(), job).into()
    }

    /// A worker at work.
    pub fn work(&self) -> Worker {
        let seen = Arc::new(Seen { begin: self.begin, runs: AtomicUsize::new(0), latencies: Latencies::new() });
        let name = format!("bench-{}", Uuid::from(self.tenant()));
        let settings = WorkerSettings::new(name.clone(), CONCURRENCY);
        let backend = QueueBackend::start(QUEUE, settings, self.lanes.clone(), self.pools.system().clone());
        let draining = backend.draining();
        let service = backend.service(Registry::default().with::<Nothing, _>(Counter(seen.clone())));
        let worker = WorkerBuilder::new(name).backend(backend).build(service);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let ended = tokio::spawn(async move {
            let until = async move {
                // A sender that is gone says the same.
                stopped.await.ok();
                Ok::<(), std::io::Error>(())
            };
            Ok(worker.run_until(until).await?)
        });
        Worker { seen, draining, stop, ended }
    }

    /// Runs one job, so that the queue is open, the statements are prepared and the pools are filled.
    pub async fn warm_up(&self) -> Result<()> {
        let tenant = self.tenant();
        let mut tx = self.db.begin(tenant).await?;
        tx.enqueue(self.job(tenant, None)).await?;
        tx.commit().await?;
        let worker = self.work();
        self.all_done().await?;
        worker.stop().await
    }

    /// Jobs that have not ended, by the ledger.
    pub async fn unfinished(&self) -> Result<i64> {
        let client = self.database.observe().await?;
        let row = client.query_one("SELECT count(*) FROM queue.jobs WHERE state = 'waiting'", &[]).await?;
        Ok(row.get(0))
    }

    /// Waits until every job has ended in the ledger.
    pub async fn all_done(&self) -> Result<()> {
        let client = self.database.observe().await?;
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
    pub async fn end(&self) -> Result<()> {
        self.stop.cancel();
        let keeper = self.keeper.lock().expect("no holder of this lock can panic").take();
        if let Some(keeper) = keeper {
            keeper.await.context("the keeper panicked")?;
        }
        self.lanes.forget(QUEUE).await?;
        self.pools.close();
        self.database.drop_now().await
    }
}

/// A worker at work.
pub struct Worker {
    seen: Arc<Seen>,
    draining: CancellationToken,
    stop: tokio::sync::oneshot::Sender<()>,
    ended: JoinHandle<Result<()>>,
}

impl Worker {
    /// Runs so far.
    pub fn runs(&self) -> usize {
        self.seen.runs.load(Ordering::Relaxed)
    }

    /// Waits until there were so many runs.
    pub async fn until(&self, runs: usize) {
        while self.runs() < runs {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// From when a job was due to be enqueued to the start of its run.
    pub fn latencies(&self) -> &Latencies {
        &self.seen.latencies
    }

    /// Stops it; every outcome is written then.
    pub async fn stop(self) -> Result<()> {
        self.draining.cancel();
        self.stop.send(()).ok();
        self.ended.await.context("the worker panicked")??;
        Ok(())
    }
}
