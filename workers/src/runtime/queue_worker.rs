//! One queue at work: its backend, driven by an apalis worker, and the handles to end it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use apalis_core::worker::builder::WorkerBuilder;
use patchbay_queue::backend::{Inflight, Vitals};
use patchbay_queue::{QueueBackend, Registry, WorkerSettings};
use patchbay_service::connect::Connections;
use tokio_util::sync::CancellationToken;

/// A queue that this process serves.
#[derive(Debug)]
pub struct QueueWorker {
    queue: String,
    inflight: Inflight,
    vitals: Vitals,
    draining: CancellationToken,
    stop: CancellationToken,
    over: CancellationToken,
    failure: Arc<OnceLock<String>>,
}

impl QueueWorker {
    /// Starts to serve `queue` in the current runtime.
    #[must_use]
    pub fn start(queue: &str, settings: WorkerSettings, connections: &Connections, registry: Registry) -> Self {
        let name = format!("{}:{queue}", settings.worker);
        let backend = QueueBackend::start(queue, settings, connections.lanes.clone(), connections.ledger.clone());
        let (inflight, vitals, draining) = (backend.inflight(), backend.vitals(), backend.draining());
        let service = backend.service(registry);
        let worker = WorkerBuilder::new(name).backend(backend).build(service);
        let (stop, over) = (CancellationToken::new(), CancellationToken::new());
        let failure = Arc::new(OnceLock::new());
        let (signal, says_over, says_why) = (stop.clone(), over.clone().drop_guard(), failure.clone());
        tokio::spawn(async move {
            let stopped = async move {
                signal.cancelled().await;
                Ok::<(), std::io::Error>(())
            };
            if let Err(error) = worker.run_until(stopped).await {
                says_why.get_or_init(|| error.to_string());
            }
            drop(says_over);
        });
        Self { queue: queue.to_owned(), inflight, vitals, draining, stop, over, failure }
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
    pub async fn ended(&self) {
        self.over.cancelled().await;
    }

    /// Why it ended, where it was not told to.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Stops what still runs: each job goes back as interrupted, which costs it nothing. Answers how many did.
    pub fn interrupt(&self) -> usize {
        self.inflight.interrupt_all()
    }

    /// How many jobs run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.inflight.running().len()
    }
}

/// Settings of the backend, by the configuration.
pub(super) fn settings(identity: &str, concurrency: usize, lease: Duration) -> WorkerSettings {
    WorkerSettings { lease, ..WorkerSettings::new(identity, concurrency) }
}
