//! What every test stands on: an empty database, an empty namespace, workers that can be stopped.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use apalis_core::worker::builder::WorkerBuilder;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use patchbay_db::testdb::TestDb;
use patchbay_queue::context::LedgerPool;
use patchbay_queue::lanes::Window;
use patchbay_queue::ledger::{self, Inserted, view::JobView};
use patchbay_queue::*;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const QUEUE: &str = "tests";

/// What a test job is told to do.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub enum Act {
    Succeed,
    Fail,
    FailFor(i32),
    Refuse,
    Panic,
    SnoozeOnce,
    Sleep(u64),
    Count(i32),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Work {
    pub act: Act,
}

impl Job for Work {
    const KIND: &'static str = "tests.work";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = QUEUE;
    const POLICY: Policy = Policy {
        max_attempts: 3,
        backoff: Duration::from_millis(10),
        backoff_max: Duration::from_millis(50),
        timeout: Duration::from_secs(20),
        priority: 0,
    };
}

/// Does what the job says, and remembers it.
#[derive(Clone, Default)]
pub struct Doer {
    pub runs: Arc<Mutex<Vec<(Uuid, Uuid)>>>,
    pub now: Arc<AtomicUsize>,
}

#[async_trait]
impl Handler<Work> for Doer {
    async fn run(&self, job: Work, ctx: &JobContext) -> Result<Outcome, JobError> {
        self.runs.lock().unwrap().push((ctx.tenant(), ctx.id()));
        match job.act {
            Act::Succeed => Ok(Outcome::Done(Some(serde_json::json!({"attempt": ctx.attempt()})))),
            Act::Fail => Err(JobError::retryable("failed", "as told")),
            Act::FailFor(times) if ctx.attempt() <= times => Err(JobError::retryable("failed", "as told")),
            Act::FailFor(_) => Ok(Outcome::Done(None)),
            Act::Refuse => Err(JobError::permanent("refused", "as told")),
            Act::Panic => panic!("as told"),
            Act::SnoozeOnce => {
                let runs = self.runs.lock().unwrap().iter().filter(|(_, id)| *id == ctx.id()).count();
                if runs > 1 {
                    return Ok(Outcome::Done(None));
                }
                Ok(Outcome::Snooze { until: Utc::now() + chrono::TimeDelta::milliseconds(300), reason: "quiet".into() })
            }
            Act::Sleep(ms) => {
                self.now.fetch_add(1, Ordering::SeqCst);
                let slept = tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(ms)) => Ok(Outcome::Done(None)),
                    () = ctx.cancelled() => Ok(Outcome::Cancelled),
                };
                self.now.fetch_sub(1, Ordering::SeqCst);
                slept
            }
            Act::Count(total) => {
                ctx.progress(ledger::progress::Progress {
                    total,
                    succeeded: total - 1,
                    failed: 1,
                    skipped: 0,
                    held: 0,
                })
                .await;
                Ok(Outcome::Done(None))
            }
        }
    }
}

impl Doer {
    pub fn count(&self) -> usize {
        self.runs.lock().unwrap().len()
    }

    pub fn registry(&self) -> Registry {
        Registry::default().with::<Work, _>(self.clone())
    }
}

pub struct World {
    pub lanes: Lanes,
    pub ledger: LedgerPool,
    pub window: Window,
    namespace: String,
    db: Arc<TestDb>,
}

/// Without JIT, as the product's pools are: it takes seconds over statements that run for milliseconds.
fn pool(url: &str) -> LedgerPool {
    let and = if url.contains('?') { '&' } else { '?' };
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(format!("{url}{and}options=-cjit%3Doff"));
    Pool::builder(manager).max_size(6).build().unwrap()
}

impl World {
    pub async fn new() -> Self {
        let db = Arc::new(TestDb::new().await);
        let ledger = pool(db.url());
        let namespace = format!("test-{}", Uuid::now_v7().simple());
        let lanes = Lanes::connect(&std::env::var("REDIS_URL").expect("REDIS_URL"), &namespace).unwrap();
        lanes.open(QUEUE, false).await.unwrap();
        Self { lanes, ledger, window: Window::default(), namespace, db }
    }

    /// The address of the ledger.
    pub fn url(&self) -> &str {
        self.db.url()
    }

