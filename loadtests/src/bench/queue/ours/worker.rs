//! A worker of ours on the bench's queue: in the bench's process, or alone in its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use apalis_core::worker::builder::WorkerBuilder;
use async_trait::async_trait;
use patchbay_db::Pools;
use patchbay_queue::{Handler, JobContext, JobError, Lanes, Outcome, QueueBackend, Registry, WorkerSettings};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::job::{Nothing, QUEUE};

/// What the handler saw.
struct Seen {
    begin: Instant,
    runs: AtomicUsize,
    waits: Mutex<Vec<Duration>>,
    wait: Duration,
}

#[derive(Clone)]
struct Counter(Arc<Seen>);

#[async_trait]
impl Handler<Nothing> for Counter {
    async fn run(&self, job: Nothing, _: &JobContext) -> Result<Outcome, JobError> {
        if job.at_us > 0 {
            let waited = self.0.begin.elapsed().saturating_sub(Duration::from_micros(job.at_us));
            self.0.waits.lock().expect("no holder of this lock can panic").push(waited);
        }
        if !self.0.wait.is_zero() {
            tokio::time::sleep(self.0.wait).await;
        }
        self.0.runs.fetch_add(1, Ordering::Relaxed);
        Ok(Outcome::Done(None))
    }
}

/// How a worker works.
#[derive(Debug, Clone)]
pub struct Work {
    /// Its name: new for each.
    pub name: String,
    /// Jobs at a time.
    pub concurrency: usize,
    /// How long a job waits before it is done.
    pub wait: Duration,
    /// What the jobs' `at_us` counts from.
    pub begin: Instant,
}

/// A worker at work.
pub struct Worker {
    seen: Arc<Seen>,
    draining: CancellationToken,
    stop: tokio::sync::oneshot::Sender<()>,
    ended: JoinHandle<Result<()>>,
}

impl Worker {
    /// Starts it.
    pub fn start(lanes: Lanes, pools: &Pools, work: Work) -> Self {
        let Work { name, concurrency, wait, begin } = work;
        let seen = Arc::new(Seen { begin, runs: AtomicUsize::new(0), waits: Mutex::default(), wait });
        let settings = WorkerSettings::new(name.clone(), concurrency);
        let backend = QueueBackend::start(QUEUE, settings, lanes, pools.system().clone());
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
        Self { seen, draining, stop, ended }
    }

    /// Runs so far.
    pub fn runs(&self) -> usize {
        self.seen.runs.load(Ordering::Relaxed)
    }

    /// Waits until there were so many runs.
    pub async fn until(&self, runs: usize) {
        while self.runs() < runs {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// From the call that enqueued a job to the start of its run: of those that started since this was last asked.
    pub fn waits(&self) -> Vec<Duration> {
        std::mem::take(&mut self.seen.waits.lock().expect("no holder of this lock can panic"))
    }

    /// Waits for the next of those.
    pub async fn next_wait(&self) -> Duration {
        loop {
            if let Some(waited) = self.waits().pop() {
                return waited;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Stops it; every outcome is written then.
    pub async fn stop(self) -> Result<()> {
        self.draining.cancel();
        self.stop.send(()).ok();
        self.ended.await.context("the worker panicked")??;
        Ok(())
    }
}
