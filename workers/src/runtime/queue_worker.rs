//! One queue at work: its backend, driven by an apalis worker, and the handles to end it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use apalis_core::worker::builder::WorkerBuilder;
use patchbay_queue::backend::{Serving, Vitals};
use patchbay_queue::{QueueBackend, Registry, WorkerSettings};
use patchbay_service::connect::Connections;
use tokio_util::sync::CancellationToken;

/// A queue that this process serves.
#[derive(Debug)]
pub struct QueueWorker {
    serving: Serving,
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
        let serving = backend.serving();
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
        Self { serving, stop, over, failure }
    }

    /// The queue's name.
    #[must_use]
    pub fn queue(&self) -> &str {
        self.serving.queue()
    }

    /// Whether its loops are alive.
    #[must_use]
    pub fn vitals(&self) -> &Vitals {
        self.serving.vitals()
    }

    /// What the list of workers is told of it.
    #[must_use]
    pub const fn serving(&self) -> &Serving {
        &self.serving
    }

    /// Claims no more; what was claimed and not begun goes back, what runs goes on.
    pub fn drain(&self) {
        self.serving.draining().cancel();
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
        self.serving.inflight().interrupt_all()
    }

    /// How many jobs run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.serving.inflight().running().len()
    }
}

/// Resolves when a run that was given up has gone on for `patience` in one of `workers`.
pub async fn haunted(workers: &[QueueWorker], patience: Duration) {
    while workers.iter().all(|worker| worker.vitals().haunted() < patience) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
