//! The heartbeat of a worker process: what the live list of workers shows of it.
//!
//! One for all queues of the process, on the thread that keeps its leases: a process whose handlers hold every other
//! thread is still listed, with the very jobs that hold them.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::apart;
use super::serving::Serving;
use crate::Lanes;
use crate::clock::EngineClock;
use crate::lanes::WorkerView;

/// How often a process says that it lives; a few may get lost before it is taken off the list.
const EVERY: Duration = Duration::from_secs(2);
/// How long leaving the list may hold up the end of a process.
const FAREWELL: Duration = Duration::from_secs(1);

/// Who a process is.
#[derive(Debug, Clone)]
pub struct WorkerCard {
    /// The identity its leases carry: new for each process.
    pub id: String,
    /// The host it runs on.
    pub host: String,
    /// The program's version.
    pub version: String,
}

/// A beating heart. Dropped, it stops, and the process is off the list a little later.
#[derive(Debug)]
pub struct Heart {
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Heart {
    /// Lists this process as `card` says, serving `queues`.
    #[must_use]
    pub fn start(lanes: &Lanes, card: WorkerCard, queues: Vec<Serving>) -> Self {
        let stop = CancellationToken::new();
        let task = apart::runtime().spawn(beat(lanes.clone(), card, queues, stop.clone()));
        Self { stop, task: Some(task) }
    }

    /// Takes the process off the list.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take()
            && tokio::time::timeout(FAREWELL, task).await.is_err()
        {
            tracing::debug!("the process stays listed until its last word is old");
        }
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn beat(lanes: Lanes, card: WorkerCard, queues: Vec<Serving>, stop: CancellationToken) {
    // Made here: a connection lives in the runtime that uses it first.
    let lanes = lanes.apart().unwrap_or(lanes);
    let begin = Instant::now();
    let unheard = EngineClock::default();
    loop {
        let now = queues.first().map_or(&unheard, Serving::clock).now();
        let word = WorkerView {
            id: card.id.clone(),
            host: card.host.clone(),
            pid: std::process::id(),
            version: card.version.clone(),
            started_at: now - begin.elapsed(),
            seen_at: now,
            draining: queues.iter().any(|queue| queue.draining().is_cancelled()),
            queues: queues.iter().map(Serving::view).collect(),
        };
        if let Err(error) = lanes.beat(&word).await {
            tracing::debug!(%error, "the list of workers does not hear of this one");
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    if let Err(error) = lanes.leave(&card.id).await {
        tracing::debug!(%error, "the process stays listed until its last word is old");
    }
}
