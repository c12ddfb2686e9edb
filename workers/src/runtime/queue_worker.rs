//! One queue at work: its backend, driven by an apalis worker, and the handles to end it.

use std::time::Duration;

use apalis_core::worker::builder::WorkerBuilder;
use patchbay_queue::backend::{Inflight, Vitals};
use patchbay_queue::{QueueBackend, Registry, WorkerSettings};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::connect::Connections;

/// A queue that this process serves.
#[derive(Debug)]
pub struct QueueWorker {
    queue: String,
    inflight: Inflight,
    vitals: Vitals,
    draining: CancellationToken,
    stop: CancellationToken,
    ended: JoinHandle<Result<(), String>>,
}

impl QueueWorker {
    /// Starts to serve `queue` in the current runtime.
    #[must_use]
    pub fn start(queue: &str, settings: WorkerSettings, connections: &Connections, registry: Registry) -> Self {
        let name = format!("{}:{queue}", settings.worker);
        let backend =
            QueueBackend::start(queue, settings, connections.lanes.clone(), connections.ledger.clone());
        let (inflight, vitals, draining) = (backend.inflight(), backend.vitals(), backend.draining());
        let service = backend.service(registry);
        let worker = WorkerBuilder::new(name).backend(backend).build(service);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let ended = tokio::spawn(async move {
            let signal = async move {
                stopped.cancelled().await;
                Ok::<(), std::io::Error>(())
            };
            worker.run_until(signal).await.map_err(|error| error.to_string())
        });
        Self { queue: queue.to_owned(), inflight, vitals, draining, stop, ended }
    }

    /// The queue's name.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// Whether its loops are alive.
    #[must_use]
    pub const fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    /// Claims no more; what was claimed and not begun goes back, what runs goes on.
    pub fn drain(&self) {
        self.draining.cancel();
        self.stop.cancel();
    }

    /// Waits until nothing runs and every outcome is written. Without [`drain`](Self::drain) this is a failure.
    ///
    /// # Errors
    /// Why the worker ended.
    pub async fn ended(&mut self) -> Result<(), String> {
        match (&mut self.ended).await {
            Ok(ended) => ended,
            Err(error) => Err(error.to_string()),
        }
    }

    /// Stops what still runs: each job goes back as interrupted, which costs it nothing. Answers how many did.
    pub fn interrupt(&self) -> usize {
        self.inflight.interrupt_all()
    }

    /// What runs now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.inflight.running().len()
    }
}

/// Settings of the backend, by the configuration.
pub(super) fn settings(identity: &str, concurrency: usize, lease: Duration) -> WorkerSettings {
    WorkerSettings { lease, ..WorkerSettings::new(identity, concurrency) }
}