    /// A connection that looks behind the lanes' back.
    pub async fn redis(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(std::env::var("REDIS_URL").expect("REDIS_URL")).unwrap();
        // A shared machine's disk stands still for longer than the half second that is usual.
        let patient = redis::AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(10)));
        client.get_multiplexed_async_connection_with_config(&patient).await.unwrap()
    }

    /// The name of a key of the queue.
    pub fn key(&self, name: &str) -> String {
        format!("{}:{{{QUEUE}}}:{name}", self.namespace)
    }

    /// The same world with connections of its own, for a runtime that may stand still: what lives there must not be lent
    /// to others.
    pub fn again(&self) -> Self {
        self.behind(self.url(), &std::env::var("REDIS_URL").expect("REDIS_URL"))
    }

    /// The same world, reached by other ways.
    pub fn behind(&self, ledger: &str, redis: &str) -> Self {
        let lanes = Lanes::connect(redis, &self.namespace).unwrap();
        let (namespace, db) = (self.namespace.clone(), self.db.clone());
        Self { lanes, ledger: pool(ledger), window: self.window, namespace, db }
    }

    pub fn job(&self, tenant: Uuid, act: Act) -> NewJob {
        JobRequest::new(Uuid::now_v7(), tenant, Work { act }).into()
    }

    pub async fn accept(&self, jobs: &[NewJob]) -> Vec<Inserted> {
        let mut conn = self.ledger.get().await.unwrap();
        ledger::insert(&mut conn, jobs).await.unwrap()
    }

    /// Accepts and pushes, as a caller with a dispatcher would.
    pub async fn enqueue(&self, jobs: &[NewJob]) {
        let inserted = self.accept(jobs).await;
        let due: Vec<Envelope> = jobs
            .iter()
            .zip(inserted)
            .filter(|(_, inserted)| *inserted == Inserted::Waiting)
            .map(|(job, _)| Envelope::from(job))
            .collect();
        self.lanes.push(QUEUE, &due, self.window, Instant::now()).await.unwrap();
    }

    pub async fn enqueue_one(&self, act: Act) -> Uuid {
        let job = self.job(Uuid::now_v7(), act);
        self.enqueue(std::slice::from_ref(&job)).await;
        job.id
    }

    pub async fn view(&self, id: Uuid) -> JobView {
        let mut conn = self.ledger.get().await.unwrap();
        ledger::view::get_many(&mut conn, &[id]).await.unwrap().remove(0)
    }

    /// Waits (event by event, not for luck) until the job is in one of `states`.
    pub async fn until(&self, id: Uuid, states: &[&str]) -> JobView {
        for _ in 0..400 {
            let view = self.view(id).await;
            if states.contains(&view.state.as_str()) {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("job {id} is {:?}, not {states:?}", self.view(id).await);
    }

    /// Waits until the job is as `wanted` says.
    pub async fn until_view(&self, id: Uuid, wanted: impl Fn(&JobView) -> bool) -> JobView {
        for _ in 0..800 {
            let view = self.view(id).await;
            if wanted(&view) {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("job {id} is {:?}", self.view(id).await);
    }

    pub async fn count(&self, state: &str) -> i64 {
        self.count_where(&format!("state = '{state}'")).await
    }

    /// Jobs with an error to their name.
    pub async fn errors(&self) -> i64 {
        self.count_where("errors > 0").await
    }

    /// How often all jobs' rows were written, beyond their insert.
    pub async fn revisions(&self) -> i64 {
        self.number("SELECT coalesce(sum(revision), 0)::int8 AS count FROM queue.jobs").await
    }

    async fn count_where(&self, condition: &str) -> i64 {
        self.number(&format!("SELECT count(*) AS count FROM queue.jobs WHERE {condition}")).await
    }

    /// What a statement counts (`count`).
    pub async fn number(&self, sql: &str) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Count {
            #[diesel(sql_type = diesel::sql_types::Int8)]
            count: i64,
        }
        let mut conn = self.ledger.get().await.unwrap();
        let row: Count = diesel::sql_query(sql).get_result(&mut conn).await.unwrap();
        row.count
    }

    pub async fn until_at_least(&self, state: &str, wanted: i64) {
        for _ in 0..4_000 {
            if self.count(state).await >= wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{} jobs are {state}, not {wanted}", self.count(state).await);
    }

    pub async fn until_count(&self, state: &str, wanted: i64) {
        for _ in 0..1200 {
            if self.count(state).await == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{} jobs are {state}, not {wanted}", self.count(state).await);
    }

    pub fn keeper(&self) -> Keeper {
        let mut settings = KeeperSettings::new(format!("keeper-{}", Uuid::now_v7()));
        settings.window = self.window;
        settings.lease = Duration::from_millis(800);
        Keeper::new(self.lanes.clone(), self.ledger.clone(), settings)
    }

    /// A keeper at work until it is dropped.
    pub fn keep(&self) -> tokio_util::sync::DropGuard {
        let stop = CancellationToken::new();
        tokio::spawn(self.keeper().run(stop.clone()));
        stop.drop_guard()
    }

    pub fn settings(&self, concurrency: usize) -> WorkerSettings {
        let mut settings = WorkerSettings::new(format!("worker-{}", Uuid::now_v7()), concurrency);
        settings.lease = Duration::from_millis(1500);
        settings
    }

    pub fn work(&self, registry: Registry, concurrency: usize) -> Running {
        self.work_as(self.settings(concurrency), registry)
    }

    /// The same with settings of the test's own.
    pub fn work_as(&self, settings: WorkerSettings, registry: Registry) -> Running {
        let backend = QueueBackend::start(QUEUE, settings, self.lanes.clone(), self.ledger.clone());
        let (inflight, draining, service) = (backend.inflight(), backend.draining(), backend.service(registry));
        let serving = backend.serving();
        let worker = WorkerBuilder::new(format!("w-{}", Uuid::now_v7())).backend(backend).build(service);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let ended = tokio::spawn(async move {
            worker
                .run_until(async move {
                    let _sender_gone = stopped.await;
                    Ok::<(), std::io::Error>(())
                })
                .await
                .unwrap();
        });
        Running { inflight, draining, serving, stop: Some(stop), ended }
    }

    /// Takes jobs by hand, as a worker that will never come back would.
    pub async fn claim(&self, want: usize) -> Vec<Envelope> {
        self.lanes.claim(QUEUE, want, Duration::from_millis(200), "by-hand").await.unwrap().jobs
    }
}

pub struct Running {
    pub inflight: backend::Inflight,
    pub draining: CancellationToken,
    pub serving: backend::Serving,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    ended: tokio::task::JoinHandle<()>,
}

impl Running {
    pub async fn stop(mut self) {
        self.draining.cancel();
        let _gone = self.stop.take().unwrap().send(());
        tokio::time::timeout(Duration::from_secs(20), &mut self.ended).await.expect("the worker ends").unwrap();
    }
}

pub fn in_ms(ms: i64) -> DateTime<Utc> {
    Utc::now() + chrono::TimeDelta::milliseconds(ms)
}
