//! What the handler of a compiled-in peer sees and does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::Nothing;
use crate::bench::queue::field::{NEIGHBOUR, POOL, Spread};
use crate::measure::latency::Latencies;

/// Counts runs and latencies.
pub struct Seen {
    begin: Instant,
    runs: AtomicUsize,
    latencies: Latencies,
    /// Places of the pool, where jobs take their time.
    pool: Option<Semaphore>,
}

impl Seen {
    /// Jobs that do nothing; `busy`: that fill a pool.
    pub fn new(busy: bool) -> Self {
        Self {
            begin: Instant::now(),
            runs: AtomicUsize::new(0),
            latencies: Latencies::new(),
            pool: busy.then(|| Semaphore::new(POOL)),
        }
    }

    /// A job of this instant.
    pub fn job(&self) -> Nothing {
        Nothing::new(u64::try_from(self.begin.elapsed().as_micros()).unwrap_or(u64::MAX).max(1))
    }

    /// The handler.
    pub async fn run(&self, job: &Nothing) {
        let place = match &self.pool {
            Some(pool) => Some(pool.acquire().await.expect("nobody closes it")),
            None => None,
        };
        if job.at_us > 0 {
            self.latencies.record(self.begin.elapsed().saturating_sub(Duration::from_micros(job.at_us)));
        }
        if place.is_some() {
            tokio::time::sleep(NEIGHBOUR).await;
        }
        self.runs.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits for so many runs.
    pub async fn until(&self, runs: usize) {
        while self.runs.load(Ordering::Relaxed) < runs {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits for the first job that says when it was enqueued; answers how long it waited.
    pub async fn first(&self) -> Duration {
        while self.latencies.count() == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Duration::from_secs_f64(self.latencies.percentile_ms(100.0) / 1000.0)
    }

    /// The latencies so far.
    pub fn spread(&self) -> Spread {
        Spread { p50_ms: self.latencies.percentile_ms(50.0), p99_ms: self.latencies.percentile_ms(99.0) }
    }
}
